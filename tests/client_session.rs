//! What a client's session takes, refuses, owes and remembers, alone and against a server's session.

mod support;

use sansocket::{
    engineio::{self, Message},
    json::{Json, Raw},
    socketio::{
        AckError, AckRequest, AckSlot, Collector, ExpectAck, HandlerSlot, Handlers, Namespace, PeerError, Reason,
        SendError, StateError,
        client::{Event, Limits, Session, SocketSlot},
    },
    time::Instant,
    ws::Out,
};
use support::Random;

const ROOT: Namespace = Namespace(0);
const CHAT: Namespace = Namespace(1);
const NAMES: [&str; 3] = ["/", "/chat", "/admin"];
const LOST: engineio::Reason = engineio::Reason::TransportClose;

type Io = Session<[&'static str; 3], [AckSlot; 4], [SocketSlot; 3]>;

fn session() -> Io {
    Session::new(NAMES, [AckSlot::EMPTY; 4], [SocketSlot::EMPTY; 3])
}

fn opened(wanted: &[Namespace]) -> Io {
    let mut io = session();
    for &namespace in wanted {
        io.connect(namespace).unwrap();
    }
    assert_eq!(io.handle_event(engineio::Event::Opened), Ok(Event::Opened));
    io
}

/// In the main namespace, with the id `a` and what else the server's answer has.
fn joined(more: &str) -> Io {
    let mut io = opened(&[ROOT]);
    assert_eq!(owed(&mut io), ["0"]);
    let answer = format!(r#"0{{"sid":"a"{more}}}"#);
    assert!(matches!(text(&mut io, &answer), Ok(Event::Connected { namespace: ROOT, is_recovered: false, .. })));
    io
}

fn text<'m>(io: &mut Io, text: &'m str) -> Result<Event<'m>, PeerError> {
    io.handle_event(engineio::Event::Message(Message::Text(text.as_bytes())))
}

fn binary(io: &mut Io) -> Result<Event<'static>, PeerError> {
    io.handle_event(engineio::Event::Message(Message::Binary(b"\x01\x02")))
}

/// The texts of stored frames, without the digit of Engine.IO.
fn texts(mut frames: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while let [first, len, rest @ ..] = frames {
        let (len, rest) = match len {
            126 => (usize::from(rest[0]) << 8 | usize::from(rest[1]), &rest[2..]),
            len => (usize::from(*len), rest),
        };
        let (payload, rest) = rest.split_at(len);
        texts.push(match first {
            0x81 => String::from_utf8(payload[1..].to_vec()).unwrap(),
            _ => format!("{payload:?}"),
        });
        frames = rest;
    }
    texts
}

/// The packets that `write` writes.
fn written<T>(write: impl FnOnce(&mut Out<'_, sansocket::ws::Stored>) -> T) -> (T, Vec<String>) {
    let mut memory = [0; 1024];
    let mut out = Out::stored(&mut memory);
    let result = write(&mut out);
    (result, texts(out.written()))
}

fn owed(io: &mut Io) -> Vec<String> {
    written(|out| {
        loop {
            let wants = io.wants_transmit();
            assert_eq!(io.poll_transmit(out), Ok(wants));
            if !wants {
                break;
            }
        }
    })
    .1
}

fn told(io: &mut Io, now: u64) -> Vec<Event<'static>> {
    std::iter::from_fn(|| io.handle_timeout(Instant::from_millis(now))).collect()
}

fn emit(io: &mut Io, namespace: Namespace, token: u32) -> Result<(), SendError> {
    emit_until(io, namespace, token, None)
}

fn emit_until(io: &mut Io, namespace: Namespace, token: u32, deadline: Option<u64>) -> Result<(), SendError> {
    let expect = ExpectAck { token, deadline: deadline.map(Instant::from_millis) };
    written(|out| io.emit(namespace, "x", &(), Some(expect), out)).0
}

fn failed(namespace: Namespace, token: u32) -> Event<'static> {
    Event::AckFailed { namespace, token, error: AckError::Disconnected }
}

fn left(namespace: Namespace, reason: Reason) -> Event<'static> {
    Event::Disconnected { namespace, reason }
}

fn request(event: Result<Event<'_>, PeerError>) -> AckRequest {
    let Ok(Event::Event(e)) = event else { panic!("{event:?}") };
    e.ack.unwrap()
}

#[test]
fn each_link_joins_what_is_wanted() {
    let mut io = session();
    io.connect(ROOT).unwrap();
    io.connect(CHAT).unwrap();
    assert_eq!(owed(&mut io), [""; 0], "there is no link");
    io.handle_event(engineio::Event::Opened).unwrap();
    assert_eq!(owed(&mut io), ["0", "0/chat,"]);
    assert!(io.is_wanted(ROOT) && !io.is_connected(ROOT));
    assert_eq!(emit(&mut io, ROOT, 1), Err(StateError::NotConnected.into()));
    assert!(
        matches!(text(&mut io, r#"0/chat,{"sid":"b"}"#), Ok(Event::Connected { namespace: CHAT, sid, .. }) if sid.is("b"))
    );
    assert!(io.is_connected(CHAT) && io.namespaces().eq([ROOT, CHAT]));

    // The link is lost before the other answer came.
    assert_eq!(io.handle_event(engineio::Event::Closed(LOST)), Ok(Event::Closed(LOST)));
    assert_eq!(io.poll_timeout(), Some(Instant::from_millis(0)));
    assert_eq!(told(&mut io, 0), [left(CHAT, Reason::Link(LOST))]);
    assert_eq!(io.poll_timeout(), None);
    io.handle_event(engineio::Event::Opened).unwrap();
    assert_eq!(owed(&mut io), ["0", "0/chat,"]);

    // The link is open already.
    io.connect(Namespace(2)).unwrap();
    io.connect(Namespace(2)).unwrap();
    assert_eq!(owed(&mut io), ["0/admin,"]);
}

#[test]
fn a_link_that_opens_without_the_end_of_the_one_before_has_lost_it() {
    let mut io = joined("");
    emit(&mut io, ROOT, 1).unwrap();
    io.handle_event(engineio::Event::Opened).unwrap();
    assert_eq!(told(&mut io, 0), [left(ROOT, Reason::Link(LOST)), failed(ROOT, 1)]);
    assert_eq!(owed(&mut io), ["0"]);
}

#[test]
fn a_namespace_without_a_slot_or_name_is_not_joined() {
    let mut io = Session::new(NAMES, [AckSlot::EMPTY; 4], [SocketSlot::EMPTY; 1]);
    io.connect(Namespace(9)).unwrap();
    assert!(!io.wants_any());
    io.connect(ROOT).unwrap();
    let full = io.connect(CHAT).unwrap_err();
    assert_eq!((full.needed, full.available), (2, 1));
    io.disconnect(ROOT);
    io.connect(CHAT).unwrap();
    assert!(io.is_wanted(CHAT) && !io.is_wanted(ROOT));
}

#[test]
fn a_refused_namespace_is_not_asked_for_again() {
    for (answer, message, data) in [
        (r#"4{"message":"no","data":{"a":1}}"#, Some("no"), Some(&br#"{"a":1}"#[..])),
        (r#"4"old servers""#, Some("old servers"), None),
        (r#"4{"message":5}"#, None, None),
    ] {
        let mut io = opened(&[ROOT, CHAT]);
        owed(&mut io);
        let Ok(Event::Refused { namespace: ROOT, message: m, data: d }) = text(&mut io, answer) else { panic!() };
        assert_eq!((m.and_then(|m| m.as_plain()), d.map(|d| d.raw())), (message, data));
        assert!(!io.is_wanted(ROOT) && io.is_wanted(CHAT));
        io.handle_event(engineio::Event::Closed(LOST)).unwrap();
        io.handle_event(engineio::Event::Opened).unwrap();
        assert_eq!(owed(&mut io), ["0/chat,"]);
        io.connect(ROOT).unwrap();
        assert_eq!(owed(&mut io), ["0"]);
    }
}

#[test]
fn a_server_may_take_back_what_it_has_accepted() {
    let mut io = joined("");
    emit(&mut io, ROOT, 1).unwrap();
    assert!(matches!(text(&mut io, r#"4{"message":"no"}"#), Ok(Event::Refused { namespace: ROOT, .. })));
    assert!(!io.is_connected(ROOT) && !io.is_wanted(ROOT));
    assert_eq!(told(&mut io, 0), [left(ROOT, Reason::ServerDisconnect), failed(ROOT, 1)]);
    assert_eq!(owed(&mut io), [""; 0]);
}

/// Whatever a server sends and whatever the application does meanwhile: what was joined is left once, each acknowledgement ends once, an error
/// lasts until the link ends, and a call without room changes nothing.
#[test]
fn a_hostile_server_breaks_no_rule_of_the_session() {
    let mut counts = [0; 4];
    for seed in 0..3000 {
        let mut random = Random(seed);
        let mut io = session();
        let (mut joined, mut error, mut tokens) = ([false; 3], None, 0);
        let mut expected = std::collections::HashSet::new();
        let mut missing = 0;
        let mut sent = 0_usize;
        for _ in 0..300 {
            let namespace = Namespace(random.below(3) as u16);
            let at = usize::from(namespace.0);
            let name = ["", "/chat,", "/admin,"][at];
            let op = match random.below(8) {
                _ if missing > 0 && random.below(20) > 0 && error.is_none() => 22,
                2.. if error.is_some() => 0,
                _ => random.below(24),
            };
            let event = match op {
                0 if error.is_some() || random.below(8) == 0 => {
                    missing = 0;
                    io.handle_event(engineio::Event::Opened).unwrap();
                    error = None;
                    None
                }
                1 if random.below(4) == 0 => {
                    missing = 0;
                    io.handle_event(engineio::Event::Closed(LOST)).unwrap();
                    None
                }
                2..=4 => {
                    io.connect(namespace).unwrap();
                    None
                }
                5 if random.below(2) == 0 => {
                    io.disconnect(namespace);
                    None
                }
                6..=8 => {
                    let before = io.clone();
                    let mut memory = vec![0; random.below(40)];
                    let result = io.poll_transmit(&mut Out::stored(&mut memory[..]));
                    assert_eq!(result != Ok(false), before.wants_transmit());
                    assert!(result == Ok(true) || io == before);
                    None
                }
                9..=12 => {
                    let before = io.clone();
                    let deadline = (random.below(2) == 0).then_some(Instant::from_millis(random.below(600) as u64));
                    let mut memory = vec![0; random.below(64)];
                    let expect = Some(ExpectAck { token: tokens, deadline });
                    match io.emit(namespace, "x", &(), expect, &mut Out::stored(&mut memory[..])) {
                        Ok(()) => {
                            sent += 1;
                            assert!(joined[at] && expected.insert(tokens));
                        }
                        Err(_) => assert!(io == before),
                    }
                    tokens += 1;
                    None
                }
                13..=15 if !joined[at] || random.below(20) == 0 => {
                    Some(text_of(&mut io, &format!(r#"0{name}{{"sid":"{}","pid":"p"}}"#, random.below(3))))
                }
                16 if random.below(3) == 0 => Some(text_of(&mut io, &format!("1{name}"))),
                17 if random.below(3) == 0 => Some(text_of(&mut io, &format!(r#"4{name}{{"message":"no"}}"#))),
                18 => {
                    missing = 1 + random.below(2);
                    Some(text_of(&mut io, &format!(r#"5{missing}-{name}{}["e","o"]"#, random.below(3))))
                }
                19 => Some(text_of(&mut io, &format!(r#"2{name}["e","o"]"#))),
                20 => Some(text_of(&mut io, &format!("3{name}{}[]", sent.saturating_sub(random.below(4))))),
                21 => {
                    missing = 1;
                    Some(text_of(&mut io, &format!("61-{name}{}[]", sent.saturating_sub(random.below(4)))))
                }
                22 if missing > 0 || random.below(8) == 0 => {
                    missing = missing.saturating_sub(1);
                    Some(binary(&mut io).map(|event| format!("{event:?}")))
                }
                23 if random.below(4) == 0 => Some(text_of(&mut io, ["0", "9", "", "2", "0/chat"][random.below(5)])),
                _ => None,
            };
            match (event, error) {
                (Some(Err(e)), None) => error = Some(e),
                (Some(event), Some(error)) => assert_eq!(event, Err(error)),
                (Some(Ok(event)), None) => {
                    if event.starts_with("Connected") {
                        counts[0] += 1;
                        assert!(!std::mem::replace(&mut joined[at], true));
                    } else if event.starts_with("Disconnected") {
                        counts[1] += 1;
                        joined[at] = false;
                    }
                    // With attachments it has ended when the last one is there, or has failed.
                    if let Some(token) = event.strip_prefix("Ack 0 ") {
                        assert!(expected.remove(&token.parse().unwrap()), "{event}");
                        counts[2] += 1;
                    } else if let Some(token) = event.strip_prefix("Ack 1 ") {
                        counts[3] += 1;
                        assert!(expected.contains(&token.parse().unwrap()));
                    }
                }
                (None, _) => {}
            }
            let now = random.below(60) as u64;
            for event in told(&mut io, now) {
                match event {
                    Event::Disconnected { namespace, .. } => {
                        assert!(std::mem::replace(&mut joined[usize::from(namespace.0)], false));
                    }
                    Event::AckFailed { token, .. } => assert!(expected.remove(&token)),
                    other => panic!("{other:?}"),
                }
            }
            for at in 0..3_u16 {
                assert_eq!(io.is_connected(Namespace(at)), joined[usize::from(at)]);
            }
        }
        io.handle_event(engineio::Event::Closed(LOST)).unwrap();
        let last: Vec<_> = told(&mut io, 99).into_iter().filter(|e| matches!(e, Event::AckFailed { .. })).collect();
        assert!(last.len() <= expected.len() && io.poll_timeout().is_none());
        for token in 0..4 {
            io.connect(ROOT).unwrap();
            io.handle_event(engineio::Event::Opened).unwrap();
            owed(&mut io);
            text(&mut io, r#"0{"sid":"z"}"#).unwrap();
            assert_eq!(emit(&mut io, ROOT, token), Ok(()), "no slot has leaked");
            let only = told(&mut io, 0);
            assert!(only.iter().all(|e| matches!(e, Event::Disconnected { .. } | Event::AckFailed { .. })), "{only:?}");
        }
    }
    println!("joined, removed, answered, answered with attachments: {counts:?}");
    assert!(counts.iter().all(|&n| n > 400), "{counts:?}");
}

/// What an event says, without its borrows.
fn text_of(io: &mut Io, packet: &str) -> Result<String, PeerError> {
    Ok(match text(io, packet)? {
        Event::Ack(a) => a.token.map_or_else(|| "Unknown".into(), |t| format!("Ack {} {t}", a.attachments)),
        event => format!("{event:?}"),
    })
}

#[test]
fn whom_the_server_removes_does_not_come_back_by_itself() {
    for packets in [&[r#"0{"sid":"a"}"#, "1"][..], &["1"]] {
        let mut io = opened(&[ROOT]);
        owed(&mut io);
        let mut events = packets.iter().map(|packet| text(&mut io, packet));
        assert_eq!(events.by_ref().last(), Some(Ok(left(ROOT, Reason::ServerDisconnect))));
        assert_eq!((told(&mut io, 0), owed(&mut io)), (vec![], vec![]), "it was told already");
        io.handle_event(engineio::Event::Opened).unwrap();
        assert_eq!(owed(&mut io), [""; 0]);
        assert_eq!(text(&mut io, r#"2["late"]"#), Ok(Event::Ignored));
        io.connect(ROOT).unwrap();
        assert_eq!(owed(&mut io), ["0"]);
    }
    assert_eq!(Reason::ServerDisconnect.as_str(), "io server disconnect");
}

#[test]
fn who_leaves_is_told_so_and_says_so() {
    let mut io = joined("");
    emit(&mut io, ROOT, 5).unwrap();
    io.disconnect(ROOT);
    assert!(!io.is_connected(ROOT) && !io.is_wanted(ROOT) && !io.wants_any());
    assert_eq!(told(&mut io, 0), [left(ROOT, Reason::ClientDisconnect), failed(ROOT, 5)]);
    assert_eq!(Reason::ClientDisconnect.to_string(), "io client disconnect");
    assert_eq!(text(&mut io, r#"2["late"]"#), Ok(Event::Ignored));
    assert_eq!(text(&mut io, r#"30["late"]"#), Ok(Event::Ignored));
    assert_eq!(owed(&mut io), ["1"]);
    io.disconnect(ROOT);
    io.disconnect(CHAT);
    assert_eq!((owed(&mut io), told(&mut io, 0)), (vec![], vec![]), "once");
}

#[test]
fn who_leaves_and_comes_back_asks_anew() {
    let mut io = joined("");
    io.disconnect(ROOT);
    io.connect(ROOT).unwrap();
    assert_eq!(owed(&mut io), ["1", "0"]);
    assert!(matches!(text(&mut io, r#"0{"sid":"b"}"#), Ok(Event::Connected { .. })));
}

#[test]
fn who_leaves_before_the_answer_disconnects_when_it_comes() {
    let mut io = opened(&[ROOT]);
    owed(&mut io);
    io.disconnect(ROOT);
    assert_eq!((owed(&mut io), told(&mut io, 0)), (vec![], vec![]));
    assert_eq!(text(&mut io, r#"2["early"]"#), Ok(Event::Ignored));
    assert_eq!(text(&mut io, r#"0{"sid":"a"}"#), Ok(Event::Ignored));
    assert_eq!((owed(&mut io), told(&mut io, 0)), (vec!["1".to_owned()], vec![]));

    // It was refused, or removed.
    for answer in [r#"4{"message":"no"}"#, "1"] {
        let mut io = opened(&[ROOT]);
        owed(&mut io);
        io.disconnect(ROOT);
        assert_eq!(text(&mut io, answer), Ok(Event::Ignored));
        assert_eq!((owed(&mut io), told(&mut io, 0)), (vec![], vec![]));
    }

    // It came back meanwhile, perhaps with other credentials.
    let mut io = opened(&[ROOT]);
    owed(&mut io);
    io.disconnect(ROOT);
    io.connect(ROOT).unwrap();
    assert_eq!(owed(&mut io), [""; 0]);
    assert_eq!(text(&mut io, r#"0{"sid":"a"}"#), Ok(Event::Ignored));
    assert_eq!(owed(&mut io), ["1", "0"]);

    // Before CONNECT was written there is nothing to say.
    let mut io = opened(&[ROOT]);
    io.disconnect(ROOT);
    assert_eq!(owed(&mut io), [""; 0]);
}

#[test]
fn a_disconnect_of_both_ends_at_once_is_said_once() {
    let mut io = joined("");
    io.disconnect(ROOT);
    assert_eq!(text(&mut io, "1"), Ok(Event::Ignored));
    assert_eq!(owed(&mut io), [""; 0]);
    assert_eq!(told(&mut io, 0), [left(ROOT, Reason::ClientDisconnect)]);
}

#[test]
fn an_old_server_is_recognised() {
    for answer in ["0", "0/chat", "0/nowhere,", r#"0{"id":"a"}"#] {
        assert_eq!(text(&mut opened(&[ROOT]), answer), Err(PeerError::OldServer), "unasked: {answer}");
        let mut io = opened(&[ROOT]);
        owed(&mut io);
        assert_eq!(text(&mut io, answer), Err(PeerError::OldServer));
        assert_eq!(text(&mut io, r#"0{"sid":"a"}"#), Err(PeerError::OldServer), "the same error for ever");
        assert_eq!(io.handle_event(engineio::Event::Closed(LOST)), Ok(Event::Closed(engineio::Reason::ParseError)));
        io.handle_event(engineio::Event::Opened).unwrap();
        assert_eq!(owed(&mut io), ["0"], "until the next link");
    }
    assert_eq!(text(&mut opened(&[ROOT]), r#"0{"sid":5}"#), Err(PeerError::InvalidPayload));
}

#[test]
fn what_the_server_may_not_send() {
    let mut io = joined("");
    assert_eq!(text(&mut io, r#"0{"sid":"b"}"#), Err(PeerError::AlreadyConnected));
    assert_eq!(io.handle_event(engineio::Event::Closed(LOST)), Ok(Event::Closed(engineio::Reason::ParseError)));
    assert_eq!(told(&mut io, 0), [left(ROOT, Reason::Link(engineio::Reason::ParseError))]);
    assert_eq!(binary(&mut joined("")), Err(PeerError::UnexpectedBinary));
    let mut io = joined("");
    assert!(matches!(text(&mut io, r#"52-["a"]"#), Ok(Event::Event(e)) if e.attachments == 2));
    assert!(matches!(binary(&mut io), Ok(Event::Attachment(a)) if (a.index, a.of) == (0, 2)));
    assert_eq!(text(&mut io, r#"2["b"]"#), Err(PeerError::UnexpectedText));
    assert_eq!(owed(&mut io), [""; 0]);
    let mut io = joined("").with_limits(Limits::new().attachments(1).attachment_bytes(1));
    assert_eq!(text(&mut io, r#"52-["a"]"#), Err(PeerError::TooManyAttachments));
    let mut io = joined("").with_limits(Limits::new().attachment_bytes(3));
    text(&mut io, r#"52-["a"]"#).unwrap();
    binary(&mut io).unwrap();
    assert_eq!(binary(&mut io), Err(PeerError::AttachmentsTooLarge));
}

#[test]
fn packets_for_namespaces_that_were_not_joined_are_ignored() {
    let mut io = joined("");
    for packet in [
        r#"2/chat,["a"]"#,
        r#"2/nowhere,["a"]"#,
        "3/chat,1[]",
        "1/chat",
        "1/nowhere",
        r#"4/chat,{"message":"x"}"#,
        r#"0/chat,{"sid":"b"}"#,
        r#"0/nowhere,{"sid":"b"}"#,
    ] {
        assert_eq!(text(&mut io, packet), Ok(Event::Ignored), "{packet}");
    }
    for packet in [r#"52-/chat,["a"]"#, r#"62-/chat,1["a"]"#] {
        assert_eq!(text(&mut io, packet), Ok(Event::Ignored));
        assert_eq!((binary(&mut io), binary(&mut io)), (Ok(Event::Ignored), Ok(Event::Ignored)));
    }
    assert!(matches!(text(&mut io, r#"2["a"]"#), Ok(Event::Event(_))));
    assert_eq!((owed(&mut io), told(&mut io, 0)), (vec![], vec![]));
}

#[test]
fn attachments_of_a_namespace_that_was_left_are_ignored() {
    let mut io = joined("");
    emit(&mut io, ROOT, 1).unwrap();
    text(&mut io, r#"62-0["a"]"#).unwrap();
    assert!(matches!(binary(&mut io), Ok(Event::Attachment(_))));
    io.disconnect(ROOT);
    assert_eq!(binary(&mut io), Ok(Event::Ignored));
    assert_eq!(told(&mut io, 0), [left(ROOT, Reason::ClientDisconnect), failed(ROOT, 1)]);
}

#[test]
fn events_that_come_before_the_answer_are_delivered_in_order() {
    let mut io = opened(&[ROOT]);
    owed(&mut io);
    assert!(matches!(text(&mut io, r#"2["missed",1]"#), Ok(Event::Event(e)) if e.is("missed")));
    assert!(matches!(text(&mut io, r#"51-["missed",{"_placeholder":true,"num":0}]"#), Ok(Event::Event(_))));
    assert!(matches!(binary(&mut io), Ok(Event::Attachment(_))));
    let request = request(text(&mut io, r#"27["ask"]"#));
    assert_eq!(text(&mut io, "30[]"), Ok(Event::Ignored));
    assert_eq!(written(|out| io.ack(request, &(), out)).0, Err(StateError::NotConnected.into()));
    assert!(matches!(text(&mut io, r#"0{"sid":"a"}"#), Ok(Event::Connected { .. })));
    assert_eq!(written(|out| io.ack(request, &1, out)), (Ok(()), vec!["37[1]".to_owned()]));
}

#[test]
fn an_acknowledgement_comes_back_with_its_token_once() {
    let mut io = joined("");
    emit(&mut io, ROOT, 5).unwrap();
    emit(&mut io, ROOT, 6).unwrap();
    assert!(matches!(text(&mut io, "31[1]"), Ok(Event::Ack(a)) if (a.token, a.id) == (Some(6), 1)));
    assert!(matches!(text(&mut io, "31[1]"), Ok(Event::Ack(a)) if a.token.is_none()));
    assert!(matches!(text(&mut io, "39[1]"), Ok(Event::Ack(a)) if a.token.is_none()));
    assert!(matches!(text(&mut io, "61-0[1]"), Ok(Event::Ack(a)) if a.token == Some(5)));
    assert!(matches!(binary(&mut io), Ok(Event::Attachment(a)) if !a.is_late()));
    assert!(matches!(text(&mut io, "30[1]"), Ok(Event::Ack(a)) if a.token.is_none()));
    assert_eq!(told(&mut io, u64::MAX), []);
}

#[test]
fn an_acknowledgement_that_does_not_come_is_told_once_and_its_slot_is_free() {
    let mut io = joined("");
    for token in 0..4 {
        emit_until(&mut io, ROOT, token, Some(100 - u64::from(token))).unwrap();
    }
    assert!(matches!(emit(&mut io, ROOT, 9), Err(SendError::Acks(full)) if full.needed == 5));
    assert_eq!(io.poll_timeout(), Some(Instant::from_millis(97)));
    let late = |token| Event::AckFailed { namespace: ROOT, token, error: AckError::TimedOut };
    assert_eq!(told(&mut io, 98), [late(3), late(2)]);
    emit(&mut io, ROOT, 9).unwrap();
    assert!(matches!(text(&mut io, "33[]"), Ok(Event::Ack(a)) if a.token.is_none()));
    assert_eq!(told(&mut io, 200), [late(1), late(0)]);
}

#[test]
fn the_end_of_a_link_is_told_by_namespace_then_by_request() {
    let mut io = joined("");
    io.connect(CHAT).unwrap();
    owed(&mut io);
    text(&mut io, r#"0/chat,{"sid":"b"}"#).unwrap();
    for (namespace, token) in [(CHAT, 1), (ROOT, 2), (CHAT, 3), (ROOT, 4)] {
        emit(&mut io, namespace, token).unwrap();
    }
    io.handle_event(engineio::Event::Closed(engineio::Reason::PingTimeout)).unwrap();
    let reason = Reason::Link(engineio::Reason::PingTimeout);
    let lost = [failed(CHAT, 1), failed(ROOT, 2), failed(CHAT, 3), failed(ROOT, 4)];
    let all: Vec<_> = [left(ROOT, reason), left(CHAT, reason)].into_iter().chain(lost).collect();
    assert_eq!(told(&mut io, 0), all);
}

#[test]
fn a_request_of_an_earlier_connection_is_stale() {
    let mut io = joined("");
    let first = request(text(&mut io, r#"21["ask"]"#));
    io.handle_event(engineio::Event::Closed(LOST)).unwrap();
    let ack = |io: &mut Io, request| written(|out| io.ack(request, &(), out)).0;
    assert_eq!(ack(&mut io, first), Err(StateError::Stale.into()));
    io.handle_event(engineio::Event::Opened).unwrap();
    owed(&mut io);
    assert_eq!(ack(&mut io, first), Err(StateError::Stale.into()));
    // The server may even give the same id.
    text(&mut io, r#"0{"sid":"a"}"#).unwrap();
    assert_eq!(ack(&mut io, first), Err(StateError::Stale.into()));
    let second = request(text(&mut io, r#"21["ask"]"#));
    assert_eq!(ack(&mut io, second), Ok(()));
    io.disconnect(ROOT);
    assert_eq!(ack(&mut io, second), Err(StateError::Stale.into()));
    // A session of another server has other ids.
    let mut other = opened(&[ROOT]);
    owed(&mut other);
    text(&mut other, r#"0{"sid":"other"}"#).unwrap();
    assert_eq!(ack(&mut other, first), Err(StateError::Stale.into()));
}

#[test]
fn credentials_are_asked_for_at_each_connect() {
    let mut io = session().with_auth();
    let auth = |io: &mut Io, auth: &str| written(|out| io.authorize(ROOT, Some(&Raw::trusted(auth.as_bytes())), out));
    io.connect(ROOT).unwrap();
    assert_eq!(auth(&mut io, "{}").0, Err(StateError::NotConnected.into()));
    for i in 0..3 {
        io.handle_event(engineio::Event::Opened).unwrap();
        assert_eq!((io.needs_auth(), owed(&mut io)), (Some(ROOT), vec![]));
        for bad in ["", "1", "[]", "{}, {}", r#""a""#, "{", r#"{"a":}"#] {
            assert_eq!(auth(&mut io, bad), (Err(StateError::NotAnObject.into()), vec![]), "{bad}");
        }
        assert!(matches!(
            written(|out| io.authorize(ROOT, Some(&Json(std::collections::BTreeMap::from([((), 1)]))), out)).0,
            Err(SendError::Serialize(_))
        ));
        assert_eq!(io.needs_auth(), Some(ROOT), "nothing was changed");
        let token = format!(r#"{{"token":{i}}}"#);
        assert_eq!(auth(&mut io, &token), (Ok(()), vec![format!("0{token}")]));
        assert_eq!(auth(&mut io, &token).0, Err(StateError::AlreadyConnected.into()));
        assert_eq!((io.needs_auth(), owed(&mut io)), (None, vec![]));
    }
    assert_eq!(written(|out| io.authorize(CHAT, None::<&()>, out)).0, Err(StateError::NotConnected.into()));
    io.connect(CHAT).unwrap();
    assert_eq!(io.needs_auth(), Some(CHAT));
    assert_eq!(written(|out| io.authorize(CHAT, None::<&()>, out)), (Ok(()), vec!["0/chat,".to_owned()]));
}

/// CONNECT of the next link.
fn next_connect(io: &mut Io) -> String {
    io.handle_event(engineio::Event::Closed(LOST)).unwrap();
    told(io, 0);
    io.handle_event(engineio::Event::Opened).unwrap();
    owed(io).remove(0)
}

#[test]
fn a_lost_connection_is_recovered_from_the_last_offset() {
    let mut io = joined(r#","pid":"P""#);
    assert_eq!(next_connect(&mut io), r#"0{"pid":"P"}"#);
    text(&mut io, r#"2["missed",1,"o\u0031"]"#).unwrap();
    assert!(matches!(text(&mut io, r#"0{"sid":"a","pid":"P"}"#), Ok(Event::Connected { is_recovered: true, .. })));
    assert_eq!(next_connect(&mut io), r#"0{"pid":"P","offset":"o1"}"#);
    text(&mut io, r#"0{"sid":"a","pid":"P"}"#).unwrap();
    // None of these has an offset at its end.
    for packet in [r#"2["a",1]"#, r#"2["a"]"#, r#"24["a","x"]"#, r#"2["a","x",["y"]]"#, r#"2/chat,["a","x"]"#] {
        text(&mut io, packet).unwrap();
    }
    assert_eq!(next_connect(&mut io), r#"0{"pid":"P","offset":"o1"}"#);
    // It is gone, and the server begins anew.
    assert!(matches!(text(&mut io, r#"0{"sid":"b","pid":"Q"}"#), Ok(Event::Connected { is_recovered: false, .. })));
    text(&mut io, r#"2["a","\"2"]"#).unwrap();
    assert_eq!(next_connect(&mut io), r#"0{"pid":"Q","offset":"\"2"}"#);
    assert!(matches!(text(&mut io, r#"0{"sid":"b"}"#), Ok(Event::Connected { is_recovered: false, .. })));
    assert_eq!(next_connect(&mut io), "0");
}

#[test]
fn an_event_whose_attachments_were_lost_is_recovered_too() {
    let mut io = joined(r#","pid":"P""#);
    text(&mut io, r#"2["a","1"]"#).unwrap();
    text(&mut io, r#"52-["a",{"_placeholder":true,"num":0},"2"]"#).unwrap();
    binary(&mut io).unwrap();
    assert_eq!(next_connect(&mut io), r#"0{"pid":"P","offset":"1"}"#);
    text(&mut io, r#"52-["a",{"_placeholder":true,"num":0},"2"]"#).unwrap();
    binary(&mut io).unwrap();
    binary(&mut io).unwrap();
    text(&mut io, r#"0{"sid":"a","pid":"P"}"#).unwrap();
    assert_eq!(next_connect(&mut io), r#"0{"pid":"P","offset":"2"}"#);
}

#[test]
fn what_is_too_long_is_not_recovered() {
    let (fits, long) = ("x".repeat(32), "x".repeat(33));
    let mut io = joined(&format!(r#","pid":"{fits}""#));
    text(&mut io, &format!(r#"2["a","{fits}"]"#)).unwrap();
    assert_eq!(next_connect(&mut io), format!(r#"0{{"pid":"{fits}","offset":"{fits}"}}"#));
    text(&mut io, &format!(r#"0{{"sid":"a","pid":"{fits}"}}"#)).unwrap();
    text(&mut io, &format!(r#"2["a","{long}"]"#)).unwrap();
    assert_eq!(next_connect(&mut io), format!(r#"0{{"pid":"{fits}"}}"#), "events may be missing");
    text(&mut io, &format!(r#"0{{"sid":"a","pid":"{long}"}}"#)).unwrap();
    assert_eq!(next_connect(&mut io), "0");
}

#[test]
fn recovery_and_credentials_are_one_object() {
    for (auth, whole) in [
        (r#"{"token":1}"#, r#"0{"pid":"P","offset":"1","token":1}"#),
        ("{}", r#"0{"pid":"P","offset":"1"}"#),
        ("{ }", r#"0{"pid":"P","offset":"1"}"#),
        (r#"{"a":1,"pid":"mine"}"#, r#"0{"a":1,"pid":"mine"}"#),
        (r#"{"o\u0066fset":2}"#, r#"0{"o\u0066fset":2}"#),
    ] {
        let mut io = joined(r#","pid":"P""#).with_auth();
        text(&mut io, r#"2["a","1"]"#).unwrap();
        io.handle_event(engineio::Event::Opened).unwrap();
        // Whatever room there is: all or nothing. The need is exact, unless the credentials replace the recovery.
        let mut needs = Vec::new();
        let fits = (0..80).find(|&size| {
            let mut memory = vec![0; size];
            let mut out = Out::stored(&mut memory);
            let result = io.clone().authorize(ROOT, Some(&Raw::trusted(auth.as_bytes())), &mut out);
            match result {
                Ok(()) => assert_eq!(texts(out.written()), [whole]),
                Err(SendError::Capacity(e)) => needs.push(e.needed),
                Err(e) => panic!("{e}"),
            }
            assert!(result.is_ok() || out.written().is_empty());
            result.is_ok()
        });
        let fits = fits.unwrap();
        let is_replaced = !whole.contains(r#""pid":"P""#);
        assert!(
            needs.iter().all(|&n| n == fits || (is_replaced && n > fits) || auth == "{ }"),
            "{auth} {fits} {needs:?}"
        );
    }
}

#[test]
fn a_refused_call_changes_nothing() {
    let mut io = joined("");
    io.connect(CHAT).unwrap();
    io.disconnect(ROOT);
    io.connect(ROOT).unwrap();
    let before = io.clone();
    for size in 0..5 {
        let mut memory = vec![0; size];
        let result = io.poll_transmit(&mut Out::stored(&mut memory));
        assert!(size == 4 || matches!(result, Err(SendError::Capacity(e)) if e.needed == 4), "{size} {result:?}");
        assert!(size == 4 || io == before);
    }
    let mut io = joined("");
    let before = io.clone();
    let expect = Some(ExpectAck { token: 1, deadline: None });
    let full = io.emit(ROOT, "name", &"argument", expect, &mut Out::stored(&mut [0; 10]));
    assert!(matches!(full, Err(SendError::Capacity(_))));
    let reserved = io.emit(ROOT, "connect", &(), expect, &mut Out::stored(&mut [0; 100]));
    assert_eq!(reserved, Err(StateError::ReservedName.into()));
    assert!(io == before);
}

#[test]
fn slots_can_be_exchanged_at_any_time() {
    let mut io = Session::new(NAMES, vec![AckSlot::EMPTY; 2], vec![SocketSlot::EMPTY; 2]);
    io.connect(ROOT).unwrap();
    io.handle_event(engineio::Event::Opened).unwrap();
    let mut memory = [0; 200];
    let mut out = Out::stored(&mut memory);
    io.poll_transmit(&mut out).unwrap();
    io.handle_event(engineio::Event::Message(Message::Text(br#"0{"sid":"a"}"#))).unwrap();
    for token in 0..2 {
        io.emit(ROOT, "x", &(), Some(ExpectAck { token, deadline: None }), &mut out).unwrap();
    }
    assert!(io.replace_acks(vec![AckSlot::EMPTY; 1]).is_err() && io.replace_sockets(vec![]).is_err());
    assert!(io.replace_acks(vec![AckSlot::EMPTY; 8]).is_ok());
    assert_eq!(io.replace_sockets(vec![SocketSlot::EMPTY; 1]).unwrap().len(), 2);
    assert!(io.connect(CHAT).is_err() && io.is_connected(ROOT));
    let answer = io.handle_event(engineio::Event::Message(Message::Text(b"31[]")));
    assert!(matches!(answer, Ok(Event::Ack(a)) if a.token == Some(1)));
    io.handle_event(engineio::Event::Closed(LOST)).unwrap();
    let events: Vec<_> = std::iter::from_fn(|| io.handle_timeout(Instant::from_millis(0))).collect();
    assert_eq!(events, [left(ROOT, Reason::Link(LOST)), failed(ROOT, 0)]);
    assert_eq!(io.into_storage().0.len(), 8);
}

#[test]
fn a_collector_and_handlers_take_the_events_of_a_client() {
    let mut io = joined("");
    let mut collector = Collector::new([0; 64]);
    let mut handlers = Handlers::<u8, _>::new([const { HandlerSlot::EMPTY }; 2]);
    handlers.on("file", 7).unwrap();
    let packet = r#"51-["file",{"_placeholder":true,"num":0}]"#;
    assert!(collector.collect(text(&mut io, packet).unwrap()).unwrap().is_none());
    let Ok(Some((Event::Event(e), attachments))) = collector.collect(binary(&mut io).unwrap()) else { panic!() };
    assert!(attachments.into_iter().eq([b"\x01\x02"]));
    assert_eq!(handlers.next(&mut handlers.call(), &e), Some(7));
    assert_eq!(collector.collect(Event::Ignored).map(|e| e.map(|e| e.0)), Ok(Some(Event::Ignored)));
}
