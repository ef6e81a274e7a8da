//! The handlers of a namespace.

use super::{
    ConnectError, EventFailure, Reason, Socket,
    events::{Event, Events, Feed},
    shared::Request,
    space::lock,
};
use crate::{
    args::Raw,
    handler::{Arrived, Called, Handler, Hook},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

type Call = Arc<dyn Fn(&Socket, Arrived<'_>, Option<Request>) -> Called + Send + Sync>;
pub(super) type Hooked<A> = Arc<dyn Fn(A) -> Called + Send + Sync>;

/// What an application wants to be called for. The lock is never held while a handler runs, so handlers may add and remove handlers.
#[derive(Default)]
pub(super) struct Handlers(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    named: HashMap<Box<str>, Vec<Named>>,
    any: Vec<Hooked<(Socket, String, Raw)>>,
    connect: Vec<Hooked<(Socket,)>>,
    disconnect: Vec<Hooked<(Socket, Reason)>>,
    connect_error: Vec<Hooked<(Socket, ConnectError)>>,
    failure: Vec<Hooked<(Socket, EventFailure)>>,
    feeds: Vec<Feed>,
    /// The client is gone.
    is_over: bool,
}

struct Named {
    call: Call,
    is_once: bool,
}

fn hooked<A: 'static, M>(hook: impl Hook<A, M>) -> Hooked<A> {
    Arc::new(move |args| hook.call(args))
}

impl Handlers {
    pub(super) fn on<M>(&self, name: &str, is_once: bool, handler: impl Handler<Socket, M>) {
        let call: Call = Arc::new(move |socket, args, request| handler.call(socket, args, request));
        self.add(|tables| tables.named.entry(name.into()).or_default().push(Named { call, is_once }));
    }

    /// Nothing is added for a client that is gone: what handlers capture, such as its sockets, would never be given back.
    fn add(&self, add: impl FnOnce(&mut Tables)) {
        let mut tables = lock(&self.0);
        if !tables.is_over {
            add(&mut tables);
        }
    }

    pub(super) fn off(&self, name: &str) {
        let removed = lock(&self.0).named.remove(name);
        // What the handlers have captured may have a `Drop` of its own, so not under the lock.
        drop(removed);
    }

    pub(super) fn on_any<M>(&self, hook: impl Hook<(Socket, String, Raw), M>) {
        let hook = hooked(hook);
        self.add(|tables| tables.any.push(hook));
    }

    pub(super) fn on_connect<M>(&self, hook: impl Hook<(Socket,), M>) {
        let hook = hooked(hook);
        self.add(|tables| tables.connect.push(hook));
    }

    pub(super) fn on_disconnect<M>(&self, hook: impl Hook<(Socket, Reason), M>) {
        let hook = hooked(hook);
        self.add(|tables| tables.disconnect.push(hook));
    }

    pub(super) fn on_connect_error<M>(&self, hook: impl Hook<(Socket, ConnectError), M>) {
        let hook = hooked(hook);
        self.add(|tables| tables.connect_error.push(hook));
    }

    pub(super) fn on_failure<M>(&self, hook: impl Hook<(Socket, EventFailure), M>) {
        let hook = hooked(hook);
        self.add(|tables| tables.failure.push(hook));
    }

    pub(super) fn events(&self, limit: usize) -> Events {
        let (feed, events) = Feed::new(limit);
        let mut tables = lock(&self.0);
        if tables.is_over {
            feed.end();
            return events;
        }
        tables.feeds.retain(Feed::is_read);
        tables.feeds.push(feed);
        events
    }

    /// The handlers of an event. Those that run once are removed.
    pub(super) fn named(&self, name: &str) -> Vec<Call> {
        let mut tables = lock(&self.0);
        let Some(handlers) = tables.named.get_mut(name) else { return Vec::new() };
        let calls = handlers.iter().map(|named| Arc::clone(&named.call)).collect();
        handlers.retain(|named| !named.is_once);
        if handlers.is_empty() {
            tables.named.remove(name);
        }
        calls
    }

    pub(super) fn any(&self) -> Vec<Hooked<(Socket, String, Raw)>> {
        lock(&self.0).any.clone()
    }

    pub(super) fn connect(&self) -> Vec<Hooked<(Socket,)>> {
        lock(&self.0).connect.clone()
    }

    pub(super) fn disconnect(&self) -> Vec<Hooked<(Socket, Reason)>> {
        lock(&self.0).disconnect.clone()
    }

    pub(super) fn connect_error(&self) -> Vec<Hooked<(Socket, ConnectError)>> {
        lock(&self.0).connect_error.clone()
    }

    pub(super) fn failure(&self) -> Vec<Hooked<(Socket, EventFailure)>> {
        lock(&self.0).failure.clone()
    }

    /// The streams, if there are any.
    pub(super) fn feeds(&self) -> Vec<Feed> {
        let mut tables = lock(&self.0);
        if tables.feeds.is_empty() {
            return Vec::new();
        }
        tables.feeds.retain(Feed::is_read);
        tables.feeds.clone()
    }

    /// Tells the streams.
    pub(super) fn tell(&self, make: impl Fn() -> Event) {
        for feed in self.feeds() {
            feed.push(0, &make);
        }
    }

    /// Ends the streams, and lets go of what the handlers have captured.
    pub(super) fn end(&self) {
        let tables = std::mem::replace(&mut *lock(&self.0), Tables { is_over: true, ..Tables::default() });
        for feed in &tables.feeds {
            feed.end();
        }
    }
}

/// Nobody listens in vain to a client that never began.
impl Drop for Handlers {
    fn drop(&mut self) {
        self.end();
    }
}
