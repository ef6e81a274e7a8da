//! Bits into lent memory, the lowest bit of a byte first (RFC 1951 section 3.1.1).

use super::cells::low_byte;
use crate::bytes::{IS_WIDE, copy};

/// What is put at once and what is held back must have room in it.
#[cfg(all(target_pointer_width = "64", not(sansocket_small)))]
pub(super) type Held = u64;
#[cfg(not(all(target_pointer_width = "64", not(sansocket_small))))]
pub(super) type Held = u32;

/// Appends bits. Those that have no room are counted and not stored.
#[derive(Debug)]
pub(super) struct BitWriter<'o> {
    memory: &'o mut [u8],
    len: usize,
    held: Held,
    /// Bits in `held`, at most 7 between two calls.
    count: u32,
}

impl<'o> BitWriter<'o> {
    /// A writer at the front of `memory`, behind `count` bits that were not stored yet.
    pub(super) fn new(memory: &'o mut [u8], (held, count): (u8, u8)) -> Self {
        Self { memory, len: 0, held: Held::from(held), count: u32::from(count) }
    }

    /// Appends the low `count` bits of `bits`, whose others are 0. At most 48 on a wide target and 16 on another one.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn put(&mut self, bits: Held, count: u32) {
        self.held |= bits.wrapping_shl(self.count);
        self.count = self.count.wrapping_add(count);
        if IS_WIDE && let Some(place) = self.memory.get_mut(self.len..).and_then(|rest| rest.first_chunk_mut()) {
            *place = self.held.to_le_bytes();
            let whole = self.count & !7;
            self.len = self.len.wrapping_add(usize::try_from(whole >> 3).unwrap_or_default());
            self.held = self.held.wrapping_shr(whole);
            self.count &= 7;
        } else {
            while self.count >= 8 {
                self.byte();
                self.count = self.count.wrapping_sub(8);
            }
        }
    }

    /// Stores the low byte of what is held.
    fn byte(&mut self) {
        if let Some(place) = self.memory.get_mut(self.len) {
            [*place, ..] = self.held.to_le_bytes();
        }
        self.len = self.len.saturating_add(1);
        self.held = self.held.wrapping_shr(8);
    }

    /// Appends the head of a stored block, up to a whole byte.
    pub(super) fn stored(&mut self) {
        self.put(0, 3);
        self.put(0, self.count.wrapping_neg() & 7);
    }

    /// Appends bytes behind a whole byte.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        if IS_WIDE {
            let end = self.len.saturating_add(bytes.len());
            if let Some(place) = self.memory.get_mut(self.len..end) {
                copy(bytes, place);
            }
            self.len = end;
        } else {
            bytes.iter().for_each(|byte| self.put(Held::from(*byte), 8));
        }
    }

    /// How many bits behind a whole byte were written.
    pub(super) const fn odd(&self) -> u32 {
        self.count
    }

    /// Whether something had no room.
    pub(super) const fn is_over(&self) -> bool {
        self.len > self.memory.len()
    }

    /// The whole bytes that were written, and the bits behind them.
    pub(super) fn finish(self) -> (usize, (u8, u8)) {
        let [held, ..] = self.held.to_le_bytes();
        (self.len, (held, low_byte(self.count)))
    }
}
