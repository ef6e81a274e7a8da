//! A host of a client's end whose lines lead to a test.

use sansocket::{
    endpoint::{
        Grow, What,
        client::{ClientEnd, Config, FullLink, Line, Link, Memory, Step, WebSocketLink},
    },
    engineio::Transport,
    socketio::{
        AckRequest, AckSlot, Collector, Namespace,
        client::{Backoff, Event, SocketSlot},
    },
    time::Instant,
    ws::{Inbox, Outbox, accept_key},
};

pub const NAMES: [&str; 3] = ["/", "/b", "/c"];
pub const ROOT: Namespace = Namespace(0);
pub const B: Namespace = Namespace(1);

pub type Client<L> = ClientEnd<L, [&'static str; 3], Vec<AckSlot>, Vec<SocketSlot>, Vec<u8>>;
type Keys = fn() -> [u8; 4];

pub const fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

pub fn answer(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub fn open_packet(upgrades: &str) -> String {
    format!("0{{\"sid\":\"s\",\"upgrades\":{upgrades},\"pingInterval\":25000,\"pingTimeout\":20000}}")
}

pub fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(len) if len < 126 => frame.push(len),
        _ => {
            frame.push(126);
            frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        }
    }
    frame.extend(text.as_bytes());
    frame
}

pub fn switching() -> Vec<u8> {
    let mut head =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            .to_vec();
    head.extend(accept_key(b"BwcHBwcHBwcHBwcHBwcHBw==").unwrap());
    head.extend(b"\r\n\r\n");
    head
}

#[derive(Clone)]
pub struct Wire {
    pub is_open: bool,
    pub inbox: Inbox<Vec<u8>>,
    pub outbox: Outbox<Vec<u8>, Keys>,
    pub sent: Vec<u8>,
    pub opened: usize,
}

#[derive(Clone)]
pub struct Host<L> {
    pub client: Client<L>,
    pub now: u64,
    pub wires: [Wire; 3],
    pub collector: Collector<Vec<u8>>,
    pub told: Vec<String>,
    pub requests: Vec<AckRequest>,
    /// How many bytes of an outbox a line takes in a turn.
    pub takes: usize,
    pub is_reachable: bool,
    pub calls: usize,
}

pub fn config(url: &'static str, transports: &'static [Transport]) -> &'static Config<'static> {
    config_with(url, transports, Backoff::new().randomization(0).delay(1000).factor(1))
}

pub fn config_with(url: &'static str, transports: &'static [Transport], backoff: Backoff) -> &'static Config<'static> {
    Box::leak(Box::new(Config::parse(url).unwrap().reconnection(backoff).transports(transports)))
}

pub fn websocket() -> Host<WebSocketLink<'static>> {
    Host::new(WebSocketLink::new(config("ws://h", &[])), [4, 3, 512], [128, 256, 64])
}

pub fn full() -> Host<FullLink<'static>> {
    full_with(&[Transport::Polling, Transport::WebSocket])
}

pub fn full_with(transports: &'static [Transport]) -> Host<FullLink<'static>> {
    Host::new(FullLink::new(config("http://h", transports)), [4, 3, 512], [128, 256, 64])
}

impl<L: Link + std::fmt::Debug> Host<L> {
    /// With slots for acknowledgements and namespaces and bytes of the backlog; and with bytes for inboxes, outboxes and the collector.
    pub fn new(link: L, [acks, sockets, backlog]: [usize; 3], [inbox, outbox, files]: [usize; 3]) -> Self {
        let memory = Memory {
            acks: vec![AckSlot::EMPTY; acks],
            sockets: vec![SocketSlot::EMPTY; sockets],
            backlog: vec![0; backlog],
        };
        let wire = || Wire {
            is_open: false,
            inbox: Inbox::new(vec![0; inbox]),
            outbox: Outbox::with_keys(vec![0; outbox], (|| [0; 4]) as Keys),
            sent: Vec::new(),
            opened: 0,
        };
        Self {
            client: ClientEnd::new(link, NAMES, memory, 1),
            now: 0,
            wires: [wire(), wire(), wire()],
            collector: Collector::new(vec![0; files]),
            told: Vec::new(),
            requests: Vec::new(),
            takes: usize::MAX,
            is_reachable: true,
            calls: 0,
        }
    }

    pub fn log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    pub fn sent(&mut self, line: Line) -> Vec<u8> {
        std::mem::take(&mut self.wires[line as usize].sent)
    }

    pub fn sent_text(&mut self, line: Line) -> String {
        String::from_utf8_lossy(&self.sent(line)).into_owned()
    }

    /// The payloads of the frames that were sent over the WebSocket. The keys are 0.
    pub fn sent_frames(&mut self) -> Vec<String> {
        let bytes = self.sent(Line::WebSocket);
        let mut rest = &bytes[..];
        let mut frames = Vec::new();
        while let [_, len, ..] = rest {
            let (len, head) = match len & 0x7f {
                126 => (usize::from(u16::from_be_bytes([rest[2], rest[3]])), 8),
                len => (usize::from(len), 6),
            };
            frames.push(String::from_utf8_lossy(&rest[head..head + len]).into_owned());
            rest = &rest[head + len..];
        }
        frames
    }

    /// Opens the session over a WebSocket. What was sent until then is forgotten.
    pub fn open_websocket(&mut self) {
        self.turn();
        self.feed(Line::WebSocket, &[switching(), frame(&open_packet("[]"))].concat());
        self.sent(Line::WebSocket);
    }

    pub fn text(&mut self, text: &str) {
        self.feed(Line::WebSocket, &frame(text));
    }

    /// Bytes of the server, and what the client does.
    pub fn feed(&mut self, line: Line, bytes: &[u8]) {
        self.feed_only(line, bytes);
        self.turn();
    }

    /// Bytes of the server.
    pub fn feed_only(&mut self, line: Line, mut bytes: &[u8]) {
        let opened = self.wires[line as usize].opened;
        while !bytes.is_empty() && self.wires[line as usize].is_open && self.wires[line as usize].opened == opened {
            let inbox = &mut self.wires[line as usize].inbox;
            match inbox.space() {
                Ok(space) => {
                    let n = space.len().min(bytes.len());
                    space[..n].copy_from_slice(&bytes[..n]);
                    inbox.commit(n);
                    bytes = &bytes[n..];
                    if !bytes.is_empty() {
                        self.poll_line(line);
                    }
                }
                Err(e) => drop(inbox.replace(vec![0; Grow::new(What::Inbox, e).to]).unwrap()),
            }
        }
    }

    /// The server ends a line, or it fails.
    pub fn end(&mut self, line: Line, is_error: bool) {
        if !self.wires[line as usize].is_open {
            return;
        }
        self.told.push(format!("close {line:?}"));
        if is_error {
            self.wires[line as usize].is_open = false;
            self.client.handle_error(line, at(self.now));
        } else {
            self.client.handle_eof(line, at(self.now));
        }
        self.turn();
    }

    /// One line, until nothing is left to do. A task can follow what was read.
    pub fn poll_line(&mut self, line: Line) {
        while self.poll(Some(line)) || self.poll(Some(line)) {}
    }

    /// All lines, until nothing is left to do. Nothing is written.
    pub fn poll_all(&mut self) {
        for _ in 0..1000 {
            let mut did = false;
            for line in Line::ALL {
                did |= self.poll(Some(line));
            }
            if !did && !self.poll(None) {
                return;
            }
        }
        panic!("it spins: {:?}", self.told);
    }

    /// What happens without waiting.
    pub fn turn(&mut self) {
        for _ in 0..1000 {
            self.poll_all();
            assert!(
                self.client.poll_timeout().is_none_or(|due| due > at(self.now)),
                "it spins: {:?} {} {:?}",
                self.told,
                self.now,
                self.client
            );
            let did = Line::ALL.into_iter().any(|line| self.transmit(line));
            let is_due = self.client.poll_timeout().is_some_and(|due| due <= at(self.now));
            if !did && !is_due {
                return;
            }
        }
        panic!("it spins: {:?}", self.told);
    }

    fn transmit(&mut self, line: Line) -> bool {
        let wire = &mut self.wires[line as usize];
        if !wire.is_open {
            return false;
        }
        self.calls += 1;
        while let Err(grow) = self.client.transmit(line, &mut wire.outbox, at(self.now)) {
            assert_eq!(grow.what, What::Output);
            drop(wire.outbox.replace(vec![0; grow.to]).unwrap());
        }
        let bytes = wire.outbox.written();
        let n = bytes.len().min(self.takes);
        wire.sent.extend_from_slice(&bytes[..n]);
        wire.outbox.consume(n);
        n > 0 && self.takes == usize::MAX
    }

    /// Takes all slots for acknowledgements: there are this many.
    pub fn fill_acks(&mut self, namespace: Namespace, n: u32) {
        use sansocket::{endpoint::client::Emit, socketio::SendError};
        for token in 0..n {
            assert_eq!(self.client.emit_with(namespace, "x", &(), Emit::new().ask(token, None)), Ok(true));
        }
        let full = self.client.emit_with(namespace, "x", &(), Emit::new().ask(n, None));
        assert!(matches!(full, Err(SendError::Acks(_))), "{full:?}");
    }

    /// `true`: there was something to do.
    pub fn poll(&mut self, line: Option<Line>) -> bool {
        self.calls += 1;
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
                    assert_eq!(grow.what, What::Inbox);
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
                    self.requests.push(request);
                }
                format!("{}{}", tell(&event), " file".repeat(attachments.into_iter().count()))
            }
            Step::Failed { failure, attempt, retry } => {
                format!("failed {failure:?} {attempt} {:?}", retry.map(|retry| retry.as_millis() - self.now))
            }
            Step::Over(over) => {
                assert!(wires.iter().all(|wire| !wire.is_open), "all lines are closed {:?}", self.told);
                format!("over {over:?}")
            }
            Step::Auth(namespace) => format!("auth {}", NAMES[usize::from(namespace.0)]),
            Step::Open(line) => {
                let Wire { inbox, outbox, is_open, opened, .. } = &mut wires[line as usize];
                *opened += 1;
                *is_open = self.is_reachable;
                if self.is_reachable {
                    client.opened(line, inbox, outbox, [7; 16]);
                } else {
                    client.handle_error(line, now);
                    self.told.push(format!("close {line:?}"));
                    return true;
                }
                format!("open {line:?}")
            }
            Step::Close(line) => {
                let wire = &mut wires[line as usize];
                wire.sent.extend_from_slice(wire.outbox.written());
                wire.outbox.consume(usize::MAX);
                wire.is_open = false;
                format!("close {line:?}")
            }
        };
        self.told.push(text);
        true
    }
}

pub fn tell(event: &Event<'_>) -> String {
    let name = |n: &Namespace| NAMES[usize::from(n.0)];
    match event {
        Event::Opened => "opened".into(),
        Event::Connected { namespace, is_recovered, .. } => {
            format!("connected {}{}", name(namespace), if *is_recovered { " again" } else { "" })
        }
        Event::Refused { namespace, .. } => format!("refused {}", name(namespace)),
        Event::Event(e) => format!("event {} {}", name(&e.namespace), String::from_utf8_lossy(e.args().raw())),
        Event::Ack(a) => format!("ack {:?} {}", a.token, String::from_utf8_lossy(a.args().raw())),
        Event::AckFailed { token, error, .. } => format!("no ack {token} {error:?}"),
        Event::Disconnected { namespace, reason } => format!("left {} {reason}", name(namespace)),
        other => format!("{other:?}"),
    }
}
