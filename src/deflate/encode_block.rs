//! A block: its symbols with codes of their own, with the fixed codes, or its bytes stored, whichever is shortest (RFC 1951 section 3.2).

use super::{
    cells::{Cell, count, get, low_half},
    encode_bits::{BitWriter, Held},
    encode_lengths::{LONGEST, codes, extra_of_run, make_lengths, runs, size, symbol},
};
use crate::bytes::IS_WIDE;

/// Symbols for literals, the end and lengths. The last two have fixed codes and are never used.
const LITERALS: usize = 288;
const DISTANCES: usize = 30;
const END: usize = 256;
const TABLES: usize = LITERALS + DISTANCES;
/// The numbers that a block needs for its codes, and their lengths in a byte each.
pub(super) const WORK: usize = TABLES + TABLES / 2;

/// The order in which the lengths of the code of code lengths are written (RFC 1951 section 3.2.7).
const ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// One unit of what was found: a literal, or the length of a match with the unit of its distance behind.
pub(super) const fn literal(byte: u8) -> Cell {
    [byte, 0]
}

/// The units of a match.
#[inline]
pub(super) fn matched(length: usize, distance: usize) -> [Cell; 2] {
    let [length, ..] = length.wrapping_sub(3).to_le_bytes();
    [[length, 1], low_half(distance.wrapping_sub(1)).to_le_bytes()]
}

/// Tells each symbol of `units` and of the end: where it is in the tables, the number in its extra bits, and how many those are.
#[cfg_attr(target_pointer_width = "64", inline(always))]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn symbols(units: &[Cell], tell: &mut dyn FnMut(usize, u16, u32)) {
    let mut units = units.iter();
    while let Some(&[low, high]) = units.next() {
        if high == 0 {
            tell(usize::from(low), 0, 0);
            continue;
        }
        // The greatest length has a symbol of its own.
        let (at, number, extra) = if low == u8::MAX { (28, 0, 0) } else { symbol(u16::from(low), 2) };
        tell(at.wrapping_add(END + 1), number, extra);
        let distance = units.next().map_or(0, |distance| u16::from_le_bytes(*distance));
        let (at, number, extra) = symbol(distance, 1);
        tell(at.wrapping_add(LITERALS), number, extra);
    }
    tell(END, 0, 0);
}

/// Writes a block of the `units` that were found in `raw`. `work` has [`WORK`] numbers.
pub(super) fn write(units: &[Cell], raw: &[u8], work: &mut [Cell], bits: &mut BitWriter<'_>) {
    let Some((tables, rest)) = work.split_first_chunk_mut::<TABLES>() else { return };
    let Some(lengths) = rest.as_flattened_mut().first_chunk_mut::<TABLES>() else { return };
    *tables = [[0; 2]; TABLES];
    let mut extras = 0_u32;
    symbols(units, &mut |at, _, extra| {
        count(tables, at);
        extras = extras.wrapping_add(extra);
    });
    fixed_lengths(lengths);
    let fixed = size(tables, lengths).wrapping_add(3);
    let (literals, distances) = tables.split_at_mut(LITERALS);
    let (of_literals, of_distances) = lengths.split_at_mut(LITERALS);
    make_lengths(literals, LONGEST, of_literals);
    make_lengths(distances, LONGEST, of_distances);
    // The lengths are written in a code that has lengths too.
    let (mut code, mut of_code) = ([[0; 2]; 19], [0; 19]);
    let mut own = size(tables, lengths).wrapping_add(17);
    each_run(lengths, &mut |symbol, _| {
        count(&mut code, usize::from(symbol));
        own = own.wrapping_add(extra_of_run(symbol));
    });
    make_lengths(&mut code, 7, &mut of_code);
    let mut in_code = ORDER.len();
    while in_code > 4 && length_in_order(&of_code, in_code.wrapping_sub(1)) == 0 {
        in_code = in_code.wrapping_sub(1);
    }
    let in_code = low_half(in_code);
    own = own.wrapping_add(size(&code, &of_code)).wrapping_add(u32::from(in_code).wrapping_mul(3));
    // Of stored bytes, the padding in front of their length too.
    let stored = match u32::try_from(raw.len()) {
        Ok(n @ ..=0xffff) => {
            n.wrapping_mul(8).wrapping_add(35).wrapping_add(bits.odd().wrapping_add(3).wrapping_neg() & 7)
        }
        _ => u32::MAX,
    };
    if stored < own.min(fixed).wrapping_add(extras) {
        bits.put(0, 3);
        bits.align();
        let n = low_half(raw.len());
        bits.put(Held::from(n), 16);
        bits.put(Held::from(!n), 16);
        return bits.bytes(raw);
    }
    if own < fixed {
        bits.put(0b100, 3);
        let [literals, distances] = used(lengths).map(|lengths| low_half(lengths.len()));
        bits.put(Held::from(literals.wrapping_sub(257)), 5);
        bits.put(Held::from(distances.wrapping_sub(1)), 5);
        bits.put(Held::from(in_code.wrapping_sub(4)), 4);
        for at in 0..usize::from(in_code) {
            bits.put(Held::from(length_in_order(&of_code, at)), 3);
        }
        codes(&of_code, &mut code);
        each_run(lengths, &mut |symbol, number| {
            put(get(&code, usize::from(symbol)), (u16::from(number), extra_of_run(symbol)), bits);
        });
    } else {
        bits.put(0b010, 3);
        fixed_lengths(lengths);
    }
    let (literals, distances) = tables.split_at_mut(LITERALS);
    let (of_literals, of_distances) = lengths.split_at(LITERALS);
    codes(of_literals, literals);
    codes(of_distances, distances);
    symbols(units, &mut |at, number, extra| put(get(tables, at), (number, extra), bits));
}

/// Writes a code, and a number in its extra bits behind it.
#[inline]
fn put(code: u16, (number, extra): (u16, u32), bits: &mut BitWriter<'_>) {
    let length = u32::from(code & 0xf);
    if IS_WIDE {
        let both = Held::from(code >> 4) | Held::from(number).wrapping_shl(length);
        bits.put(both, length.wrapping_add(extra));
    } else {
        bits.put(Held::from(code >> 4), length);
        bits.put(Held::from(number), extra);
    }
}

/// The lengths of the fixed codes (RFC 1951 section 3.2.6).
fn fixed_lengths(lengths: &mut [u8; TABLES]) {
    for (symbol, length) in lengths.iter_mut().enumerate() {
        *length = match symbol {
            144..256 => 9,
            256..280 => 7,
            LITERALS.. => 5,
            _ => 8,
        };
    }
}

/// The lengths that are written: up to the last that is not 0, of both codes.
fn used(lengths: &[u8; TABLES]) -> [&[u8]; 2] {
    let (of_literals, of_distances) = lengths.split_at(LITERALS);
    [of_literals, of_distances].map(|mut lengths| {
        while let [rest @ .., 0] = lengths {
            lengths = rest;
        }
        lengths
    })
}

/// Tells the runs in the lengths that are written.
fn each_run(lengths: &[u8; TABLES], tell: &mut dyn FnMut(u8, u8)) {
    for lengths in used(lengths) {
        runs(lengths, tell);
    }
}

/// A length of the code of code lengths, in the order in which they are written.
fn length_in_order(of_code: &[u8; 19], at: usize) -> u8 {
    ORDER.get(at).and_then(|symbol| of_code.get(usize::from(*symbol))).copied().unwrap_or_default()
}
