//! Writes packets directly into the output, without a buffer in between.

use super::{Content, SendError, Sid, StateError, binary::MAX_ATTACHMENTS, namespace::bare, packet::is_reserved};
use crate::{
    bytes::Writer,
    engineio::Sink,
    json::{self, Args, SerializeError},
};

pub(super) fn event<R, O: Sink<R>>(
    namespace: &[u8],
    name: &str,
    content: &impl Content,
    id: Option<u64>,
    out: &mut O,
) -> Result<(), SendError> {
    if is_reserved(name) {
        return Err(StateError::ReservedName.into());
    }
    with_attachments(b'2', namespace, content, out, |w| {
        if let Some(id) = id {
            w.decimal(id);
        }
        json::write_between(w, [b'['], name.as_bytes(), [b',']);
        let before = w.len();
        content.write_json(w)?;
        if w.len() == before {
            // The bracket has its room, so the name was stored if the packet has room.
            w.take_back(1);
        }
        w.byte(b']');
        Ok(())
    })
}

pub(super) fn ack<R, O: Sink<R>>(
    namespace: &[u8],
    id: u64,
    content: &impl Content,
    out: &mut O,
) -> Result<(), SendError> {
    with_attachments(b'3', namespace, content, out, |w| {
        w.decimal(id);
        w.byte(b'[');
        content.write_json(w)?;
        w.byte(b']');
        Ok(())
    })
}

/// Writes a packet of type `kind`, or `kind + 3` if there are attachments.
#[inline]
fn with_attachments<R, O: Sink<R>>(
    kind: u8,
    namespace: &[u8],
    content: &impl Content,
    out: &mut O,
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), SerializeError>,
) -> Result<(), SendError> {
    let attachments = content.attachments();
    if attachments.are_none() {
        return text(out, core::iter::empty::<&[u8]>(), |w| {
            w.byte(kind);
            push_namespace(w, namespace);
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
        push_namespace(w, namespace);
        write(w)
    };
    text(out, attachments.into_iter(), write)
}

/// Writes a packet and its attachments, or nothing if `write` fails.
#[inline]
fn text<'b, R, O: Sink<R>, E>(
    out: &mut O,
    attachments: impl Iterator<Item = &'b [u8]> + Clone,
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), E>,
) -> Result<(), SendError>
where
    SendError: From<E>,
{
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

/// A `pid` and an offset, which are UTF-8.
type Recovery<'r> = Option<(&'r [u8], Option<&'r [u8]>)>;

/// If `auth` has members with the names of `recovery`, they replace both.
pub(super) fn connect<R, O: Sink<R>>(
    namespace: &[u8],
    recovery: Recovery<'_>,
    auth: Option<&impl Args>,
    out: &mut O,
) -> Result<(), SendError> {
    text(out, core::iter::empty::<&[u8]>(), |w| {
        head(w, b'0', namespace);
        let start = w.len();
        push_recovery(w, recovery);
        let Some(auth) = auth else { return Ok(()) };
        // The first bracket of `auth` becomes the comma behind the recovery.
        w.take_back(usize::from(recovery.is_some()));
        let from = w.len();
        auth.write(w)?;
        let len = w.len().saturating_sub(from);
        let (is_own, is_empty) = match w.written_mut(from) {
            Some(object) => {
                let value = json::Value::parse(object).ok();
                let value = value.filter(|v| v.raw().len() == object.len() && v.kind() == json::Kind::Object);
                let value = value.ok_or(StateError::NotAnObject)?;
                (value.get("pid").or(value.get("offset")).is_some(), value.members().next().is_none())
            }
            // It has no room, so it is not sent.
            None => (false, len == 2),
        };
        if recovery.is_none() {
            return Ok(());
        }
        if is_own {
            w.take_back(w.len().saturating_sub(start));
            auth.write(w)?;
        } else if is_empty {
            w.take_back(len);
            w.byte(b'}');
        } else if let Some([bracket, ..]) = w.written_mut(from) {
            *bracket = b',';
        }
        Ok::<(), SendError>(())
    })
}

fn push_recovery(w: &mut Writer<'_>, recovery: Recovery<'_>) {
    if let Some((pid, offset)) = recovery {
        w.push(b"{\"pid\":");
        json::write_text(w, pid);
        if let Some(offset) = offset {
            w.push(b",\"offset\":");
            json::write_text(w, offset);
        }
        w.byte(b'}');
    }
}

pub(super) fn connected<R, O: Sink<R>>(namespace: &[u8], sid: Sid, out: &mut O) -> Result<(), SendError> {
    packet(out, |w| {
        head(w, b'0', namespace);
        w.push(b"{\"sid\":\"");
        w.push(sid.as_bytes());
        w.push(b"\"}");
    })
}

pub(super) fn refused<R, O: Sink<R>>(
    namespace: &[u8],
    message: &str,
    data: Option<json::Value<'_>>,
    out: &mut O,
) -> Result<(), SendError> {
    packet(out, |w| {
        head(w, b'4', namespace);
        w.push(b"{\"message\":");
        json::write_str(w, message);
        if let Some(data) = data {
            w.push(b",\"data\":");
            w.push(data.raw());
        }
        w.byte(b'}');
    })
}

pub(super) fn disconnect<R, O: Sink<R>>(namespace: &[u8], out: &mut O) -> Result<(), SendError> {
    presence(namespace, None, out)
}

/// A connect packet without `auth`, with what recovers the connection if there is that; or a disconnect packet.
pub(super) fn presence<R, O: Sink<R>>(
    namespace: &[u8],
    connect: Option<Recovery<'_>>,
    out: &mut O,
) -> Result<(), SendError> {
    packet(out, |w| {
        head(w, if connect.is_some() { b'0' } else { b'1' }, namespace);
        push_recovery(w, connect.flatten());
    })
}

fn packet<R, O: Sink<R>>(out: &mut O, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError> {
    Ok(out.text(write, core::iter::empty::<&[u8]>())?)
}

fn head(w: &mut Writer<'_>, kind: u8, namespace: &[u8]) {
    w.byte(kind);
    push_namespace(w, namespace);
}

/// Writes the namespace. The main namespace is omitted.
#[inline]
pub(super) fn push_namespace(w: &mut Writer<'_>, namespace: &[u8]) {
    let name = bare(namespace);
    if !name.is_empty() {
        w.byte(b'/');
        w.push(name);
        w.byte(b',');
    }
}
