//! The client against the server of this crate, deterministically: a clock that jumps, a network that delays, cuts and loses at any byte, servers that
//! come and go. `CLIENT_SIM_SEED=…` replays one run, and says what it did.

#[path = "client_sim/app.rs"]
mod app;
#[path = "client_sim/client.rs"]
mod client;
#[path = "client_sim/ledger.rs"]
mod ledger;
#[path = "client_sim/net.rs"]
mod net;
#[path = "client_sim/note.rs"]
mod note;
#[path = "client_sim/server.rs"]
mod server;
#[path = "client_sim/world.rs"]
mod world;

mod support;

use std::{
    panic::catch_unwind,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

const THREADS: u64 = 2;

/// Says what a run does, if it is the only one.
macro_rules! trace {
    ($($what:tt)*) => {
        if crate::IS_TRACED.load(std::sync::atomic::Ordering::Relaxed) {
            println!($($what)*);
        }
    };
}
pub(crate) use trace;

static IS_TRACED: AtomicBool = AtomicBool::new(false);

/// Runs these seeds. Returns what happened in all of them together.
fn run(seeds: std::ops::Range<u64>) -> [u64; 8] {
    if let Ok(seed) = std::env::var("CLIENT_SIM_SEED") {
        IS_TRACED.store(true, Ordering::Relaxed);
        return world::run(seed.parse().unwrap());
    }
    let totals: [AtomicU64; 8] = Default::default();
    let has_failed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (totals, has_failed, seeds) = (&totals, &has_failed, seeds.clone());
            scope.spawn(move || {
                for seed in seeds.filter(|seed| seed % THREADS == thread) {
                    if has_failed.load(Ordering::Relaxed) {
                        return;
                    }
                    match catch_unwind(|| world::run(seed)) {
                        Ok(counts) => {
                            for (total, n) in totals.iter().zip(counts) {
                                total.fetch_add(n, Ordering::Relaxed);
                            }
                        }
                        Err(_) => {
                            has_failed.store(true, Ordering::Relaxed);
                            eprintln!("replay it with CLIENT_SIM_SEED={seed}");
                        }
                    }
                }
            });
        }
    });
    assert!(!has_failed.into_inner(), "see above");
    totals.map(AtomicU64::into_inner)
}

/// Each thing that the laws are about has happened, and often.
fn check(totals: [u64; 8], runs: u64) {
    for (name, total) in ledger::COUNTS.iter().zip(totals) {
        println!("{name}: {total}");
        assert!(total > runs / 4 || runs < 100, "{name}: {total} in {runs} runs");
    }
}

#[test]
fn both_ends_agree_whatever_the_network_does() {
    let runs = 4000;
    check(run(0..runs), if std::env::var("CLIENT_SIM_SEED").is_ok() { 1 } else { runs });
}

#[test]
#[ignore = "a minute in release: cargo test --release --test client_sim -- --ignored"]
fn both_ends_agree_in_100_000_runs() {
    let runs = 100_000;
    check(run(0..runs), runs);
}
