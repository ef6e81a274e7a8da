use crate::ws::CloseCode;
use core::fmt;

/// A packet: one digit and its payload, or a binary message, which has no digit (Engine.IO protocol, "Packet encoding").
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'m> {
    /// `0`, the handshake of a server, as JSON.
    Open(&'m [u8]),
    /// `1`, the end of the session.
    Close,
    /// `2`, of a server; `2probe` is a client's, during an upgrade.
    Ping(&'m [u8]),
    /// `3`, of a client; `3probe` is a server's.
    Pong(&'m [u8]),
    /// `4`, a message of text.
    Text(&'m [u8]),
    /// A message of bytes.
    Binary(&'m [u8]),
    /// `5`, the end of an upgrade.
    Upgrade,
    /// `6`, nothing: ends a poll during an upgrade.
    Noop,
}

impl<'m> Packet<'m> {
    /// Reads the packet in a text message of a WebSocket.
    ///
    /// # Errors
    /// [`PeerError::UnknownPacket`] when it is empty or does not begin with a digit from 0 to 6, or when a packet without
    /// a payload has one.
    pub const fn parse_text(text: &'m [u8]) -> Result<Self, PeerError> {
        let Some((&digit, payload)) = text.split_first() else { return Err(PeerError::UnknownPacket) };
        Ok(match digit {
            b'0' => Self::Open(payload),
            b'1' if payload.is_empty() => Self::Close,
            b'2' => Self::Ping(payload),
            b'3' => Self::Pong(payload),
            b'4' => Self::Text(payload),
            b'5' if payload.is_empty() => Self::Upgrade,
            b'6' if payload.is_empty() => Self::Noop,
            _ => return Err(PeerError::UnknownPacket),
        })
    }
}

/// The peer broke Engine.IO, or WebSocket under it. Fatal for the session.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerError {
    /// A message that is not a packet; ends the session with `parse error`.
    UnknownPacket,
    /// A client sent a ping, as clients of Engine.IO 3 do; in version 4 only the server does. Ends the session with `transport error`, as the
    /// JavaScript server does (`invalid heartbeat direction`).
    HeartbeatDirection,
    /// The peer broke WebSocket.
    WebSocket(crate::ws::PeerError),
}

impl PeerError {
    /// The code of the close frame for it.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::UnknownPacket | Self::HeartbeatDirection => CloseCode::PROTOCOL_ERROR,
            Self::WebSocket(error) => error.close_code(),
        }
    }
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownPacket => f.write_str("no Engine.IO packet"),
            Self::HeartbeatDirection => f.write_str("ping of a client (of Engine.IO version 3?)"),
            Self::WebSocket(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for PeerError {}
