use crate::{bytes::Capacity, ws};
use core::fmt;

/// Why a packet was not written. Nothing was changed. See the [module page](crate::engineio) for an example.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The output is too small for the packet. Write it to the socket, clear it and call again, or lend more. `needed` is exact.
    Capacity(Capacity),
    /// The WebSocket cannot send a message now: it is closing, or a message that is sent in parts is open.
    State(ws::StateError),
    /// The text contains the byte 0x1e and the session uses polling. That byte separates the packets of a payload, so such a text cannot be sent.
    Separator,
}

impl From<Capacity> for SendError {
    fn from(e: Capacity) -> Self {
        Self::Capacity(e)
    }
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
            Self::Separator => f.write_str("a text with the byte 0x1e cannot be sent over polling"),
        }
    }
}

impl core::error::Error for SendError {}
