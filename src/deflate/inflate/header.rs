//! The codes of a block: the fixed ones, and those in the header of a dynamic block (RFC 1951 sections 3.2.6 and 3.2.7).

use super::{
    Codes, Inflate, InflateError, Step,
    code::{Alphabet, DISTANCE_BITS, DISTANCES, LITERAL_BITS, LITERALS},
};

/// The order in which a block has the lengths of the code for lengths (section 3.2.7).
const ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The symbol that ends a block.
const END: usize = 256;

impl Inflate {
    /// Takes the codes of section 3.2.6.
    pub(super) fn fix(&mut self) {
        if self.codes == Codes::Fixed {
            return;
        }
        let mut lengths = [5_u8; LITERALS + DISTANCES];
        for (length, symbol) in lengths.iter_mut().zip(0..LITERALS) {
            *length = match symbol {
                0..=143 | 280.. => 8,
                144..=255 => 9,
                _ => 7,
            };
        }
        let is_good = self.build(&lengths, LITERALS);
        debug_assert!(is_good, "the fixed codes are complete");
        self.codes = Codes::Fixed;
    }

    /// Builds both codes from lengths, of which the first `literals` are those of the literals.
    fn build(&mut self, lengths: &[u8], literals: usize) -> bool {
        let (near, far) = lengths.split_at_checked(literals).unwrap_or_default();
        let (literals, distances) = self.symbols.split_at_mut(LITERALS);
        self.literal.build(Alphabet::Literals, near, literals, &mut self.literal_table, LITERAL_BITS)
            && self.far.build(Alphabet::Distances, far, distances, &mut self.far_table, DISTANCE_BITS)
    }

    /// A step in the header of a dynamic block. `false`: it needs input.
    pub(super) fn header(&mut self, input: &mut &[u8]) -> Result<bool, InflateError> {
        match self.step {
            Step::Counts => {
                let Some(counts) = self.take(input, 14) else { return Ok(false) };
                self.literals = (counts & 31).wrapping_add(257);
                self.distances = ((counts >> 5) & 31).wrapping_add(1);
                self.length = (counts >> 10).wrapping_add(4);
                if self.literals > 286 || self.distances > 30 {
                    return Err(InflateError::TooManySymbols);
                }
                self.codes = Codes::Other;
                self.symbols = [0; LITERALS + DISTANCES];
                self.at = 0;
                self.step = Step::OrderedLengths;
            }
            Step::OrderedLengths => {
                let Some(length) = self.take(input, 3) else { return Ok(false) };
                if let Some(symbol) = ORDER.get(usize::from(self.at))
                    && let Some(place) = self.symbols.get_mut(usize::from(*symbol))
                {
                    *place = length;
                }
                self.at = self.at.wrapping_add(1);
                if self.at >= self.length {
                    self.build_lengths()?;
                }
            }
            Step::Repeat(symbol) => {
                let (bits, least) = match symbol {
                    16 => (2, 3),
                    17 => (3, 3),
                    _ => (7, 11),
                };
                let Some(more) = self.take(input, bits) else { return Ok(false) };
                let mut length = 0;
                if symbol == 16 {
                    let last = self.at.checked_sub(1).and_then(|at| self.symbols.get(usize::from(at)));
                    length = *last.ok_or(InflateError::InvalidRepeat)?;
                }
                self.add_lengths(length, more.wrapping_add(least))?;
            }
            _ => {
                let Some(entry) = self.find(input, Alphabet::Lengths) else { return Ok(false) };
                self.drop_bits(entry.code_bits());
                match entry.literal() {
                    length @ ..16 => self.add_lengths(u16::from(length), 1)?,
                    symbol => self.step = Step::Repeat(symbol),
                }
            }
        }
        Ok(true)
    }

    /// Builds the code of the lengths that follow. It is short, so the table of the literals has all of it.
    fn build_lengths(&mut self) -> Result<(), InflateError> {
        let mut lengths = [0_u8; ORDER.len()];
        for (to, from) in lengths.iter_mut().zip(&self.symbols) {
            *to = from.to_le_bytes()[0];
        }
        if !self.literal.build(Alphabet::Lengths, &lengths, &mut self.symbols, &mut self.literal_table, LITERAL_BITS) {
            return Err(InflateError::InvalidLengths);
        }
        self.at = 0;
        self.step = Step::Lengths;
        Ok(())
    }

    /// The next `n` symbols have codes of this length.
    fn add_lengths(&mut self, length: u16, n: u16) -> Result<(), InflateError> {
        let to = self.at.wrapping_add(n);
        let all = self.literals.wrapping_add(self.distances);
        if to > all {
            return Err(InflateError::InvalidRepeat);
        }
        for place in self.symbols.iter_mut().take(usize::from(to)).skip(usize::from(self.at)) {
            *place = length;
        }
        self.at = to;
        self.step = Step::Lengths;
        if to < all {
            return Ok(());
        }
        let mut lengths = [0_u8; LITERALS + DISTANCES];
        for (to, from) in lengths.iter_mut().zip(&self.symbols) {
            *to = from.to_le_bytes()[0];
        }
        if lengths[END] == 0 {
            return Err(InflateError::NoEnd);
        }
        let lengths = lengths.get(..usize::from(all)).unwrap_or_default();
        if !self.build(lengths, usize::from(self.literals)) {
            return Err(InflateError::InvalidLengths);
        }
        self.step = Step::Symbol;
        Ok(())
    }
}
