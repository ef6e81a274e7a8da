//! One program over several crates: a client that opens a WebSocket, sends each message back, and answers pings and the close frame. On a microcontroller
//! it is linked for its size (nothing is known of what arrives), or runs against a script, which tells its stack and its instructions. On a computer
//! `cargo run` gives each client what the protocol forbids, and tells what it did.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod board;
#[cfg(not(target_os = "none"))]
mod cases;
mod clients;

/// What a client needs of its computer.
pub trait Line {
    /// Waits for bytes. 0: the end of the connection.
    fn read(&mut self, memory: &mut [u8]) -> usize;

    fn write(&mut self, bytes: &[u8]);

    /// Random bytes.
    fn fill(bytes: &mut [u8]);
}

/// Where the clients connect to.
pub const HOST: &str = "server.example.com";
pub const PATH: &str = "/chat?room=1";

#[cfg(not(target_os = "none"))]
fn main() {
    cases::tell();
}
