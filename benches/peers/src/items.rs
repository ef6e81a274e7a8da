//! The work items, and who does them how.

use crate::socketio as socketio_items;
use crate::work::{ARGS, EVENT, blocks, texts, wire};
use sansocket::{
    json::Raw,
    socketio::{self, Namespace, Packet},
    ws::{Connection, Event, Inbox, Incoming, Kind, Limits, Out, Server},
};
use std::{
    hint::black_box,
    io::{self, Read, Write},
};

/// Messages and bytes that came, or the bytes that were written.
pub type Outcome = (usize, usize);

pub struct Candidate {
    pub name: &'static str,
    pub run: Box<dyn FnMut() -> Outcome>,
    pub refuses_bad_text: Box<dyn Fn() -> bool>,
}

pub struct Item {
    pub name: &'static str,
    /// Messages in one run.
    pub units: usize,
    pub candidates: fn() -> Vec<Candidate>,
}

pub const ITEMS: [Item; 11] = [
    Item { name: "W1", units: 10_000, candidates: w1 },
    Item { name: "W2", units: 1000, candidates: w2 },
    Item { name: "W4", units: 10_000, candidates: w4 },
    Item { name: "W8a", units: 1, candidates: w8a },
    Item { name: "W8b", units: 1, candidates: socketio_items::w8b },
    Item { name: "W8c", units: 1, candidates: w8c },
    Item { name: "W8d", units: 1, candidates: socketio_items::w8d },
    Item { name: "W8e", units: 1, candidates: socketio_items::w8e },
    Item { name: "W8f", units: 1, candidates: socketio_items::w8f },
    Item { name: "W8g", units: 20, candidates: socketio_items::w8g },
    Item { name: "W9", units: 1, candidates: crate::round_trip::w9 },
];

const CHUNK: usize = 4096;
/// "a", then a byte that no text has.
const BAD: [u8; 8] = [0x81, 0x82, 0, 0, 0, 0, b'a', 0xff];

pub fn candidate(name: &'static str, run: impl FnMut() -> Outcome + 'static) -> Candidate {
    Candidate { name, run: Box::new(run), refuses_bad_text: Box::new(|| true) }
}

fn limits() -> Limits {
    Limits::new()
}

/// Whole messages; sink sees each.
fn ours_whole(wire: &[u8], sink: &mut impl FnMut(&[u8])) -> Result<(), ()> {
    let mut ws = Connection::<Server>::server(limits());
    let mut inbox = Inbox::new([0; 32 * 1024]);
    let mut rest = wire;
    while !rest.is_empty() {
        let space = inbox.space().map_err(drop)?;
        let n = rest.len().min(CHUNK).min(space.len());
        space[..n].copy_from_slice(&rest[..n]);
        rest = &rest[n..];
        inbox.commit(n);
        while let Some(incoming) = inbox.poll_message(&mut ws).map_err(drop)? {
            if let Incoming::Message(m) = incoming {
                sink(m.as_bytes());
            }
        }
    }
    Ok(())
}

/// Pieces, in order.
fn ours_pieces(wire: &[u8], sink: &mut impl FnMut(&[u8], bool)) -> Result<(), ()> {
    let mut ws = Connection::<Server>::server(limits());
    let mut memory = [0; CHUNK];
    for read in wire.chunks(CHUNK) {
        memory[..read.len()].copy_from_slice(read);
        let mut input = &mut memory[..read.len()];
        while let Some(event) = ws.poll_event(&mut input).map_err(drop)? {
            if let Event::Chunk(c) = event {
                sink(c.as_bytes(), c.is_last());
            }
        }
    }
    Ok(())
}

/// The decoder of websocket-sans-io; `check` adds the check of text that it lacks.
fn sans_io(wire: &[u8], check: bool, sink: &mut impl FnMut(&[u8], bool)) -> Result<(), ()> {
    use websocket_sans_io::{WebsocketFrameDecoder, WebsocketFrameEvent};
    let mut decoder = WebsocketFrameDecoder::new();
    let mut memory = [0; 32 * 1024];
    // A message that a read cut is kept whole, as its duty is.
    let mut held = 0;
    let mut rest = wire;
    loop {
        let n = rest.len().min(CHUNK).min(memory.len() - held);
        memory[held..held + n].copy_from_slice(&rest[..n]);
        rest = &rest[n..];
        let (mut from, mut at, end) = (0, held, held + n);
        loop {
            let got = decoder.add_data(&mut memory[at..end]).map_err(drop)?;
            let to = at + got.consumed_bytes;
            match got.event {
                Some(WebsocketFrameEvent::Start { .. }) => from = to,
                Some(WebsocketFrameEvent::PayloadChunk { .. }) if !check => {
                    sink(&memory[at..to], false);
                    from = to;
                }
                Some(WebsocketFrameEvent::PayloadChunk { .. }) => {}
                Some(WebsocketFrameEvent::End { .. }) => {
                    if check {
                        std::str::from_utf8(&memory[from..to]).map_err(drop)?;
                    }
                    sink(&memory[from..to], true);
                    from = to;
                }
                None if got.consumed_bytes == 0 => break,
                None => {}
            }
            at = to;
        }
        if check {
            memory.copy_within(from..end, 0);
            held = end - from;
        }
        if rest.is_empty() {
            return Ok(());
        }
    }
}

/// A socket that has all the wire, and gives at most a chunk.
struct Socket<'w>(&'w [u8]);

impl Read for Socket<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let n = self.0.len().min(CHUNK).min(into.len());
        into[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn tungstenite(wire: &[u8], sink: &mut impl FnMut(&[u8])) -> Result<(), ()> {
    use tungstenite::{
        Error, Message,
        protocol::{Role, WebSocket, WebSocketConfig},
    };
    let config = WebSocketConfig::default().read_buffer_size(CHUNK);
    let mut ws = WebSocket::from_raw_socket(Socket(wire), Role::Server, Some(config));
    loop {
        match ws.read() {
            Ok(Message::Text(text)) => sink(text.as_bytes()),
            Ok(Message::Binary(bytes)) => sink(&bytes),
            Ok(_) => {}
            Err(Error::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return Err(()),
        }
    }
}

/// Decodes a wire, telling a sink each payload (or piece of one) and whether it is the last piece.
type Decode = fn(&[u8], &mut dyn FnMut(&[u8], bool)) -> Result<(), ()>;

/// Runs a decoder over `wire`, having compared what it gives with `payloads` once.
fn decoder(
    name: &'static str,
    wire: Vec<u8>,
    payloads: &[Vec<u8>],
    decode: Decode,
    timed: fn(&[u8]) -> Outcome,
) -> Candidate {
    let (mut got, mut i) = (Vec::new(), 0);
    decode(&wire, &mut |bytes, is_last| {
        got.extend_from_slice(bytes);
        if is_last {
            assert_eq!(got, payloads[i], "{name}");
            (got, i) = (Vec::new(), i + 1);
        }
    })
    .expect("a good wire");
    assert_eq!(i, payloads.len(), "{name}");
    Candidate {
        name,
        run: Box::new(move || timed(black_box(&wire))),
        refuses_bad_text: Box::new(move || decode(&BAD, &mut |_, _| {}).is_err()),
    }
}

macro_rules! whole {
    ($decode:expr) => {
        (
            |wire: &[u8], sink: &mut dyn FnMut(&[u8], bool)| $decode(wire, &mut |bytes: &[u8]| sink(bytes, true)),
            |wire: &[u8]| {
                let mut seen = (0, 0);
                let _ = $decode(wire, &mut |bytes: &[u8]| {
                    black_box(bytes);
                    seen = (seen.0 + 1, seen.1 + bytes.len());
                });
                seen
            },
        )
    };
}

macro_rules! pieces {
    ($decode:expr) => {
        (
            |wire: &[u8], sink: &mut dyn FnMut(&[u8], bool)| {
                $decode(wire, &mut |bytes: &[u8], is_last| sink(bytes, is_last))
            },
            |wire: &[u8]| {
                let mut seen = (0, 0);
                let _ = $decode(wire, &mut |bytes: &[u8], is_last: bool| {
                    black_box(bytes);
                    seen = (seen.0 + usize::from(is_last), seen.1 + bytes.len());
                });
                seen
            },
        )
    };
}

fn w1() -> Vec<Candidate> {
    let texts = texts();
    let wire = wire(0x81, &texts);
    let (ours, ours_timed) = whole!(ours_whole);
    let (sans, sans_timed) = pieces!(|w: &[u8], s: &mut _| sans_io(w, true, s));
    let (tung, tung_timed) = whole!(tungstenite);
    vec![
        decoder("sansocket", wire.clone(), &texts, ours, ours_timed),
        decoder("websocket-sans-io + UTF-8", wire.clone(), &texts, sans, sans_timed),
        decoder("tungstenite", wire, &texts, tung, tung_timed),
    ]
}

fn w2() -> Vec<Candidate> {
    let blocks = blocks();
    let wire = wire(0x82, &blocks);
    let (ours, ours_timed) = pieces!(ours_pieces);
    let (whole, whole_timed) = whole!(ours_whole);
    let (sans, sans_timed) = pieces!(|w: &[u8], s: &mut _| sans_io(w, false, s));
    let (tung, tung_timed) = whole!(tungstenite);
    let mut all = vec![
        decoder("sansocket, pieces", wire.clone(), &blocks, ours, ours_timed),
        decoder("sansocket, whole", wire.clone(), &blocks, whole, whole_timed),
        decoder("websocket-sans-io, pieces", wire.clone(), &blocks, sans, sans_timed),
        decoder("tungstenite, whole", wire, &blocks, tung, tung_timed),
    ];
    // These are bytes, not text.
    all.iter_mut().for_each(|c| c.refuses_bad_text = Box::new(|| true));
    all
}

fn w4() -> Vec<Candidate> {
    let (a, b) = (texts(), texts());
    let mut memory = vec![0; 64 * 1024];
    let ours = candidate("sansocket", move || {
        let mut ws = Connection::<Server>::server(limits());
        let mut out = ws.out(&mut memory);
        let mut written = 0;
        for text in &a {
            if out.room() < 200 {
                written += black_box(out.written()).len();
                out.clear();
            }
            ws.send(Kind::Text, black_box(text), &mut out).expect("room");
        }
        (a.len(), written + black_box(out.written()).len())
    });
    let mut memory = vec![0; 64 * 1024];
    let mut peer = embedded_websocket::WebSocketServer::new_server();
    let key = embedded_websocket::WebSocketKey::from("dGhlIHNhbXBsZSBub25jZQ==");
    peer.server_accept(&key, None, &mut memory).expect("a handshake");
    // The same bytes, to the last one.
    {
        let (mut ws, mut one, mut other) = (Connection::<Server>::server(limits()), [0; 256], [0; 256]);
        for text in &b {
            let mut out = ws.out(&mut one);
            ws.send(Kind::Text, text, &mut out).expect("room");
            let n =
                peer.write(embedded_websocket::WebSocketSendMessageType::Text, true, text, &mut other).expect("room");
            assert_eq!(out.written(), &other[..n]);
        }
    }
    let theirs = candidate("embedded-websocket", move || {
        let (mut written, mut at) = (0, 0);
        for text in &b {
            if memory.len() - at < 200 {
                written += black_box(&memory[..at]).len();
                at = 0;
            }
            let kind = embedded_websocket::WebSocketSendMessageType::Text;
            at += peer.write(kind, true, black_box(text), &mut memory[at..]).expect("room");
        }
        (b.len(), written + black_box(&memory[..at]).len())
    });
    vec![ours, theirs]
}

fn w8a() -> Vec<Candidate> {
    use socketioxide_core::{packet::PacketData, parser::Parse};
    let ours = candidate("sansocket", || {
        let Ok(Packet::Event { payload, .. }) = Packet::parse(black_box(EVENT.as_bytes())) else { panic!() };
        let name = payload.first().and_then(|v| v.as_str()).expect("a name");
        assert!(name.is("message"));
        (1, black_box(payload.rest().raw()).len())
    });
    let parser = socketioxide_parser_common::CommonParser;
    let (config, state) = Default::default();
    let theirs = candidate("socketioxide", move || {
        let packet = parser.decode_str(&config, &state, black_box(EVENT).into()).expect("good");
        let PacketData::Event(value, _) = packet.inner else { panic!() };
        assert_eq!(parser.read_event(&value).expect("a name"), "message");
        let socketioxide_core::Value::Str(raw, _) = &value else { panic!() };
        // It keeps the whole array; the arguments are what follows the name.
        (1, black_box(raw).len() - r#"["message",]"#.len())
    });
    vec![ours, theirs]
}

fn w8c() -> Vec<Candidate> {
    use socketioxide_core::{Value, packet::Packet, parser::Parse};
    let mut memory = [0; 128];
    let raw = Raw::new(ARGS.as_bytes()).expect("good JSON");
    let ours = candidate("sansocket", move || {
        let mut out = Out::stored(&mut memory);
        socketio::server::broadcast(&["/"], Namespace(0), black_box("message"), black_box(&raw), None, &mut out).expect("room");
        // A frame's header and the digit of Engine.IO in front.
        assert_eq!(&out.written()[3..10], b"2[\"mess");
        (1, black_box(out.written()).len() - 3)
    });
    let parser = socketioxide_parser_common::CommonParser;
    let raw: Box<serde_json::value::RawValue> = serde_json::from_str(ARGS).expect("good JSON");
    let theirs = candidate("socketioxide", move || {
        let value = parser.encode_value(black_box(&raw), Some("message")).expect("good");
        let Value::Str(text, _) = parser.encode(Packet::event("/", value)) else { panic!() };
        assert!(text.len() == EVENT.len());
        (1, black_box(text).len())
    });
    vec![ours, theirs]
}
