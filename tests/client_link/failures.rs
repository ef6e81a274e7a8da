use crate::host::{Host, at, config, frame, leak, open_packet, switching};
use sansocket::{
    endpoint::client::{Failure, Line, Link, Task, WebSocketLink},
    engineio::PeerError,
    http::Status,
    ws::{self, ConnectError, HandshakeError},
};

const WS: Line = Line::WebSocket;

fn websocket() -> Host<WebSocketLink<'static>> {
    let mut host = Host::new(WebSocketLink::new(leak(config("ws://h"))));
    host.start();
    host
}

/// What the server writes, whether it ends the line then, and how that is called. Each failure is told whatever the cut is.
#[test]
fn answers_to_a_websocket_handshake_that_fail() {
    let text = |status: &str, body: &str| {
        format!("HTTP/1.1 {status} x\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .into_bytes()
    };
    let ended = |status: &str, body: &str| format!("HTTP/1.0 {status} x\r\n\r\n{body}").into_bytes();
    let after = |bytes: &[u8]| [switching(), bytes.to_vec()].concat();
    let tls = "<center>The plain HTTP request was sent to HTTPS port</center>";
    let chunked =
        b"HTTP/1.1 400 x\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\nUnsupported protocol version\r\n0\r\n\r\n";
    let wrong = String::from_utf8(switching()).unwrap().replace("Accept: ", "Accept: x").into_bytes();
    // What the JavaScript server does with a version that it does not know.
    let broken = PeerError::WebSocket(ws::PeerError::ReservedBits);
    let cases: [(Vec<u8>, bool, Failure); 25] = [
        (format!("HTTP/1.1 101 x\r\n{}", "A: b\r\n".repeat(100)).into_bytes(), false, Failure::TooLarge),
        (text("404", "<html>"), false, Failure::NotEngineIo(Status(404))),
        (text("503", "busy"), false, Failure::NotEngineIo(Status(503))),
        (text("301", ""), false, Failure::Redirect(Status(301))),
        (text("403", "<html>proxy"), false, Failure::UpgradeRefused(Status(403))),
        (text("400", "Bad request"), false, Failure::UpgradeRefused(Status(400))),
        (text("200", "hello"), false, Failure::UpgradeRefused(Status(200))),
        (text("426", ""), false, Failure::UpgradeRefused(Status(426))),
        (
            text("400", r#"{"code":"3","message":"Bad request"}"#),
            false,
            Failure::Refused { status: Status(400), code: 3 },
        ),
        (text("403", r#"{"code":4,"message":"Forbidden"}"#), false, Failure::Refused { status: Status(403), code: 4 }),
        (text("400", "Unsupported protocol version"), false, Failure::Version),
        (text("400", r#"{"code":5,"message":"x"}"#), false, Failure::Version),
        (chunked.to_vec(), false, Failure::Version),
        (text("400", tls), false, Failure::TlsExpected),
        (ended("400", "Client sent an HTTP request to an HTTPS server.\n"), true, Failure::TlsExpected),
        (ended("400", "what"), true, Failure::UpgradeRefused(Status(400))),
        (b"\x15\x03\x01\x00\x02\x02\x46".to_vec(), false, Failure::TlsExpected),
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), false, Failure::NotHttp),
        (b"HTTP/1.1 200 x\r\nbad\r\n\r\n".to_vec(), false, Failure::NotHttp),
        (Vec::new(), true, Failure::Unanswered),
        (switching(), true, Failure::Lost),
        (wrong, false, Failure::Handshake(HandshakeError::Accept)),
        (after(b"HTTP/1.1 400 Bad Request\r\n\r\n"), false, Failure::Engine(broken)),
        (after(&frame("hello")), false, Failure::NotEngineIo(Status(101))),
        (after(&frame("40")), false, Failure::NotEngineIo(Status(101))),
    ];
    for (bytes, ends, expected) in cases {
        for cut in 0..=bytes.len() {
            let mut host = websocket();
            host.feed(WS, &bytes[..cut]);
            host.feed(WS, &bytes[cut..]);
            if ends {
                host.eof(WS);
            }
            let shown = String::from_utf8_lossy(&bytes);
            assert_eq!(host.failure(), Some(expected), "{shown} cut at {cut}");
            assert!(host.told.len() == 1 && host.told[0].starts_with("closed: "), "{:?} {shown}", host.told);
            host.wait(2000);
            assert!(host.link.is_over() && !host.link.is_open() && host.link.poll_timeout().is_none());
            assert_eq!(host.tasks, [Task::Open(WS), Task::Close(WS)], "{shown}");
        }
    }
}

#[test]
fn failures_without_an_answer() {
    // Refused.
    let mut host = Host::new(WebSocketLink::new(leak(config("ws://h"))));
    host.reachable = false;
    host.start();
    assert_eq!((host.failure(), host.told.len()), (Some(Failure::Unreachable), 1));
    assert_eq!(host.told, ["closed: transport error"]);
    // No answer, in any phase.
    for phase in 0..4 {
        let mut host = Host::new(WebSocketLink::new(leak(config("ws://h").open_timeout(7000))));
        host.opens = phase > 0;
        host.start();
        match phase {
            2 => host.feed(WS, b"HTTP/1.1 101 Swi"),
            3 => host.feed(WS, &switching()),
            _ => {}
        }
        assert_eq!(host.link.poll_timeout(), Some(at(7000)));
        host.wait(7000);
        assert_eq!(host.failure(), Some(Failure::TimedOut), "{phase}");
        host.wait(2000);
        assert_eq!(host.tasks, [Task::Open(WS), Task::Close(WS)]);
        // Too late.
        let wire = &mut host.wires[WS as usize];
        host.link.opened(WS, &mut wire.inbox, &mut wire.outbox, [0; 16]);
        host.turn();
        assert_eq!((host.tasks.len(), host.told.len()), (2, 1));
    }
    // A refusal whose body does not end.
    let mut host = websocket();
    host.feed(WS, b"HTTP/1.1 400 x\r\n\r\nabc");
    host.wait(20_000);
    assert_eq!(host.failure(), Some(Failure::UpgradeRefused(Status(400))));
    // A line that fails.
    let mut host = websocket();
    host.error(WS);
    assert_eq!(
        (host.failure(), host.told.as_slice()),
        (Some(Failure::Unanswered), &["closed: transport error".to_owned()][..])
    );
}

#[test]
fn failures_of_an_open_session() {
    let open = |bytes: &[u8]| {
        let mut host = websocket();
        host.feed(WS, &[switching(), frame(&open_packet("")), bytes.to_vec()].concat());
        host
    };
    let broken = PeerError::WebSocket(ws::PeerError::ReservedBits);
    let cases: [(Vec<u8>, Failure, &str); 5] = [
        (b"HTTP/1.1 400 Bad Request\r\n".to_vec(), Failure::Engine(broken), "transport error"),
        (frame("7"), Failure::Engine(PeerError::UnknownPacket), "parse error"),
        (frame("1"), Failure::Closed, "transport close"),
        (b"\x88\x00".to_vec(), Failure::Closed, "transport close"),
        (b"\x82\x7f\0\0\0\0\x7f\xff\xff\xff".to_vec(), Failure::TooLarge, "transport error"),
    ];
    for (bytes, failure, reason) in cases {
        let host = open(&bytes);
        assert_eq!(host.told, ["opened".to_owned(), format!("closed: {reason}")]);
        assert_eq!(host.failure(), Some(failure));
    }
    let mut host = open(b"");
    host.error(WS);
    assert_eq!((host.failure(), host.told[1].as_str()), (Some(Failure::Lost), "closed: transport error"));
}

#[test]
fn requests_that_cannot_be_written() {
    let cases = [
        (config("ws://h").path("x"), ConnectError::Target),
        (config("ws://h").path("/x?y=z"), ConnectError::Target),
        (config("ws://h").query("a b"), ConnectError::Target),
        (config("ws://h").fields(&[("Host", b"x")]), ConnectError::Field),
        (config("ws://h").fields(&[("A", b"x\r\nB: c")]), ConnectError::Field),
        (config("ws://h").fields(&[("connection", b"close")]), ConnectError::Field),
    ];
    for (config, error) in cases {
        let mut host = Host::new(WebSocketLink::new(leak(config)));
        host.start();
        assert_eq!((host.failure(), host.sent(WS)), (Some(Failure::Config(error)), Vec::new()));
        assert_eq!(host.tasks, [Task::Open(WS), Task::Close(WS)]);
    }
}

/// Each sentence says what happened, and behind a semicolon or colon what to do.
#[test]
fn each_failure_is_a_sentence() {
    let all = [
        Failure::Unreachable,
        Failure::Lost,
        Failure::Unanswered,
        Failure::TimedOut,
        Failure::Config(ConnectError::Field),
        Failure::NotEngineIo(Status(200)),
        Failure::NotEngineIo(Status(101)),
        Failure::NotEngineIo(Status(404)),
        Failure::NotEngineIo(Status(503)),
        Failure::Redirect(Status(301)),
        Failure::Refused { status: Status(400), code: 0 },
        Failure::Refused { status: Status(400), code: 1 },
        Failure::Refused { status: Status(400), code: 2 },
        Failure::Refused { status: Status(400), code: 3 },
        Failure::Refused { status: Status(403), code: 4 },
        Failure::Version,
        Failure::UpgradeRefused(Status(403)),
        Failure::Handshake(HandshakeError::Accept),
        Failure::NotHttp,
        Failure::TlsExpected,
        Failure::Engine(PeerError::UnknownPacket),
        Failure::Socket(sansocket::socketio::PeerError::UnknownPacket),
        Failure::TooLarge,
        Failure::PingTimeout,
        Failure::Closed,
    ];
    let shown: std::collections::BTreeSet<_> = all.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), all.len());
    for text in shown {
        assert!(text.contains("; ") && text.len() < 160 && !text.ends_with('.'), "{text}");
    }
}
