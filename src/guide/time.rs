//! Time and randomness: both are arguments.
//!
//! # The clock
//!
//! [`Instant`](crate::time::Instant) counts milliseconds since a moment of your choice: the start of the program, or the boot of the board. Use
//! a clock that never runs backwards (`std::time::Instant`, a timer interrupt), not the time of day.
//!
//! - `poll_timeout` gives the next moment at which a machine has something to do. The earliest of all machines is how long you may wait for
//!   bytes.
//! - `handle_timeout(now)` tells a machine what time it is. Call it until it returns `None`. Calling it early, late or twice does no harm: a
//!   deadline that has passed stays due until it is handled.
//! - Deadlines are checked when you call, so their precision is that of your loop.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sansocket::{
//!     engineio::{Event, Reason, Sid, server::{Config, Session}},
//!     time::Instant,
//!     ws,
//! };
//!
//! /// The clock of a program on `std`.
//! struct Clock(std::time::Instant);
//!
//! impl Clock {
//!     fn now(&self) -> Instant {
//!         Instant::from_millis(self.0.elapsed().as_millis() as u64)
//!     }
//! }
//! let clock = Clock(std::time::Instant::now());
//! assert!(clock.now() < Instant::from_millis(60_000));
//!
//! // Here time is made up: an hour passes in no time.
//! let mut now = Instant::from_millis(0);
//! let ws = ws::Connection::server(ws::Limits::new());
//! let mut engine = Session::open(Sid::from_random([1; 15]), Config::new(), now);
//! let mut tx = [0; 256];
//! let mut out = ws.out(&mut tx);
//! while engine.poll_transmit(&mut out)? {}
//! out.clear();
//!
//! // The client answers nothing: a ping after 25 s, the end 20 s later.
//! let mut closed = None;
//! while let Some(due) = engine.poll_timeout() {
//!     now = due;
//!     while let Some(event) = engine.handle_timeout(now) {
//!         if let Event::Closed(reason) = event {
//!             closed = Some(reason);
//!         }
//!     }
//!     while engine.poll_transmit(&mut out)? {}
//! }
//! assert_eq!((closed, now), (Some(Reason::PingTimeout), Instant::from_millis(45_000)));
//! assert_eq!(out.written(), b"\x81\x012", "one ping");
//! # Ok(()) }
//! ```
//!
//! # Which machine has which deadline
//!
//! - [`ws::KeepAlive`](crate::ws::KeepAlive): handshake 10 s, a ping every 30 s, its pong 20 s, the peer's close frame 10 s, silence off.
//! - [`engineio::server::Session`](crate::engineio::server::Session): a ping 25 s after the last answer, its answer 20 s.
//! - [`engineio::server::Probe`](crate::engineio::server::Probe): the upgrade to a WebSocket 10 s.
//! - [`socketio::server::Session`](crate::socketio::server::Session): the first namespace, as you say (45 s in the JavaScript server); each
//!   expected acknowledgement, as you say.
//!
//! A plain WebSocket has no deadlines unless you put a `KeepAlive` beside it. Engine.IO has a heartbeat of its own, so it needs none. Writing
//! has no deadline inside the crate at all: limit how long a write may take.
//!
//! # Randomness
//!
//! Draw these from the operating system or from a hardware generator that is meant for secrets. Nothing here may be predictable.
//!
//! - **Masking key**, 4 bytes for each frame of a client: a [`MaskSource`](crate::ws::MaskSource), such as a closure, is asked for it. If a
//!   page can predict it, that page can write chosen bytes onto the wire (RFC 6455 section 10.3).
//! - **Nonce**, 16 bytes for each connection of a client: it proves that the answer belongs to this request.
//! - **Engine.IO id**, 15 bytes for each session: a secret. Who knows it can speak for the session.
//! - **Socket.IO id**, 15 bytes for each namespace that a client joins: public. Never the same bytes as the Engine.IO id.
//! - **Key of [`Rooms`](crate::socketio::server::rooms::Rooms)**, 16 bytes once: strangers choose the names of rooms; without a key they could
//!   make all of them collide.
//!
//! In a test, use fixed bytes: a run is then a pure function of its input and can be repeated exactly.
