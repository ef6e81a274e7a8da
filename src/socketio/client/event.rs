use crate::{
    engineio,
    json::{Str, Value},
    socketio::{AckError, AckPacket, Attachment, EventPacket, Namespace, Reason},
};

/// What happened on a connection. An event borrows the message, never the session.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'m> {
    /// The link is open. The CONNECT packets of the wanted namespaces are owed.
    Opened,
    /// The server accepted this client into a namespace.
    Connected {
        namespace: Namespace,
        /// The public id of this client in the namespace.
        sid: Str<'m>,
        /// The server restored the connection that was lost: same id, same rooms; the missed events came before this one.
        is_recovered: bool,
    },
    /// The server refused the namespace (`connect_error`). This namespace is not wanted any more: call `connect` to try again.
    Refused {
        namespace: Namespace,
        message: Option<Str<'m>>,
        data: Option<Value<'m>>,
    },
    Event(EventPacket<'m>),
    Attachment(Attachment<'m>),
    Ack(AckPacket<'m>),
    /// As [`server::Event::AckFailed`](crate::socketio::server::Event::AckFailed).
    AckFailed {
        namespace: Namespace,
        token: u32,
        error: AckError,
    },
    /// This client left the namespace: `io server disconnect` (packet of the server), `io client disconnect`, or the link ended.
    Disconnected {
        namespace: Namespace,
        reason: Reason,
    },
    /// A packet for a namespace that this client has not joined, or the answer to one that it has left. Nothing is to be done.
    Ignored,
    /// The link ended. A [`Disconnected`](Self::Disconnected) for each connected namespace follows, then an [`AckFailed`](Self::AckFailed) for each
    /// acknowledgement that can no longer arrive, by `handle_timeout`.
    Closed(engineio::Reason),
}
