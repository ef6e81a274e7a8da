use crate::ws::CloseCode;
use core::fmt;

/// A packet. As text it is a digit and a payload. A binary message has no digit (Engine.IO protocol, "Packet encoding").
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'m> {
    /// `0`: the handshake, as JSON. Sent by a server.
    Open(&'m [u8]),
    /// `1`: ends the session.
    Close,
    /// `2`: sent by a server. A client sends `2probe` during an upgrade.
    Ping(&'m [u8]),
    /// `3`: sent by a client. A server sends `3probe` during an upgrade.
    Pong(&'m [u8]),
    /// `4`: a text message.
    Text(&'m [u8]),
    /// A binary message.
    Binary(&'m [u8]),
    /// `5`: completes an upgrade.
    Upgrade,
    /// `6`: has no meaning. Ends a GET that waits during an upgrade.
    Noop,
}

impl<'m> Packet<'m> {
    /// Parses a text packet, such as a text message of a WebSocket.
    ///
    /// # Errors
    /// [`PeerError::UnknownPacket`] if the text is empty, does not begin with a digit from 0 to 6, or has a payload where the packet allows none.
    ///
    /// ```
    /// use sansocket::engineio::{Packet, PeerError};
    ///
    /// assert_eq!(Packet::parse_text(b"2probe"), Ok(Packet::Ping(b"probe")));
    /// assert_eq!(Packet::parse_text(b"7"), Err(PeerError::UnknownPacket));
    /// ```
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

/// The peer broke the Engine.IO protocol, or the WebSocket protocol below it. The session is over. See the [module page](crate::engineio) for an
/// example.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerError {
    /// The message is not an Engine.IO packet. Ends the session with `parse error`.
    UnknownPacket,
    /// A client sent a ping. Clients of Engine.IO 3 do so; in version 4 only the server sends pings. Ends the session with `transport error`, like
    /// the JavaScript server (`invalid heartbeat direction`).
    HeartbeatDirection,
    /// The peer broke the WebSocket protocol.
    WebSocket(crate::ws::PeerError),
}

impl PeerError {
    /// The code for the close frame of the WebSocket.
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
            Self::UnknownPacket => f.write_str("not an Engine.IO packet"),
            Self::HeartbeatDirection => f.write_str("the client sent a ping; it may speak Engine.IO 3"),
            Self::WebSocket(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for PeerError {}
