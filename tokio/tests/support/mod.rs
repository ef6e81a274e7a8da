//! What the tests of the WebSocket share.
#![allow(dead_code, reason = "each test uses a part of it")]

use sansocket_tokio::websocket::{self, Acceptor, Config, Connector, Role, WebSocket};
use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A client and a server, over memory that holds `size` bytes for each direction.
pub async fn pair(size: usize) -> Result<(WebSocket, WebSocket)> {
    pair_with(size, Config::new()).await
}

pub async fn pair_with(size: usize, config: Config) -> Result<(WebSocket, WebSocket)> {
    let (ours, theirs) = duplex(size);
    let connector = Connector::new("ws://server/chat?room=1").config(config.clone());
    let acceptor = Acceptor::new().config(config);
    let (client, server) = tokio::join!(connector.connect_over(ours), acceptor.accept(theirs));
    Ok((client?, server?))
}

/// A WebSocket in this role, and the bare stream of its peer.
pub fn bare(role: Role, size: usize, config: &Config) -> (WebSocket, DuplexStream) {
    let (ours, theirs) = duplex(size);
    (websocket::from_upgraded(ours, role, config), theirs)
}

/// Numbers that look random.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Polls the future so many times, and drops it if it is not ready then.
pub async fn polls<T>(times: u64, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..times {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(value);
        }
    }
    tokio::task::yield_now().await;
    None
}

/// A stream that gives and takes few bytes at a time, is often not ready, and flushes late: the worst that TLS does.
pub struct Slow<T> {
    io: T,
    dice: Dice,
    held: Vec<u8>,
}

impl<T> Slow<T> {
    pub fn new(io: T, seed: u64) -> Self {
        Self { io, dice: Dice(seed), held: Vec::new() }
    }

    fn rests(&mut self, cx: &Context<'_>) -> bool {
        let rests = self.dice.roll(3) == 0;
        if rests {
            cx.waker().wake_by_ref();
        }
        rests
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Slow<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.rests(cx) {
            return Poll::Pending;
        }
        let n = buffer.remaining().min(1 + self.dice.roll(40) as usize);
        let mut piece = buffer.take(n);
        let result = Pin::new(&mut self.io).poll_read(cx, &mut piece);
        let n = piece.filled().len();
        // `piece` has filled a part of the same memory.
        buffer.initialize_unfilled_to(n);
        buffer.advance(n);
        result
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Slow<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.rests(cx) || !self.held.is_empty() {
            std::task::ready!(self.as_mut().poll_flush(cx))?;
        }
        let n = bytes.len().min(1 + self.dice.roll(40) as usize);
        self.held.extend_from_slice(&bytes[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            if self.rests(cx) {
                return Poll::Pending;
            }
            let Self { io, held, .. } = &mut *self;
            let n = std::task::ready!(Pin::new(io).poll_write(cx, held))?;
            held.drain(..n);
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
