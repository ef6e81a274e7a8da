//! The response to a client's opening handshake (RFC 6455 sections 4.1 and 4.2.2).

use super::{Agreed, CompressionError, Connect, accept_key::accept_of};
use crate::{
    bytes::Writer,
    http::{Once, ResponseHead, Status, Version, is, tokens},
};
use core::fmt;

impl Connect<'_> {
    /// Checks all requirements of section 4.1. `None` for an interim response (1xx other than 101, RFC 9110 section 15.2): another response follows.
    /// See [`Connect`].
    ///
    /// # Errors
    /// [`HandshakeError`]. If the server refused, its fields (`Location`, `WWW-Authenticate`) are in the response.
    #[cfg(feature = "sha1")]
    pub fn check<'h>(&self, response: &ResponseHead<'h>) -> Result<Option<Opened<'h>>, HandshakeError> {
        self.check_with(|text| sha1_smol::Sha1::from(text).digest().bytes(), response)
    }

    /// As [`check`](Self::check), with your SHA-1, as for [`accept_key_with`](super::accept_key_with).
    ///
    /// # Errors
    /// [`HandshakeError`].
    pub fn check_with<'h>(
        &self,
        sha1: impl FnOnce(&[u8; 60]) -> [u8; 20],
        response: &ResponseHead<'h>,
    ) -> Result<Option<Opened<'h>>, HandshakeError> {
        match response.status().0 {
            101 => {}
            100..=199 => return Ok(None),
            _ => return Err(HandshakeError::Status(response.status())),
        }
        if response.version() < Version::Http11 {
            return Err(HandshakeError::Version);
        }
        let (mut upgrade, mut accept, mut protocol) = (Once::None, Once::None, Once::None);
        let (mut connection, mut extension) = (false, false);
        for (name, value) in response.fields() {
            // The length first, because comparing costs more.
            match name.len() {
                7 if is(name, b"upgrade") => upgrade.see(value),
                10 if is(name, b"connection") => connection |= tokens(value).any(|m| is(m, b"upgrade")),
                20 if is(name, b"sec-websocket-accept") => accept.see(value),
                22 if is(name, b"sec-websocket-protocol") => protocol.see(value),
                // Commas alone are an empty list (RFC 9110 section 5.6.1).
                24 if is(name, b"sec-websocket-extensions") => extension |= tokens(value).next().is_some(),
                _ => {}
            }
        }
        // The whole value, not a member of a list (section 4.1, item 2 for the response).
        if !matches!(upgrade, Once::One(value) if is(value, b"websocket")) {
            return Err(HandshakeError::Upgrade);
        }
        if !connection {
            return Err(HandshakeError::Connection);
        }
        let mut expected = [0; 28];
        accept_of(|text| self.write_key(text), sha1, &mut Writer::new(&mut expected));
        if accept != Once::One(&expected) {
            return Err(HandshakeError::Accept);
        }
        let compression = match self.compression {
            None if extension => return Err(HandshakeError::Extension),
            None => None,
            Some(offered) => offered.check(response.fields()).map_err(HandshakeError::Compression)?,
        };
        let protocol = match protocol {
            Once::None => None,
            Once::One(chosen) if self.protocols.iter().any(|offered| offered.as_bytes() == chosen) => Some(chosen),
            _ => return Err(HandshakeError::Protocol),
        };
        Ok(Some(Opened { response: *response, protocol, compression }))
    }
}

/// A response that opens the connection. The bytes after it are frames. See [`Connect`].
#[derive(Clone, Copy, Debug)]
pub struct Opened<'h> {
    response: ResponseHead<'h>,
    protocol: Option<&'h [u8]>,
    compression: Option<Agreed>,
}

impl<'h> Opened<'h> {
    /// The response, with all its fields.
    #[must_use]
    pub const fn response(&self) -> &ResponseHead<'h> {
        &self.response
    }

    /// The compression that the server chose, if any: tell the connection and the memory. See [`Connect::compress`].
    #[must_use]
    pub const fn compression(&self) -> Option<Agreed> {
        self.compression
    }

    /// The subprotocol that the server chose, if any. It is one that the client offered.
    #[must_use]
    pub const fn protocol(&self) -> Option<&'h [u8]> {
        self.protocol
    }
}

/// The response does not open a WebSocket. Close the transport; no close frame is sent (section 7.1.7). See [`Connect`].
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// The status is not 101: a refusal, a redirection or a request for credentials. The response is ordinary HTTP.
    Status(Status),
    /// The response is HTTP/1.0.
    Version,
    /// `Upgrade` is missing, repeated, or not `websocket`.
    Upgrade,
    /// `Connection` does not list `upgrade`.
    Connection,
    /// `Sec-WebSocket-Accept` is missing, repeated or wrong. The server does not implement WebSocket, or a cache answered.
    Accept,
    /// The server chose a subprotocol that was not offered, or more than one.
    Protocol,
    /// The server chose an extension, but none was offered.
    Extension,
    /// The server chose an extension that was not offered, or answered the offer of compression in an invalid way.
    Compression(CompressionError),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status(status) => {
                return write!(f, "the server answered the WebSocket handshake with HTTP status {}", status.0);
            }
            Self::Version => "the server answered the WebSocket handshake with HTTP/1.0; 1.1 is required",
            Self::Upgrade => "the Upgrade field of the server's response is not websocket",
            Self::Connection => "the Connection field of the server's response does not list Upgrade",
            Self::Accept => "the Sec-WebSocket-Accept field of the server's response is missing or wrong",
            Self::Protocol => "the server chose a WebSocket subprotocol that was not offered",
            Self::Compression(e) => e.reason(),
            Self::Extension => "the server chose a WebSocket extension that was not offered",
        })
    }
}

impl core::error::Error for HandshakeError {}
