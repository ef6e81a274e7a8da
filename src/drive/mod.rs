//! Drivers: what turns the machines of this crate into something that you call and await. TODO

pub mod blocking;
mod client;
mod core;
mod deadlines;
#[cfg(feature = "embassy-time")]
pub mod embassy;
mod error;
mod halves;
mod handshake;
pub mod io_0_7;
mod race;
mod reply;
mod server;
mod side;
mod timer;
#[cfg(feature = "tokio")]
pub mod tokio;
mod transport;
mod websocket;

pub use self::{
    deadlines::Deadlines,
    error::Error,
    handshake::Sha1,
    reply::Reply,
    side::{AsClient, AsServer, Random, Side},
    timer::Timer,
    transport::{Failed, Receive, Transmit, Transport},
    websocket::WebSocket,
};
