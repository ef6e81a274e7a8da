//! Compressed messages in an inbox (RFC 7692 sections 6 and 7.2).

#[path = "support/zlib.rs"]
mod zlib;

use proptest::prelude::*;
use sansocket::ws::{
    Agreed, CloseCode, Connection, Inbox, Incoming, Inflating, Kind, Limits, PeerError, ReceiveError, Role, Server,
    Storage,
};
use zlib::{Packer, agreed, frame};

fn server(limits: Limits, agreed: Option<Agreed>) -> Connection<Server> {
    Connection::server(limits).with_compression(agreed)
}

/// A compressed message in frames of these sizes.
fn message(opcode: u8, packed: &[u8], sizes: &[usize], wire: &mut Vec<u8>) {
    let mut rest = packed;
    for (i, &size) in sizes.iter().enumerate() {
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        rest = behind;
        wire.extend(frame(if i == 0 { 0x40 | opcode } else { 0 }, piece));
    }
    wire.extend(frame(0x80 | if sizes.is_empty() { 0x40 | opcode } else { 0 }, rest));
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Message(Kind, Vec<u8>),
    Control,
    Close(CloseCode),
    Error(ReceiveError),
}

/// What an inbox tells. What it lends is spoiled if that is possible.
fn receive<S: Storage, R: Role>(
    inbox: &mut Inbox<S>,
    ws: &mut Connection<R>,
    wire: &[u8],
    piece: usize,
    in_parts: bool,
) -> Vec<Told> {
    let (mut told, mut rest, mut open) = (Vec::new(), wire, None::<Vec<u8>>);
    loop {
        let next = if in_parts { inbox.poll_part(ws) } else { inbox.poll_message(ws) };
        match next {
            Ok(Some(Incoming::Message(message))) => {
                told.push(Told::Message(message.kind(), message.as_bytes().to_vec()));
                if let sansocket::ws::Message::Binary(bytes) = message {
                    bytes.fill(0xee);
                }
            }
            Ok(Some(Incoming::Part(part))) => {
                assert!(!part.is_compressed());
                assert_eq!(part.is_first(), open.is_none());
                open.get_or_insert_default().extend(part.as_bytes());
                let (kind, is_last) = (part.kind(), part.is_last());
                part.into_bytes().fill(0xee);
                if is_last {
                    told.push(Told::Message(kind, open.take().unwrap()));
                }
            }
            Ok(Some(Incoming::Close(code))) => told.push(Told::Close(code)),
            Ok(Some(_)) => told.push(Told::Control),
            Ok(None) if rest.is_empty() => return told,
            Ok(None) => {
                let space = inbox.space().unwrap();
                let n = piece.min(space.len()).min(rest.len());
                space[..n].copy_from_slice(&rest[..n]);
                rest = &rest[n..];
                inbox.commit(n);
            }
            Err(e) => {
                told.push(Told::Error(e));
                return told;
            }
        }
    }
}

fn one(bits: u8, limits: Limits, wire: &[u8], piece: usize, in_parts: bool) -> Vec<Told> {
    let agreed = agreed(bits, true);
    let mut inbox = Inbox::new(Inflating::new([0; 64], vec![0; 1 << 16], agreed).unwrap().ratio(2000));
    let mut ws = server(limits, agreed);
    receive(&mut inbox, &mut ws, wire, piece, in_parts)
}

/// The close code that is owed.
fn owed(ws: &mut Connection<Server>) -> u16 {
    let mut memory = [0; 200];
    let mut out = ws.out(&mut memory);
    while ws.poll_transmit(&mut out).unwrap() {}
    let written = out.written();
    u16::from_be_bytes([written[2], written[3]])
}

#[test]
fn rfc7692_section_7_2_3_the_examples() {
    let hello = |first: &[(u8, &[u8])]| {
        let mut wire = Vec::new();
        first.iter().for_each(|(first, payload)| wire.extend(frame(*first, payload)));
        wire
    };
    let expected = vec![Told::Message(Kind::Text, b"Hello".to_vec())];
    for frames in [
        &[(0xc1, &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..])][..],
        &[(0x41, b"\xf2\x48\xcd"), (0x80, b"\xc9\xc9\x07\x00")],
        &[(0x41, b"\xf2\x48\xcd"), (0x00, b""), (0x80, b"\xc9\xc9\x07\x00")],
        &[(0x41, b""), (0x80, b"\xf2\x48\xcd\xc9\xc9\x07\x00")],
        &[(0x41, b"\xf2\x48\xcd\xc9\xc9\x07\x00"), (0x80, b"")],
        // Without compression inside the block.
        &[(0xc1, b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00")],
        // A final block, and what must follow it. Other peers also leave that out.
        &[(0xc1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00")],
        &[(0xc1, b"\xf3\x48\xcd\xc9\xc9\x07\x00")],
        // Two blocks.
        &[(0xc1, b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")],
        // Plain.
        &[(0x81, b"Hello")],
    ] {
        let wire = hello(frames);
        for piece in 1..=wire.len() {
            for in_parts in [false, true] {
                assert_eq!(one(15, Limits::new(), &wire, piece, in_parts), expected, "{frames:x?} {piece}");
            }
        }
    }
    // The window goes on behind a plain message, an empty one, and a final block; control frames stand anywhere.
    let wire = hello(&[
        (0xc1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
        (0xc2, b"\x00"),
        (0x82, b"other"),
        (0x41, b"\xf2"),
        (0x89, b"?"),
        (0x80, b"\x00\x11\x00\x00"),
        (0x88, b"\x03\xe8"),
    ]);
    let hello = Told::Message(Kind::Text, b"Hello".to_vec());
    let binary = |bytes: &[u8]| Told::Message(Kind::Binary, bytes.to_vec());
    let close = Told::Close(CloseCode::NORMAL);
    let expected = [hello.clone(), binary(b""), binary(b"other"), Told::Control, hello, close];
    for piece in 1..=wire.len() {
        for in_parts in [false, true] {
            assert_eq!(one(8, Limits::new(), &wire, piece, in_parts), expected, "{piece}");
        }
    }
}

#[test]
fn faults_have_their_codes_wherever_the_bytes_are_cut() {
    let pack = |bytes: &[u8]| Packer::new(15, true).pack(bytes);
    let wire = |frames: &[(u8, &[u8])]| {
        let mut wire = Vec::new();
        frames.iter().for_each(|(first, payload)| wire.extend(frame(*first, payload)));
        wire
    };
    let long = pack(&[b'a'; 5000]);
    let text = pack("J\u{fc}rgen".as_bytes());
    for (name, wire, error, code) in [
        ("no tail", wire(&[(0xc1, b"\xf2\x48\xcd\xc9\xc9")]), PeerError::InvalidCompression, 1007),
        ("nothing", wire(&[(0xc1, b"")]), PeerError::InvalidCompression, 1007),
        ("type 3", wire(&[(0xc1, b"\x06")]), PeerError::InvalidCompression, 1007),
        ("too far", wire(&[(0xc1, b"\x02\x22\x00")]), PeerError::InvalidCompression, 1007),
        ("half a character", wire(&[(0xc1, &pack(b"ab\xc3"))]), PeerError::InvalidUtf8, 1007),
        ("no text", wire(&[(0xc1, &pack(b"ab\xff"))]), PeerError::InvalidUtf8, 1007),
        ("no text, and then no data", wire(&[(0xc1, b"\x00\x01\x00\xfe\xff\xff\x06")]), PeerError::InvalidUtf8, 1007),
        ("too long", wire(&[(0xc1, &long)]), PeerError::MessageTooLarge, 1009),
        ("RSV1 later", wire(&[(0x41, &text), (0xc0, b"")]), PeerError::ReservedBits, 1002),
        ("RSV1 of a ping", wire(&[(0xc9, b"")]), PeerError::ReservedBits, 1002),
        ("RSV2", wire(&[(0xe1, &text)]), PeerError::ReservedBits, 1002),
    ] {
        for piece in 1..=wire.len() {
            for in_parts in [false, true] {
                let agreed = agreed(15, true);
                let mut ws = server(Limits::new().message(4999), agreed);
                let mut inbox = Inbox::new(Inflating::new([0; 64], vec![0; 1 << 16], agreed).unwrap());
                let told = receive(&mut inbox, &mut ws, &wire, piece, in_parts);
                assert_eq!(told, [Told::Error(error.into())], "{name} {piece}");
                assert_eq!(inbox.poll_message(&mut ws), Err(error.into()), "it stays");
                assert_eq!(owed(&mut ws), code, "{name}");
            }
        }
    }
    // Exactly as long as allowed.
    let wire = wire(&[(0xc1, &long)]);
    assert_eq!(one(15, Limits::new().message(5000), &wire, 9, false), [Told::Message(Kind::Text, vec![b'a'; 5000])]);
}

#[test]
fn without_memory_to_unpack_rsv1_is_refused() {
    let mut wire = Vec::new();
    wire.extend(frame(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00"));
    let expected = [Told::Error(PeerError::ReservedBits.into())];
    let mut ws = server(Limits::new(), None);
    assert_eq!(receive(&mut Inbox::new([0; 64]), &mut ws, &wire, 9, false), expected);
    let mut ws = server(Limits::new(), agreed(15, true));
    assert_eq!(receive(&mut Inbox::new([0; 64]), &mut ws, &wire, 9, false), expected);
    assert_eq!(owed(&mut ws), 1002);
    let mut ws = server(Limits::new(), None);
    let mut inbox = Inbox::new(Inflating::new([0; 64], [0; 0], None).unwrap());
    assert_eq!(receive(&mut inbox, &mut ws, &wire, 9, false), expected);
}

#[test]
fn a_bomb_stops_at_the_ratio_and_at_the_limit() {
    let zeros = vec![0; 20_000_000];
    let packed = Packer::new(15, false).pack(&zeros);
    let mut wire = Vec::new();
    wire.extend(frame(0xc2, &packed));
    for (ratio, limit, error) in
        [(256, 1 << 30, PeerError::CompressedTooMuch), (1032, 1 << 24, PeerError::MessageTooLarge)]
    {
        for (piece, in_parts) in [(1000, true), (64, true), (7, true)] {
            let agreed = agreed(15, true);
            let limits = Limits::new().message(limit).frame(limit);
            let mut ws = server(limits, agreed);
            let mut inbox = Inbox::new(Inflating::new([0; 1024], vec![0; 1 << 16], agreed).unwrap().ratio(ratio));
            let told = receive(&mut inbox, &mut ws, &wire, piece, in_parts);
            assert_eq!(told, [Told::Error(error.into())]);
        }
    }
    let agreed = agreed(15, true);
    let mut ws = server(Limits::new().message(1 << 30).frame(1 << 30), agreed);
    let mut inbox = Inbox::new(Inflating::new([0; 1024], vec![0; 1 << 16], agreed).unwrap().ratio(1032));
    let told = receive(&mut inbox, &mut ws, &wire, 1000, true);
    assert_eq!(told, [Told::Message(Kind::Binary, zeros)], "what is honest passes");
}

#[test]
fn a_message_that_does_not_fit_is_not_lost() {
    let text: Vec<u8> = (0..3000_u32).flat_map(|i| i.to_string().into_bytes()).take(3000).collect();
    for has_takeover in [false, true] {
        let agreed = agreed(9, has_takeover);
        let mut packer = Packer::new(9, has_takeover);
        let mut wire = Vec::new();
        for _ in 0..3 {
            message(1, &packer.pack(&text), &[100, 200], &mut wire);
        }
        let expected = vec![Told::Message(Kind::Text, text.clone()); 3];
        for piece in [1, 50, 10_000] {
            let mut ws = server(Limits::new(), agreed);
            let mut inbox = Inbox::new(Inflating::new(vec![0; 16_384], vec![0; 700], agreed).unwrap());
            let (mut told, mut rest) = (Vec::new(), &wire[..]);
            while told.len() < 3 {
                match inbox.poll_message(&mut ws) {
                    Ok(Some(Incoming::Message(m))) => told.push(Told::Message(m.kind(), m.as_bytes().to_vec())),
                    Ok(_) => {
                        let (now, later) = rest.split_at(piece.min(rest.len()));
                        assert!(!now.is_empty());
                        inbox.space().unwrap()[..now.len()].copy_from_slice(now);
                        inbox.commit(now.len());
                        rest = later;
                    }
                    Err(ReceiveError::Capacity(e)) => {
                        assert_eq!(inbox.poll_message(&mut ws), Err(e.into()), "until there is more memory");
                        assert_eq!(inbox.replace_unpacked(vec![0; 10]).unwrap_err().len(), 10);
                        let old = inbox.replace_unpacked(vec![0; e.needed * 2]).unwrap();
                        assert_eq!(old.len(), e.available);
                    }
                    Err(e) => panic!("{e}"),
                }
            }
            assert_eq!(told, expected, "{piece}");
        }
        // Or in parts, or not at all: the next one is taken.
        for is_skipped in [false, true] {
            let mut ws = server(Limits::new(), agreed);
            let mut inbox = Inbox::new(Inflating::new(vec![0; 16_384], vec![0; 700], agreed).unwrap());
            inbox.space().unwrap()[..wire.len()].copy_from_slice(&wire);
            inbox.commit(wire.len());
            let Err(ReceiveError::Capacity(e)) = inbox.poll_message(&mut ws) else { panic!() };
            if is_skipped {
                inbox.skip_message(&ws);
                inbox.replace_unpacked(vec![0; e.needed * 16]).unwrap();
                assert_eq!(receive(&mut inbox, &mut ws, &[], 1, false), expected[1..]);
            } else {
                assert_eq!(receive(&mut inbox, &mut ws, &[], 1, true), expected);
            }
        }
        // This end closes: what does not fit is dropped, up to the close frame.
        let mut ws = server(Limits::new(), agreed);
        ws.close(CloseCode::NORMAL, "").unwrap();
        let mut inbox = Inbox::new(Inflating::new(vec![0; 16_384], vec![0; 700], agreed).unwrap());
        let mut wire = wire.clone();
        wire.extend(frame(0x88, b"\x03\xe8"));
        assert_eq!(receive(&mut inbox, &mut ws, &wire, 99, false), [Told::Close(CloseCode::NORMAL)]);
    }
}

#[test]
fn parts_need_memory_beside_the_window() {
    let content = b"0123456789".repeat(500);
    let mut wire = Vec::new();
    wire.extend(frame(0xc2, &Packer::new(15, false).pack(&content)));
    let agreed = agreed(15, false);
    let mut ws = server(Limits::new(), agreed);
    let mut inbox = Inbox::new(Inflating::new([0; 1024], vec![0; 1000], agreed).unwrap());
    let [Told::Error(ReceiveError::Capacity(e))] = receive(&mut inbox, &mut ws, &wire, 1024, true)[..] else {
        panic!()
    };
    assert_eq!((e.needed, e.available), (1001, 1000));
    inbox.replace_unpacked(vec![0; 40_000]).unwrap();
    assert_eq!(receive(&mut inbox, &mut ws, &[], 1, true), [Told::Message(Kind::Binary, content)]);
}

#[test]
fn an_idle_connection_without_takeover_holds_nothing() {
    let agreed = agreed(15, false);
    let (mut ws, mut packer) = (server(Limits::new(), agreed), Packer::new(15, false));
    let mut inbox = Inbox::new(Inflating::new(vec![0; 1024], vec![0; 100], agreed).unwrap());
    for _ in 0..3 {
        let mut wire = Vec::new();
        wire.extend(frame(0xc1, &packer.pack(b"hello hello hello")));
        let expected = [Told::Message(Kind::Text, b"hello hello hello".to_vec())];
        assert_eq!(receive(&mut inbox, &mut ws, &wire, 5, false), expected);
        let memory = inbox.replace_unpacked(Vec::new()).unwrap();
        assert_eq!((inbox.held(), memory.len()), (0, 100));
        assert_eq!(inbox.replace_unpacked(memory).unwrap().len(), 0);
    }
    // What was peeked and not taken stays.
    let mut wire = Vec::new();
    wire.extend(frame(0xc1, &packer.pack(b"hello hello hello")));
    inbox.space().unwrap()[..wire.len()].copy_from_slice(&wire);
    inbox.commit(wire.len());
    assert!(inbox.advance(&mut ws).unwrap().is_some());
    assert!(inbox.replace_unpacked(vec![0; 16]).is_err());
    assert!(inbox.replace_unpacked(vec![0; 17]).is_ok());
    assert_eq!(inbox.peek(), Some((Kind::Text, &b"hello hello hello"[..])));
    assert!(inbox.take().is_some());
}

#[test]
fn another_connection_agrees_anew() {
    let mut inbox = Inbox::new(Inflating::new(vec![0; 64], vec![0; 640], None).unwrap());
    for bits in [9, 8, 9] {
        let agreed = agreed(bits, true);
        let mut ws = server(Limits::new(), agreed);
        inbox.reset();
        inbox.agree(agreed).unwrap();
        let mut wire = Vec::new();
        wire.extend(frame(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00"));
        wire.extend(frame(0xc1, b"\xf2\x00\x11\x00\x00"));
        let expected = vec![Told::Message(Kind::Text, b"Hello".to_vec()); 2];
        assert_eq!(receive(&mut inbox, &mut ws, &wire, 3, false), expected);
    }
    assert_eq!(inbox.agree(agreed(10, true)).unwrap_err().needed, 1280);
}

#[test]
fn the_memory_for_a_window_is_asked_for() {
    for bits in 8..=15_u8 {
        let needed = (1 << bits) * 5 / 4;
        assert!(Inflating::new([0; 8], vec![0; needed], agreed(bits, true)).is_ok());
        let e = Inflating::new([0; 8], vec![0; needed - 1], agreed(bits, true)).unwrap_err();
        assert_eq!((e.needed, e.available), (needed, needed - 1));
        assert!(Inflating::new([0; 8], [0; 0], agreed(bits, false)).is_ok());
    }
}

/// A message: its kind, its content, whether it is compressed, and its frames.
fn messages() -> impl Strategy<Value = Vec<(bool, Vec<u8>, bool, Vec<usize>)>> {
    let word = prop_oneof![
        3 => prop::sample::select(vec!["hello ", "{\"id\":", "0123456789", "\u{6f22}\u{5b57}", "aaaa", "ab"]).prop_map(|w| w.as_bytes().to_vec()),
        1 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
    ];
    let content = prop::collection::vec(word, 0..120).prop_map(|words| words.concat());
    let sizes = prop::collection::vec(0..60_usize, 0..4);
    prop::collection::vec((any::<bool>(), content, prop::bool::weighted(0.8), sizes), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_cut_and_however_small_the_memory_all_messages_arrive(
        messages in messages(),
        bits in 9..=15_u8,
        has_takeover in any::<bool>(),
        piece in 1..300_usize,
        more in 0..300_usize,
        in_parts in any::<bool>(),
    ) {
        let (agreed, mut packer) = (agreed(bits, has_takeover), Packer::new(bits, has_takeover));
        let (mut wire, mut expected) = (Vec::new(), Vec::new());
        for (is_text, content, is_packed, sizes) in &messages {
            let opcode = if *is_text { 1 } else { 2 };
            if *is_packed {
                message(opcode, &packer.pack(content), sizes, &mut wire);
            } else {
                wire.extend(frame(0x80 | opcode, content));
            }
            let kind = if *is_text { Kind::Text } else { Kind::Binary };
            expected.push(Told::Message(kind, content.clone()));
        }
        let largest = messages.iter().map(|m| m.1.len()).max().unwrap_or(0);
        let window = 1 << bits;
        let size = match (in_parts, has_takeover) {
            (true, _) => window + window / 4 + more,
            (false, true) => window + largest.max(window / 4) + more,
            (false, false) => largest + more,
        };
        let mut inbox = Inbox::new(Inflating::new(vec![0; 4000], vec![0; size], agreed).unwrap());
        let mut ws = server(Limits::new(), agreed);
        prop_assert_eq!(receive(&mut inbox, &mut ws, &wire, piece, in_parts), expected);
    }
}
