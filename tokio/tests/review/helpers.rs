//! `testing::connect`, with what a test may give it.

use sansocket_tokio::{
    client::ConnectError,
    server::{Config, Server, Socket},
    testing,
};
use std::time::Duration;
use tokio::time::{sleep, timeout};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_namespace_without_its_slash() {
    let io = Server::new(Config::new());
    let _ = io.of("team");
    let (client, socket) = timeout(LONG, testing::connect(&io, "team")).await.expect("in time").expect("connected");
    assert_eq!((client.namespace(), socket.namespace()), ("/team", "/team"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_sent_away_at_once() {
    let io = Server::new(Config::new());
    io.on_connect(|socket: Socket| socket.disconnect(false));
    let connected = timeout(LONG, testing::connect(&io, "/")).await.expect("in time");
    assert!(matches!(connected, Err(ConnectError::Removed)), "{connected:?}");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_goes_with_its_last_client() {
    let io = Server::new(Config::new());
    let _ = io.of_matching(|name| name.starts_with("/team-"));
    let (client, socket) = testing::connect(&io, "/team-1").await.expect("connected");
    assert_eq!((socket.namespace(), io.counters().namespaces), ("/team-1", 2));
    client.close().await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(io.counters().namespaces, 1);
}
