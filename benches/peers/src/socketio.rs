//! W8b, W8d to W8f: typed and binary packets beside socketioxide's parsers.

use sansocket::json::Json;
use crate::{
    items::{Candidate, candidate},
    work::EVENT,
};
use sansocket::{
    engineio::{self, Message},
    socketio::{self, AckSlot, Binary, Namespace, Packet, Placeholder, server::{Event, Session}},
    time::Instant,
    ws::Out,
};
use serde::{Deserialize, Serialize};
use socketioxide_core::{Value, packet::PacketData, parser::Parse};
use std::hint::black_box;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Said<'t> {
    user: &'t str,
    text: &'t str,
    n: u32,
}

const SAID: Said<'static> = Said { user: "alice", text: "hello world", n: 12345 };
const UPLOAD: &str = r#"52-["upload",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
const FILE: [u8; 1024] = [7; 1024];

pub fn w8b() -> Vec<Candidate> {
    let ours = candidate("sansocket", || {
        let Ok(Packet::Event { payload, .. }) = Packet::parse(black_box(EVENT.as_bytes())) else { panic!() };
        assert!(payload.first().and_then(|v| v.as_str()).is_some_and(|name| name.is("message")));
        let said: Said<'_> = payload.rest().next().and_then(|v| v.deserialize(&mut []).ok()).expect("typed");
        assert_eq!(said, SAID);
        (1, black_box(&said).text.len())
    });
    let parser = socketioxide_parser_common::CommonParser;
    let (config, state) = Default::default();
    let theirs = candidate("socketioxide", move || {
        let packet = parser.decode_str(&config, &state, black_box(EVENT).into()).expect("good");
        let PacketData::Event(mut value, _) = packet.inner else { panic!() };
        assert_eq!(parser.read_event(&value).expect("a name"), "message");
        let (said,): (Said<'_>,) = parser.decode_value(&mut value, true).expect("typed");
        assert_eq!(said, SAID);
        (1, black_box(&said).text.len())
    });
    vec![ours, theirs]
}

pub fn w8d() -> Vec<Candidate> {
    let mut memory = [0; 128];
    let ours = candidate("sansocket", move || {
        let mut out = Out::stored(&mut memory);
        socketio::server::broadcast(&["/"], Namespace(0), black_box("message"), &Json(black_box(&SAID)), None, &mut out)
            .expect("room");
        assert_eq!(&out.written()[3..], EVENT.as_bytes());
        (1, black_box(out.written()).len() - 3)
    });
    let parser = socketioxide_parser_common::CommonParser;
    let theirs = candidate("socketioxide", move || {
        let value = parser.encode_value(black_box(&SAID), Some("message")).expect("good");
        let Value::Str(text, _) = parser.encode(socketioxide_core::packet::Packet::event("/", value)) else { panic!() };
        assert_eq!(&*text, EVENT);
        (1, black_box(text).len())
    });
    vec![ours, theirs]
}

pub fn w8e() -> Vec<Candidate> {
    let mut io = Session::new(["/"], [AckSlot::EMPTY; 0], Instant::from_millis(0));
    io.handle_event(engineio::Event::Message(Message::Text(b"0"))).expect("CONNECT");
    let mut memory = [0; 64];
    io.accept(Namespace(0), sansocket::socketio::Sid::from_random([0; 15]), &mut Out::stored(&mut memory)).expect("room");
    let ours = candidate("sansocket", move || {
        let text = Message::Text(black_box(UPLOAD.as_bytes()));
        let Ok(Event::Event(e)) = io.handle_event(engineio::Event::Message(text)) else { panic!() };
        assert!(e.is("upload") && e.attachments == 2 && e.uses(Placeholder(1)));
        let mut bytes = 0;
        for _ in 0..2 {
            let file = Message::Binary(black_box(&FILE));
            let Ok(Event::Attachment(a)) = io.handle_event(engineio::Event::Message(file)) else { panic!() };
            bytes += black_box(a.bytes).len();
        }
        (1, bytes)
    });
    let parser = socketioxide_parser_common::CommonParser;
    let (config, state) = Default::default();
    let (text, file) = (socketioxide_core::Str::from(UPLOAD), socketioxide_bytes());
    let theirs = candidate("socketioxide", move || {
        // The first call says that more is to come.
        assert!(parser.decode_str(&config, &state, black_box(&text).clone()).is_err());
        assert!(parser.decode_bin(&config, &state, black_box(&file).clone()).is_err());
        let packet = parser.decode_bin(&config, &state, black_box(&file).clone()).expect("whole");
        let PacketData::BinaryEvent(value, _) = packet.inner else { panic!() };
        assert_eq!(parser.read_event(&value).expect("a name"), "upload");
        let Value::Str(_, Some(files)) = &value else { panic!() };
        (1, files.iter().map(|f| black_box(f).len()).sum())
    });
    vec![ours, theirs]
}

fn socketioxide_bytes() -> bytes::Bytes {
    bytes::Bytes::from_static(&FILE)
}

pub fn w8f() -> Vec<Candidate> {
    let mut memory = vec![0; 4096];
    let ours = candidate("sansocket", move || {
        let files = [FILE.as_slice(), &FILE];
        let payload = Binary((Placeholder(0), Placeholder(1)), black_box(files.as_slice()).into());
        let mut out = Out::stored(&mut memory);
        socketio::server::broadcast(&["/"], Namespace(0), black_box("upload"), &payload, None, &mut out).expect("room");
        assert_eq!(&out.written()[3..3 + UPLOAD.len()], UPLOAD.as_bytes());
        // The frames' headers, which their side leaves to another layer.
        (1, black_box(out.written()).len() - 3 - 8)
    });
    let parser = socketioxide_parser_common::CommonParser;
    let theirs = candidate("socketioxide", move || {
        let files = (bytes::Bytes::from_static(&FILE), bytes::Bytes::from_static(&FILE));
        let value = parser.encode_value(black_box(&files), Some("upload")).expect("good");
        let encoded = parser.encode(socketioxide_core::packet::Packet::event("/", value));
        let Value::Str(text, Some(files)) = encoded else { panic!() };
        assert_eq!(&*text, UPLOAD);
        (1, text.len() + files.iter().map(|f| black_box(f).len()).sum::<usize>())
    });
    vec![ours, theirs]
}

/// 20 packets of W8a in a polling payload; per packet. Beside engineioxide: its payload reader takes what comes as a vector up to the separator, checks its
/// UTF-8 and parses the packet, inside a stream that is not public; the same steps stand here.
pub fn w8g() -> Vec<Candidate> {
    let payload = vec![format!("4{EVENT}"); 20].join("\x1e").into_bytes();
    let mut body = payload.clone();
    let ours = candidate("sansocket", move || {
        let (mut count, mut bytes) = (0, 0);
        // Text stays as it is, so the body serves again.
        for packet in engineio::Packets::new(black_box(&mut body)) {
            let Ok(engineio::Packet::Text(text)) = packet else { panic!() };
            count += 1;
            bytes += black_box(text).len();
        }
        (count, bytes)
    });
    let theirs = candidate("engineioxide", move || {
        let (mut count, mut bytes) = (0, 0);
        for packet in black_box(&payload).split(|&b| b == 0x1e) {
            let text = String::from_utf8(packet.to_vec()).expect("UTF-8");
            let packet = engineioxide_core::Packet::parse(engineioxide_core::ProtocolVersion::V4, text);
            let Ok(engineioxide_core::Packet::Message(text)) = packet else { panic!() };
            count += 1;
            bytes += black_box(&text).len();
        }
        (count, bytes)
    });
    vec![ours, theirs]
}
