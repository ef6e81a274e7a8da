//! A host of one client, and what clients say.

use super::*;

pub const ROOT: Namespace = Namespace(0);

pub const fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// A host of one client that keeps what it is told as text.
pub struct Host {
    pub end: ServerEnd<[&'static str; 2], Vec<AckSlot>>,
    pub inbox: Inbox<Vec<u8>>,
    pub collector: Collector<Vec<u8>>,
    pub sent: Vec<u8>,
    pub told: Vec<String>,
    /// The most that the collector asked for.
    pub most: usize,
}

impl Host {
    pub fn new(transport: Transport) -> Self {
        let limits = ws::Limits::new().message(100_000).frame(100_000);
        let config = Config::new().max_payload(100_000);
        let id = engineio::Sid::from_random([1; 15]);
        let end = ServerEnd::open(transport, id, config, limits, ["/", "/a"], Vec::new(), at(0));
        let (inbox, collector) = (Inbox::new(vec![0; 16]), Collector::new(Vec::new()));
        Self { end, inbox, collector, sent: Vec::new(), told: Vec::new(), most: 0 }
    }

    /// A client over polling whose first GET was answered.
    pub fn polling() -> Self {
        let mut host = Self::new(Transport::Polling);
        let got = host.end.link_mut().poll_get([].into_iter(), &mut [0; 256]);
        assert!(matches!(got, Ok(super::Got::Payload { taken: 0, .. })));
        host
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.inbox.space() {
                Ok(space) => {
                    let n = space.len().min(rest.len());
                    space[..n].copy_from_slice(&rest[..n]);
                    self.inbox.commit(n);
                    rest = &rest[n..];
                }
                Err(e) => drop(self.inbox.replace(vec![0; Grow::new(What::Inbox, e).to])),
            }
        }
    }

    pub fn write(&mut self) {
        let mut memory = [0; 256];
        while let Ok(n @ 1..) = self.end.transmit(&mut memory) {
            self.sent.extend_from_slice(&memory[..n]);
        }
    }

    pub fn turn(&mut self, now: u64) {
        loop {
            self.write();
            let step = match self.end.poll(&mut self.inbox, &mut self.collector, at(now)) {
                Ok(Step::Idle) => self.end.handle_timeout(at(now)),
                Ok(step) => step,
                Err(Grow { what: What::Collector, to }) => {
                    self.most = self.most.max(to);
                    let _ = self.collector.replace(vec![0; to]);
                    continue;
                }
                Err(grow) => {
                    let _ = self.inbox.replace(vec![0; grow.to]);
                    continue;
                }
            };
            if !handle(step, &mut self.end, &mut self.sent, &mut self.told) {
                return self.write();
            }
            if self.collector.held() == 0 {
                let _ = self.collector.replace(Vec::new());
            }
        }
    }

    pub fn post(&mut self, body: &[u8], now: u64) -> Answer<'static> {
        if let Err(answer) = self.end.link_mut().begin_post(None) {
            self.turn(now);
            return answer;
        }
        let mut body = body.to_vec();
        let mut packets = Packets::new(&mut body);
        loop {
            match self.end.poll_post(&mut packets, &mut self.collector, at(now)) {
                Ok(step) => {
                    if !handle(step, &mut self.end, &mut self.sent, &mut self.told) {
                        return self.end.link().posted();
                    }
                    if self.collector.held() == 0 {
                        let _ = self.collector.replace(Vec::new());
                    }
                }
                Err(grow) => {
                    self.most = self.most.max(grow.to);
                    drop(self.collector.replace(vec![0; grow.to]));
                }
            }
        }
    }

    pub fn ask(&mut self, token: u32, deadline: Option<Instant>) {
        let mut memory = [0; 256];
        let mut out = Out::stored(&mut memory);
        let io = self.end.io();
        let _ = io.replace_acks(vec![AckSlot::EMPTY; 8]);
        io.emit(ROOT, "q", &(), Some(ExpectAck { token, deadline }), &mut out).unwrap();
    }
}

pub fn handle(
    step: Step<'_>,
    end: &mut ServerEnd<[&'static str; 2], Vec<AckSlot>>,
    sent: &mut Vec<u8>,
    told: &mut Vec<String>,
) -> bool {
    let mut memory = [0; 256];
    let mut out = Out::stored(&mut memory);
    let count = |files: Attachments<'_>| files.into_iter().map(<[u8]>::len).collect::<Vec<_>>();
    match step {
        Step::Idle => return false,
        Step::Again => {}
        Step::Closed(reason) => told.push(format!("closed {reason}")),
        Step::Event(Event::Connect { namespace, .. }, _) => {
            told.push(format!("connect {}", namespace.0));
            end.io().accept(namespace, Sid::from_random([2; 15]), &mut out).unwrap();
        }
        Step::Event(Event::Event(e), files) => {
            told.push(format!("event {:?} {:?}", e.name().map(|n| n.raw().to_vec()), count(files)));
            if let Some(request) = e.ack {
                let _ = end.io().ack(request, &"yes", &mut out);
            }
        }
        Step::Event(Event::Ack(a), files) => told.push(format!("ack {:?} {:?}", a.token, count(files))),
        Step::Event(event, _) => told.push(format!("{event:?}")),
    }
    sent.extend_from_slice(out.written());
    true
}

pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let len = payload.len();
    let head = match len {
        0..126 => vec![0x80 | len as u8],
        126..0x1_0000 => vec![0xfe, (len >> 8) as u8, len as u8],
        _ => [&[0xff][..], &(len as u64).to_be_bytes()].concat(),
    };
    [&[0x80 | opcode][..], &head, &[0; 4], payload].concat()
}

pub fn text(payload: &str) -> Vec<u8> {
    frame(1, payload.as_bytes())
}

/// splitmix64.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % n as u64) as usize
    }
}
