use crate::{bytes::Capacity, engineio, socketio};
use core::fmt;

/// Which memory is too small.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The receive buffer, in bytes: [`ws::Inbox::replace`](crate::ws::Inbox::replace).
    Inbox,
    /// The memory that packets, or the body of an answer, are written into, in bytes.
    Output,
    /// The memory for attachments, in bytes: [`Collector::replace`](crate::socketio::Collector::replace).
    Collector,
    /// The table of acknowledgements that are waited for, in slots: [`Session::replace_acks`](crate::socketio::server::Session::replace_acks).
    Acks,
    /// The queue of packets for one receiver, in slots: [`Queue::replace`](crate::socketio::Queue::replace).
    Queue,
}

/// A call needs more memory than there is; nothing was changed and nothing is lost. Allocate [`to`](Self::to), hand it over, and call again; or
/// give up the connection.
///
/// This is how all machines grow: `to` is the size of the new memory, and at least twice the size of the old one. Who always hands over `to` copies each
/// byte a constant number of times on average, however the need was found. The limits of the machines bound it.
///
/// ```
/// use sansocket::{Capacity, endpoint::{Grow, What}};
///
/// let grow = Grow::new(What::Inbox, Capacity { needed: 1001, available: 1000 });
/// assert_eq!(grow.to, 2000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Grow {
    /// What is too small.
    pub what: What,
    /// Its size after growing, in bytes or slots.
    pub to: usize,
}

impl Grow {
    /// What to do about `capacity`, an error of the memory `what`.
    pub const fn new(what: What, capacity: Capacity) -> Self {
        Self::least(what, capacity.needed, capacity.available)
    }

    /// What to do about a packet that was not written; `None` when memory was not the reason.
    pub const fn of(error: &socketio::SendError) -> Option<Self> {
        match *error {
            socketio::SendError::Capacity(capacity)
            | socketio::SendError::Link(engineio::SendError::Capacity(capacity)) => {
                Some(Self::new(What::Output, capacity))
            }
            socketio::SendError::Acks(slots) => Some(Self::least(What::Acks, slots.needed, slots.available)),
            _ => None,
        }
    }

    const fn least(what: What, needed: usize, available: usize) -> Self {
        let double = available.saturating_mul(2);
        Self { what, to: if needed > double { needed } else { double } }
    }
}

impl fmt::Display for Grow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} must grow to {}", self.what, self.to)
    }
}

impl core::error::Error for Grow {}
