//! W8: Socket.IO packets in and out, beside socketioxide's parsers.

use crate::{
    item::{Candidate, Item, Outcome, Spoil, Work, ensure},
    work::{ARGS, EVENT},
};
use bytes::Bytes;
use sansocket::{
    engineio::{self, Message},
    json::{Json, Raw},
    socketio::{self, AckSlot, Binary, Namespace, Packet, Placeholder, Sid, server::Event, server::Session},
    time::Instant,
    ws::Out,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use socketioxide_core::{Str, Value, packet::PacketData, parser::Parse};
use socketioxide_parser_common::CommonParser;
use std::hint::black_box;

/// Takes what came out: counts it, or keeps it to be compared.
#[derive(Default)]
struct Sink {
    bytes: usize,
    kept: Option<Vec<u8>>,
}

impl Sink {
    fn give(&mut self, bytes: &[u8]) {
        self.bytes += black_box(bytes).len();
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
    }
}

struct Giving<F> {
    give: F,
    units: usize,
    expected: Vec<u8>,
}

impl<F: FnMut(&mut Sink)> Work for Giving<F> {
    fn run(&mut self) -> Outcome {
        let mut sink = Sink::default();
        (self.give)(&mut sink);
        (self.units, sink.bytes)
    }

    fn verify(&mut self, spoil: Spoil) -> Result<(), String> {
        let mut sink = Sink { bytes: 0, kept: Some(Vec::new()) };
        (self.give)(&mut sink);
        let mut got = sink.kept.unwrap_or_default();
        if spoil == Spoil::Yes {
            got[0] ^= 1;
        }
        ensure(got == self.expected, "gives other bytes")
    }
}

fn giving(expected: Vec<u8>, give: impl FnMut(&mut Sink) + 'static) -> Box<dyn Work> {
    Box::new(Giving { give, units: 1, expected })
}

#[derive(Serialize, Deserialize)]
struct Said<'t> {
    user: &'t str,
    text: &'t str,
    n: u32,
}

const SAID: Said<'static> = Said { user: "alice", text: "hello world", n: 12345 };
const UPLOAD: &str = r#"52-["upload",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
const FILES: [[u8; 1024]; 2] = [[7; 1024], [9; 1024]];
/// A frame's header and the digit of Engine.IO stand before what we write.
const HEAD: usize = 3;

fn event() -> Vec<u8> {
    ["message", ARGS].concat().into_bytes()
}

fn upload(text: &str) -> Vec<u8> {
    [text.as_bytes(), &FILES[0], &FILES[1]].concat()
}

/// The name and the arguments.
fn read_ours() -> Box<dyn Work> {
    giving(event(), |sink| {
        let Ok(Packet::Event { payload, .. }) = Packet::parse(black_box(EVENT.as_bytes())) else { panic!() };
        let name = payload.first().and_then(|v| v.as_str()).expect("a name");
        assert!(name.is("message"));
        sink.give(b"message");
        sink.give(payload.rest().raw());
    })
}

fn read_theirs() -> Box<dyn Work> {
    let (config, state) = Default::default();
    giving(event(), move |sink| {
        let packet = CommonParser.decode_str(&config, &state, black_box(EVENT).into()).expect("good");
        let PacketData::Event(value, _) = packet.inner else { panic!() };
        assert_eq!(CommonParser.read_event(&value).expect("a name"), "message");
        sink.give(b"message");
        let Value::Str(raw, _) = &value else { panic!() };
        // It keeps the whole array; the arguments are what follows the name.
        let raw = black_box(raw).as_bytes();
        sink.give(&raw[r#"["message","#.len()..raw.len() - 1]);
    })
}

fn give(said: &Said<'_>, sink: &mut Sink) {
    sink.give(said.user.as_bytes());
    sink.give(said.text.as_bytes());
    sink.give(&said.n.to_le_bytes());
}

fn said() -> Vec<u8> {
    let mut sink = Sink { bytes: 0, kept: Some(Vec::new()) };
    give(&SAID, &mut sink);
    sink.kept.unwrap_or_default()
}

fn read_typed_ours() -> Box<dyn Work> {
    // For strings with escapes, which are not in this text.
    let mut memory = [0; 64];
    giving(said(), move |sink| {
        let Ok(Packet::Event { payload, .. }) = Packet::parse(black_box(EVENT.as_bytes())) else { panic!() };
        assert!(payload.first().and_then(|v| v.as_str()).is_some_and(|name| name.is("message")));
        give(&payload.rest().next().and_then(|v| v.deserialize(&mut memory).ok()).expect("typed"), sink);
    })
}

fn read_typed_theirs() -> Box<dyn Work> {
    let (config, state) = Default::default();
    giving(said(), move |sink| {
        let packet = CommonParser.decode_str(&config, &state, black_box(EVENT).into()).expect("good");
        let PacketData::Event(mut value, _) = packet.inner else { panic!() };
        assert_eq!(CommonParser.read_event(&value).expect("a name"), "message");
        let (said,): (Said<'_>,) = CommonParser.decode_value(&mut value, true).expect("typed");
        give(&said, sink);
    })
}

/// The argument is judged each time.
fn write_judged() -> Box<dyn Work> {
    let mut memory = [0; 128];
    giving(EVENT.into(), move |sink| {
        let raw = Raw::new(black_box(ARGS.as_bytes())).expect("good JSON");
        let mut out = Out::stored(&mut memory);
        socketio::server::broadcast(&["/"], Namespace(0), black_box("message"), &raw, None, &mut out).expect("room");
        sink.give(&out.written()[HEAD..]);
    })
}

/// The argument was judged before.
fn write_trusted() -> Box<dyn Work> {
    let (mut memory, raw) = ([0; 128], Raw::new(ARGS.as_bytes()).expect("good JSON"));
    giving(EVENT.into(), move |sink| {
        let mut out = Out::stored(&mut memory);
        let (name, raw) = (black_box("message"), black_box(&raw));
        socketio::server::broadcast(&["/"], Namespace(0), name, raw, None, &mut out).expect("room");
        sink.give(&out.written()[HEAD..]);
    })
}

fn write_theirs(raw: &RawValue, sink: &mut Sink) {
    let value = CommonParser.encode_value(black_box(raw), Some("message")).expect("good");
    let packet = socketioxide_core::packet::Packet::event("/", value);
    let Value::Str(text, _) = CommonParser.encode(packet) else { panic!() };
    sink.give(text.as_bytes());
}

fn write_judged_theirs() -> Box<dyn Work> {
    giving(EVENT.into(), |sink| write_theirs(serde_json::from_str(black_box(ARGS)).expect("good JSON"), sink))
}

fn write_trusted_theirs() -> Box<dyn Work> {
    let raw: &RawValue = serde_json::from_str(ARGS).expect("good JSON");
    giving(EVENT.into(), |sink| write_theirs(raw, sink))
}

fn write_typed_ours() -> Box<dyn Work> {
    let mut memory = [0; 128];
    giving(EVENT.into(), move |sink| {
        let mut out = Out::stored(&mut memory);
        let (name, said) = (black_box("message"), Json(black_box(&SAID)));
        socketio::server::broadcast(&["/"], Namespace(0), name, &said, None, &mut out).expect("room");
        sink.give(&out.written()[HEAD..]);
    })
}

fn write_typed_theirs() -> Box<dyn Work> {
    giving(EVENT.into(), |sink| {
        let value = CommonParser.encode_value(black_box(&SAID), Some("message")).expect("good");
        let packet = socketioxide_core::packet::Packet::event("/", value);
        let Value::Str(text, _) = CommonParser.encode(packet) else { panic!() };
        sink.give(text.as_bytes());
    })
}

fn read_binary_ours() -> Box<dyn Work> {
    let mut io = Session::new(["/"], [AckSlot::EMPTY; 0], Instant::from_millis(0));
    io.handle_event(engineio::Event::Message(Message::Text(b"0"))).expect("CONNECT");
    io.accept(Namespace(0), Sid::from_random([0; 15]), &mut Out::stored(&mut [0; 64])).expect("room");
    giving(upload("upload"), move |sink| {
        let text = Message::Text(black_box(UPLOAD.as_bytes()));
        let Ok(Event::Event(e)) = io.handle_event(engineio::Event::Message(text)) else { panic!() };
        assert!(e.is("upload") && e.attachments == 2 && e.uses(Placeholder(1)));
        sink.give(b"upload");
        for file in &FILES {
            let file = Message::Binary(black_box(file));
            let Ok(Event::Attachment(a)) = io.handle_event(engineio::Event::Message(file)) else { panic!() };
            sink.give(a.bytes);
        }
    })
}

fn read_binary_theirs() -> Box<dyn Work> {
    let (config, state) = Default::default();
    let (text, files) = (Str::from(UPLOAD), FILES.each_ref().map(|f| Bytes::from_static(f)));
    giving(upload("upload"), move |sink| {
        // The first two calls say that more is to come.
        assert!(CommonParser.decode_str(&config, &state, black_box(&text).clone()).is_err());
        assert!(CommonParser.decode_bin(&config, &state, black_box(&files[0]).clone()).is_err());
        let packet = CommonParser.decode_bin(&config, &state, black_box(&files[1]).clone()).expect("whole");
        let PacketData::BinaryEvent(value, _) = packet.inner else { panic!() };
        assert_eq!(CommonParser.read_event(&value).expect("a name"), "upload");
        sink.give(b"upload");
        let Value::Str(_, Some(files)) = &value else { panic!() };
        files.iter().for_each(|f| sink.give(f));
    })
}

fn write_binary_ours() -> Box<dyn Work> {
    let mut memory = vec![0; 4096];
    giving(upload(UPLOAD), move |sink| {
        let files = [FILES[0].as_slice(), &FILES[1]];
        let payload = Binary((Placeholder(0), Placeholder(1)), black_box(files.as_slice()).into());
        let mut out = Out::stored(&mut memory);
        socketio::server::broadcast(&["/"], Namespace(0), black_box("upload"), &payload, None, &mut out).expect("room");
        // Two more frames, with headers of 4 bytes.
        let frames = &out.written()[HEAD..];
        let (text, frames) = frames.split_at(frames.len() - 2 * (4 + 1024));
        sink.give(text);
        sink.give(&frames[4..4 + 1024]);
        sink.give(&frames[4 + 1024 + 4..]);
    })
}

fn write_binary_theirs() -> Box<dyn Work> {
    giving(upload(UPLOAD), |sink| {
        let files = FILES.each_ref().map(|f| Bytes::from_static(f));
        let value = CommonParser.encode_value(black_box(&(&files[0], &files[1])), Some("upload")).expect("good");
        let encoded = CommonParser.encode(socketioxide_core::packet::Packet::event("/", value));
        let Value::Str(text, Some(files)) = encoded else { panic!() };
        sink.give(text.as_bytes());
        files.iter().for_each(|f| sink.give(f));
    })
}

fn poll(give: impl FnMut(&mut Sink) + 'static) -> Box<dyn Work> {
    Box::new(Giving { give, units: 20, expected: EVENT.repeat(20).into_bytes() })
}

fn body() -> Vec<u8> {
    vec![format!("4{EVENT}"); 20].join("\x1e").into_bytes()
}

fn poll_ours() -> Box<dyn Work> {
    let mut body = body();
    poll(move |sink| {
        // Text stays as it is, so the body serves again.
        for packet in engineio::Packets::new(black_box(&mut body)) {
            let Ok(engineio::Packet::Text(text)) = packet else { panic!() };
            sink.give(text);
        }
    })
}

/// The reader of payloads takes what comes as a vector up to the separator, checks its UTF-8 and parses the packet, inside a stream that is not public: the
/// same steps stand here.
fn poll_theirs() -> Box<dyn Work> {
    let payload = body();
    poll(move |sink| {
        for packet in black_box(&payload).split(|&b| b == 0x1e) {
            let text = String::from_utf8(packet.to_vec()).expect("UTF-8");
            let packet = engineioxide_core::Packet::parse(engineioxide_core::ProtocolVersion::V4, text);
            let Ok(engineioxide_core::Packet::Message(text)) = packet else { panic!() };
            sink.give(text.as_bytes());
        }
    })
}

const fn item(
    name: &'static str,
    short: &'static str,
    title: &'static str,
    candidates: &'static [Candidate],
    goals: &'static [(&'static str, &'static str, f64)],
) -> Item {
    Item { name, short, title, unit: "packet", units: 1, candidates, goals }
}

const fn ours(make: fn() -> Box<dyn Work>) -> Candidate {
    Candidate::new("sansocket", "", make)
}

const fn theirs(make: fn() -> Box<dyn Work>) -> Candidate {
    Candidate::new("socketioxide", "", make)
}

pub const ITEMS: [Item; 7] = [
    item(
        "W8a",
        "read an event",
        "an event comes: its name, and its arguments as JSON",
        &[ours(read_ours), theirs(read_theirs)],
        &[("sansocket", "socketioxide", 0.35)],
    ),
    item(
        "W8b",
        "read an event into a struct",
        "an event comes: its name, and its argument as a struct",
        &[ours(read_typed_ours), theirs(read_typed_theirs)],
        &[("sansocket", "socketioxide", 0.45)],
    ),
    item(
        "W8c",
        "write an event",
        "an event goes, its argument from JSON text",
        &[
            Candidate::new("sansocket, JSON checked each time", "", write_judged),
            Candidate::new("socketioxide, JSON checked each time", "", write_judged_theirs),
            Candidate::new("sansocket, JSON checked before", "", write_trusted),
            Candidate::new("socketioxide, JSON checked before", "", write_trusted_theirs),
        ],
        &[
            ("sansocket, JSON checked each time", "socketioxide, JSON checked each time", 0.3),
            ("sansocket, JSON checked before", "socketioxide, JSON checked before", 0.08),
        ],
    ),
    item(
        "W8d",
        "write an event from a struct",
        "an event goes, its argument from a struct",
        &[ours(write_typed_ours), theirs(write_typed_theirs)],
        &[("sansocket", "socketioxide", 0.35)],
    ),
    item(
        "W8e",
        "read an event with files",
        "an event with two files of 1 KiB comes",
        &[ours(read_binary_ours), theirs(read_binary_theirs)],
        &[("sansocket", "socketioxide", 0.25)],
    ),
    item(
        "W8f",
        "write an event with files",
        "an event with two files of 1 KiB goes",
        &[ours(write_binary_ours), theirs(write_binary_theirs)],
        &[("sansocket", "socketioxide", 0.18)],
    ),
    Item {
        name: "W8g",
        short: "read events of a polling body",
        title: "20 events come in the body of one HTTP request",
        unit: "packet",
        units: 20,
        candidates: &[ours(poll_ours), theirs(poll_theirs)],
        goals: &[("sansocket", "socketioxide", 0.13)],
    },
];
