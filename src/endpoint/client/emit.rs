use crate::{
    socketio::{ExpectAck, Flags},
    time::Instant,
};

/// How to send an event with [`ClientEnd::emit_with`](super::ClientEnd::emit_with). The default: it is kept until it can be sent, without an
/// acknowledgement, once.
///
/// ```
/// use sansocket::{endpoint::client::Emit, time::Instant};
///
/// let now = Instant::from_millis(0);
/// let position = Emit::new().volatile().compress(false);
/// let question = Emit::new().ask(1, Some(now.after_millis(5_000)));
/// let order = Emit::new().ask(2, None).retry(3, 10_000); // at most four times
/// assert_ne!(question, order);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emit {
    pub(super) expect: Option<ExpectAck>,
    pub(super) flags: Flags,
    /// Retries, and the milliseconds for each acknowledgement.
    pub(super) retry: Option<(u8, u32)>,
}

impl Emit {
    /// The default. See [`Emit`] for an example.
    #[must_use]
    pub const fn new() -> Self {
        Self { expect: None, flags: Flags::NONE, retry: None }
    }

    /// Asks for an acknowledgement: [`Event::Ack`](crate::socketio::client::Event::Ack) or
    /// [`Event::AckFailed`](crate::socketio::client::Event::AckFailed) with this token. If the deadline passes while the event waits, it is not sent.
    #[must_use]
    pub const fn ask(self, token: u32, deadline: Option<Instant>) -> Self {
        Self { expect: Some(ExpectAck { token, deadline }), ..self }
    }

    /// Drops the event unless it can be sent now: the namespace is connected, the transport takes data, and no older event of the namespace waits.
    /// For data that is soon replaced, such as positions.
    #[must_use]
    pub const fn volatile(self) -> Self {
        Self { flags: self.flags.volatile(), ..self }
    }

    /// Whether the packet may be compressed, over a WebSocket that has agreed on it: see [`Outbox::offering`](crate::ws::Outbox::offering).
    #[must_use]
    pub const fn compress(self, compress: bool) -> Self {
        Self { flags: self.flags.compress(compress), ..self }
    }

    /// Sends the event at least once: again and again, with a new id, until the server acknowledges it, at most `retries` times more. Each try waits
    /// `timeout_ms` milliseconds; a deadline of [`ask`](Self::ask) does not count. A try also ends with the connection. The server may receive
    /// the event several times, and must tell.
    ///
    /// Of the events with retries of one namespace one is in flight, and the others wait for it. Events without retries do not. It needs a slot for an
    /// acknowledgement, whether the application asks for it or not. It is never volatile.
    #[must_use]
    pub const fn retry(self, retries: u8, timeout_ms: u32) -> Self {
        Self { retry: Some((retries, timeout_ms)), ..self }
    }
}
