use std::{error::Error, fmt, io, net::SocketAddr};

/// Why no connection to a server came about.
///
/// ```
/// use sansocket_tokio::net::DialError;
///
/// fn explain(error: &DialError) -> String {
///     match error {
///         DialError::Refused { address, .. } => format!("no server listens at {address}"),
///         DialError::Certificate { host, .. } => format!("do not trust {host}"),
///         error => error.to_string(),
///     }
/// }
/// # let error = DialError::NoTls { host: "example.org".into() };
/// # assert!(explain(&error).contains("feature `rustls`"));
/// ```
#[non_exhaustive]
#[derive(Debug)]
pub enum DialError {
    /// The URL asks for TLS, and this program was built without it. Add the feature `rustls` of `sansocket-tokio`.
    NoTls {
        /// The host of the URL.
        host: String,
    },
    /// The host has no address: the name is wrong, or the resolver does not answer.
    NotFound {
        /// The host of the URL.
        host: String,
        /// What the resolver says.
        source: io::Error,
    },
    /// Nothing listens at the port of the server, or a firewall refuses.
    Refused {
        /// The host of the URL.
        host: String,
        /// The address that was tried last.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The server, or the way to it, does not answer.
    Timeout {
        /// The host of the URL.
        host: String,
        /// What took too long.
        during: &'static str,
    },
    /// The server's certificate is not trusted: it is for another name, has expired, or its issuer is not known. For a private issuer see
    /// [`Tls`](super::Tls).
    Certificate {
        /// The host of the URL.
        host: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The server does not speak TLS at this port, or no version of it that this program speaks.
    Tls {
        /// The host of the URL.
        host: String,
        /// What went wrong.
        source: io::Error,
    },
    /// A certificate that this program wants to trust cannot be read.
    Root {
        /// What is wrong with it.
        source: io::Error,
    },
    /// The system refused: there is no way to the server, or no socket left.
    Failed {
        /// The host of the URL.
        host: String,
        /// What the system says.
        source: io::Error,
    },
}

impl DialError {
    pub(super) fn of_connect(host: &str, address: SocketAddr, source: io::Error) -> Self {
        let host = host.to_owned();
        match source.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused { host, address, source },
            io::ErrorKind::TimedOut => Self::Timeout { host, during: "the TCP connection" },
            _ => Self::Failed { host, source },
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTls { host } => {
                write!(f, "cannot connect to {host} over TLS: enable the feature `rustls` of sansocket-tokio")
            }
            Self::NotFound { host, source } => write!(f, "no address for {host}: {source}"),
            Self::Refused { host, address, source } => write!(f, "{host} ({address}) refuses the connection: {source}"),
            Self::Timeout { host, during } => write!(f, "{host} does not answer in time: {during} took too long"),
            Self::Certificate { host, source } => write!(f, "the certificate of {host} is not trusted: {source}"),
            Self::Tls { host, source } => write!(f, "no TLS connection to {host}: {source}"),
            Self::Root { source } => write!(f, "the certificate to be trusted cannot be read: {source}"),
            Self::Failed { host, source } => write!(f, "cannot connect to {host}: {source}"),
        }
    }
}

impl Error for DialError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoTls { .. } | Self::Timeout { .. } => None,
            Self::NotFound { source, .. }
            | Self::Refused { source, .. }
            | Self::Certificate { source, .. }
            | Self::Tls { source, .. }
            | Self::Root { source }
            | Self::Failed { source, .. } => Some(source),
        }
    }
}
