//! Reads arguments: serde_json reads each one where it stands, so that there is no second pass to find where it ends.

use super::{
    DecodeError,
    raw::TOKEN,
    renumber::renumber,
    wrap::{Context, Wrap},
};
use sansocket::socketio::{Attachments, Placeholder};
use serde::{
    Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, IgnoredAny, SeqAccess, Visitor, value::BytesDeserializer},
};
use serde_json::de::SliceRead;

type Json<'de> = serde_json::Deserializer<SliceRead<'de>>;
type Error = serde_json::Error;

/// Reads arguments: `json` has the values with commas between them, without brackets, and is valid. A tuple takes one argument for each element (a
/// missing one is `null`), `()` takes any, any other type takes the first. Arguments that are left over are ignored.
pub(crate) fn decode<T: DeserializeOwned>(json: &[u8], files: Attachments<'_>) -> Result<T, DecodeError> {
    let context = Context::new(files, true);
    let first = match attempt(json, &context) {
        Ok(value) => return Ok(value),
        Err(e) => e,
    };
    if !context.has_guessed() {
        return Err(first);
    }
    // A type that takes any value met a placeholder: `serde_json::Value` wants an object, the buffer of an untagged enum wants bytes. serde does not
    // say which one it is, and cannot be asked twice, so the other reading needs a second attempt.
    attempt(json, &Context::new(files, false)).map_err(|second| if context.is_refused() { second } else { first })
}

fn attempt<'de, T: DeserializeOwned>(json: &'de [u8], context: &Context<'de>) -> Result<T, DecodeError> {
    let mut args = Args { rest: json.trim_ascii_start(), argument: 0, of: 1, is_missing: false, context };
    let value = T::deserialize(Arg { args: &mut args, is_whole: true });
    value.map_err(|e| DecodeError::new(args.argument, args.is_missing, context.take_path(), &e))
}

/// The arguments that have not been read.
struct Args<'c, 'de> {
    rest: &'de [u8],
    /// The number of the next one, from 0.
    argument: usize,
    /// How many the type takes.
    of: usize,
    /// The last one that was asked for does not exist.
    is_missing: bool,
    context: &'c Context<'de>,
}

/// All arguments (`is_whole`), or one of several.
struct Arg<'a, 'c, 'de> {
    args: &'a mut Args<'c, 'de>,
    is_whole: bool,
}

impl<'c, 'de> Arg<'_, 'c, 'de> {
    /// Reads one argument.
    #[inline]
    fn read<R>(self, read: impl FnOnce(Wrap<'c, 'de, &mut Json<'de>>) -> Result<R, Error>) -> Result<R, Error> {
        let Self { args, .. } = self;
        args.is_missing = args.rest.is_empty();
        let text = if args.is_missing { b"null" } else { args.rest };
        let mut json = Json::from_slice(text);
        let value = read(Wrap::new(&mut json, args.context))?;
        if !args.is_missing {
            let end = json.into_iter::<IgnoredAny>().byte_offset();
            args.rest = match text.get(end..).unwrap_or_default().trim_ascii_start() {
                [] => &[],
                [b',', rest @ ..] => rest.trim_ascii_start(),
                _ => return Err(de::Error::custom("expected a comma behind the argument")),
            };
        }
        Ok(value)
    }

    /// Gives what is left as it is.
    fn rest<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let Self { args, is_whole } = self;
        if args.argument + 1 != args.of {
            return Err(de::Error::custom(
                "`Raw` takes all arguments that are left: it must be the last element of the tuple",
            ));
        }
        let (json, files) = (std::mem::take(&mut args.rest), args.context.files);
        if is_whole || files.is_empty() {
            return visitor.visit_seq(Parts { json: Some(json), files: files.into_iter() });
        }
        // Only the attachments of these arguments.
        let (mut text, mut used) = (Vec::new(), Vec::new());
        renumber(json, &mut text, |number| {
            used.push(files.get(Placeholder(u8::try_from(number).ok()?))?);
            Some(used.len() - 1)
        })
        .ok_or_else(|| <Error as de::Error>::custom("a placeholder has no attachment"))?;
        visitor.visit_seq(Parts { json: Some(&text), files: used.into_iter() })
    }
}

/// What `Raw` is made of.
struct Parts<'p, I> {
    json: Option<&'p [u8]>,
    files: I,
}

impl<'de, 'p, I: Iterator<Item = &'p [u8]>> SeqAccess<'de> for Parts<'p, I> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let part = self.json.take().or_else(|| self.files.next());
        part.map(|part| seed.deserialize(BytesDeserializer::new(part))).transpose()
    }
}

/// The elements of the tuple.
struct Elements<'a, 'c, 'de>(&'a mut Args<'c, 'de>);

impl<'de> SeqAccess<'de> for Elements<'_, '_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.0.argument == self.0.of {
            return Ok(None);
        }
        let value = seed.deserialize(Arg { args: self.0, is_whole: false })?;
        self.0.argument += 1;
        Ok(Some(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.of - self.0.argument)
    }
}

macro_rules! forward {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, Error> {
            self.read(|json| json.$method($($name,)* visitor))
        })*
    };
}

impl<'de> Deserializer<'de> for Arg<'_, '_, 'de> {
    type Error = Error;

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_whole { visitor.visit_unit() } else { self.read(|json| json.deserialize_unit(visitor)) }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        if self.is_whole {
            self.args.of = len;
            visitor.visit_seq(Elements(self.args))
        } else {
            self.read(|json| json.deserialize_tuple(len, visitor))
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        if name == TOKEN {
            self.rest(visitor)
        } else {
            self.read(|json| json.deserialize_newtype_struct(name, visitor))
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_whole { visitor.visit_unit() } else { self.read(|json| json.deserialize_ignored_any(visitor)) }
    }

    forward! {
        deserialize_any();
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
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
    }
}
