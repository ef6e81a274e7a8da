use super::{
    Error, ErrorKind, Str,
    number::{self, Integer},
    scan::{Known, Whole, is_blank, scan, value_end},
    shown::Shown,
};
use core::fmt;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// One valid value, borrowed from the text that it was parsed from.
///
/// `==` compares the text, so `1.0` and `1.00` are different.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Value<'m>(pub(super) &'m [u8]);

impl<'m> Value<'m> {
    /// Checks that `text` is exactly one value, with or without white space around it. `text` must be UTF-8, as WebSocket text is. One pass, no
    /// recursion.
    ///
    /// # Errors
    /// [`Error`] with what is wrong and where.
    pub fn parse(text: &'m [u8]) -> Result<Self, Error> {
        Self::parse_with::<()>(text)
    }

    pub(crate) fn parse_with<K: Known>(text: &'m [u8]) -> Result<Self, Error> {
        let scanned = scan::<K>(text, Whole::Value)?;
        Ok(Self(text.get(scanned.from..scanned.to).unwrap_or_default()))
    }

    /// The type of the value.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.0.first() {
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    /// The JSON text as it is on the wire, without white space around it.
    #[must_use]
    pub const fn raw(&self) -> &'m [u8] {
        self.0
    }

    /// The string, if the value is one.
    #[must_use]
    pub fn as_str(&self) -> Option<Str<'m>> {
        Some(Str(self.0.strip_prefix(b"\"")?.strip_suffix(b"\"")?))
    }

    /// The boolean, if the value is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.0 {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// The number, if it is written without sign, fraction and exponent, and is below 2^64. Exact: `1.0` and `1e3` are `None`.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match number::integer(self.0)? {
            Integer::Unsigned(n) => Some(n),
            Integer::Signed(_) => None,
        }
    }

    /// The number, if it is written without fraction and exponent, and is in the range of `i64`. Exact: `1.0` and `1e3` are `None`; `-0` is 0.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match number::integer(self.0)? {
            Integer::Unsigned(n) => i64::try_from(n).ok(),
            Integer::Signed(n) => Some(n),
        }
    }

    /// The nearest `f64` (ties to even), if the value is a number; `None` if that would be infinite, as for `1e999`. `-0` is -0.0, and integers
    /// beyond 2^53 are rounded.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        number::float(self.0)
    }

    /// The elements, if the value is an array; otherwise none.
    #[must_use]
    pub fn elements(&self) -> Elements<'m> {
        let inside = self.0.strip_prefix(b"[").and_then(|r| r.strip_suffix(b"]"));
        Elements(trim(inside.unwrap_or_default()))
    }

    /// The members, if the value is an object; otherwise none.
    #[must_use]
    pub fn members(&self) -> Members<'m> {
        let inside = self.0.strip_prefix(b"{").and_then(|r| r.strip_suffix(b"}"));
        Members(trim(inside.unwrap_or_default()))
    }

    /// The value of the first member with this key, compared unescaped. Cost: one pass over the members in front of it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Self> {
        self.members().find(|(k, _)| k.is(key)).map(|(_, value)| value)
    }
}

/// A valid array that knows where its first element ends: the payload of an event, whose first element is the name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Array<'m> {
    inside: &'m [u8],
    first: &'m [u8],
    rest: &'m [u8],
}

impl<'m> Array<'m> {
    /// Checks that `text` is exactly one array, with or without white space around it. `text` must be UTF-8, as WebSocket text is. One pass, no
    /// recursion.
    ///
    /// # Errors
    /// [`Error`] with what is wrong and where; [`ErrorKind::Type`] if the value is not an array.
    pub fn parse(text: &'m [u8]) -> Result<Self, Error> {
        Self::parse_with::<()>(text)
    }

    pub(crate) fn parse_with<K: Known>(text: &'m [u8]) -> Result<Self, Error> {
        let scanned = scan::<K>(text, Whole::Value)?;
        if text.get(scanned.from) != Some(&b'[') {
            return Err(Error { kind: ErrorKind::Type, at: scanned.from });
        }
        let end = scanned.to.saturating_sub(1);
        let Some((from, to, next)) = scanned.first else { return Ok(Self { inside: b"", first: b"", rest: b"" }) };
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        Ok(Self { inside: trim(part(from, end)), first: part(from, to), rest: trim(part(next, end)) })
    }

    /// Its length without the brackets, that of the first element, and that of those behind it.
    pub(crate) const fn lengths(&self) -> [usize; 3] {
        [self.inside.len(), self.first.len(), self.rest.len()]
    }

    /// The array again from a copy of its inside and its [`lengths`](Self::lengths).
    pub(crate) fn of(inside: &'m [u8], first: usize, rest: usize) -> Self {
        let rest = inside.len().saturating_sub(rest);
        Self { inside, first: inside.get(..first).unwrap_or_default(), rest: inside.get(rest..).unwrap_or_default() }
    }

    /// The first element.
    #[must_use]
    pub const fn first(&self) -> Option<Value<'m>> {
        if self.first.is_empty() { None } else { Some(Value(self.first)) }
    }

    /// The elements behind the first.
    #[must_use]
    pub const fn rest(&self) -> Elements<'m> {
        Elements(self.rest)
    }

    /// All elements.
    #[must_use]
    pub const fn elements(&self) -> Elements<'m> {
        Elements(self.inside)
    }
}

/// The elements of an array, or those behind its first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Elements<'m>(pub(super) &'m [u8]);

impl<'m> Elements<'m> {
    /// As they stand between the brackets, with their commas.
    #[must_use]
    pub const fn raw(&self) -> &'m [u8] {
        self.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'m> Iterator for Elements<'m> {
    type Item = Value<'m>;

    fn next(&mut self) -> Option<Value<'m>> {
        if self.0.is_empty() {
            return None;
        }
        let (value, rest) = self.0.split_at_checked(value_end(self.0))?;
        self.0 = behind(rest, b',');
        Some(Value(value))
    }
}

/// The members of an object: keys and values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Members<'m>(&'m [u8]);

impl<'m> Iterator for Members<'m> {
    type Item = (Str<'m>, Value<'m>);

    fn next(&mut self) -> Option<(Str<'m>, Value<'m>)> {
        if self.0.is_empty() {
            return None;
        }
        let (key, rest) = self.0.split_at_checked(value_end(self.0))?;
        let rest = behind(rest, b':');
        let (value, rest) = rest.split_at_checked(value_end(rest))?;
        self.0 = behind(rest, b',');
        Some((Value(key).as_str()?, Value(value)))
    }
}

macro_rules! shows_its_text {
    ($($type:ident $text:tt)*) => {
        $(/// Shows the JSON text.
        impl fmt::Debug for $type<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({:?})"), Shown(self.$text))
            }
        })*
    };
}

shows_its_text!(Value 0 Array inside Elements 0 Members 0);

/// What follows a separator and the blanks around it.
fn behind(text: &[u8], separator: u8) -> &[u8] {
    let text = trim(text);
    trim(text.strip_prefix(&[separator]).unwrap_or(text))
}

/// `text` without blanks around it.
pub(super) const fn trim(mut text: &[u8]) -> &[u8] {
    while let Some((&first, rest)) = text.split_first()
        && is_blank(first)
    {
        text = rest;
    }
    while let Some((&last, rest)) = text.split_last()
        && is_blank(last)
    {
        text = rest;
    }
    text
}
