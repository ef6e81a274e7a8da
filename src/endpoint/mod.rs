//! The top floor: everything between the sockets and the application, composed out of the machines of the layers below through their
//! public items.
//!
//! A host brings sockets, memory and the clock; a [`ServerEnd`] is one client of a Socket.IO server over whatever transport, and decides all that is
//! protocol: what each way of ending means and what the application is told, what is still written before the end, how a session moves from polling to
//! a WebSocket, what each request is answered. A [`ServerLink`] is the same without Socket.IO, for applications that speak Engine.IO itself.
//!
//! Nothing allocates: a call that needs more memory changes nothing and says [`Grow`].

mod answer;
mod grow;
mod judge;
mod link;
mod server;
mod upgrade;

pub use answer::Answer;
pub use grow::{Grow, What};
pub use judge::{Ask, Todo, judge};
pub use link::{FAREWELL_MS, Got, ServerLink};
pub use server::{ServerEnd, Step};
pub use upgrade::Upgrade;
