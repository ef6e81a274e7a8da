//! Namespaces that are made for the names that clients ask for.

mod peer;

use peer::Peer;
use sansocket_tokio::server::{Broadcast, Config, Server, Socket};
use std::sync::{Arc, Mutex};

/// A server on which one namespace at a time may be made.
fn server() -> Server {
    let io = Server::new(Config::new().max_dynamic_namespaces(1));
    let _ = io.of_matching(|name| name.starts_with("/game-"));
    io
}

/// Leaves, and waits until the server has seen it.
async fn leave(io: &Server, mut peer: Peer) {
    let before = io.counters().sockets;
    peer.send_left().await;
    while io.counters().sockets == before {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_with_its_last_client_though_the_application_keeps_its_socket() {
    let io = server();
    let kept: Arc<Mutex<Vec<(Socket, Broadcast)>>> = Arc::default();
    let keeping = kept.clone();
    let games = io.of_matching(|name| name.starts_with("/kept-"));
    games.on_connect(move |socket: Socket| {
        let others = socket.broadcast();
        keeping.lock().unwrap().push((socket, others));
    });
    for n in 0..3 {
        let peer = Peer::join_at(&io, &format!("/kept-{n}"), "").await;
        leave(&io, peer).await;
    }
    assert_eq!(kept.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_stays_as_long_as_a_client_is_in_it() {
    let io = server();
    let (first, mut second) = (Peer::join_at(&io, "/game-1", "").await, Peer::join_at(&io, "/game-1", "").await);
    leave(&io, first).await;
    assert!(Peer::try_join_at(&io, "/game-2", "").await.is_err(), "as many namespaces as may be");
    second.hears_nothing(&io).await;
}

#[tokio::test(start_paused = true)]
async fn what_an_application_asked_for_is_not_forgotten() {
    let io = server();
    let peer = Peer::join_at(&io, "/game-1", "").await;
    let game = io.of("/game-1");
    leave(&io, peer).await;
    let mut again = Peer::join_at(&io, "/game-1", "").await;
    game.emit("news", ()).unwrap();
    assert_eq!(again.event().await, r#"["news"]"#);
    // It does not count as one that was made for clients.
    let other = Peer::join_at(&io, "/game-2", "").await;
    drop(other);
}

#[tokio::test(start_paused = true)]
async fn those_who_are_refused_leave_no_namespace() {
    let io = Server::new(Config::new().max_dynamic_namespaces(1));
    let games = io.of_matching(|name| name.starts_with("/game-"));
    games.before_connect(|socket: Socket| if socket.namespace() == "/game-3" { Ok(()) } else { Err("not yet") });
    for n in 0..3 {
        let refused = Peer::try_join_at(&io, &format!("/game-{n}"), "").await;
        assert!(refused.unwrap_err().contains("not yet"));
    }
    drop(Peer::join_at(&io, "/game-3", "").await);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_panics_leaves_no_namespace() {
    let io = Server::new(Config::new().max_dynamic_namespaces(1));
    let games = io.of_matching(|_| true);
    games.before_connect(|socket: Socket| -> Result<(), &str> {
        if socket.namespace() == "/ok" { Ok(()) } else { panic!("on purpose") }
    });
    for name in ["/a", "/b"] {
        assert!(Peer::try_join_at(&io, name, "").await.is_err());
    }
    drop(Peer::join_at(&io, "/ok", "").await);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_breaks_the_protocol_leaves_no_namespace() {
    let io = Server::new(Config::new().max_dynamic_namespaces(1).max_namespaces(1));
    let _ = io.of_matching(|name| name.starts_with("/game-"));
    let mut peer = Peer::join(&io).await;
    let kept = io.socket(&peer.id).unwrap();
    peer.send("40/game-1,").await;
    while peer.text().await.is_some() {}
    drop(Peer::join_at(&io, "/game-2", "").await);
    drop(kept);
}
