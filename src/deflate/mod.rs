//! Layer 0: compressed data (DEFLATE, RFC 1951) in memory that you lend. Knows no protocol.
//!
//! [`Inflate`] unpacks a stream that arrives in pieces of any size.

mod inflate;

pub use inflate::{Inflate, InflateError, InflateStatus};
