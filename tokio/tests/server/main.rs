//! The server, driven by scripted clients over connections in memory, mostly under the paused clock.
#![forbid(unsafe_code)]

mod asks;
mod churn;
mod closing;
mod cuts;
mod events;
mod joining;
mod leaving;
mod load;
mod panics;
mod peer;
mod reentrant;
