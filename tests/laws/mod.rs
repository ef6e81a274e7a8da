//! Laws over bytes of any kind: property tests and fuzz targets share them. Each panics when its law is broken.
#![allow(dead_code, reason = "each target uses one")]

pub mod typed;

use sansocket::{
    engineio::{self, Message, Sid, server::Session},
    json::{DEPTH, ErrorKind, Raw, Value},
    socketio::{self, AckRequest, AckSlot, Binary, Collector, ExpectAck, Namespace, Packet, SendError, server::Event},
    time::Instant,
    ws::{self, Out, Stored},
};

/// A good packet that is written again is the same packet; and what we write, we take.
pub fn packet(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(packet) = Packet::parse(text.as_bytes()) {
        let mut memory = vec![0; data.len() + 1];
        let again = packet.write(&mut memory).unwrap().to_vec();
        assert_eq!(packet.write(&mut memory[..again.len() - 1]).unwrap_err().needed, again.len(), "exact");
        let mut same = vec![0; again.len()];
        assert_eq!(Packet::parse(&again).unwrap().write(&mut same).unwrap(), again);
        // What the text of it says is what is parsed, but for `/` written out.
        let short = |packet: &Packet<'_>| format!("{packet:?}").replace("namespace: [47]", "namespace: []");
        assert_eq!(short(&Packet::parse(&again).unwrap()), short(&packet));
    }
    let Ok(Packet::Event { namespace, id, payload, attachments: 0, .. }) = Packet::parse(text.as_bytes()) else {
        return;
    };
    let Some(name) = payload.first().and_then(|name| name.as_str()) else { return };
    let name: String = name.chars().collect();
    let place = String::from_utf8(namespace.to_vec()).unwrap();
    let mut memory = vec![0; 7 * data.len() + 64];
    let mut out = Out::stored(&mut memory);
    socketio::server::broadcast(&[place.as_str()], Namespace(0), &name, &payload.rest(), id, &mut out).unwrap();
    let again = one_text(out.written()).to_vec();
    let Ok(Packet::Event { namespace: n, id: i, payload: p, attachments: 0, .. }) = Packet::parse(&again) else {
        panic!("not taken: {}", String::from_utf8_lossy(&again))
    };
    // `2/,` and `2` are one namespace.
    assert_eq!((bare(n), i), (bare(namespace), id));
    assert!(p.first().and_then(|n| n.as_str()).is_some_and(|n| n.is(&name)));
    assert_eq!(p.rest().raw(), payload.rest().raw());
}

fn bare(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"/").unwrap_or(name)
}

/// The packet in the one text frame at the front.
fn one_text(frames: &[u8]) -> &[u8] {
    let (from, len) = match frames[1] {
        126 => (4, usize::from(u16::from_be_bytes([frames[2], frames[3]]))),
        127 => (10, u64::from_be_bytes(frames[2..10].try_into().unwrap()) as usize),
        n => (2, usize::from(n)),
    };
    assert_eq!(frames[0], 0x81);
    &frames[from + 1..from + len]
}

type Io = socketio::server::Session<[&'static str; 1], [AckSlot; 2]>;

fn joined() -> Io {
    let mut io = Io::new(["/"], [AckSlot::EMPTY; 2], Instant::from_millis(100));
    io.handle_event(engineio::Event::Message(Message::Text(b"0"))).unwrap();
    let mut memory = [0; 64];
    io.accept(Namespace(0), socketio::Sid::from_random([0; 15]), &mut Out::stored(&mut memory)).unwrap();
    io
}

/// Hands a packet and its attachments to a session and a collector of `size` bytes that grows by what is asked for.
fn collect(text: &[u8], files: &[&[u8]], size: usize, then: &mut dyn FnMut(Event<'_>, socketio::Attachments<'_>)) {
    let mut io = joined();
    let mut collector = Collector::new(vec![0; size]);
    let messages = [Message::Text(text)].into_iter().chain(files.iter().map(|f| Message::Binary(f)));
    for message in messages {
        let Ok(event) = io.handle_event(engineio::Event::Message(message)) else { return };
        loop {
            match collector.collect(event) {
                Ok(Some((event, attachments))) => break then(event, attachments),
                Ok(None) => break,
                Err(e) => {
                    assert!(e.needed > e.available);
                    collector.replace(vec![0; e.needed]).unwrap();
                }
            }
        }
    }
}

/// An event with attachments that is sent again comes out as it went in, whatever the memory.
pub fn binary_packet(data: &[u8]) {
    let Some((&size, rest)) = data.split_first() else { return };
    let mut parts = rest.split(|&b| b == 0xff);
    let Some(Ok(text)) = parts.next().map(str::from_utf8) else { return };
    let files: Vec<&[u8]> = parts.collect();
    collect(text.as_bytes(), &files, usize::from(size), &mut |event, attachments| {
        let Event::Event(e) = event else { return };
        let Some(Ok(name)) = e.name().and_then(|n| n.as_str()).map(|n| Ok::<String, ()>(n.chars().collect())) else {
            return;
        };
        let mut memory = vec![0; 7 * data.len() + 256];
        let mut out = Out::stored(&mut memory);
        let payload = Binary(e.args(), attachments);
        socketio::server::broadcast(&["/"], Namespace(0), &name, &payload, None, &mut out).unwrap();
        let again = one_text(out.written()).to_vec();
        let expected: Vec<&[u8]> = attachments.into_iter().collect();
        let mut seen = 0;
        collect(&again, &expected, 0, &mut |event, got| {
            let Event::Event(again) = event else { panic!("another event") };
            assert_eq!(again.args().raw(), e.args().raw());
            assert!(again.is(&name) && got.into_iter().eq(expected.iter().copied()));
            seen += 1;
        });
        assert_eq!(seen, 1);
    });
}

/// Good JSON is what serde_json takes, but for the depth; what is good can be walked to its last scalar, and is read into types as
/// serde_json does.
pub fn json(data: &[u8]) {
    let ours = Value::parse(data);
    if let Ok(text) = str::from_utf8(data) {
        match ours {
            Ok(value) => {
                walk(value, 0);
                typed::typed(value);
            }
            Err(e) if e.kind == ErrorKind::Depth => return,
            Err(_) => {}
        }
        if let Some(expected) = serde_takes(text) {
            assert_eq!(ours.is_ok(), expected, "{text}");
        }
    }
}

fn walk(value: Value<'_>, depth: u8) {
    assert!(depth <= DEPTH);
    let _ = (value.kind(), value.as_bool(), value.as_u64());
    if let Some(text) = value.as_str() {
        let unescaped: String = text.chars().collect();
        assert!(text.is(&unescaped));
        let escaped = str::from_utf8(text.escaped()).unwrap();
        assert_eq!(text.is(escaped), unescaped == escaped);
    }
    value.elements().for_each(|element| walk(element, depth + 1));
    for (key, member) in value.members() {
        let unescaped: String = key.chars().collect();
        assert!(value.get(&unescaped).is_some());
        walk(member, depth + 1);
    }
}

/// Lone surrogates are refused by both. `None`: a number that no float holds is good JSON, but serde_json looks no further.
fn serde_takes(text: &str) -> Option<bool> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Err(e) if e.to_string().starts_with("number out of range") => None,
        value => Some(value.is_ok()),
    }
}

/// Two sessions under any calls, whose requests to acknowledge are mixed up: each takes its own alone, while the socket is there that it came from;
/// and each acknowledgement that is asked for ends once, as a whole answer or as a failure.
pub fn two_sessions(data: &[u8]) {
    type Two = socketio::server::Session<[&'static str; 1], Vec<AckSlot>>;
    let close = || engineio::Event::Closed(engineio::Reason::TransportClose);
    let mut ios = [0, 1].map(|_| Two::new(["/"], vec![AckSlot::EMPTY; 4], Instant::FAR_FUTURE));
    let mut collectors = [0, 1].map(|_| Collector::new(vec![0; 256]));
    let mut kept: Vec<(AckRequest, usize, u8)> = Vec::new();
    // The number of the socket, how many attachments are due, and what was asked: the id, and whether it ended.
    let (mut socket, mut due) = ([0_u8; 2], [0; 2]);
    let mut asked: [Vec<bool>; 2] = Default::default();
    let (mut sockets, mut time) = (0_u8, 0);
    let mut memory = [0; 256];
    let end = |asked: &mut [Vec<bool>; 2], at: usize, token: u32| {
        assert!(!std::mem::replace(&mut asked[at][token as usize], true), "ended twice");
    };
    for pair in data.chunks_exact(2) {
        let (at, op, arg) = (usize::from(pair[0] >> 7), pair[0] % 8, pair[1]);
        let mut out = Out::stored(&mut memory);
        let mut say = |kept: &mut Vec<(AckRequest, usize, u8)>,
                       socket: u8,
                       ios: &mut [Two; 2],
                       due: &mut [u8; 2],
                       asked: &mut [Vec<bool>; 2],
                       message: Message<'_>| {
            let event = ios[at].handle_event(engineio::Event::Message(message)).unwrap();
            if let Event::Event(packet) = event {
                kept.extend(packet.ack.map(|request| (request, at, socket)));
            }
            let collected = collectors[at].collect(event).unwrap();
            due[at] = due[at].saturating_sub(u8::from(matches!(message, Message::Binary(_))));
            if let Some((Event::Ack(answer), _)) = collected
                && let Some(token) = answer.token
            {
                end(asked, at, token);
            }
        };
        let is_here = ios[at].is_connected(Namespace(0));
        match op {
            0 if !is_here && due[at] == 0 => {
                say(&mut kept, socket[at], &mut ios, &mut due, &mut asked, Message::Text(b"0"));
                sockets = sockets.wrapping_add(1);
                socket[at] = sockets;
                ios[at].accept(Namespace(0), socketio::Sid::from_random([sockets; 15]), &mut out).unwrap();
            }
            1 if is_here && due[at] == 0 => {
                say(&mut kept, socket[at], &mut ios, &mut due, &mut asked, Message::Text(b"21[\"a\"]"))
            }
            2 if !kept.is_empty() => {
                let (request, owner, number) = kept[usize::from(arg) % kept.len()];
                let is_its = owner == at && number == socket[at] && is_here;
                assert_eq!(ios[at].ack(request, &(), &mut out).is_ok(), is_its, "a request of another socket");
            }
            3 if is_here => {
                let deadline = (arg % 2 == 1).then(|| Instant::from_millis(time + u64::from(arg)));
                let token = asked[at].len() as u32;
                let expect = Some(ExpectAck { token, deadline });
                if ios[at].emit(Namespace(0), "x", &(), expect, &mut out).is_ok() {
                    asked[at].push(false);
                }
            }
            4 if is_here && due[at] == 0 => {
                let files = arg % 3;
                let kind = if files == 0 { "3".to_owned() } else { format!("6{files}-") };
                say(
                    &mut kept,
                    socket[at],
                    &mut ios,
                    &mut due,
                    &mut asked,
                    Message::Text(format!("{kind}{}[]", arg / 3 % 16).as_bytes()),
                );
                due[at] = files;
            }
            5 if due[at] > 0 => say(&mut kept, socket[at], &mut ios, &mut due, &mut asked, Message::Binary(b"file")),
            6 if arg % 2 == 0 && is_here => ios[at].disconnect(Namespace(0), &mut out).unwrap(),
            6 => {
                ios[at].handle_event(close()).unwrap();
                ios[at].handle_event(engineio::Event::Opened).unwrap();
                due[at] = 0;
            }
            _ => {
                time += u64::from(arg);
                while let Some(Event::AckFailed { token, .. }) = ios[at].handle_timeout(Instant::from_millis(time)) {
                    end(&mut asked, at, token);
                }
            }
        }
    }
    for (at, io) in ios.iter_mut().enumerate() {
        io.handle_event(close()).unwrap();
        while let Some(Event::AckFailed { token, .. }) = io.handle_timeout(Instant::from_millis(time)) {
            end(&mut asked, at, token);
        }
    }
    assert!(asked.iter().flatten().all(|&ended| ended), "never ended");
}

/// A server over all its layers under any calls: none panics, one that is refused changes nothing, and nothing is written behind a close.
pub fn server_operations(data: &[u8]) {
    let now = |t: u64| Instant::from_millis(t);
    let mut time = 0;
    let mut inbox = ws::Inbox::new(vec![0; 64]);
    let mut ws = ws::Connection::server(ws::Limits::new().message(4096));
    let mut engine = Session::open(Sid::from_random([7; 15]), engineio::server::Config::new(), now(0));
    while engine.poll_transmit(&mut Out::stored(&mut [0; engineio::server::OWED_MAX])).unwrap() {}
    let mut io = Io::new(["/"], [AckSlot::EMPTY; 2], now(1000));
    let mut kept: Vec<AckRequest> = Vec::new();
    let mut memory = vec![0; 600];
    let mut rest = data;
    while let [op, arg, tail @ ..] = rest {
        rest = tail;
        let before = (ws.clone(), engine.clone(), io.clone());
        let mut stored = Out::stored(&mut memory[..2 * usize::from(*arg)]);
        let refused = match op % 8 {
            0 | 1 => {
                // A text packet of the client, from the data.
                let (text, tail) = rest.split_at(rest.len().min(usize::from(*arg % 64)));
                rest = tail;
                feed(&mut inbox, 0x80 | if op % 16 < 8 { 1 } else { 2 }, text);
                None
            }
            2 => {
                let (bytes, tail) = rest.split_at(rest.len().min(usize::from(*arg % 16)));
                rest = tail;
                push(&mut inbox, bytes);
                None
            }
            3 => Some(io.emit(Namespace(0), "e", &Raw::trusted(b"1,\"x\""), expect(*arg), &mut stored)),
            4 => {
                let files: [&[u8]; 2] = [b"\x01\x02", b""];
                let payload = Binary(socketio::Placeholder(0), files.as_slice().into());
                Some(io.emit(Namespace(0), "b", &payload, expect(*arg), &mut stored))
            }
            5 => kept.pop().map(|request| io.ack(request, &(), &mut stored)),
            6 => Some(io.disconnect(Namespace(0), &mut stored)),
            _ => {
                time += u64::from(*arg) * 100;
                while io.handle_timeout(now(time)).is_some() {}
                while engine.handle_timeout(now(time)).is_some() {}
                None
            }
        };
        if let Some(Err(error)) = refused {
            assert!(stored.is_empty(), "{error:?}");
            assert_eq!((&before.0, &before.1, &before.2), (&ws, &engine, &io), "{error:?}");
            if let SendError::Capacity(e) = error {
                assert!(e.needed > e.available);
            }
        }
        if turn(&mut inbox, &mut ws, &mut engine, &mut io, &mut kept, now(time)) {
            return;
        }
    }
}

fn expect(arg: u8) -> Option<ExpectAck> {
    (arg % 2 == 1)
        .then_some(ExpectAck { token: u32::from(arg), deadline: Some(Instant::from_millis(u64::from(arg) * 50)) })
}

fn feed(inbox: &mut ws::Inbox<Vec<u8>>, first: u8, payload: &[u8]) {
    let mut frame = vec![first, 0x80 | payload.len() as u8, 1, 2, 3, 4];
    frame.extend(payload.iter().zip([1, 2, 3, 4].into_iter().cycle()).map(|(b, k)| b ^ k));
    push(inbox, &frame);
}

fn push(inbox: &mut ws::Inbox<Vec<u8>>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match inbox.space() {
            Ok(space) => {
                let n = space.len().min(bytes.len());
                space[..n].copy_from_slice(&bytes[..n]);
                inbox.commit(n);
                bytes = &bytes[n..];
            }
            Err(e) => drop(inbox.replace(vec![0; e.needed]).unwrap()),
        }
    }
}

/// Everything that can be done without waiting; `true` at the end of the link.
fn turn(
    inbox: &mut ws::Inbox<Vec<u8>>,
    ws: &mut ws::Connection<ws::Server>,
    engine: &mut Session,
    io: &mut Io,
    kept: &mut Vec<AckRequest>,
    now: Instant,
) -> bool {
    let mut memory = [0; 1024];
    loop {
        let mut out: Out<'_, Stored> = Out::stored(&mut memory);
        while engine.poll_transmit(&mut out).unwrap() {}
        match engine.poll_event(inbox, ws, now) {
            Ok(None) => break,
            Err(e) => drop(inbox.replace(vec![0; e.needed]).unwrap()),
            Ok(Some(event)) => match io.handle_event(event) {
                Ok(Event::Connect { namespace, .. }) => {
                    out.clear();
                    io.accept(namespace, socketio::Sid::from_random([1; 15]), &mut out).unwrap();
                }
                Ok(Event::Event(e)) => kept.extend(e.ack),
                Ok(Event::Closed(_)) => return true,
                Ok(_) => {}
                Err(error) => {
                    let again = io.handle_event(engineio::Event::Message(Message::Text(b"0")));
                    assert_eq!(again, Err(error), "the same error for ever");
                    engine.close();
                }
            },
        }
    }
    let mut out = ws.out(&mut memory);
    while ws.poll_transmit(&mut out).unwrap() {}
    if ws.check_open_for_data().is_err() {
        assert!(socketio::server::broadcast(&["/"], Namespace(0), "x", &(), None, &mut out).is_err(), "behind a close");
    }
    engine.is_closed()
}
