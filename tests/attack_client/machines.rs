//! The machines below the client's end, called in any order.

use crate::{
    host::{Host, ROOT, at, config, frame, open_packet},
    support::Random,
};
use sansocket::{
    endpoint::client::{Emit, WebSocketLink, WhenFull},
    engineio::{
        self, Client, Event, Message, Packets, SendError, Sink, Transport,
        client::{Config, Probe, Session, Source},
    },
    json::Raw,
    socketio::{AckSlot, Binary, ExpectAck, Namespace, Placeholder, client, client::SocketSlot},
    ws::{Connection, Inbox, Limits, Out, Outbox},
};
use std::collections::VecDeque;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Queue(VecDeque<String>);

impl Source for Queue {
    fn forward<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, SendError> {
        let Some(next) = self.0.front() else { return Ok(false) };
        let files: [&[u8]; 2] = [b"abc", b""];
        let files = if next.starts_with('5') { &files[..] } else { &[] };
        out.text(|w| w.push(next.as_bytes()), files.iter().copied())?;
        self.0.pop_front();
        Ok(true)
    }
}

fn body(random: &mut Random) -> Vec<u8> {
    let mut packets = Vec::new();
    for _ in 0..=random.below(3) {
        packets.push(match random.below(14) {
            0..=3 => open_packet(["[]", "[\"websocket\"]"][random.below(2)]),
            4 | 5 => "4hello".into(),
            6 => "bAQID".into(),
            7 | 8 => "2".into(),
            9 => "6".into(),
            10 => "1".into(),
            11 => "b".into(),
            12 => ["", "96:0{", "bAQ", "4é", "7"][random.below(5)].into(),
            _ => "3".into(),
        });
    }
    packets.join("\x1e").into_bytes()
}

fn engine(seed: u64) -> usize {
    let mut random = Random(seed);
    let mut now = 0_u64;
    let transport = [Transport::Polling, Transport::WebSocket][random.below(2)];
    let mut engine = Session::open(transport, &Config::new().open_timeout(random.below(3000) as u32), at(0));
    let (mut ws, mut inbox) = (Connection::client(Limits::new()), Inbox::new(vec![0; 256]));
    let mut outbox = Outbox::with_keys(vec![0; 64], || [0; 4]);
    let mut probe: Option<Probe> = None;
    let mut queue = Queue(VecDeque::new());
    let (mut opened, mut closed, mut messages) = (0, 0, 0);
    for _ in 0..60 {
        let mut told = |event: &Event<'_>| match event {
            Event::Opened => {
                opened += 1;
                assert!(opened == 1 && closed == 0 && messages == 0, "{seed}");
            }
            Event::Message(_) => {
                messages += 1;
                assert!(opened == 1 && closed == 0, "{seed}");
            }
            Event::Closed(_) => {
                closed += 1;
                assert!(closed == 1, "{seed}");
            }
            other => panic!("{other:?}"),
        };
        match random.below(26) {
            0 => engine.begin_get(),
            1 => engine.end_get(),
            2 => engine.end_post(),
            3 if random.below(6) == 0 => engine.fail_request(Some(400), b"{\"code\":5}"),
            4 if random.below(6) == 0 => engine.fail_request(None, b""),
            5 if random.below(6) == 0 => engine.handle_eof(),
            6 if random.below(6) == 0 => engine.handle_error(),
            7 if random.below(6) == 0 => engine.close(),
            8 => now += random.below(2000) as u64,
            9 => now += random.below(60_000) as u64,
            10 => now = now.saturating_sub(5000),
            11 => {
                queue.0.push_back(["hi", "51-[]", "x"].map(|t| t.repeat(1 + random.below(20)))[random.below(3)].clone())
            }
            12 | 13 => {
                let (before, waits) = (engine.clone(), queue.clone());
                let mut memory = vec![0; random.below(120)];
                if let Err(e) = engine.begin_post(&mut queue, &mut memory) {
                    assert!((&engine, &queue) == (&before, &waits), "{seed}");
                    // The need is exact.
                    assert!(e.needed > memory.len());
                    let small = engine.clone().begin_post(&mut queue.clone(), &mut vec![0; e.needed - 1]);
                    assert!(small.is_err(), "{seed} {e:?}");
                    let len = engine.begin_post(&mut queue, &mut vec![0; e.needed]);
                    assert_eq!(len, Ok(e.needed), "{seed}");
                }
            }
            14..=16 => {
                let mut body = body(&mut random);
                if random.below(2) == 0 {
                    let mut packets = Packets::new(&mut body);
                    while let Some(event) = engine.poll_packets(&mut packets, at(now)) {
                        told(&event);
                    }
                } else {
                    let mut offset = 0;
                    while engine.advance_body(&mut body, &mut offset, at(now), |_| {}) {
                        told(&engine.take_body(&mut body, &mut offset).unwrap());
                    }
                }
            }
            17 => {
                // Another body, or another place of it.
                let mut other = body(&mut random);
                let mut offset = random.below(40);
                let mut engine = engine.clone();
                engine.advance_body(&mut other, &mut offset, at(now), |_| {});
                let _ = engine.take_body(&mut body(&mut random), &mut offset);
            }
            18 if probe.is_none() => probe = Some(Probe::begin(&mut engine, at(now))),
            19 => {
                if let Some(probe) = &mut probe {
                    let _ = probe.poll(&mut engine, &mut inbox, &mut ws, at(now));
                    let _ = probe.poll_transmit(&mut engine, &mut ws.out(&mut outbox));
                    outbox.consume(random.below(30));
                }
            }
            20 => {
                if let Some(probe) = &mut probe {
                    probe.fail(&mut engine);
                }
            }
            21 => {
                let text = String::from_utf8_lossy(&body(&mut random)).split('\x1e').next().unwrap().to_owned();
                let bytes = frame(if random.below(3) == 0 { "3probe" } else { &text });
                if let Ok(space) = inbox.space()
                    && space.len() >= bytes.len()
                {
                    space[..bytes.len()].copy_from_slice(&bytes);
                    inbox.commit(bytes.len());
                }
            }
            22 if engine.transport() == Transport::WebSocket => {
                while let Ok(Some(event)) = engine.poll_event(&mut inbox, &mut ws, at(now)) {
                    told(&event);
                }
            }
            23 => {
                let _ = engine.poll_transmit(&mut ws.out(&mut outbox));
                outbox.consume(usize::MAX);
            }
            _ => {
                while let Some(event) = engine.handle_timeout(at(now)) {
                    told(&event);
                }
                assert!(engine.poll_timeout().is_none_or(|due| due > at(now)), "{seed}");
            }
        }
        assert_eq!(engine.poll_timeout().is_none(), engine.is_closed());
        assert!(!(engine.is_open() && engine.id().is_none()));
    }
    engine.close();
    while let Some(event) = engine.handle_timeout(at(now)) {
        closed += usize::from(matches!(event, Event::Closed(_)));
    }
    assert_eq!(closed, 1, "{seed}");
    messages
}

#[test]
fn a_session_of_engine_io_begins_and_ends_once() {
    let messages: usize = (0..20_000).map(engine).sum();
    assert!(messages > 1000, "{messages}");
}

fn socket(seed: u64) -> usize {
    let mut random = Random(seed);
    let names = ["/", "/b", "/c"];
    let mut io = client::Session::new(
        names,
        vec![AckSlot::EMPTY; random.below(5)],
        vec![SocketSlot::EMPTY; 1 + random.below(3)],
    );
    if random.below(3) == 0 {
        io = io.with_auth();
    }
    let (mut now, mut asked, mut requests, mut token, mut answered) = (0_u64, Vec::new(), Vec::new(), 0_u32, 0);
    let mut last = [0_u64; 4];
    for _ in 0..80 {
        let mut memory = vec![0; [200, 200, 200, 20][random.below(4)]];
        let mut out = Out::stored(&mut memory);
        let before = io.clone();
        let n = [0, 0, 0, 0, 1, 1, 2, 3][random.below(8)];
        let namespace = Namespace(n);
        let name = ["", "/b,", "/c,", "/x,"][usize::from(n)];
        let id = (last[usize::from(n)] + random.below(3) as u64 / 2).saturating_sub(random.below(3) as u64 / 2);
        match random.below(22) {
            0 | 1 => {
                if io.connect(namespace).is_err() {
                    assert!(io == before);
                }
            }
            2 if random.below(8) == 0 => io.disconnect(namespace),
            3 | 4 => {
                token += 1;
                let expect = (random.below(2) == 0).then_some(ExpectAck { token, deadline: Some(at(now + 500)) });
                let files: [&[u8]; 1] = [b"abc"];
                let files = sansocket::socketio::Attachments::from(&files[..]);
                match io.emit(namespace, "e", &Binary((1, Placeholder(0)), files), expect, &mut out) {
                    Ok(()) if expect.is_some() => {
                        asked.push(token);
                        let text = String::from_utf8_lossy(out.written()).into_owned();
                        let head = &text[..text.find("[\"e\"").unwrap()];
                        let digits = head.len() - head.trim_end_matches(|c: char| c.is_ascii_digit()).len();
                        last[usize::from(n)] = head[head.len() - digits..].parse().unwrap();
                    }
                    Ok(()) => {}
                    Err(_) => assert!(io == before && out.written().is_empty()),
                }
            }
            5 => {
                if let Some(request) = requests.pop()
                    && io.ack(request, &1, &mut out).is_err()
                {
                    assert!(io == before && out.written().is_empty());
                }
            }
            6 => {
                if io.authorize(namespace, Some(&Raw::new(b"{\"a\":1}").unwrap()), &mut out).is_err() {
                    assert!(io == before && out.written().is_empty());
                }
            }
            7 => {
                if io.replace_acks(vec![AckSlot::EMPTY; random.below(6)]).is_err() {
                    assert!(io == before);
                }
            }
            8 => {
                if io.replace_sockets(vec![SocketSlot::EMPTY; random.below(4)]).is_err() {
                    assert!(io == before);
                }
            }
            9 => now += random.below(700) as u64,
            10 if random.below(12) == 0 => {
                io.handle_event(engineio::Event::Closed(engineio::Reason::PingTimeout)).unwrap();
            }
            11 if random.below(3) == 0 => drop(io.handle_event(engineio::Event::Opened)),
            12 | 13 => {
                if io.poll_transmit(&mut out).is_err() {
                    assert!(io == before && out.written().is_empty());
                }
            }
            14 => {
                while let Some(event) = io.handle_timeout(at(now)) {
                    if let client::Event::AckFailed { token, .. } = event {
                        let at = asked.iter().position(|t| *t == token);
                        asked.remove(at.unwrap_or_else(|| panic!("{token} ended twice {seed}")));
                    }
                }
            }
            kind => {
                let text = match kind {
                    15..=17 if !io.is_connected(namespace) || random.below(30) == 0 => {
                        format!("0{name}{{\"sid\":\"x\",\"pid\":\"{}\"}}", "p".repeat(random.below(40)))
                    }
                    15 | 18 => format!("2{name}{id}[\"ask\",\"{}\"]", "o".repeat(random.below(40))),
                    16 | 19 => format!("3{name}{id}[]"),
                    17 | 20 => format!("61-{name}{id}[{{\"_placeholder\":true,\"num\":0}}]"),
                    _ if random.below(25) > 0 => "2[\"a\",1]".into(),
                    _ => ["1", "4{\"message\":1}", "4\"x\"", "51-[\"a\"]", "2[\"a\",\"\\u0000\"]", "0"]
                        [random.below(6)]
                    .into(),
                };
                let message =
                    if random.below(60) == 0 { Message::Binary(b"x") } else { Message::Text(text.as_bytes()) };
                match io.handle_event(engineio::Event::Message(message)) {
                    Ok(client::Event::Event(e)) => requests.extend(e.ack),
                    Ok(client::Event::Ack(a)) if a.attachments == 0 => {
                        answered += usize::from(a.token.is_some());
                        if let Some(token) = a.token {
                            let at = asked.iter().position(|t| *t == token);
                            asked.remove(at.unwrap_or_else(|| panic!("{token} ended twice {seed}")));
                        }
                    }
                    Ok(client::Event::Ack(a)) => {
                        // All of it at once.
                        let last = io.handle_event(engineio::Event::Message(Message::Binary(b"")));
                        if let (Some(token), Ok(client::Event::Attachment(_))) = (a.token, last) {
                            let at = asked.iter().position(|t| *t == token);
                            asked.remove(at.unwrap_or_else(|| panic!("{token} ended twice {seed}")));
                        }
                    }
                    Ok(client::Event::Ignored) if text.starts_with('6') => {
                        let _ = io.handle_event(engineio::Event::Message(Message::Binary(b"")));
                    }
                    Err(_) if random.below(2) == 0 => drop(io.handle_event(engineio::Event::Opened)),
                    _ => {}
                }
            }
        }
    }
    io.handle_event(engineio::Event::Closed(engineio::Reason::PingTimeout)).unwrap();
    while let Some(event) = io.handle_timeout(at(now)) {
        if let client::Event::AckFailed { token, .. } = event {
            asked.retain(|t| *t != token);
        }
    }
    assert!(asked.is_empty() && io.poll_timeout().is_none(), "{seed} {asked:?}");
    answered
}

#[test]
fn a_session_of_socket_io_ends_each_request_once() {
    let answered: usize = (0..20_000).map(socket).sum();
    assert!(answered > 100, "{answered}");
}

/// What waits in a client that drops the oldest: token, bytes, whether it is asked for.
fn backlog(seed: u64) {
    let mut random = Random(seed);
    let mut size = random.below(400);
    let mut h = Host::new(WebSocketLink::new(config("ws://h", &[])), [60, 3, size], [128, 256, 64]);
    h.client = h.client.clone().with_when_full(WhenFull::DropOldest);
    let mut waits: VecDeque<(u32, usize, bool)> = VecDeque::new();
    // Dropped, and not told.
    let mut dropped = VecDeque::new();
    for token in 0..40_u32 {
        if random.below(5) == 0 {
            h.turn();
            let told: Vec<_> = h.log().iter().map(|l| l.split(' ').nth(2).unwrap().parse::<u32>().unwrap()).collect();
            assert_eq!(told, Vec::from(std::mem::take(&mut dropped)), "{seed}");
        }
        if random.below(12) == 0 {
            let (held, new) = (h.client.held(), random.below(400));
            let result = h.client.replace_backlog(vec![0; new]);
            assert_eq!(result.is_ok(), new >= held);
            size = if new >= held { new } else { size };
        }
        let is_asked = random.below(2) == 0;
        let text = "x".repeat(random.below(150));
        let how = if is_asked { Emit::new().ask(token, None) } else { Emit::new() };
        // A head, the frame's head, and the packet.
        let packet = format!("42[\"e\",{token},\"{text}\"]").len();
        let len = 16 + packet + if packet < 126 { 2 } else { 4 };
        let total = |waits: &VecDeque<(u32, usize, bool)>, dropped: &VecDeque<u32>| {
            waits.iter().map(|w| w.1).sum::<usize>() + dropped.len() * 16
        };
        let least = (waits.iter().filter(|w| w.2).count() + dropped.len()) * 16;
        let sent = h.client.emit_with(ROOT, "e", &(token, text.as_str()), how);
        if least + len > size {
            assert!(sent.is_err(), "{seed} {sent:?}");
        } else {
            assert_eq!(sent, Ok(true), "{seed}");
            while total(&waits, &dropped) + len > size {
                let (token, _, is_asked) = waits.pop_front().unwrap();
                dropped.extend(is_asked.then_some(token));
            }
            waits.push_back((token, len, is_asked));
        }
        assert_eq!(h.client.held(), total(&waits, &dropped), "{seed}");
    }
    h.client.connect(ROOT, at(0)).unwrap();
    h.open_websocket();
    h.text("40{\"sid\":\"y\"}");
    let number = |frame: &String| frame.split(['[', ',']).nth(2).and_then(|n| n.parse::<u32>().ok());
    let sent: Vec<_> = h.sent_frames().iter().filter_map(number).collect();
    assert!(sent.iter().copied().eq(waits.iter().map(|w| w.0)), "{seed} {sent:?} {waits:?}");
}

#[test]
fn the_backlog_is_a_list_that_drops_its_oldest() {
    (0..3000).for_each(backlog);
}
