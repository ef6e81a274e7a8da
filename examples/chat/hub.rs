//! The room: who is here, what was said, and how it reaches everybody.

use crate::host::{Peer, random};
use sansocket::{
    json::{Args, Json},
    socketio::{
        self, Namespace, SendError,
        server::rooms::{Full, Member, RoomSlot, Rooms, Storage, Target},
    },
    ws,
};
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Duration};
use tokio::sync::Notify;

/// The only namespace.
pub const NAMES: [&str; 1] = ["/"];
pub const ROOT: Namespace = Namespace(0);

/// Characters of a name and of a message.
pub const MAX_NAME: usize = 40;
pub const MAX_MESSAGE: usize = 2000;
/// Names in a list of who is here; beyond it the number must do.
const MAX_LISTED: usize = 100;
/// The list of who is here, and the history for those who were here before, are told at most this often.
const ANNOUNCE_EVERY: Duration = Duration::from_millis(50);

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub name: String,
    pub message: String,
}

impl Said {
    /// Bytes in a list, as JSON.
    fn size(&self) -> usize {
        let size = |c: char| match c {
            '\0'..='\x1f' => 6,
            '"' | '\\' => 2,
            c => c.len_utf8(),
        };
        let escaped = |text: &str| text.chars().map(size).sum::<usize>();
        escaped(&self.name) + escaped(&self.message) + r#"{"name":"","message":""},"#.len()
    }
}

#[derive(Serialize)]
struct Users<'n> {
    count: usize,
    names: Vec<&'n str>,
}

#[derive(Serialize)]
struct Typing<'n> {
    name: &'n str,
    typing: bool,
}

/// All that the connections share.
pub struct Hub {
    room: RefCell<Room>,
    /// Messages that newcomers are shown, and the bytes that they may have together.
    history: usize,
    history_bytes: usize,
    announce: Notify,
}

struct Room {
    rooms: Rooms<Vec<RoomSlot>, Vec<u8>>,
    guests: Vec<Option<Guest>>,
    free: Vec<u32>,
    history: VecDeque<Said>,
    /// Bytes of the history as JSON.
    history_size: usize,
    /// Packets are written here once, and then shared.
    scratch: Vec<u8>,
    is_history_due: bool,
    are_users_due: bool,
}

struct Guest {
    peer: Rc<Peer>,
    name: Option<String>,
}

impl Hub {
    /// A newcomer may be told the history twice before the first is read, and must not count as slow for that: it takes a quarter of a
    /// receiver's queue of `max_queue` bytes at most.
    pub fn new(history: usize, max_queue: usize) -> Self {
        let storage = Storage { slots: vec![RoomSlot::EMPTY; 64], name_bytes: Vec::new() };
        let room = Room {
            rooms: Rooms::new(storage, [random(), random()].map(u64::from_le_bytes)),
            guests: Vec::new(),
            free: Vec::new(),
            history: VecDeque::new(),
            history_size: 0,
            scratch: vec![0; 4096],
            is_history_due: false,
            are_users_due: false,
        };
        Self { room: RefCell::new(room), history, history_bytes: max_queue / 4, announce: Notify::new() }
    }

    /// Somebody connected: everybody is told the history.
    pub fn enter(&self, peer: &Rc<Peer>) -> Member {
        let mut room = self.room.borrow_mut();
        let guest = Some(Guest { peer: peer.clone(), name: None });
        let member = match room.free.pop() {
            Some(at) => {
                room.guests[at as usize] = guest;
                Member(at)
            }
            None => {
                room.guests.push(guest);
                Member(u32::try_from(room.guests.len() - 1).expect("connections are limited"))
            }
        };
        while let Err(Full { slots, name_bytes }) = room.rooms.enter(ROOT, member) {
            // The registry grows by doubling, as a `Vec` does.
            let larger = Storage { slots: vec![RoomSlot::EMPTY; slots * 2], name_bytes: vec![0; name_bytes] };
            if room.rooms.replace(larger).is_err() {
                break;
            }
        }
        // The newcomer at once, the others with the next announcement.
        let Room { scratch, history, .. } = &mut *room;
        let frames = frames(scratch, "allMessage", &Json(&*history));
        peer.push(frames);
        room.is_history_due = true;
        room.are_users_due = true;
        self.announce.notify_one();
        member
    }

    /// Somebody went.
    pub fn leave(&self, member: Member) {
        let mut room = self.room.borrow_mut();
        room.rooms.leave_all(ROOT, member);
        let guest = room.guests.get_mut(member.0 as usize).and_then(Option::take);
        room.free.push(member.0);
        if let Some(name) = guest.and_then(|g| g.name) {
            self.broadcast(&mut room, "globalMsg", &format!("{name} left the chat").as_str(), None);
            room.are_users_due = true;
            self.announce.notify_one();
        }
    }

    /// Somebody says who they are; `false` for a name that is none.
    pub fn name(&self, member: Member, name: &str) -> bool {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME {
            return false;
        }
        let mut room = self.room.borrow_mut();
        let Some(Some(guest)) = room.guests.get_mut(member.0 as usize) else { return false };
        let news = match guest.name.replace(name.to_owned()) {
            None => format!("{name} joined the chat"),
            Some(old) if old == name => return true,
            Some(old) => format!("{old} is now {name}"),
        };
        self.broadcast(&mut room, "globalMsg", &news.as_str(), Some(member));
        room.are_users_due = true;
        self.announce.notify_one();
        true
    }

    /// Somebody says something; `false` for what is too long or nothing.
    pub fn say(&self, mut said: Said) -> bool {
        let trimmed = said.name.trim();
        if trimmed.len() < said.name.len() {
            said.name = trimmed.to_owned();
        }
        let fits = |text: &str, max| text.len() <= 4 * max && text.chars().count() <= max;
        if said.name.is_empty() || said.message.trim().is_empty() {
            return false;
        }
        if !fits(&said.name, MAX_NAME) || !fits(&said.message, MAX_MESSAGE) {
            return false;
        }
        let mut room = self.room.borrow_mut();
        self.broadcast(&mut room, "newMessage", &Json(&said), None);
        room.history_size += said.size();
        room.history.push_back(said);
        while room.history.len() > self.history || room.history_size > self.history_bytes {
            let Some(oldest) = room.history.pop_front() else { break };
            room.history_size -= oldest.size();
        }
        true
    }

    /// Somebody types, or stopped.
    pub fn typing(&self, member: Member, typing: bool) {
        let mut room = self.room.borrow_mut();
        let Some(Some(Guest { name: Some(name), .. })) = room.guests.get(member.0 as usize) else { return };
        let name = name.clone();
        self.broadcast(&mut room, "typing", &Json(Typing { name: &name, typing }), Some(member));
    }

    /// One message to one connection.
    pub fn notice(&self, peer: &Rc<Peer>, text: &str) {
        let mut room = self.room.borrow_mut();
        let frames = frames(&mut room.scratch, "notice", &text);
        peer.push(frames);
    }

    /// To everybody but `not`: encoded and framed once.
    fn broadcast(&self, room: &mut Room, event: &str, args: &impl Args, not: Option<Member>) {
        let frames = frames(&mut room.scratch, event, args);
        let Room { rooms, guests, .. } = room;
        let target = not.map_or(Target::all(), |member| Target::all().not(member));
        for member in rooms.select(ROOT, &target) {
            if let Some(Some(guest)) = guests.get(member.0 as usize) {
                guest.peer.push(frames.clone());
            }
        }
    }

    /// The task that tells what changed, for many arrivals at a time.
    pub async fn announce(&self) {
        loop {
            self.announce.notified().await;
            tokio::time::sleep(ANNOUNCE_EVERY).await;
            let mut room = self.room.borrow_mut();
            let room = &mut *room;
            if std::mem::take(&mut room.is_history_due) {
                let history = std::mem::take(&mut room.history);
                self.broadcast(room, "allMessage", &Json(&history), None);
                room.history = history;
            }
            if std::mem::take(&mut room.are_users_due) {
                let guests = std::mem::take(&mut room.guests);
                let named = || guests.iter().flatten().filter_map(|g| g.name.as_deref());
                let users = Users { count: named().count(), names: named().take(MAX_LISTED).collect() };
                let frames = frames(&mut room.scratch, "users", &Json(&users));
                room.guests = guests;
                for guest in room.guests.iter().flatten() {
                    guest.peer.push(frames.clone());
                }
            }
        }
    }
}

/// An event as the frame that every receiver gets.
fn frames(scratch: &mut Vec<u8>, event: &str, args: &impl Args) -> Rc<[u8]> {
    loop {
        let mut out = ws::Out::stored(scratch);
        match socketio::server::broadcast(&NAMES, ROOT, event, args, None, &mut out) {
            Ok(()) => return out.written().into(),
            Err(SendError::Capacity(e)) => {
                // The need is the least that helps for what serde writes: so at least double.
                let larger = e.needed.max(scratch.len() * 2);
                scratch.resize(larger, 0);
            }
            Err(e) => unreachable!("{event} is sent to a namespace that there is: {e}"),
        }
    }
}
