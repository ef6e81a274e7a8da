use crate::{
    engineio::{Client, Sink},
    json::Args,
    socketio::{Content, SendError},
};

/// Writes CONNECT. `recovery` is `(pid, offset)`; its members come before those of `auth`, which must be written as a JSON object.
pub fn connect<O: Sink<Client>>(
    namespace: &[u8],
    recovery: Option<(&[u8], &[u8])>,
    auth: Option<&impl Args>,
    out: &mut O,
) -> Result<(), SendError> {
    todo!()
}

/// Writes an event. `id`: an acknowledgement with this id is wanted.
pub fn event<R, O: Sink<R>>(
    namespace: &[u8],
    name: &str,
    content: &impl Content,
    id: Option<u64>,
    out: &mut O,
) -> Result<(), SendError> {
    todo!()
}

/// Writes an acknowledgement.
pub fn ack<R, O: Sink<R>>(namespace: &[u8], id: u64, content: &impl Content, out: &mut O) -> Result<(), SendError> {
    todo!()
}

/// Writes DISCONNECT.
pub fn disconnect<R, O: Sink<R>>(namespace: &[u8], out: &mut O) -> Result<(), SendError> {
    todo!()
}
