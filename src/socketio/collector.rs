//! Events with their attachments, collected into lent memory.

use super::{AckPacket, AckRequest, Attachment, Attachments, EventPacket, Namespace, server};
use crate::bytes::{Capacity, copy};
use crate::json::Array;

/// Collects the attachments of events and acknowledgements in lent memory, and gives both together. What has no attachments passes
/// through without a copy. It serves the events of either end of a connection ([`Collect`]).
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

/// Events that a [`Collector`] takes: those of the server's session. Only this crate implements it.
pub trait Collect<'m>: sealed::Sealed<'m> {}

mod sealed {
    use super::{AckPacket, EventPacket, Part};

    pub trait Sealed<'m>: Sized {
        /// What of it concerns a collector.
        fn part(&self) -> Part<'m>;
        fn event(packet: EventPacket<'m>) -> Self;
        fn ack(packet: AckPacket<'m>) -> Self;
    }
}

#[derive(Debug)]
pub enum Part<'m> {
    Event(EventPacket<'m>),
    Ack(AckPacket<'m>),
    Attachment(Attachment<'m>),
    Other,
}

impl<'m> Collect<'m> for server::Event<'m> {}

impl<'m> sealed::Sealed<'m> for server::Event<'m> {
    #[inline]
    fn part(&self) -> Part<'m> {
        match *self {
            Self::Event(packet) => Part::Event(packet),
            Self::Ack(packet) => Part::Ack(packet),
            Self::Attachment(attachment) => Part::Attachment(attachment),
            _ => Part::Other,
        }
    }

    fn event(packet: EventPacket<'m>) -> Self {
        Self::Event(packet)
    }

    fn ack(packet: AckPacket<'m>) -> Self {
        Self::Ack(packet)
    }
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

    /// Takes an event of the session. `None` means that attachments of it are still to come. The event comes out, with all of
    /// them, when the last one is taken. Cost: one copy of the payload and of each attachment.
    ///
    /// # Errors
    /// [`Capacity`] when the storage is too small for what has arrived so far and this event; `needed` is exact for it. Nothing of the
    /// event was taken. Either lend more ([`replace`](Self::replace)) and repeat the call, or go on: then the rest of this packet is dropped
    /// silently.
    pub fn collect<'c, E: Collect<'c>>(&'c mut self, event: E) -> Result<Option<(E, Attachments<'c>)>, Capacity> {
        match event.part() {
            Part::Event(EventPacket { namespace, ack, attachments, used, payload }) if attachments > 0 => {
                self.begin(namespace, Kind::Event(ack), attachments, used, payload)?;
                Ok(None)
            }
            Part::Ack(AckPacket { namespace, token, id, attachments, used, payload }) if attachments > 0 => {
                self.begin(namespace, Kind::Ack { token, id }, attachments, used, payload)?;
                Ok(None)
            }
            Part::Attachment(attachment) => {
                let Some(open) = self.push(attachment)? else { return Ok(None) };
                Ok(Some(self.whole(open)))
            }
            _ => Ok(Some((event, Attachments::NONE))),
        }
    }

    /// Bytes of the storage.
    #[must_use]
    pub fn size(&self) -> usize {
        self.storage.as_ref().len()
    }

    /// Gives the storage back.
    #[must_use]
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// Bytes in use.
    #[must_use]
    pub fn held(&self) -> usize {
        self.open.map_or(0, |open| open.end)
    }

    /// Whether attachments are still to come. A packet without arguments holds no bytes until the first one.
    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Moves what is held to `storage`, larger or smaller, and gives the old storage back.
    ///
    /// # Errors
    /// Gives the new storage back when it is smaller than [`held`](Self::held); nothing was changed.
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
        if let Kind::Ack { token, .. } = &mut open.kind
            && attachment.is_late
        {
            *token = None;
        }
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

    fn whole<'c, E: Collect<'c>>(&'c self, open: Open) -> (E, Attachments<'c>) {
        let Open { namespace, kind, attachments, used, payload: [len, first, rest], .. } = open;
        let bytes = self.storage.as_ref().get(..open.end).unwrap_or_default();
        debug_assert_eq!(bytes.len(), open.end, "all of it was put there");
        let (payload, packed) = bytes.split_at_checked(len).unwrap_or_default();
        let payload = Array::of(payload, first, rest);
        let event = match kind {
            Kind::Event(ack) => E::event(EventPacket { namespace, ack, attachments, used, payload }),
            Kind::Ack { token, id } => E::ack(AckPacket { namespace, token, id, attachments, used, payload }),
        };
        (event, Attachments::packed(packed))
    }
}
