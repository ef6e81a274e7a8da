//! Request bodies (RFC 9112 sections 6 and 7).

use super::{Body, octets::is_token_byte};
use core::fmt;

/// Decodes the body of a request. The input arrives in pieces of any size; the result is pieces of the body.
///
/// Chunks follow the grammar of RFC 9112 section 7.1. Extensions (section 7.1.1) and trailers are checked and then ignored. A chunk size has at most
/// 16 digits, including leading zeros. The total size of extensions and trailers is limited to 4096 bytes more than the chunks before them.
///
/// ```
/// use sansocket::http::{Body, BodyDecoder};
///
/// let mut body = BodyDecoder::new(Body::Chunked, 1_000_000);
/// let mut bytes = *b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nGET /";
/// let mut input = &mut bytes[..];
/// let mut collected = Vec::new();
/// while let Some(piece) = body.poll_piece(&mut input)? {
///     collected.extend_from_slice(piece);
/// }
/// assert!(body.is_complete());
/// assert_eq!((&collected[..], &*input), (&b"abcde"[..], &b"GET /"[..]));
/// # Ok::<(), sansocket::http::BodyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyDecoder {
    state: State,
    /// How many bytes the body may still have.
    room: u64,
    /// How many bytes of the chunk, or of the body, are still missing.
    left: u64,
    /// Digits of the chunk's size.
    digits: u8,
    /// Bytes of chunk extensions and trailers, minus those of the chunks.
    waste: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a body whose length is known.
    Length,
    /// In front of the first digit of a chunk's size, behind a digit.
    Size,
    Digits,
    /// In blanks in front of the `;` of an extension.
    Blank,
    /// Behind its `;`, in its name, in blanks behind its name.
    NameStart,
    Name,
    NameBlank,
    /// Behind its `=`, in a value that is a token.
    ValueStart,
    Value,
    /// In a value in quotes, behind a backslash there, behind the closing quote.
    Quoted,
    Escaped,
    QuotedEnd,
    /// Behind the CR of a size.
    SizeReturn,
    Chunk,
    /// Behind the bytes of a chunk, behind its CR.
    ChunkEnd,
    ChunkReturn,
    /// At the start of a line of the trailer, in its name, in its value, behind its CR; behind the CR of the last line.
    Trailer,
    TrailerName,
    TrailerValue,
    TrailerReturn,
    LastReturn,
    Complete,
    Failed(BodyError),
}

/// By how many bytes chunk extensions and trailers may exceed the chunks.
const WASTE: u16 = 4096;

/// As many as a `u64` has.
const DIGITS: u8 = 16;

impl BodyDecoder {
    /// A decoder for the kind of body that [`Request::body`](super::Request::body) returned, with at most `limit` bytes.
    #[must_use]
    pub const fn new(body: Body, limit: u64) -> Self {
        let (state, left) = match body {
            Body::Empty | Body::Length(0) => (State::Complete, 0),
            Body::Length(n) if n > limit => (State::Failed(BodyError::TooLarge), 0),
            Body::Length(n) => (State::Length, n),
            Body::Chunked => (State::Size, 0),
        };
        Self { state, room: limit, left, digits: 0, waste: 0 }
    }

    /// Reads bytes from the front of `input` and returns the next piece of the body. `None`: all input was read, or the body is
    /// [complete](Self::is_complete). Bytes after the body stay in `input`. Linear.
    ///
    /// # Errors
    /// [`BodyError`]; every later call returns the same. A `Content-Length` over the limit fails before the first byte.
    pub fn poll_piece<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<&'i mut [u8]>, BodyError> {
        loop {
            match self.state {
                State::Complete => return Ok(None),
                State::Failed(error) => return Err(error),
                State::Length | State::Chunk if self.left > 0 => {
                    let n = usize::try_from(self.left).map_or(input.len(), |left| left.min(input.len()));
                    if n == 0 {
                        return Ok(None);
                    }
                    debug_assert!(n <= input.len(), "`min` above");
                    let (piece, rest) = core::mem::take(input).split_at_mut_checked(n).unwrap_or_default();
                    *input = rest;
                    self.left = self.left.saturating_sub(u64::try_from(n).unwrap_or(u64::MAX));
                    if self.left == 0 {
                        self.state = if self.state == State::Length { State::Complete } else { State::ChunkEnd };
                    }
                    return Ok(Some(piece));
                }
                _ => {
                    let Some((&mut byte, rest)) = core::mem::take(input).split_first_mut() else { return Ok(None) };
                    *input = rest;
                    self.state = self.step(byte);
                }
            }
        }
    }

    /// Whether the whole body was returned.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete)
    }

    fn step(&mut self, byte: u8) -> State {
        match (self.state, byte) {
            (State::Size | State::Digits, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = match byte {
                    b'0'..=b'9' => byte.wrapping_sub(b'0'),
                    _ => (byte | 0x20).wrapping_sub(b'a' - 10),
                };
                match self.left.checked_mul(16).map(|n| n | u64::from(digit)) {
                    Some(n) if n <= self.room => self.left = n,
                    _ => return State::Failed(BodyError::TooLarge),
                }
                self.digits = self.digits.saturating_add(1);
                if self.digits > DIGITS { State::Failed(BodyError::Chunk) } else { State::Digits }
            }
            (State::Digits | State::Name | State::Value | State::QuotedEnd, b'\r') => State::SizeReturn,
            (State::SizeReturn, b'\n') => {
                self.digits = 0;
                if self.left == 0 {
                    return State::Trailer;
                }
                self.room = self.room.saturating_sub(self.left);
                self.waste = self.waste.saturating_sub(u16::try_from(self.left).unwrap_or(u16::MAX));
                State::Chunk
            }
            (State::ChunkEnd, b'\r') => State::ChunkReturn,
            (State::ChunkReturn, b'\n') => State::Size,
            (State::Trailer, b'\r') => State::LastReturn,
            (State::TrailerValue, b'\r') => State::TrailerReturn,
            (State::TrailerReturn, b'\n') => State::Trailer,
            (State::LastReturn, b'\n') => State::Complete,
            (state, byte) => self.ignore(state, byte),
        }
    }

    /// Out of line, because most bodies have no byte that is ignored.
    #[cold]
    #[inline(never)]
    fn ignore(&mut self, state: State, byte: u8) -> State {
        self.waste = self.waste.saturating_add(1);
        match ignored(state, byte) {
            Some(next) if self.waste <= WASTE => next,
            _ => State::Failed(BodyError::Chunk),
        }
    }
}

/// The state after a byte of a chunk extension (RFC 9112 section 7.1.1) or of a trailer (section 7.1.2). `None` if the byte is not allowed.
fn ignored(state: State, byte: u8) -> Option<State> {
    Some(match (state, byte) {
        (State::Digits | State::Blank | State::Value | State::QuotedEnd, b' ' | b'\t') => State::Blank,
        (State::NameStart, b' ' | b'\t') => State::NameStart,
        (State::Name | State::NameBlank, b' ' | b'\t') => State::NameBlank,
        (State::ValueStart, b' ' | b'\t') => State::ValueStart,
        (State::Digits | State::Blank | State::Name | State::NameBlank | State::Value | State::QuotedEnd, b';') => {
            State::NameStart
        }
        (State::Name | State::NameBlank, b'=') => State::ValueStart,
        (State::NameStart | State::Name, _) if is_token_byte(byte) => State::Name,
        (State::ValueStart | State::Value, _) if is_token_byte(byte) => State::Value,
        (State::ValueStart, b'"') => State::Quoted,
        (State::Quoted, b'"') => State::QuotedEnd,
        (State::Quoted, b'\\') => State::Escaped,
        (State::Quoted | State::Escaped, b'\t' | 0x20..=0x7e | 0x80..) => State::Quoted,
        (State::Trailer | State::TrailerName, _) if is_token_byte(byte) => State::TrailerName,
        (State::TrailerName, b':') | (State::TrailerValue, b'\t' | 0x20..=0x7e | 0x80..) => State::TrailerValue,
        _ => return None,
    })
}

/// The body is invalid or too large. Answer with [`status`](Self::status) and close the connection: where the next request begins is unknown.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// More bytes than the limit.
    TooLarge,
    /// Not a chunk (RFC 9112 section 7.1), or too many bytes of extensions and trailers.
    Chunk,
}

impl BodyError {
    /// The status to answer with.
    #[must_use]
    pub const fn status(self) -> super::Status {
        super::Status(match self {
            Self::TooLarge => 413,
            Self::Chunk => 400,
        })
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the HTTP body has more bytes than the limit",
            Self::Chunk => "the HTTP body has a malformed chunk, or too many bytes of chunk extensions and trailers",
        })
    }
}

impl core::error::Error for BodyError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, vec, vec::Vec};

    /// The body, whether it is complete, and how much is left behind it.
    fn read(body: Body, limit: u64, bytes: &[u8], step: usize) -> Result<(Vec<u8>, bool, usize), BodyError> {
        let mut decoder = BodyDecoder::new(body, limit);
        let mut bytes = bytes.to_vec();
        let (mut collected, mut behind) = (Vec::new(), 0);
        for part in bytes.chunks_mut(step) {
            let mut input = part;
            while let Some(piece) = decoder.poll_piece(&mut input)? {
                collected.extend_from_slice(piece);
            }
            behind += input.len();
        }
        Ok((collected, decoder.is_complete(), behind))
    }

    #[test]
    fn rfc9112_7_1_chunks_are_taken_apart_however_they_are_cut() {
        type Outcome = Result<(&'static str, bool, usize), BodyError>;
        let cases: [(&str, Outcome); 30] = [
            ("0\r\n\r\n", Ok(("", true, 0))),
            ("3\r\nabc\r\n0\r\n\r\nxy", Ok(("abc", true, 2))),
            ("1\r\na\r\n002;x=\"y\"\r\nbc\r\n0\r\nA: b\r\nC: d\r\n\r\n", Ok(("abc", true, 0))),
            ("A\r\n0123456789\r\n0\r\n\r\n", Ok(("0123456789", true, 0))),
            ("1 ; a\t=\t\"\\\"\\\\; \" ;b;c = d\r\na\r\n0\r\nA:\r\n\r\n", Ok(("a", true, 0))),
            ("0000000000000001\r\na\r\n0\r\n\r\n", Ok(("a", true, 0))),
            ("00000000000000001\r\na\r\n0\r\n\r\n", Err(BodyError::Chunk)),
            ("1 x\r\n", Err(BodyError::Chunk)),
            ("1 \r\n", Err(BodyError::Chunk)),
            ("1;\r\n", Err(BodyError::Chunk)),
            ("1;a=\r\n", Err(BodyError::Chunk)),
            ("1;a b\r\n", Err(BodyError::Chunk)),
            ("1;a=\"b\r\n", Err(BodyError::Chunk)),
            ("1;a=\"b\"c\r\n", Err(BodyError::Chunk)),
            ("0\r\nno field\r\n\r\n", Err(BodyError::Chunk)),
            ("0\r\n: x\r\n\r\n", Err(BodyError::Chunk)),
            ("0\r\nA : x\r\n\r\n", Err(BodyError::Chunk)),
            ("0\r\nA: x\r\n y\r\n\r\n", Err(BodyError::Chunk)),
            ("3\r\nab", Ok(("ab", false, 0))),
            ("3\r\nabcd\r\n", Err(BodyError::Chunk)),
            ("\r\n", Err(BodyError::Chunk)),
            ("+3\r\nabc\r\n", Err(BodyError::Chunk)),
            ("0x3\r\nabc\r\n", Err(BodyError::Chunk)),
            ("3\nabc\r\n", Err(BodyError::Chunk)),
            ("3\r\nabc0\r\n\r\n", Err(BodyError::Chunk)),
            ("0\r\nA\n\r\n", Err(BodyError::Chunk)),
            ("3;\0\r\nabc", Err(BodyError::Chunk)),
            ("b\r\n", Err(BodyError::TooLarge)),
            ("5\r\nabcde\r\n6\r\n", Err(BodyError::TooLarge)),
            ("10000000000000003\r\nabc", Err(BodyError::TooLarge)),
        ];
        for (bytes, expected) in cases {
            let expected = expected.map(|(body, done, left)| (body.as_bytes().to_vec(), done, left));
            for step in 1..=bytes.len() {
                assert_eq!(read(Body::Chunked, 10, bytes.as_bytes(), step), expected, "{bytes:?} by {step}");
            }
        }
    }

    #[test]
    fn a_known_length_and_its_limit() {
        for step in 1..8 {
            assert_eq!(read(Body::Length(3), 3, b"abcGET", step), Ok((b"abc".to_vec(), true, 3)));
            assert_eq!(read(Body::Length(4), 3, b"", step), Ok((Vec::new(), false, 0)));
            assert_eq!(read(Body::Length(4), 3, b"a", step), Err(BodyError::TooLarge));
            assert_eq!(read(Body::Empty, 3, b"GET", step), Ok((Vec::new(), true, 3)));
        }
    }

    #[test]
    fn a_body_may_have_as_many_chunks_as_bytes() {
        let many = format!("{}0\r\n\r\n", "1\r\nx\r\n".repeat(10_000));
        assert_eq!(read(Body::Chunked, 10_000, many.as_bytes(), 7), Ok((vec![b'x'; 10_000], true, 0)));
        assert_eq!(read(Body::Chunked, 9_999, many.as_bytes(), 7), Err(BodyError::TooLarge));
    }

    #[test]
    fn zeros_in_front_of_a_size_and_small_extensions_cost_an_honest_body_nothing() {
        let padded = format!("{}0\r\n\r\n", "00000010\r\n0123456789abcdef\r\n".repeat(10_000));
        assert_eq!(
            read(Body::Chunked, 160_000, padded.as_bytes(), 999).map(|(b, done, _)| (b.len(), done)),
            Ok((160_000, true))
        );
        // As AWS signs chunks.
        let signed = format!("10000;chunk-signature={:064}\r\n{}\r\n", 0, "0".repeat(65536)).repeat(100) + "0\r\n\r\n";
        assert_eq!(
            read(Body::Chunked, u64::MAX, signed.as_bytes(), 9999).map(|(b, done, _)| (b.len(), done)),
            Ok((6_553_600, true))
        );
    }

    #[test]
    fn what_says_nothing_of_the_body_is_bounded() {
        for endless in
            ["0".repeat(5000), format!("1;{}", "x".repeat(5000)), format!("0\r\n{}", "A: b\r\n".repeat(2000))]
        {
            assert_eq!(read(Body::Chunked, 10, endless.as_bytes(), 7), Err(BodyError::Chunk));
        }
    }
}
