//! What a server's session takes, refuses and remembers.

mod support;

use sansocket::{
    engineio::{self, Message},
    socketio::{
        AckError, AckSlot, Binary, Collector, ExpectAck, HandlerSlot, Handlers, Namespace, Namespaces, PeerError,
        Placeholder, Reason, SendError, StateError,
        server::{AskedSlot, BroadcastAcks, Event, Limits, Session, rooms::Member},
    },
    time::Instant,
    ws::{Out, Stored},
};
use std::ops::Deref;

const ROOT: Namespace = Namespace(0);

fn server() -> Session<[&'static str; 2]> {
    Session::new(["/", "/chat"], [AckSlot::EMPTY; 8], Instant::from_millis(1000))
}

fn joined() -> Session<[&'static str; 2]> {
    let mut io = server();
    let mut memory = [0; 64];
    assert!(matches!(text(&mut io, "0"), Ok(Event::Connect { namespace: ROOT, auth: None })));
    io.accept(ROOT, sansocket::socketio::Sid::from_random([0; 15]), &mut Out::stored(&mut memory)).unwrap();
    io
}

fn text<'m>(io: &mut Session<[&'static str; 2]>, text: &'m str) -> Result<Event<'m>, PeerError> {
    io.handle_event(engineio::Event::Message(engineio::Message::Text(text.as_bytes())))
}

fn binary(io: &mut Session<[&'static str; 2]>) -> Result<Event<'static>, PeerError> {
    io.handle_event(engineio::Event::Message(engineio::Message::Binary(b"\x01\x02")))
}

#[test]
fn the_first_packet_must_be_connect() {
    for first in [r#"2["a"]"#, "1", "31[]"] {
        let mut io = server();
        assert_eq!(text(&mut io, first), Err(PeerError::NotConnected));
        assert_eq!(text(&mut io, "0"), Err(PeerError::NotConnected), "the same error for ever");
    }
    // AskedSlot for is not granted.
    let mut io = server();
    text(&mut io, "0").unwrap();
    assert_eq!(text(&mut io, r#"2["a"]"#), Err(PeerError::NotConnected));
}

#[test]
fn rules_of_a_connected_session() {
    assert_eq!(text(&mut joined(), "0"), Err(PeerError::AlreadyConnected));
    assert_eq!(text(&mut joined(), r#"2/chat,["a"]"#), Err(PeerError::NotConnected));
    assert_eq!(text(&mut joined(), r#"4{"message":"x"}"#), Err(PeerError::ServerOnly));
    assert_eq!(binary(&mut joined()), Err(PeerError::UnexpectedBinary));
    assert!(matches!(text(&mut joined(), "35[1]"), Ok(Event::Ack(a)) if a.id == 5 && a.token.is_none()));
    let mut io = joined();
    assert!(matches!(text(&mut io, "0/nowhere"), Ok(Event::UnknownNamespace { name: b"/nowhere" })));
    assert!(matches!(text(&mut io, "0/chat,{\"a\":1}"), Ok(Event::Connect { namespace: Namespace(1), auth: Some(_) })));
    assert!(matches!(
        text(&mut io, "1"),
        Ok(Event::Disconnected { namespace: ROOT, reason: Reason::ClientNamespaceDisconnect })
    ));
    assert_eq!(text(&mut io, r#"2["a"]"#), Err(PeerError::NotConnected));
}

#[test]
fn attachments_follow_their_packet_with_nothing_between() {
    let mut io = joined();
    assert!(
        matches!(text(&mut io, r#"52-["a",{"_placeholder":true,"num":0}]"#), Ok(Event::Event(e)) if e.attachments == 2)
    );
    for index in 0..2 {
        assert!(matches!(binary(&mut io), Ok(Event::Attachment(a)) if (a.index, a.of) == (index, 2)));
    }
    assert!(text(&mut io, r#"2["b"]"#).is_ok());
    text(&mut io, r#"51-["a",{"_placeholder":true,"num":0}]"#).unwrap();
    assert_eq!(text(&mut io, r#"2["b"]"#), Err(PeerError::UnexpectedText));
}

#[test]
fn time_to_connect() {
    let mut io = server();
    assert_eq!(io.poll_timeout(), Some(Instant::from_millis(1000)));
    assert_eq!(io.handle_timeout(Instant::from_millis(999)), None);
    assert_eq!(io.handle_timeout(Instant::from_millis(1000)), Some(Event::ConnectTimeout));
    assert_eq!(io.handle_timeout(Instant::from_millis(1001)), None, "once");
    let mut io = joined();
    assert_eq!((io.poll_timeout(), io.handle_timeout(Instant::FAR_FUTURE)), (None, None));
}

/// A session with one namespace, joined by a socket whose id is made of `id`.
fn joined_as(id: u8, slots: usize) -> Session<[&'static str; 1], Vec<AckSlot>> {
    let mut io = Session::new(["/"], vec![AckSlot::EMPTY; slots], Instant::from_millis(1000));
    io.handle_event(engineio::Event::Opened).unwrap();
    join_as(&mut io, id);
    io
}

fn join_as(io: &mut Session<[&'static str; 1], Vec<AckSlot>>, id: u8) {
    assert!(matches!(packet(io, "0"), Ok(Event::Connect { .. })));
    io.accept(ROOT, sansocket::socketio::Sid::from_random([id; 15]), &mut Out::stored(&mut [0; 64])).unwrap();
}

fn packet<'m>(io: &mut Session<[&'static str; 1], Vec<AckSlot>>, text: &'m str) -> Result<Event<'m>, PeerError> {
    io.handle_event(engineio::Event::Message(Message::Text(text.as_bytes())))
}

#[test]
fn a_request_of_another_socket_is_stale() {
    let stale = Err(StateError::Stale.into());
    let mut memory = [0; 256];
    let mut out = Out::stored(&mut memory);
    let (mut a, mut b) = (joined_as(1, 1), joined_as(2, 1));
    let Ok(Event::Event(e)) = packet(&mut a, r#"21["a"]"#) else { panic!() };
    let request = e.ack.unwrap();
    assert_eq!(b.ack(request, &(), &mut out), stale, "another session");
    assert_eq!(a.ack(request, &(), &mut out), Ok(()));
    packet(&mut a, "1").unwrap();
    assert_eq!(a.ack(request, &(), &mut out), Err(StateError::NotConnected.into()));
    join_as(&mut a, 3);
    assert_eq!(a.ack(request, &(), &mut out), stale, "it left and came back");
    a.handle_event(engineio::Event::Closed(engineio::Reason::TransportClose)).unwrap();
    a.handle_event(engineio::Event::Opened).unwrap();
    join_as(&mut a, 4);
    assert_eq!(a.ack(request, &(), &mut out), stale, "an earlier connection");
}

#[test]
fn a_session_serves_the_next_connection_as_a_new_one() {
    let mut io = joined_as(1, 2);
    let mut memory = [0; 64];
    let expect = |token| Some(ExpectAck { token, deadline: Some(Instant::from_millis(9000)) });
    io.emit(ROOT, "x", &(), expect(1), &mut Out::stored(&mut memory)).unwrap();
    // The link ends in the middle of a packet.
    packet(&mut io, r#"52-["a"]"#).unwrap();
    io.handle_event(engineio::Event::Closed(engineio::Reason::TransportClose)).unwrap();
    io.reopen(Instant::from_millis(5000));
    assert_eq!(io.namespaces().count(), 0);
    assert_eq!(io.handle_event(engineio::Event::Opened), Ok(Event::Opened));
    let lost = Event::AckFailed { namespace: ROOT, token: 1, error: AckError::Disconnected };
    assert_eq!(io.handle_timeout(Instant::from_millis(4999)), Some(lost));
    assert_eq!(io.handle_timeout(Instant::from_millis(4999)), None);
    assert_eq!(io.poll_timeout(), Some(Instant::from_millis(5000)), "the new deadline to connect");
    join_as(&mut io, 2);
    io.emit(ROOT, "x", &(), expect(2), &mut Out::stored(&mut memory)).unwrap();
    assert!(
        matches!(packet(&mut io, "30[]"), Ok(Event::Ack(a)) if a.token.is_none()),
        "an answer to the old connection"
    );
    assert!(matches!(packet(&mut io, "31[]"), Ok(Event::Ack(a)) if a.token == Some(2)));
    assert!(matches!(packet(&mut io, r#"2["b"]"#), Ok(Event::Event(e)) if e.is("b")));
    // After an error of the peer too.
    assert!(packet(&mut io, "9").is_err());
    io.handle_event(engineio::Event::Closed(engineio::Reason::ForcedClose)).unwrap();
    io.reopen(Instant::from_millis(9000));
    join_as(&mut io, 3);
}

#[test]
fn an_acknowledgement_with_attachments_has_arrived_with_the_last_of_them() {
    const ACK: &str = r#"62-0[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    let file = || engineio::Event::Message(Message::Binary(b"file"));
    for case in 0..4 {
        let mut io = joined_as(1, 1);
        let mut memory = [0; 64];
        let expect = Some(ExpectAck { token: 5, deadline: Some(Instant::from_millis(50)) });
        io.emit(ROOT, "x", &(), expect, &mut Out::stored(&mut memory)).unwrap();
        let mut collector = Collector::new([0; 256]);
        assert!(collector.collect(packet(&mut io, ACK).unwrap()).unwrap().is_none());
        assert!(collector.collect(io.handle_event(file()).unwrap()).unwrap().is_none());
        let failed = |error| Some(Event::AckFailed { namespace: ROOT, token: 5, error });
        match case {
            0 => {}
            1 => {
                assert_eq!(io.handle_timeout(Instant::from_millis(50)), failed(AckError::TimedOut));
                // Its slot is free, and may be taken before the last attachment arrives.
                io.emit(ROOT, "y", &(), expect, &mut Out::stored(&mut memory)).unwrap();
            }
            2 => {
                io.disconnect(ROOT, &mut Out::stored(&mut memory)).unwrap();
                assert_eq!(io.handle_timeout(Instant::from_millis(0)), failed(AckError::Disconnected));
            }
            _ => {
                io.handle_event(engineio::Event::Closed(engineio::Reason::TransportClose)).unwrap();
                assert_eq!(io.handle_timeout(Instant::from_millis(0)), failed(AckError::Disconnected));
                continue;
            }
        }
        let last = io.handle_event(file()).unwrap();
        assert!(matches!(last, Event::Attachment(a) if a.is_late() == (case > 0)));
        let Ok(Some((Event::Ack(whole), files))) = collector.collect(last) else { panic!() };
        assert_eq!((whole.token, files.into_iter().count()), ((case == 0).then_some(5), 2));
        assert_eq!(io.handle_timeout(Instant::from_millis(49)), None);
    }
}

#[test]
fn a_second_accept_says_so() {
    let mut io = joined();
    let mut memory = [0; 64];
    let mut out = Out::stored(&mut memory);
    let sid = sansocket::socketio::Sid::from_random([9; 15]);
    assert_eq!(io.accept(ROOT, sid, &mut out), Err(StateError::AlreadyConnected.into()));
    assert_eq!(io.refuse(ROOT, "no", None, &mut out), Err(StateError::AlreadyConnected.into()));
    assert_eq!(io.accept(Namespace(1), sid, &mut out), Err(StateError::NotConnected.into()));
    assert!(io.is_connected(ROOT) && out.is_empty());
}

#[test]
fn a_session_waits_for_no_more_acknowledgements_than_its_limit() {
    let mut io = joined_as(1, 4).with_limits(Limits::new().acks(2));
    let mut memory = [0; 64];
    let mut ask = |io: &mut Session<[&'static str; 1], Vec<AckSlot>>| {
        io.emit(ROOT, "x", &(), Some(ExpectAck { token: 0, deadline: None }), &mut Out::stored(&mut memory))
    };
    assert_eq!((ask(&mut io), ask(&mut io)), (Ok(()), Ok(())));
    assert_eq!(ask(&mut io), Err(StateError::TooManyAcks.into()));
    packet(&mut io, "30[]").unwrap();
    assert_eq!(ask(&mut io), Ok(()));
}

#[test]
fn slots_that_are_too_few_are_counted_as_slots() {
    let e = Handlers::<u8, [HandlerSlot<'_, u8>; 0]>::new([]).on("a", 1).unwrap_err();
    assert_eq!(e.to_string(), "1 slots needed, 0 available");
    let mut acks = BroadcastAcks::new(ROOT, 1 << 30, Instant::from_millis(0), [AskedSlot::EMPTY; 1]);
    acks.ask(Member(1)).unwrap();
    assert_eq!(acks.ask(Member(2)).unwrap_err().to_string(), "2 slots needed, 1 available");
}

#[test]
fn lost_acknowledgements_are_told_in_the_order_asked_over_all_namespaces() {
    let mut io = joined();
    text(&mut io, "0/chat,").unwrap();
    let mut memory = [0; 64];
    io.accept(Namespace(1), sansocket::socketio::Sid::from_random([1; 15]), &mut Out::stored(&mut memory)).unwrap();
    for token in 0..6 {
        let expect = Some(ExpectAck { token, deadline: None });
        io.emit(Namespace((token % 2) as u16), "x", &(), expect, &mut Out::stored(&mut memory)).unwrap();
    }
    text(&mut io, "32[]").unwrap();
    io.handle_event(engineio::Event::Closed(engineio::Reason::TransportClose)).unwrap();
    let tokens = std::iter::from_fn(|| match io.handle_timeout(Instant::from_millis(0)) {
        Some(Event::AckFailed { token, .. }) => Some(token),
        _ => None,
    });
    assert!(tokens.eq([0, 1, 3, 4, 5]));
}

fn emit(io: &mut Session<[&'static str; 2]>, expect: ExpectAck) -> Result<Vec<u8>, SendError> {
    let mut memory = [0; 64];
    let mut out = Out::stored(&mut memory);
    io.emit(ROOT, "x", &(), Some(expect), &mut out).map(|()| out.written()[2..].to_vec())
}

fn within(token: u32, ms: u64) -> ExpectAck {
    ExpectAck { token, deadline: Some(Instant::from_millis(ms)) }
}

#[test]
fn an_acknowledgement_comes_back_with_the_token_once() {
    let mut io = joined();
    assert_eq!(emit(&mut io, within(70, 500)).unwrap(), b"420[\"x\"]");
    assert_eq!(emit(&mut io, within(71, 400)).unwrap(), b"421[\"x\"]");
    assert_eq!(io.poll_timeout(), Some(Instant::from_millis(400)));
    let answer = |io: &mut Session<[&'static str; 2]>, packet| match text(io, packet) {
        Ok(Event::Ack(a)) => (a.token, a.id, a.args().raw().to_vec()),
        other => panic!("{other:?}"),
    };
    assert_eq!(answer(&mut io, "31[true,2]"), (Some(71), 1, b"true,2".to_vec()));
    assert_eq!(answer(&mut io, "31[]"), (None, 1, vec![]), "a second answer");
    assert_eq!(answer(&mut io, "37[]"), (None, 7, vec![]), "never asked");
    assert_eq!(answer(&mut io, "30[]"), (Some(70), 0, vec![]));
    assert_eq!((io.poll_timeout(), io.handle_timeout(Instant::FAR_FUTURE)), (None, None));
}

#[test]
fn an_acknowledgement_that_does_not_come_is_told_once_and_its_slot_is_free() {
    let mut io = joined();
    for token in 0..8 {
        emit(&mut io, within(token, 100 * u64::from(token + 1))).unwrap();
    }
    assert!(matches!(emit(&mut io, within(8, 100)), Err(SendError::Acks(_))));
    assert_eq!(io.handle_timeout(Instant::from_millis(99)), None);
    let unanswered = |token| Some(Event::AckFailed { namespace: ROOT, token, error: AckError::TimedOut });
    assert_eq!(io.handle_timeout(Instant::from_millis(200)), unanswered(0));
    assert_eq!(io.handle_timeout(Instant::from_millis(200)), unanswered(1));
    assert_eq!(io.handle_timeout(Instant::from_millis(200)), None);
    // The answer comes too late.
    assert!(matches!(text(&mut io, "30[]"), Ok(Event::Ack(a)) if a.token.is_none()));
    emit(&mut io, within(9, 1000)).unwrap();
}

#[test]
fn who_leaves_answers_nothing_any_more() {
    for leave in 0..3 {
        let mut io = joined();
        emit(&mut io, ExpectAck { token: 5, deadline: None }).unwrap();
        let mut memory = [0; 64];
        match leave {
            0 => drop(text(&mut io, "1").unwrap()),
            1 => io.disconnect(ROOT, &mut Out::stored(&mut memory)).unwrap(),
            _ => {
                let closed = engineio::Event::Closed(engineio::Reason::PingTimeout);
                assert_eq!(io.handle_event(closed), Ok(Event::Closed(engineio::Reason::PingTimeout)));
                // Still listed, so that the application can tell each that it is over.
                assert!(io.namespaces().eq([ROOT]));
            }
        }
        assert!(!io.is_connected(ROOT));
        assert_eq!(io.poll_timeout(), Some(Instant::from_millis(0)), "at once");
        let told = Some(Event::AckFailed { namespace: ROOT, token: 5, error: AckError::Disconnected });
        assert_eq!(io.handle_timeout(Instant::from_millis(0)), told);
        assert_eq!(io.handle_timeout(Instant::FAR_FUTURE), None);
        assert_eq!(io.emit(ROOT, "x", &(), None, &mut Out::stored(&mut memory)), Err(StateError::NotConnected.into()));
    }
}

#[test]
fn a_hundred_acknowledgements_are_in_flight_and_answered_in_any_order() {
    let mut io = Session::new(["/"], vec![AckSlot::EMPTY; 100], Instant::from_millis(0));
    let mut memory = [0; 4096];
    io.handle_event(engineio::Event::Message(Message::Text(b"0"))).unwrap();
    io.accept(ROOT, sansocket::socketio::Sid::from_random([0; 15]), &mut Out::stored(&mut memory)).unwrap();
    let mut order: Vec<u32> = (0..100).collect();
    let mut random = support::Random(3);
    for round in 0..20 {
        let mut out = Out::stored(&mut memory);
        for token in 0..100 {
            io.emit(ROOT, "x", &(), Some(ExpectAck { token, deadline: None }), &mut out).unwrap();
        }
        order.sort_by_cached_key(|_| random.next());
        for &token in &order {
            // Ids go on counting.
            let packet = format!("3{}[]", round * 100 + token);
            let event = io.handle_event(engineio::Event::Message(Message::Text(packet.as_bytes()))).unwrap();
            assert!(matches!(event, Event::Ack(a) if a.token == Some(token)), "{packet}");
        }
    }
}

#[test]
fn an_answer_in_another_namespace_is_none() {
    let mut io = joined();
    text(&mut io, "0/chat,").unwrap();
    let mut memory = [0; 64];
    io.accept(Namespace(1), sansocket::socketio::Sid::from_random([0; 15]), &mut Out::stored(&mut memory)).unwrap();
    emit(&mut io, within(1, 100)).unwrap();
    assert!(matches!(text(&mut io, "3/chat,0[]"), Ok(Event::Ack(a)) if a.token.is_none()));
    assert!(matches!(text(&mut io, "30[]"), Ok(Event::Ack(a)) if a.token == Some(1)));
}

#[test]
fn limits_on_attachments_and_namespaces_hold() {
    let limited = |limits| {
        let mut io = joined().with_limits(limits);
        move |packet: &'static str| text(&mut io, packet).map(drop)
    };
    assert_eq!(limited(Limits::new().attachments(2))("53-[\"a\"]"), Err(PeerError::TooManyAttachments));
    assert_eq!(limited(Limits::new().attachments(12))("512-[\"a\"]"), Ok(()));
    assert_eq!(limited(Limits::new().namespaces(1))("0/chat,"), Err(PeerError::TooManyNamespaces));
    let mut io = joined().with_limits(Limits::new().attachment_bytes(3));
    text(&mut io, "52-[\"a\"]").unwrap();
    binary(&mut io).unwrap();
    assert_eq!(binary(&mut io), Err(PeerError::AttachmentsTooLarge), "the sum counts");
}

/// As the reference's `of("custom")`.
#[test]
fn a_name_without_its_slash_is_the_same_namespace() {
    let mut io = Session::new(["", "custom"], [AckSlot::EMPTY; 1], Instant::from_millis(0));
    let mut memory = [0; 128];
    let mut out = Out::stored(&mut memory);
    for packet in [&b"0"[..], b"0/custom,"] {
        let Ok(Event::Connect { namespace, .. }) = io.handle_event(engineio::Event::Message(Message::Text(packet)))
        else {
            panic!()
        };
        io.accept(namespace, sansocket::socketio::Sid::from_random([0; 15]), &mut out).unwrap();
    }
    out.clear();
    io.emit(Namespace(1), "x", &(), None, &mut out).unwrap();
    io.emit(Namespace(0), "x", &(), None, &mut out).unwrap();
    assert_eq!(out.written(), b"\x81\x0f42/custom,[\"x\"]\x81\x0742[\"x\"]");
}

/// `/room-…` comes to be when somebody asks for it.
struct Dynamic(std::cell::RefCell<Vec<std::rc::Rc<[u8]>>>);

impl Namespaces for Dynamic {
    fn find(&self, name: &[u8]) -> Option<Namespace> {
        self.0.borrow().iter().position(|n| **n == *name).map(|at| Namespace(at as u16))
    }

    fn name(&self, namespace: Namespace) -> Option<impl Deref<Target = [u8]>> {
        self.0.borrow().get(usize::from(namespace.0)).cloned()
    }

    fn resolve_connect(&self, name: &[u8]) -> Option<Namespace> {
        if self.find(name).is_none() && name.starts_with(b"/room-") {
            self.0.borrow_mut().push(name.into());
        }
        self.find(name)
    }
}

#[test]
fn a_dynamic_namespace_comes_to_be_by_connect_alone() {
    let mut io = Session::new(Dynamic(Default::default()), [AckSlot::EMPTY; 1], Instant::from_millis(0));
    let mut memory = [0; 128];
    let mut out = Out::stored(&mut memory);
    let take = |io: &mut Session<Dynamic, [AckSlot; 1]>, packet: &'static [u8]| {
        io.handle_event(engineio::Event::Message(Message::Text(packet)))
    };
    assert!(matches!(take(&mut io, b"0/other,"), Ok(Event::UnknownNamespace { name: b"/other" })));
    assert!(matches!(take(&mut io, b"0/room-7,"), Ok(Event::Connect { namespace: Namespace(0), .. })));
    io.accept(Namespace(0), sansocket::socketio::Sid::from_random([0; 15]), &mut out).unwrap();
    assert!(matches!(take(&mut io, b"2/room-7,[\"x\"]"), Ok(Event::Event(_))));
    assert_eq!(take(&mut io, b"2/room-8,[\"x\"]"), Err(PeerError::NotConnected));
}

#[test]
fn a_collector_that_is_too_small_says_by_how_much_and_can_be_exchanged_or_passed_over() {
    let packet = r#"52-7["up",[{"_placeholder":true,"num":1}],{"_placeholder":true,"num":0}]"#;
    for size in 0..120 {
        let mut io = joined();
        let mut collector = Collector::new(vec![0; size]);
        let mut have = size;
        for n in 0..3 {
            let event = if n == 0 { text(&mut io, packet) } else { binary(&mut io) }.unwrap();
            if let Err(e) = collector.collect(event) {
                assert!(e.needed > e.available && e.available == have, "{e:?}");
                // Nothing was changed, one less does not do, and exactly what is needed does.
                have = e.needed;
                if collector.replace(vec![0; have - 1]).is_ok() {
                    assert_eq!(collector.collect(event).unwrap_err().needed, have);
                }
                collector.replace(vec![0; have]).unwrap();
                assert!(collector.collect(event).is_ok_and(|whole| whole.is_some() == (n == 2)));
            } else {
                assert_eq!(collector.held() == 0, n == 2, "all is handed out with the last");
            }
        }
        // Passed over: the next packet is not disturbed.
        let mut io = joined();
        let mut collector = Collector::new(vec![0; size.min(60)]);
        for n in 0..3 {
            let event = if n == 0 { text(&mut io, packet) } else { binary(&mut io) }.unwrap();
            assert!(!matches!(collector.collect(event), Ok(Some(_))));
        }
        let event = text(&mut io, r#"2["next"]"#).unwrap();
        assert!(matches!(collector.collect(event), Ok(Some((Event::Event(e), _))) if e.is("next")));
    }
}

#[test]
fn what_is_echoed_with_attachments_is_what_came() {
    let mut io = joined();
    let packet = r#"52-7["up",[{"_placeholder":true,"num":1}],{"a":{"_placeholder":true,"num":0}}]"#;
    let mut collector = Collector::new([0; 256]);
    let mut memory = [0; 256];
    let mut out: Out<'_, Stored> = Out::stored(&mut memory);
    for n in 0..3 {
        let event = if n == 0 { text(&mut io, packet) } else { binary(&mut io) }.unwrap();
        let Some((Event::Event(e), files)) = collector.collect(event).unwrap() else { continue };
        assert!(e.uses(Placeholder(0)) && e.uses(Placeholder(1)) && !e.uses(Placeholder(2)));
        assert_eq!(files.get(Placeholder(1)), Some(&b"\x01\x02"[..]));
        assert_eq!(files.get(Placeholder(2)), None);
        io.ack(e.ack.unwrap(), &Binary((e.args(), "and"), files), &mut out).unwrap();
    }
    let expected = [
        b"\x81\x50462-7[[{\"_placeholder\":true,\"num\":1}],{\"a\":{\"_placeholder\":true,\"num\":0}},\"and\"]"
            .as_slice(),
        b"\x82\x02\x01\x02\x82\x02\x01\x02",
    ];
    assert_eq!(String::from_utf8_lossy(&out.written()[2..]), String::from_utf8_lossy(&expected.concat()[2..]));
}
