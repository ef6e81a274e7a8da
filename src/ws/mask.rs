//! Masking (RFC 6455 section 5.3): XOR with a key of four bytes, in place, one machine word at a time.
//!
//! The key is rotated to the position of the next byte, so a payload can arrive in pieces of any size.

use crate::bytes::{IS_WIDE, swar::HIGH};

/// The key, rotated for the byte after `len` masked bytes.
#[inline]
const fn turned(key: u32, len: usize) -> u32 {
    // Bits of the two low bits of a length are 0, 8, 16 or 24.
    let [low, ..] = len.to_le_bytes();
    let bytes = low & 3;
    key.rotate_right(bytes_to_bits(bytes))
}

#[inline]
const fn bytes_to_bits(bytes: u8) -> u32 {
    match bytes {
        0 => 0,
        1 => 8,
        2 => 16,
        _ => 24,
    }
}

/// Masks or unmasks `bytes`. Returns the key for the bytes after them.
#[inline]
pub(crate) fn apply(key: [u8; 4], bytes: &mut [u8]) -> [u8; 4] {
    if IS_WIDE { apply_to_binary(key, bytes) } else { apply_to_text(key, bytes).0 }
}

/// In blocks for vectors. Where there are none, the routine for text is quicker, and is there already.
#[inline]
fn apply_to_binary(key: [u8; 4], bytes: &mut [u8]) -> [u8; 4] {
    let key = u32::from_le_bytes(key);
    let next = turned(key, bytes.len());
    let [a, b, c, d] = key.to_le_bytes();
    let wide = [a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d];
    let (blocks, rest) = bytes.as_chunks_mut::<32>();
    for block in blocks {
        for (byte, key) in block.iter_mut().zip(wide) {
            *byte ^= key;
        }
    }
    let (words, tail) = rest.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_le_bytes(*word) ^ key).to_le_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key.to_le_bytes()) {
        *byte ^= key;
    }
    next.to_le_bytes()
}

/// As [`apply`]; also returns, from the same pass, whether the result is ASCII.
#[inline]
pub(crate) fn apply_to_text(key: [u8; 4], bytes: &mut [u8]) -> ([u8; 4], bool) {
    let key = u32::from_le_bytes(key);
    let next = turned(key, bytes.len());
    let wide = u64::from(key) | u64::from(key) << 32;
    let mut seen = 0_u64;
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        let plain = u64::from_le_bytes(*word) ^ wide;
        seen |= plain;
        *word = plain.to_le_bytes();
    }
    let (half, tail) = rest.as_chunks_mut::<4>();
    for word in half {
        let plain = u32::from_le_bytes(*word) ^ key;
        seen |= u64::from(plain);
        *word = plain.to_le_bytes();
    }
    // A half word does not rotate the key.
    for (byte, key) in tail.iter_mut().zip(key.to_le_bytes()) {
        *byte ^= key;
        seen |= u64::from(*byte);
    }
    (next.to_le_bytes(), seen & HIGH == 0)
}

/// Copies `from`, masked, into `into`, which has the same length.
#[inline]
pub(crate) fn copy(key: [u8; 4], from: &[u8], into: &mut [u8]) {
    let word = u32::from_le_bytes(key);
    let wide = u64::from(word) | u64::from(word) << 32;
    let (from_words, from_tail) = from.as_chunks::<8>();
    let (into_words, into_tail) = into.as_chunks_mut::<8>();
    for (from, into) in from_words.iter().zip(into_words) {
        *into = (u64::from_le_bytes(*from) ^ wide).to_le_bytes();
    }
    let mut key = word;
    for (from, into) in from_tail.iter().zip(into_tail) {
        *into = from ^ key.to_le_bytes()[0];
        key = key.rotate_right(8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn by_bytes(key: [u8; 4], bytes: &[u8]) -> Vec<u8> {
        bytes.iter().enumerate().map(|(i, b)| b ^ key[i % 4]).collect()
    }

    #[test]
    fn rfc6455_5_3_every_length_and_cut_equals_the_byte_loop() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let data: Vec<u8> = (0..130_u16).map(|i| (i * 7 % 251) as u8).collect();
        for len in 0..data.len() {
            let expected = by_bytes(key, &data[..len]);
            for cut in 0..=len {
                let mut bytes = data[..len].to_vec();
                let (front, back) = bytes.split_at_mut(cut);
                let next = apply(key, front);
                apply(next, back);
                assert_eq!(bytes, expected);
                let mut bytes = data[..len].to_vec();
                let (front, back) = bytes.split_at_mut(cut);
                apply_to_binary(apply_to_binary(key, front), back);
                assert_eq!(bytes, expected);
                let mut bytes = data[..len].to_vec();
                let (front, back) = bytes.split_at_mut(cut);
                let (next, first_ascii) = apply_to_text(key, front);
                let (_, second_ascii) = apply_to_text(next, back);
                assert_eq!(bytes, expected);
                assert_eq!(first_ascii, expected[..cut].is_ascii());
                assert_eq!(second_ascii, expected[cut..].is_ascii());
            }
            let mut into = std::vec![0; len];
            copy(key, &data[..len], &mut into);
            assert_eq!(into, expected);
        }
    }
}
