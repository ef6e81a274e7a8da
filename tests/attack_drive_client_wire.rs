//! Attacks on the awaited Socket.IO client by a server that is only bytes.

#[path = "support/cancel/mod.rs"]
mod cancel;
mod support;

use cancel::{Broken, Clock, Line, Pipe, Script, Shared};
use sansocket::{
    drive::{Client, ClientMemory},
    endpoint::{
        Grow, What,
        client::{Config, Step},
    },
    http::Request,
    json::Json,
    socketio::{
        AckSlot, Namespace,
        client::{Backoff, SocketSlot},
    },
    time::Instant,
    ws::Accept,
};
use std::{
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use support::Random;

const ROOT: Namespace = Namespace(0);
const AT_ONCE: Script = Script::Always(0, 4096);

type Dialing = Pin<Box<dyn Future<Output = Result<Line, Broken>>>>;
type Under = Client<'static, Line, Box<dyn FnMut() -> Dialing>, Dialing, Clock, fn(&mut [u8])>;

fn leak<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

/// A server that says `says` to the first client, and nothing to the others.
struct Wire {
    there: Shared<Pipe>,
    back: Shared<Pipe>,
    clock: Clock,
    heard: Vec<u8>,
    reads: bool,
}

struct Sizes {
    rx: usize,
    tx: usize,
    acks: usize,
    sockets: usize,
    backlog: usize,
}

const ROOMY: Sizes = Sizes { rx: 512, tx: 512, acks: 2, sockets: 2, backlog: 512 };

fn frame(payload: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    support::frame(0x81, None, payload.as_bytes(), &mut wire);
    wire
}

const OPEN: &str = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

/// The answer to the handshake of a client whose random bytes are all 7.
fn answer(request: &[u8]) -> Vec<u8> {
    let mut memory = [0; 512];
    let n = Accept::check(&Request::parse(request).unwrap()).unwrap().write(&[], &mut memory).unwrap();
    memory[..n].to_vec()
}

impl Wire {
    fn new(script: Script, sizes: &Sizes, is_vain: bool) -> (Self, Under) {
        let (there, back, clock) = (Pipe::new(4096), Pipe::new(usize::MAX), Clock::default());
        let backoff = Backoff::new().delay(100).max(1000).randomization(0);
        let config = leak(Config::parse("ws://host:3000").unwrap().reconnection(backoff));
        let memory = ClientMemory {
            rx: vec![0; sizes.rx].leak(),
            tx: vec![0; sizes.tx].leak(),
            files: leak([0; 64]),
            acks: vec![AckSlot::EMPTY; sizes.acks].leak(),
            sockets: vec![SocketSlot::EMPTY; sizes.sockets].leak(),
            backlog: vec![0; sizes.backlog].leak(),
            attempt: Pin::new(leak(None)),
        };
        let (to, from, time) = (there.clone(), back.clone(), clock.clone());
        let mut dials = 0;
        let dial: Box<dyn FnMut() -> Dialing> = Box::new(move || {
            dials += 1;
            let line = Line::new(&from, &to, &time, script.clone());
            Box::pin(async move { if dials > 1 && !is_vain { Err(Broken) } else { Ok(line) } })
        });
        let client = Client::new(config, &["/", "/b"], memory, dial, clock.clone(), (|b| b.fill(7)) as fn(&mut [u8]));
        (Self { there, back, clock, heard: Vec::new(), reads: true }, client)
    }

    fn say(&self, bytes: &[u8]) {
        assert_eq!(self.back.borrow_mut().put(bytes, usize::MAX), bytes.len());
    }

    fn read(&mut self) -> bool {
        if !self.reads {
            return false;
        }
        let bytes = self.there.borrow_mut().get(usize::MAX);
        self.heard.extend_from_slice(&bytes);
        !bytes.is_empty()
    }

    fn run<X>(&mut self, future: impl Future<Output = X>) -> X {
        let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
        for _ in 0..1_000_000 {
            self.clock.begin();
            if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
                self.read();
                return value;
            }
            if !self.read()
                && let Some(due) = self.clock.next()
            {
                let due = due.expect("nobody will ever wake it");
                self.clock.advance(due.saturating_sub(self.clock.now_ms()));
            }
        }
        panic!("it does not end")
    }

    /// What the client is told in so many milliseconds.
    fn wait(&mut self, client: &mut Under, ms: u64) -> Result<Vec<String>, Grow> {
        let limit = Instant::from_millis(self.clock.now_ms() + ms);
        let mut told = Vec::new();
        while let Some((step, _)) = self.run(client.next_until(limit))? {
            told.push(format!("{step:?}"));
            if let Step::Over(_) = step {
                break;
            }
            assert!(told.len() < 10_000);
        }
        Ok(told)
    }

    fn greet(&mut self, client: &mut Under) -> Vec<u8> {
        client.connect(ROOT).unwrap();
        assert_eq!(self.wait(client, 1).unwrap(), [""; 0]);
        let request = std::mem::take(&mut self.heard);
        answer(&request)
    }
}

/// Bytes that are no protocol, at each place: nothing hangs, nothing spins, and the end is told once.
#[test]
fn garbage_ends_the_line_and_is_told_once() {
    let mut random = Random(11);
    let mut ends = [0; 2];
    for round in 0..2000 {
        let (mut wire, mut client) = Wire::new(Script::Random(Random(round), 1, 60), &ROOMY, false);
        let mut bytes = wire.greet(&mut client);
        for text in [
            OPEN,
            r#"40{"sid":"b"}"#,
            r#"42["a",1]"#,
            "2",
            r#"4217["b"]"#,
            r#"451-["c",{"_placeholder":true,"num":0}]"#,
        ] {
            bytes.extend(frame(text));
        }
        support::frame(0x82, None, b"file", &mut bytes);
        bytes.extend(frame("41"));
        for _ in 0..1 + random.below(3) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => bytes[at] = random.below(256) as u8,
                1 => drop(bytes.drain(at..at + random.below(bytes.len() - at))),
                _ => bytes.insert(at, random.below(256) as u8),
            }
        }
        wire.say(&bytes);
        wire.back.borrow_mut().is_ended = random.below(2) == 0;
        let mut told = Vec::new();
        for _ in 0..1000 {
            match wire.wait(&mut client, 50_000) {
                Ok(more) => told.extend(more),
                Err(Grow { what: What::Inbox, to }) => drop(client.replace_rx(vec![0; to].leak()).unwrap()),
                Err(Grow { what: What::Collector, to }) => drop(client.replace_files(vec![0; to].leak()).unwrap()),
                Err(grow) => panic!("{grow:?}"),
            }
            if wire.clock.now_ms() > 100_000 || told.last().is_some_and(|t| t.starts_with("Over")) {
                break;
            }
        }
        let lost: Vec<_> = told.iter().filter(|t| t.starts_with("Failed") && !t.contains("Unreachable")).collect();
        let is_over = told.last().unwrap().starts_with("Over");
        ends[usize::from(is_over)] += 1;
        assert!(lost.len() == 1 || is_over && lost.is_empty(), "{round}: {told:?}");
        assert!(wire.clock.most_asked() < 2000, "{}", wire.clock.most_asked());
    }
    assert!(ends.iter().all(|n| *n > 20), "{ends:?}");
}

/// A server that never pauses, with whatever: the calls with a deadline end.
#[test]
fn a_flood_stops_no_call_with_a_deadline() {
    for flood in [frame("2"), frame(r#"42["a",1]"#), frame("6"), b"\x89\x00".to_vec(), b"\x01\x01a\x00\x01b".to_vec()] {
        let (mut wire, mut client) = Wire::new(AT_ONCE, &ROOMY, true);
        let shaken = wire.greet(&mut client);
        wire.say(&[&shaken[..], &frame(OPEN), &frame(r#"40{"sid":"b"}"#)].concat());
        assert_eq!(wire.wait(&mut client, 1).unwrap().len(), 2);
        wire.clock.set_cost(1);
        wire.back.borrow_mut().endless = flood.clone();
        let start = wire.clock.now_ms();
        let limit = Instant::from_millis(start + 500);
        let mut steps = 0;
        while wire.run(client.next_until(limit)).unwrap().is_some() {
            steps += 1;
            assert!(steps < 100_000);
        }
        let ms = wire.clock.now_ms() - start;
        assert!(ms < 600, "{ms} {flood:?}");
        let start = wire.clock.now_ms();
        let _ = wire.run(client.ask(ROOT, "ask", &1, 500, |_, _| (), |_, _| ())).unwrap_err();
        let ms = wire.clock.now_ms() - start;
        assert!(ms < 1600, "{ms} {flood:?}");
        let start = wire.clock.now_ms();
        wire.run(client.leave());
        let ms = wire.clock.now_ms() - start;
        assert!(ms < 5100, "{ms} {flood:?}");
    }
}

/// Each memory is too small: a typed error, again and again, and with more all goes on.
#[test]
fn too_little_memory_in_each_place() {
    let (mut wire, mut client) = Wire::new(AT_ONCE, &Sizes { rx: 8, tx: 8, acks: 0, sockets: 0, backlog: 0 }, false);
    assert!(client.connect(ROOT).is_err());
    assert!(client.io().emit(ROOT, "a", &1).is_err());
    let (mut tiny, mut under) = Wire::new(AT_ONCE, &Sizes { rx: 8, tx: 8, acks: 0, sockets: 1, backlog: 0 }, false);
    under.connect(ROOT).unwrap();
    let grow = tiny.run(under.next()).map(drop).unwrap_err();
    assert_eq!(grow.what, What::Output);
    assert_eq!(tiny.run(under.next()).map(drop), Err(grow));
    assert_eq!(tiny.run(under.io().flush()), Err(grow));
    under.io().replace_tx(vec![0; grow.to].leak()).unwrap();
    assert_eq!(tiny.wait(&mut under, 1).unwrap(), [""; 0]);
    let shaken = answer(&std::mem::take(&mut tiny.heard));
    tiny.say(&[&shaken[..], &frame(OPEN), &frame(r#"40{"sid":"b"}"#), &frame(r#"42["a",1]"#)].concat());
    let mut told = Vec::new();
    for _ in 0..40 {
        match tiny.wait(&mut under, 1) {
            Ok(more) => told.extend(more),
            Err(Grow { what: What::Inbox, to }) => drop(under.replace_rx(vec![0; to].leak()).unwrap()),
            Err(grow) => panic!("{grow:?}"),
        }
    }
    assert_eq!(told.len(), 3, "{told:?}");
    let asked = tiny.run(under.ask(ROOT, "a", &1, 100, |_, _| (), |_, _| ()));
    assert!(asked.is_err(), "{asked:?}");
    assert!(matches!(wire.run(client.next()), Ok((Step::Over(_), _))));
}

#[derive(serde::Serialize)]
struct Auth {
    token: u32,
}

/// Credentials are asked for, and the application does not have them yet.
#[test]
fn credentials_may_come_late() {
    let (mut wire, client) = Wire::new(AT_ONCE, &ROOMY, false);
    let mut client = client.with_auth(64);
    let shaken = wire.greet(&mut client);
    wire.say(&[&shaken[..], &frame(OPEN)].concat());
    let told = wire.wait(&mut client, 3000).unwrap();
    assert!(told.iter().filter(|t| t.starts_with("Auth")).count() == 1, "{told:?}");
    client.io().authorize(ROOT, Some(&Json(Auth { token: 5 }))).unwrap();
    wire.wait(&mut client, 1).unwrap();
    wire.say(&frame(r#"40{"sid":"b"}"#));
    let told = wire.wait(&mut client, 1).unwrap();
    assert!(told.iter().any(|t| t.contains("Connected")), "{told:?}");
}

/// Lines that open and say nothing, for ever.
#[test]
fn lines_that_say_nothing_are_given_up_and_tried_again() {
    let (mut wire, mut client) = Wire::new(AT_ONCE, &ROOMY, true);
    client.connect(ROOT).unwrap();
    for takes in [true, false] {
        wire.reads = takes;
        if !takes {
            wire.there.borrow_mut().capacity = 10;
        }
        let start = wire.clock.now_ms();
        wire.clock.forget();
        let told = wire.wait(&mut client, 100_000).unwrap();
        assert!((4..7).contains(&told.len()) && told.iter().all(|t| t.starts_with("Failed")), "{told:?}");
        assert_eq!(wire.clock.now_ms() - start, 100_000);
        assert!(wire.clock.most_asked() < 100);
    }
}
