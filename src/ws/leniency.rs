use super::Agreed;

/// Rules of RFC 6455 that this end does not enforce. By default all rules are enforced.
///
/// ```
/// use sansocket::ws::{Connection, Leniency, Limits};
///
/// let ws = Connection::server(Limits::new()).with_leniency(Leniency::STRICT.unmasked().long_lengths());
/// let other = Connection::client(Limits::new()).with_leniency(Leniency::STRICT.masked().close_codes());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leniency(u16);

/// The bits of leniency.
const LENIENT: u16 = 15;
const COMPRESSED: u16 = 16;
const TAKEOVER: u16 = 256;

impl Leniency {
    /// Every rule is enforced.
    pub const STRICT: Self = Self(0);

    /// A server accepts unmasked frames of a client, which section 5.1 forbids. Changes nothing for a client.
    ///
    /// Risk: without masks a web page decides which bytes its browser sends. It can make them look like an HTTP request to a proxy on the way, and
    /// poison that proxy's cache (section 10.3). Use it only where there are neither browsers nor proxies.
    #[must_use]
    pub const fn unmasked(self) -> Self {
        Self(self.0 | 1)
    }

    /// A client accepts masked frames of a server, which section 5.1 forbids. Changes nothing for a server.
    ///
    /// Risk: none for this end; unmasking costs one pass over the bytes. The peer is not conforming, and other clients will refuse it.
    #[must_use]
    pub const fn masked(self) -> Self {
        Self(self.0 | 2)
    }

    /// Frame lengths may be encoded in more bytes than needed, which section 5.2 forbids. Some small devices send every length in the long form.
    ///
    /// Risk: one frame then has several encodings, so a filter on the way may understand the bytes differently from this end.
    #[must_use]
    pub const fn long_lengths(self) -> Self {
        Self(self.0 | 4)
    }

    /// Unassigned close codes are accepted: 1016 to 2999, and 5000 and more (section 7.4). Codes below 1000, and 1004, 1005, 1006 and 1015, are refused in any
    /// case. The close frame that answers an unassigned code has no code.
    ///
    /// Risk: the application sees codes without a defined meaning.
    #[must_use]
    pub const fn close_codes(self) -> Self {
        Self(self.0 | 8)
    }

    /// What was agreed on in the handshake: no leniency. That RSV1 may be set has its bit here, beside the others that the check of a header asks for.
    /// Behind it stands what this end may send: 8 to 15 bits, less 8, and takeover.
    pub(super) const fn with_compression(self, agreed: Option<Agreed>) -> Self {
        let Some(agreed) = agreed else { return Self(self.0 & LENIENT) };
        let bits = u16::from_le_bytes([agreed.send_window_bits().saturating_sub(8), 0]);
        let takeover = if agreed.has_send_takeover() { TAKEOVER } else { 0 };
        Self(self.0 & LENIENT | COMPRESSED | bits << 5 | takeover)
    }

    /// With what was agreed on in the place of `other`.
    pub(super) const fn with_compression_of(self, other: Self) -> Self {
        Self(self.0 & LENIENT | other.0 & !LENIENT)
    }

    pub(super) const fn takes_compression(self) -> bool {
        self.0 & COMPRESSED != 0
    }

    /// The window bits and the takeover of what this end sends.
    pub(super) const fn sends_compressed(self) -> Option<(u8, bool)> {
        if !self.takes_compression() {
            return None;
        }
        let [bits, _] = (self.0 >> 5 & 7).to_le_bytes();
        Some((bits.saturating_add(8), self.0 & TAKEOVER != 0))
    }

    pub(super) const fn takes_unmasked(self) -> bool {
        self.0 & 1 != 0
    }

    pub(super) const fn takes_masked(self) -> bool {
        self.0 & 2 != 0
    }

    pub(super) const fn takes_long_lengths(self) -> bool {
        self.0 & 4 != 0
    }

    pub(super) const fn takes_close_codes(self) -> bool {
        self.0 & 8 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::{Client, CloseCode, Connection, Event, Limits, PeerError, Role, Server};
    use std::{string::String, vec::Vec};

    /// What is told, in words.
    fn told<R: Role>(mut ws: Connection<R>, wire: &[u8]) -> Result<Vec<String>, PeerError> {
        let mut wire = wire.to_vec();
        let mut told = Vec::new();
        for byte in wire.chunks_mut(1) {
            let mut input = byte;
            while let Some(event) = ws.poll_event(&mut input)? {
                match event {
                    Event::Chunk(c) => told.push(String::from_utf8_lossy(c.as_bytes()).into_owned()),
                    Event::Ping(p) => told.push(String::from_utf8_lossy(p.as_bytes()).into_owned()),
                    Event::Close(code) => told.push(std::format!("{}", code.0)),
                    Event::Pong(_) => {}
                }
            }
        }
        Ok(told)
    }

    #[test]
    fn each_lets_through_what_it_names_and_nothing_else() {
        let all = [
            Leniency::STRICT,
            Leniency::STRICT.unmasked(),
            Leniency::STRICT.masked(),
            Leniency::STRICT.long_lengths(),
            Leniency::STRICT.close_codes(),
        ];
        let server = |l| Connection::<Server>::server(Limits::new()).with_leniency(l);
        let client = |l| Connection::<Client>::client(Limits::new()).with_leniency(l);
        for (i, leniency) in all.into_iter().enumerate() {
            let expect = |index, words: &[&str], error| {
                if i == index { Ok(words.iter().map(|w| (*w).into()).collect()) } else { Err(error) }
            };
            let plain = b"\x81\x02ab\x89\x01p";
            let told_to_server = told(server(leniency), plain);
            assert_eq!(told_to_server, expect(1, &["a", "b", "p"], PeerError::NotMasked), "{leniency:?}");
            let masked = b"\x81\x82\x01\x02\x03\x04\x60\x60\x89\x81\x01\x02\x03\x04\x71";
            assert_eq!(told(client(leniency), masked), expect(2, &["a", "b", "p"], PeerError::Masked), "{leniency:?}");
            for long in [&b"\x82\x7e\0\x01a"[..], b"\x82\x7f\0\0\0\0\0\0\0\x01a"] {
                assert_eq!(
                    told(client(leniency), long),
                    expect(3, &["a"], PeerError::LengthNotMinimal),
                    "{leniency:?}"
                );
            }
            for code in [1016_u16, 2999, 5000, 65535] {
                let close = [b"\x88\x02", &code.to_be_bytes()[..]].concat();
                let word = std::format!("{code}");
                let expected = expect(4, &[&word], PeerError::InvalidCloseCode);
                assert_eq!(told(client(leniency), &close), expected, "{leniency:?}");
            }
            for code in [0_u16, 999, 1004, 1005, 1006, 1015] {
                let close = [b"\x88\x02", &code.to_be_bytes()[..]].concat();
                assert_eq!(told(client(leniency), &close), Err(PeerError::InvalidCloseCode), "{code}");
            }
        }
        // The answer has no code.
        let mut ws = client(all[4]);
        let mut close = *b"\x88\x02\x13\x88";
        assert_eq!(ws.poll_event(&mut &mut close[..]), Ok(Some(Event::Close(CloseCode(5000)))));
        let mut tx = crate::ws::Outbox::with_keys([0; 8], || [0; 4]);
        let mut out = ws.out(&mut tx);
        ws.poll_transmit(&mut out).unwrap();
        assert_eq!(out.written(), b"\x88\x80\0\0\0\0");
    }
}
