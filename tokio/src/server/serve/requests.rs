//! The requests of one connection: pages, Engine.IO's polling, and those that open a WebSocket.

use super::{
    Carrying, Get, Io, Open, Post, Wire, Writing,
    decide::{cookie, decide},
    serve, upgrade,
};
use crate::server::{Handshake, Page, config::after, inner::Inner, session::Session};
use sansocket::{
    endpoint::{Answer, Ask, Got, PostBody, Todo},
    engineio::Transport,
    http::{self, Body, HeadError, HeadScanner, Method, Request, Response, ResponseError, Status},
    ws::{Accept, Agreed, RequestError},
};
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, PoisonError},
};
use tokio::time::{Instant, timeout_at};

const TEXT: &str = "text/plain; charset=utf-8";

/// What follows a request.
enum Next {
    Request,
    /// A WebSocket for a new session, or for one over polling that may move to it.
    Open(Carrying),
    Upgrade(Arc<Session>),
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

/// A connection, with what is the same for all its requests.
pub(super) struct Connection<S> {
    inner: Arc<Inner>,
    wire: Wire<S>,
    address: Option<SocketAddr>,
    _open: Open,
}

impl<S: Io> Connection<S> {
    pub(super) fn new(inner: Arc<Inner>, stream: S, address: Option<SocketAddr>) -> Self {
        let open = Open::new(&inner);
        Self { inner, wire: Wire::new(stream), address, _open: open }
    }

    /// Runs it to its end, which is told in one line of the log.
    pub(super) async fn run(&mut self) {
        let writing = Writing::new(&self.inner);
        // In a box of its own: a connection that is a WebSocket holds nothing of its requests.
        let carrying = Box::pin(self.opened()).await;
        if let Some(carrying) = carrying {
            serve(carrying, &mut self.wire).await;
            tracing::debug!(from = self.from(), "closed");
        }
        Box::pin(self.wire.hang_up(writing)).await;
    }

    /// Requests, until a session is to be carried here; or until the end, which is answered.
    async fn opened(&mut self) -> Option<Carrying> {
        match self.requests().await {
            Ok(next) => {
                tracing::debug!(from = self.from(), "open");
                let carrying = match next {
                    Next::Request => None,
                    Next::Open(carrying) => Some(carrying),
                    Next::Upgrade(session) => upgrade(&session, &mut self.wire).await,
                };
                if carrying.is_none() {
                    tracing::debug!(from = self.from(), "closed");
                }
                carrying
            }
            Err(End(answer, why)) => {
                self.wire.forget();
                let _ = self.wire.write_all(&answer).await;
                tracing::debug!(from = self.from(), "closed: {why}");
                None
            }
        }
    }

    fn from(&self) -> Option<tracing::field::DisplayValue<SocketAddr>> {
        self.address.map(tracing::field::display)
    }

    /// Requests, one after the other, until one of them opened a WebSocket. What comes behind it stays in the inbox.
    async fn requests(&mut self) -> Result<Next, End> {
        let mut is_first = true;
        loop {
            let (head, deadline) = self.head(is_first).await?;
            match self.respond(&Request::parse(&head)?, deadline).await? {
                Next::Request => is_first = false,
                next => return Ok(next),
            }
        }
    }

    /// The head of the next request, and until when all of the request must be there.
    async fn head(&mut self, is_first: bool) -> Result<(Vec<u8>, Instant), End> {
        let mut scanner = HeadScanner::new(http::Limits::new());
        let mut deadline = after(self.inner.config.request_timeout);
        let mut has_begun = is_first || self.wire.inbox.held() > 0;
        loop {
            let mut closing = std::pin::pin!(self.inner.closing.notified());
            closing.as_mut().enable();
            let inbox = &mut self.wire.inbox;
            if inbox.held() > 0 && !has_begun {
                has_begun = true;
                deadline = after(self.inner.config.request_timeout);
            }
            if let Some(n) = scanner.scan(inbox.bytes())? {
                let head = inbox.bytes()[..n].to_vec();
                inbox.consume(n);
                self.wire.give_back();
                return Ok((head, deadline));
            }
            // Browsers open connections before they need them.
            let is_idle = inbox.held() == 0;
            self.wire.give_back();
            if is_idle && self.inner.is_done() {
                return Err(End::silent("the server closes"));
            }
            let read = tokio::select! {
                read = timeout_at(deadline, self.wire.read()) => read,
                () = closing, if is_idle => continue,
            };
            match read {
                Ok(Ok(1..)) => {}
                Ok(Ok(_)) => return Err(End::silent("the client is gone")),
                Ok(Err(e)) => return Err(e.into()),
                Err(_) if is_idle && !is_first => return Err(End::silent("no more requests")),
                Err(_) => return Err(End::refuse(Status(408), "the request took too long")),
            }
        }
    }

    fn handshake(&self, request: &Request<'_>) -> Handshake {
        let fields = request.fields().into_iter().map(|field| (field.0, field.1));
        Handshake::of(request.query(), fields, self.address)
    }

    /// Answers a request.
    async fn respond(&mut self, request: &Request<'_>, deadline: Instant) -> Result<Next, End> {
        let inner = self.inner.clone();
        let Some(kind) = inner.kind_at(request.path()) else {
            let page = self.page(request)?;
            self.wire.write_all(&page).await?;
            return if request.keeps_alive() { Ok(Next::Request) } else { Err(End::silent("page sent")) };
        };
        let (todo, found) = decide(&inner, kind, &Ask::of(request), |name| request.fields().get(name));
        let (mut body, sticky);
        body = Vec::new();
        let answer = match (todo, found) {
            (Todo::Answer(answer), _) => answer,
            (Todo::Open(transport), _) => {
                match inner.open(kind, transport, self.handshake(request), agreed(request, &inner)) {
                    Err(answer) => answer,
                    Ok(session) if transport == Transport::Polling => {
                        sticky = cookie(&session);
                        match self.get(Get::opening(&session), &mut body).await? {
                            Answer::Payload { body, .. } => Answer::Payload { body, cookie: sticky.as_deref() },
                            answer => answer,
                        }
                    }
                    Ok(session) => {
                        let carrying = Carrying(session);
                        self.open(request).await?;
                        return Ok(Next::Open(carrying));
                    }
                }
            }
            (Todo::Get(_), Some(session)) => match Get::begin(&session) {
                Ok(get) => self.get(get, &mut body).await?,
                Err(answer) => answer,
            },
            (Todo::Post(_), Some(session)) => self.post(&session, request, deadline).await,
            (Todo::Upgrade(_), Some(session)) => {
                self.open(request).await?;
                return Ok(Next::Upgrade(session));
            }
            // What is to be done for a session comes with the session.
            _ => Got::GONE,
        };
        let response = inner.with_cors(|cors| written(|out| answer.write(request, cors, out)));
        if answer.keeps_alive(request) {
            self.wire.write_all(&response).await?;
            Ok(Next::Request)
        } else {
            Err(End(response, format!("answered: {answer:?}")))
        }
    }

    /// Answers the handshake of a WebSocket.
    async fn open(&mut self, request: &Request<'_>) -> io::Result<()> {
        let Ok(accept) = accept(request, &self.inner) else { return Ok(()) };
        self.wire.agree(accept.compression(), self.inner.config.compression);
        self.wire.write_all(&written(|out| accept.write(&[], out))).await
    }

    /// A GET: waits until something is to be said.
    async fn get<'b>(&mut self, mut get: Get<'_>, body: &'b mut Vec<u8>) -> Result<Answer<'b>, End> {
        let answer = get.answer(body);
        tokio::pin!(answer);
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return Ok(answer),
                // What a client sends behind a GET that waits is its next request; its end is the end of the session.
                read = self.wire.read(), if self.wire.inbox.held() < 16 * 1024 => {
                    self.wire.give_back();
                    if !matches!(read, Ok(1..)) {
                        return Err(End::silent("the client is gone"));
                    }
                }
            }
        }
    }

    /// A POST: reads its body, and hands it to the session.
    async fn post(&mut self, session: &Arc<Session>, request: &Request<'_>, deadline: Instant) -> Answer<'static> {
        let post = match Post::begin(session, request.fields().get("content-type")) {
            Ok(post) => post,
            Err(answer) => return answer,
        };
        let read = timeout_at(deadline, self.read_body(request)).await;
        match read.unwrap_or(Err(Answer::TooSlow)) {
            Ok(mut body) => post.post(&mut body).await,
            Err(answer) => answer,
        }
    }

    async fn read_body(&mut self, request: &Request<'_>) -> Result<Vec<u8>, Answer<'static>> {
        let mut post = PostBody::new(request, self.inner.config.max_payload).map_err(|_| Answer::Bad)?;
        let mut body = Vec::new();
        let interim = post.interim(&mut self.wire.inbox);
        let mut is_there = interim.is_empty() || self.wire.write_all(interim).await.is_ok();
        while !post.poll(&mut self.wire.inbox, &mut body)? {
            self.wire.give_back();
            if !is_there {
                return Err(Answer::Bad);
            }
            is_there = matches!(self.wire.read().await, Ok(1..));
        }
        self.wire.give_back();
        Ok(body)
    }

    /// A page of the application.
    fn page(&self, request: &Request<'_>) -> Result<Vec<u8>, End> {
        if request.body()? != Body::Empty {
            return Err(End::refuse(Status(413), "no body is expected here"));
        }
        let pages = self.inner.pages.read().unwrap_or_else(PoisonError::into_inner).clone();
        let path = String::from_utf8_lossy(request.path());
        let page = match request.method() {
            Method::Get | Method::Head => {
                let not_found = || Page::new(TEXT, "not found\n").status(404);
                pages.and_then(|pages| pages(&path)).unwrap_or_else(not_found)
            }
            _ => Page::new(TEXT, "only GET and HEAD are served here\n").status(405).field("Allow", "GET, HEAD"),
        };
        let connection: &[u8] = if request.keeps_alive() { b"keep-alive" } else { b"close" };
        let mut fields: Vec<(&str, &[u8])> = vec![("Connection", connection)];
        let is_sound = |text: &str| !text.bytes().any(|b| b.is_ascii_control());
        let own = page.fields.iter().filter(|(name, value)| is_sound(name) && is_sound(value));
        fields.extend(own.map(|(name, value)| (name.as_str(), value.as_bytes())));
        let response = Response { status: Status(page.status), fields: &fields, body: &page.body };
        let is_head = request.method() == Method::Head;
        Ok(written(|out| if is_head { response.write_head(out) } else { response.write(out) }))
    }
}

/// The handshake of a WebSocket, which was judged before.
fn accept<'h>(request: &Request<'h>, inner: &Inner) -> Result<Accept<'h>, RequestError> {
    let accept = Accept::check(request)?;
    Ok(match inner.config.compression {
        Some(compression) => accept.compress(&compression.core()),
        None => accept,
    })
}

/// The compression of a session that begins on a WebSocket.
fn agreed(request: &Request<'_>, inner: &Inner) -> Option<Agreed> {
    accept(request, inner).ok()?.compression()
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
