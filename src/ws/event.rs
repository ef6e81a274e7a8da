use super::{CloseCode, Kind};
use crate::bytes::{ShownBytes, ShownText, checked_str, copy, slice};
use core::fmt;

/// The payload of a ping or a pong, at most 125 bytes. A copy: it borrows nothing. See [`Event`].
#[derive(Clone, Copy)]
pub struct Control {
    len: u8,
    bytes: [u8; 125],
}

impl Control {
    pub(crate) const EMPTY: Self = Self { len: 0, bytes: [0; 125] };

    /// Fills an empty one, in place: as a result it would be copied at each return.
    pub(crate) fn fill(&mut self, payload: &[u8]) {
        debug_assert!(payload.len() <= 125, "a control payload");
        copy(payload, &mut self.bytes);
        self.len = payload.len().min(125).to_le_bytes()[0];
    }

    #[cfg(test)]
    pub(crate) fn new(payload: &[u8]) -> Self {
        let mut control = Self::EMPTY;
        control.fill(payload);
        control
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

/// A piece of a message, unmasked in place. The borders between pieces have no meaning. See [`Event`].
#[derive(PartialEq, Eq)]
pub struct Chunk<'i> {
    pub(crate) kind: Kind,
    pub(crate) is_first: bool,
    pub(crate) is_last: bool,
    pub(crate) is_compressed: bool,
    pub(crate) bytes: &'i mut [u8],
}

impl<'i> Chunk<'i> {
    /// The kind of the message.
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

    /// Whether the bytes are compressed: what they unpack to was not checked. Never for a part from an [`Inbox`](super::Inbox), which unpacks. See
    /// [`Connection::with_compression`](super::Connection::with_compression).
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    /// The bytes. A text is valid UTF-8 as a whole, but a piece can end inside a character.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        self.bytes
    }

    /// The bytes, to be changed in place.
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

/// What arrived, from [`Connection::poll_event`](super::Connection::poll_event): messages come in pieces. Borrows only the input.
///
/// ```
/// use sansocket::ws::{Connection, Event, Limits};
///
/// let mut ws = Connection::client(Limits::new());
/// let mut bytes = *b"\x89\x01?\x82\x03abc"; // a ping and a message
/// let mut input = &mut bytes[..];
/// while let Some(event) = ws.poll_event(&mut input)? {
///     match event {
///         Event::Ping(control) => assert_eq!(control.as_bytes(), b"?"), // the pong is owed
///         Event::Chunk(chunk) => {
///             assert!(chunk.is_first() && chunk.is_last());
///             chunk.into_bytes().make_ascii_uppercase();
///         }
///         _ => {}
///     }
/// }
/// assert_eq!(bytes, *b"\x89\x01?\x82\x03ABC");
/// # Ok::<(), sansocket::ws::PeerError>(())
/// ```
#[non_exhaustive]
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'i> {
    /// A piece of a message.
    Chunk(Chunk<'i>),
    /// A ping. The pong is owed (`poll_transmit` writes it). If several pings wait, only the latest is answered, as RFC 6455 section 5.5.3
    /// allows. To answer each of them, call `poll_transmit` here.
    Ping(Control),
    /// A pong. The peer may also send pongs without a ping.
    Pong(Control),
    /// The peer's close frame; [`CloseCode::NO_STATUS`] if it has no code. The answer is owed. Bytes after it are ignored. The reason is
    /// [`Connection::close_reason`](super::Connection::close_reason).
    Close(CloseCode),
}

/// A whole text message. It is valid UTF-8.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text<'m>(pub(crate) &'m [u8]);

impl<'m> Text<'m> {
    /// The bytes, which are valid UTF-8. Costs nothing.
    #[must_use]
    pub const fn as_bytes(&self) -> &'m [u8] {
        self.0
    }

    /// The text. Cost: one pass, because safe Rust cannot turn bytes into a `str` without checking them again.
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

/// A whole message. Borrows only the inbox.
#[derive(PartialEq, Eq)]
pub enum Message<'m> {
    /// UTF-8 text.
    Text(Text<'m>),
    /// Bytes, which can be changed in place.
    Binary(&'m mut [u8]),
}

impl<'m> Message<'m> {
    #[inline]
    pub(crate) const fn new(kind: Kind, bytes: &'m mut [u8]) -> Self {
        match kind {
            Kind::Text => Self::Text(Text(bytes)),
            Kind::Binary => Self::Binary(bytes),
        }
    }

    /// The kind of the message.
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

/// What arrived, from an [`Inbox`](super::Inbox). Borrows only the inbox.
#[non_exhaustive]
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'m> {
    /// A whole message.
    Message(Message<'m>),
    /// A piece of a message, from [`Inbox::poll_part`](super::Inbox::poll_part).
    Part(Chunk<'m>),
    /// A ping. The pong is owed. To answer each of several pings, call `poll_transmit` here.
    Ping(Control),
    /// A pong.
    Pong(Control),
    /// The peer's close frame. The answer is owed.
    Close(CloseCode),
}

/// What [`Inbox::advance`](super::Inbox::advance) found. Borrows nothing.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advanced {
    /// A message, a part or a close frame is ready. [`Inbox::take`](super::Inbox::take) returns it.
    Ready,
    /// A ping. The pong is owed. There is nothing to take.
    Ping(Control),
    /// A pong. Pass it to your [`KeepAlive`](super::KeepAlive), if you have one. There is nothing to take.
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
        let chunk = |kind| {
            format!(
                "{:?}",
                Chunk { kind, is_first: true, is_last: false, is_compressed: false, bytes: &mut [b'a', 0xc3] }
            )
        };
        let shown = "Chunk { kind: Text, is_first: true, is_last: false, bytes: \"a\\xc3\" }";
        assert_eq!(chunk(Kind::Text), shown);
        assert!(chunk(Kind::Binary).ends_with("bytes: 2 bytes 61c3 }"));
        assert_eq!(format!("{:?}", Control::new(b"t=1")), "Control(\"t=1\")");
        assert_eq!(format!("{:?}", Control::new(&[0, 0, 0, 9])), "Control(4 bytes 00000009)");
        assert_eq!(format!("{:?}", Control::new(b"")), "Control(0 bytes)");
    }
}
