//! How the bytes of a session come and go: requests that axum read, and WebSockets that hyper hands over.

use crate::session::{App, Link, MAX};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use sansocket::{
    engineio::{
        self, Packets, Transport,
        server::{Cors, Origins, Probe, Probed, Refusal, Route},
    },
    http, ws,
};
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::sleep_until,
};
use tracing::debug;

/// The demonstration speaks to every origin.
const CORS: Cors<'static> = Cors::new(Origins::Any);

/// A request to Socket.IO's path.
pub async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let (mut request, body) = request.into_parts();
    let field = |name: HeaderName| request.headers.get(name).map(|v| v.as_bytes().to_vec());
    let origin = field(header::ORIGIN);
    let requested = field(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let mut response = if request.method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        route(&app, &mut request, body).await
    };
    let fields = match request.method {
        Method::OPTIONS => CORS.preflight(origin.as_deref(), requested.as_deref()).unwrap_or_default(),
        _ => CORS.fields(origin.as_deref()),
    };
    for (name, value) in fields.into_iter().flatten() {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            response.headers_mut().insert(HeaderName::from_bytes(name.as_bytes()).expect("a name"), value);
        }
    }
    response
}

async fn route(app: &Arc<App>, request: &mut Parts, body: Body) -> Response {
    let query = request.uri.query().unwrap_or_default().as_bytes().to_vec();
    let method = match request.method {
        Method::GET => http::Method::Get,
        Method::POST => http::Method::Post,
        _ => http::Method::Other(b"?"),
    };
    let upgrade = request.extensions.remove::<OnUpgrade>().filter(|_| request.headers.contains_key(header::UPGRADE));
    let mut link = None;
    let route = engineio::server::route(method, &query, upgrade.is_some(), |id| {
        link = app.find(id);
        link.as_ref().map(|link| link.lock().engine.transport())
    });
    match (route, link, upgrade) {
        (Err(refusal), ..) => refuse(refusal),
        (Ok(Route::OpenPolling), ..) => {
            let link = app.open(Transport::Polling);
            tokio::spawn(watch(app.clone(), link.clone()));
            get(app, &link).await
        }
        (Ok(Route::Poll(_)), Some(link), _) => {
            if let Err(e) = link.lock().engine.begin_poll(app.now()) {
                return bad(app, &link, e);
            }
            link.changed.notify_waiters();
            get(app, &link).await
        }
        (Ok(Route::Post(_)), Some(link), _) => post(app, &link, request, body).await,
        (Ok(_), link, Some(upgrade)) => {
            let fields = request.headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
            let accept = match ws::accept_fields(fields) {
                Ok(accept) => accept,
                Err(e) => {
                    return (StatusCode::from_u16(e.status().0).unwrap_or_default(), e.to_string()).into_response();
                }
            };
            let app = app.clone();
            tokio::spawn(async move {
                match upgrade.await {
                    Ok(upgraded) => Socket::new(upgraded).run(&app, link).await,
                    Err(e) => debug!("no upgrade: {e}"),
                }
            });
            let accept = HeaderValue::from_bytes(&accept).expect("base64");
            let fields = [
                (header::UPGRADE, HeaderValue::from_static("websocket")),
                (header::CONNECTION, HeaderValue::from_static("Upgrade")),
                (header::SEC_WEBSOCKET_ACCEPT, accept),
            ];
            (StatusCode::SWITCHING_PROTOCOLS, fields).into_response()
        }
        (Ok(_), ..) => refuse(Refusal::BadRequest),
    }
}

fn refuse(refusal: Refusal) -> Response {
    let mut body = [0; 64];
    let n = refusal.write_body(None, &mut body).unwrap_or(0);
    respond(refusal.status(), &Refusal::FIELDS, body[..n].to_vec())
}

fn respond(status: u16, fields: &[(&str, &'static [u8])], body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        response.headers_mut().insert(name, HeaderValue::from_bytes(value).expect("a value"));
    }
    response
}

/// A request that does not fit its session; one too many ends it.
fn bad(app: &App, link: &Link, error: engineio::server::PollError) -> Response {
    if error == engineio::server::PollError::Upgraded {
        return refuse(Refusal::BadRequest);
    }
    app.forget(link);
    StatusCode::BAD_REQUEST.into_response()
}

/// A GET that waits is let go when its future is dropped: the client is gone, and the session with it.
struct Waiting<'w>(&'w App, &'w Link, bool);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.1.lock();
        state.engine.end_poll();
        self.1.changed.notify_waiters();
        if !self.2 {
            state.engine.handle_eof();
            drop(state);
            self.0.forget(self.1);
        }
    }
}

async fn get(app: &Arc<App>, link: &Arc<Link>) -> Response {
    let mut waiting = Waiting(app, link, false);
    let body = loop {
        let is_over = {
            let mut state = link.lock();
            link.transmit(&mut state.engine);
            state.engine.is_closed()
        };
        match link.take_payload() {
            Some(body) => break Some(body),
            None if is_over => break None,
            None => tokio::select! { () = link.wake.notified() => {}, () = link.changed.notified() => {} },
        }
    };
    waiting.2 = true;
    if link.lock().engine.is_closed() && !link.lock().engine.wants_transmit() {
        app.forget(link);
    }
    match body {
        Some(body) => respond(200, &engineio::server::PAYLOAD_FIELDS, body),
        None => refuse(Refusal::UnknownSid),
    }
}

async fn post(app: &Arc<App>, link: &Arc<Link>, request: &Parts, body: Body) -> Response {
    if let Err(e) = link.lock().engine.begin_post() {
        return bad(app, link, e);
    }
    let is_text = engineio::server::is_post_type(request.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes));
    let body = to_bytes(body, MAX).await;
    let mut state = link.lock();
    let Ok(body) = body else {
        state.engine.end_post();
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    if !is_text {
        state.engine.handle_eof();
        drop(state);
        app.forget(link);
        return StatusCode::BAD_REQUEST.into_response();
    }
    let now = app.now();
    let mut body = Vec::from(body);
    let mut packets = Packets::new(&mut body);
    let mut is_over = false;
    while let Some(event) = state.engine.poll_post(&mut packets, now) {
        is_over |= link.handle(app, &mut state, event);
        if state.must_close {
            state.engine.close_polling();
        }
    }
    let is_good = state.engine.fault().is_none();
    link.transmit(&mut state.engine);
    drop(state);
    link.changed.notify_waiters();
    if is_over {
        app.forget(link);
    }
    if is_good {
        respond(200, &engineio::server::POSTED_FIELDS, engineio::server::POSTED.to_vec())
    } else {
        StatusCode::BAD_REQUEST.into_response()
    }
}

/// The clock of a session, as long as it is over polling. One that this end closed is kept for 30 s, for the client to learn it.
async fn watch(app: Arc<App>, link: Arc<Link>) {
    let farewell = loop {
        let due = {
            let mut state = link.lock();
            if state.engine.transport() == Transport::WebSocket {
                return;
            }
            let is_over = link.tick(&mut state, app.now());
            if state.must_close {
                state.engine.close_polling();
            }
            link.transmit(&mut state.engine);
            if is_over || state.engine.is_closed() && !state.must_close {
                drop(state);
                return app.forget(&link);
            }
            if state.engine.is_closed() {
                break app.now().after_millis(30_000);
            }
            state.due().unwrap_or(app.now())
        };
        link.wake.notify_one();
        tokio::select! { () = sleep_until(app.at(due)) => {}, () = link.changed.notified() => {} }
    };
    link.wake.notify_one();
    sleep_until(app.at(farewell)).await;
    app.forget(&link);
}

/// A WebSocket, for a session of its own or for one that moves to it.
struct Socket {
    stream: TokioIo<Upgraded>,
    ws: ws::Connection<ws::Server>,
    inbox: ws::Inbox<Vec<u8>>,
}

impl Socket {
    fn new(upgraded: Upgraded) -> Self {
        let limits = ws::Limits::new().message(MAX as u64).frame(MAX as u64);
        let inbox = ws::Inbox::new(vec![0; 4096]);
        Self { stream: TokioIo::new(upgraded), ws: ws::Connection::server(limits), inbox }
    }

    async fn run(&mut self, app: &Arc<App>, link: Option<Arc<Link>>) {
        let link = match link {
            None => app.open(Transport::WebSocket),
            Some(link) => match self.probe(app, &link).await {
                Some(true) => link,
                _ => {
                    let _ = self.owed().await;
                    return;
                }
            },
        };
        while let Some(true) = self.turn(app, &link).await {}
        let _ = self.owed().await;
        let _ = self.stream.shutdown().await;
        app.forget(&link);
    }

    /// The move from polling: whether it came to its end well.
    async fn probe(&mut self, app: &App, link: &Link) -> Option<bool> {
        let mut probe = Probe::begin(&mut link.lock().engine, app.now());
        loop {
            let mut tx = [0; 256];
            let (probed, len) = {
                let mut state = link.lock();
                let Some(probe) = &mut probe else {
                    let _ = self.ws.close(ws::CloseCode::NO_STATUS, "");
                    return None;
                };
                let probed = probe
                    .poll(&mut state.engine, &mut self.inbox, &mut self.ws)
                    .unwrap_or_else(|_| probe.fail(&mut state.engine, &mut self.ws));
                let mut out = self.ws.out(&mut tx);
                while let Ok(true) = probe.poll_transmit(&mut state.engine, app.now(), &mut out) {}
                link.transmit(&mut state.engine);
                (probed, out.written().len())
            };
            self.stream.write_all(&tx[..len]).await.ok()?;
            link.changed.notify_waiters();
            if probed != Probed::Pending {
                return Some(probed == Probed::Upgraded);
            }
            let probe = probe.as_mut()?;
            let is_good = tokio::select! {
                read = read(&mut self.stream, &mut self.inbox) => read,
                () = link.changed.notified() => true,
                () = sleep_until(app.at(probe.poll_timeout().unwrap_or(sansocket::time::Instant::FAR_FUTURE))) => false,
            };
            if !is_good {
                probe.fail(&mut link.lock().engine, &mut self.ws);
                return Some(false);
            }
        }
    }

    /// Everything that can be done without waiting, and then what comes next; anything but `Some(true)`: the end.
    async fn turn(&mut self, app: &App, link: &Link) -> Option<bool> {
        let (is_over, due) = {
            let mut state = link.lock();
            let mut is_over = false;
            link.transmit(&mut state.engine);
            while !is_over && !state.must_close {
                match state.engine.poll_event(&mut self.inbox, &mut self.ws, app.now()) {
                    Ok(None) => break,
                    Ok(Some(event)) => is_over = link.handle(app, &mut state, event),
                    Err(e) => drop(self.inbox.replace(vec![0; e.needed])),
                }
            }
            is_over |= link.tick(&mut state, app.now());
            if state.must_close {
                state.engine.close(&mut self.ws);
            }
            link.transmit(&mut state.engine);
            (is_over || state.must_close, state.due().unwrap_or(app.now()))
        };
        self.stream.write_all(&link.take_frames()).await.ok()?;
        self.owed().await?;
        if is_over {
            return None;
        }
        if self.inbox.held() == 0 {
            let _ = self.inbox.replace(vec![0; 4096]);
        }
        Some(tokio::select! {
            read = read(&mut self.stream, &mut self.inbox) => read,
            () = link.wake.notified() => true,
            () = sleep_until(app.at(due)) => true,
        })
    }

    /// Pongs and the close frame.
    async fn owed(&mut self) -> Option<()> {
        let mut tx = [0; ws::OWED_MAX];
        loop {
            let mut out = self.ws.out(&mut tx);
            if !self.ws.poll_transmit(&mut out).ok()? {
                return Some(());
            }
            self.stream.write_all(out.written()).await.ok()?;
        }
    }
}

/// Reads what comes; `false` at the end.
async fn read(stream: &mut TokioIo<Upgraded>, inbox: &mut ws::Inbox<Vec<u8>>) -> bool {
    let space = loop {
        match inbox.space() {
            Ok(space) => break space.len(),
            Err(e) => drop(inbox.replace(vec![0; e.needed.max(2 * e.available)])),
        }
    };
    match inbox.space() {
        Ok(place) if space > 0 => match stream.read(place).await {
            Ok(n @ 1..) => {
                inbox.commit(n);
                true
            }
            _ => false,
        },
        _ => false,
    }
}
