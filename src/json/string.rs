use super::{escape::hex, shown::Shown};
use crate::bytes::{Capacity, Writer};
use core::fmt;

/// A string as it is on the wire, with its escapes and without its quotes.
///
/// `==` compares the escaped text. To compare the unescaped text use [`is`](Self::is).
///
/// ```
/// use sansocket::json::Value;
///
/// let value = Value::parse(br#""tab\t\ud83d\ude00""#)?;
/// let text = value.as_str().unwrap();
/// assert!(text.is("tab\t\u{1f600}"));
/// assert_eq!((text.escaped(), text.as_plain()), (&br#"tab\t\ud83d\ude00"#[..], None));
/// assert_eq!(text.chars().count(), 5);
/// assert_eq!(text.unescape_into(&mut [0; 32])?, "tab\t\u{1f600}");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Str<'m>(pub(crate) &'m [u8]);

/// Prints the text with its escapes.
impl fmt::Debug for Str<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Str(\"{:?}\")", Shown(self.0))
    }
}

impl<'m> Str<'m> {
    /// The bytes between the quotes, with their escapes.
    #[must_use]
    pub const fn escaped(&self) -> &'m [u8] {
        self.0
    }

    /// The text, if it has no escapes. Cost: one pass that looks for a backslash, and one that checks UTF-8.
    #[must_use]
    pub fn as_plain(&self) -> Option<&'m str> {
        if self.0.contains(&b'\\') { None } else { core::str::from_utf8(self.0).ok() }
    }

    /// Whether the unescaped text is `other`. Needs no buffer. Cost: one pass.
    #[must_use]
    #[inline]
    pub fn is(&self, other: &str) -> bool {
        if self.0.len() == other.len() {
            // An escape is longer than the character that it stands for. `other` is often a constant.
            return self.0 == other.as_bytes() && !other.bytes().any(|b| b == b'\\');
        }
        self.0.len() > other.len() && self.is_escaped(other)
    }

    /// As [`is`](Self::is), for a string that is longer than `other`.
    fn is_escaped(&self, other: &str) -> bool {
        // Not `Iterator::eq`, which compiles the reading of an escape into itself. Without an escape this ends with `other` at the latest.
        let mut chars = self.chars();
        other.chars().all(|c| chars.next() == Some(c)) && chars.next().is_none()
    }

    /// The characters of the unescaped text.
    #[must_use]
    pub const fn chars(&self) -> Chars<'m> {
        Chars(self.0)
    }

    /// Unescapes the string into `memory`. The length of [`escaped`](Self::escaped) is always enough.
    ///
    /// # Errors
    /// [`Capacity`] with the exact need. The memory then holds a part of the text.
    pub fn unescape_into<'b>(&self, memory: &'b mut [u8]) -> Result<&'b str, Capacity> {
        Ok(core::str::from_utf8(self.unescape(memory)?).unwrap_or_default())
    }

    /// As [`unescape_into`](Self::unescape_into), as bytes. They are UTF-8, and nothing checks it.
    pub(crate) fn unescape<'b>(&self, memory: &'b mut [u8]) -> Result<&'b mut [u8], Capacity> {
        let mut writer = Writer::new(memory);
        let mut rest = self.0;
        while let Some(at) = rest.iter().position(|&b| b == b'\\') {
            let (plain, escaped) = rest.split_at_checked(at).unwrap_or_default();
            writer.push(plain);
            let mut chars = Chars(escaped);
            if let Some(c) = chars.next() {
                writer.push(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            rest = chars.0;
        }
        writer.push(rest);
        writer.finish()
    }
}

/// Iterates over the characters of the unescaped text of a [`Str`].
#[derive(Clone, Debug)]
pub struct Chars<'m>(&'m [u8]);

impl Chars<'_> {
    fn unit(&mut self) -> Option<u32> {
        let (digits, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        digits.iter().try_fold(0, |unit, &d| Some(unit << 4 | u32::from(hex(d)?)))
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn continued(&mut self, lead: u32) -> Option<u32> {
        Some(lead << 6 | u32::from(self.byte()? & 0x3f))
    }
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let scalar = match self.byte()? {
            b'\\' => match self.byte()? {
                b'b' => 0x08,
                b'f' => 0x0c,
                b'n' => 0x0a,
                b'r' => 0x0d,
                b't' => 0x09,
                b'u' => {
                    let unit = self.unit()?;
                    if unit & 0xfc00 == 0xd800 {
                        self.0 = self.0.strip_prefix(b"\\u")?;
                        let low = self.unit()?;
                        0x1_0000_u32.wrapping_add((unit & 0x3ff) << 10 | low & 0x3ff)
                    } else {
                        unit
                    }
                }
                plain => u32::from(plain),
            },
            ascii @ 0..=0x7f => u32::from(ascii),
            lead @ 0x80..=0xdf => self.continued(u32::from(lead & 0x1f))?,
            lead @ 0xe0..=0xef => {
                let lead = self.continued(u32::from(lead & 0x0f))?;
                self.continued(lead)?
            }
            lead => {
                let lead = self.continued(u32::from(lead & 0x07))?;
                let lead = self.continued(lead)?;
                self.continued(lead)?
            }
        };
        char::from_u32(scalar)
    }
}
