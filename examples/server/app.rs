//! What the server does with events.

use crate::host::{App, Host, Link, Peer, random, sid};
use sansocket::{
    json::{Args, Raw, Value},
    socketio::{
        self, Attachments, Binary, Content, EventPacket, ExpectAck, HandlerSlot, Handlers, Namespace, Reason,
        SendError,
        server::{
            Event,
            rooms::{Full, Member, RoomSlot, Rooms, Storage, Target},
        },
    },
    ws,
};
use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    rc::Rc,
};
use tokio::sync::Notify;
use tracing::debug;

const NAMES: [&str; 3] = ["/", "/custom", "/denied"];
const DENIED: Namespace = Namespace(2);
/// Milliseconds that a client may take to acknowledge `please-ack`.
const ACK_TIMEOUT: u64 = 30_000;
/// Rooms that one socket may be in, that of its own id included, and bytes of the name of a room.
const MAX_ROOMS: usize = 1000;
const MAX_ROOM_NAME: usize = 256;
/// Slots, and bytes of names, that the registry of rooms grows by at a time: so no growing takes long.
const MORE_SLOTS: usize = 1 << 14;
const MORE_NAME_BYTES: usize = 1 << 18;
/// Rooms that a socket leaves at once when it goes, and that those who are gone leave in one go.
const AT_ONCE: usize = 16;
const SWEEP: usize = 256;

/// Who is here, in which rooms.
pub struct Playground {
    state: RefCell<State>,
    /// What is done with which event.
    handlers: RefCell<Handlers<'static, Handler, Vec<HandlerSlot<'static, Handler>>>>,
    /// Somebody with many rooms is gone.
    gone: Notify,
}

struct State {
    rooms: Rooms<Vec<RoomSlot>, Vec<u8>>,
    peers: HashMap<Member, Rc<Peer>>,
    next: u32,
    /// Those who are gone, and still in rooms.
    leaving: VecDeque<(Namespace, Member)>,
    /// Packets for several receivers are written here once, and then shared.
    scratch: Vec<u8>,
}

/// What the server knows of one connection.
#[derive(Default)]
pub struct Guest {
    /// What it is called in each namespace. Who comes back has another number: the old one may still be leaving its rooms.
    members: [Option<Member>; NAMES.len()],
    /// Where `please-ack` was asked, by token.
    asked: u32,
}

impl Guest {
    fn member(&self, namespace: Namespace) -> Option<Member> {
        self.members.get(usize::from(namespace.0)).copied().flatten()
    }
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
        let namespaces: Vec<Namespace> = link.end.io().namespaces().collect();
        for namespace in namespaces {
            link.say(|io, out| io.disconnect(namespace, out));
            app.left(link, namespace, Reason::ServerNamespaceDisconnect);
        }
        link.end.close(Reason::ForcedServerClose, link.now);
    }),
    ("join", |app, link, e, _| {
        let (Some(member), Some(room)) = (link.guest.member(e.namespace), e.args().next().and_then(text)) else {
            return;
        };
        if app.join(e.namespace, member, room.as_bytes()) {
            acknowledge(link, e, &room.as_str());
        } else {
            acknowledge(link, e, &false);
        }
    }),
    ("leave", |app, link, e, _| {
        let (Some(member), Some(room)) = (link.guest.member(e.namespace), e.args().next().and_then(text)) else {
            return;
        };
        app.state.borrow_mut().rooms.leave(e.namespace, member, room.as_bytes());
        acknowledge(link, e, &room.as_str());
    }),
    ("to-room", |app, link, e, files| {
        let mut args = e.args();
        let (Some(member), Some(room)) = (link.guest.member(e.namespace), args.next().and_then(text)) else { return };
        link.flush();
        let to: [&[u8]; 1] = [room.as_bytes()];
        app.broadcast(e.namespace, &Target::all().to(&to).not(member), "room-message", &Binary(args, files));
    }),
    ("broadcast", |app, link, e, files| {
        let Some(member) = link.guest.member(e.namespace) else { return };
        link.flush();
        app.broadcast(e.namespace, &Target::all().not(member), "broadcast-message", &Binary(e.args(), files));
    }),
    ("transport", |_, link, e, _| {
        acknowledge(link, e, &link.end.link().transport().as_str());
    }),
    ("rooms", |app, link, e, _| {
        let Some(member) = link.guest.member(e.namespace) else { return };
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

    fn start(host: &Rc<Host<Self>>) {
        let host = host.clone();
        tokio::task::spawn_local(async move {
            loop {
                host.app.gone.notified().await;
                while host.app.state.borrow_mut().sweep(SWEEP) {
                    tokio::task::yield_now().await;
                }
            }
        });
    }

    fn page(&self, _: &[u8]) -> Option<(&'static [u8], &'static str)> {
        None
    }

    fn react(&self, link: &mut Link<'_, Self>, event: Event<'_>, attachments: Attachments<'_>) {
        match event {
            Event::Connect { namespace: DENIED, .. } => {
                let data = Value::parse(br#"{"code":7}"#).ok();
                link.say(|io, out| io.refuse(DENIED, "not authorized", data, out));
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
        for namespace in (0..).take(NAMES.len()).map(Namespace) {
            self.left(link, namespace, reason);
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
        let state = State { rooms, peers: HashMap::new(), next: 0, leaving: VecDeque::new(), scratch: vec![0; 4096] };
        Self { state: RefCell::new(state), handlers: RefCell::new(handlers), gone: Notify::new() }
    }

    /// Grants a namespace: the socket is in the room of its own id, and is told its auth.
    fn enter(&self, link: &mut Link<'_, Self>, namespace: Namespace, auth: Option<Value<'_>>) {
        let member = {
            let mut state = self.state.borrow_mut();
            let member = Member(state.next);
            state.next = state.next.wrapping_add(1);
            state.peers.insert(member, link.peer.clone());
            member
        };
        link.guest.members[usize::from(namespace.0)] = Some(member);
        let sid = sid();
        link.accept(namespace, sid);
        self.grow(|rooms| rooms.enter_as(namespace, member, &sid));
        let auth = Raw::trusted(auth.map_or(b"{}", |value| value.raw()));
        link.emit(namespace, "auth", &auth, None);
    }

    /// Whether the socket may be in one more room of this name, and is now.
    fn join(&self, namespace: Namespace, member: Member, room: &[u8]) -> bool {
        let may_join = {
            let state = &mut *self.state.borrow_mut();
            // Nobody joins faster than those who are gone leave.
            state.sweep(2);
            room.len() <= MAX_ROOM_NAME
                && (state.rooms.count_of(namespace, member) < MAX_ROOMS
                    || state.rooms.contains(namespace, member, room))
        };
        may_join && self.grow(|rooms| rooms.join(namespace, member, room))
    }

    fn grow(&self, mut join: impl FnMut(&mut Rooms<Vec<RoomSlot>, Vec<u8>>) -> Result<bool, Full>) -> bool {
        let rooms = &mut self.state.borrow_mut().rooms;
        while let Err(Full { slots, name_bytes }) = join(rooms) {
            if slots.max(name_bytes) > 1 << 29 {
                return false;
            }
            let size = rooms.size();
            let longer = |needed: usize, size, step| if needed > size { needed + needed.min(step) } else { size };
            rooms.lengthen(Storage {
                slots: longer(slots, size.slots, MORE_SLOTS),
                name_bytes: longer(name_bytes, size.name_bytes, MORE_NAME_BYTES),
            });
        }
        true
    }

    /// A client is in a namespace no more. Its rooms are known until here (`disconnecting`).
    fn left(&self, link: &mut Link<'_, Self>, namespace: Namespace, reason: Reason) {
        let Some(member) = link.guest.members.get_mut(usize::from(namespace.0)).and_then(Option::take) else { return };
        let mut state = self.state.borrow_mut();
        debug!(?namespace, rooms = state.rooms.count_of(namespace, member), %reason, "left");
        state.peers.remove(&member);
        if !state.rooms.leave_some(namespace, member, AT_ONCE) {
            state.leaving.push_back((namespace, member));
            self.gone.notify_one();
        }
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
                peer.push(packet.clone());
            }
        }
    }
}

impl State {
    /// Has those who are gone leave some rooms; whether more are left.
    fn sweep(&mut self, most: usize) -> bool {
        if let Some(&(namespace, member)) = self.leaving.front()
            && self.rooms.leave_some(namespace, member, most)
        {
            self.leaving.pop_front();
        }
        !self.leaving.is_empty()
    }
}
