//! Subslices whose range is known to be valid. A wrong range panics in debug builds and under the fuzzer; in release builds the slice is empty.

use core::slice::SliceIndex;

/// `bytes[range]`. The caller knows that the range is valid. If it is not, a debug build panics and a release build returns an empty slice.
#[inline]
#[cfg_attr(debug_assertions, track_caller)]
pub(crate) fn slice<I: SliceIndex<[u8], Output = [u8]>>(bytes: &[u8], range: I) -> &[u8] {
    let part = bytes.get(range);
    debug_assert!(part.is_some(), "a range outside of its memory");
    part.unwrap_or_default()
}

/// As [`slice`], mutable.
#[inline]
#[cfg_attr(debug_assertions, track_caller)]
pub(crate) fn slice_mut<I: SliceIndex<[u8], Output = [u8]>>(bytes: &mut [u8], range: I) -> &mut [u8] {
    let part = bytes.get_mut(range);
    debug_assert!(part.is_some(), "a range outside of its memory");
    part.unwrap_or_default()
}

/// `text` as a string. The caller knows that it is UTF-8. If it is not, a debug build panics and a release build returns an empty string. One pass.
#[inline]
#[cfg_attr(debug_assertions, track_caller)]
pub(crate) fn checked_str(text: &[u8]) -> &str {
    let text = core::str::from_utf8(text);
    debug_assert!(text.is_ok(), "a text that was checked");
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_every_form_that_lie_inside() {
        let mut bytes = *b"abcd";
        assert_eq!(slice(&bytes, 1..3), b"bc");
        assert_eq!(slice(&bytes, ..4), b"abcd");
        assert_eq!(slice(&bytes, 4..), b"");
        slice_mut(&mut bytes, 2..).fill(b'x');
        assert_eq!(&bytes, b"abxx");
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "a range outside of its memory")]
    fn a_range_outside_is_noticed_in_debug() {
        slice(b"abcd", 3..5);
    }
}
