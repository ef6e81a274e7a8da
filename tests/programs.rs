//! The programs of `guide::programs`: each is run, and every way in which the loop of the Socket.IO server ends has a test.

use sansocket::engineio::server::Config;
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// A program as a module: `main` is not called.
macro_rules! program {
    ($name:ident, $path:literal, $item:item) => {
        #[allow(dead_code)]
        mod $name {
            include!($path);
            $item
        }
    };
}

program!(
    socketio_server,
    "programs/socketio_server.rs",
    pub(super) fn start(socket: TcpStream, config: engine::Config, connect_ms: u64) -> Result<Option<Reason>, String> {
        serve(socket, config, connect_ms).map_err(|e| e.to_string())
    }
);
program!(
    websocket_server,
    "programs/websocket_server.rs",
    pub(super) fn start(socket: TcpStream) -> Result<(), Box<dyn Error>> {
        serve(socket)
    }
);
program!(
    websocket_client,
    "programs/websocket_client.rs",
    pub(super) fn start(url: &str, question: &str) -> Result<String, Box<dyn Error>> {
        ask(url, question)
    }
);

program!(
    socketio_client,
    "programs/socketio_client.rs",
    pub(super) fn start(url: &str) -> Result<(), Box<dyn Error>> {
        run(&Config::parse(url)?)
    }
);

const RX: usize = 16 * 1024;

#[test]
fn the_websocket_client_and_server_talk() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let server =
        thread::spawn(move || websocket_server::start(listener.accept().unwrap().0).map_err(|e| e.to_string()));
    let question = "long ".repeat(3000);
    assert_eq!(websocket_client::start(&url, &question).unwrap(), question);
    server.join().unwrap().unwrap();
}

/// Sends the bytes to the WebSocket server; gives the frames that came back until the end of the stream.
fn answers(input: &[u8]) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let server =
        thread::spawn(move || websocket_server::start(listener.accept().unwrap().0).map_err(|e| e.to_string()));
    client.write_all(&[request("", "http://localhost").as_bytes(), input].concat()).unwrap();
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    drop(client);
    server.join().unwrap().unwrap();
    let end = received.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    received.split_off(end)
}

#[test]
fn the_websocket_server_owes_a_close_frame_at_each_end() {
    let hello = text("hello");
    for (last, close) in [
        (&frame(0x88, b"\x03\xe8bye")[..], &b"\x88\x02\x03\xe8"[..]),
        (b"\x81\x0142", b"\x88\x02\x03\xea"),
        (&frame(0x81, b"\xff"), b"\x88\x02\x03\xef"),
        (&frame(0x81, &[b'x'; RX + 1]), b"\x88\x02\x03\xf1"),
    ] {
        assert_eq!(answers(&[&hello, last].concat()), [b"\x81\x05hello", close].concat());
    }
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

fn request(query: &str, origin: &str) -> String {
    format!(
        "GET /socket.io/?{query} HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

struct Run {
    config: Config,
    connect_timeout: u64,
    query: &'static str,
    origin: &'static str,
    then_end: bool,
}

const RUN: Run = Run {
    config: Config::new(),
    connect_timeout: 45_000,
    query: "EIO=4&transport=websocket",
    origin: "http://localhost:3000",
    then_end: false,
};

impl Run {
    /// Sends the request and `input` in one piece; gives what came back until the stream ended, and why it did.
    fn with(self, input: &[&[u8]]) -> (String, Vec<u8>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (config, connect_timeout) = (self.config, self.connect_timeout);
        let server =
            thread::spawn(move || socketio_server::start(listener.accept().unwrap().0, config, connect_timeout));
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (query, origin) = (self.query, self.origin);
        let mut bytes = request(query, origin).into_bytes();
        bytes.extend(input.concat());
        client.write_all(&bytes).unwrap();
        if self.then_end {
            client.shutdown(Shutdown::Write).unwrap();
        }
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        drop(client);
        let why = match server.join().unwrap() {
            Ok(why) => why.map_or("refused".into(), |why| why.to_string()),
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
    ends(&text("49"), b"\x88\x00", "forced close");
    ends(&text(r#"42["ask",]"#), b"\x88\x00", "forced close");
}

#[test]
fn a_message_over_the_limit_is_answered_by_1009() {
    let long = frame(0x81, &[b'4'; RX + 1]);
    ends(&long, b"\x88\x02\x03\xf1", "transport error");
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
    assert_eq!((messages.len(), end, &*why), (1, &b"\x88\x00"[..], "forced server close"));
}

#[test]
fn a_client_that_answers_no_ping_is_closed_in_time() {
    let config = Config::new().ping_interval(100).ping_timeout(100);
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
