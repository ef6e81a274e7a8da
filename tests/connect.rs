//! The client's handshake: what it asks, what it takes for an answer, and that nothing of the caller's gets where it does not belong.

use sansocket::{
    bytes::Capacity,
    http::{HeadError, HeadScanner, Limits, Request, ResponseHead, Status, Url},
    ws::{Accept, Connect, ConnectError, HandshakeError, accept_key},
};

const NONCE: [u8; 16] = *b"the sample nonce";
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

fn written(connect: &Connect<'_>) -> Result<String, ConnectError> {
    let mut out = [0; 1024];
    connect.write(&mut out).map(|n| String::from_utf8(out[..n].to_vec()).unwrap())
}

#[test]
fn the_request_byte_for_byte() {
    let url = Url::parse("wss://example.com:8443/chat?room=1").unwrap();
    let connect = Connect::for_url(&url, NONCE)
        .origin("https://example.com")
        .protocols(&["v2.chat", "v1.chat"])
        .basic("Aladdin", "open sesame")
        .fields(&[("Cookie", b"a=b")]);
    let expected = format!(
        "GET /chat?room=1 HTTP/1.1\r\nHost: example.com:8443\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\nOrigin: https://example.com\r\n\
         Sec-WebSocket-Protocol: v2.chat, v1.chat\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\nCookie: a=b\r\n\r\n"
    );
    assert_eq!(written(&connect).unwrap(), expected);
    // Our own server takes it.
    let request = Request::parse(expected.as_bytes()).unwrap();
    assert_eq!(Accept::check(&request).unwrap().protocols().count(), 2);
    for size in 0..expected.len() {
        let needed = Capacity { needed: expected.len(), available: size };
        assert_eq!(connect.write(&mut vec![0; size]), Err(ConnectError::Capacity(needed)));
    }
    let bare = written(&Connect::new("h", "/", NONCE)).unwrap();
    assert!(!bare.contains("Origin") && !bare.contains("Authorization") && !bare.contains("Protocol"), "{bare}");
}

#[test]
fn basic_credentials_of_every_length() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    for len in 0..20 {
        let password: String = "päss wörd \u{1f980}xyz".chars().cycle().take(len).collect();
        let mut text = [0; 256];
        let n = STANDARD.encode_slice(format!("u:{password}"), &mut text).unwrap();
        let expected = format!("Authorization: Basic {}\r\n", std::str::from_utf8(&text[..n]).unwrap());
        let request = written(&Connect::new("h", "/", NONCE).basic("u", &password)).unwrap();
        assert!(request.contains(&expected), "{expected}{request}");
    }
}

/// tetsuo-pulse #3489, circuits #251, and what embedded-websocket, ws-framer, websocketz and edge-http pass through.
#[test]
fn nothing_is_injected_anywhere() {
    let plain = Connect::new("h", "/", NONCE);
    for bad in ["a\r\nX: y", "a\nb", "a\rb", "a\0b", "\r\n\r\nGET / HTTP/1.1"] {
        let target = format!("/{bad}");
        let field: [(&str, &[u8]); 1] = [("X", bad.as_bytes())];
        let name: [(&str, &[u8]); 1] = [(bad, b"x")];
        let protocols = [bad];
        let cases = [
            (Connect::new(bad, "/", NONCE), ConnectError::Host),
            (Connect::new("h", &target, NONCE), ConnectError::Target),
            (plain.origin(bad), ConnectError::Field),
            (plain.protocols(&protocols), ConnectError::Protocols),
            (plain.basic(bad, ""), ConnectError::Authorization),
            (plain.basic("", bad), ConnectError::Authorization),
            (plain.bearer(bad), ConnectError::Authorization),
            (plain.fields(&field), ConnectError::Field),
            (plain.fields(&name), ConnectError::Field),
        ];
        for (connect, error) in cases {
            assert_eq!(written(&connect), Err(error), "{bad:?}");
        }
    }
    assert_eq!(written(&Connect::new("", "/", NONCE)), Err(ConnectError::Host));
    assert_eq!(written(&Connect::new("h", "x", NONCE)), Err(ConnectError::Target));
    assert_eq!(written(&Connect::new("h", "/#x", NONCE)), Err(ConnectError::Target));
    assert_eq!(written(&plain.protocols(&["a", "b", "a"])), Err(ConnectError::Protocols));
    assert_eq!(written(&plain.protocols(&[""])), Err(ConnectError::Protocols));
    assert_eq!(written(&plain.basic("a:b", "")), Err(ConnectError::Authorization));
    assert_eq!(written(&plain.bearer("")), Err(ConnectError::Authorization));
    for own in
        ["Host", "UPGRADE", "connection", "Sec-WebSocket-Key", "sec-websocket-extensions", "Content-Length", "Origin"]
    {
        assert_eq!(written(&plain.fields(&[(own, b"x")])), Err(ConnectError::Field), "{own}");
    }
}

fn answer(status: &str, fields: &str) -> Result<Option<Option<Vec<u8>>>, HandshakeError> {
    let accept = String::from_utf8(accept_key(KEY.as_bytes()).unwrap().to_vec()).unwrap();
    let mut text = format!("{status}\r\n{}\r\n", fields.replace("KEY", &accept)).into_bytes();
    let connect = Connect::new("h", "/", NONCE).protocols(&["chat", "super"]);
    let response = ResponseHead::parse(&mut text).unwrap();
    connect.check(&response).map(|opened| opened.map(|o| o.protocol().map(<[u8]>::to_vec)))
}

#[test]
fn answers_are_judged_by_all_of_section_4_2_2() {
    const SWITCH: &str = "HTTP/1.1 101 Switching Protocols";
    const GOOD: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n";
    let with = |more: &str| answer(SWITCH, &format!("{GOOD}{more}"));
    assert_eq!(with(""), Ok(Some(None)));
    assert_eq!(with("Sec-WebSocket-Protocol: super\r\nSet-Cookie: a\r\n"), Ok(Some(Some(b"super".to_vec()))));
    assert_eq!(with("Sec-WebSocket-Extensions:\r\n"), Ok(Some(None)), "an empty list names none");
    let firefox = GOOD.replace("Upgrade\r\n", "keep-alive, upgrade\r\n").replace("websocket", "WebSocket");
    assert_eq!(answer(SWITCH, &firefox), Ok(Some(None)));
    let folded = GOOD.replace(": ", ":\r\n \r\n\t");
    assert_eq!(answer(SWITCH, &folded), Ok(Some(None)), "RFC 9112 section 5.2");
    assert_eq!(answer(SWITCH, &GOOD.replace("websocket", "web\r\n socket")), Err(HandshakeError::Upgrade));

    assert_eq!(with("Sec-WebSocket-Protocol: other\r\n"), Err(HandshakeError::Protocol));
    assert_eq!(with("Sec-WebSocket-Protocol: CHAT\r\n"), Err(HandshakeError::Protocol), "byte for byte");
    assert_eq!(with("Sec-WebSocket-Protocol: chat, super\r\n"), Err(HandshakeError::Protocol));
    let twice = "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n";
    assert_eq!(with(twice), Err(HandshakeError::Protocol), "section 11.3.4");
    assert_eq!(with("Sec-WebSocket-Extensions: permessage-deflate\r\n"), Err(HandshakeError::Extension));
    // ws #1235: a quoted value with a comma is one extension, and none was offered.
    assert_eq!(with("Sec-WebSocket-Extensions: a; b=\"c, d\"\r\n"), Err(HandshakeError::Extension));
    assert_eq!(with("Sec-WebSocket-Accept: KEY\r\n"), Err(HandshakeError::Accept), "twice");
    // embedded-websocket took a 101 without fields.
    assert_eq!(answer(SWITCH, ""), Err(HandshakeError::Upgrade));
    for (field, error) in [
        ("Upgrade: websocket\r\n", HandshakeError::Upgrade),
        ("Connection: Upgrade\r\n", HandshakeError::Connection),
        ("Sec-WebSocket-Accept: KEY\r\n", HandshakeError::Accept),
    ] {
        assert_eq!(answer(SWITCH, &GOOD.replace(field, "")), Err(error), "{field} missing");
    }
    assert_eq!(answer(SWITCH, &GOOD.replace("websocket", "h2c")), Err(HandshakeError::Upgrade));
    assert_eq!(answer(SWITCH, &GOOD.replace("KEY", "s3pPLMBiTxaQ9kYGzzhZRbK+xOO=")), Err(HandshakeError::Accept));
    assert_eq!(answer(SWITCH, &GOOD.replace("KEY", "KEY, KEY")), Err(HandshakeError::Accept));
    assert_eq!(answer("HTTP/1.0 101 x", GOOD), Err(HandshakeError::Version));
    for status in [200, 302, 401, 426, 500] {
        assert_eq!(answer(&format!("HTTP/1.1 {status} x"), GOOD), Err(HandshakeError::Status(Status(status))));
    }
    for status in [100, 102, 103, 199] {
        assert_eq!(answer(&format!("HTTP/1.1 {status} x"), ""), Ok(None), "RFC 9110 section 15.2");
    }
}

#[test]
fn what_a_refusal_says_is_the_applications() {
    let mut head = *b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 2\r\n\r\nno";
    let mut scan = HeadScanner::response(Limits::new());
    let n = scan.scan(&head).unwrap().unwrap();
    assert_eq!(&head[n..], b"no");
    let response = ResponseHead::parse(&mut head[..n]).unwrap();
    assert_eq!(Connect::new("h", "/", NONCE).check(&response).err(), Some(HandshakeError::Status(Status(401))));
    assert_eq!(response.fields().get("www-authenticate"), Some(&b"Basic realm=\"x\""[..]));
    assert_eq!(HeadScanner::response(Limits::new()).scan(b"SSH-2.0-OpenSSH\r\n"), Err(HeadError::StatusLine));
}

/// 4,096 bytes one by one cost as many looks as they are, whoever reads the head (RUSTSEC-2023-0065).
#[test]
fn a_response_one_byte_at_a_time_has_the_same_end() {
    let head = format!("HTTP/1.1 101 x\r\n{}\r\n", "X-Filler: 0123456789\r\n".repeat(90));
    let mut scan = HeadScanner::response(Limits::new());
    for n in 0..head.len() {
        assert_eq!(scan.scan(&head.as_bytes()[..n]), Ok(None));
    }
    assert_eq!(scan.scan(head.as_bytes()), Ok(Some(head.len())));
}

#[test]
fn rfc6455_4_1_upgrade_must_equal_websocket() {
    for upgrade in ["h2c, websocket", "websocket, websocket", "websocket,", "websocket/13", "\"websocket\""] {
        let fields = format!("Upgrade: {upgrade}\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n");
        assert_eq!(answer("HTTP/1.1 101 x", &fields), Err(HandshakeError::Upgrade), "{upgrade}");
    }
    let twice = "Upgrade: websocket\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n";
    assert_eq!(
        answer("HTTP/1.1 101 x", twice),
        Err(HandshakeError::Upgrade),
        "two fields make the list `websocket, websocket`"
    );
}

#[test]
fn debug_of_a_connect_shows_no_secret() {
    let fields: [(&str, &[u8]); 1] = [("Cookie", b"session=SECRET")];
    let connect = Connect::new("h", "/chat?token=SECRET", *b"SECRETSECRETSECR")
        .protocols(&["bearer.SECRET"])
        .basic("me", "SECRET")
        .fields(&fields);
    let text = format!("{connect:?}");
    assert!(!text.contains("SECRET") && !text.contains("83, 69, 67"), "{text}");
    assert!(text.contains("/chat"), "{text}");
}
