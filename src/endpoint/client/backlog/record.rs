//! The form of a packet in the backlog: a head of 16 bytes, then its stored frames.

use crate::socketio::{Flags, Namespace};

/// The length of the head of a record, in bytes.
pub(super) const HEAD: usize = 16;

/// The `left` of a [`Kind::Dropped`] that did not have to make room, but was for a connection that is lost.
pub(in crate::endpoint::client) const LOST: u8 = 1;

/// Stands for "no id".
const NO_ID: u32 = u32::MAX;

const KIND: u8 = 0x0f;
const UNCOMPRESSED: u8 = 0x40;
const ASKED: u8 = 0x80;

/// What a record is, and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::endpoint::client) enum Kind {
    /// Removed. Its bytes are free.
    Dead,
    /// An event. Sent when its namespace is connected.
    Event,
    /// An event that does not outlive the connection.
    Volatile,
    /// An acknowledgement that the server has asked for. It does not outlive the connection.
    Answer,
    /// CONNECT with credentials. Sent as soon as the link is open.
    Auth,
    /// An event with retries that waits for its turn.
    Retry,
    /// An event with retries that was sent and not acknowledged yet.
    InFlight,
    /// A packet of a namespace that this client leaves. Sent before DISCONNECT.
    Leaving,
    /// An event that was dropped. What is left of it is a token, which is to be told.
    Dropped,
}

impl Kind {
    const fn of(byte: u8) -> Self {
        match byte & KIND {
            1 => Self::Event,
            2 => Self::Volatile,
            3 => Self::Answer,
            4 => Self::Auth,
            5 => Self::Retry,
            6 => Self::InFlight,
            7 => Self::Leaving,
            8 => Self::Dropped,
            _ => Self::Dead,
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Dead => 0,
            Self::Event => 1,
            Self::Volatile => 2,
            Self::Answer => 3,
            Self::Auth => 4,
            Self::Retry => 5,
            Self::InFlight => 6,
            Self::Leaving => 7,
            Self::Dropped => 8,
        }
    }
}

/// The head of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::endpoint::client) struct Record {
    /// The length of head and frames.
    pub len: usize,
    pub namespace: Namespace,
    pub kind: Kind,
    /// The application waits for the acknowledgement.
    pub is_asked: bool,
    pub may_compress: bool,
    /// How often it may be sent again.
    pub left: u8,
    /// The id of the acknowledgement; of a [`Kind::Dropped`] the token.
    pub id: Option<u32>,
    /// Milliseconds that each try waits for its acknowledgement.
    pub timeout: u32,
}

impl Record {
    pub(in crate::endpoint::client) const fn new(namespace: Namespace, kind: Kind, flags: Flags) -> Self {
        let may_compress = flags.may_compress();
        Self { len: 0, namespace, kind, is_asked: false, may_compress, left: 0, id: None, timeout: 0 }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, d, e, f, flags, left, g, h, i, j, k, l, m, n] = *bytes.first_chunk::<HEAD>()?;
        let id = u32::from_le_bytes([g, h, i, j]);
        Some(Self {
            len: usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?,
            namespace: Namespace(u16::from_le_bytes([e, f])),
            kind: Kind::of(flags),
            is_asked: flags & ASKED != 0,
            may_compress: flags & UNCOMPRESSED == 0,
            left,
            id: (id != NO_ID || Kind::of(flags) == Kind::Dropped).then_some(id),
            timeout: u32::from_le_bytes([k, l, m, n]),
        })
    }

    pub(super) fn write(&self, bytes: &mut [u8]) {
        let [a, b, c, d] = u32::try_from(self.len).unwrap_or(u32::MAX).to_le_bytes();
        let [e, f] = self.namespace.0.to_le_bytes();
        let compress = if self.may_compress { 0 } else { UNCOMPRESSED };
        let flags = self.kind.byte() | compress | if self.is_asked { ASKED } else { 0 };
        let [g, h, i, j] = self.id.unwrap_or(NO_ID).to_le_bytes();
        let [k, l, m, n] = self.timeout.to_le_bytes();
        if let Some(place) = bytes.first_chunk_mut::<HEAD>() {
            *place = [a, b, c, d, e, f, flags, self.left, g, h, i, j, k, l, m, n];
        }
    }

    /// The bytes that must stay.
    pub(super) const fn held(&self) -> usize {
        match self.kind {
            Kind::Dead => 0,
            Kind::Dropped => HEAD,
            _ => self.len,
        }
    }

    /// Whether it may be dropped to make room.
    pub(super) const fn is_droppable(&self) -> bool {
        matches!(self.kind, Kind::Event | Kind::Volatile | Kind::Retry)
    }
}

/// The place of the id in a packet: behind the type, the number of attachments and the namespace. A name has no comma.
pub(super) fn id_at(packet: &[u8]) -> usize {
    let after = |from: usize, byte: u8| {
        let rest = packet.get(from..).unwrap_or_default();
        rest.iter().position(|b| *b == byte).map_or(from, |n| from.saturating_add(n).saturating_add(1))
    };
    let from = if let Some(b'5' | b'6') = packet.first() { after(1, b'-') } else { 1 };
    if packet.get(from) == Some(&b'/') { after(from, b',') } else { from }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let kinds = [Kind::Dead, Kind::Event, Kind::Volatile, Kind::Answer, Kind::Auth];
        let more = [Kind::Retry, Kind::InFlight, Kind::Leaving, Kind::Dropped];
        for (i, kind) in kinds.into_iter().chain(more).enumerate() {
            let record = Record {
                len: 16 + i * 70_000,
                namespace: Namespace(300),
                kind,
                is_asked: i % 2 == 0,
                may_compress: i % 3 == 0,
                left: 255 - i as u8,
                id: (i % 2 == 0).then_some(1 << 29),
                timeout: u32::MAX,
            };
            let record = Record { id: if kind == Kind::Dropped { Some(u32::MAX) } else { record.id }, ..record };
            let mut bytes = [0; HEAD];
            record.write(&mut bytes);
            assert_eq!(Record::read(&bytes), Some(record));
            assert_eq!(Record::read(&bytes[1..]), None);
        }
    }

    #[test]
    fn the_id_stands_behind_type_attachments_and_namespace() {
        for (packet, with) in [
            ("2[\"a\"]", "27[\"a\"]"),
            ("2/a,[\"b,c\"]", "2/a,7[\"b,c\"]"),
            ("512-[\"a-b\"]", "512-7[\"a-b\"]"),
            ("52-/x-y[,[\"a\"]", "52-/x-y[,7[\"a\"]"),
        ] {
            let (head, tail) = packet.split_at(id_at(packet.as_bytes()));
            assert_eq!(std::format!("{head}7{tail}"), with);
        }
        assert_eq!(id_at(b""), 1);
    }
}
