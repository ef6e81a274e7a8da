//! Events with their attachments, collected into lent memory.

use super::{AckPacket, AckRequest, Attachment, Attachments, EventPacket, Namespace, server::Event};
use crate::bytes::{Capacity, copy};
use crate::json::Array;

/// Collects the attachments of an event behind it, for those who want both at once. What has none passes through uncopied.
///
/// ```
/// use sansocket::{
///     engineio::{self, Message},
///     socketio::{AckSlot, Collector, Placeholder, Sid, server::{Event, Session}},
///     time::Instant,
///     ws,
/// };
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// # let mut io = Session::new(["/"], [AckSlot::EMPTY; 1], Instant::from_millis(0));
/// # let mut tx = [0; 256];
/// # let mut out = ws::Out::stored(&mut tx);
/// # io.handle_event(engineio::Event::Message(Message::Text(b"0")))?;
/// # io.accept(sansocket::socketio::Namespace(0), Sid::from_random([0; 15]), &mut out)?;
/// let mut collector = Collector::new([0; 1024]);
/// let mut seen = 0;
/// // What `engineio::server::Session::poll_event` gives, one by one.
/// for message in [
///     Message::Text(br#"51-["upload",{"file":{"_placeholder":true,"num":0}}]"#),
///     Message::Binary(b"\x01\x02\x03"),
/// ] {
///     let event = io.handle_event(engineio::Event::Message(message))?;
///     match collector.collect(event)? {
///         Some((Event::Event(e), attachments)) if e.is("upload") => {
///             let file = e.args().next().and_then(|arg| arg.get("file")).and_then(Placeholder::of);
///             assert_eq!(file.and_then(|file| attachments.get(file)), Some(&b"\x01\x02\x03"[..]));
///             seen += 1;
///         }
///         _ => {}
///     }
/// }
/// assert_eq!(seen, 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Collector<S> {
    storage: S,
    open: Option<Open>,
}

/// A packet whose attachments come.
#[derive(Clone, Copy, Debug)]
struct Open {
    namespace: Namespace,
    kind: Kind,
    attachments: u8,
    used: u64,
    arrived: u8,
    /// Of the payload at the front of the storage: its length, that of its first element, and that of the elements behind it.
    payload: [usize; 3],
    /// Where the next attachment goes.
    end: usize,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Event(Option<AckRequest>),
    Ack { token: Option<u32>, id: u64 },
}

impl<S: AsMut<[u8]> + AsRef<[u8]>> Collector<S> {
    /// Nothing is collected yet.
    pub const fn new(storage: S) -> Self {
        Self { storage, open: None }
    }

    /// Takes an event of the session. `None`: attachments of it are to come. With the last of them the event comes out, and they
    /// with it. Cost: one copy of the payload and of each attachment.
    ///
    /// # Errors
    /// [`Capacity`] when the storage is too small for what came so far and this event; nothing of it was taken. Lend more
    /// ([`replace`](Self::replace)) and say it again, or go on: then the rest of this event is dropped silently, as is an event
    /// before it that was gone on from.
    pub fn collect<'c>(&'c mut self, event: Event<'c>) -> Result<Option<(Event<'c>, Attachments<'c>)>, Capacity> {
        match event {
            Event::Event(EventPacket { namespace, ack, attachments, used, payload }) if attachments > 0 => {
                self.begin(namespace, Kind::Event(ack), attachments, used, payload)?;
                Ok(None)
            }
            Event::Ack(AckPacket { namespace, token, id, attachments, used, payload }) if attachments > 0 => {
                self.begin(namespace, Kind::Ack { token, id }, attachments, used, payload)?;
                Ok(None)
            }
            Event::Attachment(attachment) => {
                let Some(open) = self.push(attachment)? else { return Ok(None) };
                Ok(Some(self.whole(open)))
            }
            other => Ok(Some((other, Attachments::NONE))),
        }
    }

    /// Bytes of the storage.
    #[must_use]
    pub fn size(&self) -> usize {
        self.storage.as_ref().len()
    }

    /// Bytes that must stay.
    #[must_use]
    pub fn held(&self) -> usize {
        self.open.map_or(0, |open| open.end)
    }

    /// Moves what is held to `storage`, larger or smaller, and gives the old one back.
    ///
    /// # Errors
    /// Gives the new one back when it is too small; nothing was changed.
    pub fn replace(&mut self, mut storage: S) -> Result<S, S> {
        let held = self.storage.as_ref().get(..self.held()).unwrap_or_default();
        let Some(place) = storage.as_mut().get_mut(..held.len()) else { return Err(storage) };
        copy(held, place);
        Ok(core::mem::replace(&mut self.storage, storage))
    }

    fn begin(
        &mut self,
        namespace: Namespace,
        kind: Kind,
        attachments: u8,
        used: u64,
        payload: Array<'_>,
    ) -> Result<(), Capacity> {
        // What was not finished never will be.
        self.open = None;
        let text = payload.elements().raw();
        self.put(0, text)?;
        let end = text.len();
        self.open = Some(Open { namespace, kind, attachments, used, arrived: 0, payload: payload.lengths(), end });
        Ok(())
    }

    /// The packet that is whole with it.
    fn push(&mut self, attachment: Attachment<'_>) -> Result<Option<Open>, Capacity> {
        let Some(mut open) = self.open.filter(|open| open.arrived == attachment.index) else {
            // One in front of it, or the packet itself, had no room.
            self.open = None;
            return Ok(None);
        };
        let len = u32::try_from(attachment.bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        let behind = open.end.saturating_add(len.len());
        self.put(behind, attachment.bytes)?;
        self.put(open.end, &len)?;
        open.end = behind.saturating_add(attachment.bytes.len());
        open.arrived = open.arrived.saturating_add(1);
        self.open = (open.arrived < open.attachments).then_some(open);
        Ok(if self.open.is_none() { Some(open) } else { None })
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> Result<(), Capacity> {
        let needed = at.saturating_add(bytes.len());
        let storage = self.storage.as_mut();
        let available = storage.len();
        copy(bytes, storage.get_mut(at..needed).ok_or(Capacity { needed, available })?);
        Ok(())
    }

    fn whole(&self, open: Open) -> (Event<'_>, Attachments<'_>) {
        let Open { namespace, kind, attachments, used, payload: [len, first, rest], .. } = open;
        let bytes = self.storage.as_ref().get(..open.end).unwrap_or_default();
        let (payload, packed) = bytes.split_at_checked(len).unwrap_or_default();
        let payload = Array::of(payload, first, rest);
        let event = match kind {
            Kind::Event(ack) => Event::Event(EventPacket { namespace, ack, attachments, used, payload }),
            Kind::Ack { token, id } => Event::Ack(AckPacket { namespace, token, id, attachments, used, payload }),
        };
        (event, Attachments::packed(packed))
    }
}
