//! A Socket.IO client in 2 KiB of static memory: `cargo run --release --example two_kilobytes -- http://127.0.0.1:3000 --for 5`.
//!
//! It speaks WebSocket only, joins one namespace, sends a reading each second and asks for an acknowledgement, answers each question with
//! the latest reading, and reconnects. It stands on a link and a session, without `ClientEnd` and its memory for events that wait: a reading that cannot be
//! sent is old anyway. All its memory is one static variable, whose table it prints. On a microcontroller the socket, the clock and the source of
//! randomness are other ones; the rest stays.

use clap::Parser;
use sansocket::{
    endpoint::client::{Config, Line, Link, Task, WebSocketLink},
    engineio::{self, Client, Sink, client::Source},
    socketio::{
        AckRequest, AckSlot, ExpectAck, Namespace, SendError,
        client::{Backoff, Event, Session, SocketSlot},
    },
    time::Instant,
    ws::{Inbox, Limits, Outbox},
};
use std::{
    io::{
        ErrorKind::{Interrupted, TimedOut, WouldBlock},
        Read, Write,
    },
    mem::size_of,
    net::TcpStream,
    process::ExitCode,
    sync::{LazyLock, Mutex},
    time::Duration,
};

/// Sends a reading each second to a Socket.IO server, from 2 KiB of static memory.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// Where the server is. A path names the namespace.
    #[arg(default_value = "http://127.0.0.1:3000", value_name = "URL")]
    url: String,
    /// Leave after this number of seconds.
    #[arg(long = "for", default_value_t = 10, value_name = "SECONDS")]
    time: u64,
}

const NAMESPACE: Namespace = Namespace(0);
/// How long the server has to acknowledge, in milliseconds.
const PATIENCE: u64 = 10_000;

/// Bytes to receive into: those of the largest message and its header.
const RX: usize = 1024;
/// Bytes to send from. The request of the handshake needs the most.
const TX: usize = 224;

/// All the memory of the client.
struct Memory {
    inbox: Inbox<[u8; RX]>,
    outbox: Outbox<[u8; TX], fn() -> [u8; 4]>,
    link: WebSocketLink<'static>,
    io: Io,
    backoff: Backoff,
    reading: Reading,
}

type Io = Session<[&'static str; 1], [AckSlot; 1], [SocketSlot; 1]>;

/// What fits into the inbox, with its header.
const LIMITS: Limits = Limits::new().message(RX as u64 - 14).frame(RX as u64 - 14);

static MEMORY: Mutex<Option<Memory>> = Mutex::new(None);

const _: () = assert!(size_of::<Memory>() <= 2048, "the client has 2 KiB");

/// What is measured: here the number of the reading.
#[derive(Clone, Copy)]
struct Reading {
    number: u32,
    is_due: bool,
    /// A question of the server, to be answered.
    question: Option<AckRequest>,
}

/// What the link sends: what the session owes, and the reading when it is due.
struct Outgoing<'m> {
    io: &'m mut Io,
    reading: &'m mut Reading,
    now: Instant,
}

impl Source for Outgoing<'_> {
    fn forward<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, engineio::SendError> {
        let question = self.reading.question;
        let sent = match self.io.poll_transmit(out) {
            Ok(false) if question.is_some() && self.io.is_connected(NAMESPACE) => {
                question.map_or(Ok(()), |q| self.io.ack(q, &self.reading.number, out)).map(|()| {
                    self.reading.question = None;
                    true
                })
            }
            Ok(false) if self.reading.is_due && self.io.is_connected(NAMESPACE) => {
                let deadline = Some(self.now.after_millis(PATIENCE));
                let expect = ExpectAck { token: self.reading.number, deadline };
                self.io.emit(NAMESPACE, "reading", &self.reading.number, Some(expect), out).map(|()| {
                    self.reading.is_due = false;
                    true
                })
            }
            owed => owed,
        };
        match sent {
            Ok(sent) => Ok(sent),
            Err(SendError::Link(e)) => Err(e),
            Err(SendError::Capacity(e)) => Err(engineio::SendError::Capacity(e)),
            Err(SendError::State(_)) => {
                // The question was of an earlier connection.
                self.reading.question = None;
                Ok(false)
            }
            // The last reading was not acknowledged yet: this one waits.
            Err(_) => Ok(false),
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    // Read once. On a microcontroller they lie on the stack of `main`, which does not end.
    let url: &'static str = options.url.clone().leak();
    let config: &'static Config<'static> = match Config::parse(url) {
        // A message that does not fit ends the connection, not the program.
        Ok(config) if !config.url().scheme().is_secure() => Box::leak(Box::new(config.limits(LIMITS))),
        Ok(_) => return usage("this program has no TLS: use http://"),
        Err(e) => return usage(&format!("'{url}': {e}")),
    };
    print_table();
    let Ok(mut memory) = MEMORY.lock() else { return ExitCode::FAILURE };
    let memory = memory.insert(Memory {
        inbox: Inbox::new([0; RX]),
        outbox: Outbox::with_keys([0; TX], random),
        link: WebSocketLink::new(config),
        io: Session::new([config.namespace()], [AckSlot::EMPTY; 1], [SocketSlot::EMPTY; 1]),
        backoff: Backoff::new(),
        reading: Reading { number: 0, is_due: false, question: None },
    });
    match memory.run(config, now().after_millis(options.time.saturating_mul(1000))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("two_kilobytes: {why}");
            ExitCode::FAILURE
        }
    }
}

fn usage(why: &str) -> ExitCode {
    eprintln!("two_kilobytes: {why}");
    ExitCode::from(2)
}

impl Memory {
    /// Runs until `end`, or until the server sends the client away.
    fn run(&mut self, config: &Config<'_>, end: Instant) -> Result<(), String> {
        let mut socket: Option<TcpStream> = None;
        let mut next_reading = now();
        // When to connect. `None`: a link is there.
        let mut start = Some(now());
        self.io.connect(NAMESPACE).map_err(|e| e.to_string())?;
        loop {
            let now = now();
            if now >= end && self.io.wants_any() {
                self.io.disconnect(NAMESPACE);
            }
            if now >= next_reading {
                next_reading = now.after_millis(1000);
                self.reading.number = self.reading.number.wrapping_add(1);
                self.reading.is_due = true;
            }
            if start.is_some_and(|at| now >= at) {
                start = None;
                self.link.start(now);
            }

            // 1. What was received, and what is due by time.
            if self.events(now)? {
                // The link is over.
                if let Some(failure) = self.link.failure() {
                    println!("{failure}");
                }
                let wait = self.backoff.next(u32::from_le_bytes(random())).unwrap_or(0);
                start = Some(now.after_millis(wait));
            }
            if !self.io.wants_any() && !self.io.wants_transmit() {
                if start.is_some() || !self.link.is_open() && socket.is_none() {
                    return Ok(());
                }
                self.link.close(now);
            }

            // 2. What the link wants of the socket.
            while let Some(task) = self.link.poll_task() {
                match task {
                    Task::Close(_) => socket = None,
                    Task::Open(line) => match TcpStream::connect((config.url().host(), config.url().port())) {
                        Ok(stream) => {
                            self.link.opened(line, &mut self.inbox, &mut self.outbox, random());
                            socket = Some(stream);
                        }
                        Err(_) => self.link.handle_error(line, now),
                    },
                }
            }

            // 3. Write, as much as the outbox holds at a time. Then read until the next deadline.
            if let Some(stream) = &mut socket {
                let mut outgoing = Outgoing { io: &mut self.io, reading: &mut self.reading, now };
                let sent = self.link.transmit(Line::WebSocket, &mut self.outbox, &mut outgoing, now, &mut |_| {});
                sent.map_err(|e| e.to_string())?;
                if !self.outbox.is_empty() {
                    if stream.write_all(self.outbox.written()).is_err() {
                        socket = None;
                        self.link.handle_error(Line::WebSocket, now);
                    }
                    self.outbox.consume(self.outbox.held());
                    continue;
                }
            }
            let due = [self.link.poll_timeout(), self.io.poll_timeout(), start, Some(next_reading), Some(end)];
            let due = due.into_iter().flatten().min().unwrap_or(end).duration_since(self::now());
            let wait = due.max(Duration::from_millis(1));
            let Some(stream) = &mut socket else {
                std::thread::sleep(wait);
                continue;
            };
            let space = self.inbox.space().map_err(|e| e.to_string())?;
            stream.set_read_timeout(Some(wait)).map_err(|e| e.to_string())?;
            match stream.read(space) {
                Ok(0) => self.link.handle_eof(Line::WebSocket, now),
                Ok(n) => self.inbox.commit(n),
                Err(e) if matches!(e.kind(), WouldBlock | TimedOut | Interrupted) => {}
                Err(_) => {
                    socket = None;
                    self.link.handle_error(Line::WebSocket, now);
                }
            }
        }
    }

    /// Handles all events. `true`: the link is over.
    fn events(&mut self, now: Instant) -> Result<bool, String> {
        let mut is_over = false;
        loop {
            let event = if self
                .link
                .advance(Line::WebSocket, &mut self.inbox, now, &mut |_| {})
                .map_err(|e| format!("a message is too large: {e}"))?
            {
                self.link.take(Line::WebSocket, &mut self.inbox, now)
            } else {
                self.link.handle_timeout(now)
            };
            let Some(event) = event else { break };
            match self.io.handle_event(event) {
                Ok(Event::Connected { .. }) => {
                    self.backoff.reset();
                    println!("connected");
                }
                Ok(Event::Event(e)) => {
                    println!("{e:?}");
                    self.reading.question = e.ack.or(self.reading.question);
                }
                Ok(Event::Ack(answer)) => println!("reading {:?} was acknowledged", answer.token),
                Ok(Event::Refused { message, .. }) => println!("refused: {message:?}"),
                Ok(Event::Closed(reason)) => {
                    println!("closed: {reason}");
                    is_over = true;
                }
                Ok(_) => {}
                Err(e) => {
                    println!("the server broke the protocol: {e}");
                    self.link.close(now);
                }
            }
        }
        while let Some(event) = self.io.handle_timeout(now) {
            match event {
                Event::AckFailed { token, error, .. } => println!("reading {token} was not acknowledged: {error:?}"),
                Event::Disconnected { reason, .. } => println!("disconnected: {reason}"),
                _ => {}
            }
        }
        Ok(is_over)
    }
}

fn now() -> Instant {
    static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    Instant::from_millis(u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
}

fn print_table() {
    let rows = [
        ("receive buffer", size_of::<Inbox<[u8; RX]>>()),
        ("send buffer", size_of::<Outbox<[u8; TX], fn() -> [u8; 4]>>()),
        ("link: handshake, WebSocket, Engine.IO", size_of::<WebSocketLink<'static>>()),
        ("session: one namespace, one acknowledgement", size_of::<Io>()),
        ("reconnection", size_of::<Backoff>()),
        ("the reading", size_of::<Reading>()),
    ];
    for (name, bytes) in rows {
        println!("{bytes:5} bytes  {name}");
    }
    println!("{:5} bytes  in all", size_of::<Memory>());
}
