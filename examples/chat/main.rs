//! A chat room in the browser: `cargo run --release --example chat`, then open the address that it prints.
//!
//! `room.rs` is the room, `page.rs` its page. The same in 60 lines, with a plain page, is `tokio/examples/chat.rs`.

#[path = "../common/mod.rs"]
mod common;
mod page;
mod room;

use clap::Parser;
use std::process::ExitCode;

/// A chat room in the browser, over Socket.IO.
#[derive(Clone, Debug, Parser)]
struct Options {
    #[command(flatten)]
    common: common::Options,
    /// Milliseconds for a request, and then for the client to join.
    #[arg(long, default_value_t = 10_000, value_name = "MS")]
    handshake_timeout: u32,
    /// Origins whose pages may join: `*` for all, or a list with commas; empty for the own page alone.
    #[arg(long, default_value = "*", value_name = "ORIGINS", value_delimiter = ',', value_parser = common::origin)]
    cors: Vec<String>,
    /// Messages that newcomers are shown.
    #[arg(long, default_value_t = 100, value_name = "N")]
    history: usize,
}

fn main() -> ExitCode {
    let Options { common, handshake_timeout, cors, history } = Options::parse();
    let patience = common::millis(handshake_timeout);
    // A message of 2,000 characters has 12,000 bytes if all are escaped.
    let config = common.config(&cors).request_timeout(patience).connect_timeout(patience).max_payload(100_000);
    // A newcomer may be told the history twice before the first is read, and must not count as slow for that.
    let io = room::server(config, history, common.max_queue / 4);
    io.pages(page::at);
    common.run("chat", "open in a browser:", io)
}
