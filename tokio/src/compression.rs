use sansocket::{
    deflate::Tier,
    ws::{self, Deflater, Inflater},
};

/// Compression of messages over WebSockets (permessage-deflate, RFC 7692): `perMessageDeflate` of the JavaScript server and client.
///
/// It is off unless it is set, as in the JavaScript server: it costs time for each message, and memory for each connection that keeps a window. What is
/// set here is offered, or accepted from those who offer it; with all others a connection goes plain. Browsers and the JavaScript client in Node offer it.
/// What is sent over polling is not compressed: gzip is the business of the HTTP server or of the proxy in front.
///
/// Without takeover, the default, each message is compressed by itself. Then an idle connection holds nothing for it, since the memory belongs to the
/// threads: about 90 KiB for each, and more for a moment while larger messages arrive. A broadcast is compressed once for all receivers.
///
/// With [takeover](Self::takeover) a message is compressed with regard to those before it. Short messages of the same kind get much shorter; each
/// connection holds [`bytes_per_connection`](Self::bytes_per_connection), and a broadcast is compressed for each receiver.
///
/// A message that unpacks to more than the largest message that is accepted ends its connection with close code 1009, as soon as that shows.
///
/// ```
/// use sansocket_tokio::{Compression, client::Client, server::{Config, Server}};
///
/// let io = Server::new(Config::new().compression(Compression::new()));
/// let client = Client::builder("http://localhost:3000").compression(Compression::new().threshold(256));
///
/// // Small windows that are kept: at most 16 KiB for each connection.
/// let compression = Compression::new().within(16 * 1024);
/// assert!(compression.bytes_per_connection() <= 16 * 1024);
/// assert_eq!(Compression::new().bytes_per_connection(), 0);
/// # let _ = (io, client);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    tier: Tier,
    threshold: usize,
    send_bits: u8,
    receive_bits: u8,
    has_takeover: bool,
}

/// The tiers that keep a history, the largest first.
const TIERS: [Tier; 4] = [Tier::LARGE, Tier::MEDIUM, Tier::SMALL, Tier::TINY];

impl Compression {
    /// Each message by itself, with [`Tier::MEDIUM`], messages of at least 1,024 bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            tier: Tier::MEDIUM,
            threshold: Deflater::<Vec<u8>>::THRESHOLD,
            send_bits: 15,
            receive_bits: 15,
            has_takeover: false,
        }
    }

    /// Messages of fewer bytes go out plain: 1,024 if not set, as in JavaScript.
    #[must_use]
    pub const fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// How much memory a compressor has. More gives shorter messages.
    #[must_use]
    pub const fn tier(mut self, tier: Tier) -> Self {
        self.tier = tier;
        self
    }

    /// The window of what is sent has at most 2^`bits` bytes: 8 to 15. It is never larger than that of the tier.
    #[must_use]
    pub const fn send_window_bits(mut self, bits: u8) -> Self {
        self.send_bits = bits;
        self
    }

    /// The window of what the peer sends has at most 2^`bits` bytes: 8 to 15. It matters only with takeover. A client that cannot be told so, such as
    /// Firefox, is asked to send each message by itself.
    #[must_use]
    pub const fn receive_window_bits(mut self, bits: u8) -> Self {
        self.receive_bits = bits;
        self
    }

    /// Keeps the windows of a connection from one message to the next, in both directions.
    #[must_use]
    pub const fn takeover(mut self) -> Self {
        self.has_takeover = true;
        self
    }

    /// Each connection holds at most so many bytes between two messages: with takeover, and the largest windows for that; without takeover if none fit.
    #[must_use]
    pub const fn within(mut self, bytes: usize) -> Self {
        self.has_takeover = true;
        let mut at = 0;
        while at < TIERS.len() {
            self.tier = TIERS[at];
            self.receive_bits = self.tier.window_bits();
            while self.receive_bits >= 8 {
                if self.bytes_per_connection() <= bytes {
                    return self;
                }
                self.receive_bits -= 1;
            }
            at += 1;
        }
        self.tier = Tier::MEDIUM;
        self.receive_bits = 15;
        self.has_takeover = false;
        self
    }

    /// What a connection that has agreed on it holds between two messages. 0 without takeover.
    #[must_use]
    pub const fn bytes_per_connection(&self) -> usize {
        if !self.has_takeover {
            return 0;
        }
        self.tier.bytes() + self.window_bytes() + size_of::<Inflater<Vec<u8>>>()
    }

    /// The memory to unpack in, with the window of the peer.
    pub(crate) const fn window_bytes(&self) -> usize {
        let window = 1
            << if self.receive_bits < 8 {
                8
            } else if self.receive_bits > 15 {
                15
            } else {
                self.receive_bits
            };
        window + window / 4
    }

    pub(crate) const fn has_takeover(&self) -> bool {
        self.has_takeover
    }

    pub(crate) const fn minimum(&self) -> usize {
        self.threshold
    }

    /// As the core takes it.
    pub(crate) const fn core(&self) -> ws::Compression {
        let core = ws::Compression::new().send_window_bits(self.send_bits).receive_window_bits(self.receive_bits);
        let core = core.receive_whole();
        if self.has_takeover { core } else { core.without_send_takeover().without_receive_takeover() }
    }

    /// A compressor for one connection, or for many without takeover.
    pub(crate) fn deflater(&self) -> Option<Deflater<Vec<u8>>> {
        let tier = if self.has_takeover { self.tier } else { self.tier.without_history() };
        // The memory is as long as the tier says.
        let deflater = Deflater::new(tier, vec![0; tier.bytes()]).ok()?.with_threshold(self.threshold);
        Some(if self.has_takeover { deflater } else { deflater.without_takeover() })
    }

    /// The window that a compressor uses at most.
    pub(crate) const fn tier_bits(&self) -> u8 {
        self.tier.window_bits()
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_kept_and_used() {
        let mut before = 0;
        for bytes in [0, 1_000, 5_000, 10_000, 16 << 10, 64 << 10, 100_000, 300_000, usize::MAX] {
            let within = Compression::new().within(bytes).bytes_per_connection();
            assert!(within <= bytes && within >= before, "{within} of {bytes}");
            before = within;
        }
        assert_eq!(Compression::new().within(1_000), Compression::new(), "no window fits");
        assert!(before > 270_000, "{before}");
    }
}
