//! The clock and the streams of Tokio. Feature `tokio`.

extern crate std;

use super::{Lock, Receive, Timer, Transmit};
use crate::time::Instant;
use core::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use std::{
    boxed::Box,
    io::{self, IoSlice},
    rc::Rc,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep_until},
};

/// The clock of Tokio. Its time begins when it is made.
///
/// It owns one entry of Tokio's timer wheel, on the heap, which it moves only when a deadline comes closer. So the deadlines of a busy connection cost nothing.
#[derive(Debug)]
pub struct Clock {
    start: tokio::time::Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: tokio::time::Instant::now(), sleep: None }
    }

    fn moment(&self, at: Instant) -> Option<tokio::time::Instant> {
        if at == Instant::FAR_FUTURE {
            return None;
        }
        self.start.checked_add(Duration::from_millis(at.as_millis()))
    }

    /// The entry fires at its old time if that is earlier, and is set anew then.
    fn poll_until(&mut self, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.moment(at) else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() > at || sleep.is_elapsed() {
            sleep.as_mut().reset(at);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= at {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Clock {
    /// A clock with the same time, for the other half of a connection.
    fn clone(&self) -> Self {
        Self { start: self.start, sleep: None }
    }
}

impl Timer for Clock {
    fn now(&mut self) -> Instant {
        Instant::from_millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn sleep_until(&mut self, at: Instant) -> impl Future<Output = ()> {
        poll_fn(move |cx| self.poll_until(at, cx))
    }
}

/// A stream with the traits of Tokio, such as a `TcpStream`, a TLS stream, or a half of one.
///
/// It flushes what it writes, so streams that keep bytes back (TLS, `BufStream`) work as well: a write counts as done when all of it is out. Give these
/// streams small buffers, or [`Deadlines::write`](super::Deadlines::write) enough time for a whole buffer (64 KiB with rustls).
///
/// For a TCP socket use [`tcp`](Self::tcp), or call its `set_nodelay(true)`. Otherwise the system holds a small message back while an earlier one is not confirmed, up to 40 ms.
///
/// ```
/// use sansocket::drive::{WebSocket, tokio::{Clock, Stream}};
/// use tokio::{io::{AsyncWriteExt, BufStream}, net::TcpStream};
///
/// # async fn run(socket: TcpStream) -> std::io::Result<()> {
/// socket.set_nodelay(true)?;
/// let stream = BufStream::new(socket); // or a TLS stream
/// let ws = WebSocket::server(Stream::new(stream), Clock::new(), [0; 4096], [0; 4096]);
/// # let mut stream = Stream::new(tokio::io::empty());
/// stream.get_mut().shutdown().await?; // what the trait `Transport` does not have
/// # let _ = ws;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Stream<T> {
    io: T,
    /// So many bytes of the last write are in `io`, which has not flushed them yet. The same bytes come again with the next call.
    taken: usize,
}

impl Stream<TcpStream> {
    /// Around a TCP socket, which then sends small messages without delay (`TCP_NODELAY`).
    ///
    /// # Errors
    /// The system refused.
    pub fn tcp(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        Ok(Self::new(socket))
    }
}

impl<T> Stream<T> {
    /// Around `io`.
    pub const fn new(io: T) -> Self {
        Self { io, taken: 0 }
    }

    /// The stream inside. For another stream make another `Stream`: this one may have bytes in flight.
    pub const fn get_mut(&mut self) -> &mut T {
        &mut self.io
    }

    /// The stream inside. If a call that wrote was dropped, the stream may hold bytes that it has not flushed; the driver still holds them too.
    pub fn into_inner(self) -> T {
        self.io
    }

    /// Splits the stream with `split`, for [`WebSocket::split`](super::WebSocket::split). Unlike [`into_inner`](Self::into_inner) this knows which bytes the
    /// stream has taken already, so none is sent twice.
    ///
    /// ```
    /// # use sansocket::drive::{WebSocket, tokio::{Clock, Stream}};
    /// # fn f(tls: tokio::io::DuplexStream) {
    /// let mut ws = WebSocket::server(Stream::new(tls), Clock::new(), vec![0; 4096], vec![0; 4096]);
    /// // .. the handshake, and messages
    /// let (half, shared) = ws.split(|stream| stream.split(tokio::io::split));
    /// # let _ = (half, shared);
    /// # }
    /// ```
    pub fn split<R, W>(self, split: impl FnOnce(T) -> (R, W)) -> (Stream<R>, Stream<W>) {
        let (reader, writer) = split(self.io);
        (Stream::new(reader), Stream { io: writer, taken: self.taken })
    }
}

impl<T: AsyncWrite + Unpin> Stream<T> {
    fn poll_out(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<Option<usize>>> {
        if self.taken == 0 {
            self.taken = ready!(write(Pin::new(&mut self.io), cx))?;
        }
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        Poll::Ready(Ok(Some(core::mem::take(&mut self.taken))))
    }
}

impl<T: AsyncRead + Unpin> Receive for Stream<T> {
    type Error = io::Error;

    fn read(&mut self, memory: &mut [u8]) -> impl Future<Output = io::Result<Option<usize>>> {
        poll_fn(|cx| {
            let mut buffer = ReadBuf::new(memory);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
            Poll::Ready(Ok(Some(buffer.filled().len())))
        })
    }
}

impl<T: AsyncWrite + Unpin> Transmit for Stream<T> {
    type Error = io::Error;

    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = io::Result<Option<usize>>> {
        poll_fn(|cx| self.poll_out(cx, |io, cx| io.poll_write(cx, bytes)))
    }

    fn is_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn write_both(&mut self, first: &[u8], second: &[u8]) -> impl Future<Output = io::Result<Option<usize>>> {
        poll_fn(move |cx| {
            let both = [IoSlice::new(first), IoSlice::new(second)];
            self.poll_out(cx, |io, cx| io.poll_write_vectored(cx, &both))
        })
    }
}

/// `None` if it is poisoned: a thread has panicked in it.
impl<T> Lock for Mutex<T> {
    type Value = T;

    fn with<X>(&self, f: impl FnOnce(&mut T) -> X) -> Option<X> {
        self.lock().ok().map(|mut value| f(&mut value))
    }
}

impl<L: Lock> Lock for Arc<L> {
    type Value = L::Value;

    fn with<X>(&self, f: impl FnOnce(&mut L::Value) -> X) -> Option<X> {
        (**self).with(f)
    }
}

impl<L: Lock> Lock for Rc<L> {
    type Value = L::Value;

    fn with<X>(&self, f: impl FnOnce(&mut L::Value) -> X) -> Option<X> {
        (**self).with(f)
    }
}
