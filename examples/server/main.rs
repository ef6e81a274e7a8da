//! A Socket.IO server for trying things out: `cargo run --release --example server -- --listen localhost:3000`.
//!
//! Socket.IO is at `--path`, Engine.IO itself at `/engine.io/`, where every message comes back. In `/` and `/custom` it emits `auth` on connect, with the client's auth; `/denied` refuses everybody. What it does with which event is the
//! table in `app.rs`; `../host` has the sockets and the loop of a Socket.IO server over this crate's machines.

mod app;
#[path = "../host/mod.rs"]
mod host;

use clap::Parser;
use std::process::ExitCode;

/// A Socket.IO server for tests and for trying things out.
#[derive(Clone, Debug, Parser)]
struct Options {
    #[command(flatten)]
    host: host::Options,
    /// Milliseconds for a client to join a namespace.
    #[arg(long, default_value_t = 45_000, value_name = "MS")]
    connect_timeout: u64,
    /// Bytes of one message of a client.
    #[arg(long, default_value_t = 1_000_000, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    max_payload: u32,
    /// Origins whose pages may use polling: `*` for all, or a list with commas.
    #[arg(long, default_value = "", value_name = "ORIGINS", value_delimiter = ',', value_parser = host::origin)]
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
    let Options { host, connect_timeout, max_payload, cors, cookie, path } = Options::parse();
    if !path.starts_with('/') {
        return host::fail("server", &format!("the path '{path}' must begin with a slash"));
    }
    let path = format!("{}/", path.trim_end_matches('/'));
    let greeting = "listening on";
    let echo_path = Some("/engine.io/");
    let config = host::Config {
        greeting,
        path,
        echo_path,
        cors,
        cookie,
        handshake_timeout: 10_000,
        connect_timeout,
        max_payload,
    };
    host::run("server", host, config, app::Playground::new())
}
