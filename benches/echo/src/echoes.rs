//! The same echo by each candidate, as its users write it. All send back whole messages.

use fastwebsockets::{FragmentCollector, Frame, OpCode};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use rand::Rng;
use sansocket::{
    drive::{self, Deadlines, Side, WebSocket, tokio::Clock},
    ws::{Incoming, Timeouts},
};
use std::{error::Error, fmt::Debug, future::poll_fn, task::Poll};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol};
use tokio_websockets::{ClientBuilder, ServerBuilder};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Server,
    Client,
}

/// The peers that have `feed` run both with it and with `send`, which flushes each message. The peers have no deadlines and no pings of their own.
pub const CANDIDATES: [&str; 7] = [
    "sansocket",
    "sansocket, no deadlines",
    "tokio-tungstenite",
    "tokio-tungstenite, fed",
    "tokio-websockets",
    "tokio-websockets, fed",
    "fastwebsockets",
];

type Done = Result<(), Box<dyn Error>>;

pub fn spawn(candidate: &str, role: Role, stream: TcpStream) {
    let is_fed = candidate.ends_with("fed");
    match candidate.trim_end_matches(", fed") {
        "sansocket" => drop(tokio::spawn(async move { sansocket(role, stream, Deadlines::new()).await.unwrap_or(()) })),
        "sansocket, no deadlines" => drop(tokio::spawn(async move {
            let none = Timeouts::new().handshake(0).ping_interval(0).pong(0).idle(0).close(0);
            sansocket(role, stream, Deadlines::new().write(0).others(none)).await.unwrap_or(())
        })),
        "tokio-tungstenite" => drop(tokio::spawn(async move {
            let role = if role == Role::Server { protocol::Role::Server } else { protocol::Role::Client };
            let ws = WebSocketStream::from_raw_socket(stream, role, None).await;
            if is_fed { feed(ws).await } else { send(ws).await }
        })),
        "tokio-websockets" => drop(tokio::spawn(async move {
            let ws = if role == Role::Server {
                ServerBuilder::new().serve(stream)
            } else {
                ClientBuilder::new().take_over(stream)
            };
            if is_fed { feed(ws).await } else { send(ws).await }
        })),
        "fastwebsockets" => drop(tokio::spawn(async move { fastwebsockets(role, stream).await.unwrap_or(()) })),
        other => panic!("no candidate is called {other}"),
    }
}

/// A message of 64 KiB with its header fits. The peers have 128 KiB by default, or what they need.
const MEMORY: usize = 64 * 1024 + 64;

async fn sansocket(role: Role, stream: TcpStream, deadlines: Deadlines) -> Done {
    let (stream, clock) = (drive::tokio::Stream::new(stream), Clock::new());
    let (rx, tx) = (vec![0; MEMORY], vec![0; MEMORY]);
    match role {
        Role::Server => sansocket_echo(WebSocket::server(stream, clock, rx, tx).with_deadlines(deadlines)).await,
        Role::Client => {
            // The generator of the peers.
            let random = |bytes: &mut [u8]| rand::rng().fill_bytes(bytes);
            sansocket_echo(WebSocket::client(stream, clock, random, rx, tx).with_deadlines(deadlines)).await
        }
    }
}

async fn sansocket_echo<D: Side>(
    mut ws: WebSocket<drive::tokio::Stream<TcpStream>, Clock, D, Vec<u8>, Vec<u8>>,
) -> Done {
    ws.opened();
    while let Some((incoming, reply)) = ws.next().await? {
        if let Incoming::Message(message) = incoming {
            reply.feed(message.kind(), message.as_bytes()).await?;
        }
    }
    Ok(())
}

async fn send<W, M, E: Debug>(mut ws: W)
where
    W: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
{
    while let Some(Ok(message)) = ws.next().await {
        ws.send(message).await.expect("an echo");
    }
}

/// Flushes when no other message has arrived.
async fn feed<W, M, E: Debug>(mut ws: W)
where
    W: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
{
    let mut waits = false;
    loop {
        let next = poll_fn(|cx| match ws.poll_next_unpin(cx) {
            Poll::Pending if waits => Poll::Ready(None),
            poll => poll.map(Some),
        });
        match next.await {
            Some(Some(Ok(message))) => {
                ws.feed(message).await.expect("an echo");
                waits = true;
            }
            Some(_) => return,
            None => {
                ws.flush().await.expect("an echo");
                waits = false;
            }
        }
    }
}

async fn fastwebsockets(role: Role, stream: TcpStream) -> Done {
    let role = if role == Role::Server { fastwebsockets::Role::Server } else { fastwebsockets::Role::Client };
    let mut ws = fastwebsockets::WebSocket::after_handshake(stream, role);
    ws.set_writev(true);
    let mut ws = FragmentCollector::new(ws);
    loop {
        let frame = ws.read_frame().await?;
        if let OpCode::Text | OpCode::Binary = frame.opcode {
            ws.write_frame(Frame::new(true, frame.opcode, None, frame.payload)).await?;
        }
    }
}
