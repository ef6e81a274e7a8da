use crate::{bytes::Writer, json::Str};
use core::fmt;

/// The id that the server gave to a session, 1 to 64 bytes. It is a secret: who has it can read and write the session. `Debug` does not print it. See
/// the [module page](super) for an example.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Id {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl Id {
    /// The longest id that is accepted, in bytes. The JavaScript server sends 20.
    pub const MAX: usize = 64;

    /// Stands for the id of a session that is not open yet.
    pub(super) const EMPTY: Self = Self { bytes: [0; Self::MAX], len: 0 };

    /// Becomes this id. `None`, and no id, if it is empty or too long.
    pub(super) fn set(&mut self, id: Str<'_>) -> Option<()> {
        self.len = 0;
        self.len = u8::try_from(id.unescape(&mut self.bytes).ok()?.len()).ok()?;
        if self.is_empty() { None } else { Some(()) }
    }

    /// The secret, as the server sent it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes the id for a query, with the bytes percent-encoded that `encodeURIComponent` of JavaScript encodes. The server chose the bytes, so they
    /// must not get into the head of a request as they are.
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        for &byte in self.as_bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
                w.byte(byte);
            } else {
                let digit = |n: u8| if n < 10 { b'0'.wrapping_add(n) } else { b'7'.wrapping_add(n) };
                w.push(&[b'%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Id(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_goes_into_a_query_without_harm() {
        let mut memory = [0; 64];
        let mut w = Writer::new(&mut memory);
        let mut id = Id::EMPTY;
        id.set(Str("aZ9-_ \\r\\n&é%".as_bytes())).unwrap();
        id.write(&mut w);
        assert_eq!(w.finish().unwrap(), b"aZ9-_%20%0D%0A%26%C3%A9%25");
    }
}
