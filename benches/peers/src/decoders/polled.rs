//! The crates for Tokio, on a transport in memory that is always ready: polled without a runtime, until nothing is left.

use super::{LIMIT, Socket};
use crate::{decode::Decoder, work::Wire};
use futures_util::{Stream, StreamExt};
use std::{
    future::Future,
    io::{self, Read},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

type Done = Result<(), ()>;

impl AsyncRead for Socket<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let n = self.chunk.min(into.remaining());
        match self.read(into.initialize_unfilled_to(n)) {
            Ok(n) => into.advance(n),
            Err(_) => return Poll::Pending,
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Gives each message, until the stream waits.
fn drain<M, E>(mut ws: impl Stream<Item = Result<M, E>> + Unpin, mut give: impl FnMut(M) -> Done) -> Done {
    let cx = &mut Context::from_waker(Waker::noop());
    loop {
        match ws.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(message))) => give(message)?,
            Poll::Ready(_) => return Err(()),
            Poll::Pending => return Ok(()),
        }
    }
}

pub struct TokioWebSockets;

impl Decoder for TokioWebSockets {
    fn decode(&mut self, _: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Done {
        use tokio_websockets::{Limits, ServerBuilder};
        let ws = ServerBuilder::new().limits(Limits::unlimited()).serve(Socket { rest: bytes, chunk });
        drain(ws, |message| {
            sink(message.as_payload(), true);
            if message.is_text() || message.is_binary() { Ok(()) } else { Err(()) }
        })
    }
}

pub struct FastWebSockets;

impl Decoder for FastWebSockets {
    fn decode(&mut self, _: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Done {
        use fastwebsockets::{FragmentCollector, Role, WebSocket};
        let mut ws = WebSocket::after_handshake(Socket { rest: bytes, chunk }, Role::Server);
        ws.set_max_message_size(LIMIT);
        let mut ws = FragmentCollector::new(ws);
        let cx = &mut Context::from_waker(Waker::noop());
        loop {
            match pin!(ws.read_frame()).poll(cx) {
                Poll::Ready(frame) => sink(&frame.map_err(drop)?.payload, true),
                Poll::Pending => return Ok(()),
            }
        }
    }
}

pub struct Yawc;

impl Decoder for Yawc {
    fn decode(&mut self, _: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Done {
        use yawc::{OpCode, Options, Role, WebSocket};
        let options = Options::default().with_utf8().with_limits(LIMIT, LIMIT);
        let ws = WebSocket::from_stream(Socket { rest: bytes, chunk }, Role::Server, options).map_err(drop)?;
        drain(ws.map(Ok::<_, ()>), |frame| {
            sink(frame.payload(), true);
            if matches!(frame.opcode(), OpCode::Text | OpCode::Binary) { Ok(()) } else { Err(()) }
        })
    }
}
