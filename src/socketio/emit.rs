//! Writing packets: straight into the output, without an intermediate buffer.

use super::{
    Namespace, Namespaces, Payload, SendError, StateError,
    binary::{Attachments, MAX_ATTACHMENTS},
    namespace::bare,
    packet::is_reserved,
};
use crate::{
    bytes::Writer,
    engineio::{self, Sink},
    json::{self, SerializeError},
};

/// Writes an event once for many receivers: at rest (`ws::Out::stored`) it is, byte for byte, the frames that each of them gets. With
/// an id of [`AckIds`](super::AckIds) it asks them all for an acknowledgement ([`BroadcastAcks`](super::BroadcastAcks)).
///
/// Needs no session. Cost: one pass over the name and the arguments, one copy of the attachments.
///
/// # Errors
/// [`SendError::Capacity`] with the exact need; [`SendError::Serialize`] if an argument has no form in JSON; [`StateError::NotConnected`] when `names` does not know the
/// namespace, [`StateError::ReservedName`], [`StateError::TooManyAttachments`]. Nothing was written.
///
/// ```
/// use sansocket::{socketio::{self, Namespace}, ws};
///
/// let mut memory = [0; 64];
/// let mut out = ws::Out::stored(&mut memory);
/// socketio::broadcast(&["/"], Namespace(0), "news", &"hi", None, &mut out)?;
/// assert_eq!(out.written(), b"\x81\x0f42[\"news\",\"hi\"]");
/// # Ok::<(), socketio::SendError>(())
/// ```
pub fn broadcast<O: Sink<engineio::Server>>(
    names: &(impl Namespaces + ?Sized),
    namespace: Namespace,
    name: &str,
    payload: &impl Payload,
    ack: Option<u64>,
    out: &mut O,
) -> Result<(), SendError> {
    let place = names.name(namespace).ok_or(StateError::NotConnected)?;
    event(&place, name, payload, ack, out)
}

pub(super) fn event<R, O: Sink<R>>(
    place: &[u8],
    name: &str,
    payload: &impl Payload,
    id: Option<u64>,
    out: &mut O,
) -> Result<(), SendError> {
    if is_reserved(name) {
        return Err(StateError::ReservedName.into());
    }
    with_attachments(b'2', place, payload, out, |w| {
        if let Some(id) = id {
            w.decimal(id);
        }
        w.byte(b'[');
        json::write_str(w, name);
        w.byte(b',');
        let before = w.len();
        payload.write_json(w)?;
        if w.len() == before {
            w.take_back(1);
        }
        w.byte(b']');
        Ok(())
    })
}

pub(super) fn ack<R, O: Sink<R>>(place: &[u8], id: u64, payload: &impl Payload, out: &mut O) -> Result<(), SendError> {
    with_attachments(b'3', place, payload, out, |w| {
        w.decimal(id);
        w.byte(b'[');
        payload.write_json(w)?;
        w.byte(b']');
        Ok(())
    })
}

/// A packet of `kind`, or of the kind three above with attachments.
#[inline]
fn with_attachments<R, O: Sink<R>>(
    kind: u8,
    place: &[u8],
    payload: &impl Payload,
    out: &mut O,
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), SerializeError>,
) -> Result<(), SendError> {
    let attachments = payload.attachments();
    if attachments == Attachments::NONE {
        return text(out, core::iter::empty::<&[u8]>(), |w| {
            w.byte(kind);
            namespace(w, place);
            write(w)
        });
    }
    let count = u64::try_from(attachments.into_iter().count()).unwrap_or(u64::MAX);
    if count > u64::from(MAX_ATTACHMENTS) {
        return Err(StateError::TooManyAttachments.into());
    }
    let write = |w: &mut Writer<'_>| {
        if count == 0 {
            w.byte(kind);
        } else {
            w.byte(kind.wrapping_add(3));
            w.decimal(count);
            w.byte(b'-');
        }
        namespace(w, place);
        write(w)
    };
    text(out, attachments.into_iter(), write)
}

/// A packet and its attachments, unless `write` fails.
#[inline]
fn text<'b, R, O: Sink<R>>(
    out: &mut O,
    attachments: impl Iterator<Item = &'b [u8]> + Clone,
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), SerializeError>,
) -> Result<(), SendError> {
    let mut written = Ok(());
    let write = |w: &mut Writer<'_>| {
        written = write(w);
        if written.is_err() {
            w.spoil();
        }
    };
    let sent = out.text(write, attachments);
    written?;
    Ok(sent?)
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
    data: Option<json::Value<'_>>,
    out: &mut O,
) -> Result<(), SendError> {
    packet(out, |w| {
        head(w, b'4', place);
        w.push(b"{\"message\":");
        json::write_str(w, message);
        if let Some(data) = data {
            w.push(b",\"data\":");
            w.push(data.raw());
        }
        w.byte(b'}');
    })
}

pub(super) fn disconnect<R, O: Sink<R>>(place: &[u8], out: &mut O) -> Result<(), SendError> {
    packet(out, |w| head(w, b'1', place))
}

fn packet<R, O: Sink<R>>(out: &mut O, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError> {
    Ok(out.text(write, core::iter::empty::<&[u8]>())?)
}

fn head(w: &mut Writer<'_>, kind: u8, place: &[u8]) {
    w.byte(kind);
    namespace(w, place);
}

/// The namespace, which is left out when it is the main one.
#[inline]
fn namespace(w: &mut Writer<'_>, place: &[u8]) {
    let name = bare(place);
    if !name.is_empty() {
        w.byte(b'/');
        w.push(name);
        w.byte(b',');
    }
}
