//! Layer 5: complete connections. It combines the layers below by their public API.
//!
//! You bring sockets, memory and the clock. A [`ServerEnd`] is one client of a Socket.IO server, over any transport. It decides everything that is
//! protocol: what the application learns about each kind of ending, what is still sent before the end, how a session upgrades from polling to a
//! WebSocket, and how each request is answered. A [`ServerLink`] is the same without Socket.IO, for applications that use Engine.IO alone. [`judge`]
//! tells what to do with an HTTP request.
//!
//! Nothing allocates. A call that needs more memory changes nothing and returns [`Grow`].
//!
//! A session over polling, from the first request to the last:
//!
//! ```
//! use sansocket::endpoint::{Answer, Ask, FAREWELL_MS, Got, ServerEnd, Step, Todo, judge};
//! use sansocket::engineio::{self, Packets, Transport, server::{Config, Cors, Origins}};
//! use sansocket::socketio::{Collector, Namespace, Reason, Sid, server::Event};
//! use sansocket::{http::Method, time::Instant, ws::{Limits, Out}};
//!
//! const ROOT: Namespace = Namespace(0);
//! let now = Instant::from_millis(0);
//!
//! // A request without an id opens a session.
//! let ask = Ask { method: Method::Get, query: b"EIO=4&transport=polling", has_body: false, websocket: None };
//! assert_eq!(judge(&ask, &Cors::new(Origins::Own), |_| None), Todo::Open(Transport::Polling));
//! let secret = engineio::Sid::from_random([0; 15]);
//! let mut end = ServerEnd::open(Transport::Polling, secret, Config::new(), Limits::new(), ["/"], Vec::new(), now);
//! let mut queue = Vec::new(); // the packets that wait for the client
//! let mut collector = Collector::new(vec![0; 256]);
//!
//! // The first GET is answered with the open packet. `begin_get` is for the later ones.
//! let mut memory = vec![0; end.link().body_room(queue.len())];
//! let Got::Payload { len, .. } = end.link_mut().poll_get([&queue[..]].into_iter(), &mut memory)? else { panic!() };
//! let answer = Answer::Payload { body: &memory[..len], cookie: None };
//! assert!(answer.status() == 200 && !answer.closes() && answer.connection(true) == b"keep-alive");
//!
//! // A POST: the client asks for a namespace.
//! end.link_mut().begin_post(Some(b"text/plain;charset=UTF-8")).map_err(|_| "send the answer that it returned")?;
//! let mut body = *b"40";
//! let mut packets = Packets::new(&mut body);
//! loop {
//!     match end.poll_post(&mut packets, &mut collector, now)? {
//!         Step::Idle => break,
//!         Step::Event(Event::Connect { namespace, .. }, _) => {
//!             let mut memory = [0; 64];
//!             let mut out = Out::stored(&mut memory);
//!             end.io().accept(namespace, Sid::from_random([1; 15]), &mut out)?;
//!             queue.extend_from_slice(out.written());
//!         }
//!         _ => {}
//!     }
//! }
//! assert_eq!(end.link().posted(), Answer::Posted);
//!
//! // The next GET is answered at once, since a packet waits. Without a packet it would wait.
//! end.link_mut().begin_get(now).map_err(|_| "send the answer that it returned")?;
//! assert!(end.link().is_writable(false)); // volatile packets are sent only if a GET waits
//! let Got::Payload { taken, .. } = end.link_mut().poll_get([&queue[..]].into_iter(), &mut memory)? else { panic!() };
//! queue.drain(..taken);
//!
//! // Call `handle_timeout` at this time.
//! assert_eq!(end.poll_timeout(), Some(Instant::from_millis(25_000)));
//!
//! // The server closes the session. The next GET fetches the close packet. If none comes, the session is kept for a while.
//! end.close(Reason::ServerShuttingDown, now);
//! loop {
//!     match end.handle_timeout(now) {
//!         Step::Idle => break,
//!         Step::Closed(reason) => assert_eq!(reason, Reason::ServerShuttingDown),
//!         _ => {}
//!     }
//! }
//! assert!(end.link().is_over() && !end.link().is_gone() && end.fault().is_none() && end.link().fault().is_none());
//! let late = Instant::from_millis(FAREWELL_MS);
//! assert_eq!(end.link().poll_timeout(), Some(late));
//! end.handle_timeout(late);
//! assert!(end.link().is_gone());
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod answer;
pub mod client;
mod grow;
mod judge;
mod link;
mod post_body;
mod room;
mod server;
mod turn;
mod upgrade;

pub use answer::Answer;
pub use grow::{Grow, What};
pub use judge::{Ask, Todo, judge};
pub use link::{FAREWELL_MS, Got, ServerLink};
pub use post_body::PostBody;
pub use server::{ServerEnd, Step};
pub use turn::{Batch, Input};
pub use upgrade::Upgrade;
