//! Checks that a text message is UTF-8, as its bytes arrive. Independent of frames: the bytes can be payloads, or the output of an extension.

use crate::bytes::Utf8;

/// The UTF-8 check of the open text message. 1 byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text(Utf8);

impl Text {
    pub(crate) const fn new() -> Self {
        Self(Utf8::new())
    }

    /// Checks the next piece of the message. The error is the offset of the first invalid byte. A text that ends inside a character fails at its last
    /// byte. `is_ascii`: the piece is already known to be ASCII.
    #[inline]
    pub(crate) fn check(&mut self, piece: &[u8], is_ascii: bool, is_first: bool, is_last: bool) -> Result<(), usize> {
        if is_first {
            *self = Self::new();
        }
        // ASCII after a complete character needs no check and does not change the state.
        if !(is_ascii && self.0.is_complete()) {
            self.0.check(piece).map_err(|e| e.at)?;
        }
        if is_last && !self.0.is_complete() { Err(piece.len().saturating_sub(1)) } else { Ok(()) }
    }
}

/// Whether `text` is a complete valid message.
#[inline]
pub(crate) fn is_text(text: &[u8]) -> bool {
    Text::new().check(text, false, false, true).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_size_are_judged_as_the_whole() {
        for text in ["", "a", "aé漢🦀z"].map(str::as_bytes).into_iter().chain([&b"a\xc3"[..], b"\xff", b"ab\xed\xa0"])
        {
            let bad = core::str::from_utf8(text).err().map(|e| match e.error_len() {
                None => text.len() - 1,
                // The byte behind those that a good text could begin with.
                Some(n) => e.valid_up_to() + n.max(1) - 1 + usize::from(text.starts_with(b"ab")),
            });
            assert_eq!(is_text(text), bad.is_none());
            for cut in 0..=text.len() {
                let (front, back) = text.split_at(cut);
                // What an earlier message left behind is of no matter.
                let mut judge = Text::new();
                let _ = judge.check(b"\xf0", false, true, false);
                let told = judge.check(front, front.is_ascii(), true, false).and_then(|()| {
                    judge
                        .check(back, back.is_ascii(), false, true)
                        .map_err(|at| if back.is_empty() { text.len() - 1 } else { cut + at })
                });
                assert_eq!(told.err(), bad, "{text:x?} cut at {cut}");
            }
        }
    }
}
