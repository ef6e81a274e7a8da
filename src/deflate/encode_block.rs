//! A block: its symbols with codes of their own, with the fixed codes, or its bytes stored, whichever is shortest (RFC 1951 section 3.2).

use super::{
    cells::{Cell, count, get, low_half},
    encode_bits::{BitWriter, Held},
    encode_lengths::{LONGEST, codes, extra_of_run, lengths, runs, symbol},
};
use crate::bytes::IS_WIDE;

/// Symbols for literals, the end and lengths. The last two have fixed codes and are never used.
const LITERALS: usize = 288;
const DISTANCES: usize = 30;
const END: usize = 256;
/// The numbers that a block needs for its codes, beside those for sorting.
pub(super) const TABLES: usize = LITERALS + DISTANCES;
/// The numbers that sorting all symbols needs.
pub(super) const PAIRS: usize = 2 * LITERALS;

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

enum Unit {
    Literal(usize),
    Match { length: (usize, u16, u32), distance: (usize, u16, u32) },
}

/// The next unit of `units`, as symbols with their extra bits.
#[inline]
fn next(units: &mut &[Cell]) -> Option<Unit> {
    let (&[low, high], rest) = units.split_first()?;
    *units = rest;
    if high == 0 {
        return Some(Unit::Literal(usize::from(low)));
    }
    let (&distance, rest) = units.split_first()?;
    *units = rest;
    // The greatest length has a symbol of its own.
    let (length, number, extra) = if low == u8::MAX { (28, 0, 0) } else { symbol(u16::from(low), 2) };
    let length = (length.wrapping_add(END + 1), number, extra);
    Some(Unit::Match { length, distance: symbol(u16::from_le_bytes(distance), 1) })
}

/// Writes a block of the `units` that were found in `raw`. `work` has [`TABLES`] numbers and some for sorting: a block with more symbols than those
/// have room for does without codes of its own.
pub(super) fn write(mut units: &[Cell], raw: &[u8], work: &mut [Cell], bits: &mut BitWriter<'_>) {
    let Some((tables, pairs)) = work.split_first_chunk_mut::<TABLES>() else { return };
    *tables = [[0; 2]; TABLES];
    let (literals, distances) = tables.split_at_mut(LITERALS);
    let mut extras = 0_u32;
    let mut rest = units;
    while let Some(unit) = next(&mut rest) {
        match unit {
            Unit::Literal(byte) => count(literals, byte),
            Unit::Match { length, distance } => {
                count(literals, length.0);
                count(distances, distance.0);
                extras = extras.wrapping_add(length.2).wrapping_add(distance.2);
            }
        }
    }
    count(literals, END);
    let fixed = fixed_size(literals, distances);
    let own = own_codes(literals, distances, pairs);
    // The padding in front of the length of stored bytes, too.
    let stored = match u32::try_from(raw.len()) {
        Ok(n @ ..=0xffff) => {
            n.wrapping_mul(8).wrapping_add(35).wrapping_add(bits.odd().wrapping_add(3).wrapping_neg() & 7)
        }
        _ => u32::MAX,
    };
    let size = own.as_ref().map_or(u32::MAX, |own| own.size).min(fixed);
    if stored < size.wrapping_add(extras) {
        bits.put(0, 3);
        bits.align();
        let n = low_half(raw.len());
        bits.bytes(&n.to_le_bytes());
        bits.bytes(&(!n).to_le_bytes());
        return bits.bytes(raw);
    }
    match own {
        Some(own) if own.size < fixed => own.write(literals, distances, bits),
        _ => {
            bits.put(0b010, 3);
            for (symbol, cell) in literals.iter_mut().enumerate() {
                *cell = [fixed_length(symbol), 0];
            }
            distances.fill([5, 0]);
        }
    }
    codes(literals);
    codes(distances);
    while let Some(unit) = next(&mut units) {
        match unit {
            Unit::Literal(byte) => put(get(literals, byte), (0, 0), bits),
            Unit::Match { length, distance } => {
                let (length_code, distance_code) = (get(literals, length.0), get(distances, distance.0));
                put(length_code, (length.1, length.2), bits);
                put(distance_code, (distance.1, distance.2), bits);
            }
        }
    }
    put(get(literals, END), (0, 0), bits);
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

const fn fixed_length(symbol: usize) -> u8 {
    match symbol {
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    }
}

/// The bits of a block with the fixed codes, without extra bits.
fn fixed_size(literals: &[Cell], distances: &[Cell]) -> u32 {
    let lengths = (0..LITERALS).map(fixed_length).chain(core::iter::repeat(5));
    literals.iter().chain(distances).zip(lengths).fold(3, |sum, (frequency, length)| {
        sum.wrapping_add(u32::from(u16::from_le_bytes(*frequency)).wrapping_mul(u32::from(length)))
    })
}

/// The head of a block with codes of its own.
struct Own {
    /// Bits of the block without extra bits.
    size: u32,
    /// How many lengths are written.
    literals: usize,
    distances: usize,
    /// The code of the code lengths: lengths.
    code: [Cell; 19],
    in_code: usize,
}

/// The number of lengths up to the last that is not 0, and at least `least`.
fn used(lengths: &[Cell], least: usize) -> usize {
    lengths.iter().rposition(|length| *length != [0; 2]).map_or(least, |at| least.max(at.wrapping_add(1)))
}

/// Turns the frequencies into code lengths. `None` if there are more symbols than `pairs` can sort; then they are useless.
fn own_codes(literals: &mut [Cell], distances: &mut [Cell], pairs: &mut [Cell]) -> Option<Own> {
    let data = lengths(literals, LONGEST, pairs)?.wrapping_add(lengths(distances, LONGEST, pairs)?);
    let mut own =
        Own { size: 0, literals: used(literals, 257), distances: used(distances, 1), code: [[0; 2]; 19], in_code: 0 };
    let mut extras = 0_u32;
    own.each(literals, distances, |symbol, _, code| {
        count(code, usize::from(symbol));
        extras = extras.wrapping_add(extra_of_run(symbol));
    });
    let head = lengths(&mut own.code, 7, pairs)?;
    own.in_code =
        ORDER.iter().rposition(|at| get(&own.code, usize::from(*at)) > 0).map_or(4, |at| at.wrapping_add(1).max(4));
    let fields = u32::from(low_half(own.in_code)).wrapping_mul(3).wrapping_add(17);
    own.size = fields.wrapping_add(head).wrapping_add(extras).wrapping_add(data);
    Some(own)
}

impl Own {
    /// Tells each symbol of the code lengths with the number in its extra bits.
    fn each(&mut self, literals: &[Cell], distances: &[Cell], mut tell: impl FnMut(u16, u16, &mut [Cell])) {
        let all = literals.iter().take(self.literals).chain(distances.iter().take(self.distances));
        let code = &mut self.code;
        runs(all.map(|length| u16::from_le_bytes(*length)), |symbol, number| tell(symbol, number, code));
    }

    fn write(mut self, literals: &[Cell], distances: &[Cell], bits: &mut BitWriter<'_>) {
        let field = |n: usize, least: usize| Held::from(low_half(n.wrapping_sub(least)));
        bits.put(0b100, 3);
        bits.put(field(self.literals, 257), 5);
        bits.put(field(self.distances, 1), 5);
        bits.put(field(self.in_code, 4), 4);
        for at in ORDER.iter().take(self.in_code) {
            bits.put(Held::from(get(&self.code, usize::from(*at))), 3);
        }
        codes(&mut self.code);
        self.each(literals, distances, |symbol, number, code| {
            put(get(code, usize::from(symbol)), (number, extra_of_run(symbol)), bits);
        });
    }
}
