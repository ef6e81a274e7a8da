//! What an inbox stands on: memory for received bytes alone, or also memory to unpack in.

use super::inflater::Inflater;
use crate::{
    bytes::Capacity,
    ws::{Agreed, Compression},
};

mod sealed {
    pub trait Storage {}
    impl<T: AsMut<[u8]>> Storage for T {}
    impl<S: AsMut<[u8]>, M: AsMut<[u8]>> Storage for super::Inflating<S, M> {}
    impl<S, I, M> Storage for super::super::MayInflate<S, I>
    where
        S: AsMut<[u8]>,
        I: core::ops::DerefMut<Target = super::Inflater<M>>,
        M: AsMut<[u8]>,
    {
    }
}

/// The storage of an [`Inbox`](super::Inbox). Sealed.
///
/// - Plain memory (an array, a slice, a `Vec`): for connections without compression. What unpacks is then not linked.
/// - [`Inflating`]: for connections that may agree on compression.
/// - [`MayInflate`](super::MayInflate): the same, for many connections of which most are idle.
pub trait Storage: sealed::Storage {
    /// The memory for received bytes.
    type Raw: AsMut<[u8]>;
    /// The memory to unpack in. Of plain memory it is empty.
    type Unpacked: AsMut<[u8]>;
    /// Whether compressed messages are taken. Elsewhere what unpacks them is not linked, and nothing asks for it.
    #[doc(hidden)]
    const UNPACKS: bool;
    #[doc(hidden)]
    fn raw(&mut self) -> &mut Self::Raw;
    #[doc(hidden)]
    fn both(&mut self) -> (&mut [u8], Option<&mut Inflater<Self::Unpacked>>);
    #[doc(hidden)]
    fn is_lending(&self) -> bool;
}

impl<T: AsMut<[u8]>> Storage for T {
    type Raw = T;
    type Unpacked = [u8; 0];
    const UNPACKS: bool = false;
    #[inline(always)]
    fn raw(&mut self) -> &mut T {
        self
    }
    #[inline(always)]
    fn both(&mut self) -> (&mut [u8], Option<&mut Inflater<[u8; 0]>>) {
        (self.as_mut(), None)
    }
    #[inline(always)]
    fn is_lending(&self) -> bool {
        false
    }
}

impl<S: AsMut<[u8]>, M: AsMut<[u8]>> Storage for Inflating<S, M> {
    type Raw = S;
    type Unpacked = M;
    const UNPACKS: bool = true;
    #[inline(always)]
    fn raw(&mut self) -> &mut S {
        &mut self.raw
    }
    #[inline(always)]
    fn both(&mut self) -> (&mut [u8], Option<&mut Inflater<M>>) {
        (self.raw.as_mut(), Some(&mut self.inflater))
    }
    fn is_lending(&self) -> bool {
        self.inflater.is_lending()
    }
}

/// Storage for an inbox that unpacks compressed messages (RFC 7692): memory for received bytes, and memory to unpack in.
///
/// Compressed bytes are unpacked as they arrive, so the memory for received bytes can be small. The other memory holds the window and behind it the
/// message, which is lent from there without a copy. It must be larger than the window by as much as the largest message that is to be taken whole. If
/// each message is compressed by itself (no takeover), the message is its own window, and the memory needs to be no larger than the message.
///
/// | window bits | window | least memory with takeover |
/// |---|---|---|
/// | 8 | 256 | 320 |
/// | 10 | 1,024 | 1,280 |
/// | 12 | 4,096 | 5,120 |
/// | 15 | 32,768 | 40,960 |
///
/// [`Limits::message`](crate::ws::Limits::message) counts unpacked bytes, and is checked while unpacking. Text is checked as it is unpacked.
///
/// A message of binary data, and a part, can be changed by who takes it. With takeover it is therefore put apart from the window, which copies it. Text
/// is not copied.
///
/// ```
/// use sansocket::ws::{Compression, Connection, Inbox, Incoming, Inflating, Limits};
///
/// // What a client has agreed to, here a server that gave the shortest answer.
/// let answer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate")];
/// let agreed = Compression::new().check(answer)?;
///
/// let mut ws = Connection::client(Limits::new()).with_compression(agreed);
/// let mut inbox = Inbox::new(Inflating::new([0; 256], vec![0; 64 * 1024], agreed)?);
/// let received = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"; // RFC 7692 section 7.2.3.1
/// inbox.space()?[..received.len()].copy_from_slice(received);
/// inbox.commit(received.len());
/// let Some(Incoming::Message(message)) = inbox.poll_message(&mut ws)? else { panic!() };
/// assert_eq!(message.as_bytes(), b"Hello");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Inflating<S, M> {
    raw: S,
    inflater: Inflater<M>,
}

impl<S: AsMut<[u8]>, M: AsMut<[u8]>> Inflating<S, M> {
    /// Storage for a connection that has `agreed` on compression, or not. Without compression `memory` may be empty. If the inbox also reads the
    /// handshake, pass `None` and call [`agree`](super::Inbox::agree) when it is done.
    ///
    /// # Errors
    /// [`Capacity`] if `memory` is too short for the window that is kept from one message to the next; the table above has the numbers.
    pub fn new(raw: S, memory: M, agreed: Option<Agreed>) -> Result<Self, Capacity> {
        Ok(Self { raw, inflater: Inflater::new(memory, agreed)? })
    }

    /// Before the handshake.
    #[cfg(feature = "drive")]
    pub(crate) fn idle(raw: S, memory: M) -> Self {
        Self { raw, inflater: Inflater::idle(memory) }
    }

    /// A message may be unpacked to 1 MiB, and beyond that to so many times the bytes that it had: 256, unless you set this. The format allows for
    /// 1,032; what honest programs send stays far below. A message that exceeds it is refused with close code 1009.
    ///
    /// ```
    /// # use sansocket::ws::Inflating;
    /// let storage = Inflating::new([0; 256], [0; 4096], None)?.ratio(1032); // no limit
    /// # Ok::<(), sansocket::Capacity>(())
    /// ```
    #[must_use]
    pub const fn ratio(mut self, times: u32) -> Self {
        self.inflater.set_ratio(times);
        self
    }
}

impl<S: Storage> super::Inbox<S> {
    /// Tells what a connection has agreed on, before its first message: for an inbox that has read the handshake, or that serves one connection after
    /// another. What was received stays, since the first frames may have come with the handshake. Plain storage takes anything.
    ///
    /// ```
    /// use sansocket::{Capacity, ws::{Compression, Inbox, Inflating}};
    ///
    /// let mut inbox = Inbox::new(Inflating::new([0; 256], [0; 2048], None)?);
    /// let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate; client_max_window_bits")];
    /// let agreed = Compression::new().receive_within(2048).accept(offer);
    /// inbox.reset();
    /// inbox.agree(agreed)?;
    /// # Ok::<(), Capacity>(())
    /// ```
    ///
    /// # Errors
    /// [`Capacity`] if the memory to unpack in is too short for the window that is kept. Nothing was changed.
    pub fn agree(&mut self, agreed: Option<Agreed>) -> Result<(), Capacity> {
        self.release();
        self.buffer.inflater().map_or(Ok(()), |inflater| inflater.agree(agreed))
    }

    /// Gives the memory in which messages are unpacked back, for other memory; what must stay is moved to it. Between two messages without takeover
    /// nothing must stay, so an idle connection can hold none.
    ///
    /// # Errors
    /// Returns `memory` if it is too short, or if there is nothing that unpacks. Nothing was changed.
    ///
    /// ```
    /// use sansocket::ws::{Compression, Inbox, Inflating};
    ///
    /// let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate")];
    /// let agreed = Compression::new().without_receive_takeover().accept(offer);
    /// let mut inbox = Inbox::new(Inflating::new(vec![0; 256], vec![0; 4096], agreed)?);
    /// let lent = inbox.replace_unpacked(Vec::new()).unwrap(); // idle
    /// assert_eq!(lent.len(), 4096);
    /// # Ok::<(), sansocket::Capacity>(())
    /// ```
    ///
    /// [`held_unpacked`](Self::held_unpacked) tells how much must stay.
    pub fn replace_unpacked(&mut self, memory: S::Unpacked) -> Result<S::Unpacked, S::Unpacked> {
        self.release();
        match self.buffer.inflater() {
            Some(inflater) => inflater.replace(memory),
            None => Err(memory),
        }
    }

    /// The least size of the memory to unpack in at present: the window, if it is kept, and what is in it. See
    /// [`replace_unpacked`](Self::replace_unpacked).
    #[must_use]
    pub fn held_unpacked(&mut self) -> usize {
        self.buffer.inflater().map_or(0, |inflater| inflater.held().max(inflater.least()))
    }

    /// The size of the memory to unpack in.
    #[cfg(feature = "drive")]
    pub(crate) fn unpacked_size(&mut self) -> usize {
        self.buffer.inflater().map_or(0, |inflater| inflater.size())
    }

    /// What a client offers in the handshake that begins: `compression`, as far as this inbox can unpack.
    pub(crate) fn offer(&mut self, compression: Option<Compression>) -> Option<Compression> {
        self.buffer.inflater()?.offer(compression)
    }

    /// What was offered in the handshake.
    pub(crate) fn offered(&mut self) -> Option<Compression> {
        self.buffer.inflater()?.offered()
    }
}
