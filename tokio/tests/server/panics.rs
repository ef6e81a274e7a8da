//! Handlers that panic end their own connection, and nothing else.

use crate::peer::*;
use sansocket_tokio::server::{Ack, Event, Reason, Server, Socket};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{panic, time::Duration};
use tokio::task::yield_now;

/// Panics are expected here: they are not printed.
fn quiet() {
    panic::set_hook(Box::new(|info| {
        let is_planned = info.payload().downcast_ref::<&str>().is_some_and(|text| text.contains("planned"));
        if !is_planned {
            eprintln!("{info}");
        }
    }));
}

fn bang() {
    panic!("planned");
}

struct Bomb;

impl Serialize for Bomb {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("planned")
    }
}

impl<'de> Deserialize<'de> for Bomb {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("planned")
    }
}

/// A bystander, who must be served as before, and one who sends `said`, after which the connection is closed.
async fn panics_with(io: &Server, notes: &Notes, said: &str) {
    let mut bystander = Peer::join(io).await;
    let mut peer = Peer::join(io).await;
    settle().await;
    notes.take();
    peer.send(said).await;
    while peer.next().await.is_some() {}
    settle().await;
    notes.are(&["left forced server close"]);
    bystander.send("421[\"fine\"]").await;
    bystander.expect("431[]").await;
    // Over polling too.
    let sid = poll_join(io).await;
    let _ = request(io, "POST", &sid, said).await;
    settle().await;
    notes.are(&["left forced server close"]);
    assert_eq!(request(io, "GET", &sid, "").await.1, "1");
    assert_eq!(request(io, "GET", &sid, "").await.0, 400);
    drop((peer, bystander));
    settle().await;
    notes.take();
    assert_empty(io);
}

fn server_with_hook() -> (Server, Notes) {
    quiet();
    let (io, notes) = (server(), Notes::default());
    let left = notes.clone();
    io.on("fine", |_: Socket| ());
    io.on_disconnect(move |_: Socket, reason: Reason| left.add(format!("left {reason}")));
    (io, notes)
}

#[tokio::test(start_paused = true)]
async fn handlers() {
    let (io, notes) = server_with_hook();
    io.on("plain", |_: Socket| bang());
    io.on("async", |_: Socket| async { bang() });
    io.on("later", |_: Socket| async {
        tokio::time::sleep(Duration::from_micros(500)).await;
        bang();
    });
    io.on("arguments", |_: Socket, _: Bomb| ());
    io.on("answer", |_: Socket| Bomb);
    io.on("answer later", |_: Socket| async {
        yield_now().await;
        Bomb
    });
    io.on("ack", |_: Socket, (): (), ack: Ack| drop(ack.send(Bomb)));
    io.on("emit", |socket: Socket| drop(socket.emit("e", Bomb)));
    io.on("broadcast", |socket: Socket| drop(socket.broadcast().emit("e", (1, Bomb))));
    io.on("ask", |socket: Socket| async move { drop(socket.ask::<()>("e", Bomb).await) });
    for event in ["plain", "async", "later", "arguments", "answer", "answer later", "ack", "emit", "broadcast", "ask"] {
        panics_with(&io, &notes, &format!("421[\"{event}\",1]")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn hooks_and_checks_of_events() {
    for case in 0..5 {
        let (io, notes) = server_with_hook();
        let is_bad = |name: &str| name == "bad";
        match case {
            0 => drop(
                io.on_any(move |_: Socket, name: String, _: sansocket_tokio::args::Raw| {
                    assert!(!is_bad(&name), "planned")
                })
                .name(),
            ),
            1 => drop(
                io.before_event(move |_: Socket, event: Event| {
                    assert!(!is_bad(&event.name), "planned");
                    Ok::<(), String>(())
                })
                .name(),
            ),
            2 => drop(
                io.before_event(move |_: Socket, event: Event| async move {
                    yield_now().await;
                    assert!(!is_bad(&event.name), "planned");
                    Ok::<(), String>(())
                })
                .name(),
            ),
            3 => {
                io.on("bad", |_: Socket, _: u8| ());
                io.on_failure(|_: Socket, _: sansocket_tokio::server::Failure| bang());
            }
            _ => {
                io.on("bad", |socket: Socket| {
                    socket.once("bad", |_: Socket| bang());
                });
            }
        }
        let said = if case == 4 { "42[\"bad\"]\u{1e}42[\"bad\"]" } else { "42[\"bad\",\"x\"]" };
        if case < 4 {
            panics_with(&io, &notes, said).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_hooks_of_the_end() {
    let (io, notes) = server_with_hook();
    io.on_disconnecting(|_: Socket, _: Reason| bang());
    io.on_disconnect(|_: Socket, _: Reason| bang());
    let last = notes.clone();
    io.on_disconnect(move |_: Socket, _: Reason| last.add("all are called"));
    for _ in 0..2 {
        drop(Peer::join(&io).await);
        settle().await;
        notes.are(&["left transport close", "all are called"]);
    }
    let mut peer = Peer::join(&io).await;
    peer.send("41").await;
    peer.ended().await;
    settle().await;
    notes.are(&["left client namespace disconnect", "all are called"]);
    assert_empty(&io);
}

#[tokio::test(start_paused = true)]
async fn whoever_decides_about_a_client() {
    quiet();
    for case in 0..5 {
        let io = server();
        let dynamic = io.of_matching(move |name| {
            assert!(case != 0, "planned");
            name.starts_with("/d")
        });
        match case {
            1 => drop(dynamic.before_connect(|_: Socket| -> Result<(), String> { panic!("planned") }).name()),
            2 => drop(
                dynamic
                    .before_connect(|_: Socket| async {
                        yield_now().await;
                        bang();
                        Ok::<(), String>(())
                    })
                    .name(),
            ),
            3 => drop(dynamic.before_connect(|_: Socket, _: Bomb| Ok::<(), String>(())).name()),
            _ => drop(dynamic.on_connect(|_: Socket| bang()).name()),
        }
        let mut peer = Peer::open(&io).await;
        peer.send("40/d1,").await;
        if case == 0 {
            // Called by the server itself, which only refuses.
            peer.expect("44/d1,{\"message\":\"Invalid namespace\"}").await;
            drop(peer);
            settle().await;
            assert_empty(&io);
            continue;
        }
        while peer.next().await.is_some() {}
        settle().await;
        assert_empty(&io);
        let sid = poll_open(&io).await;
        let _ = request(&io, "POST", &sid, "40/d1,").await;
        settle().await;
        while request(&io, "GET", &sid, "").await.0 == 200 {}
        settle().await;
        assert_empty(&io);
        assert_eq!(io.counters().namespaces, 1, "case {case}");
    }
}
