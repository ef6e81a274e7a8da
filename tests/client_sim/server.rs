//! A server in memory: HTTP, sessions over polling and WebSockets, upgrades, and an application that keeps a ledger.

use crate::{
    app::Peer,
    ledger::Ledger,
    net::{End, Net, Pipe},
    support::Random,
};
use sansocket::{
    endpoint::{Answer, Ask, Got, Todo, Upgrade, judge},
    engineio::{
        Packets, Transport,
        server::{Cors, Origins, Probed},
    },
    http::{Body, HeadScanner, Limits as HeadLimits, Request},
    time::Instant,
    ws::{self, Accept, Inbox},
};

/// The server's side of a connection.
pub struct Conn {
    role: Role,
    inbox: Inbox<Vec<u8>>,
}

enum Role {
    /// A request is awaited.
    Http,
    /// A GET of this session waits.
    Polled(u32),
    /// The body of a POST of this session is awaited.
    Posting(u32, usize),
    Upgrading(u32, Box<Upgrade>),
    Socket(u32),
}

pub struct Server {
    pub peers: Vec<Peer>,
    pub settings: Settings,
    numbers: u32,
}

/// What the server does.
#[derive(Clone, Debug)]
pub struct Settings {
    /// It can be reached.
    pub is_up: bool,
    /// It answers each request with 503.
    pub is_busy: bool,
    /// It does nothing.
    pub is_mute: bool,
    /// Acknowledgements are sent at once, and each namespace is accepted.
    pub is_kind: bool,
    pub ping_interval: u32,
    pub ping_timeout: u32,
    pub has_auth: bool,
}

impl Conn {
    pub fn new() -> Self {
        Self { role: Role::Http, inbox: Inbox::new(Vec::new()) }
    }

    /// No request is under way.
    pub fn is_idle(&mut self) -> bool {
        matches!(self.role, Role::Http) && self.inbox.held() == 0
    }

    /// Lets so many bytes arrive.
    pub fn receive(&mut self, up: &mut crate::net::Flow, mut n: usize) {
        while n > 0 {
            match self.inbox.space() {
                Ok(space) => {
                    let most = space.len().min(n);
                    up.read(&mut space[..most]);
                    self.inbox.commit(most);
                    n -= most;
                }
                Err(e) => drop(self.inbox.replace(vec![0; (2 * e.needed).max(256)]).unwrap()),
            }
        }
    }
}

impl Server {
    pub fn new(settings: Settings) -> Self {
        Self { peers: Vec::new(), settings, numbers: 0 }
    }

    /// It loses all that it knows.
    pub fn restart(&mut self, ledger: &mut Ledger) {
        for peer in self.peers.drain(..) {
            peer.forget(ledger);
        }
    }

    pub fn peer(&mut self, number: u32) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.number == number)
    }

    pub fn poll_timeout(&self) -> Option<u64> {
        if self.settings.is_mute {
            return None;
        }
        self.peers.iter().filter_map(|peer| peer.end.poll_timeout()).map(Instant::as_millis).min()
    }

    /// The client's side of a connection has ended.
    pub fn ended(&mut self, pipe: &mut Pipe, end: End) {
        let Some(conn) = pipe.conn.take() else { return };
        match conn.role {
            Role::Http => {}
            Role::Polled(number) => {
                if let Some(peer) = self.peer(number) {
                    peer.get = None;
                    peer.end.link_mut().drop_get();
                }
            }
            Role::Posting(number, _) => {
                if let Some(peer) = self.peer(number) {
                    peer.end.link_mut().drop_post();
                }
            }
            Role::Upgrading(number, mut upgrade) => {
                if let Some(peer) = self.peer(number) {
                    upgrade.fail(peer.end.link_mut());
                }
            }
            Role::Socket(number) => {
                if let Some(peer) = self.peer(number) {
                    match end {
                        End::Eof => peer.end.link_mut().handle_eof(),
                        End::Error => peer.end.link_mut().handle_error(),
                    }
                }
            }
        }
        pipe.close_server();
    }

    /// Everything that does not have to wait.
    pub fn turn(&mut self, net: &mut Net, ledger: &mut Ledger, random: &mut Random, now: u64) {
        if self.settings.is_mute {
            return;
        }
        for _ in 0..1000 {
            let mut is_busy = false;
            for pipe in &mut net.pipes {
                while self.serve(pipe, ledger, random, now) {
                    is_busy = true;
                }
            }
            for peer in &mut self.peers {
                peer.turn(ledger, random, &self.settings, now);
                is_busy |= answer_get(peer, net, random);
            }
            self.peers.retain(|peer| {
                let is_kept = !peer.end.link().is_gone() || peer.get.is_some() || !peer.is_told;
                assert!(is_kept || peer.asked.is_empty(), "each question ends");
                is_kept
            });
            if !is_busy {
                return;
            }
        }
        panic!("the server spins");
    }

    /// Everything that a connection has received.
    pub fn turn_pipe(&mut self, net: &mut Net, at: usize, ledger: &mut Ledger, random: &mut Random, now: u64) {
        while self.serve(&mut net.pipes[at], ledger, random, now) {}
    }

    /// One step with what a connection has received. `false`: nothing was done.
    fn serve(&mut self, pipe: &mut Pipe, ledger: &mut Ledger, random: &mut Random, now: u64) -> bool {
        let Some(conn) = &mut pipe.conn else { return false };
        match &mut conn.role {
            Role::Polled(_) => false,
            Role::Http => {
                let Ok(found) = HeadScanner::new(HeadLimits::new()).scan(conn.inbox.bytes()) else {
                    panic!("{:?} is no request", String::from_utf8_lossy(conn.inbox.bytes()));
                };
                let Some(end) = found else { return false };
                let head = conn.inbox.bytes()[..end].to_vec();
                conn.inbox.consume(end);
                self.request(pipe, &head, random, now);
                true
            }
            Role::Posting(number, len) => {
                if conn.inbox.bytes().len() < *len {
                    return false;
                }
                let mut body = conn.inbox.bytes()[..*len].to_vec();
                conn.inbox.consume(*len);
                let number = *number;
                conn.role = Role::Http;
                let settings = &self.settings;
                let peer = self.peers.iter_mut().find(|peer| peer.number == number);
                let answer = peer.map_or(Got::GONE, |peer| {
                    peer.post(&mut Packets::new(&mut body), ledger, random, settings, now);
                    peer.end.link().posted()
                });
                respond(pipe, &answer, random);
                true
            }
            Role::Upgrading(number, upgrade) => {
                let number = *number;
                let Some(peer) = self.peers.iter_mut().find(|peer| peer.number == number) else {
                    pipe.close_server();
                    return true;
                };
                let probed = loop {
                    match upgrade.poll(peer.end.link_mut(), &mut conn.inbox, Instant::from_millis(now)) {
                        Ok(probed) => break probed,
                        Err(grow) => drop(conn.inbox.replace(vec![0; grow.to]).unwrap()),
                    }
                };
                let mut memory = [0; 256];
                while let Ok(n @ 1..) = upgrade.transmit(&mut memory) {
                    pipe.down.push(&memory[..n]);
                }
                match probed {
                    Probed::Upgraded => {
                        ledger.counts[6] += 1;
                        peer.socket = Some(pipe.id);
                        conn.role = Role::Socket(number);
                    }
                    Probed::Failed => pipe.close_server(),
                    _ => return false,
                }
                true
            }
            Role::Socket(number) => {
                let number = *number;
                let Some(peer) = self.peers.iter_mut().find(|peer| peer.number == number) else {
                    pipe.close_server();
                    return true;
                };
                let did = peer.read(&mut conn.inbox, ledger, random, &self.settings, now);
                pipe.down.push(&peer.queue);
                peer.queue.clear();
                if peer.end.link().is_over() && peer.is_told {
                    peer.socket = None;
                    pipe.close_server();
                    return true;
                }
                did
            }
        }
    }

    fn request(&mut self, pipe: &mut Pipe, head: &[u8], random: &mut Random, now: u64) {
        let request = Request::parse(head).unwrap();
        let len = match request.body().unwrap() {
            Body::Length(n) => n as usize,
            _ => 0,
        };
        // A body that nobody reads is no request.
        let refuse = |pipe: &mut Pipe, answer: &Answer<'_>, random: &mut Random| {
            respond(pipe, answer, random);
            if len > 0 {
                pipe.close_server();
            }
        };
        if self.settings.is_busy {
            return refuse(pipe, &Answer::Busy, random);
        }
        let accept = ws::is_upgrade(&request).then(|| Accept::check(&request));
        let websocket = accept.as_ref().map(|accept| accept.as_ref().map(|_| ()).map_err(|e| *e));
        let has_body = request.body() != Ok(Body::Empty);
        let ask = Ask { method: request.method(), query: request.query(), has_body, websocket };
        let find = |sid: &[u8]| {
            let peer = self.peers.iter().find(|p| p.end.link().sid().expose_bytes() == sid);
            peer.map(|peer| peer.end.link().transport())
        };
        let todo = judge(&ask, &Cors::new(Origins::Own), find);
        let (Todo::Get(id) | Todo::Post(id) | Todo::Upgrade(id)) = todo else {
            let transport = match todo {
                Todo::Open(transport) => transport,
                Todo::Answer(answer) => return refuse(pipe, &answer, random),
                todo => panic!("{todo:?}"),
            };
            self.numbers += 1;
            let mut peer = Peer::open(self.numbers, transport, &self.settings, now);
            let conn = pipe.conn.as_mut().unwrap();
            if transport == Transport::WebSocket {
                write_accept(accept, &mut pipe.down);
                peer.socket = Some(pipe.id);
                conn.role = Role::Socket(peer.number);
            } else {
                peer.get = Some(pipe.id);
                conn.role = Role::Polled(peer.number);
            }
            return self.peers.push(peer);
        };
        let peer = self.peers.iter_mut().find(|p| p.end.link().sid().expose_bytes() == id).unwrap();
        let conn = pipe.conn.as_mut().unwrap();
        let at = Instant::from_millis(now);
        let begun = match todo {
            Todo::Get(_) => peer.end.link_mut().begin_get(at).map(|()| {
                peer.get = Some(pipe.id);
                conn.role = Role::Polled(peer.number);
            }),
            Todo::Post(_) => {
                let kind = request.fields().get("content-type");
                peer.end.link_mut().begin_post(kind).map(|()| conn.role = Role::Posting(peer.number, len))
            }
            _ => {
                write_accept(accept, &mut pipe.down);
                let upgrade = Upgrade::begin(peer.end.link_mut(), ws::Limits::new(), at);
                conn.role = Role::Upgrading(peer.number, Box::new(upgrade));
                Ok(())
            }
        };
        if let Err(answer) = begun {
            refuse(pipe, &answer, random);
        }
    }
}

fn write_accept(accept: Option<Result<Accept<'_>, ws::RequestError>>, down: &mut crate::net::Flow) {
    let mut memory = [0; 512];
    let n = accept.unwrap().unwrap().write(&[], &mut memory).unwrap();
    down.push(&memory[..n]);
}

/// Answers the GET that waits, if there is something to say.
fn answer_get(peer: &mut Peer, net: &mut Net, random: &mut Random) -> bool {
    let Some(id) = peer.get else { return false };
    let Some(pipe) = net.pipe(id).filter(|pipe| pipe.conn.is_some()) else {
        peer.get = None;
        return true;
    };
    let mut body = vec![0; peer.end.link().body_room(peer.queue.len())];
    let got = peer.end.link_mut().poll_get([&peer.queue[..]].into_iter(), &mut body).unwrap();
    let answer = match got {
        Got::Waits => return false,
        Got::Over => Got::GONE,
        Got::Payload { taken, len } => {
            peer.queue.drain(..taken);
            Answer::Payload { body: &body[..len], cookie: None }
        }
    };
    peer.get = None;
    pipe.conn.as_mut().unwrap().role = Role::Http;
    respond(pipe, &answer, random);
    true
}

/// Writes an answer in one of the forms of HTTP.
fn respond(pipe: &mut Pipe, answer: &Answer<'_>, random: &mut Random) {
    let mut scratch = [0; 128];
    let body = answer.body(&mut scratch).unwrap();
    let form = random.below(12);
    let closes = answer.closes() || form == 0 || form == 1;
    let mut all = format!("HTTP/1.1 {} x\r\n", answer.status()).into_bytes();
    if closes {
        all.extend(b"Connection: close\r\n");
    }
    match form {
        0 => all.extend(b"\r\n"),
        2..6 => all.extend(b"Transfer-Encoding: chunked\r\n\r\n"),
        _ => all.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes()),
    }
    if let 2..6 = form {
        for chunk in body.chunks(1 + random.below(200)) {
            all.extend(format!("{:x}\r\n", chunk.len()).bytes());
            all.extend(chunk);
            all.extend(b"\r\n");
        }
        all.extend(b"0\r\n\r\n");
    } else {
        all.extend(body);
    }
    pipe.down.push(&all);
    if closes {
        pipe.close_server();
    }
}
