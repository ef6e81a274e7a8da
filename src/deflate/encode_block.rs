//! A block: its symbols with codes of their own, with the fixed codes, or its bytes stored, whichever is shortest (RFC 1951 section 3.2).

use super::{
    cells::{Cell, count, get, low_half, set},
    encode_bits::{BitWriter, Held},
    encode_lengths::{LONGEST, codes, make_lengths, size, symbol},
};
use crate::bytes::IS_WIDE;

/// Symbols for literals, the end and lengths.
const LITERALS: usize = 286;
const DISTANCES: usize = 30;
const END: usize = 256;
const TABLES: usize = LITERALS + DISTANCES;
/// The numbers that a block needs for its codes, and their lengths in a byte each.
pub(super) const WORK: usize = TABLES + TABLES / 2;

/// The order in which the lengths of the code of code lengths are written (RFC 1951 section 3.2.7), without the last one: no code has 15 bits.
const ORDER: [u8; 18] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1];

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

/// One pass over symbols: first they are counted, then they are written.
struct Pass<'a, 'o> {
    /// Frequencies, then codes.
    table: &'a mut [Cell],
    /// Where to write.
    bits: Option<&'a mut BitWriter<'o>>,
    /// The extra bits, counted.
    extras: u32,
}

impl Pass<'_, '_> {
    /// A symbol, with a number in its extra bits.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn symbol(&mut self, at: usize, number: u16, extra: u32) {
        let Some(bits) = &mut self.bits else {
            count(self.table, at);
            self.extras = self.extras.wrapping_add(extra);
            return;
        };
        let code = get(self.table, at);
        let length = u32::from(code & 0xf);
        if IS_WIDE {
            let both = Held::from(code >> 4) | Held::from(number).wrapping_shl(length);
            bits.put(both, length.wrapping_add(extra));
        } else {
            bits.put(Held::from(code >> 4), length);
            bits.put(Held::from(number), extra);
        }
    }

    /// All symbols of `units`, and the end.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn units(&mut self, units: &[Cell]) {
        let mut units = units.iter();
        while let Some(&[low, high]) = units.next() {
            if high == 0 {
                self.symbol(usize::from(low), 0, 0);
                continue;
            }
            // The greatest length has a symbol of its own.
            let (at, number, extra) = if low == u8::MAX { (28, 0, 0) } else { symbol(u16::from(low), 2) };
            self.symbol(at.wrapping_add(END + 1), number, extra);
            let distance = units.next().map_or(0, |distance| u16::from_le_bytes(*distance));
            let (at, number, extra) = symbol(distance, 1);
            self.symbol(at.wrapping_add(LITERALS), number, extra);
        }
        self.symbol(END, 0, 0);
    }

    /// The lengths of codes, as symbols of the code of code lengths (RFC 1951 section 3.2.7).
    fn lengths(&mut self, mut lengths: &[u8]) {
        while let Some(length) = lengths.first() {
            let same = lengths.iter().take_while(|other| *other == length).count();
            lengths = lengths.get(same..).unwrap_or_default();
            let mut n = low_half(same);
            let mut is_first = *length != 0;
            while n > 0 {
                // How many at least and at most.
                let (at, extra, least, most) = match n {
                    11.. if *length == 0 => (18, 7, 11, 138),
                    3.. if *length == 0 => (17, 3, 3, 10),
                    3.. if !is_first => (16, 2, 3, 6),
                    _ => (usize::from(*length), 0, 1, 1),
                };
                is_first = false;
                let taken = n.min(most);
                self.symbol(at, taken.wrapping_sub(least), extra);
                n = n.wrapping_sub(taken);
            }
        }
    }
}

/// Writes a block of the `units` that were found in `raw`. `work` has [`WORK`] numbers.
pub(super) fn write(units: &[Cell], raw: &[u8], work: &mut [Cell], bits: &mut BitWriter<'_>) {
    let Some((tables, rest)) = work.split_first_chunk_mut::<TABLES>() else { return };
    let Some(lengths) = rest.as_flattened_mut().first_chunk_mut::<TABLES>() else { return };
    *tables = [[0; 2]; TABLES];
    let mut pass = Pass { table: tables, bits: None, extras: 0 };
    pass.units(units);
    let extras = pass.extras;
    fixed_lengths(lengths);
    let fixed = size(tables, lengths).wrapping_add(3);
    let (literals, distances) = tables.split_at_mut(LITERALS);
    let (of_literals, of_distances) = lengths.split_at_mut(LITERALS);
    // Some readers refuse a code of fewer than two symbols. To add them always is shorter to do, and longer to read.
    if !IS_WIDE || distances.iter().filter(|frequency| **frequency != [0; 2]).count() < 2 {
        for at in 0..2 {
            set(distances, at, get(distances, at).max(1));
        }
    }
    make_lengths(literals, LONGEST, of_literals);
    make_lengths(distances, LONGEST, of_distances);
    // The lengths are written in a code that has lengths too. All of them: the last ones are a run of zeros, which takes about a byte.
    let mut code = [[0; 2]; 19];
    let mut of_code = [0; 19];
    let mut pass = Pass { table: &mut code, bits: None, extras: 0 };
    pass.lengths(lengths);
    let own = pass.extras.wrapping_add(17);
    make_lengths(&code, 7, &mut of_code);
    let mut in_code = 18_u16;
    if IS_WIDE {
        let is_used = |symbol: &u8| of_code.get(usize::from(*symbol)).is_some_and(|length| *length > 0);
        in_code = low_half(ORDER.iter().rposition(is_used).unwrap_or_default()).wrapping_add(1).max(4);
    }
    let own = own.wrapping_add(u32::from(in_code).wrapping_mul(3));
    let own = own.wrapping_add(size(tables, lengths)).wrapping_add(size(&code, &of_code));
    // Of stored bytes, the padding in front of their length too.
    let stored = match u32::try_from(raw.len()) {
        Ok(n @ ..=0xffff) => {
            n.wrapping_mul(8).wrapping_add(35).wrapping_add(bits.odd().wrapping_add(3).wrapping_neg() & 7)
        }
        _ => u32::MAX,
    };
    if stored < own.min(fixed).wrapping_add(extras) {
        bits.stored();
        let n = low_half(raw.len());
        bits.put(Held::from(n), 16);
        bits.put(Held::from(!n), 16);
        return bits.bytes(raw);
    }
    // Two of the fixed codes of 8 bits have no symbol here.
    let unused = if own < fixed { 0 } else { 2 };
    if own < fixed {
        // The kind, and how many lengths there are of each code.
        bits.put(0b100 | 29 << 3 | 29 << 8, 13);
        bits.put(Held::from(in_code.wrapping_sub(4)), 4);
        for symbol in ORDER.iter().take(usize::from(in_code)) {
            bits.put(Held::from(of_code.get(usize::from(*symbol)).copied().unwrap_or_default()), 3);
        }
        codes(&of_code, &mut code, 0);
        Pass { table: &mut code, bits: Some(bits), extras: 0 }.lengths(lengths);
    } else {
        bits.put(0b010, 3);
        fixed_lengths(lengths);
    }
    let (literals, distances) = tables.split_at_mut(LITERALS);
    let (of_literals, of_distances) = lengths.split_at(LITERALS);
    codes(of_literals, literals, unused);
    codes(of_distances, distances, 0);
    Pass { table: tables, bits: Some(bits), extras: 0 }.units(units);
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
