//! The codes of a block: the lengths from the frequencies of the symbols, the codes from the lengths.

use super::cells::{Cell, count, get, low_byte};
use crate::bytes::IS_WIDE;

/// The longest code that is made, where the format allows 15 bits. So a code and its length have room in 16 bits. The few symbols that would have longer
/// codes are so rare that it costs less than a thousandth.
pub(super) const LONGEST: u32 = 12;

/// Makes a complete code for the symbols of `table`, which has their frequencies, two of them at least: lengths of at most `longest` bits into `lengths`.
///
/// A length is first what the share of the symbol asks for, rounded up. What is then left of the code goes to the symbols that were rounded up most. So the
/// code is nearly as short as Huffman's, with neither a tree nor sorting.
pub(super) fn make_lengths(table: &[Cell], longest: u32, lengths: &mut [u8]) {
    let total = table.iter().fold(0_u32, |sum, cell| sum.wrapping_add(u32::from(u16::from_le_bytes(*cell))));
    // Frequencies of which the smallest has a share that the longest code can express.
    let shift = 33_u32.wrapping_sub(total.leading_zeros()).saturating_sub(longest);
    let scaled = |cell: &Cell| match u32::from(u16::from_le_bytes(*cell)) {
        0 => 0,
        frequency => frequency.wrapping_shr(shift).max(1),
    };
    let total = table.iter().map(scaled).fold(0, u32::wrapping_add);
    let mut left = 1_u32.wrapping_shl(longest);
    for (cell, length) in table.iter().zip(&mut *lengths) {
        let mut share = scaled(cell);
        *length = 0;
        if share > 0 {
            let mut part = part_of(longest, 0);
            loop {
                *length = length.wrapping_add(1);
                share = share.wrapping_mul(2);
                part >>= 1;
                if share >= total {
                    break;
                }
            }
            left = left.wrapping_sub(part);
        }
    }
    // In eighths: how much more than its length a symbol asks for.
    let mut wanted = 15_u32;
    while left > 0 {
        for (cell, length) in table.iter().zip(&mut *lengths) {
            let part = part_of(longest, *length);
            if *length > 1
                && part <= left
                && scaled(cell).wrapping_shl(u32::from(*length).wrapping_add(3)) >= total.wrapping_mul(wanted)
            {
                *length = length.wrapping_sub(1);
                left = left.wrapping_sub(part);
            }
        }
        wanted = wanted.saturating_sub(1);
    }
}

/// The bits of all symbols, whose frequencies are in `table`.
pub(super) fn size(table: &[Cell], lengths: &[u8]) -> u32 {
    table.iter().zip(lengths).fold(0, |sum, (cell, length)| {
        sum.wrapping_add(u32::from(u16::from_le_bytes(*cell)).wrapping_mul(u32::from(*length)))
    })
}

/// The part of a code that a symbol of this length takes.
#[inline]
const fn part_of(longest: u32, length: u8) -> u32 {
    1_u32.wrapping_shl(longest).wrapping_shr(u32::from_le_bytes([length, 0, 0, 0]))
}

/// Makes codes of `lengths` in `table`: the code as it is written, and its length in the low four bits (RFC 1951 section 3.2.2). Behind the codes of 8 bits,
/// `unused` ones are left out.
pub(super) fn codes(lengths: &[u8], table: &mut [Cell], unused: u8) {
    if !IS_WIDE {
        return codes_one_by_one(lengths, table, unused);
    }
    let mut next = [[0; 2]; 14];
    next[9] = [unused, 0];
    for length in lengths {
        // The first code of a length follows from the codes that are shorter.
        if *length > 0 {
            count(&mut next, usize::from(*length).wrapping_add(1));
        }
    }
    let mut code = 0_u16;
    for first in &mut next {
        code = code.wrapping_add(u16::from_le_bytes(*first)).wrapping_shl(1);
        *first = code.to_le_bytes();
    }
    for (length, cell) in lengths.iter().zip(table) {
        let at = usize::from(*length);
        let length = u16::from(*length);
        *cell = written(get(&next, at), length).to_le_bytes();
        count(&mut next, at);
    }
}

/// As [`codes`], with little code.
fn codes_one_by_one(lengths: &[u8], table: &mut [Cell], unused: u8) {
    let mut code = 0_u16;
    for length in 1..=12 {
        for (own, cell) in lengths.iter().zip(&mut *table) {
            if *own == length {
                *cell = written(code, u16::from(length)).to_le_bytes();
                code = code.wrapping_add(1);
            }
        }
        if length == 8 {
            code = code.wrapping_add(u16::from(unused));
        }
        code = code.wrapping_mul(2);
    }
}

/// A code as it is written, the first bit lowest, and its length.
#[inline]
const fn written(code: u16, length: u16) -> u16 {
    let [low, _] = length.to_le_bytes();
    code.reverse_bits().wrapping_shr(16_u32.wrapping_sub(u32::from_le_bytes([low, 0, 0, 0]))).wrapping_shl(4) | length
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
