//! Every row of the reference decoder's checks, and where we are stricter.

use sansocket::{
    engineio,
    socketio::{Event, Namespace, Packet, PeerError, Server, json::Kind},
    time::Instant,
    ws::Out,
};

fn parse(text: &str) -> Result<Packet<'_>, PeerError> {
    Packet::parse(text.as_bytes())
}

#[test]
fn vectors_of_the_protocol() {
    assert!(matches!(parse("0"), Ok(Packet::Connect { namespace: b"/", payload: None })));
    let Ok(Packet::Connect { namespace: b"/admin", payload: Some(p) }) = parse(r#"0/admin,{"sid":"x"}"#) else {
        panic!()
    };
    assert_eq!(p.kind(), Kind::Object);
    for text in ["1/admin,", "1/admin"] {
        assert!(matches!(parse(text), Ok(Packet::Disconnect { namespace: b"/admin" })));
    }
    let Ok(Packet::Event { namespace, id, payload, attachments }) = parse(r#"2/admin,12["tell me",1,{"a":[]}]"#) else {
        panic!()
    };
    assert_eq!((namespace, id, attachments), (&b"/admin"[..], Some(12), 0));
    assert_eq!(payload.rest().raw(), br#"1,{"a":[]}"#);
    let Ok(Packet::Event { attachments: 2, .. }) = parse(r#"52-/a,["b",{"_placeholder":true,"num":0},1]"#) else {
        panic!()
    };
    let Ok(Packet::Ack { id: 13, attachments: 0, .. }) = parse("3/a,13[]") else { panic!() };
    let Ok(Packet::Ack { id: 15, attachments: 1, .. }) = parse(r#"61-15["b",{"_placeholder":true,"num":0}]"#) else {
        panic!()
    };
    assert!(matches!(parse(r#"4{"message":"no"}"#), Ok(Packet::ConnectError { .. })));
}

/// Names are bytes to us: what JavaScript keeps for its objects is nothing special.
#[test]
fn names_that_are_good() {
    for text in [r#"2["__proto__"]"#, r#"2["toString"]"#, "2[1]", r#"2007["x"]"#, r#"2/,["a"]"#, r#"2[""]"#] {
        assert!(matches!(parse(text), Ok(Packet::Event { .. })), "{text}");
    }
    let Ok(Packet::Event { id: Some(7), .. }) = parse(r#"2007["x"]"#) else { panic!() };
    let Ok(Packet::Event { id: Some(u64::MAX), .. }) = parse(r#"218446744073709551615["x"]"#) else { panic!() };
}

#[test]
fn every_check_of_the_reference_and_more() {
    use PeerError::*;
    let cases: [(&str, &[PeerError]); 9] = [
        ("unknown type", &[UnknownPacket]),
        ("attachments", &[InvalidAttachments]),
        ("cve_2026_33151_too_many_attachments", &[TooManyAttachments]),
        ("payload shape", &[InvalidPayload]),
        ("cve_2023_32695_event_name", &[InvalidPayload]),
        ("reserved", &[ReservedName]),
        ("ids", &[InvalidId]),
        ("laxities: payload missing", &[]),
        ("json", &[]),
    ];
    let texts: [&[&str]; 9] = [
        &["", "7", "9[]", "a", " "],
        &[
            "5",
            "51",
            "5a-",
            "5-[\"a\"]",
            "50-[\"a\"]",
            "501-[\"a\"]",
            "5 1-[\"a\"]",
            "51.0-[\"a\"]",
            "51e0-[\"a\"]",
            "50x1-[\"a\"]",
            "51.23-[\"a\"]",
        ],
        &["511-[\"a\"]", "599999999999999999999-[\"a\"]"],
        &["0\"x\"", "0null", "0[]", "1{}", "1\"x\"", "2[]", "3[1]", "41", "4[]"],
        &["2[{\"toString\":\"foo\"}]", "2[null]", "2[true]", "2[[\"a\"]]"],
        &[
            "2[\"connect\"]",
            "2[\"connect_error\"]",
            "2[\"disconnect\"]",
            "2[\"disconnecting\"]",
            "2[\"newListener\"]",
            "2[\"removeListener\"]",
            "2[\"dis\\u0063onnect\"]",
        ],
        &["218446744073709551616[\"x\"]", "299999999999999999999999999[\"x\"]"],
        &["2", "21", "3", "31", "4", "2/a[\"x\"]", "2/a"],
        &["2[\"a\"]x", "2 [\"x\"]x", "2 5[\"x\"]", "2{\"a\"", "2[\"\\ud800\"]", "0{", "2+1[\"a\"]", "2[\"a\",01]"],
    ];
    for ((what, errors), texts) in cases.into_iter().zip(texts) {
        for text in texts {
            let error = parse(text).expect_err(text);
            assert!(errors.is_empty() || errors.contains(&error), "{what}: {text} gave {error:?}");
        }
    }
}

#[test]
fn any_cut_of_a_good_packet_is_refused_or_another_good_one_and_never_panics() {
    let good = [
        r#"52-/chat,77["up",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
        r#"0/a,{"token":"\u00e9"}"#,
        r#"43[1,"2"]"#,
    ];
    for text in good {
        for end in 0..text.len() {
            let _ = parse(&text[..end]);
            let _ = parse(&text[end..]);
        }
    }
}

const ROOT: Namespace = Namespace(0);

fn server() -> Server<[&'static str; 2]> {
    Server::new(["/", "/chat"], Instant::from_millis(1000))
}

fn joined() -> Server<[&'static str; 2]> {
    let mut io = server();
    let mut memory = [0; 64];
    assert!(matches!(text(&mut io, "0"), Ok(Event::Connect { namespace: ROOT, auth: None })));
    io.accept(ROOT, engineio::Sid::from_random([0; 15]), &mut Out::stored(&mut memory)).unwrap();
    io
}

fn text<'m>(io: &mut Server<[&'static str; 2]>, text: &'m str) -> Result<Event<'m>, PeerError> {
    io.handle_event(engineio::Event::Message(engineio::Message::Text(text.as_bytes())))
}

fn binary(io: &mut Server<[&'static str; 2]>) -> Result<Event<'static>, PeerError> {
    io.handle_event(engineio::Event::Message(engineio::Message::Binary(b"\x01\x02")))
}

#[test]
fn the_first_packet_must_be_connect() {
    for first in [r#"2["a"]"#, "1", "31[]"] {
        let mut io = server();
        assert_eq!(text(&mut io, first), Err(PeerError::NotConnected));
        assert_eq!(text(&mut io, "0"), Err(PeerError::NotConnected), "the same error for ever");
    }
    // Asked for is not granted.
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
    assert!(matches!(text(&mut joined(), "35[1]"), Ok(Event::Ack { id: 5, .. })));
    let mut io = joined();
    assert!(matches!(text(&mut io, "0/nowhere"), Ok(Event::UnknownNamespace { name: b"/nowhere" })));
    assert!(matches!(text(&mut io, "0/chat,{\"a\":1}"), Ok(Event::Connect { namespace: Namespace(1), auth: Some(_) })));
    assert!(matches!(text(&mut io, "1"), Ok(Event::Disconnected { namespace: ROOT })));
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

#[test]
fn a_request_of_an_earlier_connection_is_stale() {
    let mut io = joined();
    let Ok(Event::Event(e)) = text(&mut io, r#"21["a"]"#) else { panic!() };
    let request = e.ack.unwrap();
    let mut memory = [0; 64];
    let mut out = Out::stored(&mut memory);
    assert_eq!(io.ack(request, &(), &mut out), Ok(()));
    io.handle_event(engineio::Event::Opened).unwrap();
    assert!(io.ack(request, &(), &mut out).is_err());
}
