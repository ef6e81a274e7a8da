//! One connection: a request, the handshake, and then the loop of a Socket.IO server over the crate's machines.

use super::{
    App, Host,
    link::{Link, Replies},
    peer::Peer,
    sid,
    web::{self, Answer},
};
use sansocket::{
    engineio::{self, server::Session},
    http,
    socketio::{AckSlot, Attachments, Collector, Event, Flags, Reason, Server},
    time::Instant,
    ws,
};
use std::{future::poll_fn, io, net::SocketAddr, pin::Pin, rc::Rc, task::Poll, time::Duration};
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::{TcpStream, tcp::OwnedReadHalf},
    time::{sleep_until, timeout},
};
use tracing::{debug, info};

/// Bytes that are held for a request.
const HEAD: http::Limits = http::Limits::new();

/// Runs a connection to its end, which is told in one line of the log.
pub async fn run<A: App>(host: &Rc<Host<A>>, stream: TcpStream, from: SocketAddr) {
    let (mut source, sink) = stream.into_split();
    let peer = Rc::new(Peer::new(sink, host.options.max_queue, host.flusher.clone()));
    let mut inbox = ws::Inbox::new(Vec::new());
    let deadline = host.clock.now().after_millis(host.config.handshake_timeout);
    let why = match open(host, &peer, &mut source, &mut inbox, deadline).await {
        Ok(true) => {
            debug!(%from, "open");
            let mut stack = Stack::new(host, peer.clone(), inbox);
            let (reason, why) = stack.run(host, &mut source).await;
            stack.end(host, reason);
            why
        }
        Ok(false) => "request answered".into(),
        Err(why) => why,
    };
    info!(%from, "closed: {why}");
    linger(host, &peer, &mut source).await;
}

/// Requests until one opens a WebSocket (`true`) or the client is done. What comes behind the head stays in the inbox.
async fn open<A: App>(
    host: &Rc<Host<A>>,
    peer: &Rc<Peer>,
    source: &mut OwnedReadHalf,
    inbox: &mut ws::Inbox<Vec<u8>>,
    deadline: Instant,
) -> Result<bool, String> {
    let mut out = Vec::new();
    let mut head = http::Head::new(HEAD);
    let mut has_answered = false;
    loop {
        let answer = match head.scan(inbox.bytes()) {
            Ok(Some(n)) => {
                let answer = web::answer(host, &inbox.bytes()[..n], &mut out);
                inbox.consume(n);
                head = http::Head::new(HEAD);
                answer
            }
            Err(e) => web::refuse_head(e, &mut out),
            Ok(None) => {
                let read = tokio::select! {
                    read = read(host, source, inbox) => read,
                    () = sleep_until(host.clock.at(deadline)) => {
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
        give_back(host, inbox);
        match answer {
            Answer::Page { keeps_alive } => {
                write_all(peer, &out).await;
                has_answered = true;
                if !keeps_alive {
                    return Ok(false);
                }
            }
            Answer::Opened => {
                peer.push(out.as_slice().into(), Flags::NONE);
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
struct Stack<A: App> {
    peer: Rc<Peer>,
    inbox: ws::Inbox<Vec<u8>>,
    ws: ws::Connection<ws::Server>,
    engine: Session,
    io: Server<A::Names, Vec<AckSlot>>,
    collector: Collector<Vec<u8>>,
    guest: A::Guest,
}

impl<A: App> Stack<A> {
    fn new(host: &Rc<Host<A>>, peer: Rc<Peer>, inbox: ws::Inbox<Vec<u8>>) -> Self {
        let now = host.clock.now();
        let max = u64::from(host.config.max_payload);
        let connect_by = now.after_millis(host.config.connect_timeout);
        Self {
            peer,
            inbox,
            ws: ws::Connection::server(ws::Limits::new().message(max).frame(max)),
            engine: Session::open(sid(), host.engine(), now),
            io: Server::new(host.app.names(), Vec::new(), connect_by).with_limits(host.limits()),
            collector: Collector::new(Vec::new()),
            guest: A::Guest::default(),
        }
    }

    /// Turns until the end; says why it ended, in the reference's word and for the log.
    async fn run(&mut self, host: &Rc<Host<A>>, source: &mut OwnedReadHalf) -> (Reason, String) {
        loop {
            if let Some(end) = self.turn(host) {
                return end;
            }
            let due = [self.engine.poll_timeout(), self.io.poll_timeout()].into_iter().flatten().min();
            let due = host.clock.at(due.unwrap_or(host.clock.now()));
            let peer = self.peer.clone();
            let error =
                |e: io::Error| (Reason::Link(engineio::Reason::TransportError), format!("transport error: {e}"));
            tokio::select! {
                read = read(host, source, &mut self.inbox), if !peer.is_backed_up() => match read {
                    Ok(0) => {
                        self.ws.handle_eof();
                        return (Reason::Link(engineio::Reason::TransportClose), "transport close".into());
                    }
                    Ok(_) => {}
                    Err(e) => return error(e),
                },
                writable = peer.sink.writable(), if peer.is_blocked.get() => {
                    if let Err(e) = writable.and_then(|()| peer.flush()) {
                        return error(e);
                    }
                }
                // The socket is blocked now, or too much waits, or no longer so much that nothing is read.
                () = peer.wake.notified() => if peer.is_slow() {
                    let reason = Reason::Link(engineio::Reason::TransportClose);
                    return (reason, "does not read what it is sent".into());
                },
                () = sleep_until(due) => {}
            }
        }
    }

    /// Everything that can be done without waiting.
    fn turn(&mut self, host: &Rc<Host<A>>) -> Option<(Reason, String)> {
        let now = host.clock.now();
        let mut replies = Replies { memory: std::mem::take(&mut *host.write_buffer.borrow_mut()), len: 0 };
        replies.memory.resize(replies.memory.len().max(4096), 0);
        let mut end: Option<(Reason, String)> = None;
        // 1. events until there are none; each borrows the inbox alone
        while end.is_none() {
            // What is owed first: the open packet stands in front of everything.
            self.transmit(&mut replies);
            match self.engine.poll_event(&mut self.inbox, &mut self.ws, now) {
                Ok(None) => break,
                Ok(Some(event)) => match self.io.handle_event(event) {
                    Ok(Event::Closed(reason)) => end = Some((Reason::Link(reason), reason.to_string())),
                    Ok(event) => {
                        let mut link = Link {
                            host,
                            peer: &self.peer,
                            guest: &mut self.guest,
                            io: &mut self.io,
                            now,
                            replies: &mut replies,
                            end: None,
                        };
                        Self::collect(&mut link, &mut self.collector, event);
                        if let Some(reason) = link.end {
                            end = Some((reason, reason.to_string()));
                            self.engine.close(&mut self.ws);
                        }
                    }
                    Err(e) => {
                        // The reference's word for it.
                        end = Some((Reason::Link(engineio::Reason::ForcedClose), format!("parse error: {e}")));
                        self.engine.close(&mut self.ws);
                    }
                },
                // The message is larger than the memory that it was read into, and within the limits.
                Err(e) => {
                    let _ = self.inbox.replace(vec![0; e.needed]);
                }
            }
        }
        // 2. time
        while end.is_none()
            && let Some(event) = self.io.handle_timeout(now)
        {
            if matches!(event, Event::ConnectTimeout) {
                end = Some((Reason::ForcedServerClose, "joined nothing in time".into()));
                self.engine.close(&mut self.ws);
                break;
            }
            let (peer, guest, io) = (&self.peer, &mut self.guest, &mut self.io);
            let mut link = Link { host, peer, guest, io, now, replies: &mut replies, end: None };
            host.app.react(&mut link, event, Attachments::NONE);
        }
        if end.is_none()
            && let Some(engineio::Event::Closed(reason)) = self.engine.handle_timeout(now)
        {
            end = Some((Reason::Link(reason), reason.to_string()));
        }
        // 3. what the machines owe
        self.transmit(&mut replies);
        replies.flush(&self.peer);
        let mut out = self.ws.out(&mut replies.memory);
        while let Ok(true) = self.ws.poll_transmit(&mut out) {}
        self.peer.push(out.written().into(), Flags::NONE);
        // An answer of megabytes leaves no megabytes behind.
        replies.memory.truncate(64 * 1024);
        replies.memory.shrink_to(64 * 1024);
        *host.write_buffer.borrow_mut() = replies.memory;
        give_back(host, &mut self.inbox);
        end.map(|(reason, why)| match self.engine.fault() {
            Some(fault) => (reason, format!("{why}: {fault}")),
            None => (reason, why),
        })
    }

    /// What Engine.IO owes. A packet of it always fits behind a flush.
    fn transmit(&mut self, replies: &mut Replies) {
        if !self.engine.wants_transmit() {
            return;
        }
        replies.flush(&self.peer);
        let mut out = self.ws.out(&mut replies.memory);
        while let Ok(true) = self.engine.poll_transmit(&mut out) {}
        replies.len = out.written().len();
    }

    /// Hands the event on when its attachments are there.
    fn collect(link: &mut Link<'_, A>, collector: &mut Collector<Vec<u8>>, event: Event<'_>) {
        loop {
            match collector.collect(event) {
                Ok(None) => return,
                Ok(Some((event, attachments))) => {
                    let host = link.host;
                    host.app.react(link, event, attachments);
                    break;
                }
                Err(e) => {
                    let _ = collector.replace(vec![0; e.needed.max(2 * e.available)]);
                }
            }
        }
        let _ = collector.replace(Vec::new());
    }

    /// Tells the application.
    fn end(&mut self, host: &Rc<Host<A>>, reason: Reason) {
        let mut replies = Replies { memory: Vec::new(), len: 0 };
        let (peer, guest, io) = (&self.peer, &mut self.guest, &mut self.io);
        let now = host.clock.now();
        let mut link = Link { host, peer, guest, io, now, replies: &mut replies, end: None };
        host.app.closed(&mut link, reason);
    }
}

/// Reads what comes. The memory is the shared one, unless the inbox holds a part of something already.
async fn read<A>(host: &Host<A>, source: &mut OwnedReadHalf, inbox: &mut ws::Inbox<Vec<u8>>) -> io::Result<usize> {
    // Not `readable` and `try_read`: this way a read that filled not all the memory is known to be the last for now, without another.
    poll_fn(|context| {
        if inbox.held() == 0 {
            let _ = inbox.replace(std::mem::take(&mut *host.read_buffer.borrow_mut()));
        }
        let space = match inbox.space() {
            Ok(space) => space,
            Err(e) => {
                // Doubling, up to what the limits let in.
                let _ = inbox.replace(vec![0; e.needed.max(2 * e.available)]);
                inbox.space().map_err(io::Error::other)?
            }
        };
        let mut space = ReadBuf::new(space);
        let read = Pin::new(&mut *source).poll_read(context, &mut space);
        match (space.filled().len(), read) {
            (n, Poll::Ready(Ok(()))) if n > 0 => {
                inbox.filled(n);
                Poll::Ready(Ok(n))
            }
            (_, read) => {
                give_back(host, inbox);
                read.map_ok(|()| 0)
            }
        }
    })
    .await
}

/// Gives the shared memory back; what must stay moves into memory of the connection's own.
fn give_back<A>(host: &Host<A>, inbox: &mut ws::Inbox<Vec<u8>>) {
    let mut shared = host.read_buffer.borrow_mut();
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
async fn write_all(peer: &Rc<Peer>, bytes: &[u8]) {
    peer.push(bytes.into(), Flags::NONE);
    while peer.flush().is_ok() && peer.is_blocked.get() {
        let patience = timeout(Duration::from_secs(10), peer.sink.writable());
        if !matches!(patience.await, Ok(Ok(()))) {
            return;
        }
    }
}

/// Closes so that what was said last arrives: without reading what the client still sends, the system would throw it away.
async fn linger<A>(host: &Host<A>, peer: &Rc<Peer>, source: &mut OwnedReadHalf) {
    if peer.is_slow() {
        return;
    }
    let _ = timeout(Duration::from_secs(1), write_all(peer, b"")).await;
    let _ = socket2::SockRef::from(peer.sink.as_ref()).shutdown(std::net::Shutdown::Write);
    let drain = async {
        let mut left = 1_usize << 20;
        while left > 0 && source.readable().await.is_ok() {
            match source.try_read(&mut host.read_buffer.borrow_mut()) {
                Ok(0) => return,
                Ok(n) => left = left.saturating_sub(n),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    let _ = timeout(Duration::from_secs(1), drain).await;
}
