//! The grammar of a whole request head, with nom and slices. [`HeadScanner`](super::HeadScanner) has found its end already.

use super::{
    Authority, Fields, HeadError, Notes, Once,
    octets::{find, is_token_byte, target, token, visible},
};
use crate::bytes::decimal;
use core::fmt;
use nom::{Parser, bytes::complete::take_while1, error::Error};

/// The method of a request.
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
    /// Another method.
    Other(&'h [u8]),
}

impl<'h> Method<'h> {
    /// The method with this name, in capitals (RFC 9110 section 9.1), for requests that another HTTP server has parsed.
    ///
    /// ```
    /// use sansocket::http::Method;
    ///
    /// assert_eq!(Method::new(b"POST"), Method::Post);
    /// assert_eq!(Method::new(b"post"), Method::Other(b"post"));
    /// ```
    #[must_use]
    pub const fn new(name: &'h [u8]) -> Self {
        match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"OPTIONS" => Self::Options,
            other => Self::Other(other),
        }
    }
}

/// The version of HTTP. See [`Request`].
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
    /// No body.
    Empty,
    /// A body with this number of bytes.
    Length(u64),
    /// A body in chunks (section 7.1).
    Chunked,
}

/// A valid request head, borrowed from the received bytes.
///
/// `Debug` leaves out the query and the values of the fields, which hold session ids, cookies and credentials.
///
/// ```
/// use sansocket::http::{Method, Request};
///
/// let request = Request::parse(b"GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n\r\n")?;
/// assert_eq!((request.method(), request.path(), request.query()), (Method::Get, &b"/socket.io/"[..], &b"EIO=4"[..]));
/// assert!(request.fields().tokens("connection").any(|m| m.eq_ignore_ascii_case(b"upgrade")));
/// assert_eq!(request.authority().map(|a| a.host()), Some(&b"a"[..]));
/// # Ok::<(), sansocket::http::HeadError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Request<'h> {
    method: Method<'h>,
    path: &'h [u8],
    query: &'h [u8],
    version: Version,
    authority: Option<Authority<'h>>,
    fields: Fields<'h>,
    notes: Notes<'h>,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &format_args!("{}", self.path.escape_ascii()))
            .field("version", &self.version)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

impl<'h> Request<'h> {
    /// Parses a whole head, whose end [`HeadScanner`](super::HeadScanner) has found. Empty lines before it are ignored (RFC 9112 section 2.2).
    /// Linear.
    ///
    /// # Errors
    /// [`HeadError`] with the status to answer with.
    pub fn parse(mut head: &'h [u8]) -> Result<Self, HeadError> {
        while let Some(rest) = head.strip_prefix(b"\r\n") {
            head = rest;
        }
        let (rest, method, target) = request_line(head).ok_or(HeadError::RequestLine)?;
        let (rest, version) = version_line(rest)?;
        let mut notes = Notes::new();
        check_fields(rest, |name, value| notes.see(name, value))?;
        let host = match notes.host {
            // Empty for a target without an authority (RFC 9112 section 3.2).
            Once::One(b"") => None,
            Once::One(value) => Some(Authority::parse(value).map_err(|_| HeadError::Host)?),
            Once::None if version < Version::Http11 => None,
            Once::None | Once::More => return Err(HeadError::Host),
        };
        if target == b"*" && method != Method::Options {
            return Err(HeadError::RequestLine);
        }
        let (authority, path, query) = target_parts(target).ok_or(HeadError::RequestLine)?;
        Ok(Self { method, path, query, version, authority: authority.or(host), fields: Fields(rest), notes })
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

    /// The query after the `?`, still percent-encoded. Empty if there is no `?`.
    #[must_use]
    pub const fn query(&self) -> &'h [u8] {
        self.query
    }

    /// The version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The host and port that the request is for: those of an absolute target (`GET http://host/path`), else the value of `Host` (RFC 9112
    /// section 3.2.2). `None` if `Host` is empty, or missing in HTTP/1.0.
    ///
    /// Use this instead of the `Host` field: a client can send both, and then only the target counts.
    #[must_use]
    pub const fn authority(&self) -> Option<Authority<'h>> {
        self.authority
    }

    /// The fields.
    #[must_use]
    pub const fn fields(&self) -> Fields<'h> {
        self.fields
    }

    /// The kind of body that follows the head.
    ///
    /// # Errors
    /// [`HeadError::BodyLength`] if the length is repeated, is not a number, or comes together with a transfer coding (request smuggling, RFC 9112
    /// section 11.2), and for a transfer coding in HTTP/1.0. [`HeadError::TransferCoding`] for a transfer coding other than `chunked`.
    pub fn body(&self) -> Result<Body, HeadError> {
        Ok(body(self.notes.length, self.notes.coding, self.version)?.unwrap_or(Body::Empty))
    }

    /// Whether the connection stays open after the response (RFC 9112 section 9.3).
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        keeps_alive(self.version, self.notes.close, self.notes.keep_alive)
    }

    /// What its fields say.
    pub(crate) const fn notes(&self) -> &Notes<'h> {
        &self.notes
    }
}

/// The body that the fields of a head announce. `None` if they say nothing.
pub(super) fn body(length: Once<'_>, coding: Once<'_>, version: Version) -> Result<Option<Body>, HeadError> {
    match (length, coding) {
        (Once::None, Once::None) => Ok(None),
        (Once::One(length), Once::None) => match decimal(length).ok_or(HeadError::BodyLength)? {
            0 => Ok(Some(Body::Empty)),
            n => Ok(Some(Body::Length(n))),
        },
        // HTTP/1.0 has no codings (RFC 9112 section 6.1); a length beside a coding would be read in two ways.
        (Once::None, _) if version < Version::Http11 => Err(HeadError::BodyLength),
        (Once::None, Once::One(coding)) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Some(Body::Chunked)),
        (Once::None, Once::One(b"")) => Err(HeadError::BodyLength),
        (Once::None, _) => Err(HeadError::TransferCoding),
        _ => Err(HeadError::BodyLength),
    }
}

pub(super) fn keeps_alive(version: Version, close: bool, keep_alive: bool) -> bool {
    !close && (version == Version::Http11 || keep_alive)
}

/// What is behind it, the method and the target. More of nom than this one parser would link its panics.
fn request_line(head: &[u8]) -> Option<(&[u8], Method<'_>, &[u8])> {
    let (rest, method) = take_while1::<_, _, Error<&[u8]>>(is_token_byte).parse(head).ok()?;
    let rest = rest.strip_prefix(b" ")?;
    let (target, rest) = rest.split_at_checked(target(rest))?;
    Some((rest.strip_prefix(b" ")?, Method::new(method), target))
}

fn version_line(rest: &[u8]) -> Result<(&[u8], Version), HeadError> {
    let (text, rest) = rest.split_first_chunk::<8>().ok_or(HeadError::RequestLine)?;
    let rest = rest.strip_prefix(b"\r\n").ok_or(HeadError::RequestLine)?;
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

/// Path, query and, in absolute form, the authority. Proxies send `http://host/path` instead of `/path` (RFC 9112 section 3.2.2).
fn target_parts(target: &[u8]) -> Option<(Option<Authority<'_>>, &[u8], &[u8])> {
    let (authority, target) = if target.starts_with(b"/") || target == b"*" {
        (None, target)
    } else {
        let behind = |scheme: &[u8]| {
            let (front, rest) = target.split_at_checked(scheme.len())?;
            front.eq_ignore_ascii_case(scheme).then_some(rest)
        };
        let rest = behind(b"http://").or_else(|| behind(b"https://"))?;
        let at = rest.iter().position(|&b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(at)?;
        (Some(Authority::parse(authority).ok()?), rest)
    };
    let (path, query) = target.split_at_checked(find(target, b'?'))?;
    Some((authority, if path.is_empty() { b"/" } else { path }, query.get(1..).unwrap_or_default()))
}

/// Checks that every line up to the blank one is `name: value`, the name a token, the value without control bytes. Passes them on, the value with the
/// white space around it.
pub(super) fn check_fields<'h>(mut rest: &'h [u8], mut see: impl FnMut(&'h [u8], &'h [u8])) -> Result<(), HeadError> {
    while let Some((&first, _)) = rest.split_first()
        && first != b'\r'
    {
        let (name, value) = rest.split_at_checked(token(rest)).ok_or(HeadError::Field)?;
        let value = value.strip_prefix(b":").ok_or(HeadError::Field)?;
        if name.is_empty() {
            return Err(HeadError::Field);
        }
        let (value, behind) = value.split_at_checked(visible(value)).ok_or(HeadError::Field)?;
        see(name, value);
        rest = behind.strip_prefix(b"\r\n").ok_or(HeadError::ControlByte)?;
    }
    if rest == b"\r\n" { Ok(()) } else { Err(HeadError::Field) }
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
    fn rfc9112_3_2_2_the_authority_of_the_target_wins_over_host() {
        let cases = [
            ("GET / HTTP/1.1", "Host: h:1\r\n", Some(("h", Some(1)))),
            ("GET http://g/ HTTP/1.1", "Host: h:1\r\n", Some(("g", None))),
            ("GET https://[::1]:5?x HTTP/1.1", "Host:\r\n", Some(("::1", Some(5)))),
            ("GET / HTTP/1.1", "Host:\r\n", None),
            ("GET / HTTP/1.0", "", None),
        ];
        for (line, fields, expected) in cases {
            let head = format!("{line}\r\n{fields}\r\n");
            let authority = Request::parse(head.as_bytes()).unwrap().authority();
            assert_eq!(authority.map(|a| (a.host(), a.port())), expected.map(|(h, p)| (h.as_bytes(), p)), "{line}");
        }
        let head = b"GET /x?token=SECRET HTTP/1.1\r\nHost: h\r\nCookie: SECRET\r\n\r\n";
        let text = format!("{:?}", Request::parse(head).unwrap());
        assert!(text.contains("Cookie") && !text.contains("SECRET") && !text.contains("83, 69"), "{text}");
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
