//! Several servers as one, by an adapter: every operation on several sockets reaches those of all nodes.

mod bus;
mod peer;

use bus::Bus;
use peer::Peer;
use sansocket_tokio::{
    AskError,
    server::{Config, Server, Socket},
};
use std::time::Duration;
use tokio::sync::mpsc;

/// Two nodes.
fn cluster() -> (Bus, Server, Server) {
    let bus = Bus::default();
    let [a, b] = [(); 2].map(|()| Server::with_adapter(Config::new(), bus.node()));
    (bus, a, b)
}

/// Lets the nodes do what they were told. Time stands still, so nothing else is left to do then.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn events_reach_the_sockets_of_all_nodes_once() {
    let (_, a, b) = cluster();
    let (mut first, mut second) = (Peer::join(&a).await, Peer::join(&b).await);
    a.emit("news", ("one", 1)).unwrap();
    for peer in [&mut first, &mut second] {
        assert_eq!(peer.event().await, r#"["news","one",1]"#);
    }
    // By the id of a socket, in both directions.
    b.to(first.id.as_str()).emit("direct", ()).unwrap();
    assert_eq!(first.event().await, r#"["direct"]"#);
    a.to(second.id.as_str()).to("also in no room").emit("direct", ()).unwrap();
    assert_eq!(second.event().await, r#"["direct"]"#);
    a.except(first.id.as_str()).emit("others", ()).unwrap();
    assert_eq!(second.event().await, r#"["others"]"#);
    settle().await;
    first.hears_nothing(&a).await;
    second.hears_nothing(&b).await;
}

#[tokio::test(start_paused = true)]
async fn the_sender_is_left_out_on_all_nodes() {
    let (_, a, b) = cluster();
    for io in [&a, &b] {
        io.on("say", |socket: Socket, text: String| drop(socket.broadcast().emit("said", text)));
    }
    let (mut first, mut second) = (Peer::join(&a).await, Peer::join(&b).await);
    second.emit(r#""say","hi""#).await;
    assert_eq!(first.event().await, r#"["said","hi"]"#);
    settle().await;
    second.hears_nothing(&b).await;
}

#[tokio::test(start_paused = true)]
async fn attachments_go_along() {
    let (_, a, b) = cluster();
    let mut peer = Peer::join(&b).await;
    a.emit("file", sansocket_tokio::Bytes::from_static(b"\x01\x02")).unwrap();
    assert_eq!(peer.text().await.unwrap(), r#"451-["file",{"_placeholder":true,"num":0}]"#);
    assert_eq!(peer.text().await.unwrap(), r#"b"\x01\x02""#);
}

#[tokio::test(start_paused = true)]
async fn what_is_local_stays_here() {
    let (bus, a, b) = cluster();
    let (mut first, mut second) = (Peer::join(&a).await, Peer::join(&b).await);
    a.local().emit("news", ()).unwrap();
    a.local().join("room").unwrap();
    assert_eq!(a.local().fetch_sockets().await.unwrap().len(), 1);
    assert_eq!(bus.passed(), 0);
    assert_eq!(first.event().await, r#"["news"]"#);
    second.hears_nothing(&b).await;
    assert_eq!((a.count("room"), b.count("room")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn rooms_are_joined_and_left_everywhere() {
    let (_, a, b) = cluster();
    let (mut first, mut second) = (Peer::join(&a).await, Peer::join(&b).await);
    b.sockets_join("all").unwrap();
    b.to(first.id.as_str()).join("some").unwrap();
    settle().await;
    assert_eq!([&a, &b].map(|io| (io.count("all"), io.count("some"))), [(1, 1), (1, 0)]);
    b.to("all").except("some").emit("news", ()).unwrap();
    assert_eq!(second.event().await, r#"["news"]"#);
    a.to("some").leave("all").unwrap();
    a.sockets_leave("some").unwrap();
    settle().await;
    assert_eq!([&a, &b].map(|io| (io.count("all"), io.count("some"))), [(0, 0), (1, 0)]);
    first.hears_nothing(&a).await;
}

#[tokio::test(start_paused = true)]
async fn sockets_of_all_nodes_are_fetched() {
    let (bus, a, b) = cluster();
    b.on_connect(|socket: Socket| {
        socket.join("blue");
        socket.data().publish(&("level", 3)).unwrap();
    });
    let (_first, mut second) = (Peer::join(&a).await, Peer::join_at(&b, "", r#"{"name":"Ada"}"#).await);
    assert_eq!(a.fetch_sockets().await.unwrap().len(), 2);
    let found = a.to("blue").fetch_sockets().await.unwrap();
    let [socket] = &found[..] else { panic!("{found:?}") };
    assert_eq!(socket.id().as_str(), second.id);
    assert!(socket.socket().is_none(), "it is of another node");
    assert!(socket.rooms().contains(&"blue".to_owned()) && socket.rooms().contains(&second.id));
    assert_eq!(socket.data::<(String, u8)>().unwrap(), ("level".into(), 3));
    assert_eq!(&socket.data_json()[..], br#"["level",3]"#);
    assert_eq!(socket.auth::<serde_json::Value>().unwrap()["name"], "Ada");

    socket.emit("you", 1).unwrap();
    assert_eq!(second.event().await, r#"["you",1]"#);
    socket.join("red").unwrap();
    socket.leave("blue").unwrap();
    let asking = socket.clone();
    let asking = tokio::spawn(async move { asking.ask::<u32>(Duration::from_secs(1), "sum", (1, 2)).await });
    second.answer("3").await;
    assert_eq!(asking.await.unwrap().unwrap(), 3);
    assert_eq!((b.count("red"), b.count("blue")), (1, 0));
    socket.disconnect(false).unwrap();
    assert_eq!(second.text().await.unwrap(), "41");

    bus.deafen(1);
    let error = a.timeout(Duration::from_secs(1)).fetch_sockets().await.unwrap_err();
    assert!(error.to_string().contains("did not answer"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn sockets_of_all_nodes_are_sent_away() {
    let (_, a, b) = cluster();
    let (mut first, mut second) = (Peer::join(&a).await, Peer::join(&b).await);
    a.disconnect_sockets(true).unwrap();
    for peer in [&mut first, &mut second] {
        assert_eq!(peer.text().await.as_deref(), Some("41"));
        while peer.text().await.is_some() {}
    }
    assert_eq!((a.len(), b.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn all_nodes_answer() {
    let (_, a, b) = cluster();
    let (mut first, mut second, mut third) = (Peer::join(&a).await, Peer::join(&b).await, Peer::join(&b).await);
    let began = tokio::time::Instant::now();
    let mut answers = a.timeout(Duration::from_secs(5)).ask::<u32>("sum", (1, 2)).unwrap();
    first.answer("1").await;
    second.answer("2").await;
    third.answer("3").await;
    let mut sums = Vec::new();
    while let Some(answer) = answers.next().await {
        sums.push((answer.socket.unwrap().to_string(), answer.result.unwrap()));
    }
    sums.sort_by_key(|(_, sum)| *sum);
    assert_eq!(sums, [(first.id, 1), (second.id, 2), (third.id, 3)]);
    assert_eq!((answers.expected(), answers.answered()), (3, 3));
    assert!(began.elapsed() < Duration::from_secs(1), "it ended early");
}

#[tokio::test(start_paused = true)]
async fn silent_sockets_and_silent_nodes_are_not_waited_for() {
    let (bus, a, b) = cluster();
    let (mut first, mut second) = (Peer::join(&a).await, Peer::join(&b).await);
    let began = tokio::time::Instant::now();
    let answers = a.timeout(Duration::from_secs(5)).ask::<u32>("sum", ()).unwrap();
    first.answer("1").await;
    let _ = second.question().await;
    let all = answers.all().await;
    assert_eq!(all.len(), 2);
    let missing = all.iter().find(|answer| answer.socket.unwrap().as_str() == second.id).unwrap();
    assert!(matches!(missing.result, Err(AskError::TimedOut)));
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(5) && took < Duration::from_secs(6), "{took:?}");

    bus.deafen(1);
    let answers = a.timeout(Duration::from_secs(5)).ask::<u32>("sum", ()).unwrap();
    first.answer("1").await;
    let all = answers.all().await;
    assert_eq!(all.len(), 1);
    assert!(matches!(all[0].result, Ok(1)));
}

#[tokio::test(start_paused = true)]
async fn nodes_talk_to_each_other() {
    let (_, a, b) = cluster();
    let (sender, mut heard) = mpsc::unbounded_channel();
    for (name, io) in [("a", &a), ("b", &b)] {
        let sender = sender.clone();
        io.on_server_event("cleared", move |(what, n): (String, u8)| sender.send((name, what, n)).unwrap());
        io.on_server_event("async", |()| async { tokio::task::yield_now().await });
        io.on_server_event("panics", |()| -> () { panic!("on purpose") });
        io.on_server_event("number", |_: u8| ());
    }
    let mut peer = Peer::join(&b).await;
    for event in ["panics", "async", "number", "unheard"] {
        a.server_side_emit(event, "x").unwrap();
    }
    a.server_side_emit("cleared", ("users", 3)).unwrap();
    assert_eq!(heard.recv().await, Some(("b", "users".into(), 3)));
    a.of("/admin").server_side_emit("cleared", ("users", 3)).unwrap();
    settle().await;
    assert!(heard.try_recv().is_err(), "not this node, and not another namespace");
    peer.hears_nothing(&b).await;
}
