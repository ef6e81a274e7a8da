//! The server's own HTTP/1.1.

use crate::{
    host::Host,
    raw::{Raw, polling, until},
};
use sansocket_tokio::server::{Config, Page};
use std::time::Duration;
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, sleep},
};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test]
async fn a_request_has_its_time_from_its_first_byte_on() {
    let served = Host::Own.serve(Config::new().request_timeout(ms(1000))).await;
    let mut raw = Raw::connect(served.address).await;
    let sid = raw.open().await;
    // The connection rests for most of the time; the request behind it has all of its own.
    sleep(ms(700)).await;
    let post = polling(&sid, Some("3"));
    let (head, body) = post.split_at(post.len() - 1);
    raw.send(head).await;
    sleep(ms(600)).await;
    raw.send(body).await;
    assert_eq!(raw.response().await.status(), 200);
}

#[tokio::test]
async fn a_slow_request_and_a_slow_body_are_answered_with_408() {
    let served = Host::Own.serve(Config::new().request_timeout(ms(300))).await;
    let mut raw = Raw::connect(served.address).await;
    let began = Instant::now();
    // Some bytes now and then do not help.
    for byte in "GET /socket.io/".split("") {
        raw.send(byte).await;
        sleep(ms(25)).await;
    }
    assert_eq!(raw.response().await.status(), 408);
    assert!(began.elapsed() < ms(2000));
    raw.end().await;

    let mut raw = Raw::connect(served.address).await;
    let sid = raw.open().await;
    let post = polling(&sid, Some("421[\"ask\"]"));
    raw.send(&post[..post.len() - 1]).await;
    let late = raw.response().await;
    assert_eq!((late.status(), late.field("connection")), (408, Some("close")));
    raw.end().await;
    // The session goes on.
    assert_eq!(Raw::connect(served.address).await.poll(&sid, Some("421[\"ask\"]")).await.body, "ok");
}

#[tokio::test]
async fn a_connection_without_requests_is_closed_without_a_word() {
    let served = Host::Own.serve(Config::new().request_timeout(ms(200))).await;
    let mut raw = Raw::connect(served.address).await;
    raw.open().await;
    raw.end().await;
    assert_eq!(raw.text(), "");
}

#[tokio::test]
async fn requests_may_be_sent_before_the_answers_to_those_in_front_of_them() {
    let served = Host::Own.serve(Config::new()).await;
    let mut raw = Raw::connect(served.address).await;
    let sid = raw.open().await;
    // The GET waits for what the POST behind it, on another connection, asks for; the requests behind the GET wait for their turn.
    raw.send([polling(&sid, None), "GET /x HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3)].concat()).await;
    sleep(ms(100)).await;
    assert_eq!(Raw::connect(served.address).await.poll(&sid, Some("421[\"ask\",7]")).await.body, "ok");
    assert_eq!(raw.response().await.body, "431[7]");
    for _ in 0..3 {
        assert_eq!(raw.response().await.status(), 404);
    }
}

#[tokio::test]
async fn a_body_that_is_announced_is_asked_for() {
    let served = Host::Own.serve(Config::new()).await;
    let mut raw = Raw::connect(served.address).await;
    let sid = raw.open().await;
    let post = polling(&sid, Some("421[\"ask\"]")).replace("Host:", "Expect: 100-continue\r\nHost:");
    let (head, body) = post.split_at(post.len() - 10);
    let interim = raw.ask(head).await;
    assert_eq!(interim.status(), 100);
    assert_eq!(raw.ask(body).await.body, "ok");
    assert_eq!(raw.poll(&sid, None).await.body, "431[]");
}

#[tokio::test]
async fn a_head_request_is_answered_without_a_body() {
    let io = crate::host::echo(Config::new());
    io.pages(|path| (path == "/").then(|| Page::new("text/plain", "hello")));
    let served = Host::Own.serve_app(io).await;
    let mut raw = Raw::connect(served.address).await;
    raw.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let head = raw.response_to("HEAD").await;
    assert_eq!((head.status(), head.field("content-length")), (200, Some("5")));
    assert_eq!(raw.response().await.body, "hello");
    raw.send("HEAD /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(raw.response_to("HEAD").await.status(), 400);
}

#[tokio::test]
async fn connections_above_the_limit_are_refused() {
    let served = Host::Own.serve(Config::new().max_connections(2)).await;
    let (mut first, second) = (Raw::connect(served.address).await, Raw::connect(served.address).await);
    first.open().await;
    until("both are counted", || served.io.counters().connections == 2).await;
    let mut third = Raw::connect(served.address).await;
    assert_eq!(third.response().await.status(), 503);
    third.end().await;
    drop(second);
    until("one is gone", || served.io.counters().connections == 1).await;
    Raw::connect(served.address).await.open().await;
}

#[tokio::test]
async fn resting_connections_end_when_the_server_closes() {
    let served = Host::Own.serve(Config::new()).await;
    let (mut fresh, mut used) = (Raw::connect(served.address).await, Raw::connect(served.address).await);
    assert_eq!(used.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.status(), 404);
    until("both are counted", || served.io.counters().connections == 2).await;
    let began = Instant::now();
    served.io.close().await;
    fresh.end().await;
    used.end().await;
    assert!(began.elapsed() < ms(1000));
    assert_eq!((fresh.text(), used.text()), (String::new(), String::new()));
}

/// E4 of the review: each further request must not give more time.
#[tokio::test(start_paused = true)]
async fn a_client_that_reads_no_answers_is_ended_however_many_requests_it_sends() {
    let io = crate::host::echo(Config::new());
    let (stream, mut client) = tokio::io::duplex(4096);
    let sending = tokio::spawn(async move {
        let mut sent = 0;
        while client.write_all(b"GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: a\r\n\r\n").await.is_ok() {
            sent += 1;
        }
        sent
    });
    let began = Instant::now();
    io.serve(stream, None).await;
    assert!(began.elapsed() < ms(12_000), "{:?}", began.elapsed());
    assert!(sending.await.unwrap() > 10);
    assert_eq!(io.counters().connections, 0);
}
