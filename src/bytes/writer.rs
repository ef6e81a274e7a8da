use super::IS_WIDE;
use core::fmt;

/// The memory that you lent is too small. The call that failed has changed nothing.
///
/// Lend at least `needed` bytes and repeat the call. `needed` is the exact size, unless the method says that it is the least size that helps: then the
/// repeated call may ask for more. See [`Writer`] for an example.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Capacity {
    /// The size that the call needs, in bytes (in slots for tables).
    pub needed: usize,
    /// The size that there was.
    pub available: usize,
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of memory needed, {} available", self.needed, self.available)
    }
}

impl core::error::Error for Capacity {}

/// Appends bytes to memory that you lend.
///
/// A single write never fails: bytes that have no room are counted and not stored. [`finish`](Self::finish) returns what was written, or the size that
/// would have been needed.
///
/// ```
/// use sansocket::bytes::{Capacity, Writer};
///
/// let mut memory = [0; 4];
/// let mut writer = Writer::new(&mut memory);
/// writer.push(b"hello");
/// assert_eq!(writer.finish(), Err(Capacity { needed: 5, available: 4 }));
/// ```
#[derive(Debug)]
pub struct Writer<'o> {
    memory: &'o mut [u8],
    len: usize,
}

impl<'o> Writer<'o> {
    /// A writer at the front of `memory`.
    pub const fn new(memory: &'o mut [u8]) -> Self {
        Self { memory, len: 0 }
    }

    /// Appends `bytes`.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub fn push(&mut self, bytes: &[u8]) {
        if let Some(place) = self.grow(bytes.len()) {
            super::copy(bytes, place);
        }
    }

    /// Appends one byte.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub fn byte(&mut self, byte: u8) {
        if let Some(place) = self.memory.get_mut(self.len) {
            *place = byte;
        }
        self.len = count(self.len, 1);
    }

    /// Appends `n` bytes for the caller to fill. `None` if they have no room; they are counted.
    pub(crate) fn grow(&mut self, n: usize) -> Option<&mut [u8]> {
        let from = self.len;
        self.len = count(from, n);
        // On small targets the count saturates, and no memory is so long.
        if IS_WIDE { self.memory.get_mut(from..)?.get_mut(..n) } else { self.memory.get_mut(from..self.len) }
    }

    /// Appends `number` in decimal digits, without leading zeros.
    pub fn decimal(&mut self, mut number: u64) {
        if IS_WIDE && number < 10 {
            return self.byte(b'0' | number.to_le_bytes()[0]);
        }
        let mut digits = [0; 20];
        let mut first = digits.len();
        for (i, place) in digits.iter_mut().enumerate().rev() {
            let digit;
            (number, digit) = if IS_WIDE { (number / 10, (number % 10).to_le_bytes()[0]) } else { by_ten(number) };
            *place = b'0' | digit;
            first = i;
            if number == 0 {
                break;
            }
        }
        self.push(digits.get(first..).unwrap_or_default());
    }

    /// Removes the last `n` bytes, such as a separator that nothing follows. Remove only whole writes: a [`push`](Self::push) that had no room for
    /// all of its bytes stored none of them.
    pub const fn take_back(&mut self, n: usize) {
        self.len = self.len.saturating_sub(n);
    }

    /// Makes [`finish`](Self::finish) fail, whatever is written later. For a value that cannot be completed.
    pub(crate) const fn spoil(&mut self) {
        self.len = SPOILT;
    }

    /// What was written from the offset `from` on. `None` if some of all that was written had no room.
    pub(crate) fn written_mut(&mut self, from: usize) -> Option<&mut [u8]> {
        self.memory.get_mut(from..self.len)
    }

    /// The number of bytes written so far, including those that had no room.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What was written since [`len`](Self::len) was `from`. Empty if it had no room.
    pub(crate) fn written_from(&self, from: usize) -> &[u8] {
        self.memory.get(from..self.len).unwrap_or_default()
    }

    /// Returns what was written.
    ///
    /// # Errors
    /// [`Capacity`] if something had no room; `needed` is exact. The memory then holds the writes that had room.
    pub fn finish(self) -> Result<&'o mut [u8], Capacity> {
        let available = self.memory.len();
        self.memory.get_mut(..self.len).ok_or(Capacity { needed: self.len, available })
    }
}

/// The number of bytes that a spoilt writer begins with: more than any memory has.
const SPOILT: usize = if IS_WIDE { usize::MAX / 4 * 3 } else { usize::MAX };

/// `len + n`, or the most that there is. Nobody writes 2^63 bytes, so 64 bits never overflow.
#[inline(always)]
pub(crate) const fn count(len: usize, n: usize) -> usize {
    if IS_WIDE { len.wrapping_add(n) } else { len.saturating_add(n) }
}

/// `number / 100`, without a division of 64 bits where there is no instruction for it.
pub(crate) fn hundredth(number: u64) -> u64 {
    if IS_WIDE { number / 100 } else { by_ten(by_ten(number).0).0 }
}

/// The quotient and the remainder of a division by ten, in parts of 16 bits: a division of 64 bits is 390 bytes of flash on a target that has
/// no instruction for it.
fn by_ten(mut number: u64) -> (u64, u8) {
    let mut rest = 0_u32;
    for _ in 0..4 {
        let [high, low, ..] = number.to_be_bytes();
        let part = rest << 16 | u32::from(u16::from_be_bytes([high, low]));
        rest = part % 10;
        number = number << 16 | u64::from(part / 10);
    }
    (number, rest.to_le_bytes()[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_writes_what_display_writes() {
        for number in [0, 1, 9, 10, 99, 100, 12345, u64::MAX] {
            let mut memory = [0; 20];
            let mut writer = Writer::new(&mut memory);
            writer.decimal(number);
            assert_eq!(writer.finish().unwrap(), std::format!("{number}").as_bytes());
            assert_eq!(by_ten(number), (number / 10, (number % 10) as u8));
            assert_eq!((hundredth(number), by_ten(by_ten(number).0).0), (number / 100, number / 100));
        }
    }

    #[test]
    fn any_memory_gives_all_or_the_exact_need() {
        for size in 0..12 {
            let mut memory = [0; 12];
            let mut writer = Writer::new(&mut memory[..size]);
            writer.push(b"abc");
            writer.byte(b'd');
            writer.decimal(567);
            writer.push(b"");
            let needed = writer.len();
            assert_eq!(needed, 7);
            match writer.finish() {
                Ok(written) => assert!(size >= 7 && written == b"abcd567"),
                Err(e) => assert!(size < 7 && e == Capacity { needed: 7, available: size }),
            }
        }
    }
}
