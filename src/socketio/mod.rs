//! Layer 4: Socket.IO v5: namespaces, events, acknowledgements, rooms.
//!
//! [`Server`] is the server's end of one connection: an Engine.IO event goes in, exactly one [`Event`] comes out, and the
//! application answers while it lives. [`broadcast`] writes an event once for many receivers, [`Rooms`](rooms::Rooms) says who
//! they are. Knows Engine.IO's events and where packets go ([`Sink`](crate::engineio::Sink)), not what carries them. Source: the Socket.IO
//! protocol, revision 5.

mod acks;
mod answer;
mod binary;
mod collector;
mod emit;
mod error;
mod event;
mod handlers;
mod limits;
mod namespace;
mod packet;
mod queue;
mod reason;
pub mod rooms;
mod server;

pub use acks::{AckIds, AckSlot, Asked, Await, BroadcastAcks, NoAnswer};
pub use binary::{Attachments, AttachmentsIter, Binary, MAX_ATTACHMENTS, Payload, Placeholder};
pub use collector::Collector;
pub use emit::broadcast;
pub use error::{PeerError, SendError, StateError};
pub use event::{AckPacket, AckRequest, Attachment, Event, EventPacket};
pub use handlers::{Call, HandlerSlot, Handlers};
pub use limits::Limits;
pub use namespace::{Namespace, Namespaces};
pub use packet::Packet;
pub use queue::{Flags, Policy, Pushed, Queue, Waiting};
pub use reason::Reason;
pub use server::Server;
