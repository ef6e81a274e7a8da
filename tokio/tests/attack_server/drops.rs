//! Values of the application that panic when they are dropped.

use crate::peer::*;
use sansocket_tokio::server::{Reason, Server, Socket};
use std::panic;

fn quiet() {
    panic::set_hook(Box::new(|info| {
        let is_planned = info.payload().downcast_ref::<&str>().is_some_and(|text| text.contains("planned"));
        if !is_planned && !info.payload().is::<Bomb>() {
            eprintln!("{info}");
        }
    }));
}

/// Panics when it is dropped, once.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "planned");
    }
}

fn bang() {
    panic::panic_any(Bomb)
}

impl<'de> serde::Deserialize<'de> for Bomb {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

fn noting() -> (Server, Notes) {
    quiet();
    let (io, notes) = (server(), Notes::default());
    for name in ["/", "/a", "/b"] {
        let left = notes.clone();
        io.of(name).on_disconnect(move |_: Socket, reason: Reason| left.add(format!("left {reason}")));
        io.of(name).on("fine", |_: Socket| ());
    }
    (io, notes)
}

/// A client in three namespaces, one of which has a handler that cannot be dropped: all of them are left.
#[tokio::test(start_paused = true)]
async fn what_the_handlers_of_a_socket_captured() {
    let (io, notes) = noting();
    for name in ["/", "/a", "/b"] {
        io.of(name).on_connect(|socket: Socket| {
            let bomb = Bomb;
            socket.on("x", move |_: Socket| {
                let _ = &bomb;
            });
        });
    }
    let mut peer = Peer::join(&io).await;
    peer.enter("/a,").await;
    peer.enter("/b,").await;
    drop(peer);
    settle().await;
    notes.are(&["left transport close"; 3]);
    assert_empty(&io);
    assert_eq!(io.len() + io.of("/a").len() + io.of("/b").len(), 0);
    let sid = poll_open(&io).await;
    for name in ["40", "40/a,", "40/b,"] {
        assert_eq!(request(&io, "POST", &sid, name).await.0, 200);
    }
    assert_eq!(request(&io, "POST", &sid, "41").await.0, 200);
    settle().await;
    // Its panic ends the connection, as that of a handler.
    notes.are(&["left client namespace disconnect", "left forced server close", "left forced server close"]);
    while request(&io, "GET", &sid, "").await.0 == 200 {}
    assert_empty(&io);
}

#[tokio::test(start_paused = true)]
async fn what_panics_carry_and_what_handlers_are_given() {
    let (io, notes) = noting();
    io.on("payload", |_: Socket| bang());
    io.on("payload later", |_: Socket| async {
        tokio::task::yield_now().await;
        bang();
    });
    io.on("argument", |_: Socket, _: Bomb| ());
    io.on("local later", |_: Socket, bomb: Bomb| async move {
        tokio::task::yield_now().await;
        let _ = &bomb;
    });
    io.on("once", |socket: Socket| {
        let bomb = Bomb;
        socket.once("once", move |_: Socket| {
            let _ = &bomb;
        });
    });
    io.on("off", |socket: Socket| {
        let bomb = Bomb;
        socket.on("gone", move |_: Socket| {
            let _ = &bomb;
        });
        socket.off("gone");
    });
    for event in ["payload", "payload later", "argument", "local later", "off", "once"] {
        let mut bystander = Peer::join(&io).await;
        let mut peer = Peer::join(&io).await;
        peer.send(&format!("42[\"{event}\",1]")).await;
        if event == "once" {
            peer.send("42[\"once\"]").await;
        }
        while peer.next().await.is_some() {}
        settle().await;
        assert_eq!(notes.take(), ["left forced server close"], "{event}");
        let sid = poll_join(&io).await;
        let said = format!("42[\"{event}\",1]\u{1e}42[\"once\"]");
        assert_eq!(
            request(&io, "POST", &sid, if event == "once" { &said } else { &said[..said.len() - 11] }).await.0,
            200
        );
        settle().await;
        assert_eq!(notes.take(), ["left forced server close"], "{event} over polling");
        assert_eq!(request(&io, "GET", &sid, "").await.1, "1", "{event}");
        bystander.send("421[\"fine\"]").await;
        bystander.expect("431[]").await;
        drop((bystander, peer));
        settle().await;
        notes.take();
        assert_empty(&io);
    }
}
