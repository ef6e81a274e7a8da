use super::{HeadError, octets::visible};

/// What a head may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    bytes: usize,
    lines: u16,
}

impl Limits {
    /// 8 KiB in 100 lines.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: 8192, lines: 100 }
    }

    /// Bytes of a head, its blank line included.
    #[must_use]
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Lines of a head.
    #[must_use]
    pub const fn lines(mut self, lines: u16) -> Self {
        self.lines = lines;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

/// Finds the end of a head that arrives in pieces, and refuses at the first byte that shows it is none.
///
/// It remembers how far it has looked: each byte is looked at once, however the head is cut (RUSTSEC-2023-0065).
///
/// ```
/// use sansocket::http::{Head, Limits};
///
/// let mut head = Head::new(Limits::new());
/// assert_eq!(head.scan(b"GET / HTTP/1.1\r\nHost: a\r\n"), Ok(None));
/// assert_eq!(head.scan(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest"), Ok(Some(27)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    limits: Limits,
    scanned: usize,
    lines: u16,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the method, in front of the first space.
    Method,
    /// In the version that a status line begins with.
    Version,
    /// At the first byte of a line.
    LineStart,
    Line,
    /// Behind the CR of a line, of a blank line.
    Return,
    LastReturn,
    Complete,
    Failed(HeadError),
}

const VERSION: &[u8; 5] = b"HTTP/";

impl Head {
    /// Nothing has been looked at.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, scanned: 0, lines: 0, state: State::Method }
    }

    /// As [`new`](Self::new), for the head of a response.
    #[must_use]
    pub const fn response(limits: Limits) -> Self {
        Self { limits, scanned: 0, lines: 0, state: State::Version }
    }

    /// Looks at what came since the last call. `bytes` is all that came since the start of the head; the answer is the length
    /// of the head with its blank line. What follows it is not looked at.
    ///
    /// # Errors
    /// [`HeadError`]; every later call gives the same.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<Option<usize>, HeadError> {
        while let Some(rest) = bytes.get(self.scanned..)
            && let Some(&byte) = rest.first()
            && self.state != State::Complete
        {
            if self.state == State::Line {
                // All that neither ends the line nor the limit, at once.
                let room = self.limits.bytes.saturating_sub(self.scanned);
                let run = visible(rest).min(room);
                if run > 0 {
                    self.scanned = self.scanned.saturating_add(run);
                    continue;
                }
            }
            self.step(byte)?;
            self.scanned = self.scanned.saturating_add(1);
        }
        match self.state {
            State::Complete => Ok(Some(self.scanned)),
            State::Failed(error) => Err(error),
            _ => Ok(None),
        }
    }

    #[inline]
    fn step(&mut self, byte: u8) -> Result<(), HeadError> {
        let next = match self.state {
            // The longest method that is registered has 17 letters.
            State::Method if byte == b' ' && self.scanned > 0 => State::Line,
            State::Method if byte.is_ascii_alphabetic() || byte == b'-' => {
                if self.scanned < 20 {
                    State::Method
                } else {
                    State::Failed(HeadError::RequestLine)
                }
            }
            State::Method => State::Failed(HeadError::RequestLine),
            State::Version => match VERSION.get(self.scanned) {
                Some(&expected) if byte == expected => State::Version,
                // What version it is, the parser says.
                None if byte.is_ascii_digit() => State::Line,
                _ => State::Failed(HeadError::StatusLine),
            },
            State::LineStart if byte == b'\r' => State::LastReturn,
            State::LineStart if byte == b' ' || byte == b'\t' => State::Failed(HeadError::Field),
            State::LineStart | State::Line => match byte {
                b'\r' => State::Return,
                b'\t' | 0x20..=0x7e | 0x80.. => State::Line,
                _ => State::Failed(HeadError::ControlByte),
            },
            State::Return if byte == b'\n' => {
                self.lines = self.lines.saturating_add(1);
                if self.lines > self.limits.lines { State::Failed(HeadError::TooManyLines) } else { State::LineStart }
            }
            State::LastReturn if byte == b'\n' => State::Complete,
            State::Return | State::LastReturn => State::Failed(HeadError::ControlByte),
            State::Complete | State::Failed(_) => self.state,
        };
        self.state = if self.scanned >= self.limits.bytes && !matches!(next, State::Failed(_)) {
            State::Failed(HeadError::TooLong)
        } else {
            next
        };
        match self.state {
            State::Failed(error) => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, string::String};

    #[test]
    fn any_split_finds_the_same_end_and_looks_at_each_byte_once() {
        let text = b"GET /x HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n\x81\x00";
        for cut in 0..text.len() {
            let mut head = Head::new(Limits::new());
            let first = head.scan(&text[..cut]).unwrap();
            assert_eq!(first.is_some(), cut >= text.len() - 2);
            assert_eq!(head.scan(text), Ok(Some(text.len() - 2)));
        }
        let mut head = Head::new(Limits::new());
        for n in 0..text.len() - 2 {
            assert_eq!(head.scan(&text[..n]), Ok(None));
            assert_eq!(head.scanned, n, "each byte once");
        }
    }

    #[test]
    fn refuses_at_the_byte_that_shows_it() {
        for (text, at) in [(&b"GET"[..], 0), (b"HTTP1", 4), (b"HTTP/x", 5), (b"\x81\x00", 0)] {
            let mut head = Head::response(Limits::new());
            assert_eq!(head.scan(&text[..at]), Ok(None), "{text:?}");
            assert_eq!(head.scan(&text[..=at]), Err(HeadError::StatusLine), "{text:?}");
        }
        let text = b"HTTP/1.1 101 x\r\nA: b\r\n\r\n\x81";
        assert_eq!(Head::response(Limits::new()).scan(text), Ok(Some(text.len() - 1)));
        let cases: [(&[u8], usize, HeadError); 9] = [
            (b"\x16\x03\x01", 0, HeadError::RequestLine),
            (b" GET", 0, HeadError::RequestLine),
            (b"\r\nGET", 0, HeadError::RequestLine),
            (b"GET\r\n", 3, HeadError::RequestLine),
            (b"AAAAAAAAAAAAAAAAAAAAAAAAA", 20, HeadError::RequestLine),
            (b"GET / HTTP/1.1\nHost", 14, HeadError::ControlByte),
            (b"GET / HTTP/1.1\rHost", 15, HeadError::ControlByte),
            (b"GET / HTTP/1.1\r\nA: \0", 19, HeadError::ControlByte),
            (b"GET / HTTP/1.1\r\nA: b\r\n folded", 22, HeadError::Field),
        ];
        for (text, at, error) in cases {
            let mut head = Head::new(Limits::new());
            assert_eq!(head.scan(text), Err(error), "{text:?}");
            assert_eq!(head.scan(text), Err(error), "and stays so");
            assert_eq!(Head::new(Limits::new()).scan(&text[..at]), Ok(None), "{text:?}");
            assert_eq!(Head::new(Limits::new()).scan(&text[..=at]), Err(error), "{text:?}");
        }
    }

    #[test]
    fn limits_hold_to_the_byte_and_the_line() {
        let text = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(100));
        for (bytes, fits) in [(text.len() - 1, false), (text.len(), true)] {
            let result = Head::new(Limits::new().bytes(bytes)).scan(text.as_bytes());
            assert_eq!(result, if fits { Ok(Some(text.len())) } else { Err(HeadError::TooLong) });
        }
        let text: String = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(9));
        for (lines, fits) in [(9, false), (10, true)] {
            let result = Head::new(Limits::new().lines(lines)).scan(text.as_bytes());
            assert_eq!(result, if fits { Ok(Some(text.len())) } else { Err(HeadError::TooManyLines) });
        }
    }
}
