use crate::{
    bytes::{Capacity, Writer},
    engineio::server::{Cors, PAYLOAD_FIELDS, POSTED, POSTED_FIELDS, Refusal},
    http::{self, Method, Request, Response, ResponseError, Status},
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

    /// Whether another request may follow on the connection of `request`: the request allows it, and the answer does. Its body must have been read,
    /// which only [`Posted`](Self::Posted) tells. See [`write`](Self::write) for an example.
    #[must_use]
    pub fn keeps_alive(&self, request: &Request<'_>) -> bool {
        let is_read = matches!(self, Self::Posted) || request.body() == Ok(http::Body::Empty);
        request.keeps_alive() && is_read && !self.closes()
    }

    /// Writes the whole response to `request` to the front of `out` and returns its length: the head with the fields of `cors`, and the body, except
    /// for `HEAD`. For requests that this crate has parsed.
    ///
    /// ```
    /// use sansocket::{endpoint::Answer, engineio::server::{Cors, Origins, Refusal}, http::Request};
    ///
    /// let request = Request::parse(b"GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n\r\n")?;
    /// let answer = Answer::refuse(Refusal::UnknownTransport, None, false);
    /// let mut out = [0; 512];
    /// let n = answer.write(&request, &Cors::new(Origins::Any), &mut out)?;
    /// let response = core::str::from_utf8(&out[..n])?;
    /// assert!(response.starts_with("HTTP/1.1 400 ") && response.contains("Access-Control-Allow-Origin: *\r\n"));
    /// assert!(response.contains("Connection: keep-alive\r\n") && answer.keeps_alive(&request));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ResponseError::Field`] if the value of a cookie has control bytes. [`ResponseError::Capacity`] with the exact need, or with the least that
    /// helps if the message of a refusal alone is too long.
    pub fn write(&self, request: &Request<'_>, cors: &Cors<'_>, out: &mut [u8]) -> Result<usize, ResponseError> {
        let mut scratch = [0; 128];
        // A message of the application that is too long for the scratch is written behind the response.
        let behind = self.body(&mut scratch).err().map_or(0, |e| e.needed);
        let capacity = Capacity { needed: behind, available: out.len() };
        let (out, long) = out.split_at_mut_checked(out.len().wrapping_sub(behind)).ok_or(capacity)?;
        let body = self.body(if behind == 0 { &mut scratch } else { long })?;
        let given = request.fields();
        let requested = given.get("access-control-request-headers");
        let cors = match self {
            Self::Preflight => cors.preflight(given.get("origin"), requested).unwrap_or_default(),
            _ => cors.fields(given.get("origin")),
        };
        let connection = ("Connection", self.connection(self.keeps_alive(request)));
        let mut fields = [("", &b""[..]); 10];
        let mut len = 0_usize;
        for field in self.fields().into_iter().chain(cors).chain([Some(connection)]).flatten() {
            if let Some(place) = fields.get_mut(len) {
                *place = field;
                len = len.saturating_add(1);
            }
        }
        let fields = fields.get(..len).unwrap_or_default();
        let response = Response { status: Status(self.status()), fields, body };
        let written = if request.method() == Method::Head { response.write_head(out) } else { response.write(out) };
        written.map_err(|e| match e {
            ResponseError::Capacity(Capacity { needed, available }) => ResponseError::Capacity(Capacity {
                needed: needed.saturating_add(behind),
                available: available.saturating_add(behind),
            }),
            e => e,
        })
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
    use crate::engineio::server::Origins;
    use std::{string::String, vec::Vec};

    /// The answer to a request with this first line and more fields, in memory of every size up to enough.
    fn written(answer: &Answer<'_>, head: &str, origins: Origins<'_>) -> (String, bool) {
        let head = std::format!("{head} HTTP/1.1\r\nHost: a\r\n\r\n");
        let request = Request::parse(head.as_bytes()).unwrap();
        let mut size = 0;
        loop {
            let mut out = std::vec![0; size];
            match answer.write(&request, &Cors::new(origins), &mut out) {
                Ok(n) => return (String::from_utf8(out[..n].to_vec()).unwrap(), answer.keeps_alive(&request)),
                Err(ResponseError::Capacity(e)) => {
                    assert!(e.available == size && e.needed > size, "{e:?}");
                    size = if size < 600 { size + 1 } else { e.needed };
                }
                Err(e) => panic!("{e}"),
            }
        }
    }

    #[test]
    fn a_response_says_what_follows_it() {
        let get = "GET /?EIO=4";
        let payload = Answer::Payload { body: b"4hi", cookie: Some(b"io=1") };
        let (text, keeps_alive) = written(&payload, get, Origins::Own);
        assert!(keeps_alive && text.contains("Set-Cookie: io=1\r\n") && text.ends_with("\r\n\r\n4hi"), "{text}");
        let (text, _) = written(&payload, "HEAD /?EIO=4", Origins::Own);
        assert!(text.ends_with("Content-Length: 3\r\n\r\n"), "{text}");
        let (text, _) = written(&Answer::Preflight, "OPTIONS /?EIO=4", Origins::Any);
        assert!(text.contains("Access-Control-Allow-Methods: "), "{text}");
        let (_, keeps_alive) = written(&Answer::TooLarge, get, Origins::Own);
        assert!(!keeps_alive);
        // A body that nobody has read would be taken for the next request.
        let post = b"POST /?EIO=4 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
        let post = Request::parse(post).unwrap();
        assert!(Answer::Posted.keeps_alive(&post) && !Answer::Bad.keeps_alive(&post));
    }

    #[test]
    fn a_message_of_any_length_is_written() {
        let message = "no".repeat(300);
        for is_websocket in [false, true] {
            let answer = Answer::refuse(Refusal::Forbidden, Some(&message), is_websocket);
            assert!(written(&answer, "GET /?EIO=4", Origins::Own).0.contains(&message));
        }
    }

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
