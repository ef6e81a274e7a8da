use crate::json::Value;
use crate::{
    engineio,
    socketio::{AckError, AckPacket, Attachment, EventPacket, Namespace, Reason},
};

/// What happened on a connection. Borrows the message, never the session.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'m> {
    /// The link stands; the client asks for namespaces next.
    Opened,
    /// The client asks for a namespace: answer with [`accept`](super::Session::accept) or [`refuse`](super::Session::refuse), now or later.
    ///
    /// This is where the reference's `io.use(..)` stands: whoever is to have a say looks at `auth` and at the request of the link, and
    /// refuses with a message and data. Its `socket.use(..)` stands in front of the handlers of each [`Event`](Self::Event).
    Connect {
        /// Which.
        namespace: Namespace,
        /// The client's credentials, a JSON object.
        auth: Option<Value<'m>>,
    },
    /// The client asks for a namespace that there is not: answer with [`refuse_unknown`](super::Session::refuse_unknown).
    UnknownNamespace {
        /// Its name, with the slash.
        name: &'m [u8],
    },
    /// An event of the application.
    Event(EventPacket<'m>),
    /// A binary message that belongs to the event or acknowledgement before it.
    Attachment(Attachment<'m>),
    /// An acknowledgement.
    Ack(AckPacket<'m>),
    /// A request for an acknowledgement that does not arrive; from [`handle_timeout`](super::Session::handle_timeout).
    AckFailed {
        /// Where it was asked.
        namespace: Namespace,
        /// What [`ExpectAck`](crate::socketio::ExpectAck) called it.
        token: u32,
        /// Why.
        error: AckError,
    },
    /// The client left a namespace; the link stands. The rooms of the client are known still, since the application keeps them: the
    /// reference's `disconnecting` is in front of [`leave_all`](super::rooms::Rooms::leave_all), its `disconnect` behind it.
    Disconnected {
        /// Which.
        namespace: Namespace,
        /// Why: the client said so.
        reason: Reason,
    },
    /// No namespace was connected in time: close the link.
    ConnectTimeout,
    /// The connection ended, and with it every namespace that [`namespaces`](super::Session::namespaces) still lists. Acknowledgements that
    /// can no longer arrive come from [`handle_timeout`](super::Session::handle_timeout), as [`AckFailed`](Self::AckFailed).
    Closed(engineio::Reason),
}
