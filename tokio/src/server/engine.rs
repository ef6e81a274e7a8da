use super::session::{Machine, Session};
use crate::EmitError;
use bytes::Bytes;
use sansocket::{engineio::Message, socketio::Flags};
use std::sync::{Arc, PoisonError};

pub(crate) type OnMessage = Arc<dyn Fn(EngineSocket, EngineMessage) -> crate::handler::Called + Send + Sync>;

/// A message of Engine.IO, without Socket.IO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineMessage {
    /// A text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

/// A client of Engine.IO itself: [`Server::on_engine_message`](super::Server::on_engine_message).
#[derive(Clone, Debug)]
pub struct EngineSocket(pub(crate) Arc<Session>);

impl EngineSocket {
    /// Sends a message.
    ///
    /// # Errors
    /// [`EmitError::Disconnected`]: the client is gone.
    pub fn send(&self, message: &EngineMessage) -> Result<(), EmitError> {
        let message = match message {
            EngineMessage::Text(text) => Message::Text(text.as_bytes()),
            EngineMessage::Binary(bytes) => Message::Binary(bytes),
        };
        super::scratch::with(|scratch| {
            let guard = self.0.lock();
            let Machine::Engine(link) = &guard.machine else { return Err(EmitError::Disconnected) };
            scratch.batch.write(|out| Ok(link.send(message, out)?)).map_err(EmitError::of)?;
            self.0.outbox.append(scratch.batch.written(), Flags::NONE);
            Ok(())
        })
    }

    pub(crate) fn message(&self, message: Message<'_>) {
        let handler = self.0.inner.on_message.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(handler) = handler else { return };
        let message = match message {
            Message::Text(text) => EngineMessage::Text(String::from_utf8_lossy(text).into_owned()),
            Message::Binary(bytes) => EngineMessage::Binary(Bytes::copy_from_slice(bytes)),
        };
        self.0.call(|| handler(self.clone(), message));
    }
}
