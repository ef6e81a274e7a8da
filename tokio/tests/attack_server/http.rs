//! Requests that are odd.

use crate::peer::*;
use sansocket_tokio::{
    server::{Config, Page, Server},
    testing,
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

/// What is answered to bytes, until the connection ends or nothing more comes for a second.
async fn said(io: &Server, bytes: &[u8]) -> String {
    let mut stream = testing::stream_with(io, 1 << 20, None);
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    while let Ok(Ok(1..)) = timeout(Duration::from_secs(1), stream.read_buf(&mut answer)).await {}
    String::from_utf8_lossy(&answer).into_owned()
}

fn statuses(answer: &str) -> Vec<&str> {
    answer.split("HTTP/1.1 ").skip(1).map(|rest| &rest[..3]).collect()
}

#[tokio::test(start_paused = true)]
async fn methods_heads_and_bodies() {
    let io = server();
    io.pages(|path| (path == "/").then(|| Page::new("text/plain", "hi")));
    let sid = poll_join(&io).await;
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    let head = |line: String| format!("{line}\r\nHost: test\r\n");
    let long = "x".repeat(100_000);
    let cases: Vec<(String, &[&str])> = vec![
        (head("HEAD / HTTP/1.1".into()) + "\r\n", &["200"]),
        (head("POST / HTTP/1.1".into()) + "Content-Length: 0\r\n\r\n", &["405"]),
        (head("POST / HTTP/1.1".into()) + "Content-Length: 5\r\n\r\nhello", &["413"]),
        // As of the JavaScript server.
        (head(format!("PUT {path} HTTP/1.1")) + "\r\n", &["500"]),
        (head(format!("DELETE {path} HTTP/1.1")) + "\r\n", &["500"]),
        (head(format!("HEAD {path} HTTP/1.1")) + "\r\n", &["500"]),
        (head(format!("GET /{long} HTTP/1.1")) + "\r\n", &["431"]),
        (head("GET / HTTP/1.1".into()) + &format!("X: {long}\r\n\r\n"), &["431"]),
        (head("GET / HTTP/9.1".into()) + "\r\n", &["505"]),
        (head("GET / HTTP/1.1".into()) + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", &["400"]),
        (head("GET / HTTP/1.1".into()) + "Transfer-Encoding: gzip\r\n\r\n", &["501"]),
        (head(format!("POST {path} HTTP/1.1")) + "Content-Length: 18446744073709551616\r\n\r\n", &["400"]),
        (head(format!("POST {path} HTTP/1.1")) + "Content-Length: 1000001\r\n\r\n", &["413"]),
        (head(format!("POST {path} HTTP/1.1")) + "Transfer-Encoding: chunked\r\n\r\n1\r\n3\r\n0\r\n\r\n", &["200"]),
        (head(format!("POST {path} HTTP/1.1")) + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", &["400"]),
        (head(format!("POST {path} HTTP/1.1")) + "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n3", &["200"]),
        (head("GET / HTTP/1.1".into()) + "\r\n" + &head("GET /nothing HTTP/1.1".into()) + "\r\n", &["200", "404"]),
        ("\0\x01\x02\r\n\r\n".into(), &["400"]),
    ];
    for (request, expected) in cases {
        let answer = said(&io, request.as_bytes()).await;
        let got = statuses(&answer);
        assert_eq!(got, expected, "{} -> {answer}", &request[..request.len().min(200)]);
    }
    // The session is still there.
    assert_eq!(request(&io, "POST", &sid, "3").await.0, 200);
}

/// Requests of one session in one go, and requests behind a GET that waits.
#[tokio::test(start_paused = true)]
async fn pipelined() {
    let io = server();
    io.on("fine", |_: sansocket_tokio::server::Socket| "yes");
    let sid = poll_join(&io).await;
    let keep = |method, body| polling_request(method, &sid, body).replace("Connection: close\r\n", "");
    let all = keep("POST", "421[\"fine\"]") + &keep("GET", "") + &keep("POST", "422[\"fine\"]") + &keep("GET", "");
    let answer = said(&io, all.as_bytes()).await;
    assert_eq!(statuses(&answer), ["200"; 4], "{answer}");
    assert!(answer.contains("431[\"yes\"]") && answer.contains("432[\"yes\"]"));
    // A GET that waits, with a flood behind it.
    let mut stream = testing::stream_with(&io, 1 << 20, None);
    stream.write_all(keep("GET", "").as_bytes()).await.unwrap();
    for _ in 0..1000 {
        stream.write_all(keep("POST", "423[\"fine\"]").as_bytes()).await.unwrap();
    }
    sleep(Duration::from_millis(100)).await;
    io.emit("go", ()).unwrap();
    let mut answer = Vec::new();
    while let Ok(Ok(1..)) = timeout(Duration::from_millis(100), stream.read_buf(&mut answer)).await {}
    assert_eq!(statuses(&String::from_utf8_lossy(&answer)), vec!["200"; 1001]);
}

#[tokio::test(start_paused = true)]
async fn origins_of_websockets() {
    let io = Server::new(Config::new().origin("https://good.example"));
    for (origin, expected) in [
        ("https://good.example", "101"),
        ("https://good.example.evil.example", "400"),
        ("https://evil.example", "400"),
        ("null", "400"),
        ("http://test", "101"),
        ("http://test:80", "400"),
        ("", "400"),
    ] {
        let request = upgrade_request("").replace("Host: test", &format!("Host: test\r\nOrigin: {origin}"));
        let answer = said(&io, request.as_bytes()).await;
        assert_eq!(statuses(&answer)[0], expected, "{origin:?}");
    }
    sleep(Duration::from_secs(60)).await;
    assert_empty(&io);
}
