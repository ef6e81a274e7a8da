/// What a server tells its clients in the open packet, and keeps to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    pub(crate) ping_interval: u32,
    pub(crate) ping_timeout: u32,
    pub(crate) max_payload: u32,
    pub(crate) upgrade_timeout: u32,
}

impl Config {
    /// A ping every 25,000 ms, 20,000 ms for its answer, payloads of at most 1,000,000 bytes, 10,000 ms for an upgrade: what the reference has.
    #[must_use]
    pub const fn new() -> Self {
        Self { ping_interval: 25_000, ping_timeout: 20_000, max_payload: 1_000_000, upgrade_timeout: 10_000 }
    }

    /// Milliseconds from the start, or from the last answer, to the next ping.
    #[must_use]
    pub const fn ping_interval(mut self, ms: u32) -> Self {
        self.ping_interval = ms;
        self
    }

    /// Milliseconds that the answer to a ping may take.
    #[must_use]
    pub const fn ping_timeout(mut self, ms: u32) -> Self {
        self.ping_timeout = ms;
        self
    }

    /// Milliseconds that a move from polling to a WebSocket may take.
    #[must_use]
    pub const fn upgrade_timeout(mut self, ms: u32) -> Self {
        self.upgrade_timeout = ms;
        self
    }

    /// Bytes of a payload, told to the client. For a WebSocket the limit that is enforced is
    /// [`ws::Limits::message`](crate::ws::Limits::message): give both the same value.
    #[must_use]
    pub const fn max_payload(mut self, bytes: u32) -> Self {
        self.max_payload = bytes;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
