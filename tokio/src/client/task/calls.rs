//! The handlers, which run without any lock held.

use super::{
    End,
    told::{App, text},
};
use crate::{
    args::DecodeError,
    client::{
        Ack, ConnectError, Event as Told, EventFailure, Reason, Received, Socket, handlers::Hooked, shared::Request,
    },
    handler::{Arrived, Called},
};
use sansocket::socketio::{Attachments, EventPacket};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tokio::task::JoinError;
use tracing::Instrument;

impl App {
    /// The server sent an event.
    pub(super) fn received(&mut self, end: &mut End<'_>, event: &EventPacket<'_>, files: Attachments<'_>) {
        let (Some(socket), Some(name)) = (self.socket(event.namespace), event.name()) else { return };
        let name = name.as_str().map_or_else(|| String::from_utf8_lossy(name.raw()).into_owned(), text);
        let request = event.ack.map(Request::new);
        let args = Arrived { json: event.args().raw(), files };
        let handlers = &socket.space.handlers;
        let (feeds, any, named) = (handlers.feeds(), handlers.any(), handlers.named(&name));
        if feeds.is_empty() && any.is_empty() && named.is_empty() {
            tracing::debug!(event = name, "nobody handles this event");
        }
        for feed in feeds {
            let size = files.into_iter().map(<[u8]>::len).sum::<usize>() + name.len() + args.json.len();
            feed.push(size, || {
                let ack = Ack::new(socket.clone(), request.clone());
                Told::Received(Received { name: name.clone(), args: args.to_raw(), ack })
            });
        }
        for hook in any {
            self.call(end, || hook((socket.clone(), name.clone(), args.to_raw())));
        }
        for handler in named {
            if let Some(error) = self.call(end, || handler(&socket, args, request.clone())) {
                self.failure(end, &socket, &name, error);
            }
        }
    }

    fn failure(&mut self, end: &mut End<'_>, socket: &Socket, name: &str, error: DecodeError) {
        let failure = EventFailure { event: name.to_owned(), error: error.to_string() };
        tracing::warn!("{failure}");
        for hook in socket.space.handlers.failure() {
            self.call(end, || hook((socket.clone(), failure.clone())));
        }
    }

    pub(super) fn call_connect(&mut self, end: &mut End<'_>, socket: &Socket) {
        self.call_all(end, socket.space.handlers.connect(), || (socket.clone(),));
    }

    pub(super) fn call_disconnect(&mut self, end: &mut End<'_>, socket: &Socket, reason: Reason) {
        self.call_all(end, socket.space.handlers.disconnect(), || (socket.clone(), reason));
    }

    pub(super) fn call_connect_error(&mut self, end: &mut End<'_>, socket: &Socket, error: &ConnectError) {
        self.call_all(end, socket.space.handlers.connect_error(), || (socket.clone(), error.clone()));
    }

    fn call_all<A>(&mut self, end: &mut End<'_>, hooks: Vec<Hooked<A>>, args: impl Fn() -> A) {
        for hook in hooks {
            self.call(end, || hook(args()));
        }
    }

    /// Calls a handler. What it waits for goes on in a task of its own. Returns why it was not called.
    fn call(&mut self, end: &mut End<'_>, call: impl FnOnce() -> Called) -> Option<DecodeError> {
        // The machine is not touched in there, so a panic leaves nothing half done.
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(Called::Done) => {}
            Ok(Called::Pending(work)) => drop(self.running.spawn(work.in_current_span())),
            Ok(Called::Refused(error)) => return Some(error),
            Err(panic) => self.panicked(end, &*panic),
        }
        None
    }

    /// A handler that has waited is done.
    pub(super) fn handled(&mut self, end: &mut End<'_>, done: Result<(), JoinError>) {
        if let Err(error) = done
            && error.is_panic()
        {
            self.panicked(end, &*error.into_panic());
        }
    }

    /// A handler that panics ends the connection, not the process.
    fn panicked(&mut self, end: &mut End<'_>, panic: &(dyn Any + Send)) {
        let text =
            panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(|text| &text[..]));
        tracing::error!("a handler panicked, so the client leaves the server: {}", text.unwrap_or("(no message)"));
        self.close(end);
    }
}
