//! A peer that sends bytes of our choice.

use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// Waits until `check` holds.
pub async fn until(what: &str, mut check: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !check() {
        assert!(Instant::now() < end, "not within 10 s: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

pub struct Raw {
    pub stream: TcpStream,
    pub received: Vec<u8>,
}

/// One response: its head, and its body of a known length.
#[derive(Debug)]
pub struct Response {
    pub head: String,
    pub body: String,
}

impl Response {
    pub fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (n, value) = line.split_once(':')?;
            n.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A masked frame. The key is all zeros, so the payload stands as it is.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        n @ ..126 => frame.push(0x80 | n as u8),
        n @ ..65_536 => {
            frame.push(0x80 | 126);
            frame.extend((n as u16).to_be_bytes());
        }
        n => {
            frame.push(0x80 | 127);
            frame.extend((n as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

pub fn text(payload: &str) -> Vec<u8> {
    frame(1, payload.as_bytes())
}

/// A request for a WebSocket, with `fields` in place of those of the same name; an empty value leaves a field out.
pub fn handshake(method: &str, query: &str, fields: &[(&str, &str)]) -> String {
    let usual = [
        ("Host", "localhost"),
        ("Upgrade", "websocket"),
        ("Connection", "keep-alive, Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];
    let kept = usual.iter().filter(|(name, _)| !fields.iter().any(|(n, _)| n == name));
    let fields: String = kept
        .chain(fields)
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!("{method} /socket.io/?{query} HTTP/1.1\r\n{fields}\r\n")
}

impl Raw {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, received: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads once. `false`: it is the end.
    pub async fn read(&mut self) -> bool {
        let read = timeout(Duration::from_secs(10), self.stream.read_buf(&mut self.received));
        let read = read.await.unwrap_or_else(|_| panic!("nothing came behind {:?}", self.text()));
        matches!(read, Ok(1..))
    }

    /// Reads to the end of the connection.
    pub async fn end(&mut self) {
        while self.read().await {}
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }

    /// The next response, taken from what was received.
    pub async fn response(&mut self) -> Response {
        self.response_to("GET").await
    }

    pub async fn response_to(&mut self, method: &str) -> Response {
        loop {
            let text = self.text();
            if let Some(at) = text.find("\r\n\r\n") {
                let mut response = Response { head: text[..at].into(), body: String::new() };
                let is_bare = method == "HEAD" || matches!(response.status(), 100..200 | 204);
                let length = response.field("content-length").map_or(0, |n| n.parse().unwrap());
                let end = at + 4 + if is_bare { 0 } else { length };
                if self.received.len() >= end {
                    response.body = String::from_utf8(self.received[at + 4..end].to_vec()).unwrap();
                    self.received.drain(..end);
                    return response;
                }
            }
            assert!(self.read().await, "the end instead of a response behind {:?}", self.text());
        }
    }

    pub async fn ask(&mut self, request: impl AsRef<[u8]>) -> Response {
        self.send(request).await;
        self.response().await
    }

    /// A GET or POST of a session over polling.
    pub async fn poll(&mut self, sid: &str, body: Option<&str>) -> Response {
        self.ask(polling(sid, body)).await
    }

    /// Opens a session over polling, and joins the main namespace.
    pub async fn open(&mut self) -> String {
        let opened = self.ask(polling("", None)).await.body;
        let sid = opened.split('"').nth(3).unwrap_or_else(|| panic!("{opened:?}")).to_owned();
        assert_eq!(self.poll(&sid, Some("40")).await.body, "ok");
        let mut joined = self.poll(&sid, None).await.body;
        if joined == "40" {
            joined = self.poll(&sid, None).await.body;
        }
        assert!(joined.starts_with("40{"), "{joined}");
        sid
    }

    /// A WebSocket that has joined the main namespace.
    pub async fn websocket(address: SocketAddr) -> Self {
        let mut raw = Self::connect(address).await;
        let opened = raw.ask(handshake("GET", "EIO=4&transport=websocket", &[])).await;
        assert_eq!(opened.status(), 101);
        raw.send(text("40")).await;
        raw.until_text("40{").await;
        raw
    }

    /// Reads until a text that begins so has come.
    pub async fn until_text(&mut self, start: &str) {
        while !self.texts().iter().any(|text| text.starts_with(start)) {
            assert!(self.read().await, "the end instead of {start}");
        }
    }

    /// The frames that came, taken from what was received.
    pub fn take_frames(&mut self) -> Vec<(u8, Vec<u8>)> {
        let frames: Vec<_> = self.frames().into_iter().map(|(opcode, payload)| (opcode, payload.to_vec())).collect();
        let head = |n: usize| {
            if n < 126 {
                2
            } else if n < 65_536 {
                4
            } else {
                10
            }
        };
        let taken: usize = frames.iter().map(|(_, payload)| head(payload.len()) + payload.len()).sum();
        self.received.drain(..taken);
        frames
    }

    /// The frames that came: their opcodes and payloads.
    pub fn frames(&self) -> Vec<(u8, &[u8])> {
        let (mut rest, mut frames) = (&self.received[..], Vec::new());
        while let [first, second, ..] = *rest {
            let (size, from) = match (second & 127, rest) {
                (126, [_, _, a, b, ..]) => (usize::from(u16::from_be_bytes([*a, *b])), 4),
                (127, [_, _, length @ ..]) if length.len() >= 8 => {
                    (u64::from_be_bytes(length[..8].try_into().unwrap()) as usize, 10)
                }
                (126 | 127, _) => break,
                (size, _) => (usize::from(size), 2),
            };
            let Some(payload) = rest.get(from..from + size) else { break };
            frames.push((first & 15, payload));
            rest = &rest[from + size..];
        }
        frames
    }

    pub fn texts(&self) -> Vec<String> {
        let texts = self.frames().into_iter().filter(|(opcode, _)| *opcode == 1);
        texts.map(|(_, payload)| String::from_utf8_lossy(payload).into_owned()).collect()
    }

    /// Ends the connection by a reset.
    pub fn reset(self) {
        // Not what a program should do; a test of a server has to.
        #[allow(deprecated)]
        self.stream.set_linger(Some(Duration::ZERO)).unwrap();
    }
}

/// A request of a session over polling: a POST if there is a body.
pub fn polling(sid: &str, body: Option<&str>) -> String {
    let sid = if sid.is_empty() { String::new() } else { format!("&sid={sid}") };
    let target = format!("/socket.io/?EIO=4&transport=polling{sid}");
    match body {
        None => format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        Some(body) => {
            format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }
    }
}
