use super::{
    Namespace,
    json::{Array, Elements, Value},
};
use crate::engineio::Reason;

/// What happened on a connection. Borrows the message, never the session.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'m> {
    /// The link stands; the client asks for namespaces next.
    Opened,
    /// The client asks for a namespace: answer with [`accept`](super::Server::accept) or [`refuse`](super::Server::refuse), now or later.
    Connect {
        /// Which.
        namespace: Namespace,
        /// The client's credentials, a JSON object.
        auth: Option<Value<'m>>,
    },
    /// The client asks for a namespace that there is not: answer with [`refuse_unknown`](super::Server::refuse_unknown).
    UnknownNamespace {
        /// Its name, with the slash.
        name: &'m [u8],
    },
    /// An event of the application.
    Event(EventPacket<'m>),
    /// A binary message that belongs to the event or acknowledgement before it.
    Attachment(Attachment<'m>),
    /// An acknowledgement that this session did not ask for.
    Ack {
        /// Where.
        namespace: Namespace,
        /// The id.
        id: u64,
        /// The answer.
        args: Elements<'m>,
        /// Binary messages to come.
        attachments: u8,
    },
    /// The client left a namespace; the link stands.
    Disconnected {
        /// Which.
        namespace: Namespace,
    },
    /// No namespace was connected in time: close the link.
    ConnectTimeout,
    /// The link is over.
    Closed(Reason),
}

/// An event of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPacket<'m> {
    /// Where it was sent.
    pub namespace: Namespace,
    /// The client wants an acknowledgement ([`ack`](super::Server::ack)); the value may be kept for later.
    pub ack: Option<AckRequest>,
    /// Binary messages that follow, as [`Event::Attachment`]s.
    pub attachments: u8,
    pub(super) payload: Array<'m>,
}

impl<'m> EventPacket<'m> {
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

/// A request to acknowledge: a value to be kept as long as wanted. On a later connection it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckRequest {
    pub(super) namespace: Namespace,
    pub(super) id: u64,
    pub(super) epoch: u32,
}

/// A binary message that belongs to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment<'m> {
    /// Its number, which placeholders name (`{"_placeholder":true,"num":0}`), from 0.
    pub index: u8,
    /// How many there are.
    pub of: u8,
    /// The bytes.
    pub bytes: &'m [u8],
}
