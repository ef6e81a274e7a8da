//! Sessions over a WebSocket: those that begin there, and those that move there.

use super::{App, Host, session::Session, wire::Wire};
use sansocket::{
    endpoint::{Batch, Input, ServerLink, Upgrade},
    engineio::server::Probed,
};
use std::{pin::pin, rc::Rc, time::Duration};
use tokio::time::{sleep_until, timeout};

/// Bytes read from one client, which has always more, before others have their turn.
const FAIR: usize = 256 * 1024;

/// Tries to move a session here from polling, and then carries it to its end.
pub async fn upgrade<A: App>(host: &Rc<Host<A>>, session: &Rc<Session<A>>, wire: &mut Wire) {
    let mut upgrade = session.link(|link| Upgrade::begin(link, host.frames(), session.now(host)));
    // In a box of its own: a session that moved holds nothing of it.
    let is_moved = Box::pin(probe(host, session, wire, &mut upgrade)).await;
    session.link(|link| upgrade.fail(link));
    // The clock of polling stops, or a GET goes on.
    session.changed.notify_waiters();
    if is_moved {
        serve(host, session, wire).await;
    }
}

/// Whether the session moved.
async fn probe<A: App>(host: &Rc<Host<A>>, session: &Rc<Session<A>>, wire: &mut Wire, upgrade: &mut Upgrade) -> bool {
    let mut batch = Batch::new(Vec::new());
    loop {
        let now = session.now(host);
        let probed = session.link(|link| upgrade.step(link, &mut wire.input.inbox, &mut batch, now));
        wire.input.give_back(host);
        let is_written = wire.write_all(batch.written()).await.is_ok();
        batch.clear();
        if probed == Probed::Upgraded && !is_written {
            // The client has sent all of the probe at once and is gone: only this socket can end the session now.
            session.link(ServerLink::handle_error);
        }
        if probed != Probed::Pending || !is_written {
            return probed == Probed::Upgraded;
        }
        // A GET that waits may be owed its noop, now or soon.
        session.peer.wake.notify_waiters();
        session.changed.notify_waiters();
        tokio::select! {
            read = wire.input.read(host) => if !matches!(read, Ok(1..)) {
                return false;
            },
            () = session.changed.notified() => {}
            () = host.clock.sleep(upgrade.poll_timeout()) => {}
        }
    }
}

/// Carries a session to its end.
pub async fn serve<A: App>(host: &Rc<Host<A>>, session: &Rc<Session<A>>, wire: &mut Wire) {
    let peer = &session.peer;
    let patience = host.options.ping_timeout.into();
    let mut unshared = 0;
    // When the socket last took something, or little waited for it.
    let mut taken = host.clock.now();
    // Others only have something to say: then the machine has nothing to do.
    let mut is_told = false;
    let mut sleep = pin!(sleep_until(host.clock.at(taken)));
    loop {
        let is_more = (!is_told || peer.is_slow()) && session.work(host, Input::Socket(&mut wire.input.inbox));
        is_told = false;
        wire.input.give_back(host);
        if !is_more && session.link(|link| link.is_over()) {
            break;
        }
        match peer.flush(&wire.sink) {
            Ok(0) if peer.is_backed_up() => {}
            Ok(_) => taken = host.clock.now(),
            Err(_) => {
                session.link(ServerLink::handle_error);
                continue;
            }
        }
        if is_more || unshared >= FAIR {
            unshared = 0;
            tokio::task::yield_now().await;
            continue;
        }
        // Then nothing is read, so that the client's own questions are not what drops it. The answer to a ping cannot be seen: what counts is that
        // the client takes what it is sent.
        let is_backed_up = peer.is_backed_up();
        let began = host.clock.now();
        let due = if is_backed_up { Some(taken.after_millis(patience)) } else { session.due() };
        // Setting it has its price, and mostly it is set already.
        if let Some(at) = due.map(|due| host.clock.at(due)).filter(|at| *at != sleep.deadline()) {
            sleep.as_mut().reset(at);
        }
        tokio::select! {
            read = wire.input.read(host), if !is_backed_up => match read {
                Ok(0) => session.link(ServerLink::handle_eof),
                Ok(n) => unshared += n,
                Err(_) => session.link(ServerLink::handle_error),
            },
            _ = wire.sink.writable(), if peer.is_waiting() => {}
            () = peer.wake.notified() => is_told = true,
            () = &mut sleep, if due.is_some() => if is_backed_up {
                peer.give_up();
            },
        }
        if is_backed_up {
            session.pause(host.clock.now().duration_since(began));
        }
    }
    // What waits goes out, within a second. It is nothing if the client read too slowly.
    let drain =
        async { while peer.flush(&wire.sink).is_ok() && peer.is_waiting() && wire.sink.writable().await.is_ok() {} };
    let _ = Box::pin(timeout(Duration::from_secs(1), drain)).await;
}
