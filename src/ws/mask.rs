//! Masking (RFC 6455 section 5.3): XOR with a key of four bytes, in place, one machine word at a time.
//!
//! The key is rotated to the position of the next byte, so a payload can arrive in pieces of any size.

use crate::bytes::IS_WIDE;

/// The high bit of each byte.
const HIGH: u32 = 0x8080_8080;

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
    if IS_WIDE { by_blocks(key, bytes) } else { by_words(key, bytes).0 }
}

/// As [`apply`]; also returns, from the same pass, whether the result is ASCII.
#[inline]
pub(crate) fn apply_to_text(key: [u8; 4], bytes: &mut [u8]) -> ([u8; 4], bool) {
    if IS_WIDE { by_long_words(key, bytes) } else { by_words(key, bytes) }
}

/// Copies `from`, masked, into `into`, which has the same length.
#[inline]
pub(crate) fn copy(key: [u8; 4], from: &[u8], into: &mut [u8]) {
    let key = u32::from_le_bytes(key);
    // Then the loops below have one length.
    let Some(into) = into.get_mut(..from.len()) else { return };
    if IS_WIDE {
        let (from_blocks, from) = from.as_chunks::<128>();
        let (into_blocks, into) = into.as_chunks_mut::<128>();
        for (from, into) in from_blocks.iter().zip(into_blocks) {
            copy_words(key, from, into);
        }
        copy_words(key, from, into);
    } else {
        copy_quads(key, from, into);
    }
}

#[inline(always)]
fn copy_words(key: u32, from: &[u8], into: &mut [u8]) {
    let (from_words, from_tail) = from.as_chunks::<4>();
    let (into_words, into_tail) = into.as_chunks_mut::<4>();
    for (from, into) in from_words.iter().zip(into_words) {
        *into = (u32::from_le_bytes(*from) ^ key).to_le_bytes();
    }
    let mut key = key;
    for (from, into) in from_tail.iter().zip(into_tail) {
        *into = from ^ key.to_le_bytes()[0];
        key >>= 8;
    }
}

/// Four words at a time, then bytes: the least code, and the best on a machine with words of 32 bits.
#[inline]
fn copy_quads(key: u32, from: &[u8], into: &mut [u8]) {
    let quad = u128::from(twice(key)) << 64 | u128::from(twice(key));
    let (from_quads, from_tail) = from.as_chunks::<16>();
    let (into_quads, into_tail) = into.as_chunks_mut::<16>();
    for (from, into) in from_quads.iter().zip(into_quads) {
        *into = (u128::from_le_bytes(*from) ^ quad).to_le_bytes();
    }
    let mut key = key;
    for (from, into) in from_tail.iter().zip(into_tail) {
        *into = from ^ key.to_le_bytes()[0];
        key = key.rotate_right(8);
    }
}

/// For binary payloads, which may be long.
#[inline]
fn by_blocks(key: [u8; 4], bytes: &mut [u8]) -> [u8; 4] {
    let key = u32::from_le_bytes(key);
    let next = turned(key, bytes.len());
    let (blocks, rest) = bytes.as_chunks_mut::<128>();
    for block in blocks {
        mask_words(key, block);
    }
    let (blocks, rest) = rest.as_chunks_mut::<16>();
    for block in blocks {
        mask_words(key, block);
    }
    mask_words(key, rest);
    next.to_le_bytes()
}

#[inline(always)]
fn mask_words(key: u32, bytes: &mut [u8]) {
    let (words, tail) = bytes.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_le_bytes(*word) ^ key).to_le_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key.to_le_bytes()) {
        *byte ^= key;
    }
}

/// For texts, which are mostly short. The last 8 bytes are unmasked first, from where they are, and stored last: they may overlap the word before
/// them, and no bytes are left to be unmasked singly.
#[inline]
fn by_long_words(key: [u8; 4], bytes: &mut [u8]) -> ([u8; 4], bool) {
    let Some(last) = bytes.last_chunk::<8>() else { return by_words(key, bytes) };
    let key = u32::from_le_bytes(key);
    let next = turned(key, bytes.len());
    // 8 bytes do not rotate the key.
    let last = u64::from_le_bytes(*last) ^ twice(next);
    let mut seen = last;
    let wide = twice(key);
    for word in bytes.as_chunks_mut::<8>().0 {
        let plain = u64::from_le_bytes(*word) ^ wide;
        seen |= plain;
        *word = plain.to_le_bytes();
    }
    if let Some(place) = bytes.last_chunk_mut::<8>() {
        *place = last.to_le_bytes();
    }
    (next.to_le_bytes(), seen & twice(HIGH) == 0)
}

#[inline]
fn twice(word: u32) -> u64 {
    u64::from(word) | u64::from(word) << 32
}

/// With little code.
#[inline]
fn by_words(key: [u8; 4], bytes: &mut [u8]) -> ([u8; 4], bool) {
    let key = u32::from_le_bytes(key);
    let next = turned(key, bytes.len());
    let mut seen = 0;
    let (words, tail) = bytes.as_chunks_mut::<4>();
    for word in words {
        let plain = u32::from_le_bytes(*word) ^ key;
        seen |= plain;
        *word = plain.to_le_bytes();
    }
    let mut key = key;
    for byte in tail {
        *byte ^= key.to_le_bytes()[0];
        seen |= u32::from(*byte);
        key >>= 8;
    }
    (next.to_le_bytes(), seen & HIGH == 0)
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
        let data: Vec<u8> = (0..300_u16).map(|i| (i * 7 % 251) as u8).collect();
        for len in 0..data.len() {
            let expected = by_bytes(key, &data[..len]);
            for cut in 0..=len {
                let mut bytes = data[..len].to_vec();
                let (front, back) = bytes.split_at_mut(cut);
                let next = apply(key, front);
                apply(next, back);
                assert_eq!(bytes, expected);
                // What the other targets choose too.
                for apply_to_text in [apply_to_text, by_long_words, by_words, |key, bytes: &mut [u8]| {
                    let ascii = by_bytes(key, bytes).is_ascii();
                    (by_blocks(key, bytes), ascii)
                }] {
                    let mut bytes = data[..len].to_vec();
                    let (front, back) = bytes.split_at_mut(cut);
                    let (next, first_ascii) = apply_to_text(key, front);
                    let (_, second_ascii) = apply_to_text(next, back);
                    assert_eq!(bytes, expected);
                    assert_eq!(first_ascii, expected[..cut].is_ascii());
                    assert_eq!(second_ascii, expected[cut..].is_ascii());
                }
            }
            let mut into = std::vec![0; len];
            copy(key, &data[..len], &mut into);
            assert_eq!(into, expected);
            into.fill(0);
            copy_quads(u32::from_le_bytes(key), &data[..len], &mut into);
            assert_eq!(into, expected);
        }
    }
}
