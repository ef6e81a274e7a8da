//! Layer 3: Engine.IO v4, the link under Socket.IO: packets, polling payloads, the open packet, heartbeats, the move to a WebSocket.
//!
//! [`server::Session`] keeps one link alive, over polling, over a WebSocket, or from the one to the other. [`server::route`] says what a request wants,
//! whatever HTTP server read it. Upper layers see its [`Event`]s, and write through [`Sink`], which hides where a packet goes. Source: the
//! Engine.IO protocol, revision 4.

mod error;
mod event;
mod packet;
mod payload;
pub mod server;
mod sid;
mod sink;
mod transport;

pub use error::SendError;
pub use event::{Event, Message, Reason};
pub use packet::{Packet, PeerError};
pub use payload::{MAX_PACKETS, Packets, Payload};
pub use sid::Sid;
pub use sink::Sink;
pub use transport::Transport;

pub use crate::ws::{Client, Server};
