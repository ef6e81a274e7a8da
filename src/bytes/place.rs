//! Moving bytes without a check that can fail: these link without a panic at every level of optimisation, where the same by
//! `copy_from_slice` and `copy_within` keeps one as soon as the compiler shares it between two callers.

/// Copies `from` to the front of `into`, as much as there is of both.
#[inline]
pub(crate) fn copy(from: &[u8], into: &mut [u8]) {
    for (place, byte) in into.iter_mut().zip(from) {
        *place = *byte;
    }
}

/// Moves what lies behind the first `gap` bytes of `region` down over them.
#[inline(never)]
pub(crate) fn close_gap(region: &mut [u8], gap: usize) {
    if gap <= region.len() {
        region.copy_within(gap.., 0);
    }
}

/// Moves all but the last `gap` bytes of `region` up by as many. What lay behind them comes to the front: a rotation is a little
/// dearer than a move, and the compiler sees that it cannot fail.
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
