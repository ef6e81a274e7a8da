//! Bodies of polling requests: packets separated by the byte 0x1e (Engine.IO protocol, "HTTP long-polling").

use super::{Packet, PeerError, SendError, Sink, sink::sealed::Room};
use crate::{
    bytes::{Capacity, IS_WIDE, Utf8, Writer, base64, slice, swar},
    ws::{Client, Kind, stored_frame},
};

/// The byte between two packets. JSON never contains it, so Socket.IO packets do not either.
pub(super) const SEPARATOR: u8 = 0x1e;

/// The largest number of packets in one payload. python-engineio accepts no more.
pub const MAX_PACKETS: u8 = 16;

/// The body of the answer to a GET, made from stored frames ([`Out::stored`](crate::ws::Out::stored)), or the body of a client's POST.
///
/// For a client it is a [`Sink`]: what is sent into it becomes packets of the body. The binary messages behind a text go into the same body, or the
/// text is refused. A body has at most [`MAX_PACKETS`] packets, unless a single message with its binary messages has more. What is refused changes
/// nothing. [`Capacity`] has the exact need; if `available` is 0, the body is full: send it, and begin another one.
///
/// ```
/// use sansocket::engineio::{Message, Payload, Transport, client::{Config, Session}};
/// use sansocket::{socketio::{self, Namespace}, time::Instant, ws::Out};
///
/// let mut queue = [0; 128];
/// let mut out = Out::stored(&mut queue);
/// socketio::server::broadcast(&["/"], Namespace(0), "hello", &"you", None, &mut out)?;
/// socketio::server::broadcast(&["/"], Namespace(0), "bye", &(), None, &mut out)?;
///
/// let mut memory = [0; 128];
/// let mut payload = Payload::new(&mut memory);
/// let taken = payload.push_frames(out.written())?;
/// assert_eq!((taken, payload.written()), (out.written().len(), &b"42[\"hello\",\"you\"]\x1e42[\"bye\"]"[..]));
///
/// // The body of a client's POST.
/// let engine = Session::open(Transport::Polling, &Config::new(), Instant::from_millis(0));
/// let mut payload = Payload::new(&mut memory);
/// engine.send(Message::Text(b"hello"), &mut payload)?;
/// engine.send(Message::Binary(&[1, 2, 3]), &mut payload)?;
/// assert_eq!(payload.written(), b"4hello\x1ebAQID");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Payload<'o> {
    memory: &'o mut [u8],
    len: usize,
    packets: u8,
    /// How long the body may get by further packets, in bytes. The first message may be longer.
    max: usize,
}

impl<'o> Payload<'o> {
    /// An empty payload. The length of `memory` limits the length of the body. Lend at most `maxPayload` bytes
    /// ([`Config::max_payload`](super::server::Config::max_payload)).
    #[must_use]
    pub const fn new(memory: &'o mut [u8]) -> Self {
        let max = memory.len();
        Self { memory, len: 0, packets: 0, max }
    }

    /// An empty payload of at most `max` bytes, or of one message that alone is longer.
    pub(crate) const fn with_max(memory: &'o mut [u8], max: usize) -> Self {
        Self { memory, len: 0, packets: 0, max }
    }

    /// Appends packets from the front of `stored`, which are frames as [`Out::stored`](crate::ws::Out::stored) writes them. Returns the number of
    /// bytes of `stored` that were used. If that is less than all, the payload is full: the memory has no room for the next packet, or the payload
    /// has [`MAX_PACKETS`] packets.
    ///
    /// Text is copied. Binary data becomes `b` and base64. Cost: linear.
    ///
    /// # Errors
    /// [`Capacity`] if the payload is empty and the first packet is larger than the memory. Nothing was used. Lend more: a packet has to be sent,
    /// also when it is larger than `maxPayload`. `needed` is exact.
    pub fn push_frames(&mut self, stored: &[u8]) -> Result<usize, Capacity> {
        let mut taken = 0_usize;
        while self.packets < MAX_PACKETS
            && let Some((kind, packet, len)) = stored_frame(stored.get(taken..).unwrap_or_default())
        {
            let written = self.append(1, |writer| match kind {
                Kind::Text => writer.push(packet),
                Kind::Binary => write_binary(packet, writer),
            });
            match written {
                Ok(()) => taken = taken.saturating_add(len),
                Err(e) if self.packets == 0 => return Err(e),
                Err(_) => break,
            }
        }
        Ok(taken)
    }

    /// The body.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.memory.get(..self.len).unwrap_or_default()
    }

    /// Whether it has no packets. See [`Payload`] for an example.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.packets == 0
    }

    /// Whether it has [`MAX_PACKETS`] packets or more.
    pub(super) const fn is_full(&self) -> bool {
        self.packets >= MAX_PACKETS
    }

    /// The bytes that `packets` more packets may take, with the separator in front of them.
    fn room_for(&self, packets: usize) -> usize {
        if self.packets == 0 {
            return self.memory.len();
        }
        let has_room = usize::from(self.packets).saturating_add(packets) <= usize::from(MAX_PACKETS);
        let max = if has_room { self.max.min(self.memory.len()) } else { 0 };
        max.saturating_sub(self.len)
    }

    /// Appends what `write` writes, which is `packets` packets.
    fn append(&mut self, packets: usize, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), Capacity> {
        let room = self.room_for(packets);
        let place = self.memory.get_mut(self.len..).and_then(|rest| rest.get_mut(..room));
        let mut writer = Writer::new(place.unwrap_or_default());
        if self.packets > 0 {
            writer.byte(SEPARATOR);
        }
        write(&mut writer);
        self.len = writer.finish()?.len().saturating_add(self.len);
        self.packets = self.packets.saturating_add(u8::try_from(packets).unwrap_or(u8::MAX));
        Ok(())
    }
}

impl Sink<Client> for Payload<'_> {
    fn text<'b>(
        &mut self,
        write: impl FnOnce(&mut Writer<'_>),
        behind: impl Iterator<Item = &'b [u8]> + Clone,
    ) -> Result<(), SendError> {
        let packets = behind.clone().count().saturating_add(1);
        let written = self.append(packets, |w| {
            w.byte(b'4');
            write(w);
            for bytes in behind {
                w.byte(SEPARATOR);
                write_binary(bytes, w);
            }
        });
        Ok(written?)
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        Ok(self.append(1, |w| write_binary(bytes, w))?)
    }

    fn packet(&mut self, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError> {
        Ok(self.append(1, write)?)
    }

    fn room<'b>(&self, behind: impl Iterator<Item = &'b [u8]>) -> Room {
        let size = |bytes: &[u8]| bytes.len().div_ceil(3).saturating_mul(4).saturating_add(2);
        let (packets, len) =
            behind.fold((1_usize, 0_usize), |(n, len), b| (n.saturating_add(1), len.saturating_add(size(b))));
        let separator = usize::from(self.packets > 0);
        Room { left: self.room_for(packets).saturating_sub(separator).saturating_sub(len), frame: None }
    }
}

/// A binary message as a packet of a body.
fn write_binary(bytes: &[u8], writer: &mut Writer<'_>) {
    writer.byte(b'b');
    base64::encode(bytes, writer);
}

/// The packets of a received body. Base64 is decoded in place.
///
/// The first error ends the iteration; what follows is not read. An empty body yields one error.
///
/// ```
/// use sansocket::engineio::{Packet, Packets};
///
/// let mut body = *b"4hello\x1ebAQIDBA==\x1e3";
/// let mut packets = Packets::new(&mut body);
/// assert_eq!(packets.next(), Some(Ok(Packet::Text(b"hello"))));
/// assert_eq!(packets.next(), Some(Ok(Packet::Binary(&[1, 2, 3, 4]))));
/// assert_eq!(packets.rest(), b"3");
/// assert_eq!(packets.next(), Some(Ok(Packet::Pong(b""))));
/// assert_eq!(packets.next(), None);
/// ```
#[derive(Debug)]
pub struct Packets<'b> {
    rest: Option<&'b mut [u8]>,
}

impl<'b> Packets<'b> {
    /// The packets of `body`.
    #[must_use]
    pub const fn new(body: &'b mut [u8]) -> Self {
        Self { rest: Some(body) }
    }

    /// The part of the body that was not read yet.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.rest.as_deref().unwrap_or_default()
    }

    /// The length of the next packet, in bytes.
    pub(crate) fn next_len(&self) -> usize {
        find_separator(self.rest()).0
    }

    /// The next packet that is a message, as it stands in the body. The packets before it are no messages.
    pub(crate) fn next_message(&self) -> &[u8] {
        let mut rest = self.rest();
        loop {
            let (packet, behind) = rest.split_at_checked(find_separator(rest).0).unwrap_or_default();
            match (packet, behind) {
                ([b'4' | b'b', ..], _) | (_, []) => return packet,
                (_, [_, behind @ ..]) => rest = behind,
            }
        }
    }
}

impl<'b> Iterator for Packets<'b> {
    type Item = Result<Packet<'b>, PeerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        let (end, is_ascii) = find_separator(rest);
        let (packet, behind) = rest.split_at_mut_checked(end).unwrap_or_default();
        let packet = parse(packet, is_ascii);
        if packet.is_ok() {
            self.rest = behind.split_first_mut().map(|(_, behind)| behind);
        }
        Some(packet)
    }
}

/// The position of the first separator, or the length, and whether all bytes before it are ASCII. Reads a word at a time where it is as wide.
#[inline]
fn find_separator(bytes: &[u8]) -> (usize, bool) {
    let (words, tail) = if IS_WIDE { bytes.as_chunks::<8>() } else { (&[][..], bytes) };
    let mut seen = 0;
    let mut at = 0_usize;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let found = swar::zeros(word ^ swar::splat(SEPARATOR));
        if found != 0 {
            let bytes = found.trailing_zeros() / 8;
            let before = 1_u64.wrapping_shl(bytes.wrapping_mul(8)).wrapping_sub(1);
            let [bytes, ..] = bytes.to_le_bytes();
            return (at.wrapping_add(usize::from(bytes)), (seen | word & before) & swar::HIGH == 0);
        }
        seen |= word;
        at = at.wrapping_add(8);
    }
    let len = tail.iter().position(|&b| b == SEPARATOR).unwrap_or(tail.len());
    let is_ascii = seen & swar::HIGH == 0 && slice(tail, ..len).is_ascii();
    (at.wrapping_add(len), is_ascii)
}

fn parse(packet: &mut [u8], is_ascii: bool) -> Result<Packet<'_>, PeerError> {
    if let [b'b', text @ ..] = packet {
        return base64::decode_in_place(text).map(|bytes| Packet::Binary(bytes)).ok_or(PeerError::UnknownPacket);
    }
    let mut utf8 = Utf8::new();
    if !is_ascii && (utf8.check(packet).is_err() || !utf8.is_complete()) {
        return Err(PeerError::UnknownPacket);
    }
    Packet::parse_text(packet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::{Connection, Limits, Out};
    use std::{format, vec, vec::Vec};

    fn read(body: &[u8]) -> Vec<std::string::String> {
        Packets::new(&mut body.to_vec()).map(|p| format!("{p:?}")).collect()
    }

    #[test]
    fn payloads_of_the_protocol_document() {
        assert_eq!(
            read(b"4hello\x1e2\x1e4world"),
            [r"Ok(Text([104, 101, 108, 108, 111]))", "Ok(Ping([]))", "Ok(Text([119, 111, 114, 108, 100]))"]
        );
        assert_eq!(read(b"0\x1e1\x1e2probe\x1e3probe\x1e4\x1e5\x1e6").len(), 7);
        for (bad, before) in [
            (&b""[..], 0),
            (b"a123", 0),
            (b"{", 0),
            (b"4a\x1e", 1),
            (b"\x1e4a", 0),
            (b"4a\x1e\x1e4b", 1),
            (b"bAQID=", 0),
            (b"4\xff\x1e4b", 0),
            (b"4a\x1ebAQ-D", 1),
            (b"7", 0),
        ] {
            let mut expected = vec!["Ok(Text([97]))"; before];
            expected.push("Err(UnknownPacket)");
            assert_eq!(read(bad), expected, "{bad:?}");
        }
    }

    #[test]
    fn a_separator_is_found_wherever_it_stands() {
        for at in 0..40 {
            for other in [0x1d, 0x1f, 0x9e, 0x00, 0xff] {
                let mut bytes = [other; 40];
                bytes[at] = SEPARATOR;
                // What stands behind it does not count.
                assert_eq!(find_separator(&bytes), (at, at == 0 || other < 0x80));
            }
            assert_eq!(find_separator(&vec![0x1f; at]), (at, true));
            for wide in 0..at {
                let mut bytes = [b'x'; 40];
                bytes[at..].fill(0xff);
                (bytes[at], bytes[wide]) = (SEPARATOR, 0x80);
                assert_eq!(find_separator(&bytes), (at, false));
                assert_eq!(find_separator(&bytes[..at]), (at, false));
            }
        }
    }

    /// What goes into payloads of any size comes out, in order, whole.
    #[test]
    fn packets_at_rest_come_out_of_payloads_of_any_size() {
        let mut ws = Connection::server(Limits::new());
        let mut memory = vec![0; 4096];
        let mut out = ws.out(&mut memory);
        for i in 0..40_u8 {
            let bytes: Vec<u8> = (0..i).collect();
            if i % 3 == 0 {
                ws.send(Kind::Binary, &bytes, &mut out).unwrap();
            } else {
                ws.send(Kind::Text, format!("4{}", "x".repeat(usize::from(i) * 5)).as_bytes(), &mut out).unwrap();
            }
        }
        for size in [0, 1, 60, 197, 198, 500, 10_000] {
            let mut rest = out.written();
            let mut got = Vec::new();
            let mut memory = vec![0; size];
            while !rest.is_empty() {
                let mut payload = Payload::new(&mut memory);
                match payload.push_frames(rest) {
                    Ok(taken) => {
                        assert!(taken > 0);
                        rest = &rest[taken..];
                    }
                    Err(e) => {
                        assert_eq!(e.available, size.min(e.available));
                        let mut exact = vec![0; e.needed];
                        let mut payload = Payload::new(&mut exact);
                        let taken = payload.push_frames(rest).unwrap();
                        assert_eq!(payload.written().len(), e.needed);
                        rest = &rest[taken..];
                        got.extend(Packets::new(&mut payload.written().to_vec()).map(|p| format!("{p:?}")));
                        continue;
                    }
                }
                let packets: Vec<_> = Packets::new(&mut payload.written().to_vec()).map(|p| format!("{p:?}")).collect();
                assert!((1..=16).contains(&packets.len()));
                got.extend(packets);
            }
            assert_eq!(got.len(), 40);
            assert_eq!(got[3], "Ok(Binary([0, 1, 2]))");
            assert!(got[38].starts_with("Ok(Text([120, 120"));
        }
        assert!(Out::stored(&mut []).written().is_empty());
    }
}
