//! A WebSocket client in a terminal: `wscat wss://example.org/feed`. Lines of standard input are sent, messages are printed.
//!
//! `options.rs` is what it can be told, `dial.rs` opens the connection, `talk.rs` is the loop, `input.rs` and `output.rs` are the terminal.

mod dial;
mod failure;
mod input;
mod options;
mod output;
mod serve;
mod talk;

use clap::Parser;
use failure::Failure;
use input::Input;
use options::Options;
use output::Output;
use std::{future::pending, process::ExitCode};
use tokio::{
    select,
    signal::ctrl_c,
    sync::mpsc::{Receiver, channel},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2));
        }
    };
    let mut output = Output::new(&options);
    let end = run(&options, &mut output).await;
    output.flush();
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.code)
        }
    }
}

async fn run(options: &Options, output: &mut Output) -> Result<(), Failure> {
    let mut interrupts = Interrupts::new();
    if let Some(address) = options.address() {
        return serve::serve(&address, options, &mut interrupts, output).await;
    }
    let Some(url) = options.url() else {
        return Err(Failure::usage("give a URL to connect to, or --listen with a port".into()));
    };
    let ws = select! {
        ws = dial::dial(&url, options, output) => ws?,
        () = interrupts.next() => return Err(Failure::interrupted()),
    };
    talk::talk(ws, options, &mut Input::new(options), &mut interrupts, output).await
}

/// Control-C.
pub struct Interrupts {
    presses: Receiver<()>,
    pub was_pressed: bool,
}

impl Interrupts {
    /// From now on it does not end the program.
    fn new() -> Self {
        let (sender, presses) = channel(4);
        tokio::spawn(async move { while ctrl_c().await.is_ok() && sender.send(()).await.is_ok() {} });
        Self { presses, was_pressed: false }
    }

    /// Waits until it is pressed.
    pub async fn next(&mut self) {
        if self.presses.recv().await.is_none() {
            pending::<()>().await;
        }
        self.was_pressed = true;
    }
}
