//! The head of a response, for the client.

use super::{
    Body, Fields, HeadError, Once, Status, Version,
    octets::visible,
    request::{body, check_fields, keeps_alive, version},
};

/// A valid response head, borrowed from the received bytes.
///
/// ```
/// use sansocket::http::{ResponseHead, Status};
///
/// let mut bytes = *b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n";
/// let head = ResponseHead::parse(&mut bytes)?;
/// assert_eq!((head.status(), head.fields().get("location")), (Status(302), Some(&b"/elsewhere"[..])));
/// assert_eq!(head.version(), sansocket::http::Version::Http11);
/// # Ok::<(), sansocket::http::HeadError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'h> {
    version: Version,
    status: Status,
    fields: Fields<'h>,
}

impl<'h> ResponseHead<'h> {
    /// Parses a whole head, whose end [`HeadScanner::response`](super::HeadScanner::response) has found. Linear. The reason phrase is ignored
    /// (RFC 9112 section 4).
    ///
    /// A field that is folded over several lines is unfolded in place: CR and LF become spaces, as section 5.2 requires of a client. Therefore
    /// the bytes are borrowed mutably. Nothing else is changed.
    ///
    /// # Errors
    /// [`HeadError`]: the bytes are not a valid response head.
    pub fn parse(head: &'h mut [u8]) -> Result<Self, HeadError> {
        // Folds are rare: a head without them is looked at once.
        let judged = judge(head).or_else(|_| {
            unfold(head);
            judge(head)
        });
        let (version, status, fields) = judged?;
        Ok(Self { version, status, fields: Fields(head.get(fields..).unwrap_or_default()) })
    }

    /// The version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The fields.
    #[must_use]
    pub const fn fields(&self) -> Fields<'h> {
        self.fields
    }

    /// The kind of body that follows the head of the answer to a request other than `HEAD` (RFC 9112 section 6.3). `None`: the body is all that arrives
    /// until the server ends the connection.
    ///
    /// # Errors
    /// As [`Request::body`](super::Request::body).
    ///
    /// ```
    /// use sansocket::http::{Body, ResponseHead};
    ///
    /// let mut bytes = *b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    /// let head = ResponseHead::parse(&mut bytes)?;
    /// assert_eq!((head.body()?, head.keeps_alive()), (Some(Body::Length(5)), true));
    /// # Ok::<(), sansocket::http::HeadError>(())
    /// ```
    pub fn body(&self) -> Result<Option<Body>, HeadError> {
        match self.status.0 {
            100..=199 | 204 | 304 => Ok(Some(Body::Empty)),
            _ => {
                let once = |name| Once::of(self.fields.all(name));
                body(once("content-length"), once("transfer-encoding"), self.version)
            }
        }
    }

    /// Whether the connection stays open after the body (RFC 9112 section 9.3). Not if only its end ends the body. See [`body`](Self::body).
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        let has = |option: &[u8]| self.fields.tokens("connection").any(|m| m.eq_ignore_ascii_case(option));
        keeps_alive(self.version, has(b"close"), has(b"keep-alive"))
    }
}

/// Version, status, and where the fields begin.
fn judge(head: &[u8]) -> Result<(Version, Status, usize), HeadError> {
    let (line, rest) = head.split_at_checked(visible(head)).ok_or(HeadError::StatusLine)?;
    let rest = rest.strip_prefix(b"\r\n").ok_or(HeadError::StatusLine)?;
    let (version_text, code) = line.split_at_checked(8).ok_or(HeadError::StatusLine)?;
    let version = version(version_text)?;
    let [b' ', a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', phrase @ ..] = code else {
        return Err(HeadError::StatusLine);
    };
    if !matches!(phrase, [] | [b' ', ..]) {
        return Err(HeadError::StatusLine);
    }
    let digit = |d: &u8| u16::from(d.wrapping_sub(b'0'));
    let status = Status(digit(a).wrapping_mul(100).wrapping_add(digit(b).wrapping_mul(10)).wrapping_add(digit(c)));
    check_fields(rest, |_, _| {})?;
    Ok((version, status, head.len().saturating_sub(rest.len())))
}

/// Replaces CR and LF by spaces where a field continues on the next line. The first line cannot be folded.
fn unfold(head: &mut [u8]) {
    let first = visible(head).saturating_add(2);
    let mut rest = head.get_mut(first..).unwrap_or_default();
    while let Some((_, behind)) = rest.split_at_mut_checked(visible(rest)) {
        if let [cr @ b'\r', lf @ b'\n', b' ' | b'\t', ..] = behind {
            (*cr, *lf) = (b' ', b' ');
        }
        let Some(next) = behind.get_mut(2..) else { return };
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn status_lines() {
        let cases = [
            ("HTTP/1.1 101 Switching Protocols", Ok((Version::Http11, 101))),
            ("HTTP/1.1 200 ", Ok((Version::Http11, 200))),
            ("HTTP/1.1 204", Ok((Version::Http11, 204))),
            ("HTTP/1.0 999 \u{e9}", Ok((Version::Http10, 999))),
            ("HTTP/1.1  101 x", Err(HeadError::StatusLine)),
            ("HTTP/1.1 1010", Err(HeadError::StatusLine)),
            ("HTTP/1.1 099 x", Err(HeadError::StatusLine)),
            ("HTTP/1.1 10", Err(HeadError::StatusLine)),
            ("HTTP/1.1", Err(HeadError::StatusLine)),
            ("HTTP/2.0 200 x", Err(HeadError::Version)),
            ("HTTP/11 200 x", Err(HeadError::StatusLine)),
            ("ICY 200 OK", Err(HeadError::StatusLine)),
        ];
        for (line, expected) in cases {
            let mut head = format!("{line}\r\nA: b\r\n\r\n").into_bytes();
            let head = ResponseHead::parse(&mut head).map(|h| (h.version(), h.status().0));
            assert_eq!(head, expected, "{line}");
        }
        for bad in ["A b\r\n", " A: b\r\n", "A\r\n : b\r\n", "A: b\r\n\x0bc\r\n"] {
            let mut head = format!("HTTP/1.1 200 x\r\n{bad}\r\n").into_bytes();
            assert_eq!(ResponseHead::parse(&mut head).err(), Some(HeadError::Field), "{bad:?}");
        }
    }

    #[test]
    fn rfc9112_6_3_the_body_of_an_answer() {
        let cases = [
            ("HTTP/1.1 200 x", "", Ok(None), true),
            ("HTTP/1.1 204 x", "Content-Length: 5\r\n", Ok(Some(Body::Empty)), true),
            ("HTTP/1.1 304 x", "Transfer-Encoding: chunked\r\n", Ok(Some(Body::Empty)), true),
            ("HTTP/1.1 103 x", "", Ok(Some(Body::Empty)), true),
            ("HTTP/1.1 404 x", "Content-Length: 0\r\nConnection: Close\r\n", Ok(Some(Body::Empty)), false),
            ("HTTP/1.1 200 x", "Transfer-Encoding: chunked\r\n", Ok(Some(Body::Chunked)), true),
            ("HTTP/1.0 200 x", "Transfer-Encoding: chunked\r\n", Err(HeadError::BodyLength), false),
            ("HTTP/1.0 200 x", "Connection: keep-alive\r\nContent-Length: 7\r\n", Ok(Some(Body::Length(7))), true),
            ("HTTP/1.1 200 x", "Transfer-Encoding: gzip\r\n", Err(HeadError::TransferCoding), true),
            ("HTTP/1.1 200 x", "Content-Length: 7\r\nContent-Length: 8\r\n", Err(HeadError::BodyLength), true),
        ];
        for (line, fields, body, keeps) in cases {
            let mut head = format!("{line}\r\n{fields}\r\n").into_bytes();
            let head = ResponseHead::parse(&mut head).unwrap();
            assert_eq!((head.body(), head.keeps_alive()), (body, keeps), "{line} {fields}");
        }
    }

    #[test]
    fn rfc9112_5_2_folds_become_spaces() {
        let mut head = *b"HTTP/1.1 200 x\r\nA:\r\n b\r\nC: d\r\n \r\n\te\r\nF:\r\n \r\n\r\n";
        let head = ResponseHead::parse(&mut head).unwrap();
        let fields: std::vec::Vec<_> = head.fields().collect();
        assert_eq!(fields, [(&b"A"[..], &b"b"[..]), (b"C", b"d     \te"), (b"F", b"")]);
    }
}
