//! Layer 3: Engine.IO v4, the link under Socket.IO: packets, the open packet, heartbeats.
//!
//! [`server::Session`] keeps one link alive over a WebSocket (long-polling follows, and with it the upgrade). Upper layers see its
//! [`Event`]s, and write through [`Sink`], which hides where a packet goes. Source: the Engine.IO protocol, revision 4.

mod config;
mod event;
mod open;
mod packet;
mod payload;
mod query;
pub mod server;
mod sid;
mod sink;

pub use config::Config;
pub use event::{Event, Message, Reason};
pub use packet::{Packet, PeerError};
pub use payload::{MAX_PACKETS, Packets, Payload};
pub use query::{Refusal, Transport, route};
pub use sid::Sid;
pub use sink::Sink;

pub use crate::ws::{Client, SendError, Server};
