//! Any calls in any order, with cuts and waits: no loop that spins, no deadline that has passed, order kept, nothing twice, nothing held at the end.

use super::world::{NAMES, World, at, full, with_backlog};
use sansocket::{
    endpoint::client::{Emit, Link, WhenFull},
    engineio::Transport::{Polling, WebSocket},
    socketio::{Namespace, client::Backoff},
};
use std::collections::BTreeSet;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// The number in `name ?e 7` and the like.
fn number(text: &str) -> u32 {
    text.rsplit(' ').next().unwrap().parse().unwrap()
}

fn run(seed: u64) {
    let mut random = Random(seed);
    let size = [256, 600, 4096][random.below(3)];
    let backoff = Backoff::new().limit(10);
    match random.below(5) {
        0 => play(random, full(backoff, size, &[Polling])),
        1 => play(random, full(backoff, size, &[Polling, WebSocket])),
        2 => play(random, full(backoff, size, &[WebSocket, Polling])),
        _ => play(random, with_backlog(backoff, size)),
    }
}

fn play<L: Link>(mut random: Random, mut w: World<L>) {
    let policy = [WhenFull::Refuse, WhenFull::DropOldest, WhenFull::DropNewest][random.below(3)];
    w = w.map(|c| c.with_when_full(policy));
    let is_authorized = random.below(3) == 0;
    if is_authorized {
        w = w.map(|c| c.with_auth(130));
        w.authorizes = Some(0);
    }
    let (mut next, mut asked, mut told) = (0_u32, BTreeSet::new(), Vec::new());
    for _ in 0..150 {
        let namespace = Namespace(random.below(3) as u16);
        let now = at(w.now);
        match random.below(24) {
            0..=3 => w.client.connect(namespace, now).unwrap(),
            4 => w.client.disconnect(namespace),
            5 if random.below(4) == 0 => w.client.close(),
            6..=13 => {
                next += 1;
                let mut how = Emit::new();
                let kind = random.below(6);
                if kind.is_multiple_of(2) {
                    how = how.ask(next, Some(now.after_millis(random.below(20_000) as u64)));
                }
                how = match kind {
                    0 | 1 => how.retry(random.below(3) as u8, 1 + random.below(5000) as u32),
                    2 => how.volatile(),
                    _ => how,
                };
                let name = if kind < 2 { "retried" } else { "e" };
                let before = w.client.held();
                match w.client.emit_with(namespace, name, &next, how) {
                    Ok(true) if kind.is_multiple_of(2) => assert!(asked.insert(next)),
                    Ok(_) => {}
                    Err(_) => assert!(w.client.held() <= before, "nothing was added"),
                }
            }
            14 => w.cut(),
            15 => w.is_reachable = random.below(3) > 0,
            16 => w.server.answers = random.below(3) > 0,
            17 if random.below(3) == 0 => w.is_mute = !w.is_mute,
            18 => w.server.refuses = (random.below(3) == 0).then_some(namespace),
            19 => w.serve(|io, out| {
                let _ = io.disconnect(namespace, out);
            }),
            20 => w.wait(random.below(100_000) as u64),
            21 => {
                w.now += random.below(1 << 30) as u64;
                w.turn();
            }
            22 => w.wait(random.below(2000) as u64),
            _ => w.turn(),
        }
        told.extend(w.told());
    }
    // In the end the server is well, and all that waits arrives.
    (w.is_reachable, w.server.answers, w.is_mute, w.server.refuses) = (true, true, false, None);
    // What it has written before arrives first.
    w.wait(200_000);
    told.extend(w.told());
    for namespace in [0, 1, 2].map(Namespace) {
        w.client.connect(namespace, at(w.now)).unwrap();
    }
    w.wait(200_000);
    for namespace in [0, 1, 2].map(Namespace) {
        assert!(w.client.io().is_connected(namespace), "it comes back");
    }
    assert_eq!(w.client.held(), 0, "all was sent");
    w.client.close();
    w.wait(10_000);
    told.extend(w.told());
    assert_eq!(told.last().map(String::as_str), Some("over Closed"));
    assert_eq!((w.client.held(), w.client.poll_timeout()), (0, None));
    // Each acknowledgement ends once.
    for text in told.iter().filter(|t| t.starts_with("ack Some") || t.starts_with("no ack")) {
        let token = text.split([' ', '(', ')']).find_map(|word| word.parse().ok()).unwrap();
        assert!(asked.remove(&token), "{token} twice: {text}");
    }
    assert!(asked.is_empty(), "never told: {asked:?}");
    // Of each namespace, in order and once; those with retries in an order of their own, and again.
    let heard = w.heard();
    for name in NAMES {
        let of = |kind: &str| {
            let is_it =
                |h: &&String| [format!("{name} {kind} "), format!("{name} ?{kind} ")].iter().any(|p| h.starts_with(p));
            heard.iter().filter(is_it).map(|h| number(h)).collect::<Vec<_>>()
        };
        assert!(of("e").is_sorted_by(|a, b| a < b), "{name} {:?}", of("e"));
        assert!(of("retried").is_sorted(), "{name} {:?}", of("retried"));
    }
}

#[test]
fn any_calls_in_any_order() {
    if let Ok(seed) = std::env::var("CLIENT_SEED") {
        return run(seed.parse().unwrap());
    }
    let runs = std::env::var("CLIENT_RUNS").map_or(400, |runs| runs.parse().unwrap());
    for seed in 0..runs {
        if let Err(e) = std::panic::catch_unwind(|| run(seed)) {
            panic!("CLIENT_SEED={seed}: {:?}", e.downcast_ref::<String>());
        }
    }
}
