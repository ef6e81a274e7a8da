//! A line for what the machines decide: endings, refusals, reconnections. By the crates `log` and `defmt`, with the features of these names; without them
//! nothing is left of it.

/// A line of the level `info`. The values are printed by `Display` or `Debug` for `log`, by `Format` for `defmt`.
macro_rules! note {
    ($text:literal $(, $value:expr)* $(,)?) => {{
        #[cfg(feature = "log")]
        log::info!($text $(, $value)*);
        #[cfg(feature = "defmt")]
        defmt::info!($text $(, $value)*);
        #[cfg(not(any(feature = "log", feature = "defmt")))]
        let _ = ($(&$value,)*);
    }};
}
