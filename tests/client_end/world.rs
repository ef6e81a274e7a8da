//! A client and a server of this crate, with a network between them that can be cut, and a clock that jumps.

use super::server::{Server, name_of, put};
use sansocket::{
    endpoint::{
        Grow, What,
        client::{ClientEnd, Config, FullLink, Line, Link, Memory, Step, WebSocketLink},
    },
    engineio::Transport,
    json::Json,
    socketio::{
        AckRequest, AckSlot, Collector, Namespace,
        client::{Backoff, Event, SocketSlot},
        server::Session,
    },
    time::Instant,
    ws::{self, Inbox, Out, Outbox},
};

pub const NAMES: [&str; 3] = ["/", "/b", "/c"];
pub const ROOT: Namespace = Namespace(0);
pub const B: Namespace = Namespace(1);
pub const C: Namespace = Namespace(2);
pub const PING: u64 = 25_000;

pub type Client<L> = ClientEnd<L, [&'static str; 3], Vec<AckSlot>, Vec<SocketSlot>, Vec<u8>>;
type Keys = fn() -> [u8; 4];

pub const fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

#[derive(serde::Serialize)]
struct Auth {
    token: u32,
}

/// One line of the client.
struct Wire {
    is_open: bool,
    inbox: Inbox<Vec<u8>>,
    outbox: Outbox<Vec<u8>, Keys>,
}

pub struct World<L> {
    pub client: Client<L>,
    pub now: u64,
    pub told: Vec<String>,
    wires: [Wire; Line::COUNT],
    collector: Collector<Vec<u8>>,
    pub server: Server,
    pub is_reachable: bool,
    /// The server does nothing.
    pub is_mute: bool,
    /// Answers `Step::Auth` at once, with a number that grows.
    pub authorizes: Option<u32>,
    /// How many lines were asked for.
    pub opened: u32,
    /// Requests of the server that the client has not answered yet.
    pub asked: Vec<AckRequest>,
}

/// A world with a client that reconnects with these delays.
pub fn world(backoff: Backoff) -> World<WebSocketLink<'static>> {
    with_backlog(backoff, 4096)
}

pub fn with_backlog(backoff: Backoff, backlog: usize) -> World<WebSocketLink<'static>> {
    World::new(WebSocketLink::new(config("ws://host:3000", backoff, &[])), backlog)
}

pub fn full(backoff: Backoff, backlog: usize, transports: &'static [Transport]) -> World<FullLink<'static>> {
    World::new(FullLink::new(config("http://host:3000", backoff, transports)), backlog)
}

fn config(url: &'static str, backoff: Backoff, transports: &'static [Transport]) -> &'static Config<'static> {
    Box::leak(Box::new(Config::parse(url).unwrap().reconnection(backoff).transports(transports)))
}

impl<L: Link> World<L> {
    fn new(link: L, backlog: usize) -> Self {
        let memory =
            Memory { acks: vec![AckSlot::EMPTY; 4], sockets: vec![SocketSlot::EMPTY; 3], backlog: vec![0; backlog] };
        let wire = |_| Wire {
            is_open: false,
            inbox: Inbox::new(vec![0; 128]),
            outbox: Outbox::with_keys(vec![0; 256], (|| [1, 2, 3, 4]) as Keys),
        };
        Self {
            client: ClientEnd::new(link, NAMES, memory, 1),
            now: 0,
            told: Vec::new(),
            wires: [0, 1, 2].map(wire),
            collector: Collector::new(Vec::new()),
            server: Server::new(),
            is_reachable: true,
            is_mute: false,
            authorizes: None,
            opened: 0,
            asked: Vec::new(),
        }
    }

    /// A client of which this was asked: `change(client)`.
    pub fn map(self, change: impl FnOnce(Client<L>) -> Client<L>) -> Self {
        Self { client: change(self.client), ..self }
    }

    /// What was told since the last call.
    pub fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    /// What the server has received since the last call.
    pub fn heard(&mut self) -> Vec<String> {
        std::mem::take(&mut self.server.heard)
    }

    /// The network is lost for a moment.
    pub fn cut(&mut self) {
        self.server.forget();
        for line in Line::ALL {
            if std::mem::take(&mut self.wires[line as usize].is_open) {
                self.client.handle_error(line, at(self.now));
            }
        }
        self.turn();
    }

    /// The server sends.
    pub fn serve(
        &mut self,
        write: impl FnOnce(&mut Session<[&'static str; 3], Vec<AckSlot>>, &mut Out<'_, ws::Stored>),
    ) {
        self.server.send(write);
        self.turn();
    }

    /// Bytes of a server over the WebSocket.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.feed(Line::WebSocket, bytes);
    }

    /// A text message of a server over the WebSocket.
    pub fn text(&mut self, text: &str) {
        self.raw(&[&[0x81, text.len() as u8], text.as_bytes()].concat());
    }

    fn feed(&mut self, line: Line, bytes: &[u8]) {
        for piece in bytes.chunks(50) {
            if self.wires[line as usize].is_open {
                put(&mut self.wires[line as usize].inbox, piece);
                self.client_turn();
            }
        }
    }

    /// Time passes, from deadline to deadline.
    pub fn run(&mut self, until: u64) {
        loop {
            self.turn();
            let client = self.client.poll_timeout().map(Instant::as_millis);
            let server = self.server.poll_timeout().filter(|_| !self.is_mute).map(Instant::as_millis);
            match [client, server].into_iter().flatten().min() {
                Some(next) if next <= until => self.now = self.now.max(next),
                _ => break self.now = until,
            }
        }
        self.turn();
    }

    pub fn wait(&mut self, ms: u64) {
        self.run(self.now + ms);
    }

    /// All that happens without waiting.
    pub fn turn(&mut self) {
        for _ in 0..1000 {
            let is_done = self.client_turn();
            if !self.server_turn() && is_done {
                return;
            }
        }
        panic!("it spins: {:?}", self.told);
    }

    fn server_turn(&mut self) -> bool {
        if self.is_mute {
            return false;
        }
        self.server.turn(at(self.now));
        let mut did = false;
        for line in Line::ALL {
            let bytes = self.server.output(line);
            did |= !bytes.is_empty();
            self.feed(line, &bytes);
        }
        did
    }

    /// `false`: something was written.
    fn client_turn(&mut self) -> bool {
        let mut is_done = true;
        for _ in 0..1000 {
            let lines: Vec<_> = Line::ALL.into_iter().filter(|line| self.wires[*line as usize].is_open).collect();
            let is_idle = !lines.into_iter().any(|line| self.poll(Some(line))) && !self.poll(None);
            if is_idle {
                assert!(self.client.poll_timeout().is_none_or(|due| due > at(self.now)), "exact");
                for line in Line::ALL {
                    is_done &= !self.transmit(line);
                }
                if self.client.poll_timeout().is_none_or(|due| due > at(self.now)) {
                    return is_done;
                }
            }
        }
        panic!("it spins: {:?}", self.told);
    }

    /// `true`: something was written.
    fn transmit(&mut self, line: Line) -> bool {
        let wire = &mut self.wires[line as usize];
        if !wire.is_open {
            return false;
        }
        while let Err(grow) = self.client.transmit(line, &mut wire.outbox, at(self.now)) {
            assert_eq!(grow.what, What::Output);
            drop(wire.outbox.replace(vec![0; grow.to]).unwrap());
        }
        let bytes = wire.outbox.written().to_vec();
        wire.outbox.consume(bytes.len());
        self.server.receive(line, &bytes);
        if !bytes.is_empty() {
            // What had no room.
            self.transmit(line);
        }
        !bytes.is_empty()
    }

    /// `true`: there was something to do.
    fn poll(&mut self, line: Option<Line>) -> bool {
        let now = at(self.now);
        let Self { client, wires, collector, .. } = self;
        let step = match line {
            None => client.handle_timeout(now),
            Some(line) => match client.poll(line, &mut wires[line as usize].inbox, collector, now) {
                Ok(step) => step,
                Err(Grow { what: What::Collector, to }) => {
                    drop(collector.replace(vec![0; to]).unwrap());
                    return true;
                }
                Err(grow) => {
                    drop(wires[line as usize].inbox.replace(vec![0; grow.to]).unwrap());
                    return true;
                }
            },
        };
        let text = match step {
            Step::Idle => return false,
            Step::Again => return true,
            Step::Event(event, attachments) => {
                if let Event::Event(e) = &event
                    && let Some(request) = e.ack
                {
                    self.asked.push(request);
                }
                format!("{}{}", tell(&event), " file".repeat(attachments.into_iter().count()))
            }
            Step::Failed { failure, attempt, retry } => {
                let retry = retry.map(|retry| retry.as_millis() - self.now);
                format!("failed {failure:?} {attempt} {retry:?}")
            }
            Step::Over(over) => {
                assert!(wires.iter().all(|wire| !wire.is_open), "all lines are closed");
                format!("over {over:?}")
            }
            Step::Auth(namespace) => {
                if let Some(token) = &mut self.authorizes {
                    *token += 1;
                    client.authorize(namespace, Some(&Json(Auth { token: *token }))).unwrap();
                }
                format!("auth {}", NAMES[usize::from(namespace.0)])
            }
            Step::Open(line) => {
                assert!(!wires[line as usize].is_open);
                self.opened += 1;
                if self.is_reachable {
                    wires[line as usize].is_open = true;
                    self.server.open(line);
                    let Wire { inbox, outbox, .. } = &mut wires[line as usize];
                    client.opened(line, inbox, outbox, [7; 16]);
                } else {
                    client.handle_error(line, now);
                }
                return true;
            }
            Step::Close(line) => {
                let wire = &mut self.wires[line as usize];
                let bytes = wire.outbox.written().to_vec();
                wire.outbox.consume(bytes.len());
                wire.is_open = false;
                self.server.receive(line, &bytes);
                if !self.is_mute {
                    self.server.turn(now);
                }
                self.server.close(line);
                return true;
            }
        };
        self.told.push(text);
        true
    }
}

fn tell(event: &Event<'_>) -> String {
    let name = |n: &Namespace| NAMES[usize::from(n.0)];
    match event {
        Event::Opened => "opened".into(),
        Event::Connected { namespace, is_recovered, .. } => {
            format!("connected {}{}", name(namespace), if *is_recovered { " again" } else { "" })
        }
        Event::Refused { namespace, .. } => format!("refused {}", name(namespace)),
        Event::Event(e) => {
            format!("{} {} {}", name(&e.namespace), name_of(e), String::from_utf8_lossy(e.args().raw()))
        }
        Event::Ack(a) => format!("ack {:?} {}", a.token, String::from_utf8_lossy(a.args().raw())),
        Event::AckFailed { token, error, .. } => format!("no ack {token} {error:?}"),
        Event::Disconnected { namespace, reason } => format!("left {} {reason}", name(namespace)),
        other => format!("{other:?}"),
    }
}
