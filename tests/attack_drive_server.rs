//! Attacks on the promises of the awaited Socket.IO server.

#[path = "support/cancel/mod.rs"]
mod cancel;
mod support;

use cancel::{Broken, Clock, Line, Pipe, Script, Shared};
use sansocket::{
    drive::{Deadlines, Error, Server, ServerMemory},
    endpoint::{Step, What},
    socketio::{AckError, AckSlot, ExpectAck, Namespace, Reason, server::Event},
    ws::Timeout,
};
use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

const ROOT: Namespace = Namespace(0);
const HEAD: &str = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

type Under = Server<'static, Line, Clock, fn(&mut [u8])>;

/// A client that sends what it is told to, and takes what fits into the pipe.
struct Bench {
    input: Shared<Pipe>,
    output: Shared<Pipe>,
    clock: Clock,
    reads: bool,
    received: Vec<u8>,
}

fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

fn packet(text: &str) -> Vec<u8> {
    frame(1, text.as_bytes())
}

impl Bench {
    fn new(pipe: usize) -> (Self, Under) {
        let (input, output, clock) = (Pipe::new(usize::MAX), Pipe::new(pipe), Clock::default());
        let line = Line::new(&input, &output, &clock, Script::Always(0, 4096));
        let memory = ServerMemory {
            rx: vec![0; 512].leak(),
            tx: vec![0; 256].leak(),
            files: vec![0; 128].leak(),
            acks: vec![AckSlot::EMPTY; 2].leak(),
        };
        let server = Server::new(line, clock.clone(), (|b| b.fill(7)) as fn(&mut [u8]), &["/", "/b"], memory);
        (Self { input, output, clock, reads: true, received: Vec::new() }, server)
    }

    fn send(&self, bytes: &[u8]) {
        assert_eq!(self.input.borrow_mut().put(bytes, usize::MAX), bytes.len());
    }

    fn read(&mut self) -> bool {
        if !self.reads {
            return false;
        }
        let bytes = self.output.borrow_mut().get(usize::MAX);
        self.received.extend_from_slice(&bytes);
        !bytes.is_empty()
    }

    fn finish<X>(&mut self, future: impl Future<Output = X>) -> X {
        self.run(future, 0).unwrap()
    }

    /// Drops the future when it was not ready `drop_at` times (0: never).
    fn run<X>(&mut self, future: impl Future<Output = X>, drop_at: usize) -> Option<X> {
        let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
        for point in 1..1_000_000 {
            self.clock.begin();
            if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
                self.read();
                return Some(value);
            }
            if !self.read()
                && let Some(due) = self.clock.next()
            {
                let due = due.expect("nobody will ever wake it");
                self.clock.advance(due.saturating_sub(self.clock.now_ms()));
            }
            if point == drop_at {
                return None;
            }
        }
        panic!("it does not end")
    }

    fn join(&mut self, server: &mut Under) {
        self.send(&[HEAD.as_bytes(), &packet("40")].concat());
        self.finish(server.accept()).unwrap();
        assert!(matches!(self.finish(server.next()), Ok(Some((Step::Event(Event::Opened, _), _)))));
        assert!(matches!(self.finish(server.next()), Ok(Some((Step::Event(Event::Connect { .. }, _), _)))));
        self.finish(server.io().accept(ROOT)).unwrap();
        self.finish(server.io().flush()).unwrap();
        self.received.clear();
    }

    /// From now on the client takes nothing, and the pipe to it is full.
    fn stick(&mut self, server: &mut Under) {
        self.reads = false;
        for _ in 0..3 {
            self.finish(server.io().emit(ROOT, "much", &&*"x".repeat(150), None)).unwrap();
        }
    }
}

#[test]
fn an_answer_that_does_not_come_is_told_in_time_by_a_server_whose_client_takes_nothing() {
    for write in [20_000, 0] {
        let (mut bench, server) = Bench::new(400);
        let mut server = server.with_deadlines(Deadlines::new().write(write));
        bench.join(&mut server);
        let expect = ExpectAck { token: 1, deadline: Some(server.io().now().after_millis(1000)) };
        bench.finish(server.io().emit(ROOT, "and", &1, Some(expect))).unwrap();
        bench.stick(&mut server);
        let step = bench.finish(server.next());
        assert!(matches!(
            step,
            Ok(Some((Step::Event(Event::AckFailed { token: 1, error: AckError::TimedOut, .. }, _), _)))
        ));
        assert_eq!(bench.clock.now_ms(), 1000, "{write}");
    }
}

#[test]
fn a_client_that_takes_nothing_meets_its_heartbeat() {
    let (mut bench, server) = Bench::new(400);
    let mut server = server.with_deadlines(Deadlines::new().write(0));
    bench.join(&mut server);
    bench.stick(&mut server);
    assert!(matches!(
        bench.finish(server.next()),
        Ok(Some((Step::Closed(Reason::Link(sansocket::engineio::Reason::PingTimeout)), _)))
    ));
    // With a second for the farewell.
    assert_eq!(bench.clock.now_ms(), 46_000);
    assert!(bench.clock.most_asked() < 100);
    assert!(matches!(bench.finish(server.next()), Ok(None)));
    assert!(bench.clock.now_ms() <= 50_000);
}

/// A packet has no room. The server closes, as the error says that it can.
#[test]
fn who_has_no_memory_for_a_packet_can_close() {
    let (mut bench, mut server) = Bench::new(4096);
    bench.join(&mut server);
    bench.send(&packet(r#"451-["file",{"_placeholder":true,"num":0}]"#));
    bench.send(&[&[0x82, 0xfe, 0, 200, 0, 0, 0, 0][..], &[9; 200]].concat());
    bench.send(&packet(r#"42["after"]"#));
    let grow = loop {
        match bench.finish(server.next()) {
            Ok(Some(_)) => {}
            Err(Error::Memory(grow)) => break grow,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(grow.what, What::Collector);
    bench.input.borrow_mut().is_ended = true;
    bench.finish(server.close(Reason::ForcedServerClose)).unwrap();
    assert!(
        bench.received.ends_with(&[0x88, 0]) || bench.received.windows(2).any(|w| w[0] == 0x88),
        "{:?}",
        bench.received
    );
    assert!(matches!(bench.finish(server.next()), Ok(None)));
}

/// A message larger than the receive memory was announced. Who lowers the limits is told so.
#[test]
fn a_server_without_memory_for_a_message_tells_and_goes_on() {
    let (mut bench, server) = Bench::new(4096);
    let limits = sansocket::ws::Limits::new().message(4096);
    let mut server = server
        .with_limits(limits, sansocket::socketio::server::Limits::new())
        .with_config(sansocket::engineio::server::Config::new().max_payload(4096));
    bench.join(&mut server);
    let text = format!(r#"42["large","{}"]"#, "x".repeat(700));
    let n = text.len() as u16;
    bench.send(&[&[0x81, 0xfe, (n >> 8) as u8, n as u8, 0, 0, 0, 0][..], text.as_bytes()].concat());
    let mut errors = 0;
    let to = loop {
        match bench.finish(server.next()) {
            Err(Error::Memory(grow)) => {
                assert_eq!(grow.what, What::Inbox);
                errors += 1;
                if errors == 3 {
                    break grow.to;
                }
            }
            other => panic!("{other:?}"),
        }
    };
    server.inbox().replace(vec![0; to].leak()).unwrap();
    let step = bench.finish(server.next());
    assert!(matches!(step, Ok(Some((Step::Event(Event::Event(e), _), _))) if e.is("large")));
}

/// Bytes that are no protocol, at each place: the call ends, and the next client is served.
#[test]
fn garbage_ends_the_connection_and_nothing_else() {
    let mut random = support::Random(7);
    let (mut bench, mut server) = Bench::new(4096);
    for round in 0..3000 {
        let (input, output) = (Pipe::new(usize::MAX), Pipe::new(4096));
        let line = Line::new(&input, &output, &bench.clock, Script::Random(support::Random(round), 2, 30));
        (bench.input, bench.output) = (input, output);
        server.renew(line);
        let mut bytes = [
            HEAD.as_bytes(),
            &packet("40"),
            &packet(r#"42["a",1]"#),
            &packet(r#"4217["b"]"#),
            &packet("3"),
            &packet("41"),
        ]
        .concat();
        for _ in 0..1 + random.below(3) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => bytes[at] = random.below(256) as u8,
                1 => drop(bytes.drain(at..at + random.below(bytes.len() - at))),
                _ => bytes.insert(at, random.below(256) as u8),
            }
        }
        bench.send(&bytes);
        bench.input.borrow_mut().is_ended = random.below(2) == 0;
        let start = bench.clock.now_ms();
        if bench.finish(server.accept()).map(drop).is_err() {
            assert!(bench.finish(server.accept()).is_err(), "and again");
            continue;
        }
        let mut has_closed = false;
        for n in 0.. {
            assert!(n < 100);
            match bench.finish(server.next()) {
                Ok(Some((Step::Closed(_), _))) => {
                    assert!(!has_closed);
                    has_closed = true;
                }
                Ok(Some((Step::Event(Event::Connect { namespace, .. }, _), io))) => {
                    let _ = bench.finish(io.accept(namespace));
                }
                Ok(Some((Step::Event(Event::Event(e), _), io))) => {
                    if let Some(request) = e.ack {
                        let _ = bench.finish(io.ack(request, &1));
                    }
                }
                Ok(Some(_)) => assert!(!has_closed),
                Ok(None) => break,
                Err(e) => panic!("{e:?}"),
            }
        }
        assert!(has_closed);
        assert!(bench.clock.now_ms() - start < 60_000);
    }
}

/// The time for the handshake.
#[test]
fn who_asks_nothing_is_refused_in_time() {
    let (mut bench, mut server) = Bench::new(4096);
    assert_eq!(bench.finish(server.accept()).map(drop), Err(Error::<Broken>::Timeout(Timeout::Handshake)));
    assert_eq!(bench.clock.now_ms(), 10_000);
    let (mut bench, mut server) = Bench::new(4096);
    bench.join(&mut server);
    let server = server.with_deadlines(Deadlines::new());
    let mut server = server;
    bench.send(&packet(r#"42["a"]"#));
    assert!(matches!(bench.finish(server.next()), Ok(Some((Step::Event(Event::Event(_), _), _)))));
    bench.clock.advance(15_000);
    bench.finish(server.io().emit(ROOT, "a", &1, None)).unwrap();
    bench.finish(server.io().flush()).unwrap();
}

/// A packet is larger than the send memory, and so is one of the protocol.
#[test]
fn the_send_memory_can_be_replaced() {
    let (mut bench, mut server) = Bench::new(4096);
    bench.join(&mut server);
    let text = "x".repeat(300);
    let error = bench.finish(server.io().emit(ROOT, "large", &&*text, None));
    let Err(Error::Outbox(capacity)) = error else { panic!("{error:?}") };
    server.io().replace_tx(vec![0; capacity.needed].leak()).unwrap();
    bench.finish(server.io().emit(ROOT, "large", &&*text, None)).unwrap();
    assert!(server.io().replace_tx(vec![0; 100].leak()).is_err(), "something waits");
    bench.finish(server.io().flush()).unwrap();
    assert_eq!(payloads(&bench.received), [format!(r#"42["large","{text}"]"#)]);
    // The ping of the heartbeat.
    bench.received.clear();
    server.io().replace_tx(&mut []).unwrap();
    for _ in 0..2 {
        let error = bench.finish(server.next()).map(drop);
        assert!(matches!(error, Err(Error::Memory(grow)) if grow.what == What::Output), "{error:?}");
    }
    server.io().replace_tx(vec![0; 64].leak()).unwrap();
    bench.send(&packet(r#"42["a"]"#));
    bench.finish(server.next()).unwrap();
    assert_eq!(payloads(&bench.received), ["2"]);
}

/// The payloads of whole frames.
fn payloads(mut bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    while let [_, len, rest @ ..] = bytes {
        let (n, rest) = if *len == 126 {
            (usize::from(rest[0]) << 8 | usize::from(rest[1]), &rest[2..])
        } else {
            (usize::from(*len), rest)
        };
        all.push(String::from_utf8_lossy(&rest[..n]).into_owned());
        bytes = &rest[n..];
    }
    all
}

/// Calls in any order, each dropped at any point, over a transport that takes its time.
#[test]
fn any_program_loses_and_doubles_nothing() {
    for seed in 0..400 {
        let mut random = support::Random(seed);
        let (mut bench, mut server) = Bench::new(if seed % 3 == 0 { 40 } else { 4096 });
        bench.join(&mut server);
        server.io().transport().script = Script::Random(random.clone(), 2, 40);
        let (mut sent, mut asked, mut got) = (0, 0, Vec::<u32>::new());
        let mut owed = std::collections::VecDeque::new();
        let mut answers = Vec::new();
        for _ in 0..150 {
            let drop_at = 1 + random.below(4);
            match random.below(6) {
                0 | 1 => {
                    let text = "x".repeat(random.below(60));
                    if let Some(result) = bench.run(server.io().emit(ROOT, "n", &(sent, &*text), None), drop_at) {
                        result.unwrap();
                        sent += 1;
                    }
                }
                2 => {
                    bench.send(&packet(&format!(r#"42{asked}["q",{asked}]"#)));
                    asked += 1;
                }
                3 => {
                    if let Some(request) = owed.pop_front() {
                        let (id, request) = request;
                        if bench.run(server.io().ack(request, &id), drop_at).is_some() {
                            answers.push(id);
                        } else {
                            owed.push_front((id, request));
                        }
                    }
                }
                4 => drop(bench.run(server.io().flush(), drop_at)),
                _ if got.len() < asked => {
                    let next = async {
                        let Some((step, _)) = server.next().await.unwrap() else { panic!("it is over") };
                        if let Step::Event(Event::Event(e), _) = step {
                            let id: u32 =
                                std::str::from_utf8(e.args().raw()).unwrap().trim_matches(['[', ']']).parse().unwrap();
                            got.push(id);
                            owed.push_back((id, e.ack.unwrap()));
                        }
                    };
                    bench.run(next, drop_at);
                }
                _ => {}
            }
        }
        bench.finish(server.io().flush()).unwrap();
        let heard = payloads(&bench.received);
        let sent_to = heard.iter().filter_map(|p| p.strip_prefix(r#"42["n","#)?.split(',').next()?.parse::<u32>().ok());
        assert!(sent_to.eq(0..sent), "{seed}: {heard:?}");
        let acked = heard.iter().filter_map(|p| p.strip_prefix("43")?.split('[').next()?.parse::<u32>().ok());
        assert!(acked.eq(answers.iter().copied()), "{seed}: {heard:?} {answers:?}");
        assert!(got.iter().copied().eq(0..u32::try_from(got.len()).unwrap()), "{seed}: {got:?}");
    }
}
