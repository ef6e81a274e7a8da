use super::*;
use crate::{
    bytes::Capacity,
    engineio::{
        Packets, Payload,
        client::{Probe, Probed, Request, Source},
        sink::Seeing,
    },
    ws::{Connection, Inbox, Limits, Outbox},
};
use std::{format, string::String, vec, vec::Vec};

const OPEN: &[u8] = br#"0{"sid":"S","upgrades":["websocket"],"pingInterval":100,"pingTimeout":20,"maxPayload":40}"#;

const fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[first, payload.len() as u8], payload].concat()
}

struct Link {
    engine: Session,
    ws: Connection<Client>,
    inbox: Inbox<[u8; 256]>,
    told: Vec<String>,
    seen: Vec<String>,
}

impl Link {
    fn new(transport: Transport) -> Self {
        Self {
            engine: Session::open(transport, &Config::new(), at(0)),
            ws: Connection::client(Limits::new()),
            inbox: Inbox::new([0; 256]),
            told: Vec::new(),
            seen: Vec::new(),
        }
    }

    fn open() -> Self {
        let mut link = Self::new(Transport::WebSocket);
        link.feed(&frame(0x81, OPEN), at(0));
        assert_eq!(link.told, ["Opened"]);
        link
    }

    fn open_polling() -> Self {
        let mut link = Self::new(Transport::Polling);
        link.body(OPEN, at(0));
        assert_eq!(link.told, ["Opened"]);
        link
    }

    fn feed(&mut self, bytes: &[u8], now: Instant) {
        self.inbox.space().unwrap()[..bytes.len()].copy_from_slice(bytes);
        self.inbox.commit(bytes.len());
        self.drain(now);
    }

    fn drain(&mut self, now: Instant) {
        let Self { engine, ws, inbox, told, seen } = self;
        while engine.advance_with(inbox, ws, now, |p| seen.push(format!("{p:?}"))).unwrap() {
            told.push(format!("{:?}", engine.take(inbox).unwrap()));
        }
    }

    fn body(&mut self, body: &[u8], now: Instant) {
        let (mut body, mut at) = (body.to_vec(), 0);
        let Self { engine, told, seen, .. } = self;
        while engine.advance_body(&mut body, &mut at, now, |p| seen.push(format!("{p:?}"))) {
            told.push(format!("{:?}", engine.take_body(&mut body, &mut at).unwrap()));
        }
    }

    /// What is sent over the WebSocket.
    fn sent(&mut self) -> Vec<u8> {
        let mut outbox = Outbox::with_keys([0; 64], || [0; 4]);
        let mut out = self.ws.out(&mut outbox);
        while self.engine.poll_transmit(&mut out).unwrap() {}
        while self.ws.poll_transmit(&mut out).unwrap() {}
        outbox.written().to_vec()
    }
}

/// Messages that wait: a text, and the bytes behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Waiting(Vec<(String, Vec<Vec<u8>>)>);

impl Waiting {
    fn texts(lens: &[usize]) -> Self {
        Self(lens.iter().map(|&n| ("x".repeat(n), Vec::new())).collect())
    }
}

impl Source for Waiting {
    fn forward<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, SendError> {
        let Some((text, behind)) = self.0.first() else { return Ok(false) };
        out.text(|w| w.push(text.as_bytes()), behind.iter().map(|b| &b[..]))?;
        self.0.remove(0);
        Ok(true)
    }
}

#[test]
fn any_split_gives_the_same_events() {
    let stream = [
        frame(0x81, OPEN),
        frame(0x81, b"2"),
        frame(0x89, b"ws"),
        frame(0x81, b"4hi"),
        frame(0x01, b"4a"),
        frame(0x80, b"b"),
        frame(0x81, b"4"),
        frame(0x82, b"4bin"),
        frame(0x82, b""),
        frame(0x81, b"bAQID"),
        frame(0x81, b"6"),
        frame(0x81, b"3x"),
        frame(0x81, b"5"),
        frame(0x81, OPEN),
        frame(0x81, b"1"),
        frame(0x81, b"4late"),
    ]
    .concat();
    let mut whole = Link::new(Transport::WebSocket);
    whole.feed(&stream, at(7));
    assert_eq!(
        whole.told,
        [
            "Opened",
            "Message(Text([104, 105]))",
            "Message(Text([97, 98]))",
            "Message(Text([]))",
            "Message(Binary([52, 98, 105, 110]))",
            "Message(Binary([]))",
            "Message(Binary([1, 2, 3]))",
            "Closed(TransportClose)"
        ]
    );
    assert_eq!(whole.seen.len(), 13);
    assert_eq!(whole.engine.fault(), None);
    let sent = whole.sent();
    assert_eq!(sent, b"\x8a\x82\0\0\0\0ws\x88\x80\0\0\0\0", "no pong after the end, and a close frame without a code");
    for a in 0..=stream.len() {
        for b in [a, a + 1, a + 2, a + 9, stream.len()] {
            let b = b.min(stream.len());
            let mut link = Link::new(Transport::WebSocket);
            for piece in [&stream[..a], &stream[a..b], &stream[b..]] {
                link.feed(piece, at(7));
            }
            assert_eq!((&link.told, &link.seen), (&whole.told, &whole.seen), "{a} {b}");
            assert_eq!(link.engine, whole.engine);
        }
    }
}

#[test]
fn only_a_ping_moves_the_deadline_and_has_one_short_answer() {
    let mut link = Link::open();
    assert_eq!((link.engine.poll_timeout(), link.engine.timeout_reason()), (Some(at(120)), "ping of the server"));
    for other in [&b"4x"[..], b"3", b"5", b"6", b"0{}"] {
        link.feed(&frame(0x81, other), at(50));
    }
    assert_eq!(link.engine.poll_timeout(), Some(at(120)));
    assert!(link.sent().is_empty());
    for ping in [&b"2"[..], b"2probe", b"2"] {
        link.feed(&frame(0x81, ping), at(60));
    }
    link.feed(&frame(0x81, b"2"), at(10)); // a clock that ran backwards
    assert_eq!(link.engine.poll_timeout(), Some(at(180)));
    assert!(link.engine.wants_transmit());
    let mut small = Outbox::with_keys([0; 6], || [0; 4]);
    let refused = link.engine.poll_transmit(&mut link.ws.out(&mut small));
    assert_eq!(refused, Err(Capacity { needed: 7, available: 6 }));
    assert_eq!(link.sent(), b"\x81\x81\0\0\0\x003");
    assert!(link.sent().is_empty());
    assert_eq!(link.engine.handle_timeout(at(179)), None);
    assert_eq!(link.engine.handle_timeout(at(180)), Some(Event::Closed(Reason::PingTimeout)));
    assert_eq!(link.engine.handle_timeout(at(180)), None);
    assert_eq!((link.engine.poll_timeout(), link.engine.fault()), (None, None));
    link.drain(at(181));
    assert_eq!(link.sent(), b"\x88\x80\0\0\0\0");
}

#[test]
fn what_is_no_open_packet_ends_the_session_unopened() {
    for bad in [&b"40"[..], b"2", b"3", b"1", b"6", b"<html>", b"", b"0", b"0{}", b"0{\"sid\":\"\"}", b"bAQID", b"b!"] {
        let mut link = Link::new(Transport::WebSocket);
        link.feed(&frame(0x81, bad), at(0));
        assert_eq!((&link.told[..], link.engine.fault()), (&["Closed(ParseError)".into()][..], Some(Fault::Open)));
        assert_eq!(link.sent(), b"\x88\x82\0\0\0\0\x03\xea", "{bad:?}");
        assert_eq!((link.engine.id(), link.engine.is_open()), (None, false));
        let mut polling = Link::new(Transport::Polling);
        polling.body(bad, at(0));
        assert_eq!((&polling.told, polling.engine.fault()), (&link.told, Some(Fault::Open)), "{bad:?}");
        assert_eq!(polling.engine.poll_request(true), None);
    }
    let mut link = Link::new(Transport::WebSocket);
    link.feed(b"HTTP/1.1 400 Bad Request\r\n", at(0));
    assert_eq!(link.told, ["Closed(TransportError)"]);
    assert!(matches!(link.engine.fault(), Some(Fault::Peer(PeerError::WebSocket(_)))));
    for old in [&b"96:0{\"sid\":\"x\",\"upgrades\":[]}2:40"[..], b"23:0{", b"\x00\x02\x03\xff0{\xff\xff"] {
        let mut link = Link::new(Transport::Polling);
        link.body(old, at(0));
        assert_eq!((&link.told[..], link.engine.fault()), (&["Closed(ParseError)".into()][..], Some(Fault::Version3)));
        let mut engine = Session::open(Transport::Polling, &Config::new(), at(0));
        let mut body = old.to_vec();
        let event = engine.poll_packets(&mut Packets::new(&mut body), at(0));
        assert_eq!((event, engine.fault()), (Some(Event::Closed(Reason::ParseError)), Some(Fault::Version3)));
    }
}

#[test]
fn each_end_is_told_once_and_the_first_one_counts() {
    type End = (fn(&mut Link), Reason, Option<Fault>, bool);
    let unknown = Fault::Peer(PeerError::UnknownPacket);
    // Whether it owes a close packet over polling.
    let ends: [End; 6] = [
        (|l| l.engine.close(), Reason::ForcedClose, None, true),
        (|l| l.engine.handle_eof(), Reason::TransportClose, None, false),
        (|l| l.engine.handle_error(), Reason::TransportError, None, false),
        (|l| l.engine.fail_request(Some(502), b""), Reason::TransportError, Some(Fault::Status(502)), false),
        (|l| l.engine.fail_request(None, b""), Reason::TransportError, None, false),
        (|l| l.body(b"9", at(1)), Reason::ParseError, Some(unknown), true),
    ];
    for (i, &(end, reason, fault, owes)) in ends.iter().enumerate() {
        for phase in 0..3 {
            for (other, ..) in &ends[..5] {
                let mut link = Link::new(if i == 5 { Transport::Polling } else { Transport::WebSocket });
                match phase {
                    0 if i == 5 => continue,
                    0 => {}
                    1 => {
                        // Open, and not told.
                        let (mut body, mut at) = (OPEN.to_vec(), 0);
                        assert!(link.engine.advance_body(&mut body, &mut at, Instant::from_millis(0), |_| {}));
                    }
                    _ => link.body(OPEN, at(0)),
                }
                link.engine.transport = Transport::Polling;
                end(&mut link);
                other(&mut link);
                while let Some(event) = link.engine.handle_timeout(at(999_999)) {
                    link.told.push(format!("{event:?}"));
                }
                let mut expected: Vec<_> = if phase > 0 { vec![String::from("Opened")] } else { vec![] };
                expected.push(format!("Closed({reason:?})"));
                assert_eq!((link.told, link.engine.fault()), (expected, fault));
                assert_eq!((link.engine.poll_timeout(), link.engine.is_writable()), (None, false));
                // A failed request ends all requests.
                let posts = owes && phase > 0 && link.engine.owes_close;
                assert_eq!(link.engine.poll_request(false), posts.then_some(Request::Post));
            }
        }
    }
    let mut link = Link::new(Transport::WebSocket);
    assert_eq!(link.engine.timeout_reason(), "open packet");
    assert_eq!(link.engine.handle_timeout(at(19_999)), None);
    assert_eq!(link.engine.handle_timeout(at(20_000)), Some(Event::Closed(Reason::TransportError)));
    assert_eq!(link.engine.fault(), Some(Fault::OpenTimeout));
    let mut refused = Session::open(Transport::Polling, &Config::new(), at(0));
    refused.fail_request(Some(400), br#"{"code":5,"message":"Unsupported protocol version"}"#);
    assert_eq!(refused.fault(), Some(Fault::Version3));
}

#[test]
fn a_body_is_read_alike_in_both_ways() {
    for body in [
        &b"4a\x1e4b"[..],
        b"2\x1ebAQID\x1e4\x1eb\x1ebAQ==\x1ebAQI=",
        b"6",
        b"",
        b"4a\x1e",
        b"\x1e4a",
        b"4a\x1e\x1e4b",
        b"4a\x1e1\x1e4b",
        b"4a\x1e9\x1e4b",
        b"bAQI\x1e4b",
        b"4\xff",
        b"bHh4eHh4e\x1e4x", // its bytes are separators
    ] {
        let mut link = Link::open_polling();
        let mut engine = link.engine.clone();
        link.told.clear();
        link.seen.clear();
        link.body(body, at(5));
        let (mut told, mut seen, mut memory) = (Vec::new(), Vec::new(), body.to_vec());
        let mut packets = Packets::new(&mut memory);
        while let Some(event) = engine.poll_packets_with(&mut packets, at(5), |p| seen.push(format!("{p:?}"))) {
            told.push(format!("{event:?}"));
        }
        assert_eq!((&told, &seen), (&link.told, &link.seen), "{body:?}");
        assert_eq!(engine, link.engine);
    }
    let mut link = Link::open_polling();
    link.body(b"4a\x1e2\x1ebHh4eHh4e\x1e6", at(5));
    assert_eq!(link.told[1..], ["Message(Text([97]))", "Message(Binary([30, 30, 30, 30, 30, 30]))"]);
    assert_eq!(link.engine.poll_timeout(), Some(at(125)), "a ping in a body counts");
    for bad in [&b""[..], b"4\x1e"] {
        let mut link = Link::open_polling();
        link.body(bad, at(5));
        assert_eq!(link.told.last().unwrap(), "Closed(ParseError)");
    }
    // What would be a sign of version 3 at first is a packet later.
    for (late, fault) in [(&b"23:0"[..], None), (b"96:0{", Some(Fault::Peer(PeerError::UnknownPacket)))] {
        let mut link = Link::open_polling();
        let mut engine = link.engine.clone();
        link.body(late, at(5));
        engine.poll_packets(&mut Packets::new(&mut late.to_vec()), at(5));
        assert_eq!((link.engine.fault(), engine.fault()), (fault, fault));
    }
    // A message that waits to be taken is not found or told twice, and is gone after the end.
    let mut link = Link::open();
    link.inbox.space().unwrap()[..5].copy_from_slice(b"\x81\x03b4A");
    link.inbox.commit(5);
    link.drain(at(5));
    assert_eq!(link.engine.fault(), Some(Fault::Peer(PeerError::UnknownPacket)), "base64 that is not whole");
    let mut link = Link::open();
    let mut seen = 0;
    for message in [&b"\x81\x05bQUE="[..], b"\x81\x024b"] {
        link.inbox.space().unwrap()[..message.len()].copy_from_slice(message);
        link.inbox.commit(message.len());
    }
    for _ in 0..3 {
        assert!(link.engine.advance_with(&mut link.inbox, &mut link.ws, at(5), |_| seen += 1).unwrap());
    }
    assert_eq!((seen, link.engine.take(&mut link.inbox)), (1, Some(Event::Message(Message::Binary(b"AA")))));
    assert!(link.engine.advance_with(&mut link.inbox, &mut link.ws, at(5), |_| seen += 1).unwrap());
    assert_eq!((seen, link.engine.take(&mut link.inbox)), (2, Some(Event::Message(Message::Text(b"b")))));
    let mut link = Link::open_polling();
    let (mut body, mut offset, mut seen) = (b"bAQID\x1e4x".to_vec(), 0, 0);
    for _ in 0..3 {
        assert!(link.engine.advance_body(&mut body, &mut offset, at(6), |_| seen += 1));
        assert_eq!(link.engine.peek_body(&body, offset), Some(Message::Binary(&[1, 2, 3])));
    }
    assert_eq!(seen, 1);
    link.engine.close();
    assert_eq!(link.engine.peek_body(&body, offset), None);
    assert_eq!(link.engine.take_body(&mut body, &mut offset), Some(Event::Closed(Reason::ForcedClose)));
    assert!(!link.engine.advance_body(&mut body, &mut offset, at(6), |_| {}));
}

#[test]
fn a_post_has_at_most_16_packets_and_the_servers_limit() {
    let post = |waiting: &mut Waiting, pongs: bool, size: usize| {
        let mut link = Link::open_polling();
        if pongs {
            link.body(b"2", at(1));
            assert_eq!(link.engine.poll_request(false), Some(Request::Get));
            link.engine.begin_get();
            assert_eq!(link.engine.poll_request(false), Some(Request::Post));
            assert!(!link.engine.wants_transmit());
        }
        let mut body = vec![0; size];
        let (before, waited) = (link.engine.clone(), waiting.clone());
        let result = link.engine.begin_post(waiting, &mut body);
        if let Err(e) = result {
            assert_eq!((&link.engine, &*waiting), (&before, &waited));
            return Err(e);
        }
        let len = result.unwrap();
        assert_eq!(link.engine.is_posting, len > 0);
        if len > 0 {
            assert!(!link.engine.owes_pong);
            let again = link.engine.begin_post(&mut Waiting::texts(&[1]), &mut [0; 9]);
            assert_eq!((again, link.engine.poll_request(true) == Some(Request::Post)), (Ok(0), false));
        }
        Ok(String::from_utf8(body[..len].to_vec()).unwrap())
    };
    // 40 bytes: three of 11 and two separators are 38... each text has its digit.
    let mut waiting = Waiting::texts(&[11, 11, 11, 1]);
    let x = "4xxxxxxxxxxx";
    assert_eq!(post(&mut waiting, false, 99), Ok(format!("{x}\x1e{x}\x1e{x}")));
    assert_eq!(waiting, Waiting::texts(&[1]));
    assert_eq!(post(&mut Waiting::texts(&[11, 11, 12]), false, 99).unwrap().len(), 39);
    assert_eq!(post(&mut Waiting::texts(&[11, 11, 13]), false, 99).unwrap().len(), 40);
    assert_eq!(post(&mut Waiting::texts(&[11, 11, 14]), false, 99).unwrap().len(), 25);
    assert_eq!(post(&mut Waiting::texts(&[11, 11, 12]), true, 99).unwrap().len(), 27, "the pong counts");
    assert_eq!(post(&mut Waiting::texts(&[60, 1]), false, 99).unwrap().len(), 61, "alone");
    assert_eq!(post(&mut Waiting::texts(&[60]), true, 99), Ok("3".into()), "the next one is alone then");
    let mut waiting = Waiting::texts(&[0; 20]);
    assert_eq!(post(&mut waiting, false, 99).unwrap().len(), 31);
    assert_eq!(waiting.0.len(), 4);
    assert_eq!(post(&mut Waiting::texts(&[0; 20]), true, 99).unwrap().matches('4').count(), 15);
    assert_eq!(post(&mut Waiting::default(), false, 9), Ok(String::new()));
    assert_eq!(post(&mut Waiting::default(), true, 0), Err(Capacity { needed: 1, available: 0 }));
    // The bytes of a message go with it.
    let with_bytes = |n| Waiting(vec![("a".into(), vec![vec![1, 2, 3]; n]), ("b".into(), vec![])]);
    assert_eq!(post(&mut with_bytes(2), false, 99), Ok("4a\x1ebAQID\x1ebAQID\x1e4b".into()));
    assert_eq!(post(&mut with_bytes(20), false, 200).unwrap().matches("bAQID").count(), 20);
    for size in 0..20 {
        let needed = 2 + 2 * 6;
        let expected = match size {
            _ if size < needed => Err(Capacity { needed, available: size }),
            17.. => Ok("4a\x1ebAQID\x1ebAQID\x1e4b".into()),
            _ => Ok("4a\x1ebAQID\x1ebAQID".into()),
        };
        assert_eq!(post(&mut with_bytes(2), false, size), expected);
    }
    assert_eq!(post(&mut with_bytes(15), true, 200), Ok("3".into()));
}

#[test]
fn what_is_refused_changes_nothing_and_is_not_seen() {
    let binaries = [&[7_u8; 4][..], &[], &[8; 130]];
    for len in [0_usize, 1, 100, 120, 130] {
        let text = "t".repeat(len);
        for count in 0..=3 {
            let behind = || binaries.iter().take(count).copied();
            let (mut seen_any, mut refused_any) = (false, false);
            for size in 0..400 {
                let mut outbox = Outbox::with_keys(vec![0; size], || [9; 4]);
                let ws = Connection::client(Limits::new());
                let mut out = ws.out(&mut outbox);
                let mut seen = 0;
                let result = Seeing { out: &mut out, seen: |_: Packet<'_>| seen += 1 }
                    .text(|w| w.push(text.as_bytes()), behind());
                assert_eq!(seen, if result.is_ok() { 1 + count } else { 0 }, "{len} {count} {size}");
                (seen_any, refused_any) = (seen_any | result.is_ok(), refused_any | result.is_err());

                let mut memory = vec![0; size];
                let mut payload = Payload::new(&mut memory);
                let (mut before, mut seen) = (0, 0);
                for round in 0..3 {
                    let mut out = Seeing { out: &mut payload, seen: |_: Packet<'_>| seen += 1 };
                    match out.text(|w| w.push(text.as_bytes()), behind()) {
                        Ok(()) => {
                            assert_eq!(seen, (1 + count) * (round + 1));
                            before = payload.written().len();
                        }
                        Err(SendError::Capacity(e)) => {
                            assert_eq!(payload.written().len(), before);
                            assert_eq!(e.available, size - before);
                            let mut exact = vec![0; before + e.needed];
                            let mut payload = Payload::new(&mut exact);
                            for _ in 0..=round {
                                payload.text(|w| w.push(text.as_bytes()), behind()).unwrap();
                            }
                            assert_eq!(payload.written().len(), before + e.needed);
                            break;
                        }
                        Err(e) => panic!("{e:?}"),
                    }
                }
                assert_eq!(seen % (1 + count), 0);
            }
            assert!(seen_any && refused_any);
        }
    }
    // 17 packets: a full body says that nothing is available.
    let mut memory = [0; 99];
    let mut payload = Payload::new(&mut memory);
    let mut seen = Vec::new();
    for i in 0..20 {
        let mut out = Seeing { out: &mut payload, seen: |p: Packet<'_>| seen.push(format!("{p:?}")) };
        let result = if i % 2 == 0 { out.binary(b"") } else { out.packet(|w| w.push(b"2x")) };
        assert_eq!(result.is_ok(), i < 16);
        if i >= 16 {
            let needed = 2 + usize::from(i % 2 == 1);
            assert_eq!(result, Err(SendError::Capacity(Capacity { needed, available: 0 })));
        }
    }
    assert_eq!((seen.len(), &seen[0][..], &seen[1][..]), (16, "Binary([])", "Ping([120])"));
}

#[test]
fn requests_begin_only_when_they_may() {
    let mut link = Link::new(Transport::Polling);
    assert_eq!(link.engine.poll_request(true), Some(Request::Get));
    link.engine.begin_get();
    assert_eq!((link.engine.poll_request(true), link.engine.is_writable()), (None, false));
    link.body(OPEN, at(0));
    assert_eq!(link.engine.poll_request(true), Some(Request::Post), "also while the body is read");
    link.engine.end_get();
    assert_eq!(link.engine.poll_request(true), Some(Request::Get));
    link.engine.begin_get();
    assert_eq!(link.engine.poll_request(false), None);
    assert!(link.engine.is_writable());
    assert_eq!(link.engine.begin_post(&mut Waiting::texts(&[1]), &mut [0; 9]), Ok(2));
    assert!(!link.engine.is_writable());
    // After the end what waits is sent, then the close packet, alone; the POST in progress comes first.
    link.engine.close();
    assert_eq!(link.engine.poll_request(true), None);
    link.engine.end_post();
    link.engine.end_get();
    let mut waiting = Waiting::texts(&[1, 37, 2]);
    for expected in [&b"4x"[..], &[b"4", &[b'x'; 37][..]].concat(), b"4xx", b"1"] {
        assert_eq!(link.engine.poll_request(!waiting.0.is_empty()), Some(Request::Post));
        let mut body = [0; 99];
        let len = link.engine.begin_post(&mut waiting, &mut body).unwrap();
        assert_eq!(&body[..len], expected);
        link.engine.end_post();
    }
    assert_eq!(link.engine.poll_request(true), None);
    assert_eq!(link.engine.begin_post(&mut Waiting::texts(&[1]), &mut [0; 9]), Ok(0));
    // What a text must not contain over polling.
    let mut memory = [0; 9];
    let mut payload = Payload::new(&mut memory);
    assert_eq!(link.engine.send(Message::Text(b"a\x1eb"), &mut payload), Err(SendError::Separator));
    assert_eq!(link.engine.send(Message::Binary(b"\x1e"), &mut payload), Ok(()));
    assert_eq!(payload.written(), b"bHg==");
}

#[test]
fn a_probe_takes_nothing_but_its_answer() {
    // Steps: 0 before `2probe` was written, 1 after, 2 after `3probe` with a GET in progress.
    for step in 0..3 {
        for (what, wrong) in [
            ("another packet", frame(0x81, b"2")),
            ("a message", frame(0x81, b"4x")),
            ("another pong", frame(0x81, b"3probe2")),
            ("a short pong", frame(0x81, b"3")),
            ("bytes", frame(0x82, b"3probe")),
            ("no packet", frame(0x81, b"x")),
            ("a close frame", frame(0x88, b"")),
            ("a mistake", b"H".to_vec()),
            ("a large message", vec![0x81, 126, 255, 0]),
            ("the answer out of order", frame(0x81, b"3probe")),
            ("time", vec![]),
            ("the end of the session", vec![]),
            ("the end of the socket", vec![]),
        ] {
            if what == "the answer out of order" && step == 1 {
                continue;
            }
            let mut link = Link::open_polling();
            link.engine.begin_get();
            let mut probe = Probe::begin(&mut link.engine, at(0));
            assert!(!link.engine.can_upgrade());
            let mut outbox = Outbox::with_keys([0; 64], || [0; 4]);
            if step > 0 {
                while probe.poll_transmit(&mut link.engine, &mut link.ws.out(&mut outbox)).unwrap() {}
            }
            if step > 1 {
                let answer = frame(0x81, b"3probe");
                link.inbox.space().unwrap()[..8].copy_from_slice(&answer);
                link.inbox.commit(8);
                assert_eq!(probe.poll(&mut link.engine, &mut link.inbox, &mut link.ws, at(1)), Ok(Probed::Pending));
                assert!(link.engine.is_pausing && !link.engine.is_writable());
            }
            assert_eq!(link.engine.poll_request(true), (step < 2).then_some(Request::Post));
            link.inbox.space().unwrap()[..wrong.len()].copy_from_slice(&wrong);
            link.inbox.commit(wrong.len());
            let mut now = at(19_999);
            match what {
                "time" => now = at(20_000),
                "the end of the session" => link.engine.close(),
                "the end of the socket" => probe.fail(&mut link.engine),
                _ => {}
            }
            for _ in 0..2 {
                let probed = probe.poll(&mut link.engine, &mut link.inbox, &mut link.ws, now);
                assert_eq!(probed, Ok(Probed::Failed), "{what} {step}");
            }
            assert_eq!(probe.poll_timeout(), None);
            assert_eq!(probe.poll_transmit(&mut link.engine, &mut link.ws.out(&mut outbox)), Ok(false));
            assert!(link.ws.wants_transmit() && !link.engine.can_upgrade());
            assert_eq!(link.engine.transport(), Transport::Polling);
            assert_eq!(link.engine.poll_request(true), Some(Request::Post), "polling goes on");
            // A further one, while none is possible.
            assert_eq!(Probe::begin(&mut link.engine, at(0)).poll_timeout(), None);
        }
    }
}

#[test]
fn a_probe_ends_well_in_any_split_and_output() {
    for cut in 0..=8 {
        let mut link = Link::open_polling();
        link.engine.begin_get();
        assert_eq!(link.engine.begin_post(&mut Waiting::texts(&[1]), &mut [0; 9]), Ok(2));
        let mut probe = Probe::begin(&mut link.engine, at(0));
        assert_eq!(probe.poll_timeout(), Some(at(20_000)));
        let transmit = |link: &mut Link, probe: &mut Probe, size: usize| {
            let mut outbox = Outbox::with_keys(vec![0; size], || [0; 4]);
            let result = probe.poll_transmit(&mut link.engine, &mut link.ws.out(&mut outbox));
            result.map(|is_written| if is_written { outbox.written()[6..].to_vec() } else { vec![] })
        };
        for size in 0..12 {
            let before = (link.engine.clone(), probe.clone());
            let refused = transmit(&mut link, &mut probe, size);
            assert_eq!(refused, Err(Capacity { needed: 12, available: size }));
            assert_eq!((&link.engine, &probe), (&before.0, &before.1));
        }
        assert_eq!(transmit(&mut link, &mut probe, 12).unwrap(), b"2probe");
        let answer = frame(0x81, b"3probe");
        for piece in [&answer[..cut], &answer[cut..]] {
            link.inbox.space().unwrap()[..piece.len()].copy_from_slice(piece);
            link.inbox.commit(piece.len());
            assert_eq!(probe.poll(&mut link.engine, &mut link.inbox, &mut link.ws, at(1)), Ok(Probed::Pending));
        }
        assert_eq!(transmit(&mut link, &mut probe, 64).unwrap(), b"");
        // The GET brings a message and a ping, whose answer goes over the WebSocket then.
        link.body(b"4x\x1e2\x1e6", at(1));
        link.engine.end_get();
        assert_eq!((link.engine.poll_request(true), transmit(&mut link, &mut probe, 64).unwrap()), (None, vec![]));
        link.engine.end_post();
        assert_eq!(link.engine.poll_request(true), None);
        assert!(!link.engine.wants_transmit());
        assert!(transmit(&mut link, &mut probe, 6).is_err());
        assert_eq!(link.engine.transport(), Transport::Polling);
        assert_eq!(transmit(&mut link, &mut probe, 64).unwrap(), b"5");
        assert_eq!(probe.poll(&mut link.engine, &mut link.inbox, &mut link.ws, at(99_999)), Ok(Probed::Upgraded));
        assert!(link.engine.is_writable() && link.engine.poll_request(true).is_none());
        probe.fail(&mut link.engine);
        assert_eq!(probe.poll(&mut link.engine, &mut link.inbox, &mut link.ws, at(2)), Ok(Probed::Upgraded));
        link.feed(&frame(0x81, b"4y"), at(2));
        assert_eq!(link.told, ["Opened", "Message(Text([120]))", "Message(Text([121]))"]);
        assert_eq!(link.sent(), b"\x81\x81\0\0\0\x003");
        link.engine.close();
        assert_eq!(link.engine.poll_request(true), None, "the close frame says it");
    }
}
