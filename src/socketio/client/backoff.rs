/// The delays between attempts to reconnect, as the JavaScript client computes them: `delay * factor^n`, then the jitter, then the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    delay: u32,
    max: u32,
    factor: u8,
    randomization: u8,
    limit: Option<u32>,
    attempts: u32,
}

impl Backoff {
    /// 1,000 ms, at most 5,000 ms, factor 2, randomization 50 %, no limit of attempts.
    pub const fn new() -> Self {
        todo!()
    }
    /// Milliseconds before the first attempt.
    pub const fn delay(self, ms: u32) -> Self {
        todo!()
    }
    pub const fn max(self, ms: u32) -> Self {
        todo!()
    }
    pub const fn factor(self, factor: u8) -> Self {
        todo!()
    }
    /// In percent, 0 to 100.
    pub const fn randomization(self, percent: u8) -> Self {
        todo!()
    }
    /// The number of attempts. 0: never reconnect.
    pub const fn limit(self, attempts: u32) -> Self {
        todo!()
    }
    /// Milliseconds to wait before the next attempt, and counts it. `None`: no attempt is left. `random`: any 32 random bits (a fraction of 2^32).
    pub fn next(&mut self, random: u32) -> Option<u64> {
        todo!()
    }
    /// The connection was made.
    pub const fn reset(&mut self) {
        self.attempts = 0;
    }
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }
}
