//! The bytes that the grammar of a head allows.

use crate::bytes::swar::{HIGH, splat, zeros};

/// RFC 9110 section 5.6.2.
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-'
        | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

/// RFC 3986 section 3.2.2: the bytes of a name other than percent-encodings, `unreserved` and `sub-delims`.
pub(super) const fn is_reg_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
        )
}

/// The number of bytes at the front that are allowed in a line: all but control bytes; the tab is allowed. Eight at a time.
#[inline]
pub(crate) fn visible(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let is_plain = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(splat(0x20)) & !word & HIGH;
        control | zeros(word ^ splat(0x7f)) == 0
    };
    let mut at = words.iter().take_while(|w| is_plain(w)).count().wrapping_mul(8);
    while let Some(b'\t' | 0x20..=0x7e | 0x80..) = bytes.get(at) {
        at = at.wrapping_add(1);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_stops_at_each_control_byte_wherever_it_stands() {
        for byte in 0..=255_u8 {
            for at in 0..20 {
                let mut bytes = [b'x'; 20];
                bytes[at] = byte;
                let stops = byte < 0x20 && byte != b'\t' || byte == 0x7f;
                assert_eq!(visible(&bytes), if stops { at } else { 20 }, "{byte:#x} at {at}");
            }
        }
    }
}
