//! Tests of an application without sockets: connections in memory, which also work under Tokio's paused clock.
//!
//! ```
//! use sansocket_tokio::{
//!     client,
//!     server::{Config, Server, Socket},
//!     testing,
//! };
//! use std::time::Duration;
//! use tokio::time::Instant;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let io = Server::new(Config::new());
//! io.on("hello", |_: Socket, name: String| format!("hello {name}"));
//!
//! let (client, socket) = testing::connect(&io, "/").await?;
//! assert_eq!(client.ask::<String>("hello", "world").await?, "hello world");
//!
//! client.on("ready?", |_: client::Socket| true);
//! assert!(socket.ask::<bool>("ready?", ()).await?);
//!
//! // Time passes as soon as nobody has anything to do, so a test of deadlines takes no time.
//! let began = Instant::now();
//! let answer = socket.timeout(Duration::from_secs(60)).ask::<()>("nobody listens", ()).await;
//! assert!(answer.is_err() && began.elapsed() >= Duration::from_secs(60));
//! # Ok(())
//! # }
//! ```
//!
//! What a client does after its connection was lost, or a whole test with several clients, is tested with [`client`]; a client of another kind, or one
//! that breaks the protocol, with a bare [`stream`].

use crate::{
    client::{Builder, Client, ConnectError},
    server::{Server, Socket},
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{DuplexStream, duplex},
    time::sleep,
};

/// Connects a client to a namespace of a server, such as `/`. Returns it with the socket that the server has for it. The handlers of
/// [`Namespace::on_connect`](crate::server::Namespace::on_connect) may still run.
///
/// # Errors
/// [`ConnectError`]: a check of the server refused the client, there is no such namespace, or the server sent the client away at once.
///
/// # Panics
/// Outside of a Tokio runtime.
pub async fn connect(server: &Server, namespace: &str) -> Result<(Client, Socket), ConnectError> {
    let client = client(server, namespace).connect().await?;
    loop {
        // The server may send it away at once.
        client.connected().await?;
        if let Some(socket) = client.id().and_then(|id| server.socket_in(namespace, &id)) {
            return Ok((client, socket));
        }
        // The server tells the client before others can reach it.
        sleep(Duration::from_millis(1)).await;
    }
}

/// A client of a server whose connections are in memory. It is not connected yet, so that it can have handlers from the beginning, other transports, or
/// `auth`.
///
/// ```
/// use sansocket_tokio::{client::Transport, server::{Config, Server}, testing};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let io = Server::new(Config::new());
/// let client = testing::client(&io, "/").transports([Transport::Polling]).connect().await?;
/// assert_eq!(io.counters().polling_sessions, 1);
/// client.close().await;
/// # Ok(())
/// # }
/// ```
pub fn client(server: &Server, namespace: &str) -> Builder {
    let path = server.path().to_owned();
    let server = server.clone();
    let dial = move || {
        let stream = stream(&server);
        async move { Ok(stream) }
    };
    let namespace = namespace.strip_prefix('/').unwrap_or(namespace);
    Client::builder(format!("http://server/{namespace}")).path(path).dial_with(dial)
}

/// Bytes that fit into a [`stream`] in each direction, if not said otherwise. Then who writes waits until the other end reads.
pub const BUFFER: usize = 64 * 1024;

/// Opens a connection in memory to a server, as a TCP connection would be: the client speaks HTTP/1.1 on it. The server carries it in a task of its own.
///
/// # Panics
/// Outside of a Tokio runtime.
#[must_use = "the connection ends when it is dropped"]
pub fn stream(server: &Server) -> DuplexStream {
    stream_with(server, BUFFER, None)
}

/// As [`stream`], with the bytes that fit into it in each direction and with the address that the server is to see. With a small buffer a client that does
/// not read is soon a slow client.
///
/// # Panics
/// Outside of a Tokio runtime.
#[must_use = "the connection ends when it is dropped"]
pub fn stream_with(server: &Server, buffer: usize, address: Option<SocketAddr>) -> DuplexStream {
    let (client, of_server) = duplex(buffer);
    let server = server.clone();
    drop(tokio::spawn(async move { server.serve(of_server, address).await }));
    client
}

/// Whether the memory of a socket's session is still in use. It is not, soon after the session ended, whatever an application keeps of its sockets.
#[must_use]
pub fn is_held(socket: &Socket) -> bool {
    socket.line().session().is_some()
}
