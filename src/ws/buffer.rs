//! One memory for a message and for the raw bytes after it. Knows nothing of frames.

use super::inbox::{Inflater, Storage};
use crate::bytes::{Capacity, close_gap, copy, slice, slice_mut};

/// ```text
/// | used up | message | used up | raw bytes | free tail |
///           start     end       read        filled
/// ```
///
/// 0 <= start <= end <= read <= filled <= the length of the storage.
#[derive(Clone, Debug)]
pub(super) struct Buffer<S> {
    storage: S,
    start: usize,
    end: usize,
    read: usize,
    filled: usize,
}

impl<S: Storage> Buffer<S> {
    pub(super) const fn new(storage: S) -> Self {
        Self { storage, start: 0, end: 0, read: 0, filled: 0 }
    }

    #[cfg(feature = "drive")]
    pub(super) fn into_storage(self) -> S {
        self.storage
    }

    pub(super) const fn storage_mut(&mut self) -> &mut S {
        &mut self.storage
    }

    /// The message, and what unpacks it. For plain storage the second is always `None`.
    #[inline(always)]
    pub(super) fn with_inflater(&mut self) -> Option<(&[u8], &mut Inflater<S::Unpacked>)> {
        let (raw, inflater) = self.storage.both();
        Some((slice(raw, self.start..self.end), inflater?))
    }

    #[inline(always)]
    pub(super) fn inflater(&mut self) -> Option<&mut Inflater<S::Unpacked>> {
        self.storage.both().1
    }

    /// Whether what unpacks has lent a message or a part.
    #[inline(always)]
    pub(super) fn is_lending(&self) -> bool {
        self.storage.is_lending()
    }

    /// The first `n` bytes of the message were used.
    pub(super) fn drop_front(&mut self, n: usize) {
        self.start = self.start.saturating_add(n).min(self.end);
    }

    /// Drops the message and the raw bytes.
    pub(super) const fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
        self.read = 0;
        self.filled = 0;
    }

    /// The free tail. If it is short, bytes move to the front, provided that this frees at least as many bytes as it moves, or that nothing is free.
    /// With `shares`, the result is limited so that half of the storage stays free; it has at least 1 byte.
    pub(super) fn space(&mut self, shares: bool) -> Result<&mut [u8], Capacity> {
        let size = self.size();
        if self.read == self.filled {
            // The used bytes after the message are free again without a move.
            self.read = self.end;
            self.filled = self.end;
        }
        let held = self.held();
        let tail = size.saturating_sub(self.filled);
        let won = self.filled.saturating_sub(held);
        if held == 0 || tail == 0 || (tail < size / 4 && won >= held) {
            self.close_up();
        }
        let to = if shares {
            let most = (size / 2).saturating_sub(held).max(1);
            self.filled.saturating_add(most).min(size)
        } else {
            size
        };
        match slice_mut(self.storage.raw().as_mut(), self.filled..to) {
            [] => Err(Capacity { needed: size.saturating_add(1), available: size }),
            space => Ok(space),
        }
    }

    /// `n` bytes were written to the front of the free tail.
    pub(super) fn commit(&mut self, n: usize) {
        self.filled = self.filled.saturating_add(n).min(self.size());
    }

    /// The message will have `needed` bytes, and nothing is behind it yet. If so many do not fit where it begins, it moves to the front now, while it is
    /// short, provided that this frees at least as many bytes as it moves.
    pub(super) fn make_way(&mut self, needed: usize) {
        if self.size().saturating_sub(self.start) < needed && self.start >= self.message_len() {
            self.close_up();
        }
    }

    pub(super) fn raw(&mut self) -> &mut [u8] {
        slice_mut(self.storage.raw().as_mut(), self.read..self.filled)
    }

    /// The first `n` raw bytes were used.
    #[inline]
    pub(super) fn use_up(&mut self, n: usize) {
        self.read = self.read.saturating_add(n).min(self.filled);
    }

    /// Removes `n` raw bytes behind the first `at`.
    pub(super) fn cut(&mut self, at: usize, n: usize) {
        let behind = self.raw().get_mut(at..).unwrap_or_default();
        let n = n.min(behind.len());
        close_gap(behind, n);
        self.filled = self.filled.saturating_sub(n);
    }

    pub(super) fn message(&mut self) -> &mut [u8] {
        slice_mut(self.storage.raw().as_mut(), self.start..self.end)
    }

    /// Shortens the message to its bytes `from..to`.
    pub(super) fn trim(&mut self, from: usize, to: usize) {
        self.end = self.start.saturating_add(to).min(self.end);
        self.start = self.start.saturating_add(from).min(self.end);
    }

    /// Appends the raw bytes `from..to` to the message. All raw bytes before `to` are used.
    #[inline]
    pub(super) fn collect(&mut self, from: usize, to: usize) {
        let (from, to) = (self.read.wrapping_add(from), self.read.wrapping_add(to));
        self.read = to;
        if self.start == self.end {
            self.start = from;
            self.end = to;
        } else {
            self.shift(from, to, self.end);
            self.end = self.end.wrapping_add(to.wrapping_sub(from));
        }
    }

    /// Replaces the message by the raw bytes `from..to`. All raw bytes before `to` are used.
    #[inline]
    pub(super) const fn hold(&mut self, from: usize, to: usize) {
        self.start = self.read.wrapping_add(from);
        self.end = self.read.wrapping_add(to);
        self.read = self.end;
    }

    /// Drops the message.
    #[inline]
    pub(super) const fn drop_message(&mut self) {
        self.start = self.read;
        self.end = self.read;
    }

    pub(super) const fn message_len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    pub(super) const fn raw_len(&self) -> usize {
        self.filled.saturating_sub(self.read)
    }

    pub(super) const fn held(&self) -> usize {
        self.message_len().saturating_add(self.raw_len())
    }

    pub(super) fn size(&mut self) -> usize {
        self.storage.raw().as_mut().len()
    }

    /// Moves the held bytes to `storage` and returns the old storage. If `storage` is too short, returns it instead.
    pub(super) fn replace(&mut self, mut storage: S::Raw) -> Result<S::Raw, S::Raw> {
        let message = self.message_len();
        let Some((front, back)) = storage.as_mut().split_at_mut_checked(message) else { return Err(storage) };
        if back.len() < self.raw_len() {
            return Err(storage);
        }
        let old = self.storage.raw().as_mut();
        copy(slice(old, self.start..self.end), front);
        copy(slice(old, self.read..self.filled), back);
        self.moved();
        Ok(core::mem::replace(self.storage.raw(), storage))
    }

    /// Moves the message and the raw bytes to the front.
    fn close_up(&mut self) {
        self.shift(self.start, self.end, 0);
        self.shift(self.read, self.filled, self.message_len());
        self.moved();
    }

    /// Updates the offsets after the message and the raw bytes moved to the front.
    fn moved(&mut self) {
        let (message, raw) = (self.message_len(), self.raw_len());
        self.start = 0;
        self.end = message;
        self.read = message;
        self.filled = message.saturating_add(raw);
    }

    /// Moves the bytes `from..to` to `place`, which lies before them.
    #[inline]
    fn shift(&mut self, from: usize, to: usize, place: usize) {
        let gap = from.saturating_sub(place);
        if gap > 0 {
            close_gap(slice_mut(self.storage.raw().as_mut(), place..to), gap);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_closed_up_and_what_is_held_moves_along() {
        let mut buffer = Buffer::new([0; 12]);
        buffer.space(false).unwrap().copy_from_slice(b"xABxxCDrawyy");
        buffer.commit(10);
        buffer.collect(1, 3);
        buffer.collect(2, 4);
        assert_eq!((buffer.message().to_vec(), buffer.raw().to_vec()), (b"ABCD".to_vec(), b"raw".to_vec()));
        assert_eq!((buffer.held(), buffer.space(false).unwrap().len()), (7, 2));
        buffer.commit(9);
        assert_eq!(buffer.raw(), b"rawyy");
        // Full: what was used up is won.
        assert_eq!(buffer.space(true).unwrap().len(), 1, "a byte at least");
        assert_eq!((buffer.message().to_vec(), buffer.raw().to_vec()), (b"ABCD".to_vec(), b"rawyy".to_vec()));
        assert!(buffer.clone().replace([1; 12]).is_ok());
        buffer.commit(3);
        assert_eq!(buffer.space(false), Err(Capacity { needed: 13, available: 12 }));
        buffer.use_up(8);
        // Behind the message all is free again, and it stays where it is.
        assert_eq!(buffer.space(false).unwrap().len(), 8);
        buffer.trim(1, 3);
        assert_eq!(buffer.message(), b"BC");
        buffer.clear();
        assert_eq!(buffer.space(false).unwrap().len(), 12);
    }

    #[test]
    fn a_message_that_will_not_fit_behind_another_moves_to_the_front_while_it_is_short() {
        for (used, held, needed, start) in [(6, 2, 6, 6), (6, 2, 7, 0), (6, 6, 7, 0), (5, 6, 8, 5), (0, 6, 12, 0)] {
            let mut buffer = Buffer::new(*b"abcdefghijkl");
            buffer.commit(used + held);
            buffer.use_up(used);
            buffer.collect(0, held);
            let message = buffer.message().to_vec();
            buffer.make_way(needed);
            assert_eq!((buffer.start, buffer.message().to_vec()), (start, message), "{used} {held} {needed}");
            assert_eq!(buffer.space(false).map(|space| space.len()).unwrap_or(0), 12 - start - held);
        }
    }

    #[test]
    fn raw_bytes_are_cut_out_wherever_they_stand() {
        for (at, n, left) in [
            (0, 2, &b"cdef"[..]),
            (2, 3, b"abf"),
            (4, 2, b"abcd"),
            (4, 9, b"abcd"),
            (9, 1, b"abcdef"),
            (3, 0, b"abcdef"),
        ] {
            let mut buffer = Buffer::new(*b"xabcdef");
            buffer.commit(7);
            buffer.use_up(1);
            buffer.cut(at, n);
            assert_eq!((buffer.raw().to_vec(), buffer.raw_len()), (left.to_vec(), left.len()), "{at} {n}");
        }
    }

    #[test]
    fn storage_that_is_too_short_is_given_back() {
        let mut buffer = Buffer::new(b"abcd".to_vec());
        buffer.commit(4);
        for size in 0..4 {
            assert_eq!(buffer.replace(std::vec![0; size]).unwrap_err().len(), size);
        }
        buffer.collect(0, 2);
        assert!(buffer.replace(std::vec![0; 3]).is_err());
        assert!(buffer.replace(std::vec![0; 4]).is_ok());
        assert_eq!((buffer.message().to_vec(), buffer.raw().to_vec()), (b"ab".to_vec(), b"cd".to_vec()));
    }
}
