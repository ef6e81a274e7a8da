use super::*;

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
