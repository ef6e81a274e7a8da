//! What waits for one receiver: bounded, whatever it does.

use core::fmt;

/// How a packet may be treated on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    is_volatile: bool,
    is_uncompressed: bool,
}

impl Flags {
    /// Delivered, and compressed if the link does so.
    pub const NONE: Self = Self { is_volatile: false, is_uncompressed: false };

    /// May be lost when the receiver is not ready for it: positions, not messages.
    #[must_use]
    pub const fn volatile(mut self) -> Self {
        self.is_volatile = true;
        self
    }

    /// Whether the frame layer may compress it. There is no compression extension yet, so this changes nothing today; it travels
    /// with the packet to whoever writes its frame.
    #[must_use]
    pub const fn compress(mut self, compress: bool) -> Self {
        self.is_uncompressed = !compress;
        self
    }

    /// See [`volatile`](Self::volatile).
    #[must_use]
    pub const fn is_volatile(self) -> bool {
        self.is_volatile
    }

    /// See [`compress`](Self::compress).
    #[must_use]
    pub const fn may_compress(self) -> bool {
        !self.is_uncompressed
    }
}

/// What happens when more would wait than may.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The receiver is given up.
    Close,
    /// Volatile packets that wait are dropped, the oldest first; when that is not enough, the receiver is given up.
    DropVolatile,
    /// The new packet is dropped: for receivers that would rather miss something than be gone.
    DropNewest,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// It waits.
    Queued,
    /// It was dropped: it is volatile and the receiver was not ready, or the [`Policy`] says so.
    Dropped,
    /// Too much waited: the receiver is given up, and everything that waited is gone. Close the link.
    Overflow,
}

/// A queue of packets, in lent slots and with a limit in bytes: `T` is whatever holds the bytes of one, shared by all receivers (`Rc<[u8]>`,
/// `Arc<[u8]>`, a `&'static [u8]`).
///
/// ```
/// use sansocket::socketio::{Flags, Policy, Pushed, Queue, QueueSlot};
///
/// let mut queue = Queue::new([QueueSlot::<&[u8]>::EMPTY; 8], 10, Policy::DropVolatile);
/// let position = Flags::NONE.volatile();
/// assert_eq!(queue.push(b"1234", position, true), Pushed::Queued);
/// assert_eq!(queue.push(b"5678", position, false), Pushed::Dropped, "volatile, and the socket is full");
/// assert_eq!(queue.push(b"message", Flags::NONE, false), Pushed::Queued, "the position made room");
/// assert!(queue.slices().eq([b"message"]));
/// queue.consume(3); // the socket took three bytes
/// assert!(queue.slices().eq([b"sage"]));
/// assert_eq!(queue.push(b"too much", Flags::NONE, false), Pushed::Overflow);
/// assert!(queue.is_closed());
/// ```
#[derive(Clone)]
pub struct Queue<T, S> {
    slots: S,
    first: usize,
    len: usize,
    /// Bytes of the first that went out.
    sent: usize,
    /// Bytes that wait.
    bytes: usize,
    limit: usize,
    policy: Policy,
    is_closed: bool,
    kind: core::marker::PhantomData<T>,
}

/// Room for one packet.
#[derive(Clone, Debug)]
pub struct QueueSlot<T>(Option<(T, Flags)>);

impl<T> QueueSlot<T> {
    /// None.
    pub const EMPTY: Self = Self(None);
}

impl<T: AsRef<[u8]>, S: AsMut<[QueueSlot<T>]> + AsRef<[QueueSlot<T>]>> Queue<T, S> {
    /// Nothing waits. At most `limit` bytes do, in as many packets as there are slots; a packet larger than the limit waits alone.
    pub const fn new(slots: S, limit: usize, policy: Policy) -> Self {
        let kind = core::marker::PhantomData;
        Self { slots, first: 0, len: 0, sent: 0, bytes: 0, limit, policy, is_closed: false, kind }
    }

    /// Appends a packet. `is_writable` says whether the transport takes more now; a volatile packet is dropped otherwise. Cost: O(1),
    /// O(waiting) when volatile ones have to make room.
    pub fn push(&mut self, packet: T, flags: Flags, is_writable: bool) -> Pushed {
        if self.is_closed {
            return Pushed::Overflow;
        }
        if flags.is_volatile && !is_writable {
            return Pushed::Dropped;
        }
        let size = packet.as_ref().len();
        if self.policy == Policy::DropVolatile {
            while !self.fits(size) && self.drop_volatile() {}
        }
        if !self.fits(size) {
            if self.policy == Policy::DropNewest || flags.is_volatile {
                return Pushed::Dropped;
            }
            self.clear();
            self.is_closed = true;
            return Pushed::Overflow;
        }
        let at = self.place(self.len);
        if let Some(slot) = self.slots.as_mut().get_mut(at) {
            slot.0 = Some((packet, flags));
            self.len = self.len.saturating_add(1);
            self.bytes = self.bytes.saturating_add(size);
        }
        Pushed::Queued
    }

    /// The transport took `n` bytes of [`slices`](Self::slices).
    pub fn consume(&mut self, mut n: usize) {
        while self.len > 0 {
            let left = self.slices().next().map_or(0, <[u8]>::len);
            if n < left {
                self.sent = self.sent.saturating_add(n);
                self.bytes = self.bytes.saturating_sub(n);
                return;
            }
            n = n.saturating_sub(left);
            self.pop();
        }
    }

    /// Takes the oldest packet out; what of it went out is not known to its new owner.
    pub fn pop(&mut self) -> Option<(T, Flags)> {
        if self.len == 0 {
            return None;
        }
        let packet = self.slots.as_mut().get_mut(self.first)?.0.take()?;
        self.bytes = self.bytes.saturating_sub(packet.0.as_ref().len().saturating_sub(self.sent));
        self.sent = 0;
        self.first = self.place(1);
        self.len = self.len.saturating_sub(1);
        Some(packet)
    }

    /// Drops everything that waits.
    pub fn clear(&mut self) {
        while self.pop().is_some() {}
    }

    /// Moves what waits into other slots, more or fewer, and gives the old ones back.
    ///
    /// # Errors
    /// Gives the new ones back when they are too few; nothing was changed.
    pub fn replace(&mut self, mut slots: S) -> Result<S, S> {
        if slots.as_mut().len() < self.len {
            return Err(slots);
        }
        let size = self.slots.as_ref().len();
        for (i, place) in slots.as_mut().iter_mut().enumerate() {
            let at = self.first.saturating_add(i).checked_rem(size).unwrap_or(0);
            let packet =
                if i < self.len { self.slots.as_mut().get_mut(at).and_then(|slot| slot.0.take()) } else { None };
            place.0 = packet;
        }
        self.first = 0;
        Ok(core::mem::replace(&mut self.slots, slots))
    }

    /// Gives the slots back, with the packets in them.
    pub fn into_storage(self) -> S {
        self.slots
    }

    /// The bytes that wait, packet by packet, for one vectored write; of the first what did not go out yet.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let (back, front) = self.slots.as_ref().split_at_checked(self.first).unwrap_or_default();
        debug_assert!(self.first == 0 || self.first < self.slots(), "the first packet lies in a slot");
        let packets = front.iter().chain(back).take(self.len).filter_map(|slot| slot.0.as_ref());
        packets.enumerate().map(|(i, (packet, _))| {
            let from = if i == 0 { self.sent } else { 0 };
            packet.as_ref().get(from..).unwrap_or_default()
        })
    }

    /// The oldest packet, whole, and how it may be treated.
    #[must_use]
    pub fn front(&self) -> Option<(&T, Flags)> {
        self.slots.as_ref().get(self.first)?.0.as_ref().map(|(packet, flags)| (packet, *flags))
    }

    /// Packets that wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that wait.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Packets that can wait.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.as_ref().len()
    }

    /// Whether the receiver was given up.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn fits(&self, size: usize) -> bool {
        self.len < self.slots() && (self.len == 0 || self.bytes.saturating_add(size) <= self.limit)
    }

    /// Drops the oldest volatile packet of which nothing went out yet.
    fn drop_volatile(&mut self) -> bool {
        let is_volatile = |i: usize| {
            let slot = self.slots.as_ref().get(self.place(i));
            slot.and_then(|s| s.0.as_ref()).is_some_and(|(_, flags)| flags.is_volatile)
        };
        let from = usize::from(self.sent > 0);
        let Some(found) = (from..self.len).find(|&i| is_volatile(i)) else { return false };
        let at = self.place(found);
        let dropped = self.slots.as_mut().get_mut(at).and_then(|slot| slot.0.take());
        self.bytes = self.bytes.saturating_sub(dropped.map_or(0, |(packet, _)| packet.as_ref().len()));
        // The others move up.
        for i in found.saturating_add(1)..self.len {
            let (at, before) = (self.place(i), self.place(i.saturating_sub(1)));
            let packet = self.slots.as_mut().get_mut(at).and_then(|slot| slot.0.take());
            if let Some(slot) = self.slots.as_mut().get_mut(before) {
                slot.0 = packet;
            }
        }
        self.len = self.len.saturating_sub(1);
        true
    }

    /// The slot of the packet with this number from the front.
    fn place(&self, number: usize) -> usize {
        self.first.saturating_add(number).checked_rem(self.slots()).unwrap_or(0)
    }
}

impl<T, S> fmt::Debug for Queue<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { len, bytes, limit, policy, is_closed, .. } = self;
        write!(f, "Queue {{ {len} packets, {bytes} of {limit} bytes, {policy:?}, closed: {is_closed} }}")
    }
}
