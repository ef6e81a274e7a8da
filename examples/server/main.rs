//! A Socket.IO server for trying things out: `cargo run --release --example server -- --listen localhost:3000`.
//!
//! Socket.IO is at `--path`, Engine.IO itself at `/engine.io/`, where every message comes back, and the counters of the server at `/metrics`. In `/` and
//! `/custom` it emits `auth` on connect, with the client's auth; `/denied` refuses everybody. What it does with which event is in `app.rs`.

mod app;
#[path = "../common/mod.rs"]
mod common;
mod metrics;

use clap::Parser;
use std::process::ExitCode;

/// A Socket.IO server for tests and for trying things out.
#[derive(Clone, Debug, Parser)]
struct Options {
    #[command(flatten)]
    common: common::Options,
    /// Milliseconds for a client to join a namespace.
    #[arg(long, default_value_t = 45_000, value_name = "MS")]
    connect_timeout: u32,
    /// Bytes of one message of a client.
    #[arg(long, default_value_t = 1_000_000, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    max_payload: u32,
    /// Origins whose pages may use it: `*` for all, or a list with commas; empty for pages of its own address alone.
    #[arg(long, default_value = "", value_name = "ORIGINS", value_delimiter = ',', value_parser = common::origin)]
    cors: Vec<String>,
    /// Name of a cookie that tells a balancer which server a session is on.
    #[arg(long, value_name = "NAME", value_parser = cookie_name)]
    cookie: Option<String>,
    /// Path of Socket.IO.
    #[arg(long, default_value = "/socket.io/", value_name = "PATH")]
    path: String,
}

fn cookie_name(name: &str) -> Result<String, String> {
    let is_good =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if is_good { Ok(name.into()) } else { Err("a cookie's name has letters, digits, '-', '_' and '.'".into()) }
}

fn main() -> ExitCode {
    let Options { common, connect_timeout, max_payload, cors, cookie, path } = Options::parse();
    if !path.starts_with('/') {
        return common::fail("server", &format!("the path '{path}' must begin with a slash"));
    }
    let config =
        common.config(&cors).connect_timeout(common::millis(connect_timeout)).max_payload(max_payload).path(&path);
    let io = app::server(cookie.iter().fold(config, |config, name| config.cookie(name)));
    let counted = io.clone();
    io.pages(move |path: &str| (path == "/metrics").then(|| metrics::page(&counted.counters())));
    common.run("server", "listening on", io)
}
