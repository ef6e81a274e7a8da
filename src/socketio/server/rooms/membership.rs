//! The records of members, rooms and memberships: found, put into the table, and taken out.

use super::{
    EVERYBODY, Member, RoomSlot, Rooms,
    storage::Full,
    table::{Kind, NIL},
};
use crate::socketio::Namespace;

impl<M: AsMut<[RoomSlot]> + AsRef<[RoomSlot]>, B: AsMut<[u8]> + AsRef<[u8]>> Rooms<M, B> {
    pub(super) fn insert(&mut self, namespace: Namespace, member: Member, name: Option<&[u8]>) -> Result<bool, Full> {
        let member_at = self.find_member(namespace, member);
        let all_at = self.find_room(namespace, None);
        let room_at = self.find_room(namespace, name);
        if let (Some(member), Some(room)) = (member_at, room_at)
            && self.find_membership(member, room).is_some()
        {
            return Ok(false);
        }
        let new_name = name.filter(|_| room_at.is_none());
        let is_new = |at: Option<u32>| u32::from(at.is_none());
        // A new member is also added to the namespace, which is a separate membership.
        let mut needed = is_new(member_at).saturating_add(1);
        if member_at.is_none() {
            needed = needed.saturating_add(is_new(all_at));
            needed = needed.saturating_add(u32::from(name.is_some()));
        }
        needed = needed.saturating_add(u32::from(new_name.is_some()));
        self.admit(needed, new_name)?;
        self.insert_admitted(namespace, member, member_at, name);
        Ok(true)
    }

    pub(super) fn set_own(&mut self, namespace: Namespace, member: Member, room: Option<u32>) {
        if let Some(at) = self.find_member(namespace, member) {
            self.table.with(at, |slot| slot.next = room.unwrap_or(NIL));
        }
    }

    /// The caller has checked that there is room.
    fn insert_admitted(
        &mut self,
        namespace: Namespace,
        member: Member,
        member_at: Option<u32>,
        name: Option<&[u8]>,
    ) -> Option<()> {
        let at = match member_at {
            Some(at) => at,
            None => self.table.insert_pair(Kind::Member, member.0, u32::from(namespace.0))?,
        };
        if member_at.is_none() && name.is_some() {
            self.add(namespace, at, None)?;
        }
        self.add(namespace, at, name)
    }

    pub(super) fn add(&mut self, namespace: Namespace, member_at: u32, name: Option<&[u8]>) -> Option<()> {
        let room_at = match self.find_room(namespace, name) {
            Some(at) => at,
            None => {
                let hash = self.table.room_hash(name, u32::from(namespace.0));
                let at = self.table.insert(Kind::Room, hash, EVERYBODY, u32::from(namespace.0))?;
                if let Some(name) = name {
                    let place = self.names.insert(at, name)?;
                    self.table.with(at, |room| room.a = place);
                }
                at
            }
        };
        let at = self.table.insert_pair(Kind::Membership, member_at, room_at)?;
        self.table.hang(at);
        Some(())
    }

    pub(super) fn drop_membership(&mut self, at: u32) {
        let Some(&RoomSlot { a: member, b: room, .. }) = self.table.get(at) else { return };
        self.table.unhang(at);
        self.table.with(member, |slot| slot.next = if slot.next == room { NIL } else { slot.next });
        self.table.remove(at);
        let Some(&RoomSlot { a: place, prev: count, .. }) = self.table.get(room) else { return };
        if count == 0 {
            self.table.remove(room);
            if place != EVERYBODY {
                let table = &mut self.table;
                self.names.remove(place, |owner, place| table.with(owner, |room| room.a = place));
            }
        }
    }

    pub(super) fn find_member(&self, namespace: Namespace, member: Member) -> Option<u32> {
        self.table.find_pair(Kind::Member, member.0, u32::from(namespace.0))
    }

    pub(super) fn find_room(&self, namespace: Namespace, name: Option<&[u8]>) -> Option<u32> {
        let hash = self.table.room_hash(name, u32::from(namespace.0));
        self.table.find(Kind::Room, hash, |slot| {
            slot.b == u32::from(namespace.0)
                && match name {
                    None => slot.a == EVERYBODY,
                    Some(name) => slot.a != EVERYBODY && self.names.get(slot.a) == name,
                }
        })
    }

    pub(super) fn find_membership(&self, member: u32, room: u32) -> Option<u32> {
        self.table.find_pair(Kind::Membership, member, room)
    }
}
