//! The opening handshake of a client (RFC 6455 sections 4.1 and 4.2.2).

use super::accept_key::accept_key_with;
use crate::{
    bytes::{Capacity, Writer, base64},
    http::{
        Fields, ResponseError, ResponseHead, Status, Url, Version, is_host_byte, is_target_byte, is_token_byte,
        path_and_query, write_field,
    },
};
use core::fmt;

/// A request for a WebSocket, and the judge of its answer.
///
/// Nothing is sent behind the request until the answer opens the connection. A [`ResponseHead`] ends where [`http::Head`](crate::http::Head) says;
/// what stands behind it are frames already.
///
/// ```
/// use sansocket::{http::{Head, Limits, ResponseHead, Url}, ws::{Connect, Connection, accept_key}};
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let url = Url::parse("ws://127.0.0.1:9001/chat")?; // where the transport connects to
/// let nonce = *b"the sample nonce"; // 16 bytes of good randomness, fresh for each connection
/// let connect = Connect::to(&url, nonce).protocols(&["chat.v2", "chat.v1"]);
/// let mut tx = [0; 512];
/// let request = connect.write(&mut tx)?;
/// assert!(tx.starts_with(b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n"));
///
/// // What the server says may come in pieces, and may begin with answers that only keep one waiting.
/// let accept = accept_key(b"dGhlIHNhbXBsZSBub25jZQ==")?;
/// let received = [b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
///     Connection: Upgrade\r\nSec-WebSocket-Protocol: chat.v1\r\nSec-WebSocket-Accept: ".as_slice(), &accept, b"\r\n\r\n"].concat();
/// let mut rest = &received[..];
/// let mut head = Head::response(Limits::new());
/// let opened = loop {
///     let Some(n) = head.scan(rest)? else { return Err("read more".into()) };
///     let response = ResponseHead::parse(&rest[..n])?;
///     rest = &rest[n..];
///     match connect.check(&response)? {
///         Some(opened) => break opened,
///         None => head = Head::response(Limits::new()),
///     }
/// };
/// assert_eq!(opened.protocol(), Some(&b"chat.v1"[..]));
/// let ws = Connection::client(Default::default());
/// # let _ = (request, ws);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Connect<'r> {
    host: &'r str,
    path: &'r str,
    query: Option<&'r str>,
    origin: Option<&'r str>,
    protocols: &'r [&'r str],
    authorization: Authorization<'r>,
    fields: &'r [(&'r str, &'r [u8])],
    nonce: [u8; 16],
}

#[derive(Clone, Copy)]
enum Authorization<'r> {
    None,
    Basic(&'r str, &'r str),
    Bearer(&'r str),
}

impl fmt::Debug for Authorization<'_> {
    /// Secrets stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Basic(..) => "basic",
            Self::Bearer(_) => "bearer",
        })
    }
}

impl<'r> Connect<'r> {
    /// A request to `host`, with its port unless that is the scheme's own, for `target`, path and query. `nonce` is drawn afresh from a
    /// strong source for each connection (section 4.1 item 7).
    #[must_use]
    pub fn new(host: &'r str, target: &'r str, nonce: [u8; 16]) -> Self {
        let (path, query) = path_and_query(target);
        let authorization = Authorization::None;
        Self { host, path, query, origin: None, protocols: &[], authorization, fields: &[], nonce }
    }

    /// A request for what `url` names.
    #[must_use]
    pub const fn to(url: &Url<'r>, nonce: [u8; 16]) -> Self {
        let (host, path, query) = (url.authority(), url.path(), url.query());
        Self { host, path, query, origin: None, protocols: &[], authorization: Authorization::None, fields: &[], nonce }
    }

    /// Where the page comes from that wants this; only browsers must say so.
    #[must_use]
    pub const fn origin(mut self, origin: &'r str) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Subprotocols to offer, the favourite first: different tokens.
    #[must_use]
    pub const fn protocols(mut self, protocols: &'r [&'r str]) -> Self {
        self.protocols = protocols;
        self
    }

    /// `Authorization: Basic` (RFC 7617). The user has no colon; both go over the wire readable by all who see it.
    #[must_use]
    pub const fn basic(mut self, user: &'r str, password: &'r str) -> Self {
        self.authorization = Authorization::Basic(user, password);
        self
    }

    /// `Authorization: Bearer` (RFC 6750).
    #[must_use]
    pub const fn bearer(mut self, token: &'r str) -> Self {
        self.authorization = Authorization::Bearer(token);
        self
    }

    /// More fields, such as cookies.
    #[must_use]
    pub const fn fields(mut self, fields: &'r [(&'r str, &'r [u8])]) -> Self {
        self.fields = fields;
        self
    }

    /// Writes the request into the front of `out`; gives its length. What stands in `out` after an error means nothing.
    ///
    /// # Errors
    /// [`ConnectError`]. No text of the caller's can begin a field or a request of its own: CR, LF and NUL are refused everywhere.
    pub fn write(&self, out: &mut [u8]) -> Result<usize, ConnectError> {
        if self.host.is_empty() || !self.host.bytes().all(is_host_byte) {
            return Err(ConnectError::Host);
        }
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
        writer.push(&self.key());
        writer.push(b"\r\nSec-WebSocket-Version: 13\r\n");
        if let Some(origin) = self.origin {
            write_field(&mut writer, "Origin", origin.as_bytes())?;
        }
        self.write_protocols(&mut writer)?;
        self.authorize(&mut writer)?;
        for (name, value) in self.fields {
            if is_own(name) {
                return Err(ConnectError::Field);
            }
            write_field(&mut writer, name, value)?;
        }
        writer.push(b"\r\n");
        Ok(writer.finish()?.len())
    }

    /// Judges an answer by everything that section 4.2.2 wants; `None` for one of 1xx that only keeps the client waiting (RFC 9110 section
    /// 15.2): the next head follows it.
    ///
    /// # Errors
    /// [`AnswerError`]; what `response` says of it (`Location`, `WWW-Authenticate`) is the caller's to read.
    #[cfg(feature = "sha1")]
    pub fn check<'h>(&self, response: &ResponseHead<'h>) -> Result<Option<Opened<'h>>, AnswerError> {
        self.check_with(|text| sha1_smol::Sha1::from(text).digest().bytes(), response)
    }

    /// As [`check`](Self::check), with a SHA-1 of the caller's.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn check_with<'h>(
        &self,
        sha1: impl FnOnce(&[u8; 60]) -> [u8; 20],
        response: &ResponseHead<'h>,
    ) -> Result<Option<Opened<'h>>, AnswerError> {
        match response.status().0 {
            101 => {}
            100..=199 => return Ok(None),
            _ => return Err(AnswerError::Status(response.status())),
        }
        let fields = response.fields();
        if response.version() < Version::Http11 {
            return Err(AnswerError::Version);
        }
        let lists = |name: &str, member: &[u8]| fields.list(name).any(|m| m.eq_ignore_ascii_case(member));
        if !lists("upgrade", b"websocket") {
            return Err(AnswerError::Upgrade);
        }
        if !lists("connection", b"upgrade") {
            return Err(AnswerError::Connection);
        }
        let expected = accept_key_with(&self.key(), sha1).map_err(|_| AnswerError::Accept)?;
        if once(fields, "sec-websocket-accept") != Ok(Some(&expected[..])) {
            return Err(AnswerError::Accept);
        }
        if fields.list("sec-websocket-extensions").next().is_some() {
            return Err(AnswerError::Extension);
        }
        let protocol = once(fields, "sec-websocket-protocol").map_err(|_| AnswerError::Protocol)?;
        if let Some(chosen) = protocol
            && !self.protocols.iter().any(|offered| offered.as_bytes() == chosen)
        {
            return Err(AnswerError::Protocol);
        }
        Ok(Some(Opened { response: *response, protocol }))
    }

    fn key(&self) -> [u8; 24] {
        let mut key = [0; 24];
        base64::encode(&self.nonce, &mut Writer::new(&mut key));
        key
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

/// The value of a field that may stand there once.
fn once<'h>(fields: Fields<'h>, name: &str) -> Result<Option<&'h [u8]>, ()> {
    let mut values = fields.all(name);
    match (values.next(), values.next()) {
        (first, None) => Ok(first),
        _ => Err(()),
    }
}

/// Fields that the request has itself, and those that would announce a body.
fn is_own(name: &str) -> bool {
    super::handshake::is_own(name) || ["host", "origin"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// An answer that opened the connection: what follows it are frames.
#[derive(Clone, Copy, Debug)]
pub struct Opened<'h> {
    response: ResponseHead<'h>,
    protocol: Option<&'h [u8]>,
}

impl<'h> Opened<'h> {
    /// The answer, with all its fields.
    #[must_use]
    pub const fn response(&self) -> &ResponseHead<'h> {
        &self.response
    }

    /// The subprotocol that the server chose.
    #[must_use]
    pub const fn protocol(&self) -> Option<&'h [u8]> {
        self.protocol
    }
}

/// Why no request was written: what was asked for cannot be said.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// The output is too small; the need is exact.
    Capacity(Capacity),
    /// A host that is empty or has a byte that no host has.
    Host,
    /// A path without a slash in front, or a byte in path or query that must be percent-encoded.
    Target,
    /// A subprotocol that is no token, or that stands there twice.
    Protocols,
    /// A user with a colon, a control character, or a token that is none.
    Authorization,
    /// A field whose name is no token, whose value has a control byte, or that the request has itself.
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
            Self::Host => "no host",
            Self::Target => "path or query that may not be sent",
            Self::Protocols => "subprotocols must be different tokens",
            Self::Authorization => "credentials that may not be sent",
            Self::Field => "header field that may not be sent",
        })
    }
}

impl core::error::Error for ConnectError {}

/// Why an answer opens no WebSocket. Close the transport; no close frame is due (section 7.1.7).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// Another status than 101: a refusal, a redirection, a want of credentials. It is an ordinary answer of HTTP.
    Status(Status),
    /// An answer of HTTP/1.0.
    Version,
    /// `Upgrade` does not name `websocket`.
    Upgrade,
    /// `Connection` does not name `upgrade`.
    Connection,
    /// `Sec-WebSocket-Accept` is missing, repeated or wrong: the server does not speak WebSocket, or something between answers from memory.
    Accept,
    /// A subprotocol that was not offered, or several.
    Protocol,
    /// An extension, and none was offered.
    Extension,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status(status) => return write!(f, "the server answered {}", status.0),
            Self::Version => "the server answered in HTTP/1.0",
            Self::Upgrade => "the answer's Upgrade does not name websocket",
            Self::Connection => "the answer's Connection does not name Upgrade",
            Self::Accept => "the answer's Sec-WebSocket-Accept is missing or wrong",
            Self::Protocol => "the server chose a subprotocol that was not offered",
            Self::Extension => "the server chose an extension that was not offered",
        })
    }
}

impl core::error::Error for AnswerError {}
