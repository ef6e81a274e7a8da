//! What programs that moved here from the machines themselves relied on, seen by a client that speaks the protocol by hand.

use sansocket_tokio::{
    server::{Config, Reason, Server, Socket},
    websocket::{self, Message, WebSocket},
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, time::timeout};

const SOON: Duration = Duration::from_secs(10);

/// A server on a port of its own.
async fn listen(io: &Server) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let io = io.clone();
    tokio::spawn(async move { io.listen(listener).await });
    address
}

/// A client that has said what it was told to.
async fn client(address: SocketAddr, packets: &[&str]) -> WebSocket {
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let mut ws = websocket::connect(url).await.unwrap();
    for packet in packets {
        ws.send(*packet).await.unwrap();
    }
    ws
}

/// The next packet, without the ids that servers make up.
async fn packet(ws: &mut WebSocket) -> Option<String> {
    match timeout(SOON, ws.next()).await.expect("in time").ok()?? {
        Message::Text(text) => Some(text.split_once("{\"sid\"").map_or(text.clone(), |(head, _)| head.to_owned())),
        Message::Binary(bytes) => Some(format!("{} bytes", bytes.len())),
    }
}

async fn packets(ws: &mut WebSocket, n: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..n {
        all.extend(packet(ws).await);
    }
    all
}

/// As in the JavaScript server: otherwise clients take it for a lost connection, and come back.
#[tokio::test]
async fn a_client_whose_connection_is_closed_is_sent_away_from_all_namespaces_first() {
    let io = Server::new(Config::new());
    let left = Arc::new(Mutex::new(Vec::new()));
    for namespace in [io.of("/"), io.of("/custom")] {
        namespace.on("server-close", |socket: Socket| socket.disconnect(true));
        let left = left.clone();
        namespace.on_disconnect(move |socket: Socket, reason: Reason| {
            left.lock().unwrap().push((socket.namespace_name().to_owned(), reason));
        });
    }
    let address = listen(&io).await;
    let mut ws = client(address, &["40", "40/custom"]).await;
    assert_eq!(packets(&mut ws, 3).await, ["0", "40", "40/custom,"]);
    ws.send("42[\"server-close\"]").await.unwrap();
    assert_eq!(packets(&mut ws, 2).await, ["41", "41/custom,"]);
    while packet(&mut ws).await.is_some() {}
    let mut left = left.lock().unwrap().clone();
    left.sort_by(|a, b| a.0.cmp(&b.0));
    let reason = Reason::ServerNamespaceDisconnect;
    assert_eq!(left, [("/".into(), reason), ("/custom".into(), reason)]);
}
