//! As much of a URL (RFC 3986; RFC 6455 section 3) as names an endpoint.

use super::octets::is_host_byte;
use crate::bytes::decimal;
use core::{fmt, net::Ipv6Addr};

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
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let scheme = [("ws", Scheme::Ws), ("wss", Scheme::Wss), ("http", Scheme::Http), ("https", Scheme::Https)]
            .into_iter()
            .find_map(|(name, known)| scheme.eq_ignore_ascii_case(name).then_some(known))
            .ok_or(UrlError::Scheme)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).unwrap_or_default();
        let (authority, host, port) = endpoint(authority, scheme.default_port())?;
        if !target.bytes().all(is_target_byte) {
            return Err(if target.contains('#') { UrlError::Fragment } else { UrlError::Target });
        }
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
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

/// The authority without a port that says nothing new, the host, the port.
fn endpoint(authority: &str, default_port: u16) -> Result<(&str, &str, u16), UrlError> {
    if authority.contains('@') {
        return Err(UrlError::UserInfo);
    }
    let (host, bracketed, rest) = if let Some(inner) = authority.strip_prefix('[') {
        let (host, rest) = inner.split_once(']').ok_or(UrlError::Host)?;
        host.parse::<Ipv6Addr>().map_err(|_| UrlError::Host)?;
        (host, host.len().saturating_add(2), rest)
    } else {
        let (host, rest) =
            authority.split_at_checked(authority.find(':').unwrap_or(authority.len())).unwrap_or_default();
        let is_good = |b: u8| is_host_byte(b) && !matches!(b, b'[' | b']');
        if host.is_empty() || !host.bytes().all(is_good) {
            return Err(UrlError::Host);
        }
        (host, host.len(), rest)
    };
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => default_port,
        None => return Err(UrlError::Host),
        Some("") => default_port,
        Some(digits) => decimal(digits.as_bytes())
            .and_then(|n| u16::try_from(n).ok())
            .filter(|&port| port != 0)
            .ok_or(UrlError::Port)?,
    };
    let authority = if port == default_port { authority.get(..bracketed).unwrap_or_default() } else { authority };
    Ok((authority, host, port))
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
