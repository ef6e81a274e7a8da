//! A WebSocket connection after its handshake: codec, close handshake, automatic pong.

use super::{
    Chunk, Client, CloseCode, Control, Event, Kind, Leniency, Limits, Out, Output, PeerError, Role, Server,
    decoder::{Decoder, Piece, Whole},
    header::Fault,
    opcode::Opcode,
    state::{Receiving, Sending, State, Trigger},
    text::{self, Text},
};
use crate::bytes::{Utf8, checked_str, copy, slice, slice_mut};
use core::marker::PhantomData;

/// Bytes that [`Connection::poll_transmit`] needs at most in one call: a control frame with 125 bytes and a masking key.
pub const OWED_MAX: usize = 2 + 4 + 125;

/// Memory for the pong that is owed and for a control payload that comes in pieces, one behind the other.
///
/// Two of 125 bytes would need 249 (the last byte of the second is never stored). This is what fits into a connection of 256 bytes: only a ping and
/// a control frame of more than 34 bytes each, with the second cut and the first not answered in between, do not fit; then the older
/// pong is given up when the newer frame begins, not when it is whole. What comes in is told whole always. With 249 or more
/// nothing is ever given up early.
const CONTROL_MEMORY: usize = 159;

/// One end of a connection; `R` is [`Server`] or [`Client`].
///
/// It holds no buffers, only the limits, the header bytes that a cut left behind, and one control payload. Bytes go in by
/// [`poll_event`](Self::poll_event), or by an [`Inbox`](super::Inbox) for whole messages; frames come out into an [`Out`].
///
/// The answer to a ping and to a close frame is *owed*: [`poll_transmit`](Self::poll_transmit) writes it. Of several
/// pings the latest is answered (RFC 6455 section 5.5.3).
///
/// ```
/// use sansocket::ws::{Connection, Event, Limits, OWED_MAX, Outbox, PeerError, SendError, Server};
///
/// /// Echoes as it arrives, in pieces: a message of any length passes through the caller's few bytes of memory.
/// fn turn(
///     ws: &mut Connection<Server>,
///     mut received: &mut [u8],
///     tx: &mut Outbox<[u8; OWED_MAX]>,
///     mut write: impl FnMut(&[u8]) -> usize,
/// ) -> Result<(), PeerError> {
///     while let Some(event) = ws.poll_event(&mut received)? {
///         // The event borrows the input alone, so the connection can answer while it lives.
///         let Event::Chunk(chunk) = event else { continue };
///         // The outbox may have less room than the piece is long: the answer goes in pieces that fit it.
///         let mut rest = chunk.as_bytes();
///         loop {
///             let (piece, later) = rest.split_at(rest.len().min(100));
///             let is_last = chunk.is_last() && later.is_empty();
///             match ws.send_chunk(chunk.kind(), piece, is_last, &mut ws.out(tx)) {
///                 Ok(()) if later.is_empty() => break,
///                 Ok(()) => rest = later,
///                 // Nothing was sent: write, and say it again.
///                 Err(SendError::Capacity(_)) => {
///                     let n = write(tx.written());
///                     tx.consume(n);
///                 }
///                 // We are closing: the peer's messages are not answered any more.
///                 Err(_) => break,
///             }
///         }
///     }
///     while ws.wants_transmit() || !tx.is_empty() {
///         let _ = ws.poll_transmit(&mut ws.out(tx)); // without room it is owed still
///         let n = write(tx.written());
///         tx.consume(n);
///     }
///     Ok(())
/// }
///
/// let mut ws = Connection::server(Limits::new());
/// let mut hello = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"; // RFC 6455 section 5.7
/// let (mut tx, mut written) = (Outbox::new([0; OWED_MAX]), Vec::new());
/// turn(&mut ws, &mut hello, &mut tx, |bytes| {
///     written.extend_from_slice(bytes); // a socket that takes all; it may take less
///     bytes.len()
/// })?;
/// assert_eq!(written, b"\x81\x05Hello");
/// # let mut long = [&b"\x82\xfe\0\xc8\0\0\0\0"[..], &[7; 200]].concat();
/// # written.clear();
/// # for piece in long.chunks_mut(64) {
/// #     turn(&mut ws, piece, &mut tx, |bytes| { written.extend(bytes.first()); bytes.len().min(1) })?;
/// # }
/// # let mut back = Connection::client(Limits::new());
/// # let (mut input, mut n) = (&mut written[..], 0);
/// # while let Some(event) = back.poll_event(&mut input)? {
/// #     if let Event::Chunk(chunk) = event { n += chunk.as_bytes().len(); }
/// # }
/// # assert_eq!(n, 200, "nothing is lost");
/// # Ok::<(), PeerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection<R> {
    decoder: Decoder,
    limits: Limits,
    pub(super) state: State,
    /// Length of the pong that is owed; its payload lies at the front of `control`.
    pub(super) pong: Option<u8>,
    /// Where a control payload that comes in pieces is collected in `control`, and how much of it is there. After a close
    /// frame: where its whole payload lies.
    pub(super) base: u8,
    pub(super) collected: u8,
    text: Text,
    /// The good front of a text was given out; the next step tells that the rest is not UTF-8.
    is_text_broken: bool,
    /// Length of the payload of our close frame that is owed, if it has a reason; it lies at the front of `control`.
    pub(super) closing: u8,
    leniency: Leniency,
    pub(super) control: [u8; CONTROL_MEMORY],
    role: PhantomData<R>,
}

/// What a step found and where it lies in the input.
pub(crate) enum Found {
    Chunk { kind: Kind, is_first: bool, is_last: bool, from: usize, to: usize },
    Ping(Control),
    Pong(Control),
    Close(CloseCode),
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The peer's close code; [`CloseCode::NO_STATUS`] when its close frame had none, [`CloseCode::ABNORMAL`] when
    /// none came, and the code that was owed when the peer broke the protocol.
    pub code: CloseCode,
    /// Whether both close frames went their way (RFC 6455 section 7.1.4).
    pub is_clean: bool,
}

impl Connection<Server> {
    /// The end that accepted.
    #[must_use]
    pub const fn server(limits: Limits) -> Self {
        Self::new(limits)
    }
}

impl Connection<Client> {
    /// The end that opened.
    #[must_use]
    pub const fn client(limits: Limits) -> Self {
        Self::new(limits)
    }
}

impl<R> Connection<R> {
    const fn new(limits: Limits) -> Self {
        Self {
            decoder: Decoder::new(),
            limits,
            state: State::new(),
            pong: None,
            base: 0,
            collected: 0,
            text: Text::new(),
            is_text_broken: false,
            closing: 0,
            leniency: Leniency::STRICT,
            control: [0; CONTROL_MEMORY],
            role: PhantomData,
        }
    }
}

impl<R: Role> Connection<R> {
    /// Lets through what `leniency` names.
    #[must_use]
    pub const fn tolerate(mut self, leniency: Leniency) -> Self {
        self.leniency = leniency;
        self
    }

    /// A write cursor of this connection: into an [`Outbox`](super::Outbox) behind the frames that it holds, or over plain memory from its
    /// front (a server only: a client's outbox brings the masking keys).
    ///
    /// It knows what may be appended now: take a new one after other writes of this connection went through another.
    ///
    /// ```
    /// use sansocket::ws::{Connection, Kind, Limits};
    ///
    /// let mut ws = Connection::server(Limits::new());
    /// let mut memory = [0; 64];
    /// let mut out = ws.out(&mut memory);
    /// ws.send(Kind::Binary, b"abc", &mut out)?;
    /// assert_eq!(out.written(), b"\x82\x03abc");
    /// # Ok::<(), sansocket::ws::SendError>(())
    /// ```
    ///
    /// The cursor of one role does not fit a connection of the other:
    ///
    /// ```compile_fail,E0271
    /// use sansocket::ws::{Connection, Kind, Limits};
    ///
    /// let (server, mut client) = (Connection::server(Limits::new()), Connection::client(Limits::new()));
    /// let mut memory = [0; 64];
    /// client.send(Kind::Text, b"", &mut server.out(&mut memory));
    /// ```
    pub fn out<'o, B: Output<R> + ?Sized>(&self, memory: &'o mut B) -> Out<'o, B::Form<'o>> {
        memory.cursor(self.state.sending.into())
    }

    /// Takes bytes from the front of `input` and returns the next event; `None` exactly when the input is used up.
    ///
    /// Payloads are unmasked where they lie. Cost: one pass over the bytes.
    ///
    /// # Errors
    /// [`PeerError`] when the peer breaks the protocol or a limit; the input then begins with the byte that showed it,
    /// and every later call gives the same error.
    pub fn poll_event<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Event<'i>>, PeerError> {
        let (used, found) = self.step(input);
        debug_assert!(used <= input.len(), "no more is used up than there is");
        let (taken, rest) = core::mem::take(input).split_at_mut_checked(used).unwrap_or_default();
        *input = rest;
        Ok(match found? {
            None => None,
            Some(Found::Chunk { kind, is_first, is_last, from, .. }) => {
                let bytes = slice_mut(taken, from..);
                Some(Event::Chunk(Chunk { kind, is_first, is_last, bytes }))
            }
            Some(Found::Ping(payload)) => Some(Event::Ping(payload)),
            Some(Found::Pong(payload)) => Some(Event::Pong(payload)),
            Some(Found::Close(code)) => Some(Event::Close(code)),
        })
    }

    /// The transport ended: no more bytes will come, and none can be sent. What was owed is owed no more, every `send` says
    /// [`StateError::Closing`](super::StateError::Closing), and [`is_closed`](Self::is_closed) is true. A repeated call returns the same.
    pub fn handle_eof(&mut self) -> Closed {
        self.state.receive(Trigger::ReceiveEnd);
        self.pong = None;
        let is_clean = matches!(self.state.sending, Sending::Ended { was_closed: true });
        match self.state.receiving {
            Receiving::Closed(code) => Closed { code, is_clean },
            Receiving::Failed(error) => Closed { code: error.close_code(), is_clean: false },
            Receiving::Open | Receiving::Ended => Closed { code: CloseCode::ABNORMAL, is_clean: false },
        }
    }

    /// Whether the connection is over: both close frames have gone their way, or the transport has ended. A server then closes the transport, a client waits a while for the server to do so
    /// (RFC 6455 section 7.1.1).
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.state.is_closed()
    }

    /// Whether no more data can be sent: a close frame was sent, received or is owed, or the transport has ended.
    #[must_use]
    pub const fn is_closing(&self) -> bool {
        matches!(self.state.sending, Sending::CloseOwed(_) | Sending::CloseSent | Sending::Ended { .. })
    }

    /// The reason in the peer's close frame; empty before it came.
    #[must_use]
    pub fn close_reason(&self) -> &str {
        let Receiving::Closed(_) = self.state.receiving else { return "" };
        // Empty when there is no code.
        let payload = slice(&self.control, usize::from(self.base)..);
        checked_str(payload.get(2..usize::from(self.collected)).unwrap_or_default())
    }

    /// Bytes of the open message still to come in the data frame that is being read, `None` when no message is open.
    pub(crate) fn awaited(&self) -> Option<u64> {
        self.open_kind().map(|_| self.decoder.left_of_data())
    }

    /// Bytes of the frame that is being read which are still to come.
    pub(crate) const fn left_of_frame(&self) -> u64 {
        self.decoder.left()
    }

    /// What the open message holds. None is open any more when nothing is looked at any more.
    pub(crate) fn open_kind(&self) -> Option<Kind> {
        match self.state.receiving {
            // The frame may be read to its end, but its bytes that are not UTF-8 still stand in the input.
            Receiving::Open if self.is_text_broken => Some(Kind::Text),
            Receiving::Open => self.decoder.open_kind(),
            Receiving::Closed(_) | Receiving::Failed(_) | Receiving::Ended => None,
        }
    }

    /// As [`Decoder::whole`], with the text judged.
    #[inline]
    pub(crate) fn whole(&self, input: &mut [u8]) -> Option<Whole> {
        if self.state.receiving != Receiving::Open {
            return None;
        }
        let whole = self.decoder.whole::<R>(&self.limits, self.leniency, input)?;
        if whole.kind == Kind::Text && !text::is_text(slice(input, whole.from..whole.to), whole.is_ascii) {
            // How much of it is good, the other way tells.
            whole.undo::<R>(input);
            return None;
        }
        Some(whole)
    }

    /// The next thing in `input` and how many bytes of it are used up.
    #[inline]
    pub(crate) fn step(&mut self, input: &mut [u8]) -> (usize, Result<Option<Found>, PeerError>) {
        match self.state.receiving {
            Receiving::Open => {}
            Receiving::Failed(error) => return (0, Err(error)),
            Receiving::Closed(_) | Receiving::Ended => return (input.len(), Ok(None)),
        }
        if self.is_text_broken {
            return self.fault(PeerError::InvalidUtf8, 0);
        }
        let mut used = 0_usize;
        loop {
            let rest = slice_mut(input, used..);
            match self.decoder.step::<R>(&self.limits, self.leniency, rest) {
                Ok(None) => return (input.len(), Ok(None)),
                Ok(Some(Piece::Data { kind, is_first, mut is_last, is_ascii, from, mut to })) => {
                    if kind == Kind::Text
                        && let Err(at) = self.text.check(slice(rest, from..to), is_ascii, is_first, is_last)
                    {
                        if at == 0 {
                            return self.fault(PeerError::InvalidUtf8, used.wrapping_add(from));
                        }
                        self.is_text_broken = true;
                        is_last = false;
                        to = from.wrapping_add(at);
                    }
                    let (from, to) = (used.wrapping_add(from), used.wrapping_add(to));
                    return (to, Ok(Some(Found::Chunk { kind, is_first, is_last, from, to })));
                }
                Ok(Some(Piece::Control { opcode, is_last, from, to })) => {
                    match self.control(opcode, slice(rest, from..to), is_last) {
                        Ok(None) => used = used.wrapping_add(to),
                        Ok(Some(found)) => return (used.wrapping_add(to), Ok(Some(found))),
                        Err((error, at)) => return self.fault(error, used.wrapping_add(from).wrapping_add(at)),
                    }
                }
                Err((error, at)) => return self.fault(error, used.wrapping_add(at)),
            }
        }
    }

    /// The peer broke the protocol at the byte behind `used`.
    fn fault(&mut self, error: PeerError, used: usize) -> (usize, Result<Option<Found>, PeerError>) {
        self.state.receive(Trigger::ReceiveFault(error));
        (used, Err(error))
    }

    /// Collects a control payload, and acts on it when it is whole. A fault knows the offset in `piece` of the byte that shows it.
    #[cold]
    fn control(&mut self, opcode: Opcode, piece: &[u8], is_last: bool) -> Result<Option<Found>, Fault> {
        let before = usize::from(self.collected);
        let payload = if before == 0 && is_last {
            Control::new(piece)
        } else {
            if before == 0 {
                // What is owed, a pong or our close frame, stays where it is, unless both are long: see `CONTROL_MEMORY`.
                let len = piece.len().saturating_add(usize::try_from(self.decoder.left()).unwrap_or(usize::MAX));
                self.base = self.pong.unwrap_or(self.closing);
                if usize::from(self.base).saturating_add(len) > CONTROL_MEMORY {
                    (self.base, self.closing, self.pong) = (0, 0, None);
                }
            }
            let base = usize::from(self.base);
            let end = before.saturating_add(piece.len());
            let place = slice_mut(&mut self.control, base..base.saturating_add(end));
            copy(piece, slice_mut(place, before..));
            self.collected = end.to_le_bytes()[0];
            Control::new(place)
        };
        if opcode == Opcode::Close {
            return self.close_frame(&payload, is_last).map_err(|(e, at)| (e, at.saturating_sub(before)));
        }
        if !is_last {
            return Ok(None);
        }
        self.collected = 0;
        if opcode == Opcode::Pong {
            return Ok(Some(Found::Pong(payload)));
        }
        if matches!(self.state.sending, Sending::Open | Sending::Message(_)) {
            copy(payload.as_bytes(), &mut self.control);
            self.pong = Some(payload.len());
        }
        Ok(Some(Found::Ping(payload)))
    }

    /// Judges what has come of a close frame. A fault knows its offset in the payload.
    fn close_frame(&mut self, payload: &Control, is_whole: bool) -> Result<Option<Found>, Fault> {
        let code = close_code(payload.as_bytes(), is_whole, self.leniency)?;
        if !is_whole {
            return Ok(None);
        }
        self.pong = None;
        // Our own close frame may be owed still, in front.
        let end = usize::from(self.closing).saturating_add(payload.as_bytes().len());
        if end > CONTROL_MEMORY {
            self.closing = 0;
        }
        self.base = self.closing;
        copy(payload.as_bytes(), slice_mut(&mut self.control, usize::from(self.base)..));
        self.collected = payload.len();
        self.state.receive(Trigger::ReceiveClose(code));
        Ok(Some(Found::Close(code)))
    }
}

/// The code in the payload of a close frame, or in the front of it that has come (RFC 6455 section 5.5.1).
fn close_code(payload: &[u8], is_whole: bool, leniency: Leniency) -> Result<CloseCode, Fault> {
    // One byte alone is refused with the header.
    let Some((code, reason)) = payload.split_first_chunk::<2>() else { return Ok(CloseCode::NO_STATUS) };
    let code = CloseCode(u16::from_be_bytes(*code));
    if !(code.is_sendable() || leniency.takes_close_codes() && matches!(code.0, 1016..=2999 | 5000..)) {
        return Err((PeerError::InvalidCloseCode, 1));
    }
    let mut utf8 = Utf8::new();
    utf8.check(reason).map_err(|e| (PeerError::InvalidCloseReason, e.at.saturating_add(2)))?;
    if is_whole && !utf8.is_complete() {
        return Err((PeerError::InvalidCloseReason, payload.len().saturating_sub(1)));
    }
    Ok(code)
}
