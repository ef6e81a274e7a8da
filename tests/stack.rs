//! The vectors of Socket.IO through the whole stack, cut at every byte, at each single place and at some pairs of places.

mod support;

use sansocket::{
    engineio::{
        Sid,
        server::{Config, OWED_MAX, Session},
    },
    socketio::{
        AckSlot, Namespace,
        server::{Event, Limits, Session as Io},
    },
    time::Instant,
    ws::{Connection, Inbox, Out},
};
use std::fmt::Write;
use support::{Random, blocks, bytes, frame};

const NAMES: [&str; 3] = ["/", "/admin", "/custom"];

fn wire(lines: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for line in lines.lines() {
        let (kind, payload) = line.split_once(' ').unwrap_or((line, ""));
        let (first, payload) = match kind {
            "text" => (0x81, payload.as_bytes().to_vec()),
            "binary" => (0x82, bytes(payload)),
            _ => panic!("{line}"),
        };
        frame(first, Some([7, 0x91, wire.len() as u8, 0xfe]), &payload, &mut wire);
    }
    wire
}

/// What the application is told when the bytes come in these pieces.
fn trace(wire: &[u8], cuts: &[usize]) -> String {
    let now = Instant::from_millis(0);
    let mut inbox = Inbox::new(vec![0; 512]);
    let mut ws = Connection::server(sansocket::ws::Limits::new());
    let mut engine = Session::open(Sid::from_random([0; 15]), Config::new(), now);
    while engine.poll_transmit(&mut Out::stored(&mut [0; OWED_MAX])).unwrap() {}
    let mut io = Io::new(NAMES, [AckSlot::EMPTY; 2], now).with_limits(Limits::new());
    let mut trace = String::new();
    let mut from = 0;
    for &to in cuts.iter().chain([&wire.len()]) {
        inbox.space().unwrap()[..to - from].copy_from_slice(&wire[from..to]);
        inbox.commit(to - from);
        from = to;
        while let Some(event) = engine.poll_event(&mut inbox, &mut ws, now).unwrap() {
            match io.handle_event(event) {
                Ok(event) => tell(&mut io, event, &mut trace),
                Err(e) => {
                    let name = format!("{e:?}");
                    writeln!(trace, "error {}", name.split('(').next().unwrap()).unwrap();
                    return trace;
                }
            }
        }
    }
    trace
}

fn tell(io: &mut Io<[&'static str; 3], [AckSlot; 2]>, event: Event<'_>, trace: &mut String) {
    let name = |n: Namespace| NAMES[usize::from(n.0)];
    let count = |n: u8| if n == 0 { String::new() } else { format!(" {n} attachments") };
    let list = |values: sansocket::json::Elements<'_>| {
        let values: Vec<String> = values.map(|v| String::from_utf8_lossy(v.raw()).into_owned()).collect();
        values.join(",")
    };
    match event {
        Event::Opened => return,
        Event::Connect { namespace, auth } => {
            let auth = auth.map_or("-".into(), |a| String::from_utf8_lossy(a.raw()).into_owned());
            write!(trace, "connect {} {auth}", name(namespace)).unwrap();
            io.accept(namespace, sansocket::socketio::Sid::from_random([1; 15]), &mut Out::stored(&mut [0; 64]))
                .unwrap();
        }
        Event::UnknownNamespace { name } => write!(trace, "unknown {}", String::from_utf8_lossy(name)).unwrap(),
        Event::Event(e) => {
            write!(trace, "event {}", name(e.namespace)).unwrap();
            if let Some(request) = e.ack {
                let mut memory = [0; 64];
                let mut out = Out::stored(&mut memory);
                io.ack(request, &(), &mut out).unwrap();
                let answer = std::str::from_utf8(&out.written()[4..]).unwrap().trim_start_matches("/admin,");
                let id: String = answer.chars().take_while(char::is_ascii_digit).collect();
                write!(trace, " {id}").unwrap();
            }
            let event = String::from_utf8_lossy(e.name().unwrap().raw()).into_owned();
            write!(trace, " {event} [{}]{}", list(e.args()), count(e.attachments)).unwrap();
        }
        Event::Attachment(a) => {
            let hex: String = a.bytes.iter().map(|b| format!("{b:02x}")).collect();
            write!(trace, "attachment {} of {} {hex}", a.index, a.of).unwrap();
        }
        Event::Ack(a) => {
            write!(trace, "ack {} {} [{}]{}", name(a.namespace), a.id, list(a.args()), count(a.attachments)).unwrap();
        }
        Event::Disconnected { namespace, reason } => {
            write!(trace, "disconnected {} {reason}", name(namespace)).unwrap();
        }
        Event::Closed(reason) => write!(trace, "closed {reason}").unwrap(),
        other => panic!("{other:?}"),
    }
    trace.truncate(trace.trim_end().len());
    trace.push('\n');
}

#[test]
fn any_split_tells_the_same_through_the_whole_stack() {
    let page = include_str!("vectors/socketio.md");
    let mut runs = 0;
    for (name, blocks) in blocks(page) {
        let [(_, lines), (_, expected)] = &blocks[..] else { panic!("{name}") };
        let wire = wire(lines);
        let mut random = Random(wire.len() as u64);
        let pairs = (0..100).map(|_| {
            let mut pair = vec![random.below(wire.len() + 1), random.below(wire.len() + 1)];
            pair.sort_unstable();
            pair
        });
        let cuts =
            [vec![], (0..wire.len()).collect()].into_iter().chain((0..=wire.len()).map(|i| vec![i])).chain(pairs);
        for cuts in cuts {
            assert_eq!(trace(&wire, &cuts), *expected, "{name}, cut at {cuts:?}");
            runs += 1;
        }
    }
    assert!(runs > 3000, "{runs}");
}
