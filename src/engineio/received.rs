//! What both ends do with a message of a WebSocket.

use super::{Event, Message, Packet, PeerError};
use crate::{
    bytes::base64,
    ws::{self, Incoming, Kind},
};

/// The packet that is ready in `inbox`, without taking it. `None`: a close frame is ready. A text that begins with `b` is a binary message in base64,
/// as over polling; it is decoded in place.
pub(super) fn peek_packet<S: ws::Storage>(inbox: &mut ws::Inbox<S>) -> Option<Result<Packet<'_>, PeerError>> {
    if let Some((Kind::Text, [b'b', ..])) = inbox.peek() {
        let decode = |text: &mut [u8]| Some((1, base64::decode_in_place(text.get_mut(1..)?)?.len().saturating_add(1)));
        if !inbox.make_binary(decode) {
            return Some(Err(PeerError::UnknownPacket));
        }
    }
    inbox.peek().map(|message| match message {
        (Kind::Binary, bytes) => Ok(Packet::Binary(bytes)),
        (Kind::Text, text) => Packet::parse_text(text),
    })
}

/// The message that [`peek_packet`] showed.
pub(super) fn peek_message<S: ws::Storage>(inbox: &mut ws::Inbox<S>) -> Option<Message<'_>> {
    Some(match inbox.peek()? {
        (Kind::Text, text) => Message::Text(text.get(1..).unwrap_or_default()),
        (Kind::Binary, bytes) => Message::Binary(bytes),
    })
}

/// Takes the message that [`peek_packet`] showed.
pub(super) fn take_message<S: ws::Storage>(inbox: &mut ws::Inbox<S>) -> Option<Event<'_>> {
    match inbox.take()? {
        Incoming::Message(ws::Message::Text(text)) => {
            Some(Event::Message(Message::Text(text.as_bytes().get(1..).unwrap_or_default())))
        }
        Incoming::Message(ws::Message::Binary(bytes)) => Some(Event::Message(Message::Binary(bytes))),
        _ => None,
    }
}
