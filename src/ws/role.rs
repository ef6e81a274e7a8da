//! The two ends of a connection. They differ in two facts only: who masks, and who must have masked.

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Client {}
    impl Sealed for super::Server {}
}

/// An end of a connection: [`Client`] or [`Server`]. Sealed.
pub trait Role: sealed::Sealed + Copy + core::fmt::Debug + 'static {
    /// Whether frames that this end sends are masked (RFC 6455 section 5.1).
    const SENDS_MASKED: bool;
}

/// The end that opened the connection: it masks every frame with a fresh key (RFC 6455 section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client;

/// The end that accepted the connection: it never masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server;

impl Role for Client {
    const SENDS_MASKED: bool = true;
}

impl Role for Server {
    const SENDS_MASKED: bool = false;
}
