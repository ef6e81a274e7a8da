//! What both echo programs share: the loop over one connection, in either role.

use sansocket::{
    time::Instant,
    ws::{
        Client, Closed, Connection, Form, Frames, Inbox, Incoming, KeepAlive, MaskSource, Masked, Out, ReceiveError,
        Role, SendError, Server, Timeouts,
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

/// Masking keys from the system's randomness, 1,024 at a time.
pub struct Keys {
    bytes: [u8; 4096],
    used: usize,
}

impl Keys {
    pub fn new() -> Self {
        Self { bytes: [0; 4096], used: 4096 }
    }
}

impl MaskSource for Keys {
    fn next_key(&mut self) -> [u8; 4] {
        if self.used == self.bytes.len() {
            getrandom::fill(&mut self.bytes).expect("the system has randomness");
            self.used = 0;
        }
        self.used += 4;
        self.bytes[self.used - 4..self.used].try_into().expect("four bytes")
    }
}

/// What differs between the roles: whether frames are masked.
pub trait Side: Role {
    type Form<'o>: Form<Role = Self>;
    fn out<'o>(ws: &Connection<Self>, memory: &'o mut [u8], keys: &'o mut Keys) -> Out<'o, Self::Form<'o>>;
}

impl Side for Server {
    type Form<'o> = Frames;
    fn out<'o>(ws: &Connection<Self>, memory: &'o mut [u8], _: &'o mut Keys) -> Out<'o, Frames> {
        ws.out(memory)
    }
}

impl Side for Client {
    type Form<'o> = Masked<'o, Keys>;
    fn out<'o>(ws: &Connection<Self>, memory: &'o mut [u8], keys: &'o mut Keys) -> Out<'o, Self::Form<'o>> {
        ws.out(memory, keys)
    }
}

/// What is to be written, behind what was appended already.
struct Outgoing {
    memory: Vec<u8>,
    len: usize,
    keys: Keys,
}

impl Outgoing {
    /// Appends what `write` writes. Without room, what is there is written out first, and then the memory grows.
    async fn append<R: Side>(
        &mut self,
        stream: &mut TcpStream,
        ws: &mut Connection<R>,
        mut write: impl FnMut(&mut Connection<R>, &mut Out<'_, R::Form<'_>>) -> Result<(), SendError>,
    ) -> io::Result<()> {
        loop {
            let result = {
                let mut out = R::out(ws, &mut self.memory[self.len..], &mut self.keys);
                let result = write(ws, &mut out);
                self.len += out.written().len();
                result
            };
            match result {
                Err(SendError::Capacity(_)) if self.len > 0 => self.flush(stream).await?,
                Err(SendError::Capacity(e)) => self.memory.resize(e.needed, 0),
                // A message that comes behind our close frame is not answered.
                Ok(()) | Err(_) => return Ok(()),
            }
        }
    }

    async fn flush(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(&self.memory[..std::mem::take(&mut self.len)]).await?;
        self.memory.truncate(MEMORY);
        self.memory.shrink_to_fit();
        Ok(())
    }
}

/// Says back what comes, until the end.
pub async fn echo<R: Side>(
    stream: &mut TcpStream,
    ws: &mut Connection<R>,
    inbox: &mut Inbox<Vec<u8>>,
    timeouts: Timeouts,
) -> io::Result<Closed> {
    let start = std::time::Instant::now();
    let now = || Instant::from_millis(start.elapsed().as_millis() as u64);
    let mut keep = KeepAlive::new(timeouts, now());
    keep.opened(now());
    let mut tx = Outgoing { memory: vec![0; MEMORY], len: 0, keys: Keys::new() };
    loop {
        // 1. messages until there are none; each borrows the inbox alone
        loop {
            match inbox.poll_message(ws) {
                Ok(Some(Incoming::Message(message))) => {
                    tx.append(stream, ws, |ws, out| ws.send(message.kind(), message.as_bytes(), out)).await?;
                }
                Ok(Some(Incoming::Pong(pong))) => keep.handle_pong(&pong),
                // Each ping is answered: of several that wait the machine answers the latest.
                Ok(Some(Incoming::Ping(_))) => {
                    tx.append(stream, ws, |ws, out| Ok(ws.poll_transmit(out).map(|_| ())?)).await?;
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                // Larger than the memory, and within the limits: lend more. It doubles, since fragments may tell of themselves one by one.
                Err(ReceiveError::Capacity(e)) => {
                    let _ = inbox.replace(vec![0; e.needed.max(2 * e.available)]);
                }
                // Their fault: the close frame is owed.
                Err(_) => break,
            }
        }
        // 2. time, and what the machines owe
        keep.handle_timeout(now(), ws);
        tx.append(stream, ws, |ws, out| {
            while keep.poll_transmit(now(), ws, out)? || ws.poll_transmit(out)? {}
            Ok(())
        })
        .await?;
        // 3. write
        tx.flush(stream).await?;
        if ws.is_closed() {
            return Ok(ws.handle_eof());
        }
        // 4. read, or wait for the next deadline
        if inbox.held() == 0 {
            let _ = inbox.replace(vec![0; MEMORY]);
        }
        let space = match inbox.space() {
            Ok(space) => space,
            Err(e) => {
                let _ = inbox.replace(vec![0; e.needed.max(2 * e.available)]);
                continue;
            }
        };
        let wait = match keep.poll_timeout() {
            Some((at, _)) => at.duration_since(now()),
            // No deadline is set, or the last one has passed: what is owed is written.
            None if ws.is_closing() => return Ok(ws.handle_eof()),
            None => Duration::MAX,
        };
        if let Ok(read) = timeout(wait, stream.read(space)).await {
            match read? {
                0 => return Ok(ws.handle_eof()),
                n => {
                    inbox.commit(n);
                    keep.handle_input(now());
                }
            }
        }
    }
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
