//! Who needs a namespace that was made for its clients.

use super::{inner::Inner, space::Space};
use std::{ops::Deref, sync::Arc};

/// A namespace that a client is in, or is about to join. It is not forgotten before, and forgotten after the last one.
///
/// Dropping one takes the lock of the namespaces.
#[derive(Debug)]
pub(crate) struct Lease {
    space: Arc<Space>,
    inner: Arc<Inner>,
}

impl Lease {
    /// A lease that was counted already: [`Spaces::lease`](super::space::Spaces::lease).
    pub(crate) fn counted(space: Arc<Space>, inner: &Arc<Inner>) -> Self {
        Self { space, inner: inner.clone() }
    }

    pub(crate) const fn space(&self) -> &Arc<Space> {
        &self.space
    }
}

impl Deref for Lease {
    type Target = Space;

    fn deref(&self) -> &Space {
        &self.space
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.space.is_dynamic {
            self.inner.spaces.give_back(&self.space);
        }
    }
}
