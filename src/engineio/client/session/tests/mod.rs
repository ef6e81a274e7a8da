mod polling;
mod probe;

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
