//! Eight bytes at a time in one `u64`: the constants, and the question that all who use them ask.

/// 1 in each byte; times a byte, that byte in each.
pub(crate) const ONES: u64 = 0x0101_0101_0101_0101;
/// The high bit of each byte.
pub(crate) const HIGH: u64 = 0x8080_8080_8080_8080;

/// The byte `byte` in each of eight places.
pub(crate) const fn splat(byte: u8) -> u64 {
    ONES.wrapping_mul(u64::from_le_bytes([byte, 0, 0, 0, 0, 0, 0, 0]))
}

/// The high bit of the first zero byte is set, and none below it. What is set above the first means nothing.
pub(crate) const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH
}
