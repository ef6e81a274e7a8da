//! The composed client against the composed server: what is told, what arrives, and when it connects again.

#[path = "client_end/backlog.rs"]
mod backlog;
#[path = "client_end/law.rs"]
mod law;
#[path = "client_end/server.rs"]
mod server;
#[path = "client_end/transports.rs"]
mod transports;
#[path = "client_end/world.rs"]
mod world;

use sansocket::{
    endpoint::{
        Grow, What,
        client::{Emit, Over},
    },
    socketio::{ExpectAck, SendError, client::Backoff},
};
use world::{B, C, PING, ROOT, at, world};

/// 1 s, 2 s, 4 s, then 5 s.
fn even() -> Backoff {
    Backoff::new().randomization(0)
}

#[test]
fn one_namespace_from_the_first_connect_to_the_last_close() {
    let mut w = world(even());
    w.turn();
    assert!(w.told().is_empty() && w.opened == 0, "nothing is wanted");
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    assert_eq!(w.told(), ["opened", "connected /"]);
    w.client.emit(ROOT, "hello", &"you").unwrap();
    w.client.emit_with(ROOT, "ask", &(1, 2), Emit::new().ask(5, None)).unwrap();
    w.turn();
    assert_eq!(w.heard(), ["connect /", "/ hello \"you\"", "/ ?ask 1,2"]);
    assert_eq!(w.told(), ["ack Some(5) 1,2"]);
    w.serve(|io, out| io.emit(ROOT, "question", &3, Some(ExpectAck { token: 9, deadline: None }), out).unwrap());
    let request = w.asked.pop().unwrap();
    w.client.ack(request, &("yes", true)).unwrap();
    w.turn();
    assert_eq!((w.told(), w.heard()), (vec!["/ question 3".into()], vec!["ack Some(9) \"yes\",true".into()]));
    w.client.emit(ROOT, "last", &()).unwrap();
    w.client.close();
    w.turn();
    assert_eq!(w.heard(), ["/ last", "disconnect /", "closed transport close"]);
    assert_eq!(w.told(), ["left / io client disconnect", "over Closed"]);
    assert_eq!((w.client.poll_timeout(), w.client.held()), (None, 0));
    w.run(1_000_000);
    assert!(w.told().is_empty());
    assert!(w.client.ack(request, &()).is_err(), "of an earlier connection");
    w.client.connect(ROOT, at(w.now)).unwrap();
    w.turn();
    assert_eq!(w.told(), ["opened", "connected /"]);
}

#[test]
fn events_that_wait_arrive_once_and_in_order_after_an_outage_of_days() {
    let mut w = world(even());
    w.is_reachable = false;
    w.client.connect(ROOT, at(0)).unwrap();
    w.client.connect(B, at(0)).unwrap();
    for i in 0..20 {
        w.client.emit([ROOT, B][i % 2], "n", &(i as u32)).unwrap();
    }
    w.run(12_000);
    let failed = |n, retry| format!("failed Unreachable {n} Some({retry})");
    assert_eq!(w.told(), [failed(0, 1000), failed(1, 2000), failed(2, 4000), failed(3, 5000), failed(4, 5000)]);
    // The program slept: one attempt, at once.
    w.now = 30 * 24 * 3_600_000;
    w.is_reachable = true;
    w.turn();
    assert_eq!(w.told(), ["opened", "connected /", "connected /b"]);
    let mut heard = w.heard();
    let connects: Vec<_> = heard.drain(..2).collect();
    assert_eq!(connects, ["connect /", "connect /b"]);
    for (name, first) in [("/ n", 0), ("/b n", 1)] {
        let of: Vec<_> = heard.iter().filter(|h| h.starts_with(&format!("{name} "))).cloned().collect();
        assert_eq!(of, (0..10).map(|i| format!("{name} {}", 2 * i + first)).collect::<Vec<_>>());
    }
    assert_eq!(heard.len(), 20);
    w.cut();
    assert_eq!(w.told(), ["failed Lost 0 Some(1000)", "left / transport error", "left /b transport error"]);
}

#[test]
fn three_namespaces_on_one_line_and_one_is_refused() {
    let mut w = world(even());
    w.server.refuses = Some(B);
    for namespace in [ROOT, B, C] {
        w.client.connect(namespace, at(0)).unwrap();
    }
    w.client.emit(B, "kept", &()).unwrap();
    w.turn();
    assert_eq!(w.told(), ["opened", "connected /", "refused /b", "connected /c"]);
    assert_eq!((w.opened, w.client.held() > 0), (1, true));
    w.cut();
    w.wait(1000);
    assert_eq!(w.told()[3..], ["opened", "connected /", "connected /c"], "a refused one is not asked for again");
    w.server.refuses = None;
    w.heard();
    w.client.connect(B, at(w.now)).unwrap();
    w.turn();
    assert_eq!((w.told(), w.heard()), (vec!["connected /b".into()], vec!["connect /b".into(), "/b kept".into()]));
}

#[test]
fn the_server_removes_the_client_for_good() {
    let mut w = world(even());
    w.client.connect(ROOT, at(0)).unwrap();
    w.client.connect(B, at(0)).unwrap();
    w.turn();
    w.told();
    w.serve(|io, out| io.disconnect(ROOT, out).unwrap());
    assert_eq!(w.told(), ["left / io server disconnect"]);
    w.serve(|io, out| io.disconnect(B, out).unwrap());
    assert_eq!(w.told(), ["left /b io server disconnect", "over Refused"]);
    w.run(10_000_000);
    assert_eq!((w.told().len(), w.opened, w.client.poll_timeout()), (0, 1, None));
}

#[test]
fn a_refusal_of_the_only_namespace_is_the_end() {
    let mut w = world(even());
    w.server.refuses = Some(ROOT);
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    assert_eq!(w.told(), ["opened", "refused /", "over Refused"]);
}

#[test]
fn a_server_that_goes_mute_is_left_and_connected_to_again() {
    let mut w = world(even());
    w.client.connect(ROOT, at(0)).unwrap();
    w.run(3 * PING);
    w.is_mute = true;
    w.told();
    w.run(3 * PING + 100_000);
    assert_eq!(w.told()[..2], ["failed PingTimeout 0 Some(1000)", "left / ping timeout"]);
    w.is_mute = false;
    w.wait(30_000);
    assert!(w.told().ends_with(&["opened".into(), "connected /".into()]));
}

#[test]
fn after_the_last_attempt_it_gives_up_until_it_is_asked_again() {
    let mut w = world(even().limit(2));
    w.is_reachable = false;
    w.client.connect(ROOT, at(0)).unwrap();
    w.run(100_000);
    let expected = [
        "failed Unreachable 0 Some(1000)",
        "failed Unreachable 1 Some(2000)",
        "failed Unreachable 2 None",
        "over GaveUp",
    ];
    assert_eq!((w.told(), w.client.poll_timeout()), (expected.map(String::from).to_vec(), None));
    w.is_reachable = true;
    w.client.connect(B, at(w.now)).unwrap();
    w.turn();
    assert_eq!(w.told(), ["opened", "connected /", "connected /b"]);
    let mut w = world(even().limit(0));
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    w.cut();
    assert_eq!(w.told()[2..], ["failed Lost 0 None", "left / transport error", "over GaveUp"]);
}

#[test]
fn connect_while_it_waits_waits_too() {
    let mut w = world(even());
    w.is_reachable = false;
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    w.told();
    w.client.connect(B, at(500)).unwrap();
    w.run(999);
    assert_eq!((w.told().len(), w.opened), (0, 1));
    w.client.disconnect(ROOT);
    w.client.disconnect(B);
    w.turn();
    assert_eq!(w.told(), ["over Closed"]);
    // During an attempt.
    w.is_reachable = true;
    w.is_mute = true;
    w.client.connect(ROOT, at(999)).unwrap();
    w.turn();
    assert_eq!(w.opened, 2);
    w.client.close();
    w.turn();
    assert_eq!(w.told(), ["over Closed"]);
}

#[test]
fn a_namespace_that_is_wanted_again_is_left_and_joined() {
    let mut w = world(even());
    w.client.connect(ROOT, at(0)).unwrap();
    w.client.connect(B, at(0)).unwrap();
    w.turn();
    w.told();
    w.heard();
    w.client.emit(B, "before", &()).unwrap();
    w.client.disconnect(B);
    w.client.connect(B, at(0)).unwrap();
    w.client.emit(B, "after", &()).unwrap();
    w.turn();
    assert_eq!(w.told(), ["left /b io client disconnect", "connected /b"]);
    assert_eq!(w.heard(), ["/b before", "disconnect /b", "connect /b", "/b after"]);
    // The last one, while the link is closing because of it.
    w.client.disconnect(B);
    w.client.disconnect(ROOT);
    w.turn();
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    assert!(w.told().ends_with(&["opened".into(), "connected /".into()]));
}

#[test]
fn what_is_left_behind_at_a_disconnect_is_told() {
    let mut w = world(even());
    w.server.answers = false;
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    w.told();
    w.client.emit_with(ROOT, "sent", &(), Emit::new().ask(1, None)).unwrap();
    w.turn();
    w.client.emit_with(ROOT, "waits", &(), Emit::new().ask(2, None)).unwrap();
    w.client.disconnect(ROOT);
    w.turn();
    let told = w.told();
    assert_eq!(told[..3], ["left / io client disconnect", "no ack 1 Disconnected", "no ack 2 Disconnected"]);
    assert_eq!(w.heard(), ["connect /", "/ ?sent", "/ ?waits", "disconnect /", "closed transport close"]);
}

#[test]
fn a_server_that_does_not_answer_the_close_frame_is_not_waited_for_long() {
    let mut w = world(even());
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    w.is_mute = true;
    w.client.close();
    w.turn();
    assert_eq!(w.told()[2..], ["left / io client disconnect"]);
    w.run(2000);
    assert_eq!(w.told(), ["over Closed"]);
}

#[test]
fn a_server_that_breaks_the_protocol_is_connected_to_again() {
    let mut w = world(even());
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    w.told();
    w.raw(b"\x81\x0242");
    w.raw(b"\x81\x0742[\"a\"]");
    w.turn();
    let told = w.told();
    assert!(told[0].starts_with("failed Socket("), "{told:?}");
    assert_eq!(told[1..], ["left / parse error"]);
    w.wait(1000);
    assert_eq!(w.told(), ["opened", "connected /"]);
}

#[test]
fn fresh_credentials_go_with_each_connect() {
    let mut w = world(even()).map(|client| client.with_auth(200));
    w.authorizes = Some(0);
    w.client.connect(ROOT, at(0)).unwrap();
    w.client.connect(C, at(0)).unwrap();
    w.turn();
    assert_eq!(w.told(), ["opened", "auth /", "auth /c", "connected /", "connected /c"]);
    w.cut();
    w.wait(1000);
    let auth = |ns, n| format!("connect {ns} {{\"token\":{n}}}");
    assert_eq!(w.heard(), [auth("/", 1), auth("/c", 2), auth("/", 3), auth("/c", 4)]);
    // Later, by the application. It is asked once.
    w.cut();
    w.authorizes = None;
    w.wait(1000);
    w.told();
    w.wait(5000);
    assert_eq!(w.told().len(), 0);
    w.client.authorize(ROOT, None::<&()>).unwrap();
    w.turn();
    assert_eq!(w.told(), ["connected /"]);
    // The link is lost before an answer: asked again.
    w.cut();
    w.told();
    w.wait(1000);
    assert_eq!(w.told(), ["opened", "auth /", "auth /c"]);
    w.client.disconnect(ROOT);
    w.client.connect(ROOT, at(w.now)).unwrap();
    w.turn();
    assert_eq!(w.told(), ["auth /"]);
}

#[test]
fn credentials_have_room_when_the_backlog_is_full() {
    let mut w = world::with_backlog(even(), 128).map(|client| client.with_auth(64));
    w.authorizes = Some(0);
    w.client.connect(ROOT, at(0)).unwrap();
    while w.client.emit(ROOT, "x", &()).is_ok() {}
    w.turn();
    assert_eq!(w.told(), ["opened", "auth /", "connected /"]);
    assert_eq!(w.client.held(), 0);
}

#[test]
fn the_server_recovers_a_connection() {
    let mut w = world(even());
    w.client.connect(ROOT, at(0)).unwrap();
    w.is_mute = true; // its answers are written here
    w.turn();
    w.raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
    let key = sansocket::ws::accept_key(b"BwcHBwcHBwcHBwcHBwcHBw==");
    w.raw(&key.unwrap());
    w.raw(b"\r\n\r\n");
    w.text("0{\"sid\":\"a\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}");
    w.text("40{\"sid\":\"s1\",\"pid\":\"pid\"}");
    w.text("42[\"hi\",1,\"o1\"]");
    assert_eq!(w.told()[1..], ["connected /", "/ hi 1,\"o1\""]);
    w.cut();
    w.is_mute = false;
    w.wait(1000);
    assert_eq!(w.heard(), ["connect / {\"pid\":\"pid\",\"offset\":\"o1\"}"]);
}

#[test]
fn slots_grow() {
    let mut w = world(even());
    let _ = w.client.replace_sockets(vec![sansocket::socketio::client::SocketSlot::EMPTY; 1]).unwrap();
    w.client.connect(ROOT, at(0)).unwrap();
    let full = w.client.connect(B, at(0)).unwrap_err();
    assert_eq!(Grow::of_sockets(&full), Grow { what: What::Sockets, to: 2 });
    for token in 0..4 {
        w.client.emit_with(ROOT, "x", &(), Emit::new().ask(token, None)).unwrap();
    }
    let held = w.client.held();
    let error = w.client.emit_with(ROOT, "x", &(), Emit::new().ask(4, None)).unwrap_err();
    assert_eq!((Grow::of_client(&error), held), (Some(Grow { what: What::Acks, to: 8 }), w.client.held()));
    let _ = w.client.replace_acks(vec![sansocket::socketio::AckSlot::EMPTY; 8]).unwrap();
    w.client.emit_with(ROOT, "x", &(), Emit::new().ask(4, None)).unwrap();
    assert!(matches!(w.client.emit(ROOT, "connect", &()), Err(SendError::State(_))));
    w.turn();
    assert_eq!(w.told().len(), 7);
    assert!(Over::GaveUp != Over::Closed);
}
