//! Sessions over a WebSocket: those that begin there, and those that move there.

use super::{
    App, Host,
    connection::{Wire, drain, give_back, hang_up, read},
    link::Replies,
    session::{End, Entry, Kind},
};
use sansocket::{
    engineio::{
        self, Transport,
        server::{Probe, Probed},
    },
    socketio::Flags,
    time::Instant,
    ws::{self, CloseCode},
};
use std::rc::Rc;
use tokio::{net::tcp::OwnedWriteHalf, time::sleep_until};
use tracing::debug;

type Ws = ws::Connection<ws::Server>;

fn connection<A: App>(host: &Host<A>) -> Ws {
    let max = u64::from(host.config.max_payload);
    ws::Connection::server(ws::Limits::new().message(max).frame(max))
}

/// A session that begins here. `answer` opens the WebSocket.
pub async fn run<A: App>(host: &Rc<Host<A>>, kind: Kind, mut wire: Wire, sink: OwnedWriteHalf, answer: Vec<u8>) {
    let entry = Entry::new(host, kind, Transport::WebSocket);
    entry.peer.push(answer.into(), Flags::NONE);
    entry.peer.set_sink(sink);
    serve(host, &entry, &mut wire, &mut connection(host)).await;
}

/// A session that may move here from polling. `answer` opens the WebSocket.
pub async fn upgrade<A: App>(
    host: &Rc<Host<A>>,
    entry: Rc<Entry<A>>,
    mut wire: Wire,
    sink: OwnedWriteHalf,
    answer: Vec<u8>,
) {
    let Some(mut ws) = Box::pin(probe(host, &entry, &mut wire, sink, &answer)).await else { return };
    serve(host, &entry, &mut wire, &mut ws).await;
}

/// The WebSocket of a session that moved here; `None` when the move failed.
async fn probe<A: App>(
    host: &Rc<Host<A>>,
    entry: &Rc<Entry<A>>,
    wire: &mut Wire,
    sink: OwnedWriteHalf,
    answer: &[u8],
) -> Option<Ws> {
    let mut ws = connection(host);
    let mut memory = [0; 256];
    if write(&sink, answer).await.is_err() {
        return None;
    }
    let probe = Probe::begin(&mut entry.stack.borrow_mut().engine, host.clock.now());
    let Some(mut probe) = probe else {
        // The session is over, has moved, or has a probe: this WebSocket ends, the session does not.
        let mut out = ws.out(&mut memory);
        let _ = ws.close(CloseCode::NO_STATUS, "");
        let _ = ws.poll_transmit(&mut out);
        let _ = write(&sink, out.written()).await;
        hang_up(host, &sink, &mut wire.source).await;
        return None;
    };
    loop {
        let (mut probed, len) = {
            let engine = &mut entry.stack.borrow_mut().engine;
            let probed = match probe.poll(engine, &mut wire.inbox, &mut ws) {
                Ok(probed) => probed,
                Err(e) if e.needed <= 64 => {
                    let _ = wire.inbox.replace(vec![0; 64]);
                    continue;
                }
                // No packet of a probe is that long.
                Err(_) => probe.fail(engine, &mut ws),
            };
            let mut out = ws.out(&mut memory);
            while let Ok(true) = probe.poll_transmit(&mut out) {}
            while let Ok(true) = ws.poll_transmit(&mut out) {}
            // A GET that waits may be owed its noop.
            entry.transmit(engine);
            (probed, out.written().len())
        };
        give_back(host, &mut wire.inbox);
        if write(&sink, &memory[..len]).await.is_err() {
            probed = Probed::Failed;
        }
        match probed {
            Probed::Upgraded => break,
            Probed::Failed => {
                probe.fail(&mut entry.stack.borrow_mut().engine, &mut ws);
                entry.changed.notify_waiters();
                debug!("an upgrade failed");
                hang_up(host, &sink, &mut wire.source).await;
                return None;
            }
            Probed::Pending => {}
        }
        // The clock of the session looks again: a noop may be due.
        entry.changed.notify_waiters();
        let is_gone = tokio::select! {
            read = read(host, &mut wire.source, &mut wire.inbox) => !matches!(read, Ok(1..)),
            () = entry.changed.notified() => false,
            () = sleep_until(host.clock.at(probe.poll_timeout().unwrap_or(Instant::FAR_FUTURE))) => {
                probe.handle_timeout(host.clock.now(), &mut entry.stack.borrow_mut().engine, &mut ws);
                false
            }
        };
        if is_gone {
            probe.fail(&mut entry.stack.borrow_mut().engine, &mut ws);
            entry.changed.notify_waiters();
            return None;
        }
    }
    // The queue goes out here from now on; the clock of polling stops.
    entry.peer.set_sink(sink);
    entry.changed.notify_waiters();
    Some(ws)
}

async fn write(sink: &OwnedWriteHalf, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        sink.writable().await?;
        match sink.try_write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Turns until the end.
async fn serve<A: App>(host: &Rc<Host<A>>, entry: &Rc<Entry<A>>, wire: &mut Wire, ws: &mut Ws) {
    let peer = &entry.peer;
    let Some(sink) = peer.sink() else { return };
    let end = loop {
        if let Some(end) = turn(host, entry, wire, ws) {
            break end;
        }
        let due = entry.stack.borrow().due();
        let due = host.clock.at(due.unwrap_or(host.clock.now()));
        let error = |e: std::io::Error| End::link(engineio::Reason::TransportError, format!("transport error: {e}"));
        tokio::select! {
            read = read(host, &mut wire.source, &mut wire.inbox), if !peer.is_backed_up() => match read {
                Ok(0) => {
                    ws.handle_eof();
                    break End::link(engineio::Reason::TransportClose, "transport close");
                }
                Ok(_) => {}
                Err(e) => break error(e),
            },
            writable = sink.writable(), if peer.is_blocked.get() => {
                if let Err(e) = writable.and_then(|()| peer.flush()) {
                    break error(e);
                }
            }
            // The socket is blocked now, or too much waits, or no longer so much that nothing is read.
            () = peer.wake.notified() => if peer.is_slow() {
                break End::link(engineio::Reason::TransportClose, "does not read what it is sent");
            },
            () = sleep_until(due) => {}
        }
    };
    entry.end(host, end);
    if !peer.is_slow() {
        Box::pin(drain(peer)).await;
        Box::pin(hang_up(host, sink, &mut wire.source)).await;
    }
}

/// Everything that can be done without waiting.
fn turn<A: App>(host: &Rc<Host<A>>, entry: &Rc<Entry<A>>, wire: &mut Wire, ws: &mut Ws) -> Option<End> {
    let now = host.clock.now();
    let peer = &entry.peer;
    let stack = &mut *entry.stack.borrow_mut();
    let mut replies = Replies::borrow(host);
    let mut end: Option<End> = None;
    // 1. events until there are none; each borrows the inbox alone
    while end.is_none() {
        // What is owed first: the open packet stands in front of everything.
        if stack.engine.wants_transmit() {
            replies.flush(peer);
            entry.transmit(&mut stack.engine);
        }
        match stack.engine.poll_event(&mut wire.inbox, ws, now) {
            Ok(None) => break,
            Ok(Some(event)) => end = stack.handle(host, peer, &mut replies, event, now),
            // The message is larger than the memory that it was read into, and within the limits.
            Err(e) => {
                let _ = wire.inbox.replace(vec![0; e.needed]);
            }
        }
    }
    // 2. time
    if end.is_none() {
        end = stack.tick(host, peer, &mut replies, now);
    }
    if let Some(End { is_ours: true, .. }) = end {
        stack.engine.close();
        let _ = stack.engine.poll_event(&mut wire.inbox, ws, now);
    }
    // 3. what the machines owe
    replies.flush(peer);
    entry.transmit(&mut stack.engine);
    let mut out = ws.out(&mut replies.memory);
    while let Ok(true) = ws.poll_transmit(&mut out) {}
    peer.push(out.written().into(), Flags::NONE);
    replies.give_back(host);
    give_back(host, &mut wire.inbox);
    end
}
