//! The other end: frames made beforehand, and a count of what comes back.

use crate::echoes::Role;
use std::io::{Error, ErrorKind};
use tokio::{io::Interest, net::TcpStream};

pub struct Load {
    stream: TcpStream,
    /// As many frames as may be in flight.
    wire: Vec<u8>,
    /// Bytes of a frame that is sent, and of one that comes back.
    sent: usize,
    received: usize,
    payload: Vec<u8>,
    memory: Vec<u8>,
}

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

impl Load {
    /// `role` is that of the echo.
    pub fn new(stream: TcpStream, role: Role, size: usize, window: usize) -> Self {
        let payload: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
        let mut frame = vec![0x82];
        let bit = if role == Role::Server { 0x80 } else { 0 };
        match size {
            0..126 => frame.push(bit | size as u8),
            126..65536 => frame.extend([&[bit | 126][..], &(size as u16).to_be_bytes()].concat()),
            _ => frame.extend([&[bit | 127][..], &(size as u64).to_be_bytes()].concat()),
        }
        let header = frame.len();
        if role == Role::Server {
            frame.extend(KEY);
            frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(b, k)| b ^ k));
        } else {
            frame.extend(&payload);
        }
        let (with, without) = (header + 4 + size, header + size);
        let (sent, received) = if role == Role::Server { (with, without) } else { (without, with) };
        Self { stream, wire: frame.repeat(window), sent, received, payload, memory: vec![0; 256 * 1024] }
    }

    /// Sends so many messages, and waits until all have come back.
    pub async fn run(&mut self, messages: usize) {
        self.exchange(messages, |_| ()).await.expect("an echo");
    }

    /// As `run`, and compares what comes back.
    pub async fn check(&mut self, messages: usize) -> Result<(), String> {
        let mut answers = Vec::new();
        self.exchange(messages, |bytes| answers.extend_from_slice(bytes)).await.map_err(|e| e.to_string())?;
        let header = self.received - self.payload.len();
        for frame in answers.chunks(self.received) {
            let (head, payload) = frame.split_at(header);
            let is_masked = head[1] & 0x80 != 0;
            let key = if is_masked {
                [head[header - 4], head[header - 3], head[header - 2], head[header - 1]]
            } else {
                [0; 4]
            };
            let is_same = payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k).eq(self.payload.iter().copied());
            if head[0] != 0x82 || is_masked == (self.sent > self.received) || !is_same {
                return Err("another message came back".into());
            }
        }
        Ok(())
    }

    async fn exchange(&mut self, messages: usize, mut see: impl FnMut(&[u8])) -> Result<(), Error> {
        let window = self.wire.len() / self.sent;
        let (mut sent, mut received) = (0, 0);
        while received < messages * self.received {
            let allowed = messages.min(received / self.received + window) * self.sent;
            let interest = if sent < allowed { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            let ready = self.stream.ready(interest).await?;
            if ready.is_readable() {
                match self.stream.try_read(&mut self.memory) {
                    Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                    Ok(n) => {
                        see(&self.memory[..n]);
                        received += n;
                    }
                    Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                    Err(e) => return Err(e),
                }
            }
            let allowed = messages.min(received / self.received + window) * self.sent;
            if ready.is_writable() && sent < allowed {
                let at = sent % self.wire.len();
                let end = self.wire.len().min(at + allowed - sent);
                match self.stream.try_write(&self.wire[at..end]) {
                    Ok(n) => sent += n,
                    Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                    Err(e) => return Err(e),
                }
            }
        }
        Ok(())
    }
}
