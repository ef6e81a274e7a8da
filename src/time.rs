//! Time as an argument. The crate reads no clock: a call that depends on time takes an [`Instant`].
//!
//! ```
//! use sansocket::time::Instant;
//!
//! /// The clock of a program on `std`. On a board this is a timer.
//! fn now(started: std::time::Instant) -> Instant {
//!     Instant::from_millis(started.elapsed().as_millis() as u64)
//! }
//!
//! let started = std::time::Instant::now();
//! let due = now(started).after_millis(25_000);
//! assert!(due > now(started));
//! ```

use core::{fmt, ops::Add, time::Duration};

/// `u64::from`, which is not `const` yet.
pub(crate) const fn millis(ms: u32) -> u64 {
    let [a, b, c, d] = ms.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, 0, 0, 0, 0])
}

/// The first of these times. Out of line, since each endpoint looks for one.
#[inline(never)]
pub(crate) fn earliest(times: &[Option<Instant>]) -> Option<Instant> {
    times.iter().copied().flatten().min()
}

/// A point in time, in milliseconds since an epoch that you choose: the start of the program, or the boot of the board.
///
/// Use a clock that never runs backwards. If a call passes an earlier time than a previous call on the same object, the later time counts. All
/// arithmetic saturates.
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
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The largest value: a deadline that never comes.
    pub const FAR_FUTURE: Self = Self(u64::MAX);

    /// `ms` milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// `ms` milliseconds later.
    #[must_use]
    pub const fn after_millis(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The time from `earlier` to `self`; zero if `earlier` is later.
    #[must_use]
    pub const fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Rounds up to whole milliseconds, so that a deadline never comes early.
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

/// Prints seconds since the epoch, such as `12.345s`, and `never` for [`FAR_FUTURE`](Instant::FAR_FUTURE).
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
