use crate::host::{Host, at, config, frame, leak, masked, open_packet, switching};
use sansocket::{
    endpoint::client::{Failure, FullLink, Line, Link, Task},
    engineio::{PeerError, Transport},
    http::Status,
    ws::{ConnectError, Limits},
};

const WS: Line = Line::WebSocket;
const GET: Line = Line::Get;
const POST: Line = Line::Post;

type Full = Host<FullLink<'static>>;

fn link(url: &'static str) -> FullLink<'static> {
    FullLink::new(leak(config(url)))
}

fn answer(body: &str) -> Vec<u8> {
    refusal(200, body)
}

fn refusal(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} x\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

fn chunked(body: &str, size: usize) -> Vec<u8> {
    let mut all = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.as_bytes().chunks(size) {
        all.extend(format!("{:x};x=y\r\n", chunk.len()).bytes());
        all.extend(chunk);
        all.extend(b"\r\n");
    }
    all.extend(b"0\r\nTrailer: x\r\n\r\n");
    all
}

const HEAD: &str = "HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nAccept: */*\r\n";

fn get(sid: &str) -> String {
    format!("GET /socket.io/?EIO=4&transport=polling{sid} {HEAD}\r\n")
}

fn post(body: &str) -> String {
    format!(
        "POST /socket.io/?EIO=4&transport=polling&sid=S1 {HEAD}Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Open over polling, without an offer to upgrade. The second GET was sent.
fn opened() -> Full {
    let mut host = Host::with_memory(link("http://h"), 64, 512);
    host.start();
    host.feed(GET, &answer(&open_packet("")));
    assert_eq!(host.told, ["opened"]);
    assert_eq!(host.sent_text(GET), get("") + &get("&sid=S1"));
    assert_eq!(host.tasks, [Task::Open(GET), Task::Open(POST)]);
    host
}

#[test]
fn packets_come_by_gets_and_go_by_posts() {
    let mut host = opened();
    assert!(host.link.is_open() && host.link.is_writable());
    host.send(&["a", "b"]);
    assert_eq!(host.sent_text(POST), post("4a\x1e4b"));
    assert!(!host.link.is_writable());
    host.send(&["c"]);
    assert_eq!(host.sent_text(POST), "");
    host.feed(POST, &answer("ok"));
    assert_eq!(host.sent_text(POST), post("4c"));
    host.feed(POST, &chunked("whatever", 3));
    assert!(host.link.is_writable());
    host.feed(GET, &answer("4x\x1e2\x1ebAQID\x1e4y"));
    assert_eq!(host.told[1..], ["message x", "message [1, 2, 3]", "message y"]);
    assert_eq!((host.sent_text(GET), host.sent_text(POST)), (get("&sid=S1"), post("3")));
    assert_eq!(host.tasks.len(), 2, "the connections are kept");
    assert_eq!(host.seen[1..], ["> a", "> b", "> c", "< x", "< ping", "< [1, 2, 3]", "< y", "> pong"]);
}

/// Any cut of the answers, however their end is told, with memory of any size.
#[test]
fn any_cut_of_the_answers_gives_the_same() {
    let long = "é".repeat(200);
    let body = format!("4x\x1e2\x1ebAQID\x1e4{long}\x1e4y");
    let until_eof = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n{body}").into_bytes();
    let http10 = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes();
    let interim = [b"HTTP/1.1 103 x\r\nLink: y\r\n\r\n".to_vec(), answer(&body)].concat();
    let expected =
        ["opened", "message x", "message [1, 2, 3]", &format!("message {long}"), "message y"].map(str::to_owned);
    // Whether the server ends the connection, and whether the link opens another one.
    let cases = [
        (answer(&body), false, false),
        (chunked(&body, 1), false, false),
        (chunked(&body, 100), false, false),
        (interim, false, false),
        (until_eof, true, true),
        (http10, false, true),
    ];
    for (bytes, ends, reopens) in cases {
        for cut in (0..=bytes.len()).step_by(if bytes.len() > 1000 { 7 } else { 1 }) {
            for memory in [0, 50] {
                let mut host = Host::with_memory(link("http://h"), memory, memory);
                host.start();
                let first = answer(&open_packet(""));
                let at = cut % first.len();
                host.feed(GET, &first[..at]);
                host.feed(GET, &first[at..]);
                host.sent(GET);
                host.feed(GET, &bytes[..cut]);
                host.feed(GET, &bytes[cut..]);
                if ends {
                    host.eof(GET);
                }
                assert_eq!(
                    host.told,
                    expected,
                    "{cut} {:?} {:?} {}",
                    host.tasks,
                    host.failure(),
                    String::from_utf8_lossy(&bytes[..60])
                );
                assert_eq!(host.wires[GET as usize].opened, 1 + usize::from(reopens), "{cut} {:?}", host.tasks);
                assert_eq!(host.sent_text(GET), get("&sid=S1"), "{cut}");
                assert_eq!(host.sent_text(POST), post("3"));
            }
        }
    }
}

#[test]
fn a_connection_that_the_server_has_closed_is_opened_again() {
    // One that is idle is opened when it is needed.
    let mut host = opened();
    host.send(&["a"]);
    host.feed(POST, &answer("ok"));
    host.eof(POST);
    assert_eq!(host.wire(POST).opened, 1);
    host.send(&["b"]);
    assert_eq!((host.wire(POST).opened, host.sent_text(POST)), (2, post("4b")));
    host.feed(POST, &answer("ok"));
    assert_eq!(host.failure(), None);
    // Bytes behind an answer answer nothing.
    let mut stray = Host::with_memory(link("http://h"), 500, 500);
    stray.start();
    stray.feed(GET, &[answer(&open_packet("")), b"stray".to_vec()].concat());
    assert_eq!((stray.wire(GET).opened, stray.sent_text(GET)), (2, get("&sid=S1")));
    // A connection is closed if the server sends an answer to no request.
    host.feed(POST, &refusal(408, ""));
    assert_eq!(host.tasks.last(), Some(&Task::Close(POST)));
    host.send(&["c"]);
    assert_eq!(host.sent_text(POST), post("4c"));
    assert!(host.link.is_open());
}

#[test]
fn a_get_is_not_sent_twice() {
    // The server sends no packet twice, and a proxy may have lost an answer that had packets.
    for bytes in
        ["", "H", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n4"]
    {
        for fails in [false, true] {
            let mut host = opened();
            host.feed(GET, &answer("4a"));
            host.sent(GET);
            host.feed(GET, bytes.as_bytes());
            if fails {
                host.error(GET)
            } else {
                host.eof(GET)
            }
            assert_eq!((host.failure(), host.sent_text(GET)), (Some(Failure::Lost), String::new()), "{bytes} {fails}");
            assert_eq!(host.told, ["opened", "message a", "closed: transport error"]);
        }
    }
}

#[test]
fn a_post_is_not_sent_twice() {
    let used = || {
        let mut host = opened();
        host.send(&["a"]);
        host.feed(POST, &answer("ok"));
        host.sent(POST);
        host
    };
    // It was written, in part or whole.
    for takes in [1, 10, usize::MAX] {
        let mut host = used();
        host.takes = takes;
        host.queue.0.push_back(b"b".to_vec());
        if takes < 100 {
            host.takes = 0;
            host.turn();
            host.takes = takes;
            let wire = host.wire(POST);
            wire.outbox.consume(takes);
        } else {
            host.turn();
        }
        host.eof(POST);
        assert_eq!((host.failure(), host.link.is_open()), (Some(Failure::Lost), false), "{takes}");
        assert_eq!(host.told.last().unwrap(), "closed: transport error");
        assert_eq!(host.sent_text(POST), "", "the rest of it goes nowhere");
    }
    // No byte of it was.
    let mut host = used();
    host.takes = 0;
    host.send(&["b"]);
    host.takes = usize::MAX;
    host.eof(POST);
    assert_eq!((host.sent_text(POST), host.wire(POST).opened, host.failure()), (post("4b"), 2, None));
    host.feed(POST, &answer("ok"));
    host.send(&["c"]);
    assert_eq!(host.sent_text(POST), post("4c"));
    // By a caller that writes before it transmits.
    let mut host = used();
    host.takes = 0;
    host.send(&["b"]);
    (host.takes, host.opens) = (usize::MAX, false);
    host.eof(POST);
    host.open(POST);
    let wire = host.wire(POST);
    let early = wire.outbox.written().to_vec();
    wire.outbox.consume(usize::MAX);
    host.turn();
    assert_eq!((String::from_utf8_lossy(&early).into_owned(), host.failure()), (post("4b"), None));
    host.feed(POST, &answer("ok"));
    assert!(host.link.is_open() && host.sent(POST).is_empty());
    // Over a fresh connection.
    let mut host = opened();
    host.send(&["a"]);
    host.eof(POST);
    assert_eq!(host.failure(), Some(Failure::Lost));
}

#[test]
fn bodies_of_posts_have_at_most_16_packets_and_fit_the_memory() {
    let mut host = Host::with_memory(link("http://h"), 64, 260);
    host.start();
    host.feed(GET, &answer(&open_packet("")));
    host.send(&["x"; 20]);
    host.queue.0.push_back(vec![0; 200]);
    let mut bodies = Vec::new();
    loop {
        let sent = host.sent_text(POST);
        let Some((head, body)) = sent.split_once("\r\n\r\n") else { break };
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())));
        bodies.push(body.split('\x1e').count());
        host.feed(POST, &answer("ok"));
    }
    assert!(bodies.iter().all(|n| *n <= 16) && bodies.iter().sum::<usize>() == 21, "{bodies:?}");
    assert!(bodies.len() > 2, "{bodies:?}");
    assert!(host.queue.0.is_empty());
}

#[test]
fn close_sends_what_waits_and_the_close_packet() {
    let mut host = opened();
    host.send(&["a"]);
    host.sent(POST);
    host.queue.0.push_back(b"b".to_vec());
    host.link.close(at(0));
    host.turn();
    assert_eq!((host.told[1].as_str(), host.failure()), ("closed: forced close", None));
    assert!(host.link.is_over() && !host.link.is_open());
    assert_eq!(host.tasks.len(), 2);
    host.feed(POST, &answer("ok"));
    assert_eq!(host.sent_text(POST), post("4b"));
    host.feed(POST, &answer("ok"));
    assert_eq!(host.sent_text(POST), post("1"));
    host.feed(GET, &answer("6"));
    assert_eq!(host.sent_text(GET), "");
    host.feed(POST, &answer("ok"));
    assert_eq!(host.tasks[2..], [Task::Close(GET), Task::Close(POST)]);
    assert_eq!((host.told.len(), host.link.poll_timeout()), (2, None));
    // A server that does not answer.
    let mut host = opened();
    host.link.close(at(0));
    host.turn();
    assert_eq!((host.sent_text(POST), host.link.poll_timeout()), (post("1"), Some(at(2000))));
    host.wait(2000);
    assert_eq!((&host.tasks[2..], host.link.poll_timeout()), (&[Task::Close(GET), Task::Close(POST)][..], None));
    // One that ends the line.
    let mut host = opened();
    host.link.close(at(0));
    host.turn();
    host.eof(POST);
    assert_eq!((host.tasks.len(), host.link.poll_timeout(), host.failure()), (4, None, None));
    // With the line to be opened first.
    let mut host = opened();
    host.eof(POST);
    host.link.close(at(0));
    host.turn();
    assert_eq!(host.sent_text(POST), post("1"));
    // Before it is open.
    let mut host = Host::new(link("http://h"));
    host.start();
    host.link.close(at(0));
    host.turn();
    assert_eq!(host.tasks, [Task::Open(GET), Task::Close(GET)]);
    assert_eq!((host.told, host.link.failure()), (vec!["closed: forced close".to_owned()], None));
}

/// What answers the first GET, whether the server ends the line then, and how that is called.
#[test]
fn answers_to_the_first_get_that_fail() {
    let status = |status| Failure::NotEngineIo(Status(status));
    let tls = "<center>The plain HTTP request was sent to HTTPS port</center>";
    let cases: [(Vec<u8>, bool, Failure); 24] = [
        (refusal(404, "<html>"), false, status(404)),
        (refusal(503, "busy"), false, status(503)),
        (refusal(204, ""), false, status(204)),
        (answer("<html>It works!</html>"), false, status(200)),
        (answer(""), false, status(200)),
        (answer("4hello"), false, status(200)),
        (answer("0{}"), false, status(200)),
        (refusal(301, ""), false, Failure::Redirect(Status(301))),
        (
            refusal(400, r#"{"code":3,"message":"Bad request"}"#),
            false,
            Failure::Refused { status: Status(400), code: 3 },
        ),
        (refusal(403, r#"{"code":"4","message":"no"}"#), false, Failure::Refused { status: Status(403), code: 4 }),
        (refusal(400, r#"{"code":5,"message":"Unsupported protocol version"}"#), false, Failure::Version),
        (
            answer(r#"85:0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":5000}2:40"#),
            false,
            Failure::Version,
        ),
        (refusal(400, tls), false, Failure::TlsExpected),
        (
            b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n".to_vec(),
            true,
            Failure::TlsExpected,
        ),
        (b"\x15\x03\x01\x00\x02\x02\x46".to_vec(), false, Failure::TlsExpected),
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), false, Failure::NotHttp),
        (b"HTTP/1.1 200 x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_vec(), false, Failure::NotHttp),
        (b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nxyz".to_vec(), false, Failure::NotHttp),
        (switching(), false, Failure::NotHttp),
        (Vec::new(), true, Failure::Unanswered),
        (b"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\n0{".to_vec(), true, Failure::Lost),
        (b"HTTP/1.1 502 x\r\nContent-Length: 9\r\n\r\n0{".to_vec(), true, status(502)),
        (b"HTTP/1.1 200 x\r\nContent-Length: 1001\r\n\r\n".to_vec(), false, Failure::TooLarge),
        ([&b"HTTP/1.1 200 x\r\n\r\n"[..], &[b'x'; 1001]].concat(), false, Failure::TooLarge),
    ];
    for (bytes, ends, expected) in cases {
        for cut in (0..=bytes.len()).filter(|n| *n < 200) {
            let mut host = Host::new(FullLink::new(leak(config("http://h").limits(Limits::new().message(1000)))));
            host.start();
            host.feed(GET, &bytes[..cut]);
            host.feed(GET, &bytes[cut..]);
            if ends {
                host.eof(GET);
            }
            let shown = String::from_utf8_lossy(&bytes);
            assert_eq!(host.failure(), Some(expected), "{shown} cut at {cut}");
            assert!(host.told.len() == 1 && host.told[0].starts_with("closed: "), "{:?} {shown}", host.told);
            assert!(host.link.is_over() && !host.link.is_open() && host.link.poll_timeout().is_none());
            assert_eq!(host.tasks, [Task::Open(GET), Task::Close(GET)], "{shown}");
        }
    }
}

#[test]
fn failures_of_an_open_session() {
    let cases: [(Line, Vec<u8>, Failure, &str); 6] = [
        (GET, answer("1"), Failure::Closed, "transport close"),
        (GET, answer("4a\x1e7"), Failure::Engine(PeerError::UnknownPacket), "parse error"),
        (
            GET,
            refusal(400, r#"{"code":1,"message":"Session ID unknown"}"#),
            Failure::Refused { status: Status(400), code: 1 },
            "transport error",
        ),
        (POST, refusal(413, ""), Failure::NotEngineIo(Status(413)), "transport error"),
        (POST, b"nonsense".to_vec(), Failure::NotHttp, "transport error"),
        (POST, refusal(400, r#"{"code":1}"#), Failure::Refused { status: Status(400), code: 1 }, "transport error"),
    ];
    for (line, bytes, failure, reason) in cases {
        let mut host = opened();
        host.send(&["a"]);
        host.feed(line, &bytes);
        assert_eq!((host.failure(), host.told.last()), (Some(failure), Some(&format!("closed: {reason}"))));
        host.wait(2000);
        let mut tasks = host.tasks[2..].to_vec();
        tasks.sort_by_key(|t| format!("{t:?}"));
        assert_eq!(tasks, [Task::Close(GET), Task::Close(POST)], "{failure:?}");
        assert_eq!(host.link.poll_timeout(), None);
    }
    // A server that says nothing more.
    let mut host = opened();
    host.wait(45_000);
    assert_eq!((host.failure(), host.told[1].as_str()), (Some(Failure::PingTimeout), "closed: ping timeout"));
    assert_eq!(host.tasks[2..], [Task::Close(GET), Task::Close(POST)]);
    // A line that cannot be opened any more.
    let mut host = opened();
    host.reachable = false;
    host.eof(POST);
    host.send(&["a"]);
    assert_eq!(host.failure(), Some(Failure::Unreachable));
    // A request that cannot be written.
    let mut host = Host::new(FullLink::new(leak(config("http://h").fields(&[("A", b"\0")]))));
    host.start();
    assert_eq!(host.failure(), Some(Failure::Config(ConnectError::Field)));
}

#[test]
fn each_attempt_uses_the_next_transport() {
    use Transport::{Polling, WebSocket};
    let mut host = Host::new(FullLink::new(leak(config("http://h").transports(&[WebSocket, Polling]))));
    host.start();
    assert_eq!((host.link.transport(), host.tasks.as_slice()), (WebSocket, &[Task::Open(WS)][..]));
    host.feed(WS, &refusal(403, ""));
    assert_eq!(host.failure(), Some(Failure::UpgradeRefused(Status(403))));
    host.start();
    assert_eq!(host.link.transport(), Polling);
    // WebSocket does not follow in the list: no upgrade.
    host.feed(GET, &answer(&open_packet("\"websocket\"")));
    assert_eq!(host.told, ["closed: transport error", "opened"]);
    assert_eq!(host.tasks[2..], [Task::Open(GET), Task::Open(POST)]);
    host.wait(100_000);
    assert_eq!(host.failure(), Some(Failure::PingTimeout));
    // It was open, so it begins with the first again.
    host.start();
    assert_eq!(host.link.transport(), WebSocket);
    host.feed(WS, &[switching(), frame(&open_packet("")), frame("4a")].concat());
    assert_eq!(host.told.last().unwrap(), "message a");
    host.send(&["b"]);
    assert!(host.sent(WS).ends_with(&masked("4b")));
    host.feed(WS, &frame("1"));
    assert_eq!((host.link.is_over(), host.failure()), (true, Some(Failure::Closed)));
    let last = |host: &Full| *host.tasks.last().unwrap();
    host.wait(2000);
    assert_eq!(last(&host), Task::Close(WS));
    // The last one fails: the first again.
    host.reachable = false;
    for expected in [WebSocket, Polling, WebSocket] {
        host.start();
        assert_eq!((host.link.transport(), host.failure()), (expected, Some(Failure::Unreachable)));
    }
}

/// A session that offers the upgrade, at the point where the handshake is to be answered.
fn offered() -> Full {
    let mut host = Host::new(link("http://h"));
    host.start();
    host.feed(GET, &answer(&open_packet("\"websocket\"")));
    host.sent(GET);
    assert_eq!(host.tasks, [Task::Open(GET), Task::Open(WS), Task::Open(POST)]);
    assert!(
        host.sent_text(WS).starts_with(
            "GET /socket.io/?EIO=4&transport=websocket&sid=S1 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
        )
    );
    host
}

#[test]
fn polling_upgrades_to_a_websocket() {
    let mut host = offered();
    host.feed(WS, &switching());
    assert_eq!(host.sent(WS), masked("2probe"));
    host.send(&["a"]);
    assert_eq!(host.sent_text(POST), post("4a"));
    host.feed(WS, &frame("3probe"));
    host.send(&["b"]);
    assert!(!host.link.is_writable());
    host.feed(GET, &answer("4x\x1e6"));
    assert_eq!((host.sent_text(GET).as_str(), host.sent_text(POST).as_str(), host.sent(WS).len()), ("", "", 0));
    assert_eq!(host.link.transport(), Transport::Polling);
    host.feed(POST, &answer("ok"));
    assert_eq!(host.link.transport(), Transport::WebSocket);
    assert_eq!(host.sent(WS), [masked("5"), masked("4b")].concat());
    assert_eq!(host.tasks[3..], [Task::Close(GET), Task::Close(POST)]);
    host.feed(WS, &[frame("4y"), frame("2")].concat());
    assert_eq!(host.sent(WS), masked("3"));
    assert_eq!(host.told, ["opened", "message x", "message y"]);
    host.link.close(at(0));
    host.turn();
    assert_eq!(host.sent(WS), b"\x88\x80\0\0\0\0");
    host.feed(WS, b"\x88\x00");
    assert_eq!(host.tasks[5..], [Task::Close(WS)]);
    assert_eq!((host.failure(), host.told[3].as_str()), (None, "closed: forced close"));
    let sent: Vec<_> = host.seen.iter().filter(|s| s.starts_with('>')).cloned().collect();
    assert_eq!(sent, ["> pingprobe", "> a", "> upgrade", "> b", "> pong"]);
}

/// Whatever happens to the WebSocket, the session goes on over polling.
#[test]
fn an_upgrade_that_fails_leaves_polling_alone() {
    type Fault = fn(&mut Full);
    let faults: [(&str, Fault); 12] = [
        ("refused", |h| h.feed(WS, &refusal(403, "proxy"))),
        ("refused by the server", |h| h.feed(WS, &refusal(400, r#"{"code":3}"#))),
        ("no HTTP", |h| h.feed(WS, b"nonsense")),
        ("ended", |h| h.eof(WS)),
        ("failed", |h| h.error(WS)),
        ("silent", |h| h.wait(20_000)),
        ("ended behind the handshake", |h| {
            h.feed(WS, &switching());
            h.eof(WS);
        }),
        ("another packet", |h| h.feed(WS, &[switching(), frame("3prob")].concat())),
        ("closed", |h| h.feed(WS, &[switching(), b"\x88\x00".to_vec()].concat())),
        ("no answer", |h| {
            h.feed(WS, &switching());
            h.wait(20_000);
        }),
        ("ended while it pauses", |h| {
            h.feed(WS, &switching());
            h.feed(WS, &frame("3probe"));
            h.eof(WS);
        }),
        ("a second answer", |h| {
            h.feed(WS, &switching());
            h.feed(WS, &[frame("3probe"), frame("3probe")].concat());
        }),
    ];
    for (name, fault) in faults {
        let mut host = offered();
        host.send(&["a"]);
        fault(&mut host);
        assert_eq!(
            (host.link.is_open(), host.failure(), host.link.transport()),
            (true, None, Transport::Polling),
            "{name}"
        );
        host.feed(GET, &answer("4x"));
        host.feed(POST, &answer("ok"));
        host.send(&["b"]);
        host.feed(GET, &answer("4y"));
        assert_eq!(host.told, ["opened", "message x", "message y"], "{name}");
        assert_eq!(host.sent_text(POST), post("4a") + &post("4b"), "{name}");
        host.wait(2000);
        let opened = host.tasks.iter().filter(|t| **t == Task::Open(WS)).count();
        let closed = host.tasks.iter().filter(|t| **t == Task::Close(WS)).count();
        assert_eq!((opened, closed), (1, usize::from(name != "failed")), "{name} {:?}", host.tasks);
        assert!(!host.wire(WS).is_open);
    }
    // A WebSocket that is not reached.
    let mut host = Host::new(link("http://h"));
    host.start();
    host.opens = false;
    host.feed(GET, &answer(&open_packet("\"websocket\"")));
    host.link.handle_error(WS, at(0));
    host.turn();
    assert!(host.link.is_open() && host.failure().is_none());
}

#[test]
fn a_session_that_ends_during_an_upgrade_closes_all_lines() {
    for step in 0..3 {
        let mut host = offered();
        if step > 0 {
            host.feed(WS, &switching());
        }
        if step > 1 {
            host.feed(WS, &frame("3probe"));
        }
        host.feed(GET, &answer("1"));
        host.wait(2000);
        assert_eq!(
            (host.failure(), host.told.last().unwrap().as_str()),
            (Some(Failure::Closed), "closed: transport close")
        );
        let closed = host.tasks.iter().filter(|t| matches!(t, Task::Close(_))).count();
        assert_eq!((closed, host.link.poll_timeout()), (3, None), "{:?}", host.tasks);
        // And again.
        host.start();
        host.feed(GET, &answer(&open_packet("")));
        assert!(host.link.is_open());
    }
}

/// A line that is opened when nobody wants it any more does not send what its outbox holds of an earlier connection.
#[test]
fn a_line_that_is_opened_too_late_sends_nothing() {
    let mut host = opened();
    host.takes = 0;
    host.send(&["a"]);
    host.error(POST);
    assert!(host.failure() == Some(Failure::Lost) && !host.wire(POST).outbox.is_empty());
    (host.takes, host.opens) = (usize::MAX, false);
    host.start();
    host.open(GET);
    host.turn();
    host.feed(GET, &answer(&open_packet("")));
    assert_eq!(host.tasks.last(), Some(&Task::Open(POST)));
    host.link.handle_error(GET, at(0));
    host.open(POST);
    host.turn();
    assert_eq!((host.tasks.last().copied(), host.sent_text(POST)), (Some(Task::Close(POST)), String::new()));
    // The same of a WebSocket.
    let mut host =
        Host::with_memory(FullLink::new(leak(config("http://h").transports(&[Transport::WebSocket]))), 64, 512);
    host.takes = 0;
    host.start();
    host.turn();
    host.error(WS);
    assert!(!host.wire(WS).outbox.is_empty());
    (host.takes, host.opens) = (usize::MAX, false);
    host.start();
    host.link.close(at(0));
    host.open(WS);
    host.turn();
    assert_eq!((host.tasks.last().copied(), host.sent_text(WS)), (Some(Task::Close(WS)), String::new()));
}
