//! Clients that say too much, at once.

use crate::peer::*;
use sansocket_tokio::server::{Config, Policy, Reason, Server, Socket};
use std::time::Duration;
use tokio::{
    io::AsyncWriteExt,
    time::{sleep, timeout},
};

/// A client whose questions have long answers, which it reads: its own questions are not what drops it.
#[tokio::test(start_paused = true)]
async fn questions_with_long_answers() {
    for (limit, count) in [(1 << 20, 300), (100_000, 100)] {
        for policy in [Policy::Close, Policy::DropNewest, Policy::DropVolatile] {
            let io = Server::new(Config::new().queue(limit, policy));
            io.on("get", |_: Socket, n: usize| format!("{n} {}", "x".repeat(10_000)));
            let said: Vec<String> = (0..count).map(|n| format!("42{n}[\"get\",{n}]")).collect();
            let mut peer = Peer::join(&io).await;
            let frames: Vec<u8> = said.iter().flat_map(|said| frame(1, said.as_bytes())).collect();
            peer.stream.write_all(&frames).await.unwrap();
            for n in 0..count {
                let answer = peer.next().await.unwrap_or_else(|| panic!("dropped at {n}, {limit} {policy:?}"));
                assert!(answer.starts_with(&format!("43{n}[\"{n} x")));
            }
            let sid = poll_join(&io).await;
            let body = said.join("\u{1e}");
            let mut post = begun(&io, "POST", &sid, &body).await;
            let mut got = 0;
            while got < count {
                let (status, body) = request(&io, "GET", &sid, "").await;
                assert_eq!(status, 200, "{got} {limit} {policy:?}");
                assert_ne!(body, "1", "{got} {limit} {policy:?}");
                got += body.split('\u{1e}').filter(|said| said.starts_with("43")).count();
            }
            assert_eq!(answer_of(&mut post).await.0, 200);
        }
    }
}

/// The same by a client that never reads: what waits for it is bounded, and it is dropped.
#[tokio::test(start_paused = true)]
async fn questions_without_reading() {
    let io = Server::new(Config::new().ping_timeout(Duration::from_secs(5)).ping_interval(Duration::from_secs(5)));
    let (sent, most) = (std::sync::Arc::new(std::sync::Mutex::new(Vec::new())), 1 << 20);
    let seen = sent.clone();
    io.on("get", move |socket: Socket| {
        seen.lock().unwrap().push(socket.queued());
        "x".repeat(10_000)
    });
    let mut peer = Peer::join_small(&io, 1000).await;
    for _ in 0..2000 {
        if timeout(Duration::from_millis(1), peer.try_send("421[\"get\"]")).await.is_err() {
            break;
        }
    }
    assert!(sent.lock().unwrap().iter().max().unwrap() < &most);
    sleep(Duration::from_secs(30)).await;
    assert_empty(&io);
}

/// Checks that wait: no more of them than namespaces that a client may join. Who leaves a namespace before it is in breaks the protocol, so it cannot ask
/// again and again.
#[tokio::test(start_paused = true)]
async fn connects_while_checks_wait() {
    let (io, notes) = (server(), Notes::default());
    let dynamic = io.of_matching(|name| name.starts_with("/slow"));
    let done = notes.clone();
    dynamic.before_connect(move |_: Socket| {
        let done = done.clone();
        async move {
            sleep(Duration::from_secs(10)).await;
            done.add("checked");
            Ok::<(), String>(())
        }
    });
    for said in [&["40/slow,", "41/slow,", "40/slow,"][..], &["40/slow,", "40/slow,"]] {
        let mut peer = Peer::open(&io).await;
        for said in said {
            peer.try_send(said).await;
        }
        peer.ended().await;
    }
    let mut peer = Peer::open(&io).await;
    for n in 0..9 {
        if n == 8 {
            settle().await;
            assert_eq!(io.counters().handlers, 8);
        }
        peer.send(&format!("40/slow{n},")).await;
    }
    peer.ended().await;
    settle().await;
    assert_empty(&io);
    assert_eq!(io.counters().namespaces, 1);
    notes.are(&[]);
}

/// Packets that nobody asked for.
#[tokio::test(start_paused = true)]
async fn what_nobody_asked_for() {
    let io = server();
    let _ = io.of_matching(|name| name.starts_with("/d"));
    io.on("join", |socket: Socket, room: String| socket.join(room));
    let mut peer = Peer::join(&io).await;
    for n in 0..5000_u32 {
        let said = match n % 5 {
            0 => format!("43{n}[1]"),
            1 => format!("40/unknown{n},"),
            2 => "3".into(),
            3 => format!("42[\"join\",\"r{n}\"]"),
            _ => format!("42[\"nobody listens\",{n}]"),
        };
        peer.send(&said).await;
        if n % 50 == 0 {
            peer.frame(9, b"ping").await;
            // Answers to pings are no messages.
            drain(&mut peer).await;
        }
    }
    drain(&mut peer).await;
    assert_eq!(io.counters().sockets, 1);
    assert_eq!(io.sockets()[0].rooms().len(), 1000);
    assert_eq!(io.counters().namespaces, 1);
    drop(peer);
    settle().await;
    assert_empty(&io);
}

/// Reads all that is there, whatever it is.
async fn drain(peer: &mut Peer) {
    use tokio::io::AsyncReadExt;
    let mut memory = vec![0; 65536];
    while let Ok(Ok(1..)) = timeout(Duration::from_millis(2), peer.stream.read(&mut memory)).await {}
}

/// Namespaces are made and forgotten by clients on several threads; sockets of one are never in the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn namespaces_made_and_forgotten() {
    let io = Server::new(Config::new().max_dynamic_namespaces(3));
    let (rooms, notes) = (io.of_matching(|name| name.starts_with("/d")), Notes::default());
    rooms.on_connect(|socket: Socket| socket.emit("hello", socket.namespace()).unwrap());
    let strays = notes.clone();
    rooms.on_disconnect(move |socket: Socket, _: Reason| {
        if !socket.namespace().starts_with("/d") {
            strays.add(socket.namespace());
        }
    });
    let clients = (0..4).map(|k: u32| {
        let io = io.clone();
        tokio::spawn(async move {
            let mut peer = Peer::join(&io).await;
            for n in 0..500 {
                let name = format!("/d{}", (n * 7 + k) % 5);
                peer.send(&format!("40{name},")).await;
                let answer = peer.next().await.unwrap();
                if answer.starts_with("44") {
                    assert_eq!(answer, format!("44{name},{{\"message\":\"Invalid namespace\"}}"));
                    continue;
                }
                assert!(answer.starts_with(&format!("40{name},")), "{answer}");
                peer.expect(&format!("42{name},[\"hello\",\"{name}\"]")).await;
                if n % 3 == 0 {
                    let _ = io.of("/other").emit("x", ());
                }
                peer.send(&format!("41{name},")).await;
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    sleep(Duration::from_millis(50)).await;
    assert_empty(&io);
    assert_eq!(io.counters().namespaces, 2);
    notes.are(&[]);
}

/// Too many attachments, attachments that never come, and a message over the limit.
#[tokio::test(start_paused = true)]
async fn attachments() {
    let (io, notes) = (Server::new(Config::new().max_payload(1000).max_attachments(2, 1500)), Notes::default());
    let left = notes.clone();
    io.on_disconnect(move |_: Socket, reason: Reason| left.add(reason));
    io.on("b", |_: Socket, _: sansocket_tokio::args::Raw| ());
    let two = "452-[\"b\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]";
    let cases: [(&str, &[usize]); 5] = [
        ("4565-[\"b\"]", &[]),
        ("453-[\"b\",{\"_placeholder\":true,\"num\":0},1,2]", &[1, 1, 1]),
        (two, &[1000, 1000]),
        (two, &[1001]),
        ("4518446744073709551616-[\"b\"]", &[]),
    ];
    for (said, files) in cases {
        let mut peer = Peer::join(&io).await;
        peer.try_send(said).await;
        for len in files {
            let _ = peer.stream.write_all(&frame(2, &vec![0; *len])).await;
        }
        while peer.next().await.is_some() {}
        settle().await;
        assert_eq!(notes.take().len(), 1, "{said}");
        assert_empty(&io);
    }
    // A text where an attachment is due.
    let mut peer = Peer::join(&io).await;
    peer.send(two).await;
    peer.send("42[\"b\"]").await;
    peer.ended().await;
    settle().await;
    assert_empty(&io);
}
