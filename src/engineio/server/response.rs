//! Answers to polling requests, as data for any HTTP server. They are byte for byte those of the JavaScript server.

use crate::{
    bytes::{Capacity, Writer},
    engineio::Sid,
};

/// The header fields of the answer to a GET. The status is 200, the body a [`Payload`](crate::engineio::Payload).
pub const PAYLOAD_FIELDS: [(&str, &[u8]); 2] =
    [("Content-Type", b"text/plain; charset=UTF-8"), ("Cache-Control", b"no-store")];

/// The header fields of the answer to an accepted POST. The status is 200, the body [`POSTED`].
pub const POSTED_FIELDS: [(&str, &[u8]); 2] = [("Content-Type", b"text/html"), ("Cache-Control", b"no-store")];

/// The body of the answer to an accepted POST.
pub const POSTED: &[u8] = b"ok";

/// Whether a POST with this `Content-Type` is acceptable: all but `application/octet-stream`, since version 4 sends text only. If not, answer 400
/// without a body and end the session. See the [module page](super) for an example.
#[must_use]
pub fn is_post_type(content_type: Option<&[u8]>) -> bool {
    !content_type.is_some_and(|t| {
        t.trim_ascii_start().get(..24).is_some_and(|t| t.eq_ignore_ascii_case(b"application/octet-stream"))
    })
}

/// Writes the value of a `Set-Cookie` field and returns its length. Add it to the answer that opens a session if a load balancer uses it to send all
/// requests of a client to the same server. `name` must be a token (RFC 9110 section 5.6.2).
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
