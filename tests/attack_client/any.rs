//! A hostile server and a host that calls in any order, with memory of any size. Whatever happens, the laws of the events hold.

use crate::{
    host::{Host, NAMES, at, config_with},
    server::{Server, events, says},
    support::Random,
};
use sansocket::{
    endpoint::{
        What,
        client::{Emit, FullLink, Line, Link, WebSocketLink, WhenFull},
    },
    engineio::Transport,
    json::Raw,
    socketio::{
        AckSlot, Binary, Collector, Namespace, Placeholder,
        client::{Backoff, SocketSlot},
    },
};
use std::collections::BTreeMap;

#[derive(Default)]
struct Law {
    is_open: bool,
    joined: [bool; 3],
    /// Tokens that were asked for and did not end.
    asked: BTreeMap<u32, usize>,
    opened: [bool; 3],
    is_over: bool,
    /// The number of the last event that was told.
    event: u32,
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
                ["event", _, args, ..] => {
                    assert!(self.is_open, "{log:?}");
                    if let Ok(n) = args.split(',').next().unwrap().parse() {
                        assert!(n > self.event, "twice or out of order: {log:?}");
                        self.event = n;
                    }
                }
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

/// Returns what was told. `split`: bytes come in other pieces, into other memory; nothing else may differ.
fn play<L: Link + Clone + std::fmt::Debug>(link: L, seed: u64, split: bool) -> Vec<String> {
    let mut pieces = Random(seed ^ 0x5555);
    let mut random = Random(seed);
    let (mut acks, mut sockets) = (random.below(9), 1 + random.below(3));
    let sizes = [acks, sockets, random.below(600)];
    let mut memory = [random.below(200), random.below(300), random.below(40)];
    if split {
        memory[0] = pieces.below(200);
        memory[2] = pieces.below(200);
    }
    let mut h = Host::new(link, sizes, memory);
    let policy = [WhenFull::Refuse, WhenFull::DropOldest, WhenFull::DropNewest][random.below(3)];
    h.client = h.client.clone().with_when_full(policy);
    if random.below(4) == 0 {
        h.client = h.client.clone().with_auth(random.below(60));
    }
    let (mut law, mut token, mut story, mut server, mut next_id) =
        (Law::default(), 0_u32, Vec::new(), Server::default(), 0_u64);
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
        let kinds = if random.below(4) == 0 { 31 } else { 14 };
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
            28 => drop(h.wires[line as usize].inbox.replace(vec![0; random.below(300)])),
            29 => drop(h.wires[line as usize].outbox.replace(vec![0; random.below(300)])),
            30 => drop(h.collector.replace(vec![0; random.below(60)])),
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
                server.missing = if h.client.link().is_open() { server.missing } else { 0 };
                let bytes = says(&h, line, &mut random, next_id, &mut server);
                let opened = h.wires[line as usize].opened;
                let mut rest = &bytes[..];
                while let Some((piece, behind)) = rest.split_at_checked(1 + pieces.below(rest.len().max(1))) {
                    if h.wires[line as usize].opened != opened {
                        break;
                    }
                    h.feed_only(line, if split { piece } else { rest });
                    // Not what is due: the rest may hold a ping.
                    h.poll_line(line);
                    rest = if split { behind } else { &[] };
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
    story
}

#[test]
fn whatever_anyone_does() {
    let runs = std::env::var("ATTACK_RUNS").map_or(100, |runs| runs.parse().unwrap());
    let first = std::env::var("ATTACK_SEED").map_or(0, |seed| seed.parse().unwrap());
    let lists: [&'static [Transport]; 3] = [
        &[Transport::Polling],
        &[Transport::Polling, Transport::WebSocket],
        &[Transport::WebSocket, Transport::Polling],
    ];
    for seed in first..first + runs {
        let backoff = Backoff::new().randomization(0).delay(1000).factor(1);
        let backoff = if seed % 5 == 0 { backoff.limit(1) } else { backoff };
        let result = std::panic::catch_unwind(|| match seed % 4 {
            3 => {
                let config = config_with("ws://h", &[], backoff);
                [false, true].map(|split| play(WebSocketLink::new(config), seed, split))
            }
            n => {
                let config = config_with("http://h", lists[n as usize], backoff);
                [false, true].map(|split| play(FullLink::new(config), seed, split))
            }
        });
        if let Ok([whole, split]) = &result {
            let at = whole.iter().zip(split).position(|(a, b)| a != b).unwrap_or(whole.len().min(split.len()));
            let from = at.saturating_sub(20);
            assert!(whole == split, "{seed} {at}: {:?}\n{:?}", whole.get(from..), split.get(at..));
        }
        if let Err(e) = result {
            let text = e.downcast_ref::<String>().cloned().or(e.downcast_ref::<&str>().map(|s| s.to_string()));
            panic!("ATTACK_SEED={seed}: {}", text.unwrap_or_default());
        }
    }
}
