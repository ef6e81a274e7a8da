//! The bytes that the grammar of a head allows.

use crate::bytes::{
    IS_WIDE,
    swar::{HIGH, ONES, splat, zeros},
};

/// RFC 9110 section 5.6.2.
#[inline]
pub(crate) fn is_token_byte(byte: u8) -> bool {
    if IS_WIDE { class(byte) & TOKEN != 0 } else { is_token(byte) }
}

/// The classes of each byte, for targets that have room for a table.
const CLASSES: &[u8; 256] = &{
    let (mut classes, mut byte) = ([0; 256], 0_u8);
    let mut rest: &mut [u8] = &mut classes;
    while let Some((class, behind)) = rest.split_first_mut() {
        *class = if is_token(byte) { TOKEN } else { 0 } | if is_reg_name(byte) { REG_NAME } else { 0 };
        (byte, rest) = (byte.wrapping_add(1), behind);
    }
    classes
};
const TOKEN: u8 = 1;
const REG_NAME: u8 = 2;

#[inline]
fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or_default()
}

const fn is_token(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-'
        | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

/// RFC 3986 section 3.2.2: the bytes of a name other than percent-encodings, `unreserved` and `sub-delims`.
#[inline]
pub(super) fn is_reg_name_byte(byte: u8) -> bool {
    if IS_WIDE { class(byte) & REG_NAME != 0 } else { is_reg_name(byte) }
}

const fn is_reg_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
        )
}

/// Whether `name` is `lower`, which is in lower case.
#[inline]
pub(crate) fn is<const N: usize>(name: &[u8], lower: &[u8; N]) -> bool {
    if !IS_WIDE {
        return name.eq_ignore_ascii_case(lower);
    }
    // No early end: the compiler compares in words and vectors.
    let other = |name: &[u8; N]| name.iter().zip(lower).fold(0, |other, (a, b)| other | (a.to_ascii_lowercase() ^ b));
    name.try_into().is_ok_and(|name| other(name) == 0)
}

/// The length of the token at the front.
#[inline]
pub(super) fn token(bytes: &[u8]) -> usize {
    let mut at = 0_usize;
    if IS_WIDE {
        // Names are letters and hyphens, nearly always.
        for word in bytes.as_chunks::<8>().0 {
            let word = u64::from_le_bytes(*word);
            let low = (word | splat(0x20)) & splat(0x7f);
            let letters = low.wrapping_add(splat(0x1f)) & !low.wrapping_add(splat(5)) & !word;
            let other = word ^ splat(b'-');
            let others = (other & splat(0x7f)).wrapping_add(splat(0x7f)) | other;
            let marks = others & !letters & HIGH;
            if marks != 0 {
                at = at.wrapping_add(offset(marks));
                break;
            }
            at = at.wrapping_add(8);
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at.wrapping_add(rest.iter().take_while(|&&b| is_token_byte(b)).count())
}

/// The number of bytes at the front that are allowed in a line: all but control bytes; the tab is allowed.
#[inline]
pub(crate) fn visible(bytes: &[u8]) -> usize {
    if !IS_WIDE {
        return bytes.iter().take_while(|b| matches!(b, b'\t' | 0x20..=0x7e | 0x80..)).count();
    }
    let mut at = control(bytes);
    while let Some([b'\t', rest @ ..]) = bytes.get(at..) {
        at = at.saturating_add(control(rest)).saturating_add(1);
    }
    at
}

/// The offset of the first control byte, or the length.
#[inline(never)]
fn control(bytes: &[u8]) -> usize {
    first(
        bytes,
        |b| b < 0x20 || b == 0x7f,
        |word| (word.wrapping_sub(splat(0x20)) | (word ^ splat(0x7f)).wrapping_sub(ONES)) & !word & HIGH,
    )
}

/// The number of bytes at the front that a request target may have.
pub(super) fn target(bytes: &[u8]) -> usize {
    let ends = |b: u8| !matches!(b, 0x21..=0x7e) || b == b'#';
    first(bytes, ends, |word| {
        let low = word.wrapping_sub(splat(0x21));
        (low | (word ^ splat(0x7f)).wrapping_sub(ONES) | (word ^ splat(b'#')).wrapping_sub(ONES) | word) & HIGH
    })
}

/// The offset of the first `byte`, or the length. For lines and their parts, which are short.
#[inline]
pub(super) fn find(bytes: &[u8], byte: u8) -> usize {
    let mut at = 0_usize;
    if IS_WIDE {
        for word in bytes.as_chunks::<8>().0 {
            let marks = zeros(u64::from_le_bytes(*word) ^ splat(byte));
            if marks != 0 {
                return at.wrapping_add(offset(marks));
            }
            at = at.wrapping_add(8);
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at.wrapping_add(rest.iter().take_while(|&&b| b != byte).count())
}

/// The offset of the first byte that `is` takes, or the length. `marks` sets the high bit of the first such byte in a word, and no lower bit.
#[inline]
fn first(bytes: &[u8], is: impl Fn(u8) -> bool, marks: impl Fn(u64) -> u64) -> usize {
    let (mut at, mut rest) = (0_usize, bytes);
    if IS_WIDE {
        let (blocks, behind) = bytes.as_chunks::<16>();
        for block in blocks {
            // The compiler makes a vector of the block.
            if block.iter().fold(false, |any, &b| any | is(b)) {
                let [a, b, c, d, e, f, g, h, high @ ..] = *block;
                let low = marks(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
                let high = marks(u64::from_le_bytes(high));
                return at.wrapping_add(if low != 0 { offset(low) } else { offset(high).wrapping_add(8) });
            }
            at = at.wrapping_add(16);
        }
        rest = behind;
    }
    at.wrapping_add(rest.iter().take_while(|&&b| !is(b)).count())
}

/// The offset of the byte of the lowest mark.
fn offset(marks: u64) -> usize {
    let [bits, ..] = marks.trailing_zeros().to_le_bytes();
    usize::from(bits / 8)
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

    /// Each of these looks at several bytes at once; the plain form is beside it.
    #[test]
    fn each_byte_ends_a_run_wherever_it_stands_or_none() {
        type Run = (fn(&[u8]) -> usize, fn(u8) -> bool);
        let runs: [Run; 4] = [
            (visible, |b| b >= 0x20 && b != 0x7f || b == b'\t'),
            (token, is_token),
            (target, |b| matches!(b, 0x21..=0x7e) && b != b'#'),
            (|bytes| find(bytes, b':'), |b| b != b':'),
        ];
        for (byte, next) in (0..=255_u8).flat_map(|byte| [b'x', b'-', b'\r', b':', 0, 0xff].map(|next| (byte, next))) {
            for at in 0..40 {
                let mut bytes = [b'x'; 42];
                bytes[at..at + 2].copy_from_slice(&[byte, next]);
                for (i, (run, takes)) in runs.iter().enumerate() {
                    let expected = bytes.iter().take_while(|&&b| takes(b)).count();
                    assert_eq!(run(&bytes), expected, "{i}: {byte:#x} {next:#x} at {at}");
                    assert_eq!(run(&bytes[..=at]), expected.min(at + 1), "{i}: {byte:#x} at the end, {at}");
                }
            }
        }
    }

    #[test]
    fn names_are_compared_in_any_case_and_exactly() {
        for byte in 0..=255_u8 {
            for at in 0..10 {
                let mut name = *b"cOnnectIon";
                name[at] = byte;
                assert_eq!(is(&name, b"connection"), name.eq_ignore_ascii_case(b"connection"), "{byte:#x} at {at}");
            }
            assert_eq!(is(&[b'a', byte], b"a-"), byte == b'-');
        }
        assert!(!is(b"hos", b"host") && !is(b"hosts", b"host") && is(b"HOST", b"host"));
    }
}
