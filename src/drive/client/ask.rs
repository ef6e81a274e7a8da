use super::{Client, Io};
use crate::{
    drive::{Packing, Timer, Transport},
    endpoint::{
        Grow,
        client::{Emit, Over, Step},
    },
    socketio::{AckError, AckPacket, Attachments, Content, Namespace, SendError, client::Event},
    time::Instant,
};
use core::fmt;

/// Why [`Client::ask`] has no answer.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskError {
    /// The question was not sent. Nothing was changed.
    Send(SendError),
    /// No answer will arrive: the time was over, the namespace was left, or the connection was lost after the question was sent.
    Failed(AckError),
    /// There is no connection, and none will be made. A question that waits is sent after the next [`Io::connect`], unless its time is over.
    Over(Over),
    /// A call needs more memory, as in [`Client::next`]. An answer that arrives later is ignored.
    Memory(Grow),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(e) => e.fmt(f),
            Self::Failed(AckError::TimedOut) => f.write_str("no answer in time"),
            Self::Failed(AckError::Disconnected) => {
                f.write_str("the connection was lost, or the namespace left, before the answer")
            }
            Self::Failed(AckError::Dropped) => f.write_str("the question made room for others, or had none"),
            Self::Over(_) => f.write_str("there is no connection, and none will be made"),
            Self::Memory(e) => e.fmt(f),
        }
    }
}

impl core::error::Error for AskError {}

impl<'m, T, D, A, C, F, P, E> Client<'m, T, D, A, C, F, P>
where
    T: Transport,
    D: FnMut() -> A,
    A: Future<Output = Result<T, E>>,
    C: Timer,
    F: FnMut(&mut [u8]),
    P: Packing,
{
    /// Sends an event, waits for its acknowledgement for `timeout_ms` milliseconds at most, and returns what `read` makes of it. It needs a slot for an
    /// acknowledgement. The event waits for the namespace as every other.
    ///
    /// What arrives meanwhile goes to `other`, as [`next`](Self::next) would return it: nothing is queued. `other` can send, also acknowledge.
    ///
    /// If the future is dropped, the event may be sent still, and its acknowledgement is ignored. Its slot is free again when the time is over.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn ask<X>(
        &mut self,
        namespace: Namespace,
        name: &str,
        content: &impl Content,
        timeout_ms: u32,
        read: impl FnOnce(&AckPacket<'_>, Attachments<'_>) -> X,
        mut other: impl FnMut(Step<'_>, &mut Io<'m, T, C, F, P>),
    ) -> Result<X, AskError> {
        let token = self.io.next_token();
        let deadline = self.io.now().after_millis(u64::from(timeout_ms));
        let how = Emit::new().ask(token, Some(deadline));
        if !self.io.emit_with(namespace, name, content, how).map_err(AskError::Send)? {
            return Err(AskError::Failed(AckError::Dropped));
        }
        loop {
            match self.step(Instant::FAR_FUTURE, Some(token)).await.map_err(AskError::Memory)? {
                (Step::Event(Event::Ack(ack), attachments), _) if ack.token == Some(token) => {
                    return Ok(read(&ack, attachments));
                }
                (Step::Event(Event::AckFailed { token: t, error, .. }, _), _) if t == token => {
                    return Err(AskError::Failed(error));
                }
                (Step::Over(over), _) => return Err(AskError::Over(over)),
                (Step::Again, _) => {}
                (step, io) => other(step, io),
            }
        }
    }
}
