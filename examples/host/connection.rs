//! One connection: a request, the handshake, and then the loop of a Socket.IO server over the crate's machines.

use crate::{
    hub::{Hub, NAMES, ROOT, Said, sid},
    peer::Peer,
    web::{self, Answer},
};
use sansocket::{
    engineio::{self, server::Session},
    http,
    socketio::{Event, EventPacket, SendError, Server, json, rooms::Member},
    time::Instant,
    ws,
};
use std::{io, net::SocketAddr, rc::Rc, time::Duration};
use tokio::{
    net::TcpStream,
    time::{sleep_until, timeout},
};
use tracing::{debug, info};

/// Bytes of one message of a client. A message of 2,000 characters has 12,000 bytes if all are escaped.
const MAX_PAYLOAD: u32 = 100_000;
/// Bytes that are held for a request.
const HEAD: http::Limits = http::Limits::new();
/// What is written in a turn before it goes into the queue. Everything that one packet of a client is answered with fits.
const REPLIES: usize = 2048;

/// Runs a connection to its end, which is told in one line of the log.
pub async fn run(hub: &Rc<Hub>, stream: TcpStream, from: SocketAddr) {
    let peer = Rc::new(Peer::new(stream, hub.options.max_queue));
    let mut inbox = ws::Inbox::new(Vec::new());
    let deadline = hub.now().after_millis(hub.options.handshake_timeout);
    let why = match open(hub, &peer, &mut inbox, deadline).await {
        Ok(true) => {
            debug!(%from, "open");
            let mut stack = Stack::new(hub, peer.clone(), inbox);
            let end = stack.run(hub).await;
            if let Some(member) = stack.member {
                hub.leave(member);
            }
            end
        }
        Ok(false) => "request answered".into(),
        Err(why) => why,
    };
    info!(%from, "closed: {why}");
    linger(hub, &peer).await;
}

/// Requests until one opens a WebSocket (`true`) or the client is done. What comes behind the head stays in the inbox.
async fn open(
    hub: &Rc<Hub>,
    peer: &Rc<Peer>,
    inbox: &mut ws::Inbox<Vec<u8>>,
    deadline: Instant,
) -> Result<bool, String> {
    let mut out = Vec::new();
    let mut head = http::Head::new(HEAD);
    let mut has_answered = false;
    loop {
        let answer = match head.scan(inbox.bytes()) {
            Ok(Some(n)) => {
                let answer = web::answer(&inbox.bytes()[..n], &mut out);
                inbox.consume(n);
                head = http::Head::new(HEAD);
                answer
            }
            Err(e) => web::refuse_head(e, &mut out),
            Ok(None) => {
                let read = tokio::select! {
                    read = read(hub, peer, inbox) => read,
                    () = sleep_until(hub.at(deadline)) => {
                        if has_answered {
                            return Ok(false);
                        }
                        web::refuse_slow(&mut out);
                        write_all(peer, &out).await;
                        return Err("no request in time".into());
                    }
                };
                match read {
                    Ok(0) if has_answered => return Ok(false),
                    Ok(0) => return Err("gone before its request".into()),
                    Ok(_) => continue,
                    Err(e) => return Err(e.to_string()),
                }
            }
        };
        give_back(hub, inbox);
        match answer {
            Answer::Page { keeps_alive } => {
                write_all(peer, &out).await;
                has_answered = true;
                if !keeps_alive {
                    return Ok(false);
                }
            }
            Answer::Opened => {
                peer.push(out.as_slice().into());
                hub.list(peer);
                return Ok(true);
            }
            Answer::Refused(why) => {
                write_all(peer, &out).await;
                return Err(why);
            }
        }
    }
}

/// The machines of one connection, side by side: what one lends, the others can act on.
struct Stack {
    peer: Rc<Peer>,
    inbox: ws::Inbox<Vec<u8>>,
    ws: ws::Connection<ws::Server>,
    engine: Session,
    io: Server<[&'static str; 1]>,
    member: Option<Member>,
}

impl Stack {
    fn new(hub: &Hub, peer: Rc<Peer>, inbox: ws::Inbox<Vec<u8>>) -> Self {
        let options = &hub.options;
        let now = hub.now();
        let config = engineio::Config::new()
            .ping_interval(options.ping_interval)
            .ping_timeout(options.ping_timeout)
            .max_payload(MAX_PAYLOAD);
        let limits = ws::Limits::new().message(u64::from(MAX_PAYLOAD)).frame(u64::from(MAX_PAYLOAD));
        Self {
            peer,
            inbox,
            ws: ws::Connection::server(limits),
            engine: Session::open(sid(), config, now),
            io: Server::new(NAMES, now.after_millis(options.handshake_timeout)),
            member: None,
        }
    }

    /// Turns until the end; says why it ended.
    async fn run(&mut self, hub: &Rc<Hub>) -> String {
        loop {
            if let Some(end) = self.turn(hub) {
                return end;
            }
            let due = [self.engine.poll_timeout(), self.io.poll_timeout()].into_iter().flatten().min();
            let due = hub.at(due.unwrap_or(hub.now()));
            let peer = self.peer.clone();
            tokio::select! {
                read = read(hub, &peer, &mut self.inbox) => match read {
                    Ok(0) => {
                        self.ws.handle_eof();
                        return "transport close".into();
                    }
                    Ok(_) => {}
                    Err(e) => return format!("transport error: {e}"),
                },
                writable = peer.stream.writable(), if peer.is_blocked.get() => {
                    if let Err(e) = writable.and_then(|()| peer.flush()) {
                        return format!("transport error: {e}");
                    }
                }
                // The socket is blocked now, or too much waits.
                () = peer.wake.notified() => if peer.is_slow.get() {
                    return "does not read what it is sent".into();
                },
                () = sleep_until(due) => {}
            }
        }
    }

    /// Everything that can be done without waiting.
    fn turn(&mut self, hub: &Rc<Hub>) -> Option<String> {
        let now = hub.now();
        let mut memory = [0; REPLIES];
        let mut out = self.ws.out(&mut memory);
        let mut end = None;
        // 1. events until there are none; each borrows the inbox alone
        while end.is_none() {
            // What is owed first: the open packet stands in front of everything.
            while let Ok(true) = self.engine.poll_transmit(&mut out) {}
            match self.engine.poll_event(&mut self.inbox, &mut self.ws, now) {
                Ok(None) => break,
                Ok(Some(event)) => match self.io.handle_event(event) {
                    Ok(event) => {
                        let mut guest = Guest { hub, peer: &self.peer, io: &mut self.io, member: &mut self.member };
                        end = guest.react(event, &mut out);
                    }
                    Err(e) => {
                        end = Some(format!("parse error: {e}"));
                        self.engine.close(&mut self.ws);
                    }
                },
                // The message is larger than the memory that it was read into, and within the limits.
                Err(e) => {
                    let _ = self.inbox.replace(vec![0; e.needed]);
                }
            }
            if out.room() < REPLIES / 2 {
                self.peer.push(out.written().into());
                out.clear();
            }
        }
        // 2. time
        if end.is_none() && self.io.handle_timeout(now).is_some() {
            end = Some("joined nothing in time".into());
            self.engine.close(&mut self.ws);
        }
        if end.is_none()
            && let Some(engineio::Event::Closed(reason)) = self.engine.handle_timeout(now)
        {
            end = Some(reason.to_string());
        }
        // 3. what the machines owe
        while let Ok(true) = self.engine.poll_transmit(&mut out) {}
        while let Ok(true) = self.ws.poll_transmit(&mut out) {}
        if !out.is_empty() {
            self.peer.push(out.written().into());
            hub.list(&self.peer);
        }
        give_back(hub, &mut self.inbox);
        end.map(|why| match self.engine.fault() {
            Some(fault) => format!("{why}: {fault}"),
            None => why,
        })
    }
}

/// What an event may act on while it lives: everything but the inbox that it borrows.
struct Guest<'g> {
    hub: &'g Rc<Hub>,
    peer: &'g Rc<Peer>,
    io: &'g mut Server<[&'static str; 1]>,
    member: &'g mut Option<Member>,
}

impl Guest<'_> {
    /// `Some` when the connection is over.
    fn react(&mut self, event: Event<'_>, out: &mut ws::Out<'_, ws::Frames>) -> Option<String> {
        match event {
            Event::Connect { .. } => {
                self.send(out, |io, out| io.accept(ROOT, sid(), out));
                // The answer must be in front of what the room says.
                self.peer.push(out.written().into());
                out.clear();
                *self.member = Some(self.hub.enter(self.peer));
            }
            Event::UnknownNamespace { name } => {
                debug!(name = %String::from_utf8_lossy(name), "unknown namespace");
                self.send(out, |io, out| io.refuse_unknown(name, out));
            }
            Event::Event(event) => {
                let is_good = self.handle(event);
                if let Some(request) = event.ack {
                    let answer: &[u8] = if is_good { b"true" } else { b"false" };
                    self.send(out, |io, out| io.ack(request, &json::Raw::trusted(answer), out));
                }
            }
            Event::Disconnected { .. } => {
                if let Some(member) = self.member.take() {
                    self.hub.leave(member);
                }
            }
            Event::Closed(reason) => return Some(reason.to_string()),
            _ => {}
        }
        None
    }

    /// The chat's own events; `false` for those that are ignored.
    fn handle(&mut self, event: EventPacket<'_>) -> bool {
        let (Some(member), Some(arg)) = (*self.member, event.args().next()) else { return false };
        let mut memory = vec![0; arg.raw().len()];
        let is_good = if event.attachments > 0 {
            false
        } else if event.is("sendMessage") {
            match arg.deserialize::<Said>(&mut memory) {
                Ok(said) => {
                    let is_said = self.hub.say(said);
                    if !is_said {
                        self.hub.notice(self.peer, "That message is empty or too long.");
                    }
                    is_said
                }
                Err(_) => false,
            }
        } else if event.is("user-name") {
            arg.deserialize::<String>(&mut memory).is_ok_and(|name| self.hub.name(member, &name))
        } else if event.is("typing") {
            arg.as_bool().map(|typing| self.hub.typing(member, typing)).is_some()
        } else {
            false
        };
        if !is_good {
            debug!(event = ?event.name().map(|n| String::from_utf8_lossy(n.raw()).into_owned()), "ignored");
        }
        is_good
    }

    /// Says something, and says it again into an empty output when it does not fit behind what is there.
    fn send(
        &mut self,
        out: &mut ws::Out<'_, ws::Frames>,
        mut say: impl FnMut(&mut Server<[&'static str; 1]>, &mut ws::Out<'_, ws::Frames>) -> Result<(), SendError>,
    ) {
        let mut said = say(self.io, out);
        if let Err(SendError::Capacity(_)) = said {
            self.peer.push(out.written().into());
            out.clear();
            said = say(self.io, out);
        }
        if let Err(e) = said {
            debug!("not answered: {e}");
        }
    }
}

/// Reads what is there. The memory is the shared one, unless the inbox holds a part of something already.
async fn read(hub: &Hub, peer: &Peer, inbox: &mut ws::Inbox<Vec<u8>>) -> io::Result<usize> {
    loop {
        give_back(hub, inbox);
        peer.stream.readable().await?;
        if inbox.held() == 0 {
            let _ = inbox.replace(std::mem::take(&mut *hub.read_buffer.borrow_mut()));
        }
        let space = match inbox.space() {
            Ok(space) => space,
            Err(e) => {
                // Doubling, up to what the limits let in.
                let _ = inbox.replace(vec![0; e.needed.max(2 * e.available)]);
                continue;
            }
        };
        match peer.stream.try_read(space) {
            Ok(0) => {
                give_back(hub, inbox);
                return Ok(0);
            }
            Ok(n) => {
                inbox.filled(n);
                return Ok(n);
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => {
                give_back(hub, inbox);
                return Err(e);
            }
        }
    }
}

/// Gives the shared memory back; what must stay moves into memory of the connection's own.
fn give_back(hub: &Hub, inbox: &mut ws::Inbox<Vec<u8>>) {
    let mut shared = hub.read_buffer.borrow_mut();
    let held = inbox.held();
    if !shared.is_empty() {
        // It is lent to nobody: this connection has its own, and may be done with it.
        if held == 0 {
            let _ = inbox.replace(Vec::new());
        }
        return;
    }
    let own = if held == 0 { Vec::new() } else { vec![0; (2 * held).max(1024)] };
    if let Ok(old) = inbox.replace(own) {
        *shared = old;
    }
}

/// Writes outside the queue, before the connection is one of the room.
async fn write_all(peer: &Peer, bytes: &[u8]) {
    peer.push(bytes.into());
    while peer.flush().is_ok() && peer.is_blocked.get() {
        let patience = timeout(Duration::from_secs(10), peer.stream.writable());
        if !matches!(patience.await, Ok(Ok(()))) {
            return;
        }
    }
}

/// Closes so that what was said last arrives: without reading what the client still sends, the system would throw it away.
async fn linger(hub: &Hub, peer: &Peer) {
    if peer.is_slow.get() {
        return;
    }
    let _ = timeout(Duration::from_secs(1), write_all(peer, b"")).await;
    let _ = socket2::SockRef::from(&peer.stream).shutdown(std::net::Shutdown::Write);
    let drain = async {
        let mut left = 1 << 20_usize;
        while left > 0 && peer.stream.readable().await.is_ok() {
            match peer.stream.try_read(&mut hub.read_buffer.borrow_mut()) {
                Ok(0) => return,
                Ok(n) => left = usize::saturating_sub(left, n),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    let _ = timeout(Duration::from_secs(1), drain).await;
}
