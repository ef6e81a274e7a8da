//! What a server sends.

use crate::{
    drive::{
        Error, Failed, Packing, Plain, Reply, Side, Timer, Transport, core::FAREWELL_MS, error::End, overdue::Overdue,
        packing::ServerKeys, race::race, side::Random,
    },
    endpoint::ServerEnd,
    json::Value,
    socketio::{AckRequest, AckSlot, Content, ExpectAck, Namespace, Reason, SendError, Sid, server::Session},
    time::Instant,
    ws::{self, Inbox, Kept, Out, Storage},
};
use core::{fmt, pin::pin};

/// How long a client may take altogether for what is sent before the end, in milliseconds.
const GOODBYE_MS: u64 = 5 * FAREWELL_MS;

/// How far the end of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// It is open, or its end was not noticed yet.
    None,
    /// What waits is written, until this time.
    Until(Instant),
    /// It was written, or the client took too long.
    Said,
    /// The transport has failed.
    Lost,
}

/// How the latest wait of a server has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    Some,
    /// Nothing has arrived.
    None,
    /// A deadline came while the client took nothing.
    Late,
}

/// The session that packets are written for.
type Io<'m> = Session<&'m [&'m str], &'m mut [AckSlot]>;

/// The sending side of a [`Server`](super::Server). [`next`](super::Server::next) returns it beside the step, which borrows the receiving side.
///
/// Each call that sends writes one packet into the send memory. It waits only while that has no room. If its future is dropped before it is ready, nothing of
/// the packet is sent. [`flush`](Self::flush) and [`next`](super::Server::next) send what stands there.
///
/// # Errors of the calls that send
/// [`Error::Outbox`] if the packet is larger than the send memory, see [`replace_tx`](Self::replace_tx). [`Error::Send`] if it does not fit the state of the session; see there. Nothing was sent.
/// [`Error::Stalled`], [`Error::Transport`], [`Error::Ended`]: the connection is over. [`next`](super::Server::next) returns what is left to tell.
///
/// ```
/// use sansocket::{drive::{Error, Failed, ServerIo, Timer, Transport}, socketio::{ExpectAck, Namespace, Reason}};
///
/// const ROOT: Namespace = Namespace(0);
///
/// async fn ask<T: Transport, C: Timer, F: FnMut(&mut [u8])>(io: &mut ServerIo<'_, T, C, F>) -> Result<(), Error<Failed<T>>> {
///     if !io.session().is_connected(ROOT) {
///         return io.refuse(ROOT, "not today", None).await;
///     }
///     // The answer arrives as `Event::Ack` with the token, or `Event::AckFailed`.
///     let expect = ExpectAck { token: 7, deadline: Some(io.now().after_millis(5000)) };
///     io.emit(ROOT, "and you?", &(), Some(expect)).await?;
///     // Any packet of the session, also those of a later version.
///     io.say(|session, out| session.emit(ROOT, "pair", &(1, 2), None, out)).await?;
///     io.flush().await?;
///     // The namespace alone, then the connection.
///     io.disconnect(ROOT).await?;
///     io.close(Reason::ForcedServerClose);
///     Ok(())
/// }
/// ```
pub struct ServerIo<'m, T, C, F, P: Packing = Plain> {
    pub(super) reply: Reply<T, C, P::Server<'m>, &'m mut [u8]>,
    pub(super) end: ServerEnd<&'m [&'m str], &'m mut [AckSlot]>,
    pub(super) random: Random<F>,
    pub(super) overdue: Overdue,
    pub(super) farewell: Farewell,
    /// The open packet, a ping, a pong or the close frame stands in the outbox.
    pub(super) is_urgent: bool,
}

impl<T, C, F, P: Packing> fmt::Debug for ServerIo<'_, T, C, F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIo").field("end", &self.end).field("farewell", &self.farewell).finish_non_exhaustive()
    }
}

impl<'m, T: Transport, C: Timer, F: FnMut(&mut [u8]), P: Packing> ServerIo<'m, T, C, F, P> {
    /// Accepts the client into a namespace that it asked for. As [`Session::accept`], with a random id.
    ///
    /// # Errors
    /// See [`ServerIo`].
    pub async fn accept(&mut self, namespace: Namespace) -> Result<(), Error<Failed<T>>> {
        let sid = Sid::from_random(self.random.bytes());
        self.say(|io, out| io.accept(namespace, sid, out)).await
    }

    /// Refuses a namespace that the client asked for. As [`Session::refuse`].
    ///
    /// # Errors
    /// See [`ServerIo`].
    pub async fn refuse(
        &mut self,
        namespace: Namespace,
        message: &str,
        data: Option<Value<'_>>,
    ) -> Result<(), Error<Failed<T>>> {
        self.say(|io, out| io.refuse(namespace, message, data, out)).await
    }

    /// Answers that no namespace has this name. As [`Session::refuse_unknown`].
    ///
    /// # Errors
    /// See [`ServerIo`].
    pub async fn refuse_unknown(&mut self, name: &[u8]) -> Result<(), Error<Failed<T>>> {
        self.say(|io, out| io.refuse_unknown(name, out)).await
    }

    /// Sends an event with all its attachments. With `expect` it asks for an acknowledgement. As [`Session::emit`].
    ///
    /// # Errors
    /// See [`ServerIo`].
    pub async fn emit(
        &mut self,
        namespace: Namespace,
        name: &str,
        content: &impl Content,
        expect: Option<ExpectAck>,
    ) -> Result<(), Error<Failed<T>>> {
        self.say(|io, out| io.emit(namespace, name, content, expect, out)).await
    }

    /// Acknowledges an event of the client. As [`Session::ack`].
    ///
    /// # Errors
    /// See [`ServerIo`].
    pub async fn ack(&mut self, request: AckRequest, content: &impl Content) -> Result<(), Error<Failed<T>>> {
        self.say(|io, out| io.ack(request, content, out)).await
    }

    /// Removes the client from a namespace. The connection stays open. As [`Session::disconnect`].
    ///
    /// # Errors
    /// See [`ServerIo`].
    pub async fn disconnect(&mut self, namespace: Namespace) -> Result<(), Error<Failed<T>>> {
        self.say(|io, out| io.disconnect(namespace, out)).await
    }

    /// Sends what `write` writes: one packet. It is called again after an error for lack of room, when there is more.
    ///
    /// # Errors
    /// See [`ServerIo`].
    pub async fn say(
        &mut self,
        mut write: impl FnMut(&mut Io<'m>, &mut Out<'_, Kept<'_, ws::Server, ServerKeys<'m, P>>>) -> Result<(), SendError>,
    ) -> Result<(), Error<Failed<T>>> {
        loop {
            self.reply.core.check()?;
            let mut out = self.reply.core.ws.out(&mut self.reply.outbox);
            match write(self.end.io(), &mut out) {
                Ok(()) => return Ok(()),
                Err(e) => {
                    if !out.is_empty() {
                        out.clear();
                        P::Server::forget(self.reply.outbox.keys());
                    }
                    match e {
                        SendError::Capacity(e) if self.reply.outbox.is_empty() => return Err(Error::Outbox(e)),
                        SendError::Capacity(_) => self.reply.write().await?,
                        e => return Err(Error::Send(e)),
                    }
                }
            }
        }
    }

    /// Waits until the transport has taken everything.
    ///
    /// # Errors
    /// See [`ServerIo`].
    pub async fn flush(&mut self) -> Result<(), Error<Failed<T>>> {
        loop {
            self.reply.core.check()?;
            if !self.owes()? {
                return Ok(());
            }
            self.reply.write().await?;
        }
    }

    /// Closes the connection for `reason`, without waiting. [`next`](super::Server::next) sends what waits, and returns the last steps.
    /// [`Server::close`](super::Server::close) waits for that. The JavaScript client then reconnects, unless it was [disconnected](Self::disconnect) from each
    /// namespace first.
    pub fn close(&mut self, reason: Reason) {
        let now = self.now();
        self.end.close(reason, now);
    }

    /// Moves what waits to be sent to `tx`, and returns the old memory.
    ///
    /// # Errors
    /// Returns `tx` if it is too small for what waits. Nothing was changed.
    pub fn replace_tx(&mut self, tx: &'m mut [u8]) -> Result<&'m mut [u8], &'m mut [u8]> {
        self.reply.replace_outbox(tx)
    }

    /// The time of the clock, for deadlines.
    pub fn now(&mut self) -> Instant {
        self.reply.timer.now()
    }

    /// The Socket.IO session: its namespaces, and room for more acknowledgements ([`Session::replace_acks`]).
    pub const fn session(&mut self) -> &mut Io<'m> {
        self.end.io()
    }

    /// The connection, to see how the client broke a protocol ([`ServerEnd::fault`]).
    pub const fn end(&self) -> &ServerEnd<&'m [&'m str], &'m mut [AckSlot]> {
        &self.end
    }

    /// The transport, to look at it or to change its settings. Do not read or write it.
    pub const fn transport(&mut self) -> &mut T {
        self.reply.transport()
    }

    /// Appends what the protocols owe: the open packet, pings, pongs, the close frame. `true`: something is to be written at once.
    pub(super) fn owe(&mut self) -> Result<bool, Error<Failed<T>>> {
        let Self { reply, end, .. } = self;
        loop {
            match reply.outbox.append_bytes(|tail| end.transmit(tail)) {
                Ok(0) => {
                    self.is_urgent &= !reply.outbox.is_empty();
                    return Ok(self.is_urgent);
                }
                Ok(_) => self.is_urgent = true,
                Err(grow) if reply.outbox.is_empty() => return Err(Error::Memory(grow)),
                Err(_) => return Ok(true),
            }
        }
    }

    /// Whether something is to be written.
    pub(super) fn owes(&mut self) -> Result<bool, Error<Failed<T>>> {
        self.owe()?;
        Ok(!self.reply.outbox.is_empty())
    }

    /// Tells the session that the transport has ended or failed.
    pub(super) fn notice(&mut self) {
        let Some(end) = self.reply.core.end else { return };
        match self.farewell {
            Farewell::None if end == End::Transport => self.end.link_mut().handle_error(),
            Farewell::None => self.end.link_mut().handle_eof(),
            _ => return,
        }
        self.farewell = Farewell::Lost;
    }

    /// The session is over: whether more is to be written of what waits and of the close frame. The client has a limited time to take it.
    pub(super) fn has_goodbye(&mut self) -> bool {
        let now = self.now();
        let until = match self.farewell {
            Farewell::None => now.after_millis(GOODBYE_MS),
            Farewell::Until(until) => until,
            Farewell::Said | Farewell::Lost => return false,
        };
        if self.reply.core.is_cut {
            self.farewell = Farewell::Lost;
            return false;
        }
        let is_owed = now < until && self.owes().unwrap_or(false);
        self.farewell = if is_owed { Farewell::Until(until) } else { Farewell::Said };
        // Each write has less time from now on, and nothing more is sent.
        self.reply.core.fail(End::Closed);
        is_owed
    }

    /// One write, or a deadline of the session: what has arrived counts first then.
    pub(super) async fn write(&mut self) -> Waited {
        // A farewell has a time of its own.
        let due = self.end.poll_timeout().filter(|_| !self.end.link().is_over()).unwrap_or(Instant::FAR_FUTURE);
        // A failure is told by the session.
        let _ = self.reply.write_until(due).await;
        if self.now() < due { Waited::Some } else { Waited::Late }
    }

    /// Drops what the client still sends, until it ends the transport. Else the system would throw away what was sent last.
    pub(super) async fn linger<S: Storage>(&mut self, inbox: &mut Inbox<S>) {
        let until = self.now().after_millis(FAREWELL_MS);
        let Reply { transport, timer, .. } = &mut self.reply;
        while self.farewell == Farewell::Said && timer.now() < until {
            inbox.reset();
            let Ok(space) = inbox.space() else { return };
            let read = race(pin!(transport.read(space)), pin!(timer.sleep_until(until))).await;
            match read {
                Some(Ok(None | Some(1..))) => {}
                Some(Ok(Some(0)) | Err(_)) => self.farewell = Farewell::Lost,
                None => return,
            }
        }
    }
}
