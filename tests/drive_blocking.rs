//! The blocking drivers, over sockets of the system and over a transport that is polled.

use sansocket::{
    drive::{
        Deadlines, Error,
        blocking::{Clock, FnClock, Stream, WebSocket},
        io_0_7::{Blocking, Polled},
    },
    http::Url,
    time::Instant,
    ws::{CloseCode, Incoming, Kind, Timeout, Timeouts},
};
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    convert::Infallible,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/// The deadlines of these tests, in milliseconds, and by how much they may be missed: the time of a call of the socket, and what a busy machine adds.
const QUICK: Deadlines =
    Deadlines::new().write(500).others(Timeouts::new().handshake(500).ping_interval(300).pong(400).idle(0).close(500));
const LATE: u64 = 1700;

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0, peer)
}

type Server = WebSocket<Stream<TcpStream>, Clock, sansocket::drive::AsServer, Vec<u8>, Vec<u8>>;

fn server(socket: TcpStream) -> Server {
    WebSocket::server(Stream::tcp(socket).unwrap(), Clock::new(), vec![0; 4096], vec![0; 70_000]).with_deadlines(QUICK)
}

/// A server that has accepted, and its peer.
fn accepted() -> (Server, TcpStream) {
    let (socket, mut peer) = pair();
    peer.write_all(REQUEST).unwrap();
    let mut ws = server(socket);
    ws.accept().unwrap();
    let mut answer = [0; 129];
    peer.read_exact(&mut answer).unwrap();
    assert!(answer.ends_with(b"\r\n\r\n"));
    (ws, peer)
}

/// Asserts that `call` takes `least` milliseconds, and not much longer.
#[track_caller]
fn within<X>(least: u64, call: impl FnOnce() -> X) -> X {
    let start = std::time::Instant::now();
    let result = call();
    let took = start.elapsed().as_millis() as u64;
    assert!((least.saturating_sub(5)..least + LATE).contains(&took), "{took} ms");
    result
}

#[test]
fn an_echo() {
    let (socket, peer) = pair();
    let text = format!("ws://{}/", socket.local_addr().unwrap());
    let server = thread::spawn(move || {
        let mut ws = server(socket);
        assert_eq!(ws.accept().unwrap().path(), b"/");
        while let Some((incoming, mut reply)) = ws.next().unwrap() {
            if let Incoming::Message(message) = incoming {
                reply.send(message.kind(), message.as_bytes()).unwrap();
            }
        }
        assert!(ws.reply().closed().is_clean);
    });
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).unwrap();
    let mut ws = WebSocket::client(Stream::tcp(peer).unwrap(), Clock::new(), random, vec![0; 4096], vec![0; 4096]);
    assert_eq!(ws.connect(&Url::parse(&text).unwrap()).unwrap().status().0, 101);
    for len in [0, 1, 125, 126, 4000] {
        let payload = vec![7; len];
        ws.send(Kind::Binary, &payload).unwrap();
        let (incoming, _) = ws.next().unwrap().unwrap();
        assert!(matches!(incoming, Incoming::Message(m) if m.as_bytes() == payload && m.kind() == Kind::Binary));
    }
    assert!(ws.close(CloseCode::NORMAL, "bye").unwrap().is_clean);
    server.join().unwrap();
}

#[test]
fn who_asks_for_nothing_is_dropped() {
    let (socket, _peer) = pair();
    let error = within(500, || server(socket).accept().map(|_| ()).unwrap_err());
    assert!(matches!(error, Error::Timeout(Timeout::Handshake)), "{error:?}");
}

/// Each byte comes before the read timeout, so no read ever returns without one.
#[test]
fn who_asks_slowly_is_dropped() {
    let (socket, mut peer) = pair();
    let drip = thread::spawn(move || {
        peer.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
        while peer.write_all(b"a").is_ok() {
            thread::sleep(Duration::from_millis(30));
        }
    });
    let error = within(500, || server(socket).accept().map(|_| ()).unwrap_err());
    assert!(matches!(error, Error::Timeout(Timeout::Handshake)), "{error:?}");
    drip.join().unwrap();
}

#[test]
fn who_never_reads_is_dropped() {
    let (mut ws, _peer) = accepted();
    let payload = vec![0; 65_000];
    let error = loop {
        let start = std::time::Instant::now();
        if let Err(e) = ws.send(Kind::Binary, &payload) {
            let took = start.elapsed().as_millis() as u64;
            assert!((495..500 + LATE).contains(&took), "{took} ms");
            break e;
        }
    };
    assert!(matches!(error, Error::Stalled), "{error:?}");
    assert!(matches!(ws.next().map(|_| ()), Err(Error::Stalled)), "it stays over");
}

#[test]
fn who_vanishes_is_dropped() {
    let (mut ws, _peer) = accepted();
    let error = within(700, || ws.next().map(|_| ()).unwrap_err());
    assert!(matches!(error, Error::Timeout(Timeout::Pong)), "{error:?}");
}

#[test]
fn who_ends_is_told() {
    let (mut ws, peer) = accepted();
    drop(peer);
    let error = within(0, || ws.next().map(|_| ()).unwrap_err());
    assert!(matches!(error, Error::Eof), "{error:?}");
}

/// A message of a byte at a time is a sign of life, but does not keep a connection open that this end has closed.
#[test]
fn who_drips_a_message_cannot_keep_a_closed_connection() {
    let (mut ws, mut peer) = accepted();
    let drip = thread::spawn(move || {
        peer.write_all(b"\x82\xff\0\0\0\0\0\x0f\0\0\0\0\0\0").unwrap();
        while peer.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(30));
        }
    });
    let error = within(500, || ws.close(CloseCode::NORMAL, "").map(|_| ()).unwrap_err());
    assert!(matches!(error, Error::Timeout(Timeout::Close)), "{error:?}");
    drop(ws);
    drip.join().unwrap();
}

/// While messages keep coming, pings are sent.
#[test]
fn a_busy_peer_is_pinged() {
    let (mut ws, mut peer) = accepted();
    let mut other = peer.try_clone().unwrap();
    let busy = thread::spawn(move || {
        while other.write_all(b"\x82\x81\0\0\0\0x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let start = std::time::Instant::now();
    while start.elapsed() < Duration::from_millis(550) {
        let _ = ws.next().unwrap();
    }
    let mut received = [0; 512];
    let n = peer.read(&mut received).unwrap();
    assert!(received[..n].windows(2).any(|w| w == b"\x89\x04"), "{}", received[..n].escape_ascii());
    drop(ws);
    busy.join().unwrap();
}

/// A stream that keeps back what was written, and sends it only at the third flush, as a TLS session does over a full socket.
#[derive(Default)]
struct KeepsBack {
    kept: Vec<u8>,
    sent: Vec<u8>,
    flushes: u32,
}

impl Write for KeepsBack {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.kept.push(bytes[0]);
        Ok(1)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.flushes += 1;
        if !self.flushes.is_multiple_of(3) {
            return Err(std::io::ErrorKind::WouldBlock.into());
        }
        self.sent.append(&mut self.kept);
        Ok(())
    }
}

impl Read for KeepsBack {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Ok(0)
    }
}

#[test]
fn nothing_stays_in_a_stream_that_keeps_bytes_back() {
    let mut stream = KeepsBack::default();
    let mut ws = WebSocket::server(Stream::new(&mut stream), Clock::new(), [0; 64], [0; 64]);
    ws.opened();
    ws.send_text("hello").unwrap();
    ws.send_text("again").unwrap();
    assert_eq!(
        (stream.sent.escape_ascii().to_string(), stream.kept.len()),
        ("\\x81\\x05hello\\x81\\x05again".into(), 0)
    );
}

/// A serial line: what has arrived, what was sent, and a clock that runs only while the driver waits.
#[derive(Default)]
struct Line {
    input: RefCell<VecDeque<u8>>,
    output: RefCell<Vec<u8>>,
    takes_none: Cell<bool>,
    now: Cell<u64>,
    pauses: Cell<u32>,
}

impl embedded_io::ErrorType for &Line {
    type Error = Infallible;
}

impl embedded_io::Read for &Line {
    fn read(&mut self, memory: &mut [u8]) -> Result<usize, Infallible> {
        let mut input = self.input.borrow_mut();
        assert!(!input.is_empty(), "it would block for ever");
        Ok(Read::read(&mut *input, memory).unwrap())
    }
}

impl embedded_io::ReadReady for &Line {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.input.borrow().is_empty())
    }
}

impl embedded_io::Write for &Line {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        assert!(!self.takes_none.get(), "it would block for ever");
        self.output.borrow_mut().push(bytes[0]);
        Ok(1)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl embedded_io::WriteReady for &Line {
    fn write_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.takes_none.get())
    }
}

/// A transport that tells whether it is ready: deadlines are kept to the millisecond, and the clock waits in between.
#[test]
fn a_polled_transport_keeps_deadlines_exactly() {
    let line = Line::default();
    line.input.borrow_mut().extend(REQUEST);
    let clock = FnClock::new(|| Instant::from_millis(line.now.get())).with_pause(|until: Instant| {
        line.pauses.set(line.pauses.get() + 1);
        line.now.set((line.now.get() + 10).min(until.as_millis()));
    });
    let mut ws = WebSocket::server(Polled(&line), clock, [0; 256], [0; 256]).with_deadlines(QUICK);
    ws.accept().unwrap();
    line.input.borrow_mut().extend(b"\x81\x82\0\0\0\0hi");
    let Some((Incoming::Message(message), mut reply)) = ws.next().unwrap() else { panic!() };
    reply.send(message.kind(), message.as_bytes()).unwrap();
    assert!(line.output.borrow().ends_with(b"\x81\x02hi"));
    assert_eq!((line.now.get(), line.pauses.get()), (0, 0), "it never waited");
    // The ping after 300 ms, and no pong.
    assert!(matches!(ws.next().map(|_| ()), Err(Error::Timeout(Timeout::Pong))));
    assert_eq!((line.now.get(), line.pauses.get()), (700, 70));
    assert!(line.output.borrow().windows(6).any(|w| w == b"\x89\x04\0\0\0\x01"));
    assert!(line.output.borrow().ends_with(b"\x88\x02\x03\xf0"));
}

#[test]
fn a_polled_transport_that_takes_nothing_is_given_up() {
    let line = Line::default();
    line.input.borrow_mut().extend(REQUEST);
    let clock = FnClock::new(|| Instant::from_millis(line.now.get()))
        .with_pause(|until: Instant| line.now.set((line.now.get() + 100).min(until.as_millis())));
    let mut ws = WebSocket::server(Polled(&line), clock, [0; 256], [0; 256]).with_deadlines(QUICK);
    ws.accept().unwrap();
    line.takes_none.set(true);
    assert!(matches!(ws.send_text("hi"), Err(Error::Stalled)));
    assert_eq!(line.now.get(), 500);
}

/// A transport whose calls end by themselves with `TimedOut`.
struct Impatient<'l>(&'l Line);

#[derive(Debug)]
struct TimedOut;

impl core::fmt::Display for TimedOut {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("timed out")
    }
}

impl core::error::Error for TimedOut {}

impl embedded_io::Error for TimedOut {
    fn kind(&self) -> embedded_io::ErrorKind {
        embedded_io::ErrorKind::TimedOut
    }
}

impl Impatient<'_> {
    fn wait(&self) -> TimedOut {
        self.0.now.set(self.0.now.get() + 250);
        TimedOut
    }
}

impl embedded_io::ErrorType for Impatient<'_> {
    type Error = TimedOut;
}

impl embedded_io::Read for Impatient<'_> {
    fn read(&mut self, memory: &mut [u8]) -> Result<usize, TimedOut> {
        if self.0.input.borrow().is_empty() {
            Err(self.wait())
        } else {
            Ok(embedded_io::Read::read(&mut &*self.0, memory).unwrap())
        }
    }
}

impl embedded_io::Write for Impatient<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, TimedOut> {
        if self.0.takes_none.get() {
            Err(self.wait())
        } else {
            Ok(embedded_io::Write::write(&mut &*self.0, bytes).unwrap())
        }
    }

    fn flush(&mut self) -> Result<(), TimedOut> {
        Ok(())
    }
}

/// A deadline is missed by at most the time that a call of the transport takes.
#[test]
fn a_transport_that_times_out_keeps_deadlines_up_to_a_call() {
    let line = Line::default();
    let clock = FnClock::new(|| Instant::from_millis(line.now.get()));
    let mut ws = WebSocket::server(Blocking(Impatient(&line)), clock, [0; 256], [0; 256]).with_deadlines(QUICK);
    line.input.borrow_mut().extend(&REQUEST[..20]);
    assert!(matches!(ws.accept().map(|_| ()), Err(Error::Timeout(Timeout::Handshake))));
    assert_eq!(line.now.get(), 500);
    let _ = ws.renew(Blocking(Impatient(&line)));
    line.input.borrow_mut().extend(REQUEST);
    ws.accept().unwrap();
    line.takes_none.set(true);
    assert!(matches!(ws.send_text("hi"), Err(Error::Stalled)));
    assert_eq!(line.now.get(), 1000);
}
