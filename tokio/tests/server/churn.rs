//! Thousands of clients that come, change rooms and vanish. `CHURN_MINUTES=10 cargo test --release --test server -- --ignored churn --nocapture`

use crate::peer::*;
use sansocket_tokio::{
    server::{Config, Server, Socket},
    testing,
};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Kilobytes of memory in use.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

fn variable(name: &str, default: f64) -> f64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[derive(Default)]
struct Seen {
    events: AtomicU64,
    sessions: AtomicU64,
    strays: AtomicU64,
}

/// One client's life: what it is told of a room after the server acknowledged that it left is a stray.
async fn live(io: &Server, dice: &mut Dice, seen: &Seen) {
    seen.sessions.fetch_add(1, Ordering::Relaxed);
    if dice.roll(8) == 0 {
        // Over polling, and gone at some point.
        let sid = poll_open(io).await;
        for body in ["40", "42[\"join\",\"r1\"]", "42[\"tell\",\"r1\"]"] {
            if dice.roll(4) == 0 {
                drop(begun(io, "POST", &sid, body).await);
                break;
            }
            request(io, "POST", &sid, body).await;
        }
        let mut get = begun(io, "GET", &sid, "").await;
        if dice.roll(2) == 0 {
            let mut peer = Peer::upgraded(testing::stream_with(io, 4096, None), &sid).await;
            peer.send("2probe").await;
            if dice.roll(2) == 0 {
                peer.send("5").await;
            }
            sleep(Duration::from_millis(dice.roll(20))).await;
        } else if dice.roll(2) == 0 {
            let _ = timeout(Duration::from_secs(5), answer_of(&mut get)).await;
        }
        return;
    }
    let mut peer = Peer::over(testing::stream_with(io, 4096, None)).await;
    if dice.roll(20) == 0 {
        return;
    }
    peer.enter("").await;
    if dice.roll(4) == 0 {
        peer.send(&format!("40/d{},", dice.roll(50))).await;
    }
    let (mut rooms, mut id) = (HashSet::new(), 0_u64);
    let mut leaving: Vec<(u64, String)> = Vec::new();
    for _ in 0..5 + dice.roll(20) {
        let room = format!("r{}", dice.roll(2000));
        match dice.roll(4) {
            0 | 1 => {
                peer.send(&format!("42[\"join\",\"{room}\"]")).await;
                // It is in the room again, behind a request to leave it that is still to be answered.
                leaving.retain(|(_, left)| *left != room);
                rooms.insert(room);
            }
            2 => {
                if let Some(room) = rooms.iter().next().cloned() {
                    id += 1;
                    peer.send(&format!("42{id}[\"leave\",\"{room}\"]")).await;
                    leaving.push((id, room));
                }
            }
            _ => peer.send(&format!("42[\"tell\",\"{room}\"]")).await,
        }
        let until = Instant::now() + Duration::from_millis(dice.roll(2000));
        while let Ok(said) = tokio::time::timeout_at(until.into(), peer.next()).await {
            let Some(said) = said else { return };
            if let Some(room) = said.strip_prefix("42[\"told\",\"").and_then(|rest| rest.strip_suffix("\"]")) {
                seen.events.fetch_add(1, Ordering::Relaxed);
                if !rooms.contains(room) {
                    seen.strays.fetch_add(1, Ordering::Relaxed);
                }
            } else if let Some(ack) = said.strip_prefix("43").and_then(|rest| rest.split('[').next()) {
                let ack: u64 = ack.parse().unwrap();
                if let Some(at) = leaving.iter().position(|(id, _)| *id == ack) {
                    rooms.remove(&leaving.remove(at).1);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn churn() {
    let time = Duration::from_secs_f64(60.0 * variable("CHURN_MINUTES", 1.0));
    let clients = variable("CHURN_CLIENTS", 10_000.0) as u64;
    let io = Server::new(Config::new().ping_interval(Duration::from_secs(5)).ping_timeout(Duration::from_secs(5)));
    let _ = io.of_matching(|name| name.starts_with("/d"));
    io.on("join", |socket: Socket, room: String| socket.join(room));
    io.on("leave", |socket: Socket, room: String| {
        socket.leave(room);
    });
    let me = io.clone();
    io.on("tell", move |_: Socket, room: String| me.to(room.as_str()).emit("told", room));
    let (seen, began) = (Arc::new(Seen::default()), Instant::now());
    let tasks: Vec<_> = (0..clients)
        .map(|n| {
            let (io, seen) = (io.clone(), seen.clone());
            tokio::spawn(async move {
                let mut dice = Dice(n);
                sleep(Duration::from_millis(dice.roll(5000))).await;
                while began.elapsed() < time {
                    live(&io, &mut dice, &seen).await;
                }
            })
        })
        .collect();
    let mut settled = 0;
    while began.elapsed() < time {
        sleep(time / 12).await;
        if settled == 0 && began.elapsed() > time / 3 {
            settled = resident();
        }
        let (now, events) = (io.counters(), seen.events.load(Ordering::Relaxed));
        let lives = seen.sessions.load(Ordering::Relaxed);
        println!("{:4} s {:8} KB {lives} lives {events} events {now:?}", began.elapsed().as_secs(), resident());
    }
    let last = resident();
    for task in tasks {
        task.await.unwrap();
    }
    // Those over polling that vanished are noticed by their heartbeats.
    timeout(Duration::from_secs(60), async {
        while io.counters().connections + io.counters().polling_sessions + io.counters().websocket_sessions > 0 {
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("all sessions end");
    sleep(Duration::from_millis(500)).await;
    assert_empty(&io);
    assert_eq!((io.counters().namespaces, seen.strays.load(Ordering::Relaxed)), (1, 0));
    println!("{settled} KB after a third of the time, {last} KB at its end, {} KB without clients", resident());
    assert!(last <= settled + settled / 10 + 10_000, "memory grows: {settled} KB, {last} KB");
}
