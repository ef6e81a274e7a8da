//! A server that says what fits, most of the time.

use crate::{
    host::{Host, NAMES, answer, frame, open_packet, switching},
    support::Random,
};
use sansocket::{
    endpoint::client::{Line, Link},
    engineio::Transport,
    socketio::Namespace,
};

fn chunked(body: &str, random: &mut Random) -> Vec<u8> {
    let mut all = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for piece in body.as_bytes().chunks(1 + random.below(9)) {
        all.extend(format!("{:x}\r\n", piece.len()).bytes());
        all.extend(piece);
        all.extend(b"\r\n");
    }
    all.extend(b"0\r\n\r\n");
    all
}

/// The events that were sent over a line: namespace, id, name and number. The keys of frames are 0, so their payload is readable.
pub fn events(sent: &[u8]) -> Vec<(usize, Option<u64>, char, u32)> {
    let text = String::from_utf8_lossy(sent);
    let mut events = Vec::new();
    for (at, _) in text.match_indices("[\"") {
        let Some((head, name)) = text.get(..at).zip(text.get(at + 2..at + 3)) else { continue };
        let rest: String = text.get(at + 5..).unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
        // It may have been cut.
        if !text.get(at + 5 + rest.len()..).is_some_and(|t| t.starts_with([']', ','])) {
            continue;
        }
        let without = head.trim_end_matches(|c: char| c.is_ascii_digit());
        let namespace = ["", "/b,", "/c,"].iter().rposition(|n| without.ends_with(n)).unwrap();
        let mut id = &head[without.len()..];
        if namespace == 0 {
            // The type stands before it, or `51-`.
            if without.ends_with('-') {
            } else if let Some(rest) = id.strip_prefix("42") {
                id = rest;
            } else {
                continue;
            }
        }
        let (Some(name), Ok(number)) = (name.chars().next(), rest.parse()) else { continue };
        events.push((namespace, id.parse().ok(), name, number));
    }
    events
}

/// What a server remembers.
#[derive(Default)]
pub struct Server {
    /// Attachments of the last packet.
    pub missing: u8,
    /// The number of the last event.
    event: u32,
}

/// Packets that fit, most of the time.
fn packet<L: Link + std::fmt::Debug>(h: &Host<L>, random: &mut Random, ids: u64, server: &mut Server) -> String {
    if server.missing > 0 && random.below(30) > 0 {
        server.missing -= 1;
        return "bAQIDBAUGBwgJCgsMDQ4PEA==".into();
    }
    let io = h.client.io();
    let wanted = (0..3).find(|n| io.is_wanted(Namespace(*n)) && !io.is_connected(Namespace(*n)));
    if let Some(n) = wanted
        && random.below(2) == 0
    {
        return format!("40{},{{\"sid\":\"x\",\"pid\":\"p\"}}", NAMES[usize::from(n)]);
    }
    if random.below(6) > 0 {
        let joined = (0..3).find(|n| io.is_connected(Namespace(*n))).map_or("/unknown", |n| NAMES[usize::from(n)]);
        // The ids of the last requests.
        let sent: Vec<_> = h.wires.iter().flat_map(|w| events(&w.sent)).filter(|e| NAMES[e.0] == joined).collect();
        let ids: Vec<_> = sent.iter().filter_map(|e| e.1).collect();
        let id = ids.iter().rev().nth(random.below(4)).copied().unwrap_or(ids.len() as u64 + 5);
        server.event += 1;
        let n = server.event;
        return match random.below(8) {
            0 => "2".into(),
            1 => format!("42{joined},[\"e\",{n},\"offset\"]"),
            2 => format!("42{joined},{id}[\"ask\",{n}]"),
            3..=5 => format!("43{joined},{id}[]"),
            kind => {
                server.missing = 1;
                if kind == 6 {
                    format!("461-{joined},{id}[{{\"_placeholder\":true,\"num\":0}}]")
                } else {
                    format!("451-{joined},[\"f\",{n},{{\"_placeholder\":true,\"num\":0}}]")
                }
            }
        };
    }
    let n = ["", "/b,", "/c,", "/unknown,"][random.below(8).saturating_sub(4)];
    let id = random.below(ids as usize + 2);
    match random.below(24) {
        0..=5 => format!("40{n}{{\"sid\":\"x\",\"pid\":\"p\"}}"),
        6 => format!("40{n}{{\"sid\":\"x\"}}"),
        7 => format!("41{n}"),
        8 => format!("44{n}{{\"message\":\"no\"}}"),
        9..=10 => format!("42{n}[\"e\",\"offset\"]"),
        11 => format!("42{n}{id}[\"ask\"]"),
        12..=15 => format!("43{n}{id}[]"),
        16 => format!("452-{n}[\"f\",{{\"_placeholder\":true,\"num\":1}}]"),
        17 => format!("461-{n}{id}[{{\"_placeholder\":true,\"num\":0}}]"),
        18..=19 => "bAQIDBAUGBwgJCgsMDQ4PEA==".into(),
        20 => "b".into(),
        21 => "2".into(),
        22 => "6".into(),
        _ => ["1", "4", "bA", "3probe", "0{}", "451-[\"x\"]", "40", "7", "42[\"connect\"]", "b====", "43[]"]
            [random.below(11)]
        .into(),
    }
}

/// Bytes for a line.
pub fn says<L: Link + std::fmt::Debug>(
    h: &Host<L>,
    line: Line,
    random: &mut Random,
    ids: u64,
    server: &mut Server,
) -> Vec<u8> {
    let open = open_packet(["[]", "[\"websocket\"]"][random.below(2)]);
    let is_open = h.client.link().is_open();
    let bytes = match line {
        _ if random.below(80) == 0 => match random.below(6) {
            0 => b"HTTP/1.1 400 x\r\nContent-Length: 10\r\n\r\n{\"code\":1}".to_vec(),
            1 => b"HTTP/1.1 101 x\r\n\r\n".to_vec(),
            2 => b"\x88\x00".to_vec(),
            3 => format!("HTTP/1.1 200 x\r\nX: {}\r\n\r\n", "y".repeat(random.below(9000))).into_bytes(),
            4 => b"\x81\xff\xff".to_vec(),
            _ => (0..random.below(40)).map(|_| random.next() as u8).collect(),
        },
        Line::WebSocket if !is_open => [switching(), frame(&open)].concat(),
        Line::WebSocket => match random.below(12) {
            0 if random.below(5) == 0 => switching(),
            1 | 2 => frame("3probe"),
            3..6 if h.client.link().transport() == Transport::Polling => switching(),
            6..9 if h.client.link().transport() == Transport::Polling => frame("3probe"),
            4 if server.missing > 0 => b"\x82\x02ab".to_vec(),
            5 => [b"\x89\x01a".to_vec(), frame("2")].concat(),
            _ => frame(&packet(h, random, ids, server)),
        },
        Line::Get => {
            let body = if is_open {
                let packets: Vec<_> = (0..=random.below(3)).map(|_| packet(h, random, ids, server)).collect();
                let end = if random.below(100) == 0 { "\x1e" } else { "" };
                packets.join("\x1e") + end
            } else {
                open
            };
            match random.below(8) {
                0 => [b"HTTP/1.1 100 x\r\n\r\nHTTP/1.1 103 x\r\na: b\r\n\r\n".to_vec(), answer(&body)].concat(),
                1 => [answer(&body), answer("6")].concat(),
                2 => format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}").into_bytes(),
                3 => format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes(),
                4 | 5 => chunked(&body, random),
                _ => answer(&body),
            }
        }
        Line::Post => answer("ok"),
    };
    let mut bytes = bytes;
    if random.below(120) == 0 {
        let at = random.below(bytes.len().max(1));
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << random.below(8);
        }
    }
    if random.below(120) == 0 {
        bytes.truncate(random.below(bytes.len() + 1));
    }
    bytes
}
