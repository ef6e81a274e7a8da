//! Records of 32 bytes in one lent array: memberships, rooms, members, and the hash table for all three.
//!
//! A record is in up to three lists: a chain of the hash table (whose heads lie in the records too, one each), and as a
//! membership in the list of its room and in the list of its member. Every step goes through a checked access, and a
//! slot that leads nowhere ends a list.
//!
//! The table is a linear hash table (Litwin 1980): each record taken into use splits one bucket, until there are as many buckets as
//! records. So the records in use never outnumber the buckets, and a longer storage moves no record.

use super::hash::{Key, hash};

/// A record in [`Storage`](super::Storage): 32 bytes.
#[derive(Clone, Copy, Debug)]
pub struct RoomSlot {
    /// First record of the hash chain with this record's number, if there is such a bucket.
    bucket: u32,
    /// The next record of the chain, or of the free list. The two highest bits are the kind.
    chain: u32,
    pub(super) a: u32,
    pub(super) b: u32,
    pub(super) next: u32,
    pub(super) prev: u32,
    pub(super) next_own: u32,
    pub(super) prev_own: u32,
}

impl RoomSlot {
    /// A record that is not in use.
    pub const EMPTY: Self =
        Self { bucket: NIL, chain: NIL, a: 0, b: 0, next: NIL, prev: NIL, next_own: NIL, prev_own: NIL };

    const fn kind(&self) -> Kind {
        match self.chain >> 30 {
            1 => Kind::Member,
            2 => Kind::Room,
            3 => Kind::Membership,
            _ => Kind::Free,
        }
    }
}

/// No record.
pub(super) const NIL: u32 = 0x3fff_ffff;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Free,
    /// `a`: number of the member, `b`: namespace; `next`: room of its own id; `prev`: how many memberships,
    /// `next_own`: the first, `prev_own`: mark.
    Member,
    /// `a`: place of the name, `b`: namespace; `next`: first membership, `prev`: how many; `next_own`: hash.
    Room,
    /// `a`: record of the member, `b`: record of the room; `next`, `prev` in the room, `next_own`, `prev_own` of the member.
    Membership,
}

/// The records and the chains over them.
#[derive(Clone, Debug)]
pub(super) struct Table<M> {
    slots: M,
    key: Key,
    free: u32,
    /// Records that were never in use begin here. Their content means nothing.
    fresh: u32,
    used: u32,
    /// Chains that there are; at least `fresh`.
    buckets: u32,
    /// Records looked at, for tests of cost.
    #[cfg(test)]
    pub(super) looked_at: core::cell::Cell<usize>,
}

impl<M: AsMut<[RoomSlot]> + AsRef<[RoomSlot]>> Table<M> {
    pub(super) const fn new(slots: M, key: Key) -> Self {
        Self {
            slots,
            key,
            free: NIL,
            fresh: 0,
            used: 0,
            buckets: 0,
            #[cfg(test)]
            looked_at: core::cell::Cell::new(0),
        }
    }

    pub(super) fn into_slots(self) -> M {
        self.slots
    }

    /// Copies the records to `slots`, which are not fewer, and gives the old ones back.
    pub(super) fn exchange(&mut self, mut slots: M) -> M {
        let buckets = usize::try_from(self.buckets).unwrap_or(usize::MAX);
        for (to, from) in slots.as_mut().iter_mut().zip(self.slots.as_ref()).take(buckets) {
            *to = *from;
        }
        core::mem::replace(&mut self.slots, slots)
    }

    /// The records, to be lengthened.
    pub(super) const fn slots_mut(&mut self) -> &mut M {
        &mut self.slots
    }

    pub(super) const fn key(&self) -> Key {
        self.key
    }

    pub(super) fn size(&self) -> u32 {
        u32::try_from(self.slots.as_ref().len()).map_or(NIL, |n| n.min(NIL))
    }

    pub(super) const fn used(&self) -> u32 {
        self.used
    }

    /// The records that were ever in use.
    pub(super) const fn records(&self) -> core::ops::Range<u32> {
        0..self.fresh
    }

    pub(super) fn get(&self, at: u32) -> Option<&RoomSlot> {
        #[cfg(test)]
        self.looked_at.set(self.looked_at.get() + 1);
        self.slots.as_ref().get(usize::try_from(at).unwrap_or(usize::MAX))
    }

    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut RoomSlot> {
        self.slots.as_mut().get_mut(usize::try_from(at).unwrap_or(usize::MAX))
    }

    /// Changes the record at `at`, if there is one.
    pub(super) fn with(&mut self, at: u32, change: impl FnOnce(&mut RoomSlot)) {
        if let Some(slot) = self.get_mut(at) {
            change(slot);
        }
    }

    pub(super) fn kind(&self, at: u32) -> Kind {
        self.get(at).map_or(Kind::Free, RoomSlot::kind)
    }

    /// The record of `kind` under `hash` that `is_it` knows.
    pub(super) fn find(&self, kind: Kind, hash: u32, is_it: impl Fn(&RoomSlot) -> bool) -> Option<u32> {
        let mut at = self.get(self.bucket(hash)?)?.bucket;
        while let Some(slot) = self.get(at) {
            if slot.kind() == kind && is_it(slot) {
                return Some(at);
            }
            at = slot.chain & NIL;
        }
        None
    }

    /// As [`find`](Self::find), for a member and its namespace, or for a membership.
    pub(super) fn find_pair(&self, kind: Kind, a: u32, b: u32) -> Option<u32> {
        self.find(kind, self.pair_hash(kind, a, b), |slot| slot.a == a && slot.b == b)
    }

    /// As [`insert`](Self::insert), for a member and its namespace, or for a membership.
    pub(super) fn insert_pair(&mut self, kind: Kind, a: u32, b: u32) -> Option<u32> {
        self.insert(kind, self.pair_hash(kind, a, b), a, b)
    }

    /// Takes a record into use; the caller has seen that there is one.
    pub(super) fn insert(&mut self, kind: Kind, hash: u32, a: u32, b: u32) -> Option<u32> {
        self.split();
        let bucket = self.bucket(hash)?;
        let at = if self.free == NIL {
            let at = self.fresh;
            self.get(at)?;
            self.fresh = self.fresh.saturating_add(1);
            at
        } else {
            let at = self.free;
            self.free = self.get(at)?.chain & NIL;
            at
        };
        let head = self.get(bucket)?.bucket;
        let bits = match kind {
            Kind::Free => 0,
            Kind::Member => 1,
            Kind::Room => 2,
            Kind::Membership => 3,
        };
        let slot = self.get_mut(at)?;
        *slot = RoomSlot { bucket: slot.bucket, chain: head | bits << 30, a, b, ..RoomSlot::EMPTY };
        if kind != Kind::Membership {
            slot.prev = 0;
            slot.prev_own = 0;
        }
        if kind == Kind::Room {
            // A name may be long, and is hashed once.
            slot.next_own = hash;
        }
        self.with(bucket, |slot| slot.bucket = at);
        self.used = self.used.saturating_add(1);
        Some(at)
    }

    /// Gives a record back that hangs in no list any more.
    pub(super) fn remove(&mut self, at: u32) {
        let Some(&slot) = self.get(at) else { return };
        let Some(bucket) = self.bucket(self.hash_of(&slot)) else { return };
        let chain = slot.chain & NIL;
        let mut before = None;
        let mut here = self.get(bucket).map_or(NIL, |slot| slot.bucket);
        while here != at {
            let Some(slot) = self.get(here) else { return };
            before = Some(here);
            here = slot.chain & NIL;
        }
        match before {
            None => self.with(bucket, |slot| slot.bucket = chain),
            Some(before) => self.with(before, |slot| slot.chain = slot.chain & !NIL | chain),
        }
        let free = self.free;
        self.with(at, |slot| slot.chain = free);
        self.free = at;
        self.used = self.used.saturating_sub(1);
    }

    /// Adds a membership to the lists of its room and its member.
    pub(super) fn hang(&mut self, at: u32) {
        let Some(&RoomSlot { a: member, b: room, .. }) = self.get(at) else { return };
        let next = self.get(room).map_or(NIL, |slot| slot.next);
        let next_own = self.get(member).map_or(NIL, |slot| slot.next_own);
        self.with(at, |slot| (slot.next, slot.next_own) = (next, next_own));
        self.with(next, |slot| slot.prev = at);
        self.with(next_own, |slot| slot.prev_own = at);
        self.with(room, |slot| {
            slot.next = at;
            slot.prev = slot.prev.saturating_add(1);
        });
        self.with(member, |slot| {
            slot.next_own = at;
            slot.prev = slot.prev.saturating_add(1);
        });
    }

    /// Removes a membership from both lists.
    pub(super) fn unhang(&mut self, at: u32) {
        let Some(&RoomSlot { a: member, b: room, next, prev, next_own, prev_own, .. }) = self.get(at) else { return };
        if prev == NIL {
            self.with(room, |slot| slot.next = next);
        } else {
            self.with(prev, |slot| slot.next = next);
        }
        if prev_own == NIL {
            self.with(member, |slot| slot.next_own = next_own);
        } else {
            self.with(prev_own, |slot| slot.next_own = next_own);
        }
        self.with(next, |slot| slot.prev = prev);
        self.with(next_own, |slot| slot.prev_own = prev_own);
        self.with(room, |slot| slot.prev = slot.prev.saturating_sub(1));
        self.with(member, |slot| slot.prev = slot.prev.saturating_sub(1));
    }

    pub(super) fn room_hash(&self, name: Option<&[u8]>, namespace: u32) -> u32 {
        let is_named = u64::from(name.is_some());
        low(hash(self.key, u64::from(namespace) | is_named << 32, name.unwrap_or_default()))
    }

    /// That of a member and its namespace, or of a membership: its member and its room.
    fn pair_hash(&self, kind: Kind, a: u32, b: u32) -> u32 {
        let name: &[u8] = if kind == Kind::Member { b"m" } else { b"" };
        low(hash(self.key, u64::from(a) | u64::from(b) << 32, name))
    }

    fn hash_of(&self, slot: &RoomSlot) -> u32 {
        match slot.kind() {
            Kind::Room => slot.next_own,
            kind => self.pair_hash(kind, slot.a, slot.b),
        }
    }

    /// Adds a bucket, if there may be one more. The records that belong there now were in the bucket with that number but its highest bit.
    fn split(&mut self) {
        let new = self.buckets;
        if new >= self.size() {
            return;
        }
        self.buckets = new.saturating_add(1);
        let bit = new.checked_ilog2().map_or(0, |n| 1_u32.wrapping_shl(n));
        let (mut staying, mut going) = (NIL, NIL);
        let mut at = if bit == 0 { NIL } else { self.get(new ^ bit).map_or(NIL, |slot| slot.bucket) };
        while let Some(&slot) = self.get(at) {
            let list = if self.hash_of(&slot) & bit == 0 { &mut staying } else { &mut going };
            let next = core::mem::replace(list, at);
            self.with(at, |slot| slot.chain = slot.chain & !NIL | next);
            at = slot.chain & NIL;
        }
        self.with(new ^ bit, |slot| slot.bucket = staying);
        self.with(new, |slot| slot.bucket = going);
    }

    /// The number of the bucket of `hash`.
    fn bucket(&self, hash: u32) -> Option<u32> {
        let mask = self.buckets.checked_next_power_of_two()?.checked_sub(1)?;
        let bucket = hash & mask;
        Some(if bucket < self.buckets { bucket } else { bucket & mask >> 1 })
    }
}

fn low(hash: u64) -> u32 {
    u32::try_from(hash & u64::from(u32::MAX)).unwrap_or_default()
}
