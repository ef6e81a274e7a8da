//! Host and port in a `Host` field, a request target or a URL: `uri-host [ ":" port ]` (RFC 3986 section 3.2, RFC 9110 section 7.2).

use super::{UrlError, octets::is_reg_name_byte};

/// The host, and the port if one is given, of a `Host` field, a request target or a URL. Borrows the text and decodes nothing.
///
/// ```
/// use sansocket::http::Authority;
///
/// let authority = Authority::parse(b"[::1]:8443")?;
/// assert_eq!((authority.host(), authority.port()), (&b"::1"[..], Some(8443)));
/// assert_eq!(authority.as_bytes(), b"[::1]:8443");
/// assert_eq!(Authority::parse(b"example.org:")?.port(), None);
/// # Ok::<(), sansocket::http::UrlError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    text: &'a [u8],
    host: &'a [u8],
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Parses `uri-host [ ":" port ]`. Linear.
    ///
    /// The host is a name, an IPv4 address, or an IPv6 address in brackets. Names follow RFC 3986 section 3.2.2: every `%` begins a valid
    /// percent-encoding. An empty host (RFC 9110 section 4.2.1), an IPv6 zone and an `IPvFuture` are refused. The port is digits, 65535 at
    /// most; an empty port means no port (RFC 3986 section 3.2.3).
    ///
    /// # Errors
    /// [`UrlError::UserInfo`] for a `user@` (RFC 9110 section 4.2.4), [`UrlError::Host`], [`UrlError::Port`].
    #[expect(clippy::manual_contains, reason = "`contains` links a search by words, 150 bytes of flash, for an error")]
    pub fn parse(text: &'a [u8]) -> Result<Self, UrlError> {
        // No part may have an `@`, so it is only looked for when there is an error to name.
        Self::parts(text).map_err(|e| if text.iter().any(|&b| b == b'@') { UrlError::UserInfo } else { e })
    }

    fn parts(text: &'a [u8]) -> Result<Self, UrlError> {
        let (host, rest) = if let [b'[', inner @ ..] = text {
            let at = inner.iter().take_while(|&&b| b != b']').count();
            match inner.split_at_checked(at) {
                Some((host, [b']', rest @ ..])) if is_ipv6(host) => (host, rest),
                _ => return Err(UrlError::Host),
            }
        } else {
            match text.split_at_checked(reg_name(text)) {
                Some((host, rest)) if !host.is_empty() => (host, rest),
                _ => return Err(UrlError::Host),
            }
        };
        let port = match rest {
            [] | [b':'] => None,
            [b':', digits @ ..] => Some(below(digits, 0x1_0000).ok_or(UrlError::Port)?),
            _ => return Err(UrlError::Host),
        };
        Ok(Self { text, host, port })
    }

    /// The whole text, as it was given.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.text
    }

    /// The host as it was given, an IPv6 address without its brackets. Compare names without regard to case.
    #[must_use]
    pub const fn host(&self) -> &'a [u8] {
        self.host
    }

    /// The port. `None` stands for the default port of the scheme.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether a resolver may read the host as an IPv4 address. See [`Url::may_be_ipv4`](super::Url::may_be_ipv4).
    #[must_use]
    pub fn may_be_ipv4(&self) -> bool {
        may_be_ipv4(self.host)
    }

    /// Whether both name the same host and port. `default` replaces a missing port.
    pub(crate) fn is_same(&self, other: &Authority<'_>, default: u16) -> bool {
        self.host.eq_ignore_ascii_case(other.host) && self.port.unwrap_or(default) == other.port.unwrap_or(default)
    }
}

/// Whether the last label is a decimal or hexadecimal number ("ends in a number" in the URL Standard). This is true for everything that
/// `inet_aton` accepts.
pub(super) fn may_be_ipv4(host: &[u8]) -> bool {
    let host = host.strip_suffix(b".").unwrap_or(host);
    let last = host.rsplit(|&b| b == b'.').next().unwrap_or(host);
    let is_number = match last {
        [b'0', b'x' | b'X', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        digits => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
    };
    is_number && !host.contains(&b':')
}

/// The length of the name at the front (RFC 3986 section 3.2.2): bytes of a name, and `%` with two hexadecimal digits.
fn reg_name(text: &[u8]) -> usize {
    let mut rest = text;
    loop {
        rest = match rest {
            [byte, tail @ ..] if is_reg_name_byte(*byte) => tail,
            [b'%', a, b, tail @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => tail,
            _ => return text.len().saturating_sub(rest.len()),
        };
    }
}

/// Decimal digits that stand for less than `limit`. In 32 bits, for targets that multiply no 64.
fn below(digits: &[u8], limit: u32) -> Option<u16> {
    let add = |n: u32, d: &u8| {
        let n = n.wrapping_mul(10).wrapping_add(u32::from(d.wrapping_sub(b'0')));
        (d.is_ascii_digit() && n < limit).then_some(n)
    };
    if digits.is_empty() { None } else { u16::try_from(digits.iter().try_fold(0, add)?).ok() }
}

/// RFC 4291 section 2.2: groups of up to four hexadecimal digits, eight in all or fewer around one `::`; the last two may be an IPv4 address.
fn is_ipv6(text: &[u8]) -> bool {
    let (mut groups, mut has_gap) = (0_u8, false);
    let mut rest = text;
    if let [b':', b':', tail @ ..] = text {
        (has_gap, rest) = (true, tail);
    }
    // Behind a `::` the text may end.
    while !(rest.is_empty() && has_gap) {
        let digits = rest.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let Some((_, behind)) = rest.split_at_checked(digits) else { return false };
        groups = groups.saturating_add(1);
        rest = match behind {
            [b'.', ..] if is_ipv4(rest) => {
                groups = groups.saturating_add(1);
                break;
            }
            _ if !matches!(digits, 1..=4) => return false,
            [] => break,
            [b':', b':', tail @ ..] if !has_gap => {
                has_gap = true;
                tail
            }
            [b':', tail @ ..] if !tail.is_empty() => tail,
            _ => return false,
        };
    }
    if has_gap { groups < 8 } else { groups == 8 }
}

/// Four numbers below 256, without leading zeros.
fn is_ipv4(text: &[u8]) -> bool {
    let mut octets = 0_u8;
    text.split(|&b| b == b'.').all(|octet| {
        octets = octets.saturating_add(1);
        (octet.len() == 1 || !octet.starts_with(b"0")) && below(octet, 256).is_some()
    }) && octets == 4
}

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
    fn whatever_inet_aton_takes_may_be_ipv4() {
        let takes = [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0x7f000001",
            "0X7F.0.0.1",
            "017700000001",
            "127.0.0.1.",
            "1.0x",
        ];
        for host in takes {
            assert!(may_be_ipv4(host.as_bytes()), "{host}");
        }
        for host in ["h", "h.1a", "1.h", "0x7g", "::1", "::ffff:127.0.0.1", "a..", "127.0.0.1.h", "h.x7"] {
            assert!(!may_be_ipv4(host.as_bytes()), "{host}");
        }
    }
}
