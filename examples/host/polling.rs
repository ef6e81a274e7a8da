//! Sessions over polling: a GET that waits, a POST, and the clock.

use super::{
    App, Host,
    connection::{Wire, give_back, read},
    link::Replies,
    session::{End, Entry, Kind},
};
use sansocket::engineio::{self, Packets, Transport, server::PollError};
use std::rc::Rc;
use tokio::time::{sleep_until, timeout};

/// What a request for a session came to.
pub enum Outcome {
    /// A body for status 200.
    Body(Vec<u8>),
    /// Taken.
    Taken,
    /// Status 400 without a body.
    Bad,
    /// The body is over the limit; status 413.
    TooLarge,
    /// The body did not come in time; status 408.
    Slow,
    /// The session is gone: code 1.
    Unknown,
    /// The session is over a WebSocket: code 3.
    Upgraded,
    /// The client went away.
    Gone,
}

/// Begins a session, whose clock runs from now on.
pub fn open<A: App>(host: &Rc<Host<A>>, kind: Kind) -> Rc<Entry<A>> {
    let entry = Entry::new(host, kind, Transport::Polling);
    let id = *entry.stack.borrow().engine.sid();
    host.sessions.borrow_mut().insert(id, entry.clone());
    tokio::task::spawn_local(watch(host.clone(), entry.clone()));
    entry
}

/// A GET: waits until something is to be said. `is_first`: it opened the session.
pub async fn get<A: App>(host: &Rc<Host<A>>, entry: &Rc<Entry<A>>, wire: &mut Wire, is_first: bool) -> Outcome {
    if !is_first {
        let begun = entry.stack.borrow_mut().engine.begin_poll(host.clock.now());
        match begun {
            Ok(()) => {}
            Err(PollError::Upgraded) => return Outcome::Upgraded,
            Err(_) => {
                entry.end(host, End::link(engineio::Reason::TransportError, "two GETs at once"));
                return Outcome::Bad;
            }
        }
    }
    // Its deadline may be nearer now.
    entry.changed.notify_waiters();
    entry.peer.is_blocked.set(false);
    let is_gone = loop {
        entry.transmit(&mut entry.stack.borrow_mut().engine);
        if entry.peer.has_packets() || entry.is_over() {
            break false;
        }
        tokio::select! {
            () = entry.peer.wake.notified() => {}
            () = entry.changed.notified() => {}
            // What a client sends behind a GET that waits is its next request; its end is the end of the session, as in the reference.
            read = read(host, &mut wire.source, &mut wire.inbox), if wire.inbox.held() < 16 * 1024 => {
                if !matches!(read, Ok(1..)) {
                    break true;
                }
                give_back(host, &mut wire.inbox);
            }
        }
    };
    entry.stack.borrow_mut().engine.end_poll();
    entry.peer.is_blocked.set(true);
    // A probe may wait for this.
    entry.changed.notify_waiters();
    if is_gone {
        entry.stack.borrow_mut().engine.handle_eof();
        entry.end(host, End::link(engineio::Reason::TransportClose, "a GET that waited was given up"));
        return Outcome::Gone;
    }
    if entry.is_over() && !entry.stack.borrow().engine.wants_transmit() {
        let id = *entry.stack.borrow().engine.sid();
        host.sessions.borrow_mut().remove(&id);
    }
    match entry.peer.take_payload(host.config.max_payload as usize) {
        Some(body) => Outcome::Body(body),
        None => Outcome::Unknown,
    }
}

/// A POST whose body is there.
pub async fn post<A: App>(host: &Rc<Host<A>>, entry: &Rc<Entry<A>>, mut body: Vec<u8>) -> Outcome {
    // Its own questions must not be what drops a client that is slow to fetch the answers.
    let patience = host.options.ping_timeout;
    while entry.peer.is_backed_up() && !entry.is_over() {
        let waited = timeout(std::time::Duration::from_millis(patience.into()), entry.changed.notified()).await;
        if waited.is_err() {
            break;
        }
    }
    let now = host.clock.now();
    let mut packets = Packets::new(&mut body);
    let mut replies = Replies::borrow(host);
    let mut end: Option<End> = None;
    let is_good = {
        let stack = &mut *entry.stack.borrow_mut();
        while let Some(event) = stack.engine.poll_post(&mut packets, now) {
            // Events behind the one that ended the session are nobody's.
            if end.is_none() {
                end = stack.handle(host, &entry.peer, &mut replies, event, now);
                if let Some(End { is_ours: true, .. }) = end {
                    stack.engine.close();
                }
            }
        }
        // What was answered stands in front of the packet that ends the session.
        replies.flush(&entry.peer);
        entry.transmit(&mut stack.engine);
        stack.engine.fault().is_none()
    };
    replies.give_back(host);
    if let Some(end) = end {
        entry.end(host, end);
    }
    entry.changed.notify_waiters();
    if is_good { Outcome::Taken } else { Outcome::Bad }
}

/// The clock of a session, as long as it is over polling.
async fn watch<A: App>(host: Rc<Host<A>>, entry: Rc<Entry<A>>) {
    loop {
        let due = {
            let stack = entry.stack.borrow();
            if entry.is_over() || stack.engine.transport() == Transport::WebSocket {
                return;
            }
            stack.due().unwrap_or(host.clock.now())
        };
        tokio::select! {
            () = sleep_until(host.clock.at(due)) => {}
            () = entry.changed.notified() => {}
            () = entry.peer.slow.notified() => {
                entry.end(&host, End::link(engineio::Reason::TransportClose, "does not fetch what it is sent"));
            }
        }
        if entry.is_over() {
            return;
        }
        let now = host.clock.now();
        let mut replies = Replies::borrow(&host);
        let end = {
            let stack = &mut *entry.stack.borrow_mut();
            if stack.engine.transport() == Transport::WebSocket {
                None
            } else {
                let end = stack.tick(&host, &entry.peer, &mut replies, now);
                replies.flush(&entry.peer);
                entry.transmit(&mut stack.engine);
                end
            }
        };
        replies.give_back(&host);
        if let Some(end) = end {
            entry.end(&host, end);
        }
    }
}

/// Whether a POST may come now.
pub fn begin_post<A: App>(host: &Rc<Host<A>>, entry: &Rc<Entry<A>>) -> Result<(), Outcome> {
    let begun = entry.stack.borrow_mut().engine.begin_post();
    match begun {
        Ok(()) => Ok(()),
        Err(PollError::Upgraded) => Err(Outcome::Upgraded),
        Err(_) => {
            entry.end(host, End::link(engineio::Reason::TransportError, "two POSTs at once"));
            Err(Outcome::Bad)
        }
    }
}

/// A body of a type that is not spoken: the session ends, as in the reference.
pub fn refuse_type<A: App>(host: &Rc<Host<A>>, entry: &Rc<Entry<A>>) -> Outcome {
    entry.stack.borrow_mut().engine.handle_eof();
    entry.end(host, End::link(engineio::Reason::TransportError, "a body of bytes"));
    Outcome::Bad
}
