//! Over embedded-websocket, by its `Framer`.

use crate::{HOST, Line, PATH};
use core::{convert::Infallible, marker::PhantomData};
use embedded_websocket::{
    WebSocketClient, WebSocketOptions, WebSocketSendMessageType, WebSocketState, WebSocketType,
    framer::{Framer, ReadResult, Stream},
};
use rand_core::RngCore;

struct Socket<'l, L>(&'l mut L);

impl<L: Line> Stream<Infallible> for Socket<'_, L> {
    fn read(&mut self, memory: &mut [u8]) -> Result<usize, Infallible> {
        Ok(self.0.read(memory))
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.write(bytes);
        Ok(())
    }
}

struct Random<L>(PhantomData<L>);

impl<L: Line> RngCore for Random<L> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        L::fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        L::fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        L::fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        L::fill(bytes);
        Ok(())
    }
}

fn talk<L: Line, R: RngCore, T: WebSocketType>(socket: &mut Socket<'_, L>, framer: &mut Framer<'_, R, T>) {
    let mut message = [0; 512];
    loop {
        let written = match framer.read(socket, &mut message) {
            Ok(ReadResult::Text(text)) => framer.write(socket, WebSocketSendMessageType::Text, true, text.as_bytes()),
            Ok(ReadResult::Binary(bytes)) => framer.write(socket, WebSocketSendMessageType::Binary, true, bytes),
            Ok(ReadResult::Pong(_)) => Ok(()),
            Ok(ReadResult::Closed) | Err(_) => return,
        };
        if written.is_err() {
            return;
        }
    }
}

pub fn client<const CONNECTS: bool, L: Line>(line: &mut L) {
    let (mut received, mut sent, mut cursor) = ([0; 512], [0; 512], 0);
    let mut ws = WebSocketClient::new_client(Random::<L>(PhantomData));
    let mut socket = Socket(line);
    if !CONNECTS {
        ws.state = WebSocketState::Open;
    }
    let mut framer = Framer::new(&mut received, &mut cursor, &mut sent, &mut ws);
    let options =
        WebSocketOptions { path: PATH, host: HOST, origin: "", sub_protocols: None, additional_headers: None };
    if CONNECTS && framer.connect(&mut socket, &options).is_err() {
        return;
    }
    talk(&mut socket, &mut framer);
}

#[cfg(not(target_os = "none"))]
pub fn server<L: Line>(line: &mut L) {
    let (mut received, mut sent, mut cursor) = ([0; 512], [0; 512], 0);
    let mut ws = embedded_websocket::WebSocketServer::new_server();
    ws.state = WebSocketState::Open;
    talk(&mut Socket(line), &mut Framer::new(&mut received, &mut cursor, &mut sent, &mut ws));
}
