//! A hostile server and a host that calls in any order, with memory of any size. Whatever happens, the laws of the events hold.

use crate::{
    host::{Host, NAMES, answer, at, config, frame, open_packet, switching},
    support::Random,
};
use sansocket::{
    endpoint::{
        What,
        client::{Emit, FullLink, Line, Link, WebSocketLink, WhenFull},
    },
    engineio::Transport,
    json::Raw,
    socketio::{AckSlot, Binary, Collector, Namespace, Placeholder, client::SocketSlot},
};
use std::collections::BTreeMap;

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
fn events(sent: &[u8]) -> Vec<(usize, Option<u64>, char, u32)> {
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

/// Packets that fit, most of the time.
fn packet<L: Link + std::fmt::Debug>(h: &Host<L>, random: &mut Random, ids: u64, missing: &mut u8) -> String {
    if *missing > 0 && random.below(30) > 0 {
        *missing -= 1;
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
        return match random.below(8) {
            0 => "2".into(),
            1 => format!("42{joined},[\"e\",\"offset\"]"),
            2 => format!("42{joined},{id}[\"ask\"]"),
            3..=5 => format!("43{joined},{id}[]"),
            n => {
                *missing = 1;
                if n == 6 {
                    format!("461-{joined},{id}[{{\"_placeholder\":true,\"num\":0}}]")
                } else {
                    format!("451-{joined},[\"f\",{{\"_placeholder\":true,\"num\":0}}]")
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

fn says<L: Link + std::fmt::Debug>(
    h: &Host<L>,
    line: Line,
    random: &mut Random,
    ids: u64,
    missing: &mut u8,
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
            4 if *missing > 0 => b"\x82\x02ab".to_vec(),
            5 => [b"\x89\x01a".to_vec(), frame("2")].concat(),
            _ => frame(&packet(h, random, ids, missing)),
        },
        Line::Get => {
            let body = if is_open {
                let packets: Vec<_> = (0..=random.below(3)).map(|_| packet(h, random, ids, missing)).collect();
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

#[derive(Default)]
struct Law {
    is_open: bool,
    joined: [bool; 3],
    /// Tokens that were asked for and did not end.
    asked: BTreeMap<u32, usize>,
    opened: [bool; 3],
    is_over: bool,
}

impl Law {
    /// Looks at what was told.
    fn see(&mut self, log: &[String]) {
        for line in log {
            let words: Vec<_> = line.split(' ').collect();
            let namespace = |name: &str| NAMES.iter().position(|n| *n == name).unwrap();
            let of_line = |name: &str| ["WebSocket", "Get", "Post"].iter().position(|n| *n == name).unwrap();
            match words[..] {
                // Twice without an end that is told, if this end has closed the link and wants it again.
                ["opened"] => self.is_open = true,
                ["failed", ..] => self.is_open = false,
                ["connected", name, ..] => {
                    assert!(self.is_open, "connected without a session: {log:?}");
                    assert!(!std::mem::replace(&mut self.joined[namespace(name)], true), "twice: {log:?}");
                }
                // Also instead of an answer to CONNECT.
                ["left", name, "io", "server", ..] => self.joined[namespace(name)] = false,
                ["left", name, ..] => {
                    assert!(std::mem::take(&mut self.joined[namespace(name)]), "left what was not joined: {log:?}");
                    if words[2] != "io" {
                        self.is_open = false;
                    }
                }
                ["event", ..] => assert!(self.is_open, "{log:?}"),
                ["ack", "None", ..] => {}
                ["ack", token, ..] => {
                    let token = token.trim_start_matches("Some(").trim_end_matches(')').parse().unwrap();
                    assert!(self.asked.remove(&token).is_some(), "{token} ends twice: {log:?}");
                }
                ["no", "ack", token, ..] => {
                    assert!(self.asked.remove(&token.parse().unwrap()).is_some(), "{token} ends twice: {log:?}");
                }
                ["open", name] => {
                    assert!(!std::mem::replace(&mut self.opened[of_line(name)], true), "open twice: {log:?}");
                    self.is_over = false;
                }
                ["close", name] => self.opened[of_line(name)] = false,
                ["over", ..] => {
                    assert!(!self.is_over, "over twice: {log:?}");
                    assert_eq!(self.joined, [false; 3], "{log:?}");
                    (self.is_over, self.is_open) = (true, false);
                }
                _ => {}
            }
        }
    }
}

fn play<L: Link + Clone + std::fmt::Debug>(link: L, seed: u64) {
    let mut random = Random(seed);
    let (mut acks, mut sockets) = (random.below(9), 1 + random.below(3));
    let sizes = [acks, sockets, random.below(600)];
    let mut h = Host::new(link, sizes, [random.below(200), random.below(300), random.below(40)]);
    let policy = [WhenFull::Refuse, WhenFull::DropOldest, WhenFull::DropNewest][random.below(3)];
    h.client = h.client.clone().with_when_full(policy);
    if random.below(4) == 0 {
        h.client = h.client.clone().with_auth(random.below(60));
    }
    let (mut law, mut token, mut story, mut missing, mut next_id) = (Law::default(), 0_u32, Vec::new(), 0_u8, 0_u64);
    let steps = 20 + random.below(300);
    for step in 0..steps + 3 {
        let namespace = Namespace(random.below(3) as u16);
        let open: Vec<_> = Line::ALL.into_iter().filter(|line| h.wires[*line as usize].is_open).collect();
        let line = if open.is_empty() || random.below(8) == 0 {
            Line::ALL[random.below(3)]
        } else {
            open[random.below(open.len())]
        };
        let now = at(h.now);
        let before = (format!("{:?}", h.client), h.client.clone());
        let unchanged = |h: &Host<L>, what: &str| assert_eq!(before.0, format!("{:?}", h.client), "{what} {seed}");
        let kinds = if random.below(4) == 0 { 28 } else { 14 };
        let kind = match random.below(kinds) {
            _ if step >= steps => 40,
            _ if random.below(2) == 0 => 39,
            kind => kind,
        };
        match kind {
            0..=3 => {
                if h.client.connect(namespace, now).is_err() {
                    unchanged(&h, "connect");
                } else {
                    law.is_over = false;
                }
            }
            4 if random.below(3) == 0 => h.client.disconnect(namespace),
            5 if random.below(10) == 0 => h.client.close(),
            6..=12 => {
                token += 1;
                let mut how = Emit::new();
                let is_asked = random.below(2) == 0;
                if is_asked {
                    let deadline = random.below(2) == 0;
                    how = how.ask(token, deadline.then(|| now.after_millis(random.below(3000) as u64)));
                }
                let kind = random.below(5);
                how = match kind {
                    0 => how.volatile(),
                    1 => how.retry(random.below(3) as u8, random.below(3000) as u32),
                    _ => how,
                };
                let file = [1_u8; 30];
                let sent = if random.below(4) == 0 {
                    let files: [&[u8]; 1] = [&file];
                    let files = sansocket::socketio::Attachments::from(&files[..]);
                    h.client.emit_with(
                        namespace,
                        if kind == 1 { "r" } else { "e" },
                        &Binary((token, Placeholder(0)), files),
                        how,
                    )
                } else {
                    h.client.emit_with(namespace, if kind == 1 { "r" } else { "e" }, &token, how)
                };
                match sent {
                    Ok(true) if is_asked => {
                        next_id += 1;
                        law.asked.insert(token, step);
                    }
                    Ok(_) => {}
                    // It may have removed what had timed out, and told ids.
                    Err(_) => assert!(h.client.held() <= before.1.held()),
                }
            }
            13 => {
                if let Some(request) = h.requests.pop()
                    && h.client.ack(request, &1).is_err()
                {
                    unchanged(&h, "ack");
                }
            }
            14 => {
                let auth = Raw::new(b"{\"token\":1}").unwrap();
                if h.client.authorize(namespace, Some(&auth)).is_err() {
                    unchanged(&h, "authorize");
                }
            }
            15 => h.end(line, random.below(2) == 0),
            16 => h.now += random.below(3000) as u64,
            17 => h.now += random.below(60_000) as u64,
            // Time runs backwards.
            18 => h.now = h.now.saturating_sub(random.below(3000) as u64),
            19 if random.below(4) == 0 => h.takes = [0, 1, 30, usize::MAX, usize::MAX][random.below(5)],
            20 => h.is_reachable = random.below(4) > 0,
            21 => {
                let held = h.client.held();
                let size = random.below(500);
                match h.client.replace_backlog(vec![0; size]) {
                    Ok(_) => assert!(size >= held && h.client.held() == held),
                    Err(_) => {
                        assert!(size < held);
                        unchanged(&h, "backlog");
                    }
                }
            }
            22 => {
                let n = random.below(9);
                match h.client.replace_acks(vec![AckSlot::EMPTY; n]) {
                    Ok(_) => acks = n,
                    Err(_) => unchanged(&h, "acks"),
                }
            }
            23 => {
                let n = random.below(4);
                match h.client.replace_sockets(vec![SocketSlot::EMPTY; n]) {
                    Ok(_) => sockets = n,
                    Err(_) => unchanged(&h, "sockets"),
                }
            }
            // What a host does by mistake.
            24 => {
                let wire = &mut h.wires[line as usize];
                if !wire.is_open {
                    let _ = h.client.transmit(line, &mut wire.outbox, now);
                    wire.outbox.consume(usize::MAX);
                }
            }
            25 => {
                if !h.wires[line as usize].is_open {
                    h.client.handle_eof(line, now);
                    h.client.handle_error(line, now);
                }
            }
            26 if h.wires[line as usize].is_open => {
                let wire = &mut h.wires[line as usize];
                h.client.opened(line, &mut wire.inbox, &mut wire.outbox, [7; 16]);
            }
            27 => {
                let mut wire = h.wires[line as usize].clone();
                let mut small = Collector::new(vec![0; 0]);
                let mut copy = h.client.clone();
                if let Err(grow) = copy.poll(line, &mut wire.inbox, &mut small, now) {
                    assert!(grow.to > 0 && matches!(grow.what, What::Inbox | What::Collector));
                }
            }
            40 => {
                (h.takes, h.is_reachable) = (usize::MAX, true);
                match step - steps {
                    0 => {
                        h.client.close();
                        h.turn();
                        // A POST that is never answered is waited for until the pings are missing, as in the JavaScript client.
                        h.now += 200_000;
                    }
                    1 => h.now += 5_000,
                    _ => {}
                }
            }
            _ => {
                missing = if h.client.link().is_open() { missing } else { 0 };
                let bytes = says(&h, line, &mut random, next_id, &mut missing);
                if random.below(3) == 0 {
                    for byte in bytes {
                        h.feed(line, &[byte]);
                    }
                } else {
                    h.feed_only(line, &bytes);
                }
            }
        }
        if random.below(4) > 0 || kind == 40 {
            h.turn();
        }
        let log = h.log();
        story.extend(log.iter().cloned());
        let at = story.len().saturating_sub(60);
        if let Err(e) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| law.see(&log))) {
            panic!("{:?}\n{:?}", e.downcast_ref::<String>(), &story[at..]);
        }
    }
    let from = story.len().saturating_sub(40);
    let end = &story[from..];
    assert_eq!(h.client.poll_timeout().filter(|_| law.asked.is_empty()), None, "{end:?}");
    assert!(h.wires.iter().all(|wire| !wire.is_open), "{end:?}");
    assert_eq!(law.joined, [false; 3], "{end:?}");
    for wire in &h.wires {
        for namespace in 0..3 {
            for name in ['e', 'r'] {
                let all = events(&wire.sent);
                let numbers: Vec<_> = all.iter().filter(|e| e.0 == namespace && e.2 == name).map(|e| e.3).collect();
                let is_good = if name == 'e' { numbers.is_sorted_by(|a, b| a < b) } else { numbers.is_sorted() };
                assert!(is_good, "{namespace} {name} {numbers:?}");
            }
        }
    }
    // What is still asked for waits in the backlog.
    if h.client.held() == 0 {
        assert!(law.asked.is_empty(), "{:?} {end:?}", law.asked);
        // No slot is left taken, of acknowledgements and of namespaces.
        drop(h.client.replace_backlog(vec![0; 4096]).unwrap());
        if sockets > 0 {
            h.fill_acks(Namespace(random.below(3) as u16), acks as u32);
        }
        let free = (0..3).filter(|n| h.client.connect(Namespace(*n), at(h.now)).is_ok()).count();
        assert!(free == sockets.min(3) || acks > 0, "{free} {sockets}");
    }
}

#[test]
fn whatever_anyone_does() {
    let runs = std::env::var("ATTACK_RUNS").map_or(300, |runs| runs.parse().unwrap());
    let first = std::env::var("ATTACK_SEED").map_or(0, |seed| seed.parse().unwrap());
    let lists: [&'static [Transport]; 3] = [
        &[Transport::Polling],
        &[Transport::Polling, Transport::WebSocket],
        &[Transport::WebSocket, Transport::Polling],
    ];
    for seed in first..first + runs {
        let result = std::panic::catch_unwind(|| match seed % 4 {
            3 => play(WebSocketLink::new(config("ws://h", &[])), seed),
            n => play(FullLink::new(config("http://h", lists[n as usize])), seed),
        });
        if let Err(e) = result {
            let text = e.downcast_ref::<String>().cloned().or(e.downcast_ref::<&str>().map(|s| s.to_string()));
            panic!("ATTACK_SEED={seed}: {}", text.unwrap_or_default());
        }
    }
}
