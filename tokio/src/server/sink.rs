//! Where what waits for a client is written.

use super::outbox::{Outbox, Waiting};
use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::AsyncWrite;

/// Frames that one write takes, of few and of many: each place costs, whether it is used or not.
const FEW: usize = 8;
const MANY: usize = 64;

/// What takes the frames that wait: a stream, or one whose messages are compressed.
pub(crate) trait Sink {
    /// Takes some bytes from the front of the queue, or of what is behind it. `written` counts those that the socket has taken.
    fn poll_take(
        &mut self,
        context: &mut Context<'_>,
        queue: &Waiting,
        rest: &[u8],
        written: &mut usize,
    ) -> Poll<io::Result<usize>>;

    /// Whether there is work on what was taken.
    fn is_preparing(&self) -> bool {
        false
    }

    /// Does that work, which needs no lock of the queue.
    fn prepare(&mut self) {}

    /// Ready when the socket has all that was taken.
    fn poll_done(&mut self, context: &mut Context<'_>, written: &mut usize) -> Poll<io::Result<()>>;

    /// Flushes the stream, which may hold some back.
    fn poll_flush_stream(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl<W: AsyncWrite + Unpin> Sink for W {
    fn poll_take(
        &mut self,
        context: &mut Context<'_>,
        queue: &Waiting,
        rest: &[u8],
        written: &mut usize,
    ) -> Poll<io::Result<usize>> {
        let mut slices = queue.slices().chain((!rest.is_empty()).then_some(rest));
        let first = slices.next().unwrap_or_default();
        let n = ready!(gather(context, Pin::new(self), first, queue.len() < FEW, slices))?;
        *written += n;
        Poll::Ready(Ok(n))
    }

    fn poll_done(&mut self, _: &mut Context<'_>, _: &mut usize) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_flush_stream(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self).poll_flush(context)
    }
}

/// Writes slices, or as much of them as one call takes.
pub(crate) fn gather<'s, W: AsyncWrite>(
    context: &mut Context<'_>,
    sink: Pin<&mut W>,
    first: &'s [u8],
    are_few: bool,
    mut others: impl Iterator<Item = &'s [u8]>,
) -> Poll<io::Result<usize>> {
    match others.next() {
        None => sink.poll_write(context, first),
        Some(second) => {
            let slices = [first, second].into_iter().chain(others);
            let vectored = if are_few { vectored::<FEW, W, _> } else { vectored::<MANY, W, _> };
            vectored(context, sink, slices)
        }
    }
}

fn vectored<'s, const N: usize, W: AsyncWrite, I: Iterator<Item = &'s [u8]>>(
    context: &mut Context<'_>,
    sink: Pin<&mut W>,
    slices: I,
) -> Poll<io::Result<usize>> {
    let mut places = [IoSlice::new(&[]); N];
    let mut n = 0;
    for (place, slice) in places.iter_mut().zip(slices) {
        *place = IoSlice::new(slice);
        n += 1;
    }
    sink.poll_write_vectored(context, &places[..n])
}

/// Writes what waits to its end.
pub(crate) async fn flush<K: Sink>(outbox: &Outbox, sink: &mut K) -> io::Result<()> {
    poll_fn(|context| {
        let mut written = 0;
        let flushed = outbox.poll_flush(context, sink, &mut written);
        outbox.count(written);
        ready!(flushed)?;
        sink.poll_flush_stream(context)
    })
    .await
}
