//! Rooms: selects the receivers of a broadcast.
//!
//! [`Rooms`] records which members (connections) are in which namespaces and rooms, in memory that the caller lends and can replace by a larger one.
//! [`Rooms::select`] iterates over the members that a [`Target`] reaches.
//!
//! ```
//! use sansocket::socketio::{Namespace, server::rooms::{RoomSlot, Member, Rooms, Storage, Target}};
//!
//! const ROOT: Namespace = Namespace(0);
//! let mut rooms = Rooms::new(Storage { slots: [RoomSlot::EMPTY; 16], name_bytes: [0; 64] }, [7, 8]);
//! rooms.enter(ROOT, Member(1))?;
//! rooms.enter(ROOT, Member(2))?;
//! rooms.join(ROOT, Member(2), b"lobby")?;
//!
//! // All members except the sender.
//! assert!(rooms.select(ROOT, &Target::all().not(Member(1))).eq([Member(2)]));
//! // The members of a room.
//! let target = Target::all().to(&[b"lobby"]);
//! assert!(rooms.select(ROOT, &target).eq([Member(2)]));
//! rooms.leave_all(ROOT, Member(2));
//! assert_eq!(rooms.select(ROOT, &target).count(), 0);
//! # Ok::<(), sansocket::socketio::server::rooms::Full>(())
//! ```
//!
//! The API of the JavaScript server, and the equivalent here:
//!
//! | JavaScript | here |
//! |---|---|
//! | `socket.join(room)`, `socket.leave(room)`, `socket.rooms` | [`join`](Rooms::join), [`leave`](Rooms::leave), [`rooms_of`](Rooms::rooms_of) |
//! | the room of a socket's own id, `io.to(id)` | [`enter_as`](Rooms::enter_as) when the namespace is accepted |
//! | `io.emit(..)`, `io.of(name).emit(..)` | [`select`](Rooms::select) with [`Target::all`] in that namespace, one [`broadcast`](super::broadcast) for all |
//! | `io.to(a).to(b)`, `io.in(a)` | [`Target::to`] |
//! | `.except(a)`, `socket.broadcast` | [`Target::except`], [`Target::not`] |
//! | `.volatile`, `.compress(false)` | [`Flags`](crate::socketio::Flags), with the packet in the [`Queue`](crate::socketio::Queue) |
//! | `.local` | not needed: a registry knows only the members of this process |
//! | `.timeout(ms).emit(.., ack)` | [`BroadcastAcks`](super::BroadcastAcks) |
//! | `io.socketsJoin(room)`, `socketsLeave` | [`sockets_join`](Rooms::sockets_join), [`sockets_leave`](Rooms::sockets_leave) |
//! | `io.disconnectSockets()`, `fetchSockets()` | [`select`](Rooms::select), and [`Session::disconnect`](super::Session::disconnect), [`rooms_of`](Rooms::rooms_of) for each |
//!
//! Cost: [`join`](Rooms::join) and [`leave`](Rooms::leave) are O(length of the name), also in a storage that is nearly full or has just grown, [`leave_all`](Rooms::leave_all) is O(own rooms),
//! [`select`](Rooms::select) is O(members reached and excepted). A membership takes 32 bytes, a room and a member 32 each on top, a
//! name its length and 6.

mod hash;
mod membership;
mod name_arena;
mod select;
mod sockets;
mod storage;
mod table;
mod target;

use crate::socketio::{Namespace, Sid};
use hash::Key;
use name_arena::NameArena;
pub use select::Selected;
pub use storage::{Full, Storage};
pub use table::RoomSlot;
use table::{Kind, NIL, Table};
pub use target::Target;

/// A connection. The caller chooses the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member(pub u32);

/// The registry of namespaces, rooms and members.
///
/// ```
/// use sansocket::socketio::{Namespace, Sid, server::rooms::{Member, RoomSlot, Rooms, Storage, Target}};
///
/// const ROOT: Namespace = Namespace(0);
/// let storage = |slots, bytes| Storage { slots: vec![RoomSlot::EMPTY; slots], name_bytes: vec![0; bytes] };
/// let key = [7, 8]; // take it from a random generator
/// let mut rooms = Rooms::new(storage(4, 16), key);
///
/// // A client joins the namespace, and the room with the name of its id. The storage grows as needed.
/// let sid = Sid::from_random([0; 15]);
/// while let Err(full) = rooms.enter_as(ROOT, Member(1), &sid) {
///     assert!(rooms.replace(storage(4 * full.slots, 4 * full.name_bytes)).is_ok());
/// }
/// assert_eq!(rooms.own_room(ROOT, Member(1)), Some(&sid.as_bytes()[..]));
/// rooms.enter(ROOT, Member(2))?;
///
/// // All members join a room.
/// assert_eq!(rooms.sockets_join(ROOT, &Target::all(), b"lobby")?, 2);
/// assert!(rooms.contains(ROOT, Member(2), b"lobby"));
/// assert_eq!(rooms.rooms_of(ROOT, Member(1)).count(), 2);
///
/// // The members of the room, except the client with this id.
/// let own: [&[u8]; 1] = [sid.as_bytes()];
/// let target = Target::all().to(&[b"lobby"]).except(&own);
/// assert!(rooms.select(ROOT, &target).eq([Member(2)]));
/// assert_eq!((target.excluded_rooms().len(), target.excluded_member()), (1, None));
///
/// assert!(rooms.leave(ROOT, Member(2), b"lobby"));
/// assert_eq!(rooms.sockets_leave(ROOT, &Target::all(), b"lobby"), 1);
/// let Storage { slots, name_bytes } = rooms.into_storage();
/// # Ok::<(), sansocket::socketio::server::rooms::Full>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rooms<M, B> {
    table: Table<M>,
    names: NameArena<B>,
    /// A member whose mark is this was reached, or excepted, by the current selection.
    mark: u32,
}

/// The name of the room that stands for the whole namespace. No name is at this position.
const EVERYBODY: u32 = u32::MAX;

impl<M: AsMut<[RoomSlot]> + AsRef<[RoomSlot]>, B: AsMut<[u8]> + AsRef<[u8]>> Rooms<M, B> {
    /// An empty registry. `key` must be random and secret: clients may choose the names of rooms, and could otherwise choose names with the same
    /// hash.
    pub fn new(storage: Storage<M, B>, key: [u64; 2]) -> Self {
        let [k0, k1] = key;
        Self { table: Table::new(storage.slots, Key(k0, k1)), names: NameArena::new(storage.name_bytes), mark: 0 }
    }

    /// Adds `member` to `namespace`. `false` if it was already there.
    ///
    /// # Errors
    /// [`Full`]. Nothing was changed.
    pub fn enter(&mut self, namespace: Namespace, member: Member) -> Result<bool, Full> {
        self.insert(namespace, member, None)
    }

    /// Adds `member` to `namespace`, and to the room with the name of its public id `sid`, like the JavaScript server. Others can reach the member by
    /// that name ([`Target::to`]). To exclude the member on another node, send that node the name ([`own_room`](Self::own_room)) for
    /// [`Target::except`]. `false` if the member was already in that room. Takes two slots and 26 bytes of names more than [`enter`](Self::enter).
    ///
    /// # Errors
    /// [`Full`]. Nothing was changed.
    pub fn enter_as(&mut self, namespace: Namespace, member: Member, sid: &Sid) -> Result<bool, Full> {
        let is_new = self.join(namespace, member, sid.as_bytes())?;
        self.set_own(namespace, member, self.find_room(namespace, Some(sid.as_bytes())));
        Ok(is_new)
    }

    /// Adds `member` to a room, and to the namespace if it is not in it. `false` if it was already in the room. Names have up to
    /// 65,534 bytes; a longer one never joins ([`Full`] with more than any storage has).
    ///
    /// # Errors
    /// [`Full`]. Nothing was changed. A name of more than 65,534 bytes cannot be stored: then `name_bytes` is larger than any storage.
    pub fn join(&mut self, namespace: Namespace, member: Member, room: &[u8]) -> Result<bool, Full> {
        self.insert(namespace, member, Some(room))
    }

    /// Removes `member` from a room. `false` if it was not in it.
    pub fn leave(&mut self, namespace: Namespace, member: Member, room: &[u8]) -> bool {
        let (Some(member), Some(room)) = (self.find_member(namespace, member), self.find_room(namespace, Some(room)))
        else {
            return false;
        };
        match self.find_membership(member, room) {
            Some(at) => {
                self.drop_membership(at);
                true
            }
            None => false,
        }
    }

    /// Takes `member` out of all its rooms and out of the namespace: it disconnected. Cost: O(its rooms).
    pub fn leave_all(&mut self, namespace: Namespace, member: Member) {
        self.leave_some(namespace, member, usize::MAX);
    }

    /// As [`leave_all`](Self::leave_all) in steps, so that one member with many rooms delays nothing else: takes `member` out of up to `most`
    /// rooms, the namespace being the last of them, and returns `true` when it is in none. Until then broadcasts to everybody reach it. See
    /// [`lengthen`](Self::lengthen) for an example.
    pub fn leave_some(&mut self, namespace: Namespace, member: Member, most: usize) -> bool {
        let Some(at) = self.find_member(namespace, member) else { return true };
        for _ in 0..most {
            let first = self.table.get(at).map_or(NIL, |slot| slot.next_own);
            if first != NIL {
                self.drop_membership(first);
            }
            if self.table.get(at).is_none_or(|slot| slot.next_own == NIL) {
                self.table.remove(at);
                return true;
            }
        }
        false
    }

    /// Whether `member` is in a room.
    pub fn contains(&self, namespace: Namespace, member: Member, room: &[u8]) -> bool {
        match (self.find_member(namespace, member), self.find_room(namespace, Some(room))) {
            (Some(member), Some(room)) => self.find_membership(member, room).is_some(),
            _ => false,
        }
    }

    /// The room with the member's own id ([`enter_as`](Self::enter_as)). `None` if the member has left it.
    pub fn own_room(&self, namespace: Namespace, member: Member) -> Option<&[u8]> {
        let member = self.table.get(self.find_member(namespace, member)?)?;
        self.table.get(member.next).map(|room| self.names.get(room.a))
    }

    /// The number of members in a room, or in the whole namespace for `None`.
    pub fn count(&self, namespace: Namespace, room: Option<&[u8]>) -> usize {
        let count = self.find_room(namespace, room).and_then(|at| self.table.get(at)).map_or(0, |slot| slot.prev);
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// How many rooms `member` is in, that of its own id included ([`enter_as`](Self::enter_as)). Cost: O(1), unlike counting
    /// [`rooms_of`](Self::rooms_of).
    pub fn count_of(&self, namespace: Namespace, member: Member) -> usize {
        let count = self.find_member(namespace, member).and_then(|at| self.table.get(at)).map_or(0, |slot| slot.prev);
        // The namespace is a membership as well.
        usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX)
    }

    /// The rooms of `member`.
    pub fn rooms_of(&self, namespace: Namespace, member: Member) -> impl Iterator<Item = &[u8]> {
        let first = self.find_member(namespace, member).and_then(|at| self.table.get(at)).map(|slot| slot.next_own);
        core::iter::successors(first.and_then(|at| self.table.get(at)), |slot| self.table.get(slot.next_own))
            .filter_map(|membership| self.table.get(membership.b))
            .filter(|room| room.a != EVERYBODY)
            .map(|room| self.names.get(room.a))
    }

    /// Members reached by `target`, without duplicates. It needs `&mut self` because it marks the members that it has returned, so that no set is
    /// needed. Cost: O(members reached and excluded).
    pub fn select<'r>(&'r mut self, namespace: Namespace, target: &Target<'r>) -> Selected<'r, M, B> {
        Selected::new(self, namespace, target)
    }

    /// How many slots and bytes for names there are.
    pub fn size(&self) -> Storage<usize, usize> {
        Storage { slots: usize::try_from(self.table.size()).unwrap_or(usize::MAX), name_bytes: self.names.size() }
    }

    /// Makes the storage longer where it is, to `to.slots` records and `to.name_bytes` bytes; what is that long already stays. Only appends,
    /// with [`Extend`]: a `Vec` moves its content in large blocks at most, and no record is looked at. Cost: O(what is appended), and the
    /// `Vec`'s own growth. Who appends some thousands of slots at a time never waits long, however large the registry is.
    ///
    /// ```
    /// use sansocket::socketio::{Namespace, server::rooms::{Full, Member, Rooms, Storage}};
    ///
    /// let mut rooms = Rooms::new(Storage { slots: Vec::new(), name_bytes: Vec::new() }, [7, 8]);
    /// while let Err(Full { slots, name_bytes }) = rooms.join(Namespace(0), Member(1), b"lobby") {
    ///     rooms.lengthen(Storage { slots: slots + 64, name_bytes: name_bytes + 1024 });
    /// }
    /// assert!(rooms.contains(Namespace(0), Member(1), b"lobby"));
    /// assert_eq!(rooms.count_of(Namespace(0), Member(1)), 1);
    /// while !rooms.leave_some(Namespace(0), Member(1), 16) {} // 16 rooms at a time
    /// ```
    pub fn lengthen(&mut self, to: Storage<usize, usize>)
    where
        M: Extend<RoomSlot>,
        B: Extend<u8>,
    {
        let slots = self.table.slots_mut();
        let more = to.slots.saturating_sub(slots.as_ref().len());
        slots.extend(core::iter::repeat_n(RoomSlot::EMPTY, more));
        let bytes = self.names.bytes_mut();
        let more = to.name_bytes.saturating_sub(bytes.as_ref().len());
        bytes.extend(core::iter::repeat_n(0, more));
    }

    /// Moves everything to `storage`, larger or smaller, and gives the old one back. Cost: one copy of the storage in use when neither part is smaller,
    /// else O(memberships).
    ///
    /// # Errors
    /// Returns the new storage if it is too small. Nothing was changed.
    pub fn replace(&mut self, mut storage: Storage<M, B>) -> Result<Storage<M, B>, Storage<M, B>> {
        let slots = storage.slots.as_mut().len();
        let name_bytes = storage.name_bytes.as_mut().len();
        let own = self.size();
        if slots >= own.slots && name_bytes >= own.name_bytes {
            let slots = self.table.exchange(storage.slots);
            return Ok(Storage { slots, name_bytes: self.names.exchange(storage.name_bytes) });
        }
        if slots < usize::try_from(self.table.used()).unwrap_or(usize::MAX) || name_bytes < self.names.live() {
            return Err(storage);
        }
        let Key(k0, k1) = self.table.key();
        let mut new = Self::new(storage, [k0, k1]);
        for at in self.table.records() {
            if self.table.kind(at) == Kind::Membership
                && let Some(membership) = self.table.get(at)
                && let (Some(member), Some(room)) = (self.table.get(membership.a), self.table.get(membership.b))
            {
                let name = (room.a != EVERYBODY).then(|| self.names.get(room.a));
                let namespace = namespace_of(room.b);
                let _ = new.insert(namespace, Member(member.a), name);
                if member.next == membership.b {
                    new.set_own(namespace, Member(member.a), new.find_room(namespace, name));
                }
            }
        }
        Ok(core::mem::replace(self, new).into_storage())
    }

    /// Returns the storage.
    pub fn into_storage(self) -> Storage<M, B> {
        Storage { slots: self.table.into_slots(), name_bytes: self.names.into_bytes() }
    }
}

fn namespace_of(number: u32) -> Namespace {
    Namespace(u16::try_from(number).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests;
