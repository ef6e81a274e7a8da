use super::{Failure, Line};
use crate::{
    socketio::{Attachments, Namespace, client::Event},
    time::Instant,
};

/// The memory that a [`ClientEnd`](super::ClientEnd) is lent: arrays, slices or `Vec`s. See the [module page](super) for an example.
#[derive(Clone, Debug)]
pub struct Memory<A, S, B> {
    /// One [`AckSlot`](crate::socketio::AckSlot) for each acknowledgement that is waited for, and for each event with retries that waits.
    pub acks: A,
    /// One [`SocketSlot`](crate::socketio::client::SocketSlot) for each namespace.
    pub sockets: S,
    /// Bytes for the packets that wait to be sent. Each needs 16 bytes besides itself.
    pub backlog: B,
}

/// The result of a call of a [`ClientEnd`](super::ClientEnd).
#[derive(Clone, Copy, Debug)]
pub enum Step<'e> {
    /// There is nothing to do now.
    Idle,
    /// Something was done that is not an event. Call again.
    Again,
    /// Open this line to the host and port of the URL. Then call [`opened`](super::ClientEnd::opened), or
    /// [`handle_error`](super::ClientEnd::handle_error).
    Open(Line),
    /// Write what the outbox of this line holds, and close it. Nothing more is read from it.
    Close(Line),
    /// Credentials for this namespace: call [`authorize`](super::ClientEnd::authorize), now or later. Only after
    /// [`with_auth`](super::ClientEnd::with_auth).
    Auth(Namespace),
    /// An event, with its attachments if it is an event or acknowledgement.
    Event(Event<'e>, Attachments<'e>),
    /// An attempt to connect failed, or a connection ended that this end did not close. The events about its namespaces follow.
    Failed {
        /// Why, in words for people.
        failure: Failure,
        /// The number of attempts to reconnect so far. 0: this was the first connection, or one that was open.
        attempt: u32,
        /// When the next attempt begins. `None`: there is none.
        retry: Option<Instant>,
    },
    /// There is no connection, and none will be made until [`connect`](super::ClientEnd::connect) is called. Returned once.
    Over(Over),
}

/// Why a [`ClientEnd`](super::ClientEnd) does not connect any more. See [`Step::Over`].
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// This end has left all namespaces.
    Closed,
    /// The server has refused or removed this client from the last of its namespaces.
    Refused,
    /// The number of attempts was reached, or the request cannot be written ([`Failure::Config`]). The namespaces are still wanted: a call of
    /// [`connect`](super::ClientEnd::connect) joins all of them.
    GaveUp,
}
