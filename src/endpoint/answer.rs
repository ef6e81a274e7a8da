use crate::{
    bytes::{Capacity, Writer},
    engineio::server::{PAYLOAD_FIELDS, POSTED, POSTED_FIELDS, Refusal},
    ws::RequestError,
};
use core::fmt::{self, Write};

/// The answer to a request to the Engine.IO path, as data for any HTTP server.
///
/// Send [`status`](Self::status), [`fields`](Self::fields), the fields of [`Cors`](crate::engineio::server::Cors), a `Connection` field with the
/// value of [`connection`](Self::connection), and [`body`](Self::body). Send no body to `HEAD`.
///
/// ```
/// use sansocket::{endpoint::Answer, engineio::server::Refusal};
///
/// let answer = Answer::refuse(Refusal::UnknownSid, None, false);
/// let mut scratch = [0; 64];
/// assert_eq!(answer.status(), 400);
/// assert!(answer.fields().into_iter().flatten().eq([("Content-Type", &b"application/json"[..])]));
/// assert_eq!(answer.body(&mut scratch)?, br#"{"code":1,"message":"Session ID unknown"}"#);
/// # Ok::<(), sansocket::Capacity>(())
/// ```
///
/// `Debug` does not print bodies and cookies: the id of a session stands in those that open it, and is a secret.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The answer to a GET.
    Payload {
        /// The body.
        body: &'a [u8],
        /// The value of a `Set-Cookie` field ([`write_cookie`](crate::engineio::server::write_cookie)), for the GET that opened the session.
        cookie: Option<&'a [u8]>,
    },
    /// The POST was accepted: status 200 and `ok`.
    Posted,
    /// The POST ended its session, or a request with the same method is in progress: status 400 without a body.
    Bad,
    /// The body of the POST is larger than the limit: status 413.
    TooLarge,
    /// The body of the POST did not arrive in time: status 408.
    TooSlow,
    /// A request other than POST has a body: status 400.
    StrayBody,
    /// The server accepts no more sessions: status 503.
    Busy,
    /// The answer to a preflight request: status 204. Add the fields of [`Cors::preflight`](crate::engineio::server::Cors::preflight).
    Preflight,
    /// The request is refused, with a code as JSON.
    Refused {
        /// The reason.
        refusal: Refusal,
        /// The message of the application, instead of the default one.
        message: Option<&'a str>,
    },
    /// A WebSocket handshake is refused: status 400 and the message as text, like the JavaScript server.
    RefusedWebSocket {
        /// The reason.
        refusal: Refusal,
        /// The message of the application, instead of the default one.
        message: Option<&'a str>,
    },
    /// The WebSocket handshake is invalid (RFC 6455 section 4.2.1).
    Handshake(RequestError),
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut refused = |name, refusal: &Refusal, message: &Option<&str>| {
            f.debug_struct(name).field("refusal", refusal).field("message", message).finish()
        };
        match self {
            Self::Refused { refusal, message } => refused("Refused", refusal, message),
            Self::RefusedWebSocket { refusal, message } => refused("RefusedWebSocket", refusal, message),
            Self::Handshake(error) => f.debug_tuple("Handshake").field(error).finish(),
            Self::Payload { body, .. } => write!(f, "Payload({} bytes)", body.len()),
            Self::Posted => f.write_str("Posted"),
            Self::Bad => f.write_str("Bad"),
            Self::TooLarge => f.write_str("TooLarge"),
            Self::TooSlow => f.write_str("TooSlow"),
            Self::StrayBody => f.write_str("StrayBody"),
            Self::Busy => f.write_str("Busy"),
            Self::Preflight => f.write_str("Preflight"),
        }
    }
}

type Field<'a> = (&'static str, &'a [u8]);

const PLAIN: Field<'static> = ("Content-Type", b"text/plain; charset=utf-8");

impl<'a> Answer<'a> {
    /// Refuses a request. `is_websocket` tells whether it is a WebSocket handshake, which selects the form of the answer.
    #[must_use]
    pub const fn refuse(refusal: Refusal, message: Option<&'a str>, is_websocket: bool) -> Self {
        if is_websocket { Self::RefusedWebSocket { refusal, message } } else { Self::Refused { refusal, message } }
    }

    /// The status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Payload { .. } | Self::Posted => 200,
            Self::Preflight => 204,
            Self::Bad | Self::StrayBody | Self::RefusedWebSocket { .. } => 400,
            Self::TooSlow => 408,
            Self::TooLarge => 413,
            Self::Busy => 503,
            Self::Refused { refusal, .. } => refusal.status(),
            Self::Handshake(error) => error.status().0,
        }
    }

    /// The header fields for the body and for the status. Skip those that are `None`.
    #[must_use]
    pub fn fields(&self) -> [Option<Field<'a>>; 3] {
        let some = |fields: [Field<'static>; 2]| fields.map(Some);
        match *self {
            Self::Payload { cookie, .. } => {
                let [kind, cache] = some(PAYLOAD_FIELDS);
                [kind, cache, cookie.map(|value| ("Set-Cookie", value))]
            }
            Self::Posted => {
                let [kind, cache] = some(POSTED_FIELDS);
                [kind, cache, None]
            }
            Self::StrayBody | Self::Busy => [Some(PLAIN), None, None],
            Self::Refused { refusal: Refusal::BadMethod, .. } => [None; 3],
            Self::Refused { .. } => [Refusal::FIELDS.first().copied(), None, None],
            Self::RefusedWebSocket { .. } => [Some(("Content-Type", b"text/html")), None, None],
            // RFC 9110 section 15.5.6, section 15.5.22; RFC 6455 section 4.4.
            Self::Handshake(RequestError::Method) => [Some(PLAIN), Some(("Allow", b"GET")), None],
            Self::Handshake(RequestError::Upgrade | RequestError::Version) => {
                [Some(PLAIN), Some(("Upgrade", b"websocket")), Some(("Sec-WebSocket-Version", b"13"))]
            }
            Self::Handshake(_) => [Some(PLAIN), None, None],
            Self::Bad | Self::TooLarge | Self::TooSlow | Self::Preflight => [None; 3],
        }
    }

    /// Whether the connection must be closed after the answer, because the bytes after the request may not be another request. See the [module
    /// page](super) for an example.
    #[must_use]
    pub const fn closes(&self) -> bool {
        matches!(
            self,
            Self::TooLarge
                | Self::TooSlow
                | Self::StrayBody
                | Self::Busy
                | Self::RefusedWebSocket { .. }
                | Self::Handshake(_)
        )
    }

    /// The value of the `Connection` field. `keeps_alive` tells whether the request allows to keep the connection open.
    #[must_use]
    pub const fn connection(&self, keeps_alive: bool) -> &'static [u8] {
        match self {
            Self::Handshake(RequestError::Upgrade | RequestError::Version) => b"close, Upgrade",
            _ if keeps_alive && !self.closes() => b"keep-alive",
            _ => b"close",
        }
    }

    /// The body. If it is not stored elsewhere, it is written into `scratch`. 128 bytes are always enough if the application gave no message.
    ///
    /// # Errors
    /// [`Capacity`] with the exact need.
    pub fn body<'s>(&'s self, scratch: &'s mut [u8]) -> Result<&'s [u8], Capacity> {
        Ok(match self {
            Self::Payload { body, .. } => body,
            Self::Posted => POSTED,
            Self::StrayBody => b"a body belongs to a POST\n",
            Self::Busy => b"too many sessions\n",
            Self::RefusedWebSocket { refusal, message } => message.unwrap_or(refusal.message()).as_bytes(),
            Self::Refused { refusal, message } => {
                let n = refusal.write_body(*message, scratch)?;
                scratch.get(..n).unwrap_or_default()
            }
            Self::Handshake(error) => {
                let mut words = Words(Writer::new(scratch));
                let _ = write!(words, "{error}");
                words.0.finish()?
            }
            Self::Bad | Self::TooLarge | Self::TooSlow | Self::Preflight => b"",
        })
    }
}

/// Writes text into lent memory.
struct Words<'o>(Writer<'o>);

impl Write for Words<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn a_wrong_handshake_is_told_as_the_websocket_layer_tells_it() {
        for error in
            [RequestError::Method, RequestError::Upgrade, RequestError::Key, RequestError::Version, RequestError::Body]
        {
            let mut expected = [0; 512];
            let n = crate::ws::refuse(error, &mut expected).unwrap();
            let expected = core::str::from_utf8(&expected[..n]).unwrap();
            let answer = Answer::Handshake(error);
            let mut scratch = [0; 128];
            let body = answer.body(&mut scratch).unwrap();
            assert!(expected.ends_with(core::str::from_utf8(body).unwrap()), "{expected}");
            let connection = core::str::from_utf8(answer.connection(true)).unwrap();
            assert!(expected.contains(&std::format!("Connection: {connection}\r\n")), "{expected}");
            let fields: Vec<_> = answer.fields().into_iter().flatten().collect();
            assert!(fields.iter().all(|(name, _)| expected.contains(name)));
            // And the two that every answer has.
            assert_eq!(fields.len() + 2, expected.split("\r\n\r\n").next().unwrap().lines().count() - 1);
        }
    }
}
