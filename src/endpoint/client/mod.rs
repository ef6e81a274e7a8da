//! The client's end of a complete connection: a [`ClientEnd`] over a [`WebSocketLink`] or a [`FullLink`].

#![allow(missing_docs, unused_variables, clippy::todo, dead_code)] // skeleton: to be removed

mod backlog;
mod config;
mod emit;
mod end;
mod exchange;
mod failure;
mod full;
mod life;
mod link;
mod refusal;
mod request;
mod socket;
mod transmit;
mod websocket;

pub use backlog::{Backlog, WhenFull};
pub use config::Config;
pub use emit::Emit;
pub use end::{ClientEnd, Memory, Over, Step};
pub use failure::Failure;
pub use full::FullLink;
pub use link::{Line, Link, Seen, Task};
pub use websocket::WebSocketLink;
