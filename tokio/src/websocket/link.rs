//! The driver of the core, which owns its memory here.

use super::{
    Closed, Config, Error, Message,
    assembly::{Assembly, KEPT, LEAST, Memory},
};
use crate::{net, random};
use sansocket::{
    drive::{
        self, AsClient, AsServer, Side,
        tokio::{Clock, Stream},
    },
    ws::{CloseCode, Incoming},
};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// How long the end of a stream may take.
const END: Duration = Duration::from_secs(1);

pub(super) type Driver<D> = drive::WebSocket<Stream<net::Stream>, Clock, D, Vec<u8>, Vec<u8>>;
pub(super) type Client = AsClient<fn(&mut [u8])>;
pub(super) type Server = AsServer;

pub(super) fn client(stream: net::Stream, config: &Config) -> Driver<Client> {
    let random: fn(&mut [u8]) = random::fill;
    drive::WebSocket::client(Stream::new(stream), Clock::new(), random, vec![0; LEAST], vec![0; LEAST])
        .with_limits(config.limits())
        .with_deadlines(config.deadlines())
}

pub(super) fn server(stream: net::Stream, config: &Config) -> Driver<Server> {
    drive::WebSocket::server(Stream::new(stream), Clock::new(), vec![0; LEAST], vec![0; LEAST])
        .with_limits(config.limits())
        .with_deadlines(config.deadlines())
}

pub(super) struct Link<D: Side> {
    pub(super) ws: Driver<D>,
    pub(super) assembly: Assembly,
    pub(super) memory: Memory,
    /// The send memory may be larger than what is kept.
    pub(super) is_grown: bool,
}

impl<D: Side> Link<D> {
    pub(super) fn new(ws: Driver<D>, memory: Memory) -> Self {
        Self { ws, assembly: Assembly::default(), memory, is_grown: false }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Message>, Error> {
        loop {
            self.shrink();
            let Some((incoming, _)) = self.ws.next_part().await? else { return Ok(None) };
            let Incoming::Part(part) = incoming else { continue };
            let (n, message) = (part.as_bytes().len(), self.assembly.push(&part));
            self.memory.tune(self.ws.inbox(), n, message.is_some());
            if message.is_some() {
                return Ok(message);
            }
        }
    }

    pub(super) async fn feed(&mut self, message: &Message) -> Result<(), Error> {
        let bytes = message.as_bytes();
        self.is_grown |= bytes.len() > KEPT;
        Ok(self.ws.reply().feed_growing(message.kind(), bytes).await?)
    }

    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        self.ws.reply().flush().await?;
        self.shrink();
        Ok(())
    }

    /// Gives back what a large message took to be sent, when it was.
    fn shrink(&mut self) {
        if self.is_grown && self.ws.reply().replace_outbox(vec![0; LEAST]).is_ok() {
            self.is_grown = false;
        }
    }

    pub(super) async fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        Ok(self.ws.reply().ping(payload).await?)
    }

    pub(super) async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.ws.close(code, reason).await?;
        Ok(())
    }

    pub(super) fn closed(&mut self) -> Closed {
        let reply = self.ws.reply();
        Closed::new(reply.closed(), reply.connection().close_reason())
    }

    pub(super) async fn end(&mut self, drains: bool) {
        end(self.ws.reply().transport().get_mut(), drains).await;
    }
}

/// Ends the stream, so that the peer sees it. With `drains`, what still arrives is dropped: to close a socket with unread bytes may take the close frame away
/// from the peer.
pub(super) async fn end(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), drains: bool) {
    let _ = timeout(END, async {
        if stream.shutdown().await.is_ok() && drains {
            let mut dropped = vec![0; LEAST];
            while matches!(stream.read(&mut dropped).await, Ok(1..)) {}
        }
    })
    .await;
}
