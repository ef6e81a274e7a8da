//! A server's large messages leave from where they lie, and the bytes on the wire are those of copies, whatever the transport takes.

use sansocket::{
    drive::{Error, Receive, Timer, Transmit, WebSocket},
    time::Instant,
    ws::Kind,
};
use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::pin,
    task::{Context, Poll, Waker},
};

/// What a write does: it takes at most so many bytes, it is not ready once, or its time ends.
#[derive(Clone, Copy, Debug)]
enum Write {
    Takes(usize),
    Waits,
    Idles,
}

struct Pipe {
    is_vectored: bool,
    /// In turn.
    writes: Vec<Write>,
    calls: usize,
    wire: Vec<u8>,
    /// Bytes that were taken beside the send memory.
    beside: usize,
}

impl Pipe {
    fn take(&mut self, first: &[u8], second: &[u8]) -> Poll<Result<Option<usize>, Infallible>> {
        self.calls += 1;
        match self.writes[self.calls % self.writes.len()] {
            Write::Waits => Poll::Pending,
            Write::Idles => Poll::Ready(Ok(None)),
            Write::Takes(most) => {
                let n = most.min(first.len() + second.len());
                self.wire.extend(first.iter().chain(second).take(n));
                self.beside += n.saturating_sub(first.len());
                Poll::Ready(Ok(Some(n)))
            }
        }
    }
}

impl Receive for Pipe {
    type Error = Infallible;

    async fn read(&mut self, _: &mut [u8]) -> Result<Option<usize>, Infallible> {
        std::future::pending().await
    }
}

impl Transmit for Pipe {
    type Error = Infallible;

    async fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>, Infallible> {
        poll_fn(|_| self.take(bytes, &[])).await
    }

    fn is_vectored(&self) -> bool {
        self.is_vectored
    }

    async fn write_both(&mut self, first: &[u8], second: &[u8]) -> Result<Option<usize>, Infallible> {
        poll_fn(|_| self.take(first, second)).await
    }
}

struct Still;

impl Timer for Still {
    fn now(&mut self) -> Instant {
        Instant::from_millis(0)
    }

    async fn sleep_until(&mut self, _: Instant) {
        std::future::pending().await
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

/// The wire after messages of these sizes, and how many bytes were taken beside the send memory.
fn sent(is_vectored: bool, writes: &[Write], sizes: &[usize], drops: bool) -> (Vec<u8>, usize) {
    let pipe = Pipe { is_vectored, writes: writes.to_vec(), calls: 0, wire: Vec::new(), beside: 0 };
    let mut ws = WebSocket::server(pipe, Still, [0; 64], [0; 200]);
    ws.opened();
    for (i, &size) in sizes.iter().enumerate() {
        let payload: Vec<u8> = (0..size).map(|at| (at * 7 + i) as u8).collect();
        if drops {
            // A call that has waited has not begun its message; one that is done has.
            let mut is_done = false;
            while !is_done {
                let mut call = pin!(ws.reply().feed(Kind::Binary, &payload));
                for _ in 0..2 {
                    if let Poll::Ready(result) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                        result.unwrap();
                        is_done = true;
                        break;
                    }
                }
            }
        } else {
            run(ws.reply().feed(Kind::Binary, &payload)).unwrap();
        }
    }
    run(ws.reply().flush()).unwrap();
    let pipe = ws.renew(Pipe { is_vectored, writes: Vec::new(), calls: 0, wire: Vec::new(), beside: 0 });
    (pipe.wire, pipe.beside)
}

const SIZES: [usize; 12] = [196, 30, 120, 0, 97, 98, 99, 126, 196, 196, 5, 150];

#[test]
fn the_wire_is_that_of_copies() {
    let takes = [1, 2, 3, 7, 50, 101, 197, 1000].map(Write::Takes);
    for first in takes {
        for second in takes {
            for others in [&[][..], &[Write::Waits], &[Write::Idles], &[Write::Waits, Write::Idles, Write::Waits]] {
                let writes = [&[first], others, &[second]].concat();
                let expected = sent(false, &writes, &SIZES, false);
                for drops in [false, true] {
                    assert_eq!(sent(true, &writes, &SIZES, drops).0, expected.0, "{writes:?}, dropped: {drops}");
                }
            }
        }
    }
    let (_, beside) = sent(true, &[Write::Takes(1000)], &SIZES, false);
    assert_eq!(beside, SIZES.iter().filter(|n| **n > 98).sum(), "no byte of a large message is copied");
    assert_eq!(sent(false, &[Write::Takes(1000)], &SIZES, false).1, 0);
}

#[test]
fn what_does_not_fit_is_refused_alike() {
    let pipe = Pipe { is_vectored: true, writes: vec![Write::Takes(9)], calls: 0, wire: Vec::new(), beside: 0 };
    let mut ws = WebSocket::server(pipe, Still, [0; 64], [0; 200]);
    ws.opened();
    let Err(Error::Outbox(e)) = run(ws.reply().feed(Kind::Binary, &[0; 197])) else { panic!("too large") };
    assert_eq!((e.needed, e.available), (201, 200));
    ws.reply().close(sansocket::ws::CloseCode::NORMAL, "").unwrap();
    assert!(matches!(run(ws.reply().feed(Kind::Binary, &[0; 150])), Err(Error::State(_))));
}
