use super::{CloseCode, Kind};
use crate::bytes::{ShownBytes, ShownText, checked_str, copy, slice};
use core::fmt;

/// The payload of a ping or a pong: at most 125 bytes, a value of its own, so that such an event borrows nothing.
#[derive(Clone, Copy)]
pub struct Control {
    len: u8,
    bytes: [u8; 125],
}

impl Control {
    pub(crate) fn new(payload: &[u8]) -> Self {
        debug_assert!(payload.len() <= 125, "a control payload");
        let mut bytes = [0; 125];
        copy(payload, &mut bytes);
        Self { len: payload.len().min(125).to_le_bytes()[0], bytes }
    }

    pub(crate) const fn len(&self) -> u8 {
        self.len
    }

    /// The payload.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        slice(&self.bytes, ..usize::from(self.len))
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.as_bytes();
        let is_text = !bytes.is_empty() && bytes.iter().all(|&b| matches!(b, b' '..=b'~'));
        let (text, binary) = (ShownText(bytes), ShownBytes(bytes));
        f.debug_tuple("Control").field(if is_text { &text } else { &binary }).finish()
    }
}

impl PartialEq for Control {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Control {}

/// A piece of a data message, unmasked where it lay. How a message is cut into pieces has no meaning.
#[derive(PartialEq, Eq)]
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

impl fmt::Debug for Chunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, binary) = (ShownText(self.bytes), ShownBytes(self.bytes));
        f.debug_struct("Chunk")
            .field("kind", &self.kind)
            .field("is_first", &self.is_first)
            .field("is_last", &self.is_last)
            .field("bytes", if self.kind == Kind::Text { &text } else { &binary })
            .finish()
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
#[derive(Clone, Copy, PartialEq, Eq)]
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
        checked_str(self.0)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ShownText(self.0).fmt(f)
    }
}

/// A whole message. Borrows the inbox alone.
#[derive(PartialEq, Eq)]
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

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.debug_tuple("Text").field(text).finish(),
            Self::Binary(bytes) => f.debug_tuple("Binary").field(&ShownBytes(bytes)).finish(),
        }
    }
}

/// What came, for those who take whole messages out of an [`Inbox`](super::Inbox).
#[non_exhaustive]
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'m> {
    /// A whole message.
    Message(Message<'m>),
    /// A piece of a message, from [`Inbox::poll_part`](super::Inbox::poll_part).
    Part(Chunk<'m>),
    /// A ping; the pong is owed. To answer each of several, call `poll_transmit` here.
    Ping(Control),
    /// A pong.
    Pong(Control),
    /// The peer's close frame; the answer is owed.
    Close(CloseCode),
}

/// What [`Inbox::advance`](super::Inbox::advance) found. Borrows nothing.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advanced {
    /// A message, a part or a close frame is ready: [`Inbox::take`](super::Inbox::take) returns it.
    Ready,
    /// A ping came; the pong is owed. There is nothing to take.
    Ping(Control),
    /// A pong came, which a [`KeepAlive`](super::KeepAlive) must be told of. There is nothing to take.
    Pong(Control),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn text_is_shown_as_text_and_bytes_in_hexadecimal() {
        let message = Message::Text(Text("h\u{e9}".as_bytes()));
        assert_eq!(format!("{:?}", Incoming::Message(message)), "Message(Text(\"h\u{e9}\"))");
        let mut bytes = [0, 255];
        assert_eq!(format!("{:?}", Message::Binary(&mut bytes)), "Binary(2 bytes 00ff)");
        let chunk = |kind| format!("{:?}", Chunk { kind, is_first: true, is_last: false, bytes: &mut [b'a', 0xc3] });
        let shown = "Chunk { kind: Text, is_first: true, is_last: false, bytes: \"a\\xc3\" }";
        assert_eq!(chunk(Kind::Text), shown);
        assert!(chunk(Kind::Binary).ends_with("bytes: 2 bytes 61c3 }"));
        assert_eq!(format!("{:?}", Control::new(b"t=1")), "Control(\"t=1\")");
        assert_eq!(format!("{:?}", Control::new(&[0, 0, 0, 9])), "Control(4 bytes 00000009)");
        assert_eq!(format!("{:?}", Control::new(b"")), "Control(0 bytes)");
    }
}
