use crate::bytes::base64;
use core::fmt;

/// The id of an Engine.IO session: 15 random bytes as 20 characters of base64url.
///
/// The id is a secret: who has it can read and write the session. Take the bytes from a cryptographically secure generator (CVE-2017-16031). `Debug`
/// does not print the id, and there is no `Display`. [`expose_str`](Self::expose_str) and [`expose_bytes`](Self::expose_bytes) return it.
///
/// The public id of a Socket.IO socket is another type, [`socketio::Sid`](crate::socketio::Sid). Use different random bytes for the two.
///
/// ```
/// use sansocket::engineio::Sid;
///
/// let sid = Sid::from_random([0; 15]);
/// assert_eq!(format!("{sid:?}"), "Sid(..)");
/// assert_eq!(sid.expose_str(), "AAAAAAAAAAAAAAAAAAAA");
/// assert_eq!(Sid::parse(b"AAAAAAAAAAAAAAAAAAAA"), Some(sid));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid([u8; 20]);

impl Sid {
    /// Makes an id from 120 random bits. See [`Sid`].
    #[must_use]
    pub fn from_random(random: [u8; 15]) -> Self {
        Self(base64::encode_url(random))
    }

    /// Parses the `sid` of a query. `None` if `text` is not 20 characters of base64url.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text: &[u8; 20] = text.try_into().ok()?;
        text.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).then_some(Self(*text))
    }

    /// The secret, as sent to the client.
    #[must_use]
    pub const fn expose_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The secret, as sent to the client.
    #[must_use]
    pub fn expose_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sid(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    #[test]
    fn is_base64url_of_the_random_bytes() {
        for seed in 0..=255_u8 {
            let random: [u8; 15] = core::array::from_fn(|i| seed.wrapping_mul(31).wrapping_add(i as u8 * 17));
            let mut expected = [0; 20];
            URL_SAFE_NO_PAD.encode_slice(random, &mut expected).unwrap();
            assert_eq!(Sid::from_random(random).expose_bytes(), &expected);
            assert_eq!(Sid::parse(&expected), Some(Sid::from_random(random)));
        }
        for none in [&b""[..], b"AAAAAAAAAAAAAAAAAAA", b"AAAAAAAAAAAAAAAAAAAAA", b"AAAAAAAAAAAAAAAAAAA=", b"__proto__"]
        {
            assert_eq!(Sid::parse(none), None);
        }
    }
}
