//! Socket.IO server and client, and WebSocket, on Tokio, over the protocol core [`sansocket`].
#![forbid(unsafe_code)]
#![warn(missing_docs, missing_debug_implementations, unreachable_pub, elided_lifetimes_in_paths)]

pub mod args;
pub mod client;
mod error;
pub mod guide;
pub mod handler;
pub mod net;
mod random;
pub mod server;
mod sync;
pub mod testing;
pub mod websocket;

pub use bytes::Bytes;
pub use error::{AskError, EmitError};
