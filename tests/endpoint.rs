//! The composed server machine: each way of ending, what is told and what is written for it.

use sansocket::{
    endpoint::{Answer, Batch, Got, Grow, Input, ServerEnd, ServerLink, Step, Upgrade, What},
    engineio::{
        Packets, Sid, Transport,
        server::{Config, Probed, Refusal},
    },
    socketio::{self, AckSlot, Collector, ExpectAck, Namespace, Reason, server::Event},
    time::Instant,
    ws::{Inbox, Limits, Out},
};

const fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// A host: what it has and what it does for one client. `sent` is what a socket got; over polling, what waits in the queue.
struct Host {
    end: ServerEnd<[&'static str; 1], Vec<AckSlot>>,
    inbox: Inbox<Vec<u8>>,
    collector: Collector<Vec<u8>>,
    sent: Vec<u8>,
    told: Vec<String>,
}

impl Host {
    fn new(transport: Transport) -> Self {
        let limits = Limits::new().message(1000).frame(1000);
        let config = Config::new().max_payload(1000);
        let sid = Sid::from_random([1; 15]);
        let end = ServerEnd::open(transport, sid, config, limits, ["/"], Vec::new(), at(0));
        let (inbox, collector) = (Inbox::new(vec![0; 16]), Collector::new(Vec::new()));
        Self { end, inbox, collector, sent: Vec::new(), told: Vec::new() }
    }

    fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(7) {
            loop {
                match self.inbox.space() {
                    Ok(space) if space.len() >= piece.len() => break space[..piece.len()].copy_from_slice(piece),
                    Ok(space) => {
                        let n = space.len();
                        let held = self.inbox.held();
                        let _ = self.inbox.replace(vec![0; 2 * (held + n + piece.len())]);
                    }
                    Err(e) => drop(self.inbox.replace(vec![0; Grow::new(What::Inbox, e).to])),
                }
            }
            self.inbox.commit(piece.len());
        }
    }

    fn write(&mut self) {
        let mut memory = [0; 256];
        while let Ok(n @ 1..) = self.end.transmit(&mut memory) {
            self.sent.extend_from_slice(&memory[..n]);
        }
    }

    fn turn(&mut self, now: u64) {
        loop {
            self.write();
            let step = match self.end.poll(&mut self.inbox, &mut self.collector, at(now)) {
                Ok(Step::Idle) => self.end.handle_timeout(at(now)),
                Ok(step) => step,
                Err(Grow { what: What::Collector, to }) => {
                    let _ = self.collector.replace(vec![0; to]);
                    continue;
                }
                Err(grow) => {
                    let _ = self.inbox.replace(vec![0; grow.to]);
                    continue;
                }
            };
            if !handle(step, &mut self.end, &mut self.sent, &mut self.told) {
                return self.write();
            }
        }
    }

    fn post(&mut self, body: &[u8], now: u64) -> Answer<'static> {
        if let Err(answer) = self.end.link_mut().begin_post(None) {
            self.turn(now);
            return answer;
        }
        let mut body = body.to_vec();
        let mut packets = Packets::new(&mut body);
        loop {
            match self.end.poll_post(&mut packets, &mut self.collector, at(now)) {
                Ok(step) => {
                    if !handle(step, &mut self.end, &mut self.sent, &mut self.told) {
                        return self.end.link().posted();
                    }
                }
                Err(grow) => drop(self.collector.replace(vec![0; grow.to])),
            }
        }
    }

    /// The body of a GET, `None` while it waits.
    fn get(&mut self) -> Option<Result<String, Answer<'static>>> {
        let mut body = vec![0; self.end.link().body_room(self.sent.len())];
        match self.end.link_mut().poll_get(core::iter::once(&self.sent[..]), &mut body).unwrap() {
            Got::Waits => None,
            Got::Over => Some(Err(Got::GONE)),
            Got::Payload { taken, len } => {
                self.sent.drain(..taken);
                Some(Ok(String::from_utf8_lossy(&body[..len]).into_owned()))
            }
        }
    }
}

fn handle(
    step: Step<'_>,
    end: &mut ServerEnd<[&'static str; 1], Vec<AckSlot>>,
    sent: &mut Vec<u8>,
    told: &mut Vec<String>,
) -> bool {
    let mut memory = [0; 256];
    let mut out = Out::stored(&mut memory);
    match step {
        Step::Idle => return false,
        Step::Again => {}
        Step::Closed(reason) => told.push(reason.to_string()),
        Step::Event(Event::Connect { namespace, .. }, _) => {
            end.io().accept(namespace, socketio::Sid::from_random([2; 15]), &mut out).unwrap();
        }
        Step::Event(Event::Event(e), files) => {
            told.push(format!("event with {}", files.into_iter().count()));
            if let Some(request) = e.ack {
                end.io().ack(request, &"yes", &mut out).unwrap();
            }
        }
        Step::Event(event, _) => told.push(format!("{event:?}").split([' ', '(']).next().unwrap().to_owned()),
    }
    sent.extend_from_slice(out.written());
    true
}

fn frame(text: &str) -> Vec<u8> {
    let len = text.len();
    let head = if len < 126 { vec![0x80 | len as u8] } else { vec![0xfe, (len >> 8) as u8, len as u8] };
    [&[0x81][..], &head, &[0; 4], text.as_bytes()].concat()
}

#[test]
fn each_end_of_a_websocket_is_told_once_and_has_its_close_frame() {
    type Cause = fn(&mut Host);
    let ends: [(&str, Cause, &str, &[u8]); 10] = [
        ("close frame", |h| h.feed(b"\x88\x82\0\0\0\0\x03\xe8"), "transport close", b"\x88\x02\x03\xe8"),
        ("close packet", |h| h.feed(&frame("1")), "transport close", b"\x88\0"),
        ("unmasked", |h| h.feed(b"\x81\x012"), "transport error", b"\x88\x02\x03\xea"),
        ("too long", |h| h.feed(b"\x81\xfe\x04\0"), "transport error", b"\x88\x02\x03\xf1"),
        ("ping of a client", |h| h.feed(&frame("2")), "transport error", b"\x88\x02\x03\xea"),
        ("no packet", |h| h.feed(&frame("x")), "parse error", b"\x88\x02\x03\xea"),
        ("no Socket.IO packet", |h| h.feed(&[frame("4x"), frame("42[\"late\"]")].concat()), "forced close", b"\x88\0"),
        ("end of the socket", |h| h.end.link_mut().handle_eof(), "transport close", b""),
        ("failure of the socket", |h| h.end.link_mut().handle_error(), "transport error", b""),
        ("the application", |h| h.end.close(Reason::ServerShuttingDown, at(1)), "server shutting down", b"\x88\0"),
    ];
    for (what, cause, reason, close) in ends {
        let mut host = Host::new(Transport::WebSocket);
        host.feed(&[frame("40"), frame("421[\"a\"]")].concat());
        host.turn(0);
        assert!(host.sent.ends_with(b"\x81\x0a431[\"yes\"]"), "{what}");
        let question = Some(ExpectAck { token: 1, deadline: None });
        let mut memory = [0; 64];
        let grow = host.end.io().emit(Namespace(0), "ask", &(), question, &mut Out::stored(&mut memory)).unwrap_err();
        let grow = Grow::of(&grow).unwrap();
        assert_eq!((grow.what, grow.to), (What::Acks, 1));
        host.end.io().replace_acks(vec![AckSlot::EMPTY; grow.to]).unwrap();
        host.end.io().emit(Namespace(0), "ask", &(), question, &mut Out::stored(&mut memory)).unwrap();
        let before = host.sent.len();
        cause(&mut host);
        host.turn(1);
        host.turn(99_999);
        assert_eq!(host.told, ["Opened", "event with 0", "AckFailed", reason], "{what}");
        if !close.is_empty() {
            assert_eq!(&host.sent[before..], close, "{what}");
        }
        assert!(host.end.link().is_gone() && host.end.poll_timeout().is_none(), "{what}");
    }
}

#[test]
fn who_joins_nothing_and_who_does_not_answer_are_ended() {
    let mut host = Host::new(Transport::WebSocket);
    host.turn(0);
    host.turn(44_999);
    assert!(host.told.iter().all(|t| t == "Opened"), "{:?}", host.told);
    let mut host = Host::new(Transport::WebSocket);
    host.turn(25_000);
    host.feed(&frame("3"));
    host.turn(25_001);
    host.turn(45_000);
    assert_eq!(host.told, ["Opened", "forced server close"]);
    assert!(host.sent.ends_with(b"\x88\0"));
    let mut host = Host::new(Transport::WebSocket);
    host.feed(&frame("40"));
    host.turn(0);
    host.turn(25_000);
    assert!(host.sent.ends_with(b"\x81\x012"));
    host.turn(45_000);
    assert_eq!(host.told, ["Opened", "ping timeout"]);
    assert!(host.sent.ends_with(b"\x88\0"), "the JavaScript server closes the WebSocket, too");
}

/// The JavaScript server: what was answered, then the close packet in a payload of its own, for 30 s.
#[test]
fn a_post_that_ends_the_session_leaves_a_farewell() {
    for bad in ["\x1e4x", "\x1e41x"] {
        let mut host = Host::new(Transport::Polling);
        assert!(host.get().unwrap().unwrap().starts_with("0{"));
        assert_eq!(host.post(b"40", 0), Answer::Posted);
        host.end.link_mut().begin_get(at(0)).unwrap();
        assert!(host.get().unwrap().unwrap().starts_with("40{"));
        // The answer to a good packet stands in front of the end.
        assert_eq!(host.post(format!("421[\"a\"]{bad}\x1e42[\"late\"]").as_bytes(), 0), Answer::Posted);
        assert_eq!(host.told, ["Opened", "event with 0", "forced close"]);
        assert!(host.end.link().is_over() && !host.end.link().is_gone());
        let mut late = host.end.clone();
        host.end.link_mut().begin_get(at(0)).unwrap();
        assert_eq!(host.get(), Some(Ok("431[\"yes\"]".into())));
        assert!(!host.end.link().is_gone());
        host.end.link_mut().begin_get(at(0)).unwrap();
        assert_eq!(host.get(), Some(Ok("1".into())));
        assert!(host.end.link().is_gone());
        assert_eq!(host.get(), Some(Err(Got::GONE)));
        // Nobody comes for it.
        assert_eq!(late.poll_timeout(), Some(at(30_000)));
        assert!(matches!(late.handle_timeout(at(30_000)), Step::Idle));
        assert!(late.link().is_gone());
    }
}

#[test]
fn a_get_that_waits_learns_the_end() {
    type Cause = fn(&mut Host);
    let ends: [(Cause, &str, &str, bool); 6] = [
        (|h| assert_eq!(h.post(b"1", 0), Answer::Posted), "transport close", "6", true),
        (|h| assert_eq!(h.post(b"x", 0), Answer::Bad), "parse error", "1", true),
        (|h| assert_eq!(h.post(b"2", 0), Answer::Bad), "transport error", "1", true),
        (|h| assert_eq!(h.end.link_mut().begin_get(at(0)), Err(Answer::Bad)), "transport error", "1", true),
        (|h| h.end.close(Reason::ForcedServerClose, at(0)), "forced server close", "1", false),
        (
            |h| {
                let bytes = h.end.link_mut().begin_post(Some(b"application/octet-stream"));
                assert_eq!(bytes, Err(Answer::Bad));
            },
            "transport error",
            "6",
            true,
        ),
    ];
    for (cause, reason, packet, is_gone) in ends {
        let mut host = Host::new(Transport::Polling);
        host.get().unwrap().unwrap();
        host.end.link_mut().begin_get(at(0)).unwrap();
        assert_eq!(host.get(), None);
        cause(&mut host);
        host.turn(0);
        assert_eq!(host.told, ["Opened", reason], "{packet}");
        assert_eq!(host.end.link().is_gone(), is_gone, "{reason}");
        assert_eq!(host.get(), Some(Ok(packet.into())), "{reason}");
        assert!(host.end.link().is_gone());
    }
    let mut host = Host::new(Transport::Polling);
    host.end.link_mut().drop_get();
    host.turn(0);
    assert_eq!(host.told, ["Opened", "transport close"]);
}

/// A host that loses the WebSocket of a probe and forgets it: the session can move again after the deadline.
#[test]
fn a_probe_that_was_forgotten_ends_at_its_deadline() {
    let mut host = Host::new(Transport::Polling);
    host.get().unwrap().unwrap();
    let link: &mut ServerLink = host.end.link_mut();
    let mut forgotten = Upgrade::begin(link, Limits::new(), at(0));
    let mut second = Upgrade::begin(link, Limits::new(), at(1));
    let mut inbox = Inbox::new(vec![0; 64]);
    assert_eq!(second.poll(link, &mut inbox, at(1)), Ok(Probed::Failed));
    let mut memory = [0; 256];
    assert_eq!(second.transmit(&mut memory).map(|n| &memory[..n]), Ok(&b"\x88\0"[..]));
    assert_eq!(link.poll_timeout(), Some(at(10_000)));
    assert!(link.handle_timeout(at(10_000)).is_none());
    let mut third = Upgrade::begin(link, Limits::new(), at(10_001));
    // The old one is told late, and changes nothing.
    assert_eq!(forgotten.poll(link, &mut inbox, at(10_002)), Ok(Probed::Failed));
    forgotten.fail(link);
    let bytes = [frame("2probe"), frame("5")].concat();
    inbox.space().unwrap()[..bytes.len()].copy_from_slice(&bytes);
    inbox.commit(bytes.len());
    assert_eq!(third.poll(link, &mut inbox, at(10_003)), Ok(Probed::Upgraded));
    assert_eq!(third.transmit(&mut memory).map(|n| &memory[..n]), Ok(&b"\x81\x063probe"[..]));
    assert_eq!(link.transport(), Transport::WebSocket);
    assert_eq!(link.begin_get(at(10_004)), Err(Answer::refuse(Refusal::BadRequest, None, false)));
    host.inbox = inbox;
    host.feed(&frame("40"));
    host.turn(10_004);
    assert!(host.sent.starts_with(b"\x81\x2040{"));
}

#[test]
fn attachments_come_with_their_event_in_memory_that_grows() {
    let mut host = Host::new(Transport::WebSocket);
    let file = [0x82, 0x83, 0, 0, 0, 0, 1, 2, 3];
    let packet = frame(r#"452-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
    host.feed(&[&frame("40")[..], &packet, &file, &file].concat());
    host.turn(0);
    assert_eq!(host.told, ["Opened", "event with 2"]);
}

/// Memory that is never longer than 64 bytes.
struct Short(Vec<u8>);

impl FromIterator<u8> for Short {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        Self(bytes.into_iter().take(64).collect())
    }
}

impl AsMut<[u8]> for Short {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// The whole turns of a client that sends `frames`: what is told, and what is sent.
fn turns<S: AsMut<[u8]> + FromIterator<u8>>(frames: &[u8], mut inbox: Inbox<S>) -> (Vec<String>, Vec<u8>) {
    let sid = Sid::from_random([1; 15]);
    let mut end = ServerEnd::open(Transport::WebSocket, sid, Config::new(), Limits::new(), ["/"], Vec::new(), at(0));
    let (mut told, mut batch, mut collector) = (Vec::new(), Batch::new(Vec::new()), Collector::new(Vec::new()));
    for piece in frames.chunks(16) {
        let Some(space) = inbox.space().ok().and_then(|space| space.get_mut(..piece.len())) else { break };
        space.copy_from_slice(piece);
        inbox.commit(piece.len());
        let mut input = Input::Socket(&mut inbox);
        for _ in 0..10 {
            match end.step(&mut input, &mut collector, &mut batch, at(0)) {
                Step::Idle => break,
                Step::Event(Event::Connect { namespace, .. }, _) => {
                    let sid = socketio::Sid::from_random([2; 15]);
                    end.say(&mut batch, |io, out| io.accept(namespace, sid, out)).unwrap();
                    for token in 0..3 {
                        let question = Some(ExpectAck { token, deadline: None });
                        end.say(&mut batch, |io, out| io.emit(namespace, "ask", &(), question, out)).unwrap();
                    }
                }
                Step::Event(Event::Event(e), files) => {
                    told.push(format!("{} files", files.into_iter().count()));
                    let refused = end.say(&mut batch, |io, out| io.emit(Namespace(7), "to nobody", &(), None, out));
                    assert!(refused.is_err() && e.ack.is_none());
                }
                Step::Closed(reason) => told.push(reason.to_string()),
                _ => {}
            }
        }
    }
    (told, batch.written().to_vec())
}

#[test]
fn turns_grow_all_memory_and_end_where_it_cannot_grow() {
    let json = format!("451-[\"{}\",{{\"_placeholder\":true,\"num\":0}}]", "x".repeat(60));
    let frames = [&frame("40")[..], &frame(&json), b"\x82\x83\0\0\0\0abc", &frame("41")].concat();
    let (told, sent) = turns(&frames, Inbox::new(vec![0; 32]));
    assert_eq!(told, ["1 files"]);
    assert_eq!(sent.windows(7).filter(|w| *w == b"[\"ask\"]").count(), 3);
    let (told, sent) = turns(&frames, Inbox::new(Short(vec![0; 32])));
    assert_eq!(told.first().map(String::as_str), Some("forced server close"));
    assert!(sent.ends_with(b"\x88\0"));
}
