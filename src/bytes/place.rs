//! Functions that move bytes and link without a panic at every optimisation level. `copy_from_slice` and `copy_within` keep a panic as soon as two
//! callers share one copy of them.

/// Copies `from` to the front of `into`, as many bytes as the shorter one has.
#[inline]
pub(crate) fn copy(from: &[u8], into: &mut [u8]) {
    for (place, byte) in into.iter_mut().zip(from) {
        *place = *byte;
    }
}

/// Moves the bytes behind the first `gap` bytes of `region` to its front.
#[inline(never)]
pub(crate) fn close_gap(region: &mut [u8], gap: usize) {
    if gap <= region.len() {
        region.copy_within(gap.., 0);
    }
}

/// Moves all but the last `gap` bytes of `region` up by `gap`. The last `gap` bytes come to the front: this is a rotation. It costs a little
/// more than a move, but the compiler sees that it cannot fail.
#[inline(never)]
pub(crate) fn open_gap(region: &mut [u8], gap: usize) {
    if gap <= region.len() {
        region.rotate_right(gap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_close_and_open_whatever_their_size() {
        for gap in 0..7 {
            let mut down = *b"abcde";
            let mut up = *b"abcde";
            close_gap(&mut down, gap);
            open_gap(&mut up, gap);
            if gap > 5 {
                assert_eq!((down, up), (*b"abcde", *b"abcde"));
            } else {
                assert_eq!(down[..5 - gap], b"abcde"[gap..]);
                assert_eq!(up[gap..], b"abcde"[..5 - gap]);
            }
        }
    }
}
