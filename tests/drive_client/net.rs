//! A client over pipes, with a server of this crate behind them, and a clock that jumps.

use crate::{
    cancel::{Broken, Clock, Line, Pipe, Script, Shared, shared},
    server::Server,
    world::NAMES,
};
use sansocket::{
    drive::{Client, ClientMemory, Io, Receive, Timer, Transmit},
    endpoint::{
        Grow,
        client::{self, Config, Step},
    },
    socketio::{
        AckSlot, Namespace,
        client::{Backoff, Event, SocketSlot},
    },
    time::Instant,
};
use std::{
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

pub const ROOT: Namespace = Namespace(0);
pub const B: Namespace = Namespace(1);

type Dialing = Pin<Box<dyn Future<Output = Result<Socket, Broken>>>>;
type Dial = Box<dyn FnMut() -> Dialing>;
type Random = fn(&mut [u8]);
pub type Driven = Client<'static, Socket, Dial, Dialing, Clock, Random>;
pub type DrivenIo = Io<'static, Socket, Clock, Random>;

/// What lies between the client and the server.
pub struct Net {
    pub server: Server,
    there: Shared<Pipe>,
    pub back: Shared<Pipe>,
    /// What had no room in `back`.
    rest: Vec<u8>,
    is_up: bool,
    clock: Clock,
    pub script: Script,
    /// How much a pipe holds.
    pub pipe: usize,
    pub is_reachable: bool,
    /// The server does nothing.
    pub is_mute: bool,
    pub dials: usize,
    pub dial_ms: u64,
    /// The network is lost when so many bytes have been taken in both directions.
    pub cut_at: Option<usize>,
    moved: usize,
}

impl Net {
    /// `true`: something has moved.
    fn step(&mut self) -> bool {
        if !self.is_up || self.is_mute {
            return false;
        }
        let room = self.cut_at.map_or(usize::MAX, |at| at.saturating_sub(self.moved));
        let bytes = self.there.borrow_mut().get(room);
        self.server.receive(client::Line::WebSocket, &bytes);
        self.server.turn(Instant::from_millis(self.clock.now_ms()));
        self.rest.extend(self.server.output(client::Line::WebSocket));
        let n = self.back.borrow_mut().put(&self.rest, room - bytes.len().min(room));
        self.rest.drain(..n);
        self.moved += bytes.len() + n;
        if self.cut_at == Some(self.moved) {
            self.cut_at = None;
            self.cut();
            return true;
        }
        bytes.len() + n > 0
    }

    /// The network is lost for a moment. What the client has not read stays.
    pub fn cut(&mut self) {
        self.server.forget();
        self.is_up = false;
        self.there.borrow_mut().is_broken = true;
        self.back.borrow_mut().is_ended = true;
    }
}

/// The client's end of a line. The server hears when it is dropped.
pub struct Socket {
    line: Line,
    net: Shared<Net>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        let mut net = self.net.borrow_mut();
        if std::mem::take(&mut net.is_up) && !net.is_mute {
            let bytes = self.line.output.borrow_mut().get(usize::MAX);
            net.server.receive(client::Line::WebSocket, &bytes);
            let now = Instant::from_millis(net.clock.now_ms());
            net.server.turn(now);
            net.server.close(client::Line::WebSocket);
            net.server.turn(now);
        }
    }
}

impl Receive for Socket {
    type Error = Broken;

    fn read(&mut self, memory: &mut [u8]) -> impl Future<Output = Result<Option<usize>, Broken>> {
        self.line.read(memory)
    }
}

impl Transmit for Socket {
    type Error = Broken;

    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = Result<Option<usize>, Broken>> {
        self.line.write(bytes)
    }
}

pub struct World {
    pub client: Driven,
    pub net: Shared<Net>,
    pub clock: Clock,
    pub told: Vec<String>,
    pub points: usize,
}

fn leak<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

fn dialer(net: &Shared<Net>) -> Dial {
    let net = net.clone();
    Box::new(move || {
        let net = net.clone();
        Box::pin(async move {
            let (mut clock, ms) = {
                let mut net = net.borrow_mut();
                net.dials += 1;
                (net.clock.clone(), net.dial_ms)
            };
            if ms > 0 {
                let at = clock.now().after_millis(ms);
                clock.sleep_until(at).await;
            }
            let mut all = net.borrow_mut();
            assert!(!all.is_up, "the old line was dropped");
            if !all.is_reachable {
                return Err(Broken);
            }
            let size = all.pipe;
            (all.there, all.back, all.is_up, all.moved) = (Pipe::new(size), Pipe::new(size), true, 0);
            all.rest.clear();
            all.server.open(client::Line::WebSocket);
            let line = Line::new(&all.back, &all.there, &all.clock, all.script.clone());
            Ok(Socket { line, net: net.clone() })
        })
    })
}

impl World {
    pub fn new(script: Script) -> Self {
        Self::with(script, 512, 2048)
    }

    /// With so much memory to send from, and for what waits.
    pub fn with(script: Script, tx: usize, backlog: usize) -> Self {
        let clock = Clock::default();
        let net = shared(Net {
            server: Server::new(),
            there: Pipe::new(0),
            back: Pipe::new(0),
            rest: Vec::new(),
            is_up: false,
            clock: clock.clone(),
            script,
            pipe: 4096,
            is_reachable: true,
            is_mute: false,
            dials: 0,
            dial_ms: 0,
            cut_at: None,
            moved: 0,
        });
        let backoff = Backoff::new().delay(100).max(1000).randomization(0);
        let config = leak(Config::parse("ws://host:3000").unwrap().reconnection(backoff));
        let memory = ClientMemory {
            rx: leak([0; 512]),
            tx: vec![0; tx].leak(),
            files: leak([0; 256]),
            acks: leak([AckSlot::EMPTY; 4]),
            sockets: leak([SocketSlot::EMPTY; 3]),
            backlog: vec![0; backlog].leak(),
            attempt: Pin::new(leak(None)),
        };
        let random: Random = |bytes| bytes.fill(7);
        let client = Client::new(config, &NAMES, memory, dialer(&net), clock.clone(), random);
        Self { client, net, clock, told: Vec::new(), points: 0 }
    }

    /// The same client with another dialer.
    pub fn redial(self) -> Self {
        let Self { client, net, clock, told, points } = self;
        let dial = dialer(&net);
        Self { client: client.with_dial(dial, Pin::new(leak(None))), net, clock, told, points }
    }

    pub fn io(&mut self) -> &mut DrivenIo {
        self.client.io()
    }

    pub fn now(&self) -> u64 {
        self.clock.now_ms()
    }

    /// What the server has heard since the last call.
    pub fn heard(&mut self) -> Vec<String> {
        while self.net.borrow_mut().step() {}
        std::mem::take(&mut self.net.borrow_mut().server.heard)
    }

    pub fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    /// The server sends an event.
    pub fn serve(&mut self, namespace: Namespace, name: &str, n: u32) {
        self.net.borrow_mut().server.send(|io, out| io.emit(namespace, name, &n, None, out).unwrap());
    }

    /// One call of `next`, which is dropped when it was not ready `drop_at` times (0: never). `false`: it was dropped.
    pub fn next(&mut self, drop_at: usize) -> bool {
        let Self { client, net, clock, .. } = self;
        let mut told = None;
        let (is_done, points) = run(net, clock, drop_at, async {
            let (step, io) = client.next().await.unwrap();
            told = tell(&step);
            answer(&step, io);
        });
        self.points = points;
        self.told.extend(told);
        is_done.is_some()
    }

    /// Runs the client for so many milliseconds. Each call is dropped when it was not ready `drop_at` times (0: never).
    pub fn wait(&mut self, ms: u64, drop_at: usize) {
        let limit = Instant::from_millis(self.now() + ms);
        while self.now() < limit.as_millis() {
            let Self { client, net, clock, .. } = self;
            let mut told = None;
            run(net, clock, drop_at, async {
                if let Some((step, io)) = client.next_until(limit).await.unwrap() {
                    told = tell(&step);
                    answer(&step, io);
                }
            });
            if told.as_ref().is_some_and(|t| t.starts_with("over")) {
                self.clock.advance(limit.as_millis().saturating_sub(self.now()));
            }
            self.told.extend(told);
        }
    }

    pub fn finish<T>(&mut self, future: impl AsyncFnOnce(&mut Driven) -> T) -> T {
        self.run(0, future).expect("never dropped")
    }

    pub fn run<T>(&mut self, drop_at: usize, future: impl AsyncFnOnce(&mut Driven) -> T) -> Option<T> {
        let (value, points) = run(&self.net, &self.clock, drop_at, future(&mut self.client));
        self.points = points;
        value
    }

    /// An error of `next`.
    pub fn grow(&mut self) -> Option<Grow> {
        self.finish(async |client| client.next().await.err())
    }
}

/// Answers each question of the server.
fn answer(step: &Step<'_>, io: &mut DrivenIo) {
    if let Step::Event(Event::Event(e), _) = step
        && let Some(request) = e.ack
    {
        io.ack(request, &"yes").unwrap();
    }
}

fn run<T>(net: &Shared<Net>, clock: &Clock, drop_at: usize, future: impl Future<Output = T>) -> (Option<T>, usize) {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    let mut points = 0;
    loop {
        clock.begin();
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return (Some(value), points);
        }
        points += 1;
        assert!(points < 1_000_000, "it does not end");
        if !net.borrow_mut().step()
            && let Some(due) = clock.next()
        {
            let server = net.borrow().server.poll_timeout().map(Instant::as_millis);
            let server = server.filter(|_| net.borrow().is_up && !net.borrow().is_mute);
            let Some(at) = due.into_iter().chain(server).min() else { panic!("nobody will ever wake it") };
            clock.advance(at.saturating_sub(clock.now_ms()));
        }
        if points == drop_at {
            return (None, points);
        }
    }
}

/// `None`: nothing.
pub fn tell(step: &Step<'_>) -> Option<String> {
    let name = |n: &Namespace| NAMES[usize::from(n.0)];
    Some(match step {
        Step::Again => return None,
        Step::Event(event, files) => {
            let text = match event {
                Event::Opened => "opened".into(),
                Event::Connected { namespace, .. } => format!("connected {}", name(namespace)),
                Event::Event(e) => format!("{} {}", name(&e.namespace), String::from_utf8_lossy(e.args().raw())),
                Event::Ack(a) => format!("ack {:?}", a.token),
                Event::AckFailed { token, error, .. } => format!("no ack {token} {error:?}"),
                Event::Disconnected { namespace, reason } => format!("left {} {reason}", name(namespace)),
                Event::Refused { namespace, .. } => format!("refused {}", name(namespace)),
                other => format!("{other:?}"),
            };
            format!("{text}{}", " file".repeat(files.into_iter().count()))
        }
        Step::Failed { failure, .. } => format!("failed {failure:?}"),
        Step::Over(over) => format!("over {over:?}"),
        other => format!("{other:?}"),
    })
}
