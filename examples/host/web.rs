//! What a request is answered: pages from the binary, Engine.IO's handshake and refusals, what other origins are told.

use super::{App, Entry, Host, Kind, Origin, polling::Outcome, session::find};
use sansocket::{
    engineio::{
        self, Sid,
        server::{Cors, CorsFields, Origins, Refusal, Route},
    },
    http::{Body, HeadError, Method, Request, Response, Status},
    ws::{self, Accept},
};
use std::rc::Rc;

/// What is to be done with a request.
pub enum Answer<A: App> {
    /// The answer is written.
    Page(Common),
    /// A refusal is written, and this is why.
    Refused(String),
    /// A new session over polling.
    Open(Kind, Common),
    /// Packets of a session.
    Poll(Rc<Entry<A>>, Common),
    /// Packets for a session, in a body, for which the client awaits leave (`Expect: 100-continue`) or not.
    Post(Rc<Entry<A>>, Body, bool, Common),
    /// The answer that opens a WebSocket is written, for a new session.
    Socket(Kind),
    /// Likewise, for a session that may move to it.
    Upgrade(Rc<Entry<A>>),
}

/// What is left of a request when its answer is written.
pub struct Common {
    pub keeps_alive: bool,
    /// Whether a body is of a type that is spoken.
    pub is_text: bool,
    /// A `HEAD`: the answer has no body.
    is_head: bool,
    /// For pages of other origins.
    cors: Vec<(&'static str, Vec<u8>)>,
}

const TEXT: &[u8] = b"text/plain; charset=utf-8";

/// Everything the page needs comes from here, nothing from elsewhere.
const POLICY: &[u8] = b"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self' ws: wss:; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers the request with the head `head` into `out`, which is cleared, unless more is to be done for it.
pub fn answer<A: App>(host: &Host<A>, head: &[u8], out: &mut Vec<u8>) -> Answer<A> {
    out.clear();
    let request = match Request::parse(head) {
        Ok(request) => request,
        Err(e) => return refuse_head(e, out),
    };
    let is_at = |path: &str| {
        request.path().starts_with(path.as_bytes()) || path.as_bytes().strip_suffix(b"/") == Some(request.path())
    };
    if is_at(&host.config.path) {
        return session(host, &request, Kind::SocketIo, out);
    }
    if host.config.echo_path.is_some_and(is_at) {
        return session(host, &request, Kind::Echo, out);
    }
    match request.body() {
        Ok(Body::Empty) => {}
        // What follows would be taken for another request.
        Ok(_) => {
            write(out, 413, &[("Content-Type", TEXT), ("Connection", b"close")], b"no body is expected here\n", true);
            return Answer::Refused("a request with a body".into());
        }
        Err(e) => return refuse_head(e, out),
    }
    let common = Common { keeps_alive: request.keeps_alive(), is_text: true, is_head: false, cors: Vec::new() };
    let connection = common.connection();
    let with_body = match request.method() {
        Method::Get => true,
        Method::Head => false,
        _ => {
            let fields: [(&str, &[u8]); 3] =
                [("Content-Type", TEXT), ("Allow", b"GET, HEAD"), ("Connection", connection)];
            write(out, 405, &fields, b"only GET and HEAD are served here\n", true);
            return Answer::Page(common);
        }
    };
    match host.app.page(request.path()) {
        Some((kind, body)) => {
            let fields: [(&str, &[u8]); 6] = [
                ("Content-Type", kind),
                ("Content-Security-Policy", POLICY),
                ("X-Content-Type-Options", b"nosniff"),
                ("Referrer-Policy", b"no-referrer"),
                ("Cache-Control", b"no-cache"),
                ("Connection", connection),
            ];
            write(out, 200, &fields, body.as_bytes(), with_body);
        }
        None => write(out, 404, &[("Content-Type", TEXT), ("Connection", connection)], b"not found\n", with_body),
    }
    Answer::Page(common)
}

/// A request to Engine.IO's path.
fn session<A: App>(host: &Host<A>, request: &Request<'_>, kind: Kind, out: &mut Vec<u8>) -> Answer<A> {
    if request.method() != Method::Post && request.body() != Ok(Body::Empty) {
        // What follows would be taken for another request.
        write(out, 400, &[("Content-Type", TEXT), ("Connection", b"close")], b"a body belongs to a POST\n", true);
        return Answer::Refused("a body that belongs to no POST".into());
    }
    let fields = request.fields();
    let list: Vec<&str>;
    let origins = match &host.config.cors {
        Origin::Own => Origins::Own,
        Origin::Any => Origins::Any,
        Origin::These(origins) => {
            list = origins.iter().map(String::as_str).collect();
            Origins::List(&list)
        }
    };
    let cors = Cors::new(origins);
    let told =
        |fields: CorsFields<'_>| fields.into_iter().flatten().map(|(name, value)| (name, value.to_vec())).collect();
    let common = Common {
        keeps_alive: request.keeps_alive(),
        is_text: engineio::server::is_post_type(fields.get("content-type")),
        is_head: request.method() == Method::Head,
        cors: told(cors.fields(fields.get("origin"))),
    };
    if request.method() == Method::Options
        && let Some(fields) = cors.preflight(fields.get("origin"), fields.get("access-control-request-headers"))
    {
        let common = Common { cors: told(fields), ..common };
        common.write(out, 204, &[], b"");
        return Answer::Page(common);
    }
    let is_upgrade = ws::is_upgrade(request);
    let accept = match is_upgrade.then(|| Accept::check(request)) {
        // The handshake first: a request that is no good one is told so, whatever its query says.
        Some(Err(e)) => {
            out.resize(512, 0);
            let n = ws::refuse(e, out).unwrap_or(0);
            out.truncate(n);
            return Answer::Refused(e.to_string());
        }
        Some(Ok(accept)) => Some(accept),
        None => None,
    };
    let mut entry = None;
    let route = engineio::server::route(request.method(), request.query(), is_upgrade, |sid| {
        entry = find(host, sid);
        entry.as_ref().map(|entry| entry.stack.borrow().engine.transport())
    });
    let route = match route {
        Ok(route @ (Route::OpenPolling | Route::OpenWebSocket)) => match host.app.allow(request) {
            Ok(()) if host.sessions.borrow().len() < host.options.max_connections => Ok(route),
            Ok(()) => {
                common.close().write(out, 503, &[("Content-Type", TEXT)], b"too many sessions\n");
                return Answer::Refused("too many sessions".into());
            }
            Err(message) => Err((Refusal::Forbidden, Some(message))),
        },
        Ok(route) => Ok(route),
        Err(e) => Err((e, None)),
    };
    match (route, accept, entry) {
        (Err((refusal, message)), None, _) => {
            let mut body = vec![0; 128 + 6 * message.as_ref().map_or(0, String::len)];
            let n = refusal.write_body(message.as_deref(), &mut body).unwrap_or(0);
            let fields: &[(&str, &[u8])] = if n == 0 { &[] } else { &Refusal::FIELDS };
            // A body that nobody reads would be taken for another request.
            let common = if request.body() == Ok(Body::Empty) { common } else { common.close() };
            common.write(out, refusal.status(), fields, &body[..n]);
            if common.keeps_alive { Answer::Page(common) } else { Answer::Refused(refusal.to_string()) }
        }
        (Err((refusal, message)), Some(_), _) => {
            // In front of a WebSocket the reference says it in words, and with 400 always.
            let words = message.as_deref().unwrap_or(refusal.message());
            write(out, 400, &[("Content-Type", b"text/html"), ("Connection", b"close")], words.as_bytes(), true);
            Answer::Refused(refusal.to_string())
        }
        (Ok(Route::OpenWebSocket), Some(accept), _) => {
            open(&accept, out);
            Answer::Socket(kind)
        }
        (Ok(Route::Upgrade(_)), Some(accept), Some(entry)) => {
            open(&accept, out);
            Answer::Upgrade(entry)
        }
        (Ok(Route::OpenPolling), ..) => Answer::Open(kind, common),
        (Ok(Route::Poll(_)), _, Some(entry)) => Answer::Poll(entry, common),
        (Ok(Route::Post(_)), _, Some(entry)) => match request.body() {
            Ok(body) => {
                let awaits = fields.get("expect").is_some_and(|e| e.eq_ignore_ascii_case(b"100-continue"));
                Answer::Post(entry, body, awaits, common)
            }
            Err(e) => refuse_head(e, out),
        },
        // A route to a session comes with the session, and one to a WebSocket with its handshake.
        (Ok(_), ..) => Answer::Refused("no such session".into()),
    }
}

fn open(accept: &Accept<'_>, out: &mut Vec<u8>) {
    out.resize(512, 0);
    let n = accept.write(&[], out).unwrap_or(0);
    out.truncate(n);
}

impl Common {
    fn connection(&self) -> &'static [u8] {
        if self.keeps_alive { b"keep-alive" } else { b"close" }
    }

    fn close(self) -> Self {
        Self { keeps_alive: false, ..self }
    }

    fn write(&self, out: &mut Vec<u8>, status: u16, fields: &[(&str, &[u8])], body: &[u8]) {
        let mut all: Vec<(&str, &[u8])> = fields.to_vec();
        all.extend(self.cors.iter().map(|(name, value)| (*name, &value[..])));
        all.push(("Connection", self.connection()));
        write(out, status, &all, body, !self.is_head);
    }
}

/// The answer to the GET that opened a session.
pub fn respond_opened<A: App>(host: &Host<A>, outcome: &Outcome, common: &Common, sid: &Sid, out: &mut Vec<u8>) {
    let (Outcome::Body(body), Some(name)) = (outcome, &host.config.cookie) else {
        return respond(outcome, common, out);
    };
    let mut cookie = vec![0; name.len() + 64];
    let n = engineio::server::write_cookie(name, sid, &mut cookie).unwrap_or(0);
    let [kind, cache] = engineio::server::PAYLOAD_FIELDS;
    common.write(out, 200, &[kind, cache, ("Set-Cookie", &cookie[..n])], body);
}

/// The answer to a request for a session.
pub fn respond(outcome: &Outcome, common: &Common, out: &mut Vec<u8>) {
    let refuse = |refusal: Refusal, out: &mut Vec<u8>| {
        let mut body = [0; 64];
        let n = refusal.write_body(None, &mut body).unwrap_or(0);
        common.write(out, refusal.status(), &Refusal::FIELDS, &body[..n]);
    };
    match outcome {
        Outcome::Body(body) => common.write(out, 200, &engineio::server::PAYLOAD_FIELDS, body),
        Outcome::Taken => common.write(out, 200, &engineio::server::POSTED_FIELDS, engineio::server::POSTED),
        Outcome::Bad => common.write(out, 400, &[], b""),
        Outcome::TooLarge => common.write(out, 413, &[], b""),
        Outcome::Slow => common.write(out, 408, &[], b""),
        Outcome::Unknown => refuse(Refusal::UnknownSid, out),
        Outcome::Upgraded => refuse(Refusal::BadRequest, out),
        Outcome::Gone => out.clear(),
    }
}

/// A request that is none.
pub fn refuse_head<A: App>(error: HeadError, out: &mut Vec<u8>) -> Answer<A> {
    let why = error.to_string();
    let fields: [(&str, &[u8]); 2] = [("Content-Type", TEXT), ("Connection", b"close")];
    write(out, error.status().0, &fields, format!("{why}\n").as_bytes(), true);
    Answer::Refused(why)
}

/// A client that takes too long.
pub fn refuse_slow(out: &mut Vec<u8>) {
    write(out, 408, &[("Content-Type", TEXT), ("Connection", b"close")], b"the request took too long\n", true);
}

fn write(out: &mut Vec<u8>, status: u16, fields: &[(&str, &[u8])], body: &[u8], with_body: bool) {
    let size = |(name, value): &(&str, &[u8])| name.len() + value.len() + 4;
    out.resize(256 + fields.iter().map(size).sum::<usize>() + body.len(), 0);
    let response = Response { status: Status(status), fields, body };
    let written = if with_body { response.write(out) } else { response.write_head(out) };
    out.truncate(written.unwrap_or(0));
}
