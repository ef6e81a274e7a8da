//! The client's end of Engine.IO against the server's end: any cut of the bytes, any order of the turns, an upgrade at any moment.

mod support;

use sansocket::{
    engineio::{
        Client, Event, Message, Packets, Payload, Reason, SendError, Sid, Sink, Transport,
        client::{self, Request, Source},
        server,
    },
    time::Instant,
    ws::{Connection, Inbox, Limits, Out, Outbox, Server},
};
use support::Random;

/// The messages that wait at the client.
#[derive(Default)]
struct Waiting(Vec<Vec<u8>>);

impl Source for Waiting {
    fn forward<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, SendError> {
        let Some(message) = self.0.first() else { return Ok(false) };
        let writer = client::Session::open(Transport::Polling, &client::Config::new(), Instant::from_millis(0));
        writer.send(as_message(message), out)?;
        self.0.remove(0);
        Ok(true)
    }
}

/// Numbered messages: every third one is binary.
fn message(n: usize) -> Vec<u8> {
    let text = format!("{n:04}{}", "x".repeat(n % 7));
    if n.is_multiple_of(3) { [b"\xff", text.as_bytes()].concat() } else { text.into_bytes() }
}

fn as_message(bytes: &[u8]) -> Message<'_> {
    if bytes.starts_with(b"\xff") { Message::Binary(bytes) } else { Message::Text(bytes) }
}

/// A request on its way.
enum Way {
    None,
    Asked(Vec<u8>),
    /// At the server.
    There,
    Answered(Vec<u8>),
}

/// A WebSocket between the two.
struct Socket {
    client: (Connection<Client>, Inbox<Vec<u8>>, client::Probe),
    server: (Connection<Server>, Inbox<Vec<u8>>, server::Probe),
    up: Vec<u8>,
    down: Vec<u8>,
    is_server_upgraded: bool,
    is_client_upgraded: bool,
}

struct World {
    random: Random,
    now: Instant,
    client: client::Session,
    server: server::Session,
    waiting: Waiting,
    queue: Vec<u8>,
    get: Way,
    post: Way,
    socket: Option<Socket>,
    /// What each end was told: messages, and the last event.
    at_client: Vec<Vec<u8>>,
    at_server: Vec<Vec<u8>>,
    opened: [usize; 2],
    closed: [Option<Reason>; 2],
    posts: usize,
}

fn tell(messages: &mut Vec<Vec<u8>>, opened: &mut usize, closed: &mut Option<Reason>, event: Event<'_>) {
    assert_eq!(*closed, None, "nothing comes after the end");
    match event {
        Event::Opened => *opened += 1,
        Event::Message(Message::Text(m) | Message::Binary(m)) => {
            assert_eq!(*opened, 1);
            assert!(matches!(event, Event::Message(Message::Binary(_))) == m.starts_with(b"\xff"));
            messages.push(m.to_vec());
        }
        Event::Closed(reason) => *closed = Some(reason),
        _ => unreachable!(),
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let now = Instant::from_millis(0);
        let config =
            server::Config::new().ping_interval(3000).ping_timeout(20_000).upgrade_timeout(1_000_000).max_payload(60);
        Self {
            random: Random(seed),
            now,
            client: client::Session::open(Transport::Polling, &client::Config::new().open_timeout(1_000_000), now),
            server: server::Session::open_polling(Sid::from_random([5; 15]), config, now),
            waiting: Waiting::default(),
            queue: Vec::new(),
            get: Way::None,
            post: Way::None,
            socket: None,
            at_client: Vec::new(),
            at_server: Vec::new(),
            opened: [0; 2],
            closed: [None; 2],
            posts: 0,
        }
    }

    fn tell_client(&mut self, event: Event<'_>) {
        tell(&mut self.at_client, &mut self.opened[0], &mut self.closed[0], event);
    }

    fn push(&mut self, n: usize) {
        let bytes = message(n);
        let mut memory = [0; 64];
        let mut out = Out::stored(&mut memory);
        self.server.send(as_message(&bytes), &mut out).unwrap();
        self.queue.extend(out.written());
    }

    /// The client begins what it may.
    fn request(&mut self) {
        match self.client.poll_request(!self.waiting.0.is_empty()) {
            Some(Request::Get) => {
                assert!(matches!(self.get, Way::None));
                self.client.begin_get();
                self.get = Way::Asked(Vec::new());
            }
            Some(Request::Post) => {
                assert!(matches!(self.post, Way::None));
                let mut body = [0; 128];
                let (waited, size) = (self.waiting.0.len(), self.random.below(129));
                match self.client.begin_post(&mut self.waiting, &mut body[..size]) {
                    Ok(0) => assert_eq!(waited, 0, "something was to be sent"),
                    Ok(len) => {
                        let body = &body[..len];
                        let count = Packets::new(&mut body.to_vec()).count();
                        assert!(count <= 16 && (len <= 60 || count == 1), "{}", String::from_utf8_lossy(body));
                        self.post = Way::Asked(body.to_vec());
                        self.posts += 1;
                    }
                    Err(e) => {
                        assert!(e.needed > e.available && e.available == size);
                        assert_eq!(self.waiting.0.len(), waited);
                    }
                }
            }
            None => {}
        }
    }

    fn move_get(&mut self) {
        match std::mem::replace(&mut self.get, Way::None) {
            Way::None => {}
            Way::Asked(_) => {
                // The first GET makes the session.
                if !self.server.is_polled() {
                    if self.server.is_closed() && !self.server.wants_transmit() && self.queue.is_empty() {
                        self.client.fail_request(Some(400), br#"{"code":1,"message":"Session ID unknown"}"#);
                        return;
                    }
                    self.server.begin_poll(self.now).unwrap();
                }
                self.get = Way::There;
            }
            Way::There => {
                let mut owed = [0; 256];
                let mut out = Out::stored(&mut owed);
                let mut memory = [0; 300];
                let mut payload = Payload::new(&mut memory);
                if !self.server.is_closed() {
                    while self.server.poll_transmit(&mut out).unwrap() {}
                }
                payload.push_frames(out.written()).unwrap();
                let taken = payload.push_frames(&self.queue).unwrap();
                self.queue.drain(..taken);
                if payload.is_empty() && self.server.is_closed() {
                    while self.server.poll_transmit(&mut out).unwrap() {}
                    payload.push_frames(out.written()).unwrap();
                }
                self.get = if payload.is_empty() {
                    Way::There
                } else {
                    self.server.end_poll();
                    Way::Answered(payload.written().to_vec())
                };
            }
            Way::Answered(mut body) => {
                let now = self.now;
                if self.random.below(2) == 0 {
                    let mut packets = Packets::new(&mut body);
                    while let Some(event) = self.client.poll_packets(&mut packets, now) {
                        tell(&mut self.at_client, &mut self.opened[0], &mut self.closed[0], event);
                    }
                } else {
                    let mut at = 0;
                    while self.client.advance_body(&mut body, &mut at, now, |_| {}) {
                        let event = self.client.take_body(&mut body, &mut at).unwrap();
                        tell(&mut self.at_client, &mut self.opened[0], &mut self.closed[0], event);
                    }
                }
                self.client.end_get();
            }
        }
    }

    fn move_post(&mut self) {
        match std::mem::replace(&mut self.post, Way::None) {
            Way::None | Way::There => {}
            Way::Asked(mut body) => {
                if self.server.begin_post().is_ok() {
                    let mut packets = Packets::new(&mut body);
                    while let Some(event) = self.server.poll_post(&mut packets, self.now) {
                        tell(&mut self.at_server, &mut self.opened[1], &mut self.closed[1], event);
                    }
                }
                self.post = Way::Answered(Vec::new());
            }
            Way::Answered(_) => self.client.end_post(),
        }
    }

    fn upgrade(&mut self) {
        if self.socket.is_none() && self.client.can_upgrade() {
            let memory = || Inbox::new(vec![0; 256]);
            let server = server::Probe::begin(&mut self.server, self.now).unwrap();
            self.socket = Some(Socket {
                client: (Connection::client(Limits::new()), memory(), client::Probe::begin(&mut self.client, self.now)),
                server: (Connection::server(Limits::new()), memory(), server),
                up: Vec::new(),
                down: Vec::new(),
                is_server_upgraded: false,
                is_client_upgraded: false,
            });
        }
    }

    /// The WebSocket is lost before the client has written `5`.
    fn cut(&mut self) {
        if let Some(socket) = &mut self.socket
            && self.client.transport() == Transport::Polling
        {
            socket.client.2.fail(&mut self.client);
            socket.server.2.fail(&mut self.server, &mut socket.server.0);
            assert_eq!(socket.client.2.poll_timeout(), None);
            self.socket = None;
        }
    }

    fn client_turn(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        let n = self.random.below(20).min(socket.down.len());
        let (ws, inbox, probe) = &mut socket.client;
        inbox.space().unwrap()[..n].copy_from_slice(&socket.down[..n]);
        inbox.commit(n);
        socket.down.drain(..n);
        if !socket.is_client_upgraded {
            match probe.poll(&mut self.client, inbox, ws, self.now).unwrap() {
                client::Probed::Pending => {}
                client::Probed::Upgraded => socket.is_client_upgraded = true,
                _ => assert!(self.client.is_closed(), "the probe does not fail by itself"),
            }
        }
        if socket.is_client_upgraded {
            while let Some(event) = self.client.poll_event(inbox, ws, self.now).unwrap() {
                tell(&mut self.at_client, &mut self.opened[0], &mut self.closed[0], event);
            }
        }
        let size = self.random.below(60);
        let mut outbox = Outbox::with_keys(vec![0; size], || [1, 2, 3, 4]);
        let mut out = ws.out(&mut outbox);
        while probe.poll_transmit(&mut self.client, &mut out) == Ok(true) {}
        if self.client.transport() == Transport::WebSocket {
            while self.client.poll_transmit(&mut out) == Ok(true) {}
            while self.waiting.forward(&mut out) == Ok(true) {}
            while ws.poll_transmit(&mut out) == Ok(true) {}
        }
        socket.up.extend(outbox.written());
    }

    fn server_turn(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        let n = self.random.below(20).min(socket.up.len());
        let (ws, inbox, probe) = &mut socket.server;
        inbox.space().unwrap()[..n].copy_from_slice(&socket.up[..n]);
        inbox.commit(n);
        socket.up.drain(..n);
        let mut memory = [0; 256];
        let mut out = ws.out(&mut memory);
        if !socket.is_server_upgraded {
            let probed = probe.poll(&mut self.server, inbox, ws).unwrap();
            socket.is_server_upgraded = probed == server::Probed::Upgraded;
            while probe.poll_transmit(&mut out).unwrap() {}
        }
        if socket.is_server_upgraded {
            while let Some(event) = self.server.poll_event(inbox, ws, self.now).unwrap() {
                tell(&mut self.at_server, &mut self.opened[1], &mut self.closed[1], event);
            }
            while self.server.poll_transmit(&mut out).unwrap() {}
            socket.down.extend(out.written());
            socket.down.append(&mut self.queue);
            let mut out = ws.out(&mut memory);
            while ws.poll_transmit(&mut out).unwrap() {}
            socket.down.extend(out.written());
        } else {
            socket.down.extend(out.written());
        }
    }

    fn time(&mut self) {
        self.now = self.now.after_millis(self.random.next() % 60);
        if let Some(event) = self.client.handle_timeout(self.now) {
            self.tell_client(event);
        }
        while let Some(event) = self.server.handle_timeout(self.now) {
            tell(&mut self.at_server, &mut self.opened[1], &mut self.closed[1], event);
        }
    }

    fn step(&mut self) {
        match self.random.below(7) {
            0 => self.request(),
            1 => self.move_get(),
            2 => self.move_post(),
            3 => self.client_turn(),
            4 => self.server_turn(),
            5 => self.time(),
            _ => {}
        }
    }
}

/// How often the socket of a probe is cut, and after which turn an upgrade may begin.
fn run(seed: u64, cuts: usize, upgrade: Option<usize>) -> (World, usize) {
    let mut world = World::new(seed);
    let (mut sent, mut pushed, mut turn) = (0, 0, 0);
    let mut was_open = 0;
    while world.at_client.len() < 40 || world.at_server.len() < 40 {
        turn += 1;
        assert!(turn < 20_000, "seed {seed}: it hangs: {} {}", world.at_client.len(), world.at_server.len());
        assert_eq!(world.closed, [None; 2], "seed {seed}");
        if sent < 40 && world.random.below(9) == 0 {
            world.waiting.0.push(message(sent));
            sent += 1;
        }
        if pushed < 40 && world.random.below(9) == 0 {
            world.push(pushed);
            pushed += 1;
        }
        if upgrade.is_some_and(|from| turn >= from) {
            world.upgrade();
        }
        if cuts > 0 && world.random.below(cuts) == 0 {
            world.cut();
        }
        was_open += usize::from(world.client.is_open());
        world.step();
    }
    let expected: Vec<_> = (0..40).map(message).collect();
    assert_eq!((&world.at_client, &world.at_server), (&expected, &expected), "seed {seed}");
    assert_eq!(world.opened, [1, 1]);
    assert!(was_open > 0);
    (world, turn)
}

#[test]
fn nothing_is_lost_or_reordered_whenever_it_upgrades() {
    let (mut upgraded, mut polled, mut cut) = (0, 0, 0);
    for seed in 0..600 {
        let from = (seed % 300) as usize;
        let cuts = if seed % 3 == 0 { 60 } else { 0 };
        let (world, _) = run(seed, cuts, Some(from));
        match world.client.transport() {
            Transport::WebSocket => upgraded += 1,
            _ => polled += 1,
        }
        cut += usize::from(!world.client.can_upgrade() && world.socket.is_none());
    }
    assert!(upgraded > 300 && polled > 50 && cut > 50, "{upgraded} {polled} {cut}");
}

/// Sessions live on for many heartbeats, over both transports.
#[test]
fn heartbeats_are_answered_over_both_transports() {
    for seed in 0..30 {
        let (mut world, _) = run(seed, 0, (seed % 2 == 0).then_some(0));
        let end = world.now.after_millis(100_000);
        while world.now < end {
            world.step();
            assert_eq!(world.closed, [None; 2], "seed {seed} {:?}", world.now);
        }
        // A server that is silent is noticed.
        while world.closed[0].is_none() {
            world.time();
        }
        assert_eq!(world.closed[0], Some(Reason::PingTimeout));
    }
}

#[test]
fn a_close_by_either_end_reaches_the_other_behind_all_messages() {
    let mut ways = [0; 4];
    for seed in 0..200 {
        let (mut world, _) = run(seed, 0, (seed % 2 == 0).then_some(0));
        let from = world.random.below(300);
        for _ in 0..from {
            world.step();
        }
        let is_client = seed % 4 < 2;
        ways[usize::from(is_client) * 2 + usize::from(world.client.transport() == Transport::WebSocket)] += 1;
        if is_client {
            if world.client.transport() == Transport::Polling {
                world.waiting.0.push(message(40));
            }
            world.client.close();
        } else {
            world.push(40);
            if world.server.transport() == Transport::WebSocket {
                world.server_turn();
            }
            world.server.close();
        }
        for _ in 0..4000 {
            world.step();
        }
        let expected = if is_client {
            [Some(Reason::ForcedClose), Some(Reason::TransportClose)]
        } else {
            [Some(Reason::TransportClose), Some(Reason::ForcedClose)]
        };
        assert_eq!(world.closed, expected, "seed {seed}");
        if is_client && world.client.transport() == Transport::Polling {
            assert_eq!((world.at_server.last(), world.waiting.0.len()), (Some(&message(40)), 0), "seed {seed}");
        } else if !is_client {
            assert_eq!(world.at_client.last(), Some(&message(40)), "seed {seed}");
        }
        assert_eq!((world.client.fault(), world.server.fault()), (None, None));
    }
    assert!(ways.iter().all(|&n| n > 5), "{ways:?}");
}

/// Both machines over a WebSocket alone, whatever the cut.
#[test]
fn a_session_over_a_websocket_alone() {
    for seed in 0..50 {
        let mut random = Random(seed);
        let now = Instant::from_millis(0);
        let mut world = World::new(seed);
        world.client = client::Session::open(Transport::WebSocket, &client::Config::new(), now);
        world.server = server::Session::open(Sid::from_random([7; 15]), server::Config::new(), now);
        // No probe: both ends are where it leads to.
        let mut other = server::Session::open_polling(Sid::from_random([7; 15]), server::Config::new(), now);
        let server_probe = server::Probe::begin(&mut other, now).unwrap();
        let client_probe = client::Probe::begin(&mut world.client, now);
        world.socket = Some(Socket {
            client: (Connection::client(Limits::new()), Inbox::new(vec![0; 256]), client_probe),
            server: (Connection::server(Limits::new()), Inbox::new(vec![0; 256]), server_probe),
            up: Vec::new(),
            down: Vec::new(),
            is_server_upgraded: true,
            is_client_upgraded: true,
        });
        // A client of Socket.IO sends after the open packet only.
        let mut sent = 0;
        for _ in 0..5000 {
            if world.client.is_open() && sent < 40 && random.below(5) == 0 {
                world.waiting.0.push(message(sent));
                world.push(sent);
                sent += 1;
            }
            world.step();
        }
        let expected: Vec<_> = (0..40).map(message).collect();
        assert_eq!((&world.at_client, &world.at_server), (&expected, &expected), "seed {seed}");
        assert_eq!((world.opened, world.closed, world.posts), ([1, 1], [None; 2], 0));
        assert_eq!(world.client.id().unwrap().as_bytes(), world.server.sid().expose_bytes());
    }
}

/// A hostile server, and a caller that calls everything at any time: events come in their order, and nothing panics.
#[test]
fn any_server_and_any_order_of_calls() {
    const OPEN: &[u8] = br#"0{"sid":"S","upgrades":["websocket"],"pingInterval":9,"pingTimeout":9,"maxPayload":9}"#;
    let texts: [&[u8]; 16] = [
        OPEN, OPEN, OPEN, b"1", b"2", b"2probe", b"3probe", b"4", b"4text", b"5", b"6", b"bAQID", b"bAQ", b"", b"{",
        b"96:0{",
    ];
    let (mut opened, mut upgraded, mut closed) = (0, 0, 0);
    for seed in 0..20_000 {
        let mut random = Random(seed);
        // Some servers are kind, so that sessions last.
        let is_kind = seed % 4 == 0;
        let pick = |random: &mut Random, is_open: bool| match is_kind {
            true if !is_open => OPEN,
            true => [&b"2"[..], b"4", b"4text", b"6", b"bAQID"][random.below(5)],
            false => texts[random.below(if is_open { 16 } else { 5 })],
        };
        let mut now = Instant::from_millis(0);
        let start = if seed % 2 == 0 { Transport::Polling } else { Transport::WebSocket };
        let mut engine = client::Session::open(start, &client::Config::new().open_timeout(50), now);
        let (mut ws, mut inbox) = (Connection::client(Limits::new()), Inbox::new([0; 64]));
        let mut probe: Option<client::Probe> = None;
        let mut waiting = Waiting((0..9).map(message).collect());
        let (mut body, mut at) = (Vec::new(), 1);
        let mut events = Vec::new();
        let (mut seen, mut messages) = (0, 0);
        for _ in 0..80 {
            let before = events.len();
            match random.below(20) {
                0..4 => {
                    let is_probed = is_kind && probe.is_some() && engine.transport() == Transport::Polling;
                    let text = if is_probed { b"3probe" } else { pick(&mut random, engine.is_open()) };
                    if let Ok(place) = inbox.space()
                        && place.len() >= 2 + text.len()
                    {
                        let kind = if random.below(9) == 0 && !is_probed { 0x82 } else { 0x81 };
                        place[..2].copy_from_slice(&[kind, text.len() as u8]);
                        place[2..][..text.len()].copy_from_slice(text);
                        inbox.commit(2 + text.len());
                    }
                }
                4 if is_kind => {}
                4 => {
                    if let Ok(place @ [_, ..]) = inbox.space() {
                        place[0] = random.below(256) as u8;
                        inbox.commit(1);
                    }
                }
                5..8 => {
                    if engine.transport() == Transport::WebSocket {
                        match engine.advance_with(&mut inbox, &mut ws, now, |_| seen += 1) {
                            Ok(true) => events.extend(engine.take(&mut inbox).map(|e| format!("{e:?}"))),
                            Ok(false) => {}
                            Err(_) => inbox.skip_message(&ws),
                        }
                    }
                }
                8..11 => {
                    if start == Transport::Polling {
                        if at > body.len() {
                            let count = 1 + random.below(3);
                            let packets: Vec<_> = (0..count).map(|_| pick(&mut random, engine.is_open())).collect();
                            (body, at) = (packets.join(&b"\x1e"[..]), 0);
                        }
                        if engine.advance_body(&mut body, &mut at, now, |_| seen += 1) {
                            events.extend(engine.take_body(&mut body, &mut at).map(|e| format!("{e:?}")));
                        }
                    }
                }
                11 => now = now.after_millis(random.next() % 5),
                12 => events.extend(engine.handle_timeout(now).map(|e| format!("{e:?}"))),
                13 => {
                    if engine.poll_request(true) == Some(Request::Get) {
                        engine.begin_get();
                    } else {
                        engine.end_get();
                    }
                }
                14 => {
                    let size = random.below(40);
                    if engine.begin_post(&mut waiting, &mut [0; 40][..size]).is_err() {
                        assert!(engine.poll_request(true).is_some());
                    }
                    if random.below(2) == 0 {
                        engine.end_post();
                    }
                }
                15 => {
                    if engine.can_upgrade() && probe.is_none() {
                        probe = Some(client::Probe::begin(&mut engine, now));
                        (ws, inbox) = (Connection::client(Limits::new()), Inbox::new([0; 64]));
                    }
                }
                16 | 17 => {
                    if let Some(probe) = &mut probe {
                        let mut outbox = Outbox::with_keys([0; 64], || [1; 4]);
                        let is_done = engine.transport() == Transport::WebSocket;
                        if !is_done {
                            let _ = probe.poll(&mut engine, &mut inbox, &mut ws, now);
                            let _ = probe.poll_transmit(&mut engine, &mut ws.out(&mut outbox));
                        }
                        upgraded += usize::from(!is_done && engine.transport() == Transport::WebSocket);
                    }
                }
                18 => {
                    let mut outbox = Outbox::with_keys([0; 64], || [1; 4]);
                    let wants = engine.wants_transmit();
                    let written = engine.poll_transmit(&mut ws.out(&mut outbox)).unwrap();
                    assert!(!written || wants && outbox.written().len() == 7);
                }
                _ => match random.below(40) {
                    0 => engine.close(),
                    1 => engine.handle_eof(),
                    2 => engine.handle_error(),
                    3 => engine.fail_request(Some(404), b"<html>"),
                    _ => {}
                },
            }
            messages += events[before..].iter().filter(|e| e.starts_with("Message")).count();
            assert!(messages <= seen, "seed {seed}: each message was told");
            assert_eq!(engine.poll_timeout().is_none(), engine.is_closed());
            assert!(!engine.is_closed() || !engine.is_open() && !engine.can_upgrade() && !engine.is_writable());
        }
        for (i, event) in events.iter().enumerate() {
            assert!((event == "Opened") == (i == 0 && !event.starts_with("Closed")), "seed {seed}: {events:?}");
            assert!(!event.starts_with("Closed") || i + 1 == events.len(), "seed {seed}: {events:?}");
        }
        opened += usize::from(events.iter().any(|e| e == "Opened"));
        closed += usize::from(events.iter().any(|e| e.starts_with("Closed")));
    }
    assert!(opened > 1000 && upgraded > 50 && closed > 1000, "{opened} {upgraded} {closed}");
}
