use super::{Ask, Socket};
use crate::EmitError;
use sansocket::socketio::Flags;
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// How something is sent to one socket: made by [`Socket::volatile`] and the like.
///
/// ```
/// use sansocket_tokio::server::{Config, Server, Socket};
/// use std::time::Duration;
///
/// let io = Server::new(Config::new());
/// io.on("start", |socket: Socket| async move {
///     // May be lost: the next one follows soon.
///     let _ = socket.volatile().emit("position", (1, 2));
///     let is_ready = socket.timeout(Duration::from_secs(2)).ask::<bool>("ready?", ()).await;
///     is_ready.unwrap_or(false)
/// });
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "it does nothing until something is sent"]
pub struct Emission<'s> {
    socket: &'s Socket,
    flags: Flags,
    timeout: Option<Duration>,
}

impl Emission<'_> {
    /// The event may be dropped if the client is not ready for it. What is asked is never dropped.
    pub const fn volatile(mut self) -> Self {
        self.flags = self.flags.volatile();
        self
    }

    /// Whether the event may be compressed.
    pub const fn compress(mut self, compress: bool) -> Self {
        self.flags = self.flags.compress(compress);
        self
    }

    /// The time that an answer may take. Without it that of [`Config::ask_timeout`](super::Config::ask_timeout).
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends an event.
    ///
    /// # Errors
    /// As [`Socket::emit`].
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.socket.emit_with(event, &args, self.flags)
    }

    /// Sends an event and waits for the acknowledgement: [`Socket::ask`].
    pub fn ask<T: DeserializeOwned>(&self, event: &str, args: impl Serialize) -> Ask<T> {
        let timeout = self.timeout.unwrap_or(self.socket.line().inner.config.ask_timeout);
        self.socket.ask_within(timeout, event, args)
    }
}

impl Socket {
    const fn emission(&self) -> Emission<'_> {
        Emission { socket: self, flags: Flags::NONE, timeout: None }
    }

    /// For an event that may be dropped if the client is not ready for it. See [`Emission`].
    pub const fn volatile(&self) -> Emission<'_> {
        self.emission().volatile()
    }

    /// For an event that may be compressed, or not. See [`Emission`].
    pub const fn compress(&self, compress: bool) -> Emission<'_> {
        self.emission().compress(compress)
    }

    /// For a question with its own time for the answer. See [`Emission`].
    pub const fn timeout(&self, timeout: Duration) -> Emission<'_> {
        self.emission().timeout(timeout)
    }
}
