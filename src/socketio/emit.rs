//! Writing packets: straight into the output, without an intermediate buffer.

use super::{
    Namespace, Namespaces, SendError, StateError,
    json::{self, Args},
    packet::is_reserved,
};
use crate::{
    bytes::Writer,
    engineio::{self, Sink},
};

/// Writes an event once for many receivers: at rest (`ws::Out::stored`) it is, byte for byte, the frame that each of them gets.
///
/// Needs no session. Cost: one pass over the name and the arguments.
///
/// # Errors
/// [`SendError::Capacity`], exact for [`json::Raw`] and [`json::Text`]; [`StateError::NotConnected`] when `names` does not know the
/// namespace, [`StateError::ReservedName`]. Nothing was written.
///
/// ```
/// use sansocket::{socketio::{self, Namespace, json::Text}, ws};
///
/// let mut memory = [0; 64];
/// let mut out = ws::Out::stored(&mut memory);
/// socketio::broadcast(&["/"], Namespace(0), "news", &Text("hi"), &mut out)?;
/// assert_eq!(out.written(), b"\x81\x0f42[\"news\",\"hi\"]");
/// # Ok::<(), socketio::SendError>(())
/// ```
pub fn broadcast<O: Sink<engineio::Server>>(
    names: &(impl Namespaces + ?Sized),
    namespace: Namespace,
    name: &str,
    args: &impl Args,
    out: &mut O,
) -> Result<(), SendError> {
    let place = names.name(namespace).ok_or(StateError::NotConnected)?;
    event(place, name, args, out)
}

pub(super) fn event<R, O: Sink<R>>(place: &[u8], name: &str, args: &impl Args, out: &mut O) -> Result<(), SendError> {
    if is_reserved(name) {
        return Err(StateError::ReservedName.into());
    }
    packet(out, |w| {
        head(w, b'2', place);
        w.byte(b'[');
        json::write_str(w, name);
        json::write_rest(w, args);
        w.byte(b']');
    })
}

pub(super) fn ack<R, O: Sink<R>>(place: &[u8], id: u64, args: &impl Args, out: &mut O) -> Result<(), SendError> {
    packet(out, |w| {
        head(w, b'3', place);
        w.decimal(id);
        w.byte(b'[');
        args.write(w);
        w.byte(b']');
    })
}

pub(super) fn connected<R, O: Sink<R>>(place: &[u8], sid: engineio::Sid, out: &mut O) -> Result<(), SendError> {
    packet(out, |w| {
        head(w, b'0', place);
        w.push(b"{\"sid\":\"");
        w.push(sid.as_bytes());
        w.push(b"\"}");
    })
}

pub(super) fn refused<R, O: Sink<R>>(
    place: &[u8],
    message: &str,
    data: Option<json::Raw<'_>>,
    out: &mut O,
) -> Result<(), SendError> {
    packet(out, |w| {
        head(w, b'4', place);
        w.push(b"{\"message\":");
        json::write_str(w, message);
        if let Some(data) = data {
            w.push(b",\"data\":");
            data.write(w);
        }
        w.byte(b'}');
    })
}

pub(super) fn disconnect<R, O: Sink<R>>(place: &[u8], out: &mut O) -> Result<(), SendError> {
    packet(out, |w| head(w, b'1', place))
}

fn packet<R, O: Sink<R>>(out: &mut O, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError> {
    Ok(out.text(write)?)
}

/// The type and the namespace, which is left out when it is the main one.
fn head(w: &mut Writer<'_>, kind: u8, place: &[u8]) {
    w.byte(kind);
    if place != b"/" {
        w.push(place);
        w.byte(b',');
    }
}
