use core::fmt;

/// The text is not UTF-8. See [`Utf8::check`](Utf8::check).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUtf8 {
    /// Offset of the first invalid byte in the checked slice: no bytes after it can make the text valid.
    pub at: usize,
}

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid UTF-8 at byte {}", self.at)
    }
}

impl core::error::Error for InvalidUtf8 {}

/// Validates UTF-8 that arrives in pieces of any size. It fails at the first invalid byte, not at the end of the piece or of the character.
///
/// ```
/// use sansocket::bytes::Utf8;
///
/// let mut utf8 = Utf8::new();
/// utf8.check(b"\xe2\x82")?; // the first two bytes of a euro sign
/// assert!(!utf8.is_complete());
/// utf8.check(b"\xac")?;
/// assert!(utf8.is_complete());
/// # Ok::<(), sansocket::bytes::InvalidUtf8>(())
/// ```
///
/// The state is the last three bytes. Whether a byte is valid depends on it and on the three bytes before it (RFC 3629 section 4). The check uses
/// no branches and no table, so that the compiler can check a block of text with SIMD instructions. Blocks of pure ASCII are skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Utf8 {
    /// Oldest first.
    last: [u8; 3],
}

const BLOCK: usize = 64;

/// Whether the target has SIMD instructions for bytes. On other targets the loop over blocks costs a kilobyte of flash and gains nothing.
const HAS_LANES: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "wasm32"));

/// Not zero if `b` is invalid behind the bytes `p3`, `p2`, `p1`.
#[inline(always)]
fn judge(p3: u8, p2: u8, p1: u8, b: u8) -> u8 {
    let continuation = u8::from(b & 0xc0 == 0x80);
    // Bit 7 is set exactly by leads of two and more, of three and more, of four: 0xc0.., 0xe0.., 0xf0...
    let due = (p1.saturating_sub(0x40) | p2.saturating_sub(0x60) | p3.saturating_sub(0x70)) >> 7;
    let narrow = (u8::from(p1 == 0xe0) & u8::from(b < 0xa0))
        | (u8::from(p1 == 0xed) & u8::from(b > 0x9f))
        | (u8::from(p1 == 0xf0) & u8::from(b < 0x90))
        | (u8::from(p1 == 0xf4) & u8::from(b > 0x8f));
    let never = u8::from(b & 0xfe == 0xc0) | u8::from(b > 0xf4);
    (due ^ continuation) | narrow | never
}

/// Whether `b` is valid behind the bytes `p3`, `p2`, `p1`. As [`judge`], with branches: a third of the instructions where one byte is judged at a
/// time.
const fn may_follow(p3: u8, p2: u8, p1: u8, b: u8) -> bool {
    if b & 0xc0 == 0x80 {
        return match p1 {
            0xe0 => b > 0x9f,
            0xed => b < 0xa0,
            0xf0 => b > 0x8f,
            0xf4 => b < 0x90,
            _ => p1 > 0xbf || p2 > 0xdf || p3 > 0xef,
        };
    }
    !matches!(b, 0xc0 | 0xc1 | 0xf5..) && p1 < 0xc0 && p2 < 0xe0 && p3 < 0xf0
}

impl Utf8 {
    /// The state at the start of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: [0; 3] }
    }

    /// Whether the text so far does not end inside a character.
    #[must_use]
    #[inline]
    pub const fn is_complete(&self) -> bool {
        let [p3, p2, p1] = self.last;
        p3 < 0xf0 && p2 < 0xe0 && p1 < 0xc0
    }

    /// Checks the next piece of the text. Linear: each byte is read once.
    ///
    /// # Errors
    /// [`InvalidUtf8`] with the offset of the first invalid byte. The state is then that before this byte.
    #[inline]
    pub fn check(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        if self.is_complete() && piece.is_ascii() {
            self.last = [0; 3];
            return Ok(());
        }
        self.check_mixed(piece)
    }

    fn check_mixed(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        if !HAS_LANES {
            return self.check_bytes(piece, 0);
        }
        let (blocks, tail) = piece.as_chunks::<BLOCK>();
        let mut at = 0_usize;
        for block in blocks {
            self.check_block(block, at)?;
            at = at.saturating_add(BLOCK);
        }
        self.check_bytes(tail, at)
    }

    fn check_block(&mut self, block: &[u8; BLOCK], at: usize) -> Result<(), InvalidUtf8> {
        if self.is_complete() && block.is_ascii() {
            self.last = [0; 3];
            return Ok(());
        }
        let mut bad = 0;
        let [p3, p2, p1] = self.last;
        let [b0, b1, b2, ..] = *block;
        bad |= judge(p3, p2, p1, b0) | judge(p2, p1, b0, b1) | judge(p1, b0, b1, b2);
        for window in block.windows(4) {
            if let &[x3, x2, x1, b] = window {
                bad |= judge(x3, x2, x1, b);
            }
        }
        if bad != 0 {
            return self.check_bytes(block, at);
        }
        let [.., x3, x2, x1] = *block;
        self.last = [x3, x2, x1];
        Ok(())
    }

    /// Byte by byte: for short tails, and to find the invalid byte of a block.
    fn check_bytes(&mut self, bytes: &[u8], at: usize) -> Result<(), InvalidUtf8> {
        for (i, &b) in bytes.iter().enumerate() {
            let [p3, p2, p1] = self.last;
            let is_good = if HAS_LANES { judge(p3, p2, p1, b) == 0 } else { may_follow(p3, p2, p1, b) };
            if !is_good {
                return Err(InvalidUtf8 { at: at.saturating_add(i) });
            }
            self.last = [p2, p1, b];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Where `core` says that the text stops being UTF-8: the first byte that makes the prefix impossible.
    fn by_core(text: &[u8]) -> Option<usize> {
        (1..=text.len())
            .find(|&n| core::str::from_utf8(&text[..n]).is_err_and(|e| e.error_len().is_some()))
            .map(|n| n - 1)
    }

    fn in_pieces(text: &[u8], cuts: &[usize]) -> (Option<usize>, bool) {
        let mut utf8 = Utf8::new();
        let mut from = 0;
        for &to in cuts.iter().chain([&text.len()]) {
            if let Err(e) = utf8.check(&text[from..to]) {
                return (Some(from + e.at), false);
            }
            from = to;
        }
        (None, utf8.is_complete())
    }

    /// Every value at which some rule changes, and its neighbours.
    const CLASSES: [u8; 34] = [
        0x00, 0x41, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xa1, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xdf, 0xe0,
        0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xfe, 0xff,
    ];

    #[test]
    fn agrees_with_core_on_all_combinations_of_class_boundaries_at_every_cut() {
        for &a in &CLASSES {
            for &b in &CLASSES {
                for &c in &CLASSES {
                    for &d in &CLASSES {
                        let text = [a, b, c, d];
                        let bad = by_core(&text);
                        let whole = bad.is_none() && core::str::from_utf8(&text).is_ok();
                        for cut in 0..=4 {
                            assert_eq!(in_pieces(&text, &[cut]), (bad, whole), "{text:02x?} cut at {cut}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn branches_judge_as_arithmetic_does() {
        for &p3 in &CLASSES {
            for &p2 in &CLASSES {
                for &p1 in &CLASSES {
                    // Only bytes that may stand there are ever behind.
                    if judge(0, 0, p3, p2) == 0 && judge(0, p3, p2, p1) == 0 {
                        for b in 0..=255 {
                            assert_eq!(
                                may_follow(p3, p2, p1, b),
                                judge(p3, p2, p1, b) == 0,
                                "{:02x?}",
                                [p3, p2, p1, b]
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn finds_the_bad_byte_of_a_long_text_at_every_place_and_cut() {
        let good: Vec<u8> = "aé漢🦀z".repeat(20).into_bytes();
        assert_eq!(in_pieces(&good, &[]), (None, true));
        for place in 0..good.len() {
            let mut text = good.clone();
            text[place] = 0xff;
            for cut in [0, 1, 63, 64, 65, 130, text.len()] {
                assert_eq!(in_pieces(&text, &[cut]).0, by_core(&text), "{place} {cut}");
            }
        }
    }
}
