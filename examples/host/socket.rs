//! Sessions over a WebSocket: those that begin there, and those that move there.

use super::{
    App, Host,
    connection::{Wire, drain, give_back, hang_up, read, write_all},
    session::{Entry, Input, Kind},
};
use sansocket::{
    endpoint::{ServerLink, Upgrade},
    engineio::{Transport, server::Probed},
    socketio::Flags,
};
use std::rc::Rc;
use tokio::net::tcp::OwnedWriteHalf;
use tracing::debug;

/// Bytes read from one client, which has always more, before others have their turn.
const FAIR: usize = 256 * 1024;

/// A session that begins here. `answer` opens the WebSocket.
pub async fn run<A: App>(host: &Rc<Host<A>>, kind: Kind, mut wire: Wire, sink: OwnedWriteHalf, answer: Vec<u8>) {
    let entry = Entry::new(host, kind, Transport::WebSocket);
    entry.peer.push(answer.into(), Flags::NONE);
    entry.peer.set_sink(sink);
    serve(host, &entry, &mut wire).await;
}

/// A session that may move here from polling. `answer` opens the WebSocket.
pub async fn upgrade<A: App>(
    host: &Rc<Host<A>>,
    entry: Rc<Entry<A>>,
    mut wire: Wire,
    sink: OwnedWriteHalf,
    answer: Vec<u8>,
) {
    if let Err(e) = write_all(&sink, &answer).await {
        return debug!("an upgrade failed: {e}");
    }
    let mut upgrade = entry.link(|link| Upgrade::begin(link, host.frames(), entry.now(host)));
    let is_moved = Box::pin(probe(host, &entry, &mut wire, &sink, &mut upgrade)).await;
    entry.link(|link| upgrade.fail(link));
    if is_moved {
        // The queue goes out here from now on; the clock of polling stops.
        entry.peer.set_sink(sink);
        entry.changed.notify_waiters();
        return serve(host, &entry, &mut wire).await;
    }
    entry.changed.notify_waiters();
    debug!("an upgrade failed");
    hang_up(host, &sink, &mut wire.source).await;
}

/// Whether the session moved.
async fn probe<A: App>(
    host: &Rc<Host<A>>,
    entry: &Rc<Entry<A>>,
    wire: &mut Wire,
    sink: &OwnedWriteHalf,
    upgrade: &mut Upgrade,
) -> bool {
    let mut memory = [0; 256];
    loop {
        let now = entry.now(host);
        let probed = match entry.link(|link| upgrade.poll(link, &mut wire.inbox, now)) {
            Ok(probed) => probed,
            Err(grow) => {
                let _ = wire.inbox.replace(vec![0; grow.to]);
                continue;
            }
        };
        give_back(host, &mut wire.inbox);
        while let Ok(n @ 1..) = upgrade.transmit(&mut memory) {
            if write_all(sink, &memory[..n]).await.is_err() {
                return false;
            }
        }
        if probed != Probed::Pending {
            return probed == Probed::Upgraded;
        }
        // A GET that waits may be owed its noop, now or soon.
        entry.peer.wake.notify_one();
        entry.changed.notify_waiters();
        tokio::select! {
            read = read(host, &mut wire.source, &mut wire.inbox) => if !matches!(read, Ok(1..)) {
                return false;
            },
            () = entry.changed.notified() => {}
            () = host.sleep(upgrade.poll_timeout().map(|due| host.clock.at(due))) => {}
        }
    }
}

/// Turns until the end.
async fn serve<A: App>(host: &Rc<Host<A>>, entry: &Rc<Entry<A>>, wire: &mut Wire) {
    let peer = &entry.peer;
    let Some(sink) = peer.sink() else { return };
    let mut unshared = 0;
    loop {
        let is_more = entry.work(host, Input::Socket(&mut wire.inbox));
        give_back(host, &mut wire.inbox);
        if is_more || unshared >= FAIR {
            unshared = 0;
            tokio::task::yield_now().await;
        }
        if is_more {
            continue;
        }
        if entry.link(|link| link.is_over()) {
            break;
        }
        let is_backed_up = peer.is_backed_up();
        let began = host.clock.now();
        let progress = peer.written.get();
        // While nothing is read from a client its answer to a ping cannot be seen: then what counts is that it takes what it is sent.
        let stalled = host.clock.at(began.after_millis(host.options.ping_timeout.into()));
        let due = if is_backed_up { Some(stalled) } else { entry.due(host) };
        tokio::select! {
            read = read(host, &mut wire.source, &mut wire.inbox), if !is_backed_up => match read {
                Ok(0) => entry.link(ServerLink::handle_eof),
                Ok(n) => unshared += n,
                Err(_) => entry.link(ServerLink::handle_error),
            },
            writable = sink.writable(), if peer.is_blocked.get() => {
                if writable.and_then(|()| peer.flush()).is_err() {
                    entry.link(ServerLink::handle_error);
                }
            }
            // The socket is blocked now, or too much waits, or no longer so much that nothing is read.
            () = peer.wake.notified() => {}
            () = host.sleep(due) => if is_backed_up && peer.written.get() == progress {
                peer.give_up();
            },
        }
        if is_backed_up {
            let paused = host.clock.now().duration_since(began).as_millis();
            entry.paused.set(entry.paused.get() + u64::try_from(paused).unwrap_or(0));
        }
        if peer.is_slow() {
            entry.link(ServerLink::handle_eof);
        }
    }
    if !peer.is_slow() {
        Box::pin(drain(peer)).await;
        Box::pin(hang_up(host, sink, &mut wire.source)).await;
    }
}
