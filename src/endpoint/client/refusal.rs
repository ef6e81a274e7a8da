//! What an answer that refuses says about its cause.

use super::Failure;
use crate::http::{HeadError, Status};

/// How many bytes of the body of an answer are looked at.
pub(super) const LOOKED_AT: usize = 1024;

/// What servers answer with status 400 when they expect TLS: nginx, Go, Apache, Node behind others.
const TLS: [&[u8]; 3] = [
    b"plain HTTP request was sent to HTTPS port",
    b"Client sent an HTTP request to an HTTPS server",
    b"speaking plain HTTP to an SSL-enabled server",
];

/// The cause, if status or body tell it.
pub(super) fn cause(status: Status, body: &[u8]) -> Option<Failure> {
    if is_redirection(status) {
        return Some(Failure::Redirect(status));
    }
    let body = body.get(..LOOKED_AT).unwrap_or(body);
    if status.0 == 400 && TLS.iter().any(|text| behind(body, text).is_some()) {
        return Some(Failure::TlsExpected);
    }
    // The answer to a WebSocket handshake is text, that to others JSON.
    if behind(body, b"Unsupported protocol version").is_some() {
        return Some(Failure::Version);
    }
    match code(body)? {
        5 => Some(Failure::Version),
        code => Some(Failure::Refused { status, code }),
    }
}

/// RFC 9110 section 15.4, those with a `Location`.
pub(super) const fn is_redirection(status: Status) -> bool {
    matches!(status.0, 301 | 302 | 303 | 307 | 308)
}

/// Why `bytes` are not an answer, in which the scanner found `error`.
pub(super) const fn no_answer(error: HeadError, bytes: &[u8]) -> Failure {
    match (error, bytes) {
        (HeadError::TooLong | HeadError::TooManyLines, _) => Failure::TooLarge,
        // An alert of TLS (RFC 8446 section 5.1). HTTP does not begin with this byte.
        (_, [0x15, ..]) => Failure::TlsExpected,
        _ => Failure::NotHttp,
    }
}

/// The code in `{"code":1,"message":"…"}`. It is a string in the answers of socketioxide.
fn code(body: &[u8]) -> Option<u8> {
    if !body.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let value = behind(body, b"\"code\"")?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    match value.strip_prefix(b"\"").unwrap_or(value) {
        [_, b'0'..=b'9', ..] => None,
        [digit @ b'0'..=b'5', ..] => Some(digit.wrapping_sub(b'0')),
        _ => None,
    }
}

/// What stands in `text` behind the first `part`.
fn behind<'t>(mut text: &'t [u8], part: &[u8]) -> Option<&'t [u8]> {
    loop {
        if let Some(rest) = text.strip_prefix(part) {
            return Some(rest);
        }
        text = text.split_first()?.1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes() {
        let refused = |status, code| Some(Failure::Refused { status: Status(status), code });
        let cases: [(u16, &str, Option<Failure>); 14] = [
            (400, r#"{"code":1,"message":"Session ID unknown"}"#, refused(400, 1)),
            (400, r#" { "code" : 3 , "message":"Bad request"}"#, refused(400, 3)),
            (403, r#"{"message":"Forbidden","code":4}"#, refused(403, 4)),
            (400, r#"{"code":"0","message":"Transport unknown"}"#, refused(400, 0)),
            (400, r#"{"code":"5","message":"x"}"#, Some(Failure::Version)),
            (400, r#"{"code":5,"message":"Unsupported protocol version"}"#, Some(Failure::Version)),
            (400, "Unsupported protocol version", Some(Failure::Version)),
            (400, r#"{"code":51}"#, None),
            (400, r#"{"code":true}"#, None),
            (400, r#"["code":1]"#, None),
            (302, "", Some(Failure::Redirect(Status(302)))),
            (400, "<center>The plain HTTP request was sent to HTTPS port</center>", Some(Failure::TlsExpected)),
            (400, "Client sent an HTTP request to an HTTPS server.\n", Some(Failure::TlsExpected)),
            (404, "<html>Cannot GET /</html>", None),
        ];
        for (status, body, expected) in cases {
            assert_eq!(cause(Status(status), body.as_bytes()), expected, "{body}");
        }
        assert_eq!(cause(Status(304), b""), None);
        let line = HeadError::StatusLine;
        assert_eq!(no_answer(line, b"\x15\x03\x01"), Failure::TlsExpected);
        assert_eq!(no_answer(line, b"SSH-2.0"), Failure::NotHttp);
        assert_eq!(no_answer(HeadError::TooLong, b"HTTP"), Failure::TooLarge);
    }
}
