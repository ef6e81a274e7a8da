use super::PeerError;
use core::fmt;

/// A message of the layer above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'m> {
    /// UTF-8 text, checked by the layer below.
    Text(&'m [u8]),
    /// Bytes.
    Binary(&'m [u8]),
}

/// What happened on a link. Borrows the inbox, never the session.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'m> {
    /// The link stands.
    Opened,
    /// A message came.
    Message(Message<'m>),
    /// The link is over; the last event.
    Closed(Reason),
}

/// Why a session ended. [`as_str`](Self::as_str) has the words of the JavaScript server.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The peer closed it, or the transport ended.
    TransportClose,
    /// The transport failed: the peer broke WebSocket, sent a ping, or had two requests of a kind under way.
    TransportError,
    /// The peer did not answer a ping in time.
    PingTimeout,
    /// The peer sent something that is not a packet.
    ParseError,
    /// This end closed it.
    ForcedClose,
}

impl Reason {
    /// The word of the JavaScript server for it, which Socket.IO applications know.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::ForcedClose => "forced close",
        }
    }
}

impl From<PeerError> for Reason {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::WebSocket(_) | PeerError::HeartbeatDirection => Self::TransportError,
            PeerError::UnknownPacket => Self::ParseError,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
