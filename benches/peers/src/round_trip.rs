//! ack: an event, its acknowledgement and all layers of both ends, from `emit` to `Event::Ack`, in memory. There is no other pair of machines without
//! I/O; `tests/interop/round-trips.js` compares clients over loopback.

use crate::item::{Candidate, Item, Outcome, Spoil, Work, ensure};
use sansocket::{
    endpoint::{
        self, ServerEnd,
        client::{ClientEnd, Config, Emit, Line, Memory, Step, WebSocketLink},
    },
    engineio::{self, Transport, server},
    http::Request,
    socketio::{AckSlot, Collector, Namespace, Sid, client::Event, client::SocketSlot, server::Event as Asked},
    time::Instant,
    ws::{Accept, Inbox, Limits, Out, Outbox},
};

const ROOT: Namespace = Namespace(0);
const NOW: Instant = Instant::from_millis(1);

type Keys = fn() -> [u8; 4];

struct Pair {
    client: ClientEnd<WebSocketLink<'static>, [&'static str; 1], [AckSlot; 1], [SocketSlot; 1], [u8; 256]>,
    inbox: Inbox<[u8; 512]>,
    outbox: Outbox<[u8; 512], Keys>,
    files: Collector<[u8; 0]>,
    server: ServerEnd<[&'static str; 1], [AckSlot; 1]>,
    received: Inbox<[u8; 512]>,
    collector: Collector<[u8; 0]>,
}

impl Pair {
    fn new() -> Self {
        let config: &'static Config<'static> = Box::leak(Box::new(Config::parse("ws://host").expect("good")));
        let memory = Memory { acks: [AckSlot::EMPTY; 1], sockets: [SocketSlot::EMPTY; 1], backlog: [0; 256] };
        let sid = engineio::Sid::from_random([1; 15]);
        let config_of_server = server::Config::new();
        let acks = [AckSlot::EMPTY; 1];
        let mut pair = Self {
            client: ClientEnd::new(WebSocketLink::new(config), ["/"], memory, 1),
            inbox: Inbox::new([0; 512]),
            outbox: Outbox::with_keys([0; 512], || [1, 2, 3, 4]),
            files: Collector::new([]),
            server: ServerEnd::open(Transport::WebSocket, sid, config_of_server, Limits::new(), ["/"], acks, NOW),
            received: Inbox::new([0; 512]),
            collector: Collector::new([]),
        };
        pair.client.connect(ROOT, NOW).expect("a slot");
        assert!(!pair.client_turn());
        let mut answer = [0; 512];
        let request = Request::parse(pair.outbox.written()).expect("good");
        let n = Accept::check(&request).expect("good").write(&[], &mut answer).expect("room");
        pair.outbox.consume(usize::MAX);
        pair.feed(&answer[..n]);
        for _ in 0..3 {
            pair.client_turn();
            pair.server_turn();
        }
        pair.client_turn();
        assert!(pair.client.io().is_connected(ROOT));
        pair
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.inbox.space().expect("room")[..bytes.len()].copy_from_slice(bytes);
        self.inbox.commit(bytes.len());
    }

    /// `true`: the acknowledgement has come.
    fn client_turn(&mut self) -> bool {
        let mut is_answered = false;
        loop {
            let step = match self.client.poll(Line::WebSocket, &mut self.inbox, &mut self.files, NOW).expect("room") {
                Step::Idle => self.client.handle_timeout(NOW),
                step => step,
            };
            match step {
                Step::Idle => break,
                Step::Open(line) => self.client.opened(line, &mut self.inbox, &mut self.outbox, [7; 16]),
                Step::Event(Event::Ack(ack), _) => is_answered = ack.token == Some(7),
                _ => {}
            }
        }
        self.client.transmit(Line::WebSocket, &mut self.outbox, NOW).expect("room");
        is_answered
    }

    fn server_turn(&mut self) {
        let sent = self.outbox.written();
        self.received.space().expect("room")[..sent.len()].copy_from_slice(sent);
        self.received.commit(sent.len());
        self.outbox.consume(usize::MAX);
        let mut memory = [0; 512];
        let mut len = self.server.transmit(&mut memory).expect("room");
        loop {
            let step = self.server.poll(&mut self.received, &mut self.collector, NOW).expect("room");
            let mut out = Out::stored(&mut memory[len..]);
            match step {
                endpoint::Step::Idle => break,
                endpoint::Step::Event(Asked::Connect { namespace, .. }, _) => {
                    self.server.io().accept(namespace, Sid::from_random([2; 15]), &mut out).expect("room");
                }
                endpoint::Step::Event(Asked::Event(e), _) => {
                    self.server.io().ack(e.ack.expect("asked"), &e.args(), &mut out).expect("room");
                }
                _ => {}
            }
            len += out.written().len();
        }
        self.feed(&memory[..len]);
    }
}

impl Work for Pair {
    fn run(&mut self) -> Outcome {
        self.client.emit_with(ROOT, "q", &(7, "some text"), Emit::new().ask(7, None)).expect("room");
        self.client_turn();
        self.server_turn();
        assert!(self.client_turn());
        // The number of the acknowledgement grows, so the bytes are not always as many.
        (1, 0)
    }

    fn verify(&mut self, spoil: Spoil) -> Result<(), String> {
        self.run();
        ensure(!self.client_turn() && spoil == Spoil::No, "an answer that nobody asked for")
    }
}

pub const ITEM: Item = Item {
    name: "ack",
    short: "",
    title: "an event and its acknowledgement, through all layers of both ends",
    unit: "round trip",
    units: 1,
    candidates: &[Candidate::new("sansocket", "", || Box::new(Pair::new()))],
    goals: &[],
};
