use super::{HeadError, octets::visible};
use crate::bytes::IS_WIDE;

/// The limits of a request or response head. See [`HeadScanner`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    bytes: usize,
    lines: u16,
}

impl Limits {
    /// The defaults: 8 KiB, 100 lines.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: 8192, lines: 100 }
    }

    /// The maximum number of bytes of a head, including its blank line and empty lines before it.
    #[must_use]
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// The maximum number of lines of a head: the first line, the fields, each further line of a folded field, and empty lines before the head. The
    /// blank line at the end is not counted.
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

/// Finds the end of a head that arrives in pieces. It fails at the first invalid byte.
///
/// It remembers how far it has read, so each byte is read once, in however many pieces the head arrives (RUSTSEC-2023-0065).
///
/// Empty lines before a request are part of its head and ignored (RFC 9112 section 2.2). Folded fields are refused in requests and
/// accepted in responses (section 5.2).
///
/// ```
/// use sansocket::http::{HeadScanner, Limits};
///
/// let mut head = HeadScanner::new(Limits::new());
/// assert_eq!(head.scan(b"GET / HTTP/1.1\r\nHost: a\r\n"), Ok(None));
/// assert_eq!(head.scan(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest"), Ok(Some(27)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadScanner {
    limits: Limits,
    scanned: usize,
    lines: u16,
    is_response: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the method, which has so many letters so far.
    Method(u8),
    /// Behind the CR of an empty line in front of a request.
    EmptyReturn,
    /// In the version of a status line, which has so many letters so far.
    Version(u8),
    /// At the first byte of a line.
    LineStart,
    Line,
    /// Behind the CR of a line.
    Return,
    /// Behind the CR of the blank line.
    LastReturn,
    Complete,
    Failed(HeadError),
}

const VERSION: &[u8; 5] = b"HTTP/";

/// The longest registered method has 17 letters.
const METHOD: u8 = 20;

impl HeadScanner {
    /// A scanner for the head of a request.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, scanned: 0, lines: 0, is_response: false, state: State::Method(0) }
    }

    /// A scanner for the head of a response. [`Connect`](crate::ws::Connect) shows an example.
    #[must_use]
    pub const fn response(limits: Limits) -> Self {
        Self { limits, scanned: 0, lines: 0, is_response: true, state: State::Version(0) }
    }

    /// Continues where the last call stopped. `bytes` must begin with the start of the head in every call. Returns the length of the head, including
    /// its blank line, or `None` if more bytes are needed. Bytes after the head are not read.
    ///
    /// # Errors
    /// [`HeadError`]; every later call returns the same.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<Option<usize>, HeadError> {
        while let Some(rest) = bytes.get(self.scanned..)
            && let Some(&byte) = rest.first()
            && self.state != State::Complete
        {
            if self.state == State::Line {
                // All that neither ends the head nor the limits, at once.
                let room = self.limits.bytes.saturating_sub(self.scanned);
                let within = rest.get(..room).unwrap_or(rest);
                let (run, ended) = lines(within, self.limits.lines.saturating_sub(self.lines));
                self.scanned = self.scanned.saturating_add(run);
                self.lines = self.lines.saturating_add(ended);
                if run > 0 {
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
            State::Method(0) if byte == b'\r' => State::EmptyReturn,
            State::Method(1..) if byte == b' ' => State::Line,
            State::Method(n @ 0..METHOD) if byte.is_ascii_alphabetic() || byte == b'-' => {
                State::Method(n.saturating_add(1))
            }
            State::Method(_) => State::Failed(HeadError::RequestLine),
            State::EmptyReturn if byte == b'\n' => self.end_line(State::Method(0)),
            State::Version(n) => match VERSION.get(usize::from(n)) {
                Some(&expected) if byte == expected => State::Version(n.saturating_add(1)),
                // What version it is, the parser says.
                None if byte.is_ascii_digit() => State::Line,
                _ => State::Failed(HeadError::StatusLine),
            },
            State::LineStart if byte == b'\r' => State::LastReturn,
            // White space behind the first line begins no field and folds none (RFC 9112 section 2.2).
            State::LineStart if (byte == b' ' || byte == b'\t') && (self.lines < 2 || !self.is_response) => {
                State::Failed(HeadError::Field)
            }
            State::LineStart | State::Line => match byte {
                b'\r' => State::Return,
                b'\t' | 0x20..=0x7e | 0x80.. => State::Line,
                _ => State::Failed(HeadError::ControlByte),
            },
            State::Return if byte == b'\n' => self.end_line(State::LineStart),
            State::LastReturn if byte == b'\n' => State::Complete,
            State::EmptyReturn | State::Return | State::LastReturn => State::Failed(HeadError::ControlByte),
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

    const fn end_line(&mut self, next: State) -> State {
        self.lines = self.lines.saturating_add(1);
        if self.lines > self.limits.lines { State::Failed(HeadError::TooManyLines) } else { next }
    }
}

/// How many bytes at the front are lines, from within the first of them to within the last, and how many of these lines end. At most `limit` end.
fn lines(bytes: &[u8], limit: u16) -> (usize, u16) {
    let (mut at, mut ended) = (0_usize, 0_u16);
    while let Some(line) = bytes.get(at..) {
        at = at.wrapping_add(visible(line));
        match bytes.get(at..) {
            // A field follows. A small target reads these three bytes with the state machine.
            Some([b'\r', b'\n', b'!'..=b'~', ..]) if IS_WIDE && ended < limit => {
                (at, ended) = (at.wrapping_add(3), ended.wrapping_add(1));
            }
            _ => break,
        }
    }
    (at, ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, string::String};

    #[test]
    fn any_split_finds_the_same_end_and_looks_at_each_byte_once() {
        let text = b"GET /x HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n\x81\x00";
        for cut in 0..text.len() {
            let mut head = HeadScanner::new(Limits::new());
            let first = head.scan(&text[..cut]).unwrap();
            assert_eq!(first.is_some(), cut >= text.len() - 2);
            assert_eq!(head.scan(text), Ok(Some(text.len() - 2)));
        }
        let mut head = HeadScanner::new(Limits::new());
        for n in 0..text.len() - 2 {
            assert_eq!(head.scan(&text[..n]), Ok(None));
            assert_eq!(head.scanned, n, "each byte once");
        }
    }

    #[test]
    fn refuses_at_the_byte_that_shows_it() {
        for (text, at) in [(&b"GET"[..], 0), (b"HTTP1", 4), (b"HTTP/x", 5), (b"\x81\x00", 0)] {
            let mut head = HeadScanner::response(Limits::new());
            assert_eq!(head.scan(&text[..at]), Ok(None), "{text:?}");
            assert_eq!(head.scan(&text[..=at]), Err(HeadError::StatusLine), "{text:?}");
        }
        let text = b"HTTP/1.1 101 x\r\nA: b\r\n\r\n\x81";
        assert_eq!(HeadScanner::response(Limits::new()).scan(text), Ok(Some(text.len() - 1)));
        let cases: [(&[u8], usize, HeadError); 10] = [
            (b"\x16\x03\x01", 0, HeadError::RequestLine),
            (b" GET", 0, HeadError::RequestLine),
            (b"\r\n GET", 2, HeadError::RequestLine),
            (b"\rGET", 1, HeadError::ControlByte),
            (b"GET\r\n", 3, HeadError::RequestLine),
            (b"AAAAAAAAAAAAAAAAAAAAAAAAA", 20, HeadError::RequestLine),
            (b"GET / HTTP/1.1\nHost", 14, HeadError::ControlByte),
            (b"GET / HTTP/1.1\rHost", 15, HeadError::ControlByte),
            (b"GET / HTTP/1.1\r\nA: \0", 19, HeadError::ControlByte),
            (b"GET / HTTP/1.1\r\nA: b\r\n folded", 22, HeadError::Field),
        ];
        for (text, at, error) in cases {
            let mut head = HeadScanner::new(Limits::new());
            assert_eq!(head.scan(text), Err(error), "{text:?}");
            assert_eq!(head.scan(text), Err(error), "and stays so");
            assert_eq!(HeadScanner::new(Limits::new()).scan(&text[..at]), Ok(None), "{text:?}");
            assert_eq!(HeadScanner::new(Limits::new()).scan(&text[..=at]), Err(error), "{text:?}");
        }
    }

    #[test]
    fn responses_may_have_folded_fields_and_no_empty_lines_in_front() {
        let text = b"HTTP/1.1 101 x\r\nA: b\r\n folded\r\n\tagain\r\n \r\n\r\n\x81";
        for cut in 0..text.len() {
            let mut head = HeadScanner::response(Limits::new());
            head.scan(&text[..cut]).unwrap();
            assert_eq!(head.scan(text), Ok(Some(text.len() - 1)));
        }
        assert_eq!(
            HeadScanner::response(Limits::new().lines(4)).scan(text),
            Err(HeadError::TooManyLines),
            "each counts"
        );
        assert_eq!(HeadScanner::response(Limits::new()).scan(b"HTTP/1.1 101 x\r\n A: b"), Err(HeadError::Field));
        assert_eq!(HeadScanner::response(Limits::new()).scan(b"\r\n"), Err(HeadError::StatusLine));
    }

    #[test]
    fn limits_hold_to_the_byte_and_the_line() {
        let text = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(100));
        for (bytes, fits) in [(text.len() - 1, false), (text.len(), true)] {
            let result = HeadScanner::new(Limits::new().bytes(bytes)).scan(text.as_bytes());
            assert_eq!(result, if fits { Ok(Some(text.len())) } else { Err(HeadError::TooLong) });
        }
        let text: String = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(9));
        for (lines, fits) in [(9, false), (10, true)] {
            let result = HeadScanner::new(Limits::new().lines(lines)).scan(text.as_bytes());
            assert_eq!(result, if fits { Ok(Some(text.len())) } else { Err(HeadError::TooManyLines) });
        }
    }
}
