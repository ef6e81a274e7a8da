//! The server end of Socket.IO: a [`Session`] for each connection, [`broadcast`] and [`rooms`] for all of them.

mod broadcast;
mod broadcast_acks;
mod event;
mod limits;
pub mod rooms;
mod send;
mod session;

pub use broadcast::broadcast;
pub use broadcast_acks::{AckIds, AskedSlot, BroadcastAcks};
pub use event::Event;
pub use limits::Limits;
pub use session::Session;
