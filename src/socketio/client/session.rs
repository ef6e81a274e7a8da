use super::{Event, Limits, SocketSlot};
use crate::{
    engineio::{self, Client, Sink},
    json::Args,
    socketio::{
        AckError, AckRequest, AckSlot, Content, ExpectAck, Namespace, Namespaces, PeerError, SendError, SlotCapacity,
        acks::Acks,
    },
    time::Instant,
};

/// The client's end of one Socket.IO connection, with several namespaces. It outlives the link: the same session serves the next one.
#[derive(Clone, Debug)]
pub struct Session<N, A = [AckSlot; 8], S = [SocketSlot; 1]> {
    namespaces: N,
    acks: Acks<A>,
    sockets: S,
    limits: Limits,
    asks_auth: bool,
}

impl<N, A, S> Session<N, A, S>
where
    N: Namespaces,
    A: AsMut<[AckSlot]> + AsRef<[AckSlot]>,
    S: AsMut<[SocketSlot]> + AsRef<[SocketSlot]>,
{
    pub fn new(namespaces: N, acks: A, sockets: S) -> Self {
        todo!()
    }

    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// CONNECT packets are not owed by themselves: [`needs_auth`](Self::needs_auth) names the namespace, [`authorize`](Self::authorize) writes it.
    #[must_use]
    pub fn with_auth(self) -> Self {
        Self { asks_auth: true, ..self }
    }

    /// Handles one Engine.IO event and returns exactly one event.
    pub fn handle_event<'m>(&mut self, event: engineio::Event<'m>) -> Result<Event<'m>, PeerError> {
        todo!()
    }

    /// This client wants the namespace: CONNECT is owed now if the link is open, and again on each new link, until `disconnect`, a refusal, or a
    /// DISCONNECT of the server. Does nothing if it is wanted already.
    ///
    /// # Errors
    /// No slot is free ([`SendError::Sockets`]?), or the namespace is unknown to `N`.
    pub fn connect(&mut self, namespace: Namespace) -> Result<(), SlotCapacity> {
        todo!()
    }

    /// This client leaves the namespace: DISCONNECT is owed if it was joined, and no new link joins it. `Disconnected` (`io client disconnect`) is
    /// returned by `handle_timeout` at once.
    pub fn disconnect(&mut self, namespace: Namespace) {
        todo!()
    }

    /// The next namespace whose CONNECT waits for [`authorize`](Self::authorize).
    pub fn needs_auth(&self) -> Option<Namespace> {
        todo!()
    }

    /// Writes the CONNECT of a namespace, with credentials (a JSON object) or without.
    pub fn authorize<O: Sink<Client>>(
        &mut self,
        namespace: Namespace,
        auth: Option<&impl Args>,
        out: &mut O,
    ) -> Result<(), SendError> {
        todo!()
    }

    pub fn emit<O: Sink<Client>>(
        &mut self,
        namespace: Namespace,
        name: &str,
        content: &impl Content,
        expect: Option<ExpectAck>,
        out: &mut O,
    ) -> Result<(), SendError> {
        todo!()
    }

    pub fn ack<O: Sink<Client>>(
        &mut self,
        request: AckRequest,
        content: &impl Content,
        out: &mut O,
    ) -> Result<(), SendError> {
        todo!()
    }

    /// Checks that the request can still be answered, and returns (namespace, id). For packets that wait in a queue.
    pub(crate) fn check_request(&self, request: AckRequest) -> Result<(Namespace, u64), SendError> {
        todo!()
    }

    /// Writes one packet that is owed: CONNECT (unless `with_auth`), DISCONNECT.
    pub fn poll_transmit<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, SendError> {
        todo!()
    }

    pub fn wants_transmit(&self) -> bool {
        todo!()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// `Disconnected` for each namespace that was left, then `AckFailed`s. Until `None`.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Event<'static>> {
        todo!()
    }

    pub fn is_connected(&self, namespace: Namespace) -> bool {
        todo!()
    }

    /// Joined, or to be joined.
    pub fn is_wanted(&self, namespace: Namespace) -> bool {
        todo!()
    }

    /// Whether any namespace is wanted.
    pub fn wants_any(&self) -> bool {
        todo!()
    }

    pub fn namespaces(&self) -> impl Iterator<Item = Namespace> {
        core::iter::empty() // todo
    }

    /// The name of a namespace.
    pub(crate) fn name(&self, namespace: Namespace) -> Option<impl core::ops::Deref<Target = [u8]>> {
        self.namespaces.name(namespace)
    }

    // --- for packets that wait in a queue before they are sent (`endpoint::client::Backlog`) ---

    /// Takes a slot and an id for a packet that is not sent yet. Its acknowledgement survives the loss of the link.
    pub(crate) fn expect(&mut self, namespace: Namespace, expect: ExpectAck) -> Result<u64, SendError> {
        todo!()
    }

    /// The packet with this id was sent: from now on the loss of the link loses its acknowledgement.
    pub(crate) fn mark_sent(&mut self, namespace: Namespace, id: u64) {
        todo!()
    }

    /// Whether the acknowledgement with this id is still expected (not timed out, not forgotten).
    pub(crate) fn is_expected(&self, namespace: Namespace, id: u64) -> bool {
        todo!()
    }

    /// The packet with this id will not be sent. Frees the slot and returns the token.
    pub(crate) fn forget(&mut self, namespace: Namespace, id: u64) -> Option<u32> {
        todo!()
    }

    /// The id of the acknowledgement that `handle_timeout` failed last, or that `handle_event` returned: see `Event::Ack::id`. `next_failed` is what
    /// `handle_timeout` stands on: (namespace, id, token, error), each once.
    pub(crate) fn next_failed(&mut self, now: Instant) -> Option<(Namespace, u64, u32, AckError)> {
        todo!()
    }

    pub(crate) fn next_left(&mut self) -> Option<Event<'static>> {
        todo!()
    }

    pub fn replace_acks(&mut self, slots: A) -> Result<A, A> {
        todo!()
    }

    pub fn replace_sockets(&mut self, slots: S) -> Result<S, S> {
        todo!()
    }
}
