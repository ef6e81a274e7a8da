//! The receive buffer and the reassembly buffer in one.

use super::{
    Advanced, Chunk, CloseCode, Connection, Incoming, Kind, Message, ReceiveError, Role, Text, buffer::Buffer,
    connection::Found,
};
use crate::bytes::Capacity;

/// The receive buffer of one connection, over lent memory: the transport reads into it, and whole messages are lent from it.
///
/// Frames are unmasked where they lie. A message in one frame is never copied, and the parts of a fragmented one are moved together in place.
/// Bytes move to the front only when the tail runs out. Each byte is moved a constant number of times, whatever the size of the memory.
/// The memory never has to be cleared.
///
/// A message borrows only the inbox, so you can call the connection while you hold the message.
///
/// An inbox serves one connection at a time. Call [`reset`](Self::reset) when another one begins, such as after a reconnect.
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
/// inbox.filled(received.len());
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
    buffer: Buffer<S>,
    ready: Ready,
    /// The message that is open was begun in parts: it goes on in parts.
    in_parts: bool,
    /// The message that is open is thrown away as it comes.
    skipping: bool,
    /// This end closes and a message did not fit: it and all behind it are thrown away.
    deaf: bool,
    /// Raw bytes were used up since the last call of `space`, and there may be more to find in the rest of them.
    progressed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    Nothing,
    /// Lent, and not needed any more at the next call.
    Taken,
    Message(Kind),
    Part {
        kind: Kind,
        is_first: bool,
        is_last: bool,
    },
    Close(CloseCode),
}

impl<S: AsMut<[u8]>> Inbox<S> {
    /// An empty inbox over `storage`: an array, a slice, a `Vec`, a guard of a pool.
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

    /// Forgets everything that was received and keeps the storage: for a new connection.
    pub fn reset(&mut self) {
        self.buffer.clear();
        self.ready = Ready::Nothing;
        self.in_parts = false;
        self.skipping = false;
        self.deaf = false;
        self.progressed = false;
    }

    /// The free tail, to be read into. Say with [`filled`](Self::filled) how many bytes came. Never empty.
    ///
    /// The whole tail is lent when every message has been taken (`poll_message` returned `None`). When more may lie in the bytes that came,
    /// less is lent, 1 byte at least: so much that half of the storage stays free, which is what keeps the cost of moving constant.
    ///
    /// # Errors
    /// [`Capacity`] when all the memory holds bytes that must stay: take what is there first (`poll_message`), or lend
    /// more ([`replace`](Self::replace)). `needed` is the least that helps.
    pub fn space(&mut self) -> Result<&mut [u8], Capacity> {
        self.release();
        // Who takes one message a call and fills the rest up would have nearly all of the storage moved for each.
        let shares = core::mem::replace(&mut self.progressed, false) && self.buffer.raw_len() > 0;
        self.buffer.space(shares)
    }

    /// `n` bytes were read into the front of [`space`](Self::space).
    pub fn filled(&mut self, n: usize) {
        self.buffer.commit(n);
    }

    /// The bytes that came and were not taken: the HTTP head, before the connection is open.
    pub fn bytes(&mut self) -> &mut [u8] {
        self.release();
        self.buffer.raw()
    }

    /// The first `n` of [`bytes`](Self::bytes) are done with.
    pub fn consume(&mut self, n: usize) {
        self.release();
        self.buffer.use_up(n);
        self.progressed = true;
    }

    /// The next message, control frame or part; `None` when the bytes are used up: read more.
    ///
    /// # Errors
    /// [`ReceiveError::Peer`], fatal: what came behind the fault is dropped, and every later call returns the same error.
    ///
    /// [`ReceiveError::Capacity`] when the message is larger than the storage, as soon as a header shows it. `needed` is exact for a
    /// message in one frame, and the least that helps for one in several: lend at least twice the old size, since the peer can ask for one byte
    /// more with each frame, and each time all that is held is copied. Nothing is lost, and every call returns the same until one of
    /// [`replace`](Self::replace), [`poll_part`](Self::poll_part), [`skip_message`](Self::skip_message) or a close is called. After a close
    /// ([`owe_close`](Connection::owe_close), [`close`](Connection::close)) a message that does not fit is dropped, with all messages behind it.
    pub fn poll_message<R: Role>(&mut self, ws: &mut Connection<R>) -> Result<Option<Incoming<'_>>, ReceiveError> {
        self.poll(ws, false)
    }

    /// As [`poll_message`](Self::poll_message), but returns messages in parts as they arrive, so they may be of any length.
    /// A message begun in parts goes on in parts.
    ///
    /// # Errors
    /// [`ReceiveError::Peer`], fatal. Never [`ReceiveError::Capacity`].
    pub fn poll_part<R: Role>(&mut self, ws: &mut Connection<R>) -> Result<Option<Incoming<'_>>, ReceiveError> {
        self.poll(ws, true)
    }

    fn poll<R: Role>(&mut self, ws: &mut Connection<R>, in_parts: bool) -> Result<Option<Incoming<'_>>, ReceiveError> {
        Ok(match self.work(ws, in_parts)? {
            None => None,
            Some(Advanced::Ready) => self.take(),
            Some(Advanced::Ping(payload)) => Some(Incoming::Ping(payload)),
            Some(Advanced::Pong(payload)) => Some(Incoming::Pong(payload)),
        })
    }

    /// As [`poll_message`](Self::poll_message), but lends nothing: what it returns borrows neither the inbox nor the connection. For a wrapper that
    /// loops and lends: until a message has been [taken](Self::take), it stays ready.
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
    ///     /// The next message; `None`: read more.
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
    /// # socket.inbox.filled(frames.len());
    /// # assert!(socket.next()?.is_some());
    /// # assert_eq!(socket.keep.timeout_reason(), Some(sansocket::ws::Timeout::Ping), "the pong was seen");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn advance<R: Role>(&mut self, ws: &mut Connection<R>) -> Result<Option<Advanced>, ReceiveError> {
        self.work(ws, false)
    }

    /// The message that is ready, which stays ready.
    pub fn peek(&mut self) -> Option<(Kind, &[u8])> {
        let Ready::Message(kind) = self.ready else { return None };
        Some((kind, self.buffer.message()))
    }

    /// Makes a binary message of the text that is ready: `decode` works on it where it lies, and says where its bytes are. `false`: it cannot, and the
    /// text is spoilt.
    pub(crate) fn make_binary(&mut self, decode: impl FnOnce(&mut [u8]) -> Option<(usize, usize)>) -> bool {
        let Some((from, to)) = decode(self.buffer.message()) else { return false };
        self.buffer.trim(from, to);
        self.ready = Ready::Message(Kind::Binary);
        true
    }

    /// Lends what [`advance`](Self::advance) found to be ready. `None` when nothing is; then nothing was changed.
    pub fn take(&mut self) -> Option<Incoming<'_>> {
        let ready = self.ready;
        if matches!(ready, Ready::Nothing | Ready::Taken) {
            return None;
        }
        self.ready = Ready::Taken;
        let bytes = self.buffer.message();
        Some(match ready {
            Ready::Nothing | Ready::Taken => return None,
            Ready::Message(Kind::Text) => Incoming::Message(Message::Text(Text(bytes))),
            Ready::Message(Kind::Binary) => Incoming::Message(Message::Binary(bytes)),
            Ready::Part { kind, is_first, is_last } => Incoming::Part(Chunk { kind, is_first, is_last, bytes }),
            Ready::Close(code) => Incoming::Close(code),
        })
    }

    /// Throws away what has come of the open message and what will, also a part that is ready: what comes next is the next message. Does nothing
    /// when no message is open.
    pub fn skip_message<R: Role>(&mut self, ws: &Connection<R>) {
        self.release();
        if let Ready::Part { .. } = self.ready {
            self.ready = Ready::Nothing;
            self.end_message();
        }
        if self.ready == Ready::Nothing && ws.open_kind().is_some() {
            self.end_message();
            self.skipping = true;
        }
    }

    /// Bytes that must stay in the storage: 0 between two messages, and then the storage can be lent elsewhere.
    #[must_use]
    pub fn held(&self) -> usize {
        if self.ready == Ready::Taken { self.buffer.raw_len() } else { self.buffer.held() }
    }

    /// Carries the held bytes over to `storage` and gives the old one back. Cost: one copy of [`held`](Self::held) bytes.
    ///
    /// # Errors
    /// Gives the new one back when the held bytes do not fit; nothing was changed.
    pub fn replace(&mut self, storage: S) -> Result<S, S> {
        self.release();
        self.buffer.replace(storage)
    }

    /// What was lent is done with.
    #[inline]
    fn release(&mut self) {
        if self.ready == Ready::Taken {
            self.ready = Ready::Nothing;
            self.buffer.drop_message();
        }
    }

    /// No message is open any more.
    fn end_message(&mut self) {
        self.buffer.drop_message();
        self.in_parts = false;
        self.skipping = self.deaf;
    }

    #[inline]
    fn work<R: Role>(&mut self, ws: &mut Connection<R>, in_parts: bool) -> Result<Option<Advanced>, ReceiveError> {
        self.release();
        if self.ready != Ready::Nothing {
            return Ok(Some(Advanced::Ready));
        }
        self.progressed = true;
        match ws.open_kind() {
            None => {
                // What an earlier connection may have left open does not concern this one.
                self.deaf &= ws.is_closing();
                self.end_message();
                if !in_parts
                    && !self.deaf
                    && let Some(whole) = ws.whole(self.buffer.raw())
                {
                    self.buffer.collect(whole.from, whole.to);
                    self.ready = Ready::Message(whole.kind);
                    return Ok(Some(Advanced::Ready));
                }
            }
            Some(kind) => {
                self.in_parts |= in_parts && !self.skipping;
                if self.in_parts && self.buffer.message_len() > 0 {
                    // What was collected before the caller asked for parts.
                    self.ready = Ready::Part { kind, is_first: true, is_last: false };
                    return Ok(Some(Advanced::Ready));
                }
            }
        }
        loop {
            let (used, found) = ws.step(self.buffer.raw());
            let found = found.inspect_err(|_| {
                // Nothing is looked at any more.
                self.buffer.use_up(usize::MAX);
                self.end_message();
            })?;
            if let Some(Found::Chunk { kind, is_first, is_last, from, to }) = found
                && !self.skipping
            {
                self.buffer.collect(from, to);
                if self.in_parts || (in_parts && is_first) {
                    self.in_parts = !is_last;
                    self.ready = Ready::Part { kind, is_first, is_last };
                    return Ok(Some(Advanced::Ready));
                }
                if is_last {
                    self.ready = Ready::Message(kind);
                    return Ok(Some(Advanced::Ready));
                }
                continue;
            }
            self.buffer.use_up(used);
            match found {
                None => return self.starved(ws, in_parts).map(|()| None).map_err(ReceiveError::from),
                Some(Found::Ping(payload)) => return Ok(Some(Advanced::Ping(payload))),
                Some(Found::Pong(payload)) => return Ok(Some(Advanced::Pong(payload))),
                Some(Found::Close(code)) => {
                    self.end_message();
                    self.ready = Ready::Close(code);
                    return Ok(Some(Advanced::Ready));
                }
                Some(Found::Chunk { is_last, .. }) => {
                    self.buffer.drop_message();
                    self.skipping = self.deaf || !is_last;
                }
            }
        }
    }

    /// All bytes are used up: is there room for what the open message still needs?
    fn starved<R: Role>(&mut self, ws: &Connection<R>, in_parts: bool) -> Result<(), Capacity> {
        self.progressed = false;
        let Some(left) = ws.awaited() else { return Ok(()) };
        let available = self.buffer.size();
        // Without any storage nothing is held: it is lent elsewhere until there is something to read.
        if self.skipping || self.in_parts || in_parts || available == 0 {
            return Ok(());
        }
        let left = usize::try_from(left).unwrap_or(usize::MAX).max(1);
        let needed = self.buffer.message_len().saturating_add(left);
        if needed <= available {
            return Ok(());
        }
        if ws.is_closing() {
            // The peer's close frame is what this end waits for.
            self.deaf = true;
            self.skip_message(ws);
            return Ok(());
        }
        Err(Capacity { needed, available })
    }
}
