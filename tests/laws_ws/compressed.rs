//! Compressed messages under any calls.

use super::support::Random;
use sansocket::{
    deflate::{Deflate, SYNC_TAIL, Tier},
    ws::{
        Advanced, Agreed, Compression, Connection, Inbox, Incoming, Inflating, Kind, Limits, Message, ReceiveError,
        Server,
    },
};
use std::collections::VecDeque;

/// Numbers that the fuzzer chooses, and others when it has no more.
struct Choices<'d> {
    data: std::slice::Iter<'d, u8>,
    random: Random,
}

impl Choices<'_> {
    fn below(&mut self, n: usize) -> usize {
        match self.data.next() {
            Some(&byte) if n <= 256 => usize::from(byte) % n,
            Some(&byte) => (usize::from(byte) << 8 | usize::from(*self.data.next().unwrap_or(&0))) % n,
            None => self.random.below(n),
        }
    }
}

/// A message on the wire: where its first header ends, where it ends, and what it says.
struct Sent {
    opened: usize,
    end: usize,
    kind: Kind,
    content: Vec<u8>,
}

/// What one peer writes: messages of which most are compressed, in any fragments, with control frames anywhere.
fn wire(agreed: Agreed, random: &mut Choices<'_>) -> (Vec<u8>, VecDeque<Sent>) {
    let tier = [Tier::TINY, Tier::SMALL, Tier::MEDIUM][random.below(3)];
    let mut deflate = Deflate::new(tier, vec![0; tier.bytes()]).unwrap().with_window_bits(agreed.receive_window_bits());
    let (mut wire, mut all) = (Vec::new(), VecDeque::new());
    for i in 0..1 + random.below(8) {
        let kind = if random.below(2) == 0 { Kind::Text } else { Kind::Binary };
        let mut content = format!("{i}").into_bytes();
        for _ in 0..random.below(12) {
            let word =
                [&b"hello"[..], "\u{6f22}\u{5b57}".as_bytes(), b"aaaaaaaaaaaaaaaaaaaaaaaaa", b"{\"id\":17,\"x\":"];
            let most = 1 << random.below(7);
            content.extend(word[random.below(4)].repeat(1 + random.below(most)));
        }
        let mut packed = vec![0; content.len() * 2 + 100];
        let is_packed = random.below(4) > 0;
        if is_packed {
            // In several blocks, each with its tail but the last one.
            let (at, mut to) = (random.below(content.len()), 0);
            for (piece, is_last) in [(&content[..at], false), (&content[at..], true)] {
                to += deflate.compress(piece, true, &mut packed[to..]).unwrap();
                if !is_last {
                    packed[to..to + 4].copy_from_slice(&SYNC_TAIL);
                    to += 4;
                }
            }
            packed.truncate(to);
            match random.below(6) {
                // A final block, and no more.
                0 => packed.extend(b"\0\0\xff\xff\x03\0"),
                // Or what must follow.
                1 => packed.extend(b"\0\0\xff\xff\x03\0\0"),
                _ => {}
            }
            if !agreed.has_receive_takeover() {
                deflate.forget();
            }
        } else {
            packed.clone_from(&content);
        }
        let (mut rest, mut opened) = (&packed[..], None);
        let mut left = random.below(5);
        loop {
            let (piece, behind) = rest.split_at(if left == 0 { rest.len() } else { random.below(rest.len() + 1) });
            let opcode = if kind == Kind::Text { 1 } else { 2 };
            let first = if opened.is_none() { opcode | if is_packed { 0x40 } else { 0 } } else { 0 };
            let before = wire.len();
            super::frame(first | if left == 0 { 0x80 } else { 0 }, piece, &mut wire);
            opened.get_or_insert(before + (wire.len() - before - piece.len()));
            if left == 0 {
                break;
            }
            if random.below(3) == 0 {
                super::frame(0x89, b"?", &mut wire);
            }
            (rest, left) = (behind, left - 1);
        }
        all.push_back(Sent { opened: opened.unwrap(), end: wire.len(), kind, content });
        if random.below(3) == 0 {
            super::frame(0x8a, b"!", &mut wire);
        }
    }
    (wire, all)
}

type Unpacking = Inbox<Inflating<Vec<u8>, Vec<u8>>>;

/// Reads a wire by any calls.
struct Reader<'i> {
    inbox: &'i mut Unpacking,
    ws: Connection<Server>,
    expected: VecDeque<Sent>,
    /// What parts have told of the first of them.
    open: Option<Vec<u8>>,
    /// How many bytes were put in, and whether all of them were used.
    fed: usize,
    is_starved: bool,
}

/// Takes a copy, and spoils what can be changed: kind, bytes, whether they are the first and the last.
fn spoil(incoming: Incoming<'_>) -> Option<(Kind, Vec<u8>, bool, bool)> {
    match incoming {
        Incoming::Message(Message::Text(text)) => Some((Kind::Text, text.as_bytes().to_vec(), true, true)),
        Incoming::Message(Message::Binary(bytes)) => {
            let copy = bytes.to_vec();
            bytes.fill(0xee);
            Some((Kind::Binary, copy, true, true))
        }
        Incoming::Part(part) => {
            let told = (part.kind(), part.as_bytes().to_vec(), part.is_first(), part.is_last());
            part.into_bytes().fill(0xee);
            Some(told)
        }
        _ => None,
    }
}

impl Reader<'_> {
    /// Part of a message, or all of it.
    fn tell(&mut self, (kind, bytes, is_first, is_last): (Kind, Vec<u8>, bool, bool)) {
        assert_eq!(is_first, self.open.is_none());
        let open = self.open.get_or_insert_default();
        open.extend(bytes);
        let sent = self.expected.front().expect("no more than was sent");
        assert_eq!(sent.kind, kind);
        assert!(sent.content.starts_with(open), "{open:x?} of {:x?}", sent.content);
        if is_last {
            assert_eq!(sent.content.len(), open.len());
            self.open = None;
            self.expected.pop_front();
        }
    }

    /// One call that reads. `Ok(false)`: nothing is there.
    fn poll(&mut self, random: &mut Choices<'_>) -> Result<bool, ReceiveError> {
        let Self { inbox, ws, .. } = self;
        let in_parts = random.below(3) == 0;
        let found = if random.below(3) > 0 {
            if in_parts { inbox.poll_part(ws)? } else { inbox.poll_message(ws)? }
        } else {
            match if in_parts { inbox.advance_part(ws)? } else { inbox.advance(ws)? } {
                None => None,
                Some(Advanced::Ready) => {
                    if random.below(3) == 0 {
                        return Ok(true); // it is not taken yet
                    }
                    let peeked = inbox.peek().map(|(kind, bytes)| (kind, bytes.to_vec()));
                    let told = inbox.take().and_then(spoil).expect("a message or a part is ready");
                    if let Some((kind, bytes)) = peeked {
                        assert_eq!((kind, &bytes), (told.0, &told.1));
                    }
                    self.tell(told);
                    return Ok(true);
                }
                Some(_) => return Ok(true),
            }
        };
        let Some(incoming) = found else { return Ok(false) };
        if let Some(told) = spoil(incoming) {
            self.tell(told);
        }
        Ok(true)
    }

    /// Drops the message that is open; no other one.
    fn skip(&mut self) {
        self.inbox.skip_message(&self.ws);
        self.open = None;
        self.expected.pop_front();
    }

    /// Whether the first message is open, when all bytes were used.
    fn is_open(&self) -> bool {
        self.expected.front().is_some_and(|sent| sent.opened <= self.fed && self.fed < sent.end)
    }

    /// Reads `wire` up to `until`.
    fn run(&mut self, wire: &[u8], until: usize, random: &mut Choices<'_>) {
        loop {
            match random.below(10) {
                0..=3 if self.fed < until => {
                    let Ok(space) = self.inbox.space() else { continue };
                    let n = space.len().min(until - self.fed).min(1 + random.below(300));
                    space[..n].copy_from_slice(&wire[self.fed..self.fed + n]);
                    self.inbox.commit(n);
                    (self.fed, self.is_starved) = (self.fed + n, false);
                }
                4 => {
                    let size = (self.inbox.held() + random.below(80)).saturating_sub(random.below(3));
                    let is_enough = size >= self.inbox.held();
                    assert_eq!(self.inbox.replace(vec![0xaa; size]).is_ok(), is_enough);
                    if is_enough && size < 16 {
                        self.inbox.replace(vec![0xbb; size + 16]).unwrap();
                    }
                }
                5 => {
                    let size = (self.inbox.held_unpacked() + random.below(300)).saturating_sub(random.below(3));
                    let is_enough = size >= self.inbox.held_unpacked();
                    assert_eq!(self.inbox.replace_unpacked(vec![0xcc; size]).is_ok(), is_enough);
                }
                6 if self.is_starved && random.below(4) == 0 => {
                    if self.is_open() {
                        self.skip();
                    } else {
                        self.inbox.skip_message(&self.ws);
                    }
                }
                _ => match self.poll(random) {
                    Ok(true) => self.is_starved = false,
                    Ok(false) => {
                        self.is_starved = true;
                        if self.fed == until {
                            return;
                        }
                    }
                    Err(ReceiveError::Capacity(e)) => {
                        assert!(e.needed > e.available);
                        match random.below(4) {
                            0 => self.skip(),
                            1 => drop(self.inbox.replace(vec![0xaa; self.inbox.held() + e.needed])),
                            2 => {
                                let size = self.inbox.held_unpacked().max(e.needed);
                                self.inbox.replace_unpacked(vec![0xaa; size]).unwrap();
                            }
                            _ => {}
                        }
                    }
                    Err(e) => panic!("{e} in what is good"),
                },
            }
        }
    }
}

/// Compressed and plain messages, in memory of any size and under any calls, over several connections: each that was not skipped is told, whole and in order.
pub fn operations(data: &[u8]) {
    let seed = data.iter().fold(0_u64, |sum, &b| sum.wrapping_mul(31).wrapping_add(b.into()));
    let random = &mut Choices { data: data.iter(), random: Random(seed) };
    let mut inbox = Inbox::new(Inflating::new(vec![0; 64], Vec::new(), None).unwrap().ratio(u32::MAX));
    for _ in 0..1 + random.below(3) {
        let (bits, has_takeover) = ([8, 8, 9, 12][random.below(4)], random.below(3) > 0);
        let mut terms = Compression::new().receive_window_bits(bits);
        if !has_takeover {
            terms = terms.without_receive_takeover();
        }
        let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate; client_max_window_bits")];
        let agreed = terms.accept(offer).unwrap();
        inbox.reset();
        if let Err(e) = inbox.agree(Some(agreed)) {
            assert_eq!(inbox.replace_unpacked(vec![0; e.needed]).unwrap().len(), e.available);
            inbox.agree(Some(agreed)).unwrap();
        }
        let (wire, expected) = wire(agreed, random);
        let ws = Connection::server(Limits::new().empty_fragments(u16::MAX)).with_compression(Some(agreed));
        let mut reader = Reader { inbox: &mut inbox, ws, expected, open: None, fed: 0, is_starved: true };
        // Some connections end anywhere.
        let is_whole = random.below(3) > 0;
        let until = if is_whole { wire.len() } else { random.below(wire.len() + 1) };
        reader.run(&wire, until, random);
        assert!(!is_whole || reader.expected.is_empty());
    }
}
