use super::{Broadcast, Handshake, Namespace, Socket, adapter::AdapterError, data::Published};
use crate::{
    AskError, EmitError,
    args::{self, DecodeError},
};
use bytes::Bytes;
use sansocket::socketio::{Attachments, Sid};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// A socket of this server or of another node of the cluster: what [`fetch_sockets`](Broadcast::fetch_sockets) finds.
#[derive(Clone, Debug)]
pub struct RemoteSocket {
    namespace: Namespace,
    id: Sid,
    rooms: Vec<String>,
    at: At,
}

#[derive(Clone, Debug)]
enum At {
    Here(Socket),
    There(Box<There>),
}

#[derive(Clone, Debug)]
struct There {
    handshake: Handshake,
    auth: Bytes,
    data: Bytes,
}

impl RemoteSocket {
    pub(crate) fn local(socket: Socket) -> Self {
        let namespace = Namespace::new(&socket.line().inner, socket.space().clone());
        Self { namespace, id: socket.id(), rooms: socket.rooms(), at: At::Here(socket) }
    }

    /// A socket of another node, for adapters. `auth` and `data` are JSON.
    #[must_use]
    pub fn new(
        here: &super::adapter::Local,
        id: Sid,
        rooms: Vec<String>,
        handshake: Handshake,
        auth: Bytes,
        data: Bytes,
    ) -> Self {
        Self { namespace: here.0.clone(), id, rooms, at: At::There(Box::new(There { handshake, auth, data })) }
    }

    /// The public id.
    #[must_use]
    pub fn id(&self) -> Sid {
        self.id
    }

    /// The rooms that it was in when it was fetched, that of its own id among them.
    #[must_use]
    pub fn rooms(&self) -> &[String] {
        &self.rooms
    }

    /// The socket itself, if it is of this server.
    #[must_use]
    pub fn socket(&self) -> Option<&Socket> {
        match &self.at {
            At::Here(socket) => Some(socket),
            At::There(_) => None,
        }
    }

    /// The HTTP request that opened the connection.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        match &self.at {
            At::Here(socket) => socket.handshake(),
            At::There(there) => &there.handshake,
        }
    }

    /// What the client gave as `auth`.
    ///
    /// # Errors
    /// [`DecodeError`] names the field that is not of this type.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        value(&self.auth_json())
    }

    /// What the client gave as `auth`, as JSON.
    #[must_use]
    pub fn auth_json(&self) -> Bytes {
        match &self.at {
            At::Here(socket) => Bytes::copy_from_slice(socket.auth_json()),
            At::There(there) => there.auth.clone(),
        }
    }

    /// What the application published with [`Data::publish`](super::Data::publish); `null` if nothing.
    ///
    /// # Errors
    /// [`DecodeError`] names the field that is not of this type.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        value(&self.data_json())
    }

    /// What the application published with [`Data::publish`](super::Data::publish), as JSON.
    #[must_use]
    pub fn data_json(&self) -> Bytes {
        match &self.at {
            At::Here(socket) => match socket.data().get::<Published>() {
                Some(published) => published.0.clone(),
                None => Bytes::from_static(b"null"),
            },
            At::There(there) => there.data.clone(),
        }
    }

    /// The room of its id. Others may be in it too, if clients choose the names of rooms, so a socket of this server is reached without it.
    fn alone(&self) -> Broadcast {
        self.namespace.to(self.id.as_str())
    }

    /// Sends an event, as [`Broadcast::emit`]. If the socket is gone, nothing happens.
    ///
    /// # Errors
    /// As [`Broadcast::emit`].
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        match self.socket().map(|socket| socket.emit(event, &args)) {
            None => self.alone().emit(event, args),
            Some(Err(EmitError::Disconnected)) => Ok(()),
            Some(emitted) => emitted,
        }
    }

    /// Sends an event and waits for the acknowledgement.
    ///
    /// # Errors
    /// As [`Socket::ask`].
    pub async fn ask<T: DeserializeOwned>(
        &self,
        timeout: Duration,
        event: &str,
        args: impl Serialize,
    ) -> Result<T, AskError> {
        if let Some(socket) = self.socket() {
            return match socket.ask_within(timeout, event, args).await {
                Err(AskError::Emit(EmitError::Disconnected)) => Err(AskError::Disconnected),
                answer => answer,
            };
        }
        // Nothing of the arguments is held while the answer is awaited.
        let asked = self.alone().timeout(timeout).ask(event, args);
        let mut answers = asked?.all().await.into_iter();
        let answer = answers.find(|answer| answer.socket.is_none_or(|socket| socket == self.id));
        answer.map_or(Err(AskError::Disconnected), |answer| answer.result)
    }

    /// Has the socket join a room.
    ///
    /// # Errors
    /// [`AdapterError`]: its node cannot be told.
    pub fn join(&self, room: impl AsRef<str>) -> Result<(), AdapterError> {
        match self.socket() {
            Some(socket) => drop(socket.join(room)),
            None => self.alone().join(room)?,
        }
        Ok(())
    }

    /// Has the socket leave a room.
    ///
    /// # Errors
    /// [`AdapterError`]: its node cannot be told.
    pub fn leave(&self, room: impl AsRef<str>) -> Result<(), AdapterError> {
        match self.socket() {
            Some(socket) => drop(socket.leave(room)),
            None => self.alone().leave(room)?,
        }
        Ok(())
    }

    /// Sends the client away: [`Socket::disconnect`].
    ///
    /// # Errors
    /// [`AdapterError`]: its node cannot be told.
    pub fn disconnect(&self, close: bool) -> Result<(), AdapterError> {
        match self.socket() {
            Some(socket) => socket.disconnect(close),
            None => self.alone().disconnect(close)?,
        }
        Ok(())
    }
}

/// One JSON value.
fn value<T: DeserializeOwned>(json: &[u8]) -> Result<T, DecodeError> {
    args::decode(json, Attachments::NONE).map(|(value,)| value)
}
