//! Tables of RFC 6455 as full products: the first two bytes of a frame, the order of frames, close codes and reasons.

mod support;

use sansocket::ws::{Client, CloseCode, Connection, Event, Kind, Limits, PeerError, Role, Server};
use support::frame;

/// Patterns of bits; the first row that fits counts. `-`: the row is not for this state. The mask bit is that of a frame to a server; one to
/// a client has it the other way round.
const FIRST_TWO_BYTES: &str = "
    first byte  second byte  between messages        inside a message
    .1......    ........     ReservedBits            ReservedBits
    ..1.....    ........     ReservedBits            ReservedBits
    ...1....    ........     ReservedBits            ReservedBits
    ....0011    ........     ReservedOpcode          ReservedOpcode
    ....01..    ........     ReservedOpcode          ReservedOpcode
    ....1011    ........     ReservedOpcode          ReservedOpcode
    ....11..    ........     ReservedOpcode          ReservedOpcode
    ....0000    ........     UnexpectedContinuation  -
    ....0001    ........     -                       ExpectedContinuation
    ....0010    ........     -                       ExpectedContinuation
    0...1...    ........     FragmentedControl       FragmentedControl
    ........    0.......     NotMasked               NotMasked
    ....1...    .1111110     ControlTooLong          ControlTooLong
    ....1...    .1111111     ControlTooLong          ControlTooLong
    ....1000    .0000001     InvalidClose            InvalidClose
    ........    ........     good                    good
";

fn fits(pattern: &str, byte: u8) -> bool {
    pattern.bytes().zip(format!("{byte:08b}").bytes()).all(|(p, b)| p == b'.' || p == b)
}

/// What the table says, and whether the first byte alone says it.
fn expected(first: u8, second: u8, is_open: bool) -> (&'static str, bool) {
    for row in FIRST_TWO_BYTES.lines().skip(2) {
        let [a, b, between, inside] = row.split_whitespace().collect::<Vec<_>>()[..] else { continue };
        let says = if is_open { inside } else { between };
        if says != "-" && fits(a, first) && fits(b, second) {
            return (says, b == "........");
        }
    }
    unreachable!("the last row fits all")
}

fn first_two_bytes<R: Role>(new: impl Fn() -> Connection<R>, is_server: bool) {
    for open in [None, Some(1), Some(2)] {
        let mut before = new();
        if let Some(opcode) = open {
            let mut wire = Vec::new();
            frame(opcode, is_server.then_some([1, 2, 3, 4]), b"a", &mut wire);
            assert!(matches!(before.poll_event(&mut &mut wire[..]), Ok(Some(Event::Chunk(_)))));
        }
        for bytes in 0..=u16::MAX {
            let [first, second] = bytes.to_be_bytes();
            let mut ws = before.clone();
            // To a client the mask bit says the opposite.
            let (says, at_first) = expected(first, if is_server { second } else { second ^ 0x80 }, open.is_some());
            let says = if says == "NotMasked" && !is_server { "Masked" } else { says };
            let at_first = at_first && says != "good";
            let mut wire = [first, second];
            let (front, back) = wire.split_at_mut(1);
            let told = ws.poll_event(&mut &mut *front).map(|_| ());
            assert_eq!(told.is_err(), at_first, "{first:08b} {second:08b} {open:?}: by the first byte alone");
            let told = told.and_then(|()| ws.poll_event(&mut &mut *back).map(|_| ()));
            let told = told.map_or_else(|e| format!("{e:?}"), |()| "good".into());
            assert_eq!(told, says, "{first:08b} {second:08b} open {open:?}, to a server: {is_server}");
        }
    }
    // Behind a close frame nothing is looked at.
    let mut closed = new();
    let mut wire = Vec::new();
    frame(0x88, is_server.then_some([0; 4]), b"", &mut wire);
    assert!(matches!(closed.poll_event(&mut &mut wire[..]), Ok(Some(Event::Close(CloseCode::NO_STATUS)))));
    for bytes in 0..=u16::MAX {
        assert_eq!(closed.clone().poll_event(&mut &mut bytes.to_be_bytes()[..]), Ok(None));
    }
}

#[test]
fn rfc6455_5_2_all_first_two_bytes_in_both_roles_and_every_state() {
    first_two_bytes(|| Connection::<Server>::server(Limits::new()), true);
    first_two_bytes(|| Connection::<Client>::client(Limits::new()), false);
}

/// The rule of section 5.4 by itself: which message is open after a frame, or why the frame is refused.
fn follows(open: Option<Kind>, fin: bool, opcode: u8) -> Result<Option<Kind>, PeerError> {
    match (opcode, open) {
        (0, None) => Err(PeerError::UnexpectedContinuation),
        (0, Some(kind)) => Ok(if fin { None } else { Some(kind) }),
        (1 | 2, Some(_)) => Err(PeerError::ExpectedContinuation),
        (1, None) => Ok(if fin { None } else { Some(Kind::Text) }),
        (2, None) => Ok(if fin { None } else { Some(Kind::Binary) }),
        (9 | 10, _) => Ok(open),
        _ => unreachable!(),
    }
}

#[test]
fn rfc6455_5_4_every_order_of_five_frames() {
    let frames = [(true, 0), (false, 0), (true, 1), (false, 1), (true, 2), (false, 2), (true, 9), (true, 10)];
    for order in 0..8_usize.pow(5) {
        let mut ws = Connection::<Server>::server(Limits::new());
        let mut open = None;
        for place in 0..5 {
            let (fin, opcode) = frames[order / 8_usize.pow(place) % 8];
            let mut wire = Vec::new();
            frame(if fin { 0x80 } else { 0 } | opcode, Some([9, 8, 7, 6]), b"x", &mut wire);
            let told = ws.poll_event(&mut &mut wire[..]);
            match follows(open, fin, opcode) {
                Err(error) => {
                    assert_eq!(told, Err(error), "{order:o}");
                    break;
                }
                Ok(next) => {
                    match told {
                        Ok(Some(Event::Chunk(chunk))) => {
                            let kind = open.or(next).unwrap_or(if opcode == 1 { Kind::Text } else { Kind::Binary });
                            let is = (chunk.kind(), chunk.is_first(), chunk.is_last());
                            assert_eq!(is, (kind, open.is_none(), next.is_none()), "{order:o}");
                        }
                        Ok(Some(Event::Ping(_))) => assert_eq!(opcode, 9),
                        Ok(Some(Event::Pong(_))) => assert_eq!(opcode, 10),
                        other => panic!("{other:?} {order:o}"),
                    }
                    open = next;
                }
            }
        }
    }
}

#[test]
fn rfc6455_5_5_1_and_7_4_every_code_with_every_kind_of_reason() {
    let reasons: [(&[u8], bool); 6] = [
        (b"", true),
        (b"bye", true),
        (&[b'x'; 123], true),
        ("é".as_bytes(), true),
        (b"\xc3", false),
        (b"\xed\xa0\x80", false),
    ];
    for code in 0..=u16::MAX {
        let is_good = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        for (reason, is_utf8) in reasons {
            let payload = [&code.to_be_bytes()[..], reason].concat();
            let mut wire = Vec::new();
            frame(0x88, None, &payload, &mut wire);
            let mut ws = Connection::<Client>::client(Limits::new());
            let told = ws.poll_event(&mut &mut wire[..]);
            match (is_good, is_utf8) {
                (false, _) => assert_eq!(told, Err(PeerError::InvalidCloseCode), "{code}"),
                (true, false) => assert_eq!(told, Err(PeerError::InvalidCloseReason), "{code}"),
                (true, true) => {
                    assert_eq!(told, Ok(Some(Event::Close(CloseCode(code)))));
                    assert_eq!(ws.close_reason().as_bytes(), reason);
                }
            }
            // What may come may be said, and nothing else.
            let mut server = Connection::<Server>::server(Limits::new());
            let (before, mut memory) = (server.clone(), [0; 127]);
            let mut out = server.out(&mut memory);
            if let Ok(reason) = std::str::from_utf8(reason) {
                assert_eq!(server.close(CloseCode(code), reason).is_ok(), is_good || code == 1005 && reason.is_empty());
                server.poll_transmit(&mut out).unwrap();
                if server == before {
                    assert!(out.is_empty(), "a refused close writes nothing");
                } else if code != 1005 {
                    assert_eq!(out.written()[2..], payload);
                }
            }
        }
    }
    let mut wire = Vec::new();
    frame(0x88, None, b"\x03", &mut wire);
    let told = Connection::<Client>::client(Limits::new()).poll_event(&mut &mut wire[..]);
    assert_eq!(told, Err(PeerError::InvalidClose), "one byte is no code");
    let mut server = Connection::<Server>::server(Limits::new());
    assert!(server.close(CloseCode::NORMAL, &"x".repeat(124)).is_err());
    assert!(!server.wants_transmit() && !server.is_closing());
}
