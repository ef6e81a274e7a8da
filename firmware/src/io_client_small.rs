//! The client of `examples/two_kilobytes.rs`: a link and a session in static memory, without what waits.

use crate::host::{hash, key, nonce, now, open, send, wait};
use core::{mem::MaybeUninit, ptr::addr_of_mut};
use sansocket::{
    endpoint::client::{Config, Line, Link, Task, WebSocketLink},
    engineio::{self, Client, Sink, client::Source},
    socketio::{
        AckRequest, AckSlot, ExpectAck, Namespace, SendError,
        client::{Backoff, Event, Session, SocketSlot},
    },
    time::Instant,
    ws::{Inbox, Outbox},
};

const NAMESPACE: Namespace = Namespace(0);

type Io = Session<[&'static str; 1], [AckSlot; 1], [SocketSlot; 1]>;

/// All the memory of the client.
struct Memory {
    inbox: Inbox<[u8; 1024]>,
    outbox: Outbox<[u8; 192], fn() -> [u8; 4]>,
    config: Config<'static>,
    link: WebSocketLink<'static>,
    io: Io,
    backoff: Backoff,
    reading: Reading,
}

static mut MEMORY: MaybeUninit<Memory> = MaybeUninit::uninit();

struct Reading {
    number: u32,
    is_due: bool,
    question: Option<AckRequest>,
}

struct Outgoing<'m> {
    io: &'m mut Io,
    reading: &'m mut Reading,
    now: Instant,
}

impl Source for Outgoing<'_> {
    fn forward<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, engineio::SendError> {
        let sent = match (self.io.poll_transmit(out), self.reading.question) {
            (Ok(false), Some(question)) => self.io.ack(question, &self.reading.number, out).map(|()| {
                self.reading.question = None;
                true
            }),
            (Ok(false), None) if self.reading.is_due && self.io.is_connected(NAMESPACE) => {
                let expect = ExpectAck { token: self.reading.number, deadline: Some(self.now.after_millis(10_000)) };
                self.io.emit(NAMESPACE, "reading", &self.reading.number, Some(expect), out).map(|()| {
                    self.reading.is_due = false;
                    true
                })
            }
            (owed, _) => owed,
        };
        match sent {
            Ok(sent) => Ok(sent),
            Err(SendError::Link(e)) => Err(e),
            Err(SendError::Capacity(e)) => Err(engineio::SendError::Capacity(e)),
            Err(SendError::State(_)) => {
                self.reading.question = None;
                Ok(false)
            }
            Err(_) => Ok(false),
        }
    }
}

/// Writes each part where it stays, so that none of them is on the stack later.
#[inline(never)]
fn memory() -> Option<&'static mut Memory> {
    let config = Config::parse_with(core::hint::black_box("ws://192.168.0.7:3000/"), hash).ok()?;
    // SAFETY: there is one thread, and the client before this one is over. Each field is written before the reference is made.
    unsafe {
        let memory = (*addr_of_mut!(MEMORY)).as_mut_ptr();
        addr_of_mut!((*memory).config).write(config);
        let config: &'static Config<'static> = &*addr_of_mut!((*memory).config);
        addr_of_mut!((*memory).inbox).write(Inbox::new([0; 1024]));
        addr_of_mut!((*memory).outbox).write(Outbox::with_keys([0; 192], key));
        addr_of_mut!((*memory).link).write(WebSocketLink::new(config));
        addr_of_mut!((*memory).io).write(Session::new(
            [config.namespace()],
            [AckSlot::EMPTY; 1],
            [SocketSlot::EMPTY; 1],
        ));
        addr_of_mut!((*memory).backoff).write(Backoff::new());
        addr_of_mut!((*memory).reading).write(Reading { number: 0, is_due: false, question: None });
        Some(&mut *memory)
    }
}

pub fn path() {
    let Some(Memory { inbox, outbox, link, io, backoff, reading, config: _ }) = memory() else { return };
    let mut next_reading = now();
    let mut start = Some(now());
    if io.connect(NAMESPACE).is_err() {
        return;
    }
    loop {
        let now = now();
        if now >= next_reading {
            next_reading = now.after_millis(1000);
            reading.number = reading.number.wrapping_add(1);
            reading.is_due = true;
        }
        if start.is_some_and(|at| now >= at) {
            start = None;
            link.start(now);
        }
        loop {
            let event = match link.advance(Line::WebSocket, inbox, now, &mut |_| {}) {
                Ok(true) => link.take(Line::WebSocket, inbox, now),
                Ok(false) => link.handle_timeout(now),
                Err(_) => return,
            };
            let Some(event) = event else { break };
            match io.handle_event(event) {
                Ok(Event::Connected { .. }) => backoff.reset(),
                Ok(Event::Event(e)) if e.is("question") => reading.question = e.ack.or(reading.question),
                Ok(Event::Ack(answer)) => send(&answer.token.unwrap_or_default().to_le_bytes()),
                Ok(Event::Closed(_)) => {
                    let [a, b, c, d, ..] = nonce();
                    let wait = backoff.next(u32::from_le_bytes([a, b, c, d])).unwrap_or(0);
                    start = Some(now.after_millis(wait));
                }
                Ok(_) => {}
                Err(_) => link.close(now),
            }
        }
        while let Some(event) = io.handle_timeout(now) {
            if let Event::AckFailed { token, .. } = event {
                send(&token.to_le_bytes());
            }
        }
        if !io.wants_any() && !io.wants_transmit() {
            if link.is_over() {
                return;
            }
            link.close(now);
        }
        while let Some(task) = link.poll_task() {
            match task {
                Task::Close(_) => send(outbox.written()),
                Task::Open(line) if open() => link.opened(line, inbox, outbox, nonce()),
                Task::Open(line) => link.handle_error(line, now),
            }
        }
        let mut outgoing = Outgoing { io, reading, now };
        if link.transmit(Line::WebSocket, outbox, &mut outgoing, now, &mut |_| {}).is_err() {
            return;
        }
        send(outbox.written());
        outbox.consume(usize::MAX);
        let due = [link.poll_timeout(), io.poll_timeout(), start, Some(next_reading)].into_iter().flatten().min();
        let Ok(space) = inbox.space() else { return };
        match wait(space, due) {
            None => {}
            Some(0) => link.handle_eof(Line::WebSocket, now),
            Some(n) => inbox.commit(n),
        }
    }
}
