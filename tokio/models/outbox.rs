//! Who appends, and who writes.

use super::check;
use crate::server::{
    frames::Frames,
    outbox::{Outbox, Put},
};
use bytes::Bytes;
use sansocket::socketio::{Flags, Policy};
use shuttle::{
    future::block_on,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::io::AsyncWrite;

/// Takes bytes in pieces, and is not ready in between.
#[derive(Default)]
struct Sink {
    taken: Vec<u8>,
    is_tired: bool,
}

impl AsyncWrite for Sink {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.is_tired = !self.is_tired;
        if self.is_tired {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let n = bytes.len().min(3);
        self.taken.extend_from_slice(&bytes[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Writes until `is_enough`, as the task of a WebSocket does.
fn write(outbox: &Outbox, mut is_enough: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
    let mut sink = Sink::default();
    block_on(async {
        while !is_enough(&sink.taken) {
            poll_fn(|context| outbox.poll_flush(context, &mut sink, &mut 0)).await.expect("written");
            if !is_enough(&sink.taken) {
                poll_fn(|context| outbox.told(context).map_or(Poll::Pending, Poll::Ready)).await;
            }
        }
    });
    sink.taken
}

#[test]
fn whoever_writes_gets_all_in_order() {
    check(|| {
        let outbox = Arc::new(Outbox::new(1000, Policy::Close, &Arc::default()));
        let shared = Frames::from(Bytes::from_static(b"xy"));
        let appending: Vec<_> = [b'a', b'A']
            .map(|first| {
                let (outbox, shared) = (outbox.clone(), shared.clone());
                thread::spawn(move || {
                    assert_eq!(outbox.append(&[first; 2], Flags::NONE), Put::Queued);
                    assert_eq!(outbox.share(&shared, Flags::NONE), Put::Queued);
                    assert_eq!(outbox.append(&[first + 1; 2], Flags::NONE), Put::Queued);
                })
            })
            .into();
        let taken = write(&outbox, |taken| taken.len() == 12);
        for appending in appending {
            appending.join().expect("appended");
        }
        let of = |first| taken.iter().filter(|byte| **byte == first || **byte == first + 1).collect::<Vec<_>>();
        assert_eq!(of(b'a'), [&b'a', &b'a', &b'b', &b'b']);
        assert_eq!(of(b'A'), [&b'A', &b'A', &b'B', &b'B']);
        assert_eq!(outbox.waiting(), 0);
    });
}

/// A sink that takes nothing, and never wakes its writer.
struct Stuck;

impl AsyncWrite for Stuck {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn whoever_writes_learns_of_an_overflow() {
    check(|| {
        let outbox = Arc::new(Outbox::new(5, Policy::Close, &Arc::default()));
        let appending = [(); 2].map(|()| {
            let outbox = outbox.clone();
            thread::spawn(move || outbox.append(b"1234", Flags::NONE))
        });
        // As the task of a WebSocket does, whose socket takes nothing.
        block_on(async {
            while !outbox.is_slow() {
                poll_fn(|context| {
                    let _ = outbox.poll_flush(context, &mut Stuck, &mut 0);
                    outbox.told(context).map_or(Poll::Pending, Poll::Ready)
                })
                .await;
            }
        });
        let mut puts = appending.map(|appending| appending.join().expect("appended") == Put::Queued);
        puts.sort_unstable();
        assert_eq!(puts, [false, true]);
        assert_eq!(outbox.append(b"1", Flags::NONE), Put::Closed);
    });
}

#[test]
fn whoever_writes_learns_of_the_end() {
    check(|| {
        let outbox = Arc::new(Outbox::new(1000, Policy::Close, &Arc::default()));
        let is_closing = Arc::new(AtomicBool::new(false));
        let (closing, appending, told) = (outbox.clone(), outbox.clone(), is_closing.clone());
        let closing = thread::spawn(move || {
            told.store(true, Ordering::SeqCst);
            closing.close();
        });
        let appending = thread::spawn(move || appending.append(b"123", Flags::NONE));
        let taken = write(&outbox, |_| is_closing.load(Ordering::SeqCst));
        closing.join().expect("closed");
        let put = appending.join().expect("appended");
        assert_eq!(taken.len() + outbox.waiting(), if put == Put::Queued { 3 } else { 0 });
        assert_eq!(outbox.append(b"1", Flags::NONE), Put::Closed);
    });
}
