//! Pages, from the binary, and the handshake.

use super::{App, Host};
use sansocket::{
    engineio::{self, Refusal},
    http::{HeadError, Method, Request, Response, Status},
    ws::{self, Accept},
};

/// What a request came to.
pub enum Answer {
    /// Written; the connection goes on with another request, or is closed.
    Page { keeps_alive: bool },
    /// The answer that opens a WebSocket is written.
    Opened,
    /// A refusal is written, and this is why.
    Refused(String),
}

const TEXT: &[u8] = b"text/plain; charset=utf-8";

/// Everything the page needs comes from here, nothing from elsewhere.
const POLICY: &[u8] = b"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self' ws: wss:; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers the request with the head `head` into `out`, which is cleared.
pub fn answer<A: App>(host: &Host<A>, head: &[u8], out: &mut Vec<u8>) -> Answer {
    let request = match Request::parse(head) {
        Ok(request) => request,
        Err(e) => return refuse_head(e, out),
    };
    let path = host.config.path.as_bytes();
    if request.path().starts_with(path) || path.strip_suffix(b"/") == Some(request.path()) {
        return open(&request, out);
    }
    match request.body() {
        Ok(sansocket::http::Body::Empty) => {}
        // What follows would be taken for another request.
        Ok(_) => {
            write(out, 413, &[("Content-Type", TEXT), ("Connection", b"close")], b"no body is expected here\n", true);
            return Answer::Refused("a request with a body".into());
        }
        Err(e) => return refuse_head(e, out),
    }
    let keeps_alive = request.keeps_alive();
    let connection: &[u8] = if keeps_alive { b"keep-alive" } else { b"close" };
    let with_body = match request.method() {
        Method::Get => true,
        Method::Head => false,
        _ => {
            let fields: [(&str, &[u8]); 3] =
                [("Content-Type", TEXT), ("Allow", b"GET, HEAD"), ("Connection", connection)];
            write(out, 405, &fields, b"only GET and HEAD are served here\n", true);
            return Answer::Page { keeps_alive };
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
    Answer::Page { keeps_alive }
}

/// A request to Engine.IO's path.
fn open(request: &Request<'_>, out: &mut Vec<u8>) -> Answer {
    let is_upgrade = ws::is_upgrade(request);
    if is_upgrade {
        // The handshake first: a request that is no good one is told so, whatever its query says.
        let accept = match Accept::check(request) {
            Ok(accept) => accept,
            Err(e) => {
                out.resize(512, 0);
                let n = ws::refuse(e, out).unwrap_or(0);
                out.truncate(n);
                return Answer::Refused(e.to_string());
            }
        };
        return match engineio::route(request.query(), true) {
            Ok(_) => {
                out.resize(512, 0);
                let n = accept.write(&[], out).unwrap_or(0);
                out.truncate(n);
                Answer::Opened
            }
            Err(e) => refuse_session(e, TEXT, e.message().as_bytes(), out),
        };
    }
    let refusal = match (request.method(), engineio::route(request.query(), false)) {
        (_, Err(e @ Refusal::UnknownTransport)) => e,
        (Method::Get, Err(e)) => e,
        _ => Refusal::BadHandshakeMethod,
    };
    let mut body = [0; 64];
    let n = refusal.write_body(&mut body).unwrap_or(0);
    refuse_session(refusal, b"application/json", &body[..n], out)
}

fn refuse_session(refusal: Refusal, kind: &[u8], body: &[u8], out: &mut Vec<u8>) -> Answer {
    write(out, refusal.status(), &[("Content-Type", kind), ("Connection", b"close")], body, true);
    Answer::Refused(refusal.to_string())
}

/// A request that is none.
pub fn refuse_head(error: HeadError, out: &mut Vec<u8>) -> Answer {
    let why = error.to_string();
    write(
        out,
        error.status().0,
        &[("Content-Type", TEXT), ("Connection", b"close")],
        format!("{why}\n").as_bytes(),
        true,
    );
    Answer::Refused(why)
}

/// A client that takes too long.
pub fn refuse_slow(out: &mut Vec<u8>) {
    write(out, 408, &[("Content-Type", TEXT), ("Connection", b"close")], b"the request took too long\n", true);
}

fn write(out: &mut Vec<u8>, status: u16, fields: &[(&str, &[u8])], body: &[u8], with_body: bool) {
    out.resize(1024 + body.len(), 0);
    let response = Response { status: Status(status), fields, body };
    let written = if with_body { response.write(out) } else { response.write_head(out) };
    out.truncate(written.unwrap_or(0));
}
