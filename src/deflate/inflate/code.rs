//! Huffman codes (RFC 1951 section 3.2.2): short ones by a table, longer ones by counting.

use crate::bytes::IS_WIDE;

/// The codes of at most so many bits are found in one step. A longer code is a rare symbol, and where memory is short it may cost more.
pub(super) const LITERAL_BITS: u32 = if IS_WIDE { 10 } else { 7 };
pub(super) const DISTANCE_BITS: u32 = if IS_WIDE { 8 } else { 5 };
pub(super) const LITERALS: usize = 288;
pub(super) const DISTANCES: usize = 32;
/// No code is longer.
const LONGEST: usize = 15;

/// What a code means, in one word, so that a table answers without a second look:
///
/// ```text
/// bits 0 to 5: the length of the code and of the extra bits behind it
/// bits 8 to 11: the length of the code
/// bits 12 to 14: LITERAL, END, INVALID; none of them: a length or a distance
/// bits 16 to 31: the literal, or the least length or distance
/// ```
///
/// 0: no code of the table begins with these bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry(pub(super) u32);

impl Entry {
    pub(super) const NONE: Self = Self(0);
    const LITERAL: u32 = 1 << 12;
    const END: u32 = 1 << 13;
    /// A code that the alphabet reserves, or that stands for nothing.
    pub(super) const INVALID: Self = Self(1 << 14);

    #[inline(always)]
    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    #[inline(always)]
    pub(super) const fn is_literal(self) -> bool {
        self.0 & Self::LITERAL != 0
    }

    #[inline(always)]
    pub(super) const fn is_end(self) -> bool {
        self.0 & Self::END != 0
    }

    #[inline(always)]
    pub(super) const fn is_invalid(self) -> bool {
        self.0 & Self::INVALID.0 != 0
    }

    /// Neither a length nor a distance.
    #[cfg(target_pointer_width = "64")]
    #[inline(always)]
    pub(super) const fn is_special(self) -> bool {
        self.0 & (Self::LITERAL | Self::END | Self::INVALID.0) != 0
    }

    #[inline(always)]
    pub(super) const fn code_bits(self) -> u32 {
        (self.0 >> 8) & 0xf
    }

    /// Code and extra bits.
    #[inline(always)]
    pub(super) const fn all_bits(self) -> u32 {
        self.0 & 0x3f
    }

    #[inline(always)]
    pub(super) const fn base(self) -> u32 {
        self.0 >> 16
    }

    #[inline(always)]
    pub(super) const fn literal(self) -> u8 {
        let [_, _, byte, _] = self.0.to_le_bytes();
        byte
    }
}

/// What the symbols of a code stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// Lengths of the other codes, and repetitions of them.
    Lengths,
    Literals,
    Distances,
}

impl Alphabet {
    /// Without the length of the code.
    const fn entry(self, symbol: u32) -> Entry {
        let (base, extra) = match (self, symbol) {
            (Self::Lengths, _) | (Self::Literals, 0..=255) => return Entry(Entry::LITERAL | (symbol << 16)),
            (Self::Literals, 256) => return Entry(Entry::END),
            (Self::Literals, 257..=264) => (symbol.wrapping_sub(254), 0),
            (Self::Literals, 265..=284) => {
                let n = symbol.wrapping_sub(257);
                let extra = (n >> 2).wrapping_sub(1);
                (((4 | (n & 3)) << extra).wrapping_add(3), extra)
            }
            (Self::Literals, 285) => (258, 0),
            (Self::Distances, 0..=3) => (symbol.wrapping_add(1), 0),
            (Self::Distances, 4..=29) => {
                let extra = (symbol >> 1).wrapping_sub(1);
                (((2 | (symbol & 1)) << extra).wrapping_add(1), extra)
            }
            _ => return Entry::INVALID,
        };
        Entry((base << 16) | extra)
    }

    #[inline]
    const fn entry_of(self, symbol: u16, bits: u32) -> Entry {
        let [low, high] = symbol.to_le_bytes();
        Entry(self.entry(u32::from_le_bytes([low, high, 0, 0])).0.wrapping_add((bits << 8) | bits))
    }
}

/// The shape of a code, for the search behind its table.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// How many codes there are of each length.
    counts: [u16; LONGEST + 1],
    /// The first code that is longer than those of the table, and the number of codes before it.
    first: u16,
    before: u16,
    /// The table has 2^bits entries.
    pub(super) bits: u32,
    longest: u32,
}

/// What the next bits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Code(Entry),
    /// More bits are needed to know.
    Short,
}

impl Shape {
    pub(super) const fn new() -> Self {
        Self { counts: [0; LONGEST + 1], first: 0, before: 0, bits: 0, longest: 0 }
    }

    /// Builds the code whose symbols have codes of these `lengths`, at most 15 each; 0 is none. `symbols` get the symbols in the order of their codes.
    /// `false`: there are more codes than fit, or fewer. As in zlib, literals and distances may have one code of one bit alone, or none.
    pub(super) fn build(
        &mut self,
        alphabet: Alphabet,
        lengths: &[u8],
        symbols: &mut [u16],
        table: &mut [Entry],
        table_bits: u32,
    ) -> bool {
        self.counts = [0; LONGEST + 1];
        for &length in lengths {
            if let Some(n) = self.counts.get_mut(usize::from(length)) {
                *n = n.wrapping_add(1);
            }
        }
        self.counts[0] = 0;
        // Where the symbols of each length begin, and how many codes of the longest length are free.
        let mut places = [0_u16; LONGEST + 1];
        let (mut sum, mut free, mut longest) = (0_u16, 1_i32, 0_u32);
        for ((n, place), length) in self.counts.iter().zip(&mut places).zip(0..) {
            *place = sum;
            sum = sum.wrapping_add(*n);
            if length > 0 {
                free = (free << 1).wrapping_sub(i32::from(*n));
            }
            if free < 0 {
                return false;
            }
            if *n > 0 {
                longest = length;
            }
        }
        if free > 0 && (longest > 1 || alphabet == Alphabet::Lengths) {
            return false;
        }
        for (&length, symbol) in lengths.iter().zip(0..) {
            if length > 0
                && let Some(place) = places.get_mut(usize::from(length))
            {
                if let Some(to) = symbols.get_mut(usize::from(*place)) {
                    *to = symbol;
                }
                *place = place.wrapping_add(1);
            }
        }
        self.longest = longest;
        self.bits = table_bits;
        self.fill(alphabet, symbols, table);
        true
    }

    /// The table grows with the length of the codes: each step doubles what is there, and puts the codes of the next length into it.
    fn fill(&mut self, alphabet: Alphabet, symbols: &[u16], table: &mut [Entry]) {
        let (mut code, mut before, mut size) = (0_u16, 0_usize, 1_usize);
        if let Some(first) = table.first_mut() {
            *first = Entry::NONE;
        }
        for (&count, bits) in self.counts.iter().zip(0..=self.bits).skip(1) {
            if let Some((front, back)) = table.split_at_mut_checked(size) {
                for (to, from) in back.iter_mut().zip(front) {
                    *to = *from;
                }
            }
            size = size.wrapping_shl(1);
            for &symbol in symbols.iter().skip(before).take(usize::from(count)) {
                if let Some(place) = table.get_mut(usize::from(reverse(code, bits))) {
                    *place = alphabet.entry_of(symbol, bits);
                }
                code = code.wrapping_add(1);
            }
            before = before.wrapping_add(usize::from(count));
            code = code.wrapping_shl(1);
        }
        self.first = code;
        let [low, high, ..] = before.to_le_bytes();
        self.before = u16::from_le_bytes([low, high]);
    }

    /// The code at the front of the lowest `have` bits of `bits`.
    #[inline]
    pub(super) fn find(&self, alphabet: Alphabet, symbols: &[u16], table: &[Entry], bits: u32, have: u32) -> Found {
        let index = bits & !(u32::MAX << self.bits);
        let entry = table.get(index_of(index)).copied().unwrap_or(Entry::INVALID);
        if !entry.is_none() && entry.code_bits() <= have {
            return Found::Code(entry);
        }
        if have < self.bits.min(self.longest) {
            return Found::Short;
        }
        self.find_long(alphabet, symbols, bits, have)
    }

    /// As [`find`](Self::find), for a code that is not in the table.
    #[cfg_attr(target_pointer_width = "64", inline(never))]
    pub(super) fn find_long(&self, alphabet: Alphabet, symbols: &[u16], bits: u32, have: u32) -> Found {
        let [low, high, ..] = bits.to_le_bytes();
        let bits = u16::from_le_bytes([low, high]);
        let mut code = reverse(bits, self.bits);
        let (mut first, mut before) = (self.first, self.before);
        let mut length = self.bits;
        while length < self.longest {
            if have <= length {
                return Found::Short;
            }
            code = (code << 1) | ((bits >> length) & 1);
            length = length.wrapping_add(1);
            let count = self.counts.get(index_of(length)).copied().unwrap_or(0);
            let behind = code.wrapping_sub(first);
            if behind < count {
                let symbol = symbols.get(usize::from(before.wrapping_add(behind))).copied().unwrap_or(u16::MAX);
                return Found::Code(alphabet.entry_of(symbol, length));
            }
            before = before.wrapping_add(count);
            first = first.wrapping_add(count).wrapping_shl(1);
        }
        Found::Code(Entry::INVALID)
    }
}

/// The lowest `n` bits of `bits`, at most 15, in the other order.
#[inline]
const fn reverse(bits: u16, n: u32) -> u16 {
    bits.reverse_bits().wrapping_shr(16_u32.wrapping_sub(n)) & !(u16::MAX.wrapping_shl(n))
}

#[inline(always)]
fn index_of(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
