//! The smallest server: WebSocket echo over `std::net`, one thread a connection. `cargo run --example echo_blocking -- 127.0.0.1:9002`.

use sansocket::{
    drive::{
        Error,
        blocking::{Clock, Stream, WebSocket},
    },
    ws::{CloseCode, Incoming},
};
use std::{
    io::{self, Read},
    net::{Shutdown, TcpListener, TcpStream},
    process::ExitCode,
    thread,
};

fn main() -> ExitCode {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9002".into());
    let Ok(listener) = TcpListener::bind(&address) else {
        eprintln!("echo_blocking: cannot listen on '{address}'; say it as 127.0.0.1:9002");
        return ExitCode::from(2);
    };
    println!("echo_blocking: listening on ws://{}/", listener.local_addr().map_or(address, |a| a.to_string()));
    for socket in listener.incoming().flatten() {
        thread::spawn(|| serve(socket).inspect_err(|e| eprintln!("echo_blocking: {e}")).ok());
    }
    ExitCode::SUCCESS
}

fn serve(mut socket: TcpStream) -> Result<(), Error<io::Error>> {
    let result = echo(socket.try_clone().map_err(Error::Transport)?);
    // What the peer still says is read for a while, or the system would throw away what was said last.
    let _ = socket.shutdown(Shutdown::Write);
    for _ in 0..1000 {
        if !matches!(socket.read(&mut [0; 1024]), Ok(1..)) {
            break;
        }
    }
    result
}

fn echo(socket: TcpStream) -> Result<(), Error<io::Error>> {
    // All the memory of the connection. A peer that sends nothing, or takes nothing, is given up.
    let stream = Stream::tcp(socket).map_err(Error::Transport)?;
    let mut ws = WebSocket::server(stream, Clock::new(), [0; 16 * 1024], [0; 16 * 1024 + 14]);
    match ws.accept() {
        Ok(_) => {}
        Err(Error::Request(_) | Error::Eof) => return Ok(()), // It was told, or has gone.
        Err(e) => return Err(e),
    }
    loop {
        match ws.next() {
            // The message borrows the receive memory, and `reply` is all the rest.
            Ok(Some((Incoming::Message(message), mut reply))) => reply.send(message.kind(), message.as_bytes())?,
            Ok(Some(_)) => {} // a close frame, for the log
            Ok(None) | Err(Error::Eof) => return Ok(()),
            // Larger than our memory: say so. Others lend more, take it in parts, or skip it.
            Err(Error::Inbox(_)) => drop(ws.close(CloseCode::MESSAGE_TOO_BIG, "")?),
            Err(e) => return Err(e),
        }
    }
}
