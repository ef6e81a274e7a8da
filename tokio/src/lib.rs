//! Socket.IO server and client, and WebSocket, on Tokio, over the protocol core [`sansocket`].
//!
//! It speaks with the JavaScript clients and servers of Socket.IO 3 and 4. The core decides every question of the protocols; this crate has the sockets,
//! tasks, memory, deadlines and limits, all of which have defaults.
//!
//! # A server
//!
//! ```no_run
//! use sansocket_tokio::server::{Config, Reason, Server, Socket};
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let io = Server::new(Config::new());
//!     // What a handler returns is the acknowledgement; an `Err` acknowledges `{"error":"…"}`.
//!     io.on("join", |socket: Socket, room: String| socket.join(&room));
//!     io.on("say", |socket: Socket, (room, text): (String, String)| {
//!         if !socket.is_in(&room) {
//!             return Err("join the room first");
//!         }
//!         socket.to(&room).emit("said", text).ok();
//!         Ok(())
//!     });
//!     io.on_disconnect(|socket: Socket, reason: Reason| println!("{} left: {reason}", socket.id()));
//!     io.bind("localhost:3000").await?.serve().await
//! }
//! ```
//!
//! Handlers are functions or closures, plain or async: [`Handler`](handler::Handler) has their forms, and how they share state. Arguments are any types of
//! serde, binary ones are [`Bytes`]: [`args`].
//!
//! # A client
//!
//! ```no_run
//! use sansocket_tokio::{AskError, client::{Client, Socket}};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let client = Client::builder("http://localhost:3000")
//!         .on("said", |_: Socket, text: String| println!("{text}"))
//!         // The server forgets who leaves: join again after each reconnection.
//!         .on_connect(async |socket: Socket| drop(socket.ask::<bool>("join", "kitchen").await))
//!         .connect()
//!         .await?;
//!     match client.ask::<()>("say", ("cellar", "is anybody here?")).await {
//!         Ok(()) => println!("the server has it"),
//!         Err(AskError::Refused(why)) => println!("the server refused: {why}"),
//!         Err(error) => println!("no answer: {error}"),
//!     }
//!     client.disconnect().await;
//!     Ok(())
//! }
//! ```
//!
//! # A test of both, without sockets
//!
//! ```
//! use sansocket_tokio::{server::{Config, Server, Socket}, testing};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! // In a function with `#[tokio::test(start_paused = true)]`, for which Tokio needs its feature `test-util`:
//! let io = Server::new(Config::new());
//! io.on("hello", |_: Socket, name: String| format!("hello, {name}"));
//! let (client, _socket) = testing::connect(&io, "/").await?;
//! assert_eq!(client.ask::<String>("hello", "ann").await?, "hello, ann");
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Where to read on
//!
//! | you want | see |
//! |---|---|
//! | a server | [`Server`](server::Server), its limits in [`Config`](server::Config), what is called in [`Namespace`](server::Namespace) |
//! | to serve behind axum, behind hyper or tower, over TLS | `Server::routes`, `Server::service`, [`Server::serve`](server::Server::serve) |
//! | to check who connects | [`before_connect`](server::Namespace::before_connect) |
//! | to check or limit events | [`before_event`](server::Namespace::before_event) |
//! | to send to rooms, to all but some, to ask several | [`Broadcast`](server::Broadcast) |
//! | values that belong to a socket | [`Data`](server::Data) |
//! | several servers as one | [`adapter`](server::adapter) |
//! | a client | [`Client`](client::Client) and its [`Builder`](client::Builder) |
//! | the error of an answer | [`AskError`] |
//! | WebSockets without Socket.IO | [`websocket`] |
//! | tests | [`testing`] |
//! | whole programs; tables for those who come from Node, socketioxide or rust_socketio; operation | [`guide`] |
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `axum` | the server as routes of an axum `Router` |
//! | `hyper` | the server as a service for hyper 1 and tower |
//! | `http2` | WebSockets over HTTP/2, for that service |
//! | `rustls` | `https` and `wss` for clients |
//! | `simdutf8` | long texts that are not ASCII are checked by the crate simdutf8, in about half the time |
//!
//! None is on by default.
#![forbid(unsafe_code)]
#![warn(missing_docs, missing_debug_implementations, unreachable_pub, elided_lifetimes_in_paths)]

pub mod args;
pub mod client;
mod compression;
mod error;
pub mod guide;
pub mod handler;
pub mod net;
mod random;
pub mod server;
mod sync;
pub mod testing;
pub mod websocket;

pub use bytes::Bytes;
pub use compression::Compression;
pub use error::{AskError, EmitError};
pub use sansocket::deflate::Tier;

/// The programs of the README are compiled, and one of them is run.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
