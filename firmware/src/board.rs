//! What an async program finds on a board: a socket, a clock and an executor, of which the compiler knows nothing.

use crate::host::{byte, now, receive, send};
use core::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use sansocket::{drive::Timer, time::Instant};
pub use sha1::sha1;

#[path = "../../examples/firmware/board/src/sha1.rs"]
mod sha1;

/// A socket. Whether it is ready, and how much it takes, is unknown.
pub struct Socket;

impl embedded_io_async::ErrorType for Socket {
    type Error = Infallible;
}

impl embedded_io_async::Read for Socket {
    async fn read(&mut self, memory: &mut [u8]) -> Result<usize, Infallible> {
        poll_fn(|_| if byte() == 0 { Poll::Pending } else { Poll::Ready(Ok(receive(memory))) }).await
    }
}

impl embedded_io_async::Write for Socket {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let n = poll_fn(|_| if byte() == 0 { Poll::Pending } else { Poll::Ready(usize::from(byte())) }).await;
        let n = n.min(bytes.len());
        send(bytes.get(..n).unwrap_or_default());
        Ok(n)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A clock.
#[derive(Clone, Copy)]
pub struct Clock;

impl Timer for Clock {
    fn now(&mut self) -> Instant {
        now()
    }

    async fn sleep_until(&mut self, at: Instant) {
        poll_fn(|_| if now() < at { Poll::Pending } else { Poll::Ready(()) }).await;
    }
}

/// Opens a socket.
pub async fn dial() -> Option<Socket> {
    poll_fn(|_| if byte() == 0 { Poll::Pending } else { Poll::Ready((byte() != 0).then_some(Socket)) }).await
}

#[inline(never)]
pub fn fill(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|b| *b = byte());
}

/// Which of two futures is ready first. As `embassy_futures::select`, which holds each of them once too.
pub async fn select<A, B>(
    mut a: Pin<&mut impl Future<Output = A>>,
    mut b: Pin<&mut impl Future<Output = B>>,
) -> Result<A, B> {
    poll_fn(|cx| match a.as_mut().poll(cx) {
        Poll::Ready(a) => Poll::Ready(Ok(a)),
        Poll::Pending => b.as_mut().poll(cx).map(Err),
    })
    .await
}

/// Runs one task.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
    }
}

/// The size of the future that `call` returns. `call` is not called.
pub const fn size_of_future<A, F>(_: &impl FnOnce(A) -> F) -> usize {
    size_of::<F>()
}
