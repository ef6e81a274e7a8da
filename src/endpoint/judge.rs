use super::Answer;
use crate::{
    engineio::{
        Transport,
        server::{Cors, Refusal, Route, route},
    },
    http::{Body, Method, Request},
    ws::{self, RequestError},
};
use core::fmt;

/// What [`judge`] has to know about a request to the Engine.IO path, from any HTTP server.
///
/// `Debug` does not print the query: the id in it is a secret.
#[derive(Clone, Copy)]
pub struct Ask<'r> {
    /// The method.
    pub method: Method<'r>,
    /// The part of the target after `?`, still percent-encoded.
    pub query: &'r [u8],
    /// Whether the request has a body.
    pub has_body: bool,
    /// `None` if the field `Upgrade` does not name `websocket`. Otherwise the result of checking the handshake, by
    /// [`ws::Accept::check`](crate::ws::Accept::check) or [`ws::accept_fields`](crate::ws::accept_fields).
    pub websocket: Option<Result<(), RequestError>>,
}

impl<'r> Ask<'r> {
    /// Of a request that this crate has parsed.
    ///
    /// ```
    /// use sansocket::{endpoint::{Ask, Todo, judge}, engineio::{Transport, server::{Cors, Origins}}, http::Request};
    ///
    /// let request = Request::parse(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n")?;
    /// assert_eq!(judge(&Ask::of(&request), &Cors::new(Origins::Own), |_| None), Todo::Open(Transport::Polling));
    /// # Ok::<(), sansocket::http::HeadError>(())
    /// ```
    #[must_use]
    pub fn of(request: &Request<'r>) -> Self {
        Self {
            method: request.method(),
            query: request.query(),
            has_body: request.body() != Ok(Body::Empty),
            websocket: ws::is_upgrade(request).then(|| ws::Accept::check(request).map(|_| ())),
        }
    }
}

/// What to do with a request.
///
/// `Debug` does not print the ids, which are secrets.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Todo<'r> {
    /// Send this answer.
    Answer(Answer<'static>),
    /// Open a session over this transport ([`ServerLink::open`](super::ServerLink::open)). The application can refuse it with [`Answer::refuse`], the
    /// server with [`Answer::Busy`].
    Open(Transport),
    /// A GET for the session with this id: [`begin_get`](super::ServerLink::begin_get).
    Get(&'r [u8]),
    /// A POST for the session with this id: [`begin_post`](super::ServerLink::begin_post).
    Post(&'r [u8]),
    /// Open a WebSocket to which the session with this id may upgrade ([`Upgrade`](super::Upgrade)).
    Upgrade(&'r [u8]),
}

impl fmt::Debug for Ask<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, query: _, has_body, websocket } = self;
        let mut all = f.debug_struct("Ask");
        all.field("method", method).field("has_body", has_body).field("websocket", websocket).finish_non_exhaustive()
    }
}

impl fmt::Debug for Todo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(answer) => f.debug_tuple("Answer").field(answer).finish(),
            Self::Open(transport) => f.debug_tuple("Open").field(transport).finish(),
            Self::Get(_) => f.write_str("Get(..)"),
            Self::Post(_) => f.write_str("Post(..)"),
            Self::Upgrade(_) => f.write_str("Upgrade(..)"),
        }
    }
}

/// Tells what to do with a request. `find` returns the transport of the session with the given id, or `None`.
///
/// The order of the checks: a body in a request other than POST, a preflight request, the WebSocket handshake, then those of
/// [`route`](crate::engineio::server::route).
///
/// ```
/// use sansocket::{endpoint::{Ask, Todo, judge}, engineio::{Transport, server::{Cors, Origins}}, http::Method};
///
/// let ask = Ask { method: Method::Get, query: b"EIO=4&transport=polling&sid=abc", has_body: false, websocket: None };
/// let find = |sid: &[u8]| (sid == b"abc").then_some(Transport::Polling);
/// assert_eq!(judge(&ask, &Cors::new(Origins::Own), find), Todo::Get(b"abc"));
/// ```
pub fn judge<'r>(ask: &Ask<'r>, cors: &Cors<'_>, find: impl FnOnce(&[u8]) -> Option<Transport>) -> Todo<'r> {
    if ask.has_body && ask.method != Method::Post {
        return Todo::Answer(Answer::StrayBody);
    }
    if ask.method == Method::Options && cors.preflight(None, None).is_some() {
        return Todo::Answer(Answer::Preflight);
    }
    if let Some(handshake) = ask.websocket {
        // The fields alone do not tell, and a session must not be moved by a POST.
        let is_get = if ask.method == Method::Get { Ok(()) } else { Err(RequestError::Method) };
        if let Err(error) = is_get.and(handshake) {
            note!("a handshake is refused: {}", error);
            return Todo::Answer(Answer::Handshake(error));
        }
    }
    let is_websocket = ask.websocket.is_some();
    match route(ask.method, ask.query, is_websocket, find) {
        Ok(Route::OpenPolling) => Todo::Open(Transport::Polling),
        Ok(Route::OpenWebSocket) => Todo::Open(Transport::WebSocket),
        Ok(Route::Poll(sid)) => Todo::Get(sid),
        Ok(Route::Post(sid)) => Todo::Post(sid),
        Ok(Route::Upgrade(sid)) => Todo::Upgrade(sid),
        Err(refusal) => {
            note!("a request is refused: {}", refusal);
            Todo::Answer(Answer::refuse(refusal, None, is_websocket))
        }
    }
}

/// The answer to a request for a session that does not exist any more.
pub(super) const GONE: Answer<'static> = Answer::Refused { refusal: Refusal::UnknownSid, message: None };
