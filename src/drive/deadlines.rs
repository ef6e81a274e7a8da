use crate::ws::Timeouts;

/// The deadlines of a driver.
///
/// ```
/// use sansocket::{drive::Deadlines, ws::Timeouts};
///
/// const QUICK: Deadlines = Deadlines::new().write(2_000).others(Timeouts::new().ping_interval(5_000).pong(2_000).idle(0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    pub(super) write: u32,
    pub(super) others: Timeouts,
}

impl Deadlines {
    /// The defaults: those of [`Timeouts::new`], 60 s for an idle peer, and 20 s for writing.
    #[must_use]
    pub const fn new() -> Self {
        Self { write: 20_000, others: Timeouts::new().idle(60_000) }
    }

    /// The maximum time in milliseconds in which the peer takes not a single byte of what is sent. 0: no limit. Then a peer
    /// that takes nothing stops each call of a [`WebSocket`](super::WebSocket) that has something to send, whatever the other deadlines are.
    #[must_use]
    pub const fn write(mut self, ms: u32) -> Self {
        self.write = ms;
        self
    }

    /// The others.
    #[must_use]
    pub const fn others(mut self, timeouts: Timeouts) -> Self {
        self.others = timeouts;
        self
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self::new()
    }
}
