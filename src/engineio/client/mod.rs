//! The client's end of Engine.IO: a [`Session`] over a WebSocket or over polling, and the upgrade from one to the other ([`Probe`]).
//!
//! Over polling a session is plain data: it says which requests to make ([`Session::poll_request`]), makes their queries and bodies, and reads the
//! bodies of their answers. So it works with any HTTP client. The messages to be sent come from a queue of yours ([`Source`]).
//!
//! ```
//! use sansocket::engineio::{Event, Packets, Reason, Transport, client::{Config, Fault, Id, Probe, Request, Session}};
//! use sansocket::{bytes::Writer, time::Instant};
//!
//! let now = Instant::from_millis(0);
//! let config = Config::new().open_timeout(5000);
//!
//! // No open packet in time. A session that was not open has only its last event, and a fault that says why.
//! let mut engine = Session::open(Transport::WebSocket, &config, now);
//! assert_eq!((engine.poll_timeout(), engine.timeout_reason()), (Some(Instant::from_millis(5000)), "open packet"));
//! assert_eq!(engine.handle_timeout(Instant::from_millis(5000)), Some(Event::Closed(Reason::TransportError)));
//! assert!(engine.is_closed() && engine.id().is_none());
//! assert_eq!(engine.fault(), Some(Fault::OpenTimeout));
//! assert_eq!(Fault::OpenTimeout.to_string(), "no open packet in time");
//!
//! // The socket ended, or failed.
//! let (mut ended, mut failed) = (Session::open(Transport::WebSocket, &config, now), Session::open(Transport::WebSocket, &config, now));
//! ended.handle_eof();
//! failed.handle_error();
//! assert_eq!(ended.handle_timeout(now), Some(Event::Closed(Reason::TransportClose)));
//! assert_eq!(failed.handle_timeout(now), Some(Event::Closed(Reason::TransportError)));
//!
//! // A server that does not speak Engine.IO 4 answers the first GET like this.
//! let mut engine = Session::open(Transport::Polling, &config, now);
//! engine.begin_get();
//! engine.fail_request(Some(400), br#"{"code":5,"message":"Unsupported protocol version"}"#);
//! assert_eq!(engine.fault(), Some(Fault::Version3));
//!
//! // A session over polling that cannot upgrade: a proxy refused the WebSocket. Polling goes on.
//! let mut engine = Session::open(Transport::Polling, &config, now);
//! let mut body = *br#"0{"sid":"/?","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}"#;
//! let mut packets = Packets::new(&mut body);
//! let event = engine.poll_packets_with(&mut packets, now, |packet| println!("received {packet:?}"));
//! assert_eq!(event, Some(Event::Opened));
//! let mut probe = Probe::begin(&mut engine, now);
//! assert_eq!(probe.poll_timeout(), Some(Instant::from_millis(5000)));
//! probe.fail(&mut engine);
//! assert!(engine.is_writable() && !engine.can_upgrade());
//! assert_eq!(engine.poll_request(false), Some(Request::Get));
//!
//! // The id is a secret that the server chose. In a query it is percent-encoded.
//! assert_eq!(engine.id().map(Id::as_bytes), Some(&b"/?"[..]));
//! let mut memory = [0; 64];
//! let mut query = Writer::new(&mut memory);
//! engine.write_query(Transport::WebSocket, "", &mut query);
//! assert_eq!(query.finish()?, b"EIO=4&transport=websocket&sid=%2F%3F");
//! # Ok::<(), sansocket::bytes::Capacity>(())
//! ```

mod config;
mod fault;
mod id;
mod open;
mod probe;
mod session;
mod source;

pub use config::Config;
pub use fault::Fault;
pub use id::Id;
pub use probe::{Probe, Probed};
pub(crate) use session::write_query;
pub use session::{Request, Session};
pub use source::Source;
