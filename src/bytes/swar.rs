//! Eight bytes at a time in one `u64` (SIMD within a register).

/// A word of the target.
#[cfg(all(target_pointer_width = "64", not(sansocket_small)))]
pub(crate) type Word = u64;
/// A word of the target.
#[cfg(not(all(target_pointer_width = "64", not(sansocket_small))))]
pub(crate) type Word = u32;

/// 1 in each byte. Multiplied by a byte, it repeats that byte.
pub(crate) const ONES: u64 = 0x0101_0101_0101_0101;
/// The high bit of each byte.
pub(crate) const HIGH: u64 = 0x8080_8080_8080_8080;

/// `byte` repeated eight times.
pub(crate) const fn splat(byte: u8) -> u64 {
    ONES.wrapping_mul(u64::from_le_bytes([byte, 0, 0, 0, 0, 0, 0, 0]))
}

/// Finds the first zero byte: its high bit is the lowest bit that is set in the result. Bits above that one have no meaning.
pub(crate) const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH
}
