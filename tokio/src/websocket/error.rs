use crate::net::DialError;
use sansocket::{
    drive,
    http::{HeadError, Status, UrlError},
    ws::{HandshakeError, PeerError, RequestError, StateError, Timeout},
};
use std::{fmt, io};

/// Why a call of a WebSocket failed.
///
/// After all but [`State`](Self::State) the connection is over: drop it.
#[non_exhaustive]
#[derive(Debug)]
pub enum Error {
    /// The stream below failed: the network, or TLS.
    Io(io::Error),
    /// The peer has gone without a close frame. Its program has ended, or something between has cut the connection.
    Gone,
    /// The peer broke the WebSocket protocol, or exceeded a limit of [`Config`](super::Config). It was told by a close frame.
    Peer(PeerError),
    /// The peer did not do in time what it had to.
    Timeout(Timeout),
    /// The peer did not read what was sent within [`Config::write_timeout`](super::Config::write_timeout).
    Stalled,
    /// This program may not send that now, or not at all. Nothing was sent, and the connection goes on.
    State(StateError),
    /// The connection is over; an earlier call has said why. For a [`Sender`](super::Sender) also: its [`Receiver`](super::Receiver) was dropped, and nobody
    /// answers the peer any more.
    Over,
}

impl Error {
    /// Whether the connection is over.
    pub(super) const fn is_final(&self) -> bool {
        !matches!(self, Self::State(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(e) => write!(f, "the connection failed: {e}"),
            Self::Gone => f.write_str("the peer has gone without a close frame"),
            Self::Peer(e) => write!(f, "the peer broke the protocol: {e}"),
            Self::Timeout(e) => drive::Error::<io::Error>::Timeout(*e).fmt(f),
            Self::Stalled => f.write_str("the peer does not read what is sent"),
            Self::State(e) => e.fmt(f),
            Self::Over => f.write_str("the connection is over"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(e) => Some(e),
            Self::Peer(e) => Some(e),
            Self::State(e) => Some(e),
            Self::Gone | Self::Timeout(_) | Self::Stalled | Self::Over => None,
        }
    }
}

impl From<drive::Error<io::Error>> for Error {
    fn from(e: drive::Error<io::Error>) -> Self {
        match e {
            drive::Error::Transport(e) => Self::Io(e),
            drive::Error::Eof => Self::Gone,
            drive::Error::Peer(e) => Self::Peer(e),
            drive::Error::Timeout(e) => Self::Timeout(e),
            drive::Error::Stalled => Self::Stalled,
            drive::Error::State(e) => Self::State(e),
            // A thread has panicked while it held the lock of the halves.
            drive::Error::Ended | drive::Error::Lock => Self::Over,
            // Memory that is too short was replaced, and the others belong to handshakes.
            e => Self::Io(io::Error::other(e)),
        }
    }
}

/// Why a client has no WebSocket.
#[non_exhaustive]
#[derive(Debug)]
pub enum ConnectError {
    /// The URL is not one of a WebSocket.
    Url(UrlError),
    /// A header field, the origin or a subprotocol cannot be sent as it is. Nothing was sent.
    Request(sansocket::ws::ConnectError),
    /// No connection to the server came about.
    Dial(DialError),
    /// The server answers with another status than 101: a page, a redirection, a request for credentials. Redirections are not followed, since they may
    /// lead to another server, which should not see the credentials of this one.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The field `Location` of the answer: where a redirection leads.
        location: Option<String>,
    },
    /// The answer of the server does not open a WebSocket. Something between may have changed it.
    Handshake(HandshakeError),
    /// The server sent no HTTP.
    Head(HeadError),
    /// The connection was lost during the handshake, or the server did not answer in time.
    Lost(Error),
    /// The system has no random bytes.
    Random(io::Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(e) => e.fmt(f),
            Self::Request(e) => e.fmt(f),
            Self::Dial(e) => e.fmt(f),
            Self::Refused { status, location: None } => HandshakeError::Status(Status(*status)).fmt(f),
            Self::Refused { status, location: Some(to) } => {
                write!(f, "{}, and leads to {to}", HandshakeError::Status(Status(*status)))
            }
            Self::Handshake(e) => e.fmt(f),
            Self::Head(e) => write!(f, "the server's answer is not HTTP: {e}"),
            Self::Lost(e) => write!(f, "the handshake failed: {e}"),
            Self::Random(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url(e) => Some(e),
            Self::Request(e) => Some(e),
            Self::Dial(e) => Some(e),
            Self::Refused { .. } => None,
            Self::Handshake(e) => Some(e),
            Self::Head(e) => Some(e),
            Self::Lost(e) => Some(e),
            Self::Random(e) => Some(e),
        }
    }
}

/// Why a server has no WebSocket. The client was answered, where an answer is possible.
#[non_exhaustive]
#[derive(Debug)]
pub enum AcceptError {
    /// Your function, or the list of origins, refused the client with this status.
    Refused(Status),
    /// The request does not open a WebSocket: somebody opened the address in a browser, say.
    Request(RequestError),
    /// The client sent no HTTP, or more of it than is allowed.
    Head(HeadError),
    /// A header field of your own cannot be sent.
    Field,
    /// The connection was lost during the handshake, or the client did not send its request in time.
    Lost(Error),
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => write!(f, "the client was refused with HTTP status {}", status.0),
            Self::Request(e) => e.fmt(f),
            Self::Head(e) => write!(f, "the client's request is not valid HTTP: {e}"),
            Self::Field => {
                f.write_str("a header field of the answer is invalid, or is written by the handshake itself")
            }
            Self::Lost(e) => write!(f, "the handshake failed: {e}"),
        }
    }
}

impl std::error::Error for AcceptError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(_) | Self::Field => None,
            Self::Request(e) => Some(e),
            Self::Head(e) => Some(e),
            Self::Lost(e) => Some(e),
        }
    }
}
