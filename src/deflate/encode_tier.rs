//! How much memory a compressor has, and what for.

use super::{encode_block::WORK, encode_search::Effort};

/// How much memory a [`Deflate`](super::Deflate) has, and how thoroughly it searches. More memory gives shorter output.
///
/// | tier | window | bytes | without history | for |
/// |---|---|---|---|---|
/// | [`TINY`](Self::TINY) | 256 bytes (8 bits) | 2,048 | 1,792 | a board |
/// | [`SMALL`](Self::SMALL) | 1 KiB (10 bits) | 6,144 | 5,120 | a board with external memory, a server with many connections |
/// | [`MEDIUM`](Self::MEDIUM) | 4 KiB (12 bits) | 29,620 | 21,428 | a server |
/// | [`LARGE`](Self::LARGE) | 32 KiB (15 bits) | 230,324 | 164,788 | a server with few connections, a client: within 4 % of zlib's level 6 |
///
/// ```
/// use sansocket::deflate::{Deflate, Tier};
///
/// let compressor = Deflate::new(Tier::TINY, [0; Tier::TINY.bytes()])?;
/// assert_eq!(compressor.tier().window_bits(), 8);
/// assert_eq!(Tier::TINY.without_history().bytes(), 2048 - 256);
/// # Ok::<(), sansocket::Capacity>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    pub(super) plan: &'static Plan,
    has_history: bool,
}

/// The parts of the memory: bytes of the history, then numbers of 16 bits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The window is 2 to the power of this.
    window_bits: u8,
    history: usize,
    pub(super) index: usize,
    /// What was found, before a block is written.
    pub(super) units: usize,
    /// For the codes of a block. 0 if the memory of the index is lent for it, which is then made anew.
    pub(super) work: usize,
    /// The parts of the index.
    pub(super) heads: usize,
    pub(super) shift: u32,
    pub(super) links: usize,
    pub(super) effort: Effort,
}

impl Plan {
    const fn new(window_bits: u8, hash_bits: u8, units: usize, is_index_lent: bool, effort: Effort) -> Self {
        let bits = u32::from_le_bytes([hash_bits, 0, 0, 0]);
        let window = 1_usize.wrapping_shl(u32::from_le_bytes([window_bits, 0, 0, 0]));
        let heads = 1_usize.wrapping_shl(bits);
        let index = heads.saturating_add(window);
        // Where the index is not lent, the history moves only once in a window.
        let (history, index, work) = match (is_index_lent, index < WORK) {
            (true, true) => (window, WORK, 0),
            (true, false) => (window, index, 0),
            (false, _) => (window.saturating_mul(2), index, WORK),
        };
        let shift = 32_u32.wrapping_sub(bits);
        Self { window_bits, history, index, units, work, heads, shift, links: window, effort }
    }
}

impl Tier {
    const fn new(plan: &'static Plan) -> Self {
        Self { plan, has_history: true }
    }

    /// 2 KiB, for a window of 256 bytes.
    pub const TINY: Self = Self::new(&Plan::new(8, 7, 422, true, Effort { chain: 16, good: 258, lazy: 8, nice: 64 }));

    /// 6 KiB, for a window of 1 KiB.
    pub const SMALL: Self =
        Self::new(&Plan::new(10, 9, 1024, true, Effort { chain: 16, good: 16, lazy: 16, nice: 128 }));

    /// 29 KiB, for a window of 4 KiB.
    pub const MEDIUM: Self =
        Self::new(&Plan::new(12, 11, 4096, false, Effort { chain: 16, good: 16, lazy: 16, nice: 128 }));

    /// 225 KiB, for a window of 32 KiB.
    pub const LARGE: Self =
        Self::new(&Plan::new(15, 15, 16384, false, Effort { chain: 9, good: 8, lazy: 16, nice: 64 }));

    /// As this tier, for messages that do not depend on earlier ones: no memory for history.
    ///
    /// ```
    /// use sansocket::deflate::Tier;
    ///
    /// assert!(Tier::LARGE.without_history().bytes() < Tier::LARGE.bytes());
    /// ```
    #[must_use]
    pub const fn without_history(mut self) -> Self {
        self.has_history = false;
        self
    }

    /// The bytes of memory.
    #[must_use]
    pub const fn bytes(self) -> usize {
        let Plan { index, units, work, .. } = *self.plan;
        index.saturating_add(units).saturating_add(work).saturating_mul(2).saturating_add(self.history())
    }

    /// What a distance may be at most, for a receiver with a window of 2 to the power of `bits`.
    pub(super) const fn window(self, bits: u8) -> usize {
        let bits = if bits < self.plan.window_bits { bits } else { self.plan.window_bits };
        1_usize.wrapping_shl(u32::from_le_bytes([bits, 0, 0, 0]))
    }

    /// The window is 2 to the power of this.
    #[must_use]
    pub const fn window_bits(self) -> u8 {
        self.plan.window_bits
    }

    pub(super) const fn history(self) -> usize {
        if self.has_history { self.plan.history } else { 0 }
    }
}
