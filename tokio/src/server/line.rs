//! What the sockets of a session hold of it.

use super::{Handshake, inner::Inner, outbox::Outbox, session::Session};
use std::sync::{Arc, Weak};

/// What is needed of a session to reach its client. An application may keep sockets for ever, so they hold this and not the session.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) inner: Arc<Inner>,
    pub(crate) outbox: Outbox,
    pub(crate) handshake: Handshake,
    session: Weak<Session>,
}

impl Line {
    pub(crate) fn new(inner: &Arc<Inner>, outbox: Outbox, handshake: Handshake, session: Weak<Session>) -> Arc<Self> {
        Arc::new(Self { inner: inner.clone(), outbox, handshake, session })
    }

    /// `None`: it is over, and nothing of it is in use.
    pub(crate) fn session(&self) -> Option<Arc<Session>> {
        self.session.upgrade()
    }
}
