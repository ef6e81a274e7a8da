//! The grammar of a whole head, with nom's `complete` combinators: a cut never reaches it, since [`Head`](super::Head) finds the end.

use super::{Fields, HeadError};
use nom::{
    IResult, Parser,
    bytes::complete::{tag, take_while, take_while1},
    sequence::terminated,
};

/// What a request wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method<'h> {
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
    /// `POST`.
    Post,
    /// `OPTIONS`.
    Options,
    /// Another one.
    Other(&'h [u8]),
}

/// The version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1, or a later 1.x.
    Http11,
}

/// The body that follows a head (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// None.
    Empty,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

/// A request head, judged good. Borrows the bytes.
///
/// ```
/// use sansocket::http::{Method, Request};
///
/// let request = Request::parse(b"GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n\r\n")?;
/// assert_eq!((request.method(), request.path(), request.query()), (Method::Get, &b"/socket.io/"[..], &b"EIO=4"[..]));
/// assert!(request.fields().list("connection").any(|m| m.eq_ignore_ascii_case(b"upgrade")));
/// # Ok::<(), sansocket::http::HeadError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Request<'h> {
    method: Method<'h>,
    path: &'h [u8],
    query: &'h [u8],
    version: Version,
    fields: Fields<'h>,
}

impl<'h> Request<'h> {
    /// Reads a whole head, as [`Head`](super::Head) delimits it. Linear.
    ///
    /// # Errors
    /// [`HeadError`] with the status to answer with.
    pub fn parse(head: &'h [u8]) -> Result<Self, HeadError> {
        let (rest, (method, target)) = request_line(head).map_err(|_| HeadError::RequestLine)?;
        let (rest, version) = version(rest)?;
        let fields = Fields(rest);
        judge_fields(rest)?;
        let mut hosts = fields.all("host");
        let (host, another) = (hosts.next(), hosts.next());
        if another.is_some() || (host.is_none() && version == Version::Http11) {
            return Err(HeadError::Host);
        }
        let target = origin_form(target).ok_or(HeadError::RequestLine)?;
        let at = target.iter().position(|&b| b == b'?').unwrap_or(target.len());
        let (path, query) = target.split_at_checked(at).unwrap_or_default();
        Ok(Self { method, path, query: query.get(1..).unwrap_or_default(), version, fields })
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> Method<'h> {
        self.method
    }

    /// The path, still percent-encoded.
    #[must_use]
    pub const fn path(&self) -> &'h [u8] {
        self.path
    }

    /// What stands behind the `?`, still percent-encoded.
    #[must_use]
    pub const fn query(&self) -> &'h [u8] {
        self.query
    }

    /// The version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The fields.
    #[must_use]
    pub const fn fields(&self) -> Fields<'h> {
        self.fields
    }

    /// The body that follows.
    ///
    /// # Errors
    /// [`HeadError::BodyLength`] for lengths that contradict each other or a transfer coding (request smuggling),
    /// [`HeadError::TransferCoding`] for one that there is no decoder for.
    pub fn body(&self) -> Result<Body, HeadError> {
        let mut length = None;
        for member in self.fields.list("content-length") {
            let text = core::str::from_utf8(member).map_err(|_| HeadError::BodyLength)?;
            if !member.iter().all(u8::is_ascii_digit) {
                return Err(HeadError::BodyLength);
            }
            let n = text.parse::<u64>().map_err(|_| HeadError::BodyLength)?;
            if length.is_some_and(|other| other != n) {
                return Err(HeadError::BodyLength);
            }
            length = Some(n);
        }
        let mut codings = self.fields.list("transfer-encoding");
        match (codings.next(), codings.next(), length) {
            (None, _, None | Some(0)) => Ok(Body::Empty),
            (None, _, Some(n)) => Ok(Body::Length(n)),
            (Some(_), _, Some(_)) => Err(HeadError::BodyLength),
            (Some(coding), None, None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Body::Chunked),
            _ => Err(HeadError::TransferCoding),
        }
    }

    /// Whether the connection stays open after the answer (RFC 9112 section 9.3).
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        let has = |option: &[u8]| self.fields.list("connection").any(|m| m.eq_ignore_ascii_case(option));
        !has(b"close") && (self.version == Version::Http11 || has(b"keep-alive"))
    }
}

/// RFC 9110 section 5.6.2.
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-'
        | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

fn request_line(head: &[u8]) -> IResult<&[u8], (Method<'_>, &[u8])> {
    let (rest, method) = terminated(take_while1(is_token_byte), tag(" ")).parse(head)?;
    let (rest, target) =
        terminated(take_while1(|b: u8| matches!(b, 0x21..=0x7e) && b != b'#'), tag(" ")).parse(rest)?;
    let method = match method {
        b"GET" => Method::Get,
        b"HEAD" => Method::Head,
        b"POST" => Method::Post,
        b"OPTIONS" => Method::Options,
        other => Method::Other(other),
    };
    Ok((rest, (method, target)))
}

fn version(rest: &[u8]) -> Result<(&[u8], Version), HeadError> {
    let line = |rest| -> IResult<&[u8], &[u8]> { terminated(take_while(|b| b != b'\r'), tag("\r\n")).parse(rest) };
    let (rest, version) = line(rest).map_err(|_| HeadError::RequestLine)?;
    match version {
        b"HTTP/1.0" => Ok((rest, Version::Http10)),
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Ok((rest, Version::Http11)),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => Err(HeadError::Version),
        _ => Err(HeadError::RequestLine),
    }
}

/// `http://host/path` as a proxy sends it names the same as `/path` (RFC 9112 section 3.2.2).
fn origin_form(target: &[u8]) -> Option<&[u8]> {
    if target.starts_with(b"/") || target == b"*" {
        return Some(target);
    }
    let authority = target.strip_prefix(b"http://").or_else(|| target.strip_prefix(b"https://"))?;
    let at = authority.iter().position(|&b| b == b'/').unwrap_or(authority.len());
    match authority.get(at..) {
        Some(path) if !path.is_empty() => Some(path),
        _ => Some(b"/"),
    }
}

/// Every line up to the blank one is `name: value`, the name a token, the value without control bytes.
fn judge_fields(mut rest: &[u8]) -> Result<(), HeadError> {
    while let Some((&first, _)) = rest.split_first()
        && first != b'\r'
    {
        let name = rest.iter().position(|&b| !is_token_byte(b)).unwrap_or(rest.len());
        let (name, value) = rest.split_at_checked(name).unwrap_or_default();
        if name.is_empty() || value.first() != Some(&b':') {
            return Err(HeadError::Field);
        }
        let end = value.iter().position(|&b| !matches!(b, b'\t' | 0x20..=0x7e | 0x80..)).unwrap_or(value.len());
        rest = value.get(end..).and_then(|r| r.strip_prefix(b"\r\n")).ok_or(HeadError::ControlByte)?;
    }
    if rest == b"\r\n" { Ok(()) } else { Err(HeadError::Field) }
}
