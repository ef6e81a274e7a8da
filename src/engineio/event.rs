use super::PeerError;
use core::fmt;

/// A message of the layer above, received or to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'m> {
    /// UTF-8 text. For a received message the layer below has checked that it is UTF-8.
    Text(&'m [u8]),
    /// Binary data.
    Binary(&'m [u8]),
}

/// What happened on a connection. An event borrows the receive buffer, never the session.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'m> {
    /// The session is open. This is the first event, except for a client whose session ends before it was open.
    Opened,
    /// A message arrived.
    Message(Message<'m>),
    /// The session is over. This is the last event.
    Closed(Reason),
}

/// Why a session ended. [`as_str`](Self::as_str) gives the strings of the JavaScript server.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The peer closed the session, or the transport ended.
    TransportClose,
    /// The transport failed. The peer broke the WebSocket protocol. A client sent a ping, or had two GETs or two POSTs in progress. A server did not
    /// open the session in time, or answered a request with an error.
    TransportError,
    /// A client did not answer a ping in time, or a server sent none in time.
    PingTimeout,
    /// The peer sent something that is not an Engine.IO packet.
    ParseError,
    /// This end closed the session.
    ForcedClose,
}

impl Reason {
    /// The string that the JavaScript server passes to the `disconnect` event for this reason.
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
