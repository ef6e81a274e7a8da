/// The settings of a client. See the [module page](super) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    pub(super) open_timeout: u32,
}

impl Config {
    /// The settings of the JavaScript client: 20,000 ms for the handshake.
    #[must_use]
    pub const fn new() -> Self {
        Self { open_timeout: 20_000 }
    }

    /// The time until the open packet must have arrived, in milliseconds. A [`Probe`](super::Probe) has the same time.
    #[must_use]
    pub const fn open_timeout(self, ms: u32) -> Self {
        Self { open_timeout: ms }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
