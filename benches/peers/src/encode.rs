//! W4 and W5: a server and a client write frames.

use crate::{
    encoders::{
        EdgeWs, EmbeddedWebSocket, HeaderOnly, Nexus, Ours, SansIo, Sockudo, TokioWebSockets, Tungstenite, WsFramer,
        WsNet,
    },
    item::{Candidate, Item, Outcome, Spoil, Work, ensure},
    work::{BLOCKS, TEXTS, Wire},
};
use std::hint::black_box;

/// Bytes of the memory that frames are written to, again and again.
pub const MEMORY: usize = 64 * 1024;

pub trait Encoder: 'static {
    /// Writes each message as one final frame, and gives the bytes that were written before their memory is used again.
    fn encode(&mut self, wire: &'static Wire, sink: &mut impl FnMut(&[u8]));

    /// A header that stands alone: its payload is not copied.
    const IS_HEADER_ONLY: bool = false;
}

struct Encoding<E> {
    encoder: E,
    wire: &'static Wire,
}

impl<E: Encoder> Work for Encoding<E> {
    fn run(&mut self) -> Outcome {
        let mut written = 0;
        self.encoder.encode(black_box(self.wire), &mut |bytes| written += black_box(bytes).len());
        // Frames of which each has a key are as long as those that came.
        (self.wire.messages.len(), written)
    }

    fn verify(&mut self, spoil: Spoil) -> Result<(), String> {
        let mut frames = Vec::new();
        self.encoder.encode(self.wire, &mut |bytes| frames.extend_from_slice(bytes));
        if spoil == Spoil::Yes {
            *frames.last_mut().expect("a frame") ^= 1;
        }
        let is_masked = frames.get(1).is_some_and(|b| b & 0x80 != 0);
        ensure(is_masked != self.wire.is_text, "the mask is not its role's")?;
        let (mut rest, mut last) = (&frames[..], [0; 4]);
        for message in &self.wire.messages {
            let mut expected = Vec::new();
            let len = header(message.len()) + if is_masked { 4 } else { 0 };
            let key = is_masked.then(|| std::array::from_fn(|i| rest.get(len - 4 + i).copied().unwrap_or(0)));
            crate::work::push_frame(&mut expected, 0x82 - u8::from(self.wire.is_text), key, message);
            if E::IS_HEADER_ONLY {
                expected.truncate(len);
            }
            rest = rest.strip_prefix(&expected[..]).ok_or("writes another frame")?;
            ensure(key != Some(last), "uses a key twice")?;
            last = key.unwrap_or_default();
        }
        ensure(rest.is_empty(), "writes more")
    }
}

const fn header(len: usize) -> usize {
    if len < 126 { 2 } else { 4 }
}

macro_rules! candidates {
    ($wire:ident: $($name:literal $marks:literal $encoder:expr,)*) => {
        &[$(Candidate::new($name, $marks, || Box::new(Encoding { encoder: $encoder, wire: &$wire })),)*]
    };
}

pub const ITEMS: [Item; 2] = [
    Item {
        name: "W4",
        short: "write short texts",
        title: "a server writes short texts: 10,000 frames of 16 to 125 bytes",
        unit: "message",
        units: 10_000,
        candidates: candidates!(TEXTS:
            "sansocket" "" Ours::server(),
            "sansocket, header only" "" HeaderOnly,
            "embedded-websocket" "" EmbeddedWebSocket::server(),
            "sockudo-ws" "" Sockudo::server(),
            "nexus-web" "" Nexus::server(),
            "ws-net" "" WsNet::server(),
            "websocket-sans-io" "" SansIo::server(),
            "edge-ws" "" EdgeWs::server(),
            "ws-framer" "" WsFramer::server(),
            "tungstenite" "" Tungstenite::server(),
            "tokio-websockets" "" TokioWebSockets::server(),
        ),
        goals: &[("sansocket", "embedded-websocket", 1.0), ("sansocket", "sockudo-ws", 1.0)],
    },
    Item {
        name: "W5",
        short: "write 16 KiB frames as a client",
        title: "a client writes binary messages: 1,000 masked frames of 16 KiB, each with a new random key",
        unit: "message",
        units: 1000,
        candidates: candidates!(BLOCKS:
            "sansocket" "" Ours::client(),
            "sockudo-ws" "S" Sockudo::client(),
            "nexus-web" "S" Nexus::client(),
            "ws-net" "" WsNet::client(),
            "websocket-sans-io" "" SansIo::client(),
            "tungstenite" "" Tungstenite::client(),
            "tokio-websockets" "S" TokioWebSockets::client(),
            "edge-ws" "" EdgeWs::client(),
            "ws-framer" "" WsFramer::client(),
            "embedded-websocket" "" EmbeddedWebSocket::client(),
        ),
        goals: &[("sansocket", "sockudo-ws", 1.15)],
    },
];
