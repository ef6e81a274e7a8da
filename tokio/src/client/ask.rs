use super::{
    Socket,
    packet::Packet,
    shared::{Command, Question, Unanswered},
};
use crate::{AskError, EmitError};
use serde::de::DeserializeOwned;
use std::{fmt, future::Future, marker::PhantomData, pin::Pin, time::Duration};
use tokio::sync::oneshot;

/// A question to the server. Await it to send it, and to get the answer. From [`Socket::ask`].
///
/// # Errors
/// [`AskError`]: it was not sent; the deadline passed, before it was sent or after; the connection was lost after it was sent; the answer is of another type.
#[must_use = "a question is sent when it is awaited"]
pub struct Ask<T> {
    socket: Socket,
    name: Box<str>,
    packet: Result<Packet, EmitError>,
    timeout: Option<Duration>,
    retries: u8,
    answer: PhantomData<fn() -> T>,
}

impl<T> Ask<T> {
    pub(super) fn new(socket: Socket, name: &str, packet: Result<Packet, EmitError>) -> Self {
        let timeout = socket.shared.ask_timeout;
        Self { socket, name: name.into(), packet, timeout, retries: 0, answer: PhantomData }
    }

    /// Waits for the answer at most this long, also while there is no connection. By default 30 s ([`Builder::ask_timeout`](super::Builder::ask_timeout)).
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sends the event again, at most so many times, when the time for the answer is over or the connection was lost: at least once instead of at most once.
    /// The timeout is that of each try, from when it is sent. The server may receive the event several times, and has to tell.
    pub fn retries(self, retries: u8) -> Self {
        Self { retries, ..self }
    }
}

impl<T: DeserializeOwned> IntoFuture for Ask<T> {
    type Output = Result<T, AskError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture
    where
        T: DeserializeOwned,
    {
        let Self { socket, name, packet, timeout, retries, .. } = self;
        let answer = ask(socket, name, packet, timeout, retries);
        Box::pin(async move {
            let raw = answer.await?;
            crate::error::answer(&raw)
        })
    }
}

/// The part that does not depend on the type of the answer.
async fn ask(
    socket: Socket,
    name: Box<str>,
    packet: Result<Packet, EmitError>,
    timeout: Option<Duration>,
    retries: u8,
) -> Result<crate::args::Raw, AskError> {
    let packet = packet?;
    let cost = name.len() + packet.cost();
    let (reply, answer) = oneshot::channel();
    let namespace = socket.space.number;
    let question = Question { namespace, name, packet, timeout, retries, cost, reply };
    let limit = socket.shared.limit();
    socket.shared.send_counted(cost, limit, Command::Ask(question))?;
    drop(socket);
    match answer.await {
        Ok(Ok(raw)) => Ok(raw),
        Ok(Err(Unanswered::NotSent(error))) => Err(error.into()),
        Ok(Err(Unanswered::Lost(error))) => Err(error.into()),
        Err(_) => Err(AskError::Disconnected),
    }
}

impl<T> fmt::Debug for Ask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("name", &self.name).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
