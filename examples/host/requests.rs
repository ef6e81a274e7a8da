//! The requests of one connection: pages, Engine.IO's polling, and those that open a WebSocket.

use super::{
    App, Host,
    session::{Input, Kind, Session},
    socket,
    wire::Wire,
};
use sansocket::{
    endpoint::{Answer, Ask, Got, PostBody, ServerLink, Todo, judge},
    engineio::{
        self, Packets, Transport,
        server::{Cors, Origins, write_cookie},
    },
    http::{self, Body, HeadError, HeadScanner, Method, Request, Response, ResponseError, Status},
    ws::Accept,
};
use std::{io, net::SocketAddr, rc::Rc, time::Duration};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tracing::{debug, info};

const TEXT: &str = "text/plain; charset=utf-8";
/// Everything the page needs comes from here, nothing from elsewhere.
const POLICY: &[u8] = b"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self' ws: wss:; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What follows a request.
enum Next<A: App> {
    Request,
    /// A WebSocket for a new session, or for one over polling that may move to it.
    Open(Rc<Session<A>>),
    Upgrade(Rc<Session<A>>),
}

/// The last answer, and why it is the last.
struct End(Vec<u8>, String);

impl End {
    /// The connection is closed, because nobody knows where the next request begins.
    fn refuse(status: Status, words: &str) -> Self {
        let fields: [(&str, &[u8]); 2] = [("Content-Type", TEXT.as_bytes()), ("Connection", b"close")];
        let body = format!("{words}\n");
        let response = Response { status, fields: &fields, body: body.as_bytes() };
        Self(written(|out| response.write(out)), words.into())
    }

    fn silent(why: &str) -> Self {
        Self(Vec::new(), why.into())
    }
}

impl From<HeadError> for End {
    fn from(error: HeadError) -> Self {
        Self::refuse(error.status(), &error.to_string())
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::silent(&error.to_string())
    }
}

/// Runs a connection to its end, which is told in one line of the log.
pub async fn run<A: App>(host: &Rc<Host<A>>, stream: TcpStream, from: SocketAddr) {
    let mut wire = Wire::new(stream);
    // In boxes of their own: a connection that is a WebSocket holds nothing of its requests.
    match Box::pin(requests(host, &mut wire)).await {
        Ok(next) => {
            debug!(%from, "open");
            match next {
                Next::Request => {}
                Next::Open(session) => socket::serve(host, &session, &mut wire).await,
                Next::Upgrade(session) => socket::upgrade(host, &session, &mut wire).await,
            }
            debug!(%from, "closed");
        }
        Err(End(answer, why)) => {
            wire.input.forget(host);
            let _ = Box::pin(wire.write_all(&answer)).await;
            info!(%from, "closed: {why}");
        }
    }
    Box::pin(wire.hang_up(host)).await;
}

/// Requests, one after the other, until one of them opened a WebSocket. What comes behind it stays in the inbox.
async fn requests<A: App>(host: &Rc<Host<A>>, wire: &mut Wire) -> Result<Next<A>, End> {
    let mut is_first = true;
    loop {
        let deadline = host.clock.at(host.clock.now().after_millis(host.config.handshake_timeout));
        let head = head(host, wire, deadline, is_first).await?;
        match respond(host, wire, &Request::parse(&head)?, deadline).await? {
            Next::Request => is_first = false,
            next => return Ok(next),
        }
    }
}

/// The head of the next request.
async fn head<A: App>(host: &Host<A>, wire: &mut Wire, deadline: Instant, is_first: bool) -> Result<Vec<u8>, End> {
    let mut scanner = HeadScanner::new(http::Limits::new());
    loop {
        let inbox = &mut wire.input.inbox;
        if let Some(n) = scanner.scan(inbox.bytes())? {
            let head = inbox.bytes()[..n].to_vec();
            inbox.consume(n);
            wire.input.give_back(host);
            return Ok(head);
        }
        let is_idle = !is_first && inbox.held() == 0;
        match timeout_at(deadline, wire.input.read(host)).await {
            Ok(Ok(1..)) => {}
            Ok(Ok(_)) => return Err(End::silent("the client is gone")),
            Ok(Err(e)) => return Err(e.into()),
            Err(_) if is_idle => return Err(End::silent("no more requests")),
            Err(_) => return Err(End::refuse(Status(408), "the request took too long")),
        }
    }
}

/// Answers a request.
async fn respond<A: App>(
    host: &Rc<Host<A>>,
    wire: &mut Wire,
    request: &Request<'_>,
    deadline: Instant,
) -> Result<Next<A>, End> {
    let is_at = |path: &str| {
        request.path().starts_with(path.as_bytes()) || path.as_bytes().strip_suffix(b"/") == Some(request.path())
    };
    let kind = if is_at(&host.config.path) {
        Kind::SocketIo
    } else if host.config.echo_path.is_some_and(is_at) {
        Kind::Echo
    } else {
        let page = page(host, request)?;
        wire.write_all(&page).await?;
        return if request.keeps_alive() { Ok(Next::Request) } else { Err(End::silent("page sent")) };
    };
    let origins: Vec<&str> = host.config.cors.iter().map(String::as_str).collect();
    let cors = Cors::new(match &origins[..] {
        [] | [""] => Origins::Own,
        list if list.contains(&"*") => Origins::Any,
        list => Origins::List(list),
    });
    let ask = Ask::of(request);
    let mut found = None;
    let todo = judge(&ask, &cors, |sid| {
        found = host.sessions.borrow().get(&engineio::Sid::parse(sid)?).cloned();
        found.as_ref().map(|session| session.link(|link| link.transport()))
    });
    let (mut body, cookie): (_, Option<Vec<u8>>);
    body = Vec::new();
    let answer = match (todo, found) {
        (Todo::Answer(answer), _) => answer,
        (Todo::Open(_), _) if host.sessions.borrow().len() >= host.options.max_connections => Answer::Busy,
        (Todo::Open(Transport::Polling), _) => {
            let session = Session::open(host, kind);
            let write = |name| written(|out| Ok(write_cookie(name, &session.id, out)?));
            cookie = host.config.cookie.as_deref().map(write);
            match get(host, &session, wire, &mut body).await? {
                Answer::Payload { body, .. } => Answer::Payload { body, cookie: cookie.as_deref() },
                answer => answer,
            }
        }
        (Todo::Open(transport), _) => {
            wire.write_all(&opening(request)).await?;
            return Ok(Next::Open(Session::new(host, kind, transport)));
        }
        (Todo::Get(_), Some(session)) => match session.link(|link| link.begin_get(session.now(host))) {
            Ok(()) => get(host, &session, wire, &mut body).await?,
            Err(answer) => {
                session.work(host, Input::Time);
                answer
            }
        },
        (Todo::Post(_), Some(session)) => post(host, &session, wire, request, deadline).await,
        (Todo::Upgrade(_), Some(session)) => {
            wire.write_all(&opening(request)).await?;
            return Ok(Next::Upgrade(session));
        }
        // What is to be done for a session comes with the session.
        _ => Got::GONE,
    };
    let response = written(|out| answer.write(request, &cors, out));
    if answer.keeps_alive(request) {
        wire.write_all(&response).await?;
        Ok(Next::Request)
    } else {
        Err(End(response, format!("answered: {answer:?}")))
    }
}

/// A GET: waits until something is to be said.
async fn get<'b, A: App>(
    host: &Rc<Host<A>>,
    session: &Session<A>,
    wire: &mut Wire,
    body: &'b mut Vec<u8>,
) -> Result<Answer<'b>, End> {
    // Its deadline may be nearer now.
    session.changed.notify_waiters();
    let got = loop {
        match session.poll_answer(body) {
            Got::Waits => {}
            got => break Ok(got),
        }
        tokio::select! {
            () = session.peer.wake.notified() => {}
            // What a client sends behind a GET that waits is its next request; its end is the end of the session.
            read = wire.input.read(host), if wire.input.inbox.held() < 16 * 1024 => {
                if !matches!(read, Ok(1..)) {
                    session.link(ServerLink::drop_get);
                    break Err(End::silent("the client is gone"));
                }
                wire.input.give_back(host);
            }
        }
    };
    session.work(host, Input::Time);
    // A probe or a POST may wait for this.
    session.changed.notify_waiters();
    Ok(got?.answer(body).unwrap_or(Got::GONE))
}

/// A POST: reads its body, and hands it to the session.
async fn post<A: App>(
    host: &Rc<Host<A>>,
    session: &Session<A>,
    wire: &mut Wire,
    request: &Request<'_>,
    deadline: Instant,
) -> Answer<'static> {
    if let Err(answer) = session.link(|link| link.begin_post(request.fields().get("content-type"))) {
        session.work(host, Input::Time);
        return answer;
    }
    let read = timeout_at(deadline, read_body(host, wire, request)).await;
    let mut body = match read.unwrap_or(Err(Answer::TooSlow)) {
        Ok(body) => body,
        Err(answer) => {
            session.link(ServerLink::drop_post);
            return answer;
        }
    };
    // Its own questions must not be what drops a client that is slow to fetch the answers.
    let patience = Duration::from_millis(host.options.ping_timeout.into());
    while session.peer.is_backed_up() && !session.link(|link| link.is_over()) {
        if timeout(patience, session.changed.notified()).await.is_err() {
            break;
        }
    }
    session.work(host, Input::Post(Packets::new(&mut body)));
    session.changed.notify_waiters();
    session.link(|link| link.posted())
}

async fn read_body<A: App>(
    host: &Rc<Host<A>>,
    wire: &mut Wire,
    request: &Request<'_>,
) -> Result<Vec<u8>, Answer<'static>> {
    let mut post = PostBody::new(request, host.config.max_payload).map_err(|_| Answer::Bad)?;
    let mut body = Vec::new();
    let interim = post.interim(&mut wire.input.inbox);
    let mut is_there = wire.write_all(interim).await.is_ok();
    while !post.poll(&mut wire.input.inbox, &mut body)? {
        wire.input.give_back(host);
        if !is_there {
            return Err(Answer::Bad);
        }
        is_there = matches!(wire.input.read(host).await, Ok(1..));
    }
    wire.input.give_back(host);
    Ok(body)
}

/// A page of the application.
fn page<A: App>(host: &Host<A>, request: &Request<'_>) -> Result<Vec<u8>, End> {
    if request.body()? != Body::Empty {
        return Err(End::refuse(Status(413), "no body is expected here"));
    }
    let connection: &[u8] = if request.keeps_alive() { b"keep-alive" } else { b"close" };
    let mut fields: Vec<(&str, &[u8])> = vec![("Connection", connection)];
    let (status, kind, body) = match (request.method(), host.app.page(request.path())) {
        (Method::Get | Method::Head, Some((kind, body))) => {
            fields.extend([
                ("Content-Security-Policy", POLICY),
                ("X-Content-Type-Options", b"nosniff"),
                ("Referrer-Policy", b"no-referrer"),
                ("Cache-Control", b"no-cache"),
            ]);
            (200, kind, body)
        }
        (Method::Get | Method::Head, None) => (404, TEXT.as_bytes(), "not found\n"),
        _ => {
            fields.push(("Allow", b"GET, HEAD"));
            (405, TEXT.as_bytes(), "only GET and HEAD are served here\n")
        }
    };
    fields.push(("Content-Type", kind));
    let response = Response { status: Status(status), fields: &fields, body: body.as_bytes() };
    let is_head = request.method() == Method::Head;
    Ok(written(|out| if is_head { response.write_head(out) } else { response.write(out) }))
}

/// The answer that opens a WebSocket.
fn opening(request: &Request<'_>) -> Vec<u8> {
    written(|out| Accept::check(request).map_or(Ok(0), |accept| accept.write(&[], out)))
}

/// What `write` writes, in memory that grows.
fn written(mut write: impl FnMut(&mut [u8]) -> Result<usize, ResponseError>) -> Vec<u8> {
    let mut out = vec![0; 512];
    loop {
        match write(&mut out) {
            Ok(n) => {
                out.truncate(n);
                return out;
            }
            Err(ResponseError::Capacity(e)) => out.resize(e.needed.max(2 * out.len()), 0),
            // A value of the application's that is no field.
            Err(_) => return Vec::new(),
        }
    }
}
