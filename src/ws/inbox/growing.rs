//! Storage that grows.

use super::{Inbox, Inflater, Inflating, MayInflate, Storage};
#[cfg(feature = "drive")]
use crate::bytes::Capacity;
use core::{iter::repeat_n, ops::DerefMut};

/// Storage whose memory can be made in any length: a type such as `Vec<u8>`, which implements [`FromIterator`]; or [`Inflating`] or [`MayInflate`] over
/// two of them. Sealed, as [`Storage`] is.
///
/// ```
/// use sansocket::{endpoint::{Input, ServerEnd, Step}, socketio::{AckSlot, Collector}, time::Instant, ws::Growing};
///
/// /// One step of a server's connection, compressed or not.
/// fn step<'e, S: Growing>(
///     end: &mut ServerEnd<[&'static str; 1], Vec<AckSlot>>,
///     input: &'e mut Input<'_, S>,
///     files: &'e mut Collector<Vec<u8>>,
///     now: Instant,
/// ) -> Step<'e> {
///     let mut batch = sansocket::endpoint::Batch::new(Vec::new());
///     end.step(input, files, &mut batch, now)
/// }
/// ```
pub trait Growing: Storage {
    /// Memory of `size` bytes for what is received, or of as many as the type can have.
    #[doc(hidden)]
    fn made(size: usize) -> Self::Raw;
    /// As `made`, to unpack in.
    #[doc(hidden)]
    fn made_unpacked(size: usize) -> Self::Unpacked;
}

/// Memory of `size` bytes, or of as many as the type can have.
fn memory<M: FromIterator<u8>>(size: usize) -> M {
    repeat_n(0, size).collect()
}

impl<S: AsMut<[u8]> + FromIterator<u8>> Growing for S {
    fn made(size: usize) -> S {
        memory(size)
    }
    fn made_unpacked(_: usize) -> [u8; 0] {
        []
    }
}

impl<S, M> Growing for Inflating<S, M>
where
    S: AsMut<[u8]> + FromIterator<u8>,
    M: AsMut<[u8]> + FromIterator<u8>,
{
    fn made(size: usize) -> S {
        memory(size)
    }
    fn made_unpacked(size: usize) -> M {
        memory(size)
    }
}

impl<S, M, I> Growing for MayInflate<S, I>
where
    S: AsMut<[u8]> + FromIterator<u8>,
    M: AsMut<[u8]> + FromIterator<u8>,
    I: DerefMut<Target = Inflater<M>>,
{
    fn made(size: usize) -> S {
        memory(size)
    }
    fn made_unpacked(size: usize) -> M {
        memory(size)
    }
}

impl<S: Growing> Inbox<S> {
    /// Replaces the memory that a message did not fit into: that to unpack in while a compressed message is open, else that for what is received. `false`:
    /// memory of `size` bytes could not be made.
    pub(crate) fn grow(&mut self, size: usize) -> bool {
        if self.is_unpacking() { self.grow_unpacked(size) } else { self.grow_raw(size) }
    }

    pub(crate) fn grow_raw(&mut self, size: usize) -> bool {
        let mut memory = S::made(size);
        memory.as_mut().len() >= size && self.replace(memory).is_ok()
    }

    pub(crate) fn grow_unpacked(&mut self, size: usize) -> bool {
        let mut memory = S::made_unpacked(size);
        memory.as_mut().len() >= size && self.replace_unpacked(memory).is_ok()
    }
}

/// The size that a memory gets which is too short.
#[cfg(feature = "drive")]
pub(crate) fn larger(error: Capacity) -> usize {
    error.available.saturating_mul(2).max(error.needed)
}
