use super::Refusal;
use crate::{engineio::Transport, http::Method};
use core::fmt;

/// What a request to the Engine.IO path is for.
///
/// `Debug` does not print the ids, which are secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Route<'q> {
    /// Opens a session over polling ([`Session::open_polling`](super::Session::open_polling)). Its open packet answers this GET.
    OpenPolling,
    /// Opens a session over a WebSocket ([`Session::open`](super::Session::open)).
    OpenWebSocket,
    /// A GET: waits for packets of the session with this id.
    Poll(&'q [u8]),
    /// A POST: the body has packets for the session with this id.
    Post(&'q [u8]),
    /// Opens a WebSocket to which the session with this id may upgrade ([`Probe`](super::Probe)).
    Upgrade(&'q [u8]),
}

impl fmt::Debug for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenPolling => "OpenPolling",
            Self::OpenWebSocket => "OpenWebSocket",
            Self::Poll(_) => "Poll(..)",
            Self::Post(_) => "Post(..)",
            Self::Upgrade(_) => "Upgrade(..)",
        })
    }
}

/// Tells what a request is for (Engine.IO protocol, "Handshake"). The checks are in the order of the JavaScript server.
///
/// `query` is the part of the target after `?`. `is_upgrade` tells whether the request is a WebSocket handshake. `find` returns the transport of the
/// session with the given id, or `None`. The id comes from the client and has any length: look it up as bytes.
///
/// # Errors
/// [`Refusal`], with the status and body of the JavaScript server.
///
/// ```
/// use sansocket::{engineio::{Transport, server::{Route, route}}, http::Method};
///
/// let find = |sid: &[u8]| (sid == b"abc").then_some(Transport::Polling);
/// assert_eq!(route(Method::Get, b"EIO=4&transport=polling&t=x", false, find), Ok(Route::OpenPolling));
/// assert_eq!(route(Method::Post, b"EIO=4&transport=polling&sid=abc", false, find), Ok(Route::Post(b"abc")));
/// ```
pub fn route<'q>(
    method: Method<'_>,
    query: &'q [u8],
    is_upgrade: bool,
    find: impl FnOnce(&[u8]) -> Option<Transport>,
) -> Result<Route<'q>, Refusal> {
    let value = |key: &[u8]| {
        query.split(|&b| b == b'&').find_map(|pair| pair.strip_prefix(key).and_then(|rest| rest.strip_prefix(b"=")))
    };
    let transport = match value(b"transport") {
        Some(b"polling") => Transport::Polling,
        Some(b"websocket") => Transport::WebSocket,
        _ => return Err(Refusal::UnknownTransport),
    };
    let is_version_4 = value(b"EIO") == Some(b"4");
    if let Some(sid) = value(b"sid") {
        let current = find(sid).ok_or(Refusal::UnknownSid)?;
        // A second WebSocket for a session is accepted and closed at once, so that its client gets a close frame instead of an HTTP error.
        let is_good = match transport {
            Transport::Polling => current == Transport::Polling && !is_upgrade,
            Transport::WebSocket => is_upgrade,
        };
        if !is_good || !is_version_4 {
            return Err(Refusal::BadRequest);
        }
        return match (transport, method) {
            (Transport::WebSocket, _) => Ok(Route::Upgrade(sid)),
            (_, Method::Get) => Ok(Route::Poll(sid)),
            (_, Method::Post) => Ok(Route::Post(sid)),
            _ => Err(Refusal::BadMethod),
        };
    }
    if method != Method::Get {
        return Err(Refusal::BadHandshakeMethod);
    }
    if (transport == Transport::WebSocket) != is_upgrade {
        return Err(Refusal::BadRequest);
    }
    match transport {
        _ if !is_version_4 => Err(Refusal::UnsupportedVersion),
        Transport::Polling => Ok(Route::OpenPolling),
        Transport::WebSocket => Ok(Route::OpenWebSocket),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_judged_in_the_order_of_the_reference() {
        use Method::{Get, Other, Post};
        use Refusal as R;
        let find = |sid: &[u8]| match sid {
            b"P" => Some(Transport::Polling),
            b"W" => Some(Transport::WebSocket),
            _ => None,
        };
        let cases: [(Method<'_>, &str, bool, Result<Route<'_>, Refusal>); 31] = [
            (Get, "EIO=4&transport=polling", false, Ok(Route::OpenPolling)),
            (Get, "a=b&t=abc&transport=polling&EIO=4&b64=1", false, Ok(Route::OpenPolling)),
            (Get, "EIO=4&transport=websocket", true, Ok(Route::OpenWebSocket)),
            (Get, "EIO=4&transport=polling&sid=P", false, Ok(Route::Poll(b"P"))),
            (Post, "EIO=4&transport=polling&sid=P", false, Ok(Route::Post(b"P"))),
            (Get, "EIO=4&transport=websocket&sid=P", true, Ok(Route::Upgrade(b"P"))),
            (Get, "EIO=4&transport=websocket&sid=W", true, Ok(Route::Upgrade(b"W"))),
            (Get, "", false, Err(R::UnknownTransport)),
            (Get, "EIO=4", false, Err(R::UnknownTransport)),
            (Get, "EIO=4&transport=abc", false, Err(R::UnknownTransport)),
            (Get, "EIO=4&transport=constructor", false, Err(R::UnknownTransport)),
            (Get, "EIO=4&transport=webtransport", false, Err(R::UnknownTransport)),
            (Get, "EIO=4&xtransport=polling", false, Err(R::UnknownTransport)),
            (Post, "transport=abc&sid=none", false, Err(R::UnknownTransport)),
            (Get, "EIO=4&transport=polling&sid=none", false, Err(R::UnknownSid)),
            (Get, "EIO=4&transport=polling&sid=", false, Err(R::UnknownSid)),
            (Get, "EIO=4&transport=websocket&sid=__proto__", true, Err(R::UnknownSid)),
            (Post, "EIO=4&transport=polling", false, Err(R::BadHandshakeMethod)),
            (Other(b"PUT"), "EIO=4&transport=polling", false, Err(R::BadHandshakeMethod)),
            (Method::Options, "EIO=4&transport=polling", false, Err(R::BadHandshakeMethod)),
            (Get, "EIO=4&transport=websocket", false, Err(R::BadRequest)),
            (Get, "EIO=4&transport=polling", true, Err(R::BadRequest)),
            (Get, "EIO=4&transport=polling&sid=W", false, Err(R::BadRequest)),
            (Get, "EIO=4&transport=websocket&sid=P", false, Err(R::BadRequest)),
            (Get, "EIO=4&transport=polling&sid=P", true, Err(R::BadRequest)),
            (Get, "EIO=3&transport=polling&sid=P", false, Err(R::BadRequest)),
            (Get, "transport=polling&sid=P", false, Err(R::BadRequest)),
            (Other(b"PUT"), "EIO=4&transport=polling&sid=P", false, Err(R::BadMethod)),
            (Get, "EIO=3&transport=polling", false, Err(R::UnsupportedVersion)),
            (Get, "transport=websocket", true, Err(R::UnsupportedVersion)),
            (Get, "EIO=abc&transport=polling", false, Err(R::UnsupportedVersion)),
        ];
        for (method, query, is_upgrade, expected) in cases {
            assert_eq!(route(method, query.as_bytes(), is_upgrade, find), expected, "{method:?} {query}");
        }
    }
}
