//! What the machine tells becomes calls of handlers.

use super::{
    Event, Failure, Socket,
    handlers::{Late, Lend},
    listeners::{Listener, Listeners},
    session::Session,
    space::Seat,
};
use crate::handler::{Arrived, Called, Work, start};
use sansocket::{
    json::Value,
    socketio::{AckRequest, Attachments, EventPacket, Namespace, Reason, server},
};
use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// A handler that waits. Its panic ends the connection.
pub(crate) struct Guarded {
    pub(crate) work: Work,
    pub(crate) session: Arc<Session>,
}

impl Future for Guarded {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        caught(|| self.work.as_mut().poll(context)).unwrap_or_else(|| {
            self.session.panicked();
            Poll::Ready(())
        })
    }
}

/// Runs what is the application's, be it only that its values are dropped. `None`: it panicked.
pub(crate) fn caught<R>(act: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(act))
        .map_err(|carried| {
            // What a panic carries is the application's too.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(carried))) {
                std::mem::forget(again);
            }
        })
        .ok()
}

impl Session {
    /// Ends the connection of a handler that panicked.
    pub(crate) fn panicked(&self) {
        tracing::error!("a handler panicked: its connection is closed");
        self.close(Reason::ForcedServerClose);
    }

    /// Calls a handler, and has it run on if it waits for something. Its panic ends the connection.
    pub(crate) fn call(self: &Arc<Self>, call: impl FnOnce() -> Called) -> Option<Called> {
        match caught(call) {
            Some(Called::Pending(work)) => self.run(work),
            Some(called) => return Some(called),
            None => self.panicked(),
        }
        None
    }

    /// As `call`, but what waits is dropped when the session is over.
    pub(crate) fn call_while_open(self: &Arc<Self>, call: impl FnOnce() -> Called) {
        match caught(call) {
            Some(Called::Pending(work)) => self.run_while_open(work),
            Some(_) => {}
            None => self.panicked(),
        }
    }

    /// `asked` is the namespace of a request for one.
    pub(crate) fn handle(self: &Arc<Self>, event: server::Event<'_>, files: Attachments<'_>, asked: Option<Seat>) {
        match event {
            server::Event::Connect { namespace, auth } => self.connect(namespace, auth, asked),
            server::Event::UnknownNamespace { name } => {
                // The connection may be over: then nobody waits for the answer.
                let _ = self.say(|io, out| io.refuse_unknown(name, out));
            }
            server::Event::Event(event) => self.arrived(&event, files),
            server::Event::Ack(answer) => {
                let arrived = Arrived { json: answer.args().raw(), files };
                match answer.token {
                    Some(token) => self.answered(token, Ok(arrived.to_raw())),
                    // Several were asked.
                    None => {
                        if let Some(socket) = self.socket(answer.namespace) {
                            socket.space().registry.answered(&socket, answer.id, || arrived.to_raw());
                        }
                    }
                }
            }
            server::Event::AckFailed { token, error, .. } => self.answered(token, Err(error.into())),
            server::Event::Disconnected { namespace, reason } => {
                if let Some(socket) = self.socket(namespace) {
                    self.leave(&socket, reason);
                }
            }
            _ => {}
        }
    }

    /// The socket of a namespace that the client is in.
    pub(crate) fn socket(&self, namespace: Namespace) -> Option<Socket> {
        self.lock().sockets.iter().find(|socket| socket.number() == namespace).cloned()
    }

    /// The sockets of all namespaces that the client is in.
    pub(crate) fn sockets(&self) -> Vec<Socket> {
        self.lock().sockets.clone()
    }

    /// The client has left a namespace, or was sent away.
    pub(crate) fn leave(&self, socket: &Socket, reason: Reason) {
        let is_here = {
            let sockets = &mut self.lock().sockets;
            let at = sockets.iter().position(|here| here == socket);
            at.map(|at| sockets.swap_remove(at)).is_some()
        };
        if is_here {
            socket.left(reason);
        }
    }

    /// An event of a client.
    fn arrived(self: &Arc<Self>, event: &EventPacket<'_>, files: Attachments<'_>) {
        self.inner.counted.here().events_in.add(1);
        let Some(socket) = self.socket(event.namespace) else { return };
        let name = event.name().map_or(Cow::Borrowed(""), name_of);
        let args = Arrived { json: event.args().raw(), files };
        if self.is_busy() || self.is_any_late() {
            let late = Late { socket, name: name.into_owned(), args: args.to_raw(), request: event.ack };
            return self.delay(late);
        }
        self.event(&socket, &name, args, event.ack);
    }

    /// Has an event checked, and tells it.
    pub(crate) fn event(self: &Arc<Self>, socket: &Socket, name: &str, args: Arrived<'_>, request: Option<AckRequest>) {
        let listeners = socket.space().listeners();
        let own = socket.listeners();
        let own_checks = own.as_ref().is_some_and(|own| !own.before_event.is_empty());
        if listeners.before_event.is_empty() && !own_checks {
            return self.tell(socket, name, args, request, &listeners, own.as_deref());
        }
        let (session, socket, raw, name) = (self.clone(), socket.clone(), args.to_raw(), name.to_owned());
        self.call(|| {
            start(async move {
                let own = own.iter().flat_map(|own| &own.before_event);
                for check in listeners.before_event.iter().chain(own) {
                    let event = Event { name: name.clone(), args: raw.clone() };
                    if let Err(refusal) = check(socket.clone(), event).await {
                        return socket.refused(request, &name, &refusal);
                    }
                }
                // It may have left meanwhile.
                if socket.is_connected() {
                    let files: Vec<&[u8]> = raw.files.iter().map(|file| &file[..]).collect();
                    let (listeners, own) = (socket.space().listeners(), socket.listeners());
                    session.tell(&socket, &name, raw.borrowed(&files), request, &listeners, own.as_deref());
                }
            })
        });
    }

    /// Calls all handlers of an event: those for every event first, then those of the socket, then those of the namespace.
    fn tell(
        self: &Arc<Self>,
        socket: &Socket,
        name: &str,
        args: Arrived<'_>,
        request: Option<AckRequest>,
        listeners: &Listeners,
        own: Option<&Listeners>,
    ) {
        for any in own.iter().flat_map(|own| &own.any).chain(&listeners.any) {
            self.call(|| any(socket.clone(), name.to_owned(), args.to_raw()));
        }
        let mut is_heard = false;
        for listener in own.into_iter().chain([listeners]).filter_map(|all| all.events.get(name)).flatten() {
            is_heard |= self.tell_one(socket, name, args, request, listener, listeners);
        }
        if !is_heard {
            tracing::debug!(event = name, "nobody listens to this event");
        }
    }

    fn tell_one(
        self: &Arc<Self>,
        socket: &Socket,
        name: &str,
        args: Arrived<'_>,
        request: Option<AckRequest>,
        listener: &Listener,
        listeners: &Listeners,
    ) -> bool {
        let mut is_heard = true;
        let called = self.call(|| match listener.call(socket, args, request) {
            Some(called) => called,
            None => {
                is_heard = false;
                Called::Done
            }
        });
        if let Some(Called::Refused(error)) = called {
            socket.failed(listeners, name, &error);
        }
        if listener.is_spent() {
            socket.forget_spent(name);
        }
        is_heard
    }
}

/// The name of an event. A number is a name too.
fn name_of(value: Value<'_>) -> Cow<'_, str> {
    match value.as_str() {
        Some(text) => text.as_plain().map_or_else(|| text.chars().collect::<String>().into(), Cow::Borrowed),
        None => String::from_utf8_lossy(value.raw()),
    }
}

/// What is told when a handler was not called, or an event was refused.
pub(crate) fn failure(event: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure { event: event.to_owned(), error: error.to_string() }
}
