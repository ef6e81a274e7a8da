//! The crates that need no runtime.

use super::{LIMIT, Socket};
use crate::{decode::Decoder, work::Wire};
use std::io;

type Done = Result<(), ()>;

pub struct WsNet;

impl Decoder for WsNet {
    fn decode(&mut self, _: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Done {
        use ws_net::{Connection, Event, Limits};
        let limits = Limits::new().with_max_frame(LIMIT as u64).with_max_message(LIMIT as u64);
        let mut ws = Connection::server().with_limits(limits);
        for mut read in bytes.chunks(chunk) {
            // Its space can be less than what a socket would give.
            while !read.is_empty() {
                let space = ws.read_buf();
                let n = read.len().min(space.len());
                space[..n].copy_from_slice(&read[..n]);
                read = &read[n..];
                ws.commit(n);
                loop {
                    match ws.poll().map_err(drop)? {
                        Event::Text(text) => sink(text.as_bytes(), true),
                        Event::Binary(bytes) => sink(bytes, true),
                        Event::NeedInput => break,
                        _ => return Err(()),
                    }
                }
            }
        }
        Ok(())
    }
}

pub struct Nexus;

impl Decoder for Nexus {
    fn decode(&mut self, wire: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Done {
        use nexus_web::ws::{FrameReader, Role};
        // A frame must fit beside what has been read and not yet taken.
        let memory = 2 * wire.frame.max(chunk) + 64;
        let builder = FrameReader::builder().role(Role::Server).buffer_capacity(memory);
        let mut reader = builder.max_frame_size(LIMIT as u64).max_message_size(LIMIT).build();
        let mut rest = bytes;
        while !rest.is_empty() {
            if reader.should_compact() || reader.spare().is_empty() {
                reader.compact();
            }
            let space = reader.spare();
            let n = rest.len().min(chunk).min(space.len());
            space[..n].copy_from_slice(&rest[..n]);
            rest = &rest[n..];
            reader.filled(n);
            while let Some(message) = reader.next().map_err(drop)? {
                sink(message.as_bytes(), true);
            }
        }
        Ok(())
    }
}

pub struct Sockudo;

impl Decoder for Sockudo {
    fn decode(&mut self, _: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Done {
        use sockudo_ws::protocol::{Protocol, Role};
        let mut ws = Protocol::new(Role::Server, LIMIT, LIMIT);
        let (mut buffer, mut messages) = (bytes::BytesMut::with_capacity(64 * 1024), Vec::new());
        for read in bytes.chunks(chunk) {
            buffer.extend_from_slice(read);
            ws.process_into(&mut buffer, &mut messages).map_err(drop)?;
            for message in messages.drain(..) {
                sink(message.as_bytes(), true);
            }
        }
        Ok(())
    }
}

pub struct Tungstenite;

impl Decoder for Tungstenite {
    fn decode(&mut self, _: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Done {
        use tungstenite::{
            Error, Message,
            protocol::{Role, WebSocket, WebSocketConfig},
        };
        let config = WebSocketConfig::default().read_buffer_size(chunk).max_message_size(None).max_frame_size(None);
        let mut ws = WebSocket::from_raw_socket(Socket { rest: bytes, chunk }, Role::Server, Some(config));
        loop {
            match ws.read() {
                Ok(Message::Text(text)) => sink(text.as_bytes(), true),
                Ok(Message::Binary(bytes)) => sink(&bytes, true),
                Ok(_) => {}
                Err(Error::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return Err(()),
            }
        }
    }
}

/// Memory in which frames stand until they are whole.
struct Held {
    memory: Vec<u8>,
    from: usize,
    to: usize,
}

impl Held {
    fn new() -> Self {
        Self { memory: vec![0; 32 * 1024], from: 0, to: 0 }
    }

    /// `false`: nothing is left to read.
    fn read(&mut self, rest: &mut &[u8], chunk: usize) -> bool {
        if self.from == self.to {
            (self.from, self.to) = (0, 0);
        } else if self.memory.len() - self.to < chunk {
            self.memory.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
        }
        let n = rest.len().min(chunk).min(self.memory.len() - self.to);
        self.memory[self.to..self.to + n].copy_from_slice(&rest[..n]);
        self.to += n;
        *rest = &rest[n..];
        n > 0
    }
}

pub struct SansIo {
    held: Held,
    /// A message of several frames.
    message: Vec<u8>,
    is_whole: bool,
}

impl SansIo {
    pub fn whole() -> Self {
        Self { held: Held::new(), message: Vec::with_capacity(2 << 20), is_whole: true }
    }

    pub fn pieces() -> Self {
        let held = Held { memory: vec![0; 64 * 1024], ..Held::new() };
        Self { held, message: Vec::new(), is_whole: false }
    }
}

impl Decoder for SansIo {
    fn decode(&mut self, wire: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Done {
        use websocket_sans_io::{WebsocketFrameDecoder, WebsocketFrameEvent};
        let mut decoder = WebsocketFrameDecoder::new();
        let (held, message) = (&mut self.held, &mut self.message);
        (held.from, held.to) = (0, 0);
        message.clear();
        let mut rest = bytes;
        let mut is_final = true;
        loop {
            // These the decoder has seen.
            let before = held.to - held.from;
            if !held.read(&mut rest, chunk) {
                return Ok(());
            }
            let mut at = held.from + before;
            loop {
                let got = decoder.add_data(&mut held.memory[at..held.to]).map_err(drop)?;
                let to = at + got.consumed_bytes;
                match got.event {
                    Some(WebsocketFrameEvent::Start { frame_info, .. }) => {
                        is_final = frame_info.fin;
                        held.from = to;
                    }
                    Some(WebsocketFrameEvent::PayloadChunk { .. }) if !self.is_whole => {
                        sink(&held.memory[at..to], false);
                        held.from = to;
                    }
                    Some(WebsocketFrameEvent::End { .. }) if !self.is_whole => {
                        if is_final {
                            sink(&[], true);
                        }
                        held.from = to;
                    }
                    Some(WebsocketFrameEvent::End { .. }) => {
                        let payload = &held.memory[held.from..to];
                        held.from = to;
                        let whole = if is_final && message.is_empty() {
                            payload
                        } else {
                            message.extend_from_slice(payload);
                            &message[..]
                        };
                        if is_final {
                            if wire.is_text {
                                std::str::from_utf8(whole).map_err(drop)?;
                            }
                            sink(whole, true);
                            message.clear();
                        }
                    }
                    Some(WebsocketFrameEvent::PayloadChunk { .. }) => {}
                    None if got.consumed_bytes == 0 => break,
                    None if !self.is_whole => held.from = to,
                    None => {}
                }
                at = to;
            }
        }
    }
}

pub struct WsFramer(Vec<u8>);

impl WsFramer {
    /// In so many KiB.
    pub fn new(kib: usize) -> Self {
        Self(vec![0; kib * 1024])
    }
}

impl Decoder for WsFramer {
    fn decode(&mut self, _: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Done {
        let mut ws = ws_framer::WsRxFramer::new(&mut self.0);
        let mut rest = bytes;
        while !rest.is_empty() {
            let space = ws.read_buf();
            let n = rest.len().min(chunk).min(space.len());
            space[..n].copy_from_slice(&rest[..n]);
            rest = &rest[n..];
            ws.advance(n);
            while let Some(frame) = ws.next_frame() {
                sink(frame.map_err(drop)?.data(), true);
            }
        }
        Ok(())
    }
}

/// Only a codec of headers and a mask; final frames.
pub struct EdgeWs(Held);

impl EdgeWs {
    pub fn new() -> Self {
        Self(Held::new())
    }
}

impl Decoder for EdgeWs {
    fn decode(&mut self, wire: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Done {
        use edge_ws::{Error, FrameHeader};
        let held = &mut self.0;
        (held.from, held.to) = (0, 0);
        let mut rest = bytes;
        while held.read(&mut rest, chunk) {
            loop {
                let (header, n) = match FrameHeader::deserialize(&held.memory[held.from..held.to]) {
                    Ok(header) => header,
                    Err(Error::Incomplete(_)) => break,
                    Err(_) => return Err(()),
                };
                let end = held.from + n + header.payload_len as usize;
                if end > held.to {
                    break;
                }
                let payload = &mut held.memory[held.from + n..end];
                header.mask(payload, 0);
                if wire.is_text {
                    std::str::from_utf8(payload).map_err(drop)?;
                }
                sink(payload, true);
                held.from = end;
            }
        }
        Ok(())
    }
}

/// Final frames.
pub struct EmbeddedWebSocket {
    held: Held,
    message: Vec<u8>,
}

impl EmbeddedWebSocket {
    pub fn new() -> Self {
        Self { held: Held::new(), message: vec![0; 32 * 1024] }
    }
}

impl Decoder for EmbeddedWebSocket {
    fn decode(&mut self, wire: &Wire, bytes: &[u8], chunk: usize, sink: &mut impl FnMut(&[u8], bool)) -> Done {
        use embedded_websocket::{Error, WebSocketKey, WebSocketServer};
        let mut ws = WebSocketServer::new_server();
        ws.server_accept(&WebSocketKey::from("dGhlIHNhbXBsZSBub25jZQ=="), None, &mut self.message).map_err(drop)?;
        let (held, message) = (&mut self.held, &mut self.message);
        (held.from, held.to) = (0, 0);
        let (mut rest, mut len) = (bytes, 0);
        while held.read(&mut rest, chunk) {
            while held.from < held.to {
                let got = match ws.read(&held.memory[held.from..held.to], &mut message[len..]) {
                    Ok(got) => got,
                    Err(Error::ReadFrameIncomplete) => break,
                    Err(_) => return Err(()),
                };
                held.from += got.len_from;
                len += got.len_to;
                if got.end_of_message {
                    if wire.is_text {
                        std::str::from_utf8(&message[..len]).map_err(drop)?;
                    }
                    sink(&message[..len], true);
                    len = 0;
                }
            }
        }
        Ok(())
    }
}
