//! The receive buffer and the reassembly buffer in one.

use super::{
    Chunk, CloseCode, Connection, Control, Incoming, Kind, Message, ReceiveError, Role, Text, connection::Found,
};
use crate::bytes::{Capacity, close_gap, copy, slice_mut};

/// Lent memory that the transport reads into and that whole messages are lent from.
///
/// ```text
/// | used up | message, unmasked | used up | raw bytes | free tail |
///           start               end       read        filled
/// ```
///
/// Frames are unmasked where they lie; a message in one frame is never copied, the parts of a fragmented one are closed up
/// in place, and bytes move to the front only when the tail runs out, which costs a constant number of moves per byte.
/// The memory never has to be cleared.
///
/// A message borrows the inbox alone: the connection can answer while it lives.
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
    storage: S,
    start: usize,
    end: usize,
    read: usize,
    filled: usize,
    ready: Ready,
    /// The message that is open was begun in parts: it goes on in parts.
    in_parts: bool,
    /// The message that is open is thrown away as it comes.
    skipping: bool,
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

/// What a round of work came to.
enum Worked {
    Starved,
    Ready,
    Ping(Control),
    Pong(Control),
}

impl<S: AsMut<[u8]>> Inbox<S> {
    /// An empty inbox over `storage`: an array, a slice, a `Vec`, a guard of a pool.
    pub const fn new(storage: S) -> Self {
        Self { storage, start: 0, end: 0, read: 0, filled: 0, ready: Ready::Nothing, in_parts: false, skipping: false }
    }

    /// The free tail, to be read into; say with [`filled`](Self::filled) how much came. Never empty.
    ///
    /// # Errors
    /// [`Capacity`] when all the memory holds bytes that must stay: take what is there first (`poll_message`), or lend
    /// more ([`replace`](Self::replace)). `needed` is the least that helps.
    pub fn space(&mut self) -> Result<&mut [u8], Capacity> {
        self.release();
        let size = self.storage.as_mut().len();
        let held = self.held();
        let tail = size.saturating_sub(self.filled);
        // Moving pays when the tail is short and at least as much is won as is moved, and must be when there is no tail.
        let won = self.filled.saturating_sub(held);
        if held == 0 || tail == 0 || (tail < size / 4 && won >= held) {
            self.close_up();
        }
        match self.storage.as_mut().get_mut(self.filled..) {
            Some(space) if !space.is_empty() => Ok(space),
            _ => Err(Capacity { needed: size.saturating_add(1), available: size }),
        }
    }

    /// `n` bytes were read into the front of [`space`](Self::space).
    pub fn filled(&mut self, n: usize) {
        self.filled = self.filled.saturating_add(n).min(self.storage.as_mut().len());
    }

    /// The bytes that came and were not taken: the HTTP head, before the connection is open.
    pub fn bytes(&mut self) -> &mut [u8] {
        self.release();
        slice_mut(self.storage.as_mut(), self.read..self.filled)
    }

    /// The first `n` of [`bytes`](Self::bytes) are done with.
    pub fn consume(&mut self, n: usize) {
        self.release();
        self.read = self.read.saturating_add(n).min(self.filled);
        if self.start == self.end {
            self.start = self.read;
            self.end = self.read;
        }
    }

    /// The next message, control frame or part; `None` when the bytes are used up: read more.
    ///
    /// # Errors
    /// [`ReceiveError::Peer`], fatal. [`ReceiveError::Capacity`] when the message is larger than the storage, as soon as a header
    /// shows it; `needed` is exact for a message in one frame and the least that helps for one in several. Nothing is
    /// lost, and every call says the same until one of [`replace`](Self::replace), [`poll_part`](Self::poll_part),
    /// [`skip_message`](Self::skip_message) or a close is called.
    pub fn poll_message<R: Role>(&mut self, ws: &mut Connection<R>) -> Result<Option<Incoming<'_>>, ReceiveError> {
        self.poll(ws, false)
    }

    /// As [`poll_message`](Self::poll_message), but gives messages in parts as they arrive, so they may be of any length.
    /// A message begun in parts goes on in parts.
    ///
    /// # Errors
    /// [`ReceiveError::Peer`], fatal.
    pub fn poll_part<R: Role>(&mut self, ws: &mut Connection<R>) -> Result<Option<Incoming<'_>>, ReceiveError> {
        self.poll(ws, true)
    }

    fn poll<R: Role>(&mut self, ws: &mut Connection<R>, in_parts: bool) -> Result<Option<Incoming<'_>>, ReceiveError> {
        match self.work(ws, in_parts)? {
            Worked::Starved => Ok(None),
            Worked::Ready => Ok(self.take()),
            Worked::Ping(payload) => Ok(Some(Incoming::Ping(payload))),
            Worked::Pong(payload) => Ok(Some(Incoming::Pong(payload))),
        }
    }

    /// Works until a message or a close frame is ready for [`take`](Self::take) (`true`) or the bytes are used up (`false`), and
    /// lends nothing, so it can stand in a loop of a wrapper that lends. Pings are answered and pongs dropped in passing.
    ///
    /// # Errors
    /// As [`poll_message`](Self::poll_message).
    pub fn advance<R: Role>(&mut self, ws: &mut Connection<R>) -> Result<bool, ReceiveError> {
        loop {
            match self.work(ws, false)? {
                Worked::Starved => return Ok(false),
                Worked::Ready => return Ok(true),
                Worked::Ping(_) | Worked::Pong(_) => {}
            }
        }
    }

    /// The message that is ready, which stays.
    pub fn peek(&mut self) -> Option<(Kind, &[u8])> {
        let Ready::Message(kind) = self.ready else { return None };
        Some((kind, self.storage.as_mut().get(self.start..self.end).unwrap_or_default()))
    }

    /// Makes a binary message of the text that is ready: `decode` works on it where it lies, and says where its bytes are. `false`: it cannot, and the
    /// text is spoilt.
    pub(crate) fn make_binary(&mut self, decode: impl FnOnce(&mut [u8]) -> Option<(usize, usize)>) -> bool {
        let bytes = self.storage.as_mut().get_mut(self.start..self.end).unwrap_or_default();
        let Some((from, to)) = decode(bytes) else { return false };
        self.end = self.start.saturating_add(to);
        self.start = self.start.saturating_add(from).min(self.end);
        self.ready = Ready::Message(Kind::Binary);
        true
    }

    /// Lends what [`advance`](Self::advance) found.
    pub fn take(&mut self) -> Option<Incoming<'_>> {
        let ready = core::mem::replace(&mut self.ready, Ready::Taken);
        let bytes = self.storage.as_mut().get_mut(self.start..self.end).unwrap_or_default();
        Some(match ready {
            Ready::Nothing | Ready::Taken => return None,
            Ready::Message(Kind::Text) => Incoming::Message(Message::Text(Text(bytes))),
            Ready::Message(Kind::Binary) => Incoming::Message(Message::Binary(bytes)),
            Ready::Part { kind, is_first, is_last } => Incoming::Part(Chunk { kind, is_first, is_last, bytes }),
            Ready::Close(code) => Incoming::Close(code),
        })
    }

    /// Throws away what has come of the open message and what will: the next message follows it.
    pub fn skip_message<R: Role>(&mut self, ws: &Connection<R>) {
        if ws.awaited().is_some() {
            self.skipping = true;
            self.in_parts = false;
            self.start = self.read;
            self.end = self.read;
        }
    }

    /// Bytes that must stay in the storage: 0 between two messages, and then the storage can be lent elsewhere.
    #[must_use]
    pub fn held(&self) -> usize {
        let message = if self.ready == Ready::Taken { 0 } else { self.end.saturating_sub(self.start) };
        message.saturating_add(self.filled.saturating_sub(self.read))
    }

    /// Carries the held bytes over to `storage` and gives the old one back. Cost: one copy of [`held`](Self::held) bytes.
    ///
    /// # Errors
    /// Gives the new one back when the held bytes do not fit; nothing was changed.
    pub fn replace(&mut self, mut storage: S) -> Result<S, S> {
        self.release();
        if storage.as_mut().len() < self.held() {
            return Err(storage);
        }
        self.close_up();
        let old = self.storage.as_mut().get(..self.filled).unwrap_or_default();
        copy(old, storage.as_mut());
        Ok(core::mem::replace(&mut self.storage, storage))
    }

    /// What was lent is done with.
    fn release(&mut self) {
        if self.ready == Ready::Taken {
            self.ready = Ready::Nothing;
            self.start = self.read;
            self.end = self.read;
        }
    }

    /// Moves the message and the raw bytes to the front.
    fn close_up(&mut self) {
        let message = self.end.saturating_sub(self.start);
        self.shift(self.start, self.end, 0);
        self.shift(self.read, self.filled, message);
        self.start = 0;
        self.end = message;
        self.filled = message.saturating_add(self.filled.saturating_sub(self.read));
        self.read = message;
    }

    /// Moves the bytes `from..to` down to `place`.
    #[inline]
    fn shift(&mut self, from: usize, to: usize, place: usize) {
        let gap = from.saturating_sub(place);
        if gap > 0
            && let Some(region) = self.storage.as_mut().get_mut(place..to)
        {
            close_gap(region, gap);
        }
    }

    #[inline]
    fn work<R: Role>(&mut self, ws: &mut Connection<R>, in_parts: bool) -> Result<Worked, ReceiveError> {
        self.release();
        if self.ready != Ready::Nothing {
            return Ok(Worked::Ready);
        }
        self.in_parts |= in_parts && !self.skipping && ws.awaited().is_some();
        if self.in_parts
            && self.start != self.end
            && let Some(kind) = ws.open_kind()
        {
            // What was collected before the caller asked for parts.
            self.ready = Ready::Part { kind, is_first: true, is_last: false };
            return Ok(Worked::Ready);
        }
        if !in_parts
            && !self.in_parts
            && self.start == self.end
            && let Some((kind, from, to)) =
                ws.whole(self.storage.as_mut().get_mut(self.read..self.filled).unwrap_or_default())
        {
            self.start = self.read.saturating_add(from);
            self.end = self.read.saturating_add(to);
            self.read = self.end;
            self.ready = Ready::Message(kind);
            return Ok(Worked::Ready);
        }
        loop {
            let input = self.storage.as_mut().get_mut(self.read..self.filled).unwrap_or_default();
            let base = self.read;
            let (used, found) = ws.step(input);
            self.read = base.saturating_add(used);
            match found? {
                None => return self.starved(ws),
                Some(Found::Ping(payload)) => return Ok(Worked::Ping(payload)),
                Some(Found::Pong(payload)) => return Ok(Worked::Pong(payload)),
                Some(Found::Close(code)) => {
                    self.ready = Ready::Close(code);
                    self.start = self.read;
                    self.end = self.read;
                    return Ok(Worked::Ready);
                }
                Some(Found::Chunk { kind, is_first, is_last, from, to }) => {
                    if self.skipping {
                        self.skipping = !is_last;
                        self.start = self.read;
                        self.end = self.read;
                        continue;
                    }
                    self.collect(base.saturating_add(from), base.saturating_add(to));
                    if self.in_parts || (in_parts && is_first) {
                        self.in_parts = !is_last;
                        self.ready = Ready::Part { kind, is_first, is_last };
                        return Ok(Worked::Ready);
                    }
                    if is_last {
                        self.ready = Ready::Message(kind);
                        return Ok(Worked::Ready);
                    }
                }
            }
        }
    }

    /// Appends the piece at `from..to` to the message.
    #[inline]
    fn collect(&mut self, from: usize, to: usize) {
        if self.start == self.end {
            self.start = from;
            self.end = to;
        } else {
            self.shift(from, to, self.end);
            self.end = self.end.saturating_add(to.saturating_sub(from));
        }
    }

    /// All bytes are used up: is there room for what the open message still needs?
    fn starved<R: Role>(&mut self, ws: &Connection<R>) -> Result<Worked, ReceiveError> {
        if self.start == self.end {
            self.start = self.read;
            self.end = self.read;
        }
        let Some(left) = ws.awaited() else { return Ok(Worked::Starved) };
        if self.skipping || self.in_parts {
            return Ok(Worked::Starved);
        }
        let left = usize::try_from(left).unwrap_or(usize::MAX).max(1);
        let needed = self.end.saturating_sub(self.start).saturating_add(left);
        let available = self.storage.as_mut().len();
        if needed > available { Err(Capacity { needed, available }.into()) } else { Ok(Worked::Starved) }
    }
}
