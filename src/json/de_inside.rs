//! The contents of arrays, objects and enums, and the keys of maps.

use super::{
    DeserializeError, DeserializeErrorKind,
    de::{Deserializer, Result, Unescaped, forward, no_integer, numbers, visit},
    lexeme::is_number,
    number::{self, Integer},
};
use serde::de::{self, DeserializeSeed, Visitor};

/// The elements of an array or the members of an object, after the opening bracket.
pub(super) struct Inside<'d, 'de> {
    de: &'d mut Deserializer<'de>,
    is_first: bool,
}

impl<'d, 'de> Inside<'d, 'de> {
    pub(super) const fn new(de: &'d mut Deserializer<'de>) -> Self {
        Self { de, is_first: true }
    }

    /// Moves to the next element or member. Returns `false` at `close`.
    #[inline]
    fn advance(&mut self, close: u8) -> Result<bool> {
        let scanner = &mut self.de.scanner;
        scanner.blanks();
        if scanner.peek().is_none_or(|b| b == close) {
            return Ok(false);
        }
        if !core::mem::take(&mut self.is_first) {
            self.de.require(b',', DeserializeErrorKind::Type)?;
            self.de.scanner.blanks();
        }
        Ok(true)
    }
}

impl<'de> de::SeqAccess<'de> for Inside<'_, 'de> {
    type Error = DeserializeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if !self.advance(b']')? {
            return Ok(None);
        }
        let at = self.de.scanner.at();
        seed.deserialize(&mut *self.de).map(Some).map_err(|e: DeserializeError| e.placed(at))
    }
}

impl<'de> de::MapAccess<'de> for Inside<'_, 'de> {
    type Error = DeserializeError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if !self.advance(b'}')? {
            return Ok(None);
        }
        let at = self.de.scanner.at();
        seed.deserialize(Key(&mut *self.de)).map(Some).map_err(|e: DeserializeError| e.placed(at))
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        value(self.de, seed)
    }
}

/// The value after a key and its colon.
#[inline]
fn value<'de, S: DeserializeSeed<'de>>(de: &mut Deserializer<'de>, seed: S) -> Result<S::Value> {
    de.scanner.blanks();
    de.require(b':', DeserializeErrorKind::Type)?;
    de.scanner.blanks();
    let at = de.scanner.at();
    seed.deserialize(&mut *de).map_err(|e: DeserializeError| e.placed(at))
}

/// A map key: a string, or the number or boolean inside the string.
struct Key<'d, 'de>(&'d mut Deserializer<'de>);

impl<'de> Key<'_, 'de> {
    fn number(self) -> Result<(&'de [u8], usize)> {
        let error = self.0.error(DeserializeErrorKind::Type);
        let (raw, _) = self.0.quoted()?;
        if is_number(raw) { Ok((raw, error.at)) } else { Err(error) }
    }
}

impl<'de> de::Deserializer<'de> for Key<'_, 'de> {
    type Error = DeserializeError;

    forward! {
        deserialize_char => deserialize_string;
        deserialize_identifier => deserialize_string;
        deserialize_byte_buf => deserialize_bytes;
        deserialize_any => deserialize_str;
        deserialize_unit => deserialize_str;
        deserialize_unit_struct(name: &'static str) => deserialize_str;
        deserialize_seq => deserialize_str;
        deserialize_tuple(len: usize) => deserialize_str;
        deserialize_tuple_struct(name: &'static str, len: usize) => deserialize_str;
        deserialize_map => deserialize_str;
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) => deserialize_str;
    }

    numbers!();

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let error = self.0.error(DeserializeErrorKind::Type);
        match self.0.quoted()?.0 {
            b"true" => visitor.visit_bool(true),
            b"false" => visitor.visit_bool(false),
            _ => Err(error),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.text(Unescaped::Kept, visitor)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.text(Unescaped::Copied, visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(Unit(self.0))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.quoted()?;
        visitor.visit_unit()
    }
}

/// A variant without content: a string.
pub(super) struct Unit<'d, 'de>(pub(super) &'d mut Deserializer<'de>);

impl<'de> de::EnumAccess<'de> for Unit<'_, 'de> {
    type Error = DeserializeError;
    type Variant = Nothing;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Nothing)> {
        Ok((seed.deserialize(self.0)?, Nothing))
    }
}

/// The content of a variant without content.
pub(super) struct Nothing;

impl Nothing {
    fn refuse<T>() -> Result<T> {
        Err(de::Error::invalid_type(de::Unexpected::UnitVariant, &"a variant with content"))
    }
}

impl<'de> de::VariantAccess<'de> for Nothing {
    type Error = DeserializeError;

    fn unit_variant(self) -> Result<()> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value> {
        Self::refuse()
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value> {
        Self::refuse()
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value> {
        Self::refuse()
    }
}

/// A variant with content: an object with one member.
pub(super) struct Enum<'d, 'de>(pub(super) &'d mut Deserializer<'de>);

impl<'de> de::EnumAccess<'de> for Enum<'_, 'de> {
    type Error = DeserializeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        Ok((seed.deserialize(Key(&mut *self.0))?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Enum<'_, 'de> {
    type Error = DeserializeError;

    fn unit_variant(self) -> Result<()> {
        value(self.0, core::marker::PhantomData)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        value(self.0, seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        value(self.0, Elements(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        value(self.0, Fields(fields, visitor))
    }
}

struct Elements<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Elements<V> {
    type Value = V::Value;

    fn deserialize<D: de::Deserializer<'de>>(self, de: D) -> core::result::Result<V::Value, D::Error> {
        de.deserialize_seq(self.0)
    }
}

struct Fields<V>(&'static [&'static str], V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Fields<V> {
    type Value = V::Value;

    fn deserialize<D: de::Deserializer<'de>>(self, de: D) -> core::result::Result<V::Value, D::Error> {
        de.deserialize_struct("", self.0, self.1)
    }
}
