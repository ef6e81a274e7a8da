//! A WebSocket connection after its opening handshake: frames, closing handshake, pongs.

mod step;

use super::{
    Agreed, Chunk, Client, CloseCode, Control, Event, Kind, Leniency, Limits, Out, Output, PeerError, Role, Server,
    control_frame::CONTROL_MEMORY,
    decoder::Decoder,
    limits::Length,
    state::{Receiving, Sending, State, Trigger},
    text::Text,
};
use crate::bytes::{checked_str, slice, slice_mut};
use core::marker::PhantomData;

pub(crate) use step::Found;

/// The most bytes that one call of [`Connection::poll_transmit`] needs: a control frame with 125 bytes and a masking key.
pub const OWED_MAX: usize = 2 + 4 + 125;

/// One end of a WebSocket connection. `R` is [`Server`] or [`Client`].
///
/// Received bytes go into [`poll_event`](Self::poll_event), or through an [`Inbox`](super::Inbox) if you want whole messages. Frames are written into an
/// [`Out`]. The connection has no buffers. It stores the limits, an incomplete frame header, and the payload of one control frame.
///
/// The answers to a ping and to a close frame are *owed*: [`poll_transmit`](Self::poll_transmit) writes them. If several pings wait, only the latest
/// one is answered (RFC 6455 section 5.5.3).
///
/// ```
/// use sansocket::ws::{Connection, Event, Limits, OWED_MAX, Outbox, PeerError, SendError, Server};
///
/// /// Echoes messages of any length, in pieces, with little memory.
/// fn turn(
///     ws: &mut Connection<Server>,
///     mut received: &mut [u8],
///     tx: &mut Outbox<[u8; OWED_MAX]>,
///     mut write: impl FnMut(&[u8]) -> usize,
/// ) -> Result<(), PeerError> {
///     while let Some(event) = ws.poll_event(&mut received)? {
///         // The event borrows only the input, so the connection can answer while it is alive.
///         let Event::Chunk(chunk) = event else { continue };
///         // The outbox may have less room than the piece needs: answer in pieces that fit.
///         let mut rest = chunk.as_bytes();
///         loop {
///             let (piece, later) = rest.split_at(rest.len().min(100));
///             let is_last = chunk.is_last() && later.is_empty();
///             match ws.send_chunk(chunk.kind(), piece, is_last, &mut ws.out(tx)) {
///                 Ok(()) if later.is_empty() => break,
///                 Ok(()) => rest = later,
///                 // Nothing was sent: write to the socket and repeat the call.
///                 Err(SendError::Capacity(_)) => {
///                     let n = write(tx.written());
///                     tx.consume(n);
///                 }
///                 // We are closing, so the answer is not sent.
///                 Err(_) => break,
///             }
///         }
///     }
///     while ws.wants_transmit() || !tx.is_empty() {
///         let _ = ws.poll_transmit(&mut ws.out(tx)); // without room it stays owed
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
///     written.extend_from_slice(bytes); // this socket takes all bytes; a real one may take fewer
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
    pub(super) decoder: Decoder,
    limits: Limits,
    pub(super) state: State,
    /// Length of the owed pong, whose payload is at the front of `control`.
    pub(super) pong: Option<u8>,
    /// Where in `control` a control payload is collected, and how many bytes of it are there. After a close frame: the place of its
    /// payload.
    pub(super) base: u8,
    pub(super) collected: u8,
    text: Text,
    /// The valid front of a text was reported. The next step reports that the rest is not UTF-8.
    is_text_broken: bool,
    /// Length of the payload of the owed close frame, if it has a reason. It is at the front of `control`.
    pub(super) closing: u8,
    pub(super) leniency: Leniency,
    pub(super) control: [u8; CONTROL_MEMORY],
    role: PhantomData<R>,
}

/// How a connection ended; returned by [`Connection::handle_eof`]. See the [module](crate::ws) for an example.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The close code of the peer. [`CloseCode::NO_STATUS`] if its close frame had no code, [`CloseCode::ABNORMAL`] if no close frame arrived. If
    /// the peer broke the protocol, the code that this end owed.
    pub code: CloseCode,
    /// Whether close frames went in both directions (RFC 6455 section 7.1.4).
    pub is_clean: bool,
}

impl Connection<Server> {
    /// The server's end of a connection whose opening handshake is done.
    #[must_use]
    pub const fn server(limits: Limits) -> Self {
        Self::new(limits)
    }
}

impl Connection<Client> {
    /// The client's end of a connection whose opening handshake is done.
    #[must_use]
    pub const fn client(limits: Limits) -> Self {
        Self::new(limits)
    }
}

impl<R> Connection<R> {
    pub(crate) const fn new(limits: Limits) -> Self {
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

impl<R> Connection<R> {
    /// A connection after a new handshake, with the same limits and leniency.
    #[cfg(feature = "drive")]
    pub(crate) const fn renewed(&self) -> Self {
        let mut new = Self::new(self.limits);
        new.leniency = self.leniency.with_compression(None);
        new
    }

    /// With the compression that `other` has.
    #[cfg(feature = "drive")]
    pub(crate) const fn with_compression_of(mut self, other: &Self) -> Self {
        self.leniency = self.leniency.with_compression_of(other.leniency);
        self
    }

    #[cfg(feature = "drive")]
    pub(crate) const fn has_received_close(&self) -> bool {
        matches!(self.state.receiving, Receiving::Closed(_))
    }

    #[cfg(feature = "drive")]
    pub(crate) const fn leniency(&self) -> Leniency {
        self.leniency
    }
}

impl<R: Role> Connection<R> {
    /// Does not enforce the rules of RFC 6455 that `leniency` names. See [`Leniency`].
    #[must_use]
    pub const fn with_leniency(mut self, leniency: Leniency) -> Self {
        self.leniency = leniency.with_compression_of(self.leniency);
        self
    }

    /// Tells what both ends agreed on in the handshake. With compression, messages of the peer may be compressed: the inbox needs
    /// [`Inflating`](super::Inflating) storage, or you unpack chunks that [are compressed](Chunk::is_compressed) with a
    /// [`deflate::Inflate`](crate::deflate::Inflate).
    ///
    /// ```
    /// use sansocket::ws::{Compression, Connection, Event, Limits};
    ///
    /// let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate")];
    /// let agreed = Compression::new().accept(offer);
    /// let mut ws = Connection::server(Limits::new()).with_compression(agreed);
    /// let mut bytes = *b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\0";
    /// let Some(Event::Chunk(chunk)) = ws.poll_event(&mut &mut bytes[..])? else { panic!() };
    /// assert!(chunk.is_compressed());
    /// # Ok::<(), sansocket::ws::PeerError>(())
    /// ```
    #[must_use]
    pub const fn with_compression(mut self, agreed: Option<Agreed>) -> Self {
        self.leniency = self.leniency.with_compression(agreed);
        self
    }

    /// The window bits and the takeover of what this end may send compressed.
    pub(crate) const fn sends_compressed(&self) -> Option<(u8, bool)> {
        self.leniency.sends_compressed()
    }

    /// A write cursor for the frames of this connection. In an [`Outbox`](super::Outbox) it appends to the frames that are there. In plain memory it
    /// begins at the front; a client needs an `Outbox`, because that has the masking keys.
    ///
    /// The cursor remembers whether a message may begin. If the connection writes through another cursor, take a new one.
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

    /// Reads bytes from the front of `input` and returns the next event. `None`: all input was read.
    ///
    /// Payloads are unmasked in place. Cost: one pass over the bytes.
    ///
    /// # Errors
    /// [`PeerError`] if the peer breaks the protocol or exceeds a limit. The input then begins with the byte that shows it. Every later call
    /// returns the same error.
    #[cfg_attr(target_pointer_width = "64", inline)]
    pub fn poll_event<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Event<'i>>, PeerError> {
        let Some(whole) = self.whole(input) else { return self.poll_piece(input) };
        let (taken, rest) = core::mem::take(input).split_at_mut_checked(whole.to).unwrap_or_default();
        *input = rest;
        let bytes = slice_mut(taken, whole.from..);
        let kind = whole.kind;
        Ok(Some(Event::Chunk(Chunk { kind, is_first: true, is_last: true, is_compressed: false, bytes })))
    }

    /// As [`poll_event`](Self::poll_event), for all that is not whole.
    fn poll_piece<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Event<'i>>, PeerError> {
        let mut payload = None;
        let (used, found) = self.step(true, input, &mut payload);
        debug_assert!(used <= input.len(), "no more is used up than there is");
        let (taken, rest) = core::mem::take(input).split_at_mut_checked(used).unwrap_or_default();
        *input = rest;
        Ok(match found? {
            None => None,
            Some(Found::Chunk { kind, is_first, is_last, is_compressed, from, .. }) => {
                let bytes = slice_mut(taken, from..);
                Some(Event::Chunk(Chunk { kind, is_first, is_last, is_compressed, bytes }))
            }
            Some(Found::Ping) => Some(Event::Ping(payload.unwrap_or(Control::EMPTY))),
            Some(Found::Pong) => Some(Event::Pong(payload.unwrap_or(Control::EMPTY))),
            Some(Found::Close(code)) => Some(Event::Close(code)),
        })
    }

    /// Call it when the transport has ended. Nothing is owed any more, every `send` returns [`StateError::Closing`](super::StateError::Closing), and
    /// [`is_closed`](Self::is_closed) is true. A repeated call returns the same value.
    pub fn handle_eof(&mut self) -> Closed {
        self.state.receive(Trigger::ReceiveEnd);
        self.pong = None;
        self.closed()
    }

    /// How the connection has closed, if the transport ends now.
    pub(crate) const fn closed(&self) -> Closed {
        let is_clean = matches!(self.state.sending, Sending::CloseSent | Sending::Ended { was_closed: true });
        match self.state.receiving {
            Receiving::Closed(code) => Closed { code, is_clean },
            Receiving::Failed(error) => Closed { code: error.close_code(), is_clean: false },
            Receiving::Open | Receiving::Ended => Closed { code: CloseCode::ABNORMAL, is_clean: false },
        }
    }

    /// Whether the connection is over: close frames went in both directions, or the transport has ended. A server then closes the transport. A client
    /// waits until the server closes it, with a time limit (RFC 6455 section 7.1.1).
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.state.is_closed()
    }

    /// Whether no more data can be sent: a close frame was sent, received or is owed, or the transport has ended.
    #[must_use]
    pub const fn is_closing(&self) -> bool {
        matches!(self.state.sending, Sending::CloseOwed(_) | Sending::CloseSent | Sending::Ended { .. })
    }

    /// The reason in the peer's close frame. Empty if it has none, and before it arrived.
    #[must_use]
    pub fn close_reason(&self) -> &str {
        let Receiving::Closed(_) = self.state.receiving else { return "" };
        // Empty when there is no code.
        let payload = slice(&self.control, usize::from(self.base)..);
        checked_str(payload.get(2..usize::from(self.collected)).unwrap_or_default())
    }

    /// How many bytes a message may have.
    pub(crate) fn message_limit(&self) -> u64 {
        self.limits.message_bytes()
    }

    /// The peer broke the rules of an extension.
    pub(crate) fn fail(&mut self, error: PeerError) {
        self.state.receive(Trigger::ReceiveFault(error));
    }

    /// How many bytes of the current data frame are missing. `None` if no message is open.
    pub(crate) fn awaited(&self) -> Option<Length> {
        self.open_kind().map(|_| self.decoder.left_of_data())
    }

    /// Whether the open message is compressed.
    pub(crate) const fn is_compressed(&self) -> bool {
        self.decoder.is_compressed()
    }

    /// How many bytes of the current frame are missing.
    pub(crate) const fn left_of_frame(&self) -> Length {
        self.decoder.left()
    }

    /// The kind of the open message. `None` once no more input is read.
    pub(crate) fn open_kind(&self) -> Option<Kind> {
        match self.state.receiving {
            // The frame may be read to its end, but its bytes that are not UTF-8 still stand in the input.
            Receiving::Open if self.is_text_broken => Some(Kind::Text),
            Receiving::Open => self.decoder.open_kind(),
            Receiving::Closed(_) | Receiving::Failed(_) | Receiving::Ended => None,
        }
    }
}
