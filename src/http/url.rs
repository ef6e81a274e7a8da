//! As much of a URL (RFC 3986; RFC 6455 section 3) as names an endpoint.

use super::octets::is_host_byte;
use crate::bytes::decimal;
use core::fmt;

/// The scheme of a [`Url`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `ws`, port 80.
    Ws,
    /// `wss`, port 443, over TLS.
    Wss,
    /// `http`, port 80.
    Http,
    /// `https`, port 443, over TLS.
    Https,
}

impl Scheme {
    /// Whether the connection is to run over TLS.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Wss | Self::Https)
    }

    /// The port that a URL without one means.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        if self.is_secure() { 443 } else { 80 }
    }
}

/// Where an endpoint is. Borrows the text; nothing is decoded.
///
/// ```
/// use sansocket::http::{Scheme, Url};
///
/// let url = Url::parse("wss://[::1]:8443/chat?room=1")?;
/// assert_eq!((url.scheme(), url.host(), url.port()), (Scheme::Wss, "::1", 8443));
/// assert_eq!((url.authority(), url.path(), url.query()), ("[::1]:8443", "/chat", Some("room=1")));
/// # Ok::<(), sansocket::http::UrlError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'u> {
    scheme: Scheme,
    /// Host and, unless it is the default, port.
    authority: &'u str,
    host: &'u str,
    port: u16,
    path: &'u str,
    query: Option<&'u str>,
}

impl<'u> Url<'u> {
    /// Reads a URL of the schemes `ws`, `wss`, `http` and `https`. Linear.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn parse(text: &'u str) -> Result<Self, UrlError> {
        // On bytes throughout: the searchers of `str` cost firmware more flash than all the rest here.
        let (scheme, rest) = split(text, |b| b == b':').ok_or(UrlError::Scheme)?;
        let scheme = [("ws", Scheme::Ws), ("wss", Scheme::Wss), ("http", Scheme::Http), ("https", Scheme::Https)]
            .into_iter()
            .find_map(|(name, known)| scheme.eq_ignore_ascii_case(name).then_some(known))
            .ok_or(UrlError::Scheme)?;
        let rest = rest.strip_prefix("://").ok_or(UrlError::Scheme)?;
        let (authority, target) = split(rest, |b| matches!(b, b'/' | b'?' | b'#')).unwrap_or((rest, ""));
        let (authority, host, port) = endpoint(authority, scheme.default_port())?;
        if let Some(bad) = target.bytes().find(|&b| !is_target_byte(b)) {
            return Err(if bad == b'#' { UrlError::Fragment } else { UrlError::Target });
        }
        let (path, query) = path_and_query(target);
        Ok(Self { scheme, authority, host, port, path: if path.is_empty() { "/" } else { path }, query })
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host: a name, an IPv4 address, or an IPv6 address without its brackets. What a name server and TLS want.
    #[must_use]
    pub const fn host(&self) -> &'u str {
        self.host
    }

    /// The port, the scheme's own when the URL names none.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What stands in the `Host` field: the host, an IPv6 address in its brackets, and the port unless it is the scheme's own.
    #[must_use]
    pub const fn authority(&self) -> &'u str {
        self.authority
    }

    /// The path, `/` when the URL has none; still percent-encoded.
    #[must_use]
    pub const fn path(&self) -> &'u str {
        self.path
    }

    /// What stands behind the `?`, still percent-encoded.
    #[must_use]
    pub const fn query(&self) -> Option<&'u str> {
        self.query
    }
}

/// What stands in front of the first byte that is `at`, and the rest with that byte.
fn split(text: &str, at: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    text.split_at_checked(text.bytes().position(at)?)
}

/// What stands in front of the first `?`, and behind it.
pub(crate) fn path_and_query(target: &str) -> (&str, Option<&str>) {
    match split(target, |b| b == b'?') {
        Some((path, query)) => (path, query.get(1..)),
        None => (target, None),
    }
}

/// The authority without a port that says nothing new, the host, the port.
fn endpoint(authority: &str, default_port: u16) -> Result<(&str, &str, u16), UrlError> {
    if authority.bytes().any(|b| b == b'@') {
        return Err(UrlError::UserInfo);
    }
    let (host, bracketed, rest) = if let Some(inner) = authority.strip_prefix('[') {
        let (host, rest) = split(inner, |b| b == b']').ok_or(UrlError::Host)?;
        if !is_ipv6(host.as_bytes()) {
            return Err(UrlError::Host);
        }
        (host, host.len().saturating_add(2), rest.get(1..).unwrap_or_default())
    } else {
        let (host, rest) = split(authority, |b| b == b':').unwrap_or((authority, ""));
        let is_good = |b: u8| is_host_byte(b) && !matches!(b, b'[' | b']');
        if host.is_empty() || !host.bytes().all(is_good) {
            return Err(UrlError::Host);
        }
        (host, host.len(), rest)
    };
    let port = match rest.as_bytes() {
        [] | [b':'] => default_port,
        [b':', digits @ ..] => {
            decimal(digits).and_then(|n| u16::try_from(n).ok()).filter(|&port| port != 0).ok_or(UrlError::Port)?
        }
        _ => return Err(UrlError::Host),
    };
    let authority = if port == default_port { authority.get(..bracketed).unwrap_or_default() } else { authority };
    Ok((authority, host, port))
}

/// RFC 4291 section 2.2: groups of up to four hexadecimal digits, eight in all or fewer around one `::`; the last two may be an IPv4 address.
fn is_ipv6(text: &[u8]) -> bool {
    let (mut groups, mut gaps, mut is_last) = (0_u8, 0_u8, false);
    let parts = text.split(|&b| b == b':');
    let count = parts.clone().count();
    for (i, part) in parts.enumerate() {
        let is_edge = i == 0 || i.saturating_add(1) == count;
        if is_last {
            return false;
        }
        if part.is_empty() {
            // `::` is one empty part inside, or two at an edge.
            if !is_edge {
                gaps = gaps.saturating_add(1);
            } else if i == 0 && !text.starts_with(b"::") || i > 0 && !text.ends_with(b"::") {
                return false;
            }
        } else if part.contains(&b'.') {
            is_last = true;
            groups = groups.saturating_add(2);
            let octets = part.split(|&b| b == b'.');
            let is_octet = |o: &[u8]| {
                o.len() <= 3 && decimal(o).is_some_and(|n| n < 256) && (o.len() == 1 || !o.starts_with(b"0"))
            };
            if octets.clone().count() != 4 || !octets.clone().all(is_octet) {
                return false;
            }
        } else {
            groups = groups.saturating_add(1);
            if part.len() > 4 || !part.iter().all(u8::is_ascii_hexdigit) {
                return false;
            }
        }
    }
    match gaps {
        0 => groups == 8,
        1 => groups < 8,
        _ => text == b"::",
    }
}

/// RFC 3986 sections 3.3 and 3.4, and what browsers let stand; no `#`.
pub(crate) const fn is_target_byte(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`')
}

/// A text that names no endpoint.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// The scheme is none of `ws`, `wss`, `http`, `https`.
    Scheme,
    /// User and password in front of the host: RFC 6455 section 3 knows none; give them apart.
    UserInfo,
    /// The host is missing, or has a byte that no host has, or is no IPv6 address.
    Host,
    /// The port is no number from 1 to 65535.
    Port,
    /// A byte in path or query that must be percent-encoded.
    Target,
    /// A fragment, which RFC 6455 section 3 forbids.
    Fragment,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the URL must begin with ws://, wss://, http:// or https://",
            Self::UserInfo => "user and password do not belong in the URL",
            Self::Host => "the URL names no host",
            Self::Port => "the port must be a number from 1 to 65535",
            Self::Target => "path or query has a character that must be percent-encoded",
            Self::Fragment => "a WebSocket URL has no fragment (#)",
        })
    }
}

impl core::error::Error for UrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_that_core_takes() {
        let parts = ["", "0", "1", "ffff", "12345", "g", "1.2.3.4", "1.2.3", "256.1.1.1", "01.2.3.4", "db8"];
        let mut random = 1_u64;
        let mut good = 0;
        for _ in 0..300_000 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let mut bits = random >> 20;
            let count = 1 + bits % 9;
            bits /= 9;
            let text: std::vec::Vec<&str> = (0..count)
                .map(|_| {
                    let part = parts[(bits % 16).min(10) as usize];
                    bits = (bits / 16) ^ (random << 7);
                    if bits.is_multiple_of(3) { "1" } else { part }
                })
                .collect();
            let text = text.join(":");
            let expected = text.parse::<core::net::Ipv6Addr>().is_ok();
            good += u32::from(expected);
            assert_eq!(is_ipv6(text.as_bytes()), expected, "{text}");
        }
        assert!(good > 1000, "{good}");
        for text in [
            "::",
            "::1",
            "1::",
            ":1",
            "1:",
            ":",
            ":::",
            "1:::2",
            "::1::",
            "1::2::3",
            "::1.2.3.4",
            "1.2.3.4::",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "1:2:3:4::5:6:7:8",
        ] {
            assert_eq!(is_ipv6(text.as_bytes()), text.parse::<core::net::Ipv6Addr>().is_ok(), "{text}");
        }
    }

    #[test]
    fn endpoints() {
        type Parts<'u> = (&'u str, &'u str, u16, &'u str, Option<&'u str>);
        let cases: [(&str, Result<Parts<'_>, UrlError>); 27] = [
            ("ws://h", Ok(("h", "h", 80, "/", None))),
            ("WSS://Ex.org/", Ok(("Ex.org", "Ex.org", 443, "/", None))),
            ("http://h:80/a?b=c?d", Ok(("h", "h", 80, "/a", Some("b=c?d")))),
            ("https://h:/a", Ok(("h", "h", 443, "/a", None))),
            ("ws://h:443", Ok(("h:443", "h", 443, "/", None))),
            ("ws://h?x=/y", Ok(("h", "h", 80, "/", Some("x=/y")))),
            ("ws://h/?", Ok(("h", "h", 80, "/", Some("")))),
            ("ws://127.0.0.1:9001/%20", Ok(("127.0.0.1:9001", "127.0.0.1", 9001, "/%20", None))),
            ("ws://[::1]", Ok(("[::1]", "::1", 80, "/", None))),
            ("wss://[2001:db8::1]:65535/x", Ok(("[2001:db8::1]:65535", "2001:db8::1", 65535, "/x", None))),
            ("ws://[::1]:80", Ok(("[::1]", "::1", 80, "/", None))),
            ("ws:/h", Err(UrlError::Scheme)),
            ("h:80", Err(UrlError::Scheme)),
            ("ftp://h", Err(UrlError::Scheme)),
            ("", Err(UrlError::Scheme)),
            ("ws://", Err(UrlError::Host)),
            ("ws:///x", Err(UrlError::Host)),
            ("ws://h h", Err(UrlError::Host)),
            ("ws://[::1", Err(UrlError::Host)),
            ("ws://[::1]x", Err(UrlError::Host)),
            ("ws://[1.2.3.4]", Err(UrlError::Host)),
            ("ws://u:p@h", Err(UrlError::UserInfo)),
            ("ws://h:0", Err(UrlError::Port)),
            ("ws://h:65536", Err(UrlError::Port)),
            ("ws://h:+80", Err(UrlError::Port)),
            ("ws://h/\r\nX: y", Err(UrlError::Target)),
            ("ws://h/#a", Err(UrlError::Fragment)),
        ];
        for (text, expected) in cases {
            let url = Url::parse(text).map(|u| (u.authority(), u.host(), u.port(), u.path(), u.query()));
            assert_eq!(url, expected, "{text}");
        }
    }
}
