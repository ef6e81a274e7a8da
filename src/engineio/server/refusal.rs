use crate::{
    bytes::{Capacity, Writer},
    json::write_str,
};
use core::fmt;

/// Why a request is refused, with the codes and messages of the JavaScript server. See the [module page](super) for an example.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Code 0: `transport` is missing or unknown.
    UnknownTransport,
    /// Code 1: no session has this `sid`.
    UnknownSid,
    /// Code 2: a request without `sid` must be a GET.
    BadHandshakeMethod,
    /// Code 3: the request does not match the transport of its session, `transport=websocket` in a request that is not a WebSocket handshake, or the
    /// reverse; or a request with a `sid` whose `EIO` is not 4.
    BadRequest,
    /// Code 4: the application refused the request.
    Forbidden,
    /// A request with a `sid` over polling is not a GET or POST. Status 500 without a body, like the JavaScript server.
    BadMethod,
    /// Code 5: `EIO` is missing or not 4. The client is Socket.IO 2 or older.
    UnsupportedVersion,
}

impl Refusal {
    /// The code in the body. `None` for [`BadMethod`](Self::BadMethod), which has no body.
    #[must_use]
    pub const fn code(self) -> Option<u8> {
        Some(match self {
            Self::UnknownTransport => 0,
            Self::UnknownSid => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest => 3,
            Self::Forbidden => 4,
            Self::UnsupportedVersion => 5,
            Self::BadMethod => return None,
        })
    }

    /// The HTTP status: 400, 403 or 500.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            Self::BadMethod => 500,
            _ => 400,
        }
    }

    /// The default message of the body.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::UnknownTransport => "Transport unknown",
            Self::UnknownSid => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden => "Forbidden",
            Self::UnsupportedVersion => "Unsupported protocol version",
            Self::BadMethod => "Bad method",
        }
    }

    /// Writes the body and returns its length. It is JSON ([`FIELDS`](Self::FIELDS)) with `message`, or the [default message](Self::message), for
    /// which 64 bytes are always enough. [`BadMethod`](Self::BadMethod) has no body.
    ///
    /// # Errors
    /// [`Capacity`] with the exact need.
    pub fn write_body(self, message: Option<&str>, out: &mut [u8]) -> Result<usize, Capacity> {
        let mut writer = Writer::new(out);
        if let Some(code) = self.code() {
            writer.push(b"{\"code\":");
            writer.decimal(u64::from(code));
            writer.push(b",\"message\":");
            write_str(&mut writer, message.unwrap_or(self.message()));
            writer.byte(b'}');
        }
        writer.finish().map(|body| body.len())
    }

    /// The header fields of the answer.
    pub const FIELDS: [(&'static str, &'static [u8]); 1] = [("Content-Type", b"application/json")];
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl core::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_those_of_the_reference() {
        let mut out = [0; 64];
        let n = Refusal::UnsupportedVersion.write_body(None, &mut out).unwrap();
        assert_eq!(&out[..n], br#"{"code":5,"message":"Unsupported protocol version"}"#);
        let n = Refusal::Forbidden.write_body(None, &mut out).unwrap();
        assert_eq!(&out[..n], br#"{"code":4,"message":"Forbidden"}"#);
        let n = Refusal::Forbidden.write_body(Some("no \"bots\"\n\u{7f}é"), &mut out).unwrap();
        assert_eq!(core::str::from_utf8(&out[..n]).unwrap(), "{\"code\":4,\"message\":\"no \\\"bots\\\"\\n\u{7f}é\"}");
        assert_eq!(Refusal::BadMethod.write_body(None, &mut out), Ok(0));
        assert_eq!(
            (Refusal::BadMethod.status(), Refusal::Forbidden.status(), Refusal::UnknownSid.status()),
            (500, 403, 400)
        );
    }
}
