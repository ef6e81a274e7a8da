//! What the tests of laws share: vectors in Markdown, traces, a generator of numbers.
#![allow(dead_code)]

use sansocket::ws::{
    Advanced, Client, CloseCode, Connection, Event, Inbox, Incoming, Kind, Limits, PeerError, Role, Server,
};

/// splitmix64.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// What was told, pieces of a payload joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    pub told: Vec<Told>,
    pub error: Option<PeerError>,
    /// Bytes that were used up.
    pub used: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Kind, payload, whether it came to its end.
    Message(Kind, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(CloseCode, String),
}

impl Trace {
    pub fn chunk(&mut self, kind: Kind, is_first: bool, is_last: bool, bytes: &[u8]) {
        // Control frames may stand between two pieces: the message stands behind what was told before its last piece.
        let open = self.told.iter().rposition(|t| matches!(t, Told::Message(_, _, false)));
        let mut whole = match open {
            Some(at) if !is_first => match self.told.remove(at) {
                Told::Message(k, payload, _) if k == kind => payload,
                other => panic!("{other:?} goes on as {kind:?}"),
            },
            None if is_first => Vec::new(),
            _ => panic!("a piece that is first inside a message, or not first outside one"),
        };
        whole.extend_from_slice(bytes);
        self.told.push(Told::Message(kind, whole, is_last));
    }

    /// Whole messages only, each where it ended: what one sees who takes no parts.
    pub fn whole(&self) -> Vec<Told> {
        let mut told: Vec<_> = self.told.clone();
        told.retain(|t| !matches!(t, Told::Message(_, _, false)));
        told
    }
}

#[derive(Clone, Debug)]
pub struct Vector {
    pub name: String,
    pub is_server: bool,
    pub limits: Limits,
    pub wire: Vec<u8>,
    pub expected: Trace,
}

/// The sections of a page: heading, and its blocks, each the word behind the kind and the lines.
pub fn blocks(page: &str) -> Vec<(String, Vec<(String, String)>)> {
    let section = |section: &str| {
        let name = section.lines().next().unwrap().to_owned();
        let blocks = section.split("```").skip(1).step_by(2).map(|block| {
            let (info, lines) = block.split_once('\n').unwrap();
            (info.split_once(' ').map_or("", |(_, word)| word).to_owned(), lines.to_owned())
        });
        (name, blocks.collect())
    };
    page.split("\n## ").skip(1).map(section).collect()
}

/// Bytes in hexadecimal.
pub fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// The vectors of a page.
pub fn vectors(page: &str) -> Vec<Vector> {
    let mut vectors = Vec::new();
    for (name, blocks) in blocks(page) {
        let [(role, wire_lines), (_, trace)] = &blocks[..] else { panic!("{name}") };
        let is_server = role == "server";
        let mut limits = Limits::new();
        let mut wire = Vec::new();
        for line in wire_lines.lines() {
            if let Some(list) = line.strip_prefix("limits ") {
                for (key, n) in list.split(' ').map(|l| l.split_once('=').unwrap()) {
                    let n: u64 = n.parse().unwrap();
                    limits = match key {
                        "message" => limits.message(n),
                        "frame" => limits.frame(n),
                        "fragments" => limits.fragments(n as u32),
                        "empty" => limits.empty_fragments(n as u16),
                        "controls" => limits.controls(n as u16),
                        _ => panic!("{key}"),
                    };
                }
            } else if let Some(raw) = line.strip_prefix("raw ") {
                wire.extend(payload(&raw.replace(' ', "")));
            } else {
                let (fin, rest) = line.split_once(' ').unwrap();
                let (opcode, data) = rest.split_once(' ').unwrap();
                let opcode = match opcode {
                    "cont" => 0,
                    "text" => 1,
                    "binary" => 2,
                    "close" => 8,
                    "ping" => 9,
                    "pong" => 10,
                    _ => panic!("{opcode}"),
                };
                let fin = if fin == "fin" { 0x80 } else { 0 };
                let key = is_server.then_some([0x37, 0xfa, 0x21, 0x3d + wire.len() as u8]);
                frame(fin | opcode, key, &payload(data), &mut wire);
            }
        }
        let mut expected = Trace { used: wire.len(), ..Trace::default() };
        for line in trace.lines() {
            let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
            let (data, is_cut) = rest.strip_suffix("...").map_or((rest, false), |r| (r, true));
            match what {
                "text" => expected.told.push(Told::Message(Kind::Text, payload(data), !is_cut)),
                "binary" => expected.told.push(Told::Message(Kind::Binary, payload(data), !is_cut)),
                "ping" => expected.told.push(Told::Ping(payload(data))),
                "pong" => expected.told.push(Told::Pong(payload(data))),
                "close" => {
                    let (code, reason) = data.split_once(' ').unwrap();
                    let reason = String::from_utf8(payload(reason)).unwrap();
                    expected.told.push(Told::Close(CloseCode(code.parse().unwrap()), reason));
                }
                "error" => expected.error = Some(error(rest)),
                _ => panic!("{line}"),
            }
        }
        vectors.push(Vector { name, is_server, limits, wire, expected });
    }
    vectors
}

fn error(name: &str) -> PeerError {
    use PeerError::*;
    let all = [
        ReservedBits,
        ReservedOpcode,
        FragmentedControl,
        ControlTooLong,
        UnexpectedContinuation,
        ExpectedContinuation,
        NotMasked,
        Masked,
        LengthNotMinimal,
        LengthTooLarge,
        FrameTooLarge,
        MessageTooLarge,
        TooManyFragments,
        TooManyEmptyFragments,
        TooManyControls,
        InvalidUtf8,
        InvalidClose,
        InvalidCloseCode,
        InvalidCloseReason,
    ];
    all.into_iter().find(|e| format!("{e:?}") == name).unwrap_or_else(|| panic!("{name}"))
}

/// `"text"`, hexadecimal, or `61*3`.
fn payload(text: &str) -> Vec<u8> {
    if let Some(text) = text.strip_prefix('"') {
        return text.strip_suffix('"').unwrap().as_bytes().to_vec();
    }
    let (hex, times) = text.split_once('*').map_or((text, 1), |(hex, n)| (hex, n.parse().unwrap()));
    bytes(hex).repeat(times)
}

/// An independent, plain writer of frames.
pub fn frame(first: u8, key: Option<[u8; 4]>, payload: &[u8], wire: &mut Vec<u8>) {
    let bit = if key.is_some() { 0x80 } else { 0 };
    wire.push(first);
    match payload.len() {
        n @ 0..=125 => wire.push(bit | n as u8),
        n @ 126..=0xffff => {
            wire.push(bit | 126);
            wire.extend((n as u16).to_be_bytes());
        }
        n => {
            wire.push(bit | 127);
            wire.extend((n as u64).to_be_bytes());
        }
    }
    let key = key.inspect(|k| wire.extend(k)).unwrap_or_default();
    wire.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
}

/// Runs a wire through `poll_event`, cut at `cuts`.
pub fn by_events(vector: &Vector, cuts: &[usize]) -> Trace {
    fn run<R: Role>(mut ws: Connection<R>, vector: &Vector, cuts: &[usize]) -> Trace {
        let mut trace = Trace::default();
        let mut wire = vector.wire.clone();
        let mut from = 0;
        for &to in cuts.iter().chain([&vector.wire.len()]) {
            let mut input = &mut wire[from..to];
            loop {
                match ws.poll_event(&mut input) {
                    Ok(Some(Event::Chunk(c))) => trace.chunk(c.kind(), c.is_first(), c.is_last(), c.as_bytes()),
                    Ok(Some(Event::Ping(p))) => trace.told.push(Told::Ping(p.as_bytes().to_vec())),
                    Ok(Some(Event::Pong(p))) => trace.told.push(Told::Pong(p.as_bytes().to_vec())),
                    Ok(Some(Event::Close(code))) => trace.told.push(Told::Close(code, ws.close_reason().to_owned())),
                    Ok(Some(_)) => unreachable!(),
                    Ok(None) => {
                        assert!(input.is_empty(), "None exactly when the input is used up");
                        break;
                    }
                    Err(e) => {
                        trace.error = Some(e);
                        trace.used = to - input.len();
                        let left = input.len();
                        assert_eq!(ws.poll_event(&mut input), Err(e), "the same error for ever");
                        assert_eq!(input.len(), left);
                        return trace;
                    }
                }
            }
            from = to;
        }
        trace.used = vector.wire.len();
        trace
    }
    if vector.is_server {
        run(Connection::<Server>::server(vector.limits), vector, cuts)
    } else {
        run(Connection::<Client>::client(vector.limits), vector, cuts)
    }
}

/// How an inbox is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    Messages,
    Parts,
    /// `advance` and `take`, the storage replaced at every turn.
    AdvanceAndReplace,
}

/// Runs a wire through an inbox. `used` is not known here.
pub fn by_inbox(vector: &Vector, cuts: &[usize], taking: Taking) -> Trace {
    fn run<R: Role>(mut ws: Connection<R>, vector: &Vector, cuts: &[usize], taking: Taking) -> Trace {
        let mut trace = Trace::default();
        let mut inbox = Inbox::new(vec![0; 64]);
        let mut from = 0;
        for (turn, &to) in cuts.iter().chain([&vector.wire.len()]).enumerate() {
            while from < to {
                let space = match inbox.space() {
                    Ok(space) => space,
                    Err(e) => {
                        inbox.replace(vec![0; e.needed.max(2 * e.available)]).unwrap();
                        inbox.space().unwrap()
                    }
                };
                let n = space.len().min(to - from);
                space[..n].copy_from_slice(&vector.wire[from..from + n]);
                inbox.commit(n);
                from += n;
                loop {
                    let incoming = match taking {
                        Taking::Messages => inbox.poll_message(&mut ws),
                        Taking::Parts => inbox.poll_part(&mut ws),
                        Taking::AdvanceAndReplace => {
                            let ready = inbox.advance(&mut ws);
                            let size = 2 * inbox.held() + turn % 7;
                            let _ = inbox.replace(vec![0xaa; size]);
                            ready.map(|found| match found? {
                                Advanced::Ready => inbox.take(),
                                Advanced::Ping(p) => Some(Incoming::Ping(p)),
                                Advanced::Pong(p) => Some(Incoming::Pong(p)),
                                _ => unreachable!(),
                            })
                        }
                    };
                    match incoming {
                        Ok(None) => break,
                        Ok(Some(Incoming::Message(m))) => {
                            let (kind, bytes) = (m.kind(), m.as_bytes().to_vec());
                            trace.told.push(Told::Message(kind, bytes, true));
                        }
                        Ok(Some(Incoming::Part(c))) => trace.chunk(c.kind(), c.is_first(), c.is_last(), c.as_bytes()),
                        Ok(Some(Incoming::Ping(p))) => trace.told.push(Told::Ping(p.as_bytes().to_vec())),
                        Ok(Some(Incoming::Pong(p))) => trace.told.push(Told::Pong(p.as_bytes().to_vec())),
                        Ok(Some(Incoming::Close(code))) => {
                            trace.told.push(Told::Close(code, ws.close_reason().to_owned()));
                        }
                        Ok(Some(_)) => unreachable!(),
                        Err(sansocket::ws::ReceiveError::Capacity(e)) => {
                            assert!(e.needed > e.available);
                            inbox.replace(vec![0; e.needed]).unwrap();
                        }
                        Err(sansocket::ws::ReceiveError::Peer(e)) => {
                            trace.error = Some(e);
                            return trace;
                        }
                        Err(_) => unreachable!(),
                    }
                }
            }
        }
        trace
    }
    if vector.is_server {
        run(Connection::<Server>::server(vector.limits), vector, cuts, taking)
    } else {
        run(Connection::<Client>::client(vector.limits), vector, cuts, taking)
    }
}

/// The numbers of `limits`: message, frame, fragments, empty fragments, controls. They are not public, but they are shown.
pub fn limits_of(limits: &Limits) -> [u64; 5] {
    let shown = format!("{limits:?}");
    let number = |name: &str| {
        let rest = shown.split(&format!("{name}: ")).nth(1).unwrap();
        rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    [number("message"), number("{ frame"), number(" fragments"), number("empty_fragments"), number("controls")]
}
