//! No future of a driver holds a buffer: their sizes, in bytes. `.ci/bare-metal` prints those of a board.

use core::future::Future;
use sansocket::{
    drive::{
        AsClient, AsServer, Error, Receive, Timer, Transmit, WebSocket,
        tokio::{Clock, Stream},
    },
    http::Url,
    time::Instant,
    ws::{CloseCode, Kind},
};
use std::convert::Infallible;

/// A transport whose futures hold what they are given, and no more.
struct Line;

impl Receive for Line {
    type Error = Infallible;

    async fn read(&mut self, _: &mut [u8]) -> Result<Option<usize>, Infallible> {
        core::future::pending().await
    }
}

impl Transmit for Line {
    type Error = Infallible;

    async fn write(&mut self, _: &[u8]) -> Result<Option<usize>, Infallible> {
        core::future::pending().await
    }
}

struct Never;

impl Timer for Never {
    fn now(&mut self) -> Instant {
        Instant::from_millis(0)
    }

    async fn sleep_until(&mut self, _: Instant) {
        core::future::pending().await
    }
}

/// The size of the future that `call` returns.
fn size<A, F: Future>(_: impl FnOnce(A) -> F) -> usize {
    size_of::<F>()
}

type Random = fn(&mut [u8]);
type Client<'m, T, C> = WebSocket<T, C, AsClient<Random>, &'m mut [u8], &'m mut [u8]>;
type Server<'m, T, C> = WebSocket<T, C, AsServer, &'m mut [u8], &'m mut [u8]>;

/// `limits`: of next, send, feed, flush, close, connect and accept.
macro_rules! sizes {
    ($transport:ty, $clock:ty) => {{
        type C = Client<'static, $transport, $clock>;
        type S = Server<'static, $transport, $clock>;
        [
            size(|ws: &'static mut C| ws.next()),
            size(|ws: &'static mut C| ws.send(Kind::Text, b"")),
            size(|ws: &'static mut C| ws.reply().feed(Kind::Text, b"")),
            size(|ws: &'static mut C| ws.reply().flush()),
            size(|ws: &'static mut C| ws.close(CloseCode::NORMAL, "")),
            size(|(ws, url): (&'static mut C, &'static Url<'static>)| ws.connect(url)),
            size(|ws: &'static mut S| ws.accept()),
        ]
    }};
}

#[test]
fn futures_hold_no_buffer() {
    let least = sizes!(Line, Never);
    let on_tokio = sizes!(Stream<tokio::net::TcpStream>, Clock);
    println!("next, send, feed, flush, close, connect, accept: {least:?}; on Tokio: {on_tokio:?}");
    let limits = LIMITS;
    for (size, limit) in least.iter().chain(&on_tokio).zip(limits.iter().chain(&limits)) {
        assert!(size <= limit, "{least:?}, on Tokio {on_tokio:?}, limits {limits:?}");
    }
    assert!(size_of::<Client<'static, Line, Never>>() <= 520);
    assert!(size_of::<Error<Infallible>>() <= 32);
}

/// Of next, send, feed, flush, close, connect and accept.
const LIMITS: [usize; 7] = [168, 168, 168, 152, 184, 240, 248];
