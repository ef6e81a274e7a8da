//! Events, questions and changes to several sockets of one server.

mod peer;

use peer::Peer;
use sansocket_tokio::{
    AskError, EmitError,
    server::{
        Answer, Config, Server, Socket,
        adapter::{Adapter, AdapterError, Fetching, Local, Packet, ReplySender, Selection},
    },
};
use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

fn server() -> Server {
    Server::new(Config::new())
}

fn id(answer: &Answer<impl Sized>) -> &str {
    answer.socket.as_ref().map_or("", |id| id.as_str())
}

#[tokio::test(start_paused = true)]
async fn a_receiver_in_several_rooms_gets_an_event_once() {
    let io = server();
    let [mut first, mut second, mut third] = [Peer::join(&io).await, Peer::join(&io).await, Peer::join(&io).await];
    for (room, peer) in [("a", &first), ("b", &first), ("b", &second), ("c", &third), ("a", &third)] {
        assert!(io.socket(&peer.id).unwrap().join(room));
    }
    io.to("a").to("b").except("c").emit("news", ()).unwrap();
    for peer in [&mut first, &mut second] {
        assert_eq!(peer.event().await, r#"["news"]"#);
        peer.hears_nothing(&io).await;
    }
    third.hears_nothing(&io).await;
    assert_eq!(io.to("a").to("b").sockets().len(), 3);
    assert_eq!((io.len(), io.is_empty(), io.count("a"), io.count("none")), (3, false, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn all_events_reach_a_socket_in_their_order() {
    let io = server();
    let mut peer = Peer::join(&io).await;
    let socket = io.socket(&peer.id).unwrap();
    socket.emit("n", 1).unwrap();
    io.emit("n", 2).unwrap();
    socket.volatile().compress(false).emit("n", 3).unwrap();
    io.volatile().emit("n", 4).unwrap();
    socket.emit("n", 5).unwrap();
    for n in 1..=5 {
        assert_eq!(peer.event().await, format!(r#"["n",{n}]"#));
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_is_found_by_its_id_alone() {
    let io = server();
    let [mut first, second] = [Peer::join(&io).await, Peer::join(&io).await];
    assert!(io.socket(&first.id).unwrap().join(&second.id), "any name is a room");
    assert_eq!(io.socket(&second.id).unwrap().id().as_str(), second.id);
    assert!(io.socket("none").is_none());
    assert!(io.of("/other").socket(&second.id).is_none());
    io.to(&second.id).emit("to the room", ()).unwrap();
    assert_eq!(first.event().await, r#"["to the room"]"#);
}

#[tokio::test(start_paused = true)]
async fn those_who_are_gone_are_in_no_room() {
    let io = Server::new(Config::new().max_rooms(5000, 256));
    let mut peer = Peer::join(&io).await;
    let socket = io.socket(&peer.id).unwrap();
    for n in 0..4000 {
        assert!(socket.join(format!("room {n}")));
    }
    peer.send("41").await;
    while !io.is_empty() {
        tokio::task::yield_now().await;
    }
    assert!((0..4000).all(|n| io.count(format!("room {n}")) == 0), "though they are left bit by bit");
    io.sockets_join("late").unwrap();
    assert_eq!((io.count("late"), socket.rooms().len(), socket.join("late")), (0, 0, false));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_is_told_and_nobody_is_asked() {
    let io = server();
    let mut peer = Peer::join(&io).await;
    assert!(matches!(io.emit("connect", ()), Err(EmitError::ReservedName)));
    assert!(matches!(io.ask::<u8>("disconnect", ()), Err(EmitError::ReservedName)));
    let keys = std::collections::HashMap::from([(vec![1], 2)]);
    assert!(matches!(io.emit("x", &keys), Err(EmitError::Encode(_))));
    assert!(matches!(io.ask::<u8>("x", &keys), Err(EmitError::Encode(_))));
    peer.hears_nothing(&io).await;
}

#[tokio::test(start_paused = true)]
async fn a_question_to_nobody_is_over_at_once() {
    let (io, began) = (server(), Instant::now());
    let answers = io.to("nobody").ask::<u8>("x", ()).unwrap();
    assert_eq!(answers.expected(), 0);
    assert!(answers.all().await.is_empty());
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn each_socket_that_was_asked_is_told_about_once() {
    let io = server();
    let mut peers = Vec::new();
    for _ in 0..5 {
        peers.push(Peer::join(&io).await);
    }
    let began = Instant::now();
    let mut answers = io.timeout(2 * SECOND).ask::<u32>("n", "?").unwrap();
    let mut late = Peer::join(&io).await;
    assert_eq!(answers.expected(), 5, "who came later was not asked");

    // Answers, twice; answers something else; leaves; ends; says nothing.
    let number = peers[0].question().await;
    peers[0].acknowledge(&number, "1").await;
    peers[0].acknowledge(&number, "2").await;
    late.acknowledge(&number, "3").await;
    peers[1].answer(r#""text""#).await;
    peers[2].send("41").await;
    drop(peers.remove(3));

    let mut seen = Vec::new();
    while let Some(answer) = answers.next().await {
        seen.push((id(&answer).to_owned(), answer.result.map_err(|error| error.to_string())));
    }
    assert_eq!(seen.len(), 5);
    assert_eq!(began.elapsed(), 2 * SECOND);
    let of = |peer: &Peer| &seen.iter().find(|(id, _)| *id == peer.id).unwrap().1;
    assert_eq!(of(&peers[0]), &Ok(1));
    assert!(of(&peers[1]).as_ref().unwrap_err().contains("invalid type"));
    assert_eq!(of(&peers[2]).as_ref().unwrap_err(), &AskError::Disconnected.to_string());
    assert_eq!(of(&peers[3]).as_ref().unwrap_err(), &AskError::TimedOut.to_string());
    assert_eq!(answers.answered(), 2);

    // What comes afterwards belongs to nothing.
    peers[3].answer("4").await;
    peers[3].hears_nothing(&io).await;
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_used_again_is_not_asked() {
    let io = server();
    let mut first = Peer::join(&io).await;
    let mut answers = io.timeout(SECOND).ask::<u32>("n", ()).unwrap();
    let number = first.question().await;
    first.send("41").await;
    while !io.is_empty() {
        tokio::task::yield_now().await;
    }
    // It has the number in the registry that the first one had, and knows the id.
    let mut second = Peer::join(&io).await;
    second.acknowledge(&number, "1").await;
    second.hears_nothing(&io).await;
    let answer = answers.next().await.unwrap();
    assert_eq!(id(&answer), first.id);
    assert!(matches!(answer.result, Err(AskError::Disconnected)));
    assert!(answers.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_waits_for_do_no_harm() {
    let io = server();
    let mut peer = Peer::join(&io).await;
    drop(io.ask::<u32>("n", ()).unwrap());
    peer.answer("1").await;
    // The questions of one socket and those to several do not meet.
    let socket = io.socket(&peer.id).unwrap();
    let (one, all) = (socket.timeout(SECOND).ask::<u32>("n", ()), io.timeout(SECOND).ask::<u32>("n", ()).unwrap());
    peer.answer("2").await;
    peer.answer("3").await;
    assert_eq!(one.await.unwrap(), 2);
    assert_eq!(all.all().await[0].result.as_ref().unwrap(), &3);
    assert!(matches!(socket.timeout(SECOND).ask::<u32>("n", ()).await, Err(AskError::TimedOut)));
}

/// Keeps what it is given to answer with, and never answers: a cluster whose other nodes hang, by an adapter that does not give up.
#[derive(Default)]
struct Hanging(std::sync::Mutex<Vec<ReplySender>>);

impl Adapter for Hanging {
    fn broadcast(&self, here: &Local, selection: &Selection, packet: &Packet<'_>) -> Result<(), EmitError> {
        here.broadcast(selection, packet)
    }
    fn ask(
        &self,
        _: &Local,
        _: &Selection,
        _: &Packet<'_>,
        _: Duration,
        replies: ReplySender,
    ) -> Result<(), EmitError> {
        replies.expect(1);
        self.0.lock().unwrap().push(replies);
        Ok(())
    }
    fn fetch_sockets<'a>(&'a self, _: &'a Local, _: &'a Selection, _: Duration) -> Fetching<'a> {
        Box::pin(async { Err(AdapterError::new("hangs")) })
    }
    fn join(&self, _: &Local, _: &Selection, _: &str) -> Result<(), AdapterError> {
        Err(AdapterError::new("hangs"))
    }
    fn leave(&self, _: &Local, _: &Selection, _: &str) -> Result<(), AdapterError> {
        Err(AdapterError::new("hangs"))
    }
    fn disconnect(&self, _: &Local, _: &Selection, _: bool) -> Result<(), AdapterError> {
        Err(AdapterError::new("hangs"))
    }
    fn server_side_emit(&self, _: &Local, _: &Packet<'_>) -> Result<(), AdapterError> {
        Err(AdapterError::new("hangs"))
    }
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_hangs_does_not_hang_the_application() {
    let io = Server::with_adapter(Config::new(), Hanging::default());
    let began = Instant::now();
    let answers = io.timeout(SECOND).ask::<u8>("x", ()).unwrap();
    assert_eq!(answers.expected(), 1);
    assert_eq!(futures_util::StreamExt::count(answers).await, 0);
    assert!(began.elapsed() < 2 * SECOND);
    assert!(matches!(io.server_side_emit("x", ()), Err(EmitError::Adapter(_))));
    assert!(io.fetch_sockets().await.is_err() && io.sockets_join("room").is_err());
}

#[tokio::test(start_paused = true)]
async fn answers_with_attachments_are_whole() {
    let io = server();
    let mut peer = Peer::join(&io).await;
    let answers = io.ask::<sansocket_tokio::Bytes>("file", ()).unwrap();
    let number = peer.question().await;
    peer.send(&format!(r#"461-{number}[{{"_placeholder":true,"num":0}}]"#)).await;
    peer.send_bytes(b"\x01\x02").await;
    assert_eq!(&answers.all().await[0].result.as_ref().unwrap()[..], b"\x01\x02");
}

#[tokio::test(start_paused = true)]
async fn fetched_sockets_show_their_handshake() {
    let io = server();
    io.on_connect(|socket: Socket| socket.data().publish(&socket.transport()).unwrap());
    let mut peer = Peer::join_at(&io, "", r#"{"token":"t"}"#).await;
    let found = io.fetch_sockets().await.unwrap();
    let [socket] = &found[..] else { panic!("{found:?}") };
    assert_eq!(socket.socket().unwrap().id(), socket.id());
    assert_eq!(socket.handshake().header("x-test"), Some("yes"));
    assert_eq!(socket.handshake().query("room").as_deref(), Some("blue"));
    assert_eq!(socket.data::<String>().unwrap(), "websocket");
    assert_eq!(socket.auth::<serde_json::Value>().unwrap()["token"], "t");
    socket.disconnect(true).unwrap();
    assert_eq!(peer.text().await.as_deref(), Some("41"));
    assert_eq!(peer.text().await, None);
    assert!(matches!(socket.ask::<u8>(SECOND, "x", ()).await, Err(AskError::Disconnected)));
}

#[tokio::test(start_paused = true)]
async fn a_server_alone_has_no_other_nodes() {
    let io = server();
    io.on_server_event("x", |()| -> () { panic!("reached") });
    io.server_side_emit("x", ()).unwrap();
}
