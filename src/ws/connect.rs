//! The request of a client's opening handshake (RFC 6455 section 4.1).

use super::{Agreed, Compression, CompressionError, ExtensionText};
use crate::{
    bytes::{Capacity, Writer, base64},
    http::{Authority, Fields, ResponseError, Url, is_target_byte, is_token_byte, path_and_query, write_field},
};
use core::fmt;

/// A client's opening handshake. It writes the request and checks the response.
///
/// Send nothing after the request until the response has opened the connection. [`http::HeadScanner`](crate::http::HeadScanner) finds the end of the
/// response head. The bytes after it are frames.
///
/// `Debug` does not print query, subprotocols, credentials, fields and nonce.
///
/// ```
/// use sansocket::{http::{HeadScanner, Limits, ResponseHead, Url}, ws::{Connect, Connection, accept_key}};
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let url = Url::parse("ws://127.0.0.1:9001/chat")?; // where the transport connects to
/// let nonce = *b"the sample nonce"; // 16 bytes of good randomness, fresh for each connection
/// let connect = Connect::for_url(&url, nonce).protocols(&["chat.v2", "chat.v1"]);
/// let mut tx = [0; 512];
/// let request = connect.write(&mut tx)?;
/// assert!(tx.starts_with(b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n"));
///
/// // The response can arrive in pieces, and can begin with interim responses (1xx).
/// let accept = accept_key(b"dGhlIHNhbXBsZSBub25jZQ==")?;
/// let mut received = [b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
///     Connection: Upgrade\r\nSec-WebSocket-Protocol: chat.v1\r\nSec-WebSocket-Accept: ".as_slice(), &accept, b"\r\n\r\n"].concat();
/// let mut rest = &mut received[..];
/// let mut head = HeadScanner::response(Limits::new());
/// let opened = loop {
///     let Some(n) = head.scan(rest)? else { return Err("read more".into()) };
///     let (bytes, behind) = rest.split_at_mut(n);
///     let response = ResponseHead::parse(bytes)?;
///     rest = behind;
///     match connect.check(&response)? {
///         Some(opened) => break opened,
///         None => head = HeadScanner::response(Limits::new()),
///     }
/// };
/// assert_eq!(opened.protocol(), Some(&b"chat.v1"[..]));
/// let ws = Connection::client(Default::default());
/// # let _ = (request, ws);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy)]
pub struct Connect<'r> {
    host: &'r str,
    path: &'r str,
    query: Option<&'r str>,
    origin: Option<&'r str>,
    pub(super) protocols: &'r [&'r str],
    authorization: Authorization<'r>,
    fields: &'r [(&'r str, &'r [u8])],
    nonce: [u8; 16],
    pub(super) compression: Option<Offered>,
}

/// The offer of compression, with the functions that write and check it, so that who does not compress does not link them.
#[derive(Clone, Copy)]
pub(super) struct Offered {
    compression: Compression,
    write: fn(&Compression) -> ExtensionText,
    check: fn(&Compression, Fields<'_>) -> Result<Option<Agreed>, CompressionError>,
}

impl Offered {
    pub(super) fn check(&self, fields: Fields<'_>) -> Result<Option<Agreed>, CompressionError> {
        (self.check)(&self.compression, fields)
    }
}

#[derive(Clone, Copy)]
enum Authorization<'r> {
    None,
    Basic(&'r str, &'r str),
    Bearer(&'r str),
}

impl fmt::Debug for Connect<'_> {
    /// Prints no secrets. Some applications send secrets in the query or in a subprotocol.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("host", &self.host)
            .field("path", &self.path)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl<'r> Connect<'r> {
    /// A request for `target` (path and query) at `host`, which includes the port unless it is the default port. `nonce` is 16 bytes from a strong
    /// random source, new for each connection (section 4.1 item 7).
    #[must_use]
    pub fn new(host: &'r str, target: &'r str, nonce: [u8; 16]) -> Self {
        let (path, query) = path_and_query(target);
        Self::of(host, path, query, nonce)
    }

    /// A request for `url`. `nonce` as for [`new`](Self::new).
    #[must_use]
    pub const fn for_url(url: &Url<'r>, nonce: [u8; 16]) -> Self {
        Self::of(url.authority(), url.path(), url.query(), nonce)
    }

    const fn of(host: &'r str, path: &'r str, query: Option<&'r str>, nonce: [u8; 16]) -> Self {
        Self {
            host,
            path,
            query,
            origin: None,
            protocols: &[],
            authorization: Authorization::None,
            fields: &[],
            nonce,
            compression: None,
        }
    }

    /// Adds the `Origin` field, which only browsers must send.
    ///
    /// ```
    /// use sansocket::ws::Connect;
    ///
    /// let connect = Connect::new("example.org", "/", *b"the sample nonce").origin("https://example.org").bearer("t0ken");
    /// let mut out = [0; 256];
    /// let n = connect.write(&mut out)?;
    /// let request = core::str::from_utf8(&out[..n]).unwrap();
    /// assert!(request.contains("Origin: https://example.org\r\n") && request.contains("Authorization: Bearer t0ken\r\n"));
    /// # Ok::<(), sansocket::ws::ConnectError>(())
    /// ```
    #[must_use]
    pub const fn origin(mut self, origin: &'r str) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Offers subprotocols, in order of preference. Each must be a token and occur once.
    #[must_use]
    pub const fn protocols(mut self, protocols: &'r [&'r str]) -> Self {
        self.protocols = protocols;
        self
    }

    /// Offers compression. What the server chose is [`Opened::compression`](super::Opened::compression). See [`Compression`].
    ///
    /// ```
    /// use sansocket::{http::ResponseHead, ws::{Compression, Connect, accept_key}};
    ///
    /// let connect = Connect::new("example.org", "/", *b"the sample nonce").compress(Compression::new());
    /// let mut out = [0; 512];
    /// let n = connect.write(&mut out)?;
    /// let request = core::str::from_utf8(&out[..n])?;
    /// assert!(request.contains("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"));
    ///
    /// let accept = accept_key(b"dGhlIHNhbXBsZSBub25jZQ==")?;
    /// let mut response = [b"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ", &accept[..],
    ///     b"\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10\r\n\r\n"].concat();
    /// let opened = connect.check(&ResponseHead::parse(&mut response)?)?.expect("not an interim response");
    /// assert_eq!(opened.compression().map(|agreed| agreed.send_window_bits()), Some(10));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn compress(mut self, compression: Compression) -> Self {
        self.compression = Some(Offered {
            compression,
            write: Compression::offer,
            check: |compression, fields| compression.check(fields),
        });
        self
    }

    /// Adds `Authorization: Basic` (RFC 7617). `user` must not contain a colon. Without TLS both are sent unencrypted. See [`origin`](Self::origin).
    #[must_use]
    pub const fn basic(mut self, user: &'r str, password: &'r str) -> Self {
        self.authorization = Authorization::Basic(user, password);
        self
    }

    /// Adds `Authorization: Bearer` (RFC 6750). See [`origin`](Self::origin).
    #[must_use]
    pub const fn bearer(mut self, token: &'r str) -> Self {
        self.authorization = Authorization::Bearer(token);
        self
    }

    /// Adds other fields, such as `Cookie`. `Authorization` is refused beside [`basic`](Self::basic) or [`bearer`](Self::bearer).
    #[must_use]
    pub const fn fields(mut self, fields: &'r [(&'r str, &'r [u8])]) -> Self {
        self.fields = fields;
        self
    }

    /// Writes the request to the front of `out` and returns its length. After an error the content of `out` is unspecified.
    ///
    /// # Errors
    /// [`ConnectError`]. CR, LF and NUL are refused in every text, so no text can begin another field or another request.
    pub fn write(&self, out: &mut [u8]) -> Result<usize, ConnectError> {
        Authority::parse(self.host.as_bytes()).map_err(|_| ConnectError::Host)?;
        let is_good = |text: &str| text.bytes().all(is_target_byte);
        if !self.path.starts_with('/') || !is_good(self.path) || !self.query.is_none_or(is_good) {
            return Err(ConnectError::Target);
        }
        let mut writer = Writer::new(out);
        writer.push(b"GET ");
        writer.push(self.path.as_bytes());
        if let Some(query) = self.query {
            writer.byte(b'?');
            writer.push(query.as_bytes());
        }
        writer.push(b" HTTP/1.1\r\nHost: ");
        writer.push(self.host.as_bytes());
        writer.push(b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ");
        self.write_key(&mut writer);
        writer.push(b"\r\nSec-WebSocket-Version: 13\r\n");
        if let Some(origin) = self.origin {
            write_field(&mut writer, "Origin", origin.as_bytes())?;
        }
        self.write_protocols(&mut writer)?;
        if let Some(offered) = self.compression {
            write_field(&mut writer, "Sec-WebSocket-Extensions", (offered.write)(&offered.compression).as_bytes())?;
        }
        self.authorize(&mut writer)?;
        for (name, value) in self.fields {
            let is_repeated = self.has_credentials() && name.eq_ignore_ascii_case("authorization");
            if is_own(name) || is_repeated {
                return Err(ConnectError::Field);
            }
            write_field(&mut writer, name, value)?;
        }
        writer.push(b"\r\n");
        Ok(writer.finish()?.len())
    }

    pub(crate) fn write_key(&self, writer: &mut Writer<'_>) {
        base64::encode(&self.nonce, writer);
    }

    fn write_protocols(&self, writer: &mut Writer<'_>) -> Result<(), ConnectError> {
        for (i, protocol) in self.protocols.iter().enumerate() {
            let is_repeated = self.protocols.iter().take(i).any(|earlier| earlier == protocol);
            if protocol.is_empty() || !protocol.bytes().all(is_token_byte) || is_repeated {
                return Err(ConnectError::Protocols);
            }
            writer.push(if i == 0 { b"Sec-WebSocket-Protocol: " } else { b", " });
            writer.push(protocol.as_bytes());
        }
        if !self.protocols.is_empty() {
            writer.push(b"\r\n");
        }
        Ok(())
    }

    const fn has_credentials(&self) -> bool {
        !matches!(self.authorization, Authorization::None)
    }

    fn authorize(&self, writer: &mut Writer<'_>) -> Result<(), ConnectError> {
        match self.authorization {
            Authorization::None => {}
            Authorization::Basic(user, password) => {
                // RFC 7617 section 2.
                if user.bytes().any(|b| b == b':')
                    || user.bytes().chain(password.bytes()).any(|b| b < 0x20 || b == 0x7f)
                {
                    return Err(ConnectError::Authorization);
                }
                writer.push(b"Authorization: Basic ");
                let mut bytes = user.bytes().chain([b':']).chain(password.bytes());
                while let Some(first) = bytes.next() {
                    let (second, third) = (bytes.next(), bytes.next());
                    let group = [first, second.unwrap_or(0), third.unwrap_or(0)];
                    let len = if third.is_some() { 3 } else { usize::from(second.is_some()).wrapping_add(1) };
                    debug_assert!(len <= group.len(), "one to three bytes");
                    base64::encode(group.get(..len).unwrap_or_default(), writer);
                }
                writer.push(b"\r\n");
            }
            Authorization::Bearer(token) => {
                // RFC 6750 section 2.1.
                let is_good =
                    |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
                if token.is_empty() || !token.bytes().all(is_good) {
                    return Err(ConnectError::Authorization);
                }
                writer.push(b"Authorization: Bearer ");
                writer.push(token.as_bytes());
                writer.push(b"\r\n");
            }
        }
        Ok(())
    }
}

/// Fields that [`Connect`] writes itself, and fields that announce a body.
fn is_own(name: &str) -> bool {
    super::handshake::is_own(name) || ["host", "origin"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// Why [`Connect::write`](Connect::write) wrote no request. Correct the part that the variant names and call again. See [`Connect`].
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// The output is too small. `needed` is exact.
    Capacity(Capacity),
    /// The host is not valid: see [`Authority::parse`].
    Host,
    /// The path does not begin with a slash, or a byte in the path or query must be percent-encoded.
    Target,
    /// A subprotocol is not a token, or occurs twice.
    Protocols,
    /// The user has a colon, the user or password has a control character, or the bearer token has an invalid byte.
    Authorization,
    /// The name of a field is not a token, its value (or the origin) has a control byte, or this crate writes the field itself.
    Field,
}

impl From<Capacity> for ConnectError {
    fn from(e: Capacity) -> Self {
        Self::Capacity(e)
    }
}

impl From<ResponseError> for ConnectError {
    fn from(e: ResponseError) -> Self {
        match e {
            ResponseError::Capacity(e) => Self::Capacity(e),
            ResponseError::Field => Self::Field,
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Capacity(e) => return e.fmt(f),
            Self::Host => "the host is missing or invalid",
            Self::Target => "the path does not begin with /, or a character in path or query must be percent-encoded",
            Self::Protocols => "a subprotocol is not a token or is listed twice",
            Self::Authorization => "the user, password or token contains a character that is not allowed there",
            Self::Field => "a header field has an invalid name or value, or is written by the handshake itself",
        })
    }
}

impl core::error::Error for ConnectError {}
