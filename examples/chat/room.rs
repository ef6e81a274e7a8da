//! The room: who is here, what was said, and how it reaches everybody.

use sansocket_tokio::{
    args::Raw,
    server::{Config, Namespace, Reason, Server, Socket},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tracing::debug;

/// Characters of a name and of a message.
const MAX_NAME: usize = 40;
const MAX_MESSAGE: usize = 2000;
/// Names in a list of who is here; beyond it the number must do.
const MAX_LISTED: usize = 100;
/// The list of who is here, and the history for those who were here before, are told at most this often.
const ANNOUNCE_EVERY: Duration = Duration::from_millis(50);

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    name: String,
    message: String,
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

/// A socket's place in the list of names.
struct Guest(u64);

/// What all sockets share. Packets are sent under the lock, so everybody gets them in one order.
struct Room {
    io: Namespace,
    state: Mutex<State>,
    /// Messages that newcomers are shown, and the bytes that they may have together.
    history: usize,
    history_bytes: usize,
}

#[derive(Default)]
struct State {
    history: VecDeque<Said>,
    /// Bytes of the history as JSON.
    history_size: usize,
    /// Those who said who they are, in the order in which they came.
    names: BTreeMap<u64, String>,
    guests: u64,
    is_history_due: bool,
    is_announcing: bool,
}

/// A server with the room. `history_bytes` is for the history as JSON.
pub fn server(config: Config, history: usize, history_bytes: usize) -> Server {
    let io = Server::new(config);
    let room = Arc::new(Room { io: io.of("/"), state: Mutex::default(), history, history_bytes });
    // The acknowledgement is whether the event was good.
    let on = |event, act: fn(&Arc<Room>, &Socket, &Raw) -> bool| {
        let room = room.clone();
        io.on(event, move |socket: Socket, args: Raw| {
            let is_good = args.files.is_empty() && act(&room, &socket, &args);
            if !is_good {
                debug!(event, "ignored");
            }
            is_good
        });
    };
    on("sendMessage", |room, socket, args| args.parse().is_ok_and(|said| room.say(socket, said)));
    on("user-name", |room, socket, args| args.parse().is_ok_and(|name: String| room.name(socket, name.trim())));
    on("typing", |room, socket, args| args.parse().map(|typing| room.typing(socket, typing)).is_ok());
    let here = room.clone();
    io.on_connect(move |socket: Socket| here.enter(&socket));
    io.on_disconnect(move |socket: Socket, _: Reason| room.leave(&socket));
    io
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody connected: everybody is told the history, the newcomer at once, the others with the next announcement.
    fn enter(self: &Arc<Self>, socket: &Socket) {
        let mut state = self.lock();
        state.guests += 1;
        socket.data().insert(Guest(state.guests));
        // Who is gone already has no use for it.
        let _ = socket.emit("allMessage", (&state.history,));
        state.is_history_due = true;
        self.announce_soon(&mut state);
    }

    /// Somebody went.
    fn leave(self: &Arc<Self>, socket: &Socket) {
        let mut state = self.lock();
        let Some(guest) = socket.data().get::<Guest>() else { return };
        if let Some(name) = state.names.remove(&guest.0) {
            let _ = self.io.emit("globalMsg", format!("{name} left the chat"));
            self.announce_soon(&mut state);
        }
    }

    /// A user sets their name. `false`: the name is empty or too long.
    fn name(self: &Arc<Self>, socket: &Socket, name: &str) -> bool {
        let (false, Some(guest)) = (name.is_empty() || !fits(name, MAX_NAME), socket.data().get::<Guest>()) else {
            return false;
        };
        let mut state = self.lock();
        let news = match state.names.insert(guest.0, name.to_owned()) {
            None => format!("{name} joined the chat"),
            Some(old) if old == name => return true,
            Some(old) => format!("{old} is now {name}"),
        };
        let _ = socket.broadcast().emit("globalMsg", news);
        self.announce_soon(&mut state);
        true
    }

    /// A user sends a message. `false`: it is empty or too long.
    fn say(&self, socket: &Socket, mut said: Said) -> bool {
        said.name = said.name.trim().to_owned();
        let is_there = !said.name.is_empty() && !said.message.trim().is_empty();
        if !is_there || !fits(&said.name, MAX_NAME) || !fits(&said.message, MAX_MESSAGE) {
            let _ = socket.emit("notice", "That message is empty or too long.");
            return false;
        }
        let mut state = self.lock();
        let _ = self.io.emit("newMessage", &said);
        state.history_size += said.size();
        state.history.push_back(said);
        while state.history.len() > self.history || state.history_size > self.history_bytes {
            let Some(oldest) = state.history.pop_front() else { break };
            state.history_size -= oldest.size();
        }
        true
    }

    /// Somebody types, or stopped.
    fn typing(&self, socket: &Socket, typing: bool) {
        let Some(guest) = socket.data().get::<Guest>() else { return };
        if let Some(name) = self.lock().names.get(&guest.0) {
            let _ = socket.broadcast().emit("typing", Typing { name, typing });
        }
    }

    /// Tells who is here, once for many arrivals.
    fn announce_soon(self: &Arc<Self>, state: &mut State) {
        if std::mem::replace(&mut state.is_announcing, true) {
            return;
        }
        let room = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(ANNOUNCE_EVERY).await;
            room.announce();
        });
    }

    fn announce(&self) {
        let mut state = self.lock();
        state.is_announcing = false;
        if std::mem::take(&mut state.is_history_due) {
            let _ = self.io.emit("allMessage", (&state.history,));
        }
        let names = state.names.values().map(String::as_str).take(MAX_LISTED).collect();
        let _ = self.io.emit("users", Users { count: state.names.len(), names });
    }
}

fn fits(text: &str, max: usize) -> bool {
    text.len() <= 4 * max && text.chars().count() <= max
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
