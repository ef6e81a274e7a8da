//! Sessions over a WebSocket: those that begin there, and those that move there.

use super::{Io, Wire};
use crate::server::{
    outbox::{self, Told},
    session::Session,
};
use sansocket::{
    endpoint::{Batch, Input, ServerLink, Upgrade},
    engineio::server::Probed,
    ws::{Advanced, Connection, Kind},
};
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// Bytes read from one client, which has always more, before others have their turn.
const FAIR: usize = 256 * 1024;

/// Tries to move a session here from polling, and then carries it to its end.
pub(crate) async fn upgrade<S: Io>(session: &Arc<Session>, wire: &mut Wire<S>) {
    // In a box of its own: a session that moved holds nothing of it.
    let moved = Box::pin(moves(session, wire)).await;
    if moved.is_some() {
        serve(session, wire).await;
    } else if session.link(|link| link.is_over() && !link.is_gone()) {
        Box::pin(farewell(session, wire)).await;
    }
}

/// The session, if it moves here.
async fn moves<S: Io>(session: &Arc<Session>, wire: &mut Wire<S>) -> Option<Carrying> {
    let begun = session.link(|link| Upgrade::begin(link, session.inner.config.frames(), session.now()));
    let mut probing = Probing { session, upgrade: begun, moved: None };
    probe(&mut probing, wire).await;
    probing.moved.take()
}

/// A session was closed while it moved. If its client has moved already, it does not poll any more and cannot fetch the close packet.
async fn farewell<S: Io>(session: &Arc<Session>, wire: &mut Wire<S>) {
    let mut ws = Connection::server(session.inner.config.frames());
    let moved = async {
        loop {
            while let Ok(Some(Advanced::Ready)) = wire.inbox.advance(&mut ws) {
                match wire.inbox.peek() {
                    Some((Kind::Text, b"5")) => return session.cut(),
                    Some((Kind::Text, _)) => drop(wire.inbox.take()),
                    // A close frame, or what no client says here.
                    _ => return,
                }
            }
            wire.give_back();
            if !matches!(wire.read().await, Ok(1..)) {
                return;
            }
        }
    };
    let _ = timeout(Duration::from_secs(1), moved).await;
}

/// A probe that fails if it is dropped.
struct Probing<'s> {
    session: &'s Arc<Session>,
    upgrade: Upgrade,
    /// The session moved, and ends with this.
    moved: Option<Carrying>,
}

impl Drop for Probing<'_> {
    fn drop(&mut self) {
        self.session.link(|link| self.upgrade.fail(link));
        // The clock of polling stops, or a GET goes on.
        self.session.stir();
    }
}

async fn probe<S: Io>(probing: &mut Probing<'_>, wire: &mut Wire<S>) {
    let Probing { session, upgrade, moved } = probing;
    let mut batch = Batch::new(Vec::new());
    loop {
        let mut changed = pin!(session.changed.notified());
        changed.as_mut().enable();
        let now = session.now();
        let probed = session.link(|link| upgrade.step(link, &mut wire.inbox, &mut batch, now));
        wire.give_back();
        if probed == Probed::Upgraded {
            let counted = &session.inner.counted;
            counted.polling.sub(1);
            counted.websocket.add(1);
            counted.upgrades.add(1);
            *moved = Some(Carrying(session.clone()));
        }
        let is_written = wire.write_all(batch.written()).await.is_ok();
        batch.clear();
        if probed == Probed::Upgraded && !is_written {
            // The client has sent all of the probe at once and is gone: only this socket can end the session now.
            session.link(ServerLink::handle_error);
        }
        if probed != Probed::Pending || !is_written {
            return;
        }
        // A GET that waits may be owed its noop, now or soon.
        session.outbox.wake();
        tokio::select! {
            read = wire.read() => if !matches!(read, Ok(1..)) {
                return;
            },
            () = changed => {}
            () = session.inner.clock.sleep(upgrade.poll_timeout()) => {}
        }
    }
}

/// Ends a session over a WebSocket if the task that carries it, or is about to, ends by a panic or is dropped.
pub(crate) struct Carrying(pub(crate) Arc<Session>);

impl Drop for Carrying {
    fn drop(&mut self) {
        if !self.0.link(|link| link.is_gone()) {
            self.0.link(ServerLink::handle_error);
        }
        // Also if it is over: somebody may have closed it since its last turn.
        self.0.work();
    }
}

/// Why a session woke up.
enum Woken {
    Read(usize),
    Ended,
    Lost,
    /// Others want something of the machine.
    Told,
    Due,
}

/// Carries a session to its end.
pub(crate) async fn serve<S: Io>(session: &Arc<Session>, wire: &mut Wire<S>) {
    let carrying = Carrying(session.clone());
    let inner = &session.inner;
    let patience = crate::server::config::millis(inner.config.ping_timeout).into();
    let mut unshared = 0;
    // Since when the socket has taken nothing of what waits for it.
    let mut stuck_since = None;
    // Nothing is read while much waits, so that the client's own questions are not what drops it. The answer to a ping cannot be seen then: what counts
    // is that the client takes what it is sent, and the clock of the session stands still.
    let (mut is_backed_up, mut looked) = (false, inner.clock.now());
    let mut sleep = pin!(sleep_until(Instant::now()));
    loop {
        let is_more = session.receive(&mut Input::Socket(&mut wire.inbox)).await;
        wire.give_back();
        let (is_over, mut due) = session.standing();
        if !is_more && is_over {
            break;
        }
        if (is_more && !session.outbox.is_backed_up()) || unshared >= FAIR {
            unshared = 0;
            let mut written = 0;
            let flushed =
                poll_fn(|context| Poll::Ready(session.outbox.poll_flush(context, &mut wire.stream, &mut written)));
            if let Poll::Ready(Err(_)) = flushed.await {
                session.link(ServerLink::handle_error);
                continue;
            }
            if written > 0 {
                stuck_since = None;
                inner.counted.here().bytes_out.add(written);
            }
            tokio::task::yield_now().await;
            continue;
        }
        let (mut written, mut is_late) = (0, false);
        // Something may wait. Afterwards whoever appends tells.
        let mut is_unwritten = true;
        let woken = poll_fn(|context| {
            // Before the queue is looked at, so that whoever appends after that wakes this task.
            match session.outbox.told(context) {
                Some(Told::Session) => {
                    let (is_over, now_due) = session.standing();
                    if is_over || session.is_turn_due() || session.outbox.is_slow() {
                        return Poll::Ready(Woken::Told);
                    }
                    (due, is_unwritten) = (now_due, true);
                }
                Some(Told::Packets) => is_unwritten = true,
                None => {}
            }
            let mut is_stuck = false;
            if is_unwritten {
                let before = written;
                let flushed = session.outbox.poll_flush(context, &mut wire.stream, &mut written);
                if let Poll::Ready(Err(_)) = flushed {
                    return Poll::Ready(Woken::Lost);
                }
                is_stuck = flushed.is_pending();
                // A stream of TLS may hold some back.
                let is_held = !is_stuck && written > 0 && Pin::new(&mut wire.stream).poll_flush(context).is_pending();
                is_unwritten = is_stuck || is_held;
                if written > before || !is_stuck {
                    stuck_since = None;
                }
            }
            if is_stuck || is_backed_up {
                let now = inner.clock.now();
                if is_backed_up {
                    session.pause(now.duration_since(looked));
                }
                (is_backed_up, looked) = (is_stuck && session.outbox.is_backed_up(), now);
                if is_stuck {
                    // Whether or not it answers heartbeats, which it need not read for that.
                    is_late = now >= stuck_since.get_or_insert(now).after_millis(patience);
                }
            }
            if is_more && !is_backed_up {
                return Poll::Ready(Woken::Due);
            }
            if !is_backed_up && !session.is_late() {
                match wire.poll_read(context) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Woken::Ended),
                    Poll::Ready(Ok(n)) => return Poll::Ready(Woken::Read(n)),
                    Poll::Ready(Err(_)) => return Poll::Ready(Woken::Lost),
                    Poll::Pending => {}
                }
            }
            if is_late {
                return Poll::Ready(Woken::Due);
            }
            let give_up = stuck_since.filter(|_| is_stuck).map(|since| since.after_millis(patience));
            let until = if is_backed_up { give_up } else { due.into_iter().chain(give_up).min() };
            ready!(poll_due(sleep.as_mut(), until.and_then(|until| inner.clock.at(until)), context));
            Poll::Ready(Woken::Due)
        })
        .await;
        if written > 0 {
            inner.counted.here().bytes_out.add(written);
        }
        match woken {
            Woken::Read(n) => {
                inner.counted.here().bytes_in.add(n);
                unshared += n;
                session.outbox.stay_awake();
            }
            Woken::Ended => session.link(ServerLink::handle_eof),
            Woken::Lost => session.link(ServerLink::handle_error),
            Woken::Told => {}
            Woken::Due if is_late => session.outbox.give_up(),
            Woken::Due => {}
        }
    }
    // Whoever closed it behind the last turn has left the farewell to this task.
    session.work();
    // What waits goes out, within a second. It is nothing if the client read too slowly.
    let _ = Box::pin(timeout(Duration::from_secs(1), outbox::flush(&session.outbox, &mut wire.stream))).await;
    drop(carrying);
}

/// Ready at `until`; never, if there is no deadline.
fn poll_due(mut sleep: Pin<&mut Sleep>, until: Option<Instant>, context: &mut Context<'_>) -> Poll<()> {
    let Some(until) = until else { return Poll::Pending };
    // Setting it has its price, and mostly it is set already.
    if sleep.deadline() != until {
        sleep.as_mut().reset(until);
    }
    sleep.poll(context)
}
