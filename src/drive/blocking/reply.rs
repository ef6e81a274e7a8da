use super::wait;
use crate::{
    drive::{self, Error, Failed, Side, Timer, Transport},
    ws::{CloseCode, Closed, Connection, Kind},
};
use core::fmt;

/// The sending side of a blocking [`WebSocket`](super::WebSocket): [`drive::Reply`](crate::drive::Reply), whose calls are explained there.
///
/// ```
/// use sansocket::{drive::{Error, Failed, Side, Timer, Transport, blocking::Reply}, ws::{CloseCode, Kind}};
///
/// /// Two messages in one write, then a message in two parts, a ping, and the end.
/// fn all<T: Transport, C: Timer, D: Side, B: AsMut<[u8]>>(mut reply: Reply<'_, T, C, D, B>) -> Result<(), Error<Failed<T>>> {
///     reply.feed(Kind::Text, b"one")?;
///     reply.send_text("two")?;
///     reply.feed_part(Kind::Binary, b"three, ", false)?;
///     reply.feed_part(Kind::Binary, b"four", true)?;
///     reply.ping(b"")?;
///     if !reply.connection().is_closing() {
///         reply.close(CloseCode::NORMAL, "that is all")?;
///     }
///     reply.flush()
/// }
/// ```
pub struct Reply<'w, T, C, D: Side, B>(pub(super) &'w mut drive::Reply<T, C, D, B>);

impl<T, C, D: Side, B> fmt::Debug for Reply<'_, T, C, D, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Transport, C: Timer, D: Side, B: AsMut<[u8]>> Reply<'_, T, C, D, B> {
    /// As [`drive::Reply::send`](crate::drive::Reply::send).
    ///
    /// # Errors
    /// As there.
    pub fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Error<Failed<T>>> {
        wait(self.0.send(kind, payload))
    }

    /// As [`drive::Reply::send_text`](crate::drive::Reply::send_text).
    ///
    /// # Errors
    /// As there.
    pub fn send_text(&mut self, text: &str) -> Result<(), Error<Failed<T>>> {
        wait(self.0.send_text(text))
    }

    /// As [`drive::Reply::feed`](crate::drive::Reply::feed).
    ///
    /// # Errors
    /// As there.
    pub fn feed(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Error<Failed<T>>> {
        wait(self.0.feed(kind, payload))
    }

    /// As [`drive::Reply::feed_part`](crate::drive::Reply::feed_part).
    ///
    /// # Errors
    /// As there.
    pub fn feed_part(&mut self, kind: Kind, payload: &[u8], is_last: bool) -> Result<(), Error<Failed<T>>> {
        wait(self.0.feed_part(kind, payload, is_last))
    }

    /// As [`drive::Reply::ping`](crate::drive::Reply::ping).
    ///
    /// # Errors
    /// As there.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error<Failed<T>>> {
        wait(self.0.ping(payload))
    }

    /// As [`drive::Reply::flush`](crate::drive::Reply::flush).
    ///
    /// # Errors
    /// As there.
    pub fn flush(&mut self) -> Result<(), Error<Failed<T>>> {
        wait(self.0.flush())
    }

    /// As [`drive::Reply::close`](crate::drive::Reply::close): it does not wait.
    ///
    /// # Errors
    /// As there.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error<Failed<T>>> {
        self.0.close(code, reason)
    }

    /// As [`drive::Reply::closed`](crate::drive::Reply::closed).
    pub fn closed(&mut self) -> Closed {
        self.0.closed()
    }

    /// As [`drive::Reply::transport`](crate::drive::Reply::transport).
    pub const fn transport(&mut self) -> &mut T {
        self.0.transport()
    }

    /// As [`drive::Reply::connection`](crate::drive::Reply::connection).
    #[must_use]
    pub const fn connection(&self) -> &Connection<D::Role> {
        self.0.connection()
    }
}
