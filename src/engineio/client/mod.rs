//! The client's end of Engine.IO: a [`Session`] over a WebSocket or over polling, and its [`Probe`] for the upgrade.

#![allow(missing_docs, unused_variables, clippy::todo, dead_code)] // skeleton: to be removed

mod id;
mod probe;
mod session;

pub use id::Id;
pub use probe::{Probe, Probed};
pub use session::{Config, Fault, Request, Session, Source};
