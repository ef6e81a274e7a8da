//! What someone found who tried to break the client's end: hostile servers, and hosts that call in any order.

#[path = "attack_client/host.rs"]
mod host;

#[path = "attack_client/calls.rs"]
mod calls;

#[path = "attack_client/machines.rs"]
mod machines;

#[path = "attack_client/server.rs"]
mod server;

#[path = "attack_client/any.rs"]
mod any;

#[path = "support/mod.rs"]
mod support;

use host::{B, Host, ROOT, answer, at, config, frame, full, full_with, open_packet, switching, websocket};
use sansocket::{
    endpoint::client::{Emit, Line, Link, WebSocketLink, WhenFull},
    engineio::Transport,
};

/// Open packets that a server should not send, and whether the client takes them.
fn open_packets() -> Vec<(String, bool)> {
    let with = |sid: &str, rest: &str| format!("0{{\"sid\":{sid},{rest}}}");
    let times = "\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000";
    let long = |n: usize| format!("\"{}\"", "a".repeat(n));
    vec![
        ("0".into(), false),
        ("0{}".into(), false),
        ("0[]".into(), false),
        ("0null".into(), false),
        ("0{\"sid\":\"a\"".into(), false),
        (String::new(), false),
        ("1".into(), false),
        ("2".into(), false),
        ("40".into(), false),
        ("bAQID".into(), false),
        (with("\"\"", times), false),
        (with(&long(64), times), true),
        (with(&long(65), times), false),
        (with("\"\\u0000\\r\\n\"", times), true),
        (with("\"\\ud800\"", times), false),
        (with("\"a b&c#%/?\\\"\"", times), true),
        (with("\"é\"", times), true),
        (with("17", times), false),
        (with("\"a\"", "\"pingInterval\":0,\"pingTimeout\":0"), false),
        (with("\"a\"", "\"pingInterval\":1,\"pingTimeout\":1"), true),
        (with("\"a\"", "\"pingInterval\":-1,\"pingTimeout\":1"), false),
        (with("\"a\"", "\"pingInterval\":1e3,\"pingTimeout\":1"), false),
        (with("\"a\"", "\"pingInterval\":4294967295,\"pingTimeout\":4294967295"), true),
        (with("\"a\"", "\"pingInterval\":18446744073709551616,\"pingTimeout\":1"), false),
        (with("\"a\"", &format!("{times},\"maxPayload\":0")), true),
        (with("\"a\"", &format!("{times},\"maxPayload\":1")), true),
        (with("\"a\"", &format!("{times},\"maxPayload\":-5")), true),
        (with("\"a\"", &format!("{times},\"maxPayload\":99999999999999999999")), true),
        (with("\"a\"", &format!("{times},\"upgrades\":\"websocket\"")), true),
        (with("\"a\"", &format!("{times},\"upgrades\":[[\"websocket\"]]")), true),
        (with("\"a\"", &format!("{times},\"sid\":\"b\"")), true),
    ]
}

#[test]
fn whatever_the_open_packet_is_there_is_a_session_or_one_failure() {
    for (packet, is_good) in open_packets() {
        for is_polling in [true, false] {
            let log = if is_polling {
                let mut h = full();
                h.client.connect(ROOT, at(0)).unwrap();
                h.turn();
                h.feed(Line::Get, &answer(&packet));
                (h.log(), h.client.link().is_open())
            } else {
                let mut h = websocket();
                h.client.connect(ROOT, at(0)).unwrap();
                h.turn();
                h.feed(Line::WebSocket, &[switching(), frame(&packet)].concat());
                (h.log(), h.client.link().is_open())
            };
            let (log, is_open) = log;
            let count = |what: &str| log.iter().filter(|l| l.starts_with(what)).count();
            assert_eq!(is_open, is_good, "{packet} {log:?}");
            assert_eq!((count("opened"), count("failed")), if is_good { (1, 0) } else { (0, 1) }, "{packet} {log:?}");
        }
    }
}

#[test]
fn an_answer_does_not_outlive_a_namespace_that_the_server_takes_back() {
    let mut h = websocket();
    h.client.connect(B, at(0)).unwrap();
    h.client.connect(ROOT, at(0)).unwrap();
    h.open_websocket();
    h.text("40/b,{\"sid\":\"x\"}");
    h.text("40{\"sid\":\"y\"}");
    h.text("42/b,7[\"question\"]");
    let request = h.requests.pop().unwrap();
    h.client.ack(request, &1).unwrap();
    h.client.emit_with(B, "position", &1, Emit::new().volatile().ask(5, None)).ok();
    // It was not written yet.
    h.feed_only(Line::WebSocket, &frame("44/b,{\"message\":\"no\"}"));
    h.poll_all();
    h.turn();
    h.sent(Line::WebSocket);
    h.client.connect(B, at(0)).unwrap();
    h.turn();
    h.text("40/b,{\"sid\":\"z\"}");
    let sent = h.sent_frames();
    assert_eq!(sent, ["40/b,"], "{:?}", h.log());
    assert_eq!(h.client.held(), 0);
}

#[test]
fn what_is_left_behind_is_not_sent_to_a_namespace_that_the_server_has_ended() {
    let mut h = websocket();
    for namespace in [ROOT, B] {
        h.client.connect(namespace, at(0)).unwrap();
    }
    h.open_websocket();
    h.text("40/b,{\"sid\":\"x\"}");
    h.text("40{\"sid\":\"y\"}");
    h.sent(Line::WebSocket);
    h.client.emit(B, "last", &()).unwrap();
    h.client.disconnect(B);
    // The server did the same at that moment.
    h.feed_only(Line::WebSocket, &frame("41/b,"));
    h.poll_all();
    h.client.connect(B, at(0)).unwrap();
    h.turn();
    assert_eq!(
        h.sent_frames(),
        ["40/b,"],
        "an event for a namespace that is not joined ends the connection: {:?}",
        h.log()
    );
}

#[test]
fn the_end_of_an_old_line_does_not_end_the_attempt_that_follows() {
    for is_error in [true, false] {
        let mut h = websocket();
        h.client.connect(ROOT, at(0)).unwrap();
        h.turn();
        h.feed(Line::WebSocket, b"HTTP/1.1 404 Not Found\r\n\r\n");
        let due = h.client.poll_timeout().unwrap();
        assert!(h.log().iter().any(|l| l.starts_with("failed")));
        // The next attempt was begun, and its line was not asked for yet.
        h.now = due.as_millis();
        let step = format!("{:?}", h.client.handle_timeout(due));
        assert_eq!(step, "Again");
        if is_error {
            h.client.handle_error(Line::WebSocket, due);
        } else {
            h.client.handle_eof(Line::WebSocket, due);
        }
        h.turn();
        let log = h.log();
        assert_eq!(log, ["open WebSocket"], "{is_error}");
    }
}

#[test]
fn a_get_that_is_answered_before_it_was_written_stays_whole() {
    let mut h = full();
    h.client.connect(ROOT, at(0)).unwrap();
    h.turn();
    h.feed(Line::Get, &answer(&open_packet("[]")));
    h.takes = 0;
    h.feed(Line::Get, &answer("6"));
    h.turn();
    h.sent(Line::Get);
    h.feed(Line::Get, &answer("6"));
    h.feed(Line::Get, &answer("6"));
    h.takes = 10;
    for _ in 0..3 {
        h.turn();
    }
    h.feed_only(Line::Get, &answer("6"));
    h.poll_all();
    h.takes = usize::MAX;
    h.turn();
    h.turn();
    let sent = h.sent_text(Line::Get);
    for part in sent.split("\r\n\r\n") {
        assert!(part.is_empty() || part.starts_with("GET ") && part.matches("GET ").count() == 1, "{sent}");
    }
}

#[test]
fn a_line_that_was_to_be_opened_again_is_closed() {
    let mut h = full_with(&[Transport::Polling]);
    h.client.connect(ROOT, at(0)).unwrap();
    h.turn();
    h.feed(Line::Get, &answer(&open_packet("[]")));
    // The server ends the line whose GET waits, and the POST fails at that moment.
    h.client.handle_eof(Line::Get, at(0));
    h.wires[Line::Post as usize].is_open = false;
    h.client.handle_error(Line::Post, at(0));
    h.client.close();
    h.turn();
    let log = h.log();
    assert_eq!(log[3..], ["close Get", "over Closed"], "{log:?}");
}

#[test]
fn after_idle_nothing_is_due() {
    let mut h = full();
    h.client.connect(ROOT, at(0)).unwrap();
    h.turn();
    h.feed(Line::Get, &answer(&open_packet("[\"websocket\"]")));
    // The WebSocket is open, and its handshake is not answered in time.
    h.now = 20_000;
    h.poll_all();
    let log = h.log();
    assert!(h.client.poll_timeout().unwrap() > at(h.now), "{log:?}");
    assert!(log.contains(&"close WebSocket".into()), "{log:?}");
}

#[test]
fn work_does_not_grow_with_the_hours() {
    // The number of calls that each of these rounds takes, and what is held, stays as it is.
    let mut h = full_with(&[Transport::Polling]);
    h.client.connect(ROOT, at(0)).unwrap();
    h.turn();
    h.feed(Line::Get, &answer(&open_packet("[]")));
    h.feed(Line::Post, &answer("ok"));
    h.feed(Line::Get, &answer("40{\"sid\":\"x\"}"));
    let mut calls = Vec::new();
    for round in 0..2000_u32 {
        let before = h.calls;
        h.now += 20_000;
        h.client.emit_with(ROOT, "a", &round, Emit::new().ask(round, Some(at(h.now + 10)))).unwrap();
        h.client.emit_with(ROOT, "b", &round, Emit::new().ask(round, None).retry(1, 5)).unwrap();
        h.turn();
        h.feed(Line::Post, &answer("ok"));
        h.feed(Line::Get, &answer("2\x1e421[\"q\"]"));
        let request = h.requests.pop().unwrap();
        h.client.ack(request, &1).unwrap();
        h.feed(Line::Post, &answer("ok"));
        h.now += 20;
        h.turn();
        h.feed(Line::Post, &answer("ok"));
        h.now += 20;
        h.turn();
        h.feed(Line::Post, &answer("ok"));
        h.feed(Line::Post, &answer("ok"));
        assert_eq!(h.client.held(), 0, "{round} {:?}", h.log());
        let log = h.log();
        assert_eq!(log.iter().filter(|l| l.starts_with("no ack")).count(), 2, "{round} {log:?}");
        calls.push(h.calls - before);
    }
    assert_eq!(calls[10..].iter().max(), calls[10..].iter().min(), "calls grow");
    h.fill_acks(ROOT, 4);
}

#[test]
fn a_backlog_of_dropped_events_is_told_and_freed() {
    let mut h = Host::new(WebSocketLink::new(config("ws://h", &[])), [8, 3, 100], [128, 256, 64]);
    h.client = h.client.clone().with_when_full(WhenFull::DropOldest);
    for token in 0..500 {
        let _ = h.client.emit_with(ROOT, "x", &token, Emit::new().ask(token, None));
        if token % 3 == 0 {
            h.turn();
        }
    }
    h.turn();
    h.client.connect(ROOT, at(0)).unwrap();
    h.open_websocket();
    h.text("40{\"sid\":\"y\"}");
    let told = h.log().iter().filter(|l| l.starts_with("no ack")).count();
    let sent = h.sent_frames().iter().filter(|f| f.starts_with("42")).count();
    assert!(told > 0 && sent > 0);
    assert_eq!(h.client.held(), 0);
}

#[test]
fn credentials_are_not_sent_for_a_namespace_that_the_server_has_ended() {
    let mut h = websocket();
    h.client = h.client.clone().with_auth(50);
    for namespace in [ROOT, B] {
        h.client.connect(namespace, at(0)).unwrap();
    }
    h.open_websocket();
    for (namespace, name) in [(ROOT, ""), (B, "/b,")] {
        h.client.authorize(namespace, None::<&()>).unwrap();
        h.turn();
        h.text(&format!("40{name}{{\"sid\":\"x\"}}"));
    }
    // It leaves, and joins again.
    h.client.disconnect(B);
    h.turn();
    h.client.connect(B, at(0)).unwrap();
    h.poll_all();
    h.client.authorize(B, None::<&()>).unwrap();
    h.sent(Line::WebSocket);
    // The server had ended it at that moment, so it is not wanted any more.
    h.feed_only(Line::WebSocket, &frame("41/b,"));
    h.turn();
    let log = h.log();
    assert_eq!(log.last().unwrap(), "left /b io server disconnect", "{log:?}");
    assert_eq!(h.sent_frames(), [""; 0], "a server that accepts it would not be heard");
    assert_eq!(h.client.held(), 0);
}

#[test]
fn a_server_that_speaks_first_is_left_at_once() {
    for is_polling in [true, false] {
        let transports: &[_] = if is_polling { &[Transport::Polling] } else { &[Transport::WebSocket] };
        let mut h = full_with(transports);
        h.client.connect(ROOT, at(0)).unwrap();
        let line = if is_polling { Line::Get } else { Line::WebSocket };
        // Each connection is greeted before the request is written.
        for _ in 0..5 {
            h.poll_all();
            h.feed_only(line, b"SSH-2.0-OpenSSH_9.6\r\n");
        }
        h.poll_all();
        let log = h.log();
        assert_eq!(log[1], "failed NotHttp 0 Some(1000)", "{log:?}");
        assert_eq!(log.iter().filter(|l| l.starts_with("open")).count(), 1, "{log:?}");
    }
}

#[test]
fn the_private_id_of_a_client_is_not_printed() {
    let [a, b] = ["secret-a", "secret-b"].map(|pid| {
        let mut h = websocket();
        h.client.connect(ROOT, at(0)).unwrap();
        h.open_websocket();
        h.text(&format!("40{{\"sid\":\"x\",\"pid\":\"{pid}\"}}"));
        h.turn();
        format!("{:?}", h.client)
    });
    assert_eq!(a, b);
}
