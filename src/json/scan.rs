//! The JSON scanner: one pass, without recursion. One bit for each level says whether it is an array or an object.

use super::{Error, ErrorKind, escape::specials};

/// How deep arrays and objects may be nested: 64 levels. Deeper text is an [`ErrorKind::Depth`](super::ErrorKind::Depth).
pub const DEPTH: u8 = 64;

/// The result of a scan of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    /// Where the value begins.
    pub(super) from: usize,
    /// Where it ends.
    pub(super) to: usize,
    /// For an array: where the first element begins and ends, and where the second one begins (or where the array ends).
    pub(super) first: Option<(usize, usize, usize)>,
}

/// What the text must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// Exactly one value.
    Value,
    /// Zero or more values with commas between them: the inside of an array.
    Elements,
}

/// A shortcut for objects that are frequent in the layer above: they are recognised by comparing their bytes. The text begins with a brace. The
/// result is the length of the object at its front, if it is a known one. A known object is valid and contains no array or object.
// A function and not a type parameter: there is one copy of the scanner.
pub(crate) type Known = fn(&[u8]) -> Option<usize>;

/// Knows no objects.
pub(super) const NONE: Known = |_| None;

pub(super) struct Scanner<'t> {
    text: &'t [u8],
    pub(super) at: usize,
}

/// Checks all of `text`.
pub(super) fn scan(text: &[u8], whole: Whole, known: Known) -> Result<Scanned, Error> {
    let mut s = Scanner::new(text);
    s.blanks();
    let from = s.at;
    let mut first = None;
    let mut first_from = 0_usize;
    // Bit 0 is the innermost level: 1 for an object.
    let mut levels = 0_u64;
    let mut depth = 0_u8;
    if whole == Whole::Elements && s.peek().is_none() {
        return Ok(Scanned { from, to: s.at, first });
    }
    loop {
        // A value begins here.
        if depth == 1 && first.is_none() {
            first_from = s.at;
        }
        match s.peek() {
            Some(open @ (b'[' | b'{')) => {
                if depth == DEPTH {
                    return Err(s.error(ErrorKind::Depth));
                }
                let is_object = open == b'{';
                if is_object && let Some(len) = known(text.get(s.at..).unwrap_or_default()) {
                    s.at = s.at.wrapping_add(len);
                } else {
                    levels = levels << 1 | u64::from(is_object);
                    depth = depth.wrapping_add(1);
                    s.step();
                    s.blanks();
                    let close = if is_object { b'}' } else { b']' };
                    if s.peek() != Some(close) {
                        if is_object {
                            s.key()?;
                        }
                        continue;
                    }
                }
            }
            _ => s.scalar()?,
        }
        // A value has ended, or an empty container may end.
        loop {
            let end = s.at;
            if depth == 0 {
                s.blanks();
                if whole == Whole::Elements && s.peek() == Some(b',') {
                    s.step();
                    s.blanks();
                    break;
                }
                return if s.at == text.len() {
                    Ok(Scanned { from, to: end, first })
                } else {
                    Err(s.error(ErrorKind::Syntax))
                };
            }
            let is_object = levels & 1 == 1;
            let next = match s.peek() {
                Some(blank) if is_blank(blank) => {
                    s.blanks();
                    s.peek()
                }
                next => next,
            };
            match next {
                Some(b',') => {
                    s.step();
                    s.blanks();
                    if depth == 1 && first.is_none() {
                        first = Some((first_from, end, s.at));
                    }
                    if is_object {
                        s.key()?;
                    }
                    break;
                }
                Some(close @ (b']' | b'}')) if (close == b'}') == is_object => {
                    // An array without elements has no first one.
                    if depth == 1 && first.is_none() && first_from != 0 {
                        first = Some((first_from, end, s.at));
                    }
                    s.step();
                    levels >>= 1;
                    depth = depth.wrapping_sub(1);
                }
                _ => return Err(s.error(ErrorKind::Syntax)),
            }
        }
    }
}

/// The end of the valid value at the front of `text`.
pub(crate) fn value_end(text: &[u8]) -> usize {
    let mut s = Scanner::new(text);
    let mut depth = 0_usize;
    while let Some(byte) = s.peek() {
        match byte {
            b'"' => {
                let _ = s.string();
            }
            b'[' | b'{' => {
                depth = depth.wrapping_add(1);
                s.step();
            }
            b']' | b'}' => {
                if depth == 0 {
                    return s.at;
                }
                depth = depth.wrapping_sub(1);
                s.step();
            }
            b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return s.at,
            _ => {
                s.step();
                continue;
            }
        }
        if depth == 0 {
            return s.at;
        }
    }
    s.at
}

/// The end of the valid string at the front of `text`, which begins with a quote.
pub(crate) fn string_end(text: &[u8]) -> usize {
    let mut s = Scanner::new(text);
    let _ = s.string();
    s.at
}

/// Whether `byte` is white space (RFC 8259 section 2).
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether `text` is a number and nothing else.
pub(super) fn is_number(text: &[u8]) -> bool {
    let mut s = Scanner::new(text);
    s.number().is_ok() && s.peek().is_none()
}

impl<'t> Scanner<'t> {
    pub(super) const fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.text.len()
    }

    /// The bytes that were not read yet.
    #[inline]
    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Reads the valid string that begins here. Returns the text between the quotes, and whether it has escapes.
    #[inline]
    pub(super) fn quoted(&mut self) -> (&'t [u8], bool) {
        self.step();
        let from = self.at;
        self.plain();
        while self.peek().is_some_and(|b| b != b'"' && b != b'\\') {
            self.step();
        }
        let has_escapes = self.peek() == Some(b'\\');
        if has_escapes {
            let _ = self.string_end();
        } else {
            self.step();
        }
        (self.text.get(from..self.at.wrapping_sub(1)).unwrap_or_default(), has_escapes)
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    pub(super) const fn step(&mut self) {
        self.at = self.at.wrapping_add(1);
    }

    #[inline]
    pub(super) fn blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.step();
        }
    }

    /// Reads the literal or number that begins here.
    #[inline]
    pub(super) fn token(&mut self) -> &'t [u8] {
        let from = self.at;
        while self.peek().is_some_and(|b| !matches!(b, b',' | b']' | b'}' | b':') && !is_blank(b)) {
            self.step();
        }
        self.text.get(from..self.at).unwrap_or_default()
    }

    const fn error(&self, kind: ErrorKind) -> Error {
        Error { kind, at: self.at }
    }

    /// Reads `"key" :` and the white space after it.
    fn key(&mut self) -> Result<(), Error> {
        if self.peek() != Some(b'"') {
            return Err(self.error(ErrorKind::Syntax));
        }
        self.string()?;
        self.blanks();
        if self.peek() != Some(b':') {
            return Err(self.error(ErrorKind::Syntax));
        }
        self.step();
        self.blanks();
        Ok(())
    }

    fn scalar(&mut self) -> Result<(), Error> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => Err(self.error(ErrorKind::Syntax)),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Error> {
        for &byte in word {
            if self.peek() != Some(byte) {
                return Err(self.error(ErrorKind::Syntax));
            }
            self.step();
        }
        Ok(())
    }

    /// RFC 8259 section 6.
    fn number(&mut self) -> Result<(), Error> {
        if self.peek() == Some(b'-') {
            self.step();
        }
        if self.peek() == Some(b'0') {
            self.step();
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.step();
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.step();
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.step();
            }
            self.digits()?;
        }
        Ok(())
    }

    /// One or more.
    fn digits(&mut self) -> Result<(), Error> {
        let from = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.step();
        }
        if self.at == from { Err(self.error(ErrorKind::Syntax)) } else { Ok(()) }
    }

    /// RFC 8259 section 7, from the quote that opens to behind the one that closes.
    #[inline]
    fn string(&mut self) -> Result<(), Error> {
        self.step();
        self.string_end()
    }

    /// Skips bytes without special meaning, eight at a time.
    #[inline]
    fn plain(&mut self) {
        while let Some(word) = self.text.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            let found = specials(u64::from_le_bytes(*word));
            let [plain, ..] = (found.trailing_zeros() / 8).to_le_bytes();
            self.at = self.at.wrapping_add(usize::from(plain));
            if found != 0 {
                break;
            }
        }
    }

    /// A string behind its first quote.
    #[inline]
    fn string_end(&mut self) -> Result<(), Error> {
        loop {
            self.plain();
            match self.peek() {
                Some(b'"') => {
                    self.step();
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(0x20..) => self.step(),
                _ => return Err(self.error(ErrorKind::Syntax)),
            }
        }
    }

    #[cold]
    fn escape(&mut self) -> Result<(), Error> {
        let start = self.at;
        self.step();
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.step();
                return Ok(());
            }
            Some(b'u') => self.step(),
            _ => return Err(self.error(ErrorKind::Escape)),
        }
        match self.unit()? {
            0xd800..=0xdbff => {
                let followed = self.text.get(self.at..).unwrap_or_default().starts_with(b"\\u");
                self.at = self.at.wrapping_add(if followed { 2 } else { 0 });
                if followed && matches!(self.unit()?, 0xdc00..=0xdfff) {
                    return Ok(());
                }
                Err(Error { kind: ErrorKind::Escape, at: start })
            }
            0xdc00..=0xdfff => Err(Error { kind: ErrorKind::Escape, at: start }),
            _ => Ok(()),
        }
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u16, Error> {
        let mut unit = 0_u16;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(hex) else { return Err(self.error(ErrorKind::Escape)) };
            unit = unit << 4 | u16::from(digit);
            self.step();
        }
        Ok(unit)
    }
}

pub(super) const fn hex(byte: u8) -> Option<u8> {
    Some(match byte {
        b'0'..=b'9' => byte.wrapping_sub(b'0'),
        b'a'..=b'f' => byte.wrapping_sub(b'a' - 10),
        b'A'..=b'F' => byte.wrapping_sub(b'A' - 10),
        _ => return None,
    })
}
