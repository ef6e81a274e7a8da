use crate::{engineio, http::Status, socketio, ws};
use core::fmt;

/// What went wrong with an attempt to connect, or with a connection. `Display` is a sentence for people that says what happened and what to do.
///
/// ```
/// use sansocket::{endpoint::client::Failure, http::Status};
///
/// let failure = Failure::NotEngineIo(Status(404));
/// assert_eq!(
///     failure.to_string(),
///     "the server answered with HTTP status 404, so no Socket.IO server is there; check the URL and the path"
/// );
/// ```
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A line could not be opened.
    Unreachable,
    /// A line failed, or it ended before the session was open or a request was answered. With [`Unanswered`](Self::Unanswered) nothing came at all.
    Lost,
    /// The server ended the first connection of a session without a byte of an answer. Servers that expect TLS do that, such as those of Node.
    Unanswered,
    /// The session was not open in time.
    TimedOut,
    /// A path, a query or a header field of the [`Config`](super::Config) cannot be sent. There is no further attempt, since it would fail too.
    Config(ws::ConnectError),
    /// The answer is not one of an Engine.IO server: another status, or another body. For a WebSocket whose first message is not that of an Engine.IO
    /// server the status is 101.
    NotEngineIo(Status),
    /// A redirection, which is not followed.
    Redirect(Status),
    /// The server refused the request.
    Refused {
        /// The status of the answer.
        status: Status,
        /// The code of Engine.IO, 0 to 4.
        code: u8,
    },
    /// The server speaks another version of Engine.IO: it is probably a Socket.IO 2 server.
    Version,
    /// The WebSocket handshake was answered with this status. A proxy may refuse WebSockets.
    UpgradeRefused(Status),
    /// The answer to the WebSocket handshake is not valid.
    Handshake(ws::HandshakeError),
    /// The server does not speak HTTP.
    NotHttp,
    /// The server expects TLS.
    TlsExpected,
    /// The server broke Engine.IO or WebSocket.
    Engine(engineio::PeerError),
    /// The server broke Socket.IO.
    Socket(socketio::PeerError),
    /// A message or a frame, or the body of an answer, is larger than [`Config::limits`](super::Config::limits) allow, or attachments than
    /// [`Limits::attachment_bytes`](socketio::client::Limits::attachment_bytes), or the head of an answer than 8 KiB or 100 lines.
    TooLarge,
    /// No ping of the server arrived in time.
    PingTimeout,
    /// The server closed the session.
    Closed,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Unreachable => {
                "the server cannot be reached; check the host, the port and the network, and that the server runs"
            }
            Self::Lost => "the connection was lost; check the network, the server and the proxies in front of it",
            Self::Unanswered => {
                "the server closed the connection without an answer; check the port, and whether it expects TLS (https, wss)"
            }
            Self::TimedOut => {
                "the server did not open a session in time; check that a Socket.IO server listens at this port"
            }
            Self::Config(error) => {
                return write!(f, "the request cannot be written: {error}; correct the configuration");
            }
            Self::NotEngineIo(Status(200)) => {
                "the server answered with something else than Socket.IO, such as a web page; check the URL and the path"
            }
            Self::NotEngineIo(Status(101)) => {
                "the first message over the WebSocket is not that of a Socket.IO server; check the URL and the path"
            }
            Self::NotEngineIo(Status(413)) => {
                "the server takes no request that large (HTTP status 413); send less at once, or raise its limit"
            }
            Self::NotEngineIo(Status(status @ 500..)) => {
                return write!(
                    f,
                    "the server answered with HTTP status {status}; it is down or overloaded, so try again later"
                );
            }
            Self::NotEngineIo(Status(status)) => {
                return write!(
                    f,
                    "the server answered with HTTP status {status}, so no Socket.IO server is there; check the URL and the path"
                );
            }
            Self::Redirect(Status(status)) => {
                return write!(
                    f,
                    "the server redirects to another URL (HTTP status {status}), which is not followed; connect to that URL, perhaps https instead of http"
                );
            }
            Self::Refused { status: Status(status), code } => {
                let what = match code {
                    0 => "the transport is not allowed by the server; allow it there, or list another one",
                    1 => "the session is unknown to the server; a load balancer needs sticky sessions",
                    2 => "the method of the handshake is not allowed; check the proxies in front of the server",
                    4 => "the client is not allowed to connect; check its credentials and its origin",
                    _ => "the server did not accept the request; check the transports, the fields and the origin",
                };
                return write!(f, "refused with HTTP status {status} and code {code}: {what}");
            }
            Self::Version => "the server speaks another version of the protocol; it needs Socket.IO 3 or later",
            Self::UpgradeRefused(Status(status)) => {
                return write!(
                    f,
                    "the WebSocket handshake was refused with HTTP status {status}; let the proxy pass WebSockets on, or use polling"
                );
            }
            Self::Handshake(error) => {
                return write!(f, "{error}; check the proxies in front of the server, or use polling");
            }
            Self::NotHttp => "the server does not speak HTTP; check the port, and whether it expects TLS (https, wss)",
            Self::TlsExpected => "the server expects TLS; use https or wss in the URL",
            Self::Engine(error) => return write!(f, "the server broke the protocol: {error}; report it there"),
            Self::Socket(error) => return write!(f, "the server broke the protocol: {error}; report it there"),
            Self::TooLarge => {
                "the server sent more than the limits allow; raise those of messages and frames, or check the proxies"
            }
            Self::PingTimeout => "no ping arrived in time; check the network, and that the server runs",
            Self::Closed => "the server closed the connection; check there why, unless it was restarted",
        };
        f.write_str(text)
    }
}

impl core::error::Error for Failure {}
