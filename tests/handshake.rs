//! The opening handshake of a server, rule by rule (RFC 6455 section 4.2.1).

use sansocket::{
    http::{HeadError, HeadScanner, Limits, Request, ResponseError, Status},
    ws::{Accept, RequestError, accept_key, is_upgrade, refuse},
};

const GOOD: [(&str, &str); 5] = [
    ("Host", "a"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
];

fn head(line: &str, fields: &[(&str, &str)]) -> String {
    let fields: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{line}\r\n{fields}\r\n")
}

/// The good request with one field replaced by what `lines` says, or left out.
fn with(field: &str, lines: &[&str]) -> String {
    let mut fields: Vec<(&str, &str)> = GOOD.into_iter().filter(|(name, _)| *name != field).collect();
    fields.extend(lines.iter().map(|value| (field, *value)));
    head("GET / HTTP/1.1", &fields)
}

fn check(head: &str) -> Result<(), RequestError> {
    Accept::check(&Request::parse(head.as_bytes()).unwrap()).map(|_| ())
}

#[test]
fn every_rule_of_section_4_2_1_has_its_refusal_and_status() {
    use RequestError as E;
    let get = |line| head(line, &GOOD);
    let cases = [
        ("as it should be", get("GET /chat HTTP/1.1"), Ok(())),
        ("POST", get("POST / HTTP/1.1"), Err((E::Method, 405))),
        ("HEAD", get("HEAD / HTTP/1.1"), Err((E::Method, 405))),
        ("HTTP/1.0", get("GET / HTTP/1.0"), Err((E::Upgrade, 426))),
        ("no Upgrade", with("Upgrade", &[]), Err((E::Upgrade, 426))),
        ("another protocol", with("Upgrade", &["h2c"]), Err((E::Upgrade, 426))),
        ("one of several protocols", with("Upgrade", &["h2c, WebSocket"]), Ok(())),
        ("several lines", with("Upgrade", &["h2c", "websocket"]), Ok(())),
        ("a longer name", with("Upgrade", &["websocket2"]), Err((E::Upgrade, 426))),
        ("no Connection", with("Connection", &[]), Err((E::Connection, 400))),
        ("as Firefox sends it", with("Connection", &["keep-alive, Upgrade"]), Ok(())),
        ("split over lines", with("Connection", &["keep-alive", "UPGRADE"]), Ok(())),
        ("close", with("Connection", &["close"]), Err((E::Connection, 400))),
        ("the grammar has no quotes", with("Connection", &["\", upgrade"]), Ok(())),
        ("a quote in Upgrade", with("Upgrade", &["\"h2c, websocket"]), Ok(())),
        ("in a quoted string", with("Connection", &["\"x, upgrade\""]), Err((E::Connection, 400))),
        ("no version", with("Sec-WebSocket-Version", &[]), Err((E::Version, 426))),
        ("an older version", with("Sec-WebSocket-Version", &["8"]), Err((E::Version, 426))),
        ("two versions in a line", with("Sec-WebSocket-Version", &["13, 8"]), Err((E::Version, 426))),
        ("an empty member", with("Sec-WebSocket-Version", &["13,"]), Err((E::Version, 426))),
        ("two versions in two lines", with("Sec-WebSocket-Version", &["13", "13"]), Err((E::Version, 426))),
        ("013", with("Sec-WebSocket-Version", &["013"]), Err((E::Version, 426))),
        ("no key", with("Sec-WebSocket-Key", &[]), Err((E::Key, 400))),
        ("an empty key", with("Sec-WebSocket-Key", &[""]), Err((E::Key, 400))),
        ("two keys", with("Sec-WebSocket-Key", &[GOOD[3].1, GOOD[3].1]), Err((E::Key, 400))),
        ("15 bytes", with("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25j"]), Err((E::Key, 400))),
        ("17 bytes", with("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25jZXg="]), Err((E::Key, 400))),
        ("18 bytes", with("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25jZXh4"]), Err((E::Key, 400))),
        ("stray bits", with("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25jZR=="]), Err((E::Key, 400))),
        ("another alphabet", with("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25_ZQ=="]), Err((E::Key, 400))),
        ("no padding", with("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25jZQ"]), Err((E::Key, 400))),
        ("a very long key", with("Sec-WebSocket-Key", &[&"A".repeat(200)]), Err((E::Key, 400))),
        ("no body", with("Content-Length", &["0"]), Ok(())),
        ("a body", with("Content-Length", &["5"]), Err((E::Body, 400))),
        ("a chunked body", with("Transfer-Encoding", &["chunked"]), Err((E::Body, 400))),
        ("two lengths", with("Content-Length", &["0", "5"]), Err((E::Body, 400))),
        ("protocols", with("Sec-WebSocket-Protocol", &["a, b", "c"]), Ok(())),
        ("no token", with("Sec-WebSocket-Protocol", &["a b"]), Err((E::Protocols, 400))),
    ];
    for (name, head, expected) in cases {
        assert_eq!(check(&head), expected.map_err(|(e, _)| e), "{name}");
        if let Err((error, status)) = expected {
            assert_eq!(error.status(), Status(status), "{name}");
            let mut out = [0; 320];
            let n = refuse(error, &mut out).unwrap();
            let answer = str::from_utf8(&out[..n]).unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.contains("Connection: close"), "{answer}");
            assert_eq!(answer.contains("Sec-WebSocket-Version: 13\r\n"), status == 426, "{answer}");
            for size in 0..n {
                assert_eq!(refuse(error, &mut out[..size]).unwrap_err().needed, n);
            }
        }
    }
}

#[test]
fn names_and_values_ignore_case_where_the_rfc_says_so() {
    let mixed = head(
        "GET / HTTP/1.1",
        &[
            ("hOST", "a"),
            ("UPGRADE", "WebSocket"),
            ("connection", "uPGRADE"),
            ("SEC-WEBSOCKET-KEY", GOOD[3].1),
            ("sec-websocket-version", "13"),
        ],
    );
    assert_eq!(check(&mixed), Ok(()));
}

#[test]
fn the_answer_has_the_accept_key_once_and_nothing_can_be_injected() {
    let head = with("Sec-WebSocket-Protocol", &["soap, chat", "wamp"]);
    let request = Request::parse(head.as_bytes()).unwrap();
    assert!(is_upgrade(&request));
    let accept = Accept::check(&request).unwrap();
    assert_eq!(accept.protocols().collect::<Vec<_>>(), [b"soap".as_slice(), b"chat", b"wamp"]);
    assert_eq!(accept.protocol(b"cha").unwrap_err(), RequestError::Protocol);
    let accept = accept.protocol(b"chat").unwrap();
    let mut out = [0; 512];
    let n = accept.write(&[("X-Extra", b"1")], &mut out).unwrap();
    assert_eq!(
        str::from_utf8(&out[..n]).unwrap(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\nX-Extra: 1\r\n\r\n"
    );
    for size in 0..n {
        let result = accept.write(&[("X-Extra", b"1")], &mut out[..size]);
        assert!(matches!(result, Err(ResponseError::Capacity(e)) if e.needed == n), "{size}");
    }
    let bad: [(&str, &[u8]); 9] = [
        ("X", b"a\r\nSet-Cookie: b"),
        ("X", b"a\nb"),
        ("X", b"a\0"),
        ("X\r\nY", b""),
        ("", b""),
        ("Sec-WebSocket-Accept", b"x"),
        ("sec-websocket-extensions", b"permessage-deflate"),
        ("Connection", b"close"),
        ("Content-Length", b"5"),
    ];
    for field in bad {
        assert_eq!(accept.write(&[field], &mut out), Err(ResponseError::Field), "{field:?}");
    }
    assert_eq!(accept_key(b"short"), Err(RequestError::Key));
}

/// The answer is the same wherever the head is cut, and the first frames behind it are not touched (async-http-client #1095).
#[test]
fn a_head_one_byte_at_a_time_is_found_at_the_same_place() {
    let mut bytes = with("X", &["y"]).into_bytes();
    let len = bytes.len();
    bytes.extend(b"\x81\x80\0\0\0\0");
    let mut head = HeadScanner::new(Limits::new());
    let end = (0..=bytes.len()).find_map(|n| head.scan(&bytes[..n]).unwrap());
    assert_eq!(end, Some(len));
    assert_eq!(HeadScanner::new(Limits::new()).scan(&bytes), Ok(Some(len)));
}

/// RFC 9112 section 3.2: 400 for a `Host` that is no `uri-host [ ":" port ]`. RFC 3986 section 3.2.
#[test]
fn rfc9112_3_2_an_invalid_host_is_refused() {
    let parse = |target: &str, host: &str| {
        let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        Request::parse(head.as_bytes()).map(|_| ())
    };
    for good in [
        "h",
        "h:80",
        "h:",
        "h:0",
        "h:65535",
        "h:00080",
        "",
        "[::1]",
        "[::1]:80",
        "127.0.0.1",
        "a_b",
        "h%20",
        "a!b",
        "2130706433",
    ] {
        assert_eq!(parse("/", good), Ok(()), "{good}");
        if !good.is_empty() {
            assert_eq!(parse(&format!("http://{good}/x"), ""), Ok(()), "{good}");
        }
    }
    let bad = [
        "a:b:c",
        "h:port",
        "h:99999",
        "h:65536",
        "h:-1",
        "h:+1",
        ":80",
        ":",
        "[",
        "]",
        "[]",
        "[::1",
        "::1]",
        "[::1]x",
        "[::1]:x",
        "[1.2.3.4]",
        "[v1.x]",
        "[fe80::1%25en0]",
        "h%zz",
        "h%2",
        "h%",
        "u@h",
        "u:p@h",
        "@",
        "@h",
        "h[",
        "h]",
    ];
    let mut taken = Vec::new();
    for bad in bad {
        if parse("/", bad) != Err(HeadError::Host) {
            taken.push(format!("Host: {bad}"));
        }
        if parse(&format!("http://{bad}/"), "h") != Err(HeadError::RequestLine) {
            taken.push(format!("http://{bad}/"));
        }
    }
    assert!(taken.is_empty(), "taken: {taken:?}");
}

/// RFC 9112 section 2.2: empty lines in front of a request line are ignored.
#[test]
fn rfc9112_2_2_empty_lines_in_front_of_a_request_are_ignored() {
    for lines in [1, 2, 9] {
        let head = format!("{}{}", "\r\n".repeat(lines), with("X", &["y"]));
        for cut in 0..head.len() {
            let mut scan = HeadScanner::new(Limits::new());
            assert_eq!(scan.scan(&head.as_bytes()[..cut]), Ok(None), "{cut}");
            assert_eq!(scan.scan(head.as_bytes()), Ok(Some(head.len())), "{cut}");
        }
        assert_eq!(check(&head), Ok(()));
    }
    let endless = "\r\n".repeat(5000);
    assert_eq!(HeadScanner::new(Limits::new()).scan(endless.as_bytes()), Err(HeadError::TooManyLines));
    assert_eq!(HeadScanner::new(Limits::new()).scan(b"\n"), Err(HeadError::RequestLine), "not a bare LF");
    assert_eq!(HeadScanner::new(Limits::new()).scan(b"\r\r"), Err(HeadError::ControlByte));
}
