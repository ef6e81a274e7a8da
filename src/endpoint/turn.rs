use super::{Got, Grow, ServerEnd, ServerLink, Step, Upgrade, What, room::room_for_packet};
use crate::{
    bytes::copy,
    engineio::{Event, Packets, server::Probed},
    socketio::{AckSlot, Collector, Namespaces, Queue, QueueSlot, Reason, SendError, server::Session},
    time::Instant,
    ws::{Growing, Inbox, Out, Stored},
};

/// What a turn begins with.
#[derive(Debug)]
pub enum Input<'i, S> {
    /// Bytes received over the WebSocket of the session.
    Socket(&'i mut Inbox<S>),
    /// The body of a POST.
    Post(Packets<'i>),
    /// No bytes: a deadline has passed, or a call may have ended the session.
    Time,
}

/// Packets written one after the other, in memory that grows. `M` is a type that can be made in any length, such as `Vec<u8>`: it implements
/// [`FromIterator`].
///
/// A turn is [`ServerEnd::step`] until [`Step::Idle`], for every transport alike. A host with an allocator needs nothing else:
///
/// ```
/// use sansocket::{
///     endpoint::{Batch, Input, ServerEnd, Step},
///     engineio::{self, Transport, server::Config},
///     socketio::{AckSlot, Collector, SendError, Sid, server::Event},
///     time::Instant,
///     ws::{Inbox, Limits},
/// };
///
/// /// Does everything that does not have to wait. Returns the bytes to send, or to append to the queue for the GETs.
/// fn turn(end: &mut ServerEnd<[&'static str; 1], Vec<AckSlot>>, mut input: Input<'_, Vec<u8>>, now: Instant) -> Result<Vec<u8>, SendError> {
///     let (mut batch, mut collector) = (Batch::new(Vec::new()), Collector::new(Vec::new()));
///     loop {
///         match end.step(&mut input, &mut collector, &mut batch, now) {
///             Step::Idle => return Ok(batch.written().to_vec()),
///             Step::Event(Event::Connect { namespace, .. }, _) => {
///                 end.say(&mut batch, |io, out| io.accept(namespace, Sid::from_random([1; 15]), out))?;
///             }
///             Step::Event(Event::Event(e), _files) => if let Some(request) = e.ack {
///                 end.say(&mut batch, |io, out| io.ack(request, &"yes", out))?;
///             },
///             _ => {}
///         }
///     }
/// }
///
/// let now = Instant::from_millis(0);
/// let secret = engineio::Sid::from_random([0; 15]);
/// let mut end = ServerEnd::open(Transport::WebSocket, secret, Config::new(), Limits::new(), ["/"], Vec::new(), now);
/// let mut inbox = Inbox::new(vec![0; 32]);
/// inbox.space()?[..18].copy_from_slice(b"\x81\x82\0\0\0\x0040\x81\x8a\0\0\0\x00421["); // a socket's read
/// inbox.commit(18);
/// let sent = turn(&mut end, Input::Socket(&mut inbox), now)?;
/// assert!(sent.windows(5).any(|w| w == b"0{\"si") && sent.windows(8).any(|w| w == b"40{\"sid\""));
/// inbox.space()?[..6].copy_from_slice(b"\"ask\"]");
/// inbox.commit(6);
/// assert_eq!(turn(&mut end, Input::Socket(&mut inbox), now)?, b"\x81\x0a431[\"yes\"]");
///
/// // 25 seconds later the server sends a ping.
/// assert_eq!(turn(&mut end, Input::Time, Instant::from_millis(25_000))?, b"\x81\x012");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batch<M> {
    memory: M,
    len: usize,
}

impl<M: AsMut<[u8]> + AsRef<[u8]> + FromIterator<u8>> Batch<M> {
    /// An empty batch.
    pub const fn new(memory: M) -> Self {
        Self { memory, len: 0 }
    }

    /// Appends what `write` writes. `write` is called again if the memory had to grow.
    ///
    /// ```
    /// use sansocket::{endpoint::Batch, socketio::{Namespace, server::broadcast}};
    ///
    /// let mut batch = Batch::new(Vec::new());
    /// batch.write(|out| broadcast(&["/"], Namespace(0), "news", &"hi", None, out))?;
    /// assert_eq!(batch.written(), b"\x81\x0f42[\"news\",\"hi\"]");
    /// batch.clear();
    /// assert!(batch.written().is_empty() && batch.into_storage().len() >= 17);
    /// # Ok::<(), sansocket::socketio::SendError>(())
    /// ```
    ///
    /// # Errors
    /// That of `write`, if more memory does not help. Nothing was appended.
    pub fn write(
        &mut self,
        mut write: impl FnMut(&mut Out<'_, Stored>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        loop {
            let mut out = Out::stored(self.rest());
            let Err(error) = write(&mut out) else {
                let written = out.written().len();
                self.len = self.len.saturating_add(written);
                return Ok(());
            };
            match Grow::of(&error) {
                Some(Grow { what: What::Output, to }) if self.grow(to) => {}
                _ => return Err(error),
            }
        }
    }

    /// Removes what was written, after it was sent or queued.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends what `transmit` writes, until that is nothing.
    fn append(&mut self, mut transmit: impl FnMut(&mut [u8]) -> Result<usize, Grow>) {
        loop {
            match transmit(self.rest()) {
                Ok(0) => return,
                Ok(n) => self.len = self.len.saturating_add(n),
                Err(Grow { to, .. }) if self.grow(to) => {}
                Err(_) => return,
            }
        }
    }

    /// The packets, as frames.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.memory.as_ref().get(..self.len).unwrap_or_default()
    }

    /// Returns the memory.
    pub fn into_storage(self) -> M {
        self.memory
    }

    fn rest(&mut self) -> &mut [u8] {
        self.memory.as_mut().get_mut(self.len..).unwrap_or_default()
    }

    /// Makes room for `least` more bytes. `false`: that much memory could not be made.
    fn grow(&mut self, least: usize) -> bool {
        let to = self.len.saturating_add(least).max(self.memory.as_ref().len().saturating_mul(2));
        let Some(mut memory) = zeroes::<M>(to) else { return false };
        copy(self.written(), memory.as_mut());
        self.memory = memory;
        true
    }
}

impl<N: Namespaces, A: AsMut<[AckSlot]> + AsRef<[AckSlot]>> ServerEnd<N, A> {
    /// The next step of a turn: of `input`, then of the deadlines. What the session itself has to send is appended to `batch`. The memory grows as
    /// needed, up to the limits. Call it until [`Step::Idle`]. See [`Batch`] for an example.
    ///
    /// This is [`poll`](Self::poll) or [`poll_post`](Self::poll_post), [`handle_timeout`](Self::handle_timeout) and [`transmit`](Self::transmit) in
    /// the right order. If the memory of `S`, or `C`, cannot be made as long as needed, the connection is closed (`forced server close`).
    pub fn step<'e, S, C, M>(
        &mut self,
        input: &'e mut Input<'_, S>,
        collector: &'e mut Collector<C>,
        batch: &mut Batch<M>,
        now: Instant,
    ) -> Step<'e>
    where
        S: Growing,
        C: AsMut<[u8]> + AsRef<[u8]> + FromIterator<u8>,
        M: AsMut<[u8]> + AsRef<[u8]> + FromIterator<u8>,
    {
        batch.append(|memory| self.transmit(memory));
        if let Some(step) = self.last(now) {
            return step;
        }
        match input {
            Input::Socket(inbox) => loop {
                let has_grown = match self.advance(inbox, collector, now) {
                    Ok(Step::Again) => return self.take(inbox, collector, now),
                    Ok(Step::Idle) => break,
                    Ok(step) => return step,
                    Err(Grow { what: What::Inbox | What::Unpacked, to }) => inbox.grow(to),
                    Err(grow) => zeroes(grow.to).is_some_and(|c| collector.replace(c).is_ok()),
                };
                if !has_grown {
                    self.close(Reason::ForcedServerClose, now);
                    break;
                }
            },
            Input::Post(packets) => {
                if let Err(grow) = room_for_packet(packets, collector)
                    && let Some(memory) = zeroes(grow.to)
                {
                    let _ = collector.replace(memory);
                }
                match self.poll_post(packets, collector, now) {
                    Ok(Step::Idle) => {}
                    Ok(step) => return step,
                    Err(_) => self.close(Reason::ForcedServerClose, now),
                }
            }
            Input::Time => {}
        }
        let step = self.handle_timeout(now);
        if matches!(step, Step::Idle) {
            batch.append(|memory| self.transmit(memory));
        }
        step
    }

    /// Appends what `write` writes to `batch`. The memory and the slots for acknowledgements grow as needed. See [`Batch`] for an example.
    ///
    /// # Errors
    /// [`SendError`], if more memory does not help. Nothing was appended.
    pub fn say<M>(
        &mut self,
        batch: &mut Batch<M>,
        mut write: impl FnMut(&mut Session<N, A>, &mut Out<'_, Stored>) -> Result<(), SendError>,
    ) -> Result<(), SendError>
    where
        A: FromIterator<AckSlot>,
        M: AsMut<[u8]> + AsRef<[u8]> + FromIterator<u8>,
    {
        loop {
            let io = self.io();
            let Err(error) = batch.write(|out| write(io, out)) else { return Ok(()) };
            let Some(Grow { what: What::Acks, to }) = Grow::of(&error) else { return Err(error) };
            let acks: A = core::iter::repeat_n(AckSlot::EMPTY, to).collect();
            if acks.as_ref().len() < to || io.replace_acks(acks).is_err() {
                return Err(error);
            }
        }
    }
}

impl ServerLink {
    /// As [`ServerEnd::step`], without Socket.IO: the next event of a turn. Call it until `None`.
    ///
    /// ```
    /// use sansocket::{
    ///     endpoint::{Answer, Batch, Got, Input, ServerLink},
    ///     engineio::{Event, Packets, Sid, Transport, server::Config},
    ///     socketio::{Flags, Policy, Queue, QueueSlot},
    ///     time::Instant,
    ///     ws::Limits,
    /// };
    ///
    /// let now = Instant::from_millis(0);
    /// let mut link = ServerLink::open(Transport::Polling, Sid::from_random([0; 15]), Config::new(), Limits::new(), now);
    /// let mut queue = Queue::new(Vec::<QueueSlot<Box<[u8]>>>::new(), 1000, Policy::Close);
    /// let mut memory = Vec::new();
    /// assert!(matches!(link.poll_answer(&mut queue, &mut memory), Got::Payload { .. })); // the open packet
    ///
    /// // A POST. Each message is sent back.
    /// link.begin_post(None).map_err(|_| "send the answer that it returned")?;
    /// let (mut body, mut batch) = (*b"4hi", Batch::new(Vec::new()));
    /// let mut input = Input::<Vec<u8>>::Post(Packets::new(&mut body));
    /// while let Some(event) = link.step(&mut input, &mut batch, now) {
    ///     let Event::Message(message) = event else { continue };
    ///     batch.write(|out| Ok(link.send(message, out)?))?;
    /// }
    /// queue.reserve();
    /// let _ = queue.push(batch.written().into(), Flags::NONE, link.is_writable(false));
    ///
    /// // The GET that fetches the message, and one that waits.
    /// for expected in [Some(Answer::Payload { body: b"4hi", cookie: None }), None] {
    ///     link.begin_get(now).map_err(|_| "send the answer that it returned")?;
    ///     let got = link.poll_answer(&mut queue, &mut memory);
    ///     assert_eq!(got.answer(&memory), expected);
    /// }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn step<'e, S, M>(
        &mut self,
        input: &'e mut Input<'_, S>,
        batch: &mut Batch<M>,
        now: Instant,
    ) -> Option<Event<'e>>
    where
        S: Growing,
        M: AsMut<[u8]> + AsRef<[u8]> + FromIterator<u8>,
    {
        batch.append(|memory| self.transmit(memory));
        let event = match input {
            Input::Socket(inbox) => {
                while let Err(grow) = self.advance(inbox, now) {
                    if !inbox.grow(grow.to) {
                        self.close(now);
                        break;
                    }
                }
                self.take(inbox)
            }
            Input::Post(packets) => self.poll_post(packets, now),
            Input::Time => None,
        };
        let event = event.or_else(|| self.handle_timeout(now));
        if event.is_none() {
            batch.append(|memory| self.transmit(memory));
        }
        event
    }

    /// As [`poll_get`](Self::poll_get), from a queue whose packets are removed, into `memory`, which grows as needed. Then [`Got::answer`] is the
    /// answer. See [`step`](Self::step) for an example.
    pub fn poll_answer<T, Q, M>(&mut self, queue: &mut Queue<T, Q>, memory: &mut M) -> Got
    where
        T: AsRef<[u8]>,
        Q: AsMut<[QueueSlot<T>]> + AsRef<[QueueSlot<T>]>,
        M: AsMut<[u8]> + AsRef<[u8]> + FromIterator<u8>,
    {
        let mut room = self.body_room(queue.bytes());
        loop {
            if memory.as_ref().len() < room {
                match zeroes(room) {
                    Some(longer) => *memory = longer,
                    None => return Got::Waits,
                }
            }
            match self.poll_get(queue.slices(), memory.as_mut().get_mut(..room).unwrap_or_default()) {
                Ok(got) => {
                    if let Got::Payload { taken, .. } = got {
                        queue.consume(taken);
                    }
                    return got;
                }
                Err(grow) => room = grow.to.max(room.saturating_add(1)),
            }
        }
    }
}

impl Upgrade {
    /// As [`poll`](Self::poll), in memory that grows. What the WebSocket has to send is appended to `batch`.
    ///
    /// ```
    /// use sansocket::{endpoint::{Batch, ServerLink, Upgrade}, engineio::{Sid, Transport, server::{Config, Probed}}, time::Instant, ws::{Inbox, Limits}};
    ///
    /// let now = Instant::from_millis(0);
    /// let mut link = ServerLink::open(Transport::Polling, Sid::from_random([0; 15]), Config::new(), Limits::new(), now);
    /// # link.poll_get(core::iter::empty(), &mut [0; 512])?;
    /// let mut upgrade = Upgrade::begin(&mut link, Limits::new(), now);
    /// let (mut inbox, mut batch) = (Inbox::new(vec![0; 8]), Batch::new(Vec::new()));
    /// for (piece, probed) in [(&b"\x81\x86\0\0\0\x002p"[..], Probed::Pending), (b"robe", Probed::Pending), (b"\x81\x81\0\0\0\x005", Probed::Upgraded)] {
    ///     inbox.space()?[..piece.len()].copy_from_slice(piece); // a socket's read
    ///     inbox.commit(piece.len());
    ///     assert_eq!(upgrade.step(&mut link, &mut inbox, &mut batch, now), probed);
    /// }
    /// assert_eq!(batch.written(), b"\x81\x063probe");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn step<S, M>(
        &mut self,
        link: &mut ServerLink,
        inbox: &mut Inbox<S>,
        batch: &mut Batch<M>,
        now: Instant,
    ) -> Probed
    where
        S: Growing,
        M: AsMut<[u8]> + AsRef<[u8]> + FromIterator<u8>,
    {
        let probed = loop {
            match self.poll(link, inbox, now) {
                Ok(probed) => break probed,
                Err(grow) if inbox.grow(grow.to) => {}
                Err(_) => self.fail(link),
            }
        };
        batch.append(|memory| self.transmit(memory));
        probed
    }
}

/// New memory, if its type can be made that long.
fn zeroes<M: AsMut<[u8]> + FromIterator<u8>>(len: usize) -> Option<M> {
    let mut memory: M = core::iter::repeat_n(0, len).collect();
    (memory.as_mut().len() >= len).then_some(memory)
}
