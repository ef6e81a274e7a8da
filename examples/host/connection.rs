//! One connection: requests, until one of them opens a WebSocket or the client is done.

use super::{
    App, Host,
    peer::Peer,
    polling,
    session::{Entry, Input},
    socket,
    web::{self, Answer},
};
use sansocket::{
    endpoint,
    http::{self, Body, BodyDecoder, BodyError, HeadScanner},
    ws::Inbox,
};
use std::{
    future::poll_fn,
    io,
    net::{Shutdown, SocketAddr},
    pin::Pin,
    rc::Rc,
    task::Poll,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{sleep_until, timeout},
};
use tracing::{debug, info};

/// Bytes that are held for a request's head.
const HEAD: http::Limits = http::Limits::new();

/// What comes in: the socket, and what was read of it.
pub struct Wire {
    pub source: OwnedReadHalf,
    pub inbox: Inbox<Vec<u8>>,
}

/// Runs a connection to its end, which is told in one line of the log.
pub async fn run<A: App>(host: &Rc<Host<A>>, stream: TcpStream, from: SocketAddr) {
    let (source, sink) = stream.into_split();
    let mut wire = Wire { source, inbox: Inbox::new(Vec::new()) };
    let mut out = Vec::new();
    // In boxes of their own: a connection that is a WebSocket holds nothing of its requests.
    let why = match Box::pin(requests(host, &mut wire, &sink, &mut out)).await {
        Ok(Next::Socket(kind)) => {
            debug!(%from, "open");
            socket::run(host, kind, wire, sink, out).await;
            return debug!(%from, "closed");
        }
        Ok(Next::Upgrade(entry)) => {
            Box::pin(socket::upgrade(host, entry, wire, sink, out)).await;
            return debug!(%from, "closed");
        }
        Ok(Next::Done) => "request answered".into(),
        Err(why) => why,
    };
    info!(%from, "closed: {why}");
    Box::pin(hang_up(host, &sink, &mut wire.source)).await;
}

/// What follows the last request.
enum Next<A: App> {
    Done,
    /// The answer that opens a WebSocket is in `out`.
    Socket(super::Kind),
    /// Likewise, for a session over polling.
    Upgrade(Rc<super::Entry<A>>),
}

/// Requests, one after the other. What comes behind the last one stays in the inbox.
async fn requests<A: App>(
    host: &Rc<Host<A>>,
    wire: &mut Wire,
    sink: &OwnedWriteHalf,
    out: &mut Vec<u8>,
) -> Result<Next<A>, String> {
    let mut has_answered = false;
    loop {
        let deadline = host.clock.at(host.clock.now().after_millis(host.config.handshake_timeout));
        let mut head = HeadScanner::new(HEAD);
        let answer = loop {
            match head.scan(wire.inbox.bytes()) {
                Ok(Some(n)) => {
                    let answer = web::answer(host, &wire.inbox.bytes()[..n], out);
                    wire.inbox.consume(n);
                    break answer;
                }
                Err(e) => break web::refuse_head(e, out),
                Ok(None) => {}
            }
            let read = tokio::select! {
                read = read(host, &mut wire.source, &mut wire.inbox) => read,
                () = sleep_until(deadline) => {
                    if has_answered && wire.inbox.held() == 0 {
                        return Ok(Next::Done);
                    }
                    web::refuse_slow(out);
                    let _ = write_all(sink, out).await;
                    return Err("no request in time".into());
                }
            };
            match read {
                Ok(0) if has_answered => return Ok(Next::Done),
                Ok(0) => return Err("gone before its request".into()),
                Ok(_) => {}
                Err(e) => return Err(e.to_string()),
            }
        };
        give_back(host, &mut wire.inbox);
        let keeps_alive = match answer {
            Answer::Page(common) => common.keeps_alive,
            Answer::Refused(why) => {
                let _ = write_all(sink, out).await;
                return Err(why);
            }
            Answer::Socket(kind) => return Ok(Next::Socket(kind)),
            Answer::Upgrade(entry) => return Ok(Next::Upgrade(entry)),
            Answer::Open(kind, common) => {
                let entry = Entry::open(host, kind);
                let cookie = host.config.cookie.as_ref().map(|name| entry.cookie(name));
                let got = polling::get(host, &entry, wire, true).await;
                respond(got, cookie, &common, out)
            }
            Answer::Poll(entry, common) => respond(polling::get(host, &entry, wire, false).await, None, &common, out),
            Answer::Post(entry, body, is_awaited, kind, mut common) => {
                let begun = entry.link(|link| link.begin_post(kind.as_deref()));
                let read = match begun {
                    Err(answer) => {
                        entry.work(host, Input::Time);
                        Err(Some(answer))
                    }
                    Ok(()) => {
                        let is_awaited = is_awaited && body != Body::Empty && wire.inbox.held() == 0;
                        let leave: &[u8] = if is_awaited { b"HTTP/1.1 100 Continue\r\n\r\n" } else { b"" };
                        let read = match write_all(sink, leave).await {
                            Ok(()) => read_body(host, wire, body, deadline).await,
                            Err(_) => Err(None),
                        };
                        if read.is_err() {
                            entry.link(|link| link.drop_post());
                        }
                        read
                    }
                };
                let answer = match read {
                    Ok(body) => Some(polling::post(host, &entry, body).await),
                    Err(answer) => {
                        // Nobody knows where the next request begins.
                        common.keeps_alive = false;
                        answer
                    }
                };
                answer.is_some_and(|answer| common.write(answer, out))
            }
        };
        give_back(host, &mut wire.inbox);
        write_all(sink, out).await.map_err(|e| format!("does not read its answer: {e}"))?;
        out.clear();
        has_answered = true;
        if !keeps_alive {
            return Ok(Next::Done);
        }
    }
}

/// The answer to a GET; whether the connection stays open.
fn respond(
    got: Result<Vec<u8>, Option<endpoint::Answer<'static>>>,
    cookie: Option<Vec<u8>>,
    common: &web::Common,
    out: &mut Vec<u8>,
) -> bool {
    match got {
        Ok(body) => common.write(endpoint::Answer::Payload { body: &body, cookie: cookie.as_deref() }, out),
        Err(Some(answer)) => common.write(answer, out),
        Err(None) => false,
    }
}

/// The body of a POST, within the limit and the time.
async fn read_body<A: App>(
    host: &Rc<Host<A>>,
    wire: &mut Wire,
    body: Body,
    deadline: tokio::time::Instant,
) -> Result<Vec<u8>, Option<endpoint::Answer<'static>>> {
    let mut decoder = BodyDecoder::new(body, host.config.max_payload.into());
    let mut collected = Vec::new();
    loop {
        let mut input = wire.inbox.bytes();
        let before = input.len();
        let result = loop {
            match decoder.poll_piece(&mut input) {
                Ok(Some(piece)) => collected.extend_from_slice(piece),
                Ok(None) => break Ok(()),
                Err(e) => break Err(e),
            }
        };
        let used = before - input.len();
        wire.inbox.consume(used);
        give_back(host, &mut wire.inbox);
        match result {
            Err(BodyError::TooLarge) => return Err(Some(endpoint::Answer::TooLarge)),
            Err(_) => return Err(Some(endpoint::Answer::Bad)),
            Ok(()) if decoder.is_complete() => return Ok(collected),
            Ok(()) => {}
        }
        tokio::select! {
            read = read(host, &mut wire.source, &mut wire.inbox) => {
                if !matches!(read, Ok(1..)) {
                    return Err(None);
                }
            }
            () = sleep_until(deadline) => return Err(Some(endpoint::Answer::TooSlow)),
        }
    }
}

/// Reads what comes. The memory is the shared one, unless the inbox holds a part of something already.
pub async fn read<A>(host: &Host<A>, source: &mut OwnedReadHalf, inbox: &mut Inbox<Vec<u8>>) -> io::Result<usize>
where
    A: App,
{
    // Not `readable` and `try_read`: this way a read that filled not all the memory is known to be the last for now, without another.
    poll_fn(|context| {
        give_back(host, inbox);
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
                inbox.commit(n);
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

/// Gives the shared memory back; what must stay moves into memory of the connection's own. Before anything is awaited: others read meanwhile.
pub fn give_back<A: App>(host: &Host<A>, inbox: &mut Inbox<Vec<u8>>) {
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

/// Writes all, within 10 s.
///
/// # Errors
/// Some of it may be written: the connection is of no use any more.
pub async fn write_all(sink: &OwnedWriteHalf, mut bytes: &[u8]) -> io::Result<()> {
    let write = async {
        while !bytes.is_empty() {
            sink.writable().await?;
            match sink.try_write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    };
    timeout(Duration::from_secs(10), write).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// Writes what waits, for a second at most.
pub async fn drain(peer: &Rc<Peer>) {
    let write = async {
        while peer.flush().is_ok()
            && peer.is_blocked.get()
            && let Some(sink) = peer.sink()
            && sink.writable().await.is_ok()
        {}
    };
    let _ = timeout(Duration::from_secs(1), write).await;
}

/// Closes so that what was said last arrives: without reading what the client still sends, the system would throw it away.
pub async fn hang_up<A: App>(host: &Host<A>, sink: &OwnedWriteHalf, source: &mut OwnedReadHalf) {
    let _ = socket2::SockRef::from(sink.as_ref()).shutdown(Shutdown::Write);
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
