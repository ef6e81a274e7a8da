//! The Socket.IO server of the README: the program itself, and a test for each way in which its loop ends.

// program: socketio-server
use sansocket::{
    engineio::{self, server as engine},
    http::{Head, Request, Response, Status},
    socketio::{AckSlot, Namespace, SendError, server as socketio},
    time::Instant,
    ws::{self, Accept, CloseCode},
};
use std::{
    convert::Infallible,
    error::Error,
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::Duration,
};

type Failure = Box<dyn Error + Send + Sync>;
type Out<'o> = ws::Out<'o, ws::Frames>;

const ROOT: Namespace = Namespace(0);
const ORIGINS: [&[u8]; 1] = [b"http://localhost:3000"]; // the pages that may connect
const RX: usize = 16 * 1024;
const TX: usize = RX + 256; // so the answer to any message that fits in RX fits in TX

fn main() -> io::Result<()> {
    for socket in TcpListener::bind("127.0.0.1:3000")?.incoming().flatten() {
        thread::spawn(|| match serve(socket, engine::Config::new(), 45_000) {
            Ok(why) => println!("closed: {why}"),
            Err(e) => println!("lost: {e}"),
        });
    }
    Ok(())
}

/// One connection from its first byte to its last. Gives the reason why it ended.
fn serve(mut socket: TcpStream, config: engine::Config, connect_timeout: u64) -> io::Result<Failure> {
    let started = std::time::Instant::now();
    let now = || Instant::from_millis(started.elapsed().as_millis() as u64);
    socket.set_write_timeout(Some(Duration::from_secs(10)))?;
    let (mut rx, mut tx) = ([0; RX], [0; TX]);
    let mut inbox = ws::Inbox::new(&mut rx[..]);
    if let Err(why) = open(&mut socket, &mut inbox, &mut tx, now) {
        return Ok(why);
    }
    let mut ws = ws::Connection::server(ws::Limits::new());
    let mut engine = engine::Session::open(engineio::Sid::from_random(random()), config, now());
    let io = socketio::Session::new(["/"], [AckSlot::EMPTY; 8], now().after_millis(connect_timeout));
    let mut out = ws.out(&mut tx);

    // Every ending leaves `run` by its error, so this is the one exit.
    let Err(why) = run(&mut socket, &mut inbox, &mut ws, &mut engine, io, &mut out, now);
    // A socket that failed may have taken half a frame: nothing can follow it.
    let why = match why.downcast::<io::Error>() {
        Ok(broken) => return Err(*broken),
        Err(why) => why,
    };
    engine.close(&mut ws); // a close frame is owed now, unless one was owed or sent before
    flush(&mut socket, &mut out)?; // what was answered before the end
    while ws.poll_transmit(&mut out).map_err(io::Error::other)? {}
    flush(&mut socket, &mut out)?;
    // Read what the peer still sends: closing a socket with unread bytes can destroy what was written last.
    socket.shutdown(Shutdown::Write)?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    let until = now().after_millis(5000);
    while now() < until && socket.read(&mut [0; 1024])? > 0 {}
    Ok(why)
}

/// The loop.
fn run(
    socket: &mut TcpStream,
    inbox: &mut ws::Inbox<&mut [u8]>,
    ws: &mut ws::Connection<ws::Server>,
    engine: &mut engine::Session,
    mut io: socketio::Session<[&'static str; 1]>,
    out: &mut Out<'_>,
    now: impl Fn() -> Instant,
) -> Result<Infallible, Failure> {
    loop {
        // 1. Owed: the open packet, pings, pongs. `out` is empty here, and what is owed always fits in it.
        while engine.poll_transmit(out)? || ws.poll_transmit(out)? {}
        // 2. Events, until the bytes in the inbox are used up.
        loop {
            match engine.poll_event(inbox, ws, now()) {
                Ok(Some(event)) => handle(io.handle_event(event)?, &mut io, socket, out)?,
                Ok(None) => break,
                Err(too_large) => {
                    ws.owe_close(CloseCode::MESSAGE_TOO_BIG);
                    return Err(too_large.into());
                }
            }
        }
        // 3. Time.
        while let Some(event) = io.handle_timeout(now()) {
            handle(event, &mut io, socket, out)?;
        }
        if let Some(event) = engine.handle_timeout(now()) {
            handle(io.handle_event(event)?, &mut io, socket, out)?;
        }
        // 4. Write, then read until the next deadline.
        flush(socket, out)?;
        if engine.wants_transmit() || ws.wants_transmit() {
            continue;
        }
        let due = engine.poll_timeout().into_iter().chain(io.poll_timeout()).min();
        if !read(socket, inbox, due.unwrap_or(Instant::FAR_FUTURE), now())? {
            ws.handle_eof();
            let event = engine.handle_eof();
            event.map(|event| io.handle_event(event)).transpose()?;
            return Err("transport close".into());
        }
    }
}

/// The application: what each event is answered. An error ends the connection.
fn handle(
    event: socketio::Event<'_>,
    io: &mut socketio::Session<[&'static str; 1]>,
    socket: &mut TcpStream,
    out: &mut Out<'_>,
) -> Result<(), Failure> {
    match event {
        socketio::Event::Connect { .. } => {
            let sid = engineio::Sid::from_random(random()); // public, unlike the id of the Engine.IO session
            say(socket, out, |out| io.accept(ROOT, sid, out))
        }
        socketio::Event::UnknownNamespace { name } => say(socket, out, |out| io.refuse_unknown(name, out)),
        socketio::Event::Event(e) if e.is("ask") => match e.ack {
            Some(request) => say(socket, out, |out| io.ack(request, &e.args(), out)),
            None => Ok(()),
        },
        socketio::Event::ConnectTimeout => Err("no namespace was connected in time".into()),
        socketio::Event::Closed(reason) => Err(reason.as_str().into()),
        _ => Ok(()),
    }
}

/// Writes a packet into `out`. If `out` is full, sends it and tries once more: a refused call changed nothing.
fn say(
    socket: &mut TcpStream,
    out: &mut Out<'_>,
    mut write: impl FnMut(&mut Out<'_>) -> Result<(), SendError>,
) -> Result<(), Failure> {
    match write(out) {
        Err(SendError::Capacity(_)) if !out.is_empty() => {
            flush(socket, out)?;
            Ok(write(out)?)
        }
        other => Ok(other?),
    }
}

fn flush(socket: &mut TcpStream, out: &mut Out<'_>) -> io::Result<()> {
    socket.write_all(out.written())?;
    out.clear();
    Ok(())
}

/// Waits for bytes, at most until `due`. `false`: the peer sends no more.
fn read(
    socket: &mut TcpStream,
    inbox: &mut ws::Inbox<&mut [u8]>,
    due: Instant,
    now: Instant,
) -> Result<bool, Failure> {
    let wait = due.duration_since(now).clamp(Duration::from_millis(1), Duration::from_secs(3600));
    socket.set_read_timeout(Some(wait))?;
    match socket.read(inbox.space()?) {
        Ok(0) => return Ok(false),
        Ok(n) => inbox.filled(n),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
        Err(e) => return Err(e.into()),
    }
    Ok(true)
}

/// The HTTP request and its answer. What follows the request stays in the inbox.
fn open(
    socket: &mut TcpStream,
    inbox: &mut ws::Inbox<&mut [u8]>,
    tx: &mut [u8],
    now: impl Fn() -> Instant,
) -> Result<(), Failure> {
    let mut head = Head::new(Default::default());
    let due = now().after_millis(10_000);
    let n = loop {
        match head.scan(inbox.bytes())? {
            Some(n) => break n,
            None if now() < due && read(socket, inbox, due, now())? => {}
            None => return Err("no request".into()),
        }
    };
    let request = Request::parse(&inbox.bytes()[..n])?;
    let refusal = Response { status: Status(400), fields: &[("Connection", b"close")], body: b"" };
    let (len, result) = match engine::route(request.method(), request.query(), ws::is_upgrade(&request), |_| None) {
        Ok(engine::Route::OpenWebSocket) => match Accept::check(&request) {
            Ok(accept) if accept.origin().is_none_or(|origin| ORIGINS.contains(&origin)) => {
                (accept.write(&[], tx)?, Ok(()))
            }
            Ok(_) => (Response { status: Status(403), ..refusal }.write(tx)?, Err("page of another site".into())),
            Err(e) => (ws::refuse(e, tx)?, Err(e.into())),
        },
        _ => (refusal.write(tx)?, Err("not a request for Engine.IO over a WebSocket".into())),
    };
    socket.write_all(&tx[..len])?;
    inbox.consume(n);
    result
}

fn random() -> [u8; 15] {
    let mut bytes = [0; 15];
    getrandom::fill(&mut bytes).expect("a source of randomness");
    bytes
}
// end of program

#[test]
fn the_readme_shows_this_program() {
    let between = |text: &'static str, from: &str, to: &str| {
        let (_, rest) = text.split_once(from).expect(from);
        rest.split_once(to).expect(to).0.trim()
    };
    let here = between(include_str!("readme_loop.rs"), "// program: socketio-server\n", "// end of program\n");
    let readme = between(include_str!("../README.md"), "<!-- program: socketio-server -->\n```rust,no_run\n", "\n```\n");
    assert!(here == readme, "README.md and tests/readme_loop.rs differ: copy the program from here to there");
}

/// A client's text frame, with a masking key of zeros.
fn text(message: &str) -> Vec<u8> {
    frame(0x81, message.as_bytes())
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

struct Run {
    config: engine::Config,
    connect_timeout: u64,
    query: &'static str,
    origin: &'static str,
    then_end: bool,
}

const RUN: Run = Run {
    config: engine::Config::new(),
    connect_timeout: 45_000,
    query: "EIO=4&transport=websocket",
    origin: "http://localhost:3000",
    then_end: false,
};

impl Run {
    /// Sends the request and `input` in one piece; gives what came back until the end of the stream, and why the server ended.
    fn with(self, input: &[&[u8]]) -> (String, Vec<u8>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (config, connect_timeout) = (self.config, self.connect_timeout);
        let server = thread::spawn(move || serve(listener.accept().unwrap().0, config, connect_timeout));
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (query, origin) = (self.query, self.origin);
        let mut bytes = format!(
            "GET /socket.io/?{query} HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        .into_bytes();
        bytes.extend(input.concat());
        client.write_all(&bytes).unwrap();
        if self.then_end {
            client.shutdown(Shutdown::Write).unwrap();
        }
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        drop(client);
        let why = match server.join().unwrap() {
            Ok(why) => why.to_string(),
            Err(e) => format!("lost: {e}"),
        };
        let end = received.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        let frames = received.split_off(end);
        (String::from_utf8(received).unwrap(), frames, why)
    }
}

/// The messages in `frames`, and the last frame, which is the close frame.
fn split(mut frames: &[u8]) -> (Vec<&str>, &[u8]) {
    let mut messages = Vec::new();
    while let [0x81, rest @ ..] = frames {
        let (len, rest) = match rest {
            [126, a, b, rest @ ..] => (usize::from(*a) << 8 | usize::from(*b), rest),
            [len, rest @ ..] => (usize::from(*len), rest),
            [] => panic!("a cut frame"),
        };
        messages.push(std::str::from_utf8(&rest[..len]).unwrap());
        frames = &rest[len..];
    }
    (messages, frames)
}

/// Connects, asks, sends `last`: the answers come first, then the close frame.
fn ends(last: &[u8], close: &[u8], reason: &str) {
    let (head, frames, why) = RUN.with(&[&text("40"), &text(r#"427["ask",1,"two"]"#), last]);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let (messages, end) = split(&frames);
    assert_eq!(messages.len(), 3, "{messages:?}");
    assert!(messages[0].starts_with("0{\"sid\":"), "{messages:?}");
    assert!(messages[1].starts_with("40{\"sid\":"), "{messages:?}");
    assert_eq!(messages[2], r#"437[1,"two"]"#);
    assert_eq!((end, &*why), (close, reason));
}

#[test]
fn the_clients_close_frame_is_answered() {
    ends(&frame(0x88, b"\x03\xe8bye"), b"\x88\x02\x03\xe8", "transport close");
}

#[test]
fn an_engine_io_close_is_answered_by_a_close_frame() {
    ends(&text("1"), b"\x88\x00", "transport close");
}

#[test]
fn an_unmasked_frame_is_answered_by_1002() {
    ends(b"\x81\x0142", b"\x88\x02\x03\xea", "transport error");
}

#[test]
fn text_that_is_not_utf8_is_answered_by_1007() {
    ends(&frame(0x81, b"42[\"\xff\"]"), b"\x88\x02\x03\xef", "transport error");
}

#[test]
fn a_message_that_is_no_engine_io_packet_is_answered_by_a_close_frame() {
    ends(&text("x"), b"\x88\x02\x03\xea", "parse error");
}

#[test]
fn a_bad_socket_io_packet_is_answered_by_a_close_frame() {
    ends(&text("49"), b"\x88\x00", "unknown packet type");
    ends(&text(r#"42["ask",]"#), b"\x88\x00", "invalid JSON at byte 7");
}

#[test]
fn a_message_larger_than_the_memory_is_answered_by_1009() {
    let long = frame(0x81, &[b'4'; RX + 1]);
    ends(&long, b"\x88\x02\x03\xf1", &sansocket::Capacity { needed: RX + 1, available: RX }.to_string());
}

#[test]
fn the_end_of_the_clients_stream_ends_the_connection() {
    let (_, frames, why) = Run { then_end: true, ..RUN }.with(&[&text("40"), &text(r#"421["ask"]"#)]);
    let (messages, _) = split(&frames);
    assert_eq!((messages.last(), &*why), (Some(&"431[]"), "transport close"));
}

#[test]
fn a_client_that_connects_to_nothing_is_closed_in_time() {
    let (_, frames, why) = Run { connect_timeout: 100, ..RUN }.with(&[]);
    let (messages, end) = split(&frames);
    assert_eq!((messages.len(), end, &*why), (1, &b"\x88\x00"[..], "no namespace was connected in time"));
}

#[test]
fn a_client_that_answers_no_ping_is_closed_in_time() {
    let config = engine::Config::new().ping_interval(100).ping_timeout(100);
    let (_, frames, why) = Run { config, ..RUN }.with(&[&text("40")]);
    let (messages, end) = split(&frames);
    assert!(messages.contains(&"2"), "{messages:?}");
    assert_eq!((end, &*why), (&b"\x88\x00"[..], "ping timeout"));
}

#[test]
fn a_full_output_ends_nothing() {
    // Short requests with long answers: one read fills the output several times.
    let long = "x".repeat(10_000);
    let mut input = text("40");
    for _ in 0..3000 {
        input.extend(text("40/n"));
    }
    input.extend(text(&format!("429[\"ask\",\"{long}\"]")));
    input.extend(frame(0x88, b""));
    let (_, frames, why) = RUN.with(&[&input]);
    let (messages, end) = split(&frames);
    let refusals = messages.iter().filter(|m| **m == r#"44/n,{"message":"Invalid namespace"}"#).count();
    assert_eq!((refusals, messages.last()), (3000, Some(&&*format!("439[\"{long}\"]"))));
    assert_eq!((end, &*why), (&b"\x88\x00"[..], "transport close"));
}

#[test]
fn a_ping_is_answered() {
    let (_, frames, _) = Run { connect_timeout: 100, ..RUN }.with(&[&frame(0x89, b"there?")]);
    let (_, rest) = split(&frames);
    assert_eq!(rest, b"\x8a\x06there?\x88\x00");
}

#[test]
fn requests_that_open_nothing_are_answered() {
    for (query, origin, status) in [
        ("EIO=4&transport=websocket", "http://localhost:3000.example", "403"),
        ("EIO=4&transport=polling", "http://localhost:3000", "400"),
        ("EIO=3&transport=websocket", "http://localhost:3000", "400"),
    ] {
        let (head, rest, why) = Run { query, origin, ..RUN }.with(&[]);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")) && rest.is_empty(), "{head}");
        assert!(!why.starts_with("lost"), "{why}");
    }
}
