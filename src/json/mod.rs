//! Layer 1: JSON (RFC 8259). A strict parser that borrows its text, typed access through serde, and a writer into memory that you lend.
//!
//! [`Value::parse`] and [`Array::parse`] check syntax, depth and escapes, in one pass and without recursion. The accessors of the result do not
//! check again. A string ([`Str`]) stays as it is on the wire, with its escapes: it compares its unescaped text without a buffer, iterates over its
//! [`chars`](Str::chars), or unescapes into memory that you lend.
//!
//! [`Value::deserialize`] reads a value into a type through serde. In the other direction, [`Args`] are values that are written directly into the
//! output: strings, `bool`, numbers, [`Value`], tuples of these, and [`Json`] for any type that serde can serialize.
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
//! Floats are written by serde-json-core, in their shortest form. The rest of serde-json-core is not used: it panics on some map keys, `char` and
//! tuple variants, writes invalid JSON for other keys and for bytes, refuses escaped surrogate pairs, returns `&str` fields with their escapes, and
//! recurses over values that it skips.

mod de;
mod de_inside;
mod error;
mod escape;
mod lexeme;
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
pub(crate) use escape::{write_between, write_text};
pub use scan::DEPTH;
pub(crate) use scan::{Known, NONE, is_blank, string_end, value_end};
pub use string::{Chars, Str};
pub(crate) use value::Layout;
pub use value::{Array, Elements, Kind, Members, Value};
pub use write::{Args, Json, Raw};
