//! The Socket.IO client.
//!
//! ```
//! use sansocket_tokio::client::{Client, Socket};
//!
//! # use sansocket_tokio::server::{self, Config, Server};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #     let io = Server::new(Config::new());
//! #     io.on("sum", |_: server::Socket, (a, b): (u32, u32)| a + b);
//! #     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! #     let url = format!("http://{}", listener.local_addr()?);
//! #     tokio::spawn(async move { io.listen(listener).await });
//! #     run(&url).await
//! # }
//! async fn run(url: &str) -> Result<(), Box<dyn std::error::Error>> {
//!     let client = Client::connect(url).await?;
//!     client.on("news", |_: Socket, text: String| println!("{text}"));
//!     client.emit("hello", ("world", 1))?;
//!     let sum: u32 = client.ask("sum", (1, 2)).await?;
//!     println!("the server says {sum}");
//!     client.disconnect().await;
//!     Ok(())
//! }
//! ```
//!
//! # What it does by itself
//! It connects over polling and then upgrades to a WebSocket, or uses the transports that you list ([`Builder::transports`]). It answers heartbeats, and notices
//! when the server is gone. It connects again after each loss, with delays and jitter as in JavaScript. It keeps what you send until it can be sent. All of it
//! happens in one task.
//!
//! # How it ends
//! | what happened | events that wait | connects again |
//! |---|---|---|
//! | the connection was lost, or an attempt failed | stay, in order | yes, up to [`Builder::reconnection_attempts`] |
//! | the server refused the namespace, or removed this client from it | stay | when [`Socket::connect`] is called |
//! | [`Socket::disconnect`], [`Client::close`], a handler that panicked | are sent before, if the namespace is connected; else they stay | when `connect` is called |
//! | the last [`Client`] was dropped | as before | no |
//!
//! A question ([`Socket::ask`]) that was sent fails when the connection is lost. One that waits is sent on the next connection, unless its time is over.
//!
//! # What holds the connection
//! A [`Client`] does; a [`Socket`] and the [`Events`] do not. Handlers get a [`Socket`]. A handler that captures a `Client` holds the connection for ever.

mod ask;
mod auth;
mod builder;
mod error;
mod events;
mod handlers;
mod of;
mod packet;
mod register;
mod shared;
mod socket;
mod space;
mod task;

pub use ask::Ask;
pub use builder::Builder;
pub use error::{ConnectError, EventFailure};
pub use events::{Event, Events, Received};
pub use of::Of;
pub use sansocket::{endpoint::client::Failure, engineio::Transport, socketio::Reason};
pub use socket::{Emission, Socket};

use shared::{Command, Shared};
use space::Space;
use std::{fmt, ops::Deref, sync::Arc};

/// The acknowledgement of an event that the server sent.
pub type Ack = crate::handler::Ack<Socket>;

/// A Socket.IO client: a connection, and the [`Socket`] of the namespace that the URL names, whose methods it has. See the [module page](self).
///
/// Cheap to clone. When the last clone is dropped, the client leaves the server and its task ends.
#[derive(Clone)]
pub struct Client {
    socket: Socket,
    _held: Arc<Held>,
}

/// Ends the task when the last handle is dropped.
struct Held(Arc<Shared>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.send(Command::End);
    }
}

impl Client {
    /// Connects to the server at `url`: `http`, `https`, `ws` or `wss`. The path of the URL is the namespace, as in JavaScript. Waits until the client is connected.
    ///
    /// # Errors
    /// As [`Builder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self, ConnectError> {
        Self::builder(url).connect().await
    }

    /// A client with other settings than the defaults, and with handlers from the beginning.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }

    fn new(shared: Arc<Shared>, space: Arc<Space>) -> Self {
        Self { socket: shared.socket(space), _held: Arc::new(Held(shared)) }
    }

    /// Leaves all namespaces and closes the connection, as [`Socket::disconnect`] does for one. It does not connect again before [`Socket::connect`].
    pub async fn close(&self) {
        self.socket.leave(None).await;
    }
}

impl Deref for Client {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.socket).finish()
    }
}
