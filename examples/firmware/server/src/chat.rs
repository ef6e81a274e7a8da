//! A chat with rooms over Socket.IO.
//!
//! | the browser sends | the board does |
//! |---|---|
//! | `join`, name, room | leaves the room before, tells the others `joined`, name, count; acknowledges with how many are there |
//! | `say`, text | tells all in the room `said`, name, text; acknowledges with `true` |
//! | another event | acknowledges with its arguments |
//!
//! When a guest goes, the others are told `left`, name, count. Texts are passed on as they are in JSON, so nothing is unescaped.

use crate::server::{MESSAGE, PACKET, Sockets, Wire};
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
    pub fn turn<B: AsMut<[u8]>>(
        &mut self,
        guest: &mut Guest,
        inbox: &mut Inbox<B>,
        wire: &mut Wire<'_, impl Sockets>,
        now: Instant,
    ) -> bool {
        let mut files = Collector::new([]);
        loop {
            let is_clear = wire.room() >= PACKET
                && self.rooms.select(ROOT, &Target::all()).all(|Member(to)| wire.net.room(to as usize) >= PACKET);
            let step = if is_clear { guest.end.poll(inbox, &mut files, now) } else { Ok(Step::Idle) };
            let step = match step {
                Ok(Step::Idle) => guest.end.handle_timeout(now),
                Ok(step) => step,
                // A message within the limit always fits.
                Err(_) => return true,
            };
            match step {
                Step::Event(event, _) => self.handle(guest, event, wire),
                Step::Again => {}
                Step::Closed(_) => self.leave(guest, wire),
                Step::Idle if wire.room() < OWED => return false,
                Step::Idle => match guest.end.transmit(wire.out) {
                    Ok(n @ 1..) => wire.send(n),
                    _ if guest.end.link().is_over() => return true,
                    _ if is_clear && wire.net.has_ended(wire.at) => guest.end.link_mut().handle_eof(),
                    _ => return false,
                },
            }
        }
    }

    fn handle(&mut self, guest: &mut Guest, event: Event<'_>, wire: &mut Wire<'_, impl Sockets>) {
        let mut reply = Out::stored(&mut *wire.out);
        let io = guest.end.io();
        let _ = match event {
            Event::Connect { namespace, .. } => {
                let _ = self.rooms.enter(ROOT, member(wire.at));
                io.accept(namespace, Sid::from_random(self.random()), &mut reply)
            }
            Event::UnknownNamespace { name } => io.refuse_unknown(name, &mut reply),
            Event::Event(event) if event.is("join") => return self.join(guest, &event, wire),
            Event::Event(event) if event.is("say") => return self.say(guest, &event, wire),
            Event::Event(event) => match event.ack {
                Some(request) => io.ack(request, &event.args(), &mut reply),
                None => Ok(()),
            },
            Event::Disconnected { .. } => return self.leave(guest, wire),
            _ => Ok(()),
        };
        let n = reply.written().len();
        wire.send(n);
    }

    fn join(&mut self, guest: &mut Guest, event: &EventPacket<'_>, wire: &mut Wire<'_, impl Sockets>) {
        let mut names = event.args().map(Name::of);
        let (Some(Some(name)), Some(Some(room))) = (names.next(), names.next()) else {
            return guest.acknowledge(event, &"Say who you are and which room, each in at most 60 bytes.", wire);
        };
        self.leave_room(guest, wire);
        if self.rooms.join(ROOT, member(wire.at), room.as_bytes()).is_err() {
            return guest.acknowledge(event, &"There is no room.", wire);
        }
        (guest.name, guest.room) = (name, room);
        let count = self.count(&room);
        self.tell(guest, Some(wire.at), "joined", &(name.json(), count), wire);
        guest.acknowledge(event, &count, wire);
    }

    fn say(&mut self, guest: &mut Guest, event: &EventPacket<'_>, wire: &mut Wire<'_, impl Sockets>) {
        let text = event.args().next().filter(|text| text.as_str().is_some() && guest.room.1 > 0);
        if let Some(text) = text {
            self.tell(guest, None, "said", &(guest.name.json(), text), wire);
        }
        guest.acknowledge(event, &text.is_some(), wire);
    }

    /// Tells all in the guest's room, but not the line `but`. The packet is written once.
    fn tell(
        &mut self,
        guest: &Guest,
        but: Option<usize>,
        name: &str,
        content: &impl Content,
        wire: &mut Wire<'_, impl Sockets>,
    ) {
        let mut packet = Out::stored(&mut *wire.out);
        if broadcast(&NAMES, ROOT, name, content, None, &mut packet).is_err() {
            return;
        }
        let packet = packet.written();
        let room = [guest.room.as_bytes()];
        let all = Target::all().to(&room);
        for Member(to) in self.rooms.select(ROOT, &but.map_or(all, |but| all.not(member(but)))) {
            // That somebody has left is told without a look at the room before, and half a packet would break the link.
            if wire.net.room(to as usize) >= packet.len() {
                wire.net.send(to as usize, packet);
            }
        }
    }

    fn leave_room(&mut self, guest: &mut Guest, wire: &mut Wire<'_, impl Sockets>) {
        if self.rooms.leave(ROOT, member(wire.at), guest.room.as_bytes()) {
            let count = self.count(&guest.room);
            self.tell(guest, None, "left", &(guest.name.json(), count), wire);
            guest.room = Name::NONE;
        }
    }

    /// The guest is gone.
    pub fn leave(&mut self, guest: &mut Guest, wire: &mut Wire<'_, impl Sockets>) {
        self.leave_room(guest, wire);
        self.rooms.leave_all(ROOT, member(wire.at));
    }

    fn count(&self, room: &Name) -> u32 {
        self.rooms.count(ROOT, Some(room.as_bytes())) as u32
    }
}

impl Guest {
    fn acknowledge(&mut self, event: &EventPacket<'_>, content: &impl Content, wire: &mut Wire<'_, impl Sockets>) {
        let mut reply = Out::stored(&mut *wire.out);
        if let Some(request) = event.ack {
            let _ = self.end.io().ack(request, content, &mut reply);
            let n = reply.written().len();
            wire.send(n);
        }
    }
}

const fn member(line: usize) -> Member {
    Member(line as u32)
}
