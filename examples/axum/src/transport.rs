//! How the bytes of a session come and go: requests that axum read, and WebSockets that hyper hands over.

use crate::session::{App, Input, Link, MAX, limits};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use sansocket::{
    endpoint::{Answer, Ask, Batch, Got, Grow, ServerLink, Todo, Upgrade, What, judge},
    engineio::{
        Packets, Transport,
        server::{Cors, CorsFields, Origins, Probed},
    },
    http, ws,
};
use std::{error::Error, io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    time::{timeout, timeout_at},
};
use tracing::debug;

/// The demonstration speaks to every origin.
const CORS: Cors<'static> = Cors::new(Origins::Any);

/// A request to Socket.IO's path.
pub async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let (mut request, body) = request.into_parts();
    let upgrade = request.extensions.remove::<OnUpgrade>();
    let field = |name: HeaderName| request.headers.get(name).map(HeaderValue::as_bytes);
    let fields = request.headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
    let mut upgrades = request.headers.get_all(header::UPGRADE).iter().flat_map(|v| v.as_bytes().split(|&b| b == b','));
    let is_websocket = upgrades.any(|u| u.trim_ascii().eq_ignore_ascii_case(b"websocket"));
    let accept = is_websocket.then(|| ws::accept_fields(fields));
    let ask = Ask {
        method: http::Method::new(request.method.as_str().as_bytes()),
        query: request.uri.query().unwrap_or_default().as_bytes(),
        has_body: !hyper::body::Body::is_end_stream(&body),
        websocket: accept.map(|accept| accept.map(|_| ())),
    };
    let mut link = None;
    let todo = judge(&ask, &CORS, |id| {
        link = app.find(id);
        link.as_ref().map(|link| link.link(|l| l.transport()))
    });
    let mut cors = CORS.fields(field(header::ORIGIN));
    let mut memory = Vec::new();
    let answer = match (todo, link, accept, upgrade) {
        (Todo::Answer(answer), ..) => {
            if answer == Answer::Preflight {
                let requested = field(header::ACCESS_CONTROL_REQUEST_HEADERS);
                cors = CORS.preflight(field(header::ORIGIN), requested).unwrap_or_default();
            }
            answer
        }
        (Todo::Open(Transport::Polling), ..) => {
            let link = app.open(Transport::Polling);
            tokio::spawn(watch(app.clone(), link.clone()));
            get(&app, &link, &mut memory).await
        }
        (Todo::Get(_), Some(link), ..) => match link.link(|l| l.begin_get(app.now())) {
            Ok(()) => get(&app, &link, &mut memory).await,
            Err(answer) => {
                link.work(&app, Input::Time);
                answer
            }
        },
        (Todo::Post(_), Some(link), ..) => post(&app, &link, &request, body).await,
        (Todo::Open(_) | Todo::Upgrade(_), link, Some(Ok(accept)), Some(upgrade)) => {
            tokio::spawn(websocket(app.clone(), link, upgrade));
            let fields = [
                (header::UPGRADE, HeaderValue::from_static("websocket")),
                (header::CONNECTION, HeaderValue::from_static("Upgrade")),
                (header::SEC_WEBSOCKET_ACCEPT, HeaderValue::from_bytes(&accept).expect("base64")),
            ];
            return (StatusCode::SWITCHING_PROTOCOLS, fields).into_response();
        }
        _ => Answer::Bad,
    };
    respond(answer, cors)
}

fn respond(answer: Answer<'_>, cors: CorsFields<'_>) -> Response {
    let body = answer.body(&mut [0; 128]).unwrap_or_default().to_vec();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status()).unwrap_or_default();
    let closes = answer.closes().then(|| ("Connection", answer.connection(true)));
    for (name, value) in answer.fields().into_iter().chain(cors).chain([closes]).flatten() {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A GET that waits; when its future is dropped the client is gone, and the session with it.
struct Waiting<'w>(&'w App, &'w Link, bool);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.2 {
            self.1.link(ServerLink::drop_get);
        }
        self.1.work(self.0, Input::Time);
        self.1.changed.notify_waiters();
    }
}

async fn get<'m>(app: &App, link: &Link, memory: &'m mut Vec<u8>) -> Answer<'m> {
    let mut waiting = Waiting(app, link, false);
    link.changed.notify_waiters();
    let got = loop {
        match link.poll_answer(memory) {
            Got::Waits => link.wake.notified().await,
            got => break got,
        }
    };
    waiting.2 = true;
    got.answer(memory).unwrap_or(Got::GONE)
}

async fn post(app: &App, link: &Link, request: &Parts, body: Body) -> Answer<'static> {
    let kind = request.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if let Err(answer) = link.link(|l| l.begin_post(kind)) {
        link.work(app, Input::Time);
        return answer;
    }
    let answer = match timeout(Duration::from_secs(10), to_bytes(body, MAX)).await {
        Ok(Ok(body)) => {
            link.work(app, Input::Post(Packets::new(&mut Vec::from(body))));
            link.link(|l| l.posted())
        }
        Ok(Err(e)) => {
            link.link(ServerLink::drop_post);
            // What hyper cannot read is no body; the rest is over the limit.
            let mut source = e.source();
            while let Some(e) = source.filter(|e| !e.is::<hyper::Error>()) {
                source = e.source();
            }
            let is_malformed = source.is_some();
            if is_malformed { Answer::Bad } else { Answer::TooLarge }
        }
        Err(_) => {
            link.link(ServerLink::drop_post);
            Answer::TooSlow
        }
    };
    link.changed.notify_waiters();
    answer
}

/// The clock of a session, as long as it is over polling.
async fn watch(app: Arc<App>, link: Arc<Link>) {
    while link.link(|l| l.transport() == Transport::Polling && !l.is_gone()) {
        tokio::select! { () = app.sleep(link.due()) => {}, () = link.changed.notified() => {} }
        if link.link(|l| l.transport()) == Transport::Polling {
            link.work(&app, Input::Time);
        }
    }
}

type Source = ReadHalf<TokioIo<Upgraded>>;
type Sink = WriteHalf<TokioIo<Upgraded>>;

/// A WebSocket, for a session of its own or for one that moves to it.
async fn websocket(app: Arc<App>, link: Option<Arc<Link>>, upgrade: OnUpgrade) {
    let (mut source, mut sink) = match upgrade.await {
        Ok(upgraded) => tokio::io::split(TokioIo::new(upgraded)),
        Err(e) => return debug!("no upgrade: {e}"),
    };
    let mut inbox = ws::Inbox::new(vec![0; 4096]);
    let link = match link {
        None => app.open(Transport::WebSocket),
        Some(link) => {
            let mut upgrade = link.link(|l| Upgrade::begin(l, limits(), app.now()));
            let moved = probe(&app, &link, &mut upgrade, &mut source, &mut sink, &mut inbox).await;
            // Whatever way it ended: the session goes on.
            link.link(|l| upgrade.fail(l));
            link.changed.notify_waiters();
            if !matches!(moved, Ok(Probed::Upgraded)) {
                let _ = sink.shutdown().await;
                return;
            }
            link
        }
    };
    // When the socket last took something, or nothing waited for it.
    let mut taken = tokio::time::Instant::now();
    loop {
        link.work(&app, Input::Socket(&mut inbox));
        let is_over = link.link(|l| l.is_over());
        let front = link.front();
        if is_over && (front.is_empty() || link.is_slow()) {
            break;
        }
        if inbox.held() == 0 {
            let _ = inbox.replace(vec![0; 4096]);
        }
        // A client that takes nothing for as long as a ping may wait for its answer is gone, whatever it sends meanwhile.
        let patience = taken + Duration::from_millis(app.patience);
        tokio::select! {
            written = timeout_at(patience, sink.write(&front)), if !front.is_empty() => match written {
                Ok(Ok(n @ 1..)) => {
                    link.written(n);
                    taken = tokio::time::Instant::now();
                }
                _ if is_over => break,
                Ok(_) => link.link(ServerLink::handle_error),
                Err(_) => link.link(ServerLink::handle_eof),
            },
            read = read(&mut source, &mut inbox), if !is_over => match read {
                Ok(0) => link.link(ServerLink::handle_eof),
                Ok(_) => {}
                Err(_) => link.link(ServerLink::handle_error),
            },
            () = link.wake.notified(), if front.is_empty() => {}
            () = app.sleep(link.due()) => {}
        }
        if front.is_empty() {
            taken = tokio::time::Instant::now();
        }
    }
    link.forget(&app);
    let _ = timeout(Duration::from_secs(1), sink.shutdown()).await;
}

/// The move from polling.
async fn probe(
    app: &App,
    link: &Link,
    upgrade: &mut Upgrade,
    source: &mut Source,
    sink: &mut Sink,
    inbox: &mut ws::Inbox<Vec<u8>>,
) -> io::Result<Probed> {
    let mut batch = Batch::new(Vec::new());
    loop {
        let probed = link.link(|l| upgrade.step(l, inbox, &mut batch, app.now()));
        let written = timeout(Duration::from_secs(10), sink.write_all(batch.written())).await;
        batch.clear();
        match probed {
            Probed::Pending => written??,
            Probed::Upgraded if !matches!(written, Ok(Ok(()))) => {
                // The client has sent all of the probe at once and is gone: only this socket can end the session now.
                link.link(ServerLink::handle_error);
                return Ok(probed);
            }
            probed => return Ok(probed),
        }
        // A GET that waits may be owed its noop, now or soon.
        link.wake.notify_one();
        link.changed.notify_waiters();
        tokio::select! {
            read = read(source, inbox) => if read? == 0 {
                return Ok(Probed::Failed);
            },
            () = link.changed.notified() => {}
            () = app.sleep(upgrade.poll_timeout()) => {}
        }
    }
}

/// Reads what comes; 0 at the end.
async fn read(source: &mut Source, inbox: &mut ws::Inbox<Vec<u8>>) -> io::Result<usize> {
    while let Err(e) = inbox.space() {
        let _ = inbox.replace(vec![0; Grow::new(What::Inbox, e).to]);
    }
    let n = source.read(inbox.space().map_err(io::Error::other)?).await?;
    inbox.commit(n);
    Ok(n)
}
