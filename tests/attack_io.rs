//! Attacks on Engine.IO, Socket.IO and the composed machine: what laws and fuzzing did not see.

#[path = "attack_io/acks.rs"]
mod acks;
#[path = "attack_io/calls.rs"]
mod calls;
#[path = "attack_io/gets.rs"]
mod gets;
#[path = "attack_io/host.rs"]
mod host;
#[path = "attack_io/post.rs"]
mod post;
#[path = "attack_io/tables.rs"]
mod tables;

use host::{Host, ROOT, Random, at, frame, handle, text};
use sansocket::{
    endpoint::{Answer, Ask, Got, Grow, ServerEnd, Step, Todo, Upgrade, What, judge},
    engineio::{
        self, Message, Packets, Transport,
        server::{Config, Cors, Origins, Probed, route},
    },
    http::Method,
    socketio::{
        AckError, AckSlot, Attachments, Collector, ExpectAck, Flags, HandlerSlot, Handlers, Namespace, Placeholder,
        Policy, Pushed, Queue, QueueSlot, Reason, Sid,
        server::{
            Event, Limits, Session,
            rooms::{Member, RoomSlot, Rooms, Storage, Target},
        },
    },
    time::Instant,
    ws::{self, Inbox, Out},
};

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// An acknowledgement without arguments, yet with an attachment, holds nothing in the collector; its attachment needs room all the same.
#[test]
fn an_acknowledgement_with_an_attachment_and_without_arguments_is_told() {
    let mut host = Host::new(Transport::WebSocket);
    host.feed(&text("40"));
    host.turn(0);
    host.ask(7, None);
    host.feed(&[text("461-0[]"), frame(2, &[9; 300])].concat());
    host.turn(1);
    assert_eq!(host.told.last().unwrap(), "ack Some(7) [300]");

    let mut host = Host::polling();
    host.post(b"40", 0);
    host.ask(7, None);
    host.post(b"461-0[]\x1ebAQIDBAEBAQEBAQEBAQEBAQ==\x1e42[\"x\"]", 1);
    assert!(host.told.contains(&"ack Some(7) [16]".to_owned()), "{:?}", host.told);
}

/// The room for a packet with attachments is asked for, also if packets that are no messages come before it in the body.
#[test]
fn a_binary_event_behind_a_pong_in_a_post_is_told() {
    let mut host = Host::polling();
    host.post(b"40", 0);
    host.post(b"3\x1e451-[\"x\",{\"_placeholder\":true,\"num\":0}]\x1e3\x1ebAQIDBA==\x1e42[\"y\"]", 1);
    assert_eq!(host.told[2..], ["event Some([34, 120, 34]) [4]", "event Some([34, 121, 34]) []"]);
}

/// `accept` after the client broke the protocol does not make its later packets good.
#[test]
fn a_session_that_failed_stays_failed_when_a_namespace_is_accepted() {
    let mut io = Session::new(["/"], [AckSlot::EMPTY; 1], at(1000));
    let message = |text: &'static [u8]| engineio::Event::Message(Message::Text(text));
    io.handle_event(engineio::Event::Opened).unwrap();
    io.handle_event(message(b"0")).unwrap();
    let error = io.handle_event(message(b"9")).unwrap_err();
    let mut memory = [0; 64];
    let _ = io.accept(ROOT, Sid::from_random([1; 15]), &mut Out::stored(&mut memory));
    assert_eq!(io.handle_event(message(b"2[\"x\"]")), Err(error));
}

/// The memory for attachments follows the packet, not the payload that the packet stands in.
#[test]
fn a_post_of_many_small_packets_asks_for_little_memory() {
    let mut host = Host::polling();
    host.post(b"40", 0);
    let one = "451-[\"x\",{\"_placeholder\":true,\"num\":0}]\x1ebAQ==";
    let body = vec![one; 2000].join("\x1e");
    host.post(body.as_bytes(), 1);
    assert_eq!(host.told.iter().filter(|t| t.starts_with("event")).count(), 2000);
    assert!(host.most <= 256, "a collector of {} bytes for packets of {}", host.most, one.len());
}

/// What a client says: mostly good.
fn packet(random: &mut Random) -> Vec<Vec<u8>> {
    let id = random.below(6);
    let files = 1 + random.below(2);
    let texts = |packet: String| vec![text(&packet)];
    match random.below(24) {
        0..4 => texts("42[\"x\"]".into()),
        4 => texts(format!("42{id}[\"y\",1]")),
        5..9 => texts(format!("43{id}[1]")),
        9..12 => {
            let mut all = texts(format!("46{files}-{id}[]"));
            all.extend((0..files).map(|i| frame(2, &vec![7; 40 * i])));
            all
        }
        12..14 => {
            let mut all = texts(format!("45{files}-/a,[\"z\",{{\"_placeholder\":true,\"num\":0}}]"));
            all.extend((0..files).map(|_| text("bAQIDBA==")));
            all
        }
        14 => texts("43/a,0[]".into()),
        15 => texts("42/a,[\"w\"]".into()),
        16 => texts("3".into()),
        17 => vec![frame(9, b"hi")],
        18 => texts("40/nope,".into()),
        19 => texts("6".into()),
        20 => vec![[frame(0x1, b"42[\"p"), frame(0, b"\"]")].concat()]
            .into_iter()
            .map(|mut f| {
                f[0] = 1;
                f
            })
            .collect(),
        21 if random.below(4) == 0 => texts("41/a".into()),
        22 if random.below(6) == 0 => {
            [&b"2"[..], b"", b"9", b"42[", b"1", b"44{\"message\":\"\"}", b"450-[\"x\"]", b"461-0[1]"]
                .get(random.below(8))
                .map(|p| vec![frame(1, p)])
                .unwrap()
        }
        23 if random.below(6) == 0 => vec![frame(8, b"\x03\xe8"), frame(1, b"42[\"late\"]")],
        _ => texts("42[\"v\"]".into()),
    }
}

/// Any cut of the input gives the same events and the same bytes, and each acknowledgement is told once.
#[test]
fn cuts_change_nothing_and_each_acknowledgement_is_told_once() {
    for seed in 0..1000 {
        let mut random = Random(seed);
        let mut input = [text("40"), text("40/a,")].concat();
        for _ in 0..random.below(20) {
            packet(&mut random).iter().for_each(|frame| input.extend_from_slice(frame));
        }
        let asked = random.below(5) as u32;
        let run = |random: &mut Random, whole: bool| {
            let mut host = Host::new(Transport::WebSocket);
            let mut rest = &input[..];
            let first = text("40").len();
            host.feed(&rest[..first]);
            rest = &rest[first..];
            host.turn(0);
            (0..asked).for_each(|token| host.ask(token, None));
            while !rest.is_empty() {
                let n = if whole { rest.len() } else { 1 + random.below(rest.len().min(60)) };
                host.feed(&rest[..n]);
                rest = &rest[n..];
                host.turn(0);
            }
            host.end.link_mut().handle_eof();
            host.turn(0);
            // A pong may stand for several pings, and so its place is free.
            let sent = String::from_utf8_lossy(&host.sent).replace("\u{fffd}\x02hi", "");
            (host.told, sent, host.end.fault(), host.end.link().fault())
        };
        let one = run(&mut random, true);
        for _ in 0..3 {
            assert_eq!(run(&mut random, false), one, "seed {seed}");
        }
        let told = &one.0;
        for token in 0..asked {
            let name = (format!("ack Some({token})"), format!("token: {token},"));
            let times = told.iter().filter(|t| t.starts_with(&name.0) || t.contains(&name.1)).count();
            assert_eq!(times, 1, "seed {seed}, token {token}: {told:?}");
        }
        assert_eq!(told.iter().filter(|t| *t == "Opened").count(), 1);
        assert_eq!(told.first().unwrap(), "Opened");
        assert_eq!(told.iter().filter(|t| t.starts_with("closed")).count(), 1);
        assert!(told.last().unwrap().starts_with("closed"), "{told:?}");
    }
}

/// The fields of a handshake do not say its method, so a host that checks those alone has it checked here.
#[test]
fn only_a_get_opens_a_websocket() {
    for method in [Method::Post, Method::Head, Method::Other(b"DELETE")] {
        for query in [&b"EIO=4&transport=websocket"[..], b"EIO=4&transport=websocket&sid=abc"] {
            let ask = Ask { method, query, has_body: false, websocket: Some(Ok(())) };
            let find = |_: &[u8]| Some(Transport::Polling);
            let todo = judge(&ask, &Cors::new(Origins::Own), find);
            assert_eq!(todo, Todo::Answer(Answer::Handshake(ws::RequestError::Method)), "{method:?}");
        }
    }
}

/// The id of an Engine.IO session is a secret, whoever carries it.
#[test]
fn no_debug_prints_the_id_of_a_session() {
    let id = b"zzzzzzzzzzzzzzzzzzzz";
    let query = b"EIO=4&transport=polling&sid=zzzzzzzzzzzzzzzzzzzz";
    let ask = |method| Ask { method, query, has_body: false, websocket: None };
    let find = |_: &[u8]| Some(Transport::Polling);
    let mut all = vec![
        format!("{:?}", ask(Method::Get)),
        format!("{:?}", judge(&ask(Method::Get), &Cors::new(Origins::Own), find)),
        format!("{:?}", judge(&ask(Method::Post), &Cors::new(Origins::Own), find)),
        format!("{:?}", Todo::Upgrade(id)),
        format!("{:?}", route(Method::Get, query, false, find)),
        format!("{:?}", Answer::Payload { body: id, cookie: Some(id) }),
    ];
    let sid = engineio::Sid::parse(id).unwrap();
    for transport in [Transport::Polling, Transport::WebSocket] {
        let limits = ws::Limits::new();
        let end = ServerEnd::open(transport, sid, Config::new(), limits, ["/"], [AckSlot::EMPTY; 1], at(0));
        all.push(format!("{end:?}"));
    }
    for shown in all {
        assert!(!shown.contains("zzzz") && !shown.contains("122, 122"), "{shown}");
    }
}
