//! Layer 4: Socket.IO v5: namespaces, events, acknowledgements, rooms.
//!
//! [`server::Session`] is the server end of one connection: an Engine.IO event goes in, exactly one [`server::Event`] comes out, and the
//! application answers while that event lives. [`server::broadcast`] writes an event once for many receivers,
//! [`server::rooms::Rooms`] says who they are. This layer knows Engine.IO's events and where packets go ([`Sink`](crate::engineio::Sink)), not what
//! carries them. Source: the Socket.IO protocol, revision 5.

mod acks;
mod binary;
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
