//! Handlers that wait for something, and the events that wait for them.

use super::{Socket, dispatch::Guarded, session::Session};
use crate::{args::Raw, handler::Work};
use sansocket::socketio::{AckRequest, Attachments};
use std::sync::{Arc, atomic::Ordering};

/// Bytes of events that wait above which nothing is read. Until then the client is read, since handlers may wait for its acknowledgements.
const MUCH: usize = 64 * 1024;

/// An event that waits until fewer handlers do.
#[derive(Debug)]
pub(crate) struct Late {
    pub(crate) socket: Socket,
    pub(crate) name: String,
    pub(crate) args: Raw,
    pub(crate) request: Option<AckRequest>,
}

impl Late {
    fn size(&self) -> usize {
        let files: usize = self.args.files.iter().map(bytes::Bytes::len).sum();
        size_of::<Self>() + self.name.len() + self.args.json.len() + files
    }
}

/// A handler that waits is counted until it is done or dropped.
struct Counted(Arc<Session>);

impl Drop for Counted {
    fn drop(&mut self) {
        let Self(session) = self;
        let was = session.handlers.fetch_sub(1, Ordering::Relaxed);
        session.inner.counted.handlers.sub(1);
        if was >= session.inner.config.max_handlers {
            session.stir();
        }
    }
}

impl Session {
    /// Runs a handler on that waits for something.
    pub(crate) fn run(self: &Arc<Self>, work: Work) {
        let (counted, guarded) = self.counted(work);
        self.inner.spawn(async move {
            let _counted = counted;
            guarded.await;
        });
    }

    /// As `run`, but the work is dropped when the session is over.
    pub(crate) fn run_while_open(self: &Arc<Self>, work: Work) {
        let (counted, guarded) = self.counted(work);
        self.inner.spawn(async move {
            let session = counted.0.clone();
            tokio::select! {
                () = guarded => {}
                () = session.over() => {}
            }
        });
    }

    fn counted(self: &Arc<Self>, work: Work) -> (Counted, tracing::instrument::Instrumented<Guarded>) {
        self.handlers.fetch_add(1, Ordering::Relaxed);
        self.inner.counted.handlers.add(1);
        let guarded = Guarded { work, session: self.clone() };
        (Counted(self.clone()), tracing::Instrument::instrument(guarded, self.span.clone()))
    }

    /// Waits until the session is over.
    async fn over(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.link(|link| link.is_over()) {
                return;
            }
            changed.await;
        }
    }

    /// As many handlers wait for something as may.
    pub(crate) fn is_busy(&self) -> bool {
        self.handlers.load(Ordering::Relaxed) >= self.inner.config.max_handlers
    }

    /// So many events wait for handlers that nothing is to be read.
    pub(crate) fn is_late(&self) -> bool {
        self.late.load(Ordering::Relaxed) > MUCH
    }

    /// Events wait, so that a later one waits too.
    pub(crate) fn is_any_late(&self) -> bool {
        self.late.load(Ordering::Relaxed) > 0
    }

    /// Has an event wait.
    pub(crate) fn delay(&self, late: Late) {
        self.late.fetch_add(late.size(), Ordering::Relaxed);
        self.lock().rare().late.push_back(late);
    }

    /// An event that waited.
    pub(crate) fn handle_late(self: &Arc<Self>, late: Late) {
        self.late.fetch_sub(late.size(), Ordering::Relaxed);
        if !self.is_late() {
            // A POST may wait for this.
            self.changed.notify_waiters();
        }
        let Late { socket, name, args, request } = late;
        if socket.is_connected() {
            let files: Vec<&[u8]> = args.files.iter().map(|file| &file[..]).collect();
            self.event(&socket, &name, args.borrowed(&files), request);
        }
    }
}

/// Arguments that own their memory, lent to handlers.
pub(crate) trait Lend {
    fn borrowed<'a>(&'a self, files: &'a [&'a [u8]]) -> crate::handler::Arrived<'a>;
}

impl Lend for Raw {
    fn borrowed<'a>(&'a self, files: &'a [&'a [u8]]) -> crate::handler::Arrived<'a> {
        crate::handler::Arrived { json: &self.json, files: Attachments::from(files) }
    }
}
