//! The JSON scanner: one pass, without recursion. One bit for each level says whether it is an array or an object.

use super::{Error, ErrorKind, escape::behind_plain, lexeme::escape};
use crate::bytes::IS_WIDE;

/// How deep arrays and objects may be nested: 64 levels. Deeper text is an [`ErrorKind::Depth`](super::ErrorKind::Depth).
pub const DEPTH: u8 = 64;

/// A check of what was not read yet. If it fails, [`at`](Scanner::at) is the offset of the error.
pub(super) type Check<T = ()> = Result<T, ErrorKind>;

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
    /// What was not read yet.
    pub(super) rest: &'t [u8],
    /// The length of the whole text.
    len: usize,
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
    read.map_err(|kind| Error { kind, at: s.at() })
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
    s.at()
}

/// The end of the valid string at the front of `text`, which begins with a quote.
pub(crate) fn string_end(text: &[u8]) -> usize {
    let mut s = Scanner::new(text);
    let _ = s.string();
    s.at()
}

/// Whether `byte` is white space (RFC 8259 section 2).
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Reads one value, as [`Scanner::value`], and returns what is behind it. Nothing refers to a scanner that is not in memory, so both can stay in registers.
#[cfg_attr(target_pointer_width = "64", inline(never))]
#[cfg_attr(not(target_pointer_width = "64"), inline(always))]
fn value(text: &[u8], max: u8, known: Known) -> (&[u8], Check) {
    let mut s = Scanner::new(text);
    let read = s.read_value(max, known);
    (s.rest, read)
}

impl<'t> Scanner<'t> {
    pub(super) const fn new(text: &'t [u8]) -> Self {
        Self { rest: text, len: text.len() }
    }

    /// The length of the whole text.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The offset of the next byte.
    #[inline]
    pub(super) const fn at(&self) -> usize {
        self.len.wrapping_sub(self.rest.len())
    }

    /// The bytes that were not read yet.
    #[inline]
    pub(super) const fn rest(&self) -> &'t [u8] {
        self.rest
    }

    /// Reads the valid string that begins here. Returns the text between the quotes, and whether it has escapes.
    #[inline]
    pub(super) fn quoted(&mut self) -> (&'t [u8], bool) {
        self.step();
        let from = self.rest;
        self.rest = behind_plain(from);
        let has_escapes = self.peek() == Some(b'\\');
        if has_escapes {
            let _ = self.string_end();
        } else {
            self.step();
        }
        let len = from.len().wrapping_sub(self.rest.len()).wrapping_sub(1);
        (from.get(..len).unwrap_or_default(), has_escapes)
    }

    /// Reads the valid string that begins here and has no escapes, and returns it from `whole`, which is the whole text. `None` for anything else, of
    /// which nothing is read.
    #[inline]
    pub(super) fn plain<'s>(&mut self, whole: &'s str) -> Option<&'s str> {
        let [b'"', inside @ ..] = self.rest else { return None };
        let behind = behind_plain(inside);
        let [b'"', rest @ ..] = behind else { return None };
        let plain = whole.get(self.len.wrapping_sub(inside.len())..self.len.wrapping_sub(behind.len()))?;
        self.rest = rest;
        Some(plain)
    }

    #[inline(always)]
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    #[inline(always)]
    pub(super) const fn step(&mut self) {
        if let [_, rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Reads the next `n` bytes.
    #[inline]
    pub(super) fn skip(&mut self, n: usize) {
        self.rest = self.rest.get(n..).unwrap_or_default();
    }

    /// Reads the next byte if it is `expected`, and returns whether it was.
    #[inline(always)]
    pub(super) const fn eat(&mut self, expected: u8) -> bool {
        match self.rest {
            [byte, rest @ ..] if *byte == expected => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    #[inline]
    pub(super) fn blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.step();
        }
    }

    /// Reads the valid literal or number that begins here. A comma, a bracket, a brace or a blank ends it.
    #[inline]
    pub(super) fn token(&mut self) -> &'t [u8] {
        let from = self.rest;
        // Brackets and braces differ in this bit.
        while self.peek().is_some_and(|b| b > b' ' && b != b',' && b | 0x20 != b'}') {
            self.step();
        }
        from.get(..from.len().wrapping_sub(self.rest.len())).unwrap_or_default()
    }

    /// Reads one value, in which arrays and objects may be nested `max` levels deep.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn value(&mut self, max: u8, known: Known) -> Check {
        let (rest, read) = value(self.rest, max, known);
        self.rest = rest;
        read
    }

    #[inline(always)]
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
                        self.skip(len);
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
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn list(&mut self, max: u8, known: Known) -> Check<List> {
        let mut first = (0, 0);
        let mut second = (0, 0);
        loop {
            let from = self.at();
            // A name is most often a string.
            if IS_WIDE && self.eat(b'"') { self.string_end() } else { self.value(max, known) }?;
            let end = self.at();
            if first.1 == 0 {
                first = (from, end);
            } else if second.1 == 0 {
                second = (from, end);
            }
            self.blanks();
            if !self.eat(b',') {
                let second = if second.1 == 0 { (end, end) } else { second };
                return Ok(List { first, second, end });
            }
            self.blanks();
        }
    }

    /// Reads `"key" :` and the white space after it.
    #[inline]
    fn key(&mut self) -> Check {
        if !self.eat(b'"') {
            return Err(ErrorKind::Syntax);
        }
        self.string_end()?;
        self.blanks();
        if !self.eat(b':') {
            return Err(ErrorKind::Syntax);
        }
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
            self.rest = behind_plain(self.rest);
            match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Ok(());
                }
                [b'\\', ..] => {
                    let (len, is_good) = escape(self.rest);
                    self.skip(len);
                    if !is_good {
                        return Err(ErrorKind::Escape);
                    }
                }
                _ => return Err(ErrorKind::Syntax),
            }
        }
    }
}
