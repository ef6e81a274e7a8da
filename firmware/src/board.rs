//! What an async program finds on a board: a socket, a clock and an executor, of which the compiler knows nothing.

use crate::host::{byte, now, receive, send};
use core::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use sansocket::{drive::Timer, time::Instant};

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

/// SHA-1 of the 60 bytes of the handshake, small rather than fast.
#[inline(never)]
pub fn sha1(text: &[u8; 60]) -> [u8; 20] {
    let mut schedule = [0u32; 32];
    for (word, bytes) in schedule.iter_mut().zip(text.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    schedule[15] = 0x8000_0000;
    schedule[31] = 480;
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in schedule.as_chunks::<16>().0 {
        let mut words = *block;
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for i in 0..80 {
            let (f, k) = match i / 20 {
                0 => (d ^ (b & (c ^ d)), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => (b & c | d & (b | c), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next =
                (words[(i + 13) & 15] ^ words[(i + 8) & 15] ^ words[(i + 2) & 15] ^ words[i & 15]).rotate_left(1);
            let sum = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(words[i & 15]);
            words[i & 15] = next;
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, sum);
        }
        for (old, new) in state.iter_mut().zip([a, b, c, d, e]) {
            *old = old.wrapping_add(new);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}

/// The size of the future that `call` returns. `call` is not called.
pub const fn size_of_future<A, F>(_: &impl FnOnce(A) -> F) -> usize {
    size_of::<F>()
}
