//! Drivers: which one, what it needs, what to know before you use it.
//!
//! A driver (module [`drive`](crate::drive)) is a machine with a transport and a clock. It reads, writes and waits, so your program does not. What the machines
//! promise holds for drivers too: no allocation, no task of its own, no panic, and what the peer sends never costs more than the memory that you lend.
//!
//! | you want | use |
//! |---|---|
//! | a WebSocket, either end | [`drive::WebSocket`](crate::drive::WebSocket) |
//! | to receive and send from two tasks | its halves: [`WebSocket::split`](crate::drive::WebSocket::split) |
//! | a Socket.IO client | [`drive::Client`](crate::drive::Client) |
//! | a Socket.IO server for one client at a time, on a board | [`drive::Server`](crate::drive::Server) |
//! | the same without `async` | [`drive::blocking`](crate::drive::blocking) |
//! | many clients, rooms, polling | the package `sansocket-tokio`; or [`endpoint`](crate::endpoint), with a loop of your own |
//!
//! Each of them compresses messages if you ask for it (permessage-deflate), in memory that you lend: `with_compression` of
//! [`WebSocket`](crate::drive::WebSocket::with_compression), [`Client`](crate::drive::Client::with_compression) and
//! [`Server`](crate::drive::Server::with_compression).
//!
//! # Transport and clock
//!
//! A transport has two functions, `read` and `write` ([`Receive`](crate::drive::Receive), [`Transmit`](crate::drive::Transmit)). Wrap what you have:
//!
//! | you have | wrap it in | clock |
//! |---|---|---|
//! | a stream of Tokio, plain or TLS | `drive::tokio::Stream` | `drive::tokio::Clock` |
//! | embassy-net, or anything with the traits of embedded-io-async 0.7 | [`drive::io_0_7::Async`](crate::drive::io_0_7::Async) | `drive::embassy::Clock`, or your [`Timer`](crate::drive::Timer) |
//! | `std::net` | `drive::blocking::Stream` | `drive::blocking::Clock` |
//! | a blocking driver with the traits of embedded-io 0.7 | [`Blocking`](crate::drive::io_0_7::Blocking), [`Polled`](crate::drive::io_0_7::Polled) | [`FnClock`](crate::drive::blocking::FnClock) |
//!
//! The traits of embedded-io are in a module that is named by their version. A later version gets another module beside it.
//!
//! # A WebSocket, both ends, on Tokio
//!
//! ```
//! use sansocket::{drive::{WebSocket, tokio::{Clock, Stream}}, http::Url, ws::Incoming};
//! use tokio::net::{TcpListener, TcpStream};
//! # type Error = Box<dyn core::error::Error + Send + Sync>;
//!
//! async fn echo(stream: TcpStream) -> Result<(), Error> {
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
//! async fn ask(url: &str) -> Result<(), Error> {
//!     let url = Url::parse(url)?;
//!     let stream = TcpStream::connect((url.host(), url.port())).await?;
//!     let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
//!     let mut ws = WebSocket::client(Stream::tcp(stream)?, Clock::new(), random, [0; 4096], [0; 4096]);
//!     ws.connect(&url).await?;
//!     ws.send_text("hello").await?;
//!     Ok(println!("{:?}", ws.next().await?))
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! #     let listener = TcpListener::bind("127.0.0.1:0").await?;
//! #     let url = format!("ws://{}/", listener.local_addr()?);
//! #     tokio::spawn(async move { echo(listener.accept().await?.0).await });
//! #     ask(&url).await
//! # }
//! ```
//!
//! # A Socket.IO client on Tokio
//!
//! ```
//! use sansocket::{drive::{Client, ClientMemory, tokio::{Clock, Stream}}, endpoint::client::{Config, Step}};
//! use sansocket::socketio::{AckSlot, Namespace, client::{Event, SocketSlot}};
//!
//! async fn run(url: &str) -> Result<(), Box<dyn core::error::Error>> {
//!     let (config, root) = (Config::parse(url)?, Namespace(0));
//!     let server = (config.url().host(), config.url().port());
//!     let dial = || async move { tokio::net::TcpStream::connect(server).await.and_then(Stream::tcp) };
//!     let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
//!     let memory = ClientMemory { rx: &mut [0; 4096], tx: &mut [0; 4096], files: &mut [], backlog: &mut [0; 2048],
//!         acks: &mut [AckSlot::EMPTY; 4], sockets: &mut [SocketSlot::EMPTY; 1], attempt: core::pin::pin!(None) };
//!     let mut client = Client::new(&config, &["/"], memory, dial, Clock::new(), random);
//!     client.connect(root)?;
//!     client.io().emit(root, "hello", &"from Rust")?; // it waits until the namespace is connected
//!     loop {
//!         match client.next().await? {
//!             (Step::Event(Event::Event(e), _), io) if e.is("question") => {
//!                 if let Some(request) = e.ack { io.ack(request, &42)? }
//!             }
//!             (Step::Event(event, _), _) => println!("{event:?}"),
//!             (Step::Failed { failure, .. }, _) => println!("{failure}"),
//!             (Step::Over(_), _) => return Ok(()),
//!             _ => {}
//!         }
//! #       if client.io().end().held() > 0 { client.io().close() }
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { run("http://127.0.0.1:1").await.unwrap() }
//! ```
//!
//! # One program for Tokio and for a board
//!
//! This Socket.IO client sends a reading each second and answers questions. It knows neither Tokio nor embassy. `examples/reading` runs this text on Tokio and
//! compiles it for Cortex-M and RISC-V with embassy.
//!
//! ```
//! // reading.rs
//! use core::{fmt::Arguments, future::Future, pin::pin};
//! use sansocket::{
//!     drive::{Client, ClientMemory, Timer, Transport},
//!     endpoint::{
//!         Grow,
//!         client::{Config, Emit, Step},
//!     },
//!     socketio::{
//!         AckSlot, Namespace,
//!         client::{Event, SocketSlot},
//!     },
//! };
//!
//! const ROOT: Namespace = Namespace(0);
//!
//! /// Sends a reading each second, and answers questions with the latest one.
//! pub async fn run<T: Transport, E, A: Future<Output = Result<T, E>>>(
//!     config: &Config<'_>,
//!     dial: impl FnMut() -> A,
//!     clock: impl Timer,
//!     random: impl FnMut(&mut [u8]),
//!     mut log: impl FnMut(Arguments<'_>),
//! ) -> Result<(), Grow> {
//!     let attempt = pin!(None);
//!     let memory = ClientMemory {
//!         rx: &mut [0; 1024],
//!         tx: &mut [0; 512],
//!         files: &mut [],
//!         acks: &mut [AckSlot::EMPTY; 4],
//!         sockets: &mut [SocketSlot::EMPTY; 1],
//!         backlog: &mut [0; 512],
//!         attempt,
//!     };
//!     let mut client = Client::new(config, &["/"], memory, dial, clock, random);
//!     client.connect(ROOT).expect("there is one slot for one namespace");
//!     let (mut number, mut due) = (0_u32, client.io().now());
//!     loop {
//!         match client.next_until(due).await? {
//!             None => {
//!                 number += 1;
//!                 due = client.io().now().after_millis(1000);
//!                 let asked = Emit::new().ask(number, Some(due.after_millis(5000)));
//!                 // Without room, since the server was away for long, this reading is left out.
//!                 if client.io().emit_with(ROOT, "reading", &number, asked).is_err() {
//!                     log(format_args!("reading {number} left out"));
//!                 }
//!             }
//!             Some((Step::Event(Event::Event(e), _), io)) if e.is("question") => {
//!                 if let Some(request) = e.ack {
//!                     let sent = io.ack(request, &number).is_ok();
//!                     log(format_args!("question answered: {sent}"));
//!                 }
//!             }
//!             Some((Step::Event(Event::Connected { .. }, _), _)) => log(format_args!("connected")),
//!             Some((Step::Event(Event::Ack(ack), _), _)) => log(format_args!("reading {:?} arrived", ack.token)),
//!             Some((Step::Failed { failure, .. }, _)) => log(format_args!("{failure}")),
//!             Some((Step::Over(why), _)) => {
//!                 log(format_args!("over: {why:?}"));
//!                 return Ok(());
//!             }
//!             Some(_) => {}
//!         }
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! On Tokio:
//!
//! ```no_run
//! # mod reading { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/reading/src/reading.rs")); }
//! use sansocket::{drive::tokio::{Clock, Stream}, endpoint::client::Config};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn core::error::Error>> {
//! let config = Config::parse("http://127.0.0.1:3000")?;
//! let url = config.url();
//! let dial = async || tokio::net::TcpStream::connect((url.host(), url.port())).await.and_then(Stream::tcp);
//! let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
//! reading::run(&config, dial, Clock::new(), random, |line| println!("{line}")).await?;
//! # Ok(()) }
//! ```
//!
//! # Being in a call
//!
//! A driver works while you await one of its calls. Heartbeats, pongs and what waits to be sent flow in `next`. So be in `next` whenever there is nothing
//! else to do, beside your other work:
//!
//! - `select!` of `next` and whatever else can happen. Each future of a driver may be dropped at each await point, so `select!` loses nothing.
//! - `next_until` of the Socket.IO client: `next` with a time of your own.
//! - The halves, if one task must send while another is busy with a message.
//!
//! # What a message borrows
//!
//! Messages and events are lent from the receive memory. While you hold one, the driver itself is borrowed, so `next` returns the rest of it beside the message:
//! [`Reply`](crate::drive::Reply), [`Io`](crate::drive::Io), [`ServerIo`](crate::drive::ServerIo), with all that sends. Nothing is copied. The next call of
//! the driver ends the loan.
//!
//! # Cancel safety
//!
//! The state of a driver lies in the driver, never in a future. It changes in the same poll in which the transport has read or written. A frame enters the send
//! memory whole, or not at all. So a future that is dropped leaves nothing behind but what its documentation says: a message that was not accepted is not sent,
//! and one that was accepted is sent by the next call. `tests/drive_cancel*.rs` drops every call at every await point, over transports that give and take one byte
//! at a time.
//!
//! This holds as far as the transport keeps it: `read` and `write` may lose nothing when they are dropped. Sockets of Tokio and of embassy-net keep it. A receiver
//! with DMA into the memory of the call does not, and TLS on a board (`embedded-tls`) does not either: see `examples/tls` for a way around.
//!
//! # Deadlines
//!
//! Every call ends. A peer that takes nothing ends it after the time for writing (20 s), one that is silent after the time for its pong or its bytes, one that
//! does not close after the time for closing. [`Deadlines`](crate::drive::Deadlines) sets them. A single transport does one thing at a time: what waits is written
//! before more is read. Back-pressure reaches you in `send` and `feed`, which wait while the send memory has no room.
//!
//! # Connecting again
//!
//! The Socket.IO client connects again by itself, with the function that you gave it. Its session, its memory and what waits survive; the old transport is
//! dropped before the function is called, so one socket is enough. For a WebSocket call [`renew`](crate::drive::WebSocket::renew) with the new transport: memory
//! and settings stay.
//!
//! # Sizes
//!
//! No future holds a buffer. Bytes, with a transport and a clock that hold nothing; `tests/drive_sizes.rs` has the limits for 64 bits, and `.ci/bare-metal`
//! prints those of a board:
//!
//! | of a WebSocket | 64 bits | 32 bits |
//! |---|---|---|
//! | the driver, without the memory that you lend | 520 | 464 |
//! | the future of `next`, `send`, `feed` | 168 | 144 |
//! | of `flush`, `close` | 152, 184 | 136, 152 |
//! | of `connect`, `accept` | 240, 248 | 168, 176 |
//!
//! The futures of the halves take 400 to 600 bytes, those of the Socket.IO client 360 (`next`; 288 on a board), and the client 1,088 (872).
//! The README has the flash of firmware with drivers.
