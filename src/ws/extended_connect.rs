//! A WebSocket over one stream of HTTP/2 or HTTP/3 (RFC 8441, RFC 9220): the header fields of request and response. Another crate provides the stream.
//!
//! All bytes of the stream are frames, masked as over HTTP/1.1. Begin with [`Connection::server`](super::Connection::server) or
//! [`Connection::client`](super::Connection::client). END_STREAM is the end of the transport.

use super::{Agreed, Compression, CompressionError};
use crate::http::{Authority, Status, are_tokens, is_token_byte, tokens, visible};
use core::fmt;

/// A valid request that opens a WebSocket over a stream.
///
/// ```
/// use sansocket::ws::ExtendedConnect;
///
/// let fields: [(&[u8], &[u8]); 6] = [
///     (b":method", b"CONNECT"), (b":protocol", b"websocket"), (b":scheme", b"https"),
///     (b":path", b"/chat"), (b":authority", b"server.example.com"), (b"sec-websocket-version", b"13"),
/// ];
/// let request = ExtendedConnect::check(fields)?;
/// assert_eq!(request.path, b"/chat");
/// // Answer with status 200, with `sec-websocket-protocol` if you chose a subprotocol, and with `sec-websocket-extensions` if
/// // `Compression::accept` agreed to an offer.
///
/// // The client checks the answer.
/// let answer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-protocol", b"chat")];
/// let chosen = ExtendedConnect::check_response(sansocket::http::Status(200), answer, &["chat"])?;
/// assert_eq!(chosen, Some(&b"chat"[..]));
/// # Ok::<(), sansocket::ws::ExtendedConnectError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedConnect<'h> {
    /// `http` or `https`.
    pub scheme: &'h [u8],
    /// The host, and the port unless it is the default port. [`Authority::parse`] takes them apart.
    pub authority: &'h [u8],
    /// Path and query.
    pub path: &'h [u8],
    /// The origin of the page whose script connects. Browsers always send it; other clients may.
    pub origin: Option<&'h [u8]>,
}

/// The constant fields of a client's request. Add `:scheme`, `:path` and `:authority`; pseudo-header fields come first. `origin`,
/// `sec-websocket-protocol` and other fields may follow. Wait until the server has announced SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 section 3).
pub const EXTENDED_CONNECT_FIELDS: [(&str, &str); 3] =
    [(":method", "CONNECT"), (":protocol", "websocket"), ("sec-websocket-version", "13")];

impl<'h> ExtendedConnect<'h> {
    /// Checks the fields of a request, including pseudo-header fields, in the order of the request (RFC 8441 sections 4 and 5). One pass.
    ///
    /// `sec-websocket-key` and `sec-websocket-accept` are ignored: some gateways forward them. `host` must name the same as `:authority`, and replaces
    /// it if it is missing (RFC 9113 section 8.3.1, RFC 9114 section 4.3.1).
    ///
    /// # Errors
    /// [`ExtendedConnectError`]; answer with its [`status`](ExtendedConnectError::status).
    pub fn check(fields: impl IntoIterator<Item = (&'h [u8], &'h [u8])>) -> Result<Self, ExtendedConnectError> {
        use ExtendedConnectError as E;
        let (mut method, mut protocol, mut scheme, mut path) = (None, None, None, None);
        let (mut authority, mut host, mut version, mut origin) = (None, None, None, None);
        let mut is_behind_field = false;
        for (name, value) in fields {
            let is_pseudo = name.starts_with(b":");
            if if is_pseudo { is_behind_field } else { is_malformed(name, value) } {
                return Err(E::Field);
            }
            is_behind_field |= !is_pseudo;
            let place = match name {
                b":method" => &mut method,
                b":protocol" => &mut protocol,
                b":scheme" => &mut scheme,
                b":path" => &mut path,
                b":authority" => &mut authority,
                b"host" => &mut host,
                b"sec-websocket-version" => &mut version,
                b"origin" => &mut origin,
                b"sec-websocket-protocol" if !are_tokens(value) => return Err(E::Protocols),
                _ if is_pseudo => return Err(E::Field),
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(E::Repeated);
            }
        }
        if method != Some(b"CONNECT") {
            return Err(E::Method);
        }
        if protocol != Some(b"websocket") {
            return Err(E::Protocol);
        }
        let (Some(scheme), Some(path), Some(authority)) = (scheme, path, authority.or(host)) else {
            return Err(E::Target);
        };
        let default_port = match scheme {
            b"http" => 80,
            b"https" => 443,
            _ => return Err(E::Target),
        };
        // The characters of an HTTP/1.1 target (RFC 9113 section 8.3.1).
        if !path.starts_with(b"/") || path.iter().any(|&b| !matches!(b, 0x21..=0x7e) || b == b'#') {
            return Err(E::Target);
        }
        let named = Authority::parse(authority).map_err(|_| E::Target)?;
        if let Some(host) = host
            && !Authority::parse(host).is_ok_and(|host| host.is_same(&named, default_port))
        {
            return Err(E::Field);
        }
        if version != Some(b"13") {
            return Err(E::Version);
        }
        Ok(Self { scheme, authority, path, origin })
    }

    /// Checks the response to a request that offered `protocols`. Returns the subprotocol that the server chose. `fields` are the fields of the
    /// response without pseudo-header fields.
    ///
    /// # Errors
    /// [`ExtendedConnectError`]: [`Status`](ExtendedConnectError::Status) for any status other than 2xx (RFC 8441 section 5).
    pub fn check_response(
        status: Status,
        fields: impl IntoIterator<Item = (&'h [u8], &'h [u8])>,
        protocols: &[&str],
    ) -> Result<Option<&'h [u8]>, ExtendedConnectError> {
        // Commas alone are an empty list (RFC 9110 section 5.6.1).
        let refuse = |value| if tokens(value).next().is_some() { Err(ExtendedConnectError::Extension) } else { Ok(()) };
        check_fields(status, fields, protocols, refuse)
    }

    /// As [`check_response`](Self::check_response), for a request that also offered compression ([`Compression::offer`]). Returns the subprotocol and
    /// the compression that the server chose.
    ///
    /// # Errors
    /// [`ExtendedConnectError`]
    ///
    /// ```
    /// use sansocket::{http::Status, ws::{Compression, ExtendedConnect}};
    ///
    /// let answer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate")];
    /// let (_, agreed) = ExtendedConnect::check_compressed(Status(200), answer, &[], &Compression::new())?;
    /// assert!(agreed.is_some());
    /// # Ok::<(), sansocket::ws::ExtendedConnectError>(())
    /// ```
    pub fn check_compressed(
        status: Status,
        fields: impl IntoIterator<Item = (&'h [u8], &'h [u8])>,
        protocols: &[&str],
        offered: &Compression,
    ) -> Result<(Option<&'h [u8]>, Option<Agreed>), ExtendedConnectError> {
        let mut agreed = None;
        let see = |value| offered.see(value, &mut agreed).map_err(ExtendedConnectError::Compression);
        let protocol = check_fields(status, fields, protocols, see)?;
        Ok((protocol, agreed))
    }
}

fn check_fields<'h>(
    status: Status,
    fields: impl IntoIterator<Item = (&'h [u8], &'h [u8])>,
    protocols: &[&str],
    mut extension: impl FnMut(&'h [u8]) -> Result<(), ExtendedConnectError>,
) -> Result<Option<&'h [u8]>, ExtendedConnectError> {
    use ExtendedConnectError as E;
    if !matches!(status.0, 200..=299) {
        return Err(E::Status(status));
    }
    let mut chosen = None;
    for (name, value) in fields {
        if name == b"sec-websocket-extensions" {
            extension(value)?;
        }
        if name == b"sec-websocket-protocol"
            && (chosen.replace(value).is_some() || !protocols.iter().any(|p| p.as_bytes() == value))
        {
            return Err(E::Protocols);
        }
    }
    Ok(chosen)
}

/// Whether RFC 9113 sections 8.2.1 and 8.2.2 forbid the field: the name is not a token in lower case, the value has control bytes, or the field
/// belongs to an HTTP/1.1 connection.
fn is_malformed(name: &[u8], value: &[u8]) -> bool {
    name.is_empty()
        || !name.iter().all(|&b| is_token_byte(b) && !b.is_ascii_uppercase())
        || visible(value) < value.len()
        || match name {
            b"connection" | b"proxy-connection" | b"keep-alive" | b"transfer-encoding" | b"upgrade" => true,
            b"te" => !value.eq_ignore_ascii_case(b"trailers"),
            _ => false,
        }
}

/// The stream does not carry a WebSocket. A server answers with [`status`](Self::status); a client resets the stream.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtendedConnectError {
    /// `:method` is missing or not CONNECT.
    Method,
    /// `:protocol` is missing or not `websocket`.
    Protocol,
    /// `:scheme`, `:path` or `:authority` is missing or invalid.
    Target,
    /// `sec-websocket-version` is missing or not 13.
    Version,
    /// A subprotocol is not a token, or the server chose one that was not offered, or more than one.
    Protocols,
    /// A field that may occur only once occurs twice.
    Repeated,
    /// A field that HTTP/2 and HTTP/3 forbid, an unknown pseudo-header field or one after other fields, or a `host` that differs from `:authority`.
    Field,
    /// The server chose an extension, but none was offered.
    Extension,
    /// The server chose an extension that was not offered, or answered the offer of compression in an invalid way.
    Compression(CompressionError),
    /// The server answered with a status other than 2xx.
    Status(Status),
}

impl ExtendedConnectError {
    /// The status of the response.
    #[must_use]
    pub const fn status(self) -> Status {
        Status(match self {
            Self::Method => 405,
            Self::Protocol => 501,
            _ => 400,
        })
    }
}

impl fmt::Display for ExtendedConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "the :method of a WebSocket handshake must be CONNECT",
            Self::Protocol => "the :protocol of a WebSocket handshake must be websocket",
            Self::Target => ":scheme, :path or :authority is missing or invalid",
            Self::Version => "sec-websocket-version must occur once and be 13",
            Self::Protocols => "a WebSocket subprotocol is not a token or was not offered",
            Self::Repeated => "a header field that may occur once occurs twice",
            Self::Field => "a header field is malformed or not allowed in a WebSocket handshake over HTTP/2 or HTTP/3",
            Self::Compression(e) => e.reason(),
            Self::Extension => "the server chose a WebSocket extension that was not offered",
            Self::Status(status) => {
                return write!(f, "the server answered the WebSocket handshake with HTTP status {}", status.0);
            }
        })
    }
}

impl core::error::Error for ExtendedConnectError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const GOOD: [(&str, &str); 6] = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/chat?x"),
        (":authority", "h:1"),
        ("sec-websocket-version", "13"),
    ];

    fn check(fields: &[(&'static str, &'static str)]) -> Result<(), ExtendedConnectError> {
        ExtendedConnect::check(fields.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes()))).map(|_| ())
    }

    #[test]
    fn rfc_8441_section_5_a_request_lacks_nothing_and_has_nothing_of_http_1() {
        use ExtendedConnectError::*;
        assert_eq!(check(&GOOD), Ok(()));
        let missing = [Method, Protocol, Target, Target, Target, Version];
        for (i, error) in missing.into_iter().enumerate() {
            let mut fields = GOOD.to_vec();
            fields.remove(i);
            assert_eq!(check(&fields), Err(error), "{}", GOOD[i].0);
            assert_eq!(check(&[&GOOD[..=i], &GOOD[i..]].concat()), Err(Repeated), "{}", GOOD[i].0);
        }
        for (name, value, error) in [
            ("connection", "Upgrade", Field),
            ("upgrade", "websocket", Field),
            ("host", "g:1", Field),
            ("host", "h", Field),
            ("host", "h:1:1", Field),
            ("transfer-encoding", "chunked", Field),
            ("keep-alive", "timeout=5", Field),
            ("proxy-connection", "keep-alive", Field),
            ("te", "gzip", Field),
            ("te", "trailers, gzip", Field),
            ("Cookie", "a", Field),
            ("a b", "a", Field),
            ("cookie", "a\r\nb", Field),
            (":status", "200", Field),
            ("sec-websocket-protocol", "a, b c", Protocols),
        ] {
            assert_eq!(check(&[&GOOD[..], &[(name, value)]].concat()), Err(error), "{name}");
        }
        for (name, value) in [
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("host", "h:1"),
            ("host", "H:1"),
            ("te", "trailers"),
        ] {
            assert_eq!(check(&[&GOOD[..], &[(name, value)]].concat()), Ok(()), "{name}");
        }
        let behind = [&GOOD[..3], &GOOD[5..], &GOOD[3..5]].concat();
        assert_eq!(check(&behind), Err(Field), "a pseudo-header field behind a field");
        assert_eq!(check(&[&GOOD[..4], &[("host", "h")], &GOOD[5..]].concat()), Ok(()), "host for :authority");
        let other = |i: usize, value: &'static str| {
            let mut fields: Vec<_> = GOOD.to_vec();
            fields[i].1 = value;
            check(&fields)
        };
        assert_eq!(other(0, "GET"), Err(Method));
        assert_eq!(other(1, "WebSocket"), Err(Protocol));
        assert_eq!(other(2, "wss"), Err(Target));
        assert_eq!(other(3, "*"), Err(Target));
        for path in ["/a b", "/a\r\nX: y", "/\u{e9}", "/a#b", "/\0"] {
            assert_eq!(other(3, path), Err(Target), "{path}");
        }
        for authority in ["u@h", "h\r\n", "h h", "h:port", ":1", "[::1", "h%zz"] {
            assert_eq!(other(4, authority), Err(Target), "{authority}");
        }
        assert_eq!(other(5, "8"), Err(Version));
        assert_eq!(check(&[&GOOD[..], &[("sec-websocket-protocol", "a, b"), ("cookie", "x")]].concat()), Ok(()));
    }

    #[test]
    fn rfc_8441_section_5_success_is_2xx_with_what_was_offered() {
        use ExtendedConnectError::*;
        let response = |status, fields: &[(&'static str, &'static str)]| {
            let fields = fields.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes()));
            ExtendedConnect::check_response(crate::http::Status(status), fields, &["a", "b"])
        };
        assert_eq!(response(200, &[]), Ok(None));
        assert_eq!(response(204, &[("sec-websocket-protocol", "b"), ("x", "y")]), Ok(Some(&b"b"[..])));
        for status in [101, 302, 403] {
            assert_eq!(response(status, &[]), Err(Status(crate::http::Status(status))));
        }
        assert_eq!(response(200, &[("sec-websocket-protocol", "c")]), Err(Protocols));
        assert_eq!(response(200, &[("sec-websocket-protocol", "a"), ("sec-websocket-protocol", "a")]), Err(Protocols));
        assert_eq!(response(200, &[("sec-websocket-extensions", "permessage-deflate")]), Err(Extension));
    }
}
