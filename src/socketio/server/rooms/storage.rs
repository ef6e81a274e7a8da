//! The memory of a registry, and the error if it is too small.

use core::fmt;

/// The memory of a registry. See [`Rooms`](super::Rooms) for an example.
#[derive(Clone, Copy, Debug)]
pub struct Storage<M, B> {
    /// The records: an array, a slice or a `Vec` of [`RoomSlot::EMPTY`](super::RoomSlot::EMPTY), 32 bytes each.
    pub slots: M,
    /// Memory for the names of the rooms.
    pub name_bytes: B,
}

/// The storage is too small; nothing was changed. Make it longer ([`Rooms::lengthen`](super::Rooms::lengthen)) or lend a larger one ([`Rooms::replace`](super::Rooms::replace)), and repeat the call.
///
/// Lend twice as much as is needed, so that growing by `replace` stays cheap.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// The total number of slots that is needed: exact.
    pub slots: usize,
    /// Bytes for names that are needed in all: a third more than the names take, as a quarter may be gaps that are not closed yet;
    /// no more than there are if only slots are missing.
    pub name_bytes: usize,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} slots and {} bytes for names needed", self.slots, self.name_bytes)
    }
}

impl core::error::Error for Full {}
