use crate::engineio::{Client, SendError, Sink};

/// Where a session over polling takes the messages that it sends: the queue of the application. See [`Session::begin_post`](super::Session::begin_post)
/// for an example.
pub trait Source {
    /// Writes the next message, with its binary messages, and removes it; or writes nothing and keeps it. `false`: no message is ready.
    ///
    /// # Errors
    /// [`SendError::Capacity`] if `out` has no room. The message is still there, and the next call writes it into another output.
    fn forward<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, SendError>;
}
