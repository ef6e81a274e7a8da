//! Cancel safety: each call of the WebSocket driver is dropped at each of its await points, over transports that give and take a few bytes at a time. What
//! arrives at either end is what was sent.
//!
//! `cargo test --test drive_cancel -- --nocapture every` prints the table of calls, await points and drops.

#[path = "support/cancel/mod.rs"]
mod cancel;
mod support;

use cancel::{Call, ClientSide, End, Run, Say, Script};
use sansocket::{
    drive::{AsServer, Compressed},
    ws::{CloseCode, Kind},
};
use support::Random;

fn message(fill: char, n: usize) -> Vec<u8> {
    fill.to_string().repeat(n).into_bytes()
}

/// The same for `D`: if it compresses, a payload of twice the size that gets about half as long, so as many bytes go over the wire.
fn fit<D: End>(payload: &[u8]) -> Vec<u8> {
    if !D::COMPRESSES {
        return payload.to_vec();
    }
    let mut random = Random(payload.iter().map(|b| u64::from(*b)).sum());
    (0..2 * payload.len()).map(|_| b"0123456789abcdef"[random.below(16)]).collect()
}

/// What the peer says: messages in one frame and in several, with pings in front, between, and in a row.
fn says() -> Vec<Say> {
    vec![
        Say::Ping(b"first".to_vec()),
        Say::Message(Kind::Text, vec!["gr\u{fc}n ".repeat(9).into_bytes()]),
        Say::Ping(b"second".to_vec()),
        Say::Ping(b"third".to_vec()),
        Say::Message(Kind::Binary, vec![message('p', 40), Vec::new(), message('q', 30)]),
        Say::Message(Kind::Binary, vec![Vec::new()]),
        Say::Ping(message('r', 125)),
    ]
}

/// The request of a client that compresses is longer.
const fn tx<D: End>() -> usize {
    if D::COMPRESSES { 288 } else { 256 }
}

/// A driver with an open connection whose send memory is nearly full.
fn begin<D: End>(script: &Script, pipe: usize, call: &Call, says: &[Say]) -> Run<D> {
    let mut run = Run::<D>::new(script.clone(), pipe, tx::<D>(), says, 0);
    run.driver.reply().transport().is_vectored = true;
    if !matches!(call, Call::Shake) {
        run.call(&Call::Shake, |_| 0);
    }
    match call {
        Call::Shake | Call::Next | Call::NextPart | Call::NextGrowing | Call::Echo => {}
        Call::Send(_, payload) if payload.len() > if D::COMPRESSES { 200 } else { 100 } => {}
        Call::FeedPart(..) => {
            // In several parts it goes out plain.
            run.call(&Call::FeedPart(Kind::Text, message('a', 110), false), |_| 0);
            run.call(&Call::FeedPart(Kind::Text, message('b', 90), false), |_| 0);
        }
        _ => {
            run.call(&Call::Feed(Kind::Text, fit::<D>(&message('a', 110))), |_| 0);
            run.call(&Call::Feed(Kind::Text, fit::<D>(&message('b', 90))), |_| 0);
        }
    }
    run
}

fn calls() -> Vec<(&'static str, Call)> {
    vec![
        ("accept, connect", Call::Shake),
        ("next", Call::Next),
        ("next_part", Call::NextPart),
        ("next_growing", Call::NextGrowing),
        ("next + reply.send", Call::Echo),
        ("send", Call::Send(Kind::Text, message('c', 100))),
        ("send, offered", Call::Send(Kind::Binary, message('o', 200))),
        ("feed", Call::Feed(Kind::Text, message('d', 100))),
        ("feed_growing", Call::FeedGrowing(Kind::Binary, message('g', 400))),
        ("feed_part", Call::FeedPart(Kind::Text, message('e', 100), true)),
        ("flush", Call::Flush),
        ("ping", Call::Ping(message('f', 100))),
        ("close", Call::Close(CloseCode::NORMAL, "bye")),
    ]
}

/// How often a call is not ready, how many bytes it moves then, and how many the transport holds.
const SCRIPTS: [(usize, usize, usize); 6] =
    [(0, 1, 1), (1, 1, 4096), (1, 3, 16), (2, 7, 4096), (1, 64, 64), (3, 4096, 4096)];

fn at_every_point<D: End>() {
    println!("{:18} {:20} {:>12} {:>8}", "role", "call", "await points", "drops");
    for (name, call) in calls() {
        let call = match call {
            Call::Send(kind, payload) => Call::Send(kind, fit::<D>(&payload)),
            Call::Feed(kind, payload) => Call::Feed(kind, fit::<D>(&payload)),
            Call::FeedGrowing(kind, payload) => Call::FeedGrowing(kind, fit::<D>(&payload)),
            // Nothing of these is compressed.
            Call::Flush | Call::Ping(_) | Call::Close(..) if D::COMPRESSES => continue,
            other => other,
        };
        let (mut most, mut drops) = (0, 0);
        let mut says = says();
        if let Call::NextGrowing = call {
            says.insert(0, Say::Message(Kind::Binary, vec![message('s', 400), message('t', 300)]));
            if D::COMPRESSES {
                says.insert(1, Say::Message(Kind::Binary, vec![fit::<D>(&message('u', 1000))]));
            }
        }
        for (pending, bytes, pipe) in SCRIPTS {
            let script = Script::Always(pending, bytes);
            let mut run = begin::<D>(&script, pipe, &call, &says);
            let points = run.call(&call, |_| 0)[0];
            run.end();
            assert_eq!(run.world.peer.borrow().agreed.is_some(), D::COMPRESSES);
            most = most.max(points);
            // All pairs, or as many as are 24 in a row; fewer of those that take longer.
            let stride = points / if D::COMPRESSES { 6 } else { 24 } + 1;
            for first in 1..=points {
                let seconds = (0..=points).step_by(if first % stride == 0 { stride } else { points + 1 });
                for second in seconds {
                    let mut run = begin::<D>(&script, pipe, &call, &says);
                    run.call(&call, |attempt| [first, second].get(attempt).copied().unwrap_or(0));
                    run.end();
                    drops += run.drops;
                }
            }
            // Each attempt is dropped, and it gets on nevertheless.
            for point in [1, 2, 5] {
                if call.is_repeatable() {
                    let mut run = begin::<D>(&script, pipe, &call, &says);
                    run.call(&call, |_| point);
                    run.end();
                    drops += run.drops;
                }
            }
        }
        println!("{:18} {name:20} {most:>12} {drops:>8}", D::NAME);
        assert!(most > 0 && drops > 0);
    }
}

#[test]
fn every_call_of_a_server_at_every_point() {
    at_every_point::<AsServer>();
}

#[test]
fn every_call_of_a_client_at_every_point() {
    at_every_point::<ClientSide>();
}

#[test]
fn every_call_of_a_server_that_compresses_at_every_point() {
    at_every_point::<Compressed<AsServer, Vec<u8>>>();
}

#[test]
fn every_call_of_a_client_that_compresses_at_every_point() {
    at_every_point::<Compressed<ClientSide, Vec<u8>>>();
}

/// Calls in any order, dropped anywhere, over a transport that does anything.
fn any_program<D: End>(seed: u64) -> (usize, usize) {
    let mut random = Random(seed);
    let mut says = Vec::new();
    for i in 0..random.below(9) {
        says.push(if random.below(3) == 0 {
            Say::Ping(format!("ping {i}").into_bytes())
        } else {
            let kind = if random.below(2) == 0 { Kind::Text } else { Kind::Binary };
            let frames = (0..1 + random.below(3)).map(|j| format!("{i}.{j}").repeat(random.below(30)).into_bytes());
            Say::Message(kind, frames.collect())
        });
    }
    if random.below(3) == 0 {
        says.push(Say::Close(CloseCode::GOING_AWAY, "enough"));
    }
    let script = Script::Random(Random(random.next()), random.below(4), 1 + random.below(60));
    let blocks = if random.below(3) == 0 { 1 + random.below(300) as u64 } else { 0 };
    let mut run = Run::<D>::new(script, 1 + random.below(300), tx::<D>() + random.below(200), &says, blocks);
    run.looks = random.below(2) == 0;
    run.driver.reply().transport().is_vectored = random.below(2) == 0;
    run.world.peer.borrow_mut().takes = 1 + random.below(200);
    run.world.peer.borrow_mut().gives = 1 + random.below(200);
    let mut in_parts = false;
    let mut calls = vec![Call::Shake];
    for i in 0..random.below(20) {
        let payload = format!("<{i}>").repeat(random.below(50)).into_bytes();
        let payload = if payload.is_empty() { format!("{i}").into_bytes() } else { payload };
        calls.push(match random.below(if in_parts { 7 } else { 11 }) {
            0 => Call::Next,
            1 => Call::NextPart,
            2 => Call::Flush,
            3 => Call::Ping(format!("ping no. {i}").into_bytes()),
            4 | 5 => {
                in_parts = random.below(3) > 0;
                Call::FeedPart(Kind::Binary, payload, !in_parts)
            }
            6 => Call::NextGrowing,
            7 => Call::Echo,
            8 => Call::Send(Kind::Text, payload),
            9 => Call::FeedGrowing(Kind::Binary, payload.repeat(3)),
            _ => Call::Feed(Kind::Binary, payload),
        });
    }
    if in_parts {
        calls.push(Call::FeedPart(Kind::Binary, b"the end".to_vec(), true));
    }
    if random.below(3) == 0 && !matches!(says.last(), Some(Say::Close(..))) {
        calls.push(Call::Close(CloseCode::NORMAL, "bye"));
    }
    let mut points = 0;
    for call in calls {
        if matches!(call, Call::Next | Call::NextPart | Call::NextGrowing | Call::Echo) && !run.expects() {
            continue;
        }
        let patience = random.below(4);
        points +=
            run.call(&call, |attempt| if attempt < patience { 1 + random.below(12) } else { 0 }).iter().sum::<usize>();
    }
    run.end();
    (points, run.drops)
}

#[test]
fn calls_in_any_order_dropped_anywhere() {
    let (mut points, mut drops) = (0, 0);
    for seed in 0..30_000 {
        let run = std::panic::catch_unwind(|| match seed % 4 {
            0 => any_program::<AsServer>(seed),
            1 => any_program::<ClientSide>(seed),
            2 => any_program::<Compressed<AsServer, Vec<u8>>>(seed),
            _ => any_program::<Compressed<ClientSide, Vec<u8>>>(seed),
        });
        let Ok((p, d)) = run else { panic!("seed {seed}") };
        points += p;
        drops += d;
    }
    println!("30000 programs: {points} await points, {drops} drops");
}
