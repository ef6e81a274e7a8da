//! W1, W2, W3 and W9: a server reads what a client sent.

use crate::{
    decoders::{
        EdgeWs, EmbeddedWebSocket, FastWebSockets, Nexus, Ours, OursWithSimdutf8, SansIo, Sockudo, TokioWebSockets,
        Tungstenite, WsFramer, WsNet, Yawc,
    },
    item::{Candidate, Item, Outcome, Spoil, Work, ensure},
    work::{BLOCKS, LARGE, MIXED, TEXTS, Wire},
};
use std::hint::black_box;

pub trait Decoder: 'static {
    /// Reads at most `chunk` bytes at a time, with a connection of its own. Memory of the caller is used again.
    fn decode(&mut self, wire: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool))
    -> Result<(), ()>;
}

struct Decoding<D> {
    decoder: D,
    wire: &'static Wire,
    chunk: usize,
}

impl<D: Decoder> Work for Decoding<D> {
    fn run(&mut self) -> Outcome {
        let mut seen = (0, 0);
        let done = self.decoder.decode(self.wire, black_box(&self.wire.bytes), self.chunk, &mut |bytes, is_last| {
            black_box(bytes);
            seen = (seen.0 + usize::from(is_last), seen.1 + bytes.len());
        });
        done.expect("a good wire");
        seen
    }

    fn verify(&mut self, spoil: Spoil) -> Result<(), String> {
        let Self { decoder, wire, chunk } = self;
        let mut spoilt = spoil == Spoil::Yes;
        let (mut at, mut message, mut is_same) = (0, 0, true);
        let done = decoder.decode(wire, &wire.bytes, *chunk, &mut |bytes, is_last| {
            let expected = wire.messages.get(message).and_then(|m| m.get(at..at + bytes.len()));
            is_same &= expected.is_some_and(|e| e == bytes) && !std::mem::take(&mut spoilt);
            at += bytes.len();
            if is_last {
                is_same &= wire.messages.get(message).is_some_and(|m| m.len() == at);
                (at, message) = (0, message + 1);
            }
        });
        ensure(done.is_ok(), "refuses a good wire")?;
        ensure(is_same && at == 0 && message == wire.messages.len(), "gives other bytes")?;
        if !wire.is_text {
            return Ok(());
        }
        // "a", then a byte that no text has; and a character that the end of its message cuts, in one frame and in two.
        let one = [0x81, 0x82, 1, 2, 3, 4, b'a' ^ 1, 0xff ^ 2];
        let cut = [0x81, 0x82, 0, 0, 0, 0, b'a', 0xe4];
        let two = [0x01, 0x81, 0, 0, 0, 0, 0xe4, 0x80, 0x81, 0, 0, 0, 0, b'a'];
        let is_fragmented = wire.messages.len() == 1;
        for bad in [&one[..], &cut].into_iter().chain(is_fragmented.then_some(&two[..])) {
            ensure(decoder.decode(wire, bad, *chunk, &mut |_, _| ()).is_err(), "takes what is not UTF-8")?;
        }
        Ok(())
    }
}

macro_rules! candidates {
    ($wire:ident $chunk:literal: $($name:literal $marks:literal $decoder:expr,)*) => {
        &[$(Candidate::new($name, $marks, || Box::new(Decoding { decoder: $decoder, wire: &$wire, chunk: $chunk * 1024 })),)*]
    };
}

pub const ITEMS: [Item; 5] = [
    Item {
        name: "W1",
        short: "read short texts",
        title: "a server reads short texts: 10,000 masked frames of 16 to 125 bytes, 4 KiB a read",
        unit: "message",
        units: 10_000,
        candidates: candidates!(TEXTS 4:
            "sansocket, whole" "" Ours::whole(32),
            "sansocket, pieces" "" Ours::pieces(),
            "ws-net, whole" "" WsNet,
            "nexus-web, whole" "S" Nexus,
            "websocket-sans-io, whole" "+" SansIo::whole(),
            "tungstenite, whole" "" Tungstenite,
            "sockudo-ws, whole" "S" Sockudo,
            "tokio-websockets, whole" "S" TokioWebSockets,
            "fastwebsockets, whole" "S" FastWebSockets,
            "yawc, whole" "S" Yawc,
            "ws-framer, whole" "" WsFramer::new(32),
            "edge-ws, whole" "+" EdgeWs::new(),
            "embedded-websocket, whole" "+" EmbeddedWebSocket::new(),
        ),
        goals: &[("sansocket, whole", "ws-net, whole", 0.45), ("sansocket, pieces", "sansocket, whole", 1.1)],
    },
    Item {
        name: "W2",
        short: "read 16 KiB frames",
        title: "a server reads binary messages: 1,000 masked frames of 16 KiB, 4 KiB a read",
        unit: "message",
        units: 1000,
        candidates: candidates!(BLOCKS 4:
            "sansocket, whole" "" Ours::whole(32),
            "sansocket, pieces" "" Ours::pieces(),
            "websocket-sans-io, pieces" "" SansIo::pieces(),
            "tokio-websockets, whole" "S" TokioWebSockets,
            "sockudo-ws, whole" "S" Sockudo,
            "ws-net, whole" "" WsNet,
            "nexus-web, whole" "S" Nexus,
            "fastwebsockets, whole" "S" FastWebSockets,
            "yawc, whole" "S" Yawc,
            "tungstenite, whole" "" Tungstenite,
            "ws-framer, whole" "" WsFramer::new(32),
            "edge-ws, whole" "" EdgeWs::new(),
            "embedded-websocket, whole" "" EmbeddedWebSocket::new(),
        ),
        goals: &[
            ("sansocket, pieces", "websocket-sans-io, pieces", 1.0),
            ("sansocket, whole", "sockudo-ws, whole", 0.9),
        ],
    },
    Item {
        name: "W2b",
        short: "read 16 KiB frames at once",
        title: "the same, 64 KiB a read",
        unit: "message",
        units: 1000,
        candidates: candidates!(BLOCKS 64:
            "sansocket, whole" "" Ours::whole(128),
            "sansocket, pieces" "" Ours::pieces(),
            "tokio-websockets, whole" "S" TokioWebSockets,
            "sockudo-ws, whole" "S" Sockudo,
            "websocket-sans-io, pieces" "" SansIo::pieces(),
            "ws-net, whole" "" WsNet,
            "nexus-web, whole" "S" Nexus,
            "fastwebsockets, whole" "S" FastWebSockets,
            "yawc, whole" "S" Yawc,
            "tungstenite, whole" "" Tungstenite,
        ),
        goals: &[("sansocket, pieces", "websocket-sans-io, pieces", 1.0)],
    },
    Item {
        name: "W3",
        short: "read a 64 MiB message",
        title: "a server reads one message of 64 MiB in 1,024 masked frames, 64 KiB a read",
        unit: "message",
        units: 1,
        candidates: candidates!(LARGE 64:
            "sansocket, whole" "" Ours::whole((64 << 10) + 128),
            "sansocket, pieces" "" Ours::pieces(),
            "websocket-sans-io, pieces" "" SansIo::pieces(),
            "fastwebsockets, whole" "S" FastWebSockets,
            "nexus-web, whole" "S" Nexus,
            "sockudo-ws, whole" "S" Sockudo,
            "tokio-websockets, whole" "S" TokioWebSockets,
            "ws-net, whole" "" WsNet,
            "yawc, whole" "S" Yawc,
            "tungstenite, whole" "" Tungstenite,
        ),
        goals: &[
            ("sansocket, pieces", "websocket-sans-io, pieces", 1.0),
            ("sansocket, whole", "fastwebsockets, whole", 0.18),
        ],
    },
    Item {
        name: "W9",
        short: "read 1 MiB of mixed text",
        title: "a server reads one text of 1 MiB, ASCII and Chinese, in 256 masked frames, 4 KiB a read",
        unit: "message",
        units: 1,
        candidates: candidates!(MIXED 4:
            "sansocket, whole" "" Ours::whole(1280),
            "sansocket, pieces" "" Ours::pieces(),
            "sansocket with simdutf8, whole" "S" OursWithSimdutf8::whole(1280),
            "nexus-web, whole" "S" Nexus,
            "yawc, whole" "S" Yawc,
            "sockudo-ws, whole" "S" Sockudo,
            "tokio-websockets, whole" "S" TokioWebSockets,
            "fastwebsockets, whole" "S" FastWebSockets,
            "websocket-sans-io, whole" "+" SansIo::whole(),
            "tungstenite, whole" "" Tungstenite,
            "ws-net, whole" "" WsNet,
            "ws-framer, whole" "" WsFramer::new(1280),
        ),
        goals: &[
            ("sansocket, whole", "websocket-sans-io, whole", 0.22),
            ("sansocket with simdutf8, whole", "nexus-web, whole", 1.1),
        ],
    },
];
