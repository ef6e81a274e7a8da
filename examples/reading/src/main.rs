//! One Socket.IO client, `reading.rs`, for computers and for boards. It sends a reading each second and answers questions.
//!
//! - On Tokio: `cargo run -- ws://localhost:3000`, with `--adapter` over embedded-io-async instead of Tokio's own traits.
//! - On a Cortex-M4 and a RISC-V with embassy: `cargo build --release --target thumbv7em-none-eabihf`, or `riscv32imac-unknown-none-elf`.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod board;
mod reading;

#[cfg(not(target_os = "none"))]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    use embedded_io_adapters::tokio_1::FromTokio;
    use sansocket::{
        drive::{
            io_0_7::Async,
            tokio::{Clock, Stream},
        },
        endpoint::client::Config,
    };
    use tokio::net::TcpStream;

    let mut args = std::env::args().skip(1);
    let url = args.next().ok_or("which server? Give its URL.")?;
    let config = Config::parse(&url)?;
    let at = (config.url().host(), config.url().port());
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
    let log = |line: core::fmt::Arguments<'_>| println!("{line}");
    if args.next().as_deref() == Some("--adapter") {
        let dial = || async move { TcpStream::connect(at).await.map(|socket| Async(FromTokio::new(socket))) };
        reading::run(&config, dial, Clock::new(), random, log).await?;
    } else {
        let dial = || async move { TcpStream::connect(at).await.map(Stream::new) };
        reading::run(&config, dial, Clock::new(), random, log).await?;
    }
    Ok(())
}
