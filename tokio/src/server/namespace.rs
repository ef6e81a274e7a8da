use super::{
    Event, Failure, Reason, Socket,
    inner::Inner,
    listeners::{Listener, Listeners},
    space::Space,
};
use crate::{
    args::Raw,
    handler::{Check, Gate, Handler, Hook},
};
use std::sync::Arc;

/// A namespace of a server: its sockets, and what is called for them.
#[derive(Clone, Debug)]
pub struct Namespace {
    pub(crate) inner: Arc<Inner>,
    pub(crate) space: Arc<Space>,
}

impl Namespace {
    pub(crate) fn new(inner: &Arc<Inner>, space: Arc<Space>) -> Self {
        Self { inner: inner.clone(), space }
    }

    /// The name, with its slash.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.space.name
    }

    /// Calls `handler` when a client has joined: `(socket)`, or `(socket, auth)` with what the client gave as `auth`.
    pub fn on_connect<M>(&self, handler: impl Handler<Socket, M>) -> &Self {
        let handler = Arc::new(move |socket: &Socket, args: crate::handler::Arrived<'_>, request| {
            handler.call(socket, args, request)
        });
        self.space.change(|listeners| listeners.connect.push(handler));
        self
    }

    /// Checks a client before it joins. The checks are called in the order in which they were added, each after the one before it let the client pass. An
    /// error refuses the client, which is told the message and the data. See [`Check`].
    ///
    /// Until all of them have let it pass, the socket is in no namespace: it has no rooms and can join none, and nothing can be sent to it. What a check
    /// has found out it leaves in [`Socket::data`]; the rest is for [`on_connect`](Self::on_connect).
    ///
    /// ```
    /// # use sansocket_tokio::server::{Config, Refusal, Server, Socket};
    /// # use serde::Deserialize;
    /// #[derive(Deserialize)]
    /// struct Auth {
    ///     token: String,
    /// }
    /// struct User(String);
    ///
    /// async fn check(socket: Socket, auth: Auth) -> Result<(), Refusal> {
    ///     // It may await here, such as a database.
    ///     let Some(name) = auth.token.strip_prefix("user-") else {
    ///         return Err(Refusal::new("not authorized").data(&serde_json::json!({ "code": 401 }))?);
    ///     };
    ///     socket.data().insert(User(name.to_owned()));
    ///     Ok(())
    /// }
    ///
    /// # let io = Server::new(Config::new());
    /// io.before_connect(check);
    /// io.of("/admin").before_connect(|_: Socket, auth: Auth| if auth.token == "root" { Ok(()) } else { Err("admins only") });
    /// ```
    #[doc(alias = "use")]
    pub fn before_connect<M>(&self, check: impl Check<Socket, M>) -> &Self {
        let check = Arc::new(move |socket: &Socket, args: crate::handler::Arrived<'_>| check.call(socket, args));
        self.space.change(|listeners| listeners.before_connect.push(check));
        self
    }

    /// Checks each event before its handlers: a function `(socket, event)`, plain or async, that returns a `Result`. An error drops the event; a client that
    /// asked for an acknowledgement is told, and [`on_failure`](Self::on_failure).
    ///
    /// ```
    /// # use sansocket_tokio::server::{Config, Event, Server, Socket};
    /// # use std::{sync::Mutex, time::Duration};
    /// # use tokio::time::Instant;
    /// /// The strokes of a socket in the present second.
    /// struct Rate(Mutex<(Instant, u32)>);
    ///
    /// # let io = Server::new(Config::new());
    /// io.before_event(|socket: Socket, event: Event| {
    ///     if event.name != "draw" {
    ///         return Ok(());
    ///     }
    ///     let rate = socket.data().get_or_insert_with(|| Rate(Mutex::new((Instant::now(), 0))));
    ///     let mut rate = rate.0.lock().unwrap();
    ///     if rate.0.elapsed() >= Duration::from_secs(1) {
    ///         *rate = (Instant::now(), 0);
    ///     }
    ///     rate.1 += 1;
    ///     if rate.1 <= 20 { Ok(()) } else { Err("more than 20 strokes in a second") }
    /// });
    /// ```
    #[doc(alias = "use")]
    pub fn before_event<M>(&self, check: impl Gate<(Socket, Event), M>) -> &Self {
        self.space.change(|listeners| listeners.check_event(check));
        self
    }

    /// Calls `handler` with each event of this name, of any socket. See [`Handler`] for its forms.
    pub fn on<M>(&self, event: &str, handler: impl Handler<Socket, M>) -> &Self {
        self.space.change(|listeners| listeners.on(event, Listener::of(handler, false)));
        self
    }

    /// Removes the handlers of this event that were added here.
    pub fn off(&self, event: &str) -> &Self {
        self.space.change(|listeners| listeners.off(event));
        self
    }

    /// Calls `hook` with every event, before its handlers: `(socket, name, args)`.
    pub fn on_any<M>(&self, hook: impl Hook<(Socket, String, Raw), M>) -> &Self {
        self.space.change(|listeners| listeners.on_any(hook));
        self
    }

    /// Calls `hook` when a socket is about to leave, while its rooms are still known. An async hook is called too, but the rooms are left before it goes on
    /// after its first wait.
    ///
    /// ```
    /// # use sansocket_tokio::server::{Config, Reason, Server, Socket};
    /// # let io = Server::new(Config::new());
    /// io.on_disconnecting(|socket: Socket, reason: Reason| {
    ///     // The room of its own id is among them. Nobody else hears what is sent to it.
    ///     for room in socket.rooms() {
    ///         socket.to(room).emit("left", (socket.id().to_string(), reason.to_string())).ok();
    ///     }
    /// });
    /// ```
    pub fn on_disconnecting<M>(&self, hook: impl Hook<(Socket, Reason), M>) -> &Self {
        self.space.change(|listeners| listeners.on_disconnecting(hook));
        self
    }

    /// Calls `hook` when a socket has left.
    pub fn on_disconnect<M>(&self, hook: impl Hook<(Socket, Reason), M>) -> &Self {
        self.space.change(|listeners| listeners.on_disconnect(hook));
        self
    }

    /// Calls `hook` when an event was not handled, because its arguments are not of the type of a handler, or a check refused it.
    pub fn on_failure<M>(&self, hook: impl Hook<(Socket, Failure), M>) -> &Self {
        let hook = Arc::new(move |socket, failure| hook.call((socket, failure)));
        self.space.change(|listeners| listeners.failure.push(hook));
        self
    }
}

impl Socket {
    /// Calls `handler` with each event of this name. See [`Handler`] for its forms. What is the same for all sockets is better added to the namespace,
    /// once ([`Namespace::on`]).
    pub fn on<M>(&self, event: &str, handler: impl Handler<Self, M>) -> &Self {
        self.change(|listeners| listeners.on(event, Listener::of(handler, false)));
        self
    }

    /// As [`on`](Self::on), for the first event only.
    pub fn once<M>(&self, event: &str, handler: impl Handler<Self, M>) -> &Self {
        self.change(|listeners| listeners.on(event, Listener::of(handler, true)));
        self
    }

    /// Removes the handlers of this event that were added to this socket.
    pub fn off(&self, event: &str) -> &Self {
        self.change(|listeners| listeners.off(event));
        self
    }

    /// Calls `hook` with every event of this socket, before its handlers.
    pub fn on_any<M>(&self, hook: impl Hook<(Self, String, Raw), M>) -> &Self {
        self.change(|listeners| listeners.on_any(hook));
        self
    }

    /// Checks each event of this socket before its handlers, after the checks of the namespace. See [`Namespace::before_event`].
    #[doc(alias = "use")]
    pub fn before_event<M>(&self, check: impl Gate<(Self, Event), M>) -> &Self {
        self.change(|listeners| listeners.check_event(check));
        self
    }

    /// Calls `hook` when this socket is about to leave. See [`Namespace::on_disconnecting`].
    pub fn on_disconnecting<M>(&self, hook: impl Hook<(Self, Reason), M>) -> &Self {
        self.change(|listeners| listeners.on_disconnecting(hook));
        self
    }

    /// Calls `hook` when this socket has left.
    pub fn on_disconnect<M>(&self, hook: impl Hook<(Self, Reason), M>) -> &Self {
        self.change(|listeners| listeners.on_disconnect(hook));
        self
    }
}

impl Listener {
    fn of<M>(handler: impl Handler<Socket, M>, is_once: bool) -> Self {
        Self::new(Arc::new(move |socket, args, request| handler.call(socket, args, request)), is_once)
    }
}

impl Listeners {
    fn on_any<M>(&mut self, hook: impl Hook<(Socket, String, Raw), M>) {
        self.any.push(Arc::new(move |socket, name, args| hook.call((socket, name, args))));
    }

    fn on_disconnecting<M>(&mut self, hook: impl Hook<(Socket, Reason), M>) {
        self.disconnecting.push(Arc::new(move |socket, reason| hook.call((socket, reason))));
    }

    fn on_disconnect<M>(&mut self, hook: impl Hook<(Socket, Reason), M>) {
        self.disconnect.push(Arc::new(move |socket, reason| hook.call((socket, reason))));
    }

    fn check_event<M>(&mut self, check: impl Gate<(Socket, Event), M>) {
        self.before_event.push(Arc::new(move |socket, event| check.call((socket, event))));
    }
}
