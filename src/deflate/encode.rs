//! The compressor.

use super::{
    cells::{Cell, low_half},
    encode_bits::BitWriter,
    encode_block::{self, literal, matched},
    encode_search::{Index, Search},
    encode_tier::Tier,
};
use crate::bytes::{Capacity, IS_WIDE, close_gap, copy};

/// Compresses into a stream of DEFLATE blocks (RFC 1951), in memory that you lend. The size of the memory is that of the [`Tier`].
///
/// The bytes of one stream may come whole or in pieces. Each call of [`compress`](Self::compress) either writes everything that its input needs, or is
/// refused and changes nothing: the stream goes on as if the call was not made. A *flush* ends at a whole byte, so the other end can read all bytes up to
/// there. The stream has no final block.
///
/// # Memory and cost
/// The memory of the tier, and 28 bytes of state on a 32-bit machine beside what holds that memory. The time is linear in the input: at each place, a
/// chain of bounded length is searched. A refused call costs as much, and one pass over the history.
///
/// A piece is compressed as a block or several of its own, so pieces of some hundred bytes or more give shorter output than small ones.
///
/// ```
/// use sansocket::deflate::{Deflate, SYNC_TAIL, Tier};
///
/// let mut compressor = Deflate::new(Tier::TINY, [0; Tier::TINY.bytes()])?;
/// let mut memory = [0; 64];
/// let first = compressor.compress(b"What goes around, comes around.", true, &mut memory)?;
/// assert!(first < 31);
///
/// // The second time it is in the history.
/// let second = compressor.compress(b"What goes around, comes around.", true, &mut memory)?;
/// assert!(second <= 6);
///
/// // Refused: the history is as before.
/// assert!(compressor.compress(&[0x5a; 400], true, &mut memory[..3]).is_err());
///
/// // Each flush ends in these bytes, which are not written.
/// assert_eq!(SYNC_TAIL, [0, 0, 0xff, 0xff]);
/// # Ok::<(), sansocket::Capacity>(())
/// ```
#[derive(Clone, Debug)]
pub struct Deflate<M> {
    memory: M,
    tier: Tier,
    /// What a distance may be at most.
    window: usize,
    /// The bytes of the history, at the front of its memory.
    held: usize,
    /// Where in the stream the next input begins, in 16 bits.
    place: u16,
    /// Bits of the last byte, and how many.
    odd: (u8, u8),
}

/// The end of each flush: the length of an empty stored block. [`Deflate::compress`] does not write it, because WebSocket does not send it. Put it
/// behind a flush for an ordinary stream of DEFLATE.
pub const SYNC_TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

impl<M: AsMut<[u8]>> Deflate<M> {
    /// A compressor at the start of a stream. What the memory holds does not matter.
    ///
    /// # Errors
    /// [`Capacity`] if `memory` is smaller than [`Tier::bytes`].
    pub fn new(tier: Tier, mut memory: M) -> Result<Self, Capacity> {
        let (needed, available) = (tier.bytes(), memory.as_mut().len());
        let Some(bytes) = memory.as_mut().get_mut(..needed) else { return Err(Capacity { needed, available }) };
        bytes.fill(0);
        Ok(Self { memory, tier, window: tier.plan.links, held: 0, place: 0, odd: (0, 0) })
    }

    /// Allows distances of at most 2 to the power of `bits`, if that is less than the window of the tier. For a receiver with a small window.
    ///
    /// ```
    /// use sansocket::deflate::{Deflate, Tier};
    ///
    /// let mut compressor = Deflate::new(Tier::MEDIUM, vec![0; Tier::MEDIUM.bytes()])?.with_window_bits(8);
    /// let mut memory = [0; 1000];
    /// let n = compressor.compress(&[1; 700], true, &mut memory)?; // read with a window of 256 bytes
    /// assert!(n < 20);
    /// # let _ = compressor.into_memory();
    /// # Ok::<(), sansocket::Capacity>(())
    /// ```
    #[must_use]
    pub const fn with_window_bits(mut self, bits: u8) -> Self {
        self.window = self.tier.window(bits);
        self
    }

    /// Begins a new stream in the same memory, with distances of at most 2 to the power of `window_bits`, if that is less than the window of the tier.
    ///
    /// ```
    /// use sansocket::deflate::{Deflate, Tier};
    ///
    /// let mut compressor = Deflate::new(Tier::SMALL, vec![0; Tier::SMALL.bytes()])?;
    /// let mut memory = [0; 64];
    /// let n = compressor.compress(b"for one connection", true, &mut memory)?;
    /// compressor.restart(8); // for the next one, which knows nothing of the first
    /// assert_eq!(compressor.compress(b"for one connection", true, &mut memory)?, n);
    /// # Ok::<(), sansocket::Capacity>(())
    /// ```
    pub const fn restart(&mut self, window_bits: u8) {
        self.window = self.tier.window(window_bits);
        self.odd = (0, 0);
        self.forget();
    }

    /// Compresses `input` to the front of `out`, and returns the number of bytes there. `is_flush` ends at a whole byte; without it, up to seven bits stay
    /// here until the next call. An empty input with `is_flush` is a flush of its own.
    ///
    /// The flush is written without its last four bytes, [`SYNC_TAIL`].
    ///
    /// # Errors
    /// [`Capacity`] if `out` is too small; `needed` is always enough. Nothing was changed but bytes of `out`. A later call may find other matches than
    /// without the refused one, and gives as valid output.
    pub fn compress(&mut self, input: &[u8], is_flush: bool, out: &mut [u8]) -> Result<usize, Capacity> {
        let available = out.len();
        let mut bits = BitWriter::new(out, self.odd);
        let plan = self.tier.plan;
        let Some(Parts { mut search, cells, units, work }) = self.parts(input) else {
            return Err(Capacity { needed: self.tier.bytes(), available: 0 });
        };
        let mut at = 0;
        while at < input.len() && !bits.is_over() {
            let begun = at;
            let found = collect(&mut search, Index::new(cells, plan), &mut at, units);
            let raw = input.get(begun..at).unwrap_or_default();
            let is_lent = work.is_empty();
            encode_block::write(found, raw, if is_lent { cells } else { work }, &mut bits);
            if is_lent {
                cells.fill([0; 2]);
                search.recall(&mut Index::new(cells, plan), at);
            }
        }
        if is_flush {
            // An empty one.
            bits.stored();
        }
        if bits.is_over() {
            self.place = search.take_back(&mut Index::new(cells, plan));
            return Err(Capacity { needed: self.bound(input.len()), available });
        }
        let (n, odd) = bits.finish();
        self.odd = odd;
        self.keep(input);
        Ok(n)
    }

    /// Forgets the history, so what comes next can be read without what came before. Call it behind a flush.
    ///
    /// ```
    /// use sansocket::deflate::{Deflate, Tier};
    ///
    /// let mut compressor = Deflate::new(Tier::TINY, [0; Tier::TINY.bytes()])?;
    /// let (mut first, mut second) = ([0; 64], [0; 64]);
    /// let n = compressor.compress(b"an event that comes often", true, &mut first)?;
    /// compressor.forget();
    /// assert_eq!(compressor.compress(b"an event that comes often", true, &mut second)?, n);
    /// assert_eq!(first, second);
    /// # Ok::<(), sansocket::Capacity>(())
    /// ```
    pub const fn forget(&mut self) {
        self.held = 0;
    }

    /// How the memory is used.
    pub const fn tier(&self) -> Tier {
        self.tier
    }

    /// The memory, for another use.
    pub fn into_memory(self) -> M {
        self.memory
    }

    /// The size that the output for `n` bytes has at most: blocks that hold at least as many bytes as there are units, each stored.
    fn bound(&self, n: usize) -> usize {
        let blocks = n.checked_div(self.tier.plan.units.saturating_sub(1)).unwrap_or_default().saturating_add(1);
        n.saturating_add(blocks.saturating_mul(5)).saturating_add(2)
    }

    #[inline(always)]
    fn parts<'m>(&'m mut self, input: &'m [u8]) -> Option<Parts<'m>> {
        let plan = self.tier.plan;
        let (history, rest) = self.memory.as_mut().split_at_mut_checked(self.tier.history())?;
        let (cells, rest) = rest.as_chunks_mut().0.split_at_mut_checked(plan.index)?;
        let (units, work) = rest.split_at_mut_checked(plan.units)?;
        let work = work.get_mut(..plan.work)?;
        let history = history.get(self.held.saturating_sub(self.window)..self.held)?;
        let (window, effort, place) = (self.window, plan.effort, self.place);
        Some(Parts { search: Search { input, history, window, effort, place, next: 0 }, cells, units, work })
    }

    /// Puts `input` behind the history.
    fn keep(&mut self, input: &[u8]) {
        self.place = self.place.wrapping_add(low_half(input.len()));
        let Some(memory) = self.memory.as_mut().get_mut(..self.tier.history()) else { return };
        let window = self.window.min(memory.len());
        let input = input.get(input.len().saturating_sub(window)..).unwrap_or_default();
        // What is in front of bytes that were left out is no history of those behind them.
        if input.len() >= window || input.len() > memory.len().saturating_sub(self.held) {
            let stays = window.saturating_sub(input.len()).min(self.held);
            close_gap(memory.get_mut(..self.held).unwrap_or_default(), self.held.saturating_sub(stays));
            self.held = stays;
        }
        copy(input, memory.get_mut(self.held..).unwrap_or_default());
        self.held = self.held.saturating_add(input.len());
    }
}

/// The parts of the memory.
struct Parts<'m> {
    search: Search<'m>,
    /// Of the index.
    cells: &'m mut [Cell],
    /// What was found for a block.
    units: &'m mut [Cell],
    /// For the codes of a block, if that is not the memory of the index.
    work: &'m mut [Cell],
}

/// Finds the units of a block from `at` on, which is then its end.
#[inline]
fn collect<'u>(search: &mut Search<'_>, mut index: Index<'_>, at: &mut usize, units: &'u mut [Cell]) -> &'u [Cell] {
    let input = search.input;
    let (mut here, mut n) = (*at, 0_usize);
    // How long there was no match.
    let mut dry = 0_usize;
    while here < input.len() {
        let mut found = search.look(&mut index, here, 0);
        // A longer match one place on is worth a literal.
        while IS_WIDE && found.length > 0 && found.length < usize::from(search.effort.lazy) {
            let longer = search.look(&mut index, here.wrapping_add(1), found.length);
            let place = units.get_mut(n..).and_then(|rest| rest.first_chunk_mut::<3>());
            let Some(place) = place.filter(|_| longer.length > 0) else { break };
            place[0] = literal(byte(input, here));
            n = n.wrapping_add(1);
            here = here.wrapping_add(1);
            found = longer;
        }
        // Room for a match must be there.
        let Some(place) = units.get_mut(n..).and_then(|rest| rest.first_chunk_mut::<2>()) else { break };
        if found.length > 0 {
            *place = matched(found.length, found.distance);
            n = n.wrapping_add(2);
            here = here.wrapping_add(found.length);
            dry = 0;
        } else {
            place[0] = literal(byte(input, here));
            n = n.wrapping_add(1);
            here = here.wrapping_add(1);
            if IS_WIDE {
                // Bytes that were compressed before have no matches at all. The longer there was none, the fewer places are looked at.
                let skipped = input.get(here..).unwrap_or_default().iter().take(dry.wrapping_shr(8).min(15));
                for (byte, place) in skipped.zip(units.get_mut(n..).unwrap_or_default()) {
                    *place = literal(*byte);
                    n = n.wrapping_add(1);
                    here = here.wrapping_add(1);
                }
                dry = dry.wrapping_add(1);
            }
        }
        if n.wrapping_add(2) > units.len() {
            break;
        }
    }
    *at = here;
    units.get(..n).unwrap_or_default()
}

#[inline]
fn byte(input: &[u8], at: usize) -> u8 {
    input.get(at).copied().unwrap_or_default()
}
