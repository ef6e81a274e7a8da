//! How each crate writes.

use crate::{
    encode::{Encoder, MEMORY},
    work::{Random, Wire},
};
use bytes::Bytes;
use futures_util::{Sink as _, SinkExt as _};
use sansocket::ws::{Client, Connection, Kind, Limits, Outbox, Server};
use std::{
    hint::black_box,
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// A frame of the largest message fits.
const ROOM: usize = 16 * 1024 + 14;

/// What a role writes: the kind of its messages, and keys for the crates that draw none themselves.
struct Side {
    is_client: bool,
    random: Random,
    memory: Vec<u8>,
}

impl Side {
    fn server() -> Self {
        Self { is_client: false, random: Random(9), memory: vec![0; MEMORY] }
    }

    fn client() -> Self {
        Self { is_client: true, ..Self::server() }
    }

    fn key(&mut self) -> Option<[u8; 4]> {
        self.is_client.then(|| (self.random.next() as u32).to_le_bytes())
    }

    /// Lets `write` append each message, and gives what was written when no other frame would fit.
    fn each(
        &mut self,
        wire: &Wire,
        sink: &mut impl FnMut(&[u8]),
        mut write: impl FnMut(&mut Self, &[u8], usize) -> usize,
    ) {
        let mut at = 0;
        for message in &wire.messages {
            if MEMORY - at < ROOM {
                sink(&self.memory[..at]);
                at = 0;
            }
            at += write(self, black_box(message), at);
        }
        sink(&self.memory[..at]);
    }
}

macro_rules! sides {
    ($($name:ident)*) => {
        $(pub struct $name(Side);

        impl $name {
            pub fn server() -> Self {
                Self(Side::server())
            }

            pub fn client() -> Self {
                Self(Side::client())
            }
        })*
    };
}
sides!(Ours Sockudo Nexus WsNet SansIo EdgeWs WsFramer EmbeddedWebSocket Tungstenite TokioWebSockets);

impl Encoder for Ours {
    fn encode(&mut self, wire: &'static Wire, sink: &mut impl FnMut(&[u8])) {
        let Side { is_client, random, memory } = &mut self.0;
        if !*is_client {
            let mut ws = Connection::<Server>::server(Limits::new());
            let mut out = ws.out(&mut memory[..]);
            for message in &wire.messages {
                if out.room() < ROOM {
                    sink(out.written());
                    out.clear();
                }
                ws.send(Kind::Text, black_box(message), &mut out).expect("room");
            }
            return sink(out.written());
        }
        let mut ws = Connection::<Client>::client(Limits::new());
        let mut outbox = Outbox::with_keys(&mut memory[..], || (random.next() as u32).to_le_bytes());
        for message in &wire.messages {
            if outbox.room() < ROOM {
                sink(outbox.written());
                outbox.consume(usize::MAX);
            }
            let mut out = ws.out(&mut outbox);
            ws.send(Kind::Binary, black_box(message), &mut out).expect("room");
        }
        sink(outbox.written());
    }
}

pub struct HeaderOnly;

impl Encoder for HeaderOnly {
    const IS_HEADER_ONLY: bool = true;

    fn encode(&mut self, wire: &'static Wire, sink: &mut impl FnMut(&[u8])) {
        let mut ws = Connection::<Server>::server(Limits::new());
        for message in &wire.messages {
            let mut none = [];
            let mut out = ws.out(&mut none[..]);
            sink(ws.send_header_for(Kind::Text, black_box(message).len(), true, &mut out).expect("open").as_bytes());
        }
    }
}

impl Encoder for Sockudo {
    fn encode(&mut self, wire: &'static Wire, sink: &mut impl FnMut(&[u8])) {
        use sockudo_ws::protocol::{Message, Protocol, Role};
        let role = if self.0.is_client { Role::Client } else { Role::Server };
        let mut ws = Protocol::new(role, MEMORY, MEMORY);
        let mut out = bytes::BytesMut::with_capacity(MEMORY);
        for message in &wire.messages {
            if MEMORY - out.len() < ROOM {
                sink(&out);
                out.clear();
            }
            // It takes `Bytes`; these cost nothing, since the message lives for ever.
            let payload = Bytes::from_static(black_box(message));
            let message = if wire.is_text { Message::Text(payload) } else { Message::Binary(payload) };
            ws.encode_message(&message, &mut out).expect("room");
        }
        sink(&out);
    }
}

impl Encoder for Nexus {
    fn encode(&mut self, wire: &'static Wire, sink: &mut impl FnMut(&[u8])) {
        use nexus_web::ws::{FrameWriter, Role};
        let mut ws = FrameWriter::new(if self.0.is_client { Role::Client } else { Role::Server });
        self.0.each(wire, sink, |side, message, at| {
            let to = &mut side.memory[at..];
            if wire.is_text { ws.encode_text(message, to) } else { ws.encode_binary(message, to) }
        });
    }
}

impl Encoder for WsNet {
    fn encode(&mut self, wire: &'static Wire, sink: &mut impl FnMut(&[u8])) {
        let mut ws =
            if self.0.is_client { ws_net::Connection::client_with_seed([9; 32]) } else { ws_net::Connection::server() };
        let mut held = 0;
        for message in &wire.messages {
            if MEMORY - held < ROOM {
                sink(ws.output());
                ws.advance_output(held);
                held = 0;
            }
            if wire.is_text {
                // Its texts are `str`. Ours are judged by no one, so these are not either.
                ws.send_text(std::str::from_utf8(black_box(message)).expect("text")).expect("open");
            } else {
                ws.send_binary(black_box(message)).expect("open");
            }
            held += message.len() + 8;
        }
        sink(ws.output());
    }
}

impl Encoder for SansIo {
    fn encode(&mut self, wire: &'static Wire, sink: &mut impl FnMut(&[u8])) {
        use websocket_sans_io::{FrameInfo, Opcode, WebsocketFrameEncoder};
        let opcode = if wire.is_text { Opcode::Text } else { Opcode::Binary };
        let mut encoder = WebsocketFrameEncoder::new();
        self.0.each(wire, sink, |side, message, at| {
            let mask = side.key();
            let payload_length = message.len() as _;
            let header = encoder.start_frame(&FrameInfo { opcode, payload_length, mask, fin: true, reserved: 0 });
            let (head, rest) = side.memory[at..].split_at_mut(header.len());
            head.copy_from_slice(&header);
            rest[..message.len()].copy_from_slice(message);
            encoder.transform_frame_payload(&mut rest[..message.len()]);
            header.len() + message.len()
        });
    }
}

impl Encoder for EdgeWs {
    fn encode(&mut self, wire: &'static Wire, sink: &mut impl FnMut(&[u8])) {
        use edge_ws::{FrameHeader, FrameType};
        let frame_type = if wire.is_text { FrameType::Text(false) } else { FrameType::Binary(false) };
        self.0.each(wire, sink, |side, message, at| {
            let mask_key = side.key().map(u32::from_be_bytes);
            let header = FrameHeader { frame_type, payload_len: message.len() as u64, mask_key };
            let n = header.serialize(&mut side.memory[at..]).expect("room");
            let payload = &mut side.memory[at + n..at + n + message.len()];
            payload.copy_from_slice(message);
            header.mask(payload, 0);
            n + message.len()
        });
    }
}

impl Encoder for WsFramer {
    fn encode(&mut self, wire: &'static Wire, sink: &mut impl FnMut(&[u8])) {
        use ws_framer::{WsFrame, WsTxFramer};
        let is_client = self.0.is_client;
        self.0.each(wire, sink, |side, message, at| {
            let frame = if wire.is_text {
                WsFrame::Text(std::str::from_utf8(message).expect("text"))
            } else {
                WsFrame::Binary(message)
            };
            WsTxFramer::new(is_client, &mut side.memory[at..]).frame(frame).expect("room").len()
        });
    }
}

/// The generator of `Random`, for a crate that asks for one.
struct Generator(Random);

impl rand_core::RngCore for Generator {
    fn next_u32(&mut self) -> u32 {
        self.0.next() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next()
    }

    fn fill_bytes(&mut self, to: &mut [u8]) {
        for chunk in to.chunks_mut(8) {
            chunk.copy_from_slice(&self.0.next().to_le_bytes()[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(to);
        Ok(())
    }
}

pub fn embedded_client() -> embedded_websocket::WebSocketClient<impl rand_core::RngCore> {
    embedded_websocket::WebSocketClient::new_client(Generator(Random(9)))
}

impl Encoder for EmbeddedWebSocket {
    fn encode(&mut self, wire: &'static Wire, sink: &mut impl FnMut(&[u8])) {
        use embedded_websocket::{WebSocketKey, WebSocketSendMessageType::*, WebSocketServer};
        if self.0.is_client {
            let mut ws = embedded_client();
            let accept = crate::handshake::opened(&mut ws);
            assert!(accept, "a handshake");
            return self.0.each(wire, sink, |side, message, at| {
                ws.write(Binary, true, message, &mut side.memory[at..]).expect("room")
            });
        }
        let mut ws = WebSocketServer::new_server();
        ws.server_accept(&WebSocketKey::from("dGhlIHNhbXBsZSBub25jZQ=="), None, &mut self.0.memory)
            .expect("a handshake");
        self.0
            .each(wire, sink, |side, message, at| ws.write(Text, true, message, &mut side.memory[at..]).expect("room"));
    }
}

/// A socket that gives what is written to it to a sink.
struct Sunk<'s>(&'s mut dyn FnMut(&[u8]));

impl io::Read for Sunk<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl io::Write for Sunk<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0)(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Encoder for Tungstenite {
    fn encode(&mut self, wire: &'static Wire, sink: &mut impl FnMut(&[u8])) {
        use tungstenite::protocol::{Message, Role, WebSocket, WebSocketConfig};
        let role = if self.0.is_client { Role::Client } else { Role::Server };
        let config = WebSocketConfig::default().write_buffer_size(MEMORY - ROOM);
        let mut ws = WebSocket::from_raw_socket(Sunk(sink), role, Some(config));
        for message in &wire.messages {
            let payload = Bytes::from_static(black_box(message));
            let message =
                if wire.is_text { Message::Text(payload.try_into().expect("text")) } else { Message::Binary(payload) };
            ws.write(message).expect("open");
        }
        ws.flush().expect("open");
    }
}

impl tokio::io::AsyncRead for Sunk<'_> {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut tokio::io::ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl tokio::io::AsyncWrite for Sunk<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        (self.0)(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Encoder for TokioWebSockets {
    fn encode(&mut self, wire: &'static Wire, sink: &mut impl FnMut(&[u8])) {
        use tokio_websockets::{ClientBuilder, Config, Message, ServerBuilder};
        let config = Config::default().flush_threshold(MEMORY - ROOM);
        let mut ws = if self.0.is_client {
            ClientBuilder::new().config(config).take_over(Sunk(sink))
        } else {
            ServerBuilder::new().config(config).serve(Sunk(sink))
        };
        let cx = &mut Context::from_waker(Waker::noop());
        for message in &wire.messages {
            let payload = Bytes::from_static(black_box(message));
            let message = if wire.is_text { Message::text(payload) } else { Message::binary(payload) };
            assert!(matches!(Pin::new(&mut ws).poll_ready(cx), Poll::Ready(Ok(()))), "room");
            ws.start_send_unpin(message).expect("open");
        }
        assert!(matches!(ws.poll_flush_unpin(cx), Poll::Ready(Ok(()))), "all written");
    }
}
