//! Drives a driver by hand: polls a future, counts its await points, drops it at any of them.
#![allow(dead_code, unused_imports)]

mod calls;
mod line;
mod peer;

pub use self::{
    calls::{Call, Run},
    line::{Broken, Clock, Line, Pipe, Script, Shared, Wait, shared},
    peer::{Peer, Say, Shake, URL},
};
use sansocket::{
    deflate::Tier,
    drive::{AsClient, AsServer, Compressed, Error, WebSocket},
    http::Url,
    ws::{Client, Compression, Deflater, Growing, Inflating, MaskSource, NoKeys, Role, Server},
};
use std::{
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

pub type Failure = Error<Broken>;
pub type Memory = Vec<u8>;
pub type Driven<D> = WebSocket<Line, Clock, D, <D as End>::Rx, Memory>;
pub type ClientSide = AsClient<fn(&mut [u8])>;

/// The role of the driver under test, with the role of its peer.
pub trait End: sansocket::drive::Side + Sized {
    type Peer: Role + Shake + 'static;
    type PeerKeys: MaskSource<Self::Peer> + 'static;
    /// What it receives into.
    type Rx: Growing;
    const COMPRESSES: bool = false;
    const NAME: &str;
    fn peer(from: &Shared<Pipe>, to: &Shared<Pipe>) -> Peer<Self::Peer, Self::PeerKeys>;
    fn driver(line: Line, clock: Clock, rx: usize, tx: usize) -> Driven<Self>;
    /// `accept` or `connect`.
    fn shake(driver: &mut Driven<Self>) -> impl Future<Output = Result<(), Failure>>;
}

impl End for AsServer {
    type Peer = Client;
    type PeerKeys = fn() -> [u8; 4];
    type Rx = Memory;
    const NAME: &str = "server";

    fn peer(from: &Shared<Pipe>, to: &Shared<Pipe>) -> Peer<Client, fn() -> [u8; 4]> {
        Peer::client(from, to, None)
    }

    fn driver(line: Line, clock: Clock, rx: usize, tx: usize) -> Driven<Self> {
        WebSocket::server(line, clock, vec![0; rx], vec![0; tx])
    }

    async fn shake(driver: &mut Driven<Self>) -> Result<(), Failure> {
        assert_eq!(driver.accept().await?.path(), b"/readings");
        Ok(())
    }
}

impl End for ClientSide {
    type Peer = Server;
    type PeerKeys = NoKeys;
    type Rx = Memory;
    const NAME: &str = "client";

    fn peer(from: &Shared<Pipe>, to: &Shared<Pipe>) -> Peer<Server, NoKeys> {
        Peer::server(from, to, None)
    }

    fn driver(line: Line, clock: Clock, rx: usize, tx: usize) -> Driven<Self> {
        WebSocket::client(line, clock, |bytes| bytes.fill(7), vec![0; rx], vec![0; tx])
    }

    async fn shake(driver: &mut Driven<Self>) -> Result<(), Failure> {
        let url = Url::parse(URL).unwrap();
        assert_eq!(driver.connect(&url).await?.status().0, 101);
        Ok(())
    }
}

/// A window of 256 bytes in each direction, kept from one message to the next.
const COMPRESSION: Compression = Compression::new().receive_window_bits(8).send_window_bits(8);

fn compressing<D: sansocket::drive::Side>(
    driver: WebSocket<Line, Clock, D, Memory, Memory>,
) -> WebSocket<Line, Clock, Compressed<D, Memory>, Inflating<Memory, Memory>, Memory> {
    let deflater = Deflater::new(Tier::TINY, vec![0; Tier::TINY.bytes()]).unwrap().with_threshold(8);
    driver.with_compression(COMPRESSION, vec![0; 2048], deflater)
}

impl End for Compressed<AsServer, Memory> {
    type Peer = Client;
    type PeerKeys = fn() -> [u8; 4];
    type Rx = Inflating<Memory, Memory>;
    const COMPRESSES: bool = true;
    const NAME: &str = "server, compressed";

    fn peer(from: &Shared<Pipe>, to: &Shared<Pipe>) -> Peer<Client, fn() -> [u8; 4]> {
        Peer::client(from, to, Some(COMPRESSION))
    }

    fn driver(line: Line, clock: Clock, rx: usize, tx: usize) -> Driven<Self> {
        compressing(<AsServer as End>::driver(line, clock, rx, tx))
    }

    async fn shake(driver: &mut Driven<Self>) -> Result<(), Failure> {
        assert!(driver.accept().await?.fields().get("sec-websocket-extensions").is_some());
        Ok(())
    }
}

impl End for Compressed<ClientSide, Memory> {
    type Peer = Server;
    type PeerKeys = NoKeys;
    type Rx = Inflating<Memory, Memory>;
    const COMPRESSES: bool = true;
    const NAME: &str = "client, compressed";

    fn peer(from: &Shared<Pipe>, to: &Shared<Pipe>) -> Peer<Server, NoKeys> {
        Peer::server(from, to, Some(COMPRESSION))
    }

    fn driver(line: Line, clock: Clock, rx: usize, tx: usize) -> Driven<Self> {
        compressing(<ClientSide as End>::driver(line, clock, rx, tx))
    }

    async fn shake(driver: &mut Driven<Self>) -> Result<(), Failure> {
        let url = Url::parse(URL).unwrap();
        assert!(driver.connect(&url).await?.fields().get("sec-websocket-extensions").is_some());
        Ok(())
    }
}

/// The peer and the clock.
pub struct World<D: End> {
    pub clock: Clock,
    pub peer: Shared<Peer<D::Peer, D::PeerKeys>>,
    /// The peer takes a step only so often, in milliseconds. 0: whenever it can. `u64::MAX`: never.
    pub pace: u64,
    pub points: usize,
}

impl<D: End> World<D> {
    /// A driver with so much memory, over pipes that hold so much.
    pub fn new(script: Script, pipe: usize, rx: usize, tx: usize) -> (Self, Driven<D>) {
        Self::blocking(script, pipe, rx, tx, 0)
    }

    /// As `new`; the transport blocks for so many milliseconds and then gives up.
    pub fn blocking(script: Script, pipe: usize, rx: usize, tx: usize, ms: u64) -> (Self, Driven<D>) {
        let (there, back, clock) = (Pipe::new(pipe), Pipe::new(pipe), Clock::default());
        let peer = shared(D::peer(&there, &back));
        let mut line = Line::new(&back, &there, &clock, script);
        if ms > 0 {
            let peer = peer.clone();
            line.wait = Wait::Block(ms, Rc::new(move || peer.borrow_mut().step()));
        }
        let driver = D::driver(line, clock.clone(), rx, tx);
        (Self { clock, peer, pace: 0, points: 0 }, driver)
    }

    /// Polls a future until it ends, or until it was not ready `drop_at` times (0: never), and drops it then.
    pub fn run<T>(&mut self, future: impl Future<Output = T>, drop_at: usize) -> Option<T> {
        let mut future = pin!(future);
        let mut cx = Context::from_waker(Waker::noop());
        self.points = 0;
        loop {
            self.clock.begin();
            if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
                return Some(value);
            }
            self.points += 1;
            assert!(self.points < 1_000_000, "it does not end");
            let is_woken = self.wait();
            if self.points == drop_at {
                return None;
            }
            assert!(is_woken, "nobody will ever wake it");
        }
    }

    pub fn finish<T>(&mut self, future: impl Future<Output = T>) -> T {
        self.run(future, 0).expect("never dropped")
    }

    /// The other end works; if it has nothing to do, time passes until the first deadline. `false` if nothing will ever happen.
    fn wait(&self) -> bool {
        if self.pace == 0 && self.peer.borrow_mut().step() {
            return true;
        }
        let Some(due) = self.clock.next() else { return true };
        let now = self.clock.now_ms();
        let is_slow = !matches!(self.pace, 0 | u64::MAX);
        let tick = is_slow.then(|| (now / self.pace.max(1) + 1).saturating_mul(self.pace));
        let Some(at) = due.into_iter().chain(tick).min() else { return false };
        self.clock.advance(at.saturating_sub(now));
        if tick == Some(at) {
            self.peer.borrow_mut().step();
        }
        true
    }

    /// The peer takes all that lies in the pipe.
    pub fn catch_up(&self) {
        while self.peer.borrow_mut().step() {}
    }
}
