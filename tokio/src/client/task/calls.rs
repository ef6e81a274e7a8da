//! The handlers, which run without any lock held.

use super::{
    End,
    told::{App, text},
};
use crate::{
    args::{DecodeError, Raw},
    client::{
        Ack, ConnectError, Event as Told, EventFailure, Reason, Received, Socket, handlers::Hooked, shared::Request,
    },
    handler::{Arrived, Called},
};
use bytes::Bytes;
use sansocket::socketio::{Attachments, EventPacket};
use std::{
    any::Any,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tokio::task::JoinError;
use tracing::Instrument;

/// How many handlers may wait for something at a time.
const HANDLERS: usize = 1024;

/// Events whose handlers are called when others are done.
#[derive(Default)]
pub(super) struct Late {
    events: VecDeque<(Socket, String, Raw, Option<Request>)>,
    bytes: usize,
}

impl Late {
    fn push(&mut self, socket: Socket, name: String, args: Raw, request: Option<Request>) {
        self.bytes += size(&name, &args);
        self.events.push_back((socket, name, args, request));
    }

    fn pop(&mut self) -> Option<(Socket, String, Raw, Option<Request>)> {
        let event = self.events.pop_front()?;
        self.bytes -= size(&event.1, &event.2);
        Some(event)
    }
}

fn size(name: &str, args: &Raw) -> usize {
    size_of::<Received>() + name.len() + args.json.len() + args.files.iter().map(Bytes::len).sum::<usize>()
}

impl App {
    /// The server sent an event.
    pub(super) fn received(&mut self, end: &mut End<'_>, event: &EventPacket<'_>, files: Attachments<'_>) {
        let (Some(socket), Some(name)) = (self.socket(event.namespace), event.name()) else { return };
        let name = name.as_str().map_or_else(|| String::from_utf8_lossy(name.raw()).into_owned(), text);
        let request = event.ack.map(Request::new);
        let args = Arrived { json: event.args().raw(), files };
        if self.running.len() < HANDLERS && self.late.events.is_empty() {
            self.dispatch(end, &socket, &name, args, request);
        } else {
            self.late.push(socket, name, args.to_raw(), request);
        }
    }

    /// Whether more may be read. While handlers wait this goes on for long: what they wait for may be behind events.
    pub(super) fn may_read(&self) -> bool {
        self.late.events.is_empty() || self.late.bytes < self.shared.events_limit
    }

    fn dispatch(
        &mut self,
        end: &mut End<'_>,
        socket: &Socket,
        name: &str,
        args: Arrived<'_>,
        request: Option<Request>,
    ) {
        let handlers = &socket.space.handlers;
        let (feeds, any, named) = (handlers.feeds(), handlers.any(), handlers.named(name));
        if feeds.is_empty() && any.is_empty() && named.is_empty() {
            tracing::debug!(event = name, "nobody handles this event");
        }
        for feed in feeds {
            let size = args.files.into_iter().map(<[u8]>::len).sum::<usize>() + name.len() + args.json.len();
            feed.push(size, || {
                let ack = Ack::new(socket.clone(), request.clone());
                Told::Received(Received { name: name.to_owned(), args: args.to_raw(), ack })
            });
        }
        for hook in any {
            self.call(end, || hook((socket.clone(), name.to_owned(), args.to_raw())));
        }
        for handler in named {
            if let Some(error) = self.call(end, || handler(socket, args, request.clone())) {
                self.failure(end, socket, name, error);
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
        while self.running.len() < HANDLERS
            && let Some((socket, name, args, request)) = self.late.pop()
        {
            let files: Vec<&[u8]> = args.files.iter().map(|file| &file[..]).collect();
            let args = Arrived { json: &args.json, files: files.as_slice().into() };
            self.dispatch(end, &socket, &name, args, request);
        }
    }

    /// A handler that panics ends the connection, not the process.
    fn panicked(&mut self, end: &mut End<'_>, panic: &(dyn Any + Send)) {
        let text =
            panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(|text| &text[..]));
        self.late = Late::default();
        tracing::error!("a handler panicked, so the client leaves the server: {}", text.unwrap_or("(no message)"));
        self.close(end);
    }
}
