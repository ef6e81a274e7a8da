use crate::{engineio, http::Status, socketio, ws};
use core::fmt;

/// What went wrong with an attempt to connect or with a connection, for people. `Display` is a sentence that says what to do.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The caller could not open the line.
    Unreachable,
    /// The line ended or failed before the session was open.
    Lost,
    /// No open packet in time.
    TimedOut,
    /// The answer is not one of an Engine.IO server (404, 503, HTML, …).
    NotEngineIo(Status),
    /// A redirect, which is not followed.
    Redirect(Status),
    /// Engine.IO refused: its code (0 to 5).
    Refused { status: Status, code: u8 },
    /// The server speaks Engine.IO 3 (Socket.IO 2).
    Version,
    /// The handshake of the WebSocket was answered with this status: a proxy may refuse upgrades.
    UpgradeRefused(Status),
    /// The answer to the handshake is not valid.
    Handshake(ws::HandshakeError),
    /// The bytes are not HTTP: the server may expect TLS.
    NotHttp,
    /// TLS is expected: the answer says so, or is a TLS record.
    TlsExpected,
    /// The server broke Engine.IO or RFC 6455.
    Engine(engineio::PeerError),
    /// The server broke Socket.IO.
    Socket(socketio::PeerError),
    /// An answer larger than the limit.
    TooLarge,
    /// No ping in time.
    PingTimeout,
    /// The server closed the connection.
    Closed,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

impl core::error::Error for Failure {}
