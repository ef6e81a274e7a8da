//! Scripted clients over connections in memory.

use sansocket_tokio::{
    server::{Config, Server},
    testing,
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::{sleep, timeout},
};

/// A client of Socket.IO over a WebSocket. It answers heartbeats when it reads.
pub struct Peer {
    pub stream: DuplexStream,
    read: Vec<u8>,
    /// The secret id of its session.
    pub sid: String,
}

/// A frame of a client. The key is zero, so the payload is readable.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        n @ ..126 => frame.push(0x80 | n as u8),
        n @ ..65536 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

pub fn upgrade_request(sid: &str) -> String {
    let sid = if sid.is_empty() { String::new() } else { format!("&sid={sid}") };
    format!(
        "GET /socket.io/?EIO=4&transport=websocket{sid} HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

impl Peer {
    /// A connection whose WebSocket is open.
    pub async fn upgraded(mut stream: DuplexStream, sid: &str) -> Self {
        stream.write_all(upgrade_request(sid).as_bytes()).await.unwrap();
        let mut peer = Self { stream, read: Vec::new(), sid: sid.into() };
        while !peer.read.ends_with(b"\r\n\r\n") {
            let byte = peer.stream.read_u8().await.unwrap();
            peer.read.push(byte);
        }
        assert!(peer.read.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&peer.read));
        peer.read.clear();
        peer
    }

    pub async fn over(stream: DuplexStream) -> Self {
        let mut peer = Self::upgraded(stream, "").await;
        let open = peer.next().await.unwrap();
        peer.sid = open.split('"').nth(3).unwrap().into();
        peer
    }

    pub async fn open(io: &Server) -> Self {
        Self::over(testing::stream(io)).await
    }

    /// A client that is in the main namespace.
    pub async fn join(io: &Server) -> Self {
        let mut peer = Self::open(io).await;
        peer.enter("").await;
        peer
    }

    /// As `join`; what does not fit into so few bytes waits in the server.
    pub async fn join_small(io: &Server, buffer: usize) -> Self {
        let mut peer = Self::over(testing::stream_with(io, buffer, None)).await;
        peer.enter("").await;
        peer
    }

    /// Joins a namespace: `` or `/name,`. Returns the public id.
    pub async fn enter(&mut self, namespace: &str) -> String {
        self.send(&format!("40{namespace}")).await;
        let answer = self.next().await.unwrap();
        assert!(answer.starts_with(&format!("40{namespace}{{\"sid\":")), "{answer}");
        answer.split('"').nth(3).unwrap().into()
    }

    pub async fn send(&mut self, text: &str) {
        self.frame(1, text.as_bytes()).await;
    }

    /// Whether it could be written.
    pub async fn try_send(&mut self, text: &str) -> bool {
        self.stream.write_all(&frame(1, text.as_bytes())).await.is_ok()
    }

    pub async fn frame(&mut self, opcode: u8, payload: &[u8]) {
        self.stream.write_all(&frame(opcode, payload)).await.unwrap();
    }

    /// The length of the header and of the payload of the next frame, if it is there.
    fn whole(&self) -> Option<(usize, usize)> {
        let (header, len) = match *self.read.get(1)? {
            126 => (4, usize::from(u16::from_be_bytes(self.read.get(2..4)?.try_into().ok()?))),
            127 => (10, u64::from_be_bytes(self.read.get(2..10)?.try_into().ok()?) as usize),
            n => (2, usize::from(n)),
        };
        (self.read.len() >= header + len).then_some((header, len))
    }

    /// The next message but heartbeats; a binary one as `bin:` and its bytes as text. `None` at the end.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            while self.whole().is_none() {
                let read = timeout(Duration::from_secs(120), self.stream.read_buf(&mut self.read)).await;
                if !matches!(read.expect("nothing comes and the connection stays"), Ok(1..)) {
                    return None;
                }
            }
            let (header, len) = self.whole().unwrap();
            let opcode = self.read[0] & 15;
            let payload = self.read[header..header + len].to_vec();
            self.read.drain(..header + len);
            match (opcode, &payload[..]) {
                (1, b"2") => drop(self.try_send("3").await),
                (1, _) => return Some(String::from_utf8(payload).unwrap()),
                (2, _) => return Some(format!("bin:{}", String::from_utf8_lossy(&payload))),
                (8, _) => {
                    let _ = self.stream.write_all(&frame(8, &payload)).await;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn expect(&mut self, text: &str) {
        assert_eq!(self.next().await.as_deref(), Some(text));
    }

    /// What comes until nothing more does.
    pub async fn all(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(Some(message)) = timeout(Duration::from_millis(50), self.next()).await {
            all.push(message);
        }
        all
    }

    /// The connection is over, and nothing more was said.
    pub async fn ended(&mut self) {
        assert_eq!(self.next().await, None);
    }
}

/// One request over polling: status and body.
pub async fn request(io: &Server, method: &str, sid: &str, body: &str) -> (u16, String) {
    answer_of(&mut begun(io, method, sid, body).await).await
}

pub fn polling_request(method: &str, sid: &str, body: &str) -> String {
    let sid = if sid.is_empty() { String::new() } else { format!("&sid={sid}") };
    format!(
        "{method} /socket.io/?EIO=4&transport=polling{sid} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A request that was sent.
pub async fn begun(io: &Server, method: &str, sid: &str, body: &str) -> DuplexStream {
    let mut stream = testing::stream(io);
    stream.write_all(polling_request(method, sid, body).as_bytes()).await.unwrap();
    stream
}

pub async fn answer_of(stream: &mut DuplexStream) -> (u16, String) {
    let mut answer = String::new();
    timeout(Duration::from_secs(120), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    (head[9..12].parse().unwrap(), body.into())
}

/// A session over polling: its id.
pub async fn poll_open(io: &Server) -> String {
    let (status, body) = request(io, "GET", "", "").await;
    assert_eq!(status, 200, "{body}");
    body.split('"').nth(3).unwrap().into()
}

/// A session over polling that is in the main namespace.
pub async fn poll_join(io: &Server) -> String {
    let sid = poll_open(io).await;
    assert_eq!(request(io, "POST", &sid, "40").await, (200, "ok".into()));
    assert!(request(io, "GET", &sid, "").await.1.starts_with("40{\"sid\":"));
    sid
}

/// Waits until no task has anything to do, under the paused clock.
pub async fn settle() {
    sleep(Duration::from_millis(2)).await;
}

pub fn server() -> Server {
    Server::new(Config::new())
}

/// Nothing of clients is left.
#[track_caller]
pub fn assert_empty(io: &Server) {
    let now = io.counters();
    let left = (now.polling_sessions, now.websocket_sessions, now.sockets, now.handlers);
    assert_eq!(left, (0, 0, 0, 0), "sessions over polling, over WebSockets, sockets, handlers");
}

/// What tests note in handlers.
#[derive(Clone, Default)]
pub struct Notes(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

impl Notes {
    pub fn add(&self, note: impl std::fmt::Display) {
        self.0.lock().unwrap().push(note.to_string());
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    #[track_caller]
    pub fn are(&self, notes: &[&str]) {
        assert_eq!(self.take(), notes);
    }
}
