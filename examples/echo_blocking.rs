//! The smallest server: WebSocket echo over `std::net`, one thread a connection. `cargo run --example echo_blocking -- 127.0.0.1:9002`.

use sansocket::{
    http::{HeadScanner, Request},
    ws::{Accept, CloseCode, Connection, Inbox, Incoming, Limits, ReceiveError, refuse},
};
use std::{
    error::Error,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::ExitCode,
    thread,
    time::Duration,
};

fn main() -> ExitCode {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9002".into());
    let Ok(listener) = TcpListener::bind(&address) else {
        eprintln!("echo_blocking: cannot listen on '{address}'; say it as 127.0.0.1:9002");
        return ExitCode::from(2);
    };
    println!("echo_blocking: listening on ws://{}/", listener.local_addr().map_or(address, |a| a.to_string()));
    for stream in listener.incoming().flatten() {
        thread::spawn(|| serve(stream).inspect_err(|e| eprintln!("echo_blocking: {e}")).ok());
    }
    ExitCode::SUCCESS
}

fn serve(mut socket: TcpStream) -> Result<(), Box<dyn Error>> {
    // A peer that sends nothing, or takes nothing, is given up.
    socket.set_read_timeout(Some(Duration::from_secs(60)))?;
    socket.set_write_timeout(Some(Duration::from_secs(20)))?;
    // All the memory of the connection.
    let (mut rx, mut tx) = ([0; 16 * 1024], [0; 16 * 1024 + 14]);
    let mut inbox = Inbox::new(&mut rx[..]);
    let mut head = HeadScanner::new(Default::default());

    // 1. The request, in the same memory. What follows it stays there.
    let n = loop {
        if let Some(n) = head.scan(inbox.bytes())? {
            break n;
        }
        match socket.read(inbox.space()?)? {
            0 => return Ok(()),
            n => inbox.commit(n),
        }
    };
    let accepted = Accept::check(&Request::parse(&inbox.bytes()[..n])?).map(|accept| accept.write(&[], &mut tx));
    match accepted {
        Ok(n) => socket.write_all(&tx[..n?])?,
        Err(e) => {
            let n = refuse(e, &mut tx)?;
            return Ok(socket.write_all(&tx[..n])?);
        }
    }
    inbox.consume(n);

    let mut ws = Connection::server(Limits::new());
    let mut out = ws.out(&mut tx);
    loop {
        // 2. Messages until there are none. Each borrows the inbox alone, so `ws` can answer while it lives.
        loop {
            match inbox.poll_message(&mut ws) {
                Ok(Some(Incoming::Message(message))) => {
                    ws.send(message.kind(), message.as_bytes(), &mut out).or_else(|_| {
                        socket.write_all(out.written())?;
                        out.clear();
                        ws.send(message.kind(), message.as_bytes(), &mut out).map_err(std::io::Error::other)
                    })?;
                }
                Ok(Some(Incoming::Ping(_))) => while ws.poll_transmit(&mut out)? {}, // or of several only the latest is answered
                Ok(Some(_)) => {}                                                    // pong, close: for the log
                Ok(None) => break,
                Err(ReceiveError::Capacity(_)) => {
                    // Larger than our memory: say so. Others lend more, take it in parts, or skip it.
                    let _ = ws.close(CloseCode::MESSAGE_TOO_BIG, "");
                    break;
                }
                Err(_) => break, // their fault: the close frame is owed
            }
        }
        // 3. What the machine owes: pongs, the close frame.
        while ws.poll_transmit(&mut out)? {}
        // 4. Write.
        socket.write_all(out.written())?;
        out.clear();
        if ws.is_closing() {
            // What the peer still says is read, or the system would throw away what was said last.
            socket.shutdown(Shutdown::Write)?;
            while socket.read(&mut [0; 1024])? > 0 {}
            return Ok(());
        }
        // 5. Read.
        match socket.read(inbox.space()?)? {
            0 => return Ok(()),
            n => inbox.commit(n),
        }
    }
}
