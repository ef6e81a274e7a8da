//! Time is an argument: the crate reads no clock.

use core::{fmt, ops::Add, time::Duration};

/// `u64::from`, which is not `const` yet.
pub(crate) const fn millis(ms: u32) -> u64 {
    let [a, b, c, d] = ms.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, 0, 0, 0, 0])
}

/// A moment, in milliseconds since an epoch of the caller's choice (the start of the program, the boot of the board).
///
/// All arithmetic saturates. The time of one machine never runs backwards: a time earlier than one that the machine was told before counts
/// as that one.
///
/// ```
/// use core::time::Duration;
/// use sansocket::time::Instant;
///
/// let now = Instant::from_millis(1_000);
/// let later = now + Duration::from_secs(2);
/// assert_eq!(later.duration_since(now), Duration::from_secs(2));
/// assert_eq!(now.duration_since(later), Duration::ZERO);
/// assert_eq!(later.to_string(), "3.000s");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// A moment that never comes.
    pub const FAR_FUTURE: Self = Self(u64::MAX);

    /// The moment `ms` milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment `ms` milliseconds later.
    #[must_use]
    pub const fn after_millis(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// How long it is from `earlier` until this moment; nothing when `earlier` is later.
    #[must_use]
    pub const fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Part of a millisecond counts as a whole one, so that a deadline never comes early.
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let ms = duration
            .as_secs()
            .saturating_mul(1000)
            .saturating_add(u64::from(duration.subsec_nanos().div_ceil(1_000_000)));
        self.after_millis(ms)
    }
}

/// Seconds since the epoch, with milliseconds: `12.345s`; [`FAR_FUTURE`](Instant::FAR_FUTURE) is `never`.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::FAR_FUTURE {
            return f.pad("never");
        }
        write!(f, "{}.{:03}s", self.0 / 1000, self.0 % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_and_rounds_up() {
        let at = Instant::from_millis;
        assert_eq!(at(5) + Duration::from_nanos(1), at(6));
        assert_eq!(at(5) + Duration::from_millis(7), at(12));
        assert_eq!(at(5) + Duration::from_nanos(999_999_999), at(1005));
        assert_eq!(at(5) + Duration::MAX, Instant::FAR_FUTURE);
        assert_eq!(at(u64::MAX - 1) + Duration::from_millis(5), Instant::FAR_FUTURE);
        assert_eq!(at(61_007).duration_since(at(7)), Duration::from_secs(61));
        assert_eq!(
            (std::format!("{}", at(61_007)), std::format!("{}", Instant::FAR_FUTURE)),
            ("61.007s".into(), "never".into())
        );
    }
}
