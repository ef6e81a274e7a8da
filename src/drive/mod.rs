//! Drivers: the machines of this crate with a transport and a clock, as something that you call and await. Feature `drive`.
//!
//! | driver | what it is |
//! |---|---|
//! | [`WebSocket`] | a WebSocket in either role |
//! | [`Receiver`], [`Sender`] | the halves of a WebSocket, for two tasks |
//! | [`Client`] | a Socket.IO client over a WebSocket |
//! | [`Server`] | a Socket.IO server for one client, over a WebSocket |
//! | [`blocking`] | a WebSocket, a server and a client for programs that block |
//!
//! The drivers decide nothing of the protocols. They do what a loop of your own would have to: read, write in pieces, keep deadlines, send what the machines
//! owe. Each future may be dropped at each await point, and nothing is lost. They allocate nothing, spawn nothing, and queue nothing besides the memory that you
//! lend.
//!
//! # What you bring
//! - A transport: [`io_0_7::Async`] wraps what has the traits of embedded-io-async 0.7 (embassy-net, serial lines); `tokio::Stream` (feature `tokio`) wraps
//!   what has those of Tokio. For anything else implement [`Receive`] and [`Transmit`], one function each.
//! - A [`Timer`]: `tokio::Clock`, `embassy::Clock` (feature `embassy-time`), `blocking::Clock` (feature `std`), or your own.
//! - For clients, a function that fills memory with secure random bytes.
//! - Memory: arrays, slices or `Vec`s.
//!
//! Compression (permessage-deflate) is off until you ask for it: [`WebSocket::with_compression`], [`Client::with_compression`],
//! [`Server::with_compression`]. A program that does not ask links none of its code.
//!
//! # A server and a client on Tokio
//! ```
//! use sansocket::{
//!     drive::{WebSocket, tokio::{Clock, Stream}},
//!     http::Url,
//!     ws::{CloseCode, Incoming},
//! };
//! use tokio::net::{TcpListener, TcpStream};
//! # type Error = Box<dyn core::error::Error + Send + Sync>;
//!
//! async fn serve(stream: TcpStream) -> Result<(), Error> {
//!     let mut ws = WebSocket::server(Stream::tcp(stream)?, Clock::new(), [0; 4096], [0; 4096]);
//!     ws.accept().await?;
//!     while let Some((incoming, reply)) = ws.next().await? {
//!         if let Incoming::Message(message) = incoming {
//!             reply.send(message.kind(), message.as_bytes()).await?;
//!         }
//!     }
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! tokio::spawn(async move { serve(listener.accept().await?.0).await });
//!
//! let stream = TcpStream::connect(address).await?;
//! let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
//! let mut ws = WebSocket::client(Stream::tcp(stream)?, Clock::new(), random, [0; 4096], [0; 4096]);
//! ws.connect(&Url::parse(&format!("ws://{address}/"))?).await?;
//! ws.send_text("hello").await?;
//! let (answer, _) = ws.next().await?.ok_or("closed")?;
//! assert!(matches!(answer, Incoming::Message(message) if message.as_bytes() == b"hello"));
//! ws.close(CloseCode::NORMAL, "").await?;
//! # Ok(()) }
//! ```

pub mod blocking;
mod client;
mod compress;
mod core;
mod deadlines;
#[cfg(feature = "embassy-time")]
pub mod embassy;
mod error;
mod grow;
mod halves;
mod handshake;
pub mod io_0_7;
mod offer;
mod overdue;
mod packing;
mod race;
mod reply;
mod server;
mod side;
mod timer;
#[cfg(feature = "tokio")]
pub mod tokio;
mod transport;
mod websocket;

#[cfg(feature = "sha1")]
pub use self::handshake::sha1;
pub use self::{
    client::{AskError, Client, ClientMemory, Io},
    compress::Compressed,
    deadlines::Deadlines,
    error::Error,
    halves::{Half, Halved, Lock, Receiver, Sender, Shared},
    handshake::Sha1,
    packing::{Packed, Packing, Plain},
    reply::Reply,
    server::{Server, ServerIo, ServerMemory},
    side::{AsClient, AsServer, ClientSide, Random, ServerSide, Side},
    timer::Timer,
    transport::{Failed, Receive, Transmit, Transport},
    websocket::WebSocket,
};
