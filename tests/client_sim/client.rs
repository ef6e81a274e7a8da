//! The client's side: its lines, its memory, and an application that keeps a ledger.

use crate::{
    app::file,
    ledger::{Kind, Ledger, Told},
    net::{End, Net},
    note::{Todo, note},
    server::Conn,
    support::Random,
    trace,
};
use sansocket::{
    endpoint::{
        Grow, What,
        client::{ClientEnd, Emit, Line, Link, Over, Step, WhenFull},
    },
    json::Json,
    socketio::{
        AckRequest, AckSlot, Attachments, Binary, Collector, Namespace, Placeholder, SendError, StateError,
        client::SocketSlot,
    },
    time::Instant,
    ws::{Inbox, Outbox},
};

pub type Client<L> = ClientEnd<L, [&'static str; 3], Vec<AckSlot>, Vec<SocketSlot>, Vec<u8>>;
type Keys = fn() -> [u8; 4];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Closed,
    /// It is being opened. At `due` that succeeds or fails; `None`: nobody answers.
    Opening {
        due: u64,
        succeeds: Option<bool>,
    },
    Open(u32),
}

/// A line with its memory.
pub struct Wire {
    pub state: State,
    pub inbox: Inbox<Vec<u8>>,
    pub outbox: Outbox<Vec<u8>, Keys>,
}

/// How the memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Small, and it grows when a call asks for that.
    Grows,
    /// It is enough, and stays as it is.
    Fixed,
}

pub struct Host<L> {
    pub client: Client<L>,
    pub wires: [Wire; 3],
    collector: Collector<Vec<u8>>,
    memory: Memory,
    pub when_full: WhenFull,
    /// The socket of each namespace, and the last one that it had.
    pub sockets: [Option<usize>; 3],
    last: [Option<usize>; 3],
    requests: Vec<(AckRequest, Namespace, usize, u32)>,
    /// Namespaces that ask for credentials.
    asks: Vec<Namespace>,
    tokens: u32,
    pub over: Option<Over>,
    pub reach: Reach,
    pub is_reachable: bool,
}

/// What becomes of an attempt to open a line, each out of 100.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    pub fails: usize,
    pub hangs: usize,
    /// The longest time that it takes, in milliseconds.
    pub delay: usize,
    /// Connections that are cut after some bytes.
    pub fuses: usize,
}

const fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

impl<L: Link> Host<L> {
    pub fn new(client: Client<L>, memory: Memory, when_full: WhenFull, reach: Reach) -> Self {
        let (inbox, outbox) = if memory == Memory::Grows { (0, 0) } else { (2048, 600) };
        let wire = |_| Wire {
            state: State::Closed,
            inbox: Inbox::new(vec![0; inbox]),
            outbox: Outbox::with_keys(vec![0; outbox], (|| [1, 2, 3, 4]) as Keys),
        };
        let collector = Collector::new(vec![0; inbox]);
        let wires = [0, 1, 2].map(wire);
        let (sockets, last) = ([None; 3], [None; 3]);
        let client = client.with_when_full(when_full);
        let (requests, asks) = (Vec::new(), Vec::new());
        Self {
            client,
            wires,
            collector,
            memory,
            when_full,
            sockets,
            last,
            requests,
            asks,
            tokens: 0,
            over: None,
            reach,
            is_reachable: true,
        }
    }

    /// Everything that does not have to wait.
    pub fn turn(&mut self, net: &mut Net, ledger: &mut Ledger, random: &mut Random, now: u64) {
        for _ in 0..500 {
            let mut is_busy = self.open_lines(net, random, now);
            let first = random.below(3);
            for line in (0..3).map(|i| Line::ALL[(first + i) % 3]) {
                is_busy |= self.poll(line, ledger, random, net, now);
            }
            loop {
                let step = self.client.handle_timeout(at(now));
                if let Step::Idle = step {
                    break;
                }
                is_busy = true;
                let todo = note(step, &mut self.sockets, &mut self.last, &mut self.requests, ledger);
                self.act(todo, net, random, now);
            }
            let due = self.client.poll_timeout();
            assert!(due.is_none_or(|due| due > at(now)), "{due:?} has come, at {now}");
            for line in Line::ALL {
                is_busy |= self.transmit(line, net, ledger, random, now);
            }
            if !is_busy && self.client.poll_timeout().is_none_or(|due| due > at(now)) {
                return;
            }
        }
        let states = self.wires.each_ref().map(|wire| (wire.state, wire.outbox.held()));
        panic!("the client spins: {:?} at {now}, {states:?}", self.client.poll_timeout());
    }

    /// The events of what a line has received.
    fn poll(&mut self, line: Line, ledger: &mut Ledger, random: &mut Random, net: &mut Net, now: u64) -> bool {
        let mut is_busy = false;
        for _ in 0..2000 {
            let Self { client, wires, collector, sockets, last, requests, .. } = self;
            let step = match client.poll(line, &mut wires[line as usize].inbox, collector, at(now)) {
                Ok(Step::Idle) => return is_busy,
                Ok(step) => step,
                Err(Grow { what, to }) => {
                    assert_eq!(self.memory, Memory::Grows, "{what:?} of {to}");
                    match what {
                        What::Collector => drop(self.collector.replace(vec![0; to]).unwrap()),
                        _ => drop(self.wires[line as usize].inbox.replace(vec![0; to]).unwrap()),
                    }
                    continue;
                }
            };
            is_busy = true;
            let todo = note(step, sockets, last, requests, ledger);
            self.act(todo, net, random, now);
        }
        panic!("the client spins");
    }

    fn act(&mut self, todo: Todo, net: &mut Net, random: &mut Random, now: u64) {
        match todo {
            Todo::Nothing => {}
            Todo::Over(over) => {
                let is_limited = self.client.link().config().namespace() == "/limited";
                let is_right = if over == Over::GaveUp { is_limited } else { !self.client.io().wants_any() };
                assert!(is_right, "it does not connect again: {over:?}");
                self.over = Some(over);
            }
            Todo::Open(line) => {
                let wire = &mut self.wires[line as usize];
                if let State::Open(id) = wire.state {
                    // The server has ended the old one.
                    let pipe = net.pipe(id).expect("the client holds it");
                    assert!(pipe.down.is_over(), "{line:?} is open");
                    hang_up(net, id);
                }
                assert!(!matches!(wire.state, State::Opening { .. }), "{line:?} is being opened");
                let lot = random.below(100);
                let Reach { fails, hangs, delay, .. } = self.reach;
                let succeeds = if lot < hangs { None } else { Some(lot >= hangs + fails) };
                wire.state = State::Opening { due: now + random.below(delay + 1) as u64, succeeds };
            }
            Todo::Close(line) => {
                let wire = &mut self.wires[line as usize];
                if let State::Open(id) = wire.state {
                    let pipe = net.pipe(id).expect("the client holds it");
                    pipe.up.push(wire.outbox.written());
                    hang_up(net, id);
                }
                wire.state = State::Closed;
            }
            Todo::Auth(namespace) if random.below(3) == 0 => self.asks.push(namespace),
            Todo::Auth(namespace) => self.authorize(namespace),
        }
    }

    fn authorize(&mut self, namespace: Namespace) {
        #[derive(serde::Serialize)]
        struct Auth {
            token: u32,
        }
        self.tokens += 1;
        match self.client.authorize(namespace, Some(&Json(Auth { token: self.tokens }))) {
            Ok(()) | Err(SendError::State(_)) => {}
            Err(e) => panic!("{e}"),
        }
    }

    fn open_lines(&mut self, net: &mut Net, random: &mut Random, now: u64) -> bool {
        let mut did = false;
        for line in Line::ALL {
            let wire = &mut self.wires[line as usize];
            let State::Opening { due, succeeds: Some(succeeds) } = wire.state else { continue };
            if due > now {
                continue;
            }
            did = true;
            trace!("{line:?} opens: {}", succeeds && self.is_reachable);
            if succeeds && self.is_reachable {
                let fuse = (random.below(100) < self.reach.fuses).then(|| random.below(3000));
                wire.state = State::Open(net.open(line, Conn::new(), fuse));
                let nonce = [random.below(256) as u8; 16];
                self.client.opened(line, &mut wire.inbox, &mut wire.outbox, nonce);
            } else {
                wire.state = State::Closed;
                self.client.handle_error(line, at(now));
            }
        }
        did
    }

    /// Writes into the outbox of a line, and some of that into its connection. `true`: something was written.
    fn transmit(&mut self, line: Line, net: &mut Net, ledger: &mut Ledger, random: &mut Random, now: u64) -> bool {
        let wire = &mut self.wires[line as usize];
        let State::Open(id) = wire.state else { return false };
        let last = self.last;
        while let Err(Grow { what, to }) =
            self.client.transmit_watched(line, &mut wire.outbox, at(now), &mut |seen| ledger.see(seen, &last))
        {
            assert_eq!((what, self.memory), (What::Output, Memory::Grows), "of {to}");
            let _ = wire.outbox.replace(vec![0; to]);
        }
        let Some(pipe) = net.pipe(id) else { panic!("the client holds it") };
        // The socket takes what it likes.
        let held = wire.outbox.held();
        let room = 1000_usize.saturating_sub(pipe.up.len());
        let n = if random.below(2) == 0 { held } else { random.below(held + 1) }.min(room);
        trace!("{line:?} {id} sends {:?}", String::from_utf8_lossy(&wire.outbox.written()[..n]));
        pipe.up.push(&wire.outbox.written()[..n]);
        wire.outbox.consume(n);
        n > 0
    }

    /// The connection of a line has ended.
    pub fn ended(&mut self, line: Line, end: End, net: &mut Net, now: u64) {
        let wire = &mut self.wires[line as usize];
        let State::Open(id) = wire.state else { return };
        trace!("{line:?} ends: {end:?}");
        match end {
            // The line is closed by a task.
            End::Eof => self.client.handle_eof(line, at(now)),
            End::Error => {
                wire.state = State::Closed;
                hang_up(net, id);
                self.client.handle_error(line, at(now));
            }
        }
    }

    /// Emits an event of any kind.
    pub fn emit(&mut self, ledger: &mut Ledger, random: &mut Random, now: u64) {
        let namespace = Namespace(random.below(3) as u16);
        let number = ledger.events.len() as u32;
        let (mut how, mut kind, is_asked, mut most) = (Emit::new(), Kind::Plain, random.below(3) == 0, 1);
        let mut may_vanish = self.when_full == WhenFull::DropOldest;
        if is_asked {
            let deadline = (random.below(2) == 0).then(|| at(now + random.below(20_000) as u64));
            may_vanish |= deadline.is_some();
            how = how.ask(number, deadline);
        }
        match random.below(8) {
            0 | 1 => {
                kind = Kind::Retried;
                may_vanish = self.when_full == WhenFull::DropOldest;
                let retries = random.below(4);
                most += retries as u32;
                how = how.retry(retries as u8, 1 + random.below(5000) as u32);
            }
            2 => {
                (kind, may_vanish) = (Kind::Volatile, true);
                how = how.volatile();
            }
            _ => {}
        }
        let held = self.client.held();
        let file = file(number);
        let files: [&[u8]; 2] = [&file; 2];
        let result = if random.below(5) == 0 {
            let content = Binary((number, Placeholder(0), Placeholder(1)), Attachments::from(&files[..]));
            self.client.emit_with(namespace, "e", &content, how)
        } else {
            self.client.emit_with(namespace, "e", &(number, &"x".repeat(random.below(150)).as_str()), how)
        };
        let event = Told {
            namespace,
            kind,
            is_asked,
            may_vanish,
            written: 0,
            most,
            heard: 0,
            is_answered: false,
            is_expired: false,
            is_ended: false,
        };
        trace!("emit {result:?} {event:?}");
        match result {
            Ok(true) => ledger.events.push(event),
            Ok(false) => assert!(kind == Kind::Volatile || self.when_full == WhenFull::DropNewest),
            Err(SendError::Capacity(_) | SendError::Acks(_)) => {
                assert!(self.client.held() <= held, "a refused call adds nothing");
            }
            Err(e) => panic!("{e}"),
        }
    }

    /// Answers a request of the server.
    pub fn answer(&mut self, ledger: &mut Ledger, random: &mut Random) {
        if self.requests.is_empty() {
            return;
        }
        let (request, namespace, socket, number) = self.requests.swap_remove(random.below(self.requests.len()));
        let file = file(number);
        let files: [&[u8]; 1] = [&file];
        let result = match random.below(4) {
            0 => self.client.ack(request, &Binary((number, Placeholder(0)), Attachments::from(&files[..]))),
            _ => self.client.ack(request, &number),
        };
        let is_its = self.sockets[usize::from(namespace.0)] == Some(socket);
        match result {
            Ok(()) => {
                assert!(is_its, "the answer to an earlier connection");
                ledger.questions[number as usize].is_answered = true;
            }
            Err(SendError::State(StateError::Stale | StateError::NotConnected)) => {
                assert!(!is_its || !self.client.io().is_connected(namespace));
            }
            Err(SendError::Capacity(_)) => self.requests.push((request, namespace, socket, number)),
            Err(e) => panic!("{e}"),
        }
    }

    pub fn answer_all(&mut self, ledger: &mut Ledger, random: &mut Random) {
        for _ in 0..self.requests.len() {
            self.answer(ledger, random);
        }
        while let Some(namespace) = self.asks.pop() {
            self.authorize(namespace);
        }
    }

    pub fn disconnect(&mut self, namespace: Namespace, ledger: &mut Ledger) {
        self.leave(namespace, ledger);
        self.client.disconnect(namespace);
    }

    /// Leaves all namespaces.
    pub fn close(&mut self, ledger: &mut Ledger) {
        for namespace in [0, 1, 2].map(Namespace) {
            self.leave(namespace, ledger);
        }
        self.client.close();
    }

    fn leave(&self, namespace: Namespace, ledger: &mut Ledger) {
        if self.client.io().is_connected(namespace) {
            // What waits belongs to this connection now.
            let of = |event: &&mut Told| event.namespace == namespace && event.kind != Kind::Retried;
            ledger.events.iter_mut().filter(of).for_each(|event| event.may_vanish = true);
        }
    }

    /// Exchanges memory for other memory.
    pub fn replace(&mut self, random: &mut Random) {
        let wire = &mut self.wires[random.below(3)];
        if self.memory == Memory::Grows {
            let (held, more) = (wire.inbox.held(), random.below(300));
            assert!(wire.inbox.replace(vec![0xaa; held + more]).is_ok());
            let (held, more) = (wire.outbox.held(), random.below(300));
            assert!(wire.outbox.replace(vec![0xaa; held + more]).is_ok());
        }
        let (held, more) = (self.client.held(), 700 + random.below(300));
        assert!(self.client.replace_backlog(vec![0xaa; held + more]).is_ok());
    }

    /// No line is open and nothing is waited for.
    pub fn is_at_rest(&self) -> bool {
        self.wires.iter().all(|wire| wire.state == State::Closed) && self.client.poll_timeout().is_none()
    }
}

/// The client closes its side.
fn hang_up(net: &mut Net, id: u32) {
    if let Some(pipe) = net.pipe(id) {
        pipe.up.finish();
        pipe.is_held = false;
    }
}
