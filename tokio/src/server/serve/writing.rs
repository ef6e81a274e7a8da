use crate::server::inner::Inner;
use std::sync::Arc;

/// A task that may have something to write: the end of the server waits until this is dropped, so that clients get what they are told.
#[derive(Debug)]
pub(crate) struct Writing(Arc<Inner>);

impl Writing {
    pub(crate) fn new(inner: &Arc<Inner>) -> Self {
        inner.writing.add(1);
        Self(inner.clone())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.writing.sub(1);
        if self.0.is_closing() {
            self.0.closing.notify_waiters();
        }
    }
}
