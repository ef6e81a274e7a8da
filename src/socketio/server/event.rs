use crate::json::Value;
use crate::{
    engineio,
    socketio::{AckError, AckPacket, Attachment, EventPacket, Namespace, Reason},
};

/// What happened on a connection. An event borrows the message, never the session. See [`Session`](super::Session) for an example.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'m> {
    /// The connection is open. The client asks for namespaces next.
    Opened,
    /// The client asks for a namespace. Answer with [`accept`](super::Session::accept) or [`refuse`](super::Session::refuse), now or later.
    ///
    /// Authenticate the client here, by `auth` and the HTTP request of the connection. This is the place of JavaScript's `io.use(..)`. The place of
    /// `socket.use(..)` is before the handlers of each [`Event`](Self::Event).
    Connect {
        /// The namespace.
        namespace: Namespace,
        /// The `auth` object of the client, as JSON.
        auth: Option<Value<'m>>,
    },
    /// The client asks for a namespace that does not exist. Answer with [`refuse_unknown`](super::Session::refuse_unknown).
    UnknownNamespace {
        /// Its name, with the slash.
        name: &'m [u8],
    },
    /// The client sent an event.
    Event(EventPacket<'m>),
    /// A binary message that belongs to the event or acknowledgement before it.
    Attachment(Attachment<'m>),
    /// The client sent an acknowledgement.
    Ack(AckPacket<'m>),
    /// No acknowledgement will arrive for an event that was sent with [`ExpectAck`](crate::socketio::ExpectAck). Returned by
    /// [`handle_timeout`](super::Session::handle_timeout).
    AckFailed {
        /// The namespace of the event.
        namespace: Namespace,
        /// The token of the [`ExpectAck`](crate::socketio::ExpectAck).
        token: u32,
        /// Why.
        error: AckError,
    },
    /// The client left a namespace. The connection stays open. Its rooms are still in [`Rooms`](super::rooms::Rooms) until you call
    /// [`leave_all`](super::rooms::Rooms::leave_all). JavaScript's `disconnecting` event comes before that call, `disconnect` after it.
    Disconnected {
        /// The namespace.
        namespace: Namespace,
        /// The reason: [`ClientNamespaceDisconnect`](Reason::ClientNamespaceDisconnect).
        reason: Reason,
    },
    /// The client joined no namespace in time. Close the connection.
    ConnectTimeout,
    /// The connection ended. The client has left all namespaces that [`namespaces`](super::Session::namespaces) still lists. Then
    /// [`handle_timeout`](super::Session::handle_timeout) returns an [`AckFailed`](Self::AckFailed) for each acknowledgement that can no longer
    /// arrive.
    Closed(engineio::Reason),
}
