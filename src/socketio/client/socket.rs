use crate::socketio::{Namespace, acks::AckList};

/// Memory for one namespace of a client: its state, its acknowledgements, and what connection state recovery needs (a `pid` of up to 32 bytes and an
/// offset of up to 32 bytes; longer ones: no recovery). Lend as many as namespaces are joined on one link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketSlot {
    pub(super) namespace: Namespace,
    pub(super) state: State,
    /// Identifies the socket ([`AckRequest`](crate::socketio::AckRequest)): another after each CONNECT.
    pub(super) number: u32,
    /// Acknowledgements of packets that were sent, and of packets that wait to be sent (these survive the loss of the link).
    pub(super) sent: AckList,
    pub(super) waiting: AckList,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The slot is not in use.
    Free,
    /// Not joined; join it when the link opens, if `wanted`. (To be worked out.)
    Resting,
}

impl SocketSlot {
    /// A slot that is not in use.
    pub const EMPTY: Self =
        Self { namespace: Namespace(0), state: State::Free, number: 0, sent: AckList::EMPTY, waiting: AckList::EMPTY };
}
