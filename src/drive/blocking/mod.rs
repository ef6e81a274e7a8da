//! The drivers for programs that block: one thread a connection, or one connection on a board without an executor.
//!
//! Each type here is the driver of the same name one module up, and each call of it waits until that driver's future is done. Memory, deadlines, errors
//! and what they leave behind are the same; the protocol is written once. A call that [`WebSocket`] and [`Reply`] lack is done by [`wait`].
//!
//! # The transport and the clock
//! A driver waits in its transport. So the transport must come back by itself:
//!
//! - `Stream` (feature `std`) wraps what has `std::io::Read` and `Write`, with a read and a write timeout. `Clock` is the clock to it.
//! - [`Blocking`](super::io_0_7::Blocking) wraps what has the traits of embedded-io 0.7. A call of it takes a limited time too.
//! - [`Polled`](super::io_0_7::Polled) wraps what tells whether it is ready. Between two questions the clock waits: see [`FnClock::with_pause`].
//!
//! A deadline is kept as exactly as the time is short for which a call of the transport may block.
//!
//! # A Socket.IO client
//! [`Client`](super::Client) has no type of its own here: [`wait`] runs its futures. Its dialer blocks too, so give it a time limit. Else an attempt takes as
//! long as the system tries, whatever [`Config::open_timeout`](crate::endpoint::client::Config::open_timeout) says.
#![cfg_attr(feature = "std", doc = "```no_run")]
#![cfg_attr(not(feature = "std"), doc = "```ignore")]
//! use sansocket::{
//!     drive::{Client, ClientMemory, blocking::{Clock, Stream, wait}},
//!     endpoint::client::{Config, Step},
//!     socketio::{AckSlot, Namespace, client::SocketSlot},
//! };
//! use std::{net::{SocketAddr, TcpStream}, pin::pin, time::Duration};
//!
//! const ROOT: Namespace = Namespace(0);
//!
//! let config = Config::parse("ws://127.0.0.1:3000")?;
//! let address = SocketAddr::from(([127, 0, 0, 1], 3000));
//! let dial = async || Stream::tcp(TcpStream::connect_timeout(&address, Duration::from_secs(5))?);
//! let memory = ClientMemory {
//!     rx: &mut [0; 1024], tx: &mut [0; 1024], files: &mut [], backlog: &mut [0; 1024],
//!     acks: &mut [AckSlot::EMPTY; 2], sockets: &mut [SocketSlot::EMPTY; 1], attempt: pin!(None),
//! };
//! let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
//! let mut client = Client::new(&config, &["/"], memory, dial, Clock::new(), random);
//! client.connect(ROOT)?;
//! client.io().emit(ROOT, "hello", &"from a thread")?;
//! loop {
//!     match wait(client.next())? {
//!         (Step::Over(_), _) => break,
//!         (step, _) => println!("{step:?}"),
//!     }
//! }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # A server
#![cfg_attr(feature = "std", doc = "```")]
#![cfg_attr(not(feature = "std"), doc = "```ignore")]
//! use sansocket::{drive::blocking::{Clock, Stream, WebSocket}, http::Url, ws::{CloseCode, Incoming}};
//! use std::{error::Error, net::{TcpListener, TcpStream}, thread};
//!
//! /// Sends each message back, until the client closes.
//! fn serve(socket: TcpStream) -> Result<(), Box<dyn Error + Send + Sync>> {
//!     let mut ws = WebSocket::server(Stream::tcp(socket)?, Clock::new(), [0; 4096], [0; 4096]);
//!     ws.accept()?;
//!     while let Some((incoming, mut reply)) = ws.next()? {
//!         if let Incoming::Message(message) = incoming {
//!             reply.send(message.kind(), message.as_bytes())?;
//!         }
//!     }
//!     Ok(())
//! }
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//! let server = thread::spawn(move || serve(listener.accept()?.0));
//!
//! let text = format!("ws://{address}/");
//! let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
//! let mut ws = WebSocket::client(Stream::tcp(TcpStream::connect(address)?)?, Clock::new(), random, [0; 4096], [0; 4096]);
//! ws.connect(&Url::parse(&text)?)?;
//! ws.send_text("hello")?;
//! let Some((Incoming::Message(message), _)) = ws.next()? else { panic!() };
//! assert_eq!(message.as_bytes(), b"hello");
//! assert!(ws.close(CloseCode::NORMAL, "")?.is_clean);
//! # server.join().map_err(|_| "the server")??;
//! # Ok::<(), Box<dyn Error + Send + Sync>>(())
//! ```

mod clock;
mod reply;
mod server;
#[cfg(feature = "std")]
mod std;
mod websocket;

#[cfg(feature = "std")]
pub use self::std::{Clock, Stream};
pub use self::{
    clock::FnClock,
    reply::Reply,
    server::{Server, ServerIo},
    websocket::WebSocket,
};

use core::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// Runs the future of a driver whose transport and clock block, and returns its result.
///
/// The future is polled again and again until it is done. While nothing is there it must block in its transport or its clock, else this keeps the processor
/// busy. Do not run a future of an async runtime with it: nothing would drive the runtime.
///
/// ```
/// use sansocket::drive::blocking::wait;
///
/// assert_eq!(wait(async { 2 + 2 }), 4);
/// ```
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
    }
}
