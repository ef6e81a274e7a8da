//! A WebSocket connection after its handshake: codec, close handshake, automatic pong.

use super::{
    Chunk, Client, CloseCode, Control, Event, Kind, Leniency, Limits, Out, Output, PeerError, Role, Server,
    decoder::{Decoder, Piece},
    opcode::Opcode,
    state::{Receiving, Sending, State, Trigger},
};
use crate::bytes::Utf8;
use core::marker::PhantomData;

/// Bytes that [`Connection::poll_transmit`] needs at most in one call: a control frame with 125 bytes and a masking key.
pub const OWED_MAX: usize = 2 + 4 + 125;

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
    /// Where a control payload that comes in parts is collected in `control`, and how much of it is there. After a
    /// close frame: its whole payload.
    pub(super) base: u8,
    pub(super) collected: u8,
    /// Length of the payload of our close frame that is owed, if it has a reason; it lies at the front of `control`.
    pub(super) closing: u8,
    leniency: Leniency,
    pub(super) control: [u8; 125],
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
            closing: 0,
            leniency: Leniency::STRICT,
            control: [0; 125],
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

    /// Takes bytes from the front of `input` and gives the next event; `None` exactly when the input is used up.
    ///
    /// Payloads are unmasked where they lie. Cost: one pass over the bytes.
    ///
    /// # Errors
    /// [`PeerError`] when the peer breaks the protocol or a limit; the input then begins with the byte that showed it,
    /// and every later call gives the same error.
    pub fn poll_event<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Event<'i>>, PeerError> {
        let (used, found) = self.step(input);
        let (taken, rest) = core::mem::take(input).split_at_mut_checked(used).unwrap_or_default();
        *input = rest;
        Ok(match found? {
            None => None,
            Some(Found::Chunk { kind, is_first, is_last, from, .. }) => {
                let bytes = taken.get_mut(from..).unwrap_or_default();
                Some(Event::Chunk(Chunk { kind, is_first, is_last, bytes }))
            }
            Some(Found::Ping(payload)) => Some(Event::Ping(payload)),
            Some(Found::Pong(payload)) => Some(Event::Pong(payload)),
            Some(Found::Close(code)) => Some(Event::Close(code)),
        })
    }

    /// The transport ended: no more bytes will come. Call it again, and it says the same.
    pub fn handle_eof(&mut self) -> Closed {
        let is_clean = matches!(self.state.sending, Sending::CloseSent);
        self.state.receive(Trigger::ReceiveEnd);
        match self.state.receiving {
            Receiving::Closed(code) => Closed { code, is_clean },
            Receiving::Failed(error) => Closed { code: error.close_code(), is_clean: false },
            Receiving::Open | Receiving::Ended => Closed { code: CloseCode::ABNORMAL, is_clean: false },
        }
    }

    /// Whether the connection is over: a server then closes the transport, a client waits a while for the server to do so
    /// (RFC 6455 section 7.1.1).
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.state.is_closed()
    }

    /// Whether a close frame went one of the ways, or is about to: no more data can be sent.
    #[must_use]
    pub const fn is_closing(&self) -> bool {
        matches!(self.state.sending, Sending::CloseOwed(_) | Sending::CloseSent)
    }

    /// The reason in the peer's close frame; empty before it came.
    #[must_use]
    pub fn close_reason(&self) -> &str {
        let Receiving::Closed(_) = self.state.receiving else { return "" };
        let payload = self.control.get(usize::from(self.base)..).unwrap_or_default();
        let reason = payload.get(2..usize::from(self.collected)).unwrap_or_default();
        core::str::from_utf8(reason).unwrap_or_default()
    }

    /// Bytes of the open message still to come in the frame that is being read, `None` when no message is open.
    pub(crate) const fn awaited(&self) -> Option<u64> {
        if self.decoder.open_kind().is_some() { Some(self.decoder.left()) } else { None }
    }

    /// Bytes of the frame that is being read which are still to come.
    pub(crate) const fn left_of_frame(&self) -> u64 {
        self.decoder.left()
    }

    /// What the open message holds.
    pub(crate) const fn open_kind(&self) -> Option<Kind> {
        self.decoder.open_kind()
    }

    /// As [`Decoder::whole`].
    #[inline]
    pub(crate) fn whole(&self, input: &mut [u8]) -> Option<(Kind, usize, usize)> {
        if self.state.receiving != Receiving::Open {
            return None;
        }
        self.decoder.whole::<R>(&self.limits, self.leniency, input)
    }

    /// The next thing in `input` and how many bytes of it are used up.
    #[inline]
    pub(crate) fn step(&mut self, input: &mut [u8]) -> (usize, Result<Option<Found>, PeerError>) {
        match self.state.receiving {
            Receiving::Open => {}
            Receiving::Failed(error) => return (0, Err(error)),
            Receiving::Closed(_) | Receiving::Ended => return (input.len(), Ok(None)),
        }
        let mut used = 0_usize;
        loop {
            let rest = input.get_mut(used..).unwrap_or_default();
            match self.decoder.step::<R>(&self.limits, self.leniency, rest) {
                Ok(None) => return (input.len(), Ok(None)),
                Ok(Some(Piece::Data { kind, is_first, is_last, from, to })) => {
                    let (from, to) = (used.wrapping_add(from), used.wrapping_add(to));
                    return (to, Ok(Some(Found::Chunk { kind, is_first, is_last, from, to })));
                }
                Ok(Some(Piece::Control { opcode, is_last, from, to })) => {
                    let piece = rest.get(from..to).unwrap_or_default();
                    used = used.wrapping_add(to);
                    match self.control(opcode, piece, is_last) {
                        Ok(None) => {}
                        Ok(Some(found)) => return (used, Ok(Some(found))),
                        Err(error) => {
                            self.state.receive(Trigger::ReceiveFault(error));
                            return (used, Err(error));
                        }
                    }
                }
                Err((error, at)) => {
                    self.state.receive(Trigger::ReceiveFault(error));
                    return (used.wrapping_add(at), Err(error));
                }
            }
        }
    }

    /// Collects a control payload and acts on it when it is whole.
    #[cold]
    fn control(&mut self, opcode: Opcode, piece: &[u8], is_last: bool) -> Result<Option<Found>, PeerError> {
        if self.collected == 0 {
            // One memory for what is owed (a pong, or the payload of our close frame) and for what comes in, which is told whole. A newer
            // ping makes the older pong unnecessary, and so does a close frame.
            if opcode != Opcode::Pong {
                self.pong = None;
            }
            self.base = self.pong.unwrap_or(self.closing);
            let len = piece.len().saturating_add(usize::try_from(self.decoder.left()).unwrap_or(usize::MAX));
            if usize::from(self.base).saturating_add(len) > self.control.len() {
                (self.base, self.closing, self.pong) = (0, 0, None);
            }
        }
        let place = usize::from(self.base).saturating_add(usize::from(self.collected));
        for (place, byte) in self.control.get_mut(place..).unwrap_or_default().iter_mut().zip(piece) {
            *place = *byte;
            self.collected = self.collected.wrapping_add(1);
        }
        if !is_last {
            return Ok(None);
        }
        let end = usize::from(self.base).saturating_add(usize::from(self.collected));
        let payload = self.control.get(usize::from(self.base)..end).unwrap_or_default();
        match opcode {
            Opcode::Ping => {
                let ping = Control::new(payload);
                self.pong = matches!(self.state.sending, Sending::Open | Sending::Message(_)).then_some(self.collected);
                self.collected = 0;
                Ok(Some(Found::Ping(ping)))
            }
            Opcode::Close => {
                let code = close_code(payload, self.leniency)?;
                self.pong = None;
                self.state.receive(Trigger::ReceiveClose(code));
                Ok(Some(Found::Close(code)))
            }
            _ => {
                let pong = Control::new(payload);
                self.collected = 0;
                Ok(Some(Found::Pong(pong)))
            }
        }
    }
}

/// The code in the payload of a close frame (RFC 6455 section 5.5.1).
fn close_code(payload: &[u8], leniency: Leniency) -> Result<CloseCode, PeerError> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(CloseCode::NO_STATUS) } else { Err(PeerError::InvalidClose) };
    };
    let code = CloseCode(u16::from_be_bytes(*code));
    if !(code.is_sendable() || leniency.takes_close_codes() && matches!(code.0, 1016..=2999 | 5000..)) {
        return Err(PeerError::InvalidCloseCode);
    }
    let mut utf8 = Utf8::new();
    if utf8.check(reason).is_err() || !utf8.is_complete() {
        return Err(PeerError::InvalidCloseReason);
    }
    Ok(code)
}
