//! The echo programs as processes.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// Payload lengths at every turn of the header's form.
pub const SIZES: [usize; 7] = [0, 1, 125, 126, 65535, 65536, 200_000];

fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../target/release/examples").join(name)
}

/// A running program.
pub struct Server {
    process: Child,
    /// `127.0.0.1:port`.
    pub address: String,
}

impl Server {
    /// Starts the example `name` on a free port.
    pub fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    /// The same, with more arguments.
    pub fn start_with(name: &str, args: &[&str]) -> Self {
        let mut command = Command::new(example(name));
        command.args(["--listen", "127.0.0.1:0", "--log", "error"]).args(args).stdout(Stdio::piped());
        let mut process = command.spawn().expect("built with `cargo build --release --examples`");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("://").nth(1).unwrap().trim_end_matches(['/', '\n']).to_owned();
        Self { process, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs `echo_client` against `port` to its end.
pub async fn run_echo_client(port: u16) {
    run_echo_client_with(port, &[]).await;
}

/// The same, with more arguments.
pub async fn run_echo_client_with(port: u16, args: &[&str]) {
    let mut command = tokio::process::Command::new(example("echo_client"));
    command.args(["--url", &format!("ws://127.0.0.1:{port}")]).args(args).kill_on_drop(true);
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What a server of cases says to a connection whose path is `path`: the number of cases, or nothing.
pub fn case_of(path: &str) -> Case {
    match path.strip_prefix("/runCase?case=").and_then(|rest| rest.split('&').next()) {
        Some(case) => Case::Run(SIZES[case.parse::<usize>().unwrap() - 1]),
        None if path == "/getCaseCount" => Case::Count(SIZES.len()),
        None => Case::Report,
    }
}

/// What is to be done on a connection of `echo_client`.
pub enum Case {
    /// Say how many cases there are.
    Count(usize),
    /// Send a message of so many bytes, and have it back.
    Run(usize),
    /// Close.
    Report,
}
