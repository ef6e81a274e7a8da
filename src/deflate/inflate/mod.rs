//! Unpacks DEFLATE (RFC 1951) as its bytes arrive.

mod code;
mod error;
#[cfg(target_pointer_width = "64")]
mod fast;
mod header;
mod repeat;

use crate::bytes::copy;
use code::{Alphabet, DISTANCE_BITS, DISTANCES, Entry, Found, LITERAL_BITS, LITERALS, Shape};
use repeat::repeat;

pub use error::InflateError;

/// A bit buffer.
#[cfg(target_pointer_width = "64")]
type Bits = u64;
#[cfg(not(target_pointer_width = "64"))]
type Bits = u32;

/// Why [`Inflate::inflate`] has stopped. See [`Inflate`].
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InflateStatus {
    /// All input was read.
    NeedsInput,
    /// The memory is full, and at least one more byte follows.
    NeedsRoom,
    /// A final block has ended. The rest of the input was not read. A further call begins the next block, which may refer to what is in the memory.
    Final,
}

/// Unpacks a stream of DEFLATE blocks (RFC 1951). Input and output can be cut anywhere; the output, and the error if there is one, do not depend on it.
///
/// It has no memory for the output. You lend one slice that holds what was unpacked before and has room behind it: matches are copied inside it. Between
/// two calls you may move its content, and drop bytes that are more than a [window](Self::new) old.
///
/// ```
/// use sansocket::deflate::{Inflate, InflateError, InflateStatus};
///
/// let mut inflate = Inflate::new(15);
/// let (mut memory, mut end) = ([0; 64], 0);
/// // "Hello" in a final block (RFC 7692 section 7.2.3.4), in two pieces.
/// let mut piece = &b"\xf3\x48\xcd\xc9"[..];
/// assert_eq!(inflate.inflate(&mut piece, &mut memory, &mut end)?, InflateStatus::NeedsInput);
/// assert_eq!(&memory[..end], b"Hel");
/// let mut piece = &b"\xc9\x07\x00and more"[..];
/// assert_eq!(inflate.inflate(&mut piece, &mut memory, &mut end)?, InflateStatus::Final);
/// assert_eq!((&memory[..end], piece), (&b"Hello"[..], &b"and more"[..]));
///
/// // Three bytes from before the beginning.
/// let error = Inflate::new(15).inflate(&mut &b"\x03\x22\x00"[..], &mut memory, &mut 0);
/// assert_eq!(error, Err(InflateError::DistanceTooFar));
///
/// assert!(inflate.is_between_blocks());
/// inflate.reset(); // another stream; what is in the memory is not its history, so it begins at the front
/// # Ok::<(), InflateError>(())
/// ```
///
/// Cost: linear in input and output. Size: 1.4 KiB on a machine of 32 bits; 6 KiB on one of 64 bits, where larger tables make it faster. Between two
/// blocks only a few bytes of it are in use.
#[derive(Clone, Debug)]
pub struct Inflate {
    /// Bits that were read and not used, fewer than 8 between two symbols.
    bits: Bits,
    have: u32,
    step: Step,
    codes: Codes,
    /// The block that is read is the last one.
    is_final: bool,
    /// The greatest distance.
    window: u16,
    /// Of the match that is read, or the bytes that are left of a stored block.
    length: u16,
    distance: u16,
    /// How many extra bits follow.
    extra: u32,
    /// In the header of a dynamic block: how many lengths there are of each alphabet, and how many were read.
    literals: u16,
    distances: u16,
    at: u16,
    literal: Shape,
    far: Shape,
    /// In the order of their codes, literals first. While the header of a dynamic block is read, the lengths that it has so far.
    symbols: [u16; LITERALS + DISTANCES],
    literal_table: [Entry; 1 << LITERAL_BITS],
    far_table: [Entry; 1 << DISTANCE_BITS],
}

/// What comes next in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Block,
    StoredLength,
    StoredCheck,
    Stored,
    Counts,
    OrderedLengths,
    Lengths,
    /// A repetition of a length, whose count follows.
    Repeat(u8),
    Symbol,
    LengthExtra,
    Distance,
    DistanceExtra,
    Match,
    Failed(InflateError),
}

/// Which codes the tables have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codes {
    Fixed,
    Other,
}

impl Inflate {
    /// At the beginning of a stream. `window_bits` is 8 to 15 (other values are taken as the nearest of them): a match may lie at most 2^`window_bits`
    /// bytes back, and one that is further is an error.
    #[must_use]
    pub const fn new(window_bits: u8) -> Self {
        Self {
            bits: 0,
            have: 0,
            step: Step::Block,
            codes: Codes::Other,
            is_final: false,
            window: window(window_bits),
            length: 0,
            distance: 0,
            extra: 0,
            literals: 0,
            distances: 0,
            at: 0,
            literal: Shape::new(),
            far: Shape::new(),
            symbols: [0; LITERALS + DISTANCES],
            literal_table: [Entry::NONE; 1 << LITERAL_BITS],
            far_table: [Entry::NONE; 1 << DISTANCE_BITS],
        }
    }

    pub(crate) const fn set_window(&mut self, window_bits: u8) {
        self.window = window(window_bits);
    }

    /// Begins a new stream, with the same window.
    pub const fn reset(&mut self) {
        self.bits = 0;
        self.have = 0;
        self.is_final = false;
        self.step = Step::Block;
    }

    /// Whether the stream so far ends with a block, and with a byte.
    #[must_use]
    pub fn is_between_blocks(&self) -> bool {
        self.step == Step::Block && self.have == 0
    }

    /// Whether the stream so far ends with a final block.
    pub(crate) fn has_ended(&self) -> bool {
        self.is_final && self.is_between_blocks()
    }

    /// Unpacks from the front of `input` into `memory` behind its first `end` bytes, which are what was unpacked before. `input` is shortened to what
    /// was not read, and `end` grows. Bytes of the memory behind `end` may be changed. See [`Inflate`].
    ///
    /// # Errors
    /// [`InflateError`] if the data are malformed. What stands before the fault was unpacked. Every later call returns the same error.
    pub fn inflate(
        &mut self,
        input: &mut &[u8],
        memory: &mut [u8],
        end: &mut usize,
    ) -> Result<InflateStatus, InflateError> {
        *end = (*end).min(memory.len());
        self.run(input, memory, end).inspect_err(|e| self.step = Step::Failed(*e))
    }

    fn run(&mut self, input: &mut &[u8], memory: &mut [u8], end: &mut usize) -> Result<InflateStatus, InflateError> {
        loop {
            #[cfg(target_pointer_width = "64")]
            if crate::bytes::IS_WIDE && self.step == Step::Symbol {
                self.run_fast(input, memory, end);
            }
            if let Some(status) = self.step(input, memory, end)? {
                return Ok(status);
            }
        }
    }

    /// The next `n` bits, at most 16. `None`: the input ends before them.
    fn take(&mut self, input: &mut &[u8], n: u32) -> Option<u16> {
        while self.have < n {
            self.load(input)?;
        }
        let [low, high, ..] = self.bits.to_le_bytes();
        let value = u16::from_le_bytes([low, high]);
        self.drop_bits(n);
        Some(if n < 16 { value & !(u16::MAX << n) } else { value })
    }

    #[inline]
    fn load(&mut self, input: &mut &[u8]) -> Option<()> {
        let (&byte, rest) = input.split_first()?;
        self.bits |= Bits::from(byte).wrapping_shl(self.have);
        self.have = self.have.wrapping_add(8);
        *input = rest;
        Some(())
    }

    #[inline]
    const fn drop_bits(&mut self, n: u32) {
        self.bits = self.bits.wrapping_shr(n);
        self.have = self.have.wrapping_sub(n);
    }

    /// The next code, whose bits stay. No byte is loaded that is not needed.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn find(&mut self, input: &mut &[u8], alphabet: Alphabet) -> Option<Entry> {
        loop {
            let [a, b, c, d, ..] = self.bits.to_le_bytes();
            let bits = u32::from_le_bytes([a, b, c, d]);
            let (literals, distances) = self.symbols.split_at(LITERALS);
            let (shape, symbols, table) = match alphabet {
                Alphabet::Distances => (&self.far, distances, self.far_table.as_slice()),
                _ => (&self.literal, literals, self.literal_table.as_slice()),
            };
            match shape.find(alphabet, symbols, table, bits, self.have) {
                Found::Code(entry) => return Some(entry),
                Found::Short => self.load(input)?,
            }
        }
    }

    /// One step. `None`: there is more to do.
    fn step(
        &mut self,
        input: &mut &[u8],
        memory: &mut [u8],
        end: &mut usize,
    ) -> Result<Option<InflateStatus>, InflateError> {
        const SHORT: Result<Option<InflateStatus>, InflateError> = Ok(Some(InflateStatus::NeedsInput));
        self.step = match self.step {
            Step::Failed(error) => return Err(error),
            Step::Block => {
                let Some(header) = self.take(input, 3) else { return SHORT };
                self.is_final = header & 1 != 0;
                match header >> 1 {
                    0 => {
                        self.drop_bits(self.have & 7);
                        Step::StoredLength
                    }
                    1 => {
                        self.fix();
                        Step::Symbol
                    }
                    2 => Step::Counts,
                    _ => return Err(InflateError::BlockType),
                }
            }
            Step::StoredLength => {
                let Some(length) = self.take(input, 16) else { return SHORT };
                self.length = length;
                Step::StoredCheck
            }
            Step::StoredCheck => {
                let Some(check) = self.take(input, 16) else { return SHORT };
                if check != !self.length {
                    return Err(InflateError::StoredLength);
                }
                Step::Stored
            }
            Step::Stored => {
                let left = usize::from(self.length);
                if left == 0 {
                    return Ok(self.end_block());
                }
                let room = memory.get_mut(*end..).unwrap_or_default();
                let n = left.min(input.len()).min(room.len());
                if n == 0 {
                    return Ok(Some(if room.is_empty() {
                        InflateStatus::NeedsRoom
                    } else {
                        InflateStatus::NeedsInput
                    }));
                }
                let (stored, rest) = input.split_at_checked(n).unwrap_or_default();
                copy(stored, room);
                *input = rest;
                *end = end.wrapping_add(n);
                let [low, high, ..] = left.wrapping_sub(n).to_le_bytes();
                self.length = u16::from_le_bytes([low, high]);
                Step::Stored
            }
            Step::Counts | Step::OrderedLengths | Step::Lengths | Step::Repeat(_) => {
                return Ok(if self.header(input)? { None } else { Some(InflateStatus::NeedsInput) });
            }
            Step::Symbol => {
                let Some(entry) = self.find(input, Alphabet::Literals) else { return SHORT };
                if entry.is_literal() {
                    let Some(place) = memory.get_mut(*end) else { return Ok(Some(InflateStatus::NeedsRoom)) };
                    *place = entry.literal();
                    *end = end.wrapping_add(1);
                }
                self.drop_bits(entry.code_bits());
                if entry.is_literal() {
                    return Ok(None);
                }
                if entry.is_end() {
                    return Ok(self.end_block());
                }
                self.length = self.base_of(entry)?;
                Step::LengthExtra
            }
            Step::LengthExtra => {
                let Some(extra) = self.take(input, self.extra) else { return SHORT };
                self.length = self.length.wrapping_add(extra);
                Step::Distance
            }
            Step::Distance => {
                let Some(entry) = self.find(input, Alphabet::Distances) else { return SHORT };
                self.drop_bits(entry.code_bits());
                self.distance = self.base_of(entry)?;
                Step::DistanceExtra
            }
            Step::DistanceExtra => {
                let Some(extra) = self.take(input, self.extra) else { return SHORT };
                self.distance = self.distance.wrapping_add(extra);
                if self.distance > self.window || usize::from(self.distance) > *end {
                    return Err(InflateError::DistanceTooFar);
                }
                Step::Match
            }
            Step::Match => {
                let n = repeat(memory, end, usize::from(self.distance), usize::from(self.length));
                let [low, high, ..] = usize::from(self.length).wrapping_sub(n).to_le_bytes();
                self.length = u16::from_le_bytes([low, high]);
                if self.length > 0 {
                    return Ok(Some(InflateStatus::NeedsRoom));
                }
                Step::Symbol
            }
        };
        Ok(None)
    }

    /// The least length or distance of a code. Its extra bits come next.
    fn base_of(&mut self, entry: Entry) -> Result<u16, InflateError> {
        if entry.is_invalid() {
            return Err(InflateError::InvalidCode);
        }
        self.extra = entry.all_bits().wrapping_sub(entry.code_bits());
        let [low, high, ..] = entry.base().to_le_bytes();
        Ok(u16::from_le_bytes([low, high]))
    }

    /// A final block ends with its byte.
    const fn end_block(&mut self) -> Option<InflateStatus> {
        self.step = Step::Block;
        if !self.is_final {
            return None;
        }
        self.drop_bits(self.have & 7);
        Some(InflateStatus::Final)
    }
}

const fn window(bits: u8) -> u16 {
    let bits = match bits {
        ..8 => 8,
        15.. => 15,
        bits => bits,
    };
    1_u16.wrapping_shl(u32::from_le_bytes([bits, 0, 0, 0]))
}
