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
mod manager;
mod refusal;
mod request;
mod socket;
mod source;
mod step;
mod transmit;
mod websocket;

pub use backlog::WhenFull;
pub use config::Config;
pub use emit::Emit;
pub use end::ClientEnd;
pub use failure::Failure;
pub use full::FullLink;
pub use link::{Line, Link, Seen, Task};
pub use step::{Memory, Over, Step};
pub use websocket::WebSocketLink;
