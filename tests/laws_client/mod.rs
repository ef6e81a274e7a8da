//! The laws of the fuzz targets of the client. They are also run by `laws_client.rs`, over generated data and over `fuzz/seeds`.

mod engine;
mod session;
mod words;

use sansocket::{
    endpoint::{
        Grow, What,
        client::{ClientEnd, Config, Emit, FullLink, Line, Link, Memory, Step, WebSocketLink, WhenFull},
    },
    engineio::Transport,
    json::Json,
    socketio::{
        AckRequest, AckSlot, Attachments, Binary, Collector, Namespace, Placeholder,
        client::{Event, SocketSlot},
    },
    time::Instant,
    ws::{self, Inbox, Outbox},
};
use std::collections::BTreeSet;
use words::{OPEN, answer, frame, speech, switching};

/// A server that says anything to a session of Engine.IO, or of Socket.IO.
pub fn hostile_server(data: &[u8]) {
    match data {
        [(0x80..), rest @ ..] => engine::engine(rest),
        _ => session::session(data),
    }
}

const NAMES: [&str; 3] = ["/", "/b", "/c"];
const NONCE: [u8; 16] = [7; 16];

type Client<L> = ClientEnd<L, [&'static str; 3], Vec<AckSlot>, Vec<SocketSlot>, Vec<u8>>;
type Keys = fn() -> [u8; 4];

struct Wire {
    is_open: bool,
    inbox: Inbox<Vec<u8>>,
    outbox: Outbox<Vec<u8>, Keys>,
}

/// A client whose caller does anything.
struct Host<L> {
    client: Client<L>,
    wires: [Wire; 3],
    collector: Collector<Vec<u8>>,
    /// Memory grows when a call asks for that; otherwise the caller gives the line up.
    grows: bool,
    /// Which lines can be opened.
    opens: [bool; 3],
    now: u64,
    told: Vec<String>,
    requests: Vec<AckRequest>,
    /// Acknowledgements that have not ended.
    asked: BTreeSet<u32>,
    tokens: u32,
}

impl<L: Link> Host<L> {
    fn new(link: L, kind: u8) -> Self {
        let grows = kind & 1 == 0;
        let size = if grows { 0 } else { 400 };
        let memory =
            Memory { acks: vec![AckSlot::EMPTY; 2], sockets: vec![SocketSlot::EMPTY; 2], backlog: vec![0; 250] };
        let policy = [WhenFull::Refuse, WhenFull::DropOldest, WhenFull::DropNewest][usize::from(kind >> 1) % 3];
        let mut client = ClientEnd::new(link, NAMES, memory, 1).with_when_full(policy);
        if kind & 16 != 0 {
            client = client.with_auth(60);
        }
        let wire = |_| Wire {
            is_open: false,
            inbox: Inbox::new(vec![0; size]),
            outbox: Outbox::with_keys(vec![0; size], (|| [1, 2, 3, 4]) as Keys),
        };
        Self {
            client,
            wires: [0, 1, 2].map(wire),
            collector: Collector::new(vec![0; size / 4]),
            grows,
            opens: [true; 3],
            now: 0,
            told: Vec::new(),
            requests: Vec::new(),
            asked: BTreeSet::new(),
            tokens: 0,
        }
    }

    const fn at(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// Lets bytes arrive, as many as there is room for. Returns how many.
    fn feed(&mut self, line: Line, bytes: &[u8]) -> usize {
        let wire = &mut self.wires[line as usize];
        if !wire.is_open {
            return bytes.len();
        }
        match wire.inbox.space() {
            Ok(space) => {
                let n = space.len().min(bytes.len());
                space[..n].copy_from_slice(&bytes[..n]);
                wire.inbox.commit(n);
                n
            }
            Err(e) if self.grows => {
                drop(wire.inbox.replace(vec![0; e.needed.max(64)]).unwrap());
                0
            }
            Err(_) => bytes.len(),
        }
    }

    /// A call needs more memory.
    fn grow(&mut self, line: Line, grow: Grow) {
        let wire = &mut self.wires[line as usize];
        let size = match grow.what {
            What::Inbox => wire.inbox.held(),
            What::Output => wire.outbox.held(),
            _ => self.collector.size(),
        };
        assert!(grow.to > size, "{grow:?}");
        if !self.grows {
            wire.is_open = false;
            return self.client.handle_error(line, Instant::from_millis(self.now));
        }
        match grow.what {
            What::Inbox => drop(wire.inbox.replace(vec![0; grow.to]).unwrap()),
            What::Output => assert!(wire.outbox.replace(vec![0; grow.to]).is_ok()),
            _ => drop(self.collector.replace(vec![0; grow.to]).unwrap()),
        }
    }

    /// One call of `poll`. `false`: there was nothing to do.
    fn poll(&mut self, line: Line) -> bool {
        let now = self.at();
        let Self { client, wires, collector, .. } = self;
        match client.poll(line, &mut wires[line as usize].inbox, collector, now) {
            Ok(Step::Idle) => false,
            Ok(step) => {
                let todo = note(&step, &mut self.told, &mut self.requests, &mut self.asked);
                self.act(todo);
                true
            }
            Err(grow) => {
                self.grow(line, grow);
                true
            }
        }
    }

    fn act(&mut self, todo: Option<(Line, bool)>) {
        let Some((line, opens)) = todo else { return };
        let now = self.at();
        let wire = &mut self.wires[line as usize];
        wire.is_open = opens && self.opens[line as usize];
        if wire.is_open {
            self.client.opened(line, &mut wire.inbox, &mut wire.outbox, NONCE);
        } else if opens {
            self.client.handle_error(line, now);
        } else {
            wire.outbox.consume(usize::MAX);
        }
    }

    fn transmit(&mut self, line: Line) {
        while self.wires[line as usize].is_open {
            let now = self.at();
            match self.client.transmit(line, &mut self.wires[line as usize].outbox, now) {
                Ok(()) => return,
                Err(grow) => self.grow(line, grow),
            }
        }
    }

    /// Everything that does not have to wait, as long as nothing is written.
    fn turn(&mut self) {
        for _ in 0..2000 {
            let mut is_busy = false;
            for line in Line::ALL {
                is_busy |= self.poll(line);
            }
            let step = self.client.handle_timeout(self.at());
            if let Step::Idle = step {
                assert!(self.client.poll_timeout().is_none_or(|due| due > self.at()), "nothing is left to do");
            } else {
                is_busy = true;
                let todo = note(&step, &mut self.told, &mut self.requests, &mut self.asked);
                self.act(todo);
            }
            for line in Line::ALL {
                self.transmit(line);
            }
            if !is_busy && self.client.poll_timeout().is_none_or(|due| due > self.at()) {
                return;
            }
        }
        panic!("it spins");
    }

    /// A call that is refused must leave everything as it was.
    fn call(&mut self, op: u8, arg: u8) {
        let (io, held, now) = (self.client.io().clone(), self.client.held(), self.at());
        let namespace = Namespace(u16::from(arg % 4));
        let is_refused = match op {
            0 => self.client.connect(namespace, now).is_err(),
            1 => match self.requests.pop() {
                Some(request) => self.client.ack(request, &(u32::from(arg), "yes")).is_err(),
                None => return,
            },
            2 => {
                #[derive(serde::Serialize)]
                struct Auth {
                    token: u8,
                }
                self.client.authorize(namespace, Some(&Json(Auth { token: arg }))).is_err()
            }
            _ => {
                let token = self.tokens;
                let mut how = Emit::new();
                let is_asked = arg & 4 != 0;
                if is_asked {
                    how = how.ask(token, (arg & 8 != 0).then(|| now.after_millis(u64::from(arg) * 20)));
                }
                how = match op {
                    3 => how.volatile(),
                    4 => how.retry(arg & 3, u32::from(arg) * 10),
                    _ => how,
                };
                let files: [&[u8]; 1] = [&[arg; 9]];
                let result = if arg & 32 == 0 {
                    let long = "x".repeat(usize::from(arg >> 1));
                    self.client.emit_with(namespace, "e", &(token, long.as_str()), how)
                } else {
                    let content = Binary((token, Placeholder(0)), Attachments::from(&files[..]));
                    self.client.emit_with(namespace, "e", &content, how)
                };
                if result == Ok(true) && is_asked {
                    self.asked.insert(token);
                    self.tokens += 1;
                }
                result.is_err()
            }
        };
        if is_refused {
            assert_eq!(io, *self.client.io());
            assert!(self.client.held() <= held, "only what is dead is removed");
        }
    }
}

/// Notes what a step tells. Returns the line that is to be opened or closed.
fn note(
    step: &Step<'_>,
    told: &mut Vec<String>,
    requests: &mut Vec<AckRequest>,
    asked: &mut BTreeSet<u32>,
) -> Option<(Line, bool)> {
    match step {
        Step::Open(line) => return Some((*line, true)),
        Step::Close(line) => return Some((*line, false)),
        Step::Idle | Step::Again => return None,
        Step::Event(Event::Event(e), _) => requests.extend(e.ack),
        Step::Event(Event::Ack(ack), _) => {
            assert!(ack.token.is_none_or(|token| asked.remove(&token)), "an acknowledgement that nobody waits for");
        }
        Step::Event(Event::AckFailed { token, .. }, _) => assert!(asked.remove(token), "it ends twice"),
        _ => {}
    }
    let files = if let Step::Event(_, files) = step { files.into_iter().collect::<Vec<_>>() } else { Vec::new() };
    let text = if let Step::Event(event, _) = step { format!("{event:?}") } else { format!("{step:?}") };
    told.push(format!("{text} {files:?}"));
    None
}

/// Any order of calls, with a server that says anything: nothing panics or spins, a refused call changes nothing, each acknowledgement ends once, and
/// after a close the client comes to rest. And however the bytes are cut, the events are the same.
pub fn client_operations(data: &[u8]) {
    let Some((&kind, data)) = data.split_first() else { return };
    let config = Config::parse("http://h").unwrap().limits(ws::Limits::new().message(700));
    let socket = config.transports(&[Transport::WebSocket]);
    match kind >> 5 {
        0 | 1 => operate(Host::new(WebSocketLink::new(&config), kind), data),
        2 | 3 => operate(Host::new(FullLink::new(&config), kind), data),
        4 => operate(Host::new(FullLink::new(&socket), kind), data),
        n => {
            let run = |step| match n {
                5 => dialogue(WebSocketLink::new(&config), Line::WebSocket, data, step),
                6 => dialogue(FullLink::new(&config), Line::Get, data, step),
                _ => dialogue(FullLink::new(&socket), Line::WebSocket, data, step),
            };
            let whole = run(usize::MAX);
            assert_eq!(whole, run(1));
            assert_eq!(whole, run(usize::from(kind & 31) + 2));
        }
    }
}

fn operate<L: Link>(mut host: Host<L>, mut data: &[u8]) {
    while let [op, arg, rest @ ..] = data {
        data = rest;
        let line = Line::ALL[usize::from(*op) / 24 % 3];
        let namespace = Namespace(u16::from(arg % 4));
        match op % 24 {
            0..=4 => drop(host.feed(line, &speech(line, *arg))),
            5 => {
                let (bytes, rest) = data.split_at(data.len().min(usize::from(arg % 32)));
                data = rest;
                host.feed(line, bytes);
            }
            6..=8 => host.call(0, *arg),
            9..=11 => host.call(5, *arg),
            12 => host.call(3, *arg),
            13 => host.call(4, *arg),
            14 => host.call(1, *arg),
            15 => host.call(2, *arg),
            16 => match arg % 4 {
                0 => host.client.close(),
                _ => host.client.disconnect(namespace),
            },
            17 if host.wires[line as usize].is_open => match arg % 2 {
                0 => host.client.handle_eof(line, host.at()),
                _ => {
                    host.wires[line as usize].is_open = false;
                    host.client.handle_error(line, host.at());
                }
            },
            18 => host.now += u64::from(*arg) * 100,
            19 => host.wires[line as usize].outbox.consume(usize::from(*arg)),
            20 => {
                let size = host.client.held() + usize::from(*arg);
                assert!(host.client.replace_backlog(vec![0xaa; size]).is_ok());
            }
            21 => drop(host.poll(line)),
            22 => host.transmit(line),
            _ => host.opens[line as usize] = arg % 4 > 0,
        }
        // Events are handled before the line is read again.
        if op % 24 < 6 || arg % 2 == 0 {
            host.turn();
        }
    }
    host.opens = [false; 3];
    host.client.close();
    for _ in 0..1000 {
        host.turn();
        host.wires.iter_mut().for_each(|wire| wire.outbox.consume(usize::MAX));
        match host.client.poll_timeout() {
            Some(due) => host.now = due.as_millis(),
            None => {
                assert!(host.wires.iter().all(|wire| !wire.is_open), "every line is closed");
                return;
            }
        }
    }
    panic!("it does not come to rest");
}

/// What a client is told by a server whose words are in `data`, in pieces of `step` bytes.
fn dialogue<L: Link>(link: L, line: Line, mut data: &[u8], step: usize) -> Vec<String> {
    let mut host = Host::new(link, 0);
    host.opens[0] = line == Line::WebSocket;
    host.client.connect(Namespace(0), host.at()).unwrap();
    host.client.connect(Namespace(1), host.at()).unwrap();
    host.turn();
    let mut words = vec![if line == Line::WebSocket { switching() } else { answer(OPEN, false) }];
    if line == Line::WebSocket {
        words.push(frame(0x81, OPEN));
    }
    while let [len, rest @ ..] = data {
        let (word, rest) = rest.split_at(rest.len().min(usize::from(len % 64)));
        data = rest;
        words.push(match (line, len >> 6) {
            (_, 0) if word.len() == 1 => speech(line, word[0] | 0x40),
            (Line::WebSocket, 1) => frame(0x82, word),
            (Line::WebSocket, 0 | 2) => frame(0x81, word),
            (Line::Get, n @ 0..3) => answer(word, n == 1),
            _ => word.to_vec(),
        });
    }
    for word in words {
        if line == Line::Get {
            // What is not asked for closes the connection.
            let asks = host.wires[Line::Get as usize].outbox.held() > 0;
            if !asks {
                break;
            }
        }
        host.wires.iter_mut().for_each(|wire| wire.outbox.consume(usize::MAX));
        let mut rest = &word[..];
        while !rest.is_empty() {
            let n = host.feed(line, &rest[..rest.len().min(step)]);
            rest = &rest[n..];
            host.turn();
        }
    }
    host.told
}
