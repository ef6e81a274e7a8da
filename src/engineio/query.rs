use crate::bytes::{Capacity, Writer};
use core::fmt;

/// How the packets of a session travel.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One packet a message.
    WebSocket,
}

/// What is asked for in the query of a request (Engine.IO protocol, "Handshake"): `EIO=4&transport=websocket`.
///
/// `query` is what stands behind the `?`, `is_upgrade` whether the request asks for a WebSocket. A session id in the query belongs to
/// long-polling, which is not served yet, so no such id is known.
///
/// # Errors
/// [`Refusal`], with the status and the body of the reference.
pub fn route(query: &[u8], is_upgrade: bool) -> Result<Transport, Refusal> {
    let value = |key: &[u8]| {
        query.split(|&b| b == b'&').find_map(|pair| pair.strip_prefix(key).and_then(|rest| rest.strip_prefix(b"=")))
    };
    if value(b"transport") != Some(b"websocket") {
        return Err(Refusal::UnknownTransport);
    }
    if value(b"sid").is_some() {
        return Err(Refusal::UnknownSid);
    }
    if !is_upgrade {
        return Err(Refusal::BadRequest);
    }
    if value(b"EIO") != Some(b"4") {
        return Err(Refusal::UnsupportedVersion);
    }
    Ok(Transport::WebSocket)
}

/// Why a request starts no session, with the reference's codes and words.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Code 0: `transport` is missing, or none that is served.
    UnknownTransport,
    /// Code 1: no session has this `sid`.
    UnknownSid,
    /// Code 2: a handshake that is not a GET.
    BadHandshakeMethod,
    /// Code 3: `transport=websocket` in a request that asks for no upgrade.
    BadRequest,
    /// Code 4: the application refused.
    Forbidden,
    /// Code 5: `EIO` is missing or not 4: a client of Socket.IO 2 or older.
    UnsupportedVersion,
}

impl Refusal {
    /// The number in the body.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::UnknownTransport => 0,
            Self::UnknownSid => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest => 3,
            Self::Forbidden => 4,
            Self::UnsupportedVersion => 5,
        }
    }

    /// The HTTP status: 400, or 403.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            _ => 400,
        }
    }

    /// The words in the body.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::UnknownTransport => "Transport unknown",
            Self::UnknownSid => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden => "Forbidden",
            Self::UnsupportedVersion => "Unsupported protocol version",
        }
    }

    /// Writes the body, `application/json`, and gives its length; 64 bytes are always enough.
    ///
    /// # Errors
    /// [`Capacity`] with the exact need.
    pub fn write_body(self, out: &mut [u8]) -> Result<usize, Capacity> {
        let mut writer = Writer::new(out);
        writer.push(b"{\"code\":");
        writer.decimal(u64::from(self.code()));
        writer.push(b",\"message\":\"");
        writer.push(self.message().as_bytes());
        writer.push(b"\"}");
        writer.finish().map(|body| body.len())
    }
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
    fn refuses_in_the_order_of_the_reference() {
        let cases: [(&[u8], bool, Result<Transport, Refusal>); 10] = [
            (b"EIO=4&transport=websocket", true, Ok(Transport::WebSocket)),
            (b"t=abc&transport=websocket&EIO=4", true, Ok(Transport::WebSocket)),
            (b"", true, Err(Refusal::UnknownTransport)),
            (b"EIO=4&transport=polling", false, Err(Refusal::UnknownTransport)),
            (b"EIO=4&transport=constructor", true, Err(Refusal::UnknownTransport)),
            (b"EIO=4&xtransport=websocket", true, Err(Refusal::UnknownTransport)),
            (b"EIO=4&transport=websocket&sid=__proto__", true, Err(Refusal::UnknownSid)),
            (b"EIO=4&transport=websocket", false, Err(Refusal::BadRequest)),
            (b"EIO=3&transport=websocket", true, Err(Refusal::UnsupportedVersion)),
            (b"transport=websocket", true, Err(Refusal::UnsupportedVersion)),
        ];
        for (query, is_upgrade, expected) in cases {
            assert_eq!(route(query, is_upgrade), expected, "{:?}", core::str::from_utf8(query));
        }
    }

    #[test]
    fn bodies_are_those_of_the_reference() {
        let mut out = [0; 64];
        let n = Refusal::UnsupportedVersion.write_body(&mut out).unwrap();
        assert_eq!(&out[..n], br#"{"code":5,"message":"Unsupported protocol version"}"#);
        let n = Refusal::Forbidden.write_body(&mut out).unwrap();
        assert_eq!(&out[..n], br#"{"code":4,"message":"Forbidden"}"#);
    }
}
