//! How much memory a compressor has, and what for.

use super::{
    encode_block::{PAIRS, TABLES},
    encode_search::Effort,
};

/// How much memory a [`Deflate`](super::Deflate) has, and how thoroughly it searches. More memory gives shorter output.
///
/// | tier | window | bytes | without history | for |
/// |---|---|---|---|---|
/// | [`TINY`](Self::TINY) | 256 bytes (8 bits) | 2,048 | 1,792 | a board |
/// | [`SMALL`](Self::SMALL) | 1 KiB (10 bits) | 6,144 | 5,120 | a board with external memory, a server with many connections |
/// | [`MEDIUM`](Self::MEDIUM) | 4 KiB (12 bits) | 30,276 | 22,084 | a server |
/// | [`LARGE`](Self::LARGE) | 32 KiB (15 bits) | 231,236 | 165,700 | a server with few connections, a client: the sizes of zlib's level 6 |
///
/// ```
/// use sansocket::deflate::{Deflate, Tier};
///
/// let compressor = Deflate::new(Tier::TINY, [0; Tier::TINY.bytes()])?;
/// assert_eq!(compressor.tier().window_bits(), 8);
/// # Ok::<(), sansocket::Capacity>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    window_bits: u8,
    window: usize,
    hash_bits: u32,
    /// Units of what was found, before a block is written.
    units: usize,
    /// Numbers for sorting the symbols of a block.
    pairs: usize,
    /// The codes of a block are made in the memory of the index, which is made anew after it.
    is_shared: bool,
    has_history: bool,
    pub(super) effort: Effort,
}

/// The parts of the memory: bytes of the history, then numbers of 16 bits.
pub(super) struct Layout {
    pub(super) history: usize,
    pub(super) index: usize,
    pub(super) units: usize,
    /// 0 if the memory of the index is lent for it.
    pub(super) work: usize,
    /// The parts of the index.
    pub(super) heads: usize,
    pub(super) shift: u32,
    pub(super) links: usize,
}

impl Tier {
    /// 2 KiB, for a window of 256 bytes.
    pub const TINY: Self = Self {
        window_bits: 8,
        window: 256,
        hash_bits: 7,
        units: 386,
        pairs: 192,
        is_shared: true,
        has_history: true,
        effort: Effort { chain: 16, good: 258, lazy: 8, nice: 64 },
    };

    /// 6 KiB, for a window of 1 KiB.
    pub const SMALL: Self = Self {
        window_bits: 10,
        window: 1024,
        hash_bits: 9,
        units: 1024,
        pairs: PAIRS,
        is_shared: true,
        has_history: true,
        effort: Effort { chain: 32, good: 16, lazy: 16, nice: 128 },
    };

    /// 30 KiB, for a window of 4 KiB.
    pub const MEDIUM: Self = Self {
        window_bits: 12,
        window: 4096,
        hash_bits: 11,
        units: 4096,
        pairs: PAIRS,
        is_shared: false,
        has_history: true,
        effort: Effort { chain: 24, good: 8, lazy: 16, nice: 128 },
    };

    /// 226 KiB, for a window of 32 KiB.
    pub const LARGE: Self = Self {
        window_bits: 15,
        window: 32768,
        hash_bits: 15,
        units: 16384,
        pairs: PAIRS,
        is_shared: false,
        has_history: true,
        effort: Effort { chain: 16, good: 8, lazy: 16, nice: 64 },
    };

    /// As this tier, for messages that do not depend on earlier ones: no memory for history.
    #[must_use]
    pub const fn without_history(mut self) -> Self {
        self.has_history = false;
        self
    }

    /// The bytes of memory.
    #[must_use]
    pub const fn bytes(self) -> usize {
        let Layout { history, index, units, work, .. } = self.layout();
        index.saturating_add(units).saturating_add(work).saturating_mul(2).saturating_add(history)
    }

    /// The window is 2 to the power of this.
    #[must_use]
    pub const fn window_bits(self) -> u8 {
        self.window_bits
    }

    pub(super) const fn layout(self) -> Layout {
        let Self { window, units, hash_bits, .. } = self;
        let heads = 1_usize.wrapping_shl(hash_bits);
        let work = TABLES.saturating_add(self.pairs);
        let index = heads.saturating_add(window);
        // Where the index is not lent, the history moves only once in a window.
        let (history, index, work) = match (self.is_shared, index < work) {
            (true, true) => (window, work, 0),
            (true, false) => (window, index, 0),
            (false, _) => (window.saturating_mul(2), index, work),
        };
        let history = if self.has_history { history } else { 0 };
        Layout { history, index, units, work, heads, shift: 32_u32.wrapping_sub(hash_bits), links: window }
    }
}
