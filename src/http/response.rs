use super::{
    Status,
    octets::{is_token_byte, visible},
};
use crate::bytes::{Capacity, Writer};
use core::fmt;

/// A response with its whole body.
///
/// ```
/// use sansocket::http::{Response, Status};
///
/// let mut out = [0; 128];
/// let n = Response { status: Status(404), fields: &[("Content-Type", b"text/plain")], body: b"none" }.write(&mut out)?;
/// assert_eq!(&out[..n], b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nnone");
/// # Ok::<(), sansocket::http::ResponseError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Response<'r> {
    /// The status.
    pub status: Status,
    /// The fields. `Content-Length` is written by this crate; it and `Transfer-Encoding` are refused here.
    pub fields: &'r [(&'r str, &'r [u8])],
    /// The body.
    pub body: &'r [u8],
}

impl Response<'_> {
    /// Writes head and body to the front of `out` and returns their length. After an error the content of `out` is unspecified.
    ///
    /// # Errors
    /// [`ResponseError`].
    pub fn write(&self, out: &mut [u8]) -> Result<usize, ResponseError> {
        let mut writer = self.head(out)?;
        if has_body(self.status) {
            writer.push(self.body);
        }
        Ok(writer.finish()?.len())
    }

    /// As [`write`](Self::write), without the body: to answer `HEAD`, or to send the body from its own memory.
    ///
    /// # Errors
    /// [`ResponseError`].
    pub fn write_head(&self, out: &mut [u8]) -> Result<usize, ResponseError> {
        Ok(self.head(out)?.finish()?.len())
    }

    fn head<'o>(&self, out: &'o mut [u8]) -> Result<Writer<'o>, ResponseError> {
        let mut writer = Writer::new(out);
        writer.push(b"HTTP/1.1 ");
        writer.decimal(u64::from(self.status.0));
        writer.byte(b' ');
        writer.push(self.status.phrase().as_bytes());
        writer.push(b"\r\n");
        for (name, value) in self.fields {
            // With a second length one response could be read as two.
            if name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding") {
                return Err(ResponseError::Field);
            }
            write_field(&mut writer, name, value)?;
        }
        if has_body(self.status) {
            writer.push(b"Content-Length: ");
            writer.decimal(u64::try_from(self.body.len()).unwrap_or(u64::MAX));
            writer.push(b"\r\n");
        }
        writer.push(b"\r\n");
        Ok(writer)
    }
}

/// RFC 9110 section 8.6.
const fn has_body(status: Status) -> bool {
    !matches!(status.0, 100..=199 | 204 | 304)
}

pub(crate) fn write_field(writer: &mut Writer<'_>, name: &str, value: &[u8]) -> Result<(), ResponseError> {
    let is_name = !name.is_empty() && name.bytes().all(is_token_byte);
    // With CR, LF or NUL a value could begin another field or another response.
    if !is_name || visible(value) < value.len() {
        return Err(ResponseError::Field);
    }
    writer.push(name.as_bytes());
    writer.push(b": ");
    writer.push(value);
    writer.push(b"\r\n");
    Ok(())
}

/// Why no response was written. See [`Response`].
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// The output is too small. `needed` is exact.
    Capacity(Capacity),
    /// The name of a field is not a token, its value has a control byte, or this crate writes the field itself.
    Field,
}

impl From<Capacity> for ResponseError {
    fn from(e: Capacity) -> Self {
        Self::Capacity(e)
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity(e) => e.fmt(f),
            Self::Field => f.write_str(
                "a header field has an invalid name or value, or is written by this crate; remove or correct it",
            ),
        }
    }
}

impl core::error::Error for ResponseError {}
