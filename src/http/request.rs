//! The grammar of a whole head, with nom's `complete` combinators: a cut never reaches it, since [`Head`](super::Head) finds the end.

use super::{
    Fields, HeadError,
    octets::{is_host_byte, is_token_byte, visible},
};
use crate::bytes::decimal;
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
        let (rest, version) = version_line(rest)?;
        let hosts = judge_fields(rest)?;
        if hosts > 1 || (hosts == 0 && version == Version::Http11) {
            return Err(HeadError::Host);
        }
        if target == b"*" && method != Method::Options {
            return Err(HeadError::RequestLine);
        }
        let (path, query) = origin_form(target).ok_or(HeadError::RequestLine)?;
        Ok(Self { method, path, query, version, fields: Fields(rest) })
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
    /// [`HeadError::BodyLength`] for a length that is repeated, no number, or beside a transfer coding (request smuggling, RFC 9112 section
    /// 11.2), and for a coding in HTTP/1.0; [`HeadError::TransferCoding`] for one that there is no decoder for.
    pub fn body(&self) -> Result<Body, HeadError> {
        let mut lengths = self.fields.all("content-length");
        let mut codings = self.fields.all("transfer-encoding");
        match (lengths.next(), lengths.next(), codings.next(), codings.next()) {
            (None, _, None, _) => Ok(Body::Empty),
            (Some(length), None, None, _) => match decimal(length).ok_or(HeadError::BodyLength)? {
                0 => Ok(Body::Empty),
                n => Ok(Body::Length(n)),
            },
            // HTTP/1.0 knows no codings (RFC 9112 section 6.1); one who sends both means to be understood in two ways.
            (None, _, Some(_), _) if self.version < Version::Http11 => Err(HeadError::BodyLength),
            (None, _, Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Body::Chunked),
            (None, _, Some(b""), None) => Err(HeadError::BodyLength),
            (None, _, Some(_), _) => Err(HeadError::TransferCoding),
            _ => Err(HeadError::BodyLength),
        }
    }

    /// Whether the connection stays open after the answer (RFC 9112 section 9.3).
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        let has = |option: &[u8]| self.fields.list("connection").any(|m| m.eq_ignore_ascii_case(option));
        !has(b"close") && (self.version == Version::Http11 || has(b"keep-alive"))
    }
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

fn version_line(rest: &[u8]) -> Result<(&[u8], Version), HeadError> {
    let line = |rest| -> IResult<&[u8], &[u8]> { terminated(take_while(|b| b != b'\r'), tag("\r\n")).parse(rest) };
    let (rest, text) = line(rest).map_err(|_| HeadError::RequestLine)?;
    match version(text) {
        Ok(version) => Ok((rest, version)),
        Err(HeadError::Version) => Err(HeadError::Version),
        Err(_) => Err(HeadError::RequestLine),
    }
}

pub(super) const fn version(text: &[u8]) -> Result<Version, HeadError> {
    match text {
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Ok(Version::Http11),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => Err(HeadError::Version),
        _ => Err(HeadError::StatusLine),
    }
}

/// Path and query. `http://host/path` as a proxy sends it names the same as `/path` (RFC 9112 section 3.2.2).
fn origin_form(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let target = if target.starts_with(b"/") || target == b"*" {
        target
    } else {
        let behind = |scheme: &[u8]| {
            let (front, rest) = target.split_at_checked(scheme.len())?;
            front.eq_ignore_ascii_case(scheme).then_some(rest)
        };
        let rest = behind(b"http://").or_else(|| behind(b"https://"))?;
        match rest.iter().position(|&b| matches!(b, b'/' | b'?')).unwrap_or(rest.len()) {
            0 => return None,
            at => rest.get(at..)?,
        }
    };
    let at = target.iter().position(|&b| b == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at_checked(at)?;
    Some((if path.is_empty() { b"/" } else { path }, query.get(1..).unwrap_or_default()))
}

/// Every line up to the blank one is `name: value`, the name a token, the value without control bytes. Counts the `Host` fields.
pub(super) fn judge_fields(mut rest: &[u8]) -> Result<u32, HeadError> {
    let mut hosts = 0_u32;
    while let Some((&first, _)) = rest.split_first()
        && first != b'\r'
    {
        let name = rest.iter().position(|&b| !is_token_byte(b)).unwrap_or(rest.len());
        let (name, value) = rest.split_at_checked(name).unwrap_or_default();
        let value = value.strip_prefix(b":").ok_or(HeadError::Field)?;
        if name.is_empty() {
            return Err(HeadError::Field);
        }
        let (value, behind) = value.split_at_checked(visible(value)).unwrap_or_default();
        if name.len() == 4 && name.eq_ignore_ascii_case(b"host") {
            hosts = hosts.saturating_add(1);
            if !value.trim_ascii().iter().all(|&b| is_host_byte(b)) {
                return Err(HeadError::Host);
            }
        }
        rest = behind.strip_prefix(b"\r\n").ok_or(HeadError::ControlByte)?;
    }
    if rest == b"\r\n" { Ok(hosts) } else { Err(HeadError::Field) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, vec::Vec};

    fn parse(line: &str, fields: &str) -> Result<(Vec<u8>, Vec<u8>), HeadError> {
        let head = format!("{line}\r\n{fields}\r\n");
        Request::parse(head.as_bytes()).map(|r| (r.path().to_vec(), r.query().to_vec()))
    }

    #[test]
    fn targets_name_a_path_and_a_query() {
        let cases: [(&str, Option<(&str, &str)>); 12] = [
            ("/", Some(("/", ""))),
            ("/a/b?c=d?e", Some(("/a/b", "c=d?e"))),
            ("http://h/a?b", Some(("/a", "b"))),
            ("HTTPS://h:1", Some(("/", ""))),
            ("http://h?x/y", Some(("/", "x/y"))),
            ("http:///x", None),
            ("h:1", None),
            ("*", None),
            ("x", None),
            ("/a#b", None),
            ("/a b", None),
            ("ftp://h/", None),
        ];
        for (target, expected) in cases {
            let expected =
                expected.map(|(p, q)| (p.as_bytes().to_vec(), q.as_bytes().to_vec())).ok_or(HeadError::RequestLine);
            assert_eq!(parse(&format!("GET {target} HTTP/1.1"), "Host: h\r\n"), expected, "{target}");
        }
        assert!(parse("OPTIONS * HTTP/1.1", "Host: h\r\n").is_ok());
    }

    #[test]
    fn versions_hosts_and_fields_are_judged() {
        let host = "Host: h\r\n";
        let cases = [
            ("GET / HTTP/1.1", "Host: h\r\n", Ok(())),
            ("GET / HTTP/1.2", "host:\th:80 \r\n", Ok(())),
            ("GET / HTTP/1.0", "", Ok(())),
            ("GET / HTTP/1.1", "", Err(HeadError::Host)),
            ("GET / HTTP/1.1", "Host: h\r\nHost: h\r\n", Err(HeadError::Host)),
            ("GET / HTTP/1.1", "Host: h/x\r\n", Err(HeadError::Host)),
            ("GET / HTTP/1.1", "Host: u@h\r\n", Err(HeadError::Host)),
            ("GET / HTTP/2.0", host, Err(HeadError::Version)),
            ("GET / HTTP/11", host, Err(HeadError::RequestLine)),
            ("GET / http/1.1", host, Err(HeadError::RequestLine)),
            ("GET  / HTTP/1.1", host, Err(HeadError::RequestLine)),
            ("GET / HTTP/1.1", "Host: h\r\nA b: c\r\n", Err(HeadError::Field)),
            ("GET / HTTP/1.1", "Host: h\r\nA : c\r\n", Err(HeadError::Field)),
            ("GET / HTTP/1.1", "Host: h\r\n: c\r\n", Err(HeadError::Field)),
            ("GET / HTTP/1.1", "Host: h\r\nA\r\n", Err(HeadError::Field)),
            ("GET / HTTP/1.1", "Host: h\r\nA: 12345678\x7f\r\n", Err(HeadError::ControlByte)),
        ];
        for (line, fields, expected) in cases {
            assert_eq!(parse(line, fields).map(|_| ()), expected, "{line} {fields:?}");
        }
    }

    /// RFC 9112 sections 6.1, 6.3 and 11.2: what two readers could take for two different lengths is refused.
    #[test]
    fn a_body_has_one_length_or_none() {
        let smuggled = Err(HeadError::BodyLength);
        let cases = [
            ("1.1", "", Ok(Body::Empty)),
            ("1.1", "Content-Length: 0\r\n", Ok(Body::Empty)),
            ("1.1", "Content-Length: 18446744073709551615\r\n", Ok(Body::Length(u64::MAX))),
            ("1.1", "Content-Length: 18446744073709551616\r\n", smuggled),
            ("1.1", "Content-Length: +1\r\n", smuggled),
            ("1.1", "Content-Length: 0x1\r\n", smuggled),
            ("1.1", "Content-Length:\r\n", smuggled),
            ("1.1", "Content-Length: 5, 5\r\n", smuggled),
            ("1.1", "Content-Length: 5\r\nContent-Length: 5\r\n", smuggled),
            ("1.1", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", smuggled),
            ("1.1", "Transfer-Encoding: Chunked\r\n", Ok(Body::Chunked)),
            ("1.1", "Transfer-Encoding:\r\n", smuggled),
            ("1.0", "Transfer-Encoding: chunked\r\n", smuggled),
            ("1.1", "Transfer-Encoding: gzip, chunked\r\n", Err(HeadError::TransferCoding)),
            ("1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", Err(HeadError::TransferCoding)),
        ];
        for (version, fields, expected) in cases {
            let head = format!("POST / HTTP/{version}\r\nHost: h\r\n{fields}\r\n");
            assert_eq!(Request::parse(head.as_bytes()).unwrap().body(), expected, "{fields:?}");
        }
    }
}
