//! Layer 0: DEFLATE (RFC 1951) in memory that you lend. Knows no protocol.
//!
//! [`Deflate`] writes; how much memory it has is a [`Tier`]. [`Inflate`] unpacks a stream that arrives in pieces of any size.
//!
//! ```
//! use sansocket::deflate::{Deflate, SYNC_TAIL, Tier};
//!
//! let mut deflate = Deflate::new(Tier::TINY, [0; Tier::TINY.bytes()])?;
//! let mut memory = [0; 64];
//! let n = deflate.compress(b"aaaaaaaaaaaaaaaaaaaa", true, &mut memory)?;
//! assert!(n < 8);
//! memory[n..n + 4].copy_from_slice(&SYNC_TAIL); // for readers other than those of WebSocket
//! # Ok::<(), sansocket::Capacity>(())
//! ```

mod cells;
mod encode;
mod encode_bits;
mod encode_block;
mod encode_lengths;
mod encode_search;
#[cfg(test)]
pub(crate) mod encode_tests;
mod encode_tier;
mod inflate;

pub use encode::{Deflate, SYNC_TAIL};
pub use encode_tier::Tier;
pub use inflate::{Inflate, InflateError, InflateStatus};
