use crate::{
    engineio::{Client, Sink},
    json::Args,
    socketio::{Content, SendError, write},
};

/// Writes the packet that asks for a namespace. For those who keep the state of a connection themselves; [`Session`](super::Session) does it for you.
///
/// `recovery` is the `pid` that the server sent when it accepted the client, and the offset of the last event. The server restores the connection if it
/// still knows them. `auth` are credentials, written as one JSON object. Its members follow those of `recovery`; if it has a member `pid` or `offset`,
/// those of `recovery` are left out.
///
/// # Errors
/// [`StateError::NotAnObject`](crate::socketio::StateError::NotAnObject) if `auth` writes anything else than an object. [`SendError::Serialize`] if it
/// cannot be written. [`SendError::Capacity`]; the need is exact, unless `auth` replaces `recovery`: then a little less is enough. Nothing was written.
///
/// ```
/// use sansocket::{json::Raw, socketio::client, ws::Out};
///
/// let mut memory = [0; 256];
/// let mut out = Out::stored(&mut memory);
/// client::connect(b"/admin", None, Some(&Raw::new(br#"{"token":"abc"}"#)?), &mut out)?;
/// client::event(b"/admin", "hello", &("you", 1), Some(7), &mut out)?;
/// client::ack(b"/admin", 3, &true, &mut out)?;
/// client::disconnect(b"/admin", &mut out)?;
/// assert!(out.written().starts_with(b"\x81\x1840/admin,{\"token\":\"abc\"}\x81\x1b42/admin,7[\"hello\",\"you\",1]"));
/// assert!(out.written().ends_with(b"\x81\x1043/admin,3[true]\x81\x0941/admin,"));
///
/// // After the loss of the connection.
/// out.clear();
/// client::connect(b"/", Some(("Ag", Some("17"))), None::<&()>, &mut out)?;
/// assert_eq!(&out.written()[2..], br#"40{"pid":"Ag","offset":"17"}"#);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn connect<O: Sink<Client>>(
    namespace: &[u8],
    recovery: Option<(&str, Option<&str>)>,
    auth: Option<&impl Args>,
    out: &mut O,
) -> Result<(), SendError> {
    let recovery = recovery.map(|(pid, offset)| (pid.as_bytes(), offset.map(str::as_bytes)));
    write::connect(namespace, recovery, auth, out)
}

/// Writes an event with all its attachments. With `id` it asks for an acknowledgement with this id. See [`connect`] for an example.
///
/// # Errors
/// [`StateError`](crate::socketio::StateError) for a reserved name or too many attachments. [`SendError::Serialize`] if an argument cannot be written
/// as JSON. [`SendError::Capacity`] with the exact need. Nothing was written.
pub fn event<O: Sink<Client>>(
    namespace: &[u8],
    name: &str,
    content: &impl Content,
    id: Option<u64>,
    out: &mut O,
) -> Result<(), SendError> {
    write::event(namespace, name, content, id, out)
}

/// Writes the acknowledgement of the event that came with this id. See [`connect`] for an example.
///
/// # Errors
/// As [`event`].
pub fn ack<O: Sink<Client>>(namespace: &[u8], id: u64, content: &impl Content, out: &mut O) -> Result<(), SendError> {
    write::ack(namespace, id, content, out)
}

/// Writes the packet that leaves a namespace. See [`connect`] for an example.
///
/// # Errors
/// [`SendError::Capacity`] with the exact need. Nothing was written.
pub fn disconnect<O: Sink<Client>>(namespace: &[u8], out: &mut O) -> Result<(), SendError> {
    write::disconnect(namespace, out)
}
