use crate::{
    engineio,
    json::{Str, Value},
    socketio::{AckError, AckPacket, Attachment, EventPacket, Namespace, Reason},
};

/// What happened on a connection. An event borrows the message, never the session. See [`Session`](super::Session) for an example.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'m> {
    /// The link is open. The CONNECT packets of the wanted namespaces are owed.
    Opened,
    /// The server accepted this client into a namespace (JavaScript's `connect`).
    Connected {
        /// The namespace.
        namespace: Namespace,
        /// The public id of this client in the namespace.
        sid: Str<'m>,
        /// The server restored the connection that was lost, with the same id and rooms. The events that were missed came before this one.
        is_recovered: bool,
    },
    /// The server refused the namespace (JavaScript's `connect_error`). The namespace is not wanted any more:
    /// [`connect`](super::Session::connect) asks again. If the server had accepted it before, [`Disconnected`](Self::Disconnected) follows.
    Refused {
        /// The namespace.
        namespace: Namespace,
        /// Why, in words of the server.
        message: Option<Str<'m>>,
        /// More about it, if the server sent it.
        data: Option<Value<'m>>,
    },
    /// The server sent an event. After the loss of a link, it may arrive before [`Connected`](Self::Connected).
    Event(EventPacket<'m>),
    /// A binary message that belongs to the event or acknowledgement before it.
    Attachment(Attachment<'m>),
    /// The server sent an acknowledgement.
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
    /// This client is not in the namespace any more. Returned by [`handle_event`](super::Session::handle_event) if the server removed it
    /// ([`ServerDisconnect`](Reason::ServerDisconnect)), also instead of an answer to CONNECT, otherwise by [`handle_timeout`](super::Session::handle_timeout). After the loss of the link
    /// the namespace stays wanted.
    Disconnected {
        /// The namespace.
        namespace: Namespace,
        /// The reason.
        reason: Reason,
    },
    /// A packet, or an attachment of one, for a namespace that this client has not joined or has left. There is nothing to do.
    Ignored,
    /// The link ended. Then [`handle_timeout`](super::Session::handle_timeout) returns a [`Disconnected`](Self::Disconnected) for each namespace that
    /// was joined, and an [`AckFailed`](Self::AckFailed) for each acknowledgement that can no longer arrive.
    Closed(engineio::Reason),
}
