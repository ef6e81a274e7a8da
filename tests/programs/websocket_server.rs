use sansocket::{
    http::{HeadScanner, Request},
    ws::{Accept, CloseCode, Connection, Inbox, Incoming, Limits, ReceiveError, refuse},
};
use std::{
    error::Error,
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

fn main() -> io::Result<()> {
    for socket in TcpListener::bind("127.0.0.1:9002")?.incoming().flatten() {
        thread::spawn(|| serve(socket).inspect_err(|e| eprintln!("{e}")).is_ok());
    }
    Ok(())
}

fn serve(mut socket: TcpStream) -> Result<(), Box<dyn Error>> {
    socket.set_read_timeout(Some(Duration::from_secs(60)))?;
    socket.set_write_timeout(Some(Duration::from_secs(10)))?;
    // All the memory of this connection. Any message that fits in `rx` fits in `tx` with its header.
    let (mut rx, mut tx) = ([0; 16 * 1024], [0; 16 * 1024 + 14]);
    let mut inbox = Inbox::new(&mut rx[..]);

    // 1. The HTTP request. What follows it stays in the inbox.
    let mut head = HeadScanner::new(Default::default());
    let n = loop {
        if let Some(n) = head.scan(inbox.bytes())? {
            break n;
        }
        match socket.read(inbox.space()?)? {
            0 => return Ok(()),
            n => inbox.commit(n),
        }
    };
    match Accept::check(&Request::parse(&inbox.bytes()[..n])?) {
        Ok(accept) => {
            let n = accept.write(&[], &mut tx)?;
            socket.write_all(&tx[..n])?;
        }
        Err(e) => {
            let n = refuse(e, &mut tx)?;
            return Ok(socket.write_all(&tx[..n])?);
        }
    }
    inbox.consume(n);

    let mut ws = Connection::server(Limits::new());
    let mut out = ws.out(&mut tx);
    while !ws.is_closing() {
        // 2. The next message. It borrows only the inbox, so `ws` can answer while it is alive.
        match inbox.poll_message(&mut ws) {
            Ok(Some(Incoming::Message(m))) => ws.send(m.kind(), m.as_bytes(), &mut out)?,
            Ok(Some(_)) => {} // a ping, a pong or a close frame: step 4 writes the answer
            // 3. Nothing is left in the inbox: read.
            Ok(None) => match socket.read(inbox.space()?) {
                Ok(0) => return Ok(()),
                Ok(n) => inbox.commit(n),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    ws.close(CloseCode::GOING_AWAY, "")?; // silent for a minute
                }
                Err(e) => return Err(e.into()),
            },
            Err(ReceiveError::Capacity(_)) => ws.close(CloseCode::MESSAGE_TOO_BIG, "").unwrap_or(()), // larger than `rx`
            Err(e) => eprintln!("protocol error: {e}"),                                 // a close frame is owed
        }
        // 4. What the connection owes: a pong, a close frame. Then write.
        while ws.poll_transmit(&mut out)? {}
        socket.write_all(out.written())?;
        out.clear();
    }
    // 5. Read what the peer still sends: closing a socket with unread bytes can destroy what was written last.
    socket.shutdown(Shutdown::Write)?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until && matches!(socket.read(&mut [0; 1024]), Ok(1..)) {}
    Ok(())
}
