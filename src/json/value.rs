use super::{
    Error, ErrorKind, Str,
    number::{self, Integer},
    scan::{DEPTH, Known, List, NONE, Scanner, is_blank, value_end, whole},
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
        let (from, to) = whole(text, |s| {
            let from = s.at();
            s.value(DEPTH, known)?;
            Ok((from, s.at()))
        })?;
        Ok(Self(text.get(from..to).unwrap_or_default()))
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
        Elements::of(trim(inside.unwrap_or_default()))
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
    layout: Layout,
}

/// Where the first two elements are inside of an [`Array`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The length of the first element.
    first: usize,
    /// Where the second element begins; the length of the inside if there is only one.
    rest: usize,
    /// The length of the second element.
    second: usize,
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
        let (from, list) = whole(text, |s| Self::read(s, known))?;
        let Some(List { first, second, end }) = list else {
            return Err(Error { kind: ErrorKind::Type, at: from });
        };
        let layout = Layout {
            first: first.1.wrapping_sub(first.0),
            rest: second.0.wrapping_sub(first.0),
            second: second.1.wrapping_sub(second.0),
        };
        Ok(Self { inside: text.get(first.0..end).unwrap_or_default(), layout })
    }

    /// Reads a value. Returns where it begins, and its elements if it is an array.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    fn read(s: &mut Scanner<'_>, known: Known) -> Result<(usize, Option<List>), ErrorKind> {
        let from = s.at();
        if !s.eat(b'[') {
            s.value(DEPTH, known)?;
            return Ok((from, None));
        }
        s.blanks();
        let list = if s.peek() == Some(b']') { List::default() } else { s.list(DEPTH.saturating_sub(1), known)? };
        if s.eat(b']') { Ok((from, Some(list))) } else { Err(ErrorKind::Syntax) }
    }

    pub(crate) const fn layout(&self) -> Layout {
        self.layout
    }

    /// The array from a copy of its inside and its [`layout`](Self::layout).
    pub(crate) const fn of(inside: &'m [u8], layout: Layout) -> Self {
        Self { inside, layout }
    }

    /// The first element, if there is one.
    #[must_use]
    pub const fn first(&self) -> Option<Value<'m>> {
        match self.inside.split_at_checked(self.layout.first) {
            Some((first, _)) if !first.is_empty() => Some(Value(first)),
            _ => None,
        }
    }

    /// The elements after the first.
    #[must_use]
    pub const fn rest(&self) -> Elements<'m> {
        match self.inside.split_at_checked(self.layout.rest) {
            Some((_, text)) => Elements { text, next: self.layout.second },
            None => Elements::of(b""),
        }
    }

    /// All elements.
    #[must_use]
    pub const fn elements(&self) -> Elements<'m> {
        Elements { text: self.inside, next: self.layout.first }
    }
}

/// Iterates over the elements of an [`Array`] or of a [`Value`], all or those after the first.
#[derive(Clone, Copy)]
pub struct Elements<'m> {
    text: &'m [u8],
    /// The length of the next element; 0 if it is not known.
    next: usize,
}

/// Compares the text.
impl PartialEq for Elements<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Elements<'_> {}

impl<'m> Elements<'m> {
    const fn of(text: &'m [u8]) -> Self {
        Self { text, next: 0 }
    }

    /// The text between the brackets, with the commas.
    #[must_use]
    pub const fn raw(&self) -> &'m [u8] {
        self.text
    }

    /// Whether there are no elements.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl<'m> Iterator for Elements<'m> {
    type Item = Value<'m>;

    fn next(&mut self) -> Option<Value<'m>> {
        if self.text.is_empty() {
            return None;
        }
        let len = if self.next == 0 { value_end(self.text) } else { self.next };
        let (value, rest) = self.text.split_at_checked(len)?;
        *self = Self::of(behind(rest, b','));
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

shows_its_text!(Value 0 Array inside Elements text Members 0);

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
