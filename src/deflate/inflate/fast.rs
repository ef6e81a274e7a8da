//! The inner loop for machines of 64 bits: symbols while there are plenty of input and room, without asking for each bit whether it is there. It leaves
//! everything else, and every fault, to the steps.

use super::{
    Inflate, Step,
    code::{Alphabet, DISTANCE_BITS, Entry, Found, LITERAL_BITS, LITERALS, Shape},
};
use crate::bytes::slice_mut;

/// One turn reads at most twice 7 bytes, and looks at 8.
const INPUT: usize = 16;
/// One turn writes at most two literals and a match, and up to a chunk more.
const ROOM: usize = 2 + 258 + CHUNK;
const CHUNK: usize = 16;

/// The bits that were read, and how many of them are meant. Those above are the front of the input that follows.
#[derive(Clone, Copy)]
struct Buffer {
    bits: u64,
    have: u32,
}

impl Buffer {
    /// Reads until there are at least 56 bits.
    #[inline(always)]
    fn fill(&mut self, input: &[u8], at: &mut usize) {
        let word = input.get(*at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        self.bits |= u64::from_le_bytes(word).wrapping_shl(self.have);
        *at = at.wrapping_add(index(63_u32.wrapping_sub(self.have) >> 3));
        self.have |= 56;
    }

    #[inline(always)]
    const fn drop(&mut self, n: u32) {
        self.bits = self.bits.wrapping_shr(n);
        self.have = self.have.wrapping_sub(n);
    }

    #[inline(always)]
    const fn low(self) -> u32 {
        let [a, b, c, d, ..] = self.bits.to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// The base of a length or a distance and its extra bits, which are dropped with the code.
    #[inline(always)]
    fn value(&mut self, entry: Entry) -> usize {
        let extra = self.low() & !(u32::MAX.wrapping_shl(entry.all_bits()));
        self.drop(entry.all_bits());
        index(entry.base().wrapping_add(extra.wrapping_shr(entry.code_bits())))
    }
}

#[inline(always)]
fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// What the next bits mean, however long their code is.
#[inline(always)]
fn look<const N: usize>(table: &[Entry; N], bits: u32, long: (&Shape, Alphabet, &[u16])) -> Entry {
    let mask = N.wrapping_sub(1);
    let entry = table.get(index(bits) & mask).copied().unwrap_or(Entry::INVALID);
    if !entry.is_none() {
        return entry;
    }
    let (shape, alphabet, symbols) = long;
    match shape.find_long(alphabet, symbols, bits, 15) {
        Found::Code(entry) => entry,
        Found::Short => Entry::INVALID,
    }
}

impl Inflate {
    /// Goes on inside a block, if it can.
    pub(super) fn run_fast(&mut self, input: &mut &[u8], memory: &mut [u8], end: &mut usize) {
        let bytes = *input;
        let (mut at, mut to) = (0_usize, *end);
        let mut buffer = Buffer { bits: self.bits, have: self.have };
        let (literals, distances) = self.symbols.split_at(LITERALS);
        let near: &[Entry; 1 << LITERAL_BITS] = &self.literal_table;
        let far: &[Entry; 1 << DISTANCE_BITS] = &self.far_table;
        let long = (&self.literal, Alphabet::Literals, literals);
        let (Some(last_at), Some(last_to)) = (bytes.len().checked_sub(INPUT), memory.len().checked_sub(ROOM)) else {
            return;
        };
        while at <= last_at && to <= last_to {
            buffer.fill(bytes, &mut at);
            let mut entry = look(near, buffer.low(), long);
            if entry.is_literal() {
                put(memory, &mut to, entry);
                buffer.drop(entry.code_bits());
                entry = look(near, buffer.low(), long);
                if entry.is_literal() {
                    put(memory, &mut to, entry);
                    buffer.drop(entry.code_bits());
                    entry = look(near, buffer.low(), long);
                }
                if entry.is_literal() {
                    put(memory, &mut to, entry);
                    buffer.drop(entry.code_bits());
                    continue;
                }
                buffer.fill(bytes, &mut at);
            }
            if entry.is_special() {
                break;
            }
            let length = buffer.value(entry);
            // At least 36 bits are left, and a distance has at most 28.
            let entry = look(far, buffer.low(), (&self.far, Alphabet::Distances, distances));
            let mut behind = buffer;
            let distance = behind.value(entry);
            if entry.is_special() || distance > usize::from(self.window) || distance > to {
                let [low, high, ..] = length.to_le_bytes();
                self.length = u16::from_le_bytes([low, high]);
                self.step = Step::Distance;
                break;
            }
            buffer = behind;
            copy_match(memory, to, distance, length);
            to = to.wrapping_add(length);
        }
        // Whole bytes that were not used go back, but those that were read before.
        let unused = index(buffer.have >> 3).min(at);
        at = at.wrapping_sub(unused);
        let [bytes_back, ..] = unused.to_le_bytes();
        self.have = buffer.have.wrapping_sub(u32::from(bytes_back).wrapping_shl(3));
        self.bits = buffer.bits & !(u64::MAX.wrapping_shl(self.have));
        *input = bytes.get(at..).unwrap_or_default();
        *end = to;
    }
}

#[inline(always)]
fn put(memory: &mut [u8], to: &mut usize, entry: Entry) {
    if let Some(place) = memory.get_mut(*to) {
        *place = entry.literal();
    }
    *to = to.wrapping_add(1);
}

/// Copies `length` bytes from `distance` before `to`, and up to a chunk more than that.
#[inline(always)]
fn copy_match(memory: &mut [u8], to: usize, distance: usize, length: usize) {
    if distance >= CHUNK {
        copy_chunks::<CHUNK>(memory, to, distance, length);
    } else if distance == 1 {
        let byte = memory.get(to.wrapping_sub(1)).copied().unwrap_or_default();
        slice_mut(memory, to..to.wrapping_add(length)).fill(byte);
    } else {
        copy_near(memory, to, distance, length);
    }
}

#[inline(always)]
fn copy_chunks<const N: usize>(memory: &mut [u8], to: usize, distance: usize, length: usize) {
    let (mut from, mut into) = (to.wrapping_sub(distance), to);
    let stop = to.wrapping_add(length);
    while let Some(chunk) = memory.get(from..).and_then(<[u8]>::first_chunk::<N>).copied()
        && let Some(place) = memory.get_mut(into..).and_then(<[u8]>::first_chunk_mut::<N>)
    {
        *place = chunk;
        from = from.wrapping_add(N);
        into = into.wrapping_add(N);
        if into >= stop {
            break;
        }
    }
}

/// The bytes repeat after less than a chunk.
#[inline(never)]
fn copy_near(memory: &mut [u8], to: usize, distance: usize, length: usize) {
    // The period is repeated until it is as long as half a chunk; then half chunks are copied.
    let (mut near, mut into) = (distance, to);
    while near < CHUNK / 2 {
        for _ in 0..distance {
            let byte = memory.get(into.wrapping_sub(distance)).copied().unwrap_or_default();
            if let Some(place) = memory.get_mut(into) {
                *place = byte;
            }
            into = into.wrapping_add(1);
        }
        near = near.wrapping_add(distance);
    }
    if into < to.wrapping_add(length) {
        copy_chunks::<{ CHUNK / 2 }>(memory, into, near, to.wrapping_add(length).wrapping_sub(into));
    }
}
