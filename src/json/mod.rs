//! Layer 1: JSON (RFC 8259): a strict parser that borrows, typed access by serde, and values written into lent memory.
//!
//! [`Value::parse`] and [`Array::parse`] check a text once: syntax, depth and escapes, in one pass and without recursion. What they return is
//! known to be valid, so its accessors find values without checking again. Strings stay as they are on the wire, still escaped, in a type
//! of their own: [`Str`] compares unescaped without a buffer, gives its [`chars`](Str::chars), or unescapes into lent memory.
//!
//! [`Value::deserialize`] reads a value into a type by serde. In the other direction [`Args`] are values that are written straight into the
//! output: strings, `bool`, numbers, [`Value`], tuples of these, and [`Json`] for every type that serde can serialize.
//!
//! ```
//! use sansocket::json::Value;
//!
//! let value = Value::parse(br#"{"name":"J\u00fcrgen","tags":["a",2.5,null]}"#)?;
//! assert!(value.get("name").and_then(|v| v.as_str()).is_some_and(|name| name.is("Jürgen")));
//! assert_eq!(value.get("tags").and_then(|tags| tags.elements().nth(1)?.as_f64()), Some(2.5));
//!
//! #[derive(serde::Deserialize)]
//! struct Person<'a> {
//!     name: &'a str,
//! }
//! let mut memory = [0; 64];
//! let person: Person = value.deserialize(&mut memory)?;
//! assert_eq!(person.name, "Jürgen");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! serde-json-core writes the floats (shortest form). Its deserializer and the rest of its serializer are not used: they panic on maps whose
//! keys are not plain strings, `char` and tuple variants, write invalid JSON for other keys and for bytes, refuse escaped surrogate pairs, return
//! `&str` fields still escaped, and recurse over what they skip.

mod de;
mod de_inside;
mod error;
mod escape;
mod number;
mod scan;
mod ser;
mod ser_key;
mod shown;
mod string;
mod typed;
mod value;
mod write;

pub use error::{DeserializeError, DeserializeErrorKind, Error, ErrorKind, SerializeError, SerializeErrorKind};
pub use escape::write_str;
pub use scan::DEPTH;
pub(crate) use scan::{Known, is_blank, string_end, value_end};
pub use string::{Chars, Str};
pub use value::{Array, Elements, Kind, Members, Value};
pub use write::{Args, Json, Raw};
