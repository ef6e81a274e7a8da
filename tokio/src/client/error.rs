use crate::net::DialError;
use sansocket::{endpoint::client::Failure, http::UrlError};
use std::{error::Error, fmt, io, sync::Arc};

/// Why a client is not connected to a namespace.
///
/// ```
/// use sansocket_tokio::client::{Client, ConnectError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// match Client::connect("http://127.0.0.1:1").await {
///     Ok(client) => println!("connected as {:?}", client.id()),
///     Err(ConnectError::Refused { message, .. }) => println!("log in first: {message}"),
///     Err(error) => println!("{error}"), // a sentence that says what to do
/// }
/// # }
/// ```
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum ConnectError {
    /// The URL is not one of a Socket.IO server: the application's fault.
    Url(UrlError),
    /// A namespace cannot have this name, because it has a comma, a quote or a control character, or the client has 65,536 of them: the application's fault.
    Namespace(String),
    /// There are no credentials: the function for them has failed, or what it returned is not a JSON object.
    Auth(String),
    /// The client was started outside of a Tokio runtime: the application's fault.
    NoRuntime,
    /// The system has no random bytes, which keys and ids need.
    Random(Arc<io::Error>),
    /// No connection to the server came about.
    Dial(Arc<DialError>),
    /// There is a connection, and no session on it.
    Failed(Failure),
    /// The server refused the namespace (JavaScript's `connect_error`). It is not asked again until [`Socket::connect`](super::Socket::connect).
    Refused {
        /// Why, in words of the server.
        message: String,
        /// More about it, in JSON, if the server sent it.
        data: Option<String>,
    },
    /// The server removed the client from the namespace. It does not join again until [`Socket::connect`](super::Socket::connect).
    Removed,
    /// The application has not joined the namespace, or has left it, or the client is gone.
    Closed,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => write!(f, "the URL is not valid: {error}"),
            Self::Namespace(name) => {
                write!(
                    f,
                    "{name:?} cannot be a namespace: it has a comma, a quote or a control character, or there are too many"
                )
            }
            Self::Auth(error) => write!(f, "no credentials: {error}"),
            Self::NoRuntime => f.write_str("there is no Tokio runtime here; start the client inside one"),
            Self::Random(error) => error.fmt(f),
            Self::Dial(error) => error.fmt(f),
            Self::Failed(failure) => failure.fmt(f),
            Self::Refused { message, .. } => write!(f, "the server refused this client: {message}"),
            Self::Removed => f.write_str("the server removed this client from the namespace"),
            Self::Closed => f.write_str("this client is not connected, and does not try to be"),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::Random(error) => Some(&**error),
            Self::Dial(error) => Some(&**error),
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }
}

/// Why an event of the server was not handled: its arguments are not of the type that the handler takes. See
/// [`Socket::on_failure`](super::Socket::on_failure).
#[derive(Clone, Debug)]
pub struct EventFailure {
    /// The name of the event.
    pub event: String,
    /// Which argument, which field, and why.
    pub error: String,
}

impl fmt::Display for EventFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {:?}: {}", self.event, self.error)
    }
}

impl Error for EventFailure {}
