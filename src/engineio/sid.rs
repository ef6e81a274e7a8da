use core::fmt;

/// A session id: 20 characters of base64url made from 15 random bytes.
///
/// An Engine.IO id is a secret (who has it can speak for the session), a Socket.IO id is public: draw them apart, and from a
/// source that cannot be foreseen (CVE-2017-16031).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid([u8; 20]);

impl Sid {
    /// The id made of `random`, 120 bits of the caller's randomness.
    #[must_use]
    pub fn from_random(random: [u8; 15]) -> Self {
        let mut text = [0; 20];
        let (groups, _) = random.as_chunks::<3>();
        let (places, _) = text.as_chunks_mut::<4>();
        for (&[a, b, c], place) in groups.iter().zip(places) {
            *place = [a >> 2, (a << 4 | b >> 4) & 63, (b << 2 | c >> 6) & 63, c & 63].map(digit);
        }
        Self(text)
    }

    /// The id that `text` is, as a request's query has it; `None` when it is none of ours.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text: &[u8; 20] = text.try_into().ok()?;
        text.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).then_some(Self(*text))
    }

    /// The id as it stands on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The id as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

const fn digit(six_bits: u8) -> u8 {
    match six_bits {
        0..=25 => six_bits.wrapping_add(b'A'),
        26..=51 => six_bits.wrapping_add(b'a' - 26),
        52..=61 => six_bits.wrapping_sub(52).wrapping_add(b'0'),
        62 => b'-',
        _ => b'_',
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    #[test]
    fn is_base64url_of_the_random_bytes() {
        for seed in 0..=255_u8 {
            let random: [u8; 15] = core::array::from_fn(|i| seed.wrapping_mul(31).wrapping_add(i as u8 * 17));
            let mut expected = [0; 20];
            URL_SAFE_NO_PAD.encode_slice(random, &mut expected).unwrap();
            assert_eq!(Sid::from_random(random).as_bytes(), &expected);
            assert_eq!(Sid::parse(&expected), Some(Sid::from_random(random)));
        }
        for none in [&b""[..], b"AAAAAAAAAAAAAAAAAAA", b"AAAAAAAAAAAAAAAAAAAAA", b"AAAAAAAAAAAAAAAAAAA=", b"__proto__"]
        {
            assert_eq!(Sid::parse(none), None);
        }
    }
}
