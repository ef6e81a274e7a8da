//! The packets that wait to be sent, in lent memory.

mod record;

#[cfg(test)]
mod tests;

use crate::{
    bytes::{Capacity, close_gap, copy, slice, slice_mut},
    engineio::{self, Client, Sink},
    socketio::{AckError, Namespace, SendError},
    ws::{Out, Stored, stored_frame},
};
use core::fmt;
use record::{HEAD, id_at};
pub(super) use record::{Kind, LOST, Record};

/// What to do with an event that does not fit into the backlog of a [`ClientEnd`](super::ClientEnd). An event that is larger than the whole backlog
/// is refused whatever the choice.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Refuse it with [`SendError::Capacity`]. Nothing was changed. The default.
    Refuse,
    /// Drop the oldest events that wait, of whatever namespace, until it fits. The acknowledgement of a dropped event fails
    /// ([`AckError::Dropped`](crate::socketio::AckError::Dropped)). Events with retries that are in flight stay. If that is not enough, the event is
    /// refused and nothing is dropped.
    DropOldest,
    /// Drop it: [`emit_with`](super::ClientEnd::emit_with) returns `false`.
    DropNewest,
}

/// Records in the order in which they were made. Text is stored without the id of its acknowledgement, so that a retry can have another one.
///
/// ```text
/// | free | records, some of them dead | free |
///        start                        end
/// ```
#[derive(Clone)]
pub(super) struct Backlog<B> {
    storage: B,
    start: usize,
    end: usize,
    /// Bytes between `start` and `end` that are free.
    dead: usize,
    /// No record before this one can be sent: each is dead, has retries, or its namespace is not connected.
    from: usize,
    /// The number of records of each kind that is looked for.
    leaving: usize,
    auths: usize,
    in_flight: usize,
    dropped: usize,
    /// A record with retries may be ready.
    is_retry_due: bool,
    /// Records looked at, and bytes moved, for tests of cost.
    #[cfg(test)]
    cost: core::cell::Cell<(usize, usize)>,
}

impl<B: AsMut<[u8]> + AsRef<[u8]>> Backlog<B> {
    pub(super) const fn new(storage: B) -> Self {
        Self {
            storage,
            start: 0,
            end: 0,
            dead: 0,
            from: 0,
            leaving: 0,
            auths: 0,
            in_flight: 0,
            dropped: 0,
            is_retry_due: false,
            #[cfg(test)]
            cost: core::cell::Cell::new((0, 0)),
        }
    }

    /// Writes a packet behind the others. It does not wait until [`commit`](Self::commit). The last `reserve` bytes stay free. Cost: O(1) for each
    /// byte, on average, while no more than half of the storage is held; at most O(storage).
    ///
    /// # Errors
    /// Those of `write`. The `needed` of [`SendError::Capacity`] is the size of the storage with which it fits.
    pub(super) fn append(
        &mut self,
        reserve: usize,
        mut write: impl FnMut(&mut Out<'_, Stored>) -> Result<(), SendError>,
    ) -> Result<usize, SendError> {
        loop {
            let size = self.storage.as_ref().len();
            let limit = size.saturating_sub(reserve);
            let place = self.storage.as_mut().get_mut(self.end.saturating_add(HEAD)..limit);
            let mut out = Out::stored(place.unwrap_or_default());
            let needed = match write(&mut out) {
                // Also an empty packet must have room for its head.
                Ok(()) if self.end.saturating_add(HEAD) <= limit => return Ok(out.written().len()),
                Ok(()) => 0,
                Err(SendError::Capacity(e)) => e.needed,
                Err(e) => return Err(e),
            };
            let needed = self.held().saturating_add(HEAD).saturating_add(needed);
            if needed > limit {
                return Err(SendError::Capacity(Capacity { needed: needed.saturating_add(reserve), available: size }));
            }
            self.compact();
        }
    }

    /// Lets the packet that was appended, of `len` bytes, wait as `record`.
    pub(super) fn commit(&mut self, record: Record, len: usize) {
        let at = self.end;
        let record = Record { len: HEAD.saturating_add(len), ..record };
        self.end = at.saturating_add(record.len);
        self.count(record.kind, true);
        record.write(slice_mut(self.storage.as_mut(), at..));
    }

    /// The number of bytes that wait.
    pub(super) const fn held(&self) -> usize {
        self.end.saturating_sub(self.start).saturating_sub(self.dead)
    }

    pub(super) fn replace(&mut self, mut storage: B) -> Result<B, B> {
        let held = self.held();
        if storage.as_ref().len() < held {
            return Err(storage);
        }
        self.compact();
        copy(slice(self.storage.as_ref(), ..held), storage.as_mut());
        Ok(core::mem::replace(&mut self.storage, storage))
    }

    /// The record at this place. `None` behind the last one.
    pub(super) fn get(&self, at: usize) -> Option<Record> {
        #[cfg(test)]
        self.cost.set((self.cost.get().0 + 1, self.cost.get().1));
        if at >= self.end { None } else { Record::read(slice(self.storage.as_ref(), at..)) }
    }

    /// The first record from `at` on that is accepted, and its place.
    fn find(&self, mut at: usize, accept: impl Fn(&Record) -> bool) -> Option<(usize, Record)> {
        loop {
            let record = self.get(at)?;
            if accept(&record) {
                return Some((at, record));
            }
            at = at.saturating_add(record.len);
        }
    }

    /// Calls `change` with each record from the first on. A record whose kind it changes is replaced.
    ///
    /// The closure is `dyn`, since a copy of this loop in each caller is a kilobyte of flash.
    #[inline(never)]
    pub(super) fn update(&mut self, change: &mut dyn FnMut(&mut Record)) {
        let mut at = self.start;
        while let Some(mut record) = self.get(at) {
            let kind = record.kind;
            change(&mut record);
            if record.kind != kind {
                self.set(at, record);
            }
            // `set` may have emptied the backlog.
            at = at.saturating_add(record.len);
        }
    }

    /// Changes the record at this place.
    pub(super) fn set(&mut self, at: usize, record: Record) {
        let Some(old) = self.get(at) else { return };
        debug_assert_eq!(old.len, record.len, "a record keeps its length");
        self.count(old.kind, false);
        self.count(record.kind, true);
        self.dead = self.dead.saturating_add(old.held()).saturating_sub(record.held());
        record.write(slice_mut(self.storage.as_mut(), at..));
        self.skip_dead();
    }

    pub(super) fn remove(&mut self, at: usize) {
        if let Some(record) = self.get(at) {
            self.set(at, Record { kind: Kind::Dead, ..record });
        }
    }

    /// Writes the packet at this place, with `id` if there is one.
    pub(super) fn write<O: Sink<Client>>(
        &self,
        at: usize,
        record: &Record,
        id: Option<u64>,
        out: &mut O,
    ) -> Result<(), engineio::SendError> {
        let end = at.saturating_add(record.len);
        let frames = slice(self.storage.as_ref(), at.saturating_add(HEAD)..end);
        let Some((_, text, len)) = stored_frame(frames) else { return Ok(()) };
        // The sink writes the digit of the message.
        let packet = slice(text, 1..);
        let (head, tail) = packet.split_at_checked(id_at(packet)).unwrap_or((packet, &[]));
        let write = |w: &mut crate::bytes::Writer<'_>| {
            w.push(head);
            if let Some(id) = id {
                w.decimal(id);
            }
            w.push(tail);
        };
        out.allow(record.may_compress);
        let written = out.text(write, Attached(slice(frames, len..)));
        out.allow(true);
        written
    }

    /// Drops the oldest events until `needed` bytes are free. `forget` frees the acknowledgement of an event and returns its token. `false`: that is
    /// not enough, and nothing was dropped.
    pub(super) fn drop_oldest(
        &mut self,
        mut needed: usize,
        mut forget: impl FnMut(Namespace, u32) -> Option<u32>,
    ) -> bool {
        let gain = |r: &Record| r.len.saturating_sub(if r.is_asked { HEAD } else { 0 });
        let (mut at, mut all) = (self.start, 0_usize);
        while let Some(record) = self.get(at) {
            all = all.saturating_add(if record.is_droppable() { gain(&record) } else { 0 });
            at = at.saturating_add(record.len);
        }
        if all < needed {
            return false;
        }
        self.update(&mut |record| {
            if needed == 0 || !record.is_droppable() {
                return;
            }
            needed = needed.saturating_sub(gain(record));
            record.id = record.id.and_then(|id| forget(record.namespace, id));
            record.kind = if record.is_asked && record.id.is_some() { Kind::Dropped } else { Kind::Dead };
            record.left = 0;
        });
        true
    }

    /// The next event that was dropped: its namespace, its token and why. Each once.
    pub(super) fn next_dropped(&mut self) -> Option<(Namespace, u32, AckError)> {
        if self.dropped == 0 {
            return None;
        }
        let (at, record) = self.find(self.start, |r| r.kind == Kind::Dropped)?;
        self.remove(at);
        let error = if record.left == LOST { AckError::Disconnected } else { AckError::Dropped };
        Some((record.namespace, record.id.unwrap_or_default(), error))
    }

    /// The first record of this kind and its place. O(1) if there is none.
    pub(super) fn first(&self, kind: Kind) -> Option<(usize, Record)> {
        let number = match kind {
            Kind::Leaving => self.leaving,
            Kind::Auth => self.auths,
            Kind::InFlight => self.in_flight,
            _ => usize::MAX,
        };
        if number == 0 { None } else { self.find(self.start, |r| r.kind == kind) }
    }

    /// The record with retries that is in flight with this id.
    pub(super) fn in_flight(&self, namespace: Namespace, id: u64) -> Option<(usize, Record)> {
        if self.in_flight == 0 {
            return None;
        }
        self.find(self.start, |r| {
            r.kind == Kind::InFlight && r.namespace == namespace && r.id.map(u64::from) == Some(id)
        })
    }

    /// The next record that can be sent, of those without retries. What is passed over is not looked at again until [`rescan`](Self::rescan).
    pub(super) fn next_ready(&mut self, is_connected: impl Fn(Namespace) -> bool) -> Option<(usize, Record)> {
        loop {
            let record = self.get(self.from)?;
            let is_plain = matches!(record.kind, Kind::Event | Kind::Volatile | Kind::Answer);
            if is_plain && is_connected(record.namespace) {
                return Some((self.from, record));
            }
            self.from = self.from.saturating_add(record.len);
        }
    }

    /// The next record with retries that can be sent: the oldest of a namespace, if none of it is in flight. If there is none, nothing is looked at
    /// again until [`rescan_retries`](Self::rescan_retries).
    pub(super) fn next_retry(&mut self, is_connected: impl Fn(Namespace) -> bool) -> Option<(usize, Record)> {
        if !self.is_retry_due {
            return None;
        }
        let (mut at, mut blocked) = (self.start, None);
        while let Some(record) = self.get(at) {
            if record.kind == Kind::InFlight {
                blocked = Some(record.namespace);
            }
            if record.kind == Kind::Retry && blocked != Some(record.namespace) && is_connected(record.namespace) {
                // The one in flight is older.
                let of = |r: &Record| r.kind == Kind::InFlight && r.namespace == record.namespace;
                if self.in_flight == 0 || self.find(self.start, of).is_none() {
                    return Some((at, record));
                }
                blocked = Some(record.namespace);
            }
            at = at.saturating_add(record.len);
        }
        self.is_retry_due = false;
        None
    }

    /// Whether an event without retries of this connected namespace waits.
    pub(super) fn waits(&self, namespace: Namespace) -> bool {
        let is_plain = |r: &Record| matches!(r.kind, Kind::Event | Kind::Volatile | Kind::Answer);
        self.find(self.from, |r| r.namespace == namespace && is_plain(r)).is_some()
    }

    /// A namespace was connected, or left.
    pub(super) const fn rescan(&mut self) {
        self.from = self.start;
        self.is_retry_due = true;
    }

    /// A record with retries was added, acknowledged, or has failed.
    pub(super) const fn rescan_retries(&mut self) {
        self.is_retry_due = true;
    }

    /// Moves the records to the front.
    fn compact(&mut self) {
        let (mut at, mut to, mut from) = (self.start, 0_usize, None);
        while let Some(record) = self.get(at) {
            if at >= self.from && from.is_none() {
                from = Some(to);
            }
            let held = record.held();
            if held > 0 {
                #[cfg(test)]
                self.cost.set((self.cost.get().0, self.cost.get().1 + held));
                let region = slice_mut(self.storage.as_mut(), to..at.saturating_add(held));
                close_gap(region, at.saturating_sub(to));
                Record { len: held, ..record }.write(slice_mut(self.storage.as_mut(), to..));
                to = to.saturating_add(held);
            }
            at = at.saturating_add(record.len);
        }
        (self.start, self.end, self.dead, self.from) = (0, to, 0, from.unwrap_or(to));
    }

    /// Frees the dead records at the front.
    fn skip_dead(&mut self) {
        while self.dead > 0
            && let Some(record) = self.get(self.start)
            && record.kind == Kind::Dead
        {
            self.start = self.start.saturating_add(record.len);
            self.dead = self.dead.saturating_sub(record.len);
        }
    }

    const fn count(&mut self, kind: Kind, is_added: bool) {
        let number = match kind {
            Kind::Leaving => &mut self.leaving,
            Kind::Auth => &mut self.auths,
            Kind::InFlight => &mut self.in_flight,
            Kind::Dropped => &mut self.dropped,
            _ => return,
        };
        *number = if is_added { number.saturating_add(1) } else { number.saturating_sub(1) };
    }
}

/// Does not print the packets: there may be credentials among them.
impl<B> fmt::Debug for Backlog<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.end.saturating_sub(self.start).saturating_sub(self.dead);
        write!(f, "Backlog {{ {held} bytes }}")
    }
}

/// The payloads of the stored frames of attachments.
#[derive(Clone)]
struct Attached<'b>(&'b [u8]);

impl<'b> Iterator for Attached<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let (_, payload, len) = stored_frame(self.0)?;
        self.0 = slice(self.0, len..);
        Some(payload)
    }
}
