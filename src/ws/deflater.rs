//! Compressed messages (RFC 7692): the sending side.

use super::{
    Agreed, Form, Out, Output, header,
    out::{Gate, sealed},
};
use crate::{
    bytes::{Capacity, copy},
    deflate::{Deflate, Tier},
};

/// The bit in the first byte of a compressed message (RFC 7692 section 6).
pub(super) const RSV1: u8 = 0x40;

/// Compresses the messages that one end of a connection sends (permessage-deflate, RFC 7692), in memory that you lend. Use it only if the handshake has
/// agreed on the extension, and each one for one connection.
///
/// [`over`](Self::over) puts it in front of the output memory. Every layer writes there as it does without compression. What is written elsewhere goes out
/// plain, which the RFC allows for each message.
///
/// These go out plain, and do not enter the history:
/// - messages below the [threshold](Self::with_threshold);
/// - messages that do not get shorter;
/// - messages of [`Connection::send_chunk`](super::Connection::send_chunk) in several parts, and those of
///   [`Connection::send_header`](super::Connection::send_header);
/// - a message of an upper layer, if the memory behind it has no room for the compressed one. Such a layer writes into the output memory, so the message is
///   there twice for a moment. The payload of [`Connection::send`](super::Connection::send) is elsewhere.
///
/// A write that has no room asks for the size of the plain frame. What was written must be sent, and in its order, because later messages refer to it. After
/// a new handshake call [`agree`](Self::agree).
///
/// # Memory
/// That of the [`Tier`], 2 KiB to 225 KiB, and a few words. With takeover (the default) a message is compressed with regard to those before it. That makes
/// small messages of the same kind much shorter, but the memory must stay with the connection. Without takeover
/// ([`without_takeover`](Self::without_takeover), with [`Tier::without_history`]) nothing depends on earlier messages. So between two writes the memory
/// may be used for something else, or by another connection with the same parameters. Then one deflater can serve all connections.
///
/// ```
/// use sansocket::{deflate::Tier, ws::{Connection, Deflater, Kind, Limits, Outbox}};
///
/// let mut ws = Connection::server(Limits::new());
/// let mut tx = Outbox::new([0; 512]);
/// let mut deflater = Deflater::new(Tier::TINY, [0; Tier::TINY.bytes()])?
///     .with_window_bits(8) // agreed: our `max_window_bits`
///     .with_threshold(32);
/// let state = br#"["state",{"x":17,"y":4},{"x":17,"y":5},{"x":18,"y":5}]"#;
///
/// ws.send(Kind::Text, state, &mut ws.out(&mut deflater.over(&mut tx)))?;
/// assert_eq!(tx.written()[0], 0xc1, "a final text frame, compressed");
/// assert!(tx.held() < state.len());
/// tx.consume(tx.held());
///
/// // Once more: now it is in the history.
/// ws.send(Kind::Text, state, &mut ws.out(&mut deflater.over(&mut tx)))?;
/// assert!(tx.held() < 10);
/// tx.consume(tx.held());
///
/// // Below the threshold, and without the deflater.
/// ws.send(Kind::Text, b"short", &mut ws.out(&mut deflater.over(&mut tx)))?;
/// ws.send(Kind::Text, state, &mut ws.out(&mut tx))?;
/// assert_eq!(tx.written()[..7], *b"\x81\x05short");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// # Packets for many receivers
/// Stored frames are not compressed. [`Out::append`] compresses them for one connection; a packet with `compress(false)` passes the deflater by. For
/// receivers without takeover and with the same window, one compressed copy serves all:
///
/// ```
/// use sansocket::{deflate::Tier, engineio::Message, socketio::Flags, ws::{Connection, Deflater, Limits, Out, Outbox, SendError}};
/// # use sansocket::{engineio::{Sid, server::{Config, Session}}, time::Instant};
/// # let session = Session::open(Sid::from_random([1; 15]), Config::new(), Instant::from_millis(0));
///
/// // A packet in a queue, with its flags.
/// let mut memory = [0; 1500];
/// let mut packet = Out::stored(&mut memory);
/// session.send(Message::Text(&[b'x'; 1400]), &mut packet)?;
/// let flags = Flags::NONE;
///
/// // For one connection. A client would mask it here.
/// let ws = Connection::server(Limits::new());
/// let mut tx = Outbox::new([0; 1500]);
/// let mut deflater = Deflater::new(Tier::TINY, [0; Tier::TINY.bytes()])?;
/// if flags.may_compress() {
///     ws.out(&mut deflater.over(&mut tx)).append(packet.written())?;
/// } else {
///     ws.out(&mut tx).append(packet.written())?;
/// }
/// assert!(tx.held() < 40);
///
/// // For all connections without takeover.
/// let tier = Tier::TINY.without_history();
/// let mut deflater = Deflater::new(tier, vec![0; tier.bytes()])?.without_takeover();
/// let mut memory = [0; 1500];
/// let mut over = deflater.over(&mut memory);
/// let mut compressed = Out::stored(&mut over);
/// compressed.append(packet.written())?;
/// assert!(compressed.written().len() < 40); // write it to each socket
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Deflater<M> {
    deflate: Deflate<M>,
    threshold: usize,
    has_takeover: bool,
}

impl<M: AsMut<[u8]>> Deflater<M> {
    /// Messages that are shorter are not compressed, if nothing else is said. As that of Node's `ws`.
    pub const THRESHOLD: usize = 1024;

    /// A deflater with takeover, a window of that of the tier, and a threshold of [`THRESHOLD`](Self::THRESHOLD) bytes.
    ///
    /// # Errors
    /// [`Capacity`] if `memory` is smaller than [`Tier::bytes`].
    pub fn new(tier: Tier, memory: M) -> Result<Self, Capacity> {
        let deflate = Deflate::new(tier, memory)?;
        Ok(Self { deflate, threshold: Self::THRESHOLD, has_takeover: true })
    }

    /// The receiver has a window of 2 to the power of `bits`: `server_max_window_bits` for a server, `client_max_window_bits` for a client, 15 if the
    /// handshake has not said it. 8 really means 256 bytes.
    #[must_use]
    pub fn with_window_bits(mut self, bits: u8) -> Self {
        self.deflate = self.deflate.with_window_bits(bits);
        self
    }

    /// Each message stands for itself: the handshake has agreed on `server_no_context_takeover` for a server, `client_no_context_takeover` for a client. An
    /// end may also do so of its own accord.
    #[must_use]
    pub const fn without_takeover(mut self) -> Self {
        self.has_takeover = false;
        self
    }

    /// Messages of less than `bytes` go out plain.
    #[must_use]
    pub const fn with_threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Begins anew, for a connection whose handshake has agreed on these parameters: the window of what this end sends, and whether it is kept.
    pub fn agree(&mut self, agreed: &Agreed) {
        self.begin(agreed.send_window_bits(), agreed.has_send_takeover());
    }

    pub(super) fn begin(&mut self, window_bits: u8, has_takeover: bool) {
        self.deflate.restart(window_bits);
        self.has_takeover = has_takeover;
    }

    #[cfg(feature = "drive")]
    pub(super) const fn forget(&mut self) {
        self.deflate.forget();
    }

    #[cfg(feature = "drive")]
    pub(super) const fn threshold(&self) -> usize {
        self.threshold
    }

    /// Output memory whose messages are compressed: an [`Outbox`](super::Outbox), or plain memory. For [`Connection::out`](super::Connection::out) and
    /// [`Out::stored`]. Stored frames that are compressed are for WebSockets only.
    pub const fn over<'d, B: ?Sized>(&'d mut self, memory: &'d mut B) -> Deflating<'d, B, M> {
        Deflating { deflater: Some(self), memory }
    }

    /// The memory, for another connection.
    ///
    /// ```
    /// use sansocket::{deflate::Tier, ws::Deflater};
    ///
    /// let first = Deflater::new(Tier::MEDIUM, vec![0; Tier::MEDIUM.bytes()])?;
    /// let next = Deflater::new(Tier::TINY, first.into_memory())?; // a window of 256 bytes needs less
    /// # let _ = next;
    /// # Ok::<(), sansocket::Capacity>(())
    /// ```
    pub fn into_memory(self) -> M {
        self.deflate.into_memory()
    }

    /// Compresses a message, if that is worth it and has room.
    pub(super) fn message(&mut self, payload: &[u8], room: &mut [u8]) -> Option<usize> {
        if payload.len() < self.threshold {
            return None;
        }
        let n = self.deflate.compress(payload, true, room);
        if !self.has_takeover {
            self.deflate.forget();
        }
        n.ok()
    }
}

/// Output memory with a deflater in front of it. [`Deflater::over`] makes one.
#[derive(Debug)]
pub struct Deflating<'d, B: ?Sized, M> {
    deflater: Option<&'d mut Deflater<M>>,
    memory: &'d mut B,
}

impl<'d, B: ?Sized, M> Deflating<'d, B, M> {
    /// For a connection that may have agreed on compression or not. Without a deflater everything goes out plain.
    ///
    /// ```
    /// use sansocket::ws::{Connection, Deflater, Deflating, Limits, Outbox, SendError};
    ///
    /// let mut deflater: Option<Deflater<Vec<u8>>> = None; // the handshake has not agreed on it
    /// let (mut ws, mut tx) = (Connection::server(Limits::new()), Outbox::new([0; 64]));
    /// ws.send_text("hello", &mut ws.out(&mut Deflating::new(deflater.as_mut(), &mut tx)))?;
    /// assert_eq!(tx.written(), b"\x81\x05hello");
    /// # Ok::<(), SendError>(())
    /// ```
    pub const fn new(deflater: Option<&'d mut Deflater<M>>, memory: &'d mut B) -> Self {
        Self { deflater, memory }
    }
}

/// The [`Form`] of frames behind a [`Deflater`], whose other form is `F`.
#[derive(Debug)]
pub struct Deflated<'o, F, M> {
    form: F,
    deflater: Option<&'o mut Deflater<M>>,
}

impl<F: Form, M> sealed::Form for Deflated<'_, F, M> {}
impl<R, B: Output<R> + ?Sized, M> sealed::Output<R> for Deflating<'_, B, M> {}

impl<F: Form, M: AsMut<[u8]>> Form for Deflated<'_, F, M> {
    type Role = F::Role;
    const IS_MASKED: bool = F::IS_MASKED;
    const IS_DEFLATED: bool = true;
    fn next_key(&mut self) -> [u8; 4] {
        self.form.next_key()
    }
    fn resized(&mut self, from: usize, to: usize) {
        self.form.resized(from, to);
    }
    fn deflate(&mut self, payload: &[u8], room: &mut [u8]) -> Option<usize> {
        self.deflater.as_mut()?.message(payload, room)
    }
}

impl<R, B: Output<R> + ?Sized, M: AsMut<[u8]>> Output<R> for Deflating<'_, B, M> {
    type Form<'o>
        = Deflated<'o, B::Form<'o>, M>
    where
        Self: 'o;
    fn cursor(&mut self, gate: Gate) -> Out<'_, Self::Form<'_>> {
        let Out { memory, len, gate, form } = self.memory.cursor(gate);
        Out { memory, len, gate, form: Deflated { form, deflater: self.deflater.as_deref_mut() } }
    }
}

impl<F: Form> Out<'_, F> {
    /// Compresses a message to the place of a payload behind a short header.
    pub(super) fn deflate(&mut self, first: u8, payload: &[u8]) -> Option<usize> {
        let most = self.worth(first, payload.len())?;
        let most = most.min(self.room().saturating_sub(header::size(F::IS_MASKED, payload.len())));
        let from = self.len.saturating_add(header::size(F::IS_MASKED, 0));
        let room = self.memory.get_mut(from..)?.get_mut(..most)?;
        self.form.deflate(payload, room)
    }

    /// As [`deflate`](Self::deflate), for a payload that stands at this place, if it and `behind` more bytes have room.
    pub(super) fn deflate_written(&mut self, first: u8, behind: usize, len: usize) -> Option<usize> {
        let most = self.worth(first, len)?;
        if header::size(F::IS_MASKED, len).saturating_add(len).saturating_add(behind) > self.room() {
            return None;
        }
        let from = self.len.saturating_add(header::size(F::IS_MASKED, 0));
        let (payload, room) = self.memory.get_mut(from..)?.split_at_mut_checked(len)?;
        let most = most.min(room.len());
        let room = room.get_mut(..most)?;
        let n = self.form.deflate(payload, room)?;
        copy(room.get(..n)?, payload);
        Some(n)
    }

    /// How long the compressed payload may be at most. `None` for what is not a whole message.
    const fn worth(&self, first: u8, len: usize) -> Option<usize> {
        if matches!(first, 0x81 | 0x82) { len.checked_sub(1) } else { None }
    }
}
