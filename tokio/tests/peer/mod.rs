//! A client of Socket.IO for tests, which shows each packet. It is connected over memory.
#![allow(dead_code, reason = "each test uses a part of it")]

use sansocket_tokio::{
    server::Server,
    websocket::{Connector, Message, WebSocket},
};
use std::time::Duration;
use tokio::{io::duplex, time::timeout};

#[derive(Debug)]
pub struct Peer {
    ws: WebSocket,
    pub id: String,
    namespace: String,
}

impl Peer {
    /// Joins the main namespace.
    pub async fn join(io: &Server) -> Self {
        Self::join_at(io, "", "").await
    }

    /// Joins a namespace, with a JSON value as `auth`.
    pub async fn join_at(io: &Server, namespace: &str, auth: &str) -> Self {
        Self::try_join_at(io, namespace, auth).await.expect("joined")
    }

    /// Asks to join a namespace. The error is what the server says instead.
    pub async fn try_join_at(io: &Server, namespace: &str, auth: &str) -> Result<Self, String> {
        let (ours, theirs) = duplex(64 * 1024);
        let server = io.clone();
        tokio::spawn(async move { server.serve(theirs, None).await });
        let url = "ws://server/socket.io/?EIO=4&transport=websocket&room=blue";
        let ws = Connector::new(url).header("X-Test", "yes").connect_over(ours).await.expect("a WebSocket");
        let namespace = if namespace.is_empty() { String::new() } else { format!("{namespace},") };
        let mut peer = Self { ws, id: String::new(), namespace };
        assert!(peer.text().await.expect("open").starts_with('0'));
        peer.send(&format!("40{}{auth}", peer.namespace)).await;
        let answer = peer.text().await.unwrap_or_default();
        let start = format!("40{}{{\"sid\":\"", peer.namespace);
        let id = answer.strip_prefix(&start).map(|id| id.trim_end_matches("\"}").to_owned());
        peer.id = id.ok_or(answer)?;
        Ok(peer)
    }

    /// Leaves the namespace.
    pub async fn send_left(&mut self) {
        let packet = format!("41{}", self.namespace);
        self.send(&packet).await;
    }

    pub async fn send(&mut self, packet: &str) {
        self.ws.send(packet).await.expect("sent");
    }

    pub async fn send_bytes(&mut self, bytes: &'static [u8]) {
        self.ws.send(Message::Binary(bytes.into())).await.expect("sent");
    }

    /// Sends an event: JSON values with commas between them.
    pub async fn emit(&mut self, event: &str) {
        let packet = format!("42{}[{event}]", self.namespace);
        self.send(&packet).await;
    }

    /// The next packet. `None`: the connection is over.
    pub async fn text(&mut self) -> Option<String> {
        match timeout(Duration::from_secs(600), self.ws.next()).await.expect("a packet in time") {
            Ok(Some(Message::Text(text))) => Some(text.to_string()),
            Ok(Some(Message::Binary(bytes))) => Some(format!("{bytes:?}")),
            Ok(None) | Err(_) => None,
        }
    }

    /// The next event: its JSON array, behind the id of its acknowledgement.
    pub async fn event(&mut self) -> String {
        let text = self.text().await.expect("an event");
        let start = format!("42{}", self.namespace);
        text.strip_prefix(&start).unwrap_or_else(|| panic!("not an event: {text}")).to_owned()
    }

    /// The id by which the next event is to be acknowledged.
    pub async fn question(&mut self) -> String {
        let event = self.event().await;
        event.split('[').next().expect("an id").to_owned()
    }

    /// Answers the next event, which is a question.
    pub async fn answer(&mut self, json: &str) {
        let id = self.question().await;
        self.acknowledge(&id, json).await;
    }

    pub async fn acknowledge(&mut self, id: &str, json: &str) {
        let packet = format!("43{}{id}[{json}]", self.namespace);
        self.send(&packet).await;
    }

    /// What the server has said until now, by an event of its own that must be the next one.
    pub async fn hears_nothing(&mut self, io: &Server) {
        io.of(self.namespace.trim_end_matches(',')).to(self.id.as_str()).local().emit("mark", ()).expect("emitted");
        assert_eq!(self.event().await, r#"["mark"]"#);
    }
}
