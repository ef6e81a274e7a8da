//! The JSON scanner: one pass, without recursion. One bit for each level says whether it is an array or an object.

use super::{
    Error, ErrorKind,
    escape::{hex, plain_end},
};

/// How deep arrays and objects may be nested: 64 levels. Deeper text is an [`ErrorKind::Depth`](super::ErrorKind::Depth).
pub const DEPTH: u8 = 64;

/// A check of the text from [`at`](Scanner::at) on. If it fails, `at` is the offset of the error.
type Check<T = ()> = Result<T, ErrorKind>;

/// Where the first two elements of a list are, and where the list ends. All offsets are equal if it is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    /// Where the first element begins and ends.
    pub(super) first: (usize, usize),
    /// Where the second element begins and ends. Both are the end if there is only one.
    pub(super) second: (usize, usize),
    /// Where the last element ends.
    pub(super) end: usize,
}

/// A shortcut for objects that are frequent in the layer above: they are recognised by comparing their bytes. The text begins with [`KNOWN`]. The
/// result is the length of the object at its front, if it is a known one. A known object is valid and contains no array or object.
// A function and not a type parameter: there is one copy of the scanner.
pub(crate) type Known = fn(&[u8]) -> Option<usize>;

/// Knows no objects.
pub(crate) const NONE: Known = |_| None;

/// How each known object begins. Other objects cost no call.
const KNOWN: &[u8] = b"{\"_";

pub(super) struct Scanner<'t> {
    text: &'t [u8],
    pub(super) at: usize,
}

/// Checks that all of `text` is what `read` reads, with or without blanks around it.
#[inline]
pub(super) fn whole<'t, T>(text: &'t [u8], read: impl FnOnce(&mut Scanner<'t>) -> Check<T>) -> Result<T, Error> {
    let mut s = Scanner::new(text);
    s.blanks();
    let read = read(&mut s);
    let read = read.and_then(|value| {
        s.blanks();
        if s.peek().is_none() { Ok(value) } else { Err(ErrorKind::Syntax) }
    });
    read.map_err(|kind| Error { kind, at: s.at })
}

/// The end of the valid value at the front of `text`.
pub(crate) fn value_end(text: &[u8]) -> usize {
    let mut s = Scanner::new(text);
    match s.peek() {
        Some(b'"') => {
            let _ = s.string();
        }
        Some(b'[' | b'{') => s.valid_container(),
        _ => {
            s.token();
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
        self.at = plain_end(self.text, self.at);
        let has_escapes = self.peek() == Some(b'\\');
        if has_escapes {
            let _ = self.string_end();
        } else {
            self.step();
        }
        (self.text.get(from..self.at.wrapping_sub(1)).unwrap_or_default(), has_escapes)
    }

    #[inline(always)]
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

    /// Reads one value, in which arrays and objects may be nested `max` levels deep.
    pub(super) fn value(&mut self, max: u8, known: Known) -> Check {
        // Nothing refers to this copy, so it can stay in registers.
        let mut copy = Self { text: self.text, at: self.at };
        let read = copy.read_value(max, known);
        self.at = copy.at;
        read
    }

    #[inline]
    fn read_value(&mut self, max: u8, known: Known) -> Check {
        // Bit 0 is the innermost level: 1 for an object.
        let mut levels = 0_u64;
        let mut depth = 0_u8;
        loop {
            // A member or an element begins here.
            if levels & 1 == 1 {
                self.key()?;
            }
            match self.peek() {
                Some(b'"') => self.string()?,
                Some(open @ (b'[' | b'{')) => {
                    if depth == max {
                        return Err(ErrorKind::Depth);
                    }
                    let is_object = open == b'{';
                    if self.rest().starts_with(KNOWN)
                        && let Some(len) = known(self.rest())
                    {
                        self.at = self.at.wrapping_add(len);
                    } else {
                        levels = levels << 1 | u64::from(is_object);
                        depth = depth.wrapping_add(1);
                        self.step();
                        self.blanks();
                        if self.peek() != Some(if is_object { b'}' } else { b']' }) {
                            continue;
                        }
                    }
                }
                _ => self.scalar()?,
            }
            // A value has ended, or an empty container may end.
            loop {
                if depth == 0 {
                    return Ok(());
                }
                match self.peek() {
                    Some(b',') => {
                        self.step();
                        self.blanks();
                        break;
                    }
                    Some(close @ (b']' | b'}')) if (close == b'}') == (levels & 1 == 1) => {
                        self.step();
                        levels >>= 1;
                        depth = depth.wrapping_sub(1);
                    }
                    Some(blank) if is_blank(blank) => self.blanks(),
                    _ => return Err(ErrorKind::Syntax),
                }
            }
        }
    }

    /// Reads one or more values with commas between them, and the blanks behind.
    pub(super) fn list(&mut self, max: u8, known: Known) -> Check<List> {
        let mut first = (0, 0);
        let mut second = (0, 0);
        loop {
            let from = self.at;
            self.value(max, known)?;
            let end = self.at;
            if first.1 == 0 {
                first = (from, end);
            } else if second.1 == 0 {
                second = (from, end);
            }
            self.blanks();
            if self.peek() != Some(b',') {
                let second = if second.1 == 0 { (end, end) } else { second };
                return Ok(List { first, second, end });
            }
            self.step();
            self.blanks();
        }
    }

    /// Reads `"key" :` and the white space after it.
    #[inline]
    fn key(&mut self) -> Check {
        if self.peek() != Some(b'"') {
            return Err(ErrorKind::Syntax);
        }
        self.string()?;
        self.blanks();
        if self.peek() != Some(b':') {
            return Err(ErrorKind::Syntax);
        }
        self.step();
        self.blanks();
        Ok(())
    }

    /// Reads the valid array or object that begins here.
    fn valid_container(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            if byte == b'"' {
                let _ = self.string();
                continue;
            }
            self.step();
            // Brackets and braces differ in this bit.
            match byte | 0x20 {
                b'{' => depth = depth.wrapping_add(1),
                b'}' => {
                    depth = depth.wrapping_sub(1);
                    if depth == 0 {
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    /// Reads a number or a literal.
    fn scalar(&mut self) -> Check {
        match self.peek() {
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => Err(ErrorKind::Syntax),
        }
    }

    fn word(&mut self, word: &[u8]) -> Check {
        for &byte in word {
            if self.peek() != Some(byte) {
                return Err(ErrorKind::Syntax);
            }
            self.step();
        }
        Ok(())
    }

    /// RFC 8259 section 6.
    fn number(&mut self) -> Check {
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
    fn digits(&mut self) -> Check {
        let from = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.step();
        }
        if self.at == from { Err(ErrorKind::Syntax) } else { Ok(()) }
    }

    /// RFC 8259 section 7, from the quote that opens to behind the one that closes.
    #[inline]
    fn string(&mut self) -> Check {
        self.step();
        self.string_end()
    }

    /// A string behind its first quote.
    #[inline]
    fn string_end(&mut self) -> Check {
        loop {
            self.at = plain_end(self.text, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.step();
                    return Ok(());
                }
                Some(b'\\') => {
                    let (len, is_good) = escape(self.rest());
                    self.at = self.at.wrapping_add(len);
                    if !is_good {
                        return Err(ErrorKind::Escape);
                    }
                }
                _ => return Err(ErrorKind::Syntax),
            }
        }
    }

    fn escape(&mut self) -> Check {
        let start = self.at;
        self.step();
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.step();
                return Ok(());
            }
            Some(b'u') => self.step(),
            _ => return Err(ErrorKind::Escape),
        }
        match self.unit()? {
            0xd800..=0xdbff => {
                let followed = self.rest().starts_with(b"\\u");
                self.at = self.at.wrapping_add(if followed { 2 } else { 0 });
                if followed && matches!(self.unit()?, 0xdc00..=0xdfff) { Ok(()) } else { self.half(start) }
            }
            0xdc00..=0xdfff => self.half(start),
            _ => Ok(()),
        }
    }

    /// Half of a surrogate pair, whose escape begins at `start`.
    const fn half(&mut self, start: usize) -> Check {
        self.at = start;
        Err(ErrorKind::Escape)
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Check<u16> {
        let mut unit = 0_u16;
        for _ in 0..4 {
            let digit = self.peek().and_then(hex).ok_or(ErrorKind::Escape)?;
            unit = unit << 4 | u16::from(digit);
            self.step();
        }
        Ok(unit)
    }
}

/// The length of the escape at the front of `text`, or the offset of its error and `false`.
#[cold]
fn escape(text: &[u8]) -> (usize, bool) {
    let mut s = Scanner::new(text);
    let read = s.escape();
    (s.at, read.is_ok())
}
