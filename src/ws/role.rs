//! The two roles of a connection. They differ only in masking.

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Client {}
    impl Sealed for super::Server {}
}

/// The role of one end of a connection: [`Client`] or [`Server`]. Sealed.
pub trait Role: sealed::Sealed + Copy + core::fmt::Debug + 'static {
    /// Whether frames that this end sends are masked (RFC 6455 section 5.1).
    const SENDS_MASKED: bool;
}

/// The end that opened the connection. It masks every frame with a new key (RFC 6455 section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client;

/// The end that accepted the connection. It never masks frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server;

impl Role for Client {
    const SENDS_MASKED: bool = true;
}

impl Role for Server {
    const SENDS_MASKED: bool = false;
}
