//! A deserializer around that of serde_json, at every depth: it reads attachments for placeholders, and remembers the path to an error.
//!
//! The path costs nothing until there is an error: it is put together on the way back, from the inside out.

use super::{
    files::{Bytes, guess},
    key::{Key, KeySeed},
};
use sansocket::socketio::Attachments;
use serde::{
    Deserializer,
    de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor},
};
use std::{
    cell::{Cell, RefCell},
    fmt,
};

/// How often the attachments of a packet are copied at most, all together.
const MOST_COPIES: usize = 4;

/// What all deserializers of one attempt share.
pub(super) struct Context<'de> {
    pub(super) files: Attachments<'de>,
    /// Types that take any value are given bytes for a placeholder.
    prefers_bytes: bool,
    /// How many bytes of attachments may still be copied.
    copies: Cell<usize>,
    has_guessed: Cell<bool>,
    is_refused: Cell<bool>,
    /// From the inside out.
    path: RefCell<Vec<Key<'de>>>,
}

impl<'de> Context<'de> {
    pub(super) fn new(files: Attachments<'de>, prefers_bytes: bool) -> Self {
        let path = RefCell::default();
        // Each placeholder is a copy. Clients send an attachment for each, but a hostile one could name a large attachment thousands of times.
        let copies = Cell::new(files.into_iter().map(<[u8]>::len).sum::<usize>().saturating_mul(MOST_COPIES));
        Self { files, prefers_bytes, copies, has_guessed: Cell::default(), is_refused: Cell::default(), path }
    }

    /// Whether `len` bytes more may be copied.
    pub(super) fn may_copy(&self, len: usize) -> bool {
        let rest = self.copies.get().checked_sub(len);
        self.copies.set(rest.unwrap_or(0));
        rest.is_some()
    }

    /// Whether a value that could be anything may be a placeholder.
    pub(super) fn must_guess(&self) -> bool {
        self.prefers_bytes && !self.files.is_empty()
    }

    /// A type that takes any value was given bytes.
    pub(super) fn guessed(&self) {
        self.has_guessed.set(true);
    }

    pub(super) fn has_guessed(&self) -> bool {
        self.has_guessed.get()
    }

    /// A type that takes any value did not take bytes.
    pub(super) fn refused(&self) {
        self.is_refused.set(true);
    }

    pub(super) fn is_refused(&self) -> bool {
        self.is_refused.get()
    }

    fn push(&self, key: Key<'de>) {
        self.path.borrow_mut().push(key);
    }

    /// From the inside out.
    pub(super) fn take_path(&self) -> Vec<Key<'de>> {
        self.path.take()
    }
}

/// A deserializer, a visitor or a seed that hands the context on.
pub(super) struct Wrap<'c, 'de, X> {
    inner: X,
    context: &'c Context<'de>,
}

impl<'c, 'de, X> Wrap<'c, 'de, X> {
    #[inline]
    pub(super) fn new(inner: X, context: &'c Context<'de>) -> Self {
        Self { inner, context }
    }
}

macro_rules! forward {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method($($name,)* visitor)
        })*
    };
}

macro_rules! forward_wrapped {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method($($name,)* Wrap::new(visitor, self.context))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Wrap<'_, 'de, D> {
    type Error = D::Error;

    forward! {
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_identifier();
        deserialize_ignored_any();
    }

    forward_wrapped! {
        deserialize_option();
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(Any(Wrap::new(visitor, self.context)))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(Bytes { visitor, context: self.context, is_owned: false })
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(Bytes { visitor, context: self.context, is_owned: true })
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! forward_scalars {
    ($($inner:tt).+) => {
        crate::args::forward_scalars! { $($inner).+;
            visit_bool(bool) visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128) visit_u8(u8) visit_u16(u16) visit_u32(u32)
            visit_u64(u64) visit_u128(u128) visit_f32(f32) visit_f64(f64) visit_char(char) visit_str(&str) visit_borrowed_str(&'de str)
            visit_string(String) visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>) visit_none() visit_unit()
        }
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Wrap<'_, 'de, V> {
    type Value = V::Value;

    forward_scalars!(inner);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Wrap::new(value, self.context))
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Wrap::new(value, self.context))
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(Seq { inner: seq, context: self.context, index: 0 })
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Map { inner: map, context: self.context, key: Key::Unknown })
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Enum(Wrap::new(data, self.context)))
    }
}

/// A visitor that takes any value: it may take a placeholder as bytes or as an object.
struct Any<'c, 'de, V>(Wrap<'c, 'de, V>);

impl<'de, V: Visitor<'de>> Visitor<'de> for Any<'_, 'de, V> {
    type Value = V::Value;

    forward_scalars!(0.inner);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(value)
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(value)
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(seq)
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let Self(Wrap { inner, context }) = self;
        if context.must_guess() { guess(inner, map, context) } else { Wrap::new(inner, context).visit_map(map) }
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(data)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Wrap<'_, 'de, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Wrap::new(deserializer, self.context))
    }
}

struct Seq<'c, 'de, A> {
    inner: A,
    context: &'c Context<'de>,
    index: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Seq<'_, 'de, A> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let value = self.inner.next_element_seed(Wrap::new(seed, self.context));
        if value.is_err() {
            self.context.push(Key::Index(self.index));
        }
        self.index += 1;
        value
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

struct Map<'c, 'de, A> {
    inner: A,
    context: &'c Context<'de>,
    /// The key of the value that comes next.
    key: Key<'de>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Map<'_, 'de, A> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_key_seed(KeySeed { inner: seed, key: &mut self.key })
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let value = self.inner.next_value_seed(Wrap::new(seed, self.context));
        if value.is_err() {
            self.context.push(std::mem::take(&mut self.key));
        }
        value
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

struct Enum<'c, 'de, A>(Wrap<'c, 'de, A>);

impl<'c, 'de, A: EnumAccess<'de>> EnumAccess<'de> for Enum<'c, 'de, A> {
    type Error = A::Error;
    type Variant = Variant<'c, 'de, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let Self(Wrap { inner, context }) = self;
        let mut key = Key::Unknown;
        let (value, inner) = inner.variant_seed(KeySeed { inner: seed, key: &mut key })?;
        Ok((value, Variant { inner, context, key }))
    }
}

struct Variant<'c, 'de, A> {
    inner: A,
    context: &'c Context<'de>,
    key: Key<'de>,
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Variant<'_, 'de, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let Self { inner, context, key } = self;
        inner.newtype_variant_seed(Wrap::new(seed, context)).inspect_err(|_| context.push(key))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let Self { inner, context, key } = self;
        inner.tuple_variant(len, Wrap::new(visitor, context)).inspect_err(|_| context.push(key))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let Self { inner, context, key } = self;
        inner.struct_variant(fields, Wrap::new(visitor, context)).inspect_err(|_| context.push(key))
    }
}
