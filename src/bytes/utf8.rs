#[cfg(feature = "simdutf8")]
use super::slice;
use super::swar::HIGH;
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
/// On targets with SIMD instructions long pieces are judged many bytes at a time, whatever the script: whether a byte is valid depends on it and on the
/// three bytes before it (RFC 3629 section 4), and the check needs no branches and no table. Everywhere else it goes byte by byte. With the feature
/// `simdutf8` that crate judges long pieces on these targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Utf8 {
    /// 0 between two characters. Inside one it is a lead byte that wants just what is missing: [`TWO`] after the first two bytes of four.
    lead: u8,
}

/// A lead byte that wants one continuation byte.
const ONE: u8 = 0xc2;
/// A lead byte that wants two continuation bytes, of any value.
const TWO: u8 = 0xe1;

/// A block, and the three bytes before it.
const BLOCK: usize = 64 + 3;
/// The same for a vector of 16 bytes.
const VECTOR: usize = 16 + 3;

/// Shorter pieces go by lanes, which begin faster.
#[cfg(feature = "simdutf8")]
const LONG: usize = 128;

/// Whether the target has SIMD instructions for bytes. On other targets the loop over blocks costs a kilobyte of flash and gains nothing.
const HAS_LANES: bool =
    cfg!(all(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "wasm32"), not(sansocket_small)));

/// Bit 7 is set if `b` is invalid behind the bytes `p3`, `p2`, `p1`. The other bits have no meaning.
#[inline(always)]
const fn judge(p3: u8, p2: u8, p1: u8, b: u8) -> u8 {
    // Bit 7 is set exactly by leads of two and more, of three and more, of four: 0xc0.., 0xe0.., 0xf0...
    let due = p1.saturating_sub(0x40) | p2.saturating_sub(0x60) | p3.saturating_sub(0x70);
    // Signed, a comparison is one instruction. The continuation bytes are then the least ones, -128 to -65.
    let signed = b.cast_signed();
    let (below_a0, below_90) = (all_bits(signed < -0x60), all_bits(signed < -0x70));
    // Behind 0xe0 what is below, behind 0xed what is not; the same for 0xf0 and 0xf4.
    let (ed, f4) = (all_bits(p1 == 0xed), all_bits(p1 == 0xf4));
    let narrow = ((all_bits(p1 == 0xe0) | ed) & (below_a0 ^ ed)) | ((all_bits(p1 == 0xf0) | f4) & (below_90 ^ f4));
    let never = all_bits(b & 0xfe == 0xc0) | b.saturating_sub(0x75);
    (due ^ all_bits(signed < -0x40)) | narrow | never
}

#[inline(always)]
const fn all_bits(condition: bool) -> u8 {
    if condition { 0xff } else { 0 }
}

/// Whether all bytes behind the first three are valid. `N` is `L` and three more.
#[inline(always)]
fn are_good<const N: usize, const L: usize>(window: &[u8; N]) -> bool {
    let mut bad = 0;
    if let [Some(p3), Some(p2), Some(p1), Some(b)] =
        [0, 1, 2, 3].map(|i| window.get(i..).and_then(<[u8]>::first_chunk::<L>))
    {
        for (((p3, p2), p1), b) in p3.iter().zip(p2).zip(p1).zip(b) {
            bad |= judge(*p3, *p2, *p1, *b);
        }
    }
    bad < 0x80
}

/// Text that is not ASCII mostly shows it in the first word.
#[inline(always)]
fn is_ascii(window: &[u8; BLOCK]) -> bool {
    let first = window.first_chunk().map_or(0, |word| u64::from_ne_bytes(*word));
    first & HIGH == 0 && window.iter().fold(0, |seen, b| seen | b) < 0x80
}

/// The state behind three bytes of a valid text, whatever is before them.
const fn behind([a, b, c]: [u8; 3]) -> u8 {
    match (a, b, c) {
        (_, _, 0xc0..) => c,
        (_, 0xf0.., _) => TWO,
        (_, 0xe0.., _) | (0xf0.., _, _) => ONE,
        _ => 0,
    }
}

/// How many bytes at the end begin a character that more bytes must follow.
#[cfg(feature = "simdutf8")]
const fn begun(text: &[u8]) -> usize {
    match text {
        [.., 0xc0..=0xff] => 1,
        [.., 0xe0..=0xff, _] => 2,
        [.., 0xf0..=0xff, _, _] => 3,
        _ => 0,
    }
}

/// The state after `b`, or `None` if it is invalid.
#[inline]
const fn after(lead: u8, b: u8) -> Option<u8> {
    if lead == 0 {
        return match b {
            0..=0x7f => Some(0),
            0xc2..=0xf4 => Some(b),
            _ => None,
        };
    }
    if b & 0xc0 != 0x80 {
        return None;
    }
    if lead < 0xe0 {
        return Some(0);
    }
    let is_good = match lead {
        0xe0 => b > 0x9f,
        0xed => b < 0xa0,
        0xf0 => b > 0x8f,
        0xf4 => b < 0x90,
        _ => true,
    };
    if !is_good {
        return None;
    }
    Some(if lead < 0xf0 { ONE } else { TWO })
}

impl Utf8 {
    /// The state at the start of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self { lead: 0 }
    }

    /// Whether the text so far does not end inside a character.
    #[must_use]
    #[inline]
    pub const fn is_complete(&self) -> bool {
        self.lead == 0
    }

    /// Checks the next piece of the text. Linear: each byte is read once.
    ///
    /// # Errors
    /// [`InvalidUtf8`] with the offset of the first invalid byte. The state is then that before this byte.
    #[inline]
    pub fn check(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        if !HAS_LANES {
            return self.check_bytes(piece, 0);
        }
        #[cfg(feature = "simdutf8")]
        if piece.len() >= LONG {
            return self.check_vectors(piece);
        }
        if self.is_complete() && piece.is_ascii() {
            return Ok(());
        }
        self.check_lanes(piece)
    }

    /// By the instructions that the processor has. The crate judges whole texts: what is before the first character of this piece, and the character at
    /// which it stops, go byte by byte.
    #[cfg(feature = "simdutf8")]
    fn check_vectors(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        let front =
            if self.is_complete() { 0 } else { piece.iter().take_while(|b| **b & 0xc0 == 0x80).take(3).count() };
        self.check_bytes(slice(piece, ..front), 0)?;
        let rest = slice(piece, front..);
        let whole = if self.is_complete() { slice(rest, ..rest.len().wrapping_sub(begun(rest))) } else { &[] };
        // The check that tells only whether all is good is the faster one.
        let good = if simdutf8::basic::from_utf8(whole).is_ok() {
            whole.len()
        } else {
            simdutf8::compat::from_utf8(whole).map_or_else(|e| e.valid_up_to(), str::len)
        };
        self.check_bytes(slice(rest, good..), front.saturating_add(good))
    }

    fn check_lanes(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        let Some(front) = piece.first_chunk::<3>() else { return self.check_bytes(piece, 0) };
        self.check_bytes(front, 0)?;
        // All bytes before `at` + 3 are valid.
        let mut at = 0_usize;
        while let Some(window) = piece.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>)
            && (is_ascii(window) || are_good::<BLOCK, 64>(window))
        {
            at = at.wrapping_add(64);
        }
        while let Some(window) = piece.get(at..).and_then(<[u8]>::first_chunk::<VECTOR>)
            && are_good::<VECTOR, 16>(window)
        {
            at = at.wrapping_add(16);
        }
        // The end, together with valid bytes before it.
        if piece.len().wrapping_sub(at) < VECTOR
            && let Some(window) = piece.last_chunk::<VECTOR>()
            && are_good::<VECTOR, 16>(window)
        {
            at = piece.len().wrapping_sub(3);
        }
        if let Some((known, rest)) = piece.get(at..).and_then(<[u8]>::split_first_chunk::<3>) {
            self.lead = behind(*known);
            self.check_bytes(rest, at.wrapping_add(3))?;
        }
        Ok(())
    }

    /// Byte by byte: where there are no lanes, for short texts, and to find the invalid byte.
    fn check_bytes(&mut self, bytes: &[u8], at: usize) -> Result<(), InvalidUtf8> {
        let mut rest = bytes;
        if !HAS_LANES && self.is_complete() {
            while let Some((words, behind)) = rest.split_first_chunk::<8>()
                && u64::from_ne_bytes(*words) & HIGH == 0
            {
                rest = behind;
            }
        }
        while let Some((&b, behind)) = rest.split_first() {
            let Some(lead) = after(self.lead, b) else {
                let valid = bytes.len().wrapping_sub(rest.len());
                return Err(InvalidUtf8 { at: at.saturating_add(valid) });
            };
            self.lead = lead;
            rest = behind;
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

    type Check = fn(&mut Utf8, &[u8]) -> Result<(), InvalidUtf8>;

    /// Whatever the target chooses, and both ways that it can choose.
    const CHECKS: &[Check] = &[
        Utf8::check,
        Utf8::check_lanes,
        |utf8, piece| utf8.check_bytes(piece, 0),
        #[cfg(feature = "simdutf8")]
        Utf8::check_vectors,
    ];

    fn in_pieces(check: Check, text: &[u8], cuts: &[usize]) -> (Option<usize>, bool) {
        let mut utf8 = Utf8::new();
        let mut from = 0;
        for &to in cuts.iter().chain([&text.len()]) {
            let before = utf8;
            if let Err(e) = check(&mut utf8, &text[from..to]) {
                // The state is that before the invalid byte.
                let mut again = before;
                assert_eq!((check(&mut again, &text[from..from + e.at]), again), (Ok(()), utf8));
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
                            assert_eq!(in_pieces(Utf8::check, &text, &[cut]), (bad, whole), "{text:02x?} cut at {cut}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn arithmetic_judges_as_branches_do() {
        let state = |bytes: &[u8]| bytes.iter().try_fold(0, |lead, b| after(lead, *b));
        for &p3 in &CLASSES {
            for &p2 in &CLASSES {
                for &p1 in &CLASSES {
                    // Only valid bytes are ever behind: after a complete text, and inside a character that began before them.
                    for before in
                        [&[][..], &[0xc3], &[0xe1], &[0xe1, 0x80], &[0xf1], &[0xf1, 0x80], &[0xf1, 0x80, 0x80]]
                    {
                        let Some(lead) = state(&[before, &[p3, p2, p1]].concat()) else { continue };
                        // A state stands for others that want the same.
                        let same =
                            [behind([p3, p2, p1]), lead].map(|lead| (0..=255).map(move |b| after(lead, b).is_some()));
                        assert!(same[0].clone().eq(same[1].clone()));
                        for (b, is_good) in (0..=255).zip(same[0].clone()) {
                            assert_eq!(judge(p3, p2, p1, b) < 0x80, is_good, "{:02x?}", [p3, p2, p1, b]);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn finds_the_bad_byte_of_a_long_text_at_every_place_and_cut() {
        let good: Vec<u8> = "aé漢🦀z 0123456789abcdef".repeat(5).into_bytes();
        for &check in CHECKS {
            for len in 0..good.len() {
                let text = &good[..len];
                assert_eq!(in_pieces(check, text, &[]), (None, core::str::from_utf8(text).is_ok()));
            }
        }
        for place in 0..good.len() {
            for bad in [0xff, 0x80, b'a', 0xc3, 0xed] {
                let mut text = good.clone();
                text[place] = bad;
                let expected = by_core(&text);
                for cut in [0, 1, 3, 18, 19, 66, 67, 68, 131, text.len()] {
                    for &check in CHECKS {
                        assert_eq!(in_pieces(check, &text, &[cut]).0, expected, "{place} {bad:x} {cut}");
                    }
                }
            }
        }
    }
}
