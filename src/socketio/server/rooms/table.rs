//! Records of 32 bytes in one lent array: memberships, rooms, members, and the hash table for all three.
//!
//! A record can be in three lists: a chain of the hash table (the records also hold the heads of the chains, one each), and as a membership in the
//! lists of its room and of its member. All accesses are checked. An index outside of the array ends a list.

/// A record in [`Storage`](super::Storage): 32 bytes.
#[derive(Clone, Copy, Debug)]
pub struct RoomSlot {
    /// The first record of the hash chain with this record's number.
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
}

/// No record.
pub(super) const NIL: u32 = 0x3fff_ffff;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Free,
    /// `a`: number of the member, `b`: namespace; `next`: room of its own id; `next_own`: first membership, `prev_own`: mark.
    Member,
    /// `a`: place of the name, `b`: namespace; `next`: first membership, `prev`: how many.
    Room,
    /// `a`: record of the member, `b`: record of the room; `next`, `prev` in the room, `next_own`, `prev_own` of the member.
    Membership,
}

/// The records and the chains over them.
#[derive(Clone, Debug)]
pub(super) struct Table<M> {
    slots: M,
    free: u32,
    /// The records from this one on were never used.
    fresh: u32,
    used: u32,
    /// Records looked at, for tests of cost.
    #[cfg(test)]
    pub(super) looked_at: core::cell::Cell<usize>,
}

impl<M: AsMut<[RoomSlot]> + AsRef<[RoomSlot]>> Table<M> {
    pub(super) fn new(mut slots: M) -> Self {
        slots.as_mut().fill(RoomSlot::EMPTY);
        Self {
            slots,
            free: NIL,
            fresh: 0,
            used: 0,
            #[cfg(test)]
            looked_at: core::cell::Cell::new(0),
        }
    }

    pub(super) fn into_slots(self) -> M {
        self.slots
    }

    pub(super) fn size(&self) -> u32 {
        u32::try_from(self.slots.as_ref().len()).map_or(NIL, |n| n.min(NIL))
    }

    pub(super) const fn used(&self) -> u32 {
        self.used
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
        match self.get(at).map(|slot| slot.chain >> 30) {
            Some(1) => Kind::Member,
            Some(2) => Kind::Room,
            Some(3) => Kind::Membership,
            _ => Kind::Free,
        }
    }

    /// The record of `kind` with `hash` for which `is_it` is true.
    pub(super) fn find(&self, kind: Kind, hash: u64, is_it: impl Fn(&RoomSlot) -> bool) -> Option<u32> {
        let mut at = self.get(self.bucket(hash)?)?.bucket;
        while let Some(slot) = self.get(at) {
            if self.kind(at) == kind && is_it(slot) {
                return Some(at);
            }
            at = slot.chain & NIL;
        }
        None
    }

    /// Takes a free record. The caller has checked that there is one.
    pub(super) fn insert(&mut self, kind: Kind, hash: u64, a: u32, b: u32) -> Option<u32> {
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
        self.with(bucket, |slot| slot.bucket = at);
        self.used = self.used.saturating_add(1);
        Some(at)
    }

    /// Frees a record that was removed from its lists.
    pub(super) fn remove(&mut self, at: u32, hash: u64) {
        let Some(bucket) = self.bucket(hash) else { return };
        let Some(chain) = self.get(at).map(|slot| slot.chain & NIL) else { return };
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
        self.with(member, |slot| slot.next_own = at);
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
    }

    fn bucket(&self, hash: u64) -> Option<u32> {
        let size = u64::from(self.size());
        u32::try_from(hash.checked_rem(size)?).ok()
    }
}
