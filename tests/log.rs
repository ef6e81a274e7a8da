//! What the feature `log` prints: one line for each ending, refusal and reconnection, and none for what goes well.

use sansocket::{
    endpoint::{
        Ask,
        client::{ClientEnd, Config, Line, Memory, Step, WebSocketLink},
        judge,
    },
    engineio::{
        self, Message,
        server::{Cors, Origins},
    },
    http::Method,
    socketio::{
        AckSlot, Collector, Namespace,
        client::{Session, SocketSlot},
    },
    time::Instant,
    ws::{Connection, Inbox, KeepAlive, Limits, Outbox, RequestError, Timeouts, accept_key},
};
use std::{cell::RefCell, mem::take};

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Lines;

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        assert_eq!(record.level(), log::Level::Info);
        assert!(record.target().starts_with("sansocket::"), "{}", record.target());
        LINES.with_borrow_mut(|lines| lines.push(record.args().to_string()));
    }

    fn flush(&self) {}
}

fn listen() {
    // A test before this one may have done it.
    let _ = log::set_logger(&Lines);
    log::set_max_level(log::LevelFilter::Trace);
}

fn lines() -> Vec<String> {
    LINES.with_borrow_mut(take)
}

const ROOT: Namespace = Namespace(0);

/// A client that was told to connect, with its memory.
struct Host<'c> {
    client: ClientEnd<WebSocketLink<'c>, [&'static str; 1], [AckSlot; 1], [SocketSlot; 1], [u8; 64]>,
    inbox: Inbox<[u8; 512]>,
    outbox: Outbox<[u8; 512], fn() -> [u8; 4]>,
}

impl<'c> Host<'c> {
    fn new(config: &'c Config<'c>) -> Self {
        let memory = Memory { acks: [AckSlot::EMPTY], sockets: [SocketSlot::EMPTY], backlog: [0; 64] };
        let mut client = ClientEnd::new(WebSocketLink::new(config), ["/"], memory, 1);
        client.connect(ROOT, at(0)).unwrap();
        Self { client, inbox: Inbox::new([0; 512]), outbox: Outbox::with_keys([0; 512], || [0; 4]) }
    }

    /// Does all that is to be done at `now`. Lines are opened.
    fn run(&mut self, now: Instant) {
        let mut files = Collector::new([0; 0]);
        loop {
            let step = match self.client.poll(Line::WebSocket, &mut self.inbox, &mut files, now).unwrap() {
                Step::Idle => self.client.handle_timeout(now),
                step => step,
            };
            match step {
                Step::Idle => break,
                Step::Open(line) => self.client.opened(line, &mut self.inbox, &mut self.outbox, [7; 16]),
                _ => {}
            }
        }
        self.client.transmit(Line::WebSocket, &mut self.outbox, now).unwrap();
        self.outbox.consume(usize::MAX);
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.inbox.space().unwrap()[..bytes.len()].copy_from_slice(bytes);
        self.inbox.commit(bytes.len());
    }
}

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// The answer to the handshake, and the open packet.
fn hello() -> Vec<u8> {
    let mut hello =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            .to_vec();
    hello.extend_from_slice(&accept_key(b"BwcHBwcHBwcHBwcHBwcHBw==").unwrap());
    hello.extend_from_slice(
        b"\r\n\r\n\x81\x430{\"sid\":\"a\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}",
    );
    hello
}

#[test]
fn a_client_that_connects_is_refused_and_connects_again() {
    listen();
    let config = Config::parse("ws://example.org").unwrap();
    let mut host = Host::new(&config);
    host.run(at(0));
    assert!(lines().is_empty());
    host.receive(&hello());
    host.run(at(1));
    assert_eq!(lines(), ["the session is open"]);
    host.receive(b"\x81\x0d40{\"sid\":\"b\"}\x81\x0442[]");
    host.run(at(2));
    let [broken, ended, again] = &lines()[..] else { panic!() };
    assert!(broken.starts_with("the server broke Socket.IO: "), "{broken}");
    assert_eq!(ended, "the session has ended: forced close");
    assert!(again.starts_with("connects again in ") && again.ends_with(" ms"), "{again}");
    host.run(at(10_000));
    host.client.handle_error(Line::WebSocket, at(10_000));
    host.run(at(10_000));
    let [ended, again] = &lines()[..] else { panic!() };
    assert!(ended.starts_with("the session has ended: transport error: "), "{ended}");
    assert!(again.starts_with("connects again in "), "{again}");
}

#[test]
fn a_namespace_that_is_refused_or_taken_away() {
    listen();
    let mut io = Session::new(["/"], [AckSlot::EMPTY], [SocketSlot::EMPTY]);
    let mut memory = [0; 128];
    let mut out = sansocket::ws::Out::stored(&mut memory);
    io.connect(ROOT).unwrap();
    io.handle_event(engineio::Event::Opened).unwrap();
    while io.poll_transmit(&mut out).unwrap() {}
    io.handle_event(engineio::Event::Message(Message::Text(br#"4{"message":"no"}"#))).unwrap();
    assert_eq!(lines(), ["the server refused namespace 0"]);
    io.connect(ROOT).unwrap();
    while io.poll_transmit(&mut out).unwrap() {}
    io.handle_event(engineio::Event::Message(Message::Text(br#"0{"sid":"a"}"#))).unwrap();
    assert!(lines().is_empty());
    io.handle_event(engineio::Event::Message(Message::Text(b"1"))).unwrap();
    assert_eq!(lines(), ["the server removed this client from namespace 0"]);
}

#[test]
fn requests_frames_and_silence() {
    listen();
    let ask = Ask { method: Method::Get, query: b"EIO=3&transport=polling", has_body: false, websocket: None };
    judge(&ask, &Cors::new(Origins::Own), |_| None);
    let [refused] = &lines()[..] else { panic!() };
    assert!(refused.starts_with("a request is refused: "), "{refused}");
    judge(&Ask { websocket: Some(Err(RequestError::Key)), ..ask }, &Cors::new(Origins::Own), |_| None);
    let [refused] = &lines()[..] else { panic!() };
    assert!(refused.starts_with("a handshake is refused: "), "{refused}");

    let mut ws = Connection::server(Limits::new());
    let mut frame = *b"\x81\x01a";
    assert!(ws.poll_event(&mut &mut frame[..]).is_err());
    assert!(ws.poll_event(&mut &mut frame[..]).is_err());
    let [fault] = &lines()[..] else { panic!("once") };
    assert!(fault.starts_with("the peer broke WebSocket: "), "{fault}");

    let mut ws = Connection::server(Limits::new());
    let mut keep = KeepAlive::new(Timeouts::new(), at(0));
    assert!(keep.handle_timeout(at(3_600_000), &mut ws).is_some());
    assert_eq!(lines(), ["a deadline of the connection has passed: Handshake"]);
}
