//! One request, from its head to its answer.

use super::ServiceBody;
use crate::server::{
    Handshake,
    inner::Inner,
    serve::{Carrying, Get, Post, Wire, Writing, cookie, decide, serve, upgrade},
    session::Session,
};
use bytes::Buf;
use http::{
    HeaderName, HeaderValue, Request, Response, StatusCode, Version,
    header::{self, HeaderMap},
    request::Parts,
};
use http_body::Body;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sansocket::{
    endpoint::{Answer, Ask, Got, Todo},
    engineio::Transport,
    http::Method,
    ws,
};
use std::{error::Error, net::SocketAddr, pin::pin, sync::Arc};
use tokio::time::timeout;

type Reply = Response<ServiceBody>;

/// How a request asks for a WebSocket, and how it is told yes.
enum Opening {
    /// HTTP/1.1: the value of `Sec-WebSocket-Accept`.
    Accept([u8; 28]),
    /// One stream of HTTP/2.
    #[cfg(feature = "http2")]
    Stream,
}

pub(super) async fn answer<B>(inner: &Arc<Inner>, request: Request<B>, address: Option<SocketAddr>) -> Reply
where
    B: Body<Data: Buf + Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let (mut parts, body) = request.into_parts();
    let Some(kind) = inner.kind_at(parts.uri.path().as_bytes()) else {
        return not_found();
    };
    let on_upgrade = parts.extensions.remove::<OnUpgrade>();
    let opening = opening(&parts);
    // A WebSocket over HTTP/2 stands for the GET that it would be over HTTP/1.1.
    let is_stream = opening.is_some() && parts.method == http::Method::CONNECT;
    let ask = Ask {
        method: if is_stream { Method::Get } else { Method::new(parts.method.as_str().as_bytes()) },
        query: parts.uri.query().unwrap_or_default().as_bytes(),
        has_body: !body.is_end_stream(),
        websocket: opening.as_ref().map(|opening| opening.as_ref().map(|_| ()).map_err(|error| *error)),
    };
    let authority = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    let field = |name: &str| {
        let value = parts.headers.get(name).map(HeaderValue::as_bytes);
        value.or_else(|| authority.filter(|_| name == "host"))
    };
    let (todo, found) = decide(inner, kind, &ask, field);
    let (mut memory, sticky);
    memory = Vec::new();
    let answer = match (todo, found) {
        (Todo::Answer(answer), _) => answer,
        (Todo::Open(Transport::Polling), _) => {
            match inner.open(kind, Transport::Polling, handshake(&parts, address), None) {
                Err(answer) => answer,
                Ok(session) => {
                    sticky = cookie(&session);
                    match Get::opening(&session).answer(&mut memory).await {
                        Answer::Payload { body, .. } => Answer::Payload { body, cookie: sticky.as_deref() },
                        answer => answer,
                    }
                }
            }
        }
        (Todo::Get(_), Some(session)) => match Get::begin(&session) {
            Ok(mut get) => get.answer(&mut memory).await,
            Err(answer) => answer,
        },
        (Todo::Post(_), Some(session)) => {
            let content_type = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
            match Post::begin(&session, content_type) {
                Ok(post) => posted(inner, post, body).await,
                Err(answer) => answer,
            }
        }
        (todo @ (Todo::Open(_) | Todo::Upgrade(_)), session) => {
            let (Some(Ok(opening)), Some(on_upgrade)) = (opening, on_upgrade) else {
                tracing::error!("the HTTP server cannot upgrade connections: a WebSocket is refused");
                return reply(&parts, inner, Answer::Bad);
            };
            let agreed =
                inner.config.compression.and_then(|compression| compression.core().accept(fields(&parts.headers)));
            let opened = match (todo, session) {
                (Todo::Upgrade(_), Some(session)) => Ok((session, true)),
                (Todo::Upgrade(_), None) => Err(Got::GONE),
                _ => {
                    let handshake = handshake(&parts, address);
                    inner.open(kind, Transport::WebSocket, handshake, agreed).map(|session| (session, false))
                }
            };
            match opened {
                Ok((session, is_upgrade)) => {
                    let carrying = (!is_upgrade).then(|| Carrying(session.clone()));
                    inner.spawn(websocket(session, carrying, on_upgrade, agreed));
                    return switched(&opening, agreed);
                }
                Err(answer) => answer,
            }
        }
        // What is to be done for a session comes with the session.
        _ => Got::GONE,
    };
    reply(&parts, inner, answer)
}

/// `None`: it asks for no WebSocket.
fn opening(parts: &Parts) -> Option<Result<Opening, ws::RequestError>> {
    #[cfg(feature = "http2")]
    if let Some(protocol) = parts.extensions.get::<hyper::ext::Protocol>() {
        return (protocol.as_str() == "websocket").then(|| extended(parts));
    }
    let upgrades = parts.headers.get_all(header::UPGRADE).iter().flat_map(|v| v.as_bytes().split(|&b| b == b','));
    let is_websocket = upgrades.into_iter().any(|name| name.trim_ascii().eq_ignore_ascii_case(b"websocket"));
    is_websocket.then(|| ws::accept_fields(fields(&parts.headers)).map(Opening::Accept))
}

/// Extended CONNECT (RFC 8441).
#[cfg(feature = "http2")]
fn extended(parts: &Parts) -> Result<Opening, ws::RequestError> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let pseudo: [(&str, &str); 5] = [
        (":method", parts.method.as_str()),
        (":protocol", "websocket"),
        (":scheme", parts.uri.scheme_str().unwrap_or("https")),
        (":path", target),
        (":authority", parts.uri.authority().map_or("", |authority| authority.as_str())),
    ];
    let pseudo = pseudo.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    match ws::ExtendedConnect::check(pseudo.chain(fields(&parts.headers))) {
        Ok(_) => Ok(Opening::Stream),
        Err(ws::ExtendedConnectError::Version) => Err(ws::RequestError::Version),
        Err(ws::ExtendedConnectError::Protocols) => Err(ws::RequestError::Protocols),
        Err(_) => Err(ws::RequestError::Connection),
    }
}

fn fields(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
}

fn handshake(parts: &Parts, address: Option<SocketAddr>) -> Handshake {
    let handshake = Handshake::from(parts);
    match address {
        Some(address) => handshake.with_address(address),
        None => handshake,
    }
}

/// Reads a body, within the limit and the time of the configuration.
async fn posted<B>(inner: &Inner, post: Post<'_>, body: B) -> Answer<'static>
where
    B: Body<Data: Buf, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let read = timeout(inner.config.request_timeout, read(body, inner.config.max_payload as usize)).await;
    match read.unwrap_or(Err(Answer::TooSlow)) {
        Ok(mut body) => post.post(&mut body).await,
        Err(answer) => answer,
    }
}

async fn read<B>(body: B, max: usize) -> Result<Vec<u8>, Answer<'static>>
where
    B: Body<Data: Buf, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let mut body = pin!(body);
    let mut read = Vec::new();
    if body.size_hint().lower() > max as u64 {
        return Err(Answer::TooLarge);
    }
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await {
        // Trailers say nothing here.
        let Ok(mut data) = frame.map_err(|error| unread(&*error.into()))?.into_data() else { continue };
        if read.len() + data.remaining() > max {
            return Err(Answer::TooLarge);
        }
        while data.has_remaining() {
            let piece = data.chunk();
            read.extend_from_slice(piece);
            let n = piece.len();
            data.advance(n);
        }
    }
    Ok(read)
}

/// A body that was not read: over a limit of a layer in front, or malformed, or cut off.
fn unread(error: &(dyn Error + 'static)) -> Answer<'static> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return Answer::TooLarge;
        }
        cause = error.source();
    }
    Answer::Bad
}

/// Carries a session over the WebSocket that a connection becomes. `carrying`: it begins there, and does not move.
async fn websocket(
    session: Arc<Session>,
    carrying: Option<Carrying>,
    on_upgrade: OnUpgrade,
    agreed: Option<ws::Agreed>,
) {
    let writing = Writing::new(&session.inner);
    match on_upgrade.await {
        Ok(upgraded) => {
            let mut wire = Wire::new(TokioIo::new(upgraded));
            wire.agree(agreed, session.inner.config.compression);
            let carrying = match carrying {
                // In a box of its own: a session that moved holds nothing of it.
                None => Box::pin(upgrade(&session, &mut wire)).await,
                begun => begun,
            };
            if let Some(carrying) = carrying {
                serve(carrying, &mut wire).await;
            }
            Box::pin(wire.hang_up(writing)).await;
        }
        Err(error) => tracing::debug!("the connection did not become a WebSocket: {error}"),
    }
}

fn switched(opening: &Opening, agreed: Option<ws::Agreed>) -> Reply {
    let mut reply = Reply::default();
    if let Some(agreed) = agreed
        && let Ok(value) = HeaderValue::from_str(agreed.response().as_str())
    {
        reply.headers_mut().insert(header::SEC_WEBSOCKET_EXTENSIONS, value);
    }
    match opening {
        Opening::Accept(accept) => {
            *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let headers = reply.headers_mut();
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            if let Ok(accept) = HeaderValue::from_bytes(accept) {
                headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
            }
        }
        #[cfg(feature = "http2")]
        Opening::Stream => {}
    }
    reply
}

fn reply(parts: &Parts, inner: &Inner, answer: Answer<'_>) -> Reply {
    let body = answer.body(&mut [0; 128]).unwrap_or_default().to_vec();
    let mut reply = Reply::new(body.into());
    *reply.status_mut() = StatusCode::from_u16(answer.status()).unwrap_or_default();
    let mut add = |(name, value): (&'static str, &[u8])| {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value)) {
            reply.headers_mut().append(name, value);
        }
    };
    answer.fields().into_iter().flatten().for_each(&mut add);
    let field = |name: HeaderName| parts.headers.get(name).map(HeaderValue::as_bytes);
    inner.with_cors(|cors| {
        let origin = field(header::ORIGIN);
        let fields = match answer {
            Answer::Preflight => {
                cors.preflight(origin, field(header::ACCESS_CONTROL_REQUEST_HEADERS)).unwrap_or_default()
            }
            _ => cors.fields(origin),
        };
        fields.into_iter().flatten().for_each(&mut add);
    });
    // HTTP/2 has no such field, and needs none.
    if answer.closes() && parts.version <= Version::HTTP_11 {
        add(("connection", answer.connection(true)));
    }
    reply
}

fn not_found() -> Reply {
    let mut reply = Reply::new(b"not found\n".to_vec().into());
    *reply.status_mut() = StatusCode::NOT_FOUND;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    reply
}
