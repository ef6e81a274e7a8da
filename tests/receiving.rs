//! What a receiver tells and keeps in the cases that once went wrong, each by itself.

mod support;

use sansocket::ws::{
    Client, CloseCode, Closed, Connection, Event, Inbox, Incoming, Kind, Limits, Message, PeerError, ReceiveError,
    SendError, Server, StateError,
};
use support::{Random, frame};

const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);

fn server() -> Connection<Server> {
    Connection::server(Limits::new())
}

fn frames(list: &[(u8, &[u8])]) -> Vec<u8> {
    let mut wire = Vec::new();
    for (first, payload) in list {
        frame(*first, KEY, payload, &mut wire);
    }
    wire
}

fn push<S: AsMut<[u8]>>(inbox: &mut Inbox<S>, bytes: &[u8]) {
    inbox.space().unwrap()[..bytes.len()].copy_from_slice(bytes);
    inbox.commit(bytes.len());
}

fn owed(ws: &mut Connection<Server>) -> Vec<u8> {
    let mut memory = [0; 600];
    let mut out = ws.out(&mut memory);
    while ws.poll_transmit(&mut out).unwrap() {}
    out.written().to_vec()
}

/// The error that ends `wire`, and what of it is left over.
fn end(ws: &mut Connection<Server>, wire: &mut [u8]) -> (PeerError, Vec<u8>) {
    let mut input = wire;
    loop {
        match ws.poll_event(&mut input) {
            Ok(event) => assert!(event.is_some(), "no error"),
            Err(e) => return (e, input.to_vec()),
        }
    }
}

#[test]
fn take_with_nothing_ready_changes_nothing() {
    let (mut ws, mut inbox) = (server(), Inbox::new([0; 256]));
    push(&mut inbox, &frames(&[(0x01, b"transfer 100 to \xc3")]));
    assert_eq!(inbox.poll_message(&mut ws), Ok(None));
    assert_eq!(inbox.take(), None);
    assert_eq!(inbox.held(), 17);
    push(&mut inbox, &frames(&[(0x80, b"\xa9bob")]));
    let Ok(Some(Incoming::Message(Message::Text(text)))) = inbox.poll_message(&mut ws) else { panic!() };
    assert_eq!(text.as_str(), "transfer 100 to \u{e9}bob");
}

#[test]
fn a_control_frame_in_pieces_inside_a_message_needs_no_storage() {
    let wire = frames(&[(0x02, &[1; 150]), (0x89, &[2; 125]), (0x80, &[3; 50])]);
    for size in 1..64 {
        let (mut ws, mut inbox) = (server(), Inbox::new([0; 256]));
        let mut told = Vec::new();
        for piece in wire.chunks(size) {
            push(&mut inbox, piece);
            loop {
                match inbox.poll_message(&mut ws) {
                    Ok(Some(Incoming::Message(m))) => told.push(m.as_bytes().to_vec()),
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(e) => panic!("reads of {size}: {e:?}"),
                }
            }
        }
        assert_eq!(told, [[vec![1; 150], vec![3; 50]].concat()], "reads of {size}");
    }
}

#[test]
fn a_pong_behind_a_long_ping_is_told_whole_and_the_ping_is_answered() {
    let wire = frames(&[(0x89, &[b'x'; 122]), (0x8a, b"00000001")]);
    for size in 1..wire.len() {
        let mut ws = server();
        let mut pongs = Vec::new();
        for piece in wire.clone().chunks_mut(size) {
            let mut input = piece;
            while let Some(event) = ws.poll_event(&mut input).unwrap() {
                if let Event::Pong(pong) = event {
                    pongs.push(pong.as_bytes().to_vec());
                }
            }
        }
        assert_eq!(pongs, [b"00000001"], "pieces of {size}");
        assert_eq!(owed(&mut ws), [&[0x8a, 122][..], &[b'x'; 122]].concat(), "pieces of {size}");
    }
}

#[test]
fn a_pong_is_owed_until_a_newer_ping_is_whole() {
    let wire = frames(&[(0x89, b"first"), (0x89, b"second")]);
    for cut in 11..wire.len() {
        let mut ws = server();
        let mut wire = wire.clone();
        let (mut front, mut back) = wire.split_at_mut(cut);
        while ws.poll_event(&mut front).unwrap().is_some() {}
        let mut drained = ws.clone();
        assert_eq!(owed(&mut drained), b"\x8a\x05first", "cut at {cut}");
        let mut again = back.to_vec();
        for (mut ws, input) in [(ws, &mut back), (drained, &mut &mut again[..])] {
            assert!(ws.poll_event(input).unwrap().is_some());
            assert_eq!(owed(&mut ws), b"\x8a\x06second", "cut at {cut}");
        }
    }
}

#[test]
fn a_close_ends_a_want_of_memory() {
    let wire = frames(&[(0x82, &[7; 100]), (0x88, b"\x03\xe8")]);
    for answer in 0..2 {
        let (mut ws, mut inbox) = (server(), Inbox::new([0; 64]));
        let mut rest = &wire[..];
        let (mut closed, mut refused) = (None, 0);
        while !rest.is_empty() {
            let space = inbox.space().unwrap();
            let n = space.len().min(rest.len());
            space[..n].copy_from_slice(&rest[..n]);
            inbox.commit(n);
            rest = &rest[n..];
            loop {
                match inbox.poll_message(&mut ws) {
                    Ok(Some(Incoming::Close(code))) => closed = Some(code),
                    Ok(Some(other)) => panic!("{other:?}"),
                    Ok(None) => break,
                    Err(ReceiveError::Capacity(e)) if refused < 3 => {
                        assert_eq!((e.needed, e.available), (100, 64));
                        refused += 1;
                        ws.close(CloseCode::MESSAGE_TOO_BIG, "").unwrap();
                        if answer == 1 {
                            // The close frame is written at once, or is owed while more comes.
                            let mut memory = [0; 64];
                            assert_eq!(ws.poll_transmit(&mut ws.out(&mut memory)), Ok(true));
                        }
                    }
                    Err(e) => panic!("{e:?} although this end closes"),
                }
            }
        }
        assert_eq!((closed, refused), (Some(CloseCode::NORMAL), 1));
    }
}

#[test]
fn nothing_is_given_out_behind_a_fatal_error() {
    let (mut ws, mut inbox) = (server(), Inbox::new([0; 64]));
    push(&mut inbox, &[&frames(&[(0x01, b"abc")])[..], b"\x83"].concat());
    for _ in 0..2 {
        assert_eq!(inbox.poll_message(&mut ws), Err(PeerError::ReservedOpcode.into()));
    }
    assert_eq!(inbox.poll_part(&mut ws), Err(PeerError::ReservedOpcode.into()));
}

#[test]
fn bytes_behind_the_good_front_of_a_text_are_never_a_frame() {
    let (mut ws, mut inbox) = (Connection::<Client>::client(Limits::new()), Inbox::new([0; 64]));
    push(&mut inbox, b"\x81\x02a\x81\x01b");
    assert!(matches!(inbox.poll_part(&mut ws), Ok(Some(Incoming::Part(c))) if c.as_bytes() == b"a"));
    assert_eq!(inbox.poll_message(&mut ws), Err(PeerError::InvalidUtf8.into()));
}

#[test]
fn what_an_old_connection_left_open_does_no_harm_to_a_new_one() {
    for how in 0..3 {
        let mut inbox = Inbox::new([0; 64]);
        let mut old = server();
        push(&mut inbox, &frames(&[(0x01, b"abc")]));
        match how {
            0 => {
                assert_eq!(inbox.poll_message(&mut old), Ok(None));
                inbox.skip_message(&old);
            }
            1 => assert!(matches!(inbox.poll_part(&mut old), Ok(Some(Incoming::Part(_))))),
            _ => assert_eq!(inbox.poll_message(&mut old), Ok(None)),
        }
        let mut new = server();
        push(&mut inbox, &frames(&[(0x81, b"def")]));
        let told = inbox.poll_message(&mut new);
        let Ok(Some(Incoming::Message(Message::Text(text)))) = told else { panic!("{how}: {told:?}") };
        assert_eq!(text.as_bytes(), b"def", "{how}");
        assert_eq!(inbox.poll_message(&mut new), Ok(None), "{how}");
    }
}

/// Bytes that `space` moves for each message, when one message is taken each time and as much is read as was used up.
fn moved(size: usize) -> usize {
    let wire = frames(&[(0x81, b"a")]);
    let (mut ws, mut inbox) = (server(), Inbox::new(vec![0; size]));
    let (mut stream, mut last, mut moved, mut taken) = (wire.iter().cycle().copied(), 0, 0, 0);
    let start = inbox.space().unwrap().as_ptr() as usize;
    while taken < size / 2 {
        if let Ok(Some(Incoming::Message(message))) = inbox.poll_message(&mut ws) {
            let at = message.as_bytes().as_ptr() as usize - start;
            taken += 1;
            let was = std::mem::replace(&mut last, at);
            if at <= was {
                moved += inbox.held();
            }
        }
        let space = inbox.space().unwrap();
        space.iter_mut().for_each(|place| *place = stream.next().unwrap());
        let n = space.len();
        inbox.commit(n);
    }
    moved / taken
}

#[test]
fn a_message_costs_the_same_in_storage_of_any_size() {
    let (small, large) = (moved(1 << 10), moved(1 << 14));
    assert!(large <= 2 * small + 16, "{small} bytes moved a message in 1 KiB, {large} in 16 KiB");
}

#[test]
fn control_frames_inside_a_long_message_move_none_of_it() {
    let (mut ws, mut inbox) = (server(), Inbox::new(vec![0; 1 << 12]));
    push(&mut inbox, &frames(&[(0x02, &[7; 4000])]));
    assert_eq!(inbox.poll_message(&mut ws), Ok(None));
    let mut spaces = Vec::new();
    for _ in 0..200 {
        push(&mut inbox, &frames(&[(0x8a, b"p")]));
        assert!(matches!(inbox.poll_message(&mut ws), Ok(Some(Incoming::Pong(_)))));
        assert_eq!(inbox.poll_message(&mut ws), Ok(None));
        spaces.push(inbox.space().unwrap().len());
    }
    assert!(spaces.iter().all(|&n| n == spaces[1]), "what is used up comes back at once: {spaces:?}");
}

#[test]
fn the_end_of_the_transport_is_the_end() {
    // Behind the peer's close frame, before ours was written.
    let mut ws = server();
    let mut wire = frames(&[(0x88, b"\x03\xe9bye")]);
    assert!(ws.poll_event(&mut &mut wire[..]).unwrap().is_some());
    let closed = Closed { code: CloseCode::GOING_AWAY, is_clean: false };
    for _ in 0..2 {
        assert_eq!((ws.handle_eof(), ws.is_closed(), ws.close_reason()), (closed, true, "bye"));
        assert_eq!(owed(&mut ws), b"", "nobody hears it");
    }
    // Without one.
    let mut ws = server();
    assert_eq!(ws.handle_eof(), Closed { code: CloseCode::ABNORMAL, is_clean: false });
    assert!(ws.is_closed() && ws.is_closing());
    let mut memory = [0; 64];
    let mut out = ws.out(&mut memory);
    assert_eq!(ws.send(Kind::Text, b"a", &mut out), Err(SendError::State(StateError::Closing)));
    // Behind both.
    let mut ws = server();
    let mut wire = frames(&[(0x88, b"")]);
    assert!(ws.poll_event(&mut &mut wire[..]).unwrap().is_some());
    assert_eq!(owed(&mut ws), b"\x88\0");
    for _ in 0..2 {
        assert_eq!(ws.handle_eof(), Closed { code: CloseCode::NO_STATUS, is_clean: true });
    }
    // Behind a fault.
    let mut ws = server();
    assert_eq!(end(&mut ws, &mut [0x83]).0, PeerError::ReservedOpcode);
    assert_eq!(ws.handle_eof(), Closed { code: CloseCode::PROTOCOL_ERROR, is_clean: false });
    assert_eq!(end(&mut ws, &mut [0x83]).0, PeerError::ReservedOpcode, "the same for ever");
}

#[test]
fn storage_that_is_lent_elsewhere_inside_a_message_is_not_asked_for() {
    let (mut ws, mut inbox) = (server(), Inbox::new(vec![0; 64]));
    push(&mut inbox, &frames(&[(0x01, b"")]));
    assert_eq!(inbox.poll_message(&mut ws), Ok(None));
    assert_eq!(inbox.held(), 0);
    inbox.replace(Vec::new()).unwrap();
    assert_eq!(inbox.poll_message(&mut ws), Ok(None));
    inbox.replace(vec![0; 64]).unwrap();
    push(&mut inbox, &frames(&[(0x80, b"abc")]));
    assert!(matches!(inbox.poll_message(&mut ws), Ok(Some(Incoming::Message(m))) if m.as_bytes() == b"abc"));
}

#[test]
fn a_part_that_is_ready_is_skipped_with_its_message() {
    for rest in [&[(0x00, &b"def"[..]), (0x80, b"ghi")][..], &[(0x80, b"def")]] {
        let (mut ws, mut inbox) = (server(), Inbox::new([0; 64]));
        push(&mut inbox, &frames(&[(0x01, b"abc")]));
        assert!(matches!(inbox.poll_part(&mut ws), Ok(Some(Incoming::Part(_)))));
        push(&mut inbox, &frames(&[rest, &[(0x81, b"next")]].concat()));
        assert!(inbox.advance(&mut ws).is_ok());
        inbox.skip_message(&ws);
        let told = inbox.poll_message(&mut ws);
        let Ok(Some(Incoming::Message(message))) = told else { panic!("{told:?}") };
        assert_eq!(message.as_bytes(), b"next");
    }
}

#[test]
fn a_close_frame_is_refused_at_its_first_bad_byte() {
    // Payload and the offset of its bad byte.
    let cases: [(&[u8], usize, PeerError); 4] = [
        (b"\x03\xe7bye", 1, PeerError::InvalidCloseCode),
        (b"\xff\xff", 1, PeerError::InvalidCloseCode),
        (b"\x03\xe8b\xffye", 3, PeerError::InvalidCloseReason),
        (b"\x03\xe8by\xc3", 4, PeerError::InvalidCloseReason),
    ];
    for (payload, at, error) in cases {
        let mut close = Vec::new();
        frame(0x88, Some([0; 4]), payload, &mut close);
        close.extend(b"behind");
        for cut in 0..close.len() {
            let mut ws = server();
            let mut wire = close.clone();
            let (front, back) = wire.split_at_mut(cut);
            let mut input = front;
            let (told, left) = match ws.poll_event(&mut input) {
                Ok(None) => end(&mut ws, back),
                Err(e) => (e, [&*input, back].concat()),
                other => panic!("{other:?}"),
            };
            assert_eq!((told, &left[..]), (error, &close[6 + at..]), "{payload:x?} cut at {cut}");
        }
    }
    // A payload of one byte is seen in the header.
    let mut ws = server();
    assert_eq!(end(&mut ws, &mut [0x88, 0x81]), (PeerError::InvalidClose, vec![0x81]));
}

/// With whatever is owed left lying, and whatever cuts: pongs are told byte for byte.
#[test]
fn pongs_are_told_byte_for_byte_whatever_is_owed() {
    for seed in 0..2000 {
        let mut random = Random(seed);
        let (mut wire, mut said, mut heard) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..6_u8 {
            let payload = vec![i; random.below(126)];
            let is_ping = random.below(2) == 0;
            frame(if is_ping { 0x89 } else { 0x8a }, None, &payload, &mut wire);
            said.push((is_ping, payload));
        }
        let mut ws = Connection::<Client>::client(Limits::new());
        let mut rest = &mut wire[..];
        while !rest.is_empty() {
            let (mut input, behind) = rest.split_at_mut(random.below(rest.len()) + 1);
            rest = behind;
            while let Some(event) = ws.poll_event(&mut input).unwrap() {
                match event {
                    Event::Ping(p) => heard.push((true, p.as_bytes().to_vec())),
                    Event::Pong(p) => heard.push((false, p.as_bytes().to_vec())),
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!(heard, said, "seed {seed}");
    }
}
