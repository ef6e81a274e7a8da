//! Attacks on `ws` by a reviewer who did not write it.

use sansocket::ws::{
    Advanced, CloseCode, Connection, Event, Inbox, Incoming, Kind, Limits, MaskSource, Message, NoKeys, OWED_MAX,
    Outbox, PeerError, ReceiveError, Role, Server,
};

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0][..], payload].concat()
}

fn fed(bytes: &[u8]) -> (Connection<Server>, Inbox<Vec<u8>>) {
    let mut inbox = Inbox::new(vec![0; 256]);
    inbox.space().unwrap()[..bytes.len()].copy_from_slice(bytes);
    inbox.filled(bytes.len());
    (Connection::server(Limits::new()), inbox)
}

/// What stands behind the byte that is not UTF-8 is payload, and never a frame.
#[test]
fn the_rest_of_a_broken_text_is_not_read_as_frames() {
    // The payload goes on with what would be a frame: a whole binary message.
    let wire = masked(0x81, &[b"ab".as_slice(), &masked(0x82, b"forged")].concat());
    for how in 0..4 {
        let (mut ws, mut inbox) = fed(&wire);
        match inbox.poll_part(&mut ws).unwrap() {
            Some(Incoming::Part(part)) => assert_eq!((part.as_bytes(), part.is_last()), (&b"ab"[..], false)),
            other => panic!("{other:?}"),
        }
        let error = Err(ReceiveError::Peer(PeerError::InvalidUtf8));
        let told = match how {
            0 => inbox.poll_part(&mut ws).map(|m| format!("{m:?}")),
            1 => inbox.poll_message(&mut ws).map(|m| format!("{m:?}")),
            2 => inbox.advance(&mut ws).map(|m| format!("{m:?}")),
            _ => {
                inbox.skip_message(&ws);
                inbox.poll_message(&mut ws).map(|m| format!("{m:?}"))
            }
        };
        assert_eq!(told, error, "{how}");
    }
}

/// The header alone has come, of a message that is longer than the inbox.
#[test]
fn parts_need_no_room_for_the_message() {
    let mut ws = Connection::server(Limits::new());
    let mut inbox = Inbox::new([0; 8]);
    let wire = masked(0x82, &[7; 100]);
    let mut got = 0;
    for piece in [&wire[..6], &wire[6..12], &wire[12..20]] {
        inbox.space().unwrap()[..piece.len()].copy_from_slice(piece);
        inbox.filled(piece.len());
        while let Some(incoming) = inbox.poll_part(&mut ws).unwrap() {
            let Incoming::Part(part) = incoming else { panic!("{incoming:?}") };
            assert_eq!(part.is_first(), got == 0);
            got += part.as_bytes().len();
        }
    }
    assert_eq!(got, 14);
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as usize
    }
}

/// A message, as far as it was told.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Message { kind: Kind, bytes: Vec<u8>, is_whole: bool },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(CloseCode, String),
}

fn add(told: &mut Vec<Told>, open: &mut Option<usize>, kind: Kind, is_first: bool, is_last: bool, piece: &[u8]) {
    if is_first {
        assert_eq!(*open, None, "a message inside another: {told:?}");
        *open = Some(told.len());
        told.push(Told::Message { kind, bytes: Vec::new(), is_whole: false });
    }
    let at = open.expect("a first piece");
    let Told::Message { kind: first, bytes, is_whole } = &mut told[at] else { panic!() };
    assert_eq!(*first, kind);
    bytes.extend_from_slice(piece);
    *is_whole = is_last;
    if is_last {
        *open = None;
    }
}

/// All of it at once, by `poll_event`: what is told, the error, and the byte that showed it.
fn by_events<R: Role>(mut ws: Connection<R>, wire: &[u8]) -> (Vec<Told>, Option<PeerError>, usize) {
    let mut wire = wire.to_vec();
    let len = wire.len();
    let mut input = &mut wire[..];
    let (mut told, mut open) = (Vec::new(), None);
    loop {
        match ws.poll_event(&mut input) {
            Ok(None) => return (told, None, len),
            Err(e) => return (told, Some(e), len - input.len()),
            Ok(Some(Event::Chunk(c))) => add(&mut told, &mut open, c.kind(), c.is_first(), c.is_last(), c.as_bytes()),
            Ok(Some(Event::Ping(p))) => told.push(Told::Ping(p.as_bytes().to_vec())),
            Ok(Some(Event::Pong(p))) => told.push(Told::Pong(p.as_bytes().to_vec())),
            Ok(Some(Event::Close(code))) => told.push(Told::Close(code, ws.close_reason().into())),
            Ok(Some(other)) => panic!("{other:?}"),
        }
    }
}

/// The same in pieces, whose place of error is the same.
fn by_pieces<R: Role>(ws: &Connection<R>, wire: &[u8], random: &mut Random) -> (Vec<Told>, Option<PeerError>, usize) {
    let mut ws = ws.clone();
    let mut wire = wire.to_vec();
    let len = wire.len();
    let (mut told, mut open, mut rest) = (Vec::new(), None, &mut wire[..]);
    while !rest.is_empty() {
        let n = 1 + random.below(rest.len().min(9));
        let (mut input, behind) = std::mem::take(&mut rest).split_at_mut(n);
        rest = behind;
        loop {
            match ws.poll_event(&mut input) {
                Ok(None) => break,
                Err(e) => return (told, Some(e), len - input.len() - rest.len()),
                Ok(Some(Event::Chunk(c))) => {
                    add(&mut told, &mut open, c.kind(), c.is_first(), c.is_last(), c.as_bytes());
                }
                Ok(Some(Event::Ping(p))) => told.push(Told::Ping(p.as_bytes().to_vec())),
                Ok(Some(Event::Pong(p))) => told.push(Told::Pong(p.as_bytes().to_vec())),
                Ok(Some(Event::Close(code))) => told.push(Told::Close(code, ws.close_reason().into())),
                Ok(Some(other)) => panic!("{other:?}"),
            }
        }
    }
    (told, None, len)
}

fn payload(random: &mut Random, is_text: bool) -> Vec<u8> {
    let len = match random.below(8) {
        0 => 0,
        1 => 120 + random.below(12),
        _ => random.below(24),
    };
    let mut bytes = Vec::new();
    while bytes.len() < len {
        match random.below(if is_text { 40 } else { 6 }) {
            0 => bytes.extend(b"\x82\x84\0\0\0\0evil"),
            1 => bytes.push(random.below(256) as u8),
            2 => bytes.extend("漢".as_bytes()),
            3 => bytes.extend("🦀".as_bytes()),
            _ => bytes.push(b'a'),
        }
    }
    bytes
}

/// Frames that are nearly always good.
fn wire(random: &mut Random, is_masked: bool) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut open = None;
    for _ in 0..1 + random.below(10) {
        let (first, mut payload) = match (random.below(10), open) {
            (0..3, _) => {
                let first = [0x89, 0x8a][random.below(2)];
                let len = [0, 3, 60, 100, 125][random.below(5)];
                (first, (0..len).map(|_| random.below(256) as u8).collect())
            }
            (3, _) if random.below(4) == 0 => {
                let len = random.below(124);
                (0x88, [&b"\x03\xe8"[..], &b"r".repeat(len)].concat())
            }
            (n, Some(is_text)) => {
                if n < 6 {
                    open = None;
                }
                (if n < 6 { 0x80 } else { 0 }, payload(random, is_text))
            }
            (n, None) => {
                let is_text = n & 1 == 0;
                if n > 6 {
                    open = Some(is_text);
                }
                (if n > 6 { 0 } else { 0x80 } | if is_text { 1 } else { 2 }, payload(random, is_text))
            }
        };
        wire.push(first);
        let bit = if is_masked { 0x80 } else { 0 };
        if payload.len() < 126 {
            wire.push(bit | payload.len() as u8);
        } else {
            wire.extend([bit | 126, 0, payload.len() as u8]);
        }
        if is_masked {
            let key = if random.below(2) == 0 { [0; 4] } else { [random.below(256) as u8, 2, 3, 200] };
            wire.extend(key);
            payload.iter_mut().zip(key.into_iter().cycle()).for_each(|(b, k)| *b ^= k);
        }
        wire.extend(payload);
    }
    if random.below(3) == 0 {
        let at = random.below(wire.len());
        wire[at] = random.below(256) as u8;
    }
    wire
}

/// An inbox whose every method is called in any order, over storage that changes its size at any moment.
fn any_order<R: Role + PartialEq, K: MaskSource<R> + Clone>(
    fresh: &Connection<R>,
    keys: &K,
    seed: u64,
    is_masked: bool,
) {
    let mut random = Random(seed);
    let random = &mut random;
    let mut inbox = Inbox::new(vec![0; 1 + random.below(200)]);
    for _ in 0..3 {
        let wire = wire(random, is_masked);
        let expected = by_events(fresh.clone(), &wire);
        assert_eq!(by_pieces(fresh, &wire, random), expected, "{seed} {wire:x?}");
        inbox.reset();
        let mut ws = fresh.clone();
        let (mut told, mut open, mut skips, mut closes) = (Vec::new(), None, 0, false);
        let mut rest = &wire[..];
        let mut error = None;
        let drains = random.below(3) > 0;
        let may_close = random.below(4) == 0;
        let mut idle = 0;
        while idle < 60 {
            idle += usize::from(rest.is_empty());
            let mut take = |told: &mut Vec<Told>, incoming: Incoming<'_>, ws: &Connection<R>| match incoming {
                Incoming::Message(m) => {
                    if let Message::Text(text) = &m {
                        assert_eq!(text.as_str().as_bytes(), text.as_bytes());
                    }
                    add(told, &mut open, m.kind(), true, true, m.as_bytes());
                }
                Incoming::Part(p) => add(told, &mut open, p.kind(), p.is_first(), p.is_last(), p.as_bytes()),
                Incoming::Ping(p) => told.push(Told::Ping(p.as_bytes().to_vec())),
                Incoming::Pong(p) => told.push(Told::Pong(p.as_bytes().to_vec())),
                Incoming::Close(code) => told.push(Told::Close(code, ws.close_reason().into())),
                other => panic!("{other:?}"),
            };
            let mut failed = None;
            match random.below(14) {
                0..4 => {
                    if let Ok(space) = inbox.space() {
                        assert!(!space.is_empty());
                        let n = rest.len().min(space.len()).min(random.below(20));
                        space[..n].copy_from_slice(&rest[..n]);
                        space[n..].fill(0xee);
                        inbox.filled(n);
                        rest = &rest[n..];
                    } else {
                        assert!(inbox.held() > 0 || inbox.replace(vec![0; 8]).is_ok_and(|old| old.is_empty()));
                    }
                }
                4..7 => match inbox.poll_message(&mut ws) {
                    Ok(Some(incoming)) => take(&mut told, incoming, &mut ws.clone()),
                    Ok(None) => {}
                    Err(e) => failed = Some(e),
                },
                7 => match inbox.poll_part(&mut ws) {
                    Ok(Some(incoming)) => take(&mut told, incoming, &mut ws.clone()),
                    Ok(None) => {}
                    Err(ReceiveError::Capacity(e)) => panic!("{e}"),
                    Err(e) => failed = Some(e),
                },
                8 => match inbox.advance(&mut ws) {
                    Ok(Some(Advanced::Ready)) => {
                        let peeked = inbox.peek().map(|(kind, bytes)| (kind, bytes.to_vec()));
                        assert_eq!(inbox.peek().map(|(kind, bytes)| (kind, bytes.to_vec())), peeked);
                        assert_eq!(inbox.advance(&mut ws), Ok(Some(Advanced::Ready)));
                        if random.below(2) == 0 {
                            take(&mut told, inbox.take().expect("ready"), &mut ws.clone());
                            assert_eq!(inbox.take(), None);
                        }
                    }
                    Ok(Some(Advanced::Ping(p))) => told.push(Told::Ping(p.as_bytes().to_vec())),
                    Ok(Some(Advanced::Pong(p))) => told.push(Told::Pong(p.as_bytes().to_vec())),
                    Ok(other) => assert_eq!(other, None),
                    Err(e) => failed = Some(e),
                },
                9 => {
                    if let Some(incoming) = inbox.take() {
                        take(&mut told, incoming, &mut ws.clone());
                    }
                }
                10 => {
                    let (held, size) = (inbox.held(), random.below(160));
                    match inbox.replace(vec![0xdd; size]) {
                        Ok(_) => assert!(size >= held),
                        Err(back) => assert!(back.len() == size && size < held && inbox.held() == held),
                    }
                }
                11 if random.below(12) == 0 => {
                    inbox.skip_message(&ws);
                    skips += 1;
                    open = None;
                }
                12 if drains => {
                    let mut tx = Outbox::with_keys(vec![0; random.below(140)], keys.clone());
                    let (before, wants) = (ws.clone(), ws.wants_transmit());
                    let mut out = ws.out(&mut tx);
                    match ws.poll_transmit(&mut out) {
                        Ok(is_written) => assert_eq!((is_written, !out.is_empty()), (wants, wants)),
                        Err(e) => assert!(ws == before && e.needed > e.available && e.needed <= OWED_MAX),
                    }
                }
                13 if may_close && random.below(10) == 0 => {
                    let len = random.below(130);
                    let before = ws.clone();
                    match ws.close(CloseCode::NORMAL, &"w".repeat(len)) {
                        Ok(()) => closes = true,
                        Err(_) => assert_eq!(ws, before),
                    }
                }
                _ => {
                    let before = ws.clone();
                    let mut tx = Outbox::with_keys(vec![0; random.below(10)], keys.clone());
                    let mut out = ws.out(&mut tx);
                    let is_sent = match random.below(3) {
                        0 => ws.send(Kind::Text, b"abc", &mut out).is_ok(),
                        1 => ws.ping(b"abc", &mut out).is_ok(),
                        _ => ws.send_chunk(Kind::Binary, b"a", random.below(2) == 0, &mut out).is_ok(),
                    };
                    assert!(is_sent != out.is_empty() && (is_sent || ws == before));
                }
            }
            match failed {
                Some(ReceiveError::Capacity(e)) => {
                    assert_eq!(inbox.poll_message(&mut ws), Err(ReceiveError::Capacity(e)));
                    assert!(e.needed > e.available);
                    if random.below(3) == 0 {
                        assert!(inbox.replace(vec![0; e.needed]).is_ok());
                        assert!(!matches!(inbox.poll_message(&mut ws), Err(ReceiveError::Capacity(_))), "enough");
                    }
                }
                Some(ReceiveError::Peer(e)) => {
                    assert_eq!(inbox.poll_part(&mut ws), Err(ReceiveError::Peer(e)));
                    error = Some(e);
                    break;
                }
                Some(other) => panic!("{other}"),
                None => {}
            }
        }
        // To the end.
        while error.is_none() {
            let n = match inbox.space() {
                Ok(space) => {
                    let n = rest.len().min(space.len());
                    space[..n].copy_from_slice(&rest[..n]);
                    n
                }
                Err(e) => {
                    assert!(inbox.replace(vec![0; e.needed]).is_ok());
                    continue;
                }
            };
            inbox.filled(n);
            rest = &rest[n..];
            match inbox.poll_message(&mut ws) {
                Ok(Some(Incoming::Message(m))) => add(&mut told, &mut open, m.kind(), true, true, m.as_bytes()),
                Ok(Some(Incoming::Part(p))) => {
                    add(&mut told, &mut open, p.kind(), p.is_first(), p.is_last(), p.as_bytes());
                }
                Ok(Some(Incoming::Ping(p))) => told.push(Told::Ping(p.as_bytes().to_vec())),
                Ok(Some(Incoming::Pong(p))) => told.push(Told::Pong(p.as_bytes().to_vec())),
                Ok(Some(Incoming::Close(code))) => {
                    told.push(Told::Close(code, ws.close_reason().into()));
                    assert_eq!(inbox.poll_message(&mut ws), Ok(None));
                }
                Ok(Some(other)) => panic!("{other:?}"),
                Ok(None) if rest.is_empty() => break,
                Ok(None) => {}
                Err(ReceiveError::Peer(e)) => error = Some(e),
                Err(ReceiveError::Capacity(e)) => {
                    assert!(inbox.replace(vec![0; e.needed]).is_ok());
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(error, expected.1, "{seed} {wire:x?} {told:?}");
        // Whatever is told stands in what is expected, in order; without skips all whole messages are told.
        let is_control = |t: &&Told| !matches!(t, Told::Message { .. });
        let controls: Vec<_> = told.iter().filter(is_control).collect();
        assert_eq!(controls, expected.0.iter().filter(is_control).collect::<Vec<_>>(), "{seed} {wire:x?}");
        let mut wanted = expected.0.iter().filter(|t| !is_control(t));
        for t in told.iter().filter(|t| !is_control(t)) {
            let Told::Message { kind, bytes, is_whole } = t else { panic!() };
            let is_found = wanted.any(|w| {
                let Told::Message { kind: k, bytes: b, is_whole: i } = w else { panic!() };
                let is_it = kind == k && (*is_whole && *i && bytes == b || !is_whole && b.starts_with(bytes));
                assert!(is_it || skips > 0 || closes || !i, "{seed} {wire:x?} {told:?}");
                is_it
            });
            assert!(is_found || !is_whole, "{seed} {wire:x?} {told:?} {expected:?}");
        }
        if skips == 0 && !closes {
            let is_missed = |t: &Told| matches!(t, Told::Message { is_whole: true, .. });
            assert!(!wanted.any(is_missed), "{seed} {wire:x?} {told:?} {expected:?}");
        }
    }
}

#[test]
fn every_order_of_calls_tells_the_same() {
    let runs = std::env::var("ATTACK_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_500);
    let limits = Limits::new().message(400).fragments(5).empty_fragments(2).controls(3);
    for seed in 0..runs {
        any_order(&Connection::server(limits), &NoKeys, seed, true);
        any_order(&Connection::client(limits), &|| [1, 2, 3, 4], seed, false);
    }
}
