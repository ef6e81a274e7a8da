//! A bounded queue of the packets that wait for one receiver.

use core::fmt;

/// How a packet may be treated. A [`Queue`] stores them with the packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    is_volatile: bool,
    is_uncompressed: bool,
}

impl Flags {
    /// The packet is delivered, and may be compressed.
    pub const NONE: Self = Self { is_volatile: false, is_uncompressed: false };

    /// The packet may be dropped if the receiver is not ready for it. For data that is soon replaced, such as positions.
    #[must_use]
    pub const fn volatile(mut self) -> Self {
        self.is_volatile = true;
        self
    }

    /// Whether the packet may be compressed. The flag stays with the packet in the queue, for who writes it to the socket: see
    /// [`ws::Deflater`](crate::ws::Deflater) and [`Queue::replace`] for examples.
    #[must_use]
    pub const fn compress(mut self, compress: bool) -> Self {
        self.is_uncompressed = !compress;
        self
    }

    /// Whether the packet may be dropped. See [`volatile`](Self::volatile) and [`Queue::replace`].
    #[must_use]
    pub const fn is_volatile(self) -> bool {
        self.is_volatile
    }

    /// Whether the packet may be compressed. See [`compress`](Self::compress) and [`Queue::replace`].
    #[must_use]
    pub const fn may_compress(self) -> bool {
        !self.is_uncompressed
    }
}

/// What to do with a packet that does not fit into the queue.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Close the queue, and the connection to this receiver.
    Close,
    /// Drop volatile packets from the queue, the oldest first. If that is not enough, close as with [`Close`](Self::Close).
    DropVolatile,
    /// Drop the new packet. For receivers that may miss packets but should stay connected.
    DropNewest,
}

/// The result of [`Queue::push`].
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// The packet waits in the queue.
    Queued,
    /// The packet was dropped: it is volatile and the receiver was not ready, or the [`Policy`] requires it.
    Dropped,
    /// The queue is closed, and all its packets were dropped. Close the connection.
    Overflow,
}

/// A queue of packets, in lent slots and with a limit in bytes. `T` holds the bytes of one packet, and can be shared by many receivers: `Rc<[u8]>`,
/// `Arc<[u8]>`, `&'static [u8]`.
///
/// ```
/// use sansocket::socketio::{Flags, Policy, Pushed, Queue, QueueSlot};
///
/// let mut queue = Queue::new([QueueSlot::<&[u8]>::EMPTY; 8], 10, Policy::DropVolatile);
/// let position = Flags::NONE.volatile();
/// assert_eq!(queue.push(b"1234", position, true), Pushed::Queued);
/// assert_eq!(queue.push(b"5678", position, false), Pushed::Dropped, "volatile, and the socket is not writable");
/// assert_eq!(queue.push(b"message", Flags::NONE, false), Pushed::Queued, "the queued position was dropped");
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
    /// Bytes of the first packet that were sent.
    sent: usize,
    /// Bytes that wait.
    bytes: usize,
    limit: usize,
    policy: Policy,
    is_closed: bool,
    kind: core::marker::PhantomData<T>,
}

/// Memory for one packet.
#[derive(Clone, Debug)]
pub struct QueueSlot<T>(Option<(T, Flags)>);

impl<T> QueueSlot<T> {
    /// A slot that is not in use.
    pub const EMPTY: Self = Self(None);
}

impl<T: AsRef<[u8]>, S: AsMut<[QueueSlot<T>]> + AsRef<[QueueSlot<T>]>> Queue<T, S> {
    /// An empty queue for at most `limit` bytes and as many packets as there are slots. A packet larger than `limit` is accepted if the queue is
    /// empty.
    pub const fn new(slots: S, limit: usize, policy: Policy) -> Self {
        let kind = core::marker::PhantomData;
        Self { slots, first: 0, len: 0, sent: 0, bytes: 0, limit, policy, is_closed: false, kind }
    }

    /// Appends a packet. `is_writable` tells whether the transport accepts data now; if not, a volatile packet is dropped. Cost: O(1), or O(packets)
    /// if volatile packets are dropped from the queue.
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

    /// Removes the first `n` bytes of [`slices`](Self::slices), which the transport has accepted.
    pub fn consume(&mut self, mut n: usize) {
        while self.len > 0 {
            let left = self.front().map_or(0, |(packet, _)| packet.as_ref().len().saturating_sub(self.sent));
            if n < left {
                self.sent = self.sent.saturating_add(n);
                self.bytes = self.bytes.saturating_sub(n);
                return;
            }
            n = n.saturating_sub(left);
            self.pop();
        }
    }

    /// Removes the oldest packet and returns it whole, even if a part of it was sent. See [`replace`](Self::replace) for an example.
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

    /// Drops all packets.
    pub fn clear(&mut self) {
        while self.pop().is_some() {}
    }

    /// Makes a slot free for the next [`push`](Self::push): if none is, the slots are replaced by twice as many. `S` is a type that can be made in
    /// any length, such as `Vec`. The limit in bytes then bounds the queue. See [`replace`](Self::replace) for memory of another kind.
    ///
    /// ```
    /// use sansocket::socketio::{Flags, Policy, Pushed, Queue, QueueSlot};
    ///
    /// let mut queue = Queue::new(Vec::<QueueSlot<&[u8]>>::new(), 100, Policy::Close);
    /// for packet in [&b"one"[..], b"two", b"three"] {
    ///     queue.reserve();
    ///     assert_eq!(queue.push(packet, Flags::NONE, true), Pushed::Queued);
    /// }
    /// assert!(queue.slices().eq([&b"one"[..], b"two", b"three"]));
    /// ```
    pub fn reserve(&mut self)
    where
        S: FromIterator<QueueSlot<T>>,
    {
        if self.len == self.slots() {
            let slots = self.slots().saturating_mul(2).max(2);
            let _ = self.replace((0..slots).map(|_| QueueSlot::EMPTY).collect());
        }
    }

    /// Moves the packets into other slots, more or fewer, and returns the old slots.
    ///
    /// # Errors
    /// Returns the new slots if there are fewer than packets. Nothing was changed.
    ///
    /// ```
    /// use sansocket::socketio::{Flags, Policy, Pushed, Queue, QueueSlot};
    ///
    /// let mut queue = Queue::new(vec![QueueSlot::<&[u8]>::EMPTY; 1], 100, Policy::DropNewest);
    /// assert_eq!(queue.push(b"one", Flags::NONE.compress(false), true), Pushed::Queued);
    /// assert_eq!(queue.push(b"two", Flags::NONE, true), Pushed::Dropped);
    ///
    /// assert!(queue.replace(vec![QueueSlot::EMPTY; 2]).is_ok());
    /// assert_eq!(queue.push(b"two", Flags::NONE, true), Pushed::Queued);
    ///
    /// let (packet, flags) = queue.front().ok_or("empty")?;
    /// assert_eq!((*packet, flags.may_compress(), flags.is_volatile()), (&b"one"[..], false, false));
    /// assert_eq!(queue.pop().map(|(packet, _)| packet), Some(&b"one"[..]));
    /// queue.clear();
    /// assert!(queue.is_empty());
    /// let slots = queue.into_storage();
    /// # Ok::<(), &str>(())
    /// ```
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

    /// Returns the slots, with the packets in them.
    pub fn into_storage(self) -> S {
        self.slots
    }

    /// The bytes that wait, one slice for each packet, for a vectored write. Of the first packet only the bytes that were not sent.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len).filter_map(|i| {
            let (packet, _) = self.slots.as_ref().get(self.place(i))?.0.as_ref()?;
            let from = if i == 0 { self.sent } else { 0 };
            Some(packet.as_ref().get(from..).unwrap_or_default())
        })
    }

    /// The packets that wait, with their flags, the oldest first. Of the first, a part may be sent already: see [`slices`](Self::slices).
    ///
    /// ```
    /// use sansocket::socketio::{Flags, Policy, Queue, QueueSlot};
    ///
    /// let mut queue = Queue::new([QueueSlot::EMPTY; 2], 100, Policy::Close);
    /// let _ = queue.push("plain", Flags::NONE.compress(false), true);
    /// let _ = queue.push("any", Flags::NONE, true);
    /// let may_compress = queue.packets().map(|(packet, flags)| (*packet, flags.may_compress()));
    /// assert!(may_compress.eq([("plain", false), ("any", true)]));
    /// ```
    pub fn packets(&self) -> impl Iterator<Item = (&T, Flags)> {
        (0..self.len).filter_map(|i| {
            let (packet, flags) = self.slots.as_ref().get(self.place(i))?.0.as_ref()?;
            Some((packet, *flags))
        })
    }

    /// The oldest packet, whole, and its flags.
    #[must_use]
    pub fn front(&self) -> Option<(&T, Flags)> {
        self.slots.as_ref().get(self.first)?.0.as_ref().map(|(packet, flags)| (packet, *flags))
    }

    /// The number of packets that wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no packets wait.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of bytes that wait.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of slots.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.as_ref().len()
    }

    /// Whether the queue was closed by an [overflow](Pushed::Overflow).
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn fits(&self, size: usize) -> bool {
        self.len < self.slots() && (self.len == 0 || self.bytes.saturating_add(size) <= self.limit)
    }

    /// Drops the oldest volatile packet that was not sent in part.
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
        // Move the later packets forward.
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

    /// The index of the slot of the packet at position `number`.
    fn place(&self, number: usize) -> usize {
        debug_assert!(number <= self.slots() && (self.first == 0 || self.first < self.slots()), "one round at most");
        let at = self.first.saturating_add(number);
        at.checked_sub(self.slots()).unwrap_or(at)
    }
}

impl<T, S> fmt::Debug for Queue<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { len, bytes, limit, policy, is_closed, .. } = self;
        write!(f, "Queue {{ {len} packets, {bytes} of {limit} bytes, {policy:?}, closed: {is_closed} }}")
    }
}
