// The picture of the README. Of two definitions of a link the first counts, so this one takes the place of the README's own, which
// a page of rustdoc could not follow.
#![doc = include_str!("../docs/picture.md")]
#![doc = include_str!("../README.md")]
//!
//! ## Read on
//!
//! - [`guide`]: [the layers](guide::layers), [the loop and its endings](guide::the_loop), [programs with a loop of their own](guide::programs),
//!   [the Socket.IO client](guide::client), [memory](guide::memory), [time and randomness](guide::time), [security](guide::security),
//!   [microcontrollers](guide::boards), [work on a board](guide::on_a_board), [a server on a board](guide::server_on_a_board), [Tokio](guide::tokio),
//!   [tests without sockets, fuzzing](guide::testing), [glossary](guide::glossary).
//! - Something to await: the module `drive` (feature `drive`), and its chapter `guide::drivers`.
//! - Complete connections: [`endpoint::ServerEnd`], [`endpoint::client::ClientEnd`].
//! - WebSocket: [`ws::Inbox`], [`ws::Connection`], [`ws::Out`], [`ws::Accept`], [`ws::Connect`], [`ws::KeepAlive`].
//! - Engine.IO: [`engineio::server::Session`], [`engineio::server::route`], [`engineio::server::Probe`], [`engineio::client::Session`].
//! - Socket.IO: [`socketio::server::Session`], [`socketio::server::rooms`], [`socketio::server::broadcast`], [`socketio::Queue`],
//!   [`socketio::client::Session`].
//! - Formats alone: [`socketio::Packet`], [`engineio::Packet`], [`json::Value`], [`http::Request`], [`http::Url`], [`deflate`].
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    elided_lifetimes_in_paths,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core
)]
#![cfg_attr(
    test,
    allow(
        unused_qualifications,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::std_instead_of_core,
        clippy::alloc_instead_of_core
    )
)]

#[cfg(test)]
extern crate std;

#[macro_use]
mod log;

pub mod bytes;
pub mod deflate;
#[cfg(feature = "drive")]
pub mod drive;
pub mod endpoint;
pub mod engineio;
pub mod guide;
pub mod http;
pub mod json;
pub mod socketio;
pub mod time;
pub mod ws;

pub use bytes::Capacity;
