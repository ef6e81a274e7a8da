use crate::engineio;
use core::fmt;

/// Why a client left a namespace, in the words of the reference.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The client left it; the link stands.
    ClientNamespaceDisconnect,
    /// This end took it away ([`Session::disconnect`](super::server::Session::disconnect)); the link stands.
    ServerNamespaceDisconnect,
    /// This end ended the link: nothing was joined in time, or the application says so.
    ForcedServerClose,
    /// This end ended the link since the server stops.
    ServerShuttingDown,
    /// The link ended.
    Link(engineio::Reason),
}

impl Reason {
    /// The reference's word for it, which Socket.IO applications know.
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
