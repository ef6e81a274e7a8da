//! Two ends that compress, with output memory of any size: what was refused was not sent, and all else arrives.

use super::wire::Random;
use sansocket::{
    Capacity,
    deflate::Tier,
    ws::{
        Agreed, Client, Compression, Connection, Deflater, Inbox, Incoming, Inflating, Kind, Limits, MaskSource,
        NoKeys, Outbox, ReceiveError, Role, SendError, Server, WithDeflater,
    },
};

type Said = (Kind, Vec<u8>);

struct End<R, K> {
    ws: Connection<R>,
    tx: Outbox<Vec<u8>, WithDeflater<K, Vec<u8>>>,
    inbox: Inbox<Inflating<Vec<u8>, Vec<u8>>>,
    sent: Vec<Said>,
    got: Vec<Said>,
    /// A message of which parts were sent.
    open: Option<Said>,
    wire: Vec<u8>,
}

fn plain(len: usize, is_masked: bool) -> usize {
    len + if len < 126 {
        2
    } else if len < 65_536 {
        4
    } else {
        10
    } + if is_masked { 4 } else { 0 }
}

/// A frame of a server.
fn stored(first: u8, payload: &[u8]) -> Vec<u8> {
    let n = payload.len();
    let head = if n < 126 { vec![first, n as u8] } else { vec![first, 126, (n >> 8) as u8, n as u8] };
    [head, payload.to_vec()].concat()
}

impl<R: Role + PartialEq, K: MaskSource<R>> End<R, K> {
    fn new(ws: Connection<R>, keys: K, agreed: Agreed, random: &mut Random) -> Self {
        let tier = [Tier::TINY, Tier::SMALL, Tier::MEDIUM, Tier::TINY.without_history()][random.below(4)];
        let deflater = Deflater::new(tier, vec![7; tier.bytes()]).unwrap().with_threshold(random.below(60));
        let mut tx = Outbox::with_keys(vec![0; random.below(2000)], keys).with_deflater(deflater);
        tx.keys().agree(Some(&agreed));
        let memory = Inflating::new(vec![0; 100], vec![0; 60_000], Some(agreed)).unwrap();
        let ws = ws.with_compression(Some(agreed));
        Self { ws, tx, inbox: Inbox::new(memory), sent: vec![], got: vec![], open: None, wire: vec![] }
    }

    /// Sends frames whose payloads have these lengths, or nothing. `true`: they were sent.
    fn attempt(
        &mut self,
        lengths: &[usize],
        random: &mut Random,
        mut write: impl FnMut(&mut Connection<R>, &mut Outbox<Vec<u8>, WithDeflater<K, Vec<u8>>>) -> Result<(), SendError>,
    ) -> bool {
        let before = (self.ws.clone(), self.tx.written().to_vec(), self.tx.room());
        match write(&mut self.ws, &mut self.tx) {
            Ok(()) => true,
            Err(SendError::Capacity(Capacity { needed, available })) => {
                assert_eq!(needed, lengths.iter().map(|n| plain(*n, R::SENDS_MASKED)).sum());
                assert_eq!(available, before.2);
                assert!(needed > available);
                assert_eq!((&self.ws, self.tx.written()), (&before.0, &before.1[..]));
                assert_eq!(self.tx.room(), before.2);
                if random.below(3) == 0 {
                    return false; // given up
                }
                self.tx.replace(vec![0; before.1.len() + needed]).unwrap();
                write(&mut self.ws, &mut self.tx).unwrap();
                true
            }
            Err(e) => panic!("{e}"),
        }
    }

    fn say(&mut self, random: &mut Random) {
        let kind = if random.below(2) == 0 { Kind::Text } else { Kind::Binary };
        let len = [random.below(40), random.below(300), random.below(5000)][random.below(3)];
        let payload = if kind == Kind::Binary && random.below(3) == 0 { random.noise(len) } else { random.text(len) };
        if self.open.is_none() && random.below(4) > 0 {
            let first = if kind == Kind::Text { 0x81 } else { 0x82 };
            if random.below(3) == 0 {
                let frames = [stored(first, &payload), stored(0x82, b"behind"), stored(first, &payload)].concat();
                if self.attempt(&[len, 6, len], random, |ws, tx| ws.out(tx).append(&frames)) {
                    self.sent.extend([(kind, payload.clone()), (Kind::Binary, b"behind".to_vec()), (kind, payload)]);
                }
            } else if self.attempt(&[len], random, |ws, tx| ws.send(kind, &payload, &mut ws.out(tx))) {
                self.sent.push((kind, payload));
            }
            return;
        }
        let is_last = random.below(2) == 0;
        let kind = self.open.as_ref().map_or(kind, |open| open.0);
        let payload = if kind == Kind::Text { random.text(len) } else { payload };
        if self.attempt(&[len], random, |ws, tx| ws.send_chunk(kind, &payload, is_last, &mut ws.out(tx))) {
            self.open.get_or_insert((kind, Vec::new())).1.extend(payload);
            if is_last {
                self.sent.extend(self.open.take());
            }
        }
    }

    /// The socket takes `n` bytes.
    fn write(&mut self, n: usize) {
        let n = n.min(self.tx.held());
        self.wire.extend_from_slice(&self.tx.written()[..n]);
        self.tx.consume(n);
    }

    fn receive(&mut self, wire: &mut Vec<u8>, n: usize) {
        let mut bytes: Vec<u8> = wire.drain(..n.min(wire.len())).collect();
        loop {
            match self.inbox.poll_message(&mut self.ws) {
                Ok(Some(Incoming::Message(m))) => self.got.push((m.kind(), m.as_bytes().to_vec())),
                Ok(Some(_)) => {}
                Ok(None) if bytes.is_empty() => return,
                Ok(None) => {
                    let space = self.inbox.space().unwrap();
                    let n = space.len().min(bytes.len());
                    space[..n].copy_from_slice(&bytes[..n]);
                    self.inbox.commit(n);
                    bytes.drain(..n);
                }
                Err(ReceiveError::Capacity(e)) => drop(self.inbox.replace(vec![0; e.needed]).unwrap()),
                Err(e) => panic!("what the other end wrote: {e}"),
            }
        }
    }
}

#[test]
fn what_was_not_refused_arrives() {
    for seed in 0..400 {
        let random = &mut Random(seed);
        let mut terms = [Compression::new(); 2].map(|c| {
            let c = c.send_window_bits(8 + random.below(8) as u8).receive_window_bits(8 + random.below(8) as u8);
            if random.below(4) == 0 { c.without_send_takeover() } else { c }
        });
        if random.below(4) == 0 {
            terms[0] = terms[0].without_receive_takeover();
        }
        let offer = terms[0].offer();
        let name = &b"sec-websocket-extensions"[..];
        let at_server = terms[1].accept([(name, offer.as_bytes())]).unwrap();
        let at_client = terms[0].check([(name, at_server.response().as_bytes())]).unwrap().unwrap();
        let mut key = 1_u32;
        let keys = move || {
            key = key.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            key.to_be_bytes()
        };
        let mut client = End::new(Connection::<Client>::client(Limits::new()), keys, at_client, random);
        let mut server = End::new(Connection::<Server>::server(Limits::new()), NoKeys, at_server, random);
        for _ in 0..60 {
            match random.below(6) {
                0 | 1 => client.say(random),
                2 | 3 => server.say(random),
                4 => {
                    client.write(random.below(3000));
                    server.write(random.below(3000));
                }
                _ => {
                    server.receive(&mut client.wire, random.below(3000));
                    client.receive(&mut server.wire, random.below(3000));
                }
            }
        }
        client.write(usize::MAX);
        server.write(usize::MAX);
        server.receive(&mut client.wire, usize::MAX);
        client.receive(&mut server.wire, usize::MAX);
        assert!(server.got == client.sent && client.got == server.sent, "{seed}");
        assert!(seed > 0 || server.got.len() + client.got.len() > 10);
    }
}
