//! Transports by the traits of embedded-io-async and embedded-io, version 0.7.

use super::{Receive, Transmit};
use core::{
    future::{Future, poll_fn},
    task::Poll,
};
use embedded_io::{ErrorKind, ErrorType};

/// A transport with the traits `Read` and `Write` of embedded-io-async 0.7, such as `embassy_net::tcp::TcpSocket`, or a half of one.
///
/// A driver is as cancel-safe as its transport: `read` and `write` must lose nothing if their futures are dropped. The sockets of embassy-net and the
/// adapters for Tokio (`embedded-io-adapters`) keep this. Receivers that let the hardware write into the memory of a call (DMA) do not.
///
/// `flush` is not called: with embassy-net it waits for the acknowledgement of TCP. So `write` must send by itself. That of embedded-tls does not, and neither
/// `read` nor `write` of it is cancel-safe: `examples/tls` shows what it needs.
///
/// ```
/// use embedded_io_adapters::tokio_1::FromTokio;
/// use sansocket::drive::{WebSocket, io_0_7::Async, tokio::Clock};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (socket, _other) = tokio::io::duplex(64); // on a board: a TcpSocket
/// let ws = WebSocket::server(Async(FromTokio::new(socket)), Clock::new(), [0; 512], [0; 512]);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Async<T>(pub T);

impl<T: embedded_io_async::Read> Receive for Async<T> {
    type Error = T::Error;

    async fn read(&mut self, memory: &mut [u8]) -> Result<Option<usize>, T::Error> {
        self.0.read(memory).await.map(Some)
    }
}

impl<T: embedded_io_async::Write> Transmit for Async<T> {
    type Error = T::Error;

    async fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>, T::Error> {
        self.0.write(bytes).await.map(Some)
    }
}

/// A transport with the traits `Read` and `Write` of embedded-io 0.7, for the [blocking drivers](super::blocking).
///
/// A call of the transport must not block past the deadlines of the driver. So give it a time limit, the read and write timeout of a socket, after which
/// it returns an error of the kind `TimedOut` (or `Interrupted`). Deadlines are kept as exactly as this limit is short. For a transport that tells whether
/// it is ready, [`Polled`] does this.
///
/// ```
/// use sansocket::{drive::{blocking::{FnClock, WebSocket}, io_0_7::Blocking}, time::Instant};
///
/// # #[derive(Debug)] struct Uart;
/// # impl embedded_io::ErrorType for Uart { type Error = embedded_io::ErrorKind; }
/// # impl embedded_io::Read for Uart { fn read(&mut self, _: &mut [u8]) -> Result<usize, Self::Error> { Ok(0) } }
/// # impl embedded_io::Write for Uart {
/// #     fn write(&mut self, b: &[u8]) -> Result<usize, Self::Error> { Ok(b.len()) }
/// #     fn flush(&mut self) -> Result<(), Self::Error> { Ok(()) }
/// # }
/// # let uart = Uart;
/// # let millis = || 0;
/// // `uart` returns `TimedOut` after 100 ms without a byte. `millis` reads a counter of the board.
/// let clock = FnClock::new(move || Instant::from_millis(millis()));
/// let mut ws = WebSocket::server(Blocking(uart), clock, [0; 256], [0; 256]);
/// ws.opened(); // a line without HTTP
/// assert!(ws.next_part().is_err(), "this one has ended");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Blocking<T>(pub T);

/// `None` if the transport only took its time.
fn unless_idle<E: embedded_io::Error>(result: Result<usize, E>) -> Result<Option<usize>, E> {
    match result {
        Ok(n) => Ok(Some(n)),
        Err(e) if matches!(e.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => Ok(None),
        Err(e) => Err(e),
    }
}

impl<T: embedded_io::Read> Receive for Blocking<T> {
    type Error = T::Error;

    async fn read(&mut self, memory: &mut [u8]) -> Result<Option<usize>, T::Error> {
        unless_idle(self.0.read(memory))
    }
}

impl<T: embedded_io::Write> Transmit for Blocking<T> {
    type Error = T::Error;

    async fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>, T::Error> {
        unless_idle(self.0.write(bytes))
    }
}

/// A transport with `ReadReady` and `WriteReady` of embedded-io 0.7, for the [blocking drivers](super::blocking): it is asked before each call, so no call
/// blocks. While it is not ready the clock waits, and then it is asked again: see [`FnClock::with_pause`](super::blocking::FnClock::with_pause).
#[derive(Clone, Copy, Debug)]
pub struct Polled<T>(pub T);

impl<T: ErrorType> ErrorType for Polled<T> {
    type Error = T::Error;
}

impl<T: embedded_io::Read + embedded_io::ReadReady> Receive for Polled<T> {
    type Error = T::Error;

    fn read(&mut self, memory: &mut [u8]) -> impl Future<Output = Result<Option<usize>, T::Error>> {
        poll_fn(|_| match self.0.read_ready() {
            Ok(true) => Poll::Ready(unless_idle(self.0.read(memory))),
            Ok(false) => Poll::Pending,
            Err(e) => Poll::Ready(Err(e)),
        })
    }
}

impl<T: embedded_io::Write + embedded_io::WriteReady> Transmit for Polled<T> {
    type Error = T::Error;

    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = Result<Option<usize>, T::Error>> {
        poll_fn(|_| match self.0.write_ready() {
            Ok(true) => Poll::Ready(unless_idle(self.0.write(bytes))),
            Ok(false) => Poll::Pending,
            Err(e) => Poll::Ready(Err(e)),
        })
    }
}
