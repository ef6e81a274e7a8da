//! The Socket.IO drivers with compression, one against the other, with takeover in both directions: calls are dropped at any await point, lines are cut at any
//! byte. What is sent arrives once and in its order, so neither end refers to bytes that the other has not seen.

#[path = "support/cancel/mod.rs"]
mod cancel;
mod support;

use cancel::{Broken, Clock, Line, Pipe, Script, Shared, shared};
use sansocket::{
    deflate::Tier,
    drive::{Client, ClientMemory, Error, Packed, Server, ServerMemory},
    endpoint::{
        self,
        client::{Config, Step},
    },
    socketio::{
        AckSlot, Namespace,
        client::{Backoff, Event, SocketSlot},
        server,
    },
    ws::{Compression, Deflater},
};
use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use support::Random;

const ROOT: Namespace = Namespace(0);
/// A window of 512 bytes, and as much as the largest message behind it.
const COMPRESSION: Compression = Compression::new().receive_window_bits(9).send_window_bits(9);

type Fill = fn(&mut [u8]);
type Dialing = Pin<Box<dyn Future<Output = Result<Line, Broken>>>>;
type Ours = Client<'static, Line, Box<dyn FnMut() -> Dialing>, Dialing, Clock, Fill, Packed>;
type Theirs = Server<'static, Line, Clock, Fill, Packed>;

fn leak<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

fn memory(size: usize) -> &'static mut [u8] {
    vec![0; size].leak()
}

fn deflater() -> Deflater<&'static mut [u8]> {
    Deflater::new(Tier::SMALL, memory(Tier::SMALL.bytes())).unwrap().with_threshold(16)
}

/// What lies between the two ends.
struct Net {
    up: Shared<Pipe>,
    down: Shared<Pipe>,
    /// The client has dialed, and the server does not know yet.
    is_fresh: bool,
}

struct World {
    random: Random,
    script: Script,
    clock: Clock,
    net: Shared<Net>,
    client: Ours,
    server: Theirs,
    is_accepted: bool,
    asks_to_join: bool,
    is_joined: bool,
    is_over: bool,
    /// What the server has to say.
    to_say: VecDeque<String>,
    /// What the client was told, and the server.
    told: Vec<String>,
    heard: Vec<String>,
    drops: usize,
}

impl World {
    /// The pipes hold whatever is written: two ends that both write and do not read would wait for each other.
    fn new(seed: u64, script: &Script) -> Self {
        let clock = Clock::default();
        let net = shared(Net { up: Pipe::new(0), down: Pipe::new(0), is_fresh: false });
        let fill: Fill = |bytes| bytes.fill(7);
        let dial = {
            let (net, clock, script) = (net.clone(), clock.clone(), script.clone());
            Box::new(move || -> Dialing {
                let (up, down) = (Pipe::new(usize::MAX), Pipe::new(usize::MAX));
                let line = Line::new(&down, &up, &clock, script.clone());
                *net.borrow_mut() = Net { up, down, is_fresh: true };
                Box::pin(async move { Ok(line) })
            })
        };
        let backoff = Backoff::new().delay(1).max(5).randomization(0);
        let memories = ClientMemory {
            rx: memory(512),
            tx: memory(1024),
            files: &mut [],
            acks: leak([AckSlot::EMPTY; 1]),
            sockets: leak([SocketSlot::EMPTY; 1]),
            backlog: memory(64 * 1024),
            attempt: Pin::new(leak(None)),
        };
        let config = leak(Config::parse("ws://host").unwrap().reconnection(backoff));
        let client = Client::new(config, &["/"], memories, dial as Box<dyn FnMut() -> Dialing>, clock.clone(), fill);
        let mut client = client.with_compression(COMPRESSION, memory(1024), deflater());
        client.connect(ROOT).unwrap();
        let memories =
            ServerMemory { rx: memory(512), tx: memory(1024), files: &mut [], acks: leak([AckSlot::EMPTY; 1]) };
        let line = Line::new(&net.borrow().up, &net.borrow().down, &clock, script.clone());
        let server = Server::new(line, clock.clone(), fill, &["/"], memories);
        let server = server.with_compression(COMPRESSION, memory(1024), deflater());
        Self {
            random: Random(seed),
            script: script.clone(),
            clock,
            net,
            client,
            server,
            is_accepted: false,
            asks_to_join: false,
            is_joined: false,
            is_over: true,
            to_say: VecDeque::new(),
            told: Vec::new(),
            heard: Vec::new(),
            drops: 0,
        }
    }

    /// One call of each end, dropped when it was not ready a few times.
    fn turn(&mut self) {
        self.clock.advance(1);
        let polls = 1 + self.random.below(4);
        match poll(&self.clock, polls, self.client.next()) {
            None => self.drops += 1,
            Some(next) => match next.unwrap().0 {
                Step::Event(Event::Event(e), _) => self.told.push(String::from_utf8_lossy(e.args().raw()).into()),
                Step::Over(over) => panic!("{over:?}"),
                _ => {}
            },
        }
        let polls = 1 + self.random.below(4);
        self.drops += usize::from(self.serve(polls).is_none());
    }

    /// `None`: the call was dropped.
    fn serve(&mut self, polls: usize) -> Option<()> {
        if std::mem::take(&mut self.net.borrow_mut().is_fresh) {
            let net = self.net.borrow();
            drop(self.server.renew(Line::new(&net.up, &net.down, &self.clock, self.script.clone())));
            (self.is_accepted, self.asks_to_join, self.is_joined, self.is_over) = (false, false, false, false);
        }
        if self.is_over {
            return Some(());
        }
        if !self.is_accepted {
            let accepted = poll(&self.clock, polls, self.server.accept())?.map(|request| {
                assert!(request.fields().get("sec-websocket-extensions").is_some());
            });
            (self.is_accepted, self.is_over) = (accepted.is_ok(), accepted.is_err());
            return Some(());
        }
        if self.asks_to_join {
            let joined = poll(&self.clock, polls, self.server.io().accept(ROOT))?;
            (self.asks_to_join, self.is_joined) = (false, joined.is_ok());
        }
        if self.is_joined
            && let Some(text) = self.to_say.front()
            && poll(&self.clock, polls, self.server.io().emit(ROOT, "n", &text.as_str(), None))?.is_ok()
        {
            self.to_say.pop_front();
        }
        match poll(&self.clock, polls, self.server.next())?.unwrap() {
            Some((endpoint::Step::Event(server::Event::Connect { .. }, _), _)) => self.asks_to_join = true,
            Some((endpoint::Step::Event(server::Event::Event(e), _), _)) => {
                self.heard.push(String::from_utf8_lossy(e.args().raw()).into());
            }
            Some((endpoint::Step::Closed(_), _)) | None => (self.is_joined, self.is_over) = (false, true),
            Some(_) => {}
        }
        Some(())
    }

    fn until(&mut self, is_done: impl Fn(&mut Self) -> bool) {
        for _ in 0..200_000 {
            if is_done(self) {
                return;
            }
            self.turn();
        }
        panic!("it does not get on: {} told, {} heard", self.told.len(), self.heard.len());
    }

    /// Both ends have this to say.
    fn say(&mut self, text: &str) {
        self.client.io().emit(ROOT, "n", &text).unwrap();
        self.to_say.push_back(text.into());
    }
}

/// Polls so many times, and then drops the future.
fn poll<T>(clock: &Clock, polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    for _ in 0..polls {
        clock.begin();
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return Some(value);
        }
    }
    None
}

/// Texts that have much in common with the ones before, each with its number in front.
fn text(i: usize) -> String {
    const WORDS: [&str; 8] = ["river", "seventeen", "of", "the window", "is kept", "without", "compressed", "grün"];
    let mut random = Random(i as u64);
    let words: Vec<&str> = (0..1 + random.below(24)).map(|_| WORDS[random.below(WORDS.len())]).collect();
    format!("{i:04} {}", words.join(" "))
}

fn as_json(text: &str) -> String {
    format!("\"{text}\"")
}

#[test]
fn every_call_may_be_dropped_at_any_point() {
    let scripts = [(0, 1), (1, 1), (1, 3), (2, 7), (1, 64), (3, 300), (0, usize::MAX)];
    let mut drops = 0;
    for (pending, bytes) in scripts {
        for seed in 0..8 {
            let mut world = World::new(seed, &Script::Always(pending, bytes));
            let all: Vec<_> = (0..60).map(text).collect();
            all.iter().for_each(|text| world.say(text));
            world.until(|world| world.told.len() >= all.len() && world.heard.len() >= all.len());
            let expected: Vec<_> = all.iter().map(|text| as_json(text)).collect();
            assert_eq!(world.told, expected, "{pending} {bytes} {seed}");
            assert_eq!(world.heard, expected, "{pending} {bytes} {seed}");
            drops += world.drops;
        }
    }
    println!("{drops} drops");
    assert!(drops > 10_000);
}

/// The next connection begins with empty windows at both ends.
#[test]
fn a_cut_at_any_point() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let script = Script::Random(Random(seed + 1000), random.below(3), 1 + random.below(300));
        let mut world = World::new(seed, &script);
        let mut said = 0;
        for _ in 0..4 {
            for _ in 0..20 {
                world.say(&text(said));
                said += 1;
            }
            for _ in 0..random.below(600) {
                world.turn();
            }
            let net = world.net.borrow();
            net.up.borrow_mut().is_broken = true;
            net.down.borrow_mut().is_ended = true;
        }
        // On the line that was cut it would be lost.
        (world.is_joined, world.asks_to_join) = (false, false);
        world.until(|world| world.is_joined && world.client.io().is_connected(ROOT));
        world.say(&text(said));
        let last = as_json(&text(said));
        world.until(|world| world.told.last() == Some(&last) && world.heard.last() == Some(&last));
        for (who, all) in [("client", &world.told), ("server", &world.heard)] {
            assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{seed}, {who}: in order, and none twice: {all:?}");
            let is_whole = |json: &String| *json == as_json(&text(json[1..5].parse().unwrap()));
            assert!(all.iter().all(is_whole), "{seed}, {who}: {all:?}");
        }
    }
}

/// What is taken back is in no window.
#[test]
fn a_packet_that_is_taken_back_is_forgotten() {
    let mut world = World::new(1, &Script::Always(0, usize::MAX));
    world.until(|world| world.is_joined);
    let (first, noise) = (text(1), "0123456789abcdef".chars().rev().cycle().skip(3).take(2000).collect::<String>());
    let refused = poll(
        &world.clock,
        8,
        world.server.io().say(|io, out| {
            io.emit(ROOT, "n", &first.as_str(), None, out)?;
            io.emit(ROOT, "n", &noise.as_str(), None, out)
        }),
    );
    assert!(matches!(refused, Some(Err(Error::Outbox(_)))), "{refused:?}");
    world.to_say.extend([first.clone(), text(2), first.clone()]);
    world.until(|world| world.told.len() == 3);
    assert_eq!(world.told, [as_json(&first), as_json(&text(2)), as_json(&first)]);
}
