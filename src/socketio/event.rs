use super::{Namespace, Placeholder};
use crate::json::{Array, Elements, Value};

/// An acknowledgement from the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckPacket<'m> {
    /// Where.
    pub namespace: Namespace,
    /// What [`ExpectAck`](super::ExpectAck) called the request; `None` when this session waits for no such answer: it came too late, or a
    /// broadcast asked ([`BroadcastAcks`](super::server::BroadcastAcks)).
    pub token: Option<u32>,
    /// The id.
    pub id: u64,
    /// Binary messages that follow, as [`server::Event::Attachment`](super::server::Event::Attachment)s.
    pub attachments: u8,
    pub(super) used: u64,
    pub(super) payload: Array<'m>,
}

impl<'m> AckPacket<'m> {
    /// The answer.
    #[must_use]
    pub const fn args(&self) -> Elements<'m> {
        self.payload.elements()
    }

    /// Whether a placeholder in the answer refers to this attachment. Attachments without a reference can be ignored.
    #[must_use]
    pub fn uses(&self, attachment: Placeholder) -> bool {
        is_used(self.used, attachment)
    }
}

/// An event of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPacket<'m> {
    /// Where it was sent.
    pub namespace: Namespace,
    /// The peer wants an acknowledgement: answer with [`ack`](super::server::Session::ack), now or later.
    pub ack: Option<AckRequest>,
    /// Binary messages that follow, as [`server::Event::Attachment`](super::server::Event::Attachment)s.
    pub attachments: u8,
    pub(super) used: u64,
    pub(super) payload: Array<'m>,
}

impl<'m> EventPacket<'m> {
    /// Whether a placeholder in the arguments refers to this attachment. Attachments without a reference can be ignored.
    #[must_use]
    pub fn uses(&self, attachment: Placeholder) -> bool {
        is_used(self.used, attachment)
    }

    /// Whether `name` is the event's name. Compares unescaped, without a buffer.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.payload.first().is_some_and(|first| match first.as_str() {
            Some(text) => text.is(name),
            // A number is a name too; JavaScript takes it for the string of its digits.
            None => first.raw() == name.as_bytes(),
        })
    }

    /// The name: a string, or a number.
    #[must_use]
    pub fn name(&self) -> Option<Value<'m>> {
        self.payload.first()
    }

    /// The arguments behind the name.
    #[must_use]
    pub fn args(&self) -> Elements<'m> {
        self.payload.rest()
    }
}

fn is_used(used: u64, attachment: Placeholder) -> bool {
    used.checked_shr(u32::from(attachment.0)).is_some_and(|bits| bits & 1 == 1)
}

/// A request to acknowledge an event. Keep it for as long as needed, and answer it with
/// [`Session::ack`](super::server::Session::ack) of the session that it came from. Another session refuses it
/// ([`StateError::Stale`](super::StateError::Stale)), as does the same one when the client has left the namespace meanwhile, even if it came back.
///
/// It names the socket by a number made of the [`Sid`](super::Sid) that the namespace was accepted with, so two sockets are
/// told apart if their ids differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckRequest {
    pub(super) namespace: Namespace,
    pub(super) id: u64,
    pub(super) socket: u32,
}

/// A binary message that belongs to the event or acknowledgement before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment<'m> {
    /// Its number, which placeholders name (`{"_placeholder":true,"num":0}`), from 0.
    pub index: u8,
    /// How many attachments the packet has.
    pub of: u8,
    /// The bytes.
    pub bytes: &'m [u8],
    pub(super) is_late: bool,
}

impl Attachment<'_> {
    /// Whether the acknowledgement that this attachment belongs to was reported as
    /// [`AckFailed`](super::server::Event::AckFailed) before all its attachments had arrived: ignore it. A
    /// [`Collector`](super::Collector) then gives the acknowledgement without a token.
    #[must_use]
    pub const fn is_late(&self) -> bool {
        self.is_late
    }
}
