//! What the application has given to be called, for a namespace or for one socket.

use super::{Event, Failure, Socket};
use crate::{
    args::Raw,
    handler::{Arrived, Called, Checking},
};
use sansocket::socketio::{AckRequest, Reason};
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

pub(crate) type OnEvent = Arc<dyn Fn(&Socket, Arrived<'_>, Option<AckRequest>) -> Called + Send + Sync>;
pub(crate) type OnAny = Arc<dyn Fn(Socket, String, Raw) -> Called + Send + Sync>;
pub(crate) type OnLeave = Arc<dyn Fn(Socket, Reason) -> Called + Send + Sync>;
pub(crate) type OnFailure = Arc<dyn Fn(Socket, Failure) -> Called + Send + Sync>;
pub(crate) type OnServerEvent = Arc<dyn Fn(Arrived<'_>) -> Called + Send + Sync>;
pub(crate) type CheckConnect = Arc<dyn Fn(&Socket, Arrived<'_>) -> Checking + Send + Sync>;
pub(crate) type CheckEvent = Arc<dyn Fn(Socket, Event) -> Checking + Send + Sync>;

/// One handler of an event.
#[derive(Clone)]
pub(crate) struct Listener {
    call: OnEvent,
    /// Whether it was called, if it is to be called once.
    once: Option<Arc<AtomicBool>>,
}

impl Listener {
    pub(crate) fn new(call: OnEvent, is_once: bool) -> Self {
        Self { call, once: is_once.then(Arc::default) }
    }

    /// Calls it. `None`: it was called once already.
    pub(crate) fn call(&self, socket: &Socket, args: Arrived<'_>, request: Option<AckRequest>) -> Option<Called> {
        match &self.once {
            Some(was_called) if was_called.swap(true, Ordering::AcqRel) => None,
            _ => Some((self.call)(socket, args, request)),
        }
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.once.as_ref().is_some_and(|was_called| was_called.load(Ordering::Acquire))
    }
}

/// All of them. Shared while they are called, so they may be added and removed meanwhile.
#[derive(Clone, Default)]
pub(crate) struct Listeners {
    pub(crate) events: HashMap<Box<str>, Vec<Listener>>,
    pub(crate) any: Vec<OnAny>,
    pub(crate) connect: Vec<OnEvent>,
    pub(crate) disconnecting: Vec<OnLeave>,
    pub(crate) disconnect: Vec<OnLeave>,
    pub(crate) failure: Vec<OnFailure>,
    pub(crate) server_events: HashMap<Box<str>, Vec<OnServerEvent>>,
    pub(crate) before_connect: Vec<CheckConnect>,
    pub(crate) before_event: Vec<CheckEvent>,
}

impl Listeners {
    /// Adds one. Returns those that were called once, and are to be dropped.
    pub(crate) fn on(&mut self, event: &str, listener: Listener) -> Vec<Listener> {
        let Some(listeners) = self.events.get_mut(event) else {
            self.events.insert(event.into(), vec![listener]);
            return Vec::new();
        };
        let (spent, mut left): (Vec<_>, Vec<_>) = listeners.drain(..).partition(Listener::is_spent);
        left.push(listener);
        *listeners = left;
        spent
    }

    pub(crate) fn off(&mut self, event: &str) -> Option<Vec<Listener>> {
        self.events.remove(event)
    }

    /// Removes those that were to be called once, and were.
    pub(crate) fn forget_spent(&mut self, event: &str) -> Vec<Listener> {
        let Some(listeners) = self.events.get_mut(event) else { return Vec::new() };
        let (spent, left): (Vec<_>, Vec<_>) = listeners.drain(..).partition(Listener::is_spent);
        *listeners = left;
        if listeners.is_empty() {
            self.events.remove(event);
        }
        spent
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners").field("events", &self.events.keys()).finish_non_exhaustive()
    }
}
