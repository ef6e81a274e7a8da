//! The halves of the core's driver, which own their memory here.

use super::{
    CloseCode, Closed, Error, Message,
    assembly::{Assembly, KEPT, LEAST, Memory},
    joint::Joint,
    link::{Client, Link, Packed, Server, Unpacking, end},
    socket::{Either, either},
};
use sansocket::{
    drive::{
        self, Shared, Side,
        tokio::{Clock, Stream},
    },
    ws::{Incoming, Storage},
};
use std::{
    fmt,
    sync::{Arc, Mutex},
};

type AnySpeaker = Either<Speaker<Client>, Speaker<Server>, Speaker<Packed<Client>>, Speaker<Packed<Server>>>;
type AnyEar = Either<Ear<Client>, Ear<Server>, Ear<Packed<Client>, Unpacking>, Ear<Packed<Server>, Unpacking>>;
type Lock<D> = Arc<Mutex<Shared<Stream<Joint>, D, Vec<u8>>>>;

/// The sending half of a [`WebSocket`](super::WebSocket), from [`split`](super::WebSocket::split). A clone sends on the same connection.
///
/// Whatever is sent while the [`Receiver`] waits goes out; what a dropped call has left is sent by the receiver, or by the next call. When the receiver is
/// dropped, nobody answers the peer any more, and sending fails.
pub struct Sender(AnySpeaker);

/// The receiving half of a [`WebSocket`](super::WebSocket), from [`split`](super::WebSocket::split).
///
/// It also answers pings, sends pings, and keeps the deadlines, all of it inside [`next`](Self::next). So let one task be in `next` until it returns `None`
/// or an error.
pub struct Receiver(AnyEar);

pub(super) struct Speaker<D: Side> {
    sender: drive::Sender<Clock, Lock<D>>,
    is_grown: bool,
}

pub(super) struct Ear<D: Side, S = Vec<u8>> {
    receiver: drive::Receiver<Stream<Joint>, Clock, S, Lock<D>>,
    assembly: Assembly,
    memory: Memory,
    /// To end it, though senders have it still.
    handle: Option<Joint>,
    is_over: bool,
}

pub(super) fn split<D: Side, S: Storage<Raw = Vec<u8>>>(link: Link<D, S>) -> (Speaker<D>, Ear<D, S>) {
    let Link { ws, assembly, memory, is_grown } = link;
    let mut handle = None;
    let (half, shared) = ws.split(|stream| {
        stream.split(|stream| {
            let stream = Joint::new(stream);
            (handle.insert(stream.clone()).clone(), stream)
        })
    });
    let (receiver, sender) = half.join(Arc::new(Mutex::new(shared)));
    (Speaker { sender, is_grown }, Ear { receiver, assembly, memory, handle, is_over: false })
}

impl<D: Side> Speaker<D> {
    async fn send(&mut self, message: &Message) -> Result<(), Error> {
        let bytes = message.as_bytes();
        self.is_grown |= bytes.len() > KEPT;
        loop {
            match self.sender.send(message.kind(), bytes).await {
                Err(drive::Error::Outbox(e)) => drop(self.sender.replace_outbox(vec![0; e.needed]).await?),
                result => break result?,
            }
        }
        // The message was sent, so what fails here concerns the next one.
        if self.is_grown && matches!(self.sender.replace_outbox(vec![0; LEAST]).await, Ok(Ok(_))) {
            self.is_grown = false;
        }
        Ok(())
    }
}

impl<D: Side> Clone for Speaker<D> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), is_grown: false }
    }
}

impl<D: Side, S: Storage<Raw = Vec<u8>>> Ear<D, S> {
    async fn next(&mut self) -> Result<Option<Message>, Error> {
        loop {
            let Some(incoming) = self.receiver.next_part().await? else { return Ok(None) };
            let Incoming::Part(part) = incoming else { continue };
            let (n, message) = (part.as_bytes().len(), self.assembly.push(&part));
            self.memory.tune(self.receiver.inbox(), n, message.is_some());
            if message.is_some() {
                return Ok(message);
            }
        }
    }

    /// At the end of the connection, ends the stream.
    async fn settle(&mut self, result: &Result<Option<Message>, Error>) {
        if matches!(result, Ok(Some(_))) || std::mem::replace(&mut self.is_over, true) {
            return;
        }
        if let Some(mut stream) = self.handle.take()
            && matches!(result, Ok(_) | Err(Error::Peer(_)))
        {
            end(&mut stream, result.is_err()).await;
        }
    }

    fn closed(&self) -> Option<Closed> {
        if !self.is_over {
            return None;
        }
        // Without the lock nothing is known.
        let reason = self.receiver.connection(|ws| ws.close_reason().to_owned()).unwrap_or_default();
        Some(self.receiver.closed().map_or_else(|_| Closed::default(), |closed| Closed::new(closed, &reason)))
    }
}

impl Sender {
    pub(super) const fn new(half: AnySpeaker) -> Self {
        Self(half)
    }

    /// Sends a message, and waits until the system has taken all of it. The future may be dropped: then nothing of the message is sent, or all of it.
    ///
    /// # Errors
    /// [`Error::State`] after a close: nothing was sent. All others: the connection is over, for the receiver too. [`Error::Over`] also when that was dropped.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.send_message(&message.into()).await
    }

    async fn send_message(&mut self, message: &Message) -> Result<(), Error> {
        either!(async &mut self.0, half => half.send(message).await)
    }

    /// Sends a ping, as [`WebSocket::ping`](super::WebSocket::ping).
    ///
    /// # Errors
    /// As [`send`](Self::send). [`Error::State`] also if the payload is longer than 125 bytes.
    pub async fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<(), Error> {
        Ok(either!(async &mut self.0, half => half.sender.ping(payload.as_ref()).await)?)
    }

    /// Sends a close frame with code 1000, "normal". See [`close_with`](Self::close_with).
    ///
    /// # Errors
    /// As [`close_with`](Self::close_with).
    pub async fn close(&mut self) -> Result<(), Error> {
        self.close_with(CloseCode::NORMAL, "").await
    }

    /// Sends a close frame. The receiver then returns what still arrives, and `None` when the peer has answered.
    ///
    /// # Errors
    /// [`Error::State`] if the code must not be sent, or the reason is longer than 123 bytes, or after a close: nothing was changed. The others as in
    /// [`send`](Self::send).
    pub async fn close_with(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        Ok(either!(async &mut self.0, half => half.sender.close(code, reason).await)?)
    }
}

impl Clone for Sender {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Either::Client(half) => Either::Client(half.clone()),
            Either::Server(half) => Either::Server(half.clone()),
            Either::PackedClient(half) => Either::PackedClient(half.clone()),
            Either::PackedServer(half) => Either::PackedServer(half.clone()),
        })
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl Receiver {
    pub(super) const fn new(half: AnyEar) -> Self {
        Self(half)
    }

    /// Waits for the next message. `None`: the connection is closed; see [`closed`](Self::closed). The future may be dropped, and nothing is lost.
    ///
    /// # Errors
    /// The connection is over, for the senders too. As [`WebSocket::next`](super::WebSocket::next).
    pub async fn next(&mut self) -> Result<Option<Message>, Error> {
        either!(async &mut self.0, half => {
            let result = half.next().await;
            half.settle(&result).await;
            result
        })
    }

    /// How the connection was closed: the code and the reason of the peer. `None` while it is open.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        either!(&self.0, half => half.closed())
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("closed", &self.closed()).finish_non_exhaustive()
    }
}
