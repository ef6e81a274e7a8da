use crate::{bytes::Capacity, ws};
use core::fmt;

/// Why nothing was written; nothing was changed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The output has less room than the packet needs. Write it out, clear it and call again, or lend more.
    Capacity(Capacity),
    /// The WebSocket takes nothing now: it is closing, or a message sent in parts is open.
    State(ws::StateError),
    /// A text with the byte 0x1e, for a session over polling: that byte separates the packets of a payload.
    Separator,
}

impl From<ws::SendError> for SendError {
    fn from(e: ws::SendError) -> Self {
        match e {
            ws::SendError::Capacity(e) => Self::Capacity(e),
            ws::SendError::State(e) => Self::State(e),
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity(e) => e.fmt(f),
            Self::State(e) => e.fmt(f),
            Self::Separator => f.write_str("text with the byte 0x1e over polling"),
        }
    }
}

impl core::error::Error for SendError {}
