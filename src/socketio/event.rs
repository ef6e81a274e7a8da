use super::{Namespace, Placeholder};
use crate::json::{Array, Elements, Value};

/// An acknowledgement from the peer. See [`server::Session`](super::server::Session) and [`client::Session`](super::client::Session).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckPacket<'m> {
    /// The namespace that it was sent to.
    pub namespace: Namespace,
    /// The token of the [`ExpectAck`](super::ExpectAck). `None` if the session does not wait for this acknowledgement: it came too late, or it
    /// answers a broadcast ([`BroadcastAcks`](super::server::BroadcastAcks)).
    pub token: Option<u32>,
    /// The id of the acknowledgement.
    pub id: u64,
    /// The number of binary messages that follow, each as an event with an [`Attachment`].
    pub attachments: u8,
    pub(super) used: u64,
    pub(super) payload: Array<'m>,
}

impl<'m> AckPacket<'m> {
    /// The arguments.
    #[must_use]
    pub const fn args(&self) -> Elements<'m> {
        self.payload.elements()
    }

    /// Whether a placeholder in the arguments refers to this attachment. Unreferenced attachments can be ignored. See
    /// [`Collector`](super::Collector).
    #[must_use]
    pub fn uses(&self, attachment: Placeholder) -> bool {
        is_used(self.used, attachment)
    }
}

/// An event from the peer. See [`server::Session`](super::server::Session) and [`client::Session`](super::client::Session).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPacket<'m> {
    /// The namespace that it was sent to.
    pub namespace: Namespace,
    /// Set if the peer wants an acknowledgement. Answer with `ack` of the session, now or later.
    pub ack: Option<AckRequest>,
    /// The number of binary messages that follow, each as an event with an [`Attachment`].
    pub attachments: u8,
    pub(super) used: u64,
    pub(super) payload: Array<'m>,
}

impl<'m> EventPacket<'m> {
    /// Whether a placeholder in the arguments refers to this attachment. Unreferenced attachments can be ignored. See
    /// [`Collector`](super::Collector).
    #[must_use]
    pub fn uses(&self, attachment: Placeholder) -> bool {
        is_used(self.used, attachment)
    }

    /// Whether the event has this name. Escape sequences are compared without a buffer.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.payload.first().is_some_and(|first| match first.as_str() {
            Some(text) => text.is(name),
            // A number is a valid name too; JavaScript converts it to a string.
            None => first.raw() == name.as_bytes(),
        })
    }

    /// The name: a JSON string or number.
    #[must_use]
    pub fn name(&self) -> Option<Value<'m>> {
        self.payload.first()
    }

    /// The arguments after the name.
    #[must_use]
    pub fn args(&self) -> Elements<'m> {
        self.payload.rest()
    }
}

fn is_used(used: u64, attachment: Placeholder) -> bool {
    used.checked_shr(u32::from(attachment.0)).is_some_and(|bits| bits & 1 == 1)
}

/// The peer's request to acknowledge an event. It can be kept and answered later, with the session that it came from: with
/// [`server::Session::ack`](super::server::Session::ack) or [`client::Session::ack`](super::client::Session::ack). Another session returns
/// [`StateError::Stale`](super::StateError::Stale). So does the same session if the client has left the namespace, even if it has joined again, and
/// the session of a client after the loss of the link.
///
/// The socket is identified by a 32-bit hash of its public id: on a server the [`Sid`](super::Sid) that was passed to
/// [`accept`](super::server::Session::accept). Use a new id for each socket. A client's session tells its own connections apart in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckRequest {
    pub(super) namespace: Namespace,
    pub(super) id: u64,
    pub(super) socket: u32,
}

/// Identifies a socket by its public id: FNV-1a, never 0.
pub(super) fn number_of(sid: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    sid.iter().fold(0x811c_9dc5, step).max(1)
}

/// A binary message that belongs to the event or acknowledgement before it. See [`Collector`](super::Collector) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment<'m> {
    /// The number of the attachment, from 0. Placeholders refer to it: `{"_placeholder":true,"num":0}`.
    pub index: u8,
    /// The number of attachments of the packet.
    pub of: u8,
    /// The bytes.
    pub bytes: &'m [u8],
    pub(super) is_late: bool,
}

impl Attachment<'_> {
    /// Whether the acknowledgement that this attachment belongs to has already failed (`Event::AckFailed`), because not
    /// all attachments arrived in time. Ignore such an attachment. A [`Collector`](super::Collector) then returns the acknowledgement without a
    /// token.
    #[must_use]
    pub const fn is_late(&self) -> bool {
        self.is_late
    }
}
