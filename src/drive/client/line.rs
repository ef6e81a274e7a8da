use crate::time::Instant;

/// The line to the server.
#[derive(Debug)]
pub(super) enum Line<T> {
    Down,
    Open(T),
    /// It takes nothing any more. Until this time it is read, since the server may have said why.
    Deaf(T, Instant),
    /// The server has ended it, and it is to be closed.
    Ended(T),
    /// The outbox is written, until this time at most. Nothing is read.
    Closing(T, Instant),
}

impl<T> Line<T> {
    /// Becomes `Down`, and returns the transport.
    pub(super) fn take(&mut self) -> Option<T> {
        match core::mem::replace(self, Self::Down) {
            Self::Down => None,
            Self::Open(t) | Self::Deaf(t, _) | Self::Ended(t) | Self::Closing(t, _) => Some(t),
        }
    }

    /// Where bytes can arrive, and until when they are read.
    pub(super) const fn reading(&mut self) -> Option<(&mut T, Instant)> {
        match self {
            Self::Open(transport) => Some((transport, Instant::FAR_FUTURE)),
            Self::Deaf(transport, until) => Some((transport, *until)),
            Self::Down | Self::Ended(_) | Self::Closing(..) => None,
        }
    }

    /// Whether bytes can arrive.
    pub(super) const fn is_read(&self) -> bool {
        matches!(self, Self::Open(_) | Self::Deaf(..))
    }
}
