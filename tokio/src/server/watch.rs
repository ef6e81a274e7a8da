//! The time of a session, and the task that has its deadlines as long as no socket does.

use super::session::{Machine, Session};
use crate::sync::atomic::Ordering;
use sansocket::{engineio::Transport, time::Instant};
use std::{sync::Arc, time::Duration};

struct Watching(Arc<Session>);

impl Drop for Watching {
    fn drop(&mut self) {
        if self.0.link(|link| link.transport() == Transport::Polling && !link.is_gone()) {
            self.0.cut();
        }
    }
}

impl Session {
    /// The clock of a session, as long as it is over polling. A session whose clock is dropped, with its runtime, ends.
    pub(crate) fn watch(self: Arc<Self>) -> impl Future<Output = ()> + Send {
        let watching = Watching(self);
        async move { watching.0.watched().await }
    }

    async fn watched(self: &Arc<Self>) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.link(|link| link.transport() != Transport::Polling || link.is_gone()) {
                return;
            }
            // Who wanted a turn before this task listened has told nobody.
            if !self.is_turn_due.load(Ordering::SeqCst) {
                tokio::select! {
                    () = self.inner.clock.sleep(self.due()) => {}
                    () = changed => {}
                }
            }
            if self.link(|link| link.transport()) == Transport::Polling {
                // Another task may have its turn for long, as handlers may block: this one must not ask again and again meanwhile.
                self.turn_ended().await;
                self.work();
            }
        }
    }

    /// The time of this session.
    pub(crate) fn now(&self) -> Instant {
        Instant::from_millis(self.inner.clock.now().as_millis().saturating_sub(self.paused.load(Ordering::Relaxed)))
    }

    /// Stops the clock of the session for a time that is over.
    pub(crate) fn pause(&self, time: Duration) {
        self.paused.fetch_add(u64::try_from(time.as_millis()).unwrap_or(0), Ordering::Relaxed);
    }

    /// When the machine has something to do; `None`: never.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.standing().1
    }

    /// Whether it is over, and otherwise when the machine has something to do.
    pub(crate) fn standing(&self) -> (bool, Option<Instant>) {
        let mut stack = self.lock();
        let due = match &stack.machine {
            Machine::SocketIo(end) => end.poll_timeout(),
            Machine::Engine(link) => link.poll_timeout(),
        };
        let is_over = stack.machine.link().is_over();
        drop(stack);
        (is_over, due.map(|due| due.after_millis(self.paused.load(Ordering::Relaxed))))
    }
}
