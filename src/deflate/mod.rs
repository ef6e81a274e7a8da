//! Layer 0: DEFLATE (RFC 1951), in memory that you lend. [`Deflate`] writes; how much memory it has is a [`Tier`].

mod cells;
mod encode;
mod encode_bits;
mod encode_block;
mod encode_lengths;
mod encode_search;
#[cfg(test)]
pub(crate) mod encode_tests;
mod encode_tier;

pub use encode::{Deflate, SYNC_TAIL};
pub use encode_tier::Tier;
