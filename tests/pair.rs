//! Two machines against each other: a virtual clock, and a wire that cuts wherever the seed says.

mod support;

use sansocket::{
    engineio::{
        self, Reason, Sid,
        server::{Config, Session},
    },
    socketio::{
        self, AckSlot, Namespace,
        server::{Event, Session as Io},
    },
    time::Instant,
    ws::{self, Chunk, CloseCode, Closed, Kind, MaskSource},
};
use std::collections::VecDeque;
use support::Random;

/// Keys of a client, one after the other.
struct Keys(u32);

impl MaskSource for Keys {
    fn next_key(&mut self) -> [u8; 4] {
        self.0 = self.0.wrapping_mul(0x9e37_79b1).wrapping_add(1);
        self.0.to_le_bytes()
    }
}

/// Bytes on their way.
#[derive(Default)]
struct Wire(VecDeque<u8>);

impl Wire {
    /// As many as the seed says.
    fn some(&mut self, random: &mut Random) -> Vec<u8> {
        let most = self.0.len().min(random.below(300) + 1);
        let n = random.below(most + 1);
        self.0.drain(..n).collect()
    }
}

#[derive(Debug, Default)]
struct Told {
    messages: Vec<(Kind, Vec<u8>)>,
    pongs: Vec<Vec<u8>>,
    close: Option<CloseCode>,
}

impl Told {
    fn chunk(&mut self, open: &mut Vec<u8>, chunk: &Chunk<'_>) {
        open.extend_from_slice(chunk.as_bytes());
        if chunk.is_last() {
            self.messages.push((chunk.kind(), std::mem::take(open)));
        }
    }
}

/// One end: what it still wants to say, and what it was told.
struct End<R, K> {
    ws: ws::Connection<R>,
    tx: ws::Outbox<Vec<u8>, K>,
    plan: VecDeque<Plan>,
    told: Told,
    open: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Plan {
    Message(Kind, Vec<u8>),
    Part(Kind, Vec<u8>, bool),
    Ping(Vec<u8>),
    /// A packet at rest, framed without the connection: a server's only.
    AtRest(&'static str),
    Close(CloseCode),
}

const REASON: &str = "bye";

impl<R: ws::Role, K: MaskSource<R>> End<R, K> {
    fn new(ws: ws::Connection<R>, keys: K, plan: Vec<Plan>) -> Self {
        let tx = ws::Outbox::with_keys(vec![0; 600], keys);
        Self { ws, tx, plan: plan.into(), told: Told::default(), open: Vec::new() }
    }

    fn receive(&mut self, bytes: &mut [u8]) {
        let mut input = bytes;
        while let Some(event) = self.ws.poll_event(&mut input).unwrap() {
            match event {
                ws::Event::Chunk(chunk) => self.told.chunk(&mut self.open, &chunk),
                ws::Event::Pong(payload) => self.told.pongs.push(payload.as_bytes().to_vec()),
                ws::Event::Close(code) => self.told.close = Some(code),
                _ => {}
            }
        }
    }

    /// Says the next thing of the plan, if it fits, and what is owed.
    fn say(&mut self) {
        if let Some(plan) = self.plan.front() {
            let out = &mut self.ws.out(&mut self.tx);
            let said = match plan {
                Plan::Message(kind, bytes) => self.ws.send(*kind, bytes, out),
                Plan::Part(kind, bytes, is_last) => self.ws.send_chunk(*kind, bytes, *is_last, out),
                Plan::Ping(bytes) => self.ws.ping(bytes, out),
                Plan::AtRest(name) => match self.ws.check_open_for_data() {
                    Err(e) => Err(e.into()),
                    Ok(()) => {
                        let mut out = ws::Out::stored(&mut self.tx);
                        match socketio::server::broadcast(&["/"], Namespace(0), name, &(), None, &mut out) {
                            Err(socketio::SendError::Capacity(e)) => Err(e.into()),
                            Err(e) => panic!("{e}"),
                            Ok(()) => Ok(()),
                        }
                    }
                },
                Plan::Close(code) => self.ws.close(*code, REASON).map_err(ws::SendError::from),
            };
            match said {
                Ok(()) | Err(ws::SendError::State(_)) => drop(self.plan.pop_front()),
                Err(ws::SendError::Capacity(_)) => {}
                Err(_) => unreachable!(),
            }
        }
        while let Ok(true) = self.ws.poll_transmit(&mut self.ws.out(&mut self.tx)) {}
    }

    /// The socket takes as many bytes as the seed says, now and then none, and now and then the memory is exchanged.
    fn write(&mut self, random: &mut Random, wire: &mut Wire) {
        let n = random.below(self.tx.held().min(300) + 1);
        wire.0.extend(&self.tx.written()[..n]);
        self.tx.consume(n);
        if random.below(20) == 0 {
            let held = self.tx.written().to_vec();
            let size = 600 + random.below(100);
            assert_eq!(self.tx.replace(vec![0; size]).is_ok(), size >= held.len());
            assert_eq!(self.tx.is_empty(), held.is_empty());
            assert_eq!(self.tx.written(), held);
        }
    }
}

fn plan(random: &mut Random, is_server: bool) -> (Vec<Plan>, Vec<(Kind, Vec<u8>)>) {
    let mut plan = Vec::new();
    let mut messages = Vec::new();
    for _ in 0..random.below(12) {
        let kind = if random.below(2) == 0 { Kind::Text } else { Kind::Binary };
        let unit = if kind == Kind::Text { "a€😀".as_bytes() } else { b"\x00\xff\x81" };
        let bytes = unit.repeat(random.below(70));
        if is_server && random.below(4) == 0 {
            plan.push(Plan::AtRest("at rest"));
            messages.push((Kind::Text, b"42[\"at rest\"]".to_vec()));
            continue;
        }
        if random.below(3) == 0 {
            let mut rest = bytes.as_slice();
            for _ in 0..random.below(4) {
                let (part, tail) = rest.split_at(random.below(rest.len() + 1));
                plan.push(Plan::Part(kind, part.to_vec(), false));
                if random.below(2) == 0 {
                    plan.push(Plan::Ping(vec![b'p'; random.below(126)]));
                }
                rest = tail;
            }
            plan.push(Plan::Part(kind, rest.to_vec(), true));
        } else {
            plan.push(Plan::Message(kind, bytes.clone()));
        }
        messages.push((kind, bytes));
    }
    (plan, messages)
}

#[test]
fn what_one_end_says_the_other_is_told_and_both_close_cleanly() {
    for seed in 0..600 {
        let mut random = Random(seed);
        let random = &mut random;
        let (mut of_client, to_server) = plan(random, false);
        let (mut of_server, to_client) = plan(random, true);
        let has_long_ping = of_server
            .iter()
            .chain(&of_client)
            .any(|plan| matches!(plan, Plan::Ping(payload) if 2 + REASON.len() + payload.len() > 125));
        // Who closes: the one, the other, or both, crossing.
        let closers = random.below(3);
        if closers != 0 {
            of_client.push(Plan::Close(CloseCode::NORMAL));
        }
        if closers != 1 {
            of_server.push(Plan::Close(CloseCode::GOING_AWAY));
        }
        let mut client = End::new(ws::Connection::client(ws::Limits::new()), Keys(seed as u32), of_client);
        let mut server = End::new(ws::Connection::server(ws::Limits::new()), ws::NoKeys, of_server);
        let (mut up, mut down) = (Wire::default(), Wire::default());
        for _ in 0..5_000 {
            if random.below(2) == 0 {
                server.receive(&mut up.some(random));
                server.say();
                server.write(random, &mut down);
            } else {
                client.receive(&mut down.some(random));
                client.say();
                client.write(random, &mut up);
            }
        }
        assert!(client.tx.is_empty() && server.tx.is_empty(), "seed {seed}");
        assert!(client.ws.is_closed() && server.ws.is_closed(), "seed {seed}");
        // Who closes first ends what the other may still say; until then all arrives, in order.
        let is_prefix = |told: &[(Kind, Vec<u8>)], said: &[(Kind, Vec<u8>)]| said.starts_with(told);
        assert!(is_prefix(&server.told.messages, &to_server), "seed {seed}");
        assert!(is_prefix(&client.told.messages, &to_client), "seed {seed}");
        if closers == 1 {
            assert_eq!(server.told.messages, to_server, "seed {seed}");
            assert_eq!(server.told.close, Some(CloseCode::NORMAL), "seed {seed}");
            // Only a long ping or pong that comes in, which needs the memory, costs the close frame its reason.
            assert!(server.ws.close_reason() == REASON || has_long_ping, "seed {seed}");
        }
        if closers == 0 {
            assert_eq!(client.told.messages, to_client, "seed {seed}");
            assert_eq!(client.told.close, Some(CloseCode::GOING_AWAY), "seed {seed}");
        }
        for (end, told) in [(client.ws.handle_eof(), &client.told), (server.ws.handle_eof(), &server.told)] {
            assert_eq!(end, Closed { code: told.close.unwrap(), is_clean: true }, "seed {seed}");
        }
    }
}

/// A server over all its layers, and the time.
struct Stack {
    inbox: ws::Inbox<Vec<u8>>,
    ws: ws::Connection<ws::Server>,
    engine: Session,
    io: Io<[&'static str; 1]>,
    now: Instant,
    wire: Vec<u8>,
}

const INTERVAL: u32 = 25_000;
const TIMEOUT: u32 = 20_000;
const CONNECT: u64 = 45_000;

impl Stack {
    fn new() -> Self {
        let now = Instant::from_millis(1_000_000);
        let config = Config::new().ping_interval(INTERVAL).ping_timeout(TIMEOUT);
        let mut stack = Self {
            inbox: ws::Inbox::new(vec![0; 1024]),
            ws: ws::Connection::server(ws::Limits::new()),
            engine: Session::open(Sid::from_random([1; 15]), config, now),
            io: Io::new(["/"], [AckSlot::EMPTY; 8], now.after_millis(CONNECT)),
            now,
            wire: Vec::new(),
        };
        assert_eq!(stack.turn(b""), None);
        assert!(stack.wire[2..].starts_with(b"0{\"sid\":"), "{:?}", stack.wire);
        stack.wire.clear();
        stack
    }

    /// A turn with `text` of the client, if it is not empty; the reason if the link ended.
    fn turn(&mut self, text: &[u8]) -> Option<Reason> {
        if !text.is_empty() {
            let mut frame = Vec::new();
            support::frame(0x81, Some([1, 2, 3, 4]), text, &mut frame);
            self.inbox.space().unwrap()[..frame.len()].copy_from_slice(&frame);
            self.inbox.commit(frame.len());
        }
        let mut memory = [0; 1024];
        let mut out = self.ws.out(&mut memory);
        let mut end = None;
        loop {
            while let Ok(true) = self.engine.poll_transmit(&mut out) {}
            let Some(event) = self.engine.poll_event(&mut self.inbox, &mut self.ws, self.now).unwrap() else { break };
            match self.io.handle_event(event) {
                Ok(Event::Connect { namespace, .. }) => {
                    self.io.accept(namespace, sansocket::socketio::Sid::from_random([2; 15]), &mut out).unwrap();
                }
                Ok(Event::Event(e)) => {
                    self.io.emit(Namespace(0), "echo", &e.args(), None, &mut out).unwrap();
                }
                Ok(Event::Closed(reason)) => end = Some(reason),
                Ok(_) => {}
                Err(_) => self.engine.close(),
            }
        }
        while let Some(event) = self.engine.handle_timeout(self.now) {
            if let engineio::Event::Closed(reason) = event {
                end = Some(reason);
            }
        }
        while let Ok(true) = self.engine.poll_transmit(&mut out) {}
        while let Ok(true) = self.ws.poll_transmit(&mut out) {}
        self.wire.extend(out.written());
        end
    }

    /// Goes to the next deadline.
    fn sleep(&mut self) {
        self.now = self.engine.poll_timeout().unwrap();
    }

    fn said(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.wire)
    }
}

const PING: &[u8] = b"\x81\x012";

#[test]
fn the_server_pings_each_interval_for_a_day() {
    let mut stack = Stack::new();
    stack.turn(b"40");
    stack.said();
    let start = stack.now;
    let mut random = Random(7);
    let mut pings = 0;
    while stack.now < start.after_millis(24 * 3600 * 1000) {
        stack.sleep();
        assert_eq!(stack.turn(b""), None);
        assert_eq!(stack.said(), PING);
        pings += 1;
        let due = stack.now.after_millis(u64::from(TIMEOUT));
        assert_eq!(stack.engine.poll_timeout(), Some(due));
        // The answer comes after a while; the interval begins again with it.
        stack.now = stack.now.after_millis(random.below(TIMEOUT as usize) as u64);
        assert_eq!(stack.turn(b"3"), None);
        assert_eq!(stack.engine.poll_timeout(), Some(stack.now.after_millis(u64::from(INTERVAL))));
        assert_eq!(stack.said(), b"");
    }
    assert!(pings > 1_900, "{pings}");
}

#[test]
fn inbound_traffic_never_suppresses_a_ping() {
    let mut stack = Stack::new();
    stack.turn(b"40");
    stack.said();
    let due = stack.now.after_millis(u64::from(INTERVAL));
    while stack.now < due {
        assert_eq!(stack.turn(br#"42["x"]"#), None);
        assert_eq!(stack.said(), b"\x81\x0a42[\"echo\"]");
        stack.now = stack.now.after_millis(100);
    }
    stack.turn(b"");
    assert_eq!(stack.said(), PING);
}

#[test]
fn no_answer_ends_the_link_and_other_traffic_buys_time_once() {
    for traffic in [false, true] {
        let mut stack = Stack::new();
        stack.turn(b"40");
        stack.sleep();
        stack.turn(b"");
        stack.said();
        let mut due = stack.now.after_millis(u64::from(TIMEOUT));
        for i in 1..10 {
            if traffic {
                stack.now = stack.now.after_millis(1_000);
                stack.turn(br#"42["x"]"#);
                if i == 1 {
                    due = stack.now.after_millis(u64::from(TIMEOUT));
                }
            }
            assert_eq!(stack.engine.poll_timeout(), Some(due));
        }
        let early = Instant::from_millis(due.as_millis() - 1);
        assert_eq!(stack.engine.handle_timeout(early), None, "early: nothing happens");
        stack.now = due;
        assert_eq!(stack.turn(b""), Some(Reason::PingTimeout));
        assert_eq!(stack.engine.handle_timeout(due), None, "told once");
        assert_eq!(stack.engine.poll_timeout(), None);
    }
}

#[test]
fn who_joins_nothing_meets_the_connect_timeout() {
    let mut stack = Stack::new();
    assert_eq!(stack.io.poll_timeout(), Some(stack.now.after_millis(CONNECT)));
    let due = stack.now.after_millis(CONNECT);
    assert!(stack.io.handle_timeout(Instant::from_millis(due.as_millis() - 1)).is_none());
    assert!(matches!(stack.io.handle_timeout(due), Some(Event::ConnectTimeout)));
    let mut stack = Stack::new();
    stack.turn(b"40");
    assert_eq!(stack.io.poll_timeout(), None);
    assert!(stack.io.handle_timeout(due).is_none());
}
