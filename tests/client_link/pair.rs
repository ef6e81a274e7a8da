//! Both links against the server of this crate, with all bytes in memory: delivered in pieces at random, with messages in both directions, connections
//! that the server closes between two requests, and upgrades at any moment that may fail.

use crate::{
    host::{Host, at, config, leak},
    support::Random,
};
use sansocket::{
    endpoint::{
        Answer, Ask, Got, Grow, ServerLink, Todo, Upgrade,
        client::{Config, FullLink, Line, Link, Task, WebSocketLink},
        judge,
    },
    engineio::{
        Event, Message, Packets, Sid, Transport,
        server::{self, Cors, Origins, Probed},
    },
    http::{self, HeadScanner, Method, Request, Response, Status},
    time::Instant,
    ws::{self, Accept, Inbox, Out},
};

/// A connection as the server has it.
struct Connection {
    /// Which connection of its line it is.
    number: usize,
    input: Vec<u8>,
    output: Vec<u8>,
    kind: Kind,
    /// The server ends it when its output has arrived.
    ends: bool,
}

enum Kind {
    Http,
    /// A GET waits.
    Waiting,
    Upgrade(Box<Upgrade>, Inbox<Vec<u8>>),
    WebSocket(Inbox<Vec<u8>>),
    Ended,
}

struct Server {
    link: Option<ServerLink>,
    /// Frames that wait.
    queue: Vec<u8>,
    connections: [Option<Connection>; 3],
    got: Vec<String>,
    closed: Option<String>,
    now: Instant,
}

fn write(response: &Response<'_>, output: &mut Vec<u8>) {
    let mut memory = vec![0; response.body.len() + 1000];
    let n = response.write(&mut memory).unwrap();
    output.extend_from_slice(&memory[..n]);
}

fn put(inbox: &mut Inbox<Vec<u8>>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match inbox.space() {
            Ok(space) => {
                let n = space.len().min(bytes.len());
                space[..n].copy_from_slice(&bytes[..n]);
                inbox.commit(n);
                bytes = &bytes[n..];
            }
            Err(e) => drop(inbox.replace(vec![0; e.needed * 2]).unwrap()),
        }
    }
}

impl Server {
    fn new() -> Self {
        let connections = [(); 3].map(|()| None);
        Self { link: None, queue: Vec::new(), connections, got: Vec::new(), closed: None, now: at(0) }
    }

    fn send(&mut self, text: &str) {
        let mut memory = [0; 512];
        let mut out = Out::stored(&mut memory);
        let message = match text.strip_prefix('b') {
            Some(bytes) => Message::Binary(bytes.as_bytes()),
            None => Message::Text(text.as_bytes()),
        };
        self.link.as_ref().unwrap().send(message, &mut out).unwrap();
        self.queue.extend_from_slice(out.written());
    }

    fn tell(&mut self, event: Option<Event<'_>>) -> bool {
        match event {
            None => return false,
            Some(Event::Message(Message::Text(text))) => self.got.push(String::from_utf8_lossy(text).into_owned()),
            Some(Event::Message(Message::Binary(bytes))) => {
                self.got.push(format!("\0{}", String::from_utf8_lossy(bytes)));
            }
            Some(Event::Closed(reason)) => self.closed = Some(reason.to_string()),
            Some(_) => {}
        }
        true
    }

    /// Bytes of the client.
    fn receive(&mut self, line: Line, number: usize, bytes: &[u8]) {
        let slot = &mut self.connections[line as usize];
        if slot.as_ref().is_none_or(|c| c.number != number) {
            *slot = Some(Connection { number, input: Vec::new(), output: Vec::new(), kind: Kind::Http, ends: false });
        }
        let Some(connection) = slot else { return };
        if connection.ends {
            return;
        }
        match &mut connection.kind {
            Kind::Upgrade(_, inbox) | Kind::WebSocket(inbox) => put(inbox, bytes),
            Kind::Ended => {}
            _ => connection.input.extend_from_slice(bytes),
        }
        self.turn();
    }

    fn turn(&mut self) {
        for line in Line::ALL {
            let Some(mut connection) = self.connections[line as usize].take() else { continue };
            while self.work(&mut connection) {}
            self.connections[line as usize] = Some(connection);
        }
        let now = self.now;
        while let Some(event) = self.link.as_mut().and_then(|link| link.handle_timeout(now)) {
            self.tell(Some(event));
        }
    }

    fn work(&mut self, connection: &mut Connection) -> bool {
        let now = self.now;
        match &mut connection.kind {
            Kind::Http => self.request(connection),
            Kind::Waiting => {
                let Some(link) = &mut self.link else { return false };
                let mut body = vec![0; link.body_room(self.queue.len())];
                let got = link.poll_get(std::iter::once(&self.queue[..]), &mut body).unwrap();
                match got {
                    Got::Waits => return false,
                    Got::Payload { taken, len } => {
                        self.queue.drain(..taken);
                        let fields: &[(&str, &[u8])] = &[("Content-Type", b"text/plain; charset=UTF-8")];
                        write(&Response { status: Status(200), fields, body: &body[..len] }, &mut connection.output);
                    }
                    Got::Over => answer(&Got::GONE, &mut connection.output),
                }
                connection.kind = Kind::Http;
                true
            }
            Kind::Upgrade(upgrade, inbox) => {
                let Some(link) = &mut self.link else { return false };
                let mut memory = [0; 256];
                let mut is_busy = false;
                let probed = loop {
                    let probed = match upgrade.poll(link, inbox, now) {
                        Ok(probed) => probed,
                        Err(Grow { to, .. }) => {
                            drop(inbox.replace(vec![0; to]).unwrap());
                            continue;
                        }
                    };
                    let n = upgrade.transmit(&mut memory).unwrap();
                    connection.output.extend_from_slice(&memory[..n]);
                    is_busy |= n > 0;
                    if n == 0 {
                        break probed;
                    }
                };
                match probed {
                    Probed::Pending => return is_busy,
                    Probed::Upgraded => {
                        connection.kind = Kind::WebSocket(std::mem::replace(inbox, Inbox::new(Vec::new())))
                    }
                    Probed::Failed => {
                        connection.kind = Kind::Ended;
                        connection.ends = true;
                    }
                }
                true
            }
            Kind::WebSocket(inbox) => {
                let mut inbox = std::mem::replace(inbox, Inbox::new(Vec::new()));
                let mut link = self.link.take().unwrap();
                let mut memory = [0; 512];
                let before = connection.output.len();
                loop {
                    while let n @ 1.. = link.transmit(&mut memory).unwrap() {
                        connection.output.extend_from_slice(&memory[..n]);
                    }
                    if !link.is_over() {
                        connection.output.append(&mut self.queue);
                    }
                    match link.poll(&mut inbox, now) {
                        Ok(event) => {
                            if !self.tell(event) {
                                break;
                            }
                        }
                        Err(Grow { to, .. }) => drop(inbox.replace(vec![0; to]).unwrap()),
                    }
                }
                while let n @ 1.. = link.transmit(&mut memory).unwrap() {
                    connection.output.extend_from_slice(&memory[..n]);
                }
                let is_busy = connection.output.len() > before;
                connection.ends |= link.is_over();
                connection.kind = if link.is_over() { Kind::Ended } else { Kind::WebSocket(inbox) };
                self.link = Some(link);
                is_busy
            }
            Kind::Ended => false,
        }
    }

    /// Handles a request that is whole.
    fn request(&mut self, connection: &mut Connection) -> bool {
        let Ok(Some(end)) = HeadScanner::new(http::Limits::new()).scan(&connection.input) else { return false };
        let head = connection.input[..end].to_vec();
        let request = Request::parse(&head).unwrap();
        assert_eq!(request.path(), b"/socket.io/");
        let body = match request.body().unwrap() {
            http::Body::Length(n) => usize::try_from(n).unwrap(),
            _ => 0,
        };
        if connection.input.len() < end + body {
            return false;
        }
        let mut body: Vec<u8> = connection.input[end..end + body].to_vec();
        connection.input.drain(..end + body.len());
        let is_websocket = ws::is_upgrade(&request);
        let accept = Accept::check(&request);
        let ask = Ask {
            method: request.method(),
            query: request.query(),
            has_body: !body.is_empty(),
            websocket: is_websocket.then(|| accept.as_ref().map(|_| ()).map_err(|e| *e)),
        };
        let known = self.link.as_ref().filter(|l| !l.is_over()).map(|l| (*l.sid(), l.transport()));
        let find = |sid: &[u8]| known.filter(|(known, _)| known.expose_bytes() == sid).map(|(_, transport)| transport);
        let mut memory = [0; 512];
        let mut open = |output: &mut Vec<u8>| {
            let n = accept.as_ref().unwrap().write(&[], &mut memory).unwrap();
            output.extend_from_slice(&memory[..n]);
        };
        let limits = ws::Limits::new();
        match judge(&ask, &Cors::new(Origins::Own), find) {
            Todo::Open(transport) => {
                assert!(self.link.as_ref().is_none_or(ServerLink::is_over), "one session at a time");
                let sid = Sid::from_random([self.got.len() as u8; 15]);
                self.link = Some(ServerLink::open(transport, sid, server::Config::new(), limits, self.now));
                if transport == Transport::WebSocket {
                    open(&mut connection.output);
                    connection.kind = Kind::WebSocket(Inbox::new(Vec::new()));
                    if let Kind::WebSocket(inbox) = &mut connection.kind {
                        put(inbox, &std::mem::take(&mut connection.input));
                    }
                } else {
                    connection.kind = Kind::Waiting;
                }
            }
            Todo::Get(_) => match self.link.as_mut().unwrap().begin_get(self.now) {
                Ok(()) => connection.kind = Kind::Waiting,
                Err(refused) => answer(&refused, &mut connection.output),
            },
            Todo::Post(_) => {
                assert_eq!(request.method(), Method::Post);
                let now = self.now;
                let kind = request.fields().get("content-type");
                let mut link = self.link.take().unwrap();
                match link.begin_post(kind) {
                    Ok(()) => {
                        let mut packets = Packets::new(&mut body);
                        while let Some(event) = link.poll_post(&mut packets, now) {
                            self.tell(Some(event));
                        }
                        answer(&link.posted(), &mut connection.output);
                    }
                    Err(refused) => answer(&refused, &mut connection.output),
                }
                self.link = Some(link);
            }
            Todo::Upgrade(_) => {
                open(&mut connection.output);
                let upgrade = Upgrade::begin(self.link.as_mut().unwrap(), limits, self.now);
                let mut inbox = Inbox::new(Vec::new());
                put(&mut inbox, &std::mem::take(&mut connection.input));
                connection.kind = Kind::Upgrade(Box::new(upgrade), inbox);
            }
            Todo::Answer(refused) => answer(&refused, &mut connection.output),
            _ => unreachable!(),
        }
        true
    }
}

fn answer(answer: &Answer<'_>, output: &mut Vec<u8>) {
    let mut scratch = [0; 256];
    let fields: Vec<_> = answer.fields().into_iter().flatten().collect();
    let body = answer.body(&mut scratch).unwrap();
    write(&Response { status: Status(answer.status()), fields: &fields, body }, output);
}

struct World<L> {
    random: Random,
    host: Host<L>,
    server: Server,
    /// Lines that are being opened.
    opening: Vec<Line>,
    tasks: usize,
    asked: Vec<String>,
    told: Vec<String>,
    may_fail: bool,
}

impl<L: Link> World<L> {
    fn new(link: L, seed: u64) -> Self {
        let mut random = Random(seed);
        let (inbox, outbox) = (random.below(80), random.below(80));
        let mut host = Host::with_memory(link, inbox, outbox);
        host.opens = false;
        host.takes = 1 + random.below(100);
        host.link.start(at(0));
        let (asked, told) = (Vec::new(), Vec::new());
        Self { random, host, server: Server::new(), opening: Vec::new(), tasks: 0, asked, told, may_fail: true }
    }

    /// One thing that may happen.
    fn step(&mut self) {
        self.host.turn();
        for task in &self.host.tasks[self.tasks..] {
            match *task {
                Task::Open(line) => self.opening.push(line),
                Task::Close(line) => self.opening.retain(|l| *l != line),
            }
        }
        self.tasks = self.host.tasks.len();
        let line = Line::ALL[self.random.below(3)];
        match self.random.below(8) {
            0 => {
                if let Some(at) = self.opening.iter().position(|l| *l == line) {
                    self.opening.remove(at);
                    self.host.open(line);
                }
            }
            1 | 2 => self.deliver_up(line),
            3 | 4 => self.deliver_down(line),
            5 if self.server.link.is_some() && self.told.len() < 40 => {
                let kind = if self.told.len().is_multiple_of(3) { "b" } else { "" };
                let text = format!("{kind}s{}{}", self.told.len(), "x".repeat(self.random.below(200)));
                self.server.send(&text);
                let bytes: Vec<u8> = text[kind.len()..].bytes().collect();
                self.told.push(if kind.is_empty() { format!("message {text}") } else { format!("message {bytes:?}") });
                self.server.turn();
            }
            6 if self.asked.len() < 40 => {
                let kind = if self.asked.len().is_multiple_of(4) { "\0" } else { "" };
                let text = format!("{kind}c{}{}", self.asked.len(), "y".repeat(self.random.below(200)));
                self.host.queue.0.push_back(text.clone().into_bytes());
                self.asked.push(text);
            }
            _ if self.may_fail => self.cut(line),
            _ => {}
        }
    }

    fn deliver_up(&mut self, line: Line) {
        let most = 1 + self.random.below(300);
        let wire = &mut self.host.wires[line as usize];
        let n = wire.sent.len().min(most);
        let bytes: Vec<u8> = wire.sent.drain(..n).collect();
        let number = wire.opened;
        if n > 0 {
            self.server.receive(line, number, &bytes);
        }
    }

    fn deliver_down(&mut self, line: Line) {
        let most = 1 + self.random.below(300);
        let number = self.host.wires[line as usize].opened;
        let Some(connection) = &mut self.server.connections[line as usize] else { return };
        if connection.number != number || !self.host.wires[line as usize].is_open {
            return;
        }
        let n = connection.output.len().min(most);
        let bytes: Vec<u8> = connection.output.drain(..n).collect();
        let ends = connection.ends && connection.output.is_empty();
        self.host.feed(line, &bytes);
        let wire = &self.host.wires[line as usize];
        if ends && wire.is_open && wire.opened == number {
            self.host.eof(line);
        }
    }

    /// The server ends a connection between two requests, or the WebSocket of an upgrade is lost.
    fn cut(&mut self, line: Line) {
        if self.random.below(3) > 0 {
            return;
        }
        let wire = &mut self.host.wires[line as usize];
        let Some(connection) = &mut self.server.connections[line as usize] else { return };
        if connection.number != wire.opened || !wire.is_open || connection.ends {
            return;
        }
        match (&mut connection.kind, line) {
            // A request must not be on its way, and a GET always is.
            (Kind::Http, Line::Post)
                if connection.input.is_empty()
                    && connection.output.is_empty()
                    && wire.sent.is_empty()
                    && wire.outbox.is_empty() =>
            {
                connection.ends = true;
                self.host.eof(line);
            }
            // As long as `5` cannot have been written.
            (Kind::Upgrade(upgrade, _), _) if self.host.link.transport() == Transport::Polling => {
                upgrade.fail(self.server.link.as_mut().unwrap());
                (connection.kind, connection.ends) = (Kind::Ended, true);
                connection.output.clear();
                if self.random.below(2) == 0 {
                    self.host.eof(line);
                } else {
                    self.host.error(line);
                }
                self.server.turn();
            }
            _ => {}
        }
    }

    fn run(mut self, seed: u64) -> (usize, Transport) {
        for _ in 0..self.random.below(3000) {
            self.step();
        }
        self.may_fail = false;
        for step in 0.. {
            let is_done = self.server.got.len() == self.asked.len()
                && self.host.told.len() == self.told.len() + 1
                && self.asked.len() == 40
                && self.told.len() == 40;
            if is_done {
                break;
            }
            assert!(
                step < 100_000 && self.host.failure().is_none(),
                "{seed}: {:?} {:?}",
                self.host.failure(),
                self.host.tasks
            );
            self.step();
        }
        assert_eq!(self.server.got, self.asked, "{seed}");
        assert_eq!((&*self.host.told[0], &self.host.told[1..]), ("opened", &self.told[..]), "{seed}");
        let transport = self.host.link.transport();
        self.host.link.close(at(0));
        for step in 0.. {
            let is_closed = self.host.wires.iter().all(|w| !w.is_open) && self.opening.is_empty();
            if is_closed && self.server.closed.is_some() && self.host.link.poll_timeout().is_none() {
                break;
            }
            assert!(step < 100_000, "{seed}: {:?} {:?}", self.host.tasks, self.server.closed);
            self.step();
        }
        assert_eq!(self.server.closed.as_deref(), Some("transport close"), "{seed}");
        assert_eq!((self.host.failure(), &**self.host.told.last().unwrap()), (None, "closed: forced close"), "{seed}");
        (self.host.wires.iter().map(|w| w.opened).sum(), transport)
    }
}

#[test]
fn everything_arrives_once_and_in_order() {
    use Transport::{Polling, WebSocket};
    let lists: [&[Transport]; 3] = [&[Polling, WebSocket], &[Polling], &[WebSocket, Polling]];
    let mut ends = [[0; 2]; 3];
    let mut opened = 0;
    for seed in 0..600 {
        let which = seed as usize % 3;
        let config: &Config<'static> = leak(config("http://h").transports(lists[which]));
        let (lines, transport) = World::new(FullLink::new(config), seed).run(seed);
        ends[which][usize::from(transport == WebSocket)] += 1;
        opened += lines;
    }
    assert!(ends[0][0] > 10 && ends[0][1] > 10, "some upgrades fail, some do not: {ends:?}");
    assert_eq!((ends[1][1], ends[2][0]), (0, 0));
    assert!(opened > 1000, "{opened}");
    for seed in 0..200 {
        World::new(WebSocketLink::new(leak(config("ws://h"))), seed).run(seed);
    }
}
