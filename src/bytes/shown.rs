//! Short forms of payloads for `Debug`.

use core::fmt::{self, Write};

/// Text in quotes. Control characters and invalid UTF-8 are escaped. A long text is cut, and its length follows.
pub(crate) struct ShownText<'a>(pub(crate) &'a [u8]);

/// The number of bytes, and the first of them in hexadecimal.
pub(crate) struct ShownBytes<'a>(pub(crate) &'a [u8]);

const TEXT_MAX: usize = 64;
const BYTES_MAX: usize = 16;

impl fmt::Debug for ShownText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.get(..TEXT_MAX).unwrap_or(self.0);
        f.write_char('"')?;
        for chunk in shown.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '"' | '\\' => write!(f, "\\{c}")?,
                    c if c.is_control() => write!(f, "{}", c.escape_default())?,
                    c => f.write_char(c)?,
                }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        f.write_char('"')?;
        if shown.len() < self.0.len() { write!(f, ".. {} bytes", self.0.len()) } else { Ok(()) }
    }
}

impl fmt::Debug for ShownBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.get(..BYTES_MAX).unwrap_or(self.0);
        write!(f, "{} bytes", self.0.len())?;
        if !shown.is_empty() {
            f.write_char(' ')?;
        }
        shown.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        if shown.len() < self.0.len() { f.write_str("..") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, vec};

    #[test]
    fn payloads_are_short_and_readable() {
        assert_eq!(format!("{:?}", ShownText("a\"é\n漢\u{1}".as_bytes())), r#""a\"é\n漢\u{1}""#);
        assert_eq!(format!("{:?}", ShownText(b"a\xc3")), r#""a\xc3""#);
        assert_eq!(format!("{:?}", ShownText(&[b'x'; 65])), format!("\"{}\".. 65 bytes", "x".repeat(64)));
        assert_eq!(format!("{:?}", ShownBytes(b"")), "0 bytes");
        assert_eq!(format!("{:?}", ShownBytes(b"\0\x01\xff")), "3 bytes 0001ff");
        assert_eq!(format!("{:?}", ShownBytes(&vec![7; 300])), format!("300 bytes {}..", "07".repeat(16)));
    }
}
