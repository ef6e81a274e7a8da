//! Numbers, literals and escapes.

use super::{
    ErrorKind,
    escape::hex,
    scan::{Check, Scanner},
};

/// Whether `text` is a number and nothing else.
pub(super) fn is_number(text: &[u8]) -> bool {
    let mut s = Scanner::new(text);
    s.number().is_ok() && s.peek().is_none()
}

impl<'t> Scanner<'t> {
    /// Reads a number or a literal.
    pub(super) fn scalar(&mut self) -> Check {
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
            if !self.eat(byte) {
                return Err(ErrorKind::Syntax);
            }
        }
        Ok(())
    }

    /// RFC 8259 section 6.
    fn number(&mut self) -> Check {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    /// One or more.
    fn digits(&mut self) -> Check {
        let from = self.rest.len();
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.step();
        }
        if self.rest.len() == from { Err(ErrorKind::Syntax) } else { Ok(()) }
    }

    fn escape(&mut self) -> Check {
        let start = self.rest;
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
                let followed = self.eat(b'\\') && self.eat(b'u');
                if followed && matches!(self.unit()?, 0xdc00..=0xdfff) { Ok(()) } else { self.half(start) }
            }
            0xdc00..=0xdfff => self.half(start),
            _ => Ok(()),
        }
    }

    /// Half of a surrogate pair, whose escape begins at `start`.
    const fn half(&mut self, start: &'t [u8]) -> Check {
        self.rest = start;
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
pub(super) fn escape(text: &[u8]) -> (usize, bool) {
    let mut s = Scanner::new(text);
    let read = s.escape();
    (s.at(), read.is_ok())
}
