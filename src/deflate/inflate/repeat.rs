//! Copies of earlier output.

use crate::bytes::copy;

/// Appends `length` bytes to the first `end` of `memory`, each the same as that `distance` before it, as many as have room. Returns their number.
pub(super) fn repeat(memory: &mut [u8], end: &mut usize, distance: usize, length: usize) -> usize {
    let from = end.wrapping_sub(distance);
    let mut left = length;
    while let Some((front, back)) = memory.split_at_mut_checked(*end)
        && let source = front.get(from..).unwrap_or_default()
        && let n = left.min(source.len()).min(back.len())
        && n > 0
    {
        copy(source, back.get_mut(..n).unwrap_or_default());
        // The bytes repeat, so all that were written since can be copied at once.
        *end = end.wrapping_add(n);
        left = left.wrapping_sub(n);
    }
    length.wrapping_sub(left)
}
