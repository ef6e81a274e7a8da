use crate::{
    json::Str,
    socketio::{Namespace, Reason, acks::AckList},
};
use core::fmt;

/// Memory for one namespace of a client: 80 bytes. Lend an array, a slice or a `Vec` of [`EMPTY`](Self::EMPTY), with as many slots as namespaces that
/// are joined on one link. See [`Session`](super::Session).
///
/// A slot holds the state of the namespace, the lists of its acknowledgements, and what connection state recovery needs: the private id of the client
/// and the offset of the last event, of up to 32 bytes each. If one of them is longer, the connection is not recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketSlot {
    /// Acknowledgements of packets that were sent. Those of packets that wait in a queue survive the loss of the link.
    pub(super) sent: AckList,
    pub(super) queued: AckList,
    pub(super) namespace: Namespace,
    pub(super) state: State,
    /// The application wants to be in the namespace.
    pub(super) is_wanted: bool,
    /// The application was asked for the credentials of the CONNECT that is owed.
    pub(super) is_auth_asked: bool,
    /// Why the client has left the namespace. This was not reported yet.
    pub(super) left: Option<Reason>,
    /// Identifies the socket ([`AckRequest`](crate::socketio::AckRequest)). 0 while there is none.
    pub(super) number: u32,
    pub(super) pid: Short,
    pub(super) offset: Short,
}

/// What the server was told of a namespace, and has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The slot is not in use.
    Free,
    /// Not joined.
    Out,
    /// CONNECT was sent.
    Asked,
    /// CONNECT was sent, and the application has left since. If the server accepts, DISCONNECT is owed.
    Dropped,
    Joined,
    /// DISCONNECT is owed.
    Leaving,
}

/// The slot of the namespace.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(super) fn slot_of(sockets: &mut [SocketSlot], namespace: Namespace) -> Option<&mut SocketSlot> {
    sockets.iter_mut().find(|s| s.namespace == namespace && s.state != State::Free)
}

impl SocketSlot {
    /// A slot that is not in use.
    pub const EMPTY: Self = Self {
        sent: AckList::EMPTY,
        queued: AckList::EMPTY,
        namespace: Namespace(0),
        state: State::Free,
        is_wanted: false,
        is_auth_asked: false,
        left: None,
        number: 0,
        pid: Short::EMPTY,
        offset: Short::EMPTY,
    };

    pub(super) const fn of(namespace: Namespace) -> Self {
        Self { namespace, state: State::Out, ..Self::EMPTY }
    }

    /// Whether another namespace can have the slot.
    pub(super) fn is_vacant(&self) -> bool {
        match self.state {
            State::Free => true,
            State::Out => !self.is_wanted && self.left.is_none() && self.queued == AckList::EMPTY,
            _ => false,
        }
    }

    pub(super) fn owes_connect(&self) -> bool {
        self.state == State::Out && self.is_wanted
    }

    /// The id and offset with which the lost connection may be recovered.
    pub(super) fn recovery(&self) -> Option<(&[u8], Option<&[u8]>)> {
        self.pid.get().map(|pid| (pid, self.offset.get()))
    }
}

/// A string of 1 to 32 bytes, or none. `Debug` does not print it: with the private id another client can take the connection over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Short {
    len: u8,
    bytes: [u8; 32],
}

impl Short {
    pub(super) const EMPTY: Self = Self { len: 0, bytes: [0; 32] };

    /// The unescaped string. None if it is too long.
    pub(super) fn of(text: Str<'_>) -> Self {
        let mut bytes = [0; 32];
        let len = text.unescape(&mut bytes).map_or(0, |text| text.len());
        Self { len: len.to_le_bytes()[0], bytes }
    }

    /// Copies it. An assignment within one session would be a `memmove`, which is 650 bytes of flash that nothing else needs.
    #[inline(never)]
    pub(super) fn put(&self, into: &mut Self) {
        *into = *self;
    }

    pub(super) fn get(&self) -> Option<&[u8]> {
        self.bytes.get(..usize::from(self.len)).filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Short(..)")
    }
}
