//! The same client over each crate. `client::<true>` opens the connection first; with `false` it is open.

#[cfg(feature = "embedded-websocket")]
pub mod embedded_websocket;
#[cfg(feature = "ours")]
pub mod sansocket;
#[cfg(feature = "websocketz")]
pub mod websocketz;
#[cfg(feature = "ws-framer")]
pub mod ws_framer;
