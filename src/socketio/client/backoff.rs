use crate::bytes::hundredth;

/// The delays between attempts to reconnect, as the JavaScript client computes them.
///
/// Before attempt n, counted from 0, the delay is `delay * factor^n`. A random part of at most `randomization` percent is added or subtracted. Then
/// the maximum applies, so that later attempts are often exactly at the maximum.
///
/// ```
/// use sansocket::socketio::client::Backoff;
///
/// // The random numbers come from the application.
/// let mut backoff = Backoff::new().limit(3);
/// assert_eq!(backoff.next(0), Some(1000));
/// assert_eq!(backoff.next(0x4000_0000), Some(1750), "2,000 - 12.5 %");
/// assert_eq!(backoff.next(0xc000_0000), Some(5000), "4,000 + 37.5 % is over the maximum");
/// assert_eq!((backoff.next(0), backoff.attempts()), (None, 3));
///
/// // The connection was made.
/// backoff.reset();
/// assert_eq!(backoff.next(0), Some(1000));
///
/// let mut steady = Backoff::new().delay(300).factor(1).randomization(0).max(10_000);
/// assert_eq!([steady.next(1), steady.next(2)], [Some(300); 2]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    delay: u32,
    max: u32,
    factor: u8,
    randomization: u8,
    /// `u32::MAX`: none.
    limit: u32,
    attempts: u32,
}

/// Above this, the result is the maximum, whatever the random part is: it leaves at least a tenth.
const LARGE: u64 = 10 << 32;

impl Backoff {
    /// The defaults of the JavaScript client: 1,000 ms, at most 5,000 ms, factor 2, randomization 50 %, no limit of attempts. See [`Backoff`].
    #[must_use]
    pub const fn new() -> Self {
        Self { delay: 1000, max: 5000, factor: 2, randomization: 50, limit: u32::MAX, attempts: 0 }
    }

    /// The delay before the first attempt, in milliseconds.
    #[must_use]
    pub const fn delay(mut self, ms: u32) -> Self {
        self.delay = ms;
        self
    }

    /// The largest delay, in milliseconds.
    #[must_use]
    pub const fn max(mut self, ms: u32) -> Self {
        self.max = ms;
        self
    }

    /// The number that the delay is multiplied with after each attempt. 1: the delay stays the same.
    #[must_use]
    pub const fn factor(mut self, factor: u8) -> Self {
        self.factor = factor;
        self
    }

    /// The largest random part, in percent of the delay, up to 100.
    #[must_use]
    pub const fn randomization(mut self, percent: u8) -> Self {
        self.randomization = if percent > 100 { 100 } else { percent };
        self
    }

    /// The number of attempts. 0: never reconnect. `u32::MAX`: no limit, the default.
    #[must_use]
    pub const fn limit(mut self, attempts: u32) -> Self {
        self.limit = attempts;
        self
    }

    /// The milliseconds to wait before the next attempt, which is counted. `None`: no attempt is left. `random` is 32 random bits. See [`Backoff`].
    pub fn next(&mut self, random: u32) -> Option<u64> {
        if self.attempts >= self.limit && self.limit < u32::MAX {
            return None;
        }
        let mut delay = u64::from(self.delay);
        // Two to the 36th is large, and with a factor below two nothing changes any more. No product here reaches 64 bits.
        for _ in 0..self.attempts.min(36) {
            delay = delay.wrapping_mul(u64::from(self.factor)).min(LARGE);
        }
        self.attempts = self.attempts.saturating_add(1);
        // The fraction is random / 2^32. The product with the delay has up to 75 bits, so it is made of two.
        let part = u64::from(random).wrapping_mul(u64::from(self.randomization));
        let [low, high] = [delay & 0xffff, delay >> 16].map(|half| part.wrapping_mul(half));
        let deviation = hundredth(high.wrapping_add(low >> 16) >> 16);
        let first_digit = u64::from(random).wrapping_mul(10) >> 32;
        let delay =
            if first_digit & 1 == 0 { delay.saturating_sub(deviation) } else { delay.saturating_add(deviation) };
        Some(delay.min(u64::from(self.max)))
    }

    /// The connection was made: the next attempt is the first again. See [`Backoff`].
    pub const fn reset(&mut self) {
        self.attempts = 0;
    }

    /// The number of attempts since the last [`reset`](Self::reset).
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn delays<const N: usize>(mut backoff: Backoff, random: u32) -> [u64; N] {
        [(); N].map(|()| backoff.next(random).unwrap())
    }

    /// What the JavaScript client does, in floats as there. `random` is a fraction.
    fn reference(backoff: Backoff, attempt: i32, random: f64) -> f64 {
        let ms = f64::from(backoff.delay) * f64::from(backoff.factor).powi(attempt);
        let deviation = (random * (f64::from(backoff.randomization) / 100.0) * ms).floor();
        let ms = if ((random * 10.0).floor() as i64) & 1 == 0 { ms - deviation } else { ms + deviation };
        ms.min(f64::from(backoff.max))
    }

    #[test]
    fn the_vectors_of_the_reference() {
        assert_eq!(delays(Backoff::new(), 0), [1000, 2000, 4000, 5000, 5000]);
        assert_eq!(delays(Backoff::new(), 1 << 30), [875, 1750, 3500, 5000, 5000]);
        assert_eq!(delays(Backoff::new(), 1 << 31), [1250, 2500, 5000, 5000, 5000]);
        assert_eq!(delays(Backoff::new(), 3 << 30), [1375, 2750, 5000, 5000, 5000]);
    }

    #[test]
    fn a_limit_of_0_never_reconnects() {
        assert_eq!(Backoff::new().limit(0).next(0), None);
    }

    #[test]
    fn an_outage_of_years_stays_at_the_maximum() {
        let mut backoff = Backoff { attempts: u32::MAX - 1, ..Backoff::new() };
        assert_eq!(delays(backoff, u32::MAX), [5000; 4]);
        assert_eq!((backoff.next(0), backoff.next(0), backoff.attempts()), (Some(5000), Some(5000), u32::MAX));
        let zero = Backoff::new().delay(0);
        assert_eq!(delays(Backoff { attempts: 1 << 20, ..zero }, 1), [0; 2]);
        assert_eq!(delays(Backoff { attempts: 9, ..Backoff::new().factor(0) }, 1), [0; 2]);
    }

    proptest! {
        /// The JavaScript client computes with floats. They are exact for a randomization that is exact in binary.
        #[test]
        fn integers_give_what_floats_give(
            delay in prop_oneof![0..100_000_u32, any::<u32>()], max in prop_oneof![0..100_000_u32, any::<u32>()],
            factor in 0..5_u8, percent in prop_oneof![Just(0_u8), Just(25), Just(50), Just(100)],
            attempt in 0..70_u32, random in any::<u32>(),
        ) {
            let backoff = Backoff::new().delay(delay).max(max).factor(factor).randomization(percent);
            // So that the product has 53 bits.
            let random = random & 0xffff_0000;
            let expected = reference(backoff, attempt as i32, f64::from(random) / 4_294_967_296.0);
            let found = Backoff { attempts: attempt, ..backoff }.next(random).unwrap();
            prop_assert_eq!(found as f64, expected);
        }
    }
}
