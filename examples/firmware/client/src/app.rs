//! What the board says, and what it answers.

use board::{print, print_number, stack_used};
use sansocket::{
    bytes::Writer,
    engineio::{self, Client, Sink, client::Source},
    json::{Args, Raw, SerializeError},
    socketio::{
        AckRequest, AckSlot, ExpectAck, Namespace, SendError,
        client::{Event, Session, SocketSlot},
    },
    time::Instant,
};

/// The only namespace.
pub const ROOM: Namespace = Namespace(0);

/// What the server must see before it lets the board in: one JSON object.
const CREDENTIALS: Raw<'static> = Raw::trusted(br#"{"token":"board-7"}"#);

/// How long the server has to acknowledge a reading, in milliseconds.
const PATIENCE: u64 = 5_000;

pub type Io = Session<[&'static str; 1], [AckSlot; 1], [SocketSlot; 1]>;

/// A reading as the server gets it: a line of the chat.
struct Reading(u32);

impl Args for Reading {
    fn write(&self, out: &mut Writer<'_>) -> Result<(), SerializeError> {
        out.push(br#"{"name":"board","message":""#);
        out.decimal(u64::from(self.0));
        out.push(br#""}"#);
        Ok(())
    }
}

/// A question of the server, and what to answer.
#[derive(Clone, Copy)]
struct Answer {
    request: AckRequest,
    number: u32,
    /// The attachments that must come before it can be sent.
    missing: u8,
}

pub struct App {
    /// What is measured: here, how often.
    number: u32,
    is_due: bool,
    next: Instant,
    /// The sum of the bytes of the file that arrives.
    sum: u32,
    answer: Option<Answer>,
}

impl App {
    pub const fn new() -> Self {
        Self { number: 0, is_due: false, next: Instant::from_millis(0), sum: 0, answer: None }
    }

    /// Measures each second.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now >= self.next {
            self.next = now.after_millis(1000);
            self.number = self.number.wrapping_add(1);
            self.is_due = true;
        }
    }

    pub const fn poll_timeout(&self) -> Instant {
        self.next
    }

    pub fn handle_event(&mut self, event: Event<'_>) {
        match event {
            Event::Event(e) => {
                self.sum = 0;
                let number = if e.is("stack") { stack_used() } else { self.number };
                self.answer = e.ack.map(|request| Answer { request, number, missing: e.attachments });
            }
            // A file comes piece by piece. Here it is not kept, only summed up.
            Event::Attachment(file) => {
                self.sum = file.bytes.iter().fold(self.sum, |sum, &byte| sum.wrapping_add(u32::from(byte)));
                if let Some(answer) = &mut self.answer {
                    (answer.number, answer.missing) = (self.sum, answer.missing.saturating_sub(1));
                }
            }
            Event::Ack(ack) => self.say(ack.token, " arrived\n"),
            Event::AckFailed { token, .. } => self.say(Some(token), " was not acknowledged\n"),
            _ => {}
        }
    }

    fn say(&self, number: Option<u32>, what: &str) {
        if let Some(number) = number {
            print("reading ");
            print_number(number);
            print(what);
        }
    }
}

/// What the link sends when it can: credentials, an answer, the reading.
pub struct Outgoing<'m> {
    pub io: &'m mut Io,
    pub app: &'m mut App,
    pub now: Instant,
}

impl Outgoing<'_> {
    fn next<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, SendError> {
        if let Some(namespace) = self.io.needs_auth() {
            self.io.authorize(namespace, Some(&CREDENTIALS), out)?;
        } else if self.io.poll_transmit(out)? {
        } else if let Some(answer) = self.app.answer.filter(|a| a.missing == 0) {
            self.app.answer = None;
            self.io.ack(answer.request, &answer.number, out)?;
        } else if self.app.is_due && self.io.is_connected(ROOM) {
            let expect = ExpectAck { token: self.app.number, deadline: Some(self.now.after_millis(PATIENCE)) };
            self.io.emit(ROOM, "sendMessage", &Reading(self.app.number), Some(expect), out)?;
            self.app.is_due = false;
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

impl Source for Outgoing<'_> {
    fn forward<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, engineio::SendError> {
        match self.next(out) {
            Ok(sent) => Ok(sent),
            Err(SendError::Link(e)) => Err(e),
            Err(SendError::Capacity(e)) => Err(engineio::SendError::Capacity(e)),
            // The question was of an earlier connection, or the last reading is not acknowledged yet.
            Err(_) => Ok(false),
        }
    }
}
