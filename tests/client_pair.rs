//! A client's session against a server's session, over a link that delivers when it likes and ends at any time.

mod support;

use sansocket::{
    engineio::{self, Message, Reason::TransportClose},
    socketio::{
        AckError, AckRequest, AckSlot, EventPacket, ExpectAck, Namespace, PeerError, Reason, SendError, Sid,
        StateError,
        client::{self, SocketSlot},
        server,
    },
    time::Instant,
    ws::{Out, Stored},
};
use std::collections::{HashSet, VecDeque};
use support::Random;

const NAMES: [&str; 3] = ["/", "/chat", "/admin"];

/// What one end knows of a namespace.
#[derive(Clone, Debug, Default)]
struct View {
    /// The id of the socket, while it is connected.
    sid: Option<String>,
    /// The number of the next event to send, and to receive.
    sent: u64,
    received: u64,
}

#[derive(Clone, Debug, Default)]
struct End {
    views: [View; 3],
    /// Requests of the other end with the socket that they came to.
    requests: Vec<(AckRequest, String)>,
    /// Tokens that were not answered yet.
    expected: HashSet<u32>,
    tokens: u32,
}

struct World {
    random: Random,
    client: client::Session<[&'static str; 3], [AckSlot; 4], [SocketSlot; 3]>,
    server: server::Session<[&'static str; 3], [AckSlot; 4]>,
    of_client: End,
    of_server: End,
    to_client: VecDeque<String>,
    to_server: VecDeque<String>,
    is_open: bool,
    /// Namespaces from which the server removed the client on this link: what was under way then ends the link.
    removed: [bool; 3],
    wanted: [bool; 3],
    sids: u8,
    now: u64,
    counts: [u64; 6],
}

fn at(namespace: Namespace) -> usize {
    usize::from(namespace.0)
}

fn namespace(at: usize) -> Namespace {
    Namespace(u16::try_from(at).unwrap())
}

/// The packets that `write` writes go to `queue`.
fn through<T>(queue: &mut VecDeque<String>, write: impl FnOnce(&mut Out<'_, Stored>) -> T) -> T {
    let mut memory = [0; 512];
    let mut out = Out::stored(&mut memory);
    let result = write(&mut out);
    let mut frames = out.written();
    while let [0x81, len, rest @ ..] = frames {
        let (packet, rest) = rest.split_at(usize::from(*len));
        queue.push_back(String::from_utf8(packet[1..].to_vec()).unwrap());
        frames = rest;
    }
    assert!(frames.is_empty());
    result
}

impl End {
    /// An event must be the next one of its socket.
    fn received(&mut self, e: &EventPacket<'_>) {
        let view = &mut self.views[at(e.namespace)];
        let sid = e.args().next().and_then(|a| a.as_str()).and_then(|a| a.as_plain()).unwrap();
        let number = e.args().nth(1).and_then(|a| a.as_u64()).unwrap();
        if view.sid.as_deref() == Some(sid) {
            assert_eq!(number, view.received);
            view.received += 1;
        } else {
            assert_eq!(view.sid, None, "what was under way when the client left, while it asks anew");
        }
        if let Some(request) = e.ack {
            self.requests.push((request, sid.to_owned()));
        }
    }

    fn connected(&mut self, namespace: Namespace, sid: &str) {
        let view = &mut self.views[at(namespace)];
        assert_eq!(view.sid, None, "left before it is joined");
        *view = View { sid: Some(sid.to_owned()), ..View::default() };
    }

    fn left(&mut self, namespace: Namespace) {
        assert!(self.views[at(namespace)].sid.take().is_some(), "joined before it is left");
    }

    fn ended(&mut self, token: u32) {
        assert!(self.expected.remove(&token), "each acknowledgement ends once");
    }
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            client: client::Session::new(NAMES, [AckSlot::EMPTY; 4], [SocketSlot::EMPTY; 3]),
            server: server::Session::new(NAMES, [AckSlot::EMPTY; 4], Instant::FAR_FUTURE),
            of_client: End::default(),
            of_server: End::default(),
            to_client: VecDeque::new(),
            to_server: VecDeque::new(),
            is_open: false,
            removed: [false; 3],
            wanted: [false; 3],
            sids: 0,
            now: 0,
            counts: [0; 6],
        }
    }

    fn open(&mut self) {
        if !self.is_open {
            self.is_open = true;
            self.removed = [false; 3];
            self.client.handle_event(engineio::Event::Opened).unwrap();
            self.server.handle_event(engineio::Event::Opened).unwrap();
        }
    }

    fn cut(&mut self) {
        if self.is_open {
            self.is_open = false;
            self.to_client.clear();
            self.to_server.clear();
            self.client.handle_event(engineio::Event::Closed(TransportClose)).unwrap();
            self.server.handle_event(engineio::Event::Closed(TransportClose)).unwrap();
            for view in &mut self.of_server.views {
                view.sid = None;
            }
        }
    }

    fn tell(&mut self) {
        let now = Instant::from_millis(self.now);
        while let Some(event) = self.client.handle_timeout(now) {
            match event {
                client::Event::Disconnected { namespace, reason } => {
                    let by_link = reason == Reason::Link(TransportClose);
                    assert!(by_link != (reason == Reason::ClientDisconnect));
                    self.of_client.left(namespace);
                }
                client::Event::AckFailed { token, error, .. } => {
                    self.counts[4 + usize::from(error == AckError::TimedOut)] += 1;
                    self.of_client.ended(token);
                }
                other => panic!("{other:?}"),
            }
        }
        while let Some(event) = self.server.handle_timeout(now) {
            let server::Event::AckFailed { token, .. } = event else { panic!("{event:?}") };
            self.of_server.ended(token);
        }
    }

    fn deliver_to_client(&mut self) {
        let Some(packet) = self.to_client.pop_front() else { return };
        let message = engineio::Event::Message(Message::Text(packet.as_bytes()));
        match self.client.handle_event(message).unwrap() {
            client::Event::Connected { namespace, sid, is_recovered } => {
                assert!(!is_recovered);
                self.counts[0] += 1;
                self.of_client.connected(namespace, sid.as_plain().unwrap());
            }
            client::Event::Refused { namespace, message, .. } => {
                assert!(message.unwrap().is("no"));
                self.counts[1] += 1;
                self.wanted[at(namespace)] = false;
            }
            client::Event::Event(e) => self.of_client.received(&e),
            client::Event::Ack(answer) => {
                self.counts[2] += 1;
                if let Some(token) = answer.token {
                    self.of_client.ended(token);
                }
            }
            client::Event::Disconnected { namespace, reason: Reason::ServerDisconnect } => {
                self.wanted[at(namespace)] = false;
                // It may have asked anew when the server's packet came.
                if self.of_client.views[at(namespace)].sid.is_some() {
                    self.of_client.left(namespace);
                }
            }
            client::Event::Ignored => self.counts[3] += 1,
            other => panic!("{other:?}"),
        }
    }

    fn deliver_to_server(&mut self) {
        let Some(packet) = self.to_server.pop_front() else { return };
        let event = match self.server.handle_event(engineio::Event::Message(Message::Text(packet.as_bytes()))) {
            Ok(event) => event,
            Err(PeerError::NotConnected) => {
                assert!(self.removed.contains(&true), "{packet}");
                self.cut();
                return;
            }
            Err(e) => panic!("{e}: {packet}"),
        };
        match event {
            server::Event::Connect { namespace, .. } => {
                if self.random.below(5) == 0 {
                    let refuse = |out: &mut Out<'_, Stored>| self.server.refuse(namespace, "no", None, out);
                    through(&mut self.to_client, refuse).unwrap();
                } else {
                    self.accept(namespace);
                }
            }
            server::Event::Event(e) => self.of_server.received(&e),
            server::Event::Ack(answer) => {
                if let Some(token) = answer.token {
                    self.of_server.ended(token);
                }
            }
            server::Event::Disconnected { namespace, .. } => self.of_server.left(namespace),
            other => panic!("{other:?}"),
        }
    }

    fn accept(&mut self, namespace: Namespace) {
        self.sids = self.sids.wrapping_add(1);
        let sid = Sid::from_random([self.sids; 15]);
        through(&mut self.to_client, |out| self.server.accept(namespace, sid, out)).unwrap();
        self.of_server.connected(namespace, sid.as_str());
    }

    fn emit(&mut self, by_client: bool, to: usize, asks: bool) {
        let end = if by_client { &mut self.of_client } else { &mut self.of_server };
        let sid = end.views[to].sid.clone();
        let args = (sid.as_deref().unwrap_or_default(), end.views[to].sent);
        let deadline = (self.random.below(3) == 0).then(|| Instant::from_millis(self.now + 2));
        let token = end.tokens;
        let expect = asks.then_some(ExpectAck { token, deadline });
        let result = if by_client {
            let result = through(&mut self.to_server, |out| self.client.emit(namespace(to), "e", &args, expect, out));
            assert_eq!(self.client.is_connected(namespace(to)), sid.is_some());
            result
        } else {
            through(&mut self.to_client, |out| self.server.emit(namespace(to), "e", &args, expect, out))
        };
        let end = if by_client { &mut self.of_client } else { &mut self.of_server };
        match result {
            Ok(()) => {
                assert!(sid.is_some());
                end.views[to].sent += 1;
                if asks {
                    assert!(end.expected.insert(token));
                    end.tokens += 1;
                }
            }
            Err(SendError::State(StateError::NotConnected)) => assert!(sid.is_none()),
            Err(SendError::Acks(_)) => assert!(end.expected.len() == 4),
            Err(e) => panic!("{e}"),
        }
    }

    fn ack(&mut self, by_client: bool) {
        let end = if by_client { &mut self.of_client } else { &mut self.of_server };
        if end.requests.is_empty() {
            return;
        }
        let pick = self.random.below(end.requests.len());
        let (request, sid) = end.requests.swap_remove(pick);
        let is_there = end.views.iter().any(|v| v.sid.as_ref() == Some(&sid));
        let result = if by_client {
            through(&mut self.to_server, |out| self.client.ack(request, &1, out))
        } else {
            through(&mut self.to_client, |out| self.server.ack(request, &1, out))
        };
        match result {
            Ok(()) => {}
            Err(SendError::State(StateError::Stale | StateError::NotConnected)) => assert!(!is_there),
            Err(e) => panic!("{e}"),
        }
        assert!(!is_there || result.is_ok());
        // One that came while the client asks anew counts for the new connection, whose server ignores it.
        assert!(is_there || by_client || result.is_err());
    }

    fn step(&mut self) {
        let to = self.random.below(3);
        match self.random.below(40) {
            0 => self.open(),
            1 => self.cut(),
            2..=3 => {
                self.client.connect(namespace(to)).unwrap();
                self.wanted[to] = true;
            }
            4 => {
                self.client.disconnect(namespace(to));
                self.wanted[to] = false;
            }
            5 => {
                let result = through(&mut self.to_client, |out| self.server.disconnect(namespace(to), out));
                assert_eq!(result.is_ok(), self.of_server.views[to].sid.is_some());
                if result.is_ok() {
                    self.of_server.left(namespace(to));
                    self.removed[to] = true;
                }
            }
            6..=9 => _ = through(&mut self.to_server, |out| self.client.poll_transmit(out)).unwrap(),
            10..=16 => self.deliver_to_client(),
            17..=23 => self.deliver_to_server(),
            24..=27 => {
                let asks = self.random.below(2) == 0;
                self.emit(true, to, asks);
            }
            28..=31 => {
                let asks = self.random.below(2) == 0;
                self.emit(false, to, asks);
            }
            32..=34 => self.ack(true),
            35..=37 => self.ack(false),
            _ => self.now += 1,
        }
        self.tell();
        for at in 0..3 {
            let is_up = self.of_client.views[at].sid.is_some();
            assert_eq!(self.client.is_connected(namespace(at)), is_up);
            assert_eq!(self.client.is_wanted(namespace(at)), self.wanted[at]);
            assert!(!is_up || self.wanted[at]);
        }
    }

    /// Delivers everything until nothing is left to say.
    fn settle(&mut self) {
        for _ in 0..1000 {
            self.open();
            while through(&mut self.to_server, |out| self.client.poll_transmit(out)).unwrap() {}
            if self.to_client.is_empty() && self.to_server.is_empty() {
                return;
            }
            self.deliver_to_server();
            self.deliver_to_client();
            self.tell();
        }
        panic!("it does not come to rest");
    }
}

/// Tells the seed of a run that fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("seed {}", self.0);
        }
    }
}

/// Whatever is called, sent, delivered and lost in whatever order: no event is lost, doubled or reordered within a connection, each acknowledgement
/// ends once, requests are answered by their own connection alone, every join is left once, and in the end both ends agree on what is joined, which is
/// what is wanted.
#[test]
fn both_ends_agree() {
    let mut counts = [0; 6];
    for seed in 0..10_000 {
        let _seed = Seed(seed);
        let mut world = World::new(seed);
        for _ in 0..300 {
            world.step();
        }
        world.settle();
        for at in 0..3 {
            let is_connected = world.client.is_connected(namespace(at));
            assert_eq!(is_connected, world.wanted[at]);
            assert_eq!(is_connected, world.server.is_connected(namespace(at)));
            assert_eq!(world.of_client.views[at].sid, world.of_server.views[at].sid);
        }
        world.cut();
        world.tell();
        assert!(world.of_client.expected.is_empty() && world.of_server.expected.is_empty(), "all have ended");
        for (sum, count) in counts.iter_mut().zip(world.counts) {
            *sum += count;
        }
    }
    println!("accepted, refused, answered, ignored, acknowledgements lost, and timed out: {counts:?}");
    assert!(counts.iter().all(|&n| n > 500), "{counts:?}");
}
