//! Attacks on the server: clients that flood, stall and vanish, and applications that do what they should not.
#![forbid(unsafe_code)]

mod blocking;
mod cancelled;
mod drops;
mod ends;
mod floods;
mod http;
mod limits;
#[path = "../server/peer.rs"]
#[allow(dead_code, reason = "shared with the tests of the server")]
mod peer;
