use crate::{
    bytes::Capacity,
    engineio, socketio,
    ws::{Inbox, Storage},
};
use core::fmt;

/// The memory that is too small.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The receive buffer, in bytes. Grow it with [`ws::Inbox::replace`](crate::ws::Inbox::replace).
    Inbox,
    /// The memory in which compressed messages are unpacked, in bytes. Grow it with
    /// [`ws::Inbox::replace_unpacked`](crate::ws::Inbox::replace_unpacked).
    Unpacked,
    /// The memory into which packets or the body of an answer are written, in bytes.
    Output,
    /// The memory for attachments, in bytes. Grow it with [`Collector::replace`](crate::socketio::Collector::replace).
    Collector,
    /// The slots for acknowledgements in flight. Grow them with [`Session::replace_acks`](crate::socketio::server::Session::replace_acks).
    Acks,
    /// The slots of the queue of one receiver. Grow them with [`Queue::replace`](crate::socketio::Queue::replace).
    Queue,
    /// The packets that a client keeps until they can be sent, in bytes. Grow it with
    /// [`ClientEnd::replace_backlog`](super::client::ClientEnd::replace_backlog).
    Backlog,
    /// The slots for the namespaces of a client. Grow them with [`ClientEnd::replace_sockets`](super::client::ClientEnd::replace_sockets).
    Sockets,
}

/// A call needs more memory. Nothing was changed and nothing is lost. Allocate [`to`](Self::to) bytes or slots, hand them over and repeat the call;
/// or close the connection.
///
/// `to` is the size of the new memory, at least twice that of the old one. If you always allocate `to`, each byte is copied a constant number of
/// times on average. The limits of the connection bound it.
///
/// ```
/// use sansocket::{Capacity, endpoint::{Grow, What}};
///
/// let grow = Grow::new(What::Inbox, Capacity { needed: 1001, available: 1000 });
/// assert_eq!(grow.to, 2000);
/// ```
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Grow {
    /// The memory that is too small.
    pub what: What,
    /// Its new size, in bytes or slots.
    pub to: usize,
}

impl Grow {
    /// How to grow the memory `what` after the error `capacity`.
    pub const fn new(what: What, capacity: Capacity) -> Self {
        Self::least(what, capacity.needed, capacity.available)
    }

    /// How to grow after a packet was not written. `None` if the reason is not memory.
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

    /// How to grow after a [`ClientEnd`](super::client::ClientEnd) refused a packet: its backlog, or its slots for acknowledgements. `None` if the
    /// reason is not memory.
    ///
    /// ```
    /// use sansocket::{Capacity, endpoint::{Grow, What}, socketio::SendError};
    ///
    /// let error = SendError::Capacity(Capacity { needed: 120, available: 100 });
    /// assert_eq!(Grow::of_client(&error), Some(Grow { what: What::Backlog, to: 200 }));
    /// ```
    pub const fn of_client(error: &socketio::SendError) -> Option<Self> {
        match Self::of(error) {
            Some(Self { what: What::Output, to }) => Some(Self { what: What::Backlog, to }),
            grow => grow,
        }
    }

    /// How to grow after a [`ClientEnd`](super::client::ClientEnd) had no slot for a namespace.
    ///
    /// ```
    /// use sansocket::{endpoint::{Grow, What}, socketio::SlotCapacity};
    ///
    /// let error = SlotCapacity { needed: 2, available: 1 };
    /// assert_eq!(Grow::of_sockets(&error), Grow { what: What::Sockets, to: 2 });
    /// ```
    pub const fn of_sockets(error: &socketio::SlotCapacity) -> Self {
        Self::least(What::Sockets, error.needed, error.available)
    }

    /// How to grow the memory of `inbox` that a message did not fit into.
    pub(super) fn of_inbox<S: Storage>(inbox: &mut Inbox<S>, capacity: Capacity) -> Self {
        Self::new(if inbox.is_unpacking() { What::Unpacked } else { What::Inbox }, capacity)
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
