//! Attacks on Engine.IO, Socket.IO and the composed machine: what laws and fuzzing did not see.

use sansocket::{
    endpoint::{Answer, Ask, Got, Grow, ServerEnd, Step, Todo, Upgrade, What, judge},
    engineio::{
        self, Message, Packets, Transport,
        server::{Config, Cors, Origins, Probed, route},
    },
    http::Method,
    socketio::{
        AckError, AckSlot, Attachments, Collector, ExpectAck, Flags, HandlerSlot, Handlers, Namespace, Placeholder,
        Policy, Pushed, Queue, QueueSlot, Reason, Sid,
        server::{
            Event, Limits, Session,
            rooms::{Member, RoomSlot, Rooms, Storage, Target},
        },
    },
    time::Instant,
    ws::{self, Inbox, Out},
};

use std::collections::{BTreeMap, BTreeSet, VecDeque};

const ROOT: Namespace = Namespace(0);

const fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// A host of one client that keeps what it is told as text.
struct Host {
    end: ServerEnd<[&'static str; 2], Vec<AckSlot>>,
    inbox: Inbox<Vec<u8>>,
    collector: Collector<Vec<u8>>,
    sent: Vec<u8>,
    told: Vec<String>,
    /// The most that the collector asked for.
    most: usize,
}

impl Host {
    fn new(transport: Transport) -> Self {
        let limits = ws::Limits::new().message(100_000).frame(100_000);
        let config = Config::new().max_payload(100_000);
        let id = engineio::Sid::from_random([1; 15]);
        let end = ServerEnd::open(transport, id, config, limits, ["/", "/a"], Vec::new(), at(0));
        let (inbox, collector) = (Inbox::new(vec![0; 16]), Collector::new(Vec::new()));
        Self { end, inbox, collector, sent: Vec::new(), told: Vec::new(), most: 0 }
    }

    fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.inbox.space() {
                Ok(space) => {
                    let n = space.len().min(rest.len());
                    space[..n].copy_from_slice(&rest[..n]);
                    self.inbox.commit(n);
                    rest = &rest[n..];
                }
                Err(e) => drop(self.inbox.replace(vec![0; Grow::new(What::Inbox, e).to])),
            }
        }
    }

    fn write(&mut self) {
        let mut memory = [0; 256];
        while let Ok(n @ 1..) = self.end.transmit(&mut memory) {
            self.sent.extend_from_slice(&memory[..n]);
        }
    }

    fn turn(&mut self, now: u64) {
        loop {
            self.write();
            let step = match self.end.poll(&mut self.inbox, &mut self.collector, at(now)) {
                Ok(Step::Idle) => self.end.handle_timeout(at(now)),
                Ok(step) => step,
                Err(Grow { what: What::Collector, to }) => {
                    self.most = self.most.max(to);
                    let _ = self.collector.replace(vec![0; to]);
                    continue;
                }
                Err(grow) => {
                    let _ = self.inbox.replace(vec![0; grow.to]);
                    continue;
                }
            };
            if !handle(step, &mut self.end, &mut self.sent, &mut self.told) {
                return self.write();
            }
            if self.collector.held() == 0 {
                let _ = self.collector.replace(Vec::new());
            }
        }
    }

    fn post(&mut self, body: &[u8], now: u64) -> Answer<'static> {
        if let Err(answer) = self.end.link_mut().begin_post(None) {
            self.turn(now);
            return answer;
        }
        let mut body = body.to_vec();
        let mut packets = Packets::new(&mut body);
        loop {
            match self.end.poll_post(&mut packets, &mut self.collector, at(now)) {
                Ok(step) => {
                    if !handle(step, &mut self.end, &mut self.sent, &mut self.told) {
                        return self.end.link().posted();
                    }
                    if self.collector.held() == 0 {
                        let _ = self.collector.replace(Vec::new());
                    }
                }
                Err(grow) => {
                    self.most = self.most.max(grow.to);
                    drop(self.collector.replace(vec![0; grow.to]));
                }
            }
        }
    }

    fn ask(&mut self, token: u32, deadline: Option<Instant>) {
        let mut memory = [0; 256];
        let mut out = Out::stored(&mut memory);
        let io = self.end.io();
        let _ = io.replace_acks(vec![AckSlot::EMPTY; 8]);
        io.emit(ROOT, "q", &(), Some(ExpectAck { token, deadline }), &mut out).unwrap();
    }
}

fn handle(
    step: Step<'_>,
    end: &mut ServerEnd<[&'static str; 2], Vec<AckSlot>>,
    sent: &mut Vec<u8>,
    told: &mut Vec<String>,
) -> bool {
    let mut memory = [0; 256];
    let mut out = Out::stored(&mut memory);
    let count = |files: Attachments<'_>| files.into_iter().map(<[u8]>::len).collect::<Vec<_>>();
    match step {
        Step::Idle => return false,
        Step::Again => {}
        Step::Closed(reason) => told.push(format!("closed {reason}")),
        Step::Event(Event::Connect { namespace, .. }, _) => {
            told.push(format!("connect {}", namespace.0));
            end.io().accept(namespace, Sid::from_random([2; 15]), &mut out).unwrap();
        }
        Step::Event(Event::Event(e), files) => {
            told.push(format!("event {:?} {:?}", e.name().map(|n| n.raw().to_vec()), count(files)));
            if let Some(request) = e.ack {
                let _ = end.io().ack(request, &"yes", &mut out);
            }
        }
        Step::Event(Event::Ack(a), files) => told.push(format!("ack {:?} {:?}", a.token, count(files))),
        Step::Event(event, _) => told.push(format!("{event:?}")),
    }
    sent.extend_from_slice(out.written());
    true
}

fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let len = payload.len();
    let head = match len {
        0..126 => vec![0x80 | len as u8],
        126..0x1_0000 => vec![0xfe, (len >> 8) as u8, len as u8],
        _ => [&[0xff][..], &(len as u64).to_be_bytes()].concat(),
    };
    [&[0x80 | opcode][..], &head, &[0; 4], payload].concat()
}

fn text(payload: &str) -> Vec<u8> {
    frame(1, payload.as_bytes())
}

/// An acknowledgement without arguments, yet with an attachment, holds nothing in the collector; its attachment needs room all the same.
#[test]
fn an_acknowledgement_with_an_attachment_and_without_arguments_is_told() {
    let mut host = Host::new(Transport::WebSocket);
    host.feed(&text("40"));
    host.turn(0);
    host.ask(7, None);
    host.feed(&[text("461-0[]"), frame(2, &[9; 300])].concat());
    host.turn(1);
    assert_eq!(host.told.last().unwrap(), "ack Some(7) [300]");

    let mut host = Host::new(Transport::Polling);
    host.post(b"40", 0);
    host.ask(7, None);
    host.post(b"461-0[]\x1ebAQIDBAEBAQEBAQEBAQEBAQ==\x1e42[\"x\"]", 1);
    assert!(host.told.contains(&"ack Some(7) [16]".to_owned()), "{:?}", host.told);
}

/// `accept` after the client broke the protocol does not make its later packets good.
#[test]
fn a_session_that_failed_stays_failed_when_a_namespace_is_accepted() {
    let mut io = Session::new(["/"], [AckSlot::EMPTY; 1], at(1000));
    let message = |text: &'static [u8]| engineio::Event::Message(Message::Text(text));
    io.handle_event(engineio::Event::Opened).unwrap();
    io.handle_event(message(b"0")).unwrap();
    let error = io.handle_event(message(b"9")).unwrap_err();
    let mut memory = [0; 64];
    let _ = io.accept(ROOT, Sid::from_random([1; 15]), &mut Out::stored(&mut memory));
    assert_eq!(io.handle_event(message(b"2[\"x\"]")), Err(error));
}

/// The memory for attachments follows the packet, not the payload that the packet stands in.
#[test]
fn a_post_of_many_small_packets_asks_for_little_memory() {
    let mut host = Host::new(Transport::Polling);
    host.post(b"40", 0);
    let one = "451-[\"x\",{\"_placeholder\":true,\"num\":0}]\x1ebAQ==";
    let body = vec![one; 2000].join("\x1e");
    host.post(body.as_bytes(), 1);
    assert_eq!(host.told.iter().filter(|t| t.starts_with("event")).count(), 2000);
    assert!(host.most <= 256, "a collector of {} bytes for packets of {}", host.most, one.len());
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % n as u64) as usize
    }
}

/// What a client says: mostly good.
fn packet(random: &mut Random) -> Vec<Vec<u8>> {
    let id = random.below(6);
    let files = 1 + random.below(2);
    let texts = |packet: String| vec![text(&packet)];
    match random.below(24) {
        0..4 => texts("42[\"x\"]".into()),
        4 => texts(format!("42{id}[\"y\",1]")),
        5..9 => texts(format!("43{id}[1]")),
        9..12 => {
            let mut all = texts(format!("46{files}-{id}[]"));
            all.extend((0..files).map(|i| frame(2, &vec![7; 40 * i])));
            all
        }
        12..14 => {
            let mut all = texts(format!("45{files}-/a,[\"z\",{{\"_placeholder\":true,\"num\":0}}]"));
            all.extend((0..files).map(|_| text("bAQIDBA==")));
            all
        }
        14 => texts("43/a,0[]".into()),
        15 => texts("42/a,[\"w\"]".into()),
        16 => texts("3".into()),
        17 => vec![frame(9, b"hi")],
        18 => texts("40/nope,".into()),
        19 => texts("6".into()),
        20 => vec![[frame(0x1, b"42[\"p"), frame(0, b"\"]")].concat()]
            .into_iter()
            .map(|mut f| {
                f[0] = 1;
                f
            })
            .collect(),
        21 if random.below(4) == 0 => texts("41/a".into()),
        22 if random.below(6) == 0 => {
            [&b"2"[..], b"", b"9", b"42[", b"1", b"44{\"message\":\"\"}", b"450-[\"x\"]", b"461-0[1]"]
                .get(random.below(8))
                .map(|p| vec![frame(1, p)])
                .unwrap()
        }
        23 if random.below(6) == 0 => vec![frame(8, b"\x03\xe8"), frame(1, b"42[\"late\"]")],
        _ => texts("42[\"v\"]".into()),
    }
}

/// Any cut of the input gives the same events and the same bytes, and each acknowledgement is told once.
#[test]
fn cuts_change_nothing_and_each_acknowledgement_is_told_once() {
    for seed in 0..1000 {
        let mut random = Random(seed);
        let mut input = [text("40"), text("40/a,")].concat();
        for _ in 0..random.below(20) {
            packet(&mut random).iter().for_each(|frame| input.extend_from_slice(frame));
        }
        let asked = random.below(5) as u32;
        let run = |random: &mut Random, whole: bool| {
            let mut host = Host::new(Transport::WebSocket);
            let mut rest = &input[..];
            let first = text("40").len();
            host.feed(&rest[..first]);
            rest = &rest[first..];
            host.turn(0);
            (0..asked).for_each(|token| host.ask(token, None));
            while !rest.is_empty() {
                let n = if whole { rest.len() } else { 1 + random.below(rest.len().min(60)) };
                host.feed(&rest[..n]);
                rest = &rest[n..];
                host.turn(0);
            }
            host.end.link_mut().handle_eof();
            host.turn(0);
            // A pong may stand for several pings, and so its place is free.
            let sent = String::from_utf8_lossy(&host.sent).replace("\u{fffd}\x02hi", "");
            (host.told, sent, host.end.fault(), host.end.link().fault())
        };
        let one = run(&mut random, true);
        for _ in 0..3 {
            assert_eq!(run(&mut random, false), one, "seed {seed}");
        }
        let told = &one.0;
        for token in 0..asked {
            let name = (format!("ack Some({token})"), format!("token: {token},"));
            let times = told.iter().filter(|t| t.starts_with(&name.0) || t.contains(&name.1)).count();
            assert_eq!(times, 1, "seed {seed}, token {token}: {told:?}");
        }
        assert_eq!(told.iter().filter(|t| *t == "Opened").count(), 1);
        assert_eq!(told.first().unwrap(), "Opened");
        assert_eq!(told.iter().filter(|t| t.starts_with("closed")).count(), 1);
        assert!(told.last().unwrap().starts_with("closed"), "{told:?}");
    }
}

/// A WebSocket that a session may move to, as its client sees it.
struct Socket {
    upgrade: Upgrade,
    inbox: Inbox<Vec<u8>>,
    got: Vec<u8>,
    said: usize,
    is_over: bool,
}

/// Texts of the frames in `bytes`, which are a server's.
fn frames(mut bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    while let [first, len @ 0..126, rest @ ..] = bytes {
        let (payload, behind) = rest.split_at(usize::from(*len));
        all.push(if first & 15 == 8 { "close".into() } else { String::from_utf8_lossy(payload).into_owned() });
        bytes = behind;
    }
    assert!(bytes.is_empty(), "frames of more than 125 bytes: {bytes:?}");
    all
}

/// Whatever becomes of moves to a WebSocket, nothing that waits is lost, doubled or put into another order.
#[test]
fn upgrades_at_any_step_lose_nothing() {
    let (mut moved, mut failed, mut ended) = (0, 0, 0);
    for seed in 0..6000 {
        let mut random = Random(seed);
        let mut now = 0;
        let mut host = Host::new(Transport::Polling);
        let (mut queued, mut number) = (Vec::new(), 0);
        let mut got: Vec<String> = Vec::new();
        let mut sockets: Vec<Socket> = Vec::new();
        let mut is_waiting = true;
        let mut home = None;
        let mut log = Vec::new();
        let mut over = false;
        for _ in 0..random.below(120) {
            let step = random.below(16);
            log.push(step);
            match step {
                // The application says something.
                0..3 if !host.end.link().is_over() => {
                    let mut memory = [0; 64];
                    let mut out = Out::stored(&mut memory);
                    let message = format!("m{number}");
                    host.end.link().send(Message::Text(message.as_bytes()), &mut out).unwrap();
                    host.sent.extend_from_slice(out.written());
                    queued.push(format!("4{message}"));
                    number += 1;
                }
                3 if !is_waiting && home.is_none() && !over => {
                    host.end.link_mut().begin_get(at(now)).unwrap();
                    is_waiting = true;
                }
                4..7 if is_waiting => {
                    let mut body = vec![0; host.end.link().body_room(host.sent.len())];
                    match host.end.link_mut().poll_get(core::iter::once(&host.sent[..]), &mut body).unwrap() {
                        Got::Waits => {}
                        Got::Over => {
                            is_waiting = false;
                            over = true;
                        }
                        Got::Payload { taken, len } => {
                            host.sent.drain(..taken);
                            is_waiting = false;
                            let body = String::from_utf8_lossy(&body[..len]).into_owned();
                            got.extend(body.split('\x1e').map(str::to_owned));
                        }
                    }
                }
                7 if sockets.len() < 3 => {
                    let upgrade = Upgrade::begin(host.end.link_mut(), ws::Limits::new(), at(now));
                    let inbox = Inbox::new(vec![0; 8]);
                    sockets.push(Socket { upgrade, inbox, got: Vec::new(), said: 0, is_over: false });
                }
                8..12 if !sockets.is_empty() => {
                    let which = random.below(sockets.len());
                    let socket = &mut sockets[which];
                    if socket.is_over || home.is_some() {
                        continue;
                    }
                    let all = [text("2probe"), text("5")].concat();
                    let more = if random.below(20) == 0 {
                        text("4junk")
                    } else {
                        let end = (socket.said + 1 + random.below(14)).min(all.len());
                        let piece = all[socket.said..end].to_vec();
                        socket.said = end;
                        piece
                    };
                    let mut more = &more[..];
                    loop {
                        match socket.inbox.space() {
                            Ok(space) => {
                                let n = space.len().min(more.len());
                                space[..n].copy_from_slice(&more[..n]);
                                socket.inbox.commit(n);
                                more = &more[n..];
                            }
                            Err(e) => drop(socket.inbox.replace(vec![0; Grow::new(What::Inbox, e).to])),
                        }
                        if more.is_empty() {
                            break;
                        }
                    }
                }
                12 if !sockets.is_empty() && random.below(5) == 0 => {
                    let which = random.below(sockets.len());
                    if home.is_none() {
                        sockets[which].upgrade.fail(host.end.link_mut());
                        sockets[which].is_over = true;
                    }
                }
                13 => now += [0, 1, 99, 101, 10_000][random.below(5)],
                14 if random.below(20) == 0 => host.end.close(Reason::ForcedServerClose, at(now)),
                15 if random.below(40) == 0 && home.is_none() => drop(host.post(b"1", now)),
                _ => {}
            }
            for (i, socket) in sockets.iter_mut().enumerate() {
                if socket.is_over {
                    continue;
                }
                let probed = loop {
                    match socket.upgrade.poll(host.end.link_mut(), &mut socket.inbox, at(now)) {
                        Ok(probed) => break probed,
                        Err(grow) => drop(socket.inbox.replace(vec![0; grow.to])),
                    }
                };
                let mut memory = [0; 256];
                while let Ok(n @ 1..) = socket.upgrade.transmit(&mut memory) {
                    socket.got.extend_from_slice(&memory[..n]);
                }
                match probed {
                    Probed::Pending => {}
                    Probed::Failed => {
                        socket.is_over = true;
                        failed += 1;
                        assert_eq!(frames(&socket.got).last().unwrap(), "close");
                    }
                    Probed::Upgraded => {
                        socket.is_over = true;
                        assert!(home.is_none(), "two homes");
                        assert!(!is_waiting, "a GET waits for ever");
                        assert_eq!(frames(&socket.got), ["3probe"]);
                        home = Some(i);
                        moved += 1;
                    }
                }
            }
            if let Some(i) = home {
                let inbox = core::mem::replace(&mut sockets[i].inbox, Inbox::new(Vec::new()));
                host.inbox = inbox;
                host.turn(now);
                sockets[i].inbox = core::mem::replace(&mut host.inbox, Inbox::new(Vec::new()));
                got.extend(frames(&std::mem::take(&mut host.sent)));
            } else {
                while let step = host.end.handle_timeout(at(now))
                    && handle(step, &mut host.end, &mut host.sent, &mut host.told)
                {}
            }
        }
        ended += usize::from(host.end.link().is_over());
        let said: Vec<&String> = got.iter().filter(|p| p.starts_with("4m")).collect();
        let rest = frames(&host.sent);
        let all: Vec<&String> = said.into_iter().chain(rest.iter().filter(|p| p.starts_with("4m"))).collect();
        assert_eq!(all, queued.iter().collect::<Vec<_>>(), "seed {seed} {log:?}");
        if let Some(end) = got.iter().position(|p| p == "1" || p == "close") {
            assert_eq!(end, got.len() - 1, "seed {seed}: {got:?}");
        }
        // Nothing is told twice; a session that is over is told so.
        let count = |what: &str| host.told.iter().filter(|t| t.starts_with(what)).count();
        assert_eq!(count("closed"), usize::from(host.end.link().is_over()), "seed {seed} {:?}", host.told);
        assert!(count("Opened") <= 1);
    }
    assert!(moved > 200 && failed > 500 && ended > 200, "{moved} {failed} {ended}");
}

/// The fields of a handshake do not say its method, so a host that checks those alone has it checked here.
#[test]
fn only_a_get_opens_a_websocket() {
    for method in [Method::Post, Method::Head, Method::Other(b"DELETE")] {
        for query in [&b"EIO=4&transport=websocket"[..], b"EIO=4&transport=websocket&sid=abc"] {
            let ask = Ask { method, query, has_body: false, websocket: Some(Ok(())) };
            let find = |_: &[u8]| Some(Transport::Polling);
            let todo = judge(&ask, &Cors::new(Origins::Own), find);
            assert_eq!(todo, Todo::Answer(Answer::Handshake(ws::RequestError::Method)), "{method:?}");
        }
    }
}

/// Acknowledgements against a list: whatever is done in whatever order, each is told once, and a refused call changes nothing.
#[test]
fn acknowledgements_against_a_list() {
    for seed in 0..1500 {
        let mut random = Random(seed);
        let limit = [3, 8, 1000][random.below(3)];
        let mut io = Session::new(["/", "/a"], vec![AckSlot::EMPTY; random.below(4)], at(1_000_000))
            .with_limits(Limits::new().acks(limit));
        let message = |text: &'static str| engineio::Event::Message(Message::Text(text.as_bytes()));
        let mut memory = [0; 256];
        // Namespace, id, token, deadline; in the order asked.
        let mut waiting: Vec<(Namespace, u64, u32, Option<u64>)> = Vec::new();
        let mut lost: Vec<(Namespace, u32)> = Vec::new();
        let (mut token, mut now, mut files) = (0, 0, None);
        io.handle_event(engineio::Event::Opened).unwrap();
        for step in 0..random.below(150) {
            let namespace = Namespace(random.below(2) as u16);
            let path = ["", "/a,"][usize::from(namespace.0)];
            let is_in = io.is_connected(namespace);
            match random.below(14) {
                0 | 1 if !is_in && files.is_none() => {
                    io.handle_event(message(["0", "0/a,"][usize::from(namespace.0)])).unwrap();
                    let before = io.clone();
                    assert!(io.accept(namespace, Sid::from_random([1; 15]), &mut Out::stored(&mut [0; 4])).is_err());
                    assert_eq!(io, before);
                    io.accept(namespace, Sid::from_random([step as u8; 15]), &mut Out::stored(&mut memory)).unwrap();
                    let before = io.clone();
                    let mut out = Out::stored(&mut memory);
                    assert!(io.accept(namespace, Sid::from_random([1; 15]), &mut out).is_err());
                    assert!(io.refuse(namespace, "no", None, &mut out).is_err());
                    assert_eq!(io, before);
                    assert!(out.is_empty());
                }
                2..7 => {
                    token += 1;
                    let deadline = (random.below(3) > 0).then(|| now + [0, 5, 5, 9][random.below(4)]);
                    let expect = ExpectAck { token, deadline: deadline.map(at) };
                    let before = io.clone();
                    let mut memory = vec![0; [6, 64][random.below(2)]];
                    let mut out = Out::stored(&mut memory);
                    match io.emit(namespace, "q", &(), Some(expect), &mut out) {
                        Ok(()) => {
                            let text = String::from_utf8_lossy(&out.written()[2..]).into_owned();
                            let id = text.strip_prefix(&format!("42{path}")).unwrap().split('[').next().unwrap();
                            waiting.push((namespace, id.parse().unwrap(), token, deadline));
                            assert!(waiting.len() + lost.len() <= usize::from(limit));
                        }
                        Err(e) => {
                            assert_eq!(io, before, "{e}");
                            assert!(out.is_empty());
                            if let Some(Grow { what: What::Acks, to }) = Grow::of(&e) {
                                io.replace_acks(vec![AckSlot::EMPTY; to]).unwrap();
                                io.clone()
                                    .emit(namespace, "q", &(), Some(expect), &mut Out::stored(&mut [0; 64]))
                                    .unwrap();
                            }
                        }
                    }
                }
                7 | 8 if is_in && files.is_none() => {
                    let id = match waiting.len() {
                        0 => random.below(9) as u64,
                        n => waiting[random.below(n)].1,
                    };
                    let found = waiting.iter().position(|w| w.0 == namespace && w.1 == id);
                    let expected = found.map(|at| waiting[at].2);
                    let is_binary = random.below(2) == 0;
                    let packet = if is_binary { format!("61-{path}{id}[]") } else { format!("3{path}{id}[]") };
                    let event = engineio::Event::Message(Message::Text(packet.as_bytes()));
                    match io.handle_event(event).unwrap() {
                        Event::Ack(answer) => assert_eq!(answer.token, expected),
                        other => panic!("{other:?}"),
                    }
                    if is_binary {
                        files = Some((namespace, id, expected));
                    } else {
                        waiting.extract_if(.., |w| w.0 == namespace && w.1 == id).for_each(drop);
                    }
                }
                9 => {
                    if let Some((namespace, id, expected)) = files.take() {
                        let event = engineio::Event::Message(Message::Binary(b"x"));
                        let is_there = waiting.iter().any(|w| w.0 == namespace && w.1 == id);
                        match io.handle_event(event).unwrap() {
                            Event::Attachment(a) => assert_eq!(a.is_late(), expected.is_some() && !is_there),
                            other => panic!("{other:?}"),
                        }
                        waiting.extract_if(.., |w| expected == Some(w.2)).for_each(drop);
                    }
                }
                10 if is_in && random.below(3) == 0 => {
                    if random.below(2) == 0 && files.is_none() {
                        io.handle_event(message(["1", "1/a,"][usize::from(namespace.0)])).unwrap();
                    } else {
                        let before = io.clone();
                        assert!(io.disconnect(namespace, &mut Out::stored(&mut [0; 1])).is_err());
                        assert_eq!(io, before);
                        io.disconnect(namespace, &mut Out::stored(&mut memory)).unwrap();
                    }
                    lost.extend(waiting.extract_if(.., |w| w.0 == namespace).map(|w| (w.0, w.2)));
                }
                11 => {
                    let before = io.clone();
                    let n = random.below(12);
                    match io.replace_acks(vec![AckSlot::EMPTY; n]) {
                        Ok(_) => assert!(n >= waiting.len() + lost.len()),
                        Err(_) => {
                            assert!(n < waiting.len() + lost.len());
                            assert_eq!(io, before);
                        }
                    }
                }
                12 => now += random.below(6) as u64,
                13 if random.below(10) == 0 => {
                    if random.below(2) == 0 {
                        io.reopen(at(1_000_000));
                    } else {
                        io.handle_event(engineio::Event::Opened).unwrap();
                    }
                    files = None;
                    lost.extend(waiting.drain(..).map(|w| (w.0, w.2)));
                }
                _ => {}
            }
            // Time: now, or later.
            if random.below(3) == 0 {
                loop {
                    let soonest = waiting.iter().filter_map(|w| w.3).min();
                    let due = if lost.is_empty() { soonest } else { Some(0) };
                    let told = io.poll_timeout().filter(|t| *t != at(1_000_000)).map(|t| t.as_millis());
                    assert_eq!(told, due, "seed {seed}");
                    match io.handle_timeout(at(now)) {
                        Some(Event::AckFailed { namespace, token, error }) => {
                            let expected = if lost.is_empty() {
                                let first = waiting.iter().position(|w| w.3 == soonest).unwrap();
                                assert!(soonest.unwrap() <= now);
                                let (namespace, _, token, _) = waiting.remove(first);
                                (namespace, token, AckError::TimedOut)
                            } else {
                                let (namespace, token) = lost.remove(0);
                                (namespace, token, AckError::Disconnected)
                            };
                            assert_eq!((namespace, token, error), expected, "seed {seed}");
                        }
                        None => break assert!(lost.is_empty() && soonest.is_none_or(|t| t > now)),
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
    }
}

type Registry = Rooms<Vec<RoomSlot>, Vec<u8>>;

/// What a registry knows, in words.
fn known(rooms: &mut Registry, names: &[Vec<u8>]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for namespace in [0, 1].map(Namespace) {
        for member in (0..6).map(Member) {
            let mut of: Vec<_> = rooms.rooms_of(namespace, member).map(<[u8]>::to_vec).collect();
            of.sort();
            let own = rooms.own_room(namespace, member).map(<[u8]>::to_vec);
            all.insert(format!("{namespace:?} {member:?} {of:?} {own:?}"));
        }
        for name in names {
            let count = rooms.count(namespace, Some(name));
            let mut of: Vec<_> = rooms.select(namespace, &Target::all().to(&[name])).collect();
            assert_eq!(of.len(), count);
            of.sort();
            all.insert(format!("{namespace:?} {name:?} {of:?}"));
        }
        let mut of: Vec<_> = rooms.select(namespace, &Target::all()).collect();
        of.sort();
        assert_eq!(of.len(), rooms.count(namespace, None));
        all.insert(format!("{namespace:?} {of:?}"));
    }
    all
}

#[derive(Clone, Default)]
struct Entered {
    rooms: BTreeSet<Vec<u8>>,
    own: Option<Vec<u8>>,
}

/// Rooms with the room of an own id against a map, in storage that is just large enough, too small, and exchanged.
#[test]
fn rooms_of_own_ids_against_a_map() {
    for seed in 0..150 {
        let mut random = Random(seed);
        let sids: Vec<Sid> = (0..3).map(|i| Sid::from_random([i; 15])).collect();
        let mut names: Vec<Vec<u8>> = sids.iter().map(|s| s.as_bytes().to_vec()).collect();
        names.extend([b"".to_vec(), b"a".to_vec(), vec![b'x'; 100]]);
        let storage =
            |slots, name_bytes| Storage { slots: vec![RoomSlot::EMPTY; slots], name_bytes: vec![0; name_bytes] };
        let mut rooms: Registry = Rooms::new(storage(random.below(9), random.below(60)), [1, seed]);
        let mut model: BTreeMap<(u16, u32), Entered> = BTreeMap::new();
        for _ in 0..random.below(120) {
            let (namespace, member) = (Namespace(random.below(2) as u16), Member(random.below(6) as u32));
            let key = (namespace.0, member.0);
            let name = names[random.below(names.len())].clone();
            let sid = sids[random.below(3)];
            let kind = random.below(9);
            let to: Vec<&[u8]> = (0..random.below(3)).map(|_| &names[random.below(names.len())][..]).collect();
            let except: Vec<&[u8]> = (0..random.below(2)).map(|_| &names[random.below(names.len())][..]).collect();
            let target = Target::all().to(&to).except(&except);
            let target = if random.below(3) == 0 { target.not(member) } else { target };
            let is_in = |e: &Entered, list: &[&[u8]]| list.iter().any(|n| e.rooms.contains(*n));
            let reached: Vec<u32> = model
                .iter()
                .filter(|((n, m), e)| {
                    *n == namespace.0
                        && (to.is_empty() || is_in(e, &to))
                        && !is_in(e, &except)
                        && target.excluded_member() != Some(Member(*m))
                })
                .map(|((_, m), _)| *m)
                .collect();
            let mut got: Vec<u32> = rooms.select(namespace, &target).map(|m| m.0).collect();
            got.sort();
            assert_eq!(got, reached, "seed {seed}");
            match kind {
                0..4 | 7 => {
                    let before = known(&mut rooms, &names);
                    let act = |rooms: &mut Registry| match kind {
                        0 => rooms.enter(namespace, member).map(usize::from),
                        1 => rooms.enter_as(namespace, member, &sid).map(usize::from),
                        7 => rooms.sockets_join(namespace, &target, &name),
                        _ => rooms.join(namespace, member, &name).map(usize::from),
                    };
                    let result = loop {
                        match act(&mut rooms) {
                            Ok(n) => break n,
                            Err(full) => {
                                assert_eq!(known(&mut rooms, &names), before, "seed {seed}");
                                // Exactly what was asked for is enough.
                                rooms.replace(storage(full.slots, full.name_bytes)).unwrap();
                                assert_eq!(known(&mut rooms, &names), before, "seed {seed}");
                                break act(&mut rooms).expect("what was asked for");
                            }
                        }
                    };
                    let expected = match kind {
                        0 => usize::from(model.insert(key, model.get(&key).cloned().unwrap_or_default()).is_none()),
                        1 => {
                            let entered = model.entry(key).or_default();
                            entered.own = Some(sid.as_bytes().to_vec());
                            usize::from(entered.rooms.insert(sid.as_bytes().to_vec()))
                        }
                        7 => reached
                            .iter()
                            .filter(|m| model.get_mut(&(namespace.0, **m)).unwrap().rooms.insert(name.clone()))
                            .count(),
                        _ => usize::from(model.entry(key).or_default().rooms.insert(name.clone())),
                    };
                    assert_eq!(result, expected, "seed {seed}, kind {kind}");
                }
                4 | 8 => {
                    let members = if kind == 4 { vec![member.0] } else { reached.clone() };
                    let mut left = 0;
                    for m in members {
                        if let Some(entered) = model.get_mut(&(namespace.0, m)) {
                            left += usize::from(entered.rooms.remove(&name));
                            entered.own.take_if(|own| *own == name);
                        }
                    }
                    let got = match kind {
                        4 => usize::from(rooms.leave(namespace, member, &name)),
                        _ => rooms.sockets_leave(namespace, &target, &name),
                    };
                    assert_eq!(got, left, "seed {seed}");
                }
                5 => {
                    model.remove(&key);
                    rooms.leave_all(namespace, member);
                }
                _ => {
                    let before = known(&mut rooms, &names);
                    let _ = rooms.replace(storage(random.below(40), random.below(400)));
                    assert_eq!(known(&mut rooms, &names), before, "seed {seed}");
                }
            }
            for ((n, m), entered) in &model {
                let mut of: Vec<_> = rooms.rooms_of(Namespace(*n), Member(*m)).map(<[u8]>::to_vec).collect();
                of.sort();
                assert!(of.iter().eq(&entered.rooms), "seed {seed}");
                assert_eq!(rooms.own_room(Namespace(*n), Member(*m)), entered.own.as_deref(), "seed {seed}");
            }
        }
    }
}

/// Handlers that add and remove handlers while they are called, against a list.
#[test]
fn handlers_that_change_the_table_against_a_list() {
    for seed in 0..1500 {
        let mut random = Random(seed);
        let mut io = Session::new(["/"], [AckSlot::EMPTY; 0], at(0));
        let message = |text: &'static [u8]| engineio::Event::Message(Message::Text(text));
        io.handle_event(message(b"0")).unwrap();
        io.accept(ROOT, Sid::from_random([1; 15]), &mut Out::stored(&mut [0; 64])).unwrap();
        let events: Vec<_> = [&br#"2["a"]"#[..], br#"2["\u0062"]"#, b"2[3]"]
            .map(|text| match io.handle_event(message(text)).unwrap() {
                Event::Event(e) => e,
                other => panic!("{other:?}"),
            })
            .into();
        let names = ["a", "b", "3"];
        let size = random.below(9);
        let mut table = Handlers::<u32, _>::new(vec![HandlerSlot::EMPTY; size]);
        // Name, once, value.
        let mut model: Vec<(Option<usize>, bool, u32)> = Vec::new();
        let mut value = 0;
        let change = |table: &mut Handlers<'static, u32, Vec<HandlerSlot<'static, u32>>>,
                      model: &mut Vec<(Option<usize>, bool, u32)>,
                      random: &mut Random,
                      value: &mut u32| {
            let name = random.below(3);
            match random.below(8) {
                kind @ 0..5 => {
                    *value += 1;
                    let added = match kind {
                        0 => table.on_any(*value),
                        1 => table.once(names[name], *value),
                        _ => table.on(names[name], *value),
                    };
                    assert_eq!(added.is_ok(), model.len() < size, "seed {seed}");
                    if let Err(e) = added {
                        assert_eq!((e.needed, e.available), (size + 1, size));
                    } else {
                        model.push(((kind > 0).then_some(name), kind == 1, *value));
                    }
                }
                5 => assert_eq!(table.off(names[name]), model.extract_if(.., |h| h.0 == Some(name)).count()),
                6 if random.below(3) == 0 => {
                    assert_eq!(table.off_any(), model.extract_if(.., |h| h.0.is_none()).count());
                }
                _ => {
                    let which = random.below(*value as usize + 1) as u32;
                    let found = model.extract_if(.., |h| h.0 == Some(name) && h.2 == which).count();
                    assert_eq!(table.off_value(names[name], &which), found);
                }
            }
        };
        for _ in 0..random.below(60) {
            change(&mut table, &mut model, &mut random, &mut value);
            if random.below(3) > 0 {
                continue;
            }
            let which = random.below(3);
            let mut call = table.call();
            let last = value;
            let mut before = (0, 0);
            while let Some(handler) = table.next(&mut call, &events[which]) {
                let at = model.iter().position(|h| h.2 == handler).expect("one that is there");
                let (name, is_once, _) = model[at];
                assert!(name.is_none_or(|name| name == which));
                let order = (u32::from(name.is_some()), handler);
                assert!(order > before && handler <= last, "seed {seed}");
                // None between them was left out.
                let skipped = model.iter().any(|h| {
                    let order_of = (u32::from(h.0.is_some()), h.2);
                    h.0.is_none_or(|name| name == which) && h.2 <= last && order_of > before && order_of < order
                });
                assert!(!skipped, "seed {seed}");
                before = order;
                if is_once {
                    model.remove(at);
                }
                for _ in 0..random.below(3) {
                    change(&mut table, &mut model, &mut random, &mut value);
                }
            }
        }
    }
}

/// A queue against a list, with packets that go out in pieces, slots that are exchanged, and volatile ones.
#[test]
fn a_queue_against_a_list() {
    for seed in 0..3000 {
        let mut random = Random(seed);
        let policy = [Policy::Close, Policy::DropVolatile, Policy::DropNewest][random.below(3)];
        let limit = [0, 10, 40][random.below(3)];
        let mut queue = Queue::<Vec<u8>, _>::new(vec![QueueSlot::EMPTY; random.below(6)], limit, policy);
        let mut model: VecDeque<(Vec<u8>, bool)> = VecDeque::new();
        let (mut sent, mut number) = (0, 0_u8);
        for _ in 0..random.below(80) {
            match random.below(5) {
                0..2 => {
                    number = number.wrapping_add(1);
                    let packet = vec![number; 1 + random.below(9)];
                    let (is_volatile, is_writable) = (random.below(2) == 0, random.below(3) > 0);
                    let flags = if is_volatile { Flags::NONE.volatile() } else { Flags::NONE };
                    let slots = queue.slots();
                    let fits = |model: &VecDeque<(Vec<u8>, bool)>| {
                        let bytes: usize = model.iter().map(|p| p.0.len()).sum::<usize>() - sent;
                        model.len() < slots && (model.is_empty() || bytes + packet.len() <= limit)
                    };
                    let expected = if queue.is_closed() {
                        Pushed::Overflow
                    } else if is_volatile && !is_writable {
                        Pushed::Dropped
                    } else {
                        while policy == Policy::DropVolatile && !fits(&model) {
                            let from = usize::from(sent > 0).min(model.len());
                            let Some(at) = model.range(from..).position(|p| p.1) else { break };
                            model.remove(from + at);
                        }
                        if fits(&model) {
                            model.push_back((packet.clone(), is_volatile));
                            Pushed::Queued
                        } else if is_volatile || policy == Policy::DropNewest {
                            Pushed::Dropped
                        } else {
                            model.clear();
                            sent = 0;
                            Pushed::Overflow
                        }
                    };
                    assert_eq!(queue.push(packet, flags, is_writable), expected, "seed {seed}");
                }
                2 => {
                    let mut n = random.below(25);
                    queue.consume(n);
                    while let Some(first) = model.front() {
                        let left = first.0.len() - sent;
                        if n < left {
                            sent += n;
                            break;
                        }
                        n -= left;
                        sent = 0;
                        model.pop_front();
                    }
                }
                3 => {
                    let n = random.below(8);
                    assert_eq!(queue.replace(vec![QueueSlot::EMPTY; n]).is_ok(), n >= model.len());
                }
                _ if random.below(4) == 0 => {
                    assert_eq!(queue.pop().map(|p| p.0), model.pop_front().map(|p| p.0));
                    sent = 0;
                }
                _ => {}
            }
            let bytes: Vec<u8> = model.iter().flat_map(|p| p.0.iter().copied()).skip(sent).collect();
            assert_eq!(queue.slices().flatten().copied().collect::<Vec<_>>(), bytes, "seed {seed}");
            assert_eq!((queue.len(), queue.bytes()), (model.len(), bytes.len()), "seed {seed}");
        }
    }
}

/// Any order of calls: `Opened` once and first, `Closed` once and last, and after a turn no deadline lies in the past, or a host would never rest.
#[test]
fn any_order_of_calls_tells_one_beginning_and_one_end_and_rests() {
    let mut ends = BTreeMap::<String, usize>::new();
    for seed in 0..6000 {
        let mut random = Random(seed);
        let transport = [Transport::Polling, Transport::WebSocket][random.below(2)];
        let mut host = Host::new(transport);
        let mut now = 0;
        let (mut token, mut log) = (0, Vec::new());
        let mut upgrade = None;
        for _ in 0..random.below(40) {
            let step = random.below(20);
            log.push(step);
            let link = host.end.link_mut();
            match step {
                0 => drop(link.begin_get(at(now))),
                1 => {
                    let mut body = vec![0; link.body_room(host.sent.len())];
                    match link.poll_get(core::iter::once(&host.sent[..]), &mut body).unwrap() {
                        Got::Payload { taken, .. } if link.transport() == Transport::Polling => {
                            host.sent.drain(..taken);
                        }
                        _ => {}
                    }
                }
                2 if random.below(6) == 0 => link.drop_get(),
                3 => drop(
                    link.begin_post([None, Some(&b"application/octet-stream"[..])][usize::from(random.below(20) == 0)]),
                ),
                4 => link.drop_post(),
                5..8 => {
                    let bodies = [
                        "40",
                        "40/a,",
                        "42[\"x\"]",
                        "421[\"x\"]\x1e430[]",
                        "3",
                        "1",
                        "2",
                        "\x1e",
                        "41",
                        "42{}",
                        "40/no,",
                    ];
                    let body = bodies[random.below(bodies.len())].as_bytes();
                    if link.transport() == Transport::Polling {
                        host.post(body, now);
                    } else {
                        host.feed(&frame(1, body));
                    }
                }
                8 if random.below(4) == 0 => link.handle_eof(),
                9 if random.below(4) == 0 => link.handle_error(),
                10 if random.below(4) == 0 => host.end.close(Reason::ServerShuttingDown, at(now)),
                11 if random.below(4) == 0 => link.close(at(now)),
                12 | 13 => now += [0, 1, 100, 5_000, 20_000, 45_000][random.below(6)],
                14 => {
                    if let Some(due) = host.end.poll_timeout() {
                        now = now.max(due.as_millis());
                    }
                }
                15 => {
                    let mut memory = [0; 64];
                    let _ = host.end.io().replace_acks(vec![AckSlot::EMPTY; 4]);
                    let expect = ExpectAck { token, deadline: Some(at(now + 10 * random.below(2) as u64)) };
                    let mut out = Out::stored(&mut memory);
                    if host.end.io().emit(ROOT, "q", &(), Some(expect), &mut out).is_ok() {
                        host.sent.extend_from_slice(out.written());
                        token += 1;
                    }
                }
                16 => {
                    let mut memory = [0; 64];
                    let mut out = Out::stored(&mut memory);
                    let _ = host.end.io().disconnect(Namespace(random.below(2) as u16), &mut out);
                    host.sent.extend_from_slice(out.written());
                }
                17 if upgrade.is_none() => {
                    upgrade = Some((Upgrade::begin(link, ws::Limits::new(), at(now)), Inbox::new(vec![0; 64])))
                }
                18 => {
                    if let Some((_, inbox)) = &mut upgrade {
                        let said = text(["2probe", "5"][random.below(2)]);
                        if let Ok(space) = inbox.space()
                            && space.len() >= said.len()
                        {
                            space[..said.len()].copy_from_slice(&said);
                            inbox.commit(said.len());
                        }
                    }
                }
                _ => {}
            }
            if let Some((move_, inbox)) = &mut upgrade {
                let probed = move_.poll(host.end.link_mut(), inbox, at(now)).unwrap();
                while move_.transmit(&mut [0; 256]).unwrap() > 0 {}
                match probed {
                    Probed::Pending => assert!(move_.poll_timeout().is_some_and(|due| due > at(now))),
                    Probed::Upgraded => {
                        host.inbox = core::mem::replace(inbox, Inbox::new(vec![0; 64]));
                        upgrade = None;
                    }
                    Probed::Failed => upgrade = None,
                }
            }
            host.turn(now);
            host.turn(now);
            let due = host.end.poll_timeout();
            assert!(due.is_none_or(|due| due > at(now)), "seed {seed}: {due:?} at {now}: {log:?}");
            if host.end.link().is_over() {
                assert!(
                    host.told.last().is_some_and(|t| t.starts_with("closed")),
                    "seed {seed}: {log:?} {:?}",
                    host.told
                );
            }
        }
        let told = &host.told;
        let places = |what: &str| {
            told.iter().enumerate().filter(|(_, t)| t.starts_with(what)).map(|(i, _)| i).collect::<Vec<_>>()
        };
        assert!(told.is_empty() || places("Opened") == [0], "seed {seed}: {log:?} {told:?}");
        let closed = places("closed");
        if host.end.link().is_over() {
            assert_eq!(closed, [told.len() - 1], "seed {seed}: {log:?} {told:?}");
            *ends.entry(told.last().unwrap().clone()).or_default() += 1;
            for token in 0..token {
                let failed = format!("token: {token},");
                let answered = format!("ack Some({token})");
                let times = told.iter().filter(|t| t.contains(&failed) || t.starts_with(&answered)).count();
                assert_eq!(times, 1, "seed {seed}: {told:?}");
            }
            assert!(host.end.link().is_gone() || host.end.poll_timeout().is_some(), "a farewell for ever");
        } else {
            assert!(closed.is_empty());
        }
    }
    assert!(ends.len() > 5 && ends.values().all(|n| *n > 5), "{ends:?}");
}

/// The id of an Engine.IO session is a secret, whoever carries it.
#[test]
fn no_debug_prints_the_id_of_a_session() {
    let id = b"zzzzzzzzzzzzzzzzzzzz";
    let query = b"EIO=4&transport=polling&sid=zzzzzzzzzzzzzzzzzzzz";
    let ask = |method| Ask { method, query, has_body: false, websocket: None };
    let find = |_: &[u8]| Some(Transport::Polling);
    let mut all = vec![
        format!("{:?}", ask(Method::Get)),
        format!("{:?}", judge(&ask(Method::Get), &Cors::new(Origins::Own), find)),
        format!("{:?}", judge(&ask(Method::Post), &Cors::new(Origins::Own), find)),
        format!("{:?}", Todo::Upgrade(id)),
        format!("{:?}", route(Method::Get, query, false, find)),
        format!("{:?}", Answer::Payload { body: id, cookie: Some(id) }),
    ];
    let sid = engineio::Sid::parse(id).unwrap();
    for transport in [Transport::Polling, Transport::WebSocket] {
        let limits = ws::Limits::new();
        let end = ServerEnd::open(transport, sid, Config::new(), limits, ["/"], [AckSlot::EMPTY; 1], at(0));
        all.push(format!("{end:?}"));
    }
    for shown in all {
        assert!(!shown.contains("zzzz") && !shown.contains("122, 122"), "{shown}");
    }
}

/// What the documentation says of the longest name.
#[test]
fn the_longest_name_of_a_room() {
    let storage = Storage { slots: vec![RoomSlot::EMPTY; 8], name_bytes: vec![0; 1 << 18] };
    let mut rooms = Rooms::new(storage, [1, 2]);
    assert_eq!(rooms.join(ROOT, Member(1), &[b'a'; 65_534]), Ok(true));
    let full = rooms.join(ROOT, Member(1), &[b'a'; 65_535]).unwrap_err();
    assert_eq!(full.name_bytes, usize::MAX);
    assert!(rooms.rooms_of(ROOT, Member(1)).eq([&[b'a'; 65_534][..]]));
}

/// As many attachments as a limit can be set to, and one more.
#[test]
fn attachments_at_and_over_the_limit() {
    for (limit, count, is_good) in [(64, 64, true), (255, 64, true), (255, 65, false), (0, 1, false), (10, 11, false)] {
        let mut io = Session::new(["/"], [AckSlot::EMPTY; 0], at(0)).with_limits(Limits::new().attachments(limit));
        let mut collector = Collector::new(vec![0; 1024]);
        io.handle_event(engineio::Event::Message(Message::Text(b"0"))).unwrap();
        io.accept(ROOT, Sid::from_random([1; 15]), &mut Out::stored(&mut [0; 64])).unwrap();
        let text = format!("5{count}-[\"x\",{{\"_placeholder\":true,\"num\":{}}}]", count - 1);
        let event = io.handle_event(engineio::Event::Message(Message::Text(text.as_bytes())));
        assert_eq!(event.is_ok(), is_good, "{limit} {count}");
        let Ok(event) = event else { continue };
        assert!(collector.collect(event).unwrap().is_none());
        for i in 0..count {
            let bytes = [i];
            let event = io.handle_event(engineio::Event::Message(Message::Binary(&bytes))).unwrap();
            let got = collector.collect(event).unwrap();
            assert_eq!(got.is_some(), i == count - 1);
            if let Some((Event::Event(e), files)) = got {
                let last = e.args().next().and_then(Placeholder::of).unwrap();
                assert!(e.uses(last));
                assert_eq!(files.get(last), Some(&[count - 1][..]));
            }
        }
    }
}
