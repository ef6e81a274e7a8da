//! The driver of the core, which owns its memory here.

use super::{
    Closed, Config, Error, Message,
    assembly::{Assembly, KEPT, LEAST, Memory},
};
use crate::{Compression, net, random};
use sansocket::{
    drive::{
        self, AsClient, AsServer, Compressed, Side,
        tokio::{Clock, Stream},
    },
    ws::{CloseCode, Incoming, Inflating, Storage},
};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// How long the end of a stream may take.
const END: Duration = Duration::from_secs(1);

pub(super) type Driver<D, S = Vec<u8>> = drive::WebSocket<Stream<net::Stream>, Clock, D, S, Vec<u8>>;
pub(super) type Client = AsClient<fn(&mut [u8])>;
pub(super) type Server = AsServer;
/// With compression.
pub(super) type Packed<D> = Compressed<D, Vec<u8>>;
pub(super) type Unpacking = Inflating<Vec<u8>, Vec<u8>>;

/// The memory to unpack in: the largest window, with a quarter more, and as much for a part of a message.
const UNPACKED: usize = 80 * 1024;

/// The driver with compression.
pub(super) fn packed<D: Side>(ws: Driver<D>, compression: &Compression) -> Driver<Packed<D>, Unpacking> {
    let deflater = compression.deflater().expect("its memory is as long as its tier says");
    ws.with_compression(compression.core(), vec![0; UNPACKED], deflater)
}

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

pub(super) struct Link<D: Side, S = Vec<u8>> {
    pub(super) ws: Driver<D, S>,
    pub(super) assembly: Assembly,
    pub(super) memory: Memory,
    /// The send memory may be larger than what is kept.
    pub(super) is_grown: bool,
}

impl<D: Side, S: Storage<Raw = Vec<u8>>> Link<D, S> {
    pub(super) fn new(ws: Driver<D, S>, memory: Memory) -> Self {
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
        let was_closing = std::mem::replace(&mut self.assembly.is_closing, true);
        match self.ws.close(code, reason).await {
            Ok(_) => Ok(()),
            Err(e) => {
                let error = Error::from(e);
                // Refused, so nothing was dropped.
                self.assembly.is_closing = was_closing || error.is_final();
                Err(error)
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::assembly::MOST;
    use tokio::io::duplex;

    fn pair() -> (Link<Client>, Link<Server>) {
        let (near, far) = duplex(10_000);
        let (mut client, mut server) = (client(Box::new(near), &Config::new()), server(Box::new(far), &Config::new()));
        client.opened();
        server.opened();
        (Link::new(client, Memory::new()), Link::new(server, Memory::new()))
    }

    fn send_memory<D: Side>(link: &mut Link<D>) -> usize {
        link.ws.reply().replace_outbox(vec![0; LEAST]).unwrap().len()
    }

    #[tokio::test]
    async fn memory_grows_for_a_large_message_and_is_given_back() {
        let (mut client, mut server) = pair();
        for size in [1_000_000, 10] {
            let message = Message::from(vec![7; size]);
            let (sent, received) = tokio::join!(
                async {
                    client.feed(&message).await?;
                    client.flush().await
                },
                server.next()
            );
            sent.unwrap();
            assert!(received.unwrap() == Some(message.clone()));
            assert_eq!((send_memory(&mut client), server.memory.size()), (LEAST, LEAST));
        }
    }

    /// Also if the call that sends was dropped, and the message leaves inside `next`.
    #[tokio::test]
    async fn memory_is_given_back_inside_next() {
        let (mut client, mut server) = pair();
        client.feed(&vec![7; 100_000].into()).await.unwrap();
        let received = tokio::select! {
            received = server.next() => received.unwrap(),
            other = client.next() => panic!("{other:?}"),
        };
        assert_eq!(received.map(|m| m.as_bytes().len()), Some(100_000));
        server.feed(&"answer".into()).await.unwrap();
        server.flush().await.unwrap();
        assert_eq!(client.next().await.unwrap(), Some("answer".into()));
        assert!(timeout(Duration::from_millis(10), client.next()).await.is_err());
        assert_eq!((client.is_grown, send_memory(&mut client)), (false, LEAST));
    }

    /// Frames of one byte do not ask for more memory.
    #[tokio::test]
    async fn the_receive_memory_grows_with_what_arrives() {
        let (mut client, mut server) = pair();
        for n in 0..100 {
            client.ws.reply().feed_part(sansocket::ws::Kind::Binary, &[n], false).await.unwrap();
        }
        client.flush().await.unwrap();
        assert!(timeout(Duration::from_millis(10), server.next()).await.is_err());
        assert_eq!(server.memory.size(), LEAST);
        let part = vec![7; 300_000];
        let sending = async {
            for bytes in part.chunks(4000) {
                client.ws.reply().feed_part(sansocket::ws::Kind::Binary, bytes, false).await.unwrap();
            }
            client.flush().await.unwrap();
        };
        let _ = tokio::join!(sending, timeout(Duration::from_millis(50), server.next()));
        assert!((2 * LEAST..=MOST).contains(&server.memory.size()), "{}", server.memory.size());
    }

    /// Bytes of the objects and of the futures of their calls, on 64 bits. None of them holds a buffer.
    #[test]
    fn sizes() {
        use crate::websocket::{self, Receiver, Role, Sender, WebSocket};
        fn size<F>(_future: F) -> usize {
            size_of::<F>()
        }
        let (near, far) = duplex(64);
        assert!(size_of::<WebSocket>() <= 768 && size_of::<Sender>() <= 64 && size_of::<Receiver>() <= 256);
        let mut ws = websocket::from_upgraded(near, Role::Client, &Config::new());
        let own = [size(ws.next()), size(ws.send("")), size(ws.close())];
        let opening = [size(websocket::connect("")), size(websocket::accept(far))];
        let (mut sender, mut receiver) = ws.split();
        let halves = [size(sender.send("")), size(receiver.next())];
        assert!(own.iter().all(|&n| n <= 400) && halves.iter().all(|&n| n <= 700), "{own:?} {halves:?}");
        assert!(opening.iter().all(|&n| n <= 2048), "{opening:?}");
    }
}
