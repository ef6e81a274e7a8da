use crate::Compression;
use sansocket::{
    drive::Deadlines,
    ws::{Limits, Timeouts},
};
use std::time::Duration;

/// Limits and deadlines of a WebSocket. All have defaults that suit most applications; `Duration::ZERO` turns a deadline off.
///
/// ```
/// use sansocket_tokio::websocket::Config;
/// use std::time::Duration;
///
/// let config = Config::new().max_message(64 * 1024).ping_interval(Duration::from_secs(15)).idle_timeout(Duration::from_secs(40));
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    max_message: usize,
    limits: Limits,
    handshake: Duration,
    ping_interval: Duration,
    pong: Duration,
    idle: Duration,
    write: Duration,
    close: Duration,
    pub(super) compression: Option<Compression>,
}

impl Config {
    /// The defaults: those that each setting names.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_message: 16 << 20,
            limits: Limits::new(),
            handshake: Duration::from_secs(10),
            ping_interval: Duration::from_secs(30),
            pong: Duration::from_secs(20),
            idle: Duration::from_secs(60),
            write: Duration::from_secs(20),
            close: Duration::from_secs(10),
            compression: None,
        }
    }

    /// The largest message, in bytes, that the peer may send: 16 MiB. A larger one ends the connection with close code 1009. Memory is used for what has
    /// arrived, not for what was announced.
    #[must_use]
    pub const fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// Offers compression of messages (permessage-deflate), or accepts it. Off unless it is set. A connection whose handshake may agree on it holds 80 KiB to
    /// unpack in, and the memory of the [tier](Compression::tier), also without takeover.
    #[must_use]
    pub const fn compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// How many frames the peer may use for one message: 65,536.
    #[must_use]
    pub const fn max_fragments(mut self, frames: u32) -> Self {
        self.limits = self.limits.fragments(frames);
        self
    }

    /// How long the opening handshake may take: 10 s. For clients this does not include the way to the server (name, TCP, TLS), which has deadlines of its own.
    #[must_use]
    pub const fn handshake_timeout(mut self, time: Duration) -> Self {
        self.handshake = time;
        self
    }

    /// How often a ping is sent: every 30 s.
    #[must_use]
    pub const fn ping_interval(mut self, time: Duration) -> Self {
        self.ping_interval = time;
        self
    }

    /// How long the peer may take to answer a ping: 20 s. Then the connection is over.
    #[must_use]
    pub const fn pong_timeout(mut self, time: Duration) -> Self {
        self.pong = time;
        self
    }

    /// How long nothing may arrive, not even a pong: 60 s. Then the connection is over. Set it longer than the time from one ping to the next.
    #[must_use]
    pub const fn idle_timeout(mut self, time: Duration) -> Self {
        self.idle = time;
        self
    }

    /// How long the peer may take not a single byte of what is sent: 20 s. Then the connection is over.
    #[must_use]
    pub const fn write_timeout(mut self, time: Duration) -> Self {
        self.write = time;
        self
    }

    /// How long the peer may take to answer a close frame: 10 s.
    #[must_use]
    pub const fn close_timeout(mut self, time: Duration) -> Self {
        self.close = time;
        self
    }

    pub(super) fn limits(&self) -> Limits {
        let most = u64::try_from(self.max_message).unwrap_or(u64::MAX);
        self.limits.message(most).frame(most)
    }

    pub(super) fn deadlines(&self) -> Deadlines {
        let others = Timeouts::new()
            .handshake(millis(self.handshake))
            .ping_interval(millis(self.ping_interval))
            .pong(millis(self.pong))
            .idle(millis(self.idle))
            .close(millis(self.close));
        Deadlines::new().write(millis(self.write)).others(others)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// Rounded up: a short time is not "off".
fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_off_only_if_it_is_zero() {
        let cases = [(0, 0), (1, 1), (999_999, 1), (1_000_000, 1), (1_000_001, 2), (u64::MAX, u32::MAX)];
        for (nanos, ms) in cases {
            assert_eq!(millis(Duration::from_nanos(nanos)), ms);
        }
        assert_eq!(millis(Duration::MAX), u32::MAX);
    }
}
