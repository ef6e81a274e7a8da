//! Tests of an application without sockets: connections in memory, which also work under Tokio's paused clock.
//!
//! ```
//! use sansocket_tokio::{
//!     server::{Config, Server, Socket},
//!     testing,
//! };
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let io = Server::new(Config::new());
//! io.on("hello", |_: Socket, name: String| format!("hello {name}"));
//!
//! let mut stream = testing::stream(&io);
//! stream.write_all(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await?;
//! let mut answer = String::new();
//! stream.read_to_string(&mut answer).await?;
//! assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"pingInterval\":25000"));
//! # Ok(())
//! # }
//! ```

use crate::server::{Server, Socket};
use std::net::SocketAddr;
use tokio::io::{DuplexStream, duplex};

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
