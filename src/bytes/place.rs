//! Functions that move bytes and link without a panic at every optimisation level. `copy_from_slice` and `copy_within` keep a panic as soon as two
//! callers share one copy of them.

use super::IS_WIDE;
use core::cell::Cell;

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
    if !IS_WIDE {
        move_down(region, gap);
    } else if gap <= region.len() {
        region.copy_within(gap.., 0);
    }
}

/// Moves all but the last `gap` bytes of `region` up by `gap`. The first `gap` bytes then have no meaning.
#[inline(never)]
pub(crate) fn open_gap(region: &mut [u8], gap: usize) {
    if !IS_WIDE {
        move_up(region, gap);
    } else if gap <= region.len() {
        // This costs a little more than a move, but the compiler sees that it cannot fail.
        region.rotate_right(gap);
    }
}

/// As [`close_gap`], eight bytes at a time, as fast as `memmove`. That is 650 bytes of flash, and a firmware often has no other use for it.
fn move_down(region: &mut [u8], gap: usize) {
    let mut into = Cell::from_mut(region).as_slice_of_cells();
    let mut from = into.get(gap..).unwrap_or_default();
    while let ([a, b, c, d, i, j, k, l, into_rest @ ..], [e, f, g, h, m, n, o, p, from_rest @ ..]) = (into, from) {
        move_word([a, b, c, d], [e, f, g, h]);
        move_word([i, j, k, l], [m, n, o, p]);
        (into, from) = (into_rest, from_rest);
    }
    for (into, from) in into.iter().zip(from) {
        into.set(from.get());
    }
}

/// As [`open_gap`], from the end.
fn move_up(region: &mut [u8], gap: usize) {
    let cells = Cell::from_mut(region).as_slice_of_cells();
    let mut into = cells.get(gap..).unwrap_or_default();
    let mut from = cells.get(..into.len()).unwrap_or_default();
    while let ([into_rest @ .., a, b, c, d], [from_rest @ .., e, f, g, h]) = (into, from) {
        move_word([a, b, c, d], [e, f, g, h]);
        (into, from) = (into_rest, from_rest);
    }
    for (into, from) in into.iter().zip(from).rev() {
        into.set(from.get());
    }
}

/// The places may overlap, so all four bytes are read before one is written: one load and one store.
#[inline(always)]
fn move_word(into: [&Cell<u8>; 4], from: [&Cell<u8>; 4]) {
    let ([a, b, c, d], [e, f, g, h]) = (into, from);
    let (e, f, g, h) = (e.get(), f.get(), g.get(), h.get());
    a.set(e);
    b.set(f);
    c.set(g);
    d.set(h);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_close_and_open_whatever_their_size() {
        let bytes: [u8; 13] = core::array::from_fn(|i| i.to_le_bytes()[0]);
        for len in 0..=bytes.len() {
            for gap in 0..=len {
                for (close, open) in
                    [(close_gap as fn(&mut [u8], usize), open_gap as fn(&mut [u8], usize)), (move_down, move_up)]
                {
                    let (mut down, mut up) = (bytes, bytes);
                    close(&mut down[..len], gap);
                    open(&mut up[..len], gap);
                    assert_eq!(down[..len - gap], bytes[gap..len]);
                    assert_eq!(up[gap..len], bytes[..len - gap]);
                    assert_eq!((&down[len..], &up[len..]), (&bytes[len..], &bytes[len..]));
                    let before = (down, up);
                    close(&mut down[..len], len + 1);
                    open(&mut up[..len], len + 1);
                    assert_eq!((down, up), before);
                }
            }
        }
    }
}
