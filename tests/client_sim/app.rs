//! The server's application: a session, what waits for it, and what it says.

use crate::{
    ledger::{Ledger, NAMES, Question},
    server::Settings,
    support::Random,
    trace,
};
use sansocket::{
    endpoint::{Grow, ServerEnd, Step, What},
    engineio::{self, Packets, Transport, server::Config},
    socketio::{
        AckRequest, AckSlot, Attachments, Binary, Collector, ExpectAck, Namespace, Placeholder, SendError, Sid,
        StateError, server::Event,
    },
    time::Instant,
    ws::{self, Inbox, Out},
};

/// What an event or acknowledgement carries with this number.
pub fn file(number: u32) -> [u8; 40] {
    [number as u8; 40]
}

/// The number in the arguments. Their attachments are checked.
pub fn number_of(mut args: sansocket::json::Elements<'_>, files: Attachments<'_>) -> u32 {
    let number = args.next().unwrap().as_u64().unwrap() as u32;
    assert!(files.into_iter().all(|f| f == file(number)), "the attachments of {number}");
    assert_eq!(args.filter(|a| Placeholder::of(*a).is_some()).count(), files.into_iter().count());
    number
}

pub struct Peer {
    pub number: u32,
    pub end: ServerEnd<[&'static str; 3], Vec<AckSlot>>,
    collector: Collector<Vec<u8>>,
    /// Frames that wait.
    pub queue: Vec<u8>,
    /// The connection whose GET waits.
    pub get: Option<u32>,
    pub socket: Option<u32>,
    /// The end was told.
    pub is_told: bool,
    /// The socket of each namespace.
    pub sockets: [Option<usize>; 3],
    /// Requests that are not answered yet.
    pub requests: Vec<(AckRequest, u32)>,
    /// Questions that have not ended.
    pub asked: Vec<u32>,
}

/// What is used up while something is handled.
struct Hand<'h> {
    io: &'h mut sansocket::socketio::server::Session<[&'static str; 3], Vec<AckSlot>>,
    queue: &'h mut Vec<u8>,
}

impl Hand<'_> {
    /// Writes a packet into the queue. The memory grows.
    fn say<R>(
        &mut self,
        mut write: impl FnMut(&mut Session, &mut Out<'_, ws::Stored>) -> Result<R, SendError>,
    ) -> Option<R> {
        let mut memory = vec![0; 256];
        loop {
            let mut out = Out::stored(&mut memory);
            match write(self.io, &mut out) {
                Ok(result) => {
                    self.queue.extend_from_slice(out.written());
                    return Some(result);
                }
                Err(SendError::State(StateError::Stale | StateError::NotConnected)) => return None,
                Err(e) => match Grow::of(&e) {
                    Some(Grow { what: What::Acks, to }) => {
                        drop(self.io.replace_acks(vec![AckSlot::EMPTY; to]).unwrap())
                    }
                    Some(grow) => memory.resize(grow.to, 0),
                    None => panic!("{e}"),
                },
            }
        }
    }
}

type Session = sansocket::socketio::server::Session<[&'static str; 3], Vec<AckSlot>>;

impl Peer {
    pub fn open(number: u32, transport: Transport, settings: &Settings, now: u64) -> Self {
        let sid = engineio::Sid::from_random([number as u8; 15].map(|b| b.wrapping_add((number >> 8) as u8)));
        let config = Config::new()
            .ping_interval(settings.ping_interval)
            .ping_timeout(settings.ping_timeout)
            .upgrade_timeout(3000)
            .max_payload(1500);
        let limits = ws::Limits::new().message(1500);
        let now = Instant::from_millis(now);
        Self {
            number,
            end: ServerEnd::open(transport, sid, config, limits, NAMES, Vec::new(), now),
            collector: Collector::new(Vec::new()),
            queue: Vec::new(),
            get: None,
            socket: None,
            is_told: false,
            sockets: [None; 3],
            requests: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// It ends without a word.
    pub fn forget(self, ledger: &mut Ledger) {
        for question in self.asked {
            ledger.end_question(question, None);
        }
    }

    /// Reads from a WebSocket. `false`: nothing was done.
    pub fn read(
        &mut self,
        inbox: &mut Inbox<Vec<u8>>,
        ledger: &mut Ledger,
        random: &mut Random,
        settings: &Settings,
        now: u64,
    ) -> bool {
        let at = Instant::from_millis(now);
        let mut is_busy = false;
        loop {
            self.transmit();
            let Self { end, collector, .. } = self;
            let step = match end.poll(inbox, collector, at) {
                Ok(Step::Idle) => return is_busy,
                Ok(step) => step,
                Err(Grow { what: What::Collector, to }) => {
                    drop(self.collector.replace(vec![0; to]).unwrap());
                    continue;
                }
                Err(grow) => {
                    drop(inbox.replace(vec![0; grow.to]).unwrap());
                    continue;
                }
            };
            is_busy = true;
            let Self { end, queue, sockets, requests, asked, is_told, .. } = self;
            react(step, end, queue, sockets, requests, asked, is_told, ledger, random, settings);
        }
    }

    pub fn post(
        &mut self,
        packets: &mut Packets<'_>,
        ledger: &mut Ledger,
        random: &mut Random,
        settings: &Settings,
        now: u64,
    ) {
        loop {
            let Self { end, collector, .. } = self;
            let step = match end.poll_post(packets, collector, Instant::from_millis(now)) {
                Ok(Step::Idle) => return,
                Ok(step) => step,
                Err(grow) => {
                    drop(self.collector.replace(vec![0; grow.to]).unwrap());
                    continue;
                }
            };
            let Self { end, queue, sockets, requests, asked, is_told, .. } = self;
            react(step, end, queue, sockets, requests, asked, is_told, ledger, random, settings);
        }
    }

    /// What is due.
    pub fn turn(&mut self, ledger: &mut Ledger, random: &mut Random, settings: &Settings, now: u64) {
        loop {
            let Self { end, queue, sockets, requests, asked, is_told, .. } = self;
            match end.handle_timeout(Instant::from_millis(now)) {
                Step::Idle => break,
                step => react(step, end, queue, sockets, requests, asked, is_told, ledger, random, settings),
            }
        }
        if settings.is_kind {
            while !self.requests.is_empty() {
                self.answer(ledger, random);
            }
        }
        self.transmit();
    }

    fn transmit(&mut self) {
        let mut memory = [0; 256];
        while let Ok(n @ 1..) = self.end.transmit(&mut memory) {
            self.queue.extend_from_slice(&memory[..n]);
        }
    }

    fn hand(&mut self) -> Hand<'_> {
        Hand { io: self.end.io(), queue: &mut self.queue }
    }

    /// Answers a request, sooner or later.
    pub fn answer(&mut self, ledger: &mut Ledger, random: &mut Random) {
        if self.requests.is_empty() {
            return;
        }
        let (request, number) = self.requests.swap_remove(random.below(self.requests.len()));
        let file = file(number);
        let files: [&[u8]; 1] = [&file];
        let is_binary = random.below(4) == 0;
        let said = self.hand().say(|io, out| match is_binary {
            true => io.ack(request, &Binary((number, Placeholder(0)), Attachments::from(&files[..])), out),
            false => io.ack(request, &number, out),
        });
        if said.is_some() {
            ledger.events[number as usize].is_answered = true;
        }
    }

    /// Sends an event.
    pub fn emit(&mut self, namespace: Namespace, ledger: &mut Ledger, random: &mut Random) {
        let Some(socket) = self.sockets[usize::from(namespace.0)] else { return };
        if !self.end.io().is_connected(namespace) || self.end.link().is_over() {
            return;
        }
        let number = ledger.questions.len() as u32;
        let expect = (random.below(2) == 0).then_some(ExpectAck { token: number, deadline: None });
        let file = file(number);
        let files: [&[u8]; 1] = [&file];
        let is_binary = random.below(4) == 0;
        let said = self.hand().say(|io, out| match is_binary {
            true => {
                io.emit(namespace, "s", &Binary((number, Placeholder(0)), Attachments::from(&files[..])), expect, out)
            }
            false => io.emit(namespace, "s", &(number, "some text"), expect, out),
        });
        if said.is_some() {
            ledger.emit(socket, number);
            ledger.questions.push(Question { is_ended: expect.is_none(), ..Question::default() });
            self.asked.extend(expect.map(|_| number));
        }
    }

    /// Removes the client from a namespace.
    pub fn remove(&mut self, namespace: Namespace) {
        if self.hand().say(|io, out| io.disconnect(namespace, out)).is_some() {
            self.sockets[usize::from(namespace.0)] = None;
        }
    }

    /// No acknowledgement is waited for.
    pub fn holds_nothing(&mut self) -> bool {
        self.asked.is_empty() && self.end.io().replace_acks(Vec::new()).is_ok()
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "the parts of a peer without its collector, from which the event borrows"
)]
fn react(
    step: Step<'_>,
    end: &mut ServerEnd<[&'static str; 3], Vec<AckSlot>>,
    queue: &mut Vec<u8>,
    sockets: &mut [Option<usize>; 3],
    requests: &mut Vec<(AckRequest, u32)>,
    asked: &mut Vec<u32>,
    is_told: &mut bool,
    ledger: &mut Ledger,
    random: &mut Random,
    settings: &Settings,
) {
    trace!("  server: {step:?}");
    let mut hand = Hand { io: end.io(), queue };
    match step {
        Step::Event(Event::Connect { namespace, auth }, _) => {
            if settings.has_auth {
                let token = auth.and_then(|auth| auth.get("token")).and_then(|t| t.as_u64()).expect("credentials");
                assert!(!ledger.tokens.contains(&(token as u32)), "the credentials of another connection");
                ledger.tokens.push(token as u32);
            }
            if !settings.is_kind && random.below(8) == 0 {
                hand.say(|io, out| io.refuse(namespace, "no", None, out));
                return;
            }
            let number = ledger.sockets.len();
            let mut bytes = [7; 15];
            bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
            let sid = Sid::from_random(bytes);
            hand.say(|io, out| io.accept(namespace, sid, out));
            sockets[usize::from(namespace.0)] = Some(ledger.accept(sid));
        }
        Step::Event(Event::Event(e), files) => {
            assert!(e.is("e"));
            let number = number_of(e.args(), files);
            let Some(socket) = sockets[usize::from(e.namespace.0)] else {
                // Its packet came before the client was removed, its attachments after that.
                assert!(e.attachments > 0, "connected");
                return;
            };
            ledger.hear(socket, number);
            assert_eq!(ledger.events[number as usize].namespace, e.namespace);
            requests.extend(e.ack.map(|request| (request, number)));
        }
        Step::Event(Event::Ack(ack), files) => {
            let args = number_of(ack.args(), files);
            let Some(token) = ack.token else {
                let is_removed = ack.attachments > 0 && sockets[usize::from(ack.namespace.0)].is_none();
                assert!(is_removed, "an answer that nobody waits for");
                return;
            };
            asked.retain(|asked| *asked != token);
            ledger.end_question(token, Some(args));
        }
        Step::Event(Event::AckFailed { token, .. }, _) => {
            asked.retain(|asked| *asked != token);
            ledger.end_question(token, None);
        }
        Step::Event(Event::Disconnected { namespace, .. }, _) => sockets[usize::from(namespace.0)] = None,
        Step::Closed(_) => *is_told = true,
        _ => {}
    }
}
