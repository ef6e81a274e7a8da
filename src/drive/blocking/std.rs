//! The streams and the clock of the standard library. Feature `std`.

extern crate std;

use crate::{
    drive::{Receive, Timer, Transmit},
    time::Instant,
};
use core::{
    future::{Future, poll_fn},
    task::Poll,
    time::Duration,
};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    thread,
};

/// How long a call of [`Stream::tcp`] blocks at most.
const PATIENCE: Duration = Duration::from_millis(100);

/// A stream with `Read` and `Write` of the standard library, such as a `TcpStream`, or a TLS stream over one.
///
/// Its socket needs a read timeout and a write timeout: a call that reaches one is no error, the driver looks at its deadlines and calls again. Without
/// them a peer that sends or takes nothing blocks a call for ever. [`tcp`](Self::tcp) sets them. Deadlines are kept up to that time.
///
/// ```no_run
/// use sansocket::drive::blocking::Stream;
/// use std::{net::TcpStream, time::Duration};
///
/// let plain = Stream::tcp(TcpStream::connect("127.0.0.1:80")?)?;
/// // The same by hand, with deadlines that are kept up to a second. A TLS stream goes around `socket` here.
/// let socket = TcpStream::connect("127.0.0.1:80")?;
/// socket.set_nodelay(true)?;
/// socket.set_read_timeout(Some(Duration::from_secs(1)))?;
/// socket.set_write_timeout(Some(Duration::from_secs(1)))?;
/// let mut stream = Stream::new(socket);
/// stream.get_mut().set_ttl(64)?;
/// let socket = stream.into_inner();
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Each write is followed by a flush, so that nothing stays in a TLS session or a `BufWriter`.
#[derive(Debug)]
pub struct Stream<T> {
    io: T,
    /// So many bytes of the last write are in `io`, which has not flushed them yet. The same bytes come again with the next call.
    taken: usize,
}

impl<T> Stream<T> {
    /// Around `io`, whose socket has timeouts.
    pub const fn new(io: T) -> Self {
        Self { io, taken: 0 }
    }

    /// The stream inside. For another stream make another `Stream`: this one may have bytes in flight.
    pub const fn get_mut(&mut self) -> &mut T {
        &mut self.io
    }

    /// The stream inside.
    pub fn into_inner(self) -> T {
        self.io
    }
}

impl Stream<TcpStream> {
    /// A TCP connection, with read and write timeouts of 100 ms and without Nagle's algorithm. An idle connection so costs ten system calls a second.
    ///
    /// # Errors
    /// Those of the system.
    pub fn tcp(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self::new(socket))
    }
}

/// `None` if the stream only took its time.
fn unless_idle<X>(result: io::Result<X>) -> io::Result<Option<X>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => Ok(None),
        Err(e) => Err(e),
    }
}

impl<T: Read> Receive for Stream<T> {
    type Error = io::Error;

    async fn read(&mut self, memory: &mut [u8]) -> io::Result<Option<usize>> {
        unless_idle(self.io.read(memory))
    }
}

impl<T: Write> Transmit for Stream<T> {
    type Error = io::Error;

    async fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        if self.taken == 0 {
            let Some(n) = unless_idle(self.io.write(bytes))? else { return Ok(None) };
            self.taken = n;
        }
        Ok(unless_idle(self.io.flush())?.map(|()| core::mem::take(&mut self.taken)))
    }
}

/// The clock of the standard library, for the [blocking drivers](super). Its time begins when it is made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: std::time::Instant,
}

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer for Clock {
    fn now(&mut self) -> Instant {
        Instant::from_millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Blocks for a millisecond a poll, so that a transport that does not block is asked again.
    fn sleep_until(&mut self, at: Instant) -> impl Future<Output = ()> {
        poll_fn(move |_| {
            if self.now() >= at {
                return Poll::Ready(());
            }
            thread::sleep(Duration::from_millis(1));
            Poll::Pending
        })
    }
}
