/// The settings of a server. Most are sent to clients in the open packet. See the [module page](super) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    pub(crate) ping_interval: u32,
    pub(crate) ping_timeout: u32,
    pub(crate) max_payload: u32,
    pub(crate) upgrade_timeout: u32,
}

impl Config {
    /// The settings of the JavaScript server: a ping every 25,000 ms, 20,000 ms for the pong, payloads of at most 1,000,000 bytes, and 10,000 ms for
    /// an upgrade.
    #[must_use]
    pub const fn new() -> Self {
        Self { ping_interval: 25_000, ping_timeout: 20_000, max_payload: 1_000_000, upgrade_timeout: 10_000 }
    }

    /// The time from the start, or from the last pong, to the next ping, in milliseconds.
    #[must_use]
    pub const fn ping_interval(mut self, ms: u32) -> Self {
        self.ping_interval = ms;
        self
    }

    /// The time that the client has to answer a ping, in milliseconds.
    #[must_use]
    pub const fn ping_timeout(mut self, ms: u32) -> Self {
        self.ping_timeout = ms;
        self
    }

    /// The time for an upgrade from polling to a WebSocket, in milliseconds. It is not sent to clients.
    #[must_use]
    pub const fn upgrade_timeout(mut self, ms: u32) -> Self {
        self.upgrade_timeout = ms;
        self
    }

    /// The largest payload, in bytes. It is sent to clients, and a [`Session`](super::Session) does not enforce it. Limit the body of a POST in the
    /// HTTP server, and the messages of a WebSocket by [`ws::Limits::message`](crate::ws::Limits::message), to the same value.
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
