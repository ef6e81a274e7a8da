//! Over websocketz, which awaits. Its socket is always ready, so the executor only polls.

use crate::{HOST, Line, PATH};
use core::{
    convert::Infallible,
    future::Future,
    marker::PhantomData,
    pin::pin,
    task::{Context, Poll, Waker},
};
use embedded_io_async::{ErrorType, Read, Write};
use rand_core_10::TryRng;
use websocketz::{CloseCode, CloseFrame, Message, WebSocket, http::Header, next, options::ConnectOptions, send};

struct Socket<'l, L>(&'l mut L);

impl<L> ErrorType for Socket<'_, L> {
    type Error = Infallible;
}

impl<L: Line> Read for Socket<'_, L> {
    async fn read(&mut self, memory: &mut [u8]) -> Result<usize, Infallible> {
        Ok(self.0.read(memory))
    }
}

impl<L: Line> Write for Socket<'_, L> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

struct Random<L>(PhantomData<L>);

impl<L: Line> TryRng for Random<L> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        L::fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        L::fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        L::fill(bytes);
        Ok(())
    }
}

async fn talk<L: Line>(mut ws: WebSocket<'_, Socket<'_, L>, Random<L>>) {
    while let Some(message) = next!(ws) {
        let sent = match message {
            Ok(Message::Text(text)) => send!(ws, Message::Text(text)),
            Ok(Message::Binary(bytes)) => send!(ws, Message::Binary(bytes)),
            Ok(_) => Ok(()),
            Err(_) => {
                let _ = send!(ws, Message::Close(Some(CloseFrame::no_reason(CloseCode::Protocol))));
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn run<const CONNECTS: bool, L: Line>(line: &mut L) {
    let (mut received, mut sent, mut fragments) = ([0; 512], [0; 512], [0; 512]);
    let (socket, random) = (Socket(line), Random::<L>(PhantomData));
    let ws = if CONNECTS {
        let headers = [Header { name: "Host", value: HOST.as_bytes() }];
        let options = ConnectOptions::default().with_path_unchecked(PATH).with_headers(&headers);
        let connected =
            WebSocket::connect::<16>(options, socket, random, &mut received, &mut sent, &mut fragments).await;
        let Ok(ws) = connected else { return };
        ws
    } else {
        WebSocket::client(socket, random, &mut received, &mut sent, &mut fragments)
    };
    talk(ws).await;
}

fn block_on(future: impl Future<Output = ()>) {
    let mut future = pin!(future);
    while future.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Pending {}
}

pub fn client<const CONNECTS: bool, L: Line>(line: &mut L) {
    block_on(run::<CONNECTS, L>(line));
}

#[cfg(not(target_os = "none"))]
pub fn server<L: Line>(line: &mut L) {
    let (mut received, mut sent, mut fragments) = ([0; 512], [0; 512], [0; 512]);
    let random = Random::<L>(PhantomData);
    block_on(talk(WebSocket::server(Socket(line), random, &mut received, &mut sent, &mut fragments)));
}
