//! What each path that runs in QEMU must say, and what it then hears.

/// What must have been sent since the last step, and what then arrives. Empty: the end of the connection.
pub struct Step {
    pub sent: &'static [&'static [u8]],
    pub answer: &'static [u8],
}

/// What must have been sent at the end. A path that goes on is over when it waits for more.
pub use chosen::{LAST, STEPS};

#[cfg(feature = "frames")]
mod chosen {
    use super::Step;
    pub const STEPS: &[Step] = &[
        Step { sent: &[], answer: b"\x81\x05hello" },
        // A ping between two pieces of a message.
        Step { sent: &[b"\x81\x85\0\0\0\0hello"], answer: b"\x01\x02he\x89\x02hi\x80\x03llo" },
    ];
    pub const LAST: &[&[u8]] = &[b"\x01\x82\0\0\0\0he", b"\x80\x83\0\0\0\0llo"];
}

#[cfg(feature = "messages")]
mod chosen {
    use super::{CLOSE, CLOSED, Step};
    pub const STEPS: &[Step] = &[
        Step { sent: &[], answer: b"\x81\x05hello" },
        Step { sent: &[b"\x81\x85\0\0\0\0hello"], answer: b"\x01\x02he\x89\x02hi\x80\x03llo" },
        Step { sent: &[b"\x8a\x82\0\0\0\0hi", b"\x81\x85\0\0\0\0hello"], answer: CLOSE },
    ];
    pub const LAST: &[&[u8]] = CLOSED;
}

#[cfg(feature = "handshake")]
mod chosen {
    use super::Step;
    pub const STEPS: &[Step] = &[
        Step { sent: &[], answer: b"GET /chat HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConn" },
        Step {
            sent: &[],
            answer:
                b"ection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        },
    ];
    // The key belongs to the stand-in for a hash.
    pub const LAST: &[&[u8]] = &[b"HTTP/1.1 101 ", b"REREREREREREREREREREREREREQ="];
}

#[cfg(feature = "client")]
mod chosen {
    use super::{CLOSE, CLOSED, Step};
    pub const STEPS: &[Step] = &[
        Step { sent: &[], answer: b"ws://server.example.com/chat?room=1" },
        // The key belongs to the stand-in for a hash.
        Step {
            sent: &[b"GET /chat?room=1 HTTP/1.1\r\n", b"server.example.com", b"Bearer token"],
            answer: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: a\r\n\
                Sec-WebSocket-Accept: dXV1dXV1dXV1dXV1dXV1dXV1dXU=\r\n\r\n\x81\x05hello",
        },
        Step { sent: &[b"\x81\x85\0\0\0\0hello"], answer: b"\x01\x02he\x89\x02hi\x80\x03llo" },
        Step { sent: &[b"\x8a\x82\0\0\0\0hi", b"\x81\x85\0\0\0\0hello"], answer: CLOSE },
    ];
    pub const LAST: &[&[u8]] = CLOSED;
}

#[cfg(feature = "server")]
mod chosen {
    use super::Step;
    pub const STEPS: &[Step] = &[
        Step { sent: &[b"0{\"sid\":"], answer: b"\x81\x82\0\0\0\x0040" },
        Step { sent: &[b"40{\"sid\":"], answer: b"\x81\x93\0\0\0\x00421[\"join\",\"lobby\"]" },
        Step { sent: &[b"431[\"ok\"]"], answer: b"\x81\x8e\0\0\0\x0042[\"say\",\"hi\"]\x88\x82\0\0\0\0\x03\xe8" },
    ];
    pub const LAST: &[&[u8]] = &[b"[\"file\",\"hi\"]", b"\x88\x02\x03\xe8"];
}

/// How a server closes, and what a client answers.
#[cfg(any(feature = "messages", feature = "client"))]
const CLOSE: &[u8] = b"\x88\x02\x03\xe8";
#[cfg(any(feature = "messages", feature = "client"))]
const CLOSED: &[&[u8]] = &[b"\x88\x82\0\0\0\0\x03\xe8"];

#[cfg(any(feature = "io-client", feature = "io-client-small"))]
mod chosen {
    use super::Step;
    pub const LAST: &[&[u8]] = &[];
    // Its accept key belongs to the nonce below.
    const HELLO: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nServer: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\
    \x81\x6b0{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}";
    const REQUEST: &[&[u8]] = &[b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n", b"\r\n\r\n"];
    const CONNECT: &[&[u8]] = &[b"\x81\x82\0\0\0\x0040"];
    const CONNECTED: &[u8] = b"\x81\x3d40{\"sid\":\"oSO0OpakMV_3jnilAAAA\",\"pid\":\"Ag5tIFfHZEYG2m2tAAAB\"}";

    pub const STEPS: &[Step] = &[
    // The network fails at first: the third attempt gets through.
    Step { sent: REQUEST, answer: b"" },
    Step { sent: REQUEST, answer: HELLO },
    Step { sent: CONNECT, answer: CONNECTED },
    // An event with a question and an offset, a ping in the same piece, a piece of an acknowledgement.
    Step {
        sent: &[b"420[\"reading\","],
        answer: b"\x81\x38421[\"question\",\"number\\u003f\",[1,{\"a\":\"\xc3\xa9\"}],\"offset-1\"]\x81\x012\x89\x02hi\x81\x0c43",
    },
    Step { sent: &[b"431[", b"\x81\x81\0\0\0\x003", b"\x8a\x82\0\0\0\0hi"], answer: b"0[{\"a\":1}]" },
    // The connection is lost.
    Step { sent: &[], answer: b"" },
    Step { sent: REQUEST, answer: HELLO },
    Step { sent: &[b"40{\"pid\":\"Ag5tIFfHZEYG2m2tAAAB\""], answer: CONNECTED },
    Step { sent: &[b"[\"reading\","], answer: b"\x81\x0241" },
    // This end closes with its close frame.
    Step { sent: &[b"\x88\x80"], answer: b"" },
];
}
