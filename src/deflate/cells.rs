//! Numbers of 16 bits in memory that is lent as bytes, whatever its alignment.

/// One number.
pub(super) type Cell = [u8; 2];

/// The number at `at`. The caller knows that there is one.
#[inline]
pub(super) fn get(cells: &[Cell], at: usize) -> u16 {
    cells.get(at).map_or(0, |cell| u16::from_le_bytes(*cell))
}

/// Stores `number` at `at`.
#[inline]
pub(super) fn set(cells: &mut [Cell], at: usize, number: u16) {
    if let Some(cell) = cells.get_mut(at) {
        *cell = number.to_le_bytes();
    }
}

/// Adds 1 at `at`. There are never as many units as the number can count.
#[inline]
pub(super) fn count(cells: &mut [Cell], at: usize) {
    if let Some(cell) = cells.get_mut(at) {
        *cell = u16::from_le_bytes(*cell).wrapping_add(1).to_le_bytes();
    }
}

#[inline]
pub(super) const fn low_byte(number: u32) -> u8 {
    number.to_le_bytes()[0]
}

#[inline]
pub(super) fn low_half(number: usize) -> u16 {
    let [a, b, ..] = number.to_le_bytes();
    u16::from_le_bytes([a, b])
}
