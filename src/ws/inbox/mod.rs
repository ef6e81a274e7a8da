//! The memory for received bytes and for the message that is being assembled.

mod growing;
mod inflater;
mod may_inflate;
mod storage;
mod unpack;
mod upper;

use super::{
    Advanced, Chunk, CloseCode, Connection, Incoming, Kind, Message, ReceiveError, Role, assemble::Worked,
    buffer::Buffer,
};
use crate::bytes::Capacity;

pub use growing::Growing;
#[cfg(feature = "drive")]
pub(crate) use growing::larger;
pub use inflater::Inflater;
pub use may_inflate::MayInflate;
pub use storage::{Inflating, Storage};

/// The receive memory of one connection. The socket reads into it, and whole messages are lent from it.
///
/// A message borrows only the inbox, so you can call the connection while you hold the message.
///
/// Frames are unmasked in place. A message in one frame is never copied; the parts of a fragmented one are moved together in place. Bytes move to
/// the front only when the tail is too short, and each byte moves a constant number of times, whatever the size of the memory.
///
/// An inbox serves one connection at a time. Call [`reset`](Self::reset) before the next one, such as after a reconnect.
///
/// ```
/// use sansocket::ws::{Connection, Inbox, Incoming, Limits, Server};
///
/// let mut ws = Connection::server(Limits::new());
/// let mut inbox = Inbox::new([0; 256]);
/// let mut tx = [0; 256];
/// let mut out = ws.out(&mut tx);
///
/// let received = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
/// inbox.space()?[..received.len()].copy_from_slice(received); // a socket's read
/// inbox.commit(received.len());
/// while let Some(incoming) = inbox.poll_message(&mut ws)? {
///     if let Incoming::Message(message) = incoming {
///         ws.send(message.kind(), message.as_bytes(), &mut out)?;
///     }
/// }
/// assert_eq!(out.written(), b"\x81\x05Hello");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Inbox<S> {
    pub(super) buffer: Buffer<S>,
    pub(super) ready: Ready,
    /// The open message is returned in parts.
    pub(super) in_parts: bool,
    /// The open message is skipped.
    pub(super) skipping: bool,
    /// This end closes and a message did not fit: it and all later messages are dropped.
    pub(super) deaf: bool,
    /// Raw bytes were used since the last call of `space`, and the rest of them may hold more messages.
    pub(super) progressed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    Nothing,
    /// It was lent, and is released by the next call.
    Taken,
    Message(Kind),
    Part {
        kind: Kind,
        is_first: bool,
        is_last: bool,
    },
    Close(CloseCode),
}

impl<S: Storage> Inbox<S> {
    /// An empty inbox over `storage`: an array, a slice, a `Vec`, or a guard of a pool; or [`Inflating`], which unpacks compressed messages.
    pub const fn new(storage: S) -> Self {
        Self {
            buffer: Buffer::new(storage),
            ready: Ready::Nothing,
            in_parts: false,
            skipping: false,
            deaf: false,
            progressed: false,
        }
    }

    /// The storage, for another use. What was received is dropped.
    #[cfg(feature = "drive")]
    pub(crate) fn into_storage(self) -> S {
        self.buffer.into_storage()
    }

    /// Drops everything that was received and keeps the storage, for a new connection. See [`Inbox`].
    pub fn reset(&mut self) {
        self.buffer.clear();
        self.ready = Ready::Nothing;
        self.in_parts = false;
        self.skipping = false;
        self.deaf = false;
        self.progressed = false;
        if let Some(inflater) = self.buffer.inflater() {
            inflater.reset();
        }
    }

    /// The free memory, for the socket to read into. Pass the number of bytes that it read to [`commit`](Self::commit). Never empty.
    ///
    /// If `poll_message` has returned `None`, this is all free memory. Otherwise it is only so much that half of the storage stays free, at least 1
    /// byte: this keeps the cost of moving constant.
    ///
    /// # Errors
    /// [`Capacity`] if the memory is full. Take messages first (`poll_message`), or lend more ([`replace`](Self::replace)). `needed` is the least that
    /// helps.
    pub fn space(&mut self) -> Result<&mut [u8], Capacity> {
        self.release();
        // Who takes one message a call and fills the rest up would have nearly all of the storage moved for each.
        let shares = core::mem::replace(&mut self.progressed, false) && self.buffer.raw_len() > 0;
        self.buffer.space(shares)
    }

    /// Adds the `n` bytes that the socket has read to the front of [`space`](Self::space). See [`Inbox`] for an example.
    pub fn commit(&mut self, n: usize) {
        self.buffer.commit(n);
    }

    /// The received bytes that were not used yet. Before the handshake is done, this is the HTTP head.
    pub fn bytes(&mut self) -> &mut [u8] {
        self.release();
        self.buffer.raw()
    }

    /// Removes the first `n` of [`bytes`](Self::bytes), such as the HTTP head.
    pub fn consume(&mut self, n: usize) {
        self.release();
        self.buffer.use_up(n);
        self.progressed = true;
    }

    /// Returns the next message or control frame. `None`: all received bytes were used, so read more. See [`Inbox`] for an example.
    ///
    /// # Errors
    /// [`ReceiveError::Peer`] if the peer broke the protocol. Bytes after the fault are dropped, and every later call returns the same error.
    ///
    /// [`ReceiveError::Capacity`] if the message is larger than the storage, as soon as a header shows it. `needed` is exact for a message in one
    /// frame, and the least that helps for a fragmented one: lend at least twice the old size, since the peer can ask for one
    /// byte more with each frame, and each time all that is held is copied. Nothing is lost. Every call returns the same error until you call
    /// [`replace`](Self::replace), [`poll_part`](Self::poll_part), [`skip_message`](Self::skip_message) or [`Connection::close`]. After a close, a
    /// message that does not fit is dropped, and all messages after it.
    #[cfg_attr(target_pointer_width = "64", inline)]
    pub fn poll_message<R: Role>(&mut self, ws: &mut Connection<R>) -> Result<Option<Incoming<'_>>, ReceiveError> {
        self.release();
        if let Some(kind) = self.whole(ws) {
            self.ready = Ready::Taken;
            return Ok(Some(Incoming::Message(Message::new(kind, self.buffer.message()))));
        }
        self.poll(ws, false)
    }

    /// As [`poll_message`](Self::poll_message), but returns messages in parts as they arrive, so a message can have any length. A message whose first
    /// part was returned continues in parts.
    ///
    /// # Errors
    /// [`ReceiveError::Peer`] if the peer broke the protocol. Never [`ReceiveError::Capacity`], unless a compressed message needs more than the memory
    /// of an [`Inflating`] storage that is not larger than its window.
    ///
    /// ```
    /// use sansocket::ws::{Connection, Inbox, Incoming, Limits};
    ///
    /// let mut ws = Connection::client(Limits::new());
    /// let mut inbox = Inbox::new([0; 16]);
    /// let mut sum = 0;
    /// for piece in [&[0x82, 100], &[7; 100][..]].concat().chunks(8) { // larger than the inbox
    ///     inbox.space()?[..piece.len()].copy_from_slice(piece);
    ///     inbox.commit(piece.len());
    ///     while let Some(incoming) = inbox.poll_part(&mut ws)? {
    ///         if let Incoming::Part(chunk) = incoming {
    ///             sum += chunk.as_bytes().len();
    ///         }
    ///     }
    /// }
    /// assert_eq!(sum, 100);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn poll_part<R: Role>(&mut self, ws: &mut Connection<R>) -> Result<Option<Incoming<'_>>, ReceiveError> {
        self.release();
        self.poll(ws, true)
    }

    /// What was lent is released.
    #[cfg_attr(target_pointer_width = "64", inline(never))]
    fn poll<R: Role>(&mut self, ws: &mut Connection<R>, in_parts: bool) -> Result<Option<Incoming<'_>>, ReceiveError> {
        let mut payload = None;
        Ok(match self.work_through(ws, in_parts, &mut payload)? {
            None => None,
            Some(Worked::Ready) => self.take(),
            Some(Worked::Ping) => payload.map(Incoming::Ping),
            Some(Worked::Pong) => payload.map(Incoming::Pong),
        })
    }

    /// As [`poll_message`](Self::poll_message), but the result borrows nothing. It says that a message is ready; [`take`](Self::take) then lends the
    /// message. Until then it stays ready. For a wrapper that loops and returns a message.
    ///
    /// # Errors
    /// As [`poll_message`](Self::poll_message).
    ///
    /// ```
    /// use sansocket::{time::Instant, ws::{Advanced, Connection, Inbox, Incoming, KeepAlive, ReceiveError, Server}};
    ///
    /// struct Socket {
    ///     ws: Connection<Server>,
    ///     inbox: Inbox<Vec<u8>>,
    ///     keep: KeepAlive,
    /// }
    ///
    /// impl Socket {
    ///     /// The next message, or `None` if more bytes must be read.
    ///     fn next(&mut self) -> Result<Option<Incoming<'_>>, ReceiveError> {
    ///         while let Some(found) = self.inbox.advance(&mut self.ws)? {
    ///             match found {
    ///                 Advanced::Ready => return Ok(self.inbox.take()),
    ///                 Advanced::Pong(pong) => self.keep.handle_pong(&pong),
    ///                 _ => {}
    ///             }
    ///         }
    ///         Ok(None)
    ///     }
    /// }
    /// # use sansocket::ws::{Limits, Timeouts};
    /// # let (ws, start) = (Connection::server(Limits::new()), Instant::from_millis(0));
    /// # let mut socket = Socket { ws, inbox: Inbox::new(vec![0; 64]), keep: KeepAlive::new(Timeouts::new(), start) };
    /// # socket.keep.opened(start);
    /// # let later = Instant::from_millis(30_000);
    /// # let (mut tx, Socket { ws, keep, .. }) = ([0; 64], &mut socket);
    /// # let mut out = ws.out(&mut tx);
    /// # keep.handle_timeout(later, ws);
    /// # assert!(keep.poll_transmit(ws, &mut out)?);
    /// # let frames = b"\x8a\x84\0\0\0\0\0\0\0\x01\x81\x81\0\0\0\0a";
    /// # socket.inbox.space()?[..frames.len()].copy_from_slice(frames);
    /// # socket.inbox.commit(frames.len());
    /// # assert!(socket.next()?.is_some());
    /// # assert_eq!(socket.keep.timeout_reason(), Some(sansocket::ws::Timeout::Ping), "the pong was seen");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn advance<R: Role>(&mut self, ws: &mut Connection<R>) -> Result<Option<Advanced>, ReceiveError> {
        self.find(ws, false)
    }

    /// As [`poll_part`](Self::poll_part), but the result borrows nothing, as in [`advance`](Self::advance).
    ///
    /// # Errors
    /// As [`poll_part`](Self::poll_part).
    pub fn advance_part<R: Role>(&mut self, ws: &mut Connection<R>) -> Result<Option<Advanced>, ReceiveError> {
        self.find(ws, true)
    }

    fn find<R: Role>(&mut self, ws: &mut Connection<R>, in_parts: bool) -> Result<Option<Advanced>, ReceiveError> {
        let mut payload = None;
        Ok(match self.work(ws, in_parts, &mut payload)? {
            None => None,
            Some(Worked::Ready) => Some(Advanced::Ready),
            Some(Worked::Ping) => payload.map(Advanced::Ping),
            Some(Worked::Pong) => payload.map(Advanced::Pong),
        })
    }

    /// The message that is ready, without taking it. See [`advance`](Self::advance).
    pub fn peek(&mut self) -> Option<(Kind, &[u8])> {
        let Ready::Message(kind) = self.ready else { return None };
        Some((kind, self.seen()))
    }

    /// Lends the message, part or close frame that [`advance`](Self::advance) found. `None` if nothing is ready; then nothing was changed.
    pub fn take(&mut self) -> Option<Incoming<'_>> {
        let ready = self.ready;
        if matches!(ready, Ready::Nothing | Ready::Taken) {
            return None;
        }
        self.ready = Ready::Taken;
        let bytes = self.lend(ready);
        Some(match ready {
            Ready::Nothing | Ready::Taken => return None,
            Ready::Message(kind) => Incoming::Message(Message::new(kind, bytes)),
            Ready::Part { kind, is_first, is_last } => {
                Incoming::Part(Chunk { kind, is_first, is_last, is_compressed: false, bytes })
            }
            Ready::Close(code) => Incoming::Close(code),
        })
    }

    /// Drops the open message: the bytes that have arrived, those that will arrive, and a part that is ready. The next result is the next message. Does
    /// nothing if no message is open.
    ///
    /// ```
    /// use sansocket::ws::{Connection, Inbox, Incoming, Limits, ReceiveError};
    ///
    /// let (mut ws, mut inbox) = (Connection::client(Limits::new()), Inbox::new([0; 16]));
    /// for piece in [b"\x82\x28", &[7; 40][..], b"\x82\x02ok"].concat().chunks(8) {
    ///     inbox.space()?[..piece.len()].copy_from_slice(piece);
    ///     inbox.commit(piece.len());
    ///     match inbox.poll_message(&mut ws) {
    ///         Err(ReceiveError::Capacity(_)) => inbox.skip_message(&ws), // 40 bytes do not fit
    ///         Ok(Some(Incoming::Message(m))) => assert_eq!(m.as_bytes(), b"ok"),
    ///         other => assert!(matches!(other, Ok(None))),
    ///     }
    /// }
    /// # Ok::<(), sansocket::Capacity>(())
    /// ```
    pub fn skip_message<R: Role>(&mut self, ws: &Connection<R>) {
        self.release();
        if let Ready::Part { is_last, .. } = self.ready {
            self.ready = Ready::Nothing;
            self.drop_part(is_last);
        }
        if matches!(self.ready, Ready::Nothing) && !self.skip_compressed() && ws.open_kind().is_some() {
            self.end_message();
            self.skipping = true;
        }
    }

    /// How many bytes must stay in the storage. With 0, between two messages, the storage can be used for something else.
    #[must_use]
    pub fn held(&self) -> usize {
        if matches!(self.ready, Ready::Taken) && !self.buffer.is_lending() {
            self.buffer.raw_len()
        } else {
            self.buffer.held()
        }
    }

    /// Moves the held bytes to `storage` and returns the old storage. Cost: one copy of [`held`](Self::held) bytes. The guide shows how to
    /// [grow and give back](crate::guide::memory).
    ///
    /// # Errors
    /// Returns `storage` if the held bytes do not fit. Nothing was changed.
    pub fn replace(&mut self, storage: S::Raw) -> Result<S::Raw, S::Raw> {
        self.release();
        self.buffer.replace(storage)
    }

    /// Releases what was lent.
    #[inline]
    pub(super) fn release(&mut self) {
        if matches!(self.ready, Ready::Taken) {
            self.ready = Ready::Nothing;
            self.drop_lent();
        }
    }
}
