//! `sansocket-linear ITEM N` does the work of one item at size N once.

mod client;
mod compressed;

use sansocket::{
    engineio::{Event, Message, Packets, Payload},
    http::{Body, BodyDecoder, HeadScanner, Limits as HeadLimits, Request},
    socketio::{
        AckSlot, ExpectAck, Namespace,
        server::{
            Limits as IoLimits, Session,
            rooms::{Full, Member, RoomSlot, Rooms, Storage},
        },
    },
    time::Instant,
    ws::{Accept, Connection, Inbox, Incoming, Kind, Limits, Out, Server},
};
use std::hint::black_box;

type Item = (&'static str, fn(usize));

const ITEMS: [Item; 16] = [
    ("text_in_64_byte_fragments", text_in_fragments),
    ("handshake_one_byte_at_a_time", handshake_by_bytes),
    ("small_frames_in_one_read", small_frames),
    ("one_message_a_read", one_message_a_read),
    ("header_lines", header_lines),
    ("subprotocols", subprotocols),
    ("polling_payload", polling_payload),
    ("chunked_body", chunked_body),
    ("acknowledgements_in_flight", acknowledgements),
    ("rooms_in_a_nearly_full_storage", rooms),
    ("client_acknowledgements_in_flight", client::acknowledgements),
    ("client_polling_body", client::polling_body),
    ("client_backlog_of_another_namespace", client::backlog),
    ("compressed_message", compressed::message),
    ("bomb_up_to_a_limit", compressed::bomb),
    ("client_stray_acknowledgements", client::stray_acknowledgements),
];

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, item, n] = &args[..] else {
        return ITEMS.iter().for_each(|(name, _)| println!("{name}"));
    };
    let work = ITEMS.iter().find(|(name, _)| name == item).expect("an item").1;
    work(n.parse().expect("a size"));
}

fn frame(first: u8, payload: &[u8], wire: &mut Vec<u8>) {
    const KEY: [u8; 4] = [1, 2, 3, 4];
    wire.extend([first, 0x80 | payload.len() as u8]);
    wire.extend(KEY);
    wire.extend(payload.iter().zip(KEY.iter().cycle()).map(|(b, k)| b ^ k));
}

/// Reads of 4 KiB through an inbox that grows.
fn receive(wire: &[u8], chunk: usize) -> usize {
    let limits = Limits::new().message(1 << 30).frame(1 << 30).fragments(u32::MAX);
    let mut ws: Connection<Server> = Connection::server(limits);
    let mut inbox = Inbox::new(vec![0; chunk]);
    let mut rest = wire;
    let mut messages = 0;
    while !rest.is_empty() {
        let space = loop {
            match inbox.space() {
                Ok(space) => break space.len(),
                Err(e) => drop(inbox.replace(vec![0; e.needed.max(2 * e.available)])),
            }
        };
        let (now, later) = rest.split_at(space.min(chunk).min(rest.len()));
        inbox.space().expect("there is some")[..now.len()].copy_from_slice(now);
        inbox.commit(now.len());
        rest = later;
        loop {
            match inbox.poll_message(&mut ws) {
                Ok(Some(Incoming::Message(message))) => {
                    black_box(message.as_bytes());
                    messages += 1;
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(sansocket::ws::ReceiveError::Capacity(e)) => {
                    drop(inbox.replace(vec![0; e.needed.max(2 * e.available)]));
                }
                Err(e) => panic!("{e}"),
            }
        }
    }
    messages
}

/// One text in N fragments, each of which cuts a character.
fn text_in_fragments(n: usize) {
    let text = format!("x{}x", "ü".repeat(32 * n - 1));
    let mut wire = Vec::new();
    for (i, part) in text.as_bytes().chunks(64).enumerate() {
        let first = if i == 0 { 0x01 } else { 0x00 } | if i + 1 == n { 0x80 } else { 0 };
        frame(first, part, &mut wire);
    }
    assert_eq!(receive(&wire, 4096), 1);
}

/// N text frames of 16 bytes that came in one read.
fn small_frames(n: usize) {
    let mut wire = Vec::new();
    (0..n).for_each(|_| frame(0x81, b"0123456789abcdef", &mut wire));
    assert_eq!(receive(&wire, wire.len()), n);
}

/// N messages out of storage that is full of them, one between two reads that fill it again.
fn one_message_a_read(n: usize) {
    let mut wire = Vec::new();
    frame(0x81, b"a", &mut wire);
    let mut ws: Connection<Server> = Connection::server(Limits::new());
    let mut inbox = Inbox::new(vec![0; wire.len() * n]);
    let mut stream = wire.iter().copied().cycle();
    for _ in 0..n {
        let space = inbox.space().expect("there is some");
        let len = space.len();
        space.iter_mut().zip(&mut stream).for_each(|(place, byte)| *place = byte);
        inbox.commit(len);
        assert!(matches!(inbox.poll_message(&mut ws), Ok(Some(Incoming::Message(_)))));
    }
}

fn request(more: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    )
}

fn answer(head: &[u8]) {
    let mut out = [0; 512];
    let request = Request::parse(head).expect("good");
    let accept = Accept::check(&request).expect("good");
    black_box(accept.protocols().count());
    black_box(accept.write(&[], &mut out).expect("room"));
}

fn unlimited() -> HeadScanner {
    HeadScanner::new(HeadLimits::new().bytes(usize::MAX).lines(u16::MAX))
}

/// A request with a field of N bytes, looked at behind each byte.
fn handshake_by_bytes(n: usize) {
    let text = request(&format!("X: {}\r\n", "x".repeat(n)));
    let mut head = unlimited();
    let end = (0..=text.len()).find_map(|n| head.scan(&text.as_bytes()[..n]).expect("good"));
    answer(&text.as_bytes()[..end.expect("an end")]);
}

/// A request with N more lines.
fn header_lines(n: usize) {
    let text = request(&"X-Forwarded: something\r\n".repeat(n));
    let end = unlimited().scan(text.as_bytes()).expect("good").expect("an end");
    answer(&text.as_bytes()[..end]);
}

/// N subprotocols with blanks between.
fn subprotocols(n: usize) {
    let text = request(&format!("Sec-WebSocket-Protocol: {}a\r\n", "a,    ,".repeat(n)));
    let end = unlimited().scan(text.as_bytes()).expect("good").expect("an end");
    answer(&text.as_bytes()[..end]);
}

/// N packets of text and bytes, written into payloads and read again.
fn polling_payload(n: usize) {
    let mut ws: Connection<Server> = Connection::server(Limits::new());
    let mut memory = vec![0; 64 * n];
    let mut out = ws.out(&mut memory);
    for i in 0..n {
        let kind = if i % 2 == 0 { Kind::Text } else { Kind::Binary };
        ws.send(kind, b"4some words of a message", &mut out).expect("room");
    }
    let (mut rest, mut count, mut memory) = (out.written(), 0, [0; 4096]);
    while !rest.is_empty() {
        let mut payload = Payload::new(&mut memory);
        rest = &rest[payload.push_frames(rest).expect("room")..];
        let len = payload.written().len();
        count += Packets::new(&mut memory[..len]).filter(|p| black_box(p).is_ok()).count();
    }
    assert_eq!(count, n);
}

/// A body in N chunks of a byte, that comes byte by byte.
fn chunked_body(n: usize) {
    let mut bytes = format!("{}0\r\n\r\n", "1\r\nx\r\n".repeat(n)).into_bytes();
    let mut body = BodyDecoder::new(Body::Chunked, u64::MAX);
    let mut len = 0;
    for byte in bytes.chunks_mut(1) {
        let mut input = byte;
        while let Some(piece) = body.poll_piece(&mut input).expect("good") {
            len += black_box(piece).len();
        }
    }
    assert!(body.is_complete() && len == n);
}

/// N requests in flight, of which every second one is answered, from the last to the first; the others are lost.
fn acknowledgements(n: usize) {
    let limits = IoLimits::new().acks(u16::MAX);
    let mut io = Session::new(["/"], vec![AckSlot::EMPTY; n], Instant::from_millis(1)).with_limits(limits);
    let mut memory = [0; 64];
    io.handle_event(Event::Message(Message::Text(b"0"))).expect("good");
    io.accept(Namespace(0), sansocket::socketio::Sid::from_random([1; 15]), &mut Out::stored(&mut memory))
        .expect("room");
    for token in 0..n as u32 {
        let expect = ExpectAck { token, deadline: None };
        io.emit(Namespace(0), "x", &(), Some(expect), &mut Out::stored(&mut memory)).expect("room");
    }
    for id in (0..n).rev().step_by(2) {
        io.handle_event(Event::Message(Message::Text(format!("3{id}[]").as_bytes()))).expect("good");
    }
    io.handle_event(Event::Message(Message::Text(b"1"))).expect("good");
    while black_box(io.handle_timeout(Instant::from_millis(0))).is_some() {}
}

/// N rooms that stay, and N that come and go.
fn rooms(n: usize) {
    let storage = |slots, name_bytes| Storage { slots: vec![RoomSlot::EMPTY; slots], name_bytes: vec![0; name_bytes] };
    let mut rooms = Rooms::new(storage(2 * n + 8, 16 * n + 64), [1, 2]);
    let join = |rooms: &mut Rooms<Vec<RoomSlot>, Vec<u8>>, i: usize| {
        let name = format!("room{i:06}");
        while let Err(Full { slots, name_bytes }) = rooms.join(Namespace(0), Member(0), name.as_bytes()) {
            drop(rooms.replace(storage(slots, name_bytes)));
        }
        name
    };
    for i in 0..n {
        join(&mut rooms, i);
    }
    for i in n..2 * n {
        let name = join(&mut rooms, i);
        assert!(rooms.leave(Namespace(0), Member(0), name.as_bytes()));
    }
}
