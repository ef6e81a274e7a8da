//! Base64 (RFC 4648 section 4) for polling payloads and handshakes: encodes a slice of any length, decodes in place.
//!
//! The base64 crate encodes what is long twice as fast, what is short more slowly. It cannot decode in place, and links a panic for a length
//! that is not constant: it encodes for hosts, with the feature that brings it.

use super::Writer;
#[cfg(all(feature = "sha1", target_pointer_width = "64"))]
use base64::{Engine, engine::general_purpose::STANDARD};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends `bytes` in base64, padded.
pub(crate) fn encode(bytes: &[u8], writer: &mut Writer<'_>) {
    let Some(place) = writer.grow(bytes.len().div_ceil(3).saturating_mul(4)) else { return };
    #[cfg(all(feature = "sha1", target_pointer_width = "64"))]
    if bytes.len() >= 64 {
        let written = STANDARD.encode_slice(bytes, place);
        debug_assert!(written.is_ok(), "four digits for three bytes");
        return;
    }
    let digit = |six: u8| DIGITS.get(usize::from(six & 63)).copied().unwrap_or_default();
    let (groups, rest) = bytes.as_chunks::<3>();
    let mut places = place.as_chunks_mut::<4>().0.iter_mut();
    // The groups first: a zip that ends takes no place too many.
    for (&[a, b, c], place) in groups.iter().zip(places.by_ref()) {
        *place = [digit(a >> 2), digit(a << 4 | b >> 4), digit(b << 2 | c >> 6), digit(c)];
    }
    if let Some(place) = places.next() {
        *place = match *rest {
            [a] => [digit(a >> 2), digit(a << 4), b'=', b'='],
            [a, b] => [digit(a >> 2), digit(a << 4 | b >> 4), digit(b << 2), b'='],
            _ => return,
        };
    }
}

/// 15 bytes in base64url (section 5), which needs no padding: the text of an id.
pub(crate) fn encode_url(bytes: [u8; 15]) -> [u8; 20] {
    let mut text = [0; 20];
    encode(&bytes, &mut Writer::new(&mut text));
    text.map(|digit| match digit {
        b'+' => b'-',
        b'/' => b'_',
        digit => digit,
    })
}

/// Decodes `text` in place. Strict: the standard alphabet, with padding, unused bits zero (section 3.5).
#[inline(never)]
pub(crate) fn decode_in_place(text: &mut [u8]) -> Option<&mut [u8]> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let digits = match &*text {
        [digits @ .., b'=', b'='] | [digits @ .., b'='] | digits => digits.len(),
    };
    let (mut word, mut bits, mut bad, mut to) = (0_u32, 0_u32, 0_u8, 0_usize);
    for at in 0..digits {
        let six = text.get(at).map_or(0, |digit| value(*digit));
        bad |= six;
        word = word << 6 | u32::from(six);
        bits = bits.wrapping_add(6);
        if bits >= 8 {
            bits = bits.wrapping_sub(8);
            if let Some(place) = text.get_mut(to) {
                [*place, ..] = word.wrapping_shr(bits).to_le_bytes();
            }
            to = to.wrapping_add(1);
        }
    }
    // The bits that are left over are zero.
    let rest = word & 1_u32.wrapping_shl(bits).wrapping_sub(1);
    if bad & 0x80 != 0 || rest != 0 { None } else { text.get_mut(..to) }
}

/// The six bits of a digit. For other bytes the high bit is set.
const fn value(digit: u8) -> u8 {
    match digit {
        b'A'..=b'Z' => digit.wrapping_sub(b'A'),
        b'a'..=b'z' => digit.wrapping_sub(b'a' - 26),
        b'0'..=b'9' => digit.wrapping_add(4),
        b'+' => 62,
        b'/' => 63,
        _ => 0x80,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(not(all(feature = "sha1", target_pointer_width = "64")))]
    use base64::{Engine, engine::general_purpose::STANDARD};
    use std::{string::String, vec, vec::Vec};

    #[test]
    fn long_bytes_are_written_whole_or_counted() {
        for len in 60..300_usize {
            let bytes: Vec<u8> = (0..len).map(|i| (i * 151 + len) as u8).collect();
            let needed = both(&bytes).len();
            let mut memory = vec![0; needed - 1];
            let mut writer = Writer::new(&mut memory);
            encode(&bytes, &mut writer);
            assert_eq!(writer.finish().unwrap_err().needed, needed);
        }
    }

    fn both(bytes: &[u8]) -> String {
        let mut expected = vec![0; bytes.len().div_ceil(3) * 4];
        STANDARD.encode_slice(bytes, &mut expected).unwrap();
        let mut memory = vec![0; expected.len()];
        let mut writer = Writer::new(&mut memory);
        encode(bytes, &mut writer);
        assert_eq!(writer.finish().unwrap(), expected);
        String::from_utf8(expected).unwrap()
    }

    #[test]
    fn writes_and_reads_what_the_base64_crate_does() {
        for len in 0..70_usize {
            let bytes: Vec<u8> = (0..len).map(|i| (i * 151 + len) as u8).collect();
            let mut text = both(&bytes).into_bytes();
            assert_eq!(decode_in_place(&mut text).unwrap(), bytes);
        }
    }

    #[test]
    fn takes_exactly_what_the_base64_crate_takes() {
        let alphabet = b"AQgwz+/=-_ \n9";
        let mut taken = 0;
        for n in 0..alphabet.len().pow(4) {
            let group: Vec<u8> = (0..4).map(|i| alphabet[n / alphabet.len().pow(i) % alphabet.len()]).collect();
            for front in [&b""[..], b"QUJD", b"QQ=="] {
                let mut text = [front, &group].concat();
                let mut expected = [0; 8];
                let expected = STANDARD.decode_slice(&text, &mut expected).ok().map(|n| expected[..n].to_vec());
                taken += usize::from(expected.is_some());
                let shown = String::from_utf8_lossy(&text).into_owned();
                assert_eq!(decode_in_place(&mut text).map(|b| b.to_vec()), expected, "{shown}");
            }
        }
        assert!(taken > 5000, "{taken}");
        for len in [1, 2, 3, 5] {
            assert!(decode_in_place(&mut vec![b'A'; len]).is_none());
        }
    }
}
