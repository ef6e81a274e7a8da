//! A client of Socket.IO that connects again and again, to servers that compress as they like, over lines that are cut.

use super::link::switching;
use sansocket::{
    deflate::Tier,
    endpoint::{
        Grow, What,
        client::{ClientEnd, Config, Emit, Failure, Line, Memory, Step, WebSocketLink},
    },
    http::{HeadScanner, Limits as Http, Request},
    socketio::{
        AckSlot, Attachments, Binary, Collector, Namespace, Placeholder,
        client::{Event, SocketSlot},
    },
    time::Instant,
    ws::{
        Compression, Connection, Deflater, Inbox, Incoming, Inflating, Kind, Limits, NoKeys, Outbox, Server,
        WithDeflater,
    },
};

const WS: Line = Line::WebSocket;
const THRESHOLD: usize = 40;

pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }
}

fn compression(random: &mut Random) -> Compression {
    let new = Compression::new().send_window_bits(8 + random.below(8) as u8);
    let new = if random.below(3) == 0 { new.without_send_takeover() } else { new };
    if random.below(3) == 0 { new.without_receive_takeover() } else { new }
}

fn deflater(random: &mut Random) -> Deflater<Vec<u8>> {
    let tier = [Tier::TINY, Tier::SMALL, Tier::TINY.without_history()][random.below(3)];
    Deflater::new(tier, vec![7; tier.bytes()]).unwrap().with_threshold(THRESHOLD)
}

/// What event `n` says, and what it carries.
fn content(n: usize) -> (String, Vec<u8>) {
    ("la la ".repeat(n * 7 % 40), [b'a' + n as u8 % 20; 200][..n * 13 % 200].to_vec())
}

/// One connection of the server.
struct Peer {
    ws: Connection<Server>,
    inbox: Inbox<Inflating<Vec<u8>, Vec<u8>>>,
    outbox: Outbox<Vec<u8>, WithDeflater<NoKeys, Vec<u8>>>,
    is_agreed: bool,
    is_open: bool,
    received: Vec<u8>,
    /// The first bytes of the frames that were received.
    firsts: Vec<u8>,
    messages: Vec<(Kind, Vec<u8>)>,
}

impl Peer {
    fn new(random: &mut Random) -> Self {
        Self {
            ws: Connection::server(Limits::new()),
            inbox: Inbox::new(Inflating::new(vec![0; 1 << 16], vec![0; 1 << 16], None).unwrap()),
            outbox: Outbox::new(vec![0; 1 << 16]).with_deflater(deflater(random)),
            is_agreed: false,
            is_open: false,
            received: Vec::new(),
            firsts: Vec::new(),
            messages: Vec::new(),
        }
    }

    fn say(&mut self, text: &str) {
        self.ws.send_text(text, &mut self.ws.out(&mut self.outbox)).unwrap();
    }

    /// Reads what has come. The answer to the handshake is returned.
    fn read(&mut self, bytes: &[u8], random: &mut Random) -> Vec<u8> {
        self.received.extend_from_slice(bytes);
        let mut answer = Vec::new();
        if !self.is_open {
            let Ok(Some(end)) = HeadScanner::new(Http::new()).scan(&self.received) else { return answer };
            let head: Vec<u8> = self.received.drain(..end).collect();
            let request = Request::parse(&head).unwrap();
            let server = if random.below(3) == 0 { None } else { Some(compression(random)) };
            let agreed = server.and_then(|server| server.accept(request.fields()));
            let field = agreed.map(|a| format!("Sec-WebSocket-Extensions: {}\r\n", a.response().as_str()));
            answer = switching(&field.unwrap_or_default());
            (self.is_open, self.is_agreed) = (true, agreed.is_some());
            self.inbox.agree(agreed).unwrap();
            self.outbox.keys().agree(agreed.as_ref());
            self.ws = self.ws.clone().with_compression(agreed);
            self.say(r#"0{"sid":"S1","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#);
        }
        // Whole frames.
        loop {
            let (len, at) = match self.received[..] {
                [_, 0xfe, a, b, ..] => (usize::from(u16::from_be_bytes([a, b])), 8),
                [_, len @ 0x80..0xfe, ..] => (usize::from(len & 0x7f), 6),
                _ => break,
            };
            if self.received.len() < at + len {
                break;
            }
            let frame: Vec<u8> = self.received.drain(..at + len).collect();
            self.inbox.space().unwrap()[..frame.len()].copy_from_slice(&frame);
            self.inbox.commit(frame.len());
            while let Some(incoming) = self.inbox.poll_message(&mut self.ws).expect("the client speaks as agreed") {
                if let Incoming::Message(message) = incoming {
                    self.firsts.push(frame[0]);
                    self.messages.push((message.kind(), message.as_bytes().to_vec()));
                }
            }
        }
        answer
    }
}

#[derive(Default)]
struct Counts {
    compressed: usize,
    plain_by_wish: usize,
    attachments: usize,
    agreed: usize,
    plain_connections: usize,
    grown: usize,
    told: usize,
}

fn run(seed: u64, counts: &mut Counts) {
    let mut random = Random(seed);
    let random = &mut random;
    let config = Config::parse("ws://h").unwrap();
    let memory = Memory { acks: [AckSlot::EMPTY; 4], sockets: [SocketSlot::EMPTY; 2], backlog: vec![0; 1 << 16] };
    let mut client = ClientEnd::new(WebSocketLink::new(&config), ["/", "/b"], memory, 1);
    let mut files = Collector::new([0; 0]);
    let unpacked = [0, 100, 320, 1280, 50_000][random.below(5)];
    let mut inbox = Inbox::new(Inflating::new(vec![0; 512], vec![0; unpacked], None).unwrap());
    let size = [600, 2_000, 20_000][random.below(3)];
    let offered = compression(random);
    let mut outbox =
        Outbox::with_keys(vec![0; size], || [1, 2, 3, 4]).with_deflater(deflater(random)).offering(offered);
    for namespace in 0..2 {
        client.connect(Namespace(namespace), Instant::from_millis(0)).unwrap();
    }
    let (mut now, mut next, mut turns_left) = (0, 0, 400);
    let mut peer = Peer::new(random);
    // Of this connection: what the server said, and how much of it the client was told.
    let (mut said, mut heard) = (Vec::<usize>::new(), 0);
    let mut to_client = Vec::new();
    let mut is_up = false;
    let mut wishes = vec![true; 0];
    while turns_left > 0 {
        let at = Instant::from_millis(now);
        let step = loop {
            match client.poll(WS, &mut inbox, &mut files, at) {
                Ok(Step::Idle) => break client.handle_timeout(at),
                Ok(Step::Event(Event::Event(e), _)) => {
                    let mut args = e.args();
                    let n = args.next().unwrap().as_u64().unwrap() as usize;
                    let text = args.next().unwrap().as_str().unwrap();
                    assert_eq!((n, text.as_plain().unwrap()), (said[heard], &content(said[heard]).0[..]));
                    heard += 1;
                    counts.told += 1;
                }
                Ok(Step::Event(..) | Step::Again) => {}
                Ok(step) => break step,
                Err(Grow { what: What::Unpacked, to }) => {
                    counts.grown += 1;
                    inbox.replace_unpacked(vec![0; to]).unwrap();
                }
                Err(Grow { what: What::Inbox, to }) => drop(inbox.replace(vec![0; to]).unwrap()),
                Err(grow) => panic!("{grow}"),
            }
        };
        match step {
            Step::Open(line) => {
                client.opened(line, &mut inbox, &mut outbox, *b"the sample nonce");
                check(&peer, &wishes, counts);
                peer = Peer::new(random);
                to_client.clear();
                said.clear();
                (heard, is_up) = (0, true);
                continue;
            }
            Step::Close(_) => {
                is_up = false;
                continue;
            }
            Step::Idle => {}
            Step::Failed { failure, .. } => {
                assert!(matches!(failure, Failure::Lost | Failure::Unanswered), "{failure:?}");
                continue;
            }
            _ => continue,
        }
        turns_left -= 1;
        if random.below(2) == 0 {
            let may_compress = random.below(3) > 0;
            let how = Emit::new().compress(may_compress);
            let how = if random.below(4) == 0 { how.volatile() } else { how };
            let (text, file) = content(next);
            let namespace = Namespace(random.below(2) as u16);
            let is_sent = if random.below(3) == 0 {
                let files: [&[u8]; 1] = [&file];
                client.emit_with(
                    namespace,
                    "n",
                    &Binary((next as u64, &text[..], Placeholder(0)), Attachments::from(&files[..])),
                    how,
                )
            } else {
                client.emit_with(namespace, "n", &(next as u64, &text[..]), how)
            };
            let _ = is_sent.unwrap();
            wishes.push(may_compress);
            next += 1;
        }
        if is_up {
            match client.transmit(WS, &mut outbox, at) {
                Ok(()) => {}
                Err(Grow { what: What::Output, to }) => drop(outbox.replace(vec![0; to]).unwrap()),
                Err(grow) => panic!("{grow}"),
            }
            let n = outbox.held().min(random.below(700));
            let answer = peer.read(&outbox.written()[..n], random);
            outbox.consume(n);
            to_client.extend(answer);
            // The server accepts each namespace that the client asks for, and then sends an event.
            for namespace in ["", "/b,"] {
                let asked = format!("40{namespace}");
                let is_asked = peer.messages.iter().any(|(_, m)| m == asked.as_bytes());
                let mark = format!("!{namespace}");
                if is_asked && !peer.messages.iter().any(|(_, m)| m == mark.as_bytes()) {
                    peer.say(&format!("40{namespace}{{\"sid\":\"x\"}}"));
                    peer.messages.push((Kind::Text, mark.into_bytes()));
                    peer.firsts.push(0);
                }
            }
            if peer.messages.iter().any(|(_, m)| m == b"!") && random.below(2) == 0 {
                let n = random.below(1000);
                peer.say(&format!("42[\"n\",{n},\"{}\"]", content(n).0));
                said.push(n);
            }
            to_client.extend_from_slice(peer.outbox.written());
            peer.outbox.consume(usize::MAX);
            if let Ok(space) = inbox.space() {
                let n = space.len().min(to_client.len()).min(random.below(900));
                space[..n].copy_from_slice(&to_client[..n]);
                inbox.commit(n);
                to_client.drain(..n);
            }
            if random.below(30) == 0 {
                is_up = false;
                client.handle_error(WS, at);
            }
        } else {
            now += 1000;
        }
    }
    check(&peer, &wishes, counts);
}

/// Of a connection that has ended: what arrived is what was sent, and is compressed as it was wished.
fn check(peer: &Peer, wishes: &[bool], counts: &mut Counts) {
    counts.agreed += usize::from(peer.is_agreed);
    counts.plain_connections += usize::from(peer.is_open && !peer.is_agreed);
    let mut messages = peer.messages.iter().zip(&peer.firsts);
    while let Some(((kind, message), first)) = messages.next() {
        assert!(peer.is_agreed || first & 0x40 == 0);
        let text = String::from_utf8_lossy(message);
        let Some(at) = text.find("[\"n\",").filter(|_| *kind == Kind::Text) else {
            assert!(*first & 0x40 == 0 || message.len() >= THRESHOLD);
            continue;
        };
        let n: usize = text[at + 5..].split([',']).next().unwrap().parse().unwrap();
        let (said, file) = content(n);
        assert!(text[at..].starts_with(&format!("[\"n\",{n},\"{said}\"")), "{text}");
        let mut firsts = vec![*first];
        if text.starts_with("45") {
            let Some(((_, bytes), first)) = messages.next() else { return };
            assert_eq!(*bytes, file, "the attachment of {n}");
            firsts.push(*first);
            counts.attachments += usize::from(first & 0x40 != 0);
        }
        for first in firsts {
            assert!(wishes[n] || first & 0x40 == 0, "{n} must go plain");
            counts.compressed += usize::from(first & 0x40 != 0);
        }
        counts.plain_by_wish += usize::from(!wishes[n] && peer.is_agreed && message.len() >= THRESHOLD);
    }
}

#[test]
fn whatever_is_agreed_after_a_reconnection_all_is_understood() {
    let mut counts = Counts::default();
    for seed in 0..12 {
        run(seed, &mut counts);
    }
    let Counts { compressed, plain_by_wish, attachments, agreed, plain_connections, grown, told } = counts;
    assert!(compressed > 100 && plain_by_wish > 20 && attachments > 20, "{compressed} {plain_by_wish} {attachments}");
    assert!(
        agreed > 20 && plain_connections > 10 && grown > 5 && told > 200,
        "{agreed} {plain_connections} {grown} {told}"
    );
}
