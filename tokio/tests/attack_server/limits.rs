//! Limits, many clients at a time, and what one costs the others.

use crate::peer::*;
use sansocket_tokio::{
    server::{Config, Server, Socket},
    testing,
};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// A connection too many is told so, whatever it has sent already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections() {
    let io = Server::new(Config::new().max_connections(2));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let me = io.clone();
    tokio::spawn(async move { me.listen(listener).await });
    let held = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
    sleep(Duration::from_millis(50)).await;
    let mut told = 0;
    for _ in 0..50 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(polling_request("GET", "", "").as_bytes()).await;
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        told += usize::from(answer.starts_with("HTTP/1.1 503"));
    }
    assert_eq!(io.counters().connections, 2);
    drop(held);
    sleep(Duration::from_millis(50)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(polling_request("GET", "", "").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(told >= 45, "{told} of 50 were told");
}

#[tokio::test(start_paused = true)]
async fn sessions() {
    let io = Server::new(Config::new().max_sessions(3));
    let (_first, polled, peer) = (Peer::join(&io).await, poll_join(&io).await, Peer::join(&io).await);
    for _ in 0..3 {
        assert_eq!(request(&io, "GET", "", "").await.0, 503);
        let mut stream = testing::stream(&io);
        stream.write_all(upgrade_request("").as_bytes()).await.unwrap();
        assert_eq!(answer_of(&mut stream).await.0, 503);
    }
    // One that is there may move.
    let mut moved = Peer::upgraded(testing::stream(&io), &polled).await;
    moved.send("2probe").await;
    moved.expect("3probe").await;
    moved.send("5").await;
    drop(peer);
    settle().await;
    let _next = Peer::join(&io).await;
    assert_eq!(io.counters().websocket_sessions, 3);
}

/// Kilobytes of memory in use.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

/// Sessions that came and went leave no memory: three rounds, of which the last ones may not cost more.
#[tokio::test(start_paused = true)]
async fn memory_of_sessions_that_are_gone() {
    let io = server();
    io.on_connect(|socket: Socket| {
        for n in 0..5 {
            socket.join(format!("room {} {n}", socket.id()));
        }
        socket.on("own", move |_: Socket| ());
    });
    let count = std::env::var("ATTACK_SESSIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let mut sizes = Vec::new();
    for _ in 0..4 {
        let mut peers = Vec::new();
        for n in 0..count {
            if n % 4 == 0 {
                let sid = poll_join(&io).await;
                assert_eq!(request(&io, "POST", &sid, "1").await.0, 200);
            } else {
                peers.push(Peer::join(&io).await);
            }
        }
        io.emit("all", "x".repeat(100)).unwrap();
        settle().await;
        drop(peers);
        sleep(Duration::from_secs(1)).await;
        assert_empty(&io);
        sizes.push(resident());
    }
    println!("KiB after each round of {count} sessions: {sizes:?}");
    assert!(sizes[3] < sizes[1] + sizes[1] / 4, "{sizes:?}");
}

/// One client floods; another is served meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latency_beside_a_flood() {
    let io = server();
    io.on("echo", |_: Socket, text: String| text);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let me = io.clone();
    tokio::spawn(async move { me.listen(listener).await });
    let over_tcp = || async move {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let mut far = tokio::io::duplex(65536);
        tokio::spawn(async move { tokio::io::copy_bidirectional(&mut tcp, &mut far.0).await });
        let mut peer = Peer::over(far.1).await;
        peer.enter("").await;
        peer
    };
    let flood = over_tcp().await;
    let flooding = tokio::spawn(async move {
        let (mut read, mut write) = tokio::io::split(flood.stream);
        let frames = frame(1, b"421[\"echo\",\"x\"]").repeat(1000);
        tokio::spawn(async move {
            let mut memory = vec![0; 65536];
            while let Ok(1..) = read.read(&mut memory).await {}
        });
        while write.write_all(&frames).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    let mut peer = over_tcp().await;
    let mut times = Vec::new();
    for n in 0..200 {
        let began = Instant::now();
        peer.send(&format!("42{n}[\"echo\",\"y\"]")).await;
        peer.expect(&format!("43{n}[\"y\"]")).await;
        times.push(began.elapsed());
        sleep(Duration::from_millis(2)).await;
    }
    flooding.abort();
    times.sort();
    let received = io.counters().events_received;
    println!(
        "beside a flood of {received} events: median {:?}, 99 % {:?}, most {:?}",
        times[100], times[198], times[199]
    );
    assert!(times[198] < Duration::from_millis(500), "{:?}", times[198]);
}
