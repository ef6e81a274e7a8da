//! What both echo programs share: the loop over one connection, in either role.

use sansocket::{
    time::Instant,
    ws::{
        Closed, Connection, Inbox, Incoming, KeepAlive, Kept, MaskSource, Out, Outbox, ReceiveError, Role, SendError,
        Timeouts,
    },
};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Bytes of memory that a connection begins with, and comes back to.
pub const MEMORY: usize = 16 * 1024;
/// How long the peer may take no byte of what is sent.
const STALLED: Duration = Duration::from_secs(20);

/// Sends back what comes, until the end.
pub async fn echo<R: Role, K: MaskSource<R>>(
    stream: &mut TcpStream,
    ws: &mut Connection<R>,
    keys: K,
    inbox: &mut Inbox<Vec<u8>>,
    timeouts: Timeouts,
) -> io::Result<Closed> {
    let start = std::time::Instant::now();
    let clock = || Instant::from_millis(start.elapsed().as_millis() as u64);
    let mut now = clock();
    let mut keep = KeepAlive::new(timeouts, now);
    keep.opened(now);
    let mut tx = Outbox::with_keys(vec![0; MEMORY], keys);
    loop {
        // 1. Messages until there are none. Each borrows the inbox alone.
        loop {
            match inbox.poll_message(ws) {
                Ok(Some(Incoming::Message(message))) => {
                    append(stream, ws, &mut tx, |ws, out| ws.send(message.kind(), message.as_bytes(), out)).await?;
                }
                Ok(Some(Incoming::Pong(pong))) => keep.handle_pong(&pong),
                // Each ping is answered. Without this, of several that wait the latest would be.
                Ok(Some(Incoming::Ping(_))) => {
                    append(stream, ws, &mut tx, |ws, out| Ok(ws.poll_transmit(out).map(|_| ())?)).await?;
                }
                Ok(Some(_)) => {}
                // Larger than the memory, which grows below with what arrives, not with what a header announces.
                Ok(None) | Err(ReceiveError::Capacity(_)) => break,
                // The peer's fault: the close frame is owed.
                Err(_) => break,
            }
        }
        // 2. Time, and what the machines owe. The time is that of the last read: a pong may have come while we wrote.
        keep.handle_timeout(now, ws);
        append(stream, ws, &mut tx, |ws, out| {
            while keep.poll_transmit(ws, out)? || ws.poll_transmit(out)? {}
            Ok(())
        })
        .await?;
        // 3. Write.
        while !tx.is_empty() {
            write(stream, &mut tx).await?;
        }
        if tx.room() > MEMORY {
            let _ = tx.replace(vec![0; MEMORY]);
        }
        if ws.is_closed() {
            return Ok(ws.handle_eof());
        }
        // 4. Read, or wait for the next deadline.
        if inbox.held() == 0 {
            let _ = inbox.replace(vec![0; MEMORY]);
        }
        if let Err(e) = inbox.space() {
            let _ = inbox.replace(vec![0; 2 * e.available]);
        }
        let space = inbox.space().map_err(io::Error::other)?;
        let wait = match keep.poll_timeout() {
            Some(due) => due.duration_since(clock()),
            // No deadline is set, or the last one has passed: what is owed is written.
            None if ws.is_closing() => return Ok(ws.handle_eof()),
            None => Duration::MAX,
        };
        let read = timeout(wait, stream.read(space)).await;
        now = clock();
        if let Ok(read) = read {
            match read? {
                0 => return Ok(ws.handle_eof()),
                n => inbox.commit(n),
            }
            keep.handle_input(now);
        }
    }
}

/// Appends what `say` says. Without room, what waits is written first; if nothing waits, the memory grows.
async fn append<R: Role, K: MaskSource<R>>(
    stream: &mut TcpStream,
    ws: &mut Connection<R>,
    tx: &mut Outbox<Vec<u8>, K>,
    mut say: impl FnMut(&mut Connection<R>, &mut Out<'_, Kept<'_, R, K>>) -> Result<(), SendError>,
) -> io::Result<()> {
    loop {
        let mut out = ws.out(tx);
        match say(ws, &mut out) {
            Err(SendError::Capacity(_)) if !tx.is_empty() => write(stream, tx).await?,
            Err(SendError::Capacity(e)) => drop(tx.replace(vec![0; e.needed])),
            // A message that comes behind our close frame is not answered.
            Ok(()) | Err(_) => return Ok(()),
        }
    }
}

/// Writes as much as the peer takes, which must be something.
async fn write<K>(stream: &mut TcpStream, tx: &mut Outbox<Vec<u8>, K>) -> io::Result<()> {
    match timeout(STALLED, stream.write(tx.written())).await {
        Ok(n) => tx.consume(n?),
        Err(_) => return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")),
    }
    Ok(())
}

/// Ends the transport so that what was said last arrives: a server first, a client behind it (RFC 6455 section 7.1.1).
pub async fn hang_up(mut stream: TcpStream, is_server: bool) {
    if is_server {
        let _ = stream.shutdown().await;
    }
    let drain = async {
        let mut waste = [0; 4096];
        while !matches!(stream.read(&mut waste).await, Ok(0) | Err(_)) {}
    };
    let _ = timeout(Duration::from_secs(1), drain).await;
}
