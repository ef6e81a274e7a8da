use super::line::Line;
use crate::{
    drive::{
        ClientSide, Packed, Packing, Plain, Random, Timer, Transport, overdue::Overdue, packing::ClientKeys, race::race,
    },
    endpoint::{
        Grow,
        client::{self, ClientEnd, Emit, Over, WebSocketLink},
    },
    json::Args,
    socketio::{AckRequest, AckSlot, Content, Namespace, SendError, SlotCapacity, client::SocketSlot},
    time::Instant,
    ws::{Compression, Deflater, Outbox},
};
use core::{fmt, pin::pin};

/// How long a line that takes nothing any more is read, and how long a close may take, in milliseconds.
const DEAF_MS: u64 = 1_000;
const CLOSING_MS: u64 = 2_000;

/// The tokens of [`Client::ask`](super::Client::ask) have this bit.
pub(super) const OWN: u32 = 1 << 31;

pub(super) type End<'m> =
    ClientEnd<WebSocketLink<'m>, &'m [&'m str], &'m mut [AckSlot], &'m mut [SocketSlot], &'m mut [u8]>;

/// All of a [`Client`](super::Client) but the memory to receive into. [`Client::next`](super::Client::next) returns it beside a step, which borrows that
/// memory, so you can answer while you look at what arrived. See [`Client`](super::Client) for an example.
///
/// Most calls do not wait. What they send is kept in the backlog, and is written when [`Client::next`](super::Client::next) or [`flush`](Self::flush) is
/// awaited.
pub struct Io<'m, T, C, F: FnMut(&mut [u8]), P: Packing = Plain> {
    pub(super) end: End<'m>,
    pub(super) outbox: Outbox<&'m mut [u8], ClientKeys<'m, F, P>>,
    pub(super) line: Line<T>,
    pub(super) timer: C,
    pub(super) overdue: Overdue,
    /// When the server must have taken a byte. `None`: it has taken one since, or nothing waits.
    write_by: Option<Instant>,
    pub(super) write_ms: u32,
    /// The limit of the latest call, which has read once after it. Not again before a call has ended for its limit.
    pub(super) late: Instant,
    /// The last end that was told.
    pub(super) over: Over,
    asked: u32,
}

impl<T, C, F: FnMut(&mut [u8]), P: Packing> fmt::Debug for Io<'_, T, C, F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("held", &self.end.held()).finish_non_exhaustive()
    }
}

impl<'m, T: Transport, C: Timer, F: FnMut(&mut [u8])> Io<'m, T, C, F> {
    pub(super) fn new(end: End<'m>, tx: &'m mut [u8], random: F, timer: C) -> Self {
        Self {
            end,
            outbox: Outbox::with_keys(tx, Random(random)),
            line: Line::Down,
            timer,
            overdue: Overdue::default(),
            write_by: None,
            write_ms: 20_000,
            late: Instant::FAR_FUTURE,
            over: Over::Closed,
            asked: 0,
        }
    }

    /// The same, whose messages are compressed. The line is dropped.
    pub(super) fn with_compression(
        mut self,
        compression: Compression,
        deflater: Deflater<&'m mut [u8]>,
    ) -> Io<'m, T, C, F, Packed> {
        self.hang_up();
        let Self { end, outbox, timer, overdue, write_ms, late, over, asked, .. } = self;
        let outbox = outbox.with_deflater(deflater).offering(compression);
        Io { end, outbox, line: Line::Down, timer, overdue, write_by: None, write_ms, late, over, asked }
    }
}

impl<'m, T: Transport, C: Timer, F: FnMut(&mut [u8]), P: Packing> Io<'m, T, C, F, P> {
    /// A line that is open counts as failed.
    fn hang_up(&mut self) {
        if self.line.take().is_some() {
            self.cut();
        }
    }

    pub(super) fn map(self, change: impl FnOnce(End<'m>) -> End<'m>) -> Self {
        Self { end: change(self.end), ..self }
    }

    /// The same with lines of another type. The line is dropped.
    pub(super) fn with_lines<U: Transport>(mut self) -> Io<'m, U, C, F, P> {
        self.hang_up();
        let Self { end, outbox, timer, overdue, write_ms, late, over, asked, .. } = self;
        Io { end, outbox, line: Line::Down, timer, overdue, write_by: None, write_ms, late, over, asked }
    }

    /// Joins a namespace, on this connection and on each later one. If there is no connection, one is made. As [`ClientEnd::connect`].
    ///
    /// # Errors
    /// [`SlotCapacity`] if no slot is free. Nothing was changed.
    pub fn connect(&mut self, namespace: Namespace) -> Result<(), SlotCapacity> {
        let now = self.timer.now();
        self.end.connect(namespace, now)
    }

    /// Leaves a namespace, after what waits for it was sent if it is connected. As [`ClientEnd::disconnect`].
    pub fn disconnect(&mut self, namespace: Namespace) {
        self.end.disconnect(namespace);
    }

    /// Leaves all namespaces, and then the server. [`Client::next`](super::Client::next) does it; [`Client::leave`](super::Client::leave) waits for the end.
    pub fn close(&mut self) {
        self.end.close();
    }

    /// Sends an event, or keeps it until the namespace is connected. As [`ClientEnd::emit`].
    ///
    /// # Errors
    /// [`SendError`]. Nothing was changed.
    pub fn emit(&mut self, namespace: Namespace, name: &str, content: &impl Content) -> Result<(), SendError> {
        self.end.emit(namespace, name, content)
    }

    /// As [`emit`](Self::emit), volatile, with retries, or with an acknowledgement that arrives as an event. As [`ClientEnd::emit_with`]. Your tokens are
    /// less than 2³¹; the others are those of [`Client::ask`](super::Client::ask).
    ///
    /// # Errors
    /// [`SendError`]. Nothing was changed.
    pub fn emit_with(
        &mut self,
        namespace: Namespace,
        name: &str,
        content: &impl Content,
        how: Emit,
    ) -> Result<bool, SendError> {
        self.end.emit_with(namespace, name, content, how)
    }

    /// Acknowledges an event of the server, at once or later. As [`ClientEnd::ack`].
    ///
    /// # Errors
    /// [`SendError`]. Nothing was changed.
    pub fn ack(&mut self, request: AckRequest, content: &impl Content) -> Result<(), SendError> {
        self.end.ack(request, content)
    }

    /// Answers [`Step::Auth`](client::Step::Auth). As [`ClientEnd::authorize`].
    ///
    /// # Errors
    /// [`SendError`]. Nothing was changed: repeat the call.
    pub fn authorize(&mut self, namespace: Namespace, auth: Option<&impl Args>) -> Result<(), SendError> {
        self.end.authorize(namespace, auth)
    }

    /// Waits until the transport has taken all that can be sent now. What waits for a connection or for a namespace stays. It reads nothing: be in
    /// [`Client::next`](super::Client::next) most of the time.
    ///
    /// If the line fails, the call ends, and [`Client::next`](super::Client::next) tells it. If the future is dropped, nothing is lost.
    ///
    /// # Errors
    /// [`Grow`] if the send memory has no room for a packet while it is empty.
    pub async fn flush(&mut self) -> Result<(), Grow> {
        while self.fill()? {
            self.write(Instant::FAR_FUTURE).await;
        }
        Ok(())
    }

    /// Gives the machine more memory to send from. Returns the old memory.
    ///
    /// # Errors
    /// Returns `tx` if it is too small for what waits. Nothing was changed.
    pub fn replace_tx(&mut self, tx: &'m mut [u8]) -> Result<&'m mut [u8], &'m mut [u8]> {
        self.outbox.replace(tx)
    }

    /// Moves the packets that wait into other memory. As [`ClientEnd::replace_backlog`].
    ///
    /// # Errors
    /// Returns `backlog` if it is too small. Nothing was changed.
    pub fn replace_backlog(&mut self, backlog: &'m mut [u8]) -> Result<&'m mut [u8], &'m mut [u8]> {
        self.end.replace_backlog(backlog)
    }

    /// Moves the acknowledgements into other slots. As [`ClientEnd::replace_acks`].
    ///
    /// # Errors
    /// Returns the new slots if they are too few. Nothing was changed.
    pub fn replace_acks(&mut self, acks: &'m mut [AckSlot]) -> Result<&'m mut [AckSlot], &'m mut [AckSlot]> {
        self.end.replace_acks(acks)
    }

    /// The time of the client's clock.
    pub fn now(&mut self) -> Instant {
        self.timer.now()
    }

    /// Whether the namespace is connected.
    pub fn is_connected(&self, namespace: Namespace) -> bool {
        self.end.io().is_connected(namespace)
    }

    /// The machine, to look at: its session, its link, how much of the backlog is used.
    pub const fn end(&self) -> &End<'m> {
        &self.end
    }

    /// A token that no other [`Client::ask`](super::Client::ask) has, until 2³¹ later.
    pub(super) const fn next_token(&mut self) -> u32 {
        self.asked = self.asked.wrapping_add(1);
        self.asked | OWN
    }

    /// The line is open.
    pub(super) fn opened(&mut self, transport: T) -> [u8; 16] {
        self.line = Line::Open(transport);
        self.write_by = None;
        self.overdue = Overdue::default();
        P::Client::<'m, F>::nonce(self.outbox.keys())
    }

    /// The line has failed, or could not be opened. Its transport is dropped.
    pub(super) fn cut(&mut self) {
        self.line.take();
        let now = self.timer.now();
        self.end.handle_error(client::Line::WebSocket, now);
    }

    /// The line is to be closed when the outbox is written.
    pub(super) fn close_line(&mut self) {
        let is_written = self.outbox.is_empty();
        let until = self.timer.now().after_millis(CLOSING_MS);
        self.line = match core::mem::replace(&mut self.line, Line::Down) {
            Line::Open(transport) | Line::Ended(transport) if !is_written => Line::Closing(transport, until),
            _ => Line::Down,
        };
    }

    /// Whether a deadline counts at `now`. While bytes arrive they are handled first.
    pub(super) fn is_time(&self, now: Instant) -> bool {
        self.end.poll_timeout().is_some_and(|due| due <= now) && (!self.line.is_read() || self.overdue.counts(now))
    }

    /// Writes into the outbox what is to be sent. `true`: it holds bytes to write.
    pub(super) fn fill(&mut self) -> Result<bool, Grow> {
        if let Line::Open(_) = self.line {
            let now = self.timer.now();
            self.end.transmit(client::Line::WebSocket, &mut self.outbox, now)?;
        }
        Ok(matches!(self.line, Line::Open(_) | Line::Closing(..)) && !self.outbox.is_empty())
    }

    /// As [`fill`](Self::fill): until when to write, `limit` or a deadline of the machine. `None`: there is nothing to write.
    pub(super) fn fill_until(&mut self, limit: Instant) -> Result<Option<Instant>, Grow> {
        if !self.fill()? {
            return Ok(None);
        }
        // A close has a time of its own.
        let due = if self.line.is_read() { self.due() } else { Instant::FAR_FUTURE };
        Ok(Some(limit.min(due)))
    }

    /// The next deadline of the machine.
    pub(super) fn due(&self) -> Instant {
        self.end.poll_timeout().unwrap_or(Instant::FAR_FUTURE)
    }

    /// One write, which waits until `limit` at most: then `false`. What it took is removed from the outbox in the same poll.
    pub(super) async fn write(&mut self, limit: Instant) -> bool {
        let Self { line, timer, outbox, write_by, write_ms, .. } = self;
        let (transport, by) = match line {
            Line::Open(transport) if *write_ms == 0 => (transport, Instant::FAR_FUTURE),
            Line::Open(transport) => {
                (transport, *write_by.get_or_insert(timer.now().after_millis(u64::from(*write_ms))))
            }
            Line::Closing(transport, by) => (transport, *by),
            Line::Down | Line::Deaf(..) | Line::Ended(_) => return true,
        };
        let written = race(pin!(transport.write(outbox.written())), pin!(timer.sleep_until(by.min(limit)))).await;
        match written {
            Some(Ok(Some(n))) if n > 0 => {
                outbox.consume(n);
                *write_by = None;
                if matches!(line, Line::Closing(..)) && outbox.is_empty() {
                    *line = Line::Down;
                }
            }
            Some(Ok(None)) | None if timer.now() < by => return timer.now() < limit,
            // The transport has failed, or the server takes nothing for too long.
            _ => {
                outbox.consume(usize::MAX);
                *write_by = None;
                let until = timer.now().after_millis(DEAF_MS);
                *line = match core::mem::replace(line, Line::Down) {
                    Line::Open(transport) => Line::Deaf(transport, until),
                    _ => Line::Down,
                };
            }
        }
        true
    }
}
