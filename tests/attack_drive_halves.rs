//! Attacks on the halves of a driven WebSocket: many senders, floods, drops at random, both ends halves, a lock that is poisoned.

#[path = "drive_halves/setup.rs"]
mod setup;
#[path = "drive_halves/world.rs"]
mod world;

use sansocket::{
    drive::Deadlines,
    ws::{Kind, Timeouts},
};
use setup::{LARGE, Memory, World, frames, text};
use std::collections::BTreeMap;
use world::{get, put};

const NARROW: Memory = Memory { rx: 512, tx: 512, room: 10, piece: 10 };

fn quiet() -> Deadlines {
    Deadlines::new().others(Timeouts::new().ping_interval(0).idle(0))
}

/// Twelve senders without a pause, and four slots for wakers: each has its turn.
#[test]
fn no_sender_starves() {
    let (world, rx, tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    for name in 0..12_u8 {
        let mut tx = tx.clone();
        world.tasks.spawn(async move { while tx.send(Kind::Binary, &[name; 18]).await.is_ok() {} });
    }
    let mut wire = Vec::new();
    for now in 1..=2400 {
        wire.extend(get(&world.output, 10));
        world.run_until(now * 5);
    }
    let mut counts = BTreeMap::new();
    for (_, payload) in frames(&wire).0 {
        *counts.entry(payload[0]).or_insert(0) += 1;
    }
    let all: usize = counts.values().sum();
    assert_eq!(counts.len(), 12, "each has sent: {counts:?}");
    assert!(counts.values().all(|n| *n >= all / 12 / 4), "none has less than a quarter of its share: {counts:?}");
}

/// `closed` is a question, and ends nothing.
#[test]
fn to_ask_how_it_closed_does_not_close() {
    let (world, rx, tx) = World::new(&LARGE);
    assert!(!rx.closed().unwrap().is_clean);
    let sent = world.send(&tx, "a", vec![1]);
    world.receive(rx);
    put(&world.input, &text("x"));
    world.run();
    assert!(world.tasks.is_over(sent));
    assert_eq!(world.log.take(), ["a sent", "message \"x\""]);
}
