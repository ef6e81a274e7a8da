//! The client's end of Engine.IO: a [`Session`] over a WebSocket or over polling, and its [`Probe`] for the upgrade.

mod config;
mod fault;
mod id;
mod open;
mod probe;
mod session;
mod source;

pub use config::Config;
pub use fault::Fault;
pub use id::Id;
pub use probe::{Probe, Probed};
pub use session::{Request, Session};
pub use source::Source;
