//! The parts of a URL that a client needs to connect (RFC 3986, RFC 6455 section 3).

use super::authority::{Authority, may_be_ipv4};
use core::fmt;

/// The scheme of a [`Url`].
///
/// ```
/// use sansocket::http::Scheme;
///
/// assert!(Scheme::Wss.is_secure() && !Scheme::Ws.is_secure());
/// assert_eq!(Scheme::Wss.default_port(), 443);
/// ```
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
    /// Whether the connection runs over TLS.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Wss | Self::Https)
    }

    /// The port for a URL that names none.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        if self.is_secure() { 443 } else { 80 }
    }
}

/// A parsed URL with the scheme `ws`, `wss`, `http` or `https`. It borrows the text and decodes nothing.
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
    /// Parses an absolute URL. Linear. Host and port follow the rules of [`Authority::parse`].
    ///
    /// # Errors
    /// [`UrlError`] names the part that is invalid.
    pub fn parse(text: &'u str) -> Result<Self, UrlError> {
        // On bytes: searching in `str` costs more flash than everything else here.
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

    /// The host: a name, an IPv4 address, or an IPv6 address without its brackets. Pass it to the resolver and to TLS.
    ///
    /// The text is not changed. Many resolvers (`getaddrinfo`, `inet_aton`) read each of `127.1`, `2130706433` and `0x7f.1` as 127.0.0.1. A filter
    /// that uses `host().parse::<IpAddr>()` does not recognise such addresses. Check the addresses that the resolver returns, or refuse a host for which
    /// [`may_be_ipv4`](Self::may_be_ipv4) is true and that does not parse as an [`Ipv4Addr`](core::net::Ipv4Addr).
    #[must_use]
    pub const fn host(&self) -> &'u str {
        self.host
    }

    /// Whether a resolver may read the host as an IPv4 address, in any notation: the last label is a decimal or hexadecimal number. True for
    /// everything that `inet_aton` accepts, false for IPv6. Linear in the host.
    ///
    /// ```
    /// use core::net::Ipv4Addr;
    /// use sansocket::http::Url;
    ///
    /// let url = Url::parse("ws://0x7f.1/")?;
    /// assert!(url.host().parse::<Ipv4Addr>().is_err() && url.may_be_ipv4());
    /// assert!(!Url::parse("ws://example.org/")?.may_be_ipv4());
    /// # Ok::<(), sansocket::http::UrlError>(())
    /// ```
    #[must_use]
    pub fn may_be_ipv4(&self) -> bool {
        may_be_ipv4(self.host.as_bytes())
    }

    /// The port; the default port of the scheme if the URL has none.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The value for the `Host` field: the host (an IPv6 address in brackets), and the port unless it is the default port of the scheme.
    #[must_use]
    pub const fn authority(&self) -> &'u str {
        self.authority
    }

    /// The path, still percent-encoded. `/` if the URL has none.
    #[must_use]
    pub const fn path(&self) -> &'u str {
        self.path
    }

    /// The query after the `?`, still percent-encoded. `None` if there is no `?`.
    #[must_use]
    pub const fn query(&self) -> Option<&'u str> {
        self.query
    }
}

/// Splits the text before the first byte for which `at` is true.
fn split(text: &str, at: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    text.split_at_checked(text.bytes().position(at)?)
}

/// The path before the first `?`, and the query after it.
pub(crate) fn path_and_query(target: &str) -> (&str, Option<&str>) {
    match split(target, |b| b == b'?') {
        Some((path, query)) => (path, query.get(1..)),
        None => (target, None),
    }
}

/// The authority without a default port, the host, the port.
fn endpoint(text: &str, default_port: u16) -> Result<(&str, &str, u16), UrlError> {
    let parts = Authority::parse(text.as_bytes())?;
    let port = parts.port().unwrap_or(default_port);
    if port == 0 {
        return Err(UrlError::Port);
    }
    let bracket = usize::from(text.starts_with('['));
    let end = bracket.saturating_add(parts.host().len());
    let host = text.get(bracket..end).ok_or(UrlError::Host)?;
    let bare = text.get(..end.saturating_add(bracket)).ok_or(UrlError::Host)?;
    Ok((if port == default_port { bare } else { text }, host, port))
}

/// RFC 3986 sections 3.3 and 3.4, and the bytes that browsers do not encode; not `#`.
pub(crate) const fn is_target_byte(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`')
}

/// The text is not a URL that a client can connect to. Ask the user for another one. See [`Url`].
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// The scheme is not `ws`, `wss`, `http` or `https`.
    Scheme,
    /// A user or password before the host. RFC 6455 section 3 does not allow them. Send them in `Authorization`.
    UserInfo,
    /// The host is missing, has an invalid byte or percent-encoding, or is not an IPv6 address inside its brackets.
    Host,
    /// The port is not a number from 1 to 65535 (from 0 in an [`Authority`]).
    Port,
    /// A byte in the path or query must be percent-encoded.
    Target,
    /// The URL has a fragment. RFC 6455 section 3 forbids it.
    Fragment,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the URL does not begin with ws://, wss://, http:// or https://",
            Self::UserInfo => "the URL contains a user or a password; pass credentials separately",
            Self::Host => "the host in the URL is missing or invalid",
            Self::Port => "the port in the URL is not a number from 1 to 65535",
            Self::Target => "the path or query of the URL contains a character that must be percent-encoded",
            Self::Fragment => "the URL contains a fragment (#); remove it or encode the # as %23",
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
        let cases: [(&str, Result<Parts<'_>, UrlError>); 29] = [
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
            ("ws://h%zz", Err(UrlError::Host)),
            ("ws://h%41", Ok(("h%41", "h%41", 80, "/", None))),
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
