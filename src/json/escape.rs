//! Special bytes and escapes in strings, and writing strings.

use crate::bytes::{IS_WIDE, Writer, copy, swar::Word};
use core::num::NonZero;

/// The bytes of a word.
const SIZE: usize = size_of::<Word>();

const HALF: usize = SIZE / 2;

/// `byte` repeated.
const fn splat(byte: u8) -> Word {
    Word::from_le_bytes([byte; SIZE])
}

/// Finds the first quote, backslash or byte below 0x20 of a word: its high bit is the lowest bit that is set in the result. Bits above that one have
/// no meaning.
#[inline]
const fn specials(word: [u8; SIZE]) -> Word {
    let word = Word::from_le_bytes(word);
    // With this bit turned, a quote is the byte above the control bytes.
    let control_or_quote = (word ^ splat(2)).wrapping_sub(splat(0x21));
    let backslash = (word ^ splat(b'\\')).wrapping_sub(splat(1));
    (control_or_quote | backslash) & !word & splat(0x80)
}

/// `text` from the first quote, backslash or byte below 0x20 on. Reads a word at a time.
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(super) fn behind_plain(mut text: &[u8]) -> &[u8] {
    while let Some((word, rest)) = text.split_first_chunk() {
        if let Some(found) = NonZero::new(specials(*word)) {
            let [plain, ..] = (found.trailing_zeros() / 8).to_le_bytes();
            return text.get(usize::from(plain)..).unwrap_or_default();
        }
        text = rest;
    }
    while let [byte, rest @ ..] = text
        && !is_special(*byte)
    {
        text = rest;
    }
    text
}

/// Writes a string in quotes, escaped as JavaScript's `JSON.stringify` does: quotes, backslashes and bytes below 0x20.
///
/// ```
/// use sansocket::{bytes::Writer, json::write_str};
///
/// let mut memory = [0; 16];
/// let mut out = Writer::new(&mut memory);
/// write_str(&mut out, "a\"\n");
/// assert_eq!(out.finish()?, br#""a\"\n""#);
/// # Ok::<(), sansocket::Capacity>(())
/// ```
#[inline]
pub fn write_str(out: &mut Writer<'_>, text: &str) {
    write_text(out, text.as_bytes());
}

/// As [`write_str`], for bytes that are UTF-8.
#[inline]
pub(crate) fn write_text(out: &mut Writer<'_>, text: &[u8]) {
    write_between(out, [], text, []);
}

/// As [`write_text`], between other bytes. One look at the room is enough for all of them.
#[cfg_attr(target_pointer_width = "64", inline(always))]
#[cfg_attr(not(target_pointer_width = "64"), inline)]
pub(crate) fn write_between<const F: usize, const B: usize>(
    out: &mut Writer<'_>,
    front: [u8; F],
    text: &[u8],
    behind: [u8; B],
) {
    if IS_WIDE && is_plain(text) {
        let around = front.len().wrapping_add(behind.len()).wrapping_add(2);
        let place = out.grow(text.len().wrapping_add(around));
        if let Some((before, [first, inside @ ..])) = place.and_then(|place| place.split_first_chunk_mut())
            && let Some(([inside @ .., last], after)) = inside.split_last_chunk_mut()
        {
            *before = front;
            *first = b'"';
            copy(text, inside);
            *last = b'"';
            *after = behind;
        }
        return;
    }
    front.into_iter().for_each(|byte| out.byte(byte));
    out.byte(b'"');
    write_inside(out, text);
    out.byte(b'"');
    behind.into_iter().for_each(|byte| out.byte(byte));
}

/// As [`write_str`], without the quotes.
#[inline]
pub(super) fn write_inside(out: &mut Writer<'_>, bytes: &[u8]) {
    if !IS_WIDE {
        return write_escaped(out, bytes);
    }
    if is_plain(bytes) { out.push(bytes) } else { write_escaped(out, bytes) }
}

/// Whether no byte needs an escape. The last word may overlap the one before it, and both halves of a short text too: then no bytes are left over.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk() {
        let (words, _) = bytes.as_chunks();
        return specials(*last) == 0 && !words.iter().any(|w| specials(*w) != 0);
    }
    match (bytes.first_chunk::<HALF>(), bytes.last_chunk::<HALF>()) {
        (Some(front), Some(back)) => {
            let mut word = [0; SIZE];
            if let Some(place) = word.first_chunk_mut() {
                *place = *front;
            }
            if let Some(place) = word.last_chunk_mut() {
                *place = *back;
            }
            specials(word) == 0
        }
        _ => !bytes.iter().any(|&b| is_special(b)),
    }
}

/// The value of a hexadecimal digit.
pub(super) const fn hex(byte: u8) -> Option<u8> {
    Some(match byte {
        b'0'..=b'9' => byte.wrapping_sub(b'0'),
        b'a'..=b'f' => byte.wrapping_sub(b'a' - 10),
        b'A'..=b'F' => byte.wrapping_sub(b'A' - 10),
        _ => return None,
    })
}

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn write_escaped(out: &mut Writer<'_>, mut bytes: &[u8]) {
    while let Some(at) = bytes.iter().position(|&b| is_special(b)) {
        let (plain, rest) = bytes.split_at_checked(at).unwrap_or_default();
        out.push(plain);
        let Some((&special, rest)) = rest.split_first() else { return };
        let letter = match special {
            0x08 => b'b',
            0x09 => b't',
            0x0a => b'n',
            0x0c => b'f',
            0x0d => b'r',
            ..0x20 => b'u',
            quote_or_backslash => quote_or_backslash,
        };
        out.byte(b'\\');
        out.byte(letter);
        if letter == b'u' {
            out.push(b"00");
            out.byte(b'0' | special >> 4);
            let low = special & 15;
            out.byte(if low < 10 { b'0' | low } else { low.wrapping_add(b'a' - 10) });
        }
        bytes = rest;
    }
    out.push(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_all_lengths_are_written_whole_or_counted() {
        for len in 0..3 * SIZE {
            for at in 0..=len {
                for special in [b'"', b'\\', 0x1f, b'!'] {
                    let mut text = std::vec![b'x'; len];
                    if let Some(place) = text.get_mut(at) {
                        *place = special;
                    }
                    let text = std::string::String::from_utf8(text).unwrap();
                    let expected = serde_json::to_string(&text).unwrap();
                    for size in [expected.len(), expected.len() - 1, 0] {
                        let mut memory = std::vec![0; size];
                        let mut out = Writer::new(&mut memory);
                        write_str(&mut out, &text);
                        assert_eq!(out.len(), expected.len());
                        assert_eq!(out.finish().is_ok_and(|text| text == expected.as_bytes()), size == expected.len());
                    }
                }
            }
        }
    }

    #[test]
    fn the_first_special_byte_is_found_wherever_it_stands() {
        for byte in 0..=255_u8 {
            for behind in [0x20, 0x7f, 0x80, 0xff, b'"', 0, b'#', b'!'] {
                for at in 0..SIZE {
                    let mut word = [b'x'; SIZE];
                    word[at..].fill(behind);
                    word[at] = byte;
                    let special = |b: u8| b < 0x20 || b == b'"' || b == b'\\';
                    let expected = word.iter().position(|&b| special(b)).unwrap_or(SIZE);
                    assert_eq!(specials(word).trailing_zeros() as usize / 8, expected, "{word:x?}");
                }
            }
        }
    }
}
