use core::fmt;

/// An HTTP status code (RFC 9110 section 15). See [`Response`](super::Response).
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    /// The reason phrase; empty for a status that this crate does not send.
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

/// The bytes are not a valid HTTP head, or exceed a limit. A server answers with [`status`](Self::status) and closes the connection; a
/// client closes it. See [`HeadScanner`](super::HeadScanner).
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadError {
    /// More bytes than [`Limits::bytes`](super::Limits::bytes).
    TooLong,
    /// More lines than [`Limits::lines`](super::Limits::lines).
    TooManyLines,
    /// The first line is not a request line (RFC 9112 section 3), or the authority of its target is invalid.
    RequestLine,
    /// The first line is not a status line (RFC 9112 section 4).
    StatusLine,
    /// A control byte, a bare CR or a bare LF (RFC 9110 section 5.5, RFC 9112 section 2.2).
    ControlByte,
    /// A line that is not a field: it has no colon, white space in front of the colon, or is folded in a request (RFC 9112 section 5).
    Field,
    /// The version is not HTTP/1.0 or 1.1.
    Version,
    /// `Host` is missing, repeated, or not a host with an optional port (RFC 9112 section 3.2).
    Host,
    /// The length of the body contradicts itself, or is not a number (RFC 9112 section 6.3).
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
            Self::TooLong => "the HTTP head has more bytes than the limit",
            Self::TooManyLines => "the HTTP head has more lines than the limit",
            Self::RequestLine => "not a valid HTTP request line; the client may speak another protocol, such as TLS",
            Self::StatusLine => "not a valid HTTP status line; the server may speak another protocol, such as TLS",
            Self::ControlByte => "the HTTP head contains a control byte, or a line that does not end with CR LF",
            Self::Field => "a line of the HTTP head is not a valid header field",
            Self::Version => "the HTTP version is neither 1.0 nor 1.1",
            Self::Host => "the Host header field is missing, repeated or not a valid host and port",
            Self::BodyLength => "the length of the HTTP body is invalid or contradicts itself",
            Self::TransferCoding => "the transfer coding of the HTTP body is not supported; only chunked is",
        })
    }
}

impl core::error::Error for HeadError {}
