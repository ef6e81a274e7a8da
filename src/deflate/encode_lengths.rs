//! The codes of a block: the lengths from the frequencies of the symbols, the codes from the lengths.

use super::cells::{Cell, count, get, low_byte, low_half, set};

/// The longest code that is made, where the format allows 15 bits. So a code and its length have room in 16 bits. The few symbols that would have longer
/// codes are so rare that it costs less than a thousandth.
pub(super) const LONGEST: usize = 12;

/// Makes code lengths of at most `longest` bits from the frequencies in `table`, and stores them there. Returns the number of bits that all symbols
/// together take. `None` if `pairs` has no room for as many symbols; then `table` is as before.
///
/// The code is complete: if there are fewer than two symbols, others get a code too.
pub(super) fn lengths(table: &mut [Cell], longest: usize, pairs: &mut [Cell]) -> Option<u32> {
    let (pairs, _) = pairs.as_chunks_mut::<2>();
    let mut n = 0_usize;
    let used = table.iter().filter(|cell| **cell != [0; 2]).count();
    for (symbol, frequency) in table.iter().enumerate() {
        let is_added = used < 2 && symbol < 2;
        if *frequency != [0; 2] || is_added {
            *pairs.get_mut(n)? = [*frequency, low_half(symbol).to_le_bytes()];
            n = n.wrapping_add(1);
        }
    }
    let pairs = pairs.get_mut(..n)?;
    sort(pairs);
    let mut counts = [0_u16; LONGEST + 1];
    let counts = counts.get_mut(..=longest)?;
    depths(pairs, counts);
    limit(counts);
    // The rarest symbols get the longest codes.
    let (mut total, mut length, mut left) = (0_u32, longest, 0);
    for [_, symbol] in pairs {
        while left == 0 {
            left = counts.get(length).copied().unwrap_or(1);
            length = length.wrapping_sub(1);
        }
        left = left.wrapping_sub(1);
        let bits = length.wrapping_add(1);
        let symbol = usize::from(u16::from_le_bytes(*symbol));
        total = total.wrapping_add(u32::from(get(table, symbol)).wrapping_mul(u32::from(low_half(bits))));
        set(table, symbol, low_half(bits));
    }
    Some(total)
}

/// The frequency of a pair of frequency and symbol.
#[inline]
fn weight(pairs: &[[Cell; 2]], at: usize) -> u16 {
    pairs.get(at).map_or(u16::MAX, |[weight, _]| u16::from_le_bytes(*weight))
}

#[inline]
fn set_weight(pairs: &mut [[Cell; 2]], at: usize, to: u16) {
    if let Some([weight, _]) = pairs.get_mut(at) {
        *weight = to.to_le_bytes();
    }
}

#[inline]
fn put(pairs: &mut [[Cell; 2]], at: usize, pair: Option<[Cell; 2]>) {
    if let (Some(place), Some(pair)) = (pairs.get_mut(at), pair) {
        *place = pair;
    }
}

/// Sorts by frequency, in place (Shell's sort).
fn sort(pairs: &mut [[Cell; 2]]) {
    let mut gap = pairs.len() >> 1;
    while gap > 0 {
        for i in gap..pairs.len() {
            let (moved, of_moved) = (pairs.get(i).copied(), weight(pairs, i));
            let mut to = i;
            while to >= gap && weight(pairs, to.wrapping_sub(gap)) > of_moved {
                let from = to.wrapping_sub(gap);
                put(pairs, to, pairs.get(from).copied());
                to = from;
            }
            put(pairs, to, moved);
        }
        gap >>= 1;
    }
}

/// Counts how many leaves Huffman's tree has in each depth, deeper ones at the last. The frequencies in `pairs` are sorted. Their places become those of
/// the inner nodes (the algorithm of Moffat and Katajainen).
fn depths(pairs: &mut [[Cell; 2]], counts: &mut [u16]) {
    let n = pairs.len();
    // The weights of the inner nodes from the front on. A node that has a parent holds its place instead.
    let (mut node, mut leaf) = (0_usize, 0_usize);
    for made in 0..n.wrapping_sub(1) {
        let mut sum = 0_u16;
        for _ in 0..2 {
            if leaf < n && (node >= made || weight(pairs, leaf) <= weight(pairs, node)) {
                sum = sum.wrapping_add(weight(pairs, leaf));
                leaf = leaf.wrapping_add(1);
            } else {
                sum = sum.wrapping_add(weight(pairs, node));
                set_weight(pairs, node, low_half(made));
                node = node.wrapping_add(1);
            }
        }
        set_weight(pairs, made, sum);
    }
    // From the root down, a parent becomes a depth.
    let root = n.wrapping_sub(2);
    set_weight(pairs, root, 0);
    for at in (0..root).rev() {
        let above = weight(pairs, usize::from(weight(pairs, at)));
        set_weight(pairs, at, above.wrapping_add(1));
    }
    // What is no inner node at a depth is a leaf.
    let last = counts.len().wrapping_sub(1);
    let (mut places, mut depth, mut left) = (1_usize, 0_u16, n.wrapping_sub(1));
    while places > 0 {
        let mut inner = 0_usize;
        while left > 0 && weight(pairs, left.wrapping_sub(1)) == depth {
            inner = inner.wrapping_add(1);
            left = left.wrapping_sub(1);
        }
        if let Some(count) = counts.get_mut(last.min(usize::from(depth))) {
            *count = count.wrapping_add(low_half(places.wrapping_sub(inner)));
        }
        places = inner.wrapping_mul(2);
        depth = depth.wrapping_add(1);
    }
}

/// Makes room for the leaves that were too deep: a leaf at the depth above moves down and shares its place with one of them.
fn limit(counts: &mut [u16]) {
    let last = counts.len().wrapping_sub(1);
    let mut sum = 0_u32;
    for (depth, count) in counts.iter().enumerate() {
        sum = sum.wrapping_add(u32::from(*count).wrapping_shl(u32::from(low_half(last.wrapping_sub(depth)))));
    }
    let most = 1_u32.wrapping_shl(u32::from(low_half(last)));
    while sum > most {
        let Some((deepest, above)) = counts.split_last_mut() else { break };
        *deepest = deepest.wrapping_sub(1);
        let Some(from) = above.iter().rposition(|count| *count > 0) else { break };
        if let Some(count) = counts.get_mut(from) {
            *count = count.wrapping_sub(1);
        }
        if let Some(count) = counts.get_mut(from.wrapping_add(1)) {
            *count = count.wrapping_add(2);
        }
        sum = sum.wrapping_sub(1);
    }
}

/// Makes codes from the lengths in `table`: the code as it is written, and its length in the low four bits (RFC 1951 section 3.2.2).
pub(super) fn codes(table: &mut [Cell]) {
    let mut next = [[0; 2]; LONGEST + 2];
    for length in table.iter() {
        // The first code of a length follows from the codes that are shorter.
        if *length != [0; 2] {
            count(&mut next, usize::from(u16::from_le_bytes(*length)).wrapping_add(1));
        }
    }
    let mut code = 0_u16;
    for first in &mut next {
        code = code.wrapping_add(u16::from_le_bytes(*first)).wrapping_shl(1);
        *first = code.to_le_bytes();
    }
    for cell in table {
        let length = u16::from_le_bytes(*cell);
        if length > 0 {
            let at = usize::from(length);
            let code = get(&next, at);
            count(&mut next, at);
            let written = code.reverse_bits().wrapping_shr(16_u32.wrapping_sub(u32::from(length)));
            *cell = (written.wrapping_shl(4) | length).to_le_bytes();
        }
    }
}

/// The lengths of `lengths` as symbols of the code of code lengths: each symbol, and the number in its extra bits (RFC 1951 section 3.2.7).
pub(super) fn runs(mut lengths: impl Iterator<Item = u16>, mut tell: impl FnMut(u16, u16)) {
    let mut next = lengths.next();
    while let Some(length) = next {
        let mut n = 1_u16;
        loop {
            next = lengths.next();
            if next != Some(length) {
                break;
            }
            n = n.wrapping_add(1);
        }
        if length != 0 {
            tell(length, 0);
            n = n.wrapping_sub(1);
        }
        while n > 0 {
            let (symbol, least, most) = match length {
                0 if n > 10 => (18, 11, 138),
                0 => (17, 3, 10),
                _ => (16, 3, 6),
            };
            if n < least {
                tell(length, 0);
                n = n.wrapping_sub(1);
            } else {
                let taken = n.min(most);
                tell(symbol, taken.wrapping_sub(least));
                n = n.wrapping_sub(taken);
            }
        }
    }
}

/// The number of extra bits behind a symbol of [`runs`].
pub(super) const fn extra_of_run(symbol: u16) -> u32 {
    match symbol {
        16 => 2,
        17 => 3,
        18 => 7,
        _ => 0,
    }
}

/// The symbol of a number that has extra bits: `number` itself below `1 << (steps + 1)`, then `1 << steps` symbols for each power of two. With the number
/// in its extra bits, and how many there are. Lengths have `steps` 2, distances 1.
#[inline]
pub(super) fn symbol(number: u16, steps: u32) -> (usize, u16, u32) {
    let bits = 15_u32.wrapping_sub((number | 1).leading_zeros());
    if bits <= steps {
        return (usize::from(number), 0, 0);
    }
    let extra = bits.wrapping_sub(steps);
    let high = number.wrapping_shr(extra);
    let group = u16::from(low_byte(extra)).wrapping_shl(steps);
    (usize::from(group.wrapping_add(high)), number & 1_u16.wrapping_shl(extra).wrapping_sub(1), extra)
}
