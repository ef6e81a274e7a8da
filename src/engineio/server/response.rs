//! What a server says to requests of polling, as data for any HTTP server; byte for byte the reference's.

use crate::{
    bytes::{Capacity, Writer},
    engineio::Sid,
};

/// Fields of the answer to a GET, status 200, whose body is a [`Payload`](crate::engineio::Payload).
pub const PAYLOAD_FIELDS: [(&str, &[u8]); 2] =
    [("Content-Type", b"text/plain; charset=UTF-8"), ("Cache-Control", b"no-store")];

/// Fields of the answer to a POST that was taken, status 200, whose body is [`POSTED`].
pub const POSTED_FIELDS: [(&str, &[u8]); 2] = [("Content-Type", b"text/html"), ("Cache-Control", b"no-store")];

/// Body of the answer to a POST that was taken.
pub const POSTED: &[u8] = b"ok";

/// Whether the `Content-Type` of a POST may be read: version 4 has text only. Answer 400 without a body otherwise, and end the session.
#[must_use]
pub fn is_post_type(content_type: Option<&[u8]>) -> bool {
    !content_type.is_some_and(|t| {
        t.trim_ascii_start().get(..24).is_some_and(|t| t.eq_ignore_ascii_case(b"application/octet-stream"))
    })
}

/// Writes the value of a `Set-Cookie` that binds a client to this server behind a balancer, for the answer that opens a session; gives its
/// length. `name` is a token.
///
/// # Errors
/// [`Capacity`] with the exact need.
///
/// ```
/// use sansocket::engineio::{Sid, server::write_cookie};
///
/// let mut out = [0; 64];
/// let n = write_cookie("io", &Sid::from_random([0; 15]), &mut out)?;
/// assert_eq!(&out[..n], b"io=AAAAAAAAAAAAAAAAAAAA; Path=/; HttpOnly; SameSite=Lax");
/// # Ok::<(), sansocket::bytes::Capacity>(())
/// ```
pub fn write_cookie(name: &str, sid: &Sid, out: &mut [u8]) -> Result<usize, Capacity> {
    let mut writer = Writer::new(out);
    writer.push(name.as_bytes());
    writer.byte(b'=');
    writer.push(sid.expose_bytes());
    writer.push(b"; Path=/; HttpOnly; SameSite=Lax");
    writer.finish().map(|value| value.len())
}
