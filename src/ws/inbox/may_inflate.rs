//! Storage that has an inflater only while there is something to unpack.

use super::{Inbox, Inflater, Storage};
use core::ops::DerefMut;

/// Storage for an inbox to which an [`Inflater`] is lent while it has something to unpack. For servers with many connections of which most are idle, or have
/// not agreed on compression: such a connection holds a pointer, and one inflater serves all connections of a thread.
///
/// `I` leads to the inflater, such as `Box<Inflater<Vec<u8>>>` or a guard of a pool. [`replace_inflater`](Inbox::replace_inflater) lends it and takes it
/// back. While there is none, a compressed message ends the connection, as it does where nothing was agreed on.
///
/// ```
/// use sansocket::ws::{Compression, Connection, Inbox, Incoming, Inflater, Limits, MayInflate};
///
/// let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate")];
/// let agreed = Compression::new().without_receive_takeover().accept(offer);
/// let mut ws = Connection::client(Limits::new()).with_compression(agreed);
/// let mut inbox = Inbox::new(MayInflate::new(vec![0; 256]));
///
/// // Bytes have come: the inflater of this thread is lent.
/// let shared = Box::new(Inflater::new(vec![0; 4096], None)?);
/// inbox.replace_inflater(Some(shared)).expect("there was none");
/// inbox.agree(agreed)?;
/// let received = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"; // RFC 7692 section 7.2.3.1
/// inbox.space()?[..received.len()].copy_from_slice(received);
/// inbox.commit(received.len());
/// let Some(Incoming::Message(message)) = inbox.poll_message(&mut ws)? else { panic!() };
/// assert_eq!(message.as_bytes(), b"Hello");
///
/// // Between two messages without takeover it is free for another connection. In the middle of one it would be refused.
/// let shared = inbox.replace_inflater(None).expect("no message is open");
/// assert!(shared.is_some());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MayInflate<S, I> {
    raw: S,
    inflater: Option<I>,
}

impl<S, I> MayInflate<S, I> {
    /// Storage without an inflater, over memory for received bytes.
    pub const fn new(raw: S) -> Self {
        Self { raw, inflater: None }
    }
}

impl<S: AsMut<[u8]>, M: AsMut<[u8]>, I: DerefMut<Target = Inflater<M>>> Storage for MayInflate<S, I> {
    type Raw = S;
    type Unpacked = M;
    const UNPACKS: bool = true;
    #[inline(always)]
    fn raw(&mut self) -> &mut S {
        &mut self.raw
    }
    #[inline(always)]
    fn both(&mut self) -> (&mut [u8], Option<&mut Inflater<M>>) {
        (self.raw.as_mut(), self.inflater.as_deref_mut())
    }
    #[inline(always)]
    fn is_lending(&self) -> bool {
        self.inflater.as_deref().is_some_and(Inflater::is_lending)
    }
}

impl<S: AsMut<[u8]>, M: AsMut<[u8]>, I: DerefMut<Target = Inflater<M>>> Inbox<MayInflate<S, I>> {
    /// Lends an inflater, or takes it back, and returns the one before. Then call [`agree`](Self::agree), unless it serves the connection already. See
    /// [`MayInflate`].
    ///
    /// # Errors
    /// Returns `inflater` if the one that is there must stay: a compressed message is open, or its window is kept. Nothing was changed.
    pub fn replace_inflater(&mut self, inflater: Option<I>) -> Result<Option<I>, Option<I>> {
        self.release();
        let place = &mut self.buffer.storage_mut().inflater;
        if place.as_deref().is_some_and(|inflater| !inflater.is_free()) {
            return Err(inflater);
        }
        Ok(core::mem::replace(place, inflater))
    }

    /// The inflater, if there is one.
    pub fn inflater(&mut self) -> Option<&mut I> {
        self.release();
        self.buffer.storage_mut().inflater.as_mut()
    }
}
