use super::{
    Failure, Handshake,
    ask::Ask,
    dispatch::{caught, failure},
    frames::Frames,
    line::Line,
    listeners::{Listeners, OnLeave},
    outbox::Put,
    scratch,
    session::Session,
    space::{Seat, Space},
};
use crate::{
    EmitError,
    args::{self, DecodeError},
    handler::{Endpoint, Refusal},
    sync::{
        Mutex,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
};
use bytes::Bytes;
use sansocket::socketio::{AckRequest, Attachments, Flags, Namespace, Reason, Sid, server::rooms::Member};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, PoisonError},
    time::Duration,
};

/// A client in one namespace. Cheap to clone: all clones are the same client.
#[derive(Clone)]
pub struct Socket(Arc<Shared>);

struct Shared {
    line: Arc<Line>,
    space: Arc<Space>,
    /// Keeps the namespace as long as the client is in it, not as long as the application has this.
    seat: Mutex<Option<Seat>>,
    namespace: Namespace,
    id: Sid,
    /// Empty if the client gave none.
    auth: Box<[u8]>,
    phase: AtomicU8,
    /// Its number in the registry, changed under the registry's lock; `NOBODY` outside of it.
    member: AtomicU64,
    listeners: Mutex<Option<Arc<Listeners>>>,
    data: super::Data,
}

const NOBODY: u64 = u64::MAX;

/// Checked, not in yet.
const CHECKED: u8 = 0;
const CONNECTED: u8 = 1;
/// Sent away. Its handlers are still to be called.
const LEAVING: u8 = 2;
const GONE: u8 = 3;

impl Socket {
    pub(crate) fn new(session: &Session, seat: Seat, namespace: Namespace, auth: &[u8]) -> Self {
        Self(Arc::new(Shared {
            line: session.line.clone(),
            space: seat.space().clone(),
            seat: Mutex::new(Some(seat)),
            namespace,
            id: Sid::from_random(super::random()),
            auth: auth.into(),
            phase: AtomicU8::new(CHECKED),
            member: AtomicU64::new(NOBODY),
            listeners: Mutex::new(None),
            data: super::Data::default(),
        }))
    }

    /// The public id of the client in this namespace. It is also the name of a room that only this socket is in. A client that reconnects has another id.
    #[must_use]
    pub fn id(&self) -> Sid {
        self.0.id
    }

    /// The name of the namespace, with its slash.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.0.space.name
    }

    /// Whether the client is in the namespace.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.phase.load(Ordering::SeqCst) == CONNECTED
    }

    /// The HTTP request that opened the connection: query, header fields, address.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.0.line.handshake
    }

    /// What the client gave as `auth`.
    ///
    /// # Errors
    /// [`DecodeError`] names the field that is not of this type.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        args::decode(self.auth_json(), Attachments::NONE)
    }

    /// Values of the application for this socket, one for each type.
    #[must_use]
    pub fn data(&self) -> &super::Data {
        &self.0.data
    }

    /// `websocket` or `polling`; empty when the connection is over.
    #[must_use]
    pub fn transport(&self) -> &'static str {
        self.0.line.session().map_or("", |session| session.link(|link| link.transport().as_str()))
    }

    /// Bytes that wait for the client, in all its namespaces.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.0.line.outbox.waiting()
    }

    /// Sends an event. A tuple is several arguments, `()` none; bytes, such as [`Bytes`], are sent as binary attachments.
    ///
    /// # Errors
    /// [`EmitError`]: the arguments cannot be written, or the client is gone. Nothing was sent. An event that was taken may still be lost if the
    /// connection is: to know that it arrived, [`ask`](Self::ask).
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.emit_with(event, &args, Flags::NONE)
    }

    pub(crate) fn emit_with(&self, event: &str, args: &impl Serialize, flags: Flags) -> Result<(), EmitError> {
        if !self.is_connected() {
            return Err(EmitError::Disconnected);
        }
        let outbox = &self.0.line.outbox;
        match scratch::frames(&self.0.space.name, event, None, args, |frames| outbox.append(frames, flags))? {
            Put::Closed => return Err(EmitError::Disconnected),
            Put::Queued => self.0.line.inner.counted.here().events_out.add(1),
            Put::Dropped => {}
        }
        Ok(())
    }

    /// Appends frames that others have too. Whether they wait for the client now; the caller counts them.
    pub(crate) fn share(&self, frames: &Frames, flags: Flags) -> bool {
        self.is_connected() && self.0.line.outbox.share(frames, flags) == Put::Queued
    }

    /// Sends an event and waits for the acknowledgement, of type `T`: `let sum: u32 = socket.ask("sum", (1, 2)).await?`. The event is sent at once;
    /// await the result to have the answer.
    pub fn ask<T: DeserializeOwned>(&self, event: &str, args: impl Serialize) -> Ask<T> {
        let timeout = self.0.line.inner.config.ask_timeout;
        self.ask_within(timeout, event, args)
    }

    /// As [`ask`](Self::ask), with the time that the answer may take.
    pub(crate) fn ask_within<T: DeserializeOwned>(
        &self,
        timeout: Duration,
        event: &str,
        args: impl Serialize,
    ) -> Ask<T> {
        let session = self.is_connected().then(|| self.0.line.session()).flatten();
        let asked = session.ok_or(EmitError::Disconnected).and_then(|s| s.ask(self.0.namespace, event, &args, timeout));
        Ask::new(asked)
    }

    /// Sends the client away from this namespace. It does not reconnect by itself. Its other namespaces stay, unless `close` is set: then it is sent away
    /// from all of them, and the connection is closed.
    ///
    /// Nothing is sent to it any more. The handlers for its end are called by the task of its connection, not by this call.
    pub fn disconnect(&self, close: bool) {
        // One that is gone has nothing to leave, though its client may be here again.
        let Some(session) = self.0.line.session().filter(|_| !self.is_gone()) else { return };
        if close {
            for socket in session.sockets() {
                socket.send_away(&session);
            }
            session.close(Reason::ForcedServerClose);
        } else {
            self.send_away(&session);
            session.stir();
        }
    }

    fn send_away(&self, session: &Session) {
        let Self(shared) = self;
        if shared.phase.compare_exchange(CONNECTED, LEAVING, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            // If the session is over, its end is under way already.
            let _ = session.say_then(
                |io, out| io.disconnect(shared.namespace, out),
                |stack| stack.rare().departed.push(self.clone()),
            );
        }
    }

    /// Joins a room. `false`: the socket is gone or not in its namespace yet, in as many rooms as it may be, or the name is too long
    /// ([`Config::max_rooms`](super::Config::max_rooms)).
    ///
    /// Each id is a room too. Where clients choose the names of rooms, put a word before them, such as `chat:`: so no client gets what is sent to another.
    pub fn join(&self, room: impl AsRef<str>) -> bool {
        let config = &self.0.line.inner.config;
        self.0.space.registry.join(self, room.as_ref(), config.max_rooms, config.max_room_name)
    }

    /// Leaves a room. `false`: it was not in it.
    pub fn leave(&self, room: impl AsRef<str>) -> bool {
        self.0.space.registry.leave(self, room.as_ref())
    }

    /// The rooms that the socket is in, that of its own id among them.
    #[must_use]
    pub fn rooms(&self) -> Vec<String> {
        self.0.space.registry.rooms_of(self)
    }

    /// Whether the socket is in a room.
    #[must_use]
    pub fn is_in(&self, room: impl AsRef<str>) -> bool {
        self.0.space.registry.is_in(self, room.as_ref())
    }

    #[cfg(test)]
    pub(crate) const fn size() -> usize {
        size_of::<Shared>()
    }

    /// What it holds of its session.
    pub(crate) fn line(&self) -> &Line {
        &self.0.line
    }

    pub(crate) fn space(&self) -> &Arc<Space> {
        &self.0.space
    }

    pub(crate) fn number(&self) -> Namespace {
        self.0.namespace
    }

    pub(crate) fn auth_json(&self) -> &[u8] {
        if self.0.auth.is_empty() { b"{}" } else { &self.0.auth }
    }

    pub(crate) fn member(&self) -> Option<Member> {
        u32::try_from(self.0.member.load(Ordering::Relaxed)).ok().map(Member)
    }

    pub(crate) fn set_member(&self, Member(member): Member) {
        self.0.member.store(member.into(), Ordering::Relaxed);
    }

    pub(crate) fn take_member(&self) -> Option<Member> {
        u32::try_from(self.0.member.swap(NOBODY, Ordering::Relaxed)).ok().map(Member)
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.0.phase.load(Ordering::SeqCst) == GONE
    }

    /// The client was accepted.
    pub(crate) fn accepted(&self) {
        self.0.phase.store(CONNECTED, Ordering::SeqCst);
        self.0.line.inner.counted.sockets.add(1);
    }

    /// From now on broadcasts reach it.
    pub(crate) fn enter_registry(&self) {
        if self.0.space.registry.enter(self, &self.0.id).is_err() {
            tracing::error!("the registry of rooms is full: the socket is in no room");
        }
    }

    /// The client is gone.
    pub(crate) fn left(&self, reason: Reason) {
        let Self(shared) = self;
        let space = &shared.space;
        let (listeners, own) = (space.listeners(), self.listeners());
        let all = |of: fn(&Listeners) -> &Vec<OnLeave>| {
            own.as_deref().into_iter().chain([&*listeners]).flat_map(of).cloned().collect::<Vec<_>>()
        };
        let call = |hooks: Vec<OnLeave>| {
            for hook in hooks {
                if let Some(session) = shared.line.session() {
                    session.call(|| hook(self.clone(), reason));
                }
            }
        };
        call(all(|l| &l.disconnecting));
        shared.phase.store(GONE, Ordering::SeqCst);
        shared.line.inner.counted.sockets.sub(1);
        if space.registry.leave_all(self) {
            let space = space.clone();
            shared.line.inner.spawn(async move {
                while space.registry.sweep() {
                    tokio::task::yield_now().await;
                }
            });
        }
        call(all(|l| &l.disconnect));
        // What the handlers captured may hold this socket, and may use it when it is dropped: so without the lock.
        let given = shared.listeners.lock().unwrap_or_else(PoisonError::into_inner).take();
        let seat = shared.seat.lock().unwrap_or_else(PoisonError::into_inner).take();
        let dropped = caught(|| drop((listeners, own, given))).and(caught(|| drop(seat)));
        if let (None, Some(session)) = (dropped, shared.line.session()) {
            session.panicked();
        }
    }

    pub(crate) fn listeners(&self) -> Option<Arc<Listeners>> {
        self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what is called for this socket. Nothing is added to one that is gone: what handlers capture would never be given back.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut Listeners) -> R) {
        let mut listeners = self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_gone() {
            drop(listeners);
            return;
        }
        let removed = change(Arc::make_mut(listeners.get_or_insert_default()));
        drop(listeners);
        drop(removed);
    }

    /// Handlers that were to be called once are dropped.
    pub(crate) fn forget_spent(&self, event: &str) {
        self.change(|listeners| listeners.forget_spent(event));
    }

    /// A handler was not called, because the arguments are not of its type.
    pub(crate) fn failed(&self, listeners: &Listeners, event: &str, error: &DecodeError) {
        tracing::debug!(event, error = error.to_string(), "not handled");
        self.tell_failure(listeners, &failure(event, error));
    }

    /// A check refused an event.
    pub(crate) fn refused(&self, request: Option<AckRequest>, event: &str, refusal: &Refusal) {
        crate::handler::Ack::new(self.clone(), request).fail(refusal);
        self.tell_failure(&self.0.space.listeners(), &failure(event, refusal));
    }

    fn tell_failure(&self, listeners: &Listeners, failure: &Failure) {
        for hook in &listeners.failure {
            if let Some(session) = self.0.line.session() {
                session.call(|| hook(self.clone(), failure.clone()));
            }
        }
    }
}

impl Endpoint for Socket {
    type Request = AckRequest;

    fn acknowledge(&self, request: AckRequest, json: &[u8], files: &[Bytes]) -> Result<(), EmitError> {
        let session = self.0.line.session().ok_or(EmitError::Disconnected)?;
        scratch::content(json, files, |content| session.say(|io, out| io.ack(request, content, out)))
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Socket {}

impl Hash for Socket {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("id", &self.id()).field("namespace", &self.namespace()).finish_non_exhaustive()
    }
}
