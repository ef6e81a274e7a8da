//! Halves in a world of one thread.
#![allow(dead_code, reason = "each test uses a part")]

use super::world::{Both, Broken, Clock, End, Pipe, Reader, Tasks, Writer};
use sansocket::{
    drive::{AsServer, Deadlines, Error, Half, Receiver, Sender, Shared, WebSocket},
    ws::{Incoming, Kind},
};
use std::{cell::RefCell, rc::Rc};

pub type State = Shared<Writer, AsServer, Vec<u8>>;
pub type Lock = Rc<RefCell<State>>;
pub type Rx = Receiver<Reader, Clock, Vec<u8>, Lock>;
pub type Tx = Sender<Clock, Lock>;
pub type Failure = Error<Broken>;

pub struct World {
    pub clock: Clock,
    pub tasks: Tasks,
    /// What the peer sends, and what it gets.
    pub input: End,
    pub output: End,
    pub log: Log,
}

#[derive(Clone, Default)]
pub struct Log(pub Rc<RefCell<Vec<String>>>);

impl Log {
    pub fn say(&self, text: impl Into<String>) {
        self.0.borrow_mut().push(text.into());
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.borrow_mut())
    }
}

pub struct Memory {
    pub rx: usize,
    pub tx: usize,
    /// What the transport holds, and what one call takes.
    pub room: usize,
    pub piece: usize,
}

pub const LARGE: Memory = Memory { rx: 512, tx: 512, room: 1 << 20, piece: 1 << 20 };

impl World {
    pub fn split(memory: &Memory, deadlines: Deadlines) -> (Self, Half<Reader, Clock, Vec<u8>>, State) {
        let (input, output) = (Pipe::new(1 << 20, memory.piece), Pipe::new(memory.room, memory.piece));
        let clock = Clock::default();
        let both = Both(Reader(input.clone()), Writer(output.clone()));
        let mut ws = WebSocket::server(both, clock.clone(), vec![0; memory.rx], vec![0; memory.tx]);
        ws = ws.with_deadlines(deadlines);
        ws.opened();
        let (half, shared) = ws.split(|Both(r, w)| (r, w));
        (Self { clock, tasks: Tasks::default(), input, output, log: Log::default() }, half, shared)
    }

    pub fn with(memory: &Memory, deadlines: Deadlines) -> (Self, Rx, Tx) {
        let (world, half, shared) = Self::split(memory, deadlines);
        let (rx, tx) = half.join(Rc::new(RefCell::new(shared)));
        (world, rx, tx)
    }

    pub fn new(memory: &Memory) -> (Self, Rx, Tx) {
        Self::with(memory, Deadlines::new())
    }

    /// A task that receives until the end, and says what.
    pub fn receive(&self, mut rx: Rx) -> usize {
        let log = self.log.clone();
        self.tasks.spawn(async move {
            loop {
                match rx.next().await {
                    Ok(Some(incoming)) => log.say(told(&incoming)),
                    Ok(None) => break log.say(format!("closed {:?}", rx.closed().unwrap().is_clean)),
                    Err(e) => break log.say(format!("receiver: {e:?}")),
                }
            }
            // It is not dropped.
            std::mem::forget(rx);
        })
    }

    /// A task that sends one message, and says what came of it.
    pub fn send(&self, tx: &Tx, name: &'static str, payload: Vec<u8>) -> usize {
        let (log, mut tx) = (self.log.clone(), tx.clone());
        self.tasks.spawn(async move {
            let result = tx.send(Kind::Binary, &payload).await;
            log.say(match result {
                Ok(()) => format!("{name} sent"),
                Err(e) => format!("{name}: {e:?}"),
            });
        })
    }

    pub fn run(&self) {
        self.tasks.run();
    }

    pub fn run_until(&self, end: u64) {
        self.tasks.run_until(&self.clock, end);
    }
}

pub fn told(incoming: &Incoming<'_>) -> String {
    match incoming {
        Incoming::Message(m) => format!("message {:?}", String::from_utf8_lossy(m.as_bytes())),
        Incoming::Part(p) => format!("part {:?}", String::from_utf8_lossy(p.as_bytes())),
        Incoming::Ping(p) => format!("ping {:?}", p.as_bytes()),
        Incoming::Pong(p) => format!("pong {:?}", p.as_bytes()),
        Incoming::Close(code) => format!("close {}", code.0),
        other => format!("{other:?}"),
    }
}

/// A client's frame, with a key of zeros.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    let mut bytes = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    bytes.extend(payload);
    bytes
}

pub fn text(payload: &str) -> Vec<u8> {
    frame(0x81, payload.as_bytes())
}

pub fn ping(payload: &[u8]) -> Vec<u8> {
    frame(0x89, payload)
}

/// The frames of a server: first byte and payload. The rest is not a whole frame.
pub fn frames(mut bytes: &[u8]) -> (Vec<(u8, Vec<u8>)>, &[u8]) {
    let mut all = Vec::new();
    loop {
        let (head, len) = match bytes {
            [_, n @ 0..=125, ..] => (2, usize::from(*n)),
            [_, 126, a, b, ..] => (4, usize::from(u16::from_be_bytes([*a, *b]))),
            _ => return (all, bytes),
        };
        let Some(payload) = bytes.get(head..head + len) else { return (all, bytes) };
        all.push((bytes[0], payload.to_vec()));
        bytes = &bytes[head + len..];
    }
}
