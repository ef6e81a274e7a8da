use super::{Member, Namespace, RoomSlot, Rooms, Target, table::NIL};

/// Iterates over the members that a [`Target`] reaches, without duplicates. See [`Rooms`] for an example.
#[derive(Debug)]
pub struct Selected<'r, M, B> {
    rooms: &'r mut Rooms<M, B>,
    cursor: Cursor<'r>,
}

impl<'r, M: AsMut<[RoomSlot]> + AsRef<[RoomSlot]>, B: AsMut<[u8]> + AsRef<[u8]>> Selected<'r, M, B> {
    pub(super) fn new(rooms: &'r mut Rooms<M, B>, namespace: Namespace, target: &Target<'r>) -> Self {
        let cursor = Cursor::new(rooms, namespace, target);
        Self { rooms, cursor }
    }
}

impl<M: AsMut<[RoomSlot]> + AsRef<[RoomSlot]>, B: AsMut<[u8]> + AsRef<[u8]>> Iterator for Selected<'_, M, B> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        let at = self.cursor.next(self.rooms)?;
        self.rooms.table.get(at).map(|slot| Member(slot.a))
    }
}

/// The position of a selection. It does not borrow the rooms. During the selection, memberships may be added before the position, and the membership
/// that was returned last may be removed.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'t> {
    namespace: Namespace,
    to: core::slice::Iter<'t, &'t [u8]>,
    /// The next membership of the current room.
    at: u32,
}

impl<'t> Cursor<'t> {
    pub(super) fn new<M, B>(rooms: &mut Rooms<M, B>, namespace: Namespace, target: &Target<'t>) -> Self
    where
        M: AsMut<[RoomSlot]> + AsRef<[RoomSlot]>,
        B: AsMut<[u8]> + AsRef<[u8]>,
    {
        rooms.mark = rooms.mark.wrapping_add(1);
        if rooms.mark == 0 {
            // The marks wrapped around, so old marks could be mistaken for new ones.
            rooms.forget_marks();
            rooms.mark = 1;
        }
        if let Some(at) = target.not.and_then(|member| rooms.find_member(namespace, member)) {
            rooms.mark(at);
        }
        for room in target.except {
            let mut at = rooms.first_of(namespace, Some(room));
            while let Some((member, next)) = rooms.membership(at) {
                rooms.mark(member);
                at = next;
            }
        }
        let at = if target.to.is_empty() { rooms.first_of(namespace, None) } else { NIL };
        Self { namespace, to: target.to.iter(), at }
    }

    /// The record of the next member.
    pub(super) fn next<M, B>(&mut self, rooms: &mut Rooms<M, B>) -> Option<u32>
    where
        M: AsMut<[RoomSlot]> + AsRef<[RoomSlot]>,
        B: AsMut<[u8]> + AsRef<[u8]>,
    {
        loop {
            let Some((member, next)) = rooms.membership(self.at) else {
                self.at = rooms.first_of(self.namespace, Some(self.to.next()?));
                continue;
            };
            self.at = next;
            if rooms.mark(member) {
                return Some(member);
            }
        }
    }
}

impl<M: AsMut<[RoomSlot]> + AsRef<[RoomSlot]>, B: AsMut<[u8]> + AsRef<[u8]>> Rooms<M, B> {
    /// The first membership of a room.
    fn first_of(&self, namespace: Namespace, room: Option<&[u8]>) -> u32 {
        self.find_room(namespace, room).and_then(|at| self.table.get(at)).map_or(NIL, |room| room.next)
    }

    /// The member of a membership, and the next one of its room.
    fn membership(&self, at: u32) -> Option<(u32, u32)> {
        self.table.get(at).map(|slot| (slot.a, slot.next))
    }

    /// Marks a member; `false` if it was marked.
    fn mark(&mut self, at: u32) -> bool {
        let mark = self.mark;
        self.table.get_mut(at).is_some_and(|slot| core::mem::replace(&mut slot.prev_own, mark) != mark)
    }

    fn forget_marks(&mut self) {
        for at in self.table.records() {
            if self.table.kind(at) == super::Kind::Member {
                self.table.with(at, |slot| slot.prev_own = 0);
            }
        }
    }
}
