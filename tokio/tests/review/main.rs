//! What an application may do, and what a client may send, at the wrong time.
#![forbid(unsafe_code)]

mod arguments;
mod clients;
mod helpers;
#[path = "../peer/mod.rs"]
mod peer;
mod servers;
