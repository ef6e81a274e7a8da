use super::{
    Error, ErrorKind, Str,
    number::{self, Integer},
    scan::{Known, NONE, Whole, is_blank, scan, value_end},
    shown::Shown,
};
use core::fmt;

/// The type of a [`Value`].
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

/// One valid JSON value, borrowed from the text that it was parsed from.
///
/// `==` compares the text, so `1.0` and `1.00` are different.
///
/// ```
/// use sansocket::json::{ErrorKind, Kind, Value};
///
/// let value = Value::parse(br#" {"on":true,"n":-1,"list":[3,"x"]} "#)?;
/// assert_eq!((value.kind(), value.members().count()), (Kind::Object, 3));
/// assert_eq!(value.get("on").and_then(|v| v.as_bool()), Some(true));
/// assert_eq!(value.get("n").map(|v| (v.as_u64(), v.as_i64(), v.as_f64())), Some((None, Some(-1), Some(-1.0))));
/// let list = value.get("list").unwrap();
/// assert_eq!((list.raw(), list.elements().is_empty()), (&br#"[3,"x"]"#[..], false));
///
/// let error = Value::parse(b"[1,]").unwrap_err();
/// assert_eq!((error.kind, error.at), (ErrorKind::Syntax, 3));
/// assert_eq!(error.to_string(), "invalid JSON at byte 3");
/// # Ok::<(), sansocket::json::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Value<'m>(pub(super) &'m [u8]);

impl<'m> Value<'m> {
    /// Parses exactly one value, with or without white space around it. `text` must be UTF-8, as the text of a WebSocket message is. One pass, no
    /// recursion.
    ///
    /// # Errors
    /// [`Error`] with the reason and the offset.
    pub fn parse(text: &'m [u8]) -> Result<Self, Error> {
        Self::parse_with(text, NONE)
    }

    pub(crate) fn parse_with(text: &'m [u8], known: Known) -> Result<Self, Error> {
        let scanned = scan(text, Whole::Value, known)?;
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

    /// The string, if the value is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<Str<'m>> {
        Some(Str(self.0.strip_prefix(b"\"")?.strip_suffix(b"\"")?))
    }

    /// The boolean, if the value is `true` or `false`.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.0 {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// The number, if it is written without sign, fraction and exponent, and is below 2^64. `1.0` and `1e3` are `None`.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match number::integer(self.0)? {
            Integer::Unsigned(n) => Some(n),
            Integer::Signed(_) => None,
        }
    }

    /// The number, if it is written without fraction and exponent, and is in the range of `i64`. `1.0` and `1e3` are `None`; `-0` is 0.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match number::integer(self.0)? {
            Integer::Unsigned(n) => i64::try_from(n).ok(),
            Integer::Signed(n) => Some(n),
        }
    }

    /// The nearest `f64` (ties to even), if the value is a number. `None` if that would be infinite, as for `1e999`. `-0` is -0.0. Integers above
    /// 2^53 are rounded.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        number::float(self.0)
    }

    /// The elements of an array. Empty if the value is not an array.
    #[must_use]
    pub fn elements(&self) -> Elements<'m> {
        let inside = self.0.strip_prefix(b"[").and_then(|r| r.strip_suffix(b"]"));
        Elements(trim(inside.unwrap_or_default()))
    }

    /// The members of an object. Empty if the value is not an object.
    #[must_use]
    pub fn members(&self) -> Members<'m> {
        let inside = self.0.strip_prefix(b"{").and_then(|r| r.strip_suffix(b"}"));
        Members(trim(inside.unwrap_or_default()))
    }

    /// The value of the first member with this key. Keys are compared unescaped. Cost: one pass over the members before it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Self> {
        self.members().find(|(k, _)| k.is(key)).map(|(_, value)| value)
    }
}

/// A valid JSON array that knows where its first element ends. The payload of a Socket.IO event is such an array: its first element is the name.
///
/// ```
/// use sansocket::json::{Array, ErrorKind};
///
/// let array = Array::parse(br#"["greet","Ann",3]"#)?;
/// assert!(array.first().and_then(|name| name.as_str()).is_some_and(|name| name.is("greet")));
/// assert_eq!((array.rest().raw(), array.elements().count()), (&br#""Ann",3"#[..], 3));
/// assert_eq!(Array::parse(b"{}").unwrap_err().kind, ErrorKind::Type);
/// # Ok::<(), sansocket::json::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Array<'m> {
    inside: &'m [u8],
    first: &'m [u8],
    rest: &'m [u8],
}

impl<'m> Array<'m> {
    /// Parses exactly one array, with or without white space around it. `text` must be UTF-8, as the text of a WebSocket message is. One pass, no
    /// recursion.
    ///
    /// # Errors
    /// [`Error`] with the reason and the offset; [`ErrorKind::Type`] if the value is not an array.
    pub fn parse(text: &'m [u8]) -> Result<Self, Error> {
        Self::parse_with(text, NONE)
    }

    pub(crate) fn parse_with(text: &'m [u8], known: Known) -> Result<Self, Error> {
        let scanned = scan(text, Whole::Value, known)?;
        if text.get(scanned.from) != Some(&b'[') {
            return Err(Error { kind: ErrorKind::Type, at: scanned.from });
        }
        let end = scanned.to.saturating_sub(1);
        let Some((from, to, next)) = scanned.first else { return Ok(Self { inside: b"", first: b"", rest: b"" }) };
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        Ok(Self { inside: trim(part(from, end)), first: part(from, to), rest: trim(part(next, end)) })
    }

    /// The lengths of the inside, of the first element, and of the other elements.
    pub(crate) const fn lengths(&self) -> [usize; 3] {
        [self.inside.len(), self.first.len(), self.rest.len()]
    }

    /// The array from a copy of its inside and its [`lengths`](Self::lengths).
    pub(crate) fn of(inside: &'m [u8], first: usize, rest: usize) -> Self {
        let rest = inside.len().saturating_sub(rest);
        Self { inside, first: inside.get(..first).unwrap_or_default(), rest: inside.get(rest..).unwrap_or_default() }
    }

    /// The first element, if there is one.
    #[must_use]
    pub const fn first(&self) -> Option<Value<'m>> {
        if self.first.is_empty() { None } else { Some(Value(self.first)) }
    }

    /// The elements after the first.
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

/// Iterates over the elements of an [`Array`] or of a [`Value`], all or those after the first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Elements<'m>(pub(super) &'m [u8]);

impl<'m> Elements<'m> {
    /// The text between the brackets, with the commas.
    #[must_use]
    pub const fn raw(&self) -> &'m [u8] {
        self.0
    }

    /// Whether there are no elements.
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

/// Iterates over the members of an object, keys and values in order. See [`Value`].
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
        $(/// Prints the JSON text.
        impl fmt::Debug for $type<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({:?})"), Shown(self.$text))
            }
        })*
    };
}

shows_its_text!(Value 0 Array inside Elements 0 Members 0);

/// The text after a separator and the white space around it.
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
