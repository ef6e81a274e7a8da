//! Collects events and their attachments in lent memory.

use super::{AckPacket, AckRequest, Attachment, Attachments, EventPacket, Namespace, client, server};
use crate::bytes::{Capacity, copy};
use crate::json::{Array, Layout};

/// Joins events and acknowledgements with their attachments, in lent memory. Events without attachments pass through and are not copied.
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
/// // The messages that `engineio::server::Session::poll_event` returned.
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

/// An event that a [`Collector`] accepts: [`server::Event`] or [`client::Event`]. Sealed.
pub trait Collect<'m>: sealed::Sealed<'m> {}

mod sealed {
    use super::{AckPacket, EventPacket, Part};

    pub trait Sealed<'m>: Sized {
        /// The part of the event that matters to a collector.
        fn part(&self) -> Part<'_, 'm>;
        fn event(packet: EventPacket<'m>) -> Self;
        fn ack(packet: AckPacket<'m>) -> Self;
    }
}

/// The part of an event that matters to a [`Collector`].
#[derive(Debug)]
pub enum Part<'p, 'm> {
    Event(&'p EventPacket<'m>),
    Ack(&'p AckPacket<'m>),
    Attachment(&'p Attachment<'m>),
    Other,
}

macro_rules! collects {
    ($($event:ty)*) => {
        $(impl<'m> Collect<'m> for $event {}

        impl<'m> sealed::Sealed<'m> for $event {
            #[inline]
            fn part(&self) -> Part<'_, 'm> {
                match self {
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
        })*
    };
}

collects!(server::Event<'m> client::Event<'m>);

/// A packet whose attachments are arriving.
#[derive(Clone, Copy, Debug)]
struct Open {
    namespace: Namespace,
    kind: Kind,
    attachments: u8,
    used: u64,
    arrived: u8,
    /// The length of the payload, which is at the front of the storage.
    payload: usize,
    layout: Layout,
    /// The position for the next attachment.
    end: usize,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Event(Option<AckRequest>),
    Ack { token: Option<u32>, id: u64 },
}

impl<S: AsMut<[u8]> + AsRef<[u8]>> Collector<S> {
    /// An empty collector.
    pub const fn new(storage: S) -> Self {
        Self { storage, open: None }
    }

    /// Takes an event of the session. Returns `None` while attachments of it are missing. When the last one arrives, returns the event with all
    /// attachments. Cost: one copy of the payload and of each attachment. See [`Collector`] for an example.
    ///
    /// # Errors
    /// [`Capacity`] if the storage is too small for the collected bytes and this event. `needed` is exact. Nothing of the event was taken. Lend more
    /// ([`replace`](Self::replace)) and repeat the call. If you go on instead, the rest of this packet is dropped.
    pub fn collect<'c, E: Collect<'c>>(&'c mut self, event: E) -> Result<Option<(E, Attachments<'c>)>, Capacity> {
        match event.part() {
            Part::Event(&EventPacket { namespace, ack, attachments, used, ref payload }) if attachments > 0 => {
                self.begin(namespace, Kind::Event(ack), attachments, used, payload)?;
                Ok(None)
            }
            Part::Ack(&AckPacket { namespace, token, id, attachments, used, ref payload }) if attachments > 0 => {
                self.begin(namespace, Kind::Ack { token, id }, attachments, used, payload)?;
                Ok(None)
            }
            Part::Attachment(attachment) => {
                if !self.push(attachment)? {
                    return Ok(None);
                }
                Ok(self.open.take().map(|open| self.whole(&open)))
            }
            _ => Ok(Some((event, Attachments::NONE))),
        }
    }

    /// The size of the storage, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.storage.as_ref().len()
    }

    /// Returns the storage.
    #[must_use]
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// The number of bytes in use.
    #[must_use]
    pub fn held(&self) -> usize {
        self.open.map_or(0, |open| open.end)
    }

    /// Whether attachments are missing. If not, nothing is lost when the collector is dropped, and another one can take its place. A packet without
    /// arguments holds no bytes until its first attachment, so this can be true while [`held`](Self::held) is 0.
    ///
    /// ```
    /// use sansocket::socketio::Collector;
    ///
    /// let collector = Collector::new([0; 16]);
    /// assert!(!collector.is_open());
    /// ```
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Moves the collected bytes to `storage`, larger or smaller, and returns the old storage.
    ///
    /// # Errors
    /// Returns the new storage if it is smaller than [`held`](Self::held). Nothing was changed.
    ///
    /// ```
    /// use sansocket::socketio::Collector;
    ///
    /// let mut collector = Collector::new(vec![0; 16]);
    /// // `collect` returned an error with `needed` above 16.
    /// let old = collector.replace(vec![0; 32]).map_err(|_| "smaller than the collected bytes")?;
    /// assert_eq!((old.len(), collector.size(), collector.held()), (16, 32, 0));
    /// assert_eq!(collector.into_storage().len(), 32);
    /// # Ok::<(), &str>(())
    /// ```
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
        payload: &Array<'_>,
    ) -> Result<(), Capacity> {
        // Attachments of an earlier packet cannot arrive any more.
        self.open = None;
        let text = payload.elements().raw();
        put(self.storage.as_mut(), 0, text)?;
        let end = text.len();
        self.open = Some(Open {
            namespace,
            kind,
            attachments,
            used,
            arrived: 0,
            payload: text.len(),
            layout: payload.layout(),
            end,
        });
        Ok(())
    }

    /// Adds an attachment. Whether the packet is complete.
    fn push(&mut self, attachment: &Attachment<'_>) -> Result<bool, Capacity> {
        let Some(open) = self.open.as_mut().filter(|open| open.arrived == attachment.index) else {
            // An earlier attachment or the packet itself had no room.
            self.open = None;
            return Ok(false);
        };
        let storage = self.storage.as_mut();
        let len = u32::try_from(attachment.bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        let behind = open.end.saturating_add(len.len());
        put(storage, behind, attachment.bytes)?;
        put(storage, open.end, &len)?;
        open.end = behind.saturating_add(attachment.bytes.len());
        if let Kind::Ack { token, .. } = &mut open.kind
            && attachment.is_late
        {
            *token = None;
        }
        open.arrived = open.arrived.saturating_add(1);
        Ok(open.arrived >= open.attachments)
    }

    fn whole<'c, E: Collect<'c>>(&'c self, open: &Open) -> (E, Attachments<'c>) {
        let Open { namespace, kind, attachments, used, payload, layout, .. } = *open;
        let bytes = self.storage.as_ref().get(..open.end).unwrap_or_default();
        debug_assert_eq!(bytes.len(), open.end, "all of it was stored");
        let (payload, packed) = bytes.split_at_checked(payload).unwrap_or_default();
        let payload = Array::of(payload, layout);
        let event = match kind {
            Kind::Event(ack) => E::event(EventPacket { namespace, ack, attachments, used, payload }),
            Kind::Ack { token, id } => E::ack(AckPacket { namespace, token, id, attachments, used, payload }),
        };
        (event, Attachments::packed(packed))
    }
}

fn put(storage: &mut [u8], at: usize, bytes: &[u8]) -> Result<(), Capacity> {
    let needed = at.saturating_add(bytes.len());
    let available = storage.len();
    copy(bytes, storage.get_mut(at..needed).ok_or(Capacity { needed, available })?);
    Ok(())
}
