//! An inbox of few bytes under any calls in any order, over several connections, beside what one pass over the wire tells.

use super::support::{Random, Told, Trace, Vector, by_events, frame};
use sansocket::ws::{
    Advanced, Client, CloseCode, Connection, Inbox, Incoming, Kind, Message, Outbox, PeerError, ReceiveError, Role,
    Server,
};

/// One connection, what is owed, and what was told.
struct Life<R> {
    ws: Connection<R>,
    trace: Trace,
    /// The ping whose pong is owed.
    owed: Option<Vec<u8>>,
    skips: usize,
    closed: bool,
}

type Drain<R> = fn(&mut Connection<R>) -> Vec<u8>;

/// Runs `wire` through `inbox` by calls that `random` chooses, or only its front.
fn live<R: Role>(
    life: &mut Life<R>,
    inbox: &mut Inbox<Vec<u8>>,
    wire: &[u8],
    drain: Drain<R>,
    longest: usize,
    random: &mut Random,
) {
    let drains = random.below(3);
    let mut rest = wire;
    let mut starved = false;
    loop {
        match random.below(12) {
            0..=3 if !rest.is_empty() => match inbox.space() {
                Ok(space) => {
                    let n = space.len().min(rest.len()).min(1 + random.below(40));
                    space[..n].copy_from_slice(&rest[..n]);
                    inbox.commit(n);
                    rest = &rest[n..];
                    starved = false;
                }
                Err(e) if e.available == 0 => drop(inbox.replace(vec![0; 8 + random.below(200)])),
                Err(e) => assert!(!starved, "{e:?} with nothing to take"),
            },
            4 => {
                let held = inbox.held();
                let is_ready = inbox.peek().is_some();
                if !is_ready && starved {
                    assert_eq!(inbox.take(), None);
                    assert_eq!(inbox.held(), held, "nothing is ready, so nothing is taken");
                }
            }
            5 if inbox.held() == 0 => drop(inbox.replace(Vec::new()).unwrap()),
            6 => drop(inbox.replace(vec![0xaa; inbox.held() + 1 + random.below(60)]).unwrap()),
            7 if drains > 0 && random.below(drains) == 0 => life.drain(drain),
            8 if random.below(8) == 0 => life.skip(inbox),
            _ => match life.poll(inbox, random) {
                Ok(true) => starved = false,
                Ok(false) => {
                    starved = true;
                    if rest.is_empty() {
                        return;
                    }
                }
                Err(ReceiveError::Capacity(e)) => {
                    assert!(e.needed > e.available && e.available > 0, "{e:?}");
                    assert!(!life.ws.is_closing(), "{e:?} although this end closes");
                    assert!(e.needed <= longest.saturating_add(1), "{e:?}, and the longest message has {longest}");
                    match random.below(4) {
                        0 => drop(inbox.replace(vec![0; e.needed.min(1 << 13)]).unwrap()),
                        1 => life.skip(inbox),
                        2 => {
                            life.closed = true;
                            if life.ws.close(CloseCode::MESSAGE_TOO_BIG, "").is_ok() {
                                life.owed = None; // `close` drops it
                            }
                        }
                        _ => {
                            let part = inbox.poll_part(&mut life.ws).map(|found| found.map(|f| life.trace.tell(f, "")));
                            assert!(!matches!(part, Err(ReceiveError::Capacity(_))), "parts need no room");
                        }
                    }
                }
                Err(ReceiveError::Peer(e)) => {
                    life.trace.error = Some(e);
                    assert_eq!(inbox.poll_part(&mut life.ws), Err(e.into()), "the same error for ever");
                    assert_eq!((inbox.take().is_none(), inbox.held()), (true, 0), "and nothing behind it");
                    return;
                }
                Err(_) => unreachable!(),
            },
        }
    }
}

impl Trace {
    fn tell(&mut self, found: Incoming<'_>, reason: &str) {
        match found {
            Incoming::Message(message) => {
                if let Message::Text(text) = &message {
                    assert_eq!(text.as_str().as_bytes(), text.as_bytes());
                }
                self.told.push(Told::Message(message.kind(), message.as_bytes().to_vec(), true));
            }
            Incoming::Part(c) => self.chunk(c.kind(), c.is_first(), c.is_last(), c.as_bytes()),
            Incoming::Ping(p) => self.told.push(Told::Ping(p.as_bytes().to_vec())),
            Incoming::Pong(p) => self.told.push(Told::Pong(p.as_bytes().to_vec())),
            Incoming::Close(code) => self.told.push(Told::Close(code, reason.to_owned())),
            _ => unreachable!(),
        }
    }
}

impl<R: Role> Life<R> {
    fn poll(&mut self, inbox: &mut Inbox<Vec<u8>>, random: &mut Random) -> Result<bool, ReceiveError> {
        let was_closing = self.ws.is_closing();
        let found = match random.below(6) {
            0 => {
                let part = inbox.poll_part(&mut self.ws);
                assert!(!matches!(part, Err(ReceiveError::Capacity(_))), "parts need no room");
                part?
            }
            1..=3 => inbox.poll_message(&mut self.ws)?,
            _ => match inbox.advance(&mut self.ws)? {
                None => None,
                Some(Advanced::Ping(p)) => Some(Incoming::Ping(p)),
                Some(Advanced::Pong(p)) => Some(Incoming::Pong(p)),
                Some(_) => {
                    assert_eq!(inbox.advance(&mut self.ws), Ok(Some(Advanced::Ready)), "until it is taken");
                    // A close frame drops the pong as soon as it is read, taken or not.
                    if self.ws.is_closing() && !was_closing {
                        self.owed = None;
                    }
                    if random.below(3) == 0 && (inbox.peek().is_some() || !was_closing) {
                        return Ok(true);
                    }
                    let peeked = inbox.peek().map(|(kind, bytes)| (kind, bytes.to_vec()));
                    let taken = inbox.take();
                    if let (Some((kind, bytes)), Some(Incoming::Message(message))) = (&peeked, &taken) {
                        assert_eq!((*kind, &bytes[..]), (message.kind(), message.as_bytes()));
                    }
                    taken
                }
            },
        };
        match &found {
            None => return Ok(false),
            Some(Incoming::Ping(p)) if !was_closing => self.owed = Some(p.as_bytes().to_vec()),
            Some(Incoming::Close(_)) => self.owed = None,
            _ => {}
        }
        let reason = self.ws.close_reason().to_owned();
        self.trace.tell(found.unwrap(), &reason);
        Ok(true)
    }

    /// Skips the message that is open, if one is.
    fn skip(&mut self, inbox: &mut Inbox<Vec<u8>>) {
        inbox.skip_message(&self.ws);
        self.skips += 1;
        self.trace.told.retain(|t| !matches!(t, Told::Message(_, _, false)));
    }

    /// Writes what is owed: the pong of the latest ping, byte for byte.
    fn drain(&mut self, drain: Drain<R>) {
        let frames = drain(&mut self.ws);
        match (self.owed.take(), frames.first()) {
            (Some(ping), Some(0x8a)) => assert_eq!(frames[2..].get(..ping.len()), Some(&ping[..])),
            // Behind the peer's close frame, which may not have been taken yet, none is due (RFC 6455 section 5.5.2).
            (Some(_), Some(0x88)) if self.ws.is_closed() => {}
            // Two long ones with a cut in between: the older may be given up.
            (Some(ping), _) => assert!(ping.len() > 34, "the pong of {ping:?} is owed, not {frames:?}"),
            (None, first) => assert_ne!(first, Some(&0x8a)),
        }
        assert!(!self.ws.wants_transmit());
    }

    fn judge(mut self, whole: &Trace) {
        assert_eq!(self.trace.error, whole.error);
        let expected = whole.whole();
        self.trace.told.retain(|t| !matches!(t, Told::Message(_, _, false)));
        let mut got = self.trace.told.iter().peekable();
        let mut missing = 0;
        for item in &expected {
            if got.next_if_eq(&item).is_none() {
                assert!(matches!(item, Told::Message(..)), "{item:?} is missing in {:?}", self.trace.told);
                missing += 1;
            } else if self.closed && self.skips == 0 && matches!(item, Told::Message(..)) {
                assert_eq!(missing, 0, "behind a close all or nothing");
            }
        }
        assert_eq!(got.next(), None, "of {expected:?}");
        assert!(self.closed || missing <= self.skips, "{missing} are missing of {expected:?}");
    }
}

fn lives<R: Role>(
    new: impl Fn() -> Connection<R>,
    drain: Drain<R>,
    wire: &[u8],
    whole: &Trace,
    longest: usize,
    random: &mut Random,
) {
    let fresh = || Life { ws: new(), trace: Trace::default(), owed: None, skips: 0, closed: false };
    let mut inbox = Inbox::new(vec![0; 8 + random.below(300)]);
    for _ in 0..2 {
        // One that ends anywhere.
        let cut = random.below(wire.len() + 1);
        live(&mut fresh(), &mut inbox, &wire[..cut], drain, usize::MAX - 1, random);
        if inbox.held() > 0 && random.below(2) == 0 || inbox.peek().is_some() {
            inbox.reset();
            assert_eq!(inbox.held(), 0);
        }
        let mut life = fresh();
        live(&mut life, &mut inbox, wire, drain, longest, random);
        life.judge(whole);
        inbox.reset();
    }
}

/// No message of the wire is longer; a great number when it ends inside one, whose length nobody knows here.
fn longest(vector: &Vector, whole: &Trace) -> usize {
    let mut longer = vector.clone();
    frame(0x81, vector.is_server.then_some([0; 4]), b"", &mut longer.wire);
    let mut expected = whole.told.clone();
    expected.push(Told::Message(Kind::Text, Vec::new(), true));
    if by_events(&longer, &[]).told != expected {
        return usize::MAX - 1;
    }
    expected.iter().map(|t| if let Told::Message(_, m, _) = t { m.len() } else { 0 }).max().unwrap_or(0)
}

/// Whatever is called in whatever order, the inbox tells what the wire holds.
pub fn any_calls(vector: &Vector, whole: &Trace, seed: u64) {
    let (random, longest) = (&mut Random(seed), longest(vector, whole));
    if vector.is_server {
        let drain: Drain<Server> = |ws| {
            let mut memory = [0; 400];
            let mut out = ws.out(&mut memory);
            while ws.poll_transmit(&mut out).unwrap() {}
            out.written().to_vec()
        };
        lives(|| Connection::<Server>::server(vector.limits), drain, &vector.wire, whole, longest, random);
    } else {
        let drain: Drain<Client> = |ws| {
            let mut outbox = Outbox::with_keys([0; 400], || [0; 4]);
            while ws.poll_transmit(&mut ws.out(&mut outbox)).unwrap() {}
            let mut frames = outbox.written().to_vec();
            drop(frames.splice(2.min(frames.len())..6.min(frames.len()), []));
            frames
        };
        lives(|| Connection::<Client>::client(vector.limits), drain, &vector.wire, whole, longest, random);
    }
}

/// As [`any_calls`], without an inbox: what is owed is drained at random moments, or never.
pub fn any_drains(vector: &Vector, whole: &Trace, seed: u64) {
    let mut ws = Connection::<Server>::server(vector.limits);
    if !vector.is_server {
        return;
    }
    let random = &mut Random(seed);
    let (mut wire, mut owed, mut told) = (vector.wire.clone(), None, Vec::new());
    let mut error: Option<PeerError> = None;
    let mut rest = &mut wire[..];
    'wire: while !rest.is_empty() {
        let (mut input, behind) = rest.split_at_mut(1 + random.below(rest.len().min(150)));
        rest = behind;
        loop {
            match ws.poll_event(&mut input) {
                Ok(Some(sansocket::ws::Event::Ping(p))) => {
                    if !ws.is_closing() {
                        owed = Some(p.as_bytes().to_vec());
                    }
                    told.push(Told::Ping(p.as_bytes().to_vec()));
                }
                Ok(Some(sansocket::ws::Event::Pong(p))) => told.push(Told::Pong(p.as_bytes().to_vec())),
                Ok(Some(sansocket::ws::Event::Close(_))) => owed = None,
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(e) => {
                    error = Some(e);
                    break 'wire;
                }
            }
        }
        if !seed.is_multiple_of(3) && random.below(3) == 0 {
            let mut memory = [0; 400];
            let mut out = ws.out(&mut memory);
            while ws.poll_transmit(&mut out).unwrap() {}
            let frames = out.written();
            match (owed.take(), frames.first()) {
                (Some(ping), Some(0x8a)) => assert_eq!(frames[2..].get(..ping.len()), Some(&ping[..])),
                (Some(ping), _) => assert!(ping.len() > 34, "the pong of {ping:?} is owed, not {frames:?}"),
                (None, first) => assert_ne!(first, Some(&0x8a)),
            }
        }
    }
    let controls: Vec<Told> =
        whole.told.iter().filter(|t| matches!(t, Told::Ping(_) | Told::Pong(_))).cloned().collect();
    assert_eq!((told, error), (controls, whole.error));
}
