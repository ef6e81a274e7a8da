//! What the handles of a client and its task share.

use super::{
    ConnectError, Socket,
    packet::Packet,
    space::{Space, Spaces},
};
use crate::{EmitError, args::Raw};
use sansocket::{
    endpoint::client::Emit,
    socketio::{AckError, AckRequest, Namespace},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc::UnboundedSender, oneshot};

/// What a handle wants of the task. The channel has no bound of its own: `Shared` bounds the bytes that wait.
#[derive(Debug)]
pub(super) enum Command {
    /// `cost` is given back when the machine has the packet.
    Emit {
        namespace: Namespace,
        name: Box<str>,
        packet: Packet,
        how: Emit,
        cost: usize,
    },
    Ask(Question),
    Acknowledge {
        request: AckRequest,
        packet: Packet,
        cost: usize,
    },
    Connect(Namespace),
    /// Answered when the namespace is connected, or when it will not be, or after so many failed attempts.
    Wait {
        namespace: Namespace,
        patience: u32,
        reply: oneshot::Sender<Result<(), ConnectError>>,
    },
    /// Answered when the server was told.
    Disconnect {
        namespace: Option<Namespace>,
        reply: oneshot::Sender<()>,
    },
    /// The last handle that holds the connection is gone.
    End,
}

#[derive(Debug)]
pub(super) struct Question {
    pub namespace: Namespace,
    pub name: Box<str>,
    pub packet: Packet,
    pub timeout: Option<Duration>,
    pub retries: u8,
    pub cost: usize,
    pub reply: oneshot::Sender<Answer>,
}

pub(super) type Answer = Result<Raw, Unanswered>;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    NotSent(EmitError),
    Lost(AckError),
}

/// An event that the server wants acknowledged: by the first who does it, since several handlers and streams may see the event.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) inner: AckRequest,
    is_taken: Arc<AtomicBool>,
}

impl Request {
    pub(super) fn new(inner: AckRequest) -> Self {
        Self { inner, is_taken: Arc::default() }
    }

    /// Whether this call is the first.
    pub(super) fn take(&self) -> bool {
        !self.is_taken.swap(true, Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    pub spaces: Spaces,
    commands: UnboundedSender<Command>,
    /// Bytes in the channel.
    queued: AtomicUsize,
    /// Bytes that the machine keeps until they can be sent.
    held: AtomicUsize,
    is_over: AtomicBool,
    limit: usize,
    pub events_limit: usize,
    pub ask_timeout: Option<Duration>,
}

impl Shared {
    pub(super) fn new(
        spaces: Spaces,
        commands: UnboundedSender<Command>,
        limit: usize,
        events_limit: usize,
        ask_timeout: Option<Duration>,
    ) -> Self {
        let (queued, held, is_over) = <(AtomicUsize, AtomicUsize, AtomicBool)>::default();
        Self { spaces, commands, queued, held, is_over, limit, events_limit, ask_timeout }
    }

    pub(super) fn socket(self: &Arc<Self>, space: Arc<Space>) -> Socket {
        Socket { shared: Arc::clone(self), space }
    }

    /// Hands over a command that is never refused. `false`: the task is gone.
    pub(super) fn send(&self, command: Command) -> bool {
        self.commands.send(command).is_ok()
    }

    /// Hands over a packet of this cost, unless too much waits.
    ///
    /// Several callers at a time may exceed the limit by a packet each: a count that is exact would cost all of them a lock.
    pub(super) fn send_counted(&self, cost: usize, limit: usize, command: Command) -> Result<(), EmitError> {
        if self.is_over.load(Ordering::Acquire) {
            return Err(EmitError::Disconnected);
        }
        let queued = self.queued.fetch_add(cost, Ordering::Relaxed);
        if queued.saturating_add(self.held.load(Ordering::Relaxed)).saturating_add(cost) > limit {
            self.queued.fetch_sub(cost, Ordering::Relaxed);
            return Err(EmitError::Full);
        }
        if self.send(command) { Ok(()) } else { Err(EmitError::Disconnected) }
    }

    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// The machine has a packet, or has refused it.
    pub(super) fn taken(&self, cost: usize) {
        self.queued.fetch_sub(cost, Ordering::Relaxed);
    }

    pub(super) fn set_held(&self, held: usize) {
        self.held.store(held, Ordering::Relaxed);
    }

    pub(super) fn waiting(&self) -> usize {
        self.queued.load(Ordering::Relaxed).saturating_add(self.held.load(Ordering::Relaxed))
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// The task ends, for whatever reason: nobody waits for it in vain.
    pub(super) fn finish(&self) {
        self.is_over.store(true, Ordering::Release);
        for space in self.spaces.all() {
            space.set_id(None);
            space.handlers.end();
        }
    }
}
