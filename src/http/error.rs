use core::fmt;

/// A status code (RFC 9110 section 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    /// The phrase that goes with it; empty for one that this crate has no use for.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self.0 {
            101 => "Switching Protocols",
            200 => "OK",
            204 => "No Content",
            304 => "Not Modified",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            413 => "Content Too Large",
            426 => "Upgrade Required",
            431 => "Request Header Fields Too Large",
            500 => "Internal Server Error",
            501 => "Not Implemented",
            503 => "Service Unavailable",
            505 => "HTTP Version Not Supported",
            _ => "",
        }
    }
}

/// A head that is none. For a request: answer with [`status`](Self::status) and close the connection.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadError {
    /// More bytes than [`Limits::bytes`](super::Limits::bytes).
    TooLong,
    /// More lines than [`Limits::lines`](super::Limits::lines).
    TooManyLines,
    /// The first line is no request line (RFC 9112 section 3).
    RequestLine,
    /// The first line is no status line (RFC 9112 section 4).
    StatusLine,
    /// A control byte, a bare CR or a bare LF (RFC 9110 section 5.5, RFC 9112 section 2.2).
    ControlByte,
    /// A line that is no field: no colon, white space before it, or a folded line (RFC 9112 section 5).
    Field,
    /// Not HTTP/1.0 or 1.1.
    Version,
    /// `Host` is missing or repeated (RFC 9112 section 3.2).
    Host,
    /// A length of the body that contradicts itself, or is no number (RFC 9112 section 6.3).
    BodyLength,
    /// A transfer coding other than `chunked` (RFC 9112 section 6.1).
    TransferCoding,
}

impl HeadError {
    /// The status to answer with.
    #[must_use]
    pub const fn status(self) -> Status {
        Status(match self {
            Self::TooLong | Self::TooManyLines => 431,
            Self::Version => 505,
            Self::TransferCoding => 501,
            _ => 400,
        })
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "head over the limit",
            Self::TooManyLines => "too many lines in the head",
            Self::RequestLine => "not an HTTP request",
            Self::StatusLine => "not an HTTP response",
            Self::ControlByte => "control byte in the head",
            Self::Field => "malformed header field",
            Self::Version => "unsupported version of HTTP",
            Self::Host => "the Host field must stand there once",
            Self::BodyLength => "contradictory length of the body",
            Self::TransferCoding => "unsupported transfer coding",
        })
    }
}

impl core::error::Error for HeadError {}
