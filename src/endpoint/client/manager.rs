//! What a client does by itself: when it connects, when it connects again, and what it tells about each ending.

use super::{
    ClientEnd, Failure, Link, Over, Step, Task,
    backlog::{Kind, LOST, Record},
    end::{Failed, Phase},
};
use crate::{
    engineio,
    socketio::{AckSlot, Attachments, ExpectAck, Namespace, Namespaces, PeerError, client::Event, client::SocketSlot},
    time::Instant,
};

impl<L, N, A, S, B> ClientEnd<L, N, A, S, B>
where
    L: Link,
    N: Namespaces,
    A: AsMut<[AckSlot]> + AsRef<[AckSlot]>,
    S: AsMut<[SocketSlot]> + AsRef<[SocketSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// The next thing to tell or to do that does not come from the link's bytes or deadlines.
    pub(super) fn next(&mut self, now: Instant) -> Option<Step<'static>> {
        if let Some(Failed { failure, attempt, retry }) = self.failed.take() {
            return Some(Step::Failed { failure, attempt, retry });
        }
        if let Some(step) = self.next_of_session(now) {
            return Some(step);
        }
        match self.link.poll_task() {
            Some(Task::Open(line)) => return Some(Step::Open(line)),
            Some(Task::Close(line)) => return Some(Step::Close(line)),
            None => {}
        }
        match self.phase {
            Phase::Linked => {
                if let Some(namespace) = self.io.next_auth() {
                    return Some(Step::Auth(namespace));
                }
                if !self.may_close() {
                    return None;
                }
                self.close_link(now);
            }
            Phase::Waiting(_) if !self.io.wants_any() => self.phase = Phase::Ending(self.left()),
            Phase::Waiting(at) => {
                if now < at || !self.link.is_over() {
                    return None;
                }
                self.phase = Phase::Linked;
                self.link.start(now);
            }
            Phase::Ending(over) => {
                // Without a deadline all lines are closed.
                if !self.link.is_over() || self.link.poll_timeout().is_some() {
                    return None;
                }
                self.phase = Phase::Resting;
                return Some(Step::Over(over));
            }
            Phase::Resting => return None,
        }
        Some(Step::Again)
    }

    /// Handles an event of the link. `None`: nothing is to be told, or it is told by [`next`](Self::next).
    pub(super) fn handle<'e>(&mut self, event: engineio::Event<'e>, now: Instant) -> Option<Event<'e>> {
        if let engineio::Event::Closed(_) = event {
            self.lose();
        }
        match self.io.handle_event(event) {
            Ok(Event::Closed(_)) => {
                self.ended(now);
                None
            }
            Ok(event) => self.noticed(event),
            Err(error) => {
                self.fault = Some(error);
                self.link.close(now);
                None
            }
        }
    }

    /// Whether the link can be closed, since no namespace is wanted and all is sent that belongs to those that were.
    pub(super) fn may_close(&self) -> bool {
        let is_done =
            !self.link.is_open() || (!self.io.wants_transmit() && self.backlog.first(Kind::Leaving).is_none());
        self.phase == Phase::Linked && !self.is_closing && !self.io.wants_any() && is_done
    }

    pub(super) fn close_link(&mut self, now: Instant) {
        self.is_closing = true;
        self.is_stirred = true;
        self.link.close(now);
    }

    /// A namespace that is wanted.
    pub(super) fn wanted(&self) -> Option<Namespace> {
        self.io.namespaces().find(|namespace| self.io.is_wanted(*namespace))
    }

    /// Removes the events whose deadlines have passed.
    pub(super) fn purge(&mut self) {
        let io = &self.io;
        self.backlog.update(&mut |record| {
            if let (Kind::Event | Kind::Volatile, Some(id)) = (record.kind, record.id)
                && !io.is_expected(record.namespace, u64::from(id))
            {
                record.kind = Kind::Dead;
            }
        });
    }

    fn next_of_session(&mut self, now: Instant) -> Option<Step<'static>> {
        if let Some((namespace, token, error)) = self.backlog.next_dropped() {
            return Some(told(Event::AckFailed { namespace, token, error }));
        }
        if let Some((namespace, reason)) = self.io.next_left() {
            return Some(told(Event::Disconnected { namespace, reason }));
        }
        let (namespace, id, token, error) = self.io.next_failed(now)?;
        let failed = Event::AckFailed { namespace, token, error };
        let Some((at, record)) = self.backlog.in_flight(namespace, id) else { return Some(told(failed)) };
        self.backlog.rescan_retries();
        if let Some(left) = record.left.checked_sub(1)
            && let Ok(id) = self.io.expect(namespace, ExpectAck { token, deadline: None })
        {
            self.backlog.set(at, Record { kind: Kind::Retry, id: u32::try_from(id).ok(), left, ..record });
            return Some(Step::Again);
        }
        self.backlog.remove(at);
        Some(if record.is_asked { told(failed) } else { Step::Again })
    }

    /// What an event means for the packets that wait.
    fn noticed<'e>(&mut self, event: Event<'e>) -> Option<Event<'e>> {
        match event {
            Event::Opened => self.backoff.reset(),
            Event::Connected { .. } => self.backlog.rescan(),
            // A server can also refuse what it has accepted.
            Event::Refused { namespace, .. } | Event::Disconnected { namespace, .. } => {
                self.is_refused = true;
                self.removed(namespace);
            }
            // Others are not in flight.
            Event::Ack(mut packet) if packet.token.is_some() => {
                if let Some((at, record)) = self.backlog.in_flight(packet.namespace, packet.id) {
                    // It counts when all its attachments have arrived.
                    self.is_arriving = packet.attachments > 0;
                    if !self.is_arriving {
                        self.backlog.remove(at);
                        self.backlog.rescan_retries();
                    }
                    if !record.is_asked {
                        packet.token = None;
                    }
                }
                return Some(Event::Ack(packet));
            }
            Event::Attachment(_) if self.is_arriving => self.settle(),
            Event::Ignored => return None,
            _ => {}
        }
        Some(event)
    }

    /// An attachment of an acknowledgement arrived. Removes the event with retries if it was the last one.
    fn settle(&mut self) {
        let io = &self.io;
        self.backlog.update(&mut |record| {
            if let (Kind::InFlight, Some(id)) = (record.kind, record.id)
                && !io.is_expected(record.namespace, u64::from(id))
            {
                record.kind = Kind::Dead;
            }
        });
        self.backlog.rescan_retries();
    }

    /// The server has removed this client from the namespace, or has refused what it had accepted. Its CONNECT, answers and volatile events go.
    fn removed(&mut self, namespace: Namespace) {
        let io = &mut self.io;
        self.backlog.update(&mut |record| {
            if record.namespace != namespace || !matches!(record.kind, Kind::Auth | Kind::Answer | Kind::Volatile) {
                return;
            }
            record.id = record.id.and_then(|id| io.forget(namespace, u64::from(id)));
            record.kind = if record.id.is_some() { Kind::Dropped } else { Kind::Dead };
            record.left = LOST;
        });
    }

    /// The link is lost: what belonged to it goes. What waits for a namespace stays.
    fn lose(&mut self) {
        let io = &mut self.io;
        self.backlog.update(&mut |record| {
            if let Kind::Auth | Kind::Answer | Kind::Leaving | Kind::Volatile = record.kind {
                if let (Kind::Volatile, Some(id)) = (record.kind, record.id) {
                    // So it fails with the others.
                    io.mark_sent(record.namespace, u64::from(id));
                }
                record.kind = Kind::Dead;
            }
        });
    }

    /// The link has ended: what next?
    fn ended(&mut self, now: Instant) {
        let failure = match self.fault.take() {
            Some(PeerError::OldServer) => Failure::Version,
            Some(PeerError::AttachmentsTooLarge) => Failure::TooLarge,
            Some(error) => Failure::Socket(error),
            None => self.link.failure().unwrap_or(Failure::Closed),
        };
        let is_closed = core::mem::take(&mut self.is_closing);
        self.is_stirred = true;
        if !self.io.wants_any() {
            self.phase = Phase::Ending(self.left());
            return;
        }
        if is_closed {
            // A namespace was wanted again while the link was closing.
            self.phase = Phase::Waiting(now);
            return;
        }
        let attempt = self.backoff.attempts();
        let random = self.next_random();
        // A request that cannot be written now never can.
        let delay = if let Failure::Config(_) = failure { None } else { self.backoff.next(random) };
        let retry = delay.map(|delay| now.after_millis(delay));
        match delay {
            Some(delay) => note!("connects again in {} ms", delay),
            None => note!("does not connect again"),
        }
        self.failed = Some(Failed { failure, attempt, retry });
        self.phase = retry.map_or(Phase::Ending(Over::GaveUp), Phase::Waiting);
    }

    /// Why no namespace is wanted.
    const fn left(&self) -> Over {
        if self.is_refused { Over::Refused } else { Over::Closed }
    }

    /// The next number of an xorshift generator (Marsaglia 2003).
    fn next_random(&mut self) -> u32 {
        let mut x = if self.random == 0 { 0x9e37_79b9 } else { self.random };
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        self.random = x;
        x
    }
}

const fn told(event: Event<'static>) -> Step<'static> {
    Step::Event(event, Attachments::NONE)
}
