//! The server, driven by scripted clients over connections in memory, mostly under the paused clock.
#![forbid(unsafe_code)]

mod events;
mod joining;
mod leaving;
mod panics;
mod peer;
