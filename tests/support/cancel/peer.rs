//! The other end: a strict connection of the crate without a driver, which notes what it hears.

use super::line::{Pipe, Shared};
use crate::support::Told;
use sansocket::{
    deflate::Tier,
    http::{HeadScanner, Limits as HeadLimits, Request, ResponseHead, Url},
    ws::{
        Accept, Agreed, Client, CloseCode, Compression, Connect, Connection, Deflater, Inbox, Incoming, Inflating,
        Kind, Limits, MaskSource, NoKeys, OWED_MAX, Outbox, Role, Server, WithDeflater,
    },
};
use std::collections::VecDeque;

pub const URL: &str = "ws://board.local/readings?x=1";
pub const NONCE: [u8; 16] = *b"sixteen of bytes";

/// What the peer sends.
#[derive(Clone, Debug)]
pub enum Say {
    /// A message in these frames.
    Message(Kind, Vec<Vec<u8>>),
    Ping(Vec<u8>),
    Close(CloseCode, &'static str),
    /// These bytes, whatever they mean.
    Raw(Vec<u8>),
}

impl Say {
    pub fn text(text: &str) -> Self {
        Self::Message(Kind::Text, vec![text.as_bytes().to_vec()])
    }
}

/// What the driver must do to begin.
pub trait Shake {
    fn greeting(compression: Option<Compression>) -> Vec<u8>;
    fn head() -> HeadScanner;
    /// What is answered to the head, and what was agreed on.
    fn answer(head: &mut [u8], compression: Option<Compression>) -> (Vec<u8>, Option<Agreed>);
}

impl Shake for Server {
    fn greeting(_: Option<Compression>) -> Vec<u8> {
        Vec::new()
    }

    fn head() -> HeadScanner {
        HeadScanner::new(HeadLimits::new())
    }

    fn answer(head: &mut [u8], compression: Option<Compression>) -> (Vec<u8>, Option<Agreed>) {
        let request = Request::parse(head).unwrap();
        let mut memory = [0; 512];
        let accept = Accept::check(&request).unwrap();
        let accept = compression.iter().fold(accept, |accept, compression| accept.compress(compression));
        let n = accept.write(&[], &mut memory).unwrap();
        ([b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", &memory[..n]].concat(), accept.compression())
    }
}

impl Shake for Client {
    fn greeting(compression: Option<Compression>) -> Vec<u8> {
        let mut memory = [0; 512];
        let n = connect(compression).write(&mut memory).unwrap();
        memory[..n].to_vec()
    }

    fn head() -> HeadScanner {
        HeadScanner::response(HeadLimits::new())
    }

    fn answer(head: &mut [u8], compression: Option<Compression>) -> (Vec<u8>, Option<Agreed>) {
        let response = ResponseHead::parse(head).unwrap();
        let opened = connect(compression).check(&response).unwrap().expect("101");
        (Vec::new(), opened.compression())
    }
}

fn connect(compression: Option<Compression>) -> Connect<'static> {
    let connect = Connect::for_url(&Url::parse(URL).unwrap(), NONCE);
    compression.into_iter().fold(connect, Connect::compress)
}

pub struct Peer<R, K> {
    pub ws: Connection<R>,
    inbox: Inbox<Inflating<Vec<u8>, Vec<u8>>>,
    outbox: Outbox<Vec<u8>, WithDeflater<K, Vec<u8>>>,
    compression: Option<Compression>,
    pub agreed: Option<Agreed>,
    /// What the transport has not taken yet.
    out: VecDeque<u8>,
    pub from: Shared<Pipe>,
    pub to: Shared<Pipe>,
    head: Option<HeadScanner>,
    pub script: VecDeque<Say>,
    pub heard: Vec<Told>,
    /// How many bytes it takes and gives in a step.
    pub takes: usize,
    pub gives: usize,
    /// It answers no ping and no close frame.
    pub is_mute: bool,
}

impl Peer<Client, fn() -> [u8; 4]> {
    pub fn client(from: &Shared<Pipe>, to: &Shared<Pipe>, compression: Option<Compression>) -> Self {
        let outbox = Outbox::with_keys(Vec::new(), (|| [1, 2, 3, 4]) as fn() -> [u8; 4]);
        Self::new(Connection::client(Limits::new()), outbox, from, to, compression)
    }
}

impl Peer<Server, NoKeys> {
    pub fn server(from: &Shared<Pipe>, to: &Shared<Pipe>, compression: Option<Compression>) -> Self {
        Self::new(Connection::server(Limits::new()), Outbox::new(Vec::new()), from, to, compression)
    }
}

impl<R: Role + Shake, K: MaskSource<R>> Peer<R, K> {
    /// `compression`: what it offers or accepts.
    fn new(
        ws: Connection<R>,
        outbox: Outbox<Vec<u8>, K>,
        from: &Shared<Pipe>,
        to: &Shared<Pipe>,
        compression: Option<Compression>,
    ) -> Self {
        let tier = Tier::TINY;
        let deflater = compression.map(|_| Deflater::new(tier, vec![0; tier.bytes()]).unwrap().with_threshold(8));
        Self {
            ws,
            inbox: Inbox::new(Inflating::new(vec![0; 1 << 16], vec![0; 4096], None).unwrap()),
            outbox: outbox.with_deflater(deflater),
            compression,
            agreed: None,
            out: R::greeting(compression).into(),
            from: from.clone(),
            to: to.clone(),
            head: Some(R::head()),
            script: VecDeque::new(),
            heard: Vec::new(),
            takes: usize::MAX,
            gives: usize::MAX,
            is_mute: false,
        }
    }

    /// The handshake was done elsewhere.
    pub fn open(&mut self) {
        self.head = None;
        self.out.clear();
    }

    pub fn is_open(&self) -> bool {
        self.head.is_none()
    }

    /// What it has to say is on its way.
    pub fn has_said_all(&self) -> bool {
        self.script.is_empty() && self.out.is_empty()
    }

    /// Reads, answers, speaks, writes. Whether a byte moved.
    pub fn step(&mut self) -> bool {
        let bytes = self.from.borrow_mut().get(self.takes);
        let has_read = !bytes.is_empty();
        for piece in bytes.chunks(1 << 12) {
            self.inbox.space().unwrap()[..piece.len()].copy_from_slice(piece);
            self.inbox.commit(piece.len());
            self.hear();
        }
        if self.is_open() && self.out.is_empty() {
            match self.script.pop_front() {
                Some(say) if !self.ws.is_closing() => self.say(say),
                _ => {}
            }
            self.owe();
        }
        let written = self.to.borrow_mut().put(self.out.make_contiguous(), self.gives);
        self.out.drain(..written);
        has_read || written > 0
    }

    fn hear(&mut self) {
        if let Some(scanner) = &mut self.head {
            let Some(n) = scanner.scan(self.inbox.bytes()).unwrap() else { return };
            let (answer, agreed) = R::answer(&mut self.inbox.bytes()[..n], self.compression);
            self.out.extend(answer);
            self.inbox.consume(n);
            self.head = None;
            self.agreed = agreed;
            self.ws = self.ws.clone().with_compression(agreed);
            self.inbox.agree(agreed).unwrap();
            self.outbox.keys().agree(agreed.as_ref());
        }
        loop {
            let told = match self.inbox.poll_message(&mut self.ws).unwrap() {
                None => return,
                Some(Incoming::Message(m)) => Told::Message(m.kind(), m.as_bytes().to_vec(), true),
                Some(Incoming::Ping(p)) => Told::Ping(p.as_bytes().to_vec()),
                Some(Incoming::Pong(p)) => Told::Pong(p.as_bytes().to_vec()),
                Some(Incoming::Close(code)) => Told::Close(code, String::new()),
                Some(other) => panic!("{other:?}"),
            };
            self.heard.push(told);
            self.owe();
        }
    }

    /// Pongs and the close frame, each at once.
    fn owe(&mut self) {
        if self.is_mute {
            return;
        }
        self.grow(OWED_MAX);
        while self.ws.poll_transmit(&mut self.ws.out(&mut self.outbox)).unwrap() {}
        self.put();
    }

    fn say(&mut self, say: Say) {
        match say {
            Say::Message(kind, frames) => {
                for (i, frame) in frames.iter().enumerate() {
                    self.grow(frame.len() + 14);
                    let mut out = self.ws.out(&mut self.outbox);
                    self.ws.send_chunk(kind, frame, i + 1 == frames.len(), &mut out).unwrap();
                    self.put();
                }
            }
            Say::Ping(payload) => {
                self.grow(OWED_MAX);
                self.ws.ping(&payload, &mut self.ws.out(&mut self.outbox)).unwrap();
                self.put();
            }
            Say::Close(code, reason) => self.ws.close(code, reason).unwrap(),
            Say::Raw(bytes) => self.out.extend(bytes),
        }
    }

    fn grow(&mut self, n: usize) {
        self.outbox.replace(vec![0; n]).unwrap();
    }

    fn put(&mut self) {
        self.out.extend(self.outbox.written());
        self.outbox.consume(usize::MAX);
    }

    pub fn pings(&self) -> impl Iterator<Item = &[u8]> {
        self.heard.iter().filter_map(|t| if let Told::Ping(p) = t { Some(&p[..]) } else { None })
    }

    pub fn pongs(&self) -> impl Iterator<Item = &[u8]> {
        self.heard.iter().filter_map(|t| if let Told::Pong(p) = t { Some(&p[..]) } else { None })
    }

    pub fn messages(&self) -> impl Iterator<Item = (Kind, &[u8])> {
        self.heard.iter().filter_map(|t| if let Told::Message(k, p, _) = t { Some((*k, &p[..])) } else { None })
    }
}
