//! The client's end of Socket.IO: a [`Session`] for one link with several namespaces, and [`Backoff`] for reconnecting.

mod backoff;
mod event;
mod limits;
mod queued;
mod receive;
mod send;
mod session;
mod socket;
mod writers;

pub use backoff::Backoff;
pub use event::Event;
pub use limits::Limits;
pub use session::Session;
pub use socket::SocketSlot;
pub use writers::{ack, connect, disconnect, event};
