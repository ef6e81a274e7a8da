//! What a server decides the size of, of a client.

use sansocket::{
    endpoint::{
        Grow,
        client::{ClientEnd, Config, Emit, FullLink, Line, Link, Memory, Step, WebSocketLink},
    },
    socketio::{AckSlot, Collector, Namespace, client::Event, client::SocketSlot},
    time::Instant,
    ws::{Inbox, Limits, Outbox, accept_key},
};

const ROOT: Namespace = Namespace(0);
const OTHER: Namespace = Namespace(1);
const OPEN: &str = r#"0{"sid":"S","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const NOW: Instant = Instant::from_millis(1);

type Client<L> = ClientEnd<L, [&'static str; 2], Vec<AckSlot>, Vec<SocketSlot>, Vec<u8>>;
type Keys = fn() -> [u8; 4];

struct Host<L> {
    client: Client<L>,
    line: Line,
    inbox: Inbox<Vec<u8>>,
    outbox: Outbox<Vec<u8>, Keys>,
    /// Of the POSTs of polling.
    post: Outbox<Vec<u8>, Keys>,
    collector: Collector<Vec<u8>>,
    acks: usize,
    events: usize,
}

impl<L: Link> Host<L> {
    /// A client that has joined `/`. `OTHER` is wanted, and the server does not answer.
    fn new(link: L, line: Line, n: usize) -> Self {
        let memory = Memory {
            acks: vec![AckSlot::EMPTY; n.min(60_000)],
            sockets: vec![SocketSlot::EMPTY; 2],
            backlog: vec![0; 64 * n + 1000],
        };
        let outbox = || Outbox::with_keys(vec![0; 4096], (|| [0; 4]) as Keys);
        let mut host = Self {
            client: ClientEnd::new(link, ["/", "/other"], memory, 1),
            line,
            inbox: Inbox::new(vec![0; 4096]),
            outbox: outbox(),
            post: outbox(),
            collector: Collector::new(Vec::new()),
            acks: 0,
            events: 0,
        };
        host.client.connect(ROOT, NOW).expect("a slot");
        host.client.connect(OTHER, NOW).expect("a slot");
        host.turn();
        host
    }

    /// Everything that does not have to wait. What the outbox holds is thrown away.
    fn turn(&mut self) {
        loop {
            let Self { client, inbox, collector, .. } = self;
            let step = match client.poll(self.line, inbox, collector, NOW) {
                Ok(Step::Idle) => client.handle_timeout(NOW),
                Ok(step) => step,
                Err(Grow { to, .. }) => {
                    drop(inbox.replace(vec![0; to]).expect("larger"));
                    continue;
                }
            };
            match step {
                Step::Idle => {
                    client.transmit(self.line, &mut self.outbox, NOW).expect("room");
                    client.transmit(Line::Post, &mut self.post, NOW).expect("room");
                    self.post.consume(usize::MAX);
                    if self.outbox.held() == 0 {
                        return;
                    }
                    self.outbox.consume(usize::MAX);
                }
                Step::Open(Line::Post) => client.opened(Line::Post, &mut Inbox::new([]), &mut self.post, [7; 16]),
                Step::Open(line) => client.opened(line, inbox, &mut self.outbox, [7; 16]),
                Step::Event(Event::Ack(_) | Event::AckFailed { .. }, _) => self.acks += 1,
                Step::Event(Event::Event(_), _) => self.events += 1,
                _ => {}
            }
        }
    }

    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.inbox.space() {
                Ok(space) => {
                    let n = space.len().min(bytes.len());
                    space[..n].copy_from_slice(&bytes[..n]);
                    self.inbox.commit(n);
                    bytes = &bytes[n..];
                }
                Err(e) => drop(self.inbox.replace(vec![0; Grow::new(sansocket::endpoint::What::Inbox, e).to])),
            }
            self.turn();
        }
    }
}

fn frames(texts: impl Iterator<Item = String>) -> Vec<u8> {
    texts.flat_map(|text| [vec![0x81, text.len() as u8], text.into_bytes()].concat()).collect()
}

fn config() -> Config<'static> {
    Config::parse("http://host").expect("good").limits(Limits::new().message(1 << 30))
}

fn websocket(config: &Config<'_>, n: usize, act: impl FnOnce(&mut Host<WebSocketLink<'_>>)) {
    let mut host = Host::new(WebSocketLink::new(config), Line::WebSocket, n);
    let head = b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    host.feed(&[&head[..], &accept_key(b"BwcHBwcHBwcHBwcHBwcHBw==").expect("a key"), b"\r\n\r\n"].concat());
    for text in [OPEN, r#"40{"sid":"a"}"#] {
        host.feed(&frames([text.to_owned()].into_iter()));
    }
    assert!(host.client.io().is_connected(ROOT));
    act(&mut host);
}

/// N acknowledgements in flight, of which every second one arrives, from the last to the first; the others fail with the connection.
pub fn acknowledgements(n: usize) {
    websocket(&config(), n, |host| {
        for token in 0..n as u32 {
            host.client.emit_with(ROOT, "x", &(), Emit::new().ask(token, None)).expect("room");
        }
        host.turn();
        host.feed(&frames((0..n).rev().step_by(2).map(|id| format!("43{id}[]"))));
        host.client.handle_error(Line::WebSocket, NOW);
        host.turn();
        assert_eq!(host.acks, n);
    });
}

/// An answer over polling with N packets.
pub fn polling_body(n: usize) {
    let config = config();
    let mut host = Host::new(FullLink::new(&config), Line::Get, n);
    let body = [r#"40{"sid":"a"}"#.to_owned(), vec![r#"42["x",1]"#; n].join("\x1e")].join("\x1e");
    for body in [OPEN.to_owned(), body] {
        host.feed(format!("HTTP/1.1 200 x\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }
    assert_eq!(host.events, n);
}

/// N events wait for a namespace that the server never answers for, while N others are sent, one in each turn.
pub fn backlog(n: usize) {
    websocket(&config(), n, |host| {
        for _ in 0..n {
            host.client.emit(OTHER, "waits", &()).expect("room");
        }
        for _ in 0..n {
            host.client.emit(ROOT, "x", &()).expect("room");
            host.turn();
        }
        assert!(host.client.held() > n);
    });
}

/// As before, and the server acknowledges N times what nobody asked, while an event with retries is in flight.
pub fn stray_acknowledgements(n: usize) {
    websocket(&config(), n, |host| {
        for _ in 0..n {
            host.client.emit(OTHER, "waits", &()).expect("room");
        }
        host.client.emit_with(ROOT, "x", &(), Emit::new().retry(1, 60_000)).expect("room");
        host.turn();
        host.feed(&frames((0..n).map(|id| format!("43{}[]", id + 1_000_000))));
    });
}
