//! WebSockets for applications: a client, a server on any stream, and their halves.
//!
//! ```
//! use sansocket_tokio::websocket::{self, Message};
//! # type Error = Box<dyn std::error::Error + Send + Sync>;
//!
//! async fn serve(listener: tokio::net::TcpListener) -> Result<(), Error> {
//!     loop {
//!         let (stream, _) = listener.accept().await?;
//!         tokio::spawn(async move {
//!             let mut ws = websocket::accept(stream).await?;
//!             while let Some(message) = ws.next().await? {
//!                 ws.send(message).await?; // the echo
//!             }
//!             Ok::<_, Error>(())
//!         });
//!     }
//! }
//!
//! async fn ask(url: &str) -> Result<(), Error> {
//!     let mut ws = websocket::connect(url).await?;
//!     ws.send("hello").await?;
//!     if let Some(message) = ws.next().await? {
//!         match message {
//!             Message::Text(text) => println!("{text}"),
//!             Message::Binary(bytes) => println!("{} bytes", bytes.len()),
//!         }
//!     }
//!     ws.close().await?;
//!     Ok(())
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! #     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! #     let url = format!("ws://{}/", listener.local_addr()?);
//! #     tokio::spawn(serve(listener));
//! #     ask(&url).await
//! # }
//! ```
//!
//! | you want | use |
//! |---|---|
//! | a client with headers, subprotocols, limits, certificates | [`Connector`] |
//! | a server that looks at the request first | [`Acceptor`] |
//! | a WebSocket on a stream that an HTTP server has upgraded | [`from_upgraded`] |
//! | to receive and send from two tasks | [`WebSocket::split`] |
//! | other limits and deadlines | [`Config`] |
//!
//! An idle connection holds 8 KiB to receive and send with. Both grow for large messages, and are given back afterwards. Every wait has a deadline: see
//! [`Config`]. `wss` needs the feature `rustls`.

mod acceptor;
mod assembly;
mod config;
mod connector;
mod error;
mod halves;
mod joint;
mod link;
mod message;
mod offer;
mod socket;

pub use self::{
    acceptor::Acceptor,
    config::Config,
    connector::Connector,
    error::{AcceptError, ConnectError, Error},
    halves::{Receiver, Sender},
    message::Message,
    offer::Offer,
    socket::{Closed, WebSocket},
};
pub use sansocket::{
    http::{HeadError, Request, Status, UrlError},
    ws::{CloseCode, HandshakeError, PeerError, RequestError, StateError, Timeout},
};

use self::{
    assembly::Memory,
    link::{Link, client, server},
    socket::Either,
};
use tokio::io::{AsyncRead, AsyncWrite};

/// Connects to a `ws` or `wss` URL. For headers, subprotocols, limits and certificates see [`Connector`].
///
/// ```no_run
/// use sansocket_tokio::websocket::{self, Message};
///
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let mut ws = websocket::connect("ws://127.0.0.1:3000/feed").await?;
/// ws.send("hello").await?;
/// while let Some(message) = ws.next().await? {
///     match message {
///         Message::Text(text) => println!("{text}"),
///         Message::Binary(bytes) => println!("{} bytes", bytes.len()),
///     }
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect(url: impl Into<String>) -> Result<WebSocket, ConnectError> {
    Connector::new(url).connect().await
}

/// Accepts a client on a fresh stream. To look at the request first, see [`Acceptor`].
///
/// # Errors
/// See [`AcceptError`].
pub async fn accept<S>(stream: S) -> Result<WebSocket, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Acceptor::new().accept(stream).await
}

/// Which end of a connection this program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has asked for the WebSocket.
    Client,
    /// It was asked.
    Server,
}

/// A WebSocket on a stream whose opening handshake was done elsewhere, by an HTTP server or client. Frames follow on it, without
/// extensions: [`Config::compression`] has no effect here.
///
/// ```
/// use sansocket_tokio::websocket::{self, Config, Message, Role};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (ours, theirs) = tokio::io::duplex(1024);
/// let mut client = websocket::from_upgraded(ours, Role::Client, &Config::new());
/// let mut server = websocket::from_upgraded(theirs, Role::Server, &Config::new());
/// server.send(vec![1, 2, 3]).await?;
/// assert_eq!(client.next().await?, Some(Message::from(vec![1, 2, 3])));
/// # Ok(()) }
/// ```
pub fn from_upgraded<S>(stream: S, role: Role, config: &Config) -> WebSocket
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match role {
        Role::Client => {
            let mut ws = client(Box::new(stream), config);
            ws.opened();
            WebSocket::new(Either::Client(Link::new(ws, Memory::new())), None)
        }
        Role::Server => {
            let mut ws = server(Box::new(stream), config);
            ws.opened();
            WebSocket::new(Either::Server(Link::new(ws, Memory::new())), None)
        }
    }
}
