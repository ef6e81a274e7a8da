//! Layer 4: Socket.IO v5: namespaces, events, acknowledgements, rooms.
//!
//! [`Server`] is the server's end of one connection: an Engine.IO event goes in, exactly one [`Event`] comes out, and the
//! application answers while it lives. [`broadcast`] writes an event once for many receivers, [`Rooms`](rooms::Rooms) says who
//! they are. Knows Engine.IO's events and where packets go ([`Sink`](crate::engineio::Sink)), not what carries them. Source: the Socket.IO
//! protocol, revision 5.

mod emit;
mod error;
mod event;
pub mod json;
mod namespace;
mod packet;
pub mod rooms;
mod server;

pub use emit::broadcast;
pub use error::{PeerError, SendError, StateError};
pub use event::{AckRequest, Attachment, Event, EventPacket};
pub use namespace::{Namespace, Namespaces};
pub use packet::{MAX_ATTACHMENTS, Packet};
pub use server::Server;
