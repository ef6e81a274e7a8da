//! Defects and advisories of other WebSocket implementations, each by its name: what broke them does not break this one.

mod support;

use sansocket::{
    bytes::Capacity,
    http::{HeadError, HeadScanner, Limits as HeadLimits, Request, ResponseError, ResponseHead},
    ws::{
        Accept, Client, CloseCode, Connect, Connection, Event, HandshakeError, Inbox, Kind, Limits, PeerError,
        ReceiveError, RequestError, SendError, Server, refuse,
    },
};
use support::frame;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame of 2^63 - 1 bytes that the limits allow. A target that counts with 32 bits refuses it.
const LONGEST: Option<PeerError> =
    if cfg!(all(target_pointer_width = "64", not(sansocket_small))) { None } else { Some(PeerError::FrameTooLarge) };

fn server(limits: Limits) -> Connection<Server> {
    Connection::server(limits)
}

/// What a server is told of a wire that comes at once: how many events, and how it ended.
fn told(ws: &mut Connection<Server>, wire: &[u8]) -> (usize, Option<PeerError>) {
    let mut wire = wire.to_vec();
    let mut input = &mut wire[..];
    let mut events = 0;
    loop {
        match ws.poll_event(&mut input) {
            Ok(Some(_)) => events += 1,
            Ok(None) => return (events, None),
            Err(e) => return (events, Some(e)),
        }
    }
}

fn frames(list: &[(u8, &[u8])]) -> Vec<u8> {
    let mut wire = Vec::new();
    for (first, payload) in list {
        frame(*first, Some(KEY), payload, &mut wire);
    }
    wire
}

fn upgrade(more: &str) -> String {
    let key = if more.contains("Sec-WebSocket-Key") { "" } else { "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" };
    let connection = if more.contains("Connection") { "" } else { "Connection: Upgrade\r\n" };
    format!(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n{connection}Sec-WebSocket-Version: 13\r\n{key}{more}\r\n"
    )
}

#[test]
fn websocketz_a_64_bit_length_of_all_ones_is_an_error_and_no_panic() {
    let wire = [&[0x82, 0xff][..], &[0xff; 8], &KEY].concat();
    assert_eq!(told(&mut server(Limits::new()), &wire), (0, Some(PeerError::LengthTooLarge)));
    // The largest that is legal, with no limit: it begins, and nothing adds up wrongly.
    let all = Limits::new().message(u64::MAX).frame(u64::MAX);
    let wire = [&[0x82, 0xff, 0x7f][..], &[0xff; 7], &KEY, b"abc"].concat();
    assert_eq!(told(&mut server(all), &wire), (usize::from(LONGEST.is_none()), LONGEST));
}

#[test]
fn websocket_driver_cve_2026_54466_lengths_that_add_up_beyond_64_bits_are_over_every_limit() {
    // 10 bytes, and then 2^63 - 1 more.
    let short = frames(&[(0x02, b"0123456789")]);
    let long = [&[0x00, 0xff, 0x7f][..], &[0xff; 7], &KEY].concat();
    let mut ws = server(Limits::new().message((1 << 63) - 1).frame(u64::MAX));
    let error = LONGEST.or(Some(PeerError::MessageTooLarge));
    assert_eq!(told(&mut ws, &[short.clone(), long].concat()), (1, error));
    // The same with 32 bits.
    let long = [&[0x00, 0xff, 0, 0, 0, 0][..], &[0xff; 4], &KEY].concat();
    let mut ws = server(Limits::new().message(u32::MAX.into()).frame(u64::MAX));
    assert_eq!(told(&mut ws, &[short, long].concat()), (1, Some(PeerError::MessageTooLarge)));
}

#[test]
fn embedded_websocket_a_long_key_or_subprotocol_is_an_error_and_no_panic() {
    for behind in ["x", "==", &"A".repeat(1000)] {
        let head = upgrade(&format!("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=={behind}\r\n"));
        assert_eq!(Accept::check(&Request::parse(head.as_bytes()).unwrap()).err(), Some(RequestError::Key), "{behind}");
    }
    let long = "p".repeat(4000);
    let head = upgrade(&format!("Sec-WebSocket-Protocol: {long}\r\n"));
    let accept = Accept::check(&Request::parse(head.as_bytes()).unwrap()).unwrap();
    assert_eq!(accept.protocols().next(), Some(long.as_bytes()));
}

#[test]
fn embedded_websocket_65535_bytes_have_a_16_bit_length() {
    for (len, header) in [(65535, &[0x82, 126, 0xff, 0xff][..]), (65536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0])] {
        let mut ws = server(Limits::new());
        let mut memory = vec![0; len + 10];
        let mut out = ws.out(&mut memory);
        ws.send(Kind::Binary, &vec![0; len], &mut out).unwrap();
        assert!(out.written().starts_with(header));
    }
}

#[test]
fn embedded_websocket_a_pong_inside_a_message_of_ours_is_a_pong() {
    let mut ws = server(Limits::new());
    let mut memory = [0; 64];
    let mut out = ws.out(&mut memory);
    ws.send_chunk(Kind::Text, b"a", false, &mut out).unwrap();
    assert_eq!(told(&mut ws, &frames(&[(0x89, b"?")])), (1, None));
    ws.poll_transmit(&mut out).unwrap();
    ws.send_chunk(Kind::Text, b"b", true, &mut out).unwrap();
    assert_eq!(out.written(), b"\x01\x01a\x8a\x01?\x80\x01b");
}

#[test]
fn embedded_websocket_a_101_without_fields_opens_nothing() {
    let mut head = *b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
    let response = ResponseHead::parse(&mut head).unwrap();
    assert_eq!(Connect::new("h", "/", [0; 16]).check(&response).err(), Some(HandshakeError::Upgrade));
}

#[test]
fn embedded_websocket_a_close_reason_of_more_than_123_bytes_is_refused_both_ways() {
    let payload = [&1000_u16.to_be_bytes()[..], &[b'x'; 124]].concat();
    assert_eq!(told(&mut server(Limits::new()), &frames(&[(0x88, &payload)])), (0, Some(PeerError::ControlTooLong)));
    let mut ws = server(Limits::new());
    let reason = String::from_utf8(vec![b'x'; 254]).unwrap();
    assert_eq!(ws.close(CloseCode::NORMAL, &reason), Err(sansocket::ws::StateError::InvalidClose));
    assert!(!ws.wants_transmit());
}

#[test]
fn websocket_sans_io_pieces_of_3_and_255_bytes_are_unmasked_in_step() {
    let payload: Vec<u8> = (0..=255).chain(0..=255).collect();
    let mut wire = Vec::new();
    frame(0x82, Some(KEY), &payload, &mut wire);
    let mut ws = server(Limits::new());
    let mut got = Vec::new();
    let cuts = [0, 8, 8 + 3, 8 + 3 + 255, wire.len()];
    for cut in cuts.windows(2) {
        let mut input = &mut wire[cut[0]..cut[1]];
        while let Some(event) = ws.poll_event(&mut input).unwrap() {
            if let Event::Chunk(chunk) = event {
                got.extend_from_slice(chunk.as_bytes());
            }
        }
    }
    assert_eq!(got, payload);
}

#[test]
fn fastwebsockets_and_java_websocket_1508_the_limit_holds_over_all_fragments() {
    let limits = Limits::new().message(10).frame(6);
    let wire = frames(&[(0x01, b"12345"), (0x00, b"67890"), (0x80, b"1")]);
    assert_eq!(told(&mut server(limits), &wire), (2, Some(PeerError::MessageTooLarge)));
    assert_eq!(told(&mut server(limits), &frames(&[(0x01, b"12345"), (0x80, b"67890")])), (2, None));
}

#[test]
fn fastwebsockets_every_control_frame_has_125_bytes_at_most() {
    for opcode in [0x88, 0x89, 0x8a] {
        let wire = frames(&[(opcode, &[0; 126])]);
        assert_eq!(told(&mut server(Limits::new()), &wire), (0, Some(PeerError::ControlTooLong)));
    }
}

#[test]
fn facil_io_169_an_unmasked_frame_is_refused_before_any_of_it_is_told() {
    let mut wire = Vec::new();
    frame(0x81, None, b"secret", &mut wire);
    assert_eq!(told(&mut server(Limits::new()), &wire), (0, Some(PeerError::NotMasked)));
    let mut ws = Connection::<Client>::client(Limits::new());
    let mut wire = frames(&[(0x81, b"secret")]);
    assert_eq!(ws.poll_event(&mut &mut wire[..]), Err(PeerError::Masked));
}

#[test]
fn ws_framer_nothing_is_told_behind_an_error() {
    let wire = frames(&[(0x83, b""), (0x81, b"later")]);
    let mut ws = server(Limits::new());
    assert_eq!(told(&mut ws, &wire), (0, Some(PeerError::ReservedOpcode)));
    assert_eq!(told(&mut ws, &frames(&[(0x81, b"later")])), (0, Some(PeerError::ReservedOpcode)));
}

#[test]
fn edge_http_and_websocketz_firefox_keep_alive_upgrade_is_taken_by_both_ends() {
    let head = upgrade("Connection: keep-alive, Upgrade\r\n");
    assert!(Accept::check(&Request::parse(head.as_bytes()).unwrap()).is_ok());
    let accept = sansocket::ws::accept_key(b"AAAAAAAAAAAAAAAAAAAAAA==").unwrap();
    let accept = std::str::from_utf8(&accept).unwrap();
    let mut answer = format!(
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes();
    let response = ResponseHead::parse(&mut answer).unwrap();
    assert!(Connect::new("h", "/", [0; 16]).check(&response).unwrap().is_some());
}

#[test]
fn rustsec_2023_0065_a_head_in_pieces_is_looked_at_once() {
    // What was scanned is spoiled before the last call: a scanner that began again would trip over it.
    let good = upgrade(&"X: y\r\n".repeat(50));
    let mut head = HeadScanner::new(HeadLimits::new());
    for n in 0..good.len() - 1 {
        assert_eq!(head.scan(&good.as_bytes()[..n]), Ok(None));
    }
    let mut spoiled = good.into_bytes();
    let n = spoiled.len();
    spoiled[..n - 2].fill(0);
    assert_eq!(head.scan(&spoiled), Ok(Some(n)));
}

#[test]
fn rustsec_2022_0035_a_declared_length_costs_no_memory() {
    let mut ws = server(Limits::new().message(u64::MAX).frame(u64::MAX));
    let mut inbox = Inbox::new([0; 64]);
    let wire = [&[0x82, 0xff, 0x7f][..], &[0xff; 7], &KEY, b"abc"].concat();
    inbox.space().unwrap()[..wire.len()].copy_from_slice(&wire);
    inbox.commit(wire.len());
    if let Some(error) = LONGEST {
        assert_eq!(inbox.poll_message(&mut ws), Err(error.into()));
        return;
    }
    // What it says is what would be needed, and the caller may throw the message away.
    assert!(matches!(inbox.poll_message(&mut ws), Err(ReceiveError::Capacity(e)) if e.available == 64));
    inbox.skip_message(&ws);
    assert_eq!(inbox.poll_message(&mut ws), Ok(None));
    assert_eq!(inbox.held(), 0);
}

#[test]
fn rustsec_2020_0043_what_waits_to_go_out_is_bounded_by_the_callers_memory() {
    let mut ws = server(Limits::new());
    let mut memory = [0; 32];
    let mut out = ws.out(&mut memory);
    let mut sent = 0;
    let refused = loop {
        match ws.send(Kind::Text, b"0123456789", &mut out) {
            Ok(()) => sent += 1,
            Err(e) => break e,
        }
    };
    assert_eq!((sent, refused), (2, SendError::Capacity(Capacity { needed: 12, available: 8 })));
}

#[test]
fn cve_2024_37890_many_header_lines_are_refused() {
    let mut head = HeadScanner::new(HeadLimits::new());
    let many = upgrade(&"a:b\r\n".repeat(200));
    assert_eq!(head.scan(many.as_bytes()), Err(HeadError::TooManyLines));
}

#[test]
fn cve_2021_32640_subprotocols_are_read_in_one_pass() {
    // 8 KiB of blanks between two commas: what took quadratic time there takes one look a byte here (the cost is measured by .ci/linear).
    let head = upgrade(&format!("Sec-WebSocket-Protocol: a,{}b\r\n", " ".repeat(7000)));
    let accept = Accept::check(&Request::parse(head.as_bytes()).unwrap()).unwrap();
    assert_eq!(accept.protocols().collect::<Vec<_>>(), [b"a", b"b"]);
}

#[test]
fn cve_2026_48779_and_undici_cve_2026_12151_fragments_are_counted() {
    let limits = Limits::new().fragments(3);
    let wire = frames(&[(0x01, b"a"), (0x00, b"b"), (0x00, b"c"), (0x00, b"d")]);
    assert_eq!(told(&mut server(limits), &wire), (3, Some(PeerError::TooManyFragments)));
    let mut many = frames(&[(0x01, b"a")]);
    many.extend(frames(&[(0x00, b"b")]).repeat(1 << 16));
    assert_eq!(told(&mut server(Limits::new()), &many).1, Some(PeerError::TooManyFragments), "by default");
}

#[test]
fn ws_2329_empty_fragments_are_counted() {
    let wire = [frames(&[(0x01, b"")]), frames(&[(0x00, b"")]).repeat(64)].concat();
    assert_eq!(told(&mut server(Limits::new()), &wire), (0, Some(PeerError::TooManyEmptyFragments)));
}

#[test]
fn cve_2026_45736_a_close_frame_has_nothing_but_its_code_and_reason() {
    let mut ws = server(Limits::new());
    let mut memory = [0xaa; 64];
    let mut out = ws.out(&mut memory);
    ws.close(CloseCode::NORMAL, "ok").unwrap();
    ws.poll_transmit(&mut out).unwrap();
    assert_eq!(out.written(), b"\x88\x04\x03\xe8ok");
}

#[test]
fn esp_idf_a_head_as_large_as_the_buffer_is_told_and_overruns_nothing() {
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    for size in answer.len() - 1..=answer.len() {
        let mut inbox = Inbox::new(vec![0; size]);
        let space = inbox.space().unwrap();
        let n = space.len().min(answer.len());
        space[..n].copy_from_slice(&answer[..n]);
        inbox.commit(n);
        let end = HeadScanner::response(HeadLimits::new()).scan(inbox.bytes());
        assert_eq!(end, Ok((size == answer.len()).then_some(size)));
        assert_eq!(inbox.space().map(|s| s.len()), Err(Capacity { needed: size + 1, available: size }));
    }
}

#[test]
fn esp_idf_12306_an_answer_of_500_with_a_body_is_an_answer() {
    let mut answer = *b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\nsorry";
    let n = HeadScanner::response(HeadLimits::new()).scan(&answer).unwrap().unwrap();
    let response = ResponseHead::parse(&mut answer[..n]).unwrap();
    let refused = Connect::new("h", "/", [0; 16]).check(&response).err();
    assert_eq!(refused, Some(HandshakeError::Status(sansocket::http::Status(500))));
    assert_eq!(&answer[n..], b"sorry");
}

#[test]
fn ws_1235_a_quoted_extension_parameter_is_one_member() {
    let head = upgrade("Sec-WebSocket-Extensions: a; b=\"c, permessage-deflate\", d\r\n");
    let accept = Accept::check(&Request::parse(head.as_bytes()).unwrap()).unwrap();
    let offered: Vec<_> = accept.extensions().collect();
    assert_eq!(offered, [&b"a; b=\"c, permessage-deflate\""[..], b"d"]);
}

#[test]
fn no_field_of_an_answer_can_begin_another() {
    let head = upgrade("");
    let accept = Accept::check(&Request::parse(head.as_bytes()).unwrap()).unwrap();
    let mut out = [0; 512];
    for (name, value) in [("X", &b"a\r\nY: b"[..]), ("X", b"a\0"), ("X\r\nY", b"a"), ("X: a\r\nY", b"b"), ("", b"a")] {
        assert_eq!(accept.write(&[(name, value)], &mut out), Err(ResponseError::Field), "{name:?} {value:?}");
    }
    let n = refuse(RequestError::Key, &mut out).unwrap();
    assert!(out[..n].starts_with(b"HTTP/1.1 400 "));
}

#[test]
fn async_http_client_1095_what_comes_behind_the_answer_is_not_lost() {
    let mut inbox = Inbox::new([0; 256]);
    let answer = b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n\x81\x02hi";
    inbox.space().unwrap()[..answer.len()].copy_from_slice(answer);
    inbox.commit(answer.len());
    let n = HeadScanner::response(HeadLimits::new()).scan(inbox.bytes()).unwrap().unwrap();
    inbox.consume(n);
    let mut ws = Connection::<Client>::client(Limits::new());
    let Ok(Some(sansocket::ws::Incoming::Message(message))) = inbox.poll_message(&mut ws) else { panic!() };
    assert_eq!(message.as_bytes(), b"hi");
}

/// RFC 9112 section 5.2: a user agent reads a folded field of a response as if the fold were spaces.
#[test]
fn rfc9112_5_2_a_folded_field_of_a_response_is_one_field() {
    let answer =
        b"HTTP/1.1 101 x\r\nUpgrade:\r\n websocket\r\nConnection: keep-alive,\r\n\tUpgrade\r\nX: a\r\n \r\n  b\r\n\r\n";
    assert_eq!(HeadScanner::response(HeadLimits::new()).scan(answer), Ok(Some(answer.len())));
}
