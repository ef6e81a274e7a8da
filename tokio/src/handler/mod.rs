//! What an application gives as a handler: functions and closures, plain or async, of a socket and of typed arguments.

mod ack;
mod check;
mod gate;
mod hook;
mod respond;
#[cfg(test)]
mod tests;

pub use ack::Ack;
#[doc(hidden)]
pub use check::Checking;
pub use check::{Check, Refusal};
pub use gate::Gate;
pub use hook::Hook;
pub use respond::Respond;

use crate::args::{self, DecodeError, Raw};
use sansocket::socketio::Attachments;
use serde::de::DeserializeOwned;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// A socket that handlers are called with: that of a server's client, or of a client's namespace.
pub trait Endpoint: Clone + Send + Sync + 'static {
    /// What identifies an event that the peer wants acknowledged.
    #[doc(hidden)]
    type Request: Send + 'static;

    /// Acknowledges it.
    #[doc(hidden)]
    fn acknowledge(&self, request: Self::Request, json: &[u8], files: &[bytes::Bytes]) -> Result<(), crate::EmitError>;
}

/// The arguments of an event as they arrived.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// The JSON values with commas between them.
    pub(crate) json: &'a [u8],
    pub(crate) files: Attachments<'a>,
}

impl Arrived<'_> {
    /// A copy that owns its memory.
    pub(crate) fn to_raw(self) -> Raw {
        let files = self.files.into_iter().map(bytes::Bytes::copy_from_slice).collect();
        Raw { json: bytes::Bytes::copy_from_slice(self.json), files }
    }
}

pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a call of a handler came to.
pub enum Called {
    /// It is finished.
    Done,
    /// It waits for something. Whoever called it has it run on.
    Pending(#[doc(hidden)] Work),
    /// The arguments are not those that it takes, so it was not called.
    Refused(DecodeError),
}

impl fmt::Debug for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Pending(_) => f.write_str("Pending"),
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
        }
    }
}

/// Runs `work` as far as it comes without waiting: most handlers finish here, and need no task of their own.
pub(crate) fn start(work: impl Future<Output = ()> + Send + 'static) -> Called {
    let mut work: Work = Box::pin(work);
    // Whoever gets it as `Pending` polls it again with a real waker, so no wake-up is lost.
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(()) => Called::Done,
        Poll::Pending => Called::Pending(work),
    }
}

/// A handler of events: a function or closure `(socket)`, `(socket, args)` or `(socket, args, ack)`, plain or async.
///
/// - `args` is any type that serde can read, with its own memory (`DeserializeOwned`). A tuple takes one argument for each of its elements.
/// - Without `ack` the return value is the acknowledgement, if the peer asked for one: anything that serde can write, `()` for an acknowledgement without
///   arguments, a tuple for several. The `Err` of a `Result` acknowledges `{"error":"…"}`, which [`AskError::Refused`](crate::AskError::Refused) is at the
///   other end.
/// - With `ack` the handler acknowledges by itself, now or later ([`Ack::send`]). An event without arguments is then `(socket, (): (), ack: Ack)`.
///
/// ```
/// # use sansocket_tokio::server::{Config, Server};
/// use sansocket_tokio::{Bytes, server::{Ack, Socket}};
///
/// # let io = Server::new(Config::new());
/// io.on("hello", |_: Socket| "hello");
/// io.on("add", |_: Socket, (a, b): (i64, i64)| a + b); // two arguments, one tuple
/// io.on("upload", |_: Socket, (name, picture): (String, Bytes)| format!("{name}: {} bytes", picture.len()));
/// io.on("read", async |_: Socket, path: String| tokio::fs::read_to_string(path).await); // a `Result`
/// io.on("later", |_: Socket, (): (), ack: Ack| drop(std::thread::spawn(move || ack.send("done"))));
/// ```
///
/// # State
///
/// A handler captures what it needs: it is called many times, so it owns an `Arc` or the like. One that awaits clones it in each call, since the future
/// outlives the call. `async move |…|` cannot do that ("async closure does not implement `Fn` because it captures state"): write a plain closure that
/// returns an `async move` block.
///
/// ```
/// # use sansocket_tokio::server::{Config, Server, Socket};
/// # use std::{collections::HashMap, sync::Arc};
/// # struct Db(HashMap<String, u32>);
/// # impl Db { async fn find(&self, key: &str) -> Option<u32> { self.0.get(key).copied() } }
/// # let (io, db) = (Server::new(Config::new()), Arc::new(Db(HashMap::new())));
/// io.on("find", move |_: Socket, key: String| {
///     let db = db.clone();
///     async move { db.find(&key).await.ok_or("there is no such key") }
/// });
/// ```
///
/// The server, its rooms and namespaces are at hand by [`Socket::server`](crate::server::Socket::server).
///
/// # Errors
///
/// The error of a `Result` is an [`Error`](std::error::Error), a `Box<dyn Error + Send + Sync>`, or what serde can write, such as a text. Where `?` is used,
/// the compiler must be told which ("type annotations needed"):
///
/// ```
/// # use sansocket_tokio::server::{Config, Server, Socket};
/// # let io = Server::new(Config::new());
/// io.on("number", |_: Socket, text: String| -> Result<u32, &str> {
///     let number = text.parse().map_err(|_| "no number")?;
///     Ok(number)
/// });
/// io.on("count", async |socket: Socket, room: String| -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
///     let found = socket.server().to(&room).fetch_sockets().await?;
///     if found.is_empty() { Err("nobody is there".into()) } else { Ok(found.len()) }
/// });
/// ```
///
/// `M` tells the forms apart. The compiler finds it.
#[diagnostic::on_unimplemented(
    message = "this is not a handler of events",
    label = "not a handler",
    note = "a handler is a function or closure, plain or async: `|socket: Socket|`, `|socket: Socket, args: A|` or `|socket: Socket, args: A, ack: Ack|`",
    note = "several arguments of an event are one tuple, `|socket: Socket, (a, b): (A, B)|`; none before `ack` are `()`, `|socket: Socket, (): (), ack: Ack|`",
    note = "write the types of its parameters; `A` must be `DeserializeOwned`; what it captures, and its future, must be `Send + 'static`",
    note = "it returns what serde can write, or a `Result` of that whose error is an `Error`, a `Box<dyn Error + Send + Sync>` or what serde can write"
)]
pub trait Handler<S: Endpoint, M>: Send + Sync + 'static {
    /// Calls the handler.
    #[doc(hidden)]
    fn call(&self, socket: &S, args: Arrived<'_>, request: Option<S::Request>) -> Called;
}

/// Marks a plain function.
#[derive(Debug)]
pub struct Plain;
/// Marks an async function.
#[derive(Debug)]
pub struct Async;

impl<S: Endpoint, F, R, K> Handler<S, (Plain, K, ())> for F
where
    F: Fn(S) -> R + Send + Sync + 'static,
    R: Respond<K>,
{
    fn call(&self, socket: &S, _: Arrived<'_>, request: Option<S::Request>) -> Called {
        self(socket.clone()).respond(Ack::new(socket.clone(), request));
        Called::Done
    }
}

impl<S: Endpoint, F, U, K> Handler<S, (Async, K, ())> for F
where
    F: Fn(S) -> U + Send + Sync + 'static,
    U: Future<Output: Respond<K>> + Send + 'static,
{
    fn call(&self, socket: &S, _: Arrived<'_>, request: Option<S::Request>) -> Called {
        let (work, ack) = (self(socket.clone()), Ack::new(socket.clone(), request));
        start(async move { work.await.respond(ack) })
    }
}

impl<S: Endpoint, F, A, R, K> Handler<S, (Plain, K, (A,))> for F
where
    F: Fn(S, A) -> R + Send + Sync + 'static,
    A: DeserializeOwned,
    R: Respond<K>,
{
    fn call(&self, socket: &S, args: Arrived<'_>, request: Option<S::Request>) -> Called {
        match decode(socket, args, request) {
            Ok((args, ack)) => {
                self(socket.clone(), args).respond(ack);
                Called::Done
            }
            Err(error) => Called::Refused(error),
        }
    }
}

impl<S: Endpoint, F, A, U, K> Handler<S, (Async, K, (A,))> for F
where
    F: Fn(S, A) -> U + Send + Sync + 'static,
    A: DeserializeOwned,
    U: Future<Output: Respond<K>> + Send + 'static,
{
    fn call(&self, socket: &S, args: Arrived<'_>, request: Option<S::Request>) -> Called {
        match decode(socket, args, request) {
            Ok((args, ack)) => {
                let work = self(socket.clone(), args);
                start(async move { work.await.respond(ack) })
            }
            Err(error) => Called::Refused(error),
        }
    }
}

impl<S: Endpoint, F, A> Handler<S, (Plain, (), (A, Ack<S>))> for F
where
    F: Fn(S, A, Ack<S>) + Send + Sync + 'static,
    A: DeserializeOwned,
{
    fn call(&self, socket: &S, args: Arrived<'_>, request: Option<S::Request>) -> Called {
        match decode(socket, args, request) {
            Ok((args, ack)) => {
                self(socket.clone(), args, ack);
                Called::Done
            }
            Err(error) => Called::Refused(error),
        }
    }
}

impl<S: Endpoint, F, A, U> Handler<S, (Async, (), (A, Ack<S>))> for F
where
    F: Fn(S, A, Ack<S>) -> U + Send + Sync + 'static,
    A: DeserializeOwned,
    U: Future<Output = ()> + Send + 'static,
{
    fn call(&self, socket: &S, args: Arrived<'_>, request: Option<S::Request>) -> Called {
        match decode(socket, args, request) {
            Ok((args, ack)) => start(self(socket.clone(), args, ack)),
            Err(error) => Called::Refused(error),
        }
    }
}

/// The arguments, and the acknowledgement that is still to be sent. If they are not of this type, the peer is told.
fn decode<S: Endpoint, A: DeserializeOwned>(
    socket: &S,
    args: Arrived<'_>,
    request: Option<S::Request>,
) -> Result<(A, Ack<S>), DecodeError> {
    let ack = Ack::new(socket.clone(), request);
    match args::decode(args.json, args.files) {
        Ok(args) => Ok((args, ack)),
        Err(error) => {
            ack.fail(&error);
            Err(error)
        }
    }
}
