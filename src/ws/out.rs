//! The write cursor that all layers share.

use super::{
    FrameHeader, MaskSource, Role, SendError, Server, StateError, deflater::RSV1, header, mask, opcode::Opcode,
    state::Sending,
};
use crate::bytes::{Capacity, Writer, copy, count, open_gap};
use core::marker::PhantomData;

pub(super) mod sealed {
    use super::super::{Outbox, Server};
    pub trait Form {}
    impl Form for super::Frames {}
    impl Form for super::Stored {}
    impl<R, K> Form for super::Kept<'_, R, K> {}
    pub trait Output<R> {}
    impl<T: AsMut<[u8]> + ?Sized> Output<Server> for T {}
    impl<T: AsMut<[u8]> + ?Sized> Output<super::Stored> for T {}
    impl<S, K, R> Output<R> for Outbox<S, K> {}
}

/// What an [`Out`] writes: frames of a client, frames of a server, or stored frames. Sealed.
pub trait Form: sealed::Form {
    /// The role that sends these frames. [`Stored`] for stored frames.
    type Role;
    #[doc(hidden)]
    const IS_MASKED: bool;
    #[doc(hidden)]
    fn next_key(&mut self) -> [u8; 4];
    /// Called when the length of the written bytes changes.
    #[doc(hidden)]
    fn resized(&mut self, _from: usize, _to: usize) {}
    #[doc(hidden)]
    const IS_DEFLATED: bool = false;
    /// Compresses a whole message into `room`. `None`: it goes out plain.
    #[doc(hidden)]
    fn deflate(&mut self, _payload: &[u8], _room: &mut [u8]) -> Option<usize> {
        None
    }
    /// Whether the messages that follow may be compressed.
    #[doc(hidden)]
    fn allow(&mut self, _may_compress: bool) {}
}

/// Memory for frames of the role `R`, or for stored frames if `R` is [`Stored`]. Sealed. See [`Out`].
///
/// - An [`Outbox`](super::Outbox), in either role: new frames follow those that are there.
/// - Plain memory (an array, a slice, a `Vec`), for a server and for stored frames: frames begin at its front.
///
/// A client needs masking keys, so it writes into an [`Outbox::with_keys`](super::Outbox::with_keys).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold frames of this role",
    note = "a client masks its frames: use `Outbox::with_keys(memory, keys)`"
)]
pub trait Output<R>: sealed::Output<R> {
    /// The form that the cursor writes.
    type Form<'o>: Form<Role = R>
    where
        Self: 'o;
    #[doc(hidden)]
    fn cursor(&mut self, gate: Gate) -> Out<'_, Self::Form<'_>>;
}

/// The [`Form`] of a server's frames in plain memory. See [`Out`].
#[derive(Debug)]
pub struct Frames(());

/// The [`Form`] of stored frames: server frames that are not sent yet, for a queue or for many receivers. See [`Out::stored`](Out::stored).
#[derive(Debug)]
pub struct Stored(());

/// The [`Form`] of frames in an [`Outbox`](super::Outbox), which keeps them until the socket has taken them.
#[derive(Debug)]
pub struct Kept<'o, R, K> {
    keys: &'o mut K,
    end: &'o mut usize,
    role: PhantomData<R>,
}

impl Form for Frames {
    type Role = Server;
    const IS_MASKED: bool = false;
    fn next_key(&mut self) -> [u8; 4] {
        [0; 4]
    }
}

impl Form for Stored {
    type Role = Self;
    const IS_MASKED: bool = false;
    fn next_key(&mut self) -> [u8; 4] {
        [0; 4]
    }
}

impl<R: Role, K: MaskSource<R>> Form for Kept<'_, R, K> {
    type Role = R;
    const IS_MASKED: bool = R::SENDS_MASKED;
    const IS_DEFLATED: bool = K::IS_DEFLATED;
    fn deflate(&mut self, payload: &[u8], room: &mut [u8]) -> Option<usize> {
        self.keys.deflate(payload, room)
    }
    fn allow(&mut self, may_compress: bool) {
        self.keys.allow(may_compress);
    }
    fn next_key(&mut self) -> [u8; 4] {
        self.keys.next_key()
    }
    fn resized(&mut self, from: usize, to: usize) {
        *self.end = self.end.saturating_sub(from).saturating_add(to);
    }
}

impl<K> Form for Kept<'_, Stored, K> {
    type Role = Stored;
    const IS_MASKED: bool = false;
    fn next_key(&mut self) -> [u8; 4] {
        [0; 4]
    }
    fn resized(&mut self, from: usize, to: usize) {
        *self.end = self.end.saturating_sub(from).saturating_add(to);
    }
}

impl<T: AsMut<[u8]> + ?Sized> Output<Server> for T {
    type Form<'o>
        = Frames
    where
        T: 'o;
    fn cursor(&mut self, gate: Gate) -> Out<'_, Frames> {
        Out { memory: self.as_mut(), len: 0, gate, form: Frames(()) }
    }
}

impl<T: AsMut<[u8]> + ?Sized> Output<Stored> for T {
    type Form<'o>
        = Stored
    where
        T: 'o;
    fn cursor(&mut self, gate: Gate) -> Out<'_, Stored> {
        Out { memory: self.as_mut(), len: 0, gate, form: Stored(()) }
    }
}

/// What may be appended to an [`Out`]. A copy of the connection's state, which every write updates. So a layer that does not see the connection cannot
/// write into an open message or after a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum Gate {
    Open,
    Message,
    Closed,
}

impl From<Sending> for Gate {
    fn from(sending: Sending) -> Self {
        match sending {
            Sending::Open => Self::Open,
            Sending::Message(_) => Self::Message,
            Sending::CloseOwed(_) | Sending::CloseSent | Sending::Ended { .. } => Self::Closed,
        }
    }
}

/// The write cursor of all layers. A write appends whole frames, or fails and changes nothing.
///
/// [`Connection::out`](super::Connection::out) and [`Out::stored`] make one. It borrows the memory, not the connection. So over plain memory one cursor
/// can serve many turns of a loop: write [`written`](Self::written) to the socket, then [`clear`](Self::clear). If the socket can take fewer bytes than
/// you offer, use an [`Outbox`](super::Outbox).
///
/// A cursor remembers whether a message may begin. If the connection writes through another cursor, take a new one.
///
/// ```
/// use sansocket::ws::{Connection, Frames, Kind, Limits, Out, SendError};
///
/// let mut ws = Connection::server(Limits::new());
/// let mut memory = [0; 8];
/// let mut out: Out<'_, Frames> = ws.out(&mut memory);
/// ws.send(Kind::Binary, b"abc", &mut out)?;
/// assert_eq!((out.written(), out.room()), (&b"\x82\x03abc"[..], 3));
///
/// // A frame that does not fit changes nothing. Write the others to the socket, and repeat.
/// assert!(matches!(ws.send(Kind::Binary, b"de", &mut out), Err(SendError::Capacity(e)) if e.needed == 4));
/// out.clear();
/// ws.send(Kind::Binary, b"de", &mut out)?;
/// assert_eq!(out.written(), b"\x82\x02de");
/// # Ok::<(), SendError>(())
/// ```
#[derive(Debug)]
pub struct Out<'o, F> {
    pub(super) memory: &'o mut [u8],
    pub(super) len: usize,
    pub(crate) gate: Gate,
    pub(super) form: F,
}

impl<'o> Out<'o, Stored> {
    /// A cursor for stored frames, over plain memory or an [`Outbox`](super::Outbox). No connection is needed.
    ///
    /// ```
    /// use sansocket::{engineio::{Message, Sid, server::{Config, Session}}, time::Instant, ws::{Out, Stored}};
    ///
    /// let session = Session::open(Sid::from_random([1; 15]), Config::new(), Instant::from_millis(0));
    /// let mut memory = [0; 64];
    /// let mut out: Out<'_, Stored> = Out::stored(&mut memory);
    /// session.send(Message::Text(b"hi"), &mut out)?;
    /// assert_eq!(out.written(), b"\x81\x034hi"); // for a queue; any server connection can send it
    /// # Ok::<(), sansocket::engineio::SendError>(())
    /// ```
    #[must_use]
    pub fn stored<B: Output<Stored> + ?Sized>(memory: &'o mut B) -> Out<'o, B::Form<'o>> {
        memory.cursor(Gate::Open)
    }
}

impl<'o, R, K> Out<'o, Kept<'o, R, K>> {
    /// A cursor over the free tail of an outbox. `end` is the end of its frames.
    pub(super) const fn kept(memory: &'o mut [u8], end: &'o mut usize, keys: &'o mut K, gate: Gate) -> Self {
        Self { memory, len: 0, gate, form: Kept { keys, end, role: PhantomData } }
    }
}

impl<F> Out<'_, F> {
    /// The frames that this cursor has written since it was made or [cleared](Self::clear).
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.memory.get(..self.len).unwrap_or_default()
    }

    /// Whether this cursor has written nothing since it was made or cleared.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of bytes that can be appended.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.memory.len().saturating_sub(self.len)
    }
}

impl<F: Form> Out<'_, F> {
    /// Whether the messages that follow may be compressed.
    pub(crate) fn allow(&mut self, may_compress: bool) {
        self.form.allow(may_compress);
    }

    /// Removes the frames that this cursor has written. Call it after you wrote them to the socket.
    pub fn clear(&mut self) {
        self.set_len(0);
    }

    #[inline]
    fn set_len(&mut self, len: usize) {
        self.form.resized(self.len, len);
        self.len = len;
    }

    /// Appends a frame around `payload`.
    #[inline]
    pub(crate) fn put(&mut self, first: u8, payload: &[u8]) -> Result<(), Capacity> {
        if F::IS_DEFLATED
            && let Some(len) = self.deflate(first, payload)
        {
            return self.frame(first | RSV1, 0, len);
        }
        let size = header::size(F::IS_MASKED, payload.len());
        // Memory and payload are apart, so their lengths together are no more than there are addresses.
        let needed = size.wrapping_add(payload.len());
        let room = self.memory.get_mut(self.len..).unwrap_or_default();
        let available = room.len();
        let Some((head, body)) = room.get_mut(..needed).and_then(|place| place.split_at_mut_checked(size)) else {
            return Err(Capacity { needed, available });
        };
        if F::IS_MASKED {
            let key = self.form.next_key();
            header::write(first, Some(key), payload.len(), head);
            mask::copy(key, payload, body);
        } else {
            header::write(first, None, payload.len(), head);
            copy(payload, body);
        }
        self.set_len(self.len.wrapping_add(needed));
        Ok(())
    }

    /// Appends a frame around the bytes that `write` writes. A short header is reserved; if the length needs a longer header, the payload moves once.
    /// `behind` more bytes must have room after it.
    #[inline]
    pub(crate) fn build(
        &mut self,
        first: u8,
        behind: usize,
        write: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(), Capacity> {
        let mut writer = self.payload();
        write(&mut writer);
        let len = writer.len();
        if F::IS_DEFLATED
            && let Some(len) = self.deflate_written(first, behind, len)
        {
            return self.frame(first | RSV1, behind, len);
        }
        self.frame(first, behind, len)
    }

    /// Writes behind the room of a short header.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn payload(&mut self) -> Writer<'_> {
        let from = self.len.saturating_add(header::size(F::IS_MASKED, 0));
        Writer::new(self.memory.get_mut(from..).unwrap_or_default())
    }

    /// Makes a frame of the `len` bytes that were written behind the room of a short header.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn frame(&mut self, first: u8, behind: usize, len: usize) -> Result<(), Capacity> {
        let room = self.memory.get_mut(self.len..).unwrap_or_default();
        let available = room.len();
        let short = header::size(F::IS_MASKED, 0);
        let size = header::size(F::IS_MASKED, len);
        let needed = count(size, len);
        let all = count(needed, behind);
        let Some(place) = room.get_mut(..needed).filter(|_| all <= available) else {
            return Err(Capacity { needed: all, available });
        };
        if size > short
            && let Some(body) = place.get_mut(short..)
        {
            open_gap(body, size.wrapping_sub(short));
        }
        let key = F::IS_MASKED.then(|| self.form.next_key());
        if let Some((head, body)) = place.split_at_mut_checked(size) {
            header::write(first, key, len, head);
            if let Some(key) = key {
                mask::apply(key, body);
            }
        }
        self.set_len(self.len.wrapping_add(needed));
        Ok(())
    }

    /// The header of a frame with `len` bytes. For a client it draws a key, and `mask` masks the payload.
    pub(super) fn header(&mut self, first: u8, len: usize) -> (FrameHeader, Option<[u8; 4]>) {
        let key = F::IS_MASKED.then(|| self.form.next_key());
        (FrameHeader::new(first, key, len), key)
    }

    /// Appends a binary message for an upper layer.
    pub(crate) fn binary_message(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.judge()?;
        Ok(self.put(0x80 | Opcode::Binary.bits(), bytes)?)
    }

    /// Whether a message may begin here.
    pub(super) const fn judge(&self) -> Result<(), StateError> {
        match self.gate {
            Gate::Open => Ok(()),
            Gate::Message => Err(StateError::MessageOpen),
            Gate::Closed => Err(StateError::Closing),
        }
    }

    /// Appends a text message and binary messages after it, all or none. For upper layers, which do not see the connection.
    #[inline]
    pub(crate) fn messages<'b>(
        &mut self,
        write: impl FnOnce(&mut Writer<'_>),
        behind: impl Iterator<Item = &'b [u8]> + Clone,
    ) -> Result<(), SendError> {
        self.judge()?;
        self.build(0x80 | Opcode::Text.bits(), Self::size_of(behind.clone()), write)?;
        for bytes in behind {
            self.put(0x80 | Opcode::Binary.bits(), bytes)?;
        }
        Ok(())
    }
}

impl<F: Form> Out<'_, F> {
    /// The room for a text message with the binary messages `behind` it, in bytes. 0 if no message may begin.
    pub(crate) fn room_beside<'b>(&self, behind: impl Iterator<Item = &'b [u8]>) -> usize {
        if self.judge().is_ok() { self.room().saturating_sub(Self::size_of(behind)) } else { 0 }
    }

    /// The size of `messages` as frames.
    pub(super) fn size_of<'b>(messages: impl Iterator<Item = &'b [u8]>) -> usize {
        let size = |bytes: &[u8]| header::size(F::IS_MASKED, bytes.len()).saturating_add(bytes.len());
        messages.map(size).fold(0, usize::saturating_add)
    }
}
