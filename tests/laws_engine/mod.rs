//! Laws of Engine.IO over bytes and calls of any kind: property tests and fuzz targets share them. Each panics when its law is broken.
#![allow(dead_code, reason = "each target uses one")]

use sansocket::{
    engineio::{
        Event, Packet, Packets, Payload, Reason, Sid, Transport,
        server::{Config, PollError, Probe, Probed, Session},
    },
    http::{Body, BodyDecoder, BodyError},
    time::Instant,
    ws::{Connection, Inbox, Kind, Limits, Out, Server},
};

/// Packets that are good are the same when they are written again as packets at rest and taken out into payloads of any size.
pub fn payload(data: &[u8]) {
    let [size, body @ ..] = data else { return };
    let mut body = body.to_vec();
    let count = body.iter().filter(|&&b| b == 0x1e).count() + 1;
    let packets: Vec<_> = Packets::new(&mut body).collect();
    assert!(packets.len() <= count);
    let good: Vec<Packet<'_>> = packets.iter().take_while(|p| p.is_ok()).map(|p| p.unwrap()).collect();
    assert!(good.len() == packets.len() || good.len() + 1 == packets.len(), "an error ends it");
    let mut ws = Connection::<Server>::server(Limits::new());
    let mut memory = vec![0; 4 * data.len() + 64];
    let mut out = ws.out(&mut memory);
    for packet in &good {
        let (kind, bytes) = written(packet);
        ws.send(kind, &bytes, &mut out).unwrap();
    }
    let mut rest = out.written();
    let mut again = Vec::new();
    let mut bodies = Vec::new();
    let mut size = usize::from(*size);
    while !rest.is_empty() {
        let mut memory = vec![0; size];
        let mut payload = Payload::new(&mut memory);
        match payload.push_frames(rest) {
            Ok(taken) => {
                assert!(taken > 0 && payload.written().len() <= size);
                rest = &rest[taken..];
                bodies.push(payload.written().to_vec());
            }
            Err(e) => {
                assert!(e.needed > size && payload.is_empty());
                size = e.needed;
            }
        }
    }
    for body in &mut bodies {
        let packets: Vec<_> = Packets::new(body).map(Result::unwrap).collect();
        assert!(packets.len() <= 16);
        again.extend(packets);
    }
    assert_eq!(again, good);
}

/// A packet as a WebSocket carries it.
fn written(packet: &Packet<'_>) -> (Kind, Vec<u8>) {
    let (digit, bytes) = match packet {
        Packet::Binary(bytes) => return (Kind::Binary, bytes.to_vec()),
        Packet::Open(bytes) => (b'0', *bytes),
        Packet::Close => (b'1', &b""[..]),
        Packet::Ping(bytes) => (b'2', *bytes),
        Packet::Pong(bytes) => (b'3', *bytes),
        Packet::Text(bytes) => (b'4', *bytes),
        Packet::Upgrade => (b'5', &b""[..]),
        Packet::Noop => (b'6', &b""[..]),
        other => panic!("{other:?}"),
    };
    (Kind::Text, [&[digit], bytes].concat())
}

/// A body is the same however it is cut, and so is what is left behind it; no more than the limit comes out.
pub fn body(data: &[u8]) {
    let [kind, limit, step, bytes @ ..] = data else { return };
    let kind = match kind % 3 {
        0 => Body::Empty,
        1 => Body::Length(u64::from(*kind)),
        _ => Body::Chunked,
    };
    let read = |step: usize| -> Result<(Vec<u8>, bool, usize), BodyError> {
        let mut decoder = BodyDecoder::new(kind, u64::from(*limit));
        let mut bytes = bytes.to_vec();
        let (mut collected, mut behind) = (Vec::new(), 0);
        for part in bytes.chunks_mut(step) {
            let mut input = part;
            while let Some(piece) = decoder.poll_piece(&mut input)? {
                assert!(!piece.is_empty());
                collected.extend_from_slice(piece);
            }
            assert!(decoder.is_complete() || input.is_empty());
            behind += input.len();
        }
        assert!(collected.len() <= usize::from(*limit));
        Ok((collected, decoder.is_complete(), behind))
    };
    let whole = read(bytes.len().max(1));
    assert_eq!(read(1), whole);
    assert_eq!(read(usize::from(*step) + 1), whole);
}

/// A session under any calls: `Opened` first and once, `Closed` last and once, one request of a kind at a time, polling before the WebSocket.
pub fn session_operations(data: &[u8]) {
    let at = Instant::from_millis;
    let mut time = 0_u64;
    let config = Config::new().ping_interval(300).ping_timeout(200).upgrade_timeout(400);
    let mut engine = Session::open_polling(Sid::from_random([3; 15]), config, at(0));
    let mut ws = Connection::<Server>::server(Limits::new());
    let mut inbox = Inbox::new(vec![0; 4096]);
    let mut probe: Option<Probe> = None;
    let (mut opened, mut closed, mut pings) = (false, false, 0);
    let announced = std::cell::Cell::new(false);
    let mut tell = |event: Option<Event<'_>>| match event {
        Some(Event::Opened) => assert!(!std::mem::replace(&mut opened, true) && !closed),
        Some(Event::Closed(_)) => {
            assert!(opened, "closed before it was opened");
            assert!(!std::mem::replace(&mut closed, true));
        }
        Some(Event::Message(_)) => {
            assert!(opened && !closed && announced.get(), "an answer would be in front of the open packet")
        }
        _ => {}
    };
    let mut rest = data;
    let mut memory = [0; 256];
    while let [op, arg, tail @ ..] = rest {
        let (bytes, tail) = tail.split_at(tail.len().min(usize::from(*arg % 24)));
        rest = tail;
        let was = (engine.transport(), engine.is_closed(), engine.is_polled());
        match op % 10 {
            0 => match engine.begin_poll(at(time)) {
                Ok(()) => assert!(was.0 == Transport::Polling && !was.2 && engine.is_polled()),
                Err(PollError::Overlap) => assert!(was.2 && engine.is_closed()),
                Err(_) => assert_eq!(was.0, Transport::WebSocket),
            },
            1 => engine.end_poll(),
            2 | 3 => {
                if engine.begin_post().is_ok() {
                    let mut body = if op % 10 == 2 { bytes.to_vec() } else { [b"4", bytes].concat() };
                    let mut packets = Packets::new(&mut body);
                    while let Some(event) = engine.poll_post(&mut packets, at(time)) {
                        tell(Some(event));
                    }
                }
            }
            4 => {
                time += u64::from(*arg) * 4;
                tell(engine.handle_timeout(at(time)));
                if let Some(probe) = &mut probe {
                    probe.handle_timeout(at(time), &mut engine, &mut ws);
                }
            }
            5 => {
                let begun = Probe::begin(&mut engine, at(time));
                assert!(begun.is_none() || was.0 == Transport::Polling && !was.1);
                if begun.is_some() {
                    probe = begun;
                    ws = Connection::server(Limits::new());
                    inbox = Inbox::new(vec![0; 4096]);
                }
            }
            6 | 7 => {
                let text = match arg % 4 {
                    0 => b"2probe",
                    1 => &b"5"[..],
                    2 => b"4x",
                    _ => bytes,
                };
                let frame = [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text].concat();
                if let Ok(space) = inbox.space()
                    && space.len() >= frame.len()
                {
                    space[..frame.len()].copy_from_slice(&frame);
                    inbox.commit(frame.len());
                }
                match &mut probe {
                    Some(p) if was.0 == Transport::Polling => match p.poll(&mut engine, &mut inbox, &mut ws) {
                        Ok(Probed::Upgraded) => assert!(engine.transport() == Transport::WebSocket && !was.2 && !was.1),
                        Ok(Probed::Failed) => probe = None,
                        _ => assert_eq!(engine.transport(), Transport::Polling),
                    },
                    _ if was.0 == Transport::WebSocket => {
                        while let Ok(Some(event)) = engine.poll_event(&mut inbox, &mut ws, at(time)) {
                            tell(Some(event));
                        }
                    }
                    _ => {}
                }
            }
            8 => {
                let mut out = Out::stored(&mut memory);
                if let Some(probe) = &mut probe {
                    while probe.poll_transmit(&mut out).unwrap() {}
                    out.clear();
                }
                while engine.poll_transmit(&mut out).unwrap() {}
                announced.set(announced.get() || out.written().starts_with(b"\x81"));
                pings += out.written().windows(3).filter(|w| w == b"\x81\x012").count() as u64;
                assert!(!engine.wants_transmit());
            }
            _ => match arg % 3 {
                0 => engine.handle_eof(),
                1 => engine.end_post(),
                _ => engine.close(),
            },
        }
        assert!(!was.1 || engine.is_closed(), "an end is an end");
        assert!(was.0 == Transport::Polling || engine.transport() == Transport::WebSocket, "there is no way back");
        assert!(engine.is_closed() || engine.poll_timeout().is_some_and(|due| due >= at(0)));
    }
    assert!(pings <= time / 200 + 1, "{pings} pings in {time} ms");
    // Whatever happened: a client that vanishes is forgotten in time.
    for _ in 0..4 {
        if let Some(due) = engine.poll_timeout() {
            time = time.max(due.as_millis());
        }
        tell(engine.handle_timeout(at(time)));
        let mut out = Out::stored(&mut memory);
        while engine.poll_transmit(&mut out).unwrap() {}
        time += 500;
        tell(engine.handle_timeout(at(time)));
    }
    assert!(engine.is_closed());
    assert!(engine.fault().is_none() || closed, "{:?}", Reason::ParseError);
}

/// A move to a WebSocket is the same however the bytes of its WebSocket are cut: what goes out on both transports, and what the session is told.
pub fn probe(data: &[u8]) {
    let [flags, step, script @ ..] = data else { return };
    let text = |b: &u8| match b % 8 {
        0..=2 => b"2probe",
        3..=5 => &b"5"[..],
        6 => b"4x",
        _ => b"3",
    };
    // Mostly good ones: `2probe`, `5`, and messages behind them.
    let start: &[&[u8]] = if flags & 2 == 0 { &[b"2probe", b"5"] } else { &[] };
    let texts = start.iter().copied().chain(script.iter().take(6).map(text));
    let bytes: Vec<u8> = texts.flat_map(|text| [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text].concat()).collect();
    let run = |cuts: &mut dyn Iterator<Item = usize>| {
        let now = Instant::from_millis(0);
        let mut engine = Session::open_polling(Sid::from_random([3; 15]), Config::new(), now);
        let (mut websocket, mut polling, mut events) = (Vec::new(), Vec::new(), Vec::new());
        let mut tx = [0; 512];
        let mut is_polled = true;
        if flags & 1 == 0 {
            engine.end_poll();
            is_polled = false;
        }
        let mut out = Out::stored(&mut tx);
        while engine.poll_transmit(&mut out).unwrap() {}
        if let Some(event) = engine.poll_post(&mut Packets::new(&mut b"3".to_vec()), now) {
            events.push(format!("{event:?}"));
        }
        let mut ws = Connection::<Server>::server(Limits::new());
        let mut inbox = Inbox::new(vec![0; 4096]);
        let mut probe = Probe::begin(&mut engine, now).unwrap();
        let mut result = Probed::Pending;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(cuts.next().unwrap_or(rest.len()).clamp(1, rest.len()));
            rest = behind;
            inbox.space().unwrap()[..piece.len()].copy_from_slice(piece);
            inbox.commit(piece.len());
            // A turn of the loop: until a GET that waited was answered and the probe has looked again.
            loop {
                if result == Probed::Pending {
                    result = probe.poll(&mut engine, &mut inbox, &mut ws).unwrap();
                }
                let mut out = ws.out(&mut tx);
                while probe.poll_transmit(&mut out).unwrap() {}
                websocket.extend_from_slice(out.written());
                if result == Probed::Upgraded {
                    while let Ok(Some(event)) = engine.poll_event(&mut inbox, &mut ws, now) {
                        events.push(format!("{event:?}"));
                    }
                }
                let mut out = ws.out(&mut tx);
                while ws.poll_transmit(&mut out).unwrap() {}
                websocket.extend_from_slice(out.written());
                let mut out = Out::stored(&mut tx);
                while engine.poll_transmit(&mut out).unwrap() {}
                if out.is_empty() || !is_polled {
                    break;
                }
                polling.extend_from_slice(out.written());
                engine.end_poll();
                is_polled = false;
            }
        }
        if result == Probed::Failed {
            // An answer in front of the fault is dropped when it was not written yet, as a pong is.
            (websocket, polling) = (Vec::new(), Vec::new());
        }
        (format!("{result:?}"), websocket, polling, events, engine.transport())
    };
    let whole = run(&mut core::iter::empty());
    assert!(flags & 2 != 0 || whole.4 == Transport::WebSocket, "`2probe` and `5` move the session: {whole:?}");
    for cut in 1..bytes.len() {
        assert_eq!(run(&mut core::iter::once(cut)), whole, "cut at {cut}");
    }
    for step in [1, usize::from(*step) + 1] {
        assert_eq!(run(&mut core::iter::repeat(step)), whole, "in steps of {step}");
    }
}
