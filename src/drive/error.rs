use crate::{
    bytes::Capacity,
    endpoint::Grow,
    http::{HeadError, Status},
    socketio,
    ws::{ConnectError, HandshakeError, PeerError, RequestError, StateError, Timeout},
};
use core::fmt;

/// Why a call of a [`WebSocket`](super::WebSocket) failed. `E` is the error of the transport.
///
/// After [`Transport`](Self::Transport), [`Ended`](Self::Ended), [`Eof`](Self::Eof), [`Peer`](Self::Peer), [`Timeout`](Self::Timeout),
/// [`Stalled`](Self::Stalled), [`Head`](Self::Head), [`Request`](Self::Request), [`Refused`](Self::Refused) and [`Handshake`](Self::Handshake) the connection
/// is over: drop the transport. A close frame was sent where the protocol wants one. Each later call fails as well,
/// with the same error, or [`Ended`](Self::Ended) after an error of the transport.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The transport failed.
    Transport(E),
    /// The connection is over; an earlier call has said why.
    Ended,
    /// The peer ended the transport without a close frame.
    Eof,
    /// The peer broke the WebSocket protocol. It is told by a close frame.
    Peer(PeerError),
    /// A deadline has passed.
    Timeout(Timeout),
    /// The peer took no byte of what is sent in the time of [`Deadlines::write`](super::Deadlines::write).
    Stalled,
    /// The peer sent an HTTP head that is invalid, or larger than the limit.
    Head(HeadError),
    /// The client's request does not open a WebSocket. It was answered.
    Request(RequestError),
    /// The client was refused with this status: by the application, or because its request opens no session of Socket.IO.
    Refused(Status),
    /// The server's answer does not open a WebSocket. [`WebSocket::answer`](super::WebSocket::answer) returns it.
    Handshake(HandshakeError),
    /// The request cannot be written. Nothing was sent.
    Connect(ConnectError),
    /// The receive memory is too small for a message or head. Nothing is lost: replace it, or receive the message in parts.
    Inbox(Capacity),
    /// The send memory is too small for a frame while it is empty. Nothing was sent, and nothing is lost.
    Outbox(Capacity),
    /// Not now: see [`StateError`]. Nothing was sent.
    State(StateError),
    /// A memory of a Socket.IO driver is too small for what arrived, or for what the protocol sends. Nothing is lost: replace it and call again.
    Memory(Grow),
    /// A packet of Socket.IO cannot be sent. Nothing was sent.
    Send(socketio::SendError),
    /// The handshake was not done yet: call `connect`, `accept` or `opened` first. Or it was done before.
    Order,
    /// The lock of the halves could not be taken.
    Lock,
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transport(e) => return e.fmt(f),
            Self::Ended => "the connection is over",
            Self::Eof => "the peer ended the transport without a close frame",
            Self::Peer(e) => return e.fmt(f),
            Self::Timeout(Timeout::Handshake) => "the peer did not complete the handshake in time",
            Self::Timeout(Timeout::Pong | Timeout::Ping) => "the peer did not answer a ping in time",
            Self::Timeout(Timeout::Idle) => "the peer sent nothing for too long",
            Self::Timeout(Timeout::Close) => "the peer did not answer the close frame in time",
            Self::Stalled => "the peer does not read what is sent",
            Self::Head(e) => return e.fmt(f),
            Self::Request(e) => return e.fmt(f),
            Self::Refused(status) => return write!(f, "the client was refused with HTTP status {}", status.0),
            Self::Handshake(e) => return e.fmt(f),
            Self::Connect(e) => return e.fmt(f),
            Self::Inbox(e) => return write!(f, "the receive memory is too small: {e}"),
            Self::Outbox(e) => return write!(f, "the send memory is too small: {e}"),
            Self::State(e) => return e.fmt(f),
            Self::Memory(e) => return e.fmt(f),
            Self::Send(e) => return e.fmt(f),
            Self::Order => "the handshake was not done yet, or was done before",
            Self::Lock => "the lock of the halves could not be taken",
        })
    }
}

impl<E: core::error::Error> core::error::Error for Error<E> {}

/// How a connection ended, for the calls after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Transport,
    /// A session of Socket.IO is over.
    Closed,
    Eof,
    Peer(PeerError),
    Timeout(Timeout),
    Stalled,
    Head(HeadError),
    Request(RequestError),
    Refused(Status),
    Handshake(HandshakeError),
}

impl End {
    pub(super) fn error<E>(self) -> Error<E> {
        match self {
            Self::Transport | Self::Closed => Error::Ended,
            Self::Eof => Error::Eof,
            Self::Peer(e) => Error::Peer(e),
            Self::Timeout(e) => Error::Timeout(e),
            Self::Stalled => Error::Stalled,
            Self::Head(e) => Error::Head(e),
            Self::Request(e) => Error::Request(e),
            Self::Refused(status) => Error::Refused(status),
            Self::Handshake(e) => Error::Handshake(e),
        }
    }
}
