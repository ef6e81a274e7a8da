use crate::engineio;
use core::fmt;

/// Why a client left a namespace. See [`Session`](super::server::Session) and [`ServerEnd`](crate::endpoint::ServerEnd), which report it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The client left the namespace. The connection stays open.
    ClientNamespaceDisconnect,
    /// This end removed the client ([`Session::disconnect`](super::server::Session::disconnect)). The connection stays open.
    ServerNamespaceDisconnect,
    /// This end closed the connection: the client joined no namespace in time, or the application closed it.
    ForcedServerClose,
    /// This end closed the connection because the server stops.
    ServerShuttingDown,
    /// The connection ended.
    Link(engineio::Reason),
}

impl Reason {
    /// The string that the JavaScript server passes to the `disconnect` event for this reason.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::ForcedServerClose => "forced server close",
            Self::ServerShuttingDown => "server shutting down",
            Self::Link(reason) => reason.as_str(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
