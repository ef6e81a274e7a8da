//! A Socket.IO server of one client at a time, over any transport. Its connections are bytes in memory.

use super::world::NAMES;
use sansocket::{
    endpoint::{Answer, Ask, Got, Grow, ServerEnd, Step, Todo, Upgrade, client::Line, judge},
    engineio::{
        Packets, Sid, Transport,
        server::{self, Cors, Origins, Probed},
    },
    http::{self, HeadScanner, Request, Response, Status},
    socketio::{self, AckSlot, Attachments, Collector, EventPacket, Namespace, server::Event},
    time::Instant,
    ws::{self, Accept, Inbox, Out},
};

type End = ServerEnd<[&'static str; 3], Vec<AckSlot>>;

/// A connection as the server has it.
#[derive(Default)]
struct Connection {
    input: Vec<u8>,
    output: Vec<u8>,
    kind: Kind,
}

#[derive(Default)]
enum Kind {
    #[default]
    Http,
    /// A GET waits.
    Waiting,
    Upgrade(Box<Upgrade>, Inbox<Vec<u8>>),
    WebSocket(Inbox<Vec<u8>>),
    Ended,
}

#[derive(Default)]
pub struct Server {
    end: Option<End>,
    /// Frames that wait.
    queue: Vec<u8>,
    connections: [Option<Connection>; 3],
    pub heard: Vec<String>,
    /// It answers acknowledgements.
    pub answers: bool,
    pub refuses: Option<Namespace>,
    sessions: u8,
    now: Instant,
}

impl Server {
    pub fn new() -> Self {
        Self { answers: true, ..Self::default() }
    }

    pub fn open(&mut self, line: Line) {
        self.connections[line as usize] = Some(Connection::default());
    }

    /// The client or the network has ended a line.
    pub fn close(&mut self, line: Line) {
        let Some(connection) = self.connections[line as usize].take() else { return };
        let Some(end) = &mut self.end else { return };
        match connection.kind {
            Kind::Waiting => end.link_mut().drop_get(),
            Kind::WebSocket(_) => end.link_mut().handle_eof(),
            Kind::Upgrade(mut upgrade, _) => upgrade.fail(end.link_mut()),
            _ => {}
        }
    }

    /// The network is lost, and the session is forgotten.
    pub fn forget(&mut self) {
        self.connections = Default::default();
        self.end = None;
        self.queue.clear();
    }

    pub fn receive(&mut self, line: Line, bytes: &[u8]) {
        let Some(connection) = &mut self.connections[line as usize] else { return };
        match &mut connection.kind {
            Kind::Upgrade(_, inbox) | Kind::WebSocket(inbox) => put(inbox, bytes),
            Kind::Ended => {}
            _ => connection.input.extend_from_slice(bytes),
        }
    }

    /// What goes to the client over this line.
    pub fn output(&mut self, line: Line) -> Vec<u8> {
        self.connections[line as usize].as_mut().map(|c| std::mem::take(&mut c.output)).unwrap_or_default()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let upgrades = self.connections.iter().flatten().filter_map(|c| match &c.kind {
            Kind::Upgrade(upgrade, _) => upgrade.poll_timeout(),
            _ => None,
        });
        self.end.as_ref().and_then(End::poll_timeout).into_iter().chain(upgrades).min()
    }

    pub fn send(
        &mut self,
        write: impl FnOnce(&mut socketio::server::Session<[&'static str; 3], Vec<AckSlot>>, &mut Out<'_, ws::Stored>),
    ) {
        let Some(end) = &mut self.end else { return };
        let mut memory = vec![0; 1024];
        let mut out = Out::stored(&mut memory);
        write(end.io(), &mut out);
        self.queue.extend_from_slice(out.written());
    }

    pub fn turn(&mut self, now: Instant) {
        self.now = now;
        for _ in 0..2 {
            for line in Line::ALL {
                let Some(mut connection) = self.connections[line as usize].take() else { continue };
                while self.work(&mut connection) {}
                self.connections[line as usize] = Some(connection);
            }
            while let Some(mut end) = self.end.take() {
                let step = end.handle_timeout(now);
                let is_idle = self.step(step, &mut end);
                self.end = Some(end);
                if is_idle {
                    break;
                }
            }
        }
    }

    /// `false`: there is nothing to do before more arrives.
    fn work(&mut self, connection: &mut Connection) -> bool {
        let now = self.now;
        match &mut connection.kind {
            Kind::Http => self.request(connection),
            Kind::Waiting => {
                let Some(end) = &mut self.end else { return false };
                let mut body = vec![0; end.link().body_room(self.queue.len())];
                match end.link_mut().poll_get(std::iter::once(&self.queue[..]), &mut body).unwrap() {
                    Got::Waits => return false,
                    Got::Payload { taken, len } => {
                        self.queue.drain(..taken);
                        answer(&Answer::Payload { body: &body[..len], cookie: None }, &mut connection.output);
                    }
                    Got::Over => answer(&Got::GONE, &mut connection.output),
                }
                connection.kind = Kind::Http;
                true
            }
            Kind::Upgrade(upgrade, inbox) => {
                let Some(end) = &mut self.end else { return false };
                let mut memory = [0; 256];
                let mut is_busy = false;
                let probed = loop {
                    let probed = match upgrade.poll(end.link_mut(), inbox, now) {
                        Ok(probed) => probed,
                        Err(Grow { to, .. }) => {
                            drop(inbox.replace(vec![0; to]).unwrap());
                            continue;
                        }
                    };
                    let n = upgrade.transmit(&mut memory).unwrap();
                    connection.output.extend_from_slice(&memory[..n]);
                    is_busy |= n > 0;
                    if n == 0 {
                        break probed;
                    }
                };
                match probed {
                    Probed::Pending => return is_busy,
                    Probed::Upgraded => {
                        connection.kind = Kind::WebSocket(std::mem::replace(inbox, Inbox::new(Vec::new())));
                    }
                    Probed::Failed => connection.kind = Kind::Ended,
                }
                true
            }
            Kind::WebSocket(inbox) => {
                let mut inbox = std::mem::replace(inbox, Inbox::new(Vec::new()));
                let Some(mut end) = self.end.take() else { return false };
                let before = connection.output.len();
                let mut collector = Collector::new(vec![0; 4096]);
                loop {
                    let mut memory = [0; 512];
                    while let n @ 1.. = end.transmit(&mut memory).unwrap() {
                        connection.output.extend_from_slice(&memory[..n]);
                    }
                    connection.output.append(&mut self.queue);
                    match end.poll(&mut inbox, &mut collector, now) {
                        Ok(Step::Idle) => break,
                        Ok(step) => drop(self.step(step, &mut end)),
                        Err(Grow { to, .. }) => drop(inbox.replace(vec![0; to]).unwrap()),
                    }
                }
                connection.kind = if end.link().is_over() { Kind::Ended } else { Kind::WebSocket(inbox) };
                self.end = Some(end);
                connection.output.len() > before
            }
            Kind::Ended => false,
        }
    }

    /// Handles a request that is whole.
    fn request(&mut self, connection: &mut Connection) -> bool {
        let Ok(Some(end)) = HeadScanner::new(http::Limits::new()).scan(&connection.input) else { return false };
        let head = connection.input[..end].to_vec();
        let request = Request::parse(&head).unwrap();
        let body = match request.body().unwrap() {
            http::Body::Length(n) => usize::try_from(n).unwrap(),
            _ => 0,
        };
        if connection.input.len() < end + body {
            return false;
        }
        let mut body: Vec<u8> = connection.input[end..end + body].to_vec();
        connection.input.drain(..end + body.len());
        let accept = Accept::check(&request);
        let ask = Ask {
            method: request.method(),
            query: request.query(),
            has_body: !body.is_empty(),
            websocket: ws::is_upgrade(&request).then(|| accept.as_ref().map(|_| ()).map_err(|e| *e)),
        };
        let known = self.end.as_ref().map(End::link).filter(|l| !l.is_gone()).map(|l| (*l.sid(), l.transport()));
        let find = |sid: &[u8]| known.filter(|(known, _)| known.expose_bytes() == sid).map(|(_, transport)| transport);
        let mut memory = [0; 512];
        let mut upgrade = |connection: &mut Connection| {
            let n = accept.as_ref().unwrap().write(&[], &mut memory).unwrap();
            connection.output.extend_from_slice(&memory[..n]);
            let mut inbox = Inbox::new(Vec::new());
            put(&mut inbox, &std::mem::take(&mut connection.input));
            inbox
        };
        let limits = ws::Limits::new();
        match judge(&ask, &Cors::new(Origins::Own), find) {
            Todo::Open(transport) => {
                self.sessions += 1;
                let sid = Sid::from_random([self.sessions; 15]);
                let (config, acks) = (server::Config::new(), vec![AckSlot::EMPTY; 8]);
                self.end = Some(ServerEnd::open(transport, sid, config, limits, NAMES, acks, self.now));
                self.queue.clear();
                connection.kind = Kind::Waiting;
                if transport == Transport::WebSocket {
                    connection.kind = Kind::WebSocket(upgrade(connection));
                }
            }
            Todo::Get(_) => match self.end.as_mut().unwrap().link_mut().begin_get(self.now) {
                Ok(()) => connection.kind = Kind::Waiting,
                Err(refused) => answer(&refused, &mut connection.output),
            },
            Todo::Post(_) => {
                let now = self.now;
                let mut end = self.end.take().unwrap();
                match end.link_mut().begin_post(request.fields().get("content-type")) {
                    Ok(()) => {
                        let mut packets = Packets::new(&mut body);
                        let mut collector = Collector::new(vec![0; 4096]);
                        while !{
                            let step = end.poll_post(&mut packets, &mut collector, now).unwrap();
                            self.step(step, &mut end)
                        } {}
                        answer(&end.link().posted(), &mut connection.output);
                    }
                    Err(refused) => answer(&refused, &mut connection.output),
                }
                self.end = Some(end);
            }
            Todo::Upgrade(_) => {
                let inbox = upgrade(connection);
                let upgrade = Upgrade::begin(self.end.as_mut().unwrap().link_mut(), limits, self.now);
                connection.kind = Kind::Upgrade(Box::new(upgrade), inbox);
            }
            Todo::Answer(refused) => answer(&refused, &mut connection.output),
            _ => unreachable!(),
        }
        true
    }

    /// The application. `true`: there is nothing to do.
    fn step(&mut self, step: Step<'_>, end: &mut End) -> bool {
        let name = |n: Namespace| NAMES[usize::from(n.0)];
        let mut memory = [0; 512];
        let mut out = Out::stored(&mut memory);
        match step {
            Step::Idle => return true,
            Step::Event(Event::Connect { namespace, auth }, _) => {
                let auth = auth.map_or("", |auth| std::str::from_utf8(auth.raw()).unwrap());
                self.heard.push(format!("connect {} {auth}", name(namespace)).trim_end().into());
                if self.refuses == Some(namespace) {
                    end.io().refuse(namespace, "no", None, &mut out).unwrap();
                } else {
                    let sid = socketio::Sid::from_random([self.sessions; 15]);
                    end.io().accept(namespace, sid, &mut out).unwrap();
                }
            }
            Step::Event(Event::Event(e), files) => {
                self.heard.push(self.heard_of(&e, files));
                if let (Some(request), true) = (e.ack, self.answers) {
                    end.io().ack(request, &e.args(), &mut out).unwrap();
                }
            }
            Step::Event(Event::Ack(a), _) => {
                let args = std::str::from_utf8(a.args().raw()).unwrap();
                self.heard.push(format!("ack {:?} {args}", a.token));
            }
            Step::Event(Event::Disconnected { namespace, .. }, _) => {
                self.heard.push(format!("disconnect {}", name(namespace)));
            }
            Step::Closed(reason) => self.heard.push(format!("closed {reason}")),
            _ => {}
        }
        self.queue.extend_from_slice(out.written());
        false
    }

    fn heard_of(&self, e: &EventPacket<'_>, files: Attachments<'_>) -> String {
        let args = std::str::from_utf8(e.args().raw()).unwrap();
        let files = " file".repeat(files.into_iter().count());
        let ack = if e.ack.is_some() { "?" } else { "" };
        format!("{} {ack}{} {args}{files}", NAMES[usize::from(e.namespace.0)], name_of(e)).trim_end().into()
    }
}

pub fn name_of(event: &EventPacket<'_>) -> String {
    String::from_utf8_lossy(event.name().unwrap().raw()).trim_matches('"').into()
}

/// Appends bytes, and lets the inbox grow.
pub fn put(inbox: &mut Inbox<Vec<u8>>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match inbox.space() {
            Ok(space) => {
                let n = space.len().min(bytes.len());
                space[..n].copy_from_slice(&bytes[..n]);
                inbox.commit(n);
                bytes = &bytes[n..];
            }
            Err(e) => drop(inbox.replace(vec![0; e.needed * 2]).unwrap()),
        }
    }
}

fn answer(answer: &Answer<'_>, output: &mut Vec<u8>) {
    let mut scratch = [0; 256];
    let fields: Vec<_> = answer.fields().into_iter().flatten().collect();
    let body = answer.body(&mut scratch).unwrap();
    let mut memory = vec![0; body.len() + 1000];
    let n = Response { status: Status(answer.status()), fields: &fields, body }.write(&mut memory).unwrap();
    output.extend_from_slice(&memory[..n]);
}
