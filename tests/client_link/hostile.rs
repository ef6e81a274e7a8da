//! A server that says anything, at any moment, over any line.

use crate::{
    host::{Host, config, frame, leak, open_packet, switching},
    support::Random,
};
use sansocket::{
    endpoint::client::{FullLink, Line, Link, Task, WebSocketLink},
    engineio::Transport,
    ws::Limits,
};

fn answer(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn says(line: Line, is_open: bool, random: &mut Random) -> Vec<u8> {
    let open = open_packet(["", "\"websocket\""][random.below(2)]);
    // Mostly what would come now.
    let kind = match (line, random.below(3), is_open) {
        (_, 0, _) => random.below(16),
        (Line::WebSocket, _, false) => 3,
        (Line::WebSocket, ..) => 4 + random.below(4),
        (Line::Get, _, false) => 0,
        (Line::Get, ..) => [8, 12, 14][random.below(3)],
        (Line::Post, ..) => 9,
    };
    let mut bytes = match kind {
        0..3 => answer(&open),
        3 => [switching(), frame(&open)].concat(),
        4 => switching(),
        5 => frame("3probe"),
        6 => frame("2"),
        7 => frame("4hello"),
        8 => answer("4a\x1e6"),
        9 => answer("ok"),
        10 => b"\x88\x00".to_vec(),
        11 => b"HTTP/1.1 400 x\r\n\r\n{\"code\":1}".to_vec(),
        12 => b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n4a\r\n0\r\n\r\n".to_vec(),
        13 => answer("1"),
        14 => b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
        _ => (0..random.below(40)).map(|_| random.next() as u8).collect(),
    };
    if random.below(4) > 0 {
        return bytes;
    }
    for _ in 0..random.below(3) {
        let at = random.below(bytes.len().max(1));
        if let Some(byte) = bytes.get_mut(at) {
            *byte = random.next() as u8;
        }
    }
    bytes.truncate(random.below(bytes.len() + 1).max(random.below(bytes.len() + 1)));
    bytes
}

/// Each connection is opened once and closed at most once; each session has at most one beginning and exactly one end.
fn play<L: Link>(link: L, seed: u64) -> (bool, bool) {
    let mut random = Random(seed);
    let (inbox, outbox) = (random.below(100), random.below(100));
    let mut host = Host::with_memory(link, inbox, outbox);
    host.takes = 1 + random.below(200);
    host.start();
    let mut starts = 1;
    for _ in 0..random.below(60) {
        let line = Line::ALL[random.below(3)];
        match random.below(30) {
            _ if host.link.is_over() && random.below(3) == 0 => {
                host.start();
                starts += 1;
            }
            1 => host.wait(random.next() % 3000),
            2 if host.wire(line).is_open => host.eof(line),
            3 if host.wire(line).is_open => host.error(line),
            4 => host.send(&["message", "another"]),
            5 if random.below(4) == 0 => {
                let now = sansocket::time::Instant::from_millis(host.now);
                host.link.close(now);
                host.turn();
            }
            _ => {
                let bytes = says(line, host.link.is_open(), &mut random);
                host.feed(line, &bytes);
            }
        }
    }
    let was_open = host.told.iter().any(|t| t == "opened");
    host.wait(100_000);
    host.wait(2_000);
    assert!(host.link.is_over() && !host.link.is_open() && host.link.poll_timeout().is_none(), "{seed}");
    assert!(host.wires.iter().all(|w| !w.is_open), "{seed}: {:?}", host.tasks);
    let mut is_open = false;
    let mut ends = 0;
    for told in &host.told {
        match &**told {
            "opened" => assert!(!std::mem::replace(&mut is_open, true), "{seed}"),
            closed if closed.starts_with("closed") => (is_open, ends) = (false, ends + 1),
            _ => assert!(is_open, "{seed}: a message outside of a session"),
        }
    }
    assert_eq!(ends, starts, "{seed}: {:?}", host.told);
    for line in Line::ALL {
        let mut wanted = true;
        for task in &host.tasks {
            match *task {
                // A line that has ended needs no `Close` before the next `Open`.
                Task::Open(l) if l == line => wanted = false,
                Task::Close(l) if l == line => {
                    assert!(!std::mem::replace(&mut wanted, true), "{seed}: {:?}", host.tasks)
                }
                _ => {}
            }
        }
    }
    (was_open, host.link.transport() == Transport::WebSocket)
}

#[test]
fn whatever_a_server_says_each_session_ends_once_and_all_lines_are_closed() {
    use Transport::{Polling, WebSocket};
    let mut seen = [0; 3];
    for seed in 0..3000 {
        let limits = Limits::new().message(1000).frame(1000);
        let config = config("http://h").limits(limits);
        let lists: [&[Transport]; 3] = [&[Polling, WebSocket], &[WebSocket, Polling], &[]];
        let list = lists[seed as usize % 3];
        let (was_open, upgraded) = play(FullLink::new(leak(config.transports(list))), seed);
        seen[0] += usize::from(was_open);
        seen[1] += usize::from(upgraded && was_open);
        seen[2] += usize::from(play(WebSocketLink::new(leak(config)), seed).0);
    }
    assert!(seen.iter().all(|n| *n > 500), "{seen:?}");
}
