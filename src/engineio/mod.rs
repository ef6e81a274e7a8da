//! Layer 3, Engine.IO v4: the connection that Socket.IO runs on. It carries messages over a WebSocket or over HTTP long-polling.
//!
//! This layer has the packets ([`Packet`]), the bodies of polling requests ([`Packets`], [`Payload`]), both ends of a connection with its heartbeat
//! ([`server::Session`], [`client::Session`]), and the upgrade from polling to a WebSocket ([`server::Probe`], [`client::Probe`]). [`server::route`]
//! tells what an HTTP request is for, and works with any HTTP server; a client's session works with any HTTP client. The layers above receive
//! [`Event`]s, and write through [`Sink`], so they do not depend on the transport.
//!
//! Source: the Engine.IO protocol, revision 4.
//!
//! ```
//! use sansocket::engineio::{Packet, Packets, PeerError, Reason, SendError, Sid, Sink, Transport};
//! use sansocket::{engineio::{Message, Server, server::{Config, Session}}, time::Instant, ws::{CloseCode, Out}};
//!
//! // A WebSocket message is one packet. The body of a POST is several packets, separated by 0x1e.
//! assert_eq!(Packet::parse_text(b"4hi"), Ok(Packet::Text(b"hi")));
//! let mut body = *b"3\x1e4hi\x1e9";
//! let packets: Vec<_> = Packets::new(&mut body).collect();
//! assert_eq!(packets, [Ok(Packet::Pong(b"")), Ok(Packet::Text(b"hi")), Err(PeerError::UnknownPacket)]);
//!
//! // An error ends the session. It has a WebSocket close code, and a reason for the application.
//! assert_eq!(PeerError::UnknownPacket.close_code(), CloseCode::PROTOCOL_ERROR);
//! assert_eq!(Reason::from(PeerError::UnknownPacket).as_str(), "parse error");
//!
//! // A function that sends, whatever the output is.
//! fn greet<O: Sink<Server>>(session: &Session, out: &mut O) -> Result<(), SendError> {
//!     session.send(Message::Text(b"hello"), out)
//! }
//! let sid = Sid::from_random([0; 15]); // take the bytes from a cryptographically secure generator
//! let session = Session::open_polling(sid, Config::new(), Instant::from_millis(0));
//! assert_eq!(session.transport(), Transport::Polling);
//! assert_eq!(session.sid().expose_bytes(), b"AAAAAAAAAAAAAAAAAAAA");
//! let mut queue = [0; 64];
//! let mut out = Out::stored(&mut queue);
//! greet(&session, &mut out)?;
//! assert_eq!(out.written(), b"\x81\x064hello");
//! # Ok::<(), SendError>(())
//! ```

pub mod client;
mod error;
mod event;
mod packet;
mod payload;
mod received;
pub mod server;
mod sid;
mod sink;
mod transport;

pub use error::SendError;
pub use event::{Event, Message, Reason};
pub use packet::{Packet, PeerError};
pub use payload::{MAX_PACKETS, Packets, Payload};
pub use sid::Sid;
pub(crate) use sink::Seeing;
pub use sink::Sink;
pub use transport::Transport;

pub use crate::ws::{Client, Server};
