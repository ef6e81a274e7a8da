//! A serde `Deserializer` over text that was parsed already. It does not check syntax. It recurses as deep as the caller's type does, at most
//! [`DEPTH`](super::DEPTH) levels.

use super::{
    DeserializeError, DeserializeErrorKind, Str,
    de_inside::{Enum, Inside, Unit},
    number::{self, Integer},
    scan::{Scanner, value_end},
};
use crate::bytes::{Capacity, IS_WIDE};
use serde::de::{self, Visitor};

pub(super) type Result<T> = core::result::Result<T, DeserializeError>;

pub(super) struct Deserializer<'de> {
    pub(super) scanner: Scanner<'de>,
    /// The whole text. Empty where flash is dear: there each string is checked by itself.
    text: &'de str,
    /// The memory that is free for unescaped strings.
    memory: &'de mut [u8],
    available: usize,
}

/// Where an unescaped string is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unescaped {
    /// The visitor copies it, so the memory can be used again.
    Copied,
    /// It stays in the memory while the value lives.
    Kept,
}

impl<'de> Deserializer<'de> {
    pub(super) fn new(text: &'de [u8], memory: &'de mut [u8]) -> Self {
        let (scanner, available) = (Scanner::new(text), memory.len());
        let text = if IS_WIDE { core::str::from_utf8(text).unwrap_or_default() } else { "" };
        Self { scanner, text, memory, available }
    }

    pub(super) fn error(&self, kind: DeserializeErrorKind) -> DeserializeError {
        DeserializeError { kind, at: self.scanner.at() }
    }

    /// Reads `byte`. Any other byte is an error of `kind`.
    pub(super) fn require(&mut self, byte: u8, kind: DeserializeErrorKind) -> Result<()> {
        if self.scanner.eat(byte) { Ok(()) } else { Err(self.error(kind)) }
    }

    /// Reads a string. Returns the text between the quotes, and whether it has escapes.
    pub(super) fn quoted(&mut self) -> Result<(&'de [u8], bool)> {
        if self.scanner.peek() != Some(b'"') {
            return Err(self.error(DeserializeErrorKind::Type));
        }
        Ok(self.scanner.quoted())
    }

    /// Reads a string that has no escapes. `None` for anything else, of which nothing is read.
    fn plain(&mut self) -> Option<&'de str> {
        self.scanner.plain(self.text)
    }

    #[inline]
    pub(super) fn text<V: Visitor<'de>>(&mut self, unescaped: Unescaped, visitor: V) -> Result<V::Value> {
        let at = self.scanner.at();
        if IS_WIDE && let Some(plain) = self.plain() {
            return visitor.visit_borrowed_str(plain).map_err(|e: DeserializeError| e.placed(at));
        }
        let (raw, has_escapes) = self.quoted()?;
        let visited = if !has_escapes {
            visitor.visit_borrowed_str(utf8(raw, at)?)
        } else if unescaped == Unescaped::Kept {
            visitor.visit_borrowed_str(self.keep(raw, at)?)
        } else {
            visitor.visit_str(self.copy(raw, at)?)
        };
        visited.map_err(|e: DeserializeError| e.placed(at))
    }

    pub(super) fn bytes<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let at = self.scanner.at();
        let (raw, has_escapes) = self.quoted()?;
        let bytes = if has_escapes { self.keep(raw, at)?.as_bytes() } else { raw };
        visitor.visit_borrowed_bytes(bytes).map_err(|e: DeserializeError| e.placed(at))
    }

    #[cold]
    fn copy(&mut self, raw: &[u8], at: usize) -> Result<&str> {
        let (needed, available) = (self.scanner.len(), self.available);
        let error = |_| DeserializeError { kind: DeserializeErrorKind::Capacity(Capacity { needed, available }), at };
        utf8(Str(raw).unescape(self.memory).map_err(error)?, at)
    }

    #[cold]
    fn keep(&mut self, raw: &[u8], at: usize) -> Result<&'de str> {
        let len = self.copy(raw, at)?.len();
        let (kept, rest) = core::mem::take(&mut self.memory).split_at_mut_checked(len).unwrap_or_default();
        self.memory = rest;
        utf8(kept, at)
    }

    /// Reads a number.
    fn number(&mut self) -> Result<(&'de [u8], usize)> {
        let at = self.scanner.at();
        Ok((self.scanner.token(), at))
    }
}

fn utf8(bytes: &[u8], at: usize) -> Result<&str> {
    core::str::from_utf8(bytes).map_err(|_| DeserializeError { kind: DeserializeErrorKind::Type, at })
}

/// Passes `number` to the visitor. Without a number the error is `kind` if `text` is a number, else `Type`.
#[inline]
pub(super) fn visit<N, T>(
    number: Option<N>,
    (text, at): (&[u8], usize),
    kind: DeserializeErrorKind,
    visit: impl FnOnce(N) -> Result<T>,
) -> Result<T> {
    match number {
        Some(number) => visit(number).map_err(|e: DeserializeError| e.placed(at)),
        None if matches!(text.first(), Some(b'-' | b'0'..=b'9')) => Err(DeserializeError { kind, at }),
        None => Err(DeserializeError { kind: DeserializeErrorKind::Type, at }),
    }
}

/// Why a number is not an integer of 64 bits.
pub(super) fn no_integer(text: &[u8]) -> DeserializeErrorKind {
    if number::is_integer(text) { DeserializeErrorKind::Value } else { DeserializeErrorKind::Type }
}

/// The methods that read numbers, for a type with a method `number` that returns the text of a number and its offset.
macro_rules! numbers {
    (integers: $($method:ident)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let text = self.number()?;
            visit(number::integer(text.0), text, no_integer(text.0), |n| match n {
                Integer::Unsigned(n) => visitor.visit_u64(n),
                Integer::Signed(n) => visitor.visit_i64(n),
            })
        })*
    };
    (others: $($method:ident $parse:expr, $kind:expr, $visit:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let text = self.number()?;
            visit($parse(text.0), text, $kind(text.0), |n| visitor.$visit(n))
        })*
    };
    () => {
        numbers!(integers: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
            deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64);
        numbers!(others:
            deserialize_i128 number::parse, no_integer, visit_i128;
            deserialize_u128 number::parse, no_integer, visit_u128;
            deserialize_f32 number::float32, |_| DeserializeErrorKind::Value, visit_f32;
            deserialize_f64 number::float, |_| DeserializeErrorKind::Value, visit_f64;
        );
    };
}
pub(super) use numbers;

/// Methods that call another method.
macro_rules! forward {
    ($($method:ident $(($($name:ident: $type:ty),*))? => $to:ident;)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, $($($name: $type,)*)? visitor: V) -> Result<V::Value> {
            $($(let _ = $name;)*)?
            self.$to(visitor)
        })*
    };
}
pub(super) use forward;

impl<'de> de::Deserializer<'de> for &mut Deserializer<'de> {
    type Error = DeserializeError;

    numbers!();

    forward! {
        deserialize_char => deserialize_string;
        deserialize_identifier => deserialize_string;
        deserialize_byte_buf => deserialize_bytes;
        deserialize_unit_struct(name: &'static str) => deserialize_unit;
        deserialize_tuple(len: usize) => deserialize_seq;
        deserialize_tuple_struct(name: &'static str, len: usize) => deserialize_seq;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.scanner.peek() {
            Some(b'"') => self.deserialize_str(visitor),
            Some(b'[') => self.deserialize_seq(visitor),
            Some(b'{') => self.deserialize_map(visitor),
            Some(b't' | b'f') => self.deserialize_bool(visitor),
            Some(b'n') => self.deserialize_unit(visitor),
            _ => {
                let text = self.number()?;
                match number::integer(text.0) {
                    Some(Integer::Unsigned(n)) => visitor.visit_u64(n).map_err(|e: DeserializeError| e.placed(text.1)),
                    Some(Integer::Signed(n)) if n < 0 => {
                        visitor.visit_i64(n).map_err(|e: DeserializeError| e.placed(text.1))
                    }
                    // A fraction, an exponent, -0, or beyond 64 bits.
                    _ => visit(number::float(text.0), text, DeserializeErrorKind::Value, |n| visitor.visit_f64(n)),
                }
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let error = self.error(DeserializeErrorKind::Type);
        match self.scanner.token() {
            b"true" => visitor.visit_bool(true),
            b"false" => visitor.visit_bool(false),
            _ => return Err(error),
        }
        .map_err(|e: DeserializeError| e.placed(error.at))
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.text(Unescaped::Kept, visitor)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.text(Unescaped::Copied, visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.scanner.peek() == Some(b'[') {
            return self.deserialize_seq(visitor);
        }
        self.bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.scanner.peek() != Some(b'n') {
            return visitor.visit_some(self);
        }
        let at = self.scanner.at();
        self.scanner.token();
        visitor.visit_none().map_err(|e: DeserializeError| e.placed(at))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let error = self.error(DeserializeErrorKind::Type);
        if self.scanner.token() != b"null" {
            return Err(error);
        }
        visitor.visit_unit().map_err(|e: DeserializeError| e.placed(error.at))
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        let at = self.scanner.at();
        visitor.visit_newtype_struct(self).map_err(|e: DeserializeError| e.placed(at))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let at = self.scanner.at();
        self.require(b'[', DeserializeErrorKind::Type)?;
        let value = visitor.visit_seq(Inside::new(self)).map_err(|e: DeserializeError| e.placed(at))?;
        self.scanner.blanks();
        self.require(b']', DeserializeErrorKind::Length)?;
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let at = self.scanner.at();
        self.require(b'{', DeserializeErrorKind::Type)?;
        let value = visitor.visit_map(Inside::new(self)).map_err(|e: DeserializeError| e.placed(at))?;
        self.scanner.blanks();
        self.require(b'}', DeserializeErrorKind::Length)?;
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        if self.scanner.peek() == Some(b'[') { self.deserialize_seq(visitor) } else { self.deserialize_map(visitor) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let at = self.scanner.at();
        if self.scanner.peek() == Some(b'"') {
            return visitor.visit_enum(Unit(self)).map_err(|e: DeserializeError| e.placed(at));
        }
        self.require(b'{', DeserializeErrorKind::Type)?;
        self.scanner.blanks();
        let value = visitor.visit_enum(Enum(self)).map_err(|e: DeserializeError| e.placed(at))?;
        self.scanner.blanks();
        self.require(b'}', DeserializeErrorKind::Length)?;
        Ok(value)
    }

    /// Skips the value without recursion.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.scanner.skip(value_end(self.scanner.rest()));
        visitor.visit_unit()
    }
}
