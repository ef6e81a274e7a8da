//! Layer 1: JSON (RFC 8259): judged strictly and without recursion, and then read where it lies.
//!
//! [`Value::parse`] and [`Array::parse`] judge a text once, syntax, depth and escapes; what they give out is known to be good, so the
//! accessors skip over it without judging again. Strings stay as they stand on the wire, and their type [`Str`] shows it:
//! compared unescaped without a buffer, or unescaped into lent memory. Typed access is serde's ([`Value::deserialize`]).
//!
//! serde-json-core alone would give a `&str` field *still escaped, with `Ok`*, would take `01`, and would recurse over what
//! it skips until the stack is used up: so the scanner judges first, and `&str` fields that need unescaping are unescaped into
//! lent memory.

mod error;
mod escape;
mod scan;
mod string;
mod typed;
mod value;
mod write;

pub use error::{DeserializeError, Error, ErrorKind};
pub use escape::write_str;
pub use scan::DEPTH;
pub(crate) use scan::{Known, is_blank, string_end, value_end};
pub use string::Str;
pub use value::{Array, Elements, Kind, Members, Value};
pub use write::{Args, Json, Raw, Text};
