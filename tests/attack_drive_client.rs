//! Attacks on the promises of the awaited Socket.IO client.

#[path = "support/cancel/mod.rs"]
mod cancel;
#[path = "drive_client/net.rs"]
#[allow(dead_code)]
mod net;
#[path = "client_end/server.rs"]
mod server;
mod support;

/// What the server shares with the tests of the machine.
mod world {
    pub const NAMES: [&str; 3] = ["/", "/b", "/c"];
}

use cancel::Script;
use net::{ROOT, World, tell};
use sansocket::{drive::AskError, socketio::AckError, time::Instant};

/// Ready at once, with all bytes.
const PLAIN: Script = Script::Always(0, usize::MAX);

/// A world whose client has joined the first namespace.
fn connected(script: Script, pipe: usize) -> World {
    let mut world = World::new(script);
    world.net.borrow_mut().pipe = pipe;
    world.client.connect(ROOT).unwrap();
    world.wait(1, 0);
    assert_eq!(world.told(), ["opened", "connected /"]);
    assert_eq!(world.heard(), ["connect /"]);
    world
}

/// The server takes nothing any more, and the pipe to it is full.
fn stuck(write_ms: u32) -> World {
    let World { client, net, clock, told, points } = connected(PLAIN, 512);
    let mut world = World { client: client.with_write_timeout(write_ms), net, clock, told, points };
    world.net.borrow_mut().is_mute = true;
    while world.io().emit(ROOT, "much", &&*"x".repeat(100)).is_ok() {}
    world.wait(1, 0);
    world
}

#[test]
fn a_question_to_a_server_that_takes_nothing_ends_in_time() {
    for write_ms in [20_000, 0] {
        let mut world = stuck(write_ms);
        let start = world.now();
        let asked = world.finish(async |client| client.ask(ROOT, "ask", &7, 1000, |_, _| (), |_, _| ()).await);
        assert_eq!(asked, Err(AskError::Failed(AckError::TimedOut)));
        assert_eq!(world.now() - start, 1000, "{write_ms}");
    }
}

#[test]
fn a_server_that_takes_nothing_meets_its_heartbeat() {
    let mut world = stuck(0);
    world.next(0);
    assert_eq!((world.told(), world.now() / 1000), (vec!["failed PingTimeout".into()], 45));
}

/// A loop that never waits: it emits, and looks whether something has come.
#[test]
fn who_looks_and_sends_in_each_turn_hears_everything() {
    for (take, ms) in [(usize::MAX, 1000), (3, 100)] {
        let mut world = connected(Script::Always(0, take), 4096);
        for turn in 0..200 {
            world.io().emit(ROOT, "reading", &turn).unwrap();
            if turn < 20 {
                world.serve(ROOT, "news", turn);
            }
            let _ = world.heard();
            world.clock.advance(ms);
            let now = Instant::from_millis(world.now());
            let step =
                world.finish(async |client| client.next_until(now).await.unwrap().and_then(|(step, _)| tell(&step)));
            world.told.extend(step);
        }
        let expected: Vec<_> = (0..20).map(|i| format!("/ {i}")).collect();
        assert_eq!(world.told(), expected);
        assert_eq!(world.net.borrow().dials, 1, "heartbeats are answered");
    }
}

/// It leaves a server that answers no close, and changes its mind before the time for the answer is over.
#[test]
fn who_comes_back_while_it_leaves_waits_without_spinning() {
    for drop_at in 0..4 {
        let mut world = connected(PLAIN, 4096);
        world.net.borrow_mut().is_mute = true;
        world.io().close();
        world.wait(500, drop_at);
        world.client.connect(ROOT).unwrap();
        world.clock.forget();
        world.wait(1000, drop_at);
        assert!(world.clock.most_asked() < 100, "{}", world.clock.most_asked());
    }
}

/// What a client says last arrives, also over a transport that takes its time.
#[test]
fn a_farewell_is_written_to_its_end() {
    for script in [PLAIN, Script::Always(1, 1), Script::Always(3, 2)] {
        let mut world = connected(script, 4096);
        world.io().emit(ROOT, "last", &1).unwrap();
        assert!(world.finish(async |client| client.leave().await));
        let heard = world.heard();
        assert_eq!(heard[..2], ["/ last 1", "disconnect /"], "{heard:?}");
    }
}

/// Calls in any order, each dropped at any point, over a transport that takes its time, with a network that is cut now and then.
#[test]
fn any_program_loses_and_doubles_nothing() {
    let mut totals = [0; 3];
    for seed in 0..400 {
        let mut random = support::Random(seed);
        let has_cuts = seed % 2 == 1;
        let mut world = connected(Script::Random(random.clone(), 2, 40), if seed % 3 == 0 { 64 } else { 4096 });
        let (mut sent, mut served, mut heard, mut told) = (0, 0, Vec::new(), Vec::new());
        for _ in 0..120 {
            let drop_at = 1 + random.below(4);
            match random.below(if has_cuts { 8 } else { 7 }) {
                0 | 1 => {
                    if world.io().emit(ROOT, "a", &sent).is_ok() {
                        sent += 1;
                    }
                }
                2 => world.net.borrow_mut().server.send(|io, out| {
                    served += u32::from(io.emit(ROOT, "news", &served, None, out).is_ok());
                }),
                3 => drop(world.run(drop_at, async |client| client.io().flush().await)),
                4 => {
                    let other = &mut told;
                    let asked = world.run(drop_at, async |client| {
                        client.ask(ROOT, "ask", &7, 300, |_, _| (), |step, _| other.extend(tell(&step))).await
                    });
                    totals[2] += usize::from(asked == Some(Ok(())));
                }
                7 => world.net.borrow_mut().cut(),
                _ => {
                    world.wait(1 + random.below(200) as u64, drop_at);
                    told.extend(world.told());
                }
            }
            heard.extend(world.heard());
        }
        for _ in 0..30 {
            world.wait(500, 0);
            told.extend(world.told());
            heard.extend(world.heard());
        }
        let numbers = |lines: &[String], front: &str| -> Vec<u32> {
            lines.iter().filter_map(|line| line.strip_prefix(front)?.parse().ok()).collect()
        };
        let (there, back) = (numbers(&heard, "/ a "), numbers(&told, "/ "));
        totals[0] += there.len();
        totals[1] += back.len();
        if has_cuts {
            assert!(there.is_sorted_by(|a, b| a < b) && back.is_sorted_by(|a, b| a < b), "{seed}: {there:?} {back:?}");
            assert!(world.io().is_connected(ROOT));
        } else {
            assert!(there.iter().copied().eq(0..sent), "{seed}: {there:?} of {sent}");
            assert!(back.iter().copied().eq(0..served), "{seed}: {back:?} of {served}");
            assert_eq!(world.net.borrow().dials, 1);
        }
    }
    assert!(totals.iter().all(|n| *n > 300), "{totals:?}");
}

/// What it takes late is no reason to give it up while its heartbeats arrive.
#[test]
fn a_server_that_takes_nothing_loses_no_heartbeat_that_it_sends() {
    let mut world = stuck(0);
    let back = world.net.borrow().back.clone();
    for _ in 0..10 {
        world.wait(20_000, 0);
        assert_eq!(back.borrow_mut().put(b"\x81\x012", 3), 3);
        world.wait(5_000, 0);
        assert!(world.told().is_empty(), "{}", world.now());
    }
}
