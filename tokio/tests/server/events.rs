//! Events, their order, their arguments and their acknowledgements.

use crate::peer::*;
use sansocket_tokio::{
    Bytes,
    server::{Ack, Event, Failure, Socket},
};
use serde::Deserialize;
use std::{collections::HashMap, time::Duration};

#[tokio::test(start_paused = true)]
async fn handlers_begin_in_the_order_of_events() {
    let (io, notes) = (server(), Notes::default());
    let (plain, slow) = (notes.clone(), notes.clone());
    io.on("plain", move |_: Socket, n: u32| plain.add(n));
    io.on("slow", move |_: Socket, n: u32| {
        let notes = slow.clone();
        async move {
            notes.add(n);
            tokio::time::sleep(Duration::from_millis(100 - u64::from(n))).await;
            notes.add(format!("{n} went on"));
        }
    });
    let mut peer = Peer::join(&io).await;
    for n in 0..4 {
        peer.send(&format!("42[\"{}\",{n}]", if n % 2 == 0 { "slow" } else { "plain" })).await;
    }
    settle().await;
    notes.are(&["0", "1", "2", "3"]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    notes.are(&["2 went on", "0 went on"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_returns_is_the_acknowledgement() {
    let io = server();
    io.on("one", |_: Socket, n: u32| n + 1);
    io.on("two", |_: Socket| ("a", 2));
    io.on("none", |_: Socket| ());
    io.on("async", |_: Socket, (a, b): (u32, u32)| async move {
        tokio::task::yield_now().await;
        a + b
    });
    io.on("result", |_: Socket, n: u8| n.checked_add(1).ok_or(std::io::Error::other("too much")));
    io.on("ack", |_: Socket, n: u32, ack: Ack| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ack.send((n, "later")).unwrap();
    });
    io.on("never", |_: Socket, (): (), ack: Ack| drop(ack));
    io.on("bytes", |_: Socket, bytes: Bytes| bytes);
    let mut peer = Peer::join(&io).await;
    for (said, answer) in [
        ("421[\"one\",1]", "431[2]"),
        ("422[\"two\"]", "432[\"a\",2]"),
        ("423[\"none\"]", "433[]"),
        ("424[\"async\",1,2]", "434[3]"),
        ("425[\"result\",1]", "435[2]"),
        ("426[\"result\",255]", "436[{\"error\":\"too much\"}]"),
        ("427[\"ack\",7]", "437[7,\"later\"]"),
        ("42999999999999[\"one\",1]", "43999999999999[2]"),
    ] {
        peer.send(said).await;
        peer.expect(answer).await;
    }
    for quiet in ["42[\"one\",1]", "428[\"never\"]", "429[\"unknown\"]"] {
        peer.send(quiet).await;
    }
    assert!(peer.all().await.is_empty());
    peer.send("451-9[\"bytes\",{\"_placeholder\":true,\"num\":0}]").await;
    peer.frame(2, b"four").await;
    peer.expect("461-9[{\"_placeholder\":true,\"num\":0}]").await;
    peer.expect("bin:four").await;
}

#[derive(Debug, Deserialize)]
struct Item {
    name: String,
    #[serde(flatten)]
    rest: HashMap<String, serde_json::Value>,
}

#[tokio::test(start_paused = true)]
async fn arguments_of_another_type_are_told_to_the_client_and_to_the_application() {
    let (io, notes) = (server(), Notes::default());
    io.on("add", |_: Socket, item: Item| format!("{} {}", item.name, item.rest.len()));
    let failures = notes.clone();
    io.on_failure(move |_: Socket, failure: Failure| failures.add(failure.event));
    let mut peer = Peer::join(&io).await;
    peer.send("421[\"add\",{\"name\":\"milk\",\"count\":2}]").await;
    peer.expect("431[\"milk 1\"]").await;
    peer.send("422[\"add\",{\"name\":7}]").await;
    let answer = peer.next().await.unwrap();
    assert!(answer.starts_with("432[{\"error\":") && answer.contains("name"), "{answer}");
    peer.send("42[\"add\"]").await;
    peer.send("423[\"add\",{\"name\":\"eggs\"}]").await;
    peer.expect("433[\"eggs 0\"]").await;
    notes.are(&["add", "add"]);
}

#[tokio::test(start_paused = true)]
async fn once_is_once_and_off_is_off_even_from_inside() {
    let (io, notes) = (server(), Notes::default());
    let of_all = notes.clone();
    io.on("e", move |_: Socket| of_all.add("all"));
    let on_connect = notes.clone();
    io.on_connect(move |socket: Socket| {
        let (first, second) = (on_connect.clone(), on_connect.clone());
        socket.once("e", move |socket: Socket| {
            first.add("once");
            let again = first.clone();
            socket.once("e", move |_: Socket| again.add("once more"));
        });
        socket.on("e", move |socket: Socket| {
            second.add("own");
            socket.off("e");
        });
    });
    let mut peer = Peer::join(&io).await;
    peer.send("42[\"e\"]").await;
    settle().await;
    notes.are(&["once", "own", "all"]);
    peer.send("42[\"e\"]").await;
    settle().await;
    notes.are(&["all"]);
    io.off("e");
    peer.send("42[\"e\"]").await;
    settle().await;
    notes.are(&[]);
}

#[tokio::test(start_paused = true)]
async fn two_events_at_once_call_a_handler_for_one_of_them_once() {
    let (io, notes) = (server(), Notes::default());
    let on_connect = notes.clone();
    io.on_connect(move |socket: Socket| {
        let notes = on_connect.clone();
        socket.once("e", move |_: Socket, n: u8| notes.add(n));
    });
    let mut peer = Peer::join(&io).await;
    let both = [frame(1, b"42[\"e\",1]"), frame(1, b"42[\"e\",2]")].concat();
    tokio::io::AsyncWriteExt::write_all(&mut peer.stream, &both).await.unwrap();
    settle().await;
    notes.are(&["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_sees_every_event_before_its_handlers() {
    let (io, notes) = (server(), Notes::default());
    let (any, handler) = (notes.clone(), notes.clone());
    io.on_any(move |_: Socket, name: String, args: sansocket_tokio::args::Raw| {
        any.add(format!("{name} {}", String::from_utf8_lossy(&args.json)));
    });
    io.on("e", move |_: Socket| handler.add("handler"));
    let mut peer = Peer::join(&io).await;
    for said in ["42[\"e\",1,\"b\"]", "42[\"nobody\"]", "42[\"\\u0065\"]", "42[7,8]"] {
        peer.send(said).await;
    }
    settle().await;
    notes.are(&["e 1,\"b\"", "handler", "nobody ", "e ", "handler", "7 8"]);
}

#[tokio::test(start_paused = true)]
async fn checks_of_events_refuse_in_words() {
    let (io, notes) = (server(), Notes::default());
    io.before_event(|_: Socket, event: Event| if event.name == "bad" { Err("not this one") } else { Ok(()) });
    io.before_event(|_: Socket, event: Event| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if event.name == "worse" { Err(String::from("nor this")) } else { Ok(()) }
    });
    let (handled, failed) = (notes.clone(), notes.clone());
    for name in ["bad", "worse", "good"] {
        let notes = handled.clone();
        io.on(name, move |_: Socket, n: u32| {
            notes.add(name);
            n
        });
    }
    io.on_failure(move |_: Socket, Failure { event, error, .. }: Failure| failed.add(format!("{event}: {error}")));
    let mut peer = Peer::join(&io).await;
    for (n, name) in ["bad", "worse", "good"].into_iter().enumerate() {
        peer.send(&format!("42{n}[\"{name}\",5]")).await;
    }
    let answers = [peer.next().await, peer.next().await, peer.next().await].map(Option::unwrap);
    assert_eq!(answers, ["430[{\"error\":\"not this one\"}]", "431[{\"error\":\"nor this\"}]", "432[5]"]);
    notes.are(&["bad: not this one", "worse: nor this", "good"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_client_left_while_it_was_checked_is_not_handled() {
    let (io, notes) = (server(), Notes::default());
    io.before_event(|_: Socket, _: Event| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<(), String>(())
    });
    let handled = notes.clone();
    io.on("e", move |_: Socket| handled.add("handled"));
    let left = notes.clone();
    io.on_disconnect(move |_: Socket, _: sansocket_tokio::server::Reason| left.add("left"));
    let mut peer = Peer::join(&io).await;
    peer.send("42[\"e\"]").await;
    settle().await;
    drop(peer);
    tokio::time::sleep(Duration::from_secs(2)).await;
    notes.are(&["left"]);
    assert_empty(&io);
}

#[tokio::test(start_paused = true)]
async fn emits_and_answers_stand_in_the_order_in_which_they_were_made() {
    let io = server();
    io.on("e", |socket: Socket, n: u32| {
        socket.emit("before", n).unwrap();
        let _ = socket.broadcast().emit("others", n);
        socket.emit("bytes", Bytes::from_static(b"x")).unwrap();
        n
    });
    let (mut peer, mut other) = (Peer::join(&io).await, Peer::join(&io).await);
    peer.send("421[\"e\",1]").await;
    peer.send("422[\"e\",2]").await;
    for n in [1, 2] {
        peer.expect(&format!("42[\"before\",{n}]")).await;
        peer.expect("451-[\"bytes\",{\"_placeholder\":true,\"num\":0}]").await;
        peer.expect("bin:x").await;
        peer.expect(&format!("43{n}[{n}]")).await;
        other.expect(&format!("42[\"others\",{n}]")).await;
    }
}
