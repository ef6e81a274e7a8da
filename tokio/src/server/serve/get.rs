//! The requests of a session over polling, whichever HTTP server they come from.

use crate::server::session::Session;
use sansocket::{
    endpoint::{Answer, Got, Input, ServerLink},
    engineio::Packets,
    socketio::Reason,
};
use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};
use tokio::time::timeout;

/// A GET that waits. Its connection ends when it is dropped before its answer was made: then the session ends, as in the JavaScript server.
pub(crate) struct Get<'s> {
    session: &'s Arc<Session>,
    is_answered: bool,
}

impl<'s> Get<'s> {
    /// # Errors
    /// The answer to send at once.
    pub(crate) fn begin(session: &'s Arc<Session>) -> Result<Self, Answer<'static>> {
        let begun = session.link(|link| link.begin_get(session.now()));
        if let Err(answer) = begun {
            session.work();
            return Err(answer);
        }
        Ok(Self::opening(session))
    }

    /// The GET that opened the session.
    pub(crate) fn opening(session: &'s Arc<Session>) -> Self {
        session.outbox.set_blocked(false);
        // Its deadline may be nearer now.
        session.changed.notify_waiters();
        Self { session, is_answered: false }
    }

    /// Waits until something is to be said, and gives the answer, in `body`. Can be dropped and called again.
    pub(crate) async fn answer<'b>(&mut self, body: &'b mut Vec<u8>) -> Answer<'b> {
        let session = self.session;
        let got = poll_fn(|context| {
            // Before the queue is looked at, so that whoever appends after that wakes this task.
            session.outbox.wakes(context);
            let mut stack = session.lock();
            match session.outbox.drain(|queue| stack.machine.link().poll_answer(queue, body)) {
                Got::Waits => Poll::Pending,
                got => Poll::Ready(got),
            }
        })
        .await;
        self.is_answered = true;
        session.outbox.set_blocked(true);
        session.work();
        // A probe or a POST may wait for this.
        session.changed.notify_waiters();
        session.inner.counted.here().bytes_out.add(if let Got::Payload { len, .. } = got { len } else { 0 });
        got.answer(body).unwrap_or(Got::GONE)
    }
}

impl Drop for Get<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.session.link(ServerLink::drop_get);
            self.session.work();
            self.session.changed.notify_waiters();
        }
    }
}

/// A POST whose body is being read. It is dropped if the body does not come.
pub(crate) struct Post<'s> {
    session: &'s Arc<Session>,
    is_posted: bool,
}

impl<'s> Post<'s> {
    /// # Errors
    /// The answer to send at once.
    pub(crate) fn begin(session: &'s Arc<Session>, content_type: Option<&[u8]>) -> Result<Self, Answer<'static>> {
        if let Err(answer) = session.link(|link| link.begin_post(content_type)) {
            session.work();
            return Err(answer);
        }
        Ok(Self { session, is_posted: false })
    }

    /// Handles the body.
    pub(crate) async fn post(mut self, body: &mut [u8]) -> Answer<'static> {
        let session = self.session;
        let config = &session.inner.config;
        // Its own questions must not be what drops a client that is slow to fetch the answers.
        let patience: Duration = config.ping_timeout;
        let has_room = async || {
            loop {
                let mut changed = std::pin::pin!(session.changed.notified());
                changed.as_mut().enable();
                if !(session.outbox.is_backed_up() || session.is_late()) || session.link(|link| link.is_over()) {
                    return;
                }
                changed.await;
            }
        };
        session.inner.counted.here().bytes_in.add(body.len());
        let mut input = Input::Post(Packets::new(body));
        loop {
            if timeout(patience, has_room()).await.is_err() {
                if session.outbox.is_backed_up() {
                    // It does not take what it is sent.
                    session.outbox.give_up();
                } else if session.is_late() {
                    // Its handlers hang. Its memory must not grow with each of its requests.
                    session.close(Reason::ForcedServerClose);
                }
            }
            if !session.receive(&mut input).await {
                break;
            }
        }
        self.is_posted = true;
        session.changed.notify_waiters();
        session.link(|link| link.posted())
    }
}

impl Drop for Post<'_> {
    fn drop(&mut self) {
        if !self.is_posted {
            self.session.link(ServerLink::drop_post);
        }
    }
}
