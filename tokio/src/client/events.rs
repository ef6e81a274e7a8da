//! What happens to a namespace, as a stream.

use super::{Ack, ConnectError, Reason, space::lock};
use crate::args::{DecodeError, Raw};
use futures_core::Stream;
use serde::de::DeserializeOwned;
use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

/// What happened to a namespace. From [`Socket::events`](super::Socket::events).
#[non_exhaustive]
#[derive(Debug)]
pub enum Event {
    /// The server accepted the client.
    Connected {
        /// The id that the server gave to the client, new with each connection unless it was recovered.
        id: String,
        /// The server restored the connection that was lost: the id and the rooms are the old ones, and the events that were missed have come.
        is_recovered: bool,
    },
    /// The namespace was connected, and is not any more. The client joins again by itself after [`Reason::Link`].
    Disconnected(Reason),
    /// An attempt to connect failed, or the server refused the namespace.
    ConnectError(ConnectError),
    /// The client connects again after this time. Of a connection that was lost this comes first, and then [`Disconnected`](Self::Disconnected).
    Reconnecting {
        /// The number of the attempt, from 1.
        attempt: u32,
        /// How long it waits before that.
        delay: Duration,
    },
    /// The server sent an event.
    Received(Received),
    /// So many events were dropped, because nobody took them from this stream and they are more than the limit
    /// ([`Builder::events_limit`](super::Builder::events_limit)).
    Missed(u64),
}

/// An event that the server sent.
#[derive(Debug)]
pub struct Received {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub args: Raw,
    /// Sends the acknowledgement, if the server asked for one. If a handler has sent it already, nothing is sent.
    pub ack: Ack,
}

impl Received {
    /// Reads the arguments: a tuple is several of them. As [`Raw::parse`].
    ///
    /// # Errors
    /// [`DecodeError`] if they are of another type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        self.args.parse()
    }
}

/// What happens to a namespace, in order. It is a [`Stream`], and has [`next`](Self::next) for those who need no more.
///
/// ```
/// use sansocket_tokio::client::{Client, Event};
///
/// # use sansocket_tokio::server::{self, Config, Server};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let io = Server::new(Config::new());
/// # io.on_connect(|socket: server::Socket| async move { let _ = socket.ask::<String>("who", ()).await; socket.disconnect(true) });
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("http://{}", listener.local_addr()?);
/// # tokio::spawn(async move { io.listen(listener).await });
/// let builder = Client::builder(url);
/// let mut events = builder.events();
/// let client = builder.start()?;
/// while let Some(event) = events.next().await {
///     match event {
///         Event::Connected { id, .. } => println!("connected as {id}"),
///         Event::Received(event) if event.name == "who" => event.ack.send("Ann")?,
///         Event::Received(event) => println!("{}: {}", event.name, event.parse::<String>()?),
///         Event::Disconnected(reason) => {
///             println!("{reason}");
///             break;
///         }
///         Event::ConnectError(error) => println!("{error}"),
///         Event::Reconnecting { attempt, delay } => println!("attempt {attempt} in {delay:?}"),
///         other => println!("{other:?}"),
///     }
/// }
/// # Ok(()) }
/// ```
///
/// It does not hold the connection: the stream ends with the last [`Client`](super::Client). What is not taken is kept up to a limit of bytes
/// ([`Builder::events_limit`](super::Builder::events_limit)), so drop a stream that you do not read.
#[derive(Debug)]
pub struct Events(Arc<Queue>);

impl Events {
    /// The next event. `None`: the client is gone. If the future is dropped, nothing is lost.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.0.poll(cx)).await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll(cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut state = lock(&self.0.0);
        state.is_dropped = true;
        let items = std::mem::take(&mut state.items);
        drop(state);
        drop(items);
    }
}

#[derive(Debug, Default)]
struct Queue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// With the bytes of each.
    items: VecDeque<(Event, usize)>,
    bytes: usize,
    limit: usize,
    missed: u64,
    waker: Option<Waker>,
    is_over: bool,
    is_dropped: bool,
}

impl Queue {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = lock(&self.0);
        if let Some((event, bytes)) = state.items.pop_front() {
            state.bytes = state.bytes.saturating_sub(bytes);
            return Poll::Ready(Some(event));
        }
        if state.missed > 0 {
            return Poll::Ready(Some(Event::Missed(std::mem::take(&mut state.missed))));
        }
        if state.is_over {
            return Poll::Ready(None);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// The end of a stream that events are put into.
#[derive(Clone, Debug)]
pub(super) struct Feed(Arc<Queue>);

impl Feed {
    pub(super) fn new(limit: usize) -> (Self, Events) {
        let queue = Arc::new(Queue(Mutex::new(State { limit, ..State::default() })));
        (Self(Arc::clone(&queue)), Events(queue))
    }

    /// `false`: nobody reads it any more.
    pub(super) fn is_read(&self) -> bool {
        !lock(&self.0.0).is_dropped
    }

    /// Adds what `make` returns, of so many bytes. The first one always has room, so the largest event arrives with the smallest limit.
    pub(super) fn push(&self, bytes: usize, make: impl FnOnce() -> Event) {
        let mut state = lock(&self.0.0);
        if state.is_dropped {
            return;
        }
        let bytes = bytes + size_of::<Event>();
        if !state.items.is_empty() && state.bytes.saturating_add(bytes) > state.limit {
            state.missed += 1;
            return;
        }
        if state.missed > 0 {
            let missed = Event::Missed(std::mem::take(&mut state.missed));
            state.items.push_back((missed, 0));
        }
        state.bytes = state.bytes.saturating_add(bytes);
        state.items.push_back((make(), bytes));
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// There will be no more.
    pub(super) fn end(&self) {
        let mut state = lock(&self.0.0);
        state.is_over = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
