//! A client and a server of this crate, with a network between them that can be cut, and a clock that jumps.

use sansocket::{
    endpoint::{
        Grow, ServerEnd, Step as ServerStep, What,
        client::{ClientEnd, Config, Line, Link, Memory, Step, WebSocketLink},
    },
    engineio::{self, Transport, server},
    http::{HeadScanner, Limits as HeadLimits, Request},
    json::Json,
    socketio::{
        AckRequest, AckSlot, Collector, EventPacket, Namespace, Sid,
        client::{Event, SocketSlot},
        server::{Event as ServerEvent, Session},
    },
    time::Instant,
    ws::{self, Accept, Inbox, Limits, Out, Outbox},
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

/// One end of a line of the client.
struct Wire {
    is_open: bool,
    inbox: Inbox<Vec<u8>>,
    outbox: Outbox<Vec<u8>, Keys>,
}

/// A connection that the server has accepted.
struct Connection {
    head: Vec<u8>,
    is_shaken: bool,
    end: ServerEnd<[&'static str; 3], Vec<AckSlot>>,
    inbox: Inbox<Vec<u8>>,
    collector: Collector<Vec<u8>>,
}

pub struct World<L> {
    pub client: Client<L>,
    pub now: u64,
    pub told: Vec<String>,
    /// What the server has received.
    pub heard: Vec<String>,
    wire: Wire,
    collector: Collector<Vec<u8>>,
    server: Option<Connection>,
    pub is_reachable: bool,
    /// The server answers acknowledgements.
    pub answers: bool,
    /// The server does nothing.
    pub is_mute: bool,
    pub refuses: Option<Namespace>,
    /// Answers `Step::Auth` at once, with a number that grows.
    pub authorizes: Option<u32>,
    pub opened: u32,
    /// Requests of the server that the client has not answered yet.
    pub asked: Vec<AckRequest>,
}

/// A world with a client that reconnects with these delays.
pub fn world(backoff: sansocket::socketio::client::Backoff) -> World<WebSocketLink<'static>> {
    with_backlog(backoff, 4096)
}

pub fn with_backlog(backoff: sansocket::socketio::client::Backoff, backlog: usize) -> World<WebSocketLink<'static>> {
    let config = Config::parse("ws://host:3000").unwrap().reconnection(backoff);
    let config: &'static Config<'static> = Box::leak(Box::new(config));
    let memory =
        Memory { acks: vec![AckSlot::EMPTY; 4], sockets: vec![SocketSlot::EMPTY; 3], backlog: vec![0; backlog] };
    World::new(ClientEnd::new(WebSocketLink::new(config), NAMES, memory, 1))
}

impl<L: Link> World<L> {
    pub fn new(client: Client<L>) -> Self {
        let wire = Wire {
            is_open: false,
            inbox: Inbox::new(vec![0; 128]),
            outbox: Outbox::with_keys(vec![0; 256], (|| [1, 2, 3, 4]) as Keys),
        };
        Self {
            client,
            now: 0,
            told: Vec::new(),
            heard: Vec::new(),
            wire,
            collector: Collector::new(Vec::new()),
            server: None,
            is_reachable: true,
            answers: true,
            is_mute: false,
            refuses: None,
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

    pub fn heard(&mut self) -> Vec<String> {
        std::mem::take(&mut self.heard)
    }

    /// The server ends the line, or the network does.
    pub fn cut(&mut self) {
        if std::mem::take(&mut self.wire.is_open) {
            self.server = None;
            self.client.handle_error(Line::WebSocket, at(self.now));
        }
        self.turn();
    }

    /// The server of a namespace sends.
    pub fn serve(
        &mut self,
        write: impl FnOnce(&mut Session<[&'static str; 3], Vec<AckSlot>>, &mut Out<'_, ws::Stored>),
    ) {
        let Some(server) = &mut self.server else { return };
        let mut memory = vec![0; 1024];
        let mut out = Out::stored(&mut memory);
        write(server.end.io(), &mut out);
        let bytes = out.written().to_vec();
        self.raw(&bytes);
        self.turn();
    }

    /// Bytes for the client.
    pub fn raw(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(50) {
            if !self.wire.is_open {
                return;
            }
            while self.wire.inbox.space().is_err() || self.wire.inbox.space().unwrap().len() < piece.len() {
                let held = self.wire.inbox.held();
                self.wire.inbox.replace(vec![0; 2 * held + 100]).unwrap();
            }
            self.wire.inbox.space().unwrap()[..piece.len()].copy_from_slice(piece);
            self.wire.inbox.commit(piece.len());
            self.client_turn();
        }
    }

    /// Messages for the client, without Engine.IO's server.
    pub fn text(&mut self, text: &str) {
        self.raw(&[&[0x81, text.len() as u8], text.as_bytes()].concat());
    }

    /// Time passes, from deadline to deadline.
    pub fn run(&mut self, until: u64) {
        loop {
            self.turn();
            let client = self.client.poll_timeout().map(Instant::as_millis);
            let server = self.server.as_ref().and_then(|s| s.end.poll_timeout()).map(Instant::as_millis);
            let server = server.filter(|_| !self.is_mute);
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
            let is_client_done = self.client_turn();
            if !self.server_turn() && is_client_done {
                return;
            }
        }
        panic!("it spins: {:?}", self.told);
    }

    /// `false`: something was written.
    fn client_turn(&mut self) -> bool {
        let mut steps = 0;
        let mut is_done = true;
        loop {
            steps += 1;
            assert!(steps < 1000, "it spins: {:?}", self.told);
            let now = at(self.now);
            let Self { client, wire, collector, .. } = self;
            let step = match client.poll(Line::WebSocket, &mut wire.inbox, collector, now) {
                Ok(Step::Idle) => client.handle_timeout(now),
                Ok(step) => step,
                Err(Grow { what: What::Collector, to }) => {
                    drop(collector.replace(vec![0; to]).unwrap());
                    continue;
                }
                Err(grow) => {
                    drop(wire.inbox.replace(vec![0; grow.to]).unwrap());
                    continue;
                }
            };
            let text = match step {
                Step::Idle => {
                    assert!(client.poll_timeout().is_none_or(|due| due > now), "exact");
                    is_done &= !self.transmit();
                    if self.client.poll_timeout().is_none_or(|due| due > now) {
                        return is_done;
                    }
                    continue;
                }
                Step::Again => continue,
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
                    assert!(!wire.is_open, "all lines are closed");
                    format!("over {over:?}")
                }
                Step::Auth(namespace) => {
                    if let Some(token) = &mut self.authorizes {
                        *token += 1;
                        client.authorize(namespace, Some(&Json(Auth { token: *token }))).unwrap();
                    }
                    format!("auth {}", NAMES[usize::from(namespace.0)])
                }
                Step::Open(Line::WebSocket) => {
                    assert!(!wire.is_open);
                    self.opened += 1;
                    if self.is_reachable {
                        wire.is_open = true;
                        self.server = Some(Connection::new(self.opened, self.now));
                        self.client.opened(Line::WebSocket, &mut wire.inbox, &mut wire.outbox, [7; 16]);
                    } else {
                        self.client.handle_error(Line::WebSocket, now);
                    }
                    continue;
                }
                Step::Close(Line::WebSocket) => {
                    let bytes = self.wire.outbox.written().to_vec();
                    if let Some(server) = &mut self.server {
                        server.receive(&bytes);
                    }
                    self.wire.is_open = false;
                    self.server_turn();
                    self.server = None;
                    continue;
                }
                step => panic!("{step:?}"),
            };
            self.told.push(text);
        }
    }

    /// `true`: something was written.
    fn transmit(&mut self) -> bool {
        if !self.wire.is_open {
            return false;
        }
        while let Err(grow) = self.client.transmit(Line::WebSocket, &mut self.wire.outbox, at(self.now)) {
            assert_eq!(grow.what, What::Output);
            drop(self.wire.outbox.replace(vec![0; grow.to]).unwrap());
        }
        let bytes = self.wire.outbox.written().to_vec();
        self.wire.outbox.consume(bytes.len());
        if let Some(server) = &mut self.server {
            server.receive(&bytes);
        }
        if !bytes.is_empty() {
            // What had no room.
            self.transmit();
        }
        !bytes.is_empty()
    }

    /// `true`: something was done.
    fn server_turn(&mut self) -> bool {
        let Some(server) = self.server.as_mut().filter(|_| !self.is_mute) else { return false };
        let (now, mut sent) = (at(self.now), Vec::new());
        server.shake(&mut sent);
        while server.is_shaken {
            let mut memory = [0; 512];
            while let Ok(n @ 1..) = server.end.transmit(&mut memory) {
                sent.extend_from_slice(&memory[..n]);
            }
            let step = match server.end.poll(&mut server.inbox, &mut server.collector, now) {
                Ok(ServerStep::Idle) => server.end.handle_timeout(now),
                Ok(step) => step,
                Err(Grow { what: What::Collector, to }) => {
                    drop(server.collector.replace(vec![0; to]));
                    continue;
                }
                Err(grow) => {
                    drop(server.inbox.replace(vec![0; grow.to]));
                    continue;
                }
            };
            let name = |n: Namespace| NAMES[usize::from(n.0)];
            let mut memory = [0; 512];
            let mut out = Out::stored(&mut memory);
            match step {
                ServerStep::Idle => {
                    // A ping may be owed since the time-out.
                    while let Ok(n @ 1..) = server.end.transmit(&mut memory) {
                        sent.extend_from_slice(&memory[..n]);
                    }
                    break;
                }
                ServerStep::Event(ServerEvent::Connect { namespace, auth }, _) => {
                    let auth = auth.map_or("", |auth| std::str::from_utf8(auth.raw()).unwrap());
                    self.heard.push(format!("connect {} {auth}", name(namespace)).trim_end().into());
                    if self.refuses == Some(namespace) {
                        server.end.io().refuse(namespace, "no", None, &mut out).unwrap();
                    } else {
                        let sid = Sid::from_random([self.opened as u8; 15]);
                        server.end.io().accept(namespace, sid, &mut out).unwrap();
                    }
                }
                ServerStep::Event(ServerEvent::Event(e), files) => {
                    let args = std::str::from_utf8(e.args().raw()).unwrap();
                    let event = name_of(&e);
                    let files = " file".repeat(files.into_iter().count());
                    let ack = if e.ack.is_some() { "?" } else { "" };
                    self.heard.push(format!("{} {ack}{event} {args}{files}", name(e.namespace)).trim_end().into());
                    if let (Some(request), true) = (e.ack, self.answers) {
                        server.end.io().ack(request, &e.args(), &mut out).unwrap();
                    }
                }
                ServerStep::Event(ServerEvent::Ack(a), _) => {
                    let args = std::str::from_utf8(a.args().raw()).unwrap();
                    self.heard.push(format!("ack {:?} {args}", a.token));
                }
                ServerStep::Event(ServerEvent::Disconnected { namespace, .. }, _) => {
                    self.heard.push(format!("disconnect {}", name(namespace)));
                }
                ServerStep::Closed(reason) => self.heard.push(format!("closed {reason}")),
                _ => {}
            }
            sent.extend_from_slice(out.written());
        }
        let did = !sent.is_empty();
        self.raw(&sent);
        did
    }
}

impl Connection {
    fn new(number: u32, now: u64) -> Self {
        let sid = engineio::Sid::from_random([number as u8; 15]);
        let config = server::Config::new();
        let acks = vec![AckSlot::EMPTY; 8];
        let end = ServerEnd::open(Transport::WebSocket, sid, config, Limits::new(), NAMES, acks, at(now));
        let (inbox, collector) = (Inbox::new(vec![0; 256]), Collector::new(Vec::new()));
        Self { head: Vec::new(), is_shaken: false, end, inbox, collector }
    }

    fn receive(&mut self, bytes: &[u8]) {
        if !self.is_shaken {
            return self.head.extend_from_slice(bytes);
        }
        while self.inbox.space().map_or(0, |s| s.len()) <= bytes.len() {
            let held = self.inbox.held();
            drop(self.inbox.replace(vec![0; 2 * held + bytes.len() + 100]));
        }
        self.inbox.space().unwrap()[..bytes.len()].copy_from_slice(bytes);
        self.inbox.commit(bytes.len());
    }

    fn shake(&mut self, sent: &mut Vec<u8>) {
        if self.is_shaken {
            return;
        }
        let Some(end) = HeadScanner::new(HeadLimits::new()).scan(&self.head).unwrap() else { return };
        let head = self.head.drain(..end).collect::<Vec<_>>();
        let request = Request::parse(&head).unwrap();
        let mut answer = [0; 512];
        let n = Accept::check(&request).unwrap().write(&[], &mut answer).unwrap();
        sent.extend_from_slice(&answer[..n]);
        self.is_shaken = true;
        let rest = std::mem::take(&mut self.head);
        self.receive(&rest);
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
        Event::Event(e) => format!("{} {} {}", name(&e.namespace), name_of(e), String::from_utf8_lossy(e.args().raw())),
        Event::Ack(a) => format!("ack {:?} {}", a.token, String::from_utf8_lossy(a.args().raw())),
        Event::AckFailed { token, error, .. } => format!("no ack {token} {error:?}"),
        Event::Disconnected { namespace, reason } => format!("left {} {reason}", name(namespace)),
        other => format!("{other:?}"),
    }
}

fn name_of(event: &EventPacket<'_>) -> String {
    String::from_utf8_lossy(event.name().unwrap().raw()).trim_matches('"').into()
}
