//! The opening handshake of a server (RFC 6455 section 4.2).

use super::{
    Agreed, Compression, ExtensionText,
    accept_key::{accept_of, check_key},
};
use crate::{
    bytes::{Capacity, Writer},
    http::{Body, Method, Notes, Once, Request, Response, ResponseError, Status, Version, write_field},
};
use core::fmt;

/// A valid request for a WebSocket: the server's opening handshake. Check its origin and subprotocols, then [`write`](Self::write) the response that
/// opens the connection, or refuse it with any [`Response`].
///
/// ```
/// use sansocket::{http::Request, ws::{Accept, refuse}};
///
/// fn answer(head: &[u8], out: &mut [u8]) -> Option<usize> {
///     let request = Request::parse(head).ok()?;
///     match Accept::check(&request) {
///         Ok(accept) => accept.write(&[], out).ok(),
///         Err(error) => refuse(error, out).ok(),
///     }
/// }
///
/// let mut out = [0; 256];
/// let head = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// let n = answer(head, &mut out).unwrap();
/// assert!(out[..n].starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Accept<'h> {
    request: Request<'h>,
    key: &'h [u8; 24],
    protocol: Option<&'h [u8]>,
    /// With the function that writes it, so that who does not compress does not link it.
    compression: Option<(Agreed, Respond)>,
}

type Respond = fn(&Agreed) -> ExtensionText;

/// The key, if the fields meet all requirements of section 4.2.1.
fn check_notes<'h>(notes: &Notes<'h>) -> Result<&'h [u8; 24], RequestError> {
    if !notes.websocket {
        return Err(RequestError::Upgrade);
    }
    if !notes.upgrade {
        return Err(RequestError::Connection);
    }
    if notes.version != Once::One(b"13") {
        return Err(RequestError::Version);
    }
    let Once::One(key) = notes.key else { return Err(RequestError::Key) };
    let key = check_key(key)?;
    if !notes.are_protocols_good {
        return Err(RequestError::Protocols);
    }
    Ok(key)
}

/// Checks the fields of a GET request over HTTP/1.1 that another HTTP server has parsed. Returns the value of `Sec-WebSocket-Accept`. Answer with
/// status 101, this field, `Upgrade: websocket` and `Connection: Upgrade`. For compression see [`Compression::accept`]. For HTTP/2 and HTTP/3 see [`ExtendedConnect`](super::ExtendedConnect).
///
/// # Errors
/// [`RequestError`] with the status to answer with.
///
/// ```
/// let fields: [(&[u8], &[u8]); 4] = [
///     (b"upgrade", b"websocket"), (b"connection", b"Upgrade"),
///     (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="), (b"sec-websocket-version", b"13"),
/// ];
/// assert_eq!(&sansocket::ws::accept_fields(fields)?, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// # Ok::<(), sansocket::ws::RequestError>(())
/// ```
#[cfg(feature = "sha1")]
pub fn accept_fields<'h>(fields: impl IntoIterator<Item = (&'h [u8], &'h [u8])>) -> Result<[u8; 28], RequestError> {
    let mut notes = Notes::new();
    for (name, value) in fields {
        notes.see(name, value);
    }
    let key = check_notes(&notes)?;
    if notes.coding != Once::None || !matches!(notes.length, Once::None | Once::One(b"0")) {
        return Err(RequestError::Body);
    }
    let mut accept = [0; 28];
    let sha1 = |text: &[u8; 60]| sha1_smol::Sha1::from(text).digest().bytes();
    accept_of(|text| text.push(key), sha1, &mut Writer::new(&mut accept));
    Ok(accept)
}

/// Whether `Upgrade` lists `websocket`. The request can still be invalid: [`Accept::check`] checks it. See [`Accept`].
#[must_use]
pub const fn is_upgrade(request: &Request<'_>) -> bool {
    request.notes().websocket
}

impl<'h> Accept<'h> {
    /// Checks all requirements of section 4.2.1.
    ///
    /// # Errors
    /// [`RequestError`]. [`refuse`] writes the response to it.
    pub fn check(request: &Request<'h>) -> Result<Self, RequestError> {
        if request.method() != Method::Get {
            return Err(RequestError::Method);
        }
        // HTTP/1.0 ignores `Upgrade` (RFC 9110 section 7.8).
        if request.version() < Version::Http11 {
            return Err(RequestError::Upgrade);
        }
        let key = check_notes(request.notes())?;
        // The bytes after the head are frames. A body would be read as frames.
        if request.body() != Ok(Body::Empty) {
            return Err(RequestError::Body);
        }
        Ok(Self { request: *request, key, protocol: None, compression: None })
    }

    /// The request, with all its fields.
    #[must_use]
    pub const fn request(&self) -> &Request<'h> {
        &self.request
    }

    /// The origin of the page whose script connects. Browsers always send it; other clients may (section 4.1).
    ///
    /// ```
    /// use sansocket::{http::Request, ws::{Accept, is_upgrade}};
    ///
    /// let head = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: https://a\r\n\
    ///     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    /// let request = Request::parse(head)?;
    /// assert!(is_upgrade(&request));
    /// let accept = Accept::check(&request)?;
    /// assert!(accept.origin() == Some(b"https://a"), "answer others with status 403");
    /// assert_eq!((accept.protocols().count(), accept.extensions().count()), (0, 0));
    /// let mut out = [0; 256];
    /// let n = accept.write_with(|_: &[u8; 60]| [0; 20], &[], &mut out)?; // the SHA-1 of a chip's hash unit
    /// assert!(out[..n].starts_with(b"HTTP/1.1 101 "));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn origin(&self) -> Option<&'h [u8]> {
        self.request.fields().get("origin")
    }

    /// The subprotocols that the client offers, in its order of preference (section 11.3.4).
    pub fn protocols(&self) -> impl Iterator<Item = &'h [u8]> + use<'h> {
        self.request.fields().tokens("sec-websocket-protocol")
    }

    /// The extensions that the client offers, each with its parameters (section 9.1). This crate knows permessage-deflate; see
    /// [`compress`](Self::compress) and [`origin`](Self::origin).
    pub fn extensions(&self) -> impl Iterator<Item = &'h [u8]> + use<'h> {
        self.request.fields().list("sec-websocket-extensions")
    }

    /// Chooses one of the offered subprotocols. A server may also choose none.
    ///
    /// # Errors
    /// [`RequestError::Protocol`] if the client did not offer `chosen`, compared byte for byte.
    pub fn protocol(mut self, chosen: &[u8]) -> Result<Self, RequestError> {
        let offered = self.protocols().find(|&p| p == chosen);
        self.protocol = Some(offered.ok_or(RequestError::Protocol)?);
        Ok(self)
    }

    /// Accepts the first offer of compression that this end can serve. Without an offer the connection goes without compression. See [`Compression`].
    #[must_use]
    pub fn compress(mut self, compression: &Compression) -> Self {
        let respond: Respond = Agreed::response;
        self.compression = compression.accept(self.request.fields()).map(|agreed| (agreed, respond));
        self
    }

    /// What [`compress`](Self::compress) agreed to: tell the connection and the memory.
    #[must_use]
    pub fn compression(&self) -> Option<Agreed> {
        self.compression.map(|(agreed, _)| agreed)
    }

    /// Writes the response that opens the connection to the front of `out` and returns its length. `extra` fields are added to it.
    ///
    /// # Errors
    /// [`ResponseError::Capacity`]; `needed` is exact. [`ResponseError::Field`] for an extra field with an invalid name or value, or that the handshake
    /// writes itself or forbids (`Upgrade`, `Connection`, `Sec-WebSocket-…`, the length of a body). After an error the content of `out` is unspecified.
    #[cfg(feature = "sha1")]
    pub fn write(&self, extra: &[(&str, &[u8])], out: &mut [u8]) -> Result<usize, ResponseError> {
        self.write_with(|text| sha1_smol::Sha1::from(text).digest().bytes(), extra, out)
    }

    /// As [`write`](Self::write), with your SHA-1. See [`origin`](Self::origin).
    ///
    /// # Errors
    /// [`ResponseError`]; `needed` is exact.
    pub fn write_with(
        &self,
        sha1: impl FnOnce(&[u8; 60]) -> [u8; 20],
        extra: &[(&str, &[u8])],
        out: &mut [u8],
    ) -> Result<usize, ResponseError> {
        let mut writer = Writer::new(out);
        writer.push(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        );
        accept_of(|text| text.push(self.key), sha1, &mut writer);
        writer.push(b"\r\n");
        if let Some(protocol) = self.protocol {
            write_field(&mut writer, "Sec-WebSocket-Protocol", protocol)?;
        }
        if let Some((agreed, text)) = self.compression {
            write_field(&mut writer, "Sec-WebSocket-Extensions", text(&agreed).as_bytes())?;
        }
        for (name, value) in extra {
            if is_own(name) {
                return Err(ResponseError::Field);
            }
            write_field(&mut writer, name, value)?;
        }
        writer.push(b"\r\n");
        Ok(writer.finish()?.len())
    }
}

/// Fields that the handshake writes itself, and fields that announce a body.
pub(crate) fn is_own(name: &str) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    is("upgrade")
        || is("connection")
        || is("content-length")
        || is("transfer-encoding")
        || name.get(..14).is_some_and(|front| front.eq_ignore_ascii_case("sec-websocket-"))
}

/// The request does not open a WebSocket. [`refuse`] writes the response to it. See [`Accept`].
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The method is not GET (section 4.2.1 item 1).
    Method,
    /// `Upgrade` does not list `websocket`, or the request is HTTP/1.0 (items 1 and 3).
    Upgrade,
    /// `Connection` does not list `upgrade` (item 4).
    Connection,
    /// `Sec-WebSocket-Key` is missing, repeated, or not the base64 of 16 bytes (item 5).
    Key,
    /// `Sec-WebSocket-Version` is not 13 (item 6).
    Version,
    /// A member of `Sec-WebSocket-Protocol` is not a token (item 8).
    Protocols,
    /// The request has a body.
    Body,
    /// The application chose a subprotocol that the client did not offer. This is the server's fault.
    Protocol,
}

impl RequestError {
    /// The status of the response.
    #[must_use]
    pub const fn status(self) -> Status {
        Status(match self {
            Self::Method => 405,
            Self::Upgrade | Self::Version => 426,
            Self::Connection | Self::Key | Self::Protocols | Self::Body => 400,
            Self::Protocol => 500,
        })
    }
}

impl RequestError {
    const fn reason(self) -> &'static str {
        match self {
            Self::Method => "a WebSocket handshake must be a GET request",
            Self::Upgrade => "a WebSocket handshake needs HTTP/1.1 and the header field Upgrade: websocket",
            Self::Connection => "a WebSocket handshake needs the header field Connection: Upgrade",
            Self::Key => "Sec-WebSocket-Key must occur once and be the base64 of 16 bytes",
            Self::Version => "Sec-WebSocket-Version must occur once and be 13",
            Self::Protocols => "Sec-WebSocket-Protocol must be a list of tokens",
            Self::Body => "a WebSocket handshake must not have a body",
            Self::Protocol => "the server chose a subprotocol that the client did not offer",
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl core::error::Error for RequestError {}

/// Writes the response to an invalid handshake: the status, the fields that the status requires, and the reason as text. Returns its length; 320
/// bytes are always enough. Close the connection after it. See [`Accept`].
///
/// # Errors
/// [`Capacity`]; `needed` is exact.
pub fn refuse(error: RequestError, out: &mut [u8]) -> Result<usize, Capacity> {
    let text: (&str, &[u8]) = ("Content-Type", b"text/plain; charset=utf-8");
    let close: (&str, &[u8]) = ("Connection", b"close");
    let upgrade: (&str, &[u8]) = ("Upgrade", b"websocket");
    let fields: &[(&str, &[u8])] = match error {
        // RFC 9110 section 15.5.6.
        RequestError::Method => &[text, close, ("Allow", b"GET")],
        // RFC 9110 section 15.5.22; RFC 6455 section 4.4.
        RequestError::Upgrade | RequestError::Version => {
            &[text, ("Connection", b"close, Upgrade"), upgrade, ("Sec-WebSocket-Version", b"13")]
        }
        _ => &[text, close],
    };
    let body = error.reason().as_bytes();
    match (Response { status: error.status(), fields, body }).write(out) {
        Ok(n) => Ok(n),
        Err(ResponseError::Capacity(e)) => Err(e),
        Err(ResponseError::Field) => {
            debug_assert!(false, "the fields above are valid");
            Ok(0)
        }
    }
}
