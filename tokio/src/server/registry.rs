//! Who is in a namespace, and in which rooms.

use super::{Socket, adapter::ReplySender, questions::Questions};
use crate::{
    args::Raw,
    sync::{Mutex, MutexGuard},
};
use sansocket::{
    socketio::{
        Namespace, Sid,
        server::rooms::{Full, Member, RoomSlot, Rooms, Storage, Target},
    },
    time::Instant,
};
use std::{collections::VecDeque, sync::PoisonError};
use tokio::sync::oneshot;

/// A registry is of one namespace.
const HERE: Namespace = Namespace(0);
/// Slots, and bytes of names, that it grows by at a time: so no growing takes long.
const MORE_SLOTS: usize = 1 << 12;
const MORE_NAME_BYTES: usize = 1 << 15;
/// Rooms that a socket leaves at once when it goes, and that those who are gone leave in one go.
const AT_ONCE: usize = 16;
const SWEEP: usize = 256;

/// The sockets of a namespace, with their rooms.
///
/// Lock order: this lock, then that of an outbox. Packets are appended under it, so whoever has left a room gets nothing that was sent to it.
#[derive(Debug)]
pub(crate) struct Registry(Mutex<State>);

#[derive(Debug)]
struct State {
    rooms: Rooms<Vec<RoomSlot>, Vec<u8>>,
    sockets: Vec<Option<Socket>>,
    free: Vec<u32>,
    len: usize,
    /// Those who are gone, and still in rooms. Their numbers are not free yet.
    leaving: VecDeque<Member>,
    questions: Questions,
}

/// A set of sockets of one namespace.
///
/// ```
/// use sansocket_tokio::server::adapter::Selection;
///
/// let mut selection = Selection::default(); // everybody
/// selection.rooms.push("lobby".into());
/// assert_eq!((selection.rooms.len(), selection.except.len()), (1, 0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Selection {
    /// The rooms whose members are reached. Empty for the whole namespace. The id of a socket is a room too.
    pub rooms: Vec<String>,
    /// The rooms whose members are not reached. The sender of an event to others is left out by the room of its id.
    pub except: Vec<String>,
}

impl Selection {
    fn with_target<R>(&self, act: impl FnOnce(&Target<'_>) -> R) -> R {
        let to: Vec<&[u8]> = self.rooms.iter().map(String::as_bytes).collect();
        let except: Vec<&[u8]> = self.except.iter().map(String::as_bytes).collect();
        act(&Target::all().to(&to).except(&except))
    }
}

impl Registry {
    pub(crate) fn new(key: [u64; 2]) -> Self {
        let storage = Storage { slots: vec![RoomSlot::EMPTY; 8], name_bytes: vec![0; 128] };
        let rooms = Rooms::new(storage, key);
        Self(Mutex::new(State {
            rooms,
            sockets: Vec::new(),
            free: Vec::new(),
            len: 0,
            leaving: VecDeque::new(),
            questions: Questions::default(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a socket, which is in the room of its own id. Not if it is gone already. `Err`: there are too many.
    pub(crate) fn enter(&self, socket: &Socket, sid: &Sid) -> Result<(), ()> {
        let mut state = self.lock();
        if socket.is_gone() {
            return Ok(());
        }
        let member = state.free.pop().or_else(|| u32::try_from(state.sockets.len()).ok()).map(Member).ok_or(())?;
        if !state.grow(|rooms| rooms.enter_as(HERE, member, sid)) {
            state.free.push(member.0);
            return Err(());
        }
        let at = member.0 as usize;
        if at == state.sockets.len() {
            state.sockets.push(None);
        }
        state.sockets[at] = Some(socket.clone());
        state.len += 1;
        socket.set_member(member);
        Ok(())
    }

    /// Removes a socket, which is gone. Whether it still leaves rooms, and [`sweep`](Self::sweep) is to be called.
    pub(crate) fn leave_all(&self, socket: &Socket) -> bool {
        let mut state = self.lock();
        let Some(member) = socket.take_member() else { return false };
        state.sockets[member.0 as usize] = None;
        state.len -= 1;
        // Before the number is free: it may be asked under it again.
        state.questions.gone(member);
        if state.rooms.leave_some(HERE, member, AT_ONCE) {
            state.free.push(member.0);
            false
        } else {
            state.leaving.push_back(member);
            true
        }
    }

    /// Has those who are gone leave some rooms. Whether more are left.
    pub(crate) fn sweep(&self) -> bool {
        self.lock().sweep(SWEEP)
    }

    /// The sockets that are here.
    pub(crate) fn len(&self) -> usize {
        self.lock().len
    }

    /// Joins a room. `false`: the socket is gone, in as many rooms as it may be, or the name is too long.
    pub(crate) fn join(&self, socket: &Socket, room: &str, max_rooms: usize, max_name: usize) -> bool {
        let mut state = self.lock();
        // Nobody joins faster than those who are gone leave.
        state.sweep(2);
        let Some(member) = socket.member() else { return false };
        state.join(member, room, max_rooms, max_name)
    }

    pub(crate) fn leave(&self, socket: &Socket, room: &str) -> bool {
        let mut state = self.lock();
        socket.member().is_some_and(|member| state.rooms.leave(HERE, member, room.as_bytes()))
    }

    pub(crate) fn rooms_of(&self, socket: &Socket) -> Vec<String> {
        let state = self.lock();
        let Some(member) = socket.member() else { return Vec::new() };
        state.rooms.rooms_of(HERE, member).map(|room| String::from_utf8_lossy(room).into_owned()).collect()
    }

    pub(crate) fn is_in(&self, socket: &Socket, room: &str) -> bool {
        let state = self.lock();
        socket.member().is_some_and(|member| state.rooms.contains(HERE, member, room.as_bytes()))
    }

    /// The number of sockets in a room.
    pub(crate) fn count(&self, room: &str) -> usize {
        let State { rooms, sockets, leaving, .. } = &mut *self.lock();
        if leaving.is_empty() {
            return rooms.count(HERE, Some(room.as_bytes()));
        }
        // Not those who are gone.
        let room = [room.as_bytes()];
        let members = rooms.select(HERE, &Target::all().to(&room));
        members.filter(|member| matches!(sockets.get(member.0 as usize), Some(Some(_)))).count()
    }

    /// Calls `act` with each socket of a selection, under the lock: it may append to an outbox, and do nothing else.
    pub(crate) fn for_each(&self, selection: &Selection, mut act: impl FnMut(&Socket)) {
        self.lock().for_each(selection, |_, socket| act(socket));
    }

    /// Puts a question to the sockets of a selection: `act` appends it, under the lock. The result is ready when the question is over; `None`: it is.
    pub(crate) fn ask(
        &self,
        selection: &Selection,
        id: u64,
        deadline: Instant,
        replies: &ReplySender,
        mut act: impl FnMut(&Socket),
    ) -> Option<oneshot::Receiver<()>> {
        let mut state = self.lock();
        let mut asked = Vec::new();
        state.for_each(selection, |member, socket| asked.push((member, socket.clone())));
        if asked.is_empty() {
            return None;
        }
        replies.expect(asked.len());
        let is_over = state.questions.add(id, deadline, &asked, replies);
        for (_, socket) in &asked {
            act(socket);
        }
        drop(state);
        Some(is_over)
    }

    /// A socket acknowledged something that several were asked.
    pub(crate) fn answered(&self, socket: &Socket, id: u64, answer: impl FnOnce() -> Raw) {
        let mut state = self.lock();
        if let Some(member) = socket.member() {
            state.questions.answered(member, id, answer);
        }
    }

    /// The time for a question is over.
    pub(crate) fn end_question(&self, id: u64) {
        self.lock().questions.end(id);
    }

    /// The sockets of a selection.
    pub(crate) fn select(&self, selection: &Selection) -> Vec<Socket> {
        let mut selected = Vec::new();
        self.for_each(selection, |socket| selected.push(socket.clone()));
        selected
    }

    /// Has the sockets of a selection join a room.
    pub(crate) fn join_selected(&self, selection: &Selection, room: &str, max_rooms: usize, max_name: usize) {
        let mut state = self.lock();
        for member in state.members(selection) {
            state.join(member, room, max_rooms, max_name);
        }
    }

    /// Has the sockets of a selection leave a room.
    pub(crate) fn leave_selected(&self, selection: &Selection, room: &str) {
        let mut state = self.lock();
        for member in state.members(selection) {
            state.rooms.leave(HERE, member, room.as_bytes());
        }
    }
}

impl State {
    fn for_each(&mut self, selection: &Selection, mut act: impl FnMut(Member, &Socket)) {
        let Self { rooms, sockets, .. } = self;
        selection.with_target(|target| {
            for member in rooms.select(HERE, target) {
                // Those who are gone may still be in rooms.
                if let Some(Some(socket)) = sockets.get(member.0 as usize) {
                    act(member, socket);
                }
            }
        });
    }

    fn members(&mut self, selection: &Selection) -> Vec<Member> {
        let mut members = Vec::new();
        self.for_each(selection, |member, _| members.push(member));
        members
    }

    fn join(&mut self, member: Member, room: &str, max_rooms: usize, max_name: usize) -> bool {
        let room = room.as_bytes();
        let may_join = room.len() <= max_name
            && (self.rooms.count_of(HERE, member) < max_rooms || self.rooms.contains(HERE, member, room));
        may_join && self.grow(|rooms| rooms.join(HERE, member, room))
    }

    fn sweep(&mut self, most: usize) -> bool {
        if let Some(&member) = self.leaving.front()
            && self.rooms.leave_some(HERE, member, most)
        {
            self.leaving.pop_front();
            self.free.push(member.0);
        }
        !self.leaving.is_empty()
    }

    fn grow(&mut self, mut join: impl FnMut(&mut Rooms<Vec<RoomSlot>, Vec<u8>>) -> Result<bool, Full>) -> bool {
        while let Err(Full { slots, name_bytes }) = join(&mut self.rooms) {
            if slots.max(name_bytes) > 1 << 29 {
                return false;
            }
            let size = self.rooms.size();
            let longer = |needed: usize, size, step| if needed > size { needed + needed.min(step) } else { size };
            self.rooms.lengthen(Storage {
                slots: longer(slots, size.slots, MORE_SLOTS),
                name_bytes: longer(name_bytes, size.name_bytes, MORE_NAME_BYTES),
            });
        }
        true
    }
}
