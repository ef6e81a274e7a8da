use crate::engineio;
use core::fmt;

/// Why a client left a namespace. Reported by the machines of both ends: by [`server::Session`](super::server::Session),
/// [`ServerEnd`](crate::endpoint::ServerEnd) and [`client::Session`](super::client::Session).
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Seen by a server: the client left the namespace. The connection stays open.
    ClientNamespaceDisconnect,
    /// Seen by a server: this end removed the client ([`Session::disconnect`](super::server::Session::disconnect)). The connection stays open.
    ServerNamespaceDisconnect,
    /// Seen by a server: this end closed the connection: the client joined no namespace in time, or the application closed it.
    ForcedServerClose,
    /// Seen by a server: this end closed the connection because the server stops.
    ServerShuttingDown,
    /// Seen by a client: the server removed it from the namespace. The connection stays open. The client does not join again by itself.
    ServerDisconnect,
    /// Seen by a client: this end left the namespace ([`Session::disconnect`](super::client::Session::disconnect)). The connection stays open.
    ClientDisconnect,
    /// Seen by both: the connection ended. A client joins again on the next connection.
    Link(engineio::Reason),
}

impl Reason {
    /// The string that the JavaScript implementation passes to the `disconnect` event for this reason.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::ForcedServerClose => "forced server close",
            Self::ServerShuttingDown => "server shutting down",
            Self::ServerDisconnect => "io server disconnect",
            Self::ClientDisconnect => "io client disconnect",
            Self::Link(reason) => reason.as_str(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
