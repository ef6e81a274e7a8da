//! Sessions over a WebSocket: those that begin there, and those that move there.

use super::{Io, Wire};
use crate::server::{outbox::Told, session::Session, sink};
use sansocket::{
    endpoint::{Batch, Input, ServerLink, Upgrade},
    engineio::server::Probed,
    time::Instant as Time,
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

/// Tries to move a session here from polling. What it gives is for [`serve`].
pub(crate) async fn upgrade<S: Io>(session: &Arc<Session>, wire: &mut Wire<S>) -> Option<Carrying> {
    let moved = moves(session, wire).await;
    if moved.is_none() && session.link(|link| link.is_over() && !link.is_gone()) {
        farewell(session, wire).await;
    }
    moved
}

/// The session, if it moves here.
async fn moves<S: Io>(session: &Arc<Session>, wire: &mut Wire<S>) -> Option<Carrying> {
    let begun = session.link(|link| Upgrade::begin(link, session.inner.config.frames(), session.now()));
    let begun = begun.with_compression(wire.agreed());
    let mut probing = Probing { session, upgrade: begun, moved: None };
    probe(&mut probing, wire).await;
    probing.moved.take()
}

/// A session was closed while it moved. If its client has moved already, it does not poll any more and cannot fetch the close packet.
async fn farewell<S: Io>(session: &Arc<Session>, wire: &mut Wire<S>) {
    let mut ws = Connection::server(session.inner.config.frames()).with_compression(wire.agreed());
    let moved = async {
        loop {
            let _ = wire.received();
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
        let probed = session.link(|link| upgrade.step(link, wire.received(), &mut batch, now));
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

/// A session, and the socket that carries it.
struct Carrier<'w, S> {
    carrying: Carrying,
    wire: &'w mut Wire<S>,
    /// The last turn may have left something.
    is_more: bool,
    /// When the machine has something to do.
    due: Option<Time>,
    /// Bytes that were read since others had their turn.
    unshared: usize,
    /// Since when the socket has taken nothing of what waits for it, and whether that is for too long.
    stuck_since: Option<Time>,
    is_late: bool,
    /// Nothing is read while much waits, so that the client's own questions are not what drops it. The answer to a ping cannot be seen then: what counts
    /// is that the client takes what it is sent, and the clock of the session stands still.
    is_backed_up: bool,
    looked: Time,
    /// Something may wait.
    is_unwritten: bool,
}

/// Carries a session to its end.
pub(crate) fn serve<S: Io>(carrying: Carrying, wire: &mut Wire<S>) -> impl Future<Output = ()> + Send {
    let looked = carrying.0.inner.clock.now();
    let mut carrier = Carrier {
        carrying,
        wire,
        is_more: false,
        due: None,
        unshared: 0,
        stuck_since: None,
        is_late: false,
        is_backed_up: false,
        looked,
        is_unwritten: false,
    };
    // What it holds, it holds once: the arguments of an async function are held beside its variables.
    async move {
        let mut sleep = pin!(sleep_until(Instant::now()));
        loop {
            carrier.is_more = carrier.carrying.0.receive(&mut Input::Socket(carrier.wire.received())).await;
            carrier.wire.give_back();
            let is_over;
            (is_over, carrier.due) = carrier.carrying.0.standing();
            if !carrier.is_more && is_over {
                break;
            }
            if carrier.is_to_share() {
                carrier.unshared = 0;
                if poll_fn(|context| Poll::Ready(carrier.flush(context))).await {
                    tokio::task::yield_now().await;
                }
                continue;
            }
            (carrier.is_late, carrier.is_unwritten) = (false, true);
            let woken = poll_fn(|context| carrier.poll(sleep.as_mut(), context)).await;
            carrier.handle(&woken);
        }
        let Carrier { carrying: Carrying(session), wire, .. } = &mut carrier;
        // Whoever closed it behind the last turn has left the farewell to this task.
        session.work();
        // What waits goes out, within a second. It is nothing if the client read too slowly.
        let _ = Box::pin(timeout(Duration::from_secs(1), sink::flush(&session.outbox, *wire))).await;
    }
}

impl<S: Io> Carrier<'_, S> {
    /// The client has always more: others have their turn.
    fn is_to_share(&self) -> bool {
        (self.is_more && !self.carrying.0.outbox.is_backed_up()) || self.unshared >= FAIR
    }

    /// Writes what the socket takes. `false`: it is lost.
    fn flush(&mut self, context: &mut Context<'_>) -> bool {
        let Carrying(session) = &self.carrying;
        let mut written = 0;
        let flushed = session.outbox.poll_flush(context, self.wire, &mut written);
        if let Poll::Ready(Err(_)) = flushed {
            session.link(ServerLink::handle_error);
            return false;
        }
        if written > 0 {
            self.stuck_since = None;
            session.inner.counted.here().bytes_out.add(written);
        }
        true
    }

    fn poll(&mut self, sleep: Pin<&mut Sleep>, context: &mut Context<'_>) -> Poll<Woken> {
        let Carrying(session) = &self.carrying;
        let inner = &session.inner;
        // Before the queue is looked at, so that whoever appends after that wakes this task.
        match session.outbox.told(context) {
            Some(Told::Session) => {
                let (is_over, due) = session.standing();
                if is_over || session.is_turn_due() || session.outbox.is_slow() {
                    return Poll::Ready(Woken::Told);
                }
                (self.due, self.is_unwritten) = (due, true);
            }
            Some(Told::Packets) => self.is_unwritten = true,
            None => {}
        }
        let mut is_stuck = false;
        if self.is_unwritten {
            let mut written = 0;
            let flushed = session.outbox.poll_flush(context, self.wire, &mut written);
            if written > 0 {
                inner.counted.here().bytes_out.add(written);
            }
            if let Poll::Ready(Err(_)) = flushed {
                return Poll::Ready(Woken::Lost);
            }
            is_stuck = flushed.is_pending();
            // A stream of TLS may hold some back.
            let is_held = !is_stuck && Pin::new(&mut self.wire.stream).poll_flush(context).is_pending();
            self.is_unwritten = is_stuck || is_held;
            if written > 0 || !is_stuck {
                self.stuck_since = None;
            }
        }
        let patience = crate::server::config::millis(inner.config.ping_timeout).into();
        if is_stuck || self.is_backed_up {
            let now = inner.clock.now();
            if self.is_backed_up {
                session.pause(now.duration_since(self.looked));
            }
            (self.is_backed_up, self.looked) = (is_stuck && session.outbox.is_backed_up(), now);
            if is_stuck {
                // Whether or not it answers heartbeats, which it need not read for that.
                self.is_late = now >= self.stuck_since.get_or_insert(now).after_millis(patience);
            }
        }
        if self.is_more && !self.is_backed_up {
            return Poll::Ready(Woken::Due);
        }
        if !self.is_backed_up && !session.is_late() {
            match self.wire.poll_read(context) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Woken::Ended),
                Poll::Ready(Ok(n)) => return Poll::Ready(Woken::Read(n)),
                Poll::Ready(Err(_)) => return Poll::Ready(Woken::Lost),
                Poll::Pending => {}
            }
        }
        if self.is_late {
            return Poll::Ready(Woken::Due);
        }
        let give_up = self.stuck_since.filter(|_| is_stuck).map(|since| since.after_millis(patience));
        let until = if self.is_backed_up { give_up } else { self.due.into_iter().chain(give_up).min() };
        ready!(poll_due(sleep, until.and_then(|until| inner.clock.at(until)), context));
        Poll::Ready(Woken::Due)
    }

    fn handle(&mut self, woken: &Woken) {
        let Carrying(session) = &self.carrying;
        match woken {
            Woken::Read(n) => {
                session.inner.counted.here().bytes_in.add(*n);
                self.unshared += n;
                session.outbox.stay_awake();
            }
            Woken::Ended => session.link(ServerLink::handle_eof),
            Woken::Lost => session.link(ServerLink::handle_error),
            Woken::Due if self.is_late => session.outbox.give_up(),
            Woken::Told | Woken::Due => {}
        }
    }
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
