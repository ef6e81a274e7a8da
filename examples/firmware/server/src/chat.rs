//! A chat with rooms over Socket.IO.
//!
//! | the browser sends | the board does |
//! |---|---|
//! | `join`, name, room | leaves the room before, tells the others `joined`, name, count; acknowledges with how many are there |
//! | `say`, text | tells all in the room `said`, name, text; acknowledges with `true` |
//! | another event | acknowledges with its arguments |
//!
//! When a guest goes, the others are told `left`, name, count. Texts are passed on as they are in JSON, so nothing is unescaped.

use crate::server::{MESSAGE, PACKET, Sockets};
use sansocket::{
    endpoint::{ServerEnd, ServerLink, Step},
    engineio::{self, Transport, server::Config},
    json::{Raw, Value},
    socketio::{
        AckSlot, Collector, Content, EventPacket, Namespace, Sid,
        server::{
            Event, Limits, Session, broadcast,
            rooms::{Member, RoomSlot, Rooms, Storage, Target},
        },
    },
    time::Instant,
    ws::{self, Inbox, Out},
};

const NAMES: [&str; 1] = ["/"];
const ROOT: Namespace = Namespace(0);

/// The longest name of a guest or room in JSON, with its quotes.
const NAME: usize = 64;

/// To join the namespace.
const CONNECT_MS: u64 = 10_000;
/// A guest who is gone without a word is noticed after the sum.
const PING_MS: u32 = 10_000;
const PONG_MS: u32 = 10_000;

/// What a machine owes has never more bytes.
const OWED: usize = 256;

/// Who is in which room.
pub struct Chat {
    rooms: Rooms<[RoomSlot; 24], [u8; 512]>,
    random: fn(&mut [u8]),
}

type End = ServerEnd<[&'static str; 1], [AckSlot; 0]>;

/// One connection.
pub struct Guest {
    end: End,
    name: Name,
    room: Name,
}

/// A string as it is in JSON. Empty: there is none.
#[derive(Clone, Copy)]
struct Name([u8; NAME], usize);

impl Name {
    const NONE: Self = Self([0; NAME], 0);

    /// `None`: it is no string, or is empty or too long.
    fn of(value: Value<'_>) -> Option<Self> {
        let text = value.as_str().map(|_| value.raw()).filter(|text| text.len() > 2)?;
        let mut bytes = [0; NAME];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self(bytes, text.len()))
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.get(..self.1).unwrap_or_default()
    }

    fn json(&self) -> Raw<'_> {
        Raw::trusted(self.as_bytes())
    }
}

impl Chat {
    pub fn new(random: fn(&mut [u8])) -> Self {
        let mut key = [[0; 8]; 2];
        random(key.as_flattened_mut());
        let storage = Storage { slots: [RoomSlot::EMPTY; 24], name_bytes: [0; 512] };
        Self { rooms: Rooms::new(storage, key.map(u64::from_le_bytes)), random }
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.random)(&mut bytes);
        bytes
    }

    /// A new connection.
    pub fn guest(&self, now: Instant) -> Guest {
        let config = Config::new().ping_interval(PING_MS).ping_timeout(PONG_MS).max_payload(MESSAGE);
        let limits = ws::Limits::new().message(MESSAGE.into());
        let sid = engineio::Sid::from_random(self.random());
        let link = ServerLink::open(Transport::WebSocket, sid, config, limits, now);
        let session = Session::new(NAMES, [], now.after_millis(CONNECT_MS)).with_limits(Limits::new().attachments(0));
        Guest { end: ServerEnd::with_session(link, session), name: Name::NONE, room: Name::NONE }
    }

    /// Does for a guest what does not have to wait. `true`: the connection is over, and the last was sent.
    ///
    /// Nothing is read while somebody has no room for a packet more. So nothing is lost, and the slowest in the chat sets its pace.
    pub fn turn<S: AsMut<[u8]>>(
        &mut self,
        at: usize,
        guest: &mut Guest,
        inbox: &mut Inbox<S>,
        net: &mut impl Sockets,
        now: Instant,
        out: &mut [u8],
    ) -> bool {
        let mut files = Collector::new([]);
        loop {
            let is_clear = net.room(at) >= PACKET
                && self.rooms.select(ROOT, &Target::all()).all(|Member(to)| net.room(to as usize) >= PACKET);
            let step = if is_clear { guest.end.poll(inbox, &mut files, now) } else { Ok(Step::Idle) };
            let step = match step {
                Ok(Step::Idle) => guest.end.handle_timeout(now),
                Ok(step) => step,
                // A message within the limit always fits.
                Err(_) => return true,
            };
            match step {
                Step::Event(event, _) => self.handle(at, guest, event, net, out),
                Step::Again => {}
                Step::Closed(_) => self.leave(at, guest, net, out),
                Step::Idle if net.room(at) < OWED => return false,
                Step::Idle => match guest.end.transmit(out) {
                    Ok(n @ 1..) => drop(net.send(at, out.get(..n).unwrap_or_default())),
                    _ if guest.end.link().is_over() => return true,
                    _ if is_clear && net.has_ended(at) => guest.end.link_mut().handle_eof(),
                    _ => return false,
                },
            }
        }
    }

    fn handle(&mut self, at: usize, guest: &mut Guest, event: Event<'_>, net: &mut impl Sockets, out: &mut [u8]) {
        let mut reply = Out::stored(&mut *out);
        let io = guest.end.io();
        let _ = match event {
            Event::Connect { namespace, .. } => {
                let _ = self.rooms.enter(ROOT, Member(at as u32));
                io.accept(namespace, Sid::from_random(self.random()), &mut reply)
            }
            Event::UnknownNamespace { name } => io.refuse_unknown(name, &mut reply),
            Event::Event(event) if event.is("join") => return self.join(at, guest, &event, net, out),
            Event::Event(event) if event.is("say") => return self.say(at, guest, &event, net, out),
            Event::Event(event) => match event.ack {
                Some(request) => io.ack(request, &event.args(), &mut reply),
                None => Ok(()),
            },
            Event::Disconnected { .. } => return self.leave(at, guest, net, out),
            _ => Ok(()),
        };
        net.send(at, reply.written());
    }

    fn join(&mut self, at: usize, guest: &mut Guest, event: &EventPacket<'_>, net: &mut impl Sockets, out: &mut [u8]) {
        let mut names = event.args().map(Name::of);
        let (Some(Some(name)), Some(Some(room))) = (names.next(), names.next()) else {
            return acknowledge(
                at,
                guest,
                event,
                &"Say who you are and which room, each in at most 60 bytes.",
                net,
                out,
            );
        };
        self.leave_room(at, guest, net, out);
        if self.rooms.join(ROOT, Member(at as u32), room.as_bytes()).is_err() {
            return acknowledge(at, guest, event, &"There is no room.", net, out);
        }
        (guest.name, guest.room) = (name, room);
        let count = self.count(&room);
        self.tell(at, guest, "joined", &(guest.name.json(), count), net, out);
        acknowledge(at, guest, event, &count, net, out);
    }

    fn say(&mut self, at: usize, guest: &mut Guest, event: &EventPacket<'_>, net: &mut impl Sockets, out: &mut [u8]) {
        let text = event.args().next().filter(|text| text.as_str().is_some());
        let is_said = match text {
            Some(text) if guest.room.1 > 0 => {
                self.tell(LINE_NONE, guest, "said", &(guest.name.json(), text), net, out);
                true
            }
            _ => false,
        };
        acknowledge(at, guest, event, &is_said, net, out);
    }

    /// Tells all in the guest's room, but not the one of the line `but`. The packet is written once.
    fn tell(
        &mut self,
        but: usize,
        guest: &Guest,
        name: &str,
        content: &impl Content,
        net: &mut impl Sockets,
        out: &mut [u8],
    ) {
        let mut packet = Out::stored(out);
        if broadcast(&NAMES, ROOT, name, content, None, &mut packet).is_err() {
            return;
        }
        let room = [guest.room.as_bytes()];
        for Member(to) in self.rooms.select(ROOT, &Target::all().to(&room).not(Member(but as u32))) {
            // A half packet would break the link. This is one of the few that are sent without a look at the room: somebody left.
            if net.room(to as usize) >= packet.written().len() {
                net.send(to as usize, packet.written());
            }
        }
    }

    fn leave_room(&mut self, at: usize, guest: &mut Guest, net: &mut impl Sockets, out: &mut [u8]) {
        if self.rooms.leave(ROOT, Member(at as u32), guest.room.as_bytes()) {
            let count = self.count(&guest.room);
            self.tell(at, guest, "left", &(guest.name.json(), count), net, out);
            guest.room = Name::NONE;
        }
    }

    fn count(&self, room: &Name) -> u32 {
        self.rooms.count(ROOT, Some(room.as_bytes())) as u32
    }

    /// The guest is gone.
    pub fn leave(&mut self, at: usize, guest: &mut Guest, net: &mut impl Sockets, out: &mut [u8]) {
        self.leave_room(at, guest, net, out);
        self.rooms.leave_all(ROOT, Member(at as u32));
    }
}

/// No line has this number.
const LINE_NONE: usize = usize::MAX;

fn acknowledge(
    at: usize,
    guest: &mut Guest,
    event: &EventPacket<'_>,
    content: &impl Content,
    net: &mut impl Sockets,
    out: &mut [u8],
) {
    let mut reply = Out::stored(out);
    if let Some(request) = event.ack {
        let _ = guest.end.io().ack(request, content, &mut reply);
        net.send(at, reply.written());
    }
}
