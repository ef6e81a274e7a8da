use super::IS_WIDE;

/// Parses decimal digits. `None` for an empty slice, for any other byte, and above 2^64-1.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if IS_WIDE && (1..20).contains(&digits.len()) {
        // So few digits are below 2^64.
        let add = |n: u64, d: &u8| {
            let digit = d.wrapping_sub(b'0');
            (digit < 10).then_some(n.wrapping_mul(10).wrapping_add(u64::from(digit)))
        };
        return digits.iter().try_fold(0, add);
    }
    let add = |n: u64, d: &u8| {
        let digit = d.is_ascii_digit().then(|| d.wrapping_sub(b'0'))?;
        n.checked_mul(10)?.checked_add(u64::from(digit))
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}

/// A read position in borrowed bytes.
///
/// A method that needs more bytes than there are returns `None` and does not move. The [module](crate::bytes) shows an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor<'i> {
    rest: &'i [u8],
}

impl<'i> Cursor<'i> {
    /// A cursor at the front of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'i [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes that were not read yet.
    #[must_use]
    pub const fn rest(&self) -> &'i [u8] {
        self.rest
    }

    /// The next byte, without reading it.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Reads the next byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Reads the next byte if it is `expected`, and returns whether it was.
    pub fn eat(&mut self, expected: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == expected => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Reads the next `n` bytes.
    pub fn take(&mut self, n: usize) -> Option<&'i [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(taken)
    }

    /// Reads bytes while `accept` returns true. The result may be empty.
    pub fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'i [u8] {
        let n = self.rest.iter().position(|&b| !accept(b)).unwrap_or(self.rest.len());
        self.take(n).unwrap_or_default()
    }
}
