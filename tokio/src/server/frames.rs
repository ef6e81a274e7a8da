use bytes::Bytes;
use std::sync::{Arc, OnceLock};

/// What receivers without takeover share: the same frames compressed, as soon as the first of them needs it. `None`: they do not get shorter.
pub(crate) type Twin = OnceLock<Option<Bytes>>;

/// Stored frames of one packet, which may wait for many receivers.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    plain: Bytes,
    twin: Option<Arc<Twin>>,
}

impl Frames {
    /// For many receivers, which compress it once.
    pub(crate) fn compressed_once(plain: Bytes) -> Self {
        Self { plain, twin: Some(Arc::default()) }
    }

    pub(crate) const fn plain(&self) -> &Bytes {
        &self.plain
    }

    pub(crate) fn twin(&self) -> Option<&Twin> {
        self.twin.as_deref()
    }
}

impl From<Bytes> for Frames {
    fn from(plain: Bytes) -> Self {
        Self { plain, twin: None }
    }
}

impl AsRef<[u8]> for Frames {
    fn as_ref(&self) -> &[u8] {
        &self.plain
    }
}
