//! The client's end of a complete connection: a [`ClientEnd`] over a [`WebSocketLink`] or a [`FullLink`].
//!
//! You bring sockets, memory, the clock and random numbers. A client decides everything else: when a line is opened and closed, which request goes
//! over it, when to connect again, which packets wait until they can be sent, and what the application learns about each ending. It does what the
//! JavaScript client does.
//!
//! This is a program over one WebSocket. `Network` stands for your sockets and your clock: `Network::open` opens a socket, with TLS if
//! [`Config::url`] says so, and `Network::wait` sleeps until bytes have come or it is time.
//!
//! ```
//! use sansocket::{
//!     endpoint::client::{ClientEnd, Config, Line, Memory, Step, WebSocketLink},
//!     socketio::{AckSlot, Collector, Namespace, client::{Event, SocketSlot}},
//!     ws::{Inbox, Outbox},
//! };
//! # use sansocket::{http::Url, time::Instant, ws::accept_key};
//! # /// A network with a server that says what is written here, and a clock that jumps.
//! # struct Network { now: u64, says: Vec<Vec<u8>>, received: Vec<u8> }
//! # impl Network {
//! #     fn new() -> Self {
//! #         let mut hello = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ".to_vec();
//! #         hello.extend_from_slice(&accept_key(b"BwcHBwcHBwcHBwcHBwcHBw==").unwrap());
//! #         hello.extend_from_slice(b"\r\n\r\n\x81\x430{\"sid\":\"a\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}");
//! #         let says = vec![b"\x81\x0f421[\"question\"]".to_vec(), b"\x81\x0d40{\"sid\":\"b\"}".to_vec(), hello];
//! #         Self { now: 0, says, received: Vec::new() }
//! #     }
//! #     fn now(&self) -> Instant { Instant::from_millis(self.now) }
//! #     fn open(&self, _: &Url<'_>) -> Result<(), ()> { if self.now == 0 { Err(()) } else { Ok(()) } }
//! #     fn nonce(&self) -> [u8; 16] { [7; 16] }
//! #     fn close(&mut self) {}
//! #     fn write(&mut self, bytes: &[u8]) -> usize { self.received.extend_from_slice(bytes); bytes.len() }
//! #     fn wait(&mut self, space: &mut [u8], until: Option<Instant>) -> Option<usize> {
//! #         if self.received.is_empty() { self.now = until.unwrap().as_millis(); return None }
//! #         let Some(bytes) = self.says.pop() else { self.now = until.unwrap().as_millis(); return None };
//! #         space[..bytes.len()].copy_from_slice(&bytes);
//! #         Some(bytes.len())
//! #     }
//! # }
//!
//! const ROOT: Namespace = Namespace(0);
//!
//! fn run(network: &mut Network) -> Result<(), Box<dyn core::error::Error>> {
//!     let config = Config::parse("ws://example.org")?;
//!     let memory = Memory { acks: [AckSlot::EMPTY; 4], sockets: [SocketSlot::EMPTY; 1], backlog: [0; 256] };
//!     let mut client = ClientEnd::new(WebSocketLink::new(&config), ["/"], memory, 1);
//!     let mut inbox = Inbox::new([0; 1024]);
//!     let mut outbox = Outbox::with_keys([0; 512], || [0; 4]); // keys from a cryptographically secure generator
//!     let mut files = Collector::new([0; 0]); // there are none
//!
//!     client.connect(ROOT, network.now())?;
//!     client.emit(ROOT, "hello", &"server")?; // waits until the namespace is connected
//!     loop {
//!         let now = network.now();
//!         let step = match client.poll(Line::WebSocket, &mut inbox, &mut files, now)? {
//!             Step::Idle => client.handle_timeout(now),
//!             step => step,
//!         };
//!         match step {
//!             // The application.
//!             Step::Event(Event::Connected { .. }, _) => println!("connected"),
//!             Step::Event(Event::Event(e), _) if e.is("question") => {
//!                 if let Some(request) = e.ack {
//!                     client.ack(request, &42)?;
//!                     client.close();
//!                 }
//!             }
//!             Step::Failed { failure, retry, .. } => println!("{failure}; the next attempt is at {retry:?}"),
//!             Step::Over(_) => return Ok(()),
//!             // The host.
//!             Step::Open(line) => match network.open(config.url()) {
//!                 Ok(()) => client.opened(line, &mut inbox, &mut outbox, network.nonce()),
//!                 Err(()) => client.handle_error(line, now),
//!             },
//!             Step::Close(_) => {
//!                 network.write(outbox.written());
//!                 network.close();
//!             }
//!             Step::Idle => {
//!                 client.transmit(Line::WebSocket, &mut outbox, now)?;
//!                 if !outbox.is_empty() {
//!                     let n = network.write(outbox.written());
//!                     outbox.consume(n);
//!                     continue; // what had no room in the outbox
//!                 }
//!                 match network.wait(inbox.space()?, client.poll_timeout()) {
//!                     None => {} // it is time
//!                     Some(0) => client.handle_eof(Line::WebSocket, now),
//!                     Some(n) => inbox.commit(n),
//!                 }
//!             }
//!             Step::Again | Step::Auth(_) | Step::Event(..) => {}
//!         }
//!     }
//! }
//!
//! let mut network = Network::new();
//! run(&mut network)?;
//! let text = String::from_utf8_lossy(&network.received);
//! assert!(text.starts_with("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"));
//! for packet in ["40", "42[\"hello\",\"server\"]", "431[42]", "41"] {
//!     assert!(text.contains(packet), "{packet}");
//! }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Polling and WebSocket
//! A [`FullLink`] has three lines, of which each has a socket, an inbox and an outbox. The loop is the same, over the lines. Here the sockets do not
//! block, and the memory grows.
//!
//! ```
//! # use sansocket::{endpoint::{Grow, What, client::{ClientEnd, FullLink, Line, Step}}, socketio::{AckSlot, Collector, client::SocketSlot}};
//! # use sansocket::{time::Instant, ws::{Inbox, Outbox}};
//! # use std::{io::{ErrorKind, Read, Write}, net::TcpStream};
//! # fn random<const N: usize>() -> [u8; N] { [7; N] }
//! # fn connect() -> std::io::Result<TcpStream> { Err(ErrorKind::ConnectionRefused.into()) }
//! type Client<'c> = ClientEnd<FullLink<'c>, [&'static str; 1], [AckSlot; 4], [SocketSlot; 1], [u8; 1024]>;
//!
//! struct Wire {
//!     socket: Option<TcpStream>,
//!     inbox: Inbox<Vec<u8>>, // 4 KiB at first
//!     outbox: Outbox<Vec<u8>, fn() -> [u8; 4]>,
//! }
//!
//! /// Does everything that does not have to wait. Then wait until a socket is ready, or for `poll_timeout`. `app` is told the events.
//! fn turn(
//!     client: &mut Client<'_>,
//!     wires: &mut [Wire; Line::COUNT],
//!     files: &mut Collector<Vec<u8>>,
//!     now: Instant,
//!     app: &mut impl FnMut(&mut Client<'_>, Step<'_>),
//! ) {
//!     // 1. What was received, line by line, and at last what is due by time.
//!     let mut lines = Line::ALL.into_iter();
//!     let mut line = lines.next();
//!     loop {
//!         let step = match line {
//!             Some(line) => client.poll(line, &mut wires[line as usize].inbox, files, now),
//!             None => Ok(client.handle_timeout(now)),
//!         };
//!         match (step, line) {
//!             (Ok(Step::Idle), None) => break,
//!             (Ok(Step::Idle), Some(_)) => line = lines.next(),
//!             (Ok(Step::Open(line)), _) => {
//!                 let wire = &mut wires[line as usize];
//!                 wire.socket = connect().ok(); // to `Config::url`, and made non-blocking
//!                 match wire.socket {
//!                     Some(_) => client.opened(line, &mut wire.inbox, &mut wire.outbox, random()),
//!                     None => client.handle_error(line, now),
//!                 }
//!             }
//!             (Ok(Step::Close(line)), _) => {
//!                 let wire = &mut wires[line as usize];
//!                 if let Some(mut socket) = wire.socket.take() {
//!                     let _ = socket.write(wire.outbox.written()); // better: all of it, in 2 s at most
//!                 }
//!             }
//!             (Ok(step), _) => app(client, step),
//!             (Err(Grow { what: What::Collector, to }), _) => drop(files.replace(vec![0; to])),
//!             (Err(Grow { to, .. }), Some(line)) => drop(wires[line as usize].inbox.replace(vec![0; to])),
//!             (Err(_), None) => {}
//!         }
//!     }
//!     // 2. Write as much as the sockets take. Then read once: what has come is handled before the next read.
//!     for line in Line::ALL {
//!         let wire = &mut wires[line as usize];
//!         let Some(socket) = &mut wire.socket else { continue };
//!         let result = loop {
//!             while let Err(grow) = client.transmit(line, &mut wire.outbox, now) {
//!                 let _ = wire.outbox.replace(vec![0; grow.to]);
//!             }
//!             if wire.outbox.is_empty() {
//!                 let Ok(space) = wire.inbox.space() else { break Ok(None) };
//!                 break socket.read(space).map(Some);
//!             }
//!             match socket.write(wire.outbox.written()) {
//!                 Ok(n) => wire.outbox.consume(n),
//!                 Err(e) => break Err(e),
//!             }
//!         };
//!         match result {
//!             Ok(None) => {} // the inbox is full; `poll` says how much it needs
//!             Ok(Some(0)) => client.handle_eof(line, now),
//!             Ok(Some(n)) => wire.inbox.commit(n),
//!             Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
//!             Err(_) => {
//!                 wire.socket = None;
//!                 client.handle_error(line, now);
//!             }
//!         }
//!     }
//! }
//! # use sansocket::endpoint::client::{Config, Memory};
//! # let config = Config::parse("http://example.org").unwrap();
//! # let memory = Memory { acks: [AckSlot::EMPTY; 4], sockets: [SocketSlot::EMPTY; 1], backlog: [0; 1024] };
//! # let mut client = ClientEnd::new(FullLink::new(&config), ["/"], memory, 1);
//! # let wire = |_| Wire { socket: None, inbox: Inbox::new(vec![0; 4096]), outbox: Outbox::with_keys(Vec::new(), random as fn() -> [u8; 4]) };
//! # let (mut wires, mut files, mut told) = ([0, 1, 2].map(wire), Collector::new(Vec::new()), Vec::new());
//! # let now = Instant::from_millis(0);
//! # client.connect(sansocket::socketio::Namespace(0), now).unwrap();
//! # turn(&mut client, &mut wires, &mut files, now, &mut |_, step| told.push(format!("{step:?}")));
//! # assert!(told.iter().any(|t| t.contains("Unreachable")), "{told:?}");
//! ```
//!
//! # Endings
//! The events about a connection come in this order: [`Step::Failed`], unless this end closed it; `Disconnected` for each namespace that was
//! connected; `AckFailed` for each acknowledgement that cannot arrive any more. Then the client waits and connects again while a namespace is
//! [wanted](crate::socketio::client::Session::is_wanted); or it returns [`Step::Over`].
//!
//! | what happened | the namespace is still wanted | it connects again |
//! |---|---|---|
//! | the network, a ping timeout, the server closed the connection or broke a protocol | yes | yes, until [`Backoff::limit`](crate::socketio::client::Backoff::limit) |
//! | no attempt is left ([`Over::GaveUp`]) | yes | when [`connect`](ClientEnd::connect) is called |
//! | the server refused or removed the client | no | when `connect` is called |
//! | [`disconnect`](ClientEnd::disconnect), [`close`](ClientEnd::close) | no | when `connect` is called |
//!
//! # What waits, and what is lost
//! Each packet waits in the backlog until it is written into an outbox. What was written when a connection is lost may or may not have arrived; its
//! acknowledgement fails. What waits stays, and is sent after the next CONNECT in its order, except what belonged to that connection: volatile
//! events, and acknowledgements for the server. An event with [retries](Emit::retry) stays until the server has acknowledged it, unless
//! [`WhenFull::DropOldest`] drops it while it waits.

mod backlog;
mod config;
mod emit;
mod end;
mod exchange;
mod failure;
mod full;
mod life;
mod link;
mod manager;
mod receive;
mod refusal;
mod request;
mod send;
mod socket;
mod source;
mod step;
mod transmit;
mod websocket;

pub use backlog::WhenFull;
pub use config::Config;
pub use emit::Emit;
pub use end::ClientEnd;
pub use failure::Failure;
pub use full::FullLink;
pub use link::{Line, Link, Seen, Task};
pub use step::{Memory, Over, Step};
pub use websocket::WebSocketLink;
