//! The packet: `<type>[<attachments>-][<namespace>,][<id>][<JSON>]` (Socket.IO protocol, "Packet encoding").
//!
//! The JavaScript parser accepts some input that the protocol does not allow. This parser rejects it: an empty packet; blanks, signs and exponents in
//! numbers; ids above 2^64-1; EVENT and CONNECT_ERROR without a payload; lone surrogates in strings.

use super::{
    PeerError, binary,
    binary::{MAX_ATTACHMENTS, PLACEHOLDERS},
    write::push_namespace,
};
use crate::{
    bytes::{Capacity, Cursor, IS_WIDE, Writer, decimal},
    json,
};

/// A packet, checked for syntax and for the types of its payload.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'m> {
    /// `0`: asks for a namespace (client), or accepts the client (server).
    Connect {
        /// The namespace, with its slash.
        namespace: &'m [u8],
        /// A JSON object: credentials from a client, `{"sid":…}` from a server.
        payload: Option<json::Value<'m>>,
    },
    /// `1`: leaves a namespace.
    Disconnect {
        /// The namespace.
        namespace: &'m [u8],
    },
    /// `2`, or `5` with attachments, which follow as binary messages: an event.
    Event {
        /// The namespace.
        namespace: &'m [u8],
        /// The id of the acknowledgement, if one is wanted.
        id: Option<u64>,
        /// A non-empty array. The first element is the name.
        payload: json::Array<'m>,
        /// The number of binary messages that follow.
        attachments: u8,
        /// The attachments that a placeholder refers to, one bit each.
        used: u64,
    },
    /// `3`, or `6` with attachments, which follow as binary messages: an acknowledgement.
    Ack {
        /// The namespace.
        namespace: &'m [u8],
        /// The id of the event that it acknowledges.
        id: u64,
        /// The arguments.
        payload: json::Array<'m>,
        /// The number of binary messages that follow.
        attachments: u8,
        /// The attachments that a placeholder refers to, one bit each.
        used: u64,
    },
    /// `4`: the server refuses the client.
    ConnectError {
        /// The namespace.
        namespace: &'m [u8],
        /// An object with a `message`, or a string.
        payload: json::Value<'m>,
    },
}

/// Event names that an application may not use.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

#[cfg_attr(target_pointer_width = "64", inline)]
pub(super) fn is_reserved(name: &str) -> bool {
    // The first byte decides in nearly all cases.
    if IS_WIDE && !matches!(name.as_bytes().first(), Some(b'c' | b'd' | b'n' | b'r')) {
        return false;
    }
    RESERVED.contains(&name)
}

/// As [`is_reserved`], of a name as it was received.
#[cfg_attr(target_pointer_width = "64", inline)]
fn stands_for_reserved(name: json::Str<'_>) -> bool {
    matches!(name.escaped().first(), Some(b'c' | b'd' | b'n' | b'r' | b'\\')) && is_one_of_reserved(name)
}

#[cfg_attr(target_pointer_width = "64", inline(never))]
fn is_one_of_reserved(name: json::Str<'_>) -> bool {
    RESERVED.iter().any(|r| name.is(r))
}

impl<'m> Packet<'m> {
    /// Parses the text of an Engine.IO message, which must be UTF-8, with at most [`MAX_ATTACHMENTS`] attachments. One pass, and a second one over
    /// the payload for the placeholders if there are attachments. See [`write`](Self::write) for an example.
    ///
    /// # Errors
    /// [`PeerError`], whatever is wrong with the packet.
    pub fn parse(text: &'m [u8]) -> Result<Self, PeerError> {
        Self::parse_limited(text, MAX_ATTACHMENTS)
    }

    pub(super) fn parse_limited(text: &'m [u8], max_attachments: u8) -> Result<Self, PeerError> {
        let mut cursor = Cursor::new(text);
        let kind = cursor.byte().ok_or(PeerError::UnknownPacket)?;
        let attachments = match kind {
            b'0'..=b'4' => 0,
            b'5' | b'6' => attachments(&mut cursor, max_attachments)?,
            _ => return Err(PeerError::UnknownPacket),
        };
        let namespace = if cursor.peek() == Some(b'/') {
            let name = cursor.take_while(|b| b != b',');
            cursor.eat(b',');
            name
        } else {
            b"/"
        };
        let id = if matches!(kind, b'0' | b'1' | b'4') { None } else { id(&mut cursor)? };
        if cursor.peek().is_some_and(json::is_blank) {
            // Valid JSON may begin with blanks, but here the JavaScript parser reads them as digits of the id.
            return Err(PeerError::InvalidPayload);
        }
        match kind {
            b'0' => {
                let payload = if cursor.rest().is_empty() {
                    None
                } else {
                    Some(json::Value::parse_with(cursor.rest(), PLACEHOLDERS)?)
                };
                match payload.map(|p| p.kind()) {
                    None | Some(json::Kind::Object) => Ok(Self::Connect { namespace, payload }),
                    Some(_) => Err(PeerError::InvalidPayload),
                }
            }
            b'1' if cursor.rest().is_empty() => Ok(Self::Disconnect { namespace }),
            b'1' => Err(PeerError::InvalidPayload),
            b'2' | b'5' => {
                let payload = json::Array::parse_with(cursor.rest(), PLACEHOLDERS)?;
                let name = payload.first().ok_or(PeerError::InvalidPayload)?;
                match name.kind() {
                    json::Kind::Number => {}
                    json::Kind::String if name.as_str().is_some_and(stands_for_reserved) => {
                        return Err(PeerError::ReservedName);
                    }
                    json::Kind::String => {}
                    _ => return Err(PeerError::InvalidPayload),
                }
                let used = used(payload, attachments)?;
                Ok(Self::Event { namespace, id, payload, attachments, used })
            }
            b'3' | b'6' => {
                let id = id.ok_or(PeerError::InvalidPayload)?;
                let payload = json::Array::parse_with(cursor.rest(), PLACEHOLDERS)?;
                let used = used(payload, attachments)?;
                Ok(Self::Ack { namespace, id, payload, attachments, used })
            }
            _ => {
                let payload = json::Value::parse_with(cursor.rest(), PLACEHOLDERS)?;
                match payload.kind() {
                    json::Kind::Object | json::Kind::String => Ok(Self::ConnectError { namespace, payload }),
                    _ => Err(PeerError::InvalidPayload),
                }
            }
        }
    }
}

impl Packet<'_> {
    /// Writes the packet as the text of an Engine.IO message, without its attachments. For forwarding packets, for example to another node.
    /// [`parse`](Self::parse) gives back the same packet, except that a main namespace that was written out is omitted.
    ///
    /// # Errors
    /// [`Capacity`] with the exact need.
    ///
    /// ```
    /// use sansocket::socketio::Packet;
    ///
    /// let packet = Packet::parse(br#"2/chat,7["hello",1]"#)?;
    /// let mut memory = [0; 32];
    /// assert_eq!(packet.write(&mut memory)?, br#"2/chat,7["hello",1]"#);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn write<'o>(&self, memory: &'o mut [u8]) -> Result<&'o mut [u8], Capacity> {
        let mut w = Writer::new(memory);
        let mut head = |kind: u8, attachments: u8, namespace: &[u8], id: Option<u64>| {
            w.byte(if attachments > 0 { kind.wrapping_add(3) } else { kind });
            if attachments > 0 {
                w.decimal(u64::from(attachments));
                w.byte(b'-');
            }
            push_namespace(&mut w, namespace);
            if let Some(id) = id {
                w.decimal(id);
            }
        };
        let (value, array) = match *self {
            Self::Connect { namespace, payload } => {
                head(b'0', 0, namespace, None);
                (payload, None)
            }
            Self::Disconnect { namespace } => {
                head(b'1', 0, namespace, None);
                (None, None)
            }
            Self::Event { namespace, id, payload, attachments, .. } => {
                head(b'2', attachments, namespace, id);
                (None, Some(payload))
            }
            Self::Ack { namespace, id, payload, attachments, .. } => {
                head(b'3', attachments, namespace, Some(id));
                (None, Some(payload))
            }
            Self::ConnectError { namespace, payload } => {
                head(b'4', 0, namespace, None);
                (Some(payload), None)
            }
        };
        if let Some(value) = value {
            w.push(value.raw());
        }
        if let Some(array) = array {
            w.byte(b'[');
            w.push(array.elements().raw());
            w.byte(b']');
        }
        w.finish()
    }
}

/// Without attachments, an object that looks like a placeholder is an ordinary object.
#[inline]
fn used(payload: json::Array<'_>, attachments: u8) -> Result<u64, PeerError> {
    if attachments == 0 { Ok(0) } else { binary::judge_placeholders(payload.elements().raw(), attachments) }
}

/// `<attachments>-`: plain digits without a leading zero.
fn attachments(cursor: &mut Cursor<'_>, max: u8) -> Result<u8, PeerError> {
    let digits = cursor.take_while(|b| b.is_ascii_digit());
    if !cursor.eat(b'-') || digits.is_empty() || digits.starts_with(b"0") {
        return Err(PeerError::InvalidAttachments);
    }
    match decimal(digits) {
        Some(n) if n <= u64::from(max) => Ok(n.to_le_bytes()[0]),
        _ => Err(PeerError::TooManyAttachments),
    }
}

fn id(cursor: &mut Cursor<'_>) -> Result<Option<u64>, PeerError> {
    let digits = cursor.take_while(|b| b.is_ascii_digit());
    if digits.is_empty() { Ok(None) } else { decimal(digits).map(Some).ok_or(PeerError::InvalidId) }
}
