//! Layer 4, Socket.IO v5: namespaces, events with attachments, acknowledgements, rooms.
//!
//! [`server::Session`] is the server's end of one connection. It turns each Engine.IO event into exactly one [`server::Event`], and writes the
//! packets that the application sends. [`server::broadcast`] writes an event once for many receivers, and [`server::rooms::Rooms`] selects them. A
//! [`Queue`] holds the packets that wait for one receiver, a [`Collector`] joins events with their attachments, and [`Handlers`] finds the handlers
//! of an event.
//!
//! [`client::Session`] is the client's end. It joins several namespaces over one link, and again over the next one. [`client::Backoff`] says when to
//! connect again.
//!
//! This layer uses Engine.IO's events and outputs ([`Sink`](crate::engineio::Sink)). It does not depend on the transport.
//!
//! Source: the Socket.IO protocol, revision 5.
//!
//! ```
//! use sansocket::engineio::{self, Message};
//! use sansocket::socketio::{AckSlot, Namespace, PeerError, SendError, Sid, StateError, server::{Event, Session}};
//! use sansocket::{time::Instant, ws::Out};
//!
//! let mut session = Session::new(["/"], [AckSlot::EMPTY; 8], Instant::from_millis(45_000));
//! let mut memory = [0; 256];
//! let mut out = Out::stored(&mut memory);
//!
//! // The messages that an Engine.IO session received: CONNECT, an event, DISCONNECT.
//! for text in [&b"0"[..], br#"2["chat","hi"]"#, b"1"] {
//!     match session.handle_event(engineio::Event::Message(Message::Text(text)))? {
//!         Event::Connect { namespace, .. } => session.accept(namespace, Sid::from_random([0; 15]), &mut out)?,
//!         Event::Event(e) if e.is("chat") => session.emit(e.namespace, "chat", &e.args(), None, &mut out)?,
//!         Event::Disconnected { reason, .. } => assert_eq!(reason.as_str(), "client namespace disconnect"),
//!         _ => {}
//!     }
//! }
//! assert!(out.written().ends_with(br#"42["chat","hi"]"#));
//!
//! // A call that does not fit the state changes nothing. The client has left the namespace.
//! let result = session.emit(Namespace(0), "chat", &"bye", None, &mut out);
//! assert_eq!(result, Err(SendError::State(StateError::NotConnected)));
//!
//! // A packet that breaks the protocol ends the connection.
//! let result = session.handle_event(engineio::Event::Message(Message::Text(b"9")));
//! assert_eq!(result, Err(PeerError::UnknownPacket));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod acks;
mod arrivals;
mod binary;
pub mod client;
mod collector;
mod error;
mod event;
mod handlers;
mod namespace;
mod packet;
mod queue;
mod reason;
pub mod server;
mod sid;
mod write;

pub use acks::{AckError, AckSlot, ExpectAck};
pub use binary::{Attachments, AttachmentsIter, Binary, Content, MAX_ATTACHMENTS, Placeholder};
pub use collector::{Collect, Collector};
pub use error::{PeerError, SendError, SlotCapacity, StateError};
pub use event::{AckPacket, AckRequest, Attachment, EventPacket};
pub use handlers::{Call, HandlerSlot, Handlers};
pub use namespace::{Namespace, Namespaces};
pub use packet::Packet;
pub use queue::{Flags, Policy, Pushed, Queue, QueueSlot};
pub use reason::Reason;
pub use sid::Sid;
