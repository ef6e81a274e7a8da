//! What a request is answered: pages from the binary, Engine.IO's handshake and refusals, what other origins are told.

use super::{App, Entry, Host, Kind, Origin, session::find};
use sansocket::{
    endpoint::{self, Ask, Todo, judge},
    engineio::{
        Transport,
        server::{Cors, CorsFields, Origins, Refusal},
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
    /// Packets for a session, in a body, for which the client awaits leave (`Expect: 100-continue`) or not; and its type.
    Post(Rc<Entry<A>>, Body, bool, Option<Vec<u8>>, Common),
    /// The answer that opens a WebSocket is written, for a new session.
    Socket(Kind),
    /// Likewise, for a session that may move to it.
    Upgrade(Rc<Entry<A>>),
}

/// What is left of a request when its answer is written.
pub struct Common {
    pub keeps_alive: bool,
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
    let common = Common { keeps_alive: request.keeps_alive(), is_head: false, cors: Vec::new() };
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
        is_head: request.method() == Method::Head,
        cors: told(cors.fields(fields.get("origin"))),
    };
    let accept = ws::is_upgrade(request).then(|| Accept::check(request));
    let ask = Ask {
        method: request.method(),
        query: request.query(),
        has_body: request.body() != Ok(Body::Empty),
        websocket: accept.as_ref().map(|accept| accept.as_ref().map(|_| ()).map_err(|e| *e)),
    };
    let mut entry = None;
    let todo = judge(&ask, &cors, |sid| {
        entry = find(host, sid);
        entry.as_ref().map(|entry| entry.link(|link| link.transport()))
    });
    let words;
    let answer = match (todo, entry, accept) {
        (Todo::Answer(endpoint::Answer::Preflight), ..) => {
            let fields = cors.preflight(fields.get("origin"), fields.get("access-control-request-headers"));
            let common = Common { cors: told(fields.unwrap_or_default()), ..common };
            common.write(endpoint::Answer::Preflight, out);
            return Answer::Page(common);
        }
        (Todo::Open(transport), ..) => match host.app.allow(request) {
            Ok(()) if host.sessions.borrow().len() >= host.options.max_connections => endpoint::Answer::Busy,
            Ok(()) if transport == Transport::Polling => return Answer::Open(kind, common),
            Ok(()) => {
                open(accept, out);
                return Answer::Socket(kind);
            }
            Err(message) => {
                words = message;
                endpoint::Answer::refuse(Refusal::Forbidden, Some(&words), ask.websocket.is_some())
            }
        },
        (Todo::Get(_), Some(entry), _) => return Answer::Poll(entry, common),
        (Todo::Post(_), Some(entry), _) => match request.body() {
            Ok(body) => {
                let awaits = fields.get("expect").is_some_and(|e| e.eq_ignore_ascii_case(b"100-continue"));
                return Answer::Post(entry, body, awaits, fields.get("content-type").map(<[u8]>::to_vec), common);
            }
            Err(e) => return refuse_head(e, out),
        },
        (Todo::Upgrade(_), Some(entry), accept) => {
            open(accept, out);
            return Answer::Upgrade(entry);
        }
        (Todo::Answer(answer), ..) => answer,
        // What is to be done for a session comes with the session.
        _ => endpoint::Answer::refuse(Refusal::UnknownSid, None, false),
    };
    // A body that nobody reads would be taken for another request.
    let common = if ask.has_body { Common { keeps_alive: false, ..common } } else { common };
    if common.write(answer, out) { Answer::Page(common) } else { Answer::Refused(format!("{answer:?}")) }
}

fn open(accept: Option<Result<Accept<'_>, ws::RequestError>>, out: &mut Vec<u8>) {
    out.resize(512, 0);
    let n = accept.and_then(Result::ok).and_then(|accept| accept.write(&[], out).ok()).unwrap_or(0);
    out.truncate(n);
}

impl Common {
    fn connection(&self) -> &'static [u8] {
        if self.keeps_alive { b"keep-alive" } else { b"close" }
    }

    /// Writes an answer of the endpoint; whether the connection stays open.
    pub fn write(&self, answer: endpoint::Answer<'_>, out: &mut Vec<u8>) -> bool {
        let mut all: Vec<(&str, &[u8])> = answer.fields().into_iter().flatten().collect();
        all.extend(self.cors.iter().map(|(name, value)| (*name, &value[..])));
        all.push(("Connection", answer.connection(self.keeps_alive)));
        let mut scratch = vec![0; 128];
        if let Err(e) = answer.body(&mut scratch) {
            scratch.resize(e.needed, 0);
        }
        write(out, answer.status(), &all, answer.body(&mut scratch).unwrap_or_default(), !self.is_head);
        self.keeps_alive && !answer.closes()
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
