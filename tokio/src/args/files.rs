//! Placeholders: objects in the JSON that stand for an attachment.

use super::wrap::{Context, Wrap};
use sansocket::socketio::Placeholder;
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
        value::CowStrDeserializer,
    },
};
use serde_json::Value;
use std::{borrow::Cow, fmt, iter::Peekable, vec};

const MARK: &str = "_placeholder";
const NUMBER: &str = "num";

impl<'de> Context<'de> {
    fn file<E: Error>(&self, number: u64) -> Result<&'de [u8], E> {
        let file = u8::try_from(number).ok().and_then(|number| self.files.get(Placeholder(number)));
        let file = file.ok_or_else(|| {
            let count = self.files.into_iter().count();
            E::custom(format_args!("placeholder {number} has no attachment: the packet has {count}"))
        })?;
        if self.may_copy(file.len()) {
            Ok(file)
        } else {
            Err(E::custom(format_args!("too many placeholders for the same attachments (the last one is {number})")))
        }
    }
}

/// The visitor of a type that takes bytes. It also takes what serde_json gives for bytes: a string, an array of numbers.
pub(super) struct Bytes<'c, 'de, V> {
    pub(super) visitor: V,
    pub(super) context: &'c Context<'de>,
    /// The type wants bytes of its own.
    pub(super) is_owned: bool,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Bytes<'_, 'de, V> {
    type Value = V::Value;

    crate::args::forward_scalars! { visitor;
        visit_bool(bool) visit_i64(i64) visit_i128(i128) visit_u64(u64) visit_u128(u128) visit_f64(f64) visit_bytes(&[u8])
        visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>) visit_none() visit_unit()
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<V::Value, E> {
        self.visitor.visit_bytes(v.as_bytes())
    }

    fn visit_borrowed_str<E: Error>(self, v: &'de str) -> Result<V::Value, E> {
        self.visitor.visit_borrowed_bytes(v.as_bytes())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        Wrap::new(self.visitor, self.context).visit_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let (mut is_marked, mut number) = (false, None);
        while let Some(Text(key)) = map.next_key()? {
            // If a key is repeated, the last one counts, as in JavaScript.
            match &*key {
                MARK => is_marked = map.next_value::<Value>()? == Value::Bool(true),
                NUMBER => number = map.next_value::<Value>()?.as_u64(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match number {
            Some(number) if is_marked => {
                let file = self.context.file(number)?;
                if self.is_owned {
                    self.visitor.visit_byte_buf(file.to_vec())
                } else {
                    self.visitor.visit_borrowed_bytes(file)
                }
            }
            _ => Err(A::Error::invalid_type(Unexpected::Map, &self.visitor)),
        }
    }
}

/// Gives a visitor that takes any value bytes, if the object is a placeholder that begins with the two keys of placeholders, as all clients write it.
/// Otherwise the visitor gets the object, with what was read of it put back.
pub(super) fn guess<'de, V: Visitor<'de>, A: MapAccess<'de>>(
    visitor: V,
    mut map: A,
    context: &Context<'de>,
) -> Result<V::Value, A::Error> {
    context.guessed();
    let mut read = Vec::new();
    let mut key = map.next_key()?;
    let (mut is_marked, mut number) = (false, None);
    while read.len() < 2
        && let Some(Text(name)) = key.take_if(|Text(name)| name == MARK || name == NUMBER)
    {
        let value: Value = map.next_value()?;
        if name == MARK {
            is_marked = value == Value::Bool(true)
        } else {
            number = value.as_u64()
        }
        read.push((name, value));
        key = map.next_key()?;
    }
    if let Some(number) = number
        && is_marked
    {
        if key.is_some() {
            map.next_value::<IgnoredAny>()?;
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        }
        let file = context.file(number)?;
        return visitor.visit_borrowed_bytes(file).inspect_err(|_| context.refused());
    }
    Wrap::new(visitor, context).visit_map(Again { read: read.into_iter().peekable(), key, map })
}

/// An object of which the front has been read.
struct Again<'de, A> {
    /// Members that have been read.
    read: Peekable<vec::IntoIter<(Cow<'de, str>, Value)>>,
    /// The key behind them.
    key: Option<Text<'de>>,
    map: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Again<'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let key = match self.read.peek() {
            Some((key, _)) => Some(key.clone()),
            None => self.key.take().map(|Text(key)| key),
        };
        match key {
            Some(key) => seed.deserialize(CowStrDeserializer::new(key)).map(Some),
            None => self.map.next_key_seed(seed),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        match self.read.next() {
            Some((_, value)) => seed.deserialize(value.into_deserializer()).map_err(A::Error::custom),
            None => self.map.next_value_seed(seed),
        }
    }
}

/// A key, borrowed if it has no escapes.
struct Text<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: Error>(self, v: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(v)))
            }

            fn visit_str<E: Error>(self, v: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(v.to_owned())))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}
