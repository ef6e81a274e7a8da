use crate::{engineio::PeerError, ws::CloseCode};
use core::fmt;

/// What went wrong in a session, for a diagnosis. See the [module page](super) for an example.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server sent a packet that is not valid, or broke the WebSocket protocol.
    Peer(PeerError),
    /// The first packet was not an open packet, or its JSON has no usable `sid`, `pingInterval` and `pingTimeout`. The server is probably not an
    /// Engine.IO server.
    Open,
    /// The server speaks Engine.IO 3 (Socket.IO 2). The form of its first answer over polling shows it, or the code 5 in a refusal.
    Version3,
    /// The open packet did not arrive in time.
    OpenTimeout,
    /// A GET or POST was answered with this status.
    Status(u16),
}

impl Fault {
    /// The code for the close frame of the WebSocket. Only a server that broke the protocol is told a code.
    pub(super) const fn close_code(self) -> CloseCode {
        match self {
            Self::Peer(error) => error.close_code(),
            Self::Open | Self::Version3 => CloseCode::PROTOCOL_ERROR,
            Self::OpenTimeout | Self::Status(_) => CloseCode::NO_STATUS,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(error) => error.fmt(f),
            Self::Open => f.write_str("the first packet is not a valid open packet"),
            Self::Version3 => f.write_str("the server speaks Engine.IO 3 (Socket.IO 2)"),
            Self::OpenTimeout => f.write_str("no open packet in time"),
            Self::Status(status) => write!(f, "a request was answered with status {status}"),
        }
    }
}

impl core::error::Error for Fault {}
