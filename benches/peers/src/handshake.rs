//! W6, W7 and Acc: the opening handshake of both sides, and its key.

use crate::{
    handshakes::*,
    item::{Candidate, Item, Outcome, Spoil, Work, ensure},
    work::Random,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use std::hint::black_box;

pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// As a browser sends it.
pub const REQUEST: &str = "GET /chat?room=lobby HTTP/1.1\r\nHost: chat.example.com:8080\r\nConnection: Upgrade\r\nPragma: no-cache\r\n\
    Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\nOrigin: https://chat.example.com\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\nCookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
    DNT: 1\r\n\r\n";

/// Each makes the request one that must be refused.
const WRONG: [(&str, &str); 6] = [
    ("GET ", "PUT "),
    ("Upgrade: websocket", "Upgrade: h2c"),
    ("Connection: Upgrade", "Connection: close"),
    ("Version: 13", "Version: 12"),
    ("Sec-WebSocket-Key: ", "Sec-WebSocket-Lock: "),
    ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBs"),
];

/// Writes the answer to a request; `None` refuses it.
pub type Answer = fn(&[u8], &mut [u8]) -> Option<usize>;
/// A server: writes its answer to a request.
pub type Mock = fn(&[u8], &mut [u8]) -> usize;
/// Sends a request to a server, and says whether the answer opens a WebSocket.
pub type Open = fn(&mut Random, Mock) -> bool;
pub type Accept = fn(&str) -> [u8; 28];

struct Answering(Answer, Vec<u8>);

fn answering(answer: Answer) -> Answering {
    Answering(answer, vec![0; 1024])
}

impl Work for Answering {
    fn run(&mut self) -> Outcome {
        let n = (self.0)(black_box(REQUEST.as_bytes()), &mut self.1).expect("a good request");
        black_box(&self.1[..n]);
        (1, REQUEST.len())
    }

    fn verify(&mut self, spoil: Spoil) -> Result<(), String> {
        let n = (self.0)(REQUEST.as_bytes(), &mut self.1).ok_or("refuses a good request")?;
        let accept = if spoil == Spoil::Yes { &ACCEPT[1..] } else { ACCEPT };
        let text = std::str::from_utf8(&self.1[..n]).map_err(|e| e.to_string())?.to_ascii_lowercase();
        for part in ["http/1.1 101 ", "\r\nupgrade: websocket\r\n", "\r\nconnection: upgrade\r\n", "\r\n\r\n"] {
            ensure(text.contains(part), "another answer")?;
        }
        ensure(
            text.contains(&format!("\r\nsec-websocket-accept: {}\r\n", accept.to_ascii_lowercase())),
            "another key",
        )?;
        for (right, wrong) in WRONG {
            let request = REQUEST.replace(right, wrong);
            ensure((self.0)(request.as_bytes(), &mut self.1).is_none(), wrong)?;
        }
        Ok(())
    }
}

struct Opening(Open, Random);

impl Work for Opening {
    fn run(&mut self) -> Outcome {
        assert!((self.0)(&mut self.1, black_box(right)), "the right answer");
        (1, 0)
    }

    fn verify(&mut self, spoil: Spoil) -> Result<(), String> {
        let good: Mock = if spoil == Spoil::Yes { wrong } else { right };
        ensure((self.0)(&mut self.1, good), "refuses the right key")?;
        ensure(!(self.0)(&mut self.1, wrong), "takes a wrong key")
    }
}

/// The server alone: its time is in that of each client.
struct Alone(Vec<u8>);

impl Work for Alone {
    fn run(&mut self) -> Outcome {
        let n = right(black_box(REQUEST.as_bytes()), &mut self.0);
        black_box(&self.0[..n]);
        (1, 0)
    }

    fn verify(&mut self, spoil: Spoil) -> Result<(), String> {
        let n = right(REQUEST.as_bytes(), &mut self.0);
        ensure(self.0[..n].windows(28).any(|w| w == ACCEPT.as_bytes()) && spoil == Spoil::No, "another key")
    }
}

fn right(request: &[u8], out: &mut [u8]) -> usize {
    // The name's case is the client's affair.
    let key = request.split(|&b| b == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(17)?;
        name.eq_ignore_ascii_case(b"sec-websocket-key").then(|| value[1..].trim_ascii())
    });
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(key.expect("a key"));
    sha1.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let head =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    out[..head.len()].copy_from_slice(head);
    let n = BASE64_STANDARD.encode_slice(sha1.digest().bytes(), &mut out[head.len()..]).expect("room") + head.len();
    out[n..n + 4].copy_from_slice(b"\r\n\r\n");
    n + 4
}

fn wrong(request: &[u8], out: &mut [u8]) -> usize {
    let n = right(request, out);
    out[n - 8] ^= 1;
    n
}

struct Accepting(Accept);

impl Work for Accepting {
    fn run(&mut self) -> Outcome {
        black_box((self.0)(black_box(KEY)));
        (1, 28)
    }

    fn verify(&mut self, spoil: Spoil) -> Result<(), String> {
        let got = (self.0)(KEY);
        ensure(got == ACCEPT.as_bytes() && spoil == Spoil::No, "another value")
    }
}

/// Opens a client's end of embedded-websocket.
pub fn opened(ws: &mut embedded_websocket::WebSocketClient<impl rand_core::RngCore>) -> bool {
    embedded_open(ws, right)
}

macro_rules! candidates {
    ($($name:literal $marks:literal $work:expr,)*) => {
        &[$(Candidate::new($name, $marks, || Box::new($work)),)*]
    };
}

pub const ITEMS: [Item; 4] = [
    Item {
        name: "W6",
        short: "answer an Upgrade request",
        title: "a server answers a browser's Upgrade request of 14 fields",
        unit: "handshake",
        units: 1,
        candidates: candidates!(
            "sansocket" "" answering(answer_ours),
            "embedded-websocket" "+" answering(answer_embedded),
            "sockudo-ws" "S" answering(answer_sockudo),
            "ws-net" "" answering(answer_ws_net),
            "tungstenite" "S" answering(answer_tungstenite),
        ),
        goals: &[("sansocket", "embedded-websocket", 1.0)],
    },
    Item {
        name: "W7",
        short: "open as a client",
        title: "a client asks, a small server answers, the client checks; with the server's time",
        unit: "handshake",
        units: 1,
        candidates: candidates!(
            "sansocket" "" Opening(open_ours, Random(11)),
            "sockudo-ws" "S" Opening(open_sockudo, Random(11)),
            "embedded-websocket" "" Opening(open_embedded, Random(11)),
            "ws-framer" "" Opening(open_ws_framer, Random(11)),
            "ws-net" "" Opening(open_ws_net, Random(11)),
            "tungstenite" "S" Opening(open_tungstenite, Random(11)),
        ),
        goals: &[("sansocket", "sockudo-ws", 1.0)],
    },
    Item {
        name: "W7 server",
        short: "",
        title: "the small server of W7 alone",
        unit: "handshake",
        units: 1,
        candidates: &[Candidate::new("its time", "", || Box::new(Alone(vec![0; 1024])))],
        goals: &[],
    },
    Item {
        name: "Acc",
        short: "compute the accept key",
        title: "the value of Sec-WebSocket-Accept",
        unit: "value",
        units: 1,
        candidates: candidates!(
            "sansocket" "" Accepting(accept_ours),
            "sansocket, with sha1" "S" Accepting(accept_ours_sha1),
            "edge-http" "" Accepting(accept_edge),
            "ws-net" "" Accepting(accept_ws_net),
            "tungstenite, with sha1" "S" Accepting(accept_tungstenite),
            "sockudo-ws, with sha1" "S" Accepting(accept_sockudo),
            "nexus-web, with sha1" "S" Accepting(accept_nexus),
        ),
        goals: &[("sansocket", "edge-http", 1.0), ("sansocket, with sha1", "tungstenite, with sha1", 1.0)],
    },
];
