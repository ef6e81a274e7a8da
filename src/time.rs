//! Time is an argument: the crate reads no clock.

use core::time::Duration;

/// `u64::from`, which is not `const` yet.
pub(crate) const fn millis(ms: u32) -> u64 {
    let [a, b, c, d] = ms.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, 0, 0, 0, 0])
}

/// A moment, in milliseconds since an epoch of the caller's choice (the start of the program, the boot of the board).
///
/// All arithmetic saturates. It must not run backwards for one machine; a machine that is told an earlier time than before
/// treats it as a call that came too early, which does nothing.
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
