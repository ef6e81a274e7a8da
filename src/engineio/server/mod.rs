//! The server end of Engine.IO: a [`Session`] for each client, and what its HTTP requests are answered.
//!
//! A [`Session`] runs over polling, over a WebSocket, or moves from polling to a WebSocket by way of a [`Probe`]. [`route`] says what a
//! request wants, whatever HTTP server read it.

mod config;
mod cors;
mod open;
mod refusal;
mod response;
mod route;
mod session;

pub use config::Config;
pub use cors::{Cors, CorsFields, Origins};
pub use refusal::Refusal;
pub use response::{PAYLOAD_FIELDS, POSTED, POSTED_FIELDS, is_post_type, write_cookie};
pub use route::{Route, route};
pub use session::{OWED_MAX, PollError, Probe, Probed, Session};
