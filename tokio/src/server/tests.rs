//! What cannot be seen from outside: what waits for a client, and the memory of a connection.

use super::{
    Config, Handshake, Server, Socket,
    counters::Counted,
    line::Line,
    outbox::{Outbox, Put},
    serve,
    session::{End, Session},
};
use crate::Compression;
use bytes::Bytes;
use sansocket::{
    socketio::{Flags, Policy},
    ws::{Advanced, Connection, Incoming, Limits},
};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Takes only so much.
struct Sink {
    taken: Vec<u8>,
    room: usize,
}

impl AsyncWrite for Sink {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let n = bytes.len().min(self.room);
        if n == 0 {
            return Poll::Pending;
        }
        self.room -= n;
        self.taken.extend_from_slice(&bytes[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn flush(outbox: &Outbox, sink: &mut Sink) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    let mut written = 0;
    let before = sink.taken.len();
    let is_done = outbox.poll_flush(&mut context, sink, &mut written).is_ready();
    assert_eq!(written, sink.taken.len() - before);
    is_done
}

/// Whatever is appended, shared, written in part and drained, in whatever order: what was queued comes out whole and in order, within the limit, and all
/// the rest was counted as dropped.
#[test]
fn what_is_queued_comes_out_in_order_and_the_rest_is_counted() {
    let mut seed = 7_u64;
    let mut roll = move |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    for round in 0..3000 {
        let policy = [Policy::Close, Policy::DropNewest, Policy::DropVolatile][round % 3];
        let counted = Arc::new(Counted::default());
        let limit = 64 + usize::try_from(roll(6000)).unwrap();
        let outbox = Outbox::new(limit, policy, &counted);
        let mut sink = Sink { taken: Vec::new(), room: 0 };
        let (mut put, mut kept, mut protocol) = (0, Vec::new(), 0);
        for n in 0..60_u32 {
            let mut packet = format!("<{n:04}").into_bytes();
            let most = 1 + roll(2000);
            packet.resize(packet.len() + usize::try_from(roll(most)).unwrap(), b'.');
            packet.push(b'>');
            let is_volatile = roll(4) == 0;
            let flags = if is_volatile { Flags::NONE.volatile() } else { Flags::NONE };
            let done = match roll(5) {
                0 => outbox.share(&Bytes::from(packet).into(), flags),
                1 => {
                    protocol += packet.len();
                    outbox.append_protocol(&packet)
                }
                _ => outbox.append(&packet, flags),
            };
            put += 1;
            match done {
                // One of those may be dropped later.
                Put::Queued if !(is_volatile && policy == Policy::DropVolatile) => kept.push(n),
                Put::Queued | Put::Dropped => {}
                Put::Closed => {
                    assert!(policy != Policy::DropNewest, "it never closes");
                    put -= 1;
                    break;
                }
            }
            let more = if policy == Policy::DropNewest { protocol } else { 0 };
            assert!(outbox.waiting() <= limit.max(2100) + more, "{} of {limit}", outbox.waiting());
            if roll(3) == 0 {
                sink.room += usize::try_from(roll(3000)).unwrap();
                flush(&outbox, &mut sink);
            }
        }
        if outbox.is_slow() {
            continue;
        }
        sink.room = usize::MAX;
        assert!(flush(&outbox, &mut sink) && outbox.waiting() == 0);
        let text = String::from_utf8(sink.taken).unwrap();
        let packets: Vec<&str> = text.split_inclusive('>').collect();
        assert!(packets.iter().all(|packet| packet.starts_with('<') && packet.ends_with('>')), "whole packets");
        let numbers: Vec<u32> = packets.iter().map(|packet| packet[1..5].parse().unwrap()).collect();
        assert!(numbers.is_sorted());
        assert!(kept.iter().all(|n| numbers.binary_search(n).is_ok()), "{policy:?}: what was queued is written");
        assert_eq!(counted.dropped.get(), put - numbers.len() as u64, "{policy:?}");
    }
}

/// An idle connection over a WebSocket, with one socket. The task and the stream of Tokio come on top.
#[tokio::test]
async fn an_idle_connection_is_small() {
    let io = Server::new(Config::new());
    let (_near, far) = tokio::io::duplex(64);
    let future = serve::connection(io.inner.clone(), far, None);
    let parts = [
        ("future of the connection", size_of_val(&future)),
        ("session", size_of::<Session>()),
        ("machine", size_of::<End>()),
        ("line, with the outbox", size_of::<Line>()),
        ("socket", Socket::size()),
        ("rooms, sockets, sessions by id", 2 * 24 + 24 + 40),
    ];
    let sum: usize = parts.iter().map(|(_, size)| size).sum();
    for (part, size) in parts {
        println!("{size:6} {part}");
    }
    println!("{sum:6} in all; {} of them the handshake without its fields", size_of::<Handshake>());
    assert!(sum <= 2400, "{sum}");
    drop(future);
    poll_fn(|_| Poll::Ready(())).await;
}

/// Without takeover what unpacks is lent to a connection while it is in a message, and no longer.
#[tokio::test]
async fn an_idle_connection_that_compresses_holds_nothing_for_it() {
    let (mut near, far) = tokio::io::duplex(4096);
    let mut wire = serve::Wire::new(far);
    let settings = Compression::new();
    let agreed = settings.core().accept([(&b"sec-websocket-extensions"[..], &b"permessage-deflate"[..])]);
    wire.agree(agreed, Some(settings));
    let mut ws = Connection::server(Limits::new()).with_compression(wire.agreed());
    for _ in 0..3 {
        // "Hello" (RFC 7692 section 7.2.3.1), in two pieces.
        near.write_all(b"\xc1\x87\0\0\0\0\xf2\x48\xcd").await.unwrap();
        wire.read().await.unwrap();
        assert!(matches!(wire.received().advance(&mut ws), Ok(None)));
        wire.give_back();
        let size = wire.inbox.inflater().map(|unpacker| unpacker.size());
        assert!(size.is_some_and(|size| size <= 1024), "in the middle of a message: {size:?}");
        near.write_all(b"\xc9\xc9\x07\0").await.unwrap();
        wire.read().await.unwrap();
        assert!(matches!(wire.received().advance(&mut ws), Ok(Some(Advanced::Ready))));
        assert!(matches!(wire.inbox.take(), Some(Incoming::Message(m)) if m.as_bytes() == b"Hello"));
        wire.give_back();
        assert!(wire.inbox.inflater().is_none() && wire.inbox.held() == 0 && wire.inbox.held_unpacked() == 0);
    }
}
