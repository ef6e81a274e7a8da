//! The head of an answer, for the end that asked.

use super::{
    Fields, HeadError, Status, Version,
    octets::visible,
    request::{judge_fields, version},
};

/// The head of a response, judged good. Borrows the bytes.
///
/// ```
/// use sansocket::http::{ResponseHead, Status};
///
/// let head = ResponseHead::parse(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n")?;
/// assert_eq!((head.status(), head.fields().get("location")), (Status(302), Some(&b"/elsewhere"[..])));
/// # Ok::<(), sansocket::http::HeadError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'h> {
    version: Version,
    status: Status,
    fields: Fields<'h>,
}

impl<'h> ResponseHead<'h> {
    /// Reads a whole head, as [`Head::response`](super::Head::response) delimits it. Linear. The phrase behind the status is not looked at
    /// (RFC 9112 section 4).
    ///
    /// # Errors
    /// [`HeadError`]: what came is no answer.
    pub fn parse(head: &'h [u8]) -> Result<Self, HeadError> {
        let (line, rest) = head.split_at_checked(visible(head)).unwrap_or_default();
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
        judge_fields(rest)?;
        Ok(Self { version, status, fields: Fields(rest) })
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
            let head = format!("{line}\r\nA: b\r\n\r\n");
            let head = ResponseHead::parse(head.as_bytes()).map(|h| (h.version(), h.status().0));
            assert_eq!(head, expected, "{line}");
        }
        assert_eq!(ResponseHead::parse(b"HTTP/1.1 200 x\r\nA b\r\n\r\n").err(), Some(HeadError::Field));
    }
}
