//! A chat room in the browser: `cargo run --release --example chat`, then open the address that it prints.
//!
//! `hub.rs` is the room, `app.rs` what it makes of events, `../host` the sockets and the loop of a Socket.IO server over this
//! crate's machines.

mod app;
#[allow(dead_code, reason = "the server does more on a connection")]
#[path = "../host/mod.rs"]
mod host;
mod hub;

use clap::Parser;
use std::process::ExitCode;

/// A chat room in the browser, over Socket.IO.
#[derive(Clone, Debug, Parser)]
struct Options {
    #[command(flatten)]
    host: host::Options,
    /// Milliseconds for a request, and then for the client to join.
    #[arg(long, default_value_t = 10_000, value_name = "MS")]
    handshake_timeout: u64,
    /// Origins whose pages may join over polling: `*` for all, or a list with commas; empty for the own page alone.
    #[arg(long, default_value = "*", value_name = "ORIGINS", value_delimiter = ',', value_parser = host::origin)]
    cors: Vec<String>,
    /// Messages that newcomers are shown.
    #[arg(long, default_value_t = 100, value_name = "N")]
    history: usize,
}

fn main() -> ExitCode {
    let Options { host, handshake_timeout, cors, history } = Options::parse();
    let config = host::Config {
        greeting: "open in a browser:",
        path: "/socket.io/".into(),
        echo_path: None,
        cors,
        cookie: None,
        handshake_timeout,
        connect_timeout: handshake_timeout,
        // A message of 2,000 characters has 12,000 bytes if all are escaped.
        max_payload: 100_000,
    };
    let hub = hub::Hub::new(history, host.max_queue);
    host::run("chat", host, config, hub)
}
