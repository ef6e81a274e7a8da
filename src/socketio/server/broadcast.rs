use crate::{
    engineio::{self, Sink},
    socketio::{Content, Namespace, Namespaces, SendError, StateError, write},
};

/// Writes an event once, for many receivers. With [`Out::stored`](crate::ws::Out::stored) the written bytes are the frames to send to each of them.
/// With an id from [`AckIds`](super::AckIds) it asks each receiver for an acknowledgement ([`BroadcastAcks`](super::BroadcastAcks)).
///
/// Needs no session. Cost: one pass over the name and the arguments, and one copy of the attachments.
///
/// # Errors
/// [`SendError::Capacity`] with the exact need. [`SendError::Serialize`] if an argument cannot be written as JSON. [`StateError::NotConnected`] if
/// the namespace is not in `namespaces`. [`StateError::ReservedName`]. [`StateError::TooManyAttachments`]. Nothing was written.
///
/// ```
/// use sansocket::{socketio::{Namespace, SendError, server::broadcast}, ws};
///
/// let mut memory = [0; 64];
/// let mut out = ws::Out::stored(&mut memory);
/// broadcast(&["/"], Namespace(0), "news", &"hi", None, &mut out)?;
/// assert_eq!(out.written(), b"\x81\x0f42[\"news\",\"hi\"]");
/// # Ok::<(), SendError>(())
/// ```
pub fn broadcast<O: Sink<engineio::Server>>(
    namespaces: &(impl Namespaces + ?Sized),
    namespace: Namespace,
    name: &str,
    content: &impl Content,
    ack: Option<u64>,
    out: &mut O,
) -> Result<(), SendError> {
    let path = namespaces.name(namespace).ok_or(StateError::NotConnected)?;
    write::event(&path, name, content, ack, out)
}
