//! A WebSocket over one stream of HTTP/2 or HTTP/3 (RFC 8441, RFC 9220): the fields on both sides, for a crate that has the stream.
//!
//! The bytes of the stream are frames from the start, masked as ever, so the connection begins with [`Connection::server`](super::Connection::server) or
//! [`Connection::client`](super::Connection::client). END_STREAM stands for the end of the transport.

use crate::http::{Members, Status, is_token_byte};
use core::fmt;

/// A request that opens a WebSocket over a stream, judged good.
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
/// // Answer with status 200 and, if one was chosen, `sec-websocket-protocol`.
/// # Ok::<(), sansocket::ws::ExtendedConnectError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedConnect<'h> {
    /// `http` or `https`.
    pub scheme: &'h [u8],
    /// Host, and port if it is not the scheme's own.
    pub authority: &'h [u8],
    /// Path and query.
    pub path: &'h [u8],
    /// Where the page comes from that a browser connects for.
    pub origin: Option<&'h [u8]>,
}

/// What makes a CONNECT one for a WebSocket, to be sent with `:scheme`, `:path` and `:authority`, once the server has announced
/// SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 section 3). `origin`, `sec-websocket-protocol` and others may follow.
pub const EXTENDED_CONNECT_FIELDS: [(&str, &str); 3] =
    [(":method", "CONNECT"), (":protocol", "websocket"), ("sec-websocket-version", "13")];

impl<'h> ExtendedConnect<'h> {
    /// Judges the fields of a request, pseudo-header fields included (RFC 8441 section 5); names are in lower case there. One pass.
    ///
    /// # Errors
    /// [`ExtendedConnectError`]; answer with its status.
    pub fn check(fields: impl IntoIterator<Item = (&'h [u8], &'h [u8])>) -> Result<Self, ExtendedConnectError> {
        use ExtendedConnectError as E;
        let (mut method, mut protocol, mut scheme, mut path) = (None, None, None, None);
        let (mut authority, mut version, mut origin) = (None, None, None);
        for (name, value) in fields {
            let place = match name {
                b":method" => &mut method,
                b":protocol" => &mut protocol,
                b":scheme" => &mut scheme,
                b":path" => &mut path,
                b":authority" => &mut authority,
                b"sec-websocket-version" => &mut version,
                b"origin" => &mut origin,
                // What belongs to HTTP/1.1 only (RFC 8441 section 5, RFC 9113 section 8.2.2).
                b"connection" | b"upgrade" | b"host" | b"sec-websocket-key" | b"sec-websocket-accept" => {
                    return Err(E::Field);
                }
                b"sec-websocket-protocol" if !Members::of(value).all(|m| m.iter().all(|&b| is_token_byte(b))) => {
                    return Err(E::Protocols);
                }
                [b':', ..] => return Err(E::Field),
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
        let present = |value: Option<&'h [u8]>| value.filter(|v| !v.is_empty()).ok_or(E::Target);
        let (scheme, path, authority) = (present(scheme)?, present(path)?, present(authority)?);
        if !matches!(scheme, b"http" | b"https") || !path.starts_with(b"/") {
            return Err(E::Target);
        }
        if version != Some(b"13") {
            return Err(E::Version);
        }
        Ok(Self { scheme, authority, path, origin })
    }

    /// Judges the answer to a request that offered `protocols`, its status and its fields; gives the subprotocol that was chosen.
    ///
    /// # Errors
    /// [`ExtendedConnectError`]: [`Status`](ExtendedConnectError::Status) for anything but 2xx (RFC 8441 section 5).
    pub fn check_answer(
        status: Status,
        fields: impl IntoIterator<Item = (&'h [u8], &'h [u8])>,
        protocols: &[&str],
    ) -> Result<Option<&'h [u8]>, ExtendedConnectError> {
        use ExtendedConnectError as E;
        if !matches!(status.0, 200..=299) {
            return Err(E::Status(status));
        }
        let mut chosen = None;
        for (name, value) in fields {
            if name == b"sec-websocket-extensions" {
                return Err(E::Extension);
            }
            if name == b"sec-websocket-protocol"
                && (chosen.replace(value).is_some() || !protocols.iter().any(|p| p.as_bytes() == value))
            {
                return Err(E::Protocols);
            }
        }
        Ok(chosen)
    }
}

/// Why a stream carries no WebSocket.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtendedConnectError {
    /// `:method` is not CONNECT.
    Method,
    /// `:protocol` is not `websocket`.
    Protocol,
    /// `:scheme`, `:path` or `:authority` is missing or none.
    Target,
    /// `sec-websocket-version` is not 13.
    Version,
    /// A subprotocol that is no token, that was not offered, or several.
    Protocols,
    /// A field stands there twice.
    Repeated,
    /// A field that HTTP/1.1's handshake alone has, or a pseudo-header field that there is not.
    Field,
    /// An extension, and none was offered.
    Extension,
    /// The server answered so.
    Status(Status),
}

impl ExtendedConnectError {
    /// The status to answer with.
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
            Self::Method => ":method must be CONNECT",
            Self::Protocol => ":protocol must be websocket",
            Self::Target => ":scheme, :path and :authority must say where to",
            Self::Version => "sec-websocket-version must be 13",
            Self::Protocols => "subprotocol that is none or was not offered",
            Self::Repeated => "a field stands there twice",
            Self::Field => "field that does not belong into this request",
            Self::Extension => "extension that was not offered",
            Self::Status(status) => return write!(f, "the server answered {}", status.0),
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
            assert_eq!(check(&[&GOOD[..], &GOOD[i..=i]].concat()), Err(Repeated), "{}", GOOD[i].0);
        }
        for (name, value, error) in [
            ("connection", "Upgrade", Field),
            ("upgrade", "websocket", Field),
            ("host", "h", Field),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==", Field),
            (":status", "200", Field),
            ("sec-websocket-protocol", "a, b c", Protocols),
        ] {
            assert_eq!(check(&[&GOOD[..], &[(name, value)]].concat()), Err(error), "{name}");
        }
        let other = |i: usize, value: &'static str| {
            let mut fields: Vec<_> = GOOD.to_vec();
            fields[i].1 = value;
            check(&fields)
        };
        assert_eq!(other(0, "GET"), Err(Method));
        assert_eq!(other(1, "WebSocket"), Err(Protocol));
        assert_eq!(other(2, "wss"), Err(Target));
        assert_eq!(other(3, "*"), Err(Target));
        assert_eq!(other(5, "8"), Err(Version));
        assert_eq!(check(&[&GOOD[..], &[("sec-websocket-protocol", "a, b"), ("cookie", "x")]].concat()), Ok(()));
    }

    #[test]
    fn rfc_8441_section_5_success_is_2xx_with_what_was_offered() {
        use ExtendedConnectError::*;
        let answer = |status, fields: &[(&'static str, &'static str)]| {
            let fields = fields.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes()));
            ExtendedConnect::check_answer(crate::http::Status(status), fields, &["a", "b"])
        };
        assert_eq!(answer(200, &[]), Ok(None));
        assert_eq!(answer(204, &[("sec-websocket-protocol", "b"), ("x", "y")]), Ok(Some(&b"b"[..])));
        for status in [101, 302, 403] {
            assert_eq!(answer(status, &[]), Err(Status(crate::http::Status(status))));
        }
        assert_eq!(answer(200, &[("sec-websocket-protocol", "c")]), Err(Protocols));
        assert_eq!(answer(200, &[("sec-websocket-protocol", "a"), ("sec-websocket-protocol", "a")]), Err(Protocols));
        assert_eq!(answer(200, &[("sec-websocket-extensions", "permessage-deflate")]), Err(Extension));
    }
}
