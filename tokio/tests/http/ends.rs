//! How sessions end, or do not: clients that do not read, that vanish, and that break off at a bad moment.

use crate::{
    host::{Host, brief, echo, for_each_host},
    raw::{Raw, frame, handshake, text, until},
};
use sansocket_tokio::server::{Config, Policy, Server};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{sleep, timeout};

for_each_host! {
    a_websocket_carries_events
    a_session_over_polling_carries_events
    a_client_that_does_not_read_is_ended
    a_slow_client_that_answers_pings_lives
    a_websocket_that_is_reset_in_a_probe_leaves_the_session_alone
    a_session_moves_from_polling_to_a_websocket
    a_session_ends_whose_websocket_is_gone_at_the_moment_of_its_upgrade
    a_post_that_ended_its_session_is_followed_by_what_was_answered_and_the_close_packet
    a_large_answer_is_fetched_behind_the_answer_to_its_post
    a_client_that_leaves_a_get_that_waits_is_gone
    a_body_that_is_cut_off_leaves_the_session_alone
    a_body_above_the_limit_is_refused
    all_clients_are_told_when_the_server_closes
}

/// Sockets that are connected, and sessions over polling and over WebSockets.
fn counts(io: &Server) -> (u64, u64, u64) {
    let counters = io.counters();
    (counters.sockets, counters.polling_sessions, counters.websocket_sessions)
}

async fn until_gone(io: &Server) {
    until("no session is left", || counts(io) == (0, 0, 0)).await;
}

/// Why sockets left.
fn reasons(io: &Server) -> Arc<Mutex<Vec<String>>> {
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let list = reasons.clone();
    io.on_disconnect(move |_, reason: sansocket_tokio::server::Reason| list.lock().unwrap().push(reason.to_string()));
    reasons
}

async fn a_websocket_carries_events(host: Host) {
    let served = host.serve(Config::new()).await;
    let mut raw = Raw::websocket(served.address).await;
    raw.send(text(r#"421["ask","é",7]"#)).await;
    raw.until_text(r#"431["é",7]"#).await;
    raw.send(frame(8, &1000_u16.to_be_bytes())).await;
    raw.end().await;
    assert_eq!(raw.frames().last(), Some(&(8, &[3, 232][..])));
    until_gone(&served.io).await;
}

async fn a_session_over_polling_carries_events(host: Host) {
    let served = host.serve(Config::new().cookie("io")).await;
    let mut raw = Raw::connect(served.address).await;
    let sid = raw.open().await;
    assert_eq!(raw.poll(&sid, Some("42[\"message\",1]\x1e42[\"message\",2]")).await.body, "ok");
    let mut heard = String::new();
    while !heard.contains('2') {
        heard += &raw.poll(&sid, None).await.body;
    }
    assert_eq!(heard.replace('\x1e', ""), r#"42["message-back",1]42["message-back",2]"#);
    // The session ends by its own packet.
    assert_eq!(raw.poll(&sid, Some("1")).await.body, "ok");
    until_gone(&served.io).await;

    let opened = raw.ask(crate::raw::polling("", None)).await;
    let sid = opened.body.split('"').nth(3).unwrap();
    let cookie = opened.field("set-cookie").unwrap();
    assert!(cookie.starts_with(&format!("io={sid};")), "{cookie}");
}

async fn a_client_that_does_not_read_is_ended(host: Host) {
    let served = host.serve(brief()).await;
    let reasons = reasons(&served.io);
    let mut raw = Raw::websocket(served.address).await;
    for _ in 0..12 {
        let message = text(&format!("42[\"message\",\"{}\"]", "x".repeat(900_000)));
        // The server stops to read in the middle of this.
        let _ = timeout(Duration::from_millis(500), raw.send(message)).await;
    }
    until_gone(&served.io).await;
    assert_eq!(*reasons.lock().unwrap(), ["transport close"]);
}

async fn a_slow_client_that_answers_pings_lives(host: Host) {
    let config = Config::new().ping_interval(Duration::from_millis(300)).ping_timeout(Duration::from_millis(1500));
    let served = host.serve(config.queue(50_000_000, Policy::Close)).await;
    let reasons = reasons(&served.io);
    let mut raw = Raw::websocket(served.address).await;
    raw.until_text("2").await;
    let body = "x".repeat(900_000);
    for _ in 0..40 {
        served.io.emit("large", &body).unwrap();
    }
    // It answers the ping behind all that it is sent, for which it takes longer than an answer may. It is not very slow: what is in the memory of the
    // system counts as taken.
    let mut received = 0;
    while received < 40 {
        sleep(Duration::from_millis(100)).await;
        let most = raw.received.len() + 1_000_000;
        while raw.received.len() < most && timeout(Duration::from_millis(5), raw.read()).await == Ok(true) {}
        received += raw.take_frames().iter().filter(|(_, payload)| payload.starts_with(b"42[\"large\"")).count();
    }
    raw.send(text("3")).await;
    raw.until_text("2").await;
    assert_eq!(*reasons.lock().unwrap(), [""; 0]);
    raw.reset();
    until_gone(&served.io).await;
}

async fn upgrading(served: &crate::host::Served, sid: &str) -> Raw {
    let mut raw = Raw::connect(served.address).await;
    let opened = raw.ask(handshake("GET", &format!("EIO=4&transport=websocket&sid={sid}"), &[])).await;
    assert_eq!(opened.status(), 101, "{opened:?}");
    raw
}

async fn a_websocket_that_is_reset_in_a_probe_leaves_the_session_alone(host: Host) {
    let served = host.serve(Config::new()).await;
    let mut polling = Raw::connect(served.address).await;
    let sid = polling.open().await;
    let mut raw = upgrading(&served, &sid).await;
    raw.send(text("2probe")).await;
    raw.reset();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(polling.poll(&sid, Some("421[\"ask\"]")).await.body, "ok");
    assert_eq!(polling.poll(&sid, None).await.body, "431[]");
    // It may try again.
    let mut raw = upgrading(&served, &sid).await;
    raw.send([text("2probe"), text("5")].concat()).await;
    raw.until_text("3probe").await;
    raw.send(text("41")).await;
    until("the move", || counts(&served.io) == (0, 0, 1)).await;
}

async fn a_session_moves_from_polling_to_a_websocket(host: Host) {
    let served = host.serve(Config::new()).await;
    let mut polling = Raw::connect(served.address).await;
    let sid = polling.open().await;
    polling.send(crate::raw::polling(&sid, None)).await;
    let mut raw = upgrading(&served, &sid).await;
    raw.send(text("2probe")).await;
    raw.until_text("3probe").await;
    // The GET that waits is answered, so that the client can go on.
    assert_eq!(polling.response().await.body, "6");
    raw.send([text("5"), text("421[\"ask\"]")].concat()).await;
    raw.until_text("431[]").await;
    assert_eq!(counts(&served.io), (1, 0, 1));
    assert_eq!(polling.poll(&sid, None).await.status(), 400);
    raw.reset();
    until_gone(&served.io).await;
}

async fn a_session_ends_whose_websocket_is_gone_at_the_moment_of_its_upgrade(host: Host) {
    let served = host.serve(Config::new()).await;
    let reasons = reasons(&served.io);
    let sid = Raw::connect(served.address).await.open().await;
    let mut raw = upgrading(&served, &sid).await;
    // Both are there before the server's task runs again.
    raw.stream.try_write(&[text("2probe"), text("5")].concat()).unwrap();
    raw.reset();
    until_gone(&served.io).await;
    assert!(reasons.lock().unwrap()[0].starts_with("transport "), "{reasons:?}");
    raw = Raw::connect(served.address).await;
    assert_eq!(raw.poll(&sid, None).await.status(), 400);
}

async fn a_post_that_ended_its_session_is_followed_by_what_was_answered_and_the_close_packet(host: Host) {
    let served = host.serve(Config::new()).await;
    let mut raw = Raw::connect(served.address).await;
    let sid = raw.open().await;
    assert_eq!(raw.poll(&sid, Some("421[\"ask\"]\x1e4x")).await.status(), 200);
    assert_eq!(raw.poll(&sid, None).await.body, "431[]");
    assert_eq!(raw.poll(&sid, None).await.body, "1");
    assert!(raw.poll(&sid, None).await.body.contains("\"code\":1"));
    until_gone(&served.io).await;
}

/// A client may do one request after the other. More waits for it then than a server likes, and only this client can change that.
async fn a_large_answer_is_fetched_behind_the_answer_to_its_post(host: Host) {
    let served = host.serve(Config::new()).await;
    let mut raw = Raw::connect(served.address).await;
    let sid = raw.open().await;
    let long = "x".repeat(200_000);
    let question = format!(r#"421["ask","{long}"]"#);
    let posted = timeout(Duration::from_secs(5), raw.poll(&sid, Some(&question)));
    assert_eq!(posted.await.expect("the POST is answered at once").body, "ok");
    assert_eq!(raw.poll(&sid, None).await.body, format!(r#"431["{long}"]"#));
}

async fn a_client_that_leaves_a_get_that_waits_is_gone(host: Host) {
    let served = host.serve(Config::new()).await;
    let reasons = reasons(&served.io);
    let mut raw = Raw::connect(served.address).await;
    let sid = raw.open().await;
    raw.send(crate::raw::polling(&sid, None)).await;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(counts(&served.io), (1, 1, 0));
    drop(raw);
    // Long before a heartbeat would tell.
    until_gone(&served.io).await;
    assert_eq!(*reasons.lock().unwrap(), ["transport close"]);
}

async fn a_body_that_is_cut_off_leaves_the_session_alone(host: Host) {
    let served = host.serve(Config::new()).await;
    let mut raw = Raw::connect(served.address).await;
    let sid = raw.open().await;
    let mut other = Raw::connect(served.address).await;
    let post = crate::raw::polling(&sid, Some("421[\"ask\"]"));
    other.send(&post[..post.len() - 1]).await;
    sleep(Duration::from_millis(50)).await;
    drop(other);
    sleep(Duration::from_millis(50)).await;
    assert_eq!(raw.ask(&post).await.body, "ok");
    assert_eq!(raw.poll(&sid, None).await.body, "431[]");
}

async fn a_body_above_the_limit_is_refused(host: Host) {
    let served = host.serve(Config::new().max_payload(100)).await;
    let mut raw = Raw::connect(served.address).await;
    let sid = raw.open().await;
    let large = "4".repeat(101);
    let refused = raw.poll(&sid, Some(&large)).await;
    assert_eq!((refused.status(), refused.field("connection")), (413, Some("close")));
    // The length is not known beforehand.
    let target = format!("POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1");
    let mut raw = Raw::connect(served.address).await;
    let chunks = format!("40\r\n{}\r\n", "4".repeat(64)).repeat(2);
    raw.send(format!("{target}\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")).await;
    assert_eq!(raw.response().await.status(), 413);
    let mut raw = Raw::connect(served.address).await;
    assert_eq!(raw.poll(&sid, Some("421[\"ask\"]")).await.body, "ok");
}

async fn all_clients_are_told_when_the_server_closes(host: Host) {
    let served = host.serve_app(echo(Config::new())).await;
    let mut websocket = Raw::websocket(served.address).await;
    let mut polling = Raw::connect(served.address).await;
    let sid = polling.open().await;
    polling.send(crate::raw::polling(&sid, None)).await;
    sleep(Duration::from_millis(50)).await;
    served.io.close().await;
    assert_eq!(counts(&served.io), (0, 0, 0));
    // All of it was written before that returned, but for what the HTTP server still writes.
    assert_eq!(polling.response().await.body, "1");
    websocket.end().await;
    assert_eq!(websocket.frames().last().map(|(opcode, _)| *opcode), Some(8));
    let refused = match tokio::net::TcpStream::connect(served.address).await {
        Ok(_) => Raw::connect(served.address).await.ask(crate::raw::polling("", None)).await.status() == 503,
        Err(_) => true,
    };
    assert!(refused || host == Host::Own);
}
