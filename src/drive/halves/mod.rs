//! The halves of a WebSocket: receiving and sending from two tasks.
//!
//! The sending side of the transport, the outbox, and what is left in it, are the *output*. It lies in the shared state. Who writes takes it out under the lock, and
//! puts it back, also when its future is dropped. So only one writes, nobody holds the lock over an await, and what one has left another one writes.

mod half;
mod held;
mod lock;
mod look;
mod receiver;
mod sender;
mod shared;
mod wakers;

pub use self::{
    half::Half,
    lock::Lock,
    receiver::Receiver,
    sender::Sender,
    shared::{Halved, Shared},
};
