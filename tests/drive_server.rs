//! The Socket.IO server of one client: what it answers, that it loses nothing wherever its calls are dropped, and that no client can hang it.

#[path = "support/cancel/mod.rs"]
mod cancel;
mod support;

use cancel::{Broken, Clock, Line, Pipe, Script, Shared};
use sansocket::{
    drive::{Deadlines, Error, Receive, Server, ServerMemory, Transmit, sha1},
    endpoint::{Grow, Step, What},
    engineio::server::Refusal,
    http::Status,
    socketio::{AckRequest, AckSlot, ExpectAck, Namespace, Placeholder, Reason, SendError, StateError, server::Event},
    time::Instant,
    ws::RequestError,
};
use std::{
    fmt::Write,
    pin::pin,
    task::{Context, Poll, Waker},
};

const ROOT: Namespace = Namespace(0);
const NAMES: &[&str] = &["/", "/admin"];
const HEAD: &str = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
/// The close frame of a client.
const CLOSE: &[u8] = b"\x88\x80\0\0\0\0";

type Random = fn(&mut [u8]);
type Under<'m> = Server<'m, Line, Clock, Random>;

/// A frame of a client, with a mask of zeroes.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

fn packet(text: &str) -> Vec<u8> {
    frame(1, text.as_bytes())
}

/// All memory of a server.
struct Memory {
    rx: Vec<u8>,
    tx: Vec<u8>,
    files: Vec<u8>,
    acks: Vec<AckSlot>,
}

impl Memory {
    fn new() -> Self {
        Self { rx: vec![0; 512], tx: vec![0; 256], files: vec![0; 256], acks: vec![AckSlot::EMPTY; 2] }
    }

    fn lend(&mut self) -> ServerMemory<'_> {
        ServerMemory { rx: &mut self.rx, tx: &mut self.tx, files: &mut self.files, acks: &mut self.acks }
    }
}

/// The client's end: what it sends, all at once, and what it has received.
struct Bench {
    input: Shared<Pipe>,
    output: Shared<Pipe>,
    clock: Clock,
    script: Script,
    received: Vec<u8>,
    reads: bool,
    points: usize,
}

impl Bench {
    fn new(script: Script, capacity: usize) -> Self {
        let (input, output) = (Pipe::new(usize::MAX), Pipe::new(capacity));
        Self { input, output, clock: Clock::default(), script, received: Vec::new(), reads: true, points: 0 }
    }

    fn quick() -> Self {
        Self::new(Script::Always(0, 4096), 4096)
    }

    fn line(&self) -> Line {
        Line::new(&self.input, &self.output, &self.clock, self.script.clone())
    }

    fn server<'m>(&self, memory: &'m mut Memory) -> Under<'m> {
        let random: Random = |bytes| bytes.fill(7);
        Server::new(self.line(), self.clock.clone(), random, NAMES, memory.lend())
    }

    fn send(&self, bytes: &[u8]) {
        assert_eq!(self.input.borrow_mut().put(bytes, usize::MAX), bytes.len());
    }

    /// Polls until it ends, or until it was not ready `drop_at` times (0: never).
    fn run<X>(&mut self, future: impl Future<Output = X>, drop_at: usize) -> Option<X> {
        let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
        self.points = 0;
        loop {
            self.clock.begin();
            if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
                self.read();
                return Some(value);
            }
            self.points += 1;
            assert!(self.points < 1_000_000, "it does not end");
            if !self.read()
                && let Some(due) = self.clock.next()
            {
                let due = due.expect("nobody will ever wake it");
                self.clock.advance(due.saturating_sub(self.clock.now_ms()));
            }
            if self.points == drop_at {
                return None;
            }
        }
    }

    fn finish<X>(&mut self, future: impl Future<Output = X>) -> X {
        self.run(future, 0).unwrap()
    }

    fn read(&mut self) -> bool {
        if !self.reads {
            return false;
        }
        let bytes = self.output.borrow_mut().get(usize::MAX);
        self.received.extend_from_slice(&bytes);
        !bytes.is_empty()
    }

    /// A server whose client has joined the first namespace, and has received all of that.
    fn joined<'m>(&mut self, memory: &'m mut Memory) -> Under<'m> {
        let mut server = self.server(memory);
        self.send(&[HEAD.as_bytes(), &packet("40")].concat());
        self.finish(server.accept()).unwrap();
        assert!(matches!(self.finish(server.next()), Ok(Some((Step::Event(Event::Opened, _), _)))));
        assert!(matches!(self.finish(server.next()), Ok(Some((Step::Event(Event::Connect { .. }, _), _)))));
        self.finish(server.io().accept(ROOT)).unwrap();
        self.finish(server.io().flush()).unwrap();
        self.received.clear();
        server
    }
}

/// The request is answered with this, and the connection is over.
#[track_caller]
fn refused(request: &str, expected: Error<Broken>, answer: &str) {
    let (mut bench, mut memory) = (Bench::quick(), Memory::new());
    let mut server = bench.server(&mut memory);
    bench.send(request.as_bytes());
    let result = bench.finish(server.accept_with(sha1, |request| match request.fields().get("origin") {
        Some(b"http://evil") => Err(Refusal::Forbidden),
        _ => Ok(()),
    }));
    assert_eq!(result.map(|_| ()).unwrap_err(), expected);
    let received = String::from_utf8(bench.received.clone()).unwrap();
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    let status = head.split("\r\n").next().unwrap().strip_prefix("HTTP/1.1 ").unwrap();
    assert_eq!(format!("{} {body}", &status[..3]), answer);
    assert!(head.contains("\r\nConnection: close"), "{head}");
    assert_eq!(bench.finish(server.accept()).map(|_| ()).unwrap_err(), expected, "it stays over");
    assert!(matches!(bench.finish(server.next()), Err(Error::Order)));
    // The next client is served in the same memory.
    bench.input.borrow_mut().bytes.clear();
    drop(server.renew(bench.line()));
    bench.send(HEAD.as_bytes());
    assert_eq!(bench.finish(server.accept()).unwrap().path(), b"/socket.io/");
}

#[test]
fn what_opens_no_session_is_answered_as_by_the_reference() {
    let with = |target: &str| HEAD.replace("/socket.io/?EIO=4&transport=websocket", target);
    let plain = |line: &str| format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n");
    let status = |status| Error::Refused(Status(status));
    let unknown = r#"400 {"code":0,"message":"Transport unknown"}"#;
    refused(&plain("GET /socket.io/?EIO=4&transport=polling"), status(400), unknown);
    refused(&plain("GET /socket.io/"), status(400), unknown);
    refused(
        &plain("GET /socket.io/?EIO=4&transport=polling&sid=x"),
        status(400),
        r#"400 {"code":1,"message":"Session ID unknown"}"#,
    );
    refused(
        &plain("POST /socket.io/?EIO=4&transport=polling"),
        status(400),
        r#"400 {"code":2,"message":"Bad handshake method"}"#,
    );
    refused(
        &plain("GET /socket.io/?EIO=4&transport=websocket"),
        status(400),
        r#"400 {"code":3,"message":"Bad request"}"#,
    );
    refused(
        &plain("GET /socket.io/?EIO=3&transport=polling"),
        status(400),
        r#"400 {"code":5,"message":"Unsupported protocol version"}"#,
    );
    refused(&plain("HEAD /socket.io/?EIO=4&transport=polling"), status(400), "400 ");
    refused(&with("/socket.io/?EIO=3&transport=websocket"), status(400), "400 Unsupported protocol version");
    refused(&with("/socket.io/?EIO=4&transport=websocket&sid=x"), status(400), "400 Session ID unknown");
    refused(&HEAD.replace("Host: a", "Host: a\r\nOrigin: http://evil"), status(400), "400 Forbidden");
    for path in ["/", "/index.html", "/socket.io/x", "/socket.io.js"] {
        refused(&with(path), status(404), "404 ");
        refused(&plain(&format!("GET {path}")), status(404), "404 ");
    }
    refused(
        &HEAD.replace("Version: 13", "Version: 12"),
        Error::Request(RequestError::Version),
        "426 Sec-WebSocket-Version must occur once and be 13",
    );
    refused(
        &HEAD.replace("AAAAAAAAAAAAAAAAAAAAAA==", "short"),
        Error::Request(RequestError::Key),
        "400 Sec-WebSocket-Key must occur once and be the base64 of 16 bytes",
    );
}

#[test]
fn another_path_can_be_served() {
    for (path, asked, is_served) in
        [("/io/", "/io/", true), ("/io", "/io/", true), ("/io/", "/io", true), ("/io/", "/socket.io/", false)]
    {
        let (mut bench, mut memory) = (Bench::quick(), Memory::new());
        let mut server = bench.server(&mut memory).with_path(path);
        bench.send(HEAD.replace("/socket.io/", asked).as_bytes());
        assert_eq!(bench.finish(server.accept()).is_ok(), is_served, "{path} {asked}");
    }
}

/// What a client sends of every kind, ending with a close frame.
fn conversation() -> Vec<u8> {
    [
        HEAD.as_bytes(),
        &packet("40{\"token\":1}"),
        &packet("40/admin,"),
        &packet("40/none,"),
        &packet("421[\"ask\",\"gr\u{fc}n\"]"),
        &frame(9, b"ping of the websocket"),
        &packet("452-[\"files\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]"),
        &frame(2, b"\x01\x02"),
        &frame(2, b"\x03"),
        &packet("430[\"yes\"]"),
        &packet("422[\"ask\",\"more\"]"),
        &packet("41"),
        CLOSE,
    ]
    .concat()
}

/// What a step asks the application to send.
enum Task {
    Accept,
    RefuseAdmin,
    RefuseUnknown(Vec<u8>),
    Ask(AckRequest),
    Files(Vec<u8>),
}

/// Serves the conversation. Each call is dropped at its `drop_at`th await point, which is drawn for each, and called again. Returns what was told.
fn serve(bench: &mut Bench, server: &mut Under<'_>, mut drop_at: impl FnMut() -> usize) -> String {
    let mut log = String::new();
    macro_rules! call {
        ($call:expr) => {
            loop {
                let at = drop_at();
                if let Some(done) = bench.run($call, at) {
                    break done.unwrap();
                }
            }
        };
    }
    call!(async { server.accept().await.map(|_| ()) });
    loop {
        // What a step lends is copied, so that the calls can be repeated.
        let mut task = None;
        let told = call!(async {
            let Some((step, _)) = server.next().await? else { return Ok::<_, Error<Broken>>(None) };
            task = match &step {
                Step::Event(Event::Connect { namespace, .. }, _) if *namespace == ROOT => Some(Task::Accept),
                Step::Event(Event::Connect { .. }, _) => Some(Task::RefuseAdmin),
                Step::Event(Event::UnknownNamespace { name }, _) => Some(Task::RefuseUnknown(name.to_vec())),
                Step::Event(Event::Event(e), _) if e.is("ask") => e.ack.map(Task::Ask),
                Step::Event(Event::Event(e), files) => {
                    let of = |value| files.get(Placeholder::of(value).unwrap()).unwrap().to_vec();
                    Some(Task::Files(e.args().flat_map(of).collect()))
                }
                _ => None,
            };
            Ok(Some(match step {
                Step::Event(event, _) => format!("{event:?}").split([' ', '(']).take(1).collect(),
                step => format!("{step:?}"),
            }))
        });
        let Some(told) = told else { return log };
        write!(log, "{told}; ").unwrap();
        let expect = Some(ExpectAck { token: 9, deadline: Some(Instant::from_millis(60_000)) });
        match task {
            None => {}
            Some(Task::Accept) => {
                call!(server.io().accept(ROOT));
                call!(server.io().emit(ROOT, "and you?", &(), expect));
            }
            Some(Task::RefuseAdmin) => call!(server.io().refuse(Namespace(1), "only for others", None)),
            Some(Task::RefuseUnknown(name)) => call!(server.io().refuse_unknown(&name)),
            Some(Task::Ask(request)) => {
                call!(server.io().ack(request, &("yes", &*"x".repeat(100))));
                for _ in 0..3 {
                    call!(server.io().emit(ROOT, "news", &&*"y".repeat(90), None));
                }
                call!(server.io().flush());
            }
            Some(Task::Files(bytes)) => call!(server.io().emit(ROOT, "got", &&*format!("{bytes:?}"), None)),
        }
    }
}

/// The packets of a server without their frames, and control frames as `<opcode>payload`.
fn packets(mut bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n").filter(|_| bytes.starts_with(b"HTTP")) {
        bytes = &bytes[at + 4..];
    }
    while let [first, len, rest @ ..] = bytes {
        assert!(*len < 126);
        let (payload, rest) = rest.split_at(usize::from(*len));
        let payload = payload.escape_ascii().to_string().replace("\\\"", "'");
        found.push(if *first == 0x81 { payload } else { format!("<{:x}>{payload}", first & 15) });
        bytes = rest;
    }
    found
}

fn expected() -> Vec<String> {
    let (x, y) = ("x".repeat(100), "y".repeat(90));
    let news = format!("42['news','{y}']");
    let mut all = vec![
        "0{'sid':'BwcHBwcHBwcHBwcHBwcH','upgrades':[],'pingInterval':25000,'pingTimeout':20000,'maxPayload':498}"
            .into(),
        "40{'sid':'BwcHBwcHBwcHBwcHBwcH'}".into(),
        "420['and you?']".into(),
        "44/admin,{'message':'only for others'}".into(),
        "44/none,{'message':'Invalid namespace'}".into(),
        format!("431['yes','{x}']"),
    ];
    all.extend([&news, &news, &news].map(Clone::clone));
    all.extend(["<a>ping of the websocket".into(), "42['got','[1, 2, 3]']".into(), format!("432['yes','{x}']")]);
    all.extend([&news, &news, &news].map(Clone::clone));
    all.push("<8>".into());
    all
}

const TOLD: &str = "Opened; Connect; Connect; UnknownNamespace; Event; Again; Again; Event; Ack; Event; Disconnected; Again; Closed(Link(TransportClose)); ";

#[test]
fn a_conversation() {
    let (mut bench, mut memory) = (Bench::quick(), Memory::new());
    let mut server = bench.server(&mut memory);
    bench.send(&conversation());
    assert_eq!(serve(&mut bench, &mut server, || 0), TOLD);
    assert_eq!(packets(&bench.received), expected());
}

/// Each call is dropped at each of its await points, over transports that are ready at last, and move a few bytes then.
#[test]
fn nothing_is_lost_wherever_a_call_is_dropped() {
    for (pending, bytes, capacity) in [(0, 1, 1), (1, 1, 4096), (1, 3, 16), (2, 7, 4096), (1, 64, 64)] {
        for at in 1..12 {
            let (mut bench, mut memory) = (Bench::new(Script::Always(pending, bytes), capacity), Memory::new());
            let mut server = bench.server(&mut memory);
            bench.send(&conversation());
            assert_eq!(serve(&mut bench, &mut server, || at), TOLD, "{pending} {bytes} {capacity} {at}");
            assert_eq!(packets(&bench.received), expected(), "{pending} {bytes} {capacity} {at}");
        }
    }
    for seed in 0..300 {
        let mut random = support::Random(seed);
        let script = Script::Random(support::Random(seed + 1000), 3, 40);
        let (mut bench, mut memory) = (Bench::new(script, 1 + random.below(300)), Memory::new());
        let mut server = bench.server(&mut memory);
        bench.send(&conversation());
        assert_eq!(serve(&mut bench, &mut server, || random.below(6)), TOLD, "{seed}");
        assert_eq!(packets(&bench.received), expected(), "{seed}");
    }
}

/// What `next` tells until the end, with the time at which it did.
fn rest(bench: &mut Bench, server: &mut Under<'_>) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        let step = match bench.finish(server.next()) {
            Ok(Some((Step::Again, _))) => continue,
            Ok(Some((Step::Event(event, _), _))) => format!("{event:?}"),
            Ok(Some((step, _))) => format!("{step:?}"),
            Ok(None) => break,
            Err(e) => panic!("{e}"),
        };
        told.push(format!("{} {step}", bench.clock.now_ms()));
    }
    assert!(matches!(bench.finish(server.next()), Ok(None)), "again and again");
    assert!(matches!(bench.finish(server.io().flush()), Err(Error::Ended | Error::Stalled | Error::Eof)));
    told
}

#[test]
fn who_vanishes_is_noticed_by_the_heartbeat() {
    let (mut bench, mut memory) = (Bench::quick(), Memory::new());
    let mut server = bench.joined(&mut memory);
    let expect = ExpectAck { token: 3, deadline: None };
    bench.finish(server.io().emit(ROOT, "and you?", &(), Some(expect))).unwrap();
    let told = rest(&mut bench, &mut server);
    let lost = "45000 AckFailed { namespace: Namespace(0), token: 3, error: Disconnected }";
    assert_eq!(told, [lost, "45000 Closed(Link(PingTimeout))"]);
    assert_eq!(packets(&bench.received), ["420['and you?']", "2", "<8>"]);
}

#[test]
fn an_answer_that_does_not_come_is_told_at_its_deadline() {
    let (mut bench, mut memory) = (Bench::quick(), Memory::new());
    let mut server = bench.joined(&mut memory);
    let expect = ExpectAck { token: 3, deadline: Some(Instant::from_millis(700)) };
    bench.finish(server.io().emit(ROOT, "and you?", &(), Some(expect))).unwrap();
    let failed = bench.finish(server.next());
    assert!(matches!(failed, Ok(Some((Step::Event(Event::AckFailed { token: 3, .. }, _), _)))));
    assert_eq!(bench.clock.now_ms(), 700);
}

#[test]
fn who_joins_no_namespace_is_closed() {
    let (mut bench, mut memory) = (Bench::quick(), Memory::new());
    let mut server = bench.server(&mut memory);
    bench.send(HEAD.as_bytes());
    bench.finish(server.accept()).unwrap();
    bench.input.borrow_mut().bytes.clear();
    // It answers the ping in advance.
    bench.send(&packet("3"));
    assert_eq!(rest(&mut bench, &mut server), ["0 Opened", "45000 Closed(ForcedServerClose)"]);
}

#[test]
fn who_never_reads_is_given_up() {
    let (mut bench, mut memory) = (Bench::new(Script::Always(0, 4096), 600), Memory::new());
    let mut server = bench.joined(&mut memory);
    bench.reads = false;
    let error = loop {
        if let Err(e) = bench.finish(server.io().emit(ROOT, "news", &&*"x".repeat(90), None)) {
            break e;
        }
    };
    assert!(matches!(error, Error::Stalled), "{error:?}");
    assert_eq!(bench.clock.now_ms(), 20_000);
    assert_eq!(rest(&mut bench, &mut server), ["20000 Closed(Link(TransportClose))"]);
    // In `next` too, with a deadline of its own.
    let mut memory = Memory::new();
    let mut bench = Bench::new(Script::Always(0, 4096), 600);
    let mut server = bench.joined(&mut memory).with_deadlines(Deadlines::new().write(2000));
    bench.reads = false;
    for _ in 0..6 {
        bench.finish(server.io().emit(ROOT, "news", &&*"x".repeat(90), None)).unwrap();
    }
    assert_eq!(rest(&mut bench, &mut server), ["2000 Closed(Link(TransportClose))"]);
}

/// Who takes a byte now and then, after the end, has a limited time.
#[test]
fn who_reads_slowly_cannot_keep_a_connection_that_is_closed() {
    let (mut bench, mut memory) = (Bench::new(Script::Always(0, 4096), 1), Memory::new());
    let mut server = bench.joined(&mut memory);
    bench.finish(server.io().emit(ROOT, "news", &&*"x".repeat(90), None)).unwrap();
    bench.reads = false;
    let output = bench.output.clone();
    let clock = bench.clock.clone();
    server.io().close(Reason::ServerShuttingDown);
    let mut next = pin!(async { while server.next().await.unwrap().is_some() {} });
    let mut cx = Context::from_waker(Waker::noop());
    while next.as_mut().poll(&mut cx).is_pending() {
        clock.advance(900);
        output.borrow_mut().get(1);
    }
    assert!((5000..6000).contains(&clock.now_ms()), "{}", clock.now_ms());
}

/// A transport whose reads always give a byte, 50 ms later.
struct Drip {
    clock: Clock,
    bytes: Box<dyn Iterator<Item = u8>>,
}

impl Receive for Drip {
    type Error = Broken;

    async fn read(&mut self, memory: &mut [u8]) -> Result<Option<usize>, Broken> {
        self.clock.advance(50);
        memory[0] = self.bytes.next().unwrap();
        Ok(Some(1))
    }
}

impl Transmit for Drip {
    type Error = Broken;

    async fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>, Broken> {
        Ok(Some(bytes.len()))
    }
}

#[test]
fn who_drips_bytes_meets_its_deadlines() {
    let drip = |bytes: Vec<u8>, memory: &mut Memory| {
        let clock = Clock::default();
        let endless = bytes.into_iter().chain(std::iter::repeat(b'a'));
        let random: Random = |bytes| bytes.fill(7);
        let drip = Drip { clock: clock.clone(), bytes: Box::new(endless) };
        let mut server = Server::new(drip, clock.clone(), random, NAMES, memory.lend());
        let mut run = pin!(async {
            if let Err(e) = server.accept().await {
                return format!("{e:?}");
            }
            let mut last = String::new();
            while let Some((step, io)) = server.next().await.unwrap() {
                if let Step::Event(Event::Connect { namespace, .. }, _) = step {
                    io.accept(namespace).await.unwrap();
                }
                last = format!("{step:?}");
            }
            last
        });
        let Poll::Ready(end) = run.as_mut().poll(&mut Context::from_waker(Waker::noop())) else { panic!() };
        (clock.now_ms(), end)
    };
    let (at, end) = drip(b"GET / HTTP/1.1\r\nHost: ".to_vec(), &mut Memory::new());
    assert_eq!(end, "Timeout(Handshake)");
    assert!((10_000..11_200).contains(&at), "{at}");
    // A message that never ends, of 450 bytes at most: it is a sign of life for nobody.
    let mut memory = Memory::new();
    (memory.rx, memory.tx) = (vec![0; 9000], vec![0; 256]);
    let begin = [HEAD.as_bytes(), &packet("40"), b"\x81\xfe\x20\x00\0\0\0\0"].concat();
    let (at, end) = drip(begin, &mut memory);
    assert_eq!(end, "Closed(Link(PingTimeout))");
    assert!((45_000..70_000).contains(&at), "{at}");
}

#[test]
fn a_transport_that_ends_or_fails_is_told_as_the_reference_tells_it() {
    let (mut bench, mut memory) = (Bench::quick(), Memory::new());
    let mut server = bench.joined(&mut memory);
    bench.input.borrow_mut().is_ended = true;
    assert_eq!(rest(&mut bench, &mut server), ["0 Closed(Link(TransportClose))"]);

    let (mut bench, mut memory) = (Bench::quick(), Memory::new());
    let mut server = bench.joined(&mut memory);
    bench.input.borrow_mut().is_broken = true;
    assert_eq!(rest(&mut bench, &mut server), ["0 Closed(Link(TransportError))"]);

    let (mut bench, mut memory) = (Bench::quick(), Memory::new());
    let mut server = bench.joined(&mut memory);
    bench.output.borrow_mut().is_broken = true;
    bench.finish(server.io().emit(ROOT, "a", &(), None)).unwrap();
    assert!(matches!(bench.finish(server.io().flush()), Err(Error::Transport(Broken))));
    assert_eq!(rest(&mut bench, &mut server), ["0 Closed(Link(TransportError))"]);

    let (mut bench, mut memory) = (Bench::quick(), Memory::new());
    let mut server = bench.joined(&mut memory);
    bench.send(&packet("9"));
    assert_eq!(rest(&mut bench, &mut server), ["0 Closed(Link(ParseError))"]);
    assert!(server.io().end().link().fault().is_some());
    assert_eq!(packets(&bench.received), ["<8>\\x03\\xea"]);
}

#[test]
fn a_close_waits_for_the_client_to_go() {
    let (mut bench, mut memory) = (Bench::quick(), Memory::new());
    let mut server = bench.joined(&mut memory);
    bench.finish(server.io().emit(ROOT, "bye", &(), None)).unwrap();
    bench.finish(server.close(Reason::ServerShuttingDown)).unwrap();
    assert_eq!(packets(&bench.received), ["42['bye']", "<8>"]);
    assert_eq!(bench.clock.now_ms(), 1000, "the client has not ended the transport");
    let (mut bench, mut memory) = (Bench::quick(), Memory::new());
    let mut server = bench.joined(&mut memory);
    bench.send(&packet("42[\"late\"]"));
    bench.input.borrow_mut().is_ended = true;
    bench.finish(server.close(Reason::ServerShuttingDown)).unwrap();
    assert_eq!((packets(&bench.received), bench.clock.now_ms()), (vec!["<8>".into()], 0));
}

#[test]
fn too_little_memory_is_told_and_nothing_is_lost() {
    let (mut bench, mut memory, mut more) = (Bench::quick(), Memory::new(), vec![0; 256]);
    memory.files.truncate(20);
    memory.acks.truncate(1);
    let mut server = bench.joined(&mut memory);
    let expect = Some(ExpectAck { token: 1, deadline: None });
    // A packet, the slots for acknowledgements, a namespace.
    let long = "x".repeat(300);
    let error = bench.finish(server.io().emit(ROOT, "a", &&*long, None));
    assert!(matches!(error, Err(Error::Outbox(e)) if e.needed == 314 && e.available == 256), "{error:?}");
    bench.finish(server.io().emit(ROOT, "a", &(), expect)).unwrap();
    assert!(matches!(bench.finish(server.io().emit(ROOT, "a", &(), expect)), Err(Error::Send(SendError::Acks(_)))));
    let error = bench.finish(server.io().emit(Namespace(1), "a", &(), None));
    assert!(matches!(error, Err(Error::Send(SendError::State(StateError::NotConnected)))));
    // Attachments.
    bench.send(&[packet("451-[\"f\",{\"_placeholder\":true,\"num\":0}]"), frame(2, &[7; 30])].concat());
    for _ in 0..2 {
        let error = bench.finish(server.next()).map(|_| ());
        assert!(matches!(error, Err(Error::Memory(Grow { what: What::Collector, .. }))), "{error:?}");
    }
    let _ = server.files().replace(&mut more).unwrap();
    assert!(matches!(bench.finish(server.next()), Ok(Some((Step::Again, _)))));
    assert!(matches!(bench.finish(server.next()), Ok(Some((Step::Event(Event::Event(e), _), _))) if e.is("f")));
    // A message that the receive memory cannot hold ends the connection.
    let mut large = b"\x81\xfe\x02\x00\0\0\0\0".to_vec();
    large.resize(520, b'4');
    bench.send(&large);
    let told = rest(&mut bench, &mut server);
    assert!(told.last().unwrap().starts_with("0 Closed(Link("), "{told:?}");
    assert_eq!(packets(&bench.received).last().unwrap(), "<8>\\x03\\xf1");
}

/// The same memory serves one client after another, whatever the first one left behind.
#[test]
fn the_next_client_finds_a_clean_server() {
    let (mut bench, mut memory) = (Bench::quick(), Memory::new());
    let mut server = bench.joined(&mut memory);
    bench.finish(server.io().emit(ROOT, "never sent", &(), None)).unwrap();
    bench.send(&packet("451-[\"half\",{\"_placeholder\":true,\"num\":0}]"));
    assert!(matches!(bench.finish(server.next()), Ok(Some((Step::Again, _)))));
    bench.send(b"\x81");
    let mut bench = Bench::quick();
    let line = bench.line();
    drop(server.renew(line));
    bench.send(&conversation());
    assert_eq!(serve(&mut bench, &mut server, || 0), TOLD);
    let all = packets(&bench.received);
    assert_eq!(all, expected());
}

/// Sizes that the docs tell.
#[test]
fn sizes_are_as_told() {
    let (bench, mut memory) = (Bench::quick(), Memory::new());
    let mut server = bench.server(&mut memory);
    let own = size_of::<Under<'_>>() - size_of::<Line>() - size_of::<Clock>();
    let next = size_of_val(&server.next());
    let accept = size_of_val(&server.accept_with(sha1, |_| Ok(())));
    let close = size_of_val(&server.close(Reason::ServerShuttingDown));
    let emit = size_of_val(&server.io().emit(ROOT, "a", &(), None));
    println!("server {own}, next {next}, accept {accept}, close {close}, emit {emit}");
    assert!(own <= 1400, "{own}");
}
