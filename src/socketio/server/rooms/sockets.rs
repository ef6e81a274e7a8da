//! Changes to all members that a target reaches.

use super::{Full, NameArena, Namespace, RoomSlot, Rooms, Target, select::Cursor};

impl<M: AsMut<[RoomSlot]> + AsRef<[RoomSlot]>, B: AsMut<[u8]> + AsRef<[u8]>> Rooms<M, B> {
    /// Adds all members that `target` reaches to `room` (JavaScript: `socketsJoin`). Returns how many were not in it. Cost: O(members reached). See
    /// [`Rooms`] for an example.
    ///
    /// # Errors
    /// [`Full`] with the exact need. Nothing was changed.
    pub fn sockets_join(&mut self, namespace: Namespace, target: &Target<'_>, room: &[u8]) -> Result<usize, Full> {
        let room_at = self.find_room(namespace, Some(room));
        let mut new = 0_u32;
        let mut cursor = Cursor::new(self, namespace, target);
        while let Some(member) = cursor.next(self) {
            if room_at.is_none_or(|room| self.find_membership(member, room).is_none()) {
                new = new.saturating_add(1);
            }
        }
        if new == 0 {
            return Ok(0);
        }
        let new_name = if room_at.is_none() { Some(room) } else { None };
        self.admit(new.saturating_add(u32::from(new_name.is_some())), new_name)?;
        let mut cursor = Cursor::new(self, namespace, target);
        while let Some(member) = cursor.next(self) {
            let is_in = |at| self.find_membership(member, at).is_some();
            if !self.find_room(namespace, Some(room)).is_some_and(is_in) {
                let _ = self.add(namespace, member, Some(room));
            }
        }
        Ok(usize::try_from(new).unwrap_or(usize::MAX))
    }

    /// Removes all members that `target` reaches from `room` (JavaScript: `socketsLeave`). Returns how many were in it. Cost: O(members reached). See
    /// [`Rooms`] for an example.
    pub fn sockets_leave(&mut self, namespace: Namespace, target: &Target<'_>, room: &[u8]) -> usize {
        let mut left = 0_usize;
        let mut cursor = Cursor::new(self, namespace, target);
        while let Some(member) = cursor.next(self) {
            // The room and its record are removed with the last member.
            let Some(room_at) = self.find_room(namespace, Some(room)) else { continue };
            if let Some(at) = self.find_membership(member, room_at) {
                self.drop_membership(at);
                left = left.saturating_add(1);
            }
        }
        left
    }

    /// Checks that there is room for `slots` more records and a new name.
    pub(super) fn admit(&self, slots: u32, new_name: Option<&[u8]>) -> Result<(), Full> {
        let needed = self.table.used().saturating_add(slots);
        let is_storable = |name: &[u8]| name.len() < 0xffff;
        let fits = new_name.is_none_or(|n| is_storable(n) && self.names.fits(n));
        if needed <= self.table.size() && fits {
            return Ok(());
        }
        let cost = new_name.map_or(0, |n| if is_storable(n) { NameArena::<B>::cost(n) } else { usize::MAX });
        let name_bytes = NameArena::<B>::needed(self.names.live().saturating_add(cost));
        Err(Full {
            slots: usize::try_from(needed).unwrap_or(usize::MAX),
            name_bytes: if fits { name_bytes.min(self.names.size()) } else { name_bytes },
        })
    }
}
