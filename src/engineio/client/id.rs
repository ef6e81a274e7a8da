use core::fmt;

/// The id that the server gave to the session: a secret, of at most 64 bytes. `Debug` does not print it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Id {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl Id {
    /// The longest id that is accepted, in bytes. The JavaScript server sends 20.
    pub const MAX: usize = 64;

    pub(super) const EMPTY: Self = Self { bytes: [0; Self::MAX], len: 0 };

    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        todo!()
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Id(..)")
    }
}
