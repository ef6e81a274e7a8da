//! A caller of a link, whose lines lead to a test.

use sansocket::{
    endpoint::{
        Grow, What,
        client::{Config, Failure, Line, Link, Seen, Task},
    },
    engineio::{Client, Event, Message, Packet, SendError, Sink, client::Source},
    time::Instant,
    ws::{Inbox, Outbox, accept_key},
};
use std::collections::VecDeque;

pub const NONCE: [u8; 16] = *b"the sample nonce";

pub const fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

pub fn config(url: &'static str) -> Config<'static> {
    Config::parse(url).unwrap()
}

pub fn leak(config: Config<'static>) -> &'static Config<'static> {
    Box::leak(Box::new(config))
}

/// The messages that wait: text, or bytes if they begin with a NUL.
#[derive(Clone, Debug, Default)]
pub struct Queue(pub VecDeque<Vec<u8>>);

impl Source for Queue {
    fn forward<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, SendError> {
        let Some(next) = self.0.front() else { return Ok(false) };
        match next.strip_prefix(b"\0") {
            Some(bytes) => out.binary(bytes)?,
            None => out.text(|w| w.push(next), std::iter::empty::<&[u8]>())?,
        }
        self.0.pop_front();
        Ok(true)
    }
}

type Keys = fn() -> [u8; 4];

/// One line: its memory, and what went over it since it was opened.
pub struct Wire {
    pub is_open: bool,
    pub inbox: Inbox<Vec<u8>>,
    pub outbox: Outbox<Vec<u8>, Keys>,
    /// What the server has received over this connection.
    pub sent: Vec<u8>,
    /// How many times it was opened.
    pub opened: usize,
}

pub struct Host<L> {
    pub link: L,
    pub wires: [Wire; 3],
    pub queue: Queue,
    pub told: Vec<String>,
    pub seen: Vec<String>,
    pub tasks: Vec<Task>,
    pub now: u64,
    /// Whether lines can be opened, and whether that is done at once.
    pub reachable: bool,
    pub opens: bool,
    /// How many bytes a line takes in a turn.
    pub takes: usize,
}

impl<L: Link> Host<L> {
    pub fn new(link: L) -> Self {
        Self::with_memory(link, 64, 64)
    }

    pub fn with_memory(link: L, inbox: usize, outbox: usize) -> Self {
        let wire = |_| Wire {
            is_open: false,
            inbox: Inbox::new(vec![0; inbox]),
            outbox: Outbox::with_keys(vec![0; outbox], (|| [0; 4]) as Keys),
            sent: Vec::new(),
            opened: 0,
        };
        Self {
            link,
            wires: [0, 1, 2].map(wire),
            queue: Queue::default(),
            told: Vec::new(),
            seen: Vec::new(),
            tasks: Vec::new(),
            now: 0,
            reachable: true,
            opens: true,
            takes: usize::MAX,
        }
    }

    pub fn start(&mut self) {
        self.link.start(at(self.now));
        self.turn();
    }

    pub fn wire(&mut self, line: Line) -> &mut Wire {
        &mut self.wires[line as usize]
    }

    /// What the server has received over `line` since the last call.
    pub fn sent(&mut self, line: Line) -> Vec<u8> {
        std::mem::take(&mut self.wire(line).sent)
    }

    pub fn sent_text(&mut self, line: Line) -> String {
        String::from_utf8_lossy(&self.sent(line)).into_owned()
    }

    /// Text messages that go out.
    pub fn send(&mut self, texts: &[&str]) {
        self.queue.0.extend(texts.iter().map(|t| t.as_bytes().to_vec()));
        self.turn();
    }

    /// Bytes of the server.
    pub fn feed(&mut self, line: Line, mut bytes: &[u8]) {
        let connection = self.wire(line).opened;
        while !bytes.is_empty() && self.wire(line).is_open && self.wire(line).opened == connection {
            let wire = self.wire(line);
            match wire.inbox.space() {
                Ok(space) => {
                    let n = space.len().min(bytes.len());
                    space[..n].copy_from_slice(&bytes[..n]);
                    wire.inbox.commit(n);
                    bytes = &bytes[n..];
                }
                Err(e) => drop(wire.inbox.replace(vec![0; Grow::new(What::Inbox, e).to]).unwrap()),
            }
            self.turn();
        }
    }

    /// The server ends the line.
    pub fn eof(&mut self, line: Line) {
        self.wire(line).is_open = false;
        self.link.handle_eof(line, at(self.now));
        self.turn();
    }

    pub fn error(&mut self, line: Line) {
        self.wire(line).is_open = false;
        self.link.handle_error(line, at(self.now));
        self.turn();
    }

    pub fn wait(&mut self, ms: u64) {
        self.now += ms;
        self.turn();
    }

    pub fn open(&mut self, line: Line) {
        let wire = self.wire(line);
        assert!(!wire.is_open, "{line:?} is open");
        wire.is_open = true;
        wire.sent.clear();
        wire.opened += 1;
        let wire = &mut self.wires[line as usize];
        self.link.opened(line, &mut wire.inbox, &mut wire.outbox, NONCE);
    }

    pub fn failure(&self) -> Option<Failure> {
        self.link.failure()
    }

    /// A turn of the caller's loop, until nothing is left to do.
    pub fn turn(&mut self) {
        for _ in 0..10_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the link never rests: {:?}", self.tasks);
    }

    fn step(&mut self) -> bool {
        let mut is_busy = false;
        while let Some(task) = self.link.poll_task() {
            is_busy = true;
            self.tasks.push(task);
            match task {
                Task::Open(line) if !self.reachable => self.link.handle_error(line, at(self.now)),
                Task::Open(line) if self.opens => self.open(line),
                Task::Open(_) => {}
                Task::Close(line) => {
                    self.write(line, usize::MAX);
                    self.wire(line).is_open = false;
                }
            }
        }
        for line in Line::ALL {
            is_busy |= self.events(line);
        }
        while let Some(event) = self.link.handle_timeout(at(self.now)) {
            self.told.push(shown(&event));
            is_busy = true;
        }
        for line in Line::ALL {
            if self.wire(line).is_open {
                self.transmit(line);
            }
            is_busy |= self.write(line, self.takes);
        }
        // A task is due at once.
        is_busy || self.link.poll_timeout().is_some_and(|due| due <= at(self.now))
    }

    fn events(&mut self, line: Line) -> bool {
        let mut is_busy = false;
        let Self { link, wires, told, seen, .. } = self;
        let wire = &mut wires[line as usize];
        loop {
            let mut see = |packet: Seen<'_>| seen.push(shown_packet(packet));
            match link.advance(line, &mut wire.inbox, at(self.now), &mut see) {
                Ok(false) => return is_busy,
                Ok(true) => {
                    let message = link.peek(line, &mut wire.inbox).map(|m| shown(&Event::Message(m)));
                    let event = link.take(line, &mut wire.inbox, at(self.now)).map(|e| shown(&e)).expect("an event");
                    assert_eq!(message, event.starts_with("message").then(|| event.clone()));
                    told.push(event);
                    is_busy = true;
                }
                Err(Grow { what, to }) => {
                    assert_eq!(what, What::Inbox);
                    drop(wire.inbox.replace(vec![0; to]).unwrap());
                }
            }
        }
    }

    fn transmit(&mut self, line: Line) {
        let Self { link, wires, queue, seen, .. } = self;
        let wire = &mut wires[line as usize];
        loop {
            let mut see = |packet: Seen<'_>| seen.push(shown_packet(packet));
            match link.transmit(line, &mut wire.outbox, queue, at(self.now), &mut see) {
                Ok(()) => return,
                Err(Grow { what, to }) => {
                    assert_eq!(what, What::Output);
                    assert!(wire.outbox.replace(vec![0; to]).is_ok());
                }
            }
        }
    }

    fn write(&mut self, line: Line, most: usize) -> bool {
        let wire = self.wire(line);
        if !wire.is_open {
            return false;
        }
        let n = wire.outbox.held().min(most);
        wire.sent.extend_from_slice(&wire.outbox.written()[..n]);
        wire.outbox.consume(n);
        n > 0
    }
}

fn shown(event: &Event<'_>) -> String {
    match event {
        Event::Message(Message::Text(text)) => format!("message {}", String::from_utf8_lossy(text)),
        Event::Message(Message::Binary(bytes)) => format!("message {bytes:?}"),
        Event::Closed(reason) => format!("closed: {reason}"),
        _ => "opened".into(),
    }
}

fn shown_packet(seen: Seen<'_>) -> String {
    let (way, packet) = match seen {
        Seen::Sent(packet) => ('>', packet),
        Seen::Received(packet) => ('<', packet),
    };
    let (name, bytes) = match packet {
        Packet::Open(_) => ("open", &b""[..]),
        Packet::Close => ("close", &b""[..]),
        Packet::Ping(bytes) => ("ping", bytes),
        Packet::Pong(bytes) => ("pong", bytes),
        Packet::Text(bytes) => ("", bytes),
        Packet::Binary(bytes) => return format!("{way} {bytes:?}"),
        Packet::Upgrade => ("upgrade", &b""[..]),
        _ => ("noop", &b""[..]),
    };
    format!("{way} {name}{}", String::from_utf8_lossy(bytes))
}

/// The answer that opens a WebSocket.
pub fn switching() -> Vec<u8> {
    let accept = accept_key(b"dGhlIHNhbXBsZSBub25jZQ==").unwrap();
    let head =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    [&head[..], &accept, b"\r\n\r\n"].concat()
}

/// A frame of a server.
pub fn frame(text: &str) -> Vec<u8> {
    let len = text.len();
    let head = if len < 126 { vec![0x81, len as u8] } else { vec![0x81, 126, (len >> 8) as u8, len as u8] };
    [&head[..], text.as_bytes()].concat()
}

/// A frame of this client, whose key is 0.
pub fn masked(text: &str) -> Vec<u8> {
    [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text.as_bytes()].concat()
}

/// An open packet.
pub fn open_packet(upgrades: &str) -> String {
    format!(r#"0{{"sid":"S1","upgrades":[{upgrades}],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#)
}
