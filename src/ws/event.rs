use super::{CloseCode, Kind};
use crate::bytes::slice;
use core::fmt;

/// The payload of a ping or a pong: at most 125 bytes, a value of its own, so that such an event borrows nothing.
#[derive(Clone, Copy)]
pub struct Control {
    len: u8,
    bytes: [u8; 125],
}

impl Control {
    pub(crate) fn new(payload: &[u8]) -> Self {
        let mut bytes = [0; 125];
        let mut len = 0_u8;
        for (place, byte) in bytes.iter_mut().zip(payload) {
            *place = *byte;
            len = len.saturating_add(1);
        }
        Self { len, bytes }
    }

    /// The payload.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        slice(&self.bytes, ..usize::from(self.len))
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Control").field(&self.as_bytes()).finish()
    }
}

impl PartialEq for Control {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Control {}

/// A piece of a data message, unmasked where it lay. How a message is cut into pieces has no meaning.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk<'i> {
    pub(crate) kind: Kind,
    pub(crate) is_first: bool,
    pub(crate) is_last: bool,
    pub(crate) bytes: &'i mut [u8],
}

impl<'i> Chunk<'i> {
    /// What the message holds.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the message begins with this piece.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        self.is_first
    }

    /// Whether the message ends with this piece.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.is_last
    }

    /// The bytes. Those of a text are UTF-8 over the whole message; a piece may end inside a character.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        self.bytes
    }

    /// The bytes, to be changed where they lie.
    #[must_use]
    pub const fn into_bytes(self) -> &'i mut [u8] {
        self.bytes
    }
}

/// What came, for those who take a message as it arrives. Borrows the input, never the connection.
#[non_exhaustive]
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'i> {
    /// A piece of a data message.
    Chunk(Chunk<'i>),
    /// A ping; the pong is owed (`poll_transmit` writes it). Of several pings that wait the latest is answered, which RFC 6455 section 5.5.3
    /// allows; who wants to answer each calls `poll_transmit` here.
    Ping(Control),
    /// A pong, asked for or not.
    Pong(Control),
    /// The peer's close frame, [`CloseCode::NO_STATUS`] when it had no code; the answer is owed. Nothing that came behind it
    /// is looked at. The reason is [`Connection::close_reason`](super::Connection::close_reason).
    Close(CloseCode),
}

/// A whole text message, checked to be UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'m>(pub(crate) &'m [u8]);

impl<'m> Text<'m> {
    /// The bytes, which are UTF-8. Free.
    #[must_use]
    pub const fn as_bytes(&self) -> &'m [u8] {
        self.0
    }

    /// The text. Costs one more pass: without `unsafe` there is no other way from checked bytes to `str`.
    #[must_use]
    pub fn as_str(&self) -> &'m str {
        core::str::from_utf8(self.0).unwrap_or_default()
    }
}

/// A whole message. Borrows the inbox alone.
#[derive(Debug, PartialEq, Eq)]
pub enum Message<'m> {
    /// UTF-8 text.
    Text(Text<'m>),
    /// Bytes, which may be changed where they lie.
    Binary(&'m mut [u8]),
}

impl Message<'_> {
    /// What the message holds.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }

    /// The payload.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.0,
            Self::Binary(bytes) => bytes,
        }
    }
}

/// What came, for those who take whole messages out of an [`Inbox`](super::Inbox).
#[non_exhaustive]
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'m> {
    /// A whole message.
    Message(Message<'m>),
    /// A piece of a message, after [`Inbox::poll_part`](super::Inbox::poll_part).
    Part(Chunk<'m>),
    /// A ping; the pong is owed. To answer each of several, call `poll_transmit` here.
    Ping(Control),
    /// A pong.
    Pong(Control),
    /// The peer's close frame; the answer is owed.
    Close(CloseCode),
}
