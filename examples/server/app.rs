//! What the server does with events.

use crate::host::{App, Link, Peer, random, sid};
use sansocket::json::{Args, Raw, Value};
use sansocket::{
    socketio::{
        self, Attachments, Binary, Content, EventPacket, ExpectAck, Flags, HandlerSlot, Handlers, Namespace, Reason,
        SendError,
        server::{
            Event,
            rooms::{Full, Member, RoomSlot, Rooms, Storage, Target},
        },
    },
    ws,
};
use std::{cell::RefCell, collections::HashMap, rc::Rc};
use tracing::debug;

const NAMES: [&str; 3] = ["/", "/custom", "/denied"];
const DENIED: Namespace = Namespace(2);
/// Milliseconds that a client may take to acknowledge `please-ack`.
const ACK_TIMEOUT: u64 = 30_000;
/// Rooms that one socket may be in, and bytes of the name of a room.
const MAX_ROOMS: usize = 200;
const MAX_ROOM_NAME: usize = 8192;

/// Who is here, in which rooms.
pub struct Playground {
    state: RefCell<State>,
    /// What is done with which event.
    handlers: RefCell<Handlers<'static, Handler, Vec<HandlerSlot<'static, Handler>>>>,
}

struct State {
    rooms: Rooms<Vec<RoomSlot>, Vec<u8>>,
    peers: HashMap<Member, Rc<Peer>>,
    next: u32,
    /// Packets for several receivers are written here once, and then shared.
    scratch: Vec<u8>,
}

/// What the server knows of one connection.
#[derive(Default)]
pub struct Guest {
    member: Option<Member>,
    /// Where `please-ack` was asked, by token.
    asked: u32,
}

type Handler = fn(&Playground, &mut Link<'_, Playground>, &EventPacket<'_>, Attachments<'_>);

const HANDLERS: [(&str, Handler); 11] = [
    ("message", |_, link, e, files| link.emit(e.namespace, "message-back", &Binary(e.args(), files), None)),
    ("message-with-ack", |_, link, e, files| acknowledge(link, e, &Binary(e.args(), files))),
    ("ask-ack", |_, link, e, files| {
        link.guest.asked = link.guest.asked.wrapping_add(1);
        let deadline = Some(link.now.after_millis(ACK_TIMEOUT));
        let expect = ExpectAck { token: link.guest.asked, deadline };
        link.emit(e.namespace, "please-ack", &Binary(e.args(), files), Some(expect));
    }),
    ("server-disconnect", |app, link, e, _| {
        link.say(|io, out| io.disconnect(e.namespace, out));
        app.left(link, e.namespace, Reason::ServerNamespaceDisconnect);
    }),
    ("server-close", |app, link, _, _| {
        let namespaces: Vec<Namespace> = link.namespaces();
        link.close();
        for namespace in namespaces {
            app.left(link, namespace, Reason::ServerNamespaceDisconnect);
        }
    }),
    ("join", |app, link, e, _| {
        let (Some(member), Some(room)) = (link.guest.member, e.args().next().and_then(text)) else { return };
        if app.join(e.namespace, member, room.as_bytes()) {
            acknowledge(link, e, &room.as_str());
        } else {
            acknowledge(link, e, &false);
        }
    }),
    ("leave", |app, link, e, _| {
        let (Some(member), Some(room)) = (link.guest.member, e.args().next().and_then(text)) else { return };
        app.state.borrow_mut().rooms.leave(e.namespace, member, room.as_bytes());
        acknowledge(link, e, &room.as_str());
    }),
    ("to-room", |app, link, e, files| {
        let mut args = e.args();
        let (Some(member), Some(room)) = (link.guest.member, args.next().and_then(text)) else { return };
        link.flush();
        let to: [&[u8]; 1] = [room.as_bytes()];
        app.broadcast(e.namespace, &Target::all().to(&to).not(member), "room-message", &Binary(args, files));
    }),
    ("broadcast", |app, link, e, files| {
        let Some(member) = link.guest.member else { return };
        link.flush();
        app.broadcast(e.namespace, &Target::all().not(member), "broadcast-message", &Binary(e.args(), files));
    }),
    ("transport", |_, link, e, _| {
        acknowledge(link, e, &link.end.link().transport().as_str());
    }),
    ("rooms", |app, link, e, _| {
        let Some(member) = link.guest.member else { return };
        let state = app.state.borrow();
        let rooms: Vec<String> =
            state.rooms.rooms_of(e.namespace, member).map(|r| String::from_utf8_lossy(r).into_owned()).collect();
        acknowledge(link, e, &sansocket::json::Json(&rooms));
    }),
];

fn acknowledge(link: &mut Link<'_, Playground>, e: &EventPacket<'_>, content: &impl Content) {
    if let Some(request) = e.ack {
        link.say(|io, out| io.ack(request, content, out));
    }
}

/// The string that a value is.
fn text(value: Value<'_>) -> Option<String> {
    Some(value.as_str()?.chars().collect())
}

impl App for Playground {
    type Names = [&'static str; 3];
    type Guest = Guest;

    fn names(&self) -> Self::Names {
        NAMES
    }

    fn page(&self, _: &[u8]) -> Option<(&'static [u8], &'static str)> {
        None
    }

    fn react(&self, link: &mut Link<'_, Self>, event: Event<'_>, attachments: Attachments<'_>) {
        match event {
            Event::Connect { namespace: DENIED, .. } => {
                link.refuse(DENIED, "not authorized", Value::parse(br#"{"code":7}"#).ok());
            }
            Event::Connect { namespace, auth } => self.enter(link, namespace, auth),
            Event::UnknownNamespace { name } => link.say(|io, out| io.refuse_unknown(name, out)),
            Event::Event(e) => {
                let mut call = self.handlers.borrow().call();
                loop {
                    // Not borrowed while a handler runs: it may add and remove some.
                    let handler = self.handlers.borrow_mut().next(&mut call, &e);
                    let Some(handler) = handler else { break };
                    handler(self, link, &e, attachments);
                }
            }
            Event::Ack(answer) if answer.token.is_some() => {
                link.emit(answer.namespace, "ack-was", &Binary(answer.args(), attachments), None);
            }
            Event::AckFailed { token, error, .. } => debug!(token, ?error, "not acknowledged"),
            Event::Disconnected { namespace, reason } => self.left(link, namespace, reason),
            _ => {}
        }
    }

    fn closed(&self, link: &mut Link<'_, Self>, reason: Reason) {
        let namespaces: Vec<Namespace> = link.namespaces();
        for namespace in namespaces {
            self.left(link, namespace, reason);
        }
        if let Some(member) = link.guest.member {
            self.state.borrow_mut().peers.remove(&member);
        }
    }
}

impl Playground {
    pub fn new() -> Self {
        let mut handlers = Handlers::new(vec![const { HandlerSlot::EMPTY }; HANDLERS.len()]);
        for (name, handler) in HANDLERS {
            handlers.on(name, handler).expect("a slot for each");
        }
        let storage = Storage { slots: vec![RoomSlot::EMPTY; 64], name_bytes: vec![0; 1024] };
        let rooms = Rooms::new(storage, [random(), random()].map(u64::from_le_bytes));
        let state = State { rooms, peers: HashMap::new(), next: 0, scratch: vec![0; 4096] };
        Self { state: RefCell::new(state), handlers: RefCell::new(handlers) }
    }

    /// Grants a namespace: the socket is in the room of its own id, and is told its auth.
    fn enter(&self, link: &mut Link<'_, Self>, namespace: Namespace, auth: Option<Value<'_>>) {
        let member = match link.guest.member {
            Some(member) => member,
            None => {
                let mut state = self.state.borrow_mut();
                let member = Member(state.next);
                state.next = state.next.wrapping_add(1);
                state.peers.insert(member, link.peer.clone());
                *link.guest = Guest { member: Some(member), ..Guest::default() };
                member
            }
        };
        let sid = sid();
        link.accept(namespace, sid);
        self.grow(|rooms| rooms.enter_as(namespace, member, &sid));
        let auth = Raw::trusted(auth.map_or(b"{}", |value| value.raw()));
        link.emit(namespace, "auth", &auth, None);
    }

    /// Whether the socket may be in one more room of this name, and is now.
    fn join(&self, namespace: Namespace, member: Member, room: &[u8]) -> bool {
        let is_full = {
            let rooms = &self.state.borrow().rooms;
            let mut others = 0;
            rooms.rooms_of(namespace, member).filter(|r| **r != *room).for_each(|_| others += 1);
            room.len() > MAX_ROOM_NAME || others >= MAX_ROOMS
        };
        !is_full && self.grow(|rooms| rooms.join(namespace, member, room))
    }

    fn grow(&self, mut join: impl FnMut(&mut Rooms<Vec<RoomSlot>, Vec<u8>>) -> Result<bool, Full>) -> bool {
        let rooms = &mut self.state.borrow_mut().rooms;
        while let Err(Full { slots, name_bytes }) = join(rooms) {
            // The registry grows by doubling, as a `Vec` does.
            let larger = |(slots, name_bytes): (usize, usize)| {
                let slots = vec![RoomSlot::EMPTY; slots.checked_mul(2)?];
                Some(Storage { slots, name_bytes: vec![0; name_bytes.checked_mul(2).filter(|n| *n < 1 << 30)?] })
            };
            let Some(storage) = larger((slots, name_bytes)) else { return false };
            if rooms.replace(storage).is_err() {
                return false;
            }
        }
        true
    }

    /// A client is in a namespace no more. Its rooms are known until here (`disconnecting`).
    fn left(&self, link: &mut Link<'_, Self>, namespace: Namespace, reason: Reason) {
        let Some(member) = link.guest.member else { return };
        let mut state = self.state.borrow_mut();
        debug!(?namespace, rooms = state.rooms.rooms_of(namespace, member).count(), %reason, "left");
        state.rooms.leave_all(namespace, member);
    }

    /// To all whom `target` reaches: encoded and framed once.
    fn broadcast<A: Args>(&self, namespace: Namespace, target: &Target<'_>, name: &str, payload: &Binary<'_, A>) {
        let State { rooms, peers, scratch, .. } = &mut *self.state.borrow_mut();
        let packet: Rc<[u8]> = loop {
            let mut out = ws::Out::stored(scratch);
            match socketio::server::broadcast(&NAMES, namespace, name, payload, None, &mut out) {
                Ok(()) => break out.written().into(),
                Err(SendError::Capacity(e)) => scratch.resize(e.needed, 0),
                Err(e) => return debug!("not sent: {e}"),
            }
        };
        for member in rooms.select(namespace, target) {
            if let Some(peer) = peers.get(&member) {
                peer.push(packet.clone(), Flags::NONE);
            }
        }
    }
}
