//! Arguments of events and acknowledgements: any type of serde.
//!
//! # Several arguments
//! An event has zero or more arguments. In Rust they are one value:
//!
//! | Rust | arguments |
//! |---|---|
//! | `()` | none |
//! | a tuple, `("alice", 7)` | one for each element |
//! | anything else: a string, a struct, a `Vec`, an enum, a tuple struct, `Some((1, 2))` | one |
//!
//! A fixed array, `[1, 2, 3]`, is a tuple to serde, so it is three arguments. One argument that is an array is a `Vec`, a slice, or `([1, 2, 3],)`.
//! References, `Box` and `Arc` are what they point to (except to `()`, which is `null`). A tuple variant of an untagged enum is a tuple to serde when it
//! is written: put such an enum in a tuple of one element.
//!
//! Arguments are read as JavaScript reads them: one that is missing is `null`, so an `Option` is `None`. Those that are left over are ignored.
//!
//! # Binary values
//! What serde writes as bytes becomes an attachment at any depth: [`Bytes`](crate::Bytes), and `Vec<u8>` with `serde_bytes`. A plain `Vec<u8>` is an
//! array of numbers. One packet has at most 10 attachments.
//!
//! In the other direction such types take attachments, and also a string or an array of numbers. Types that take any value work too: `Bytes` in an
//! untagged enum, an internally tagged enum or beside a flattened field reads its attachment, and [`serde_json::Value`] keeps the object that stands
//! for the attachment, `{"_placeholder":true,"num":0}`. These two cannot be mixed in one tuple of arguments, if both meet an attachment.
//! A typed value is a copy of its attachment. Several placeholders may name the same attachment, as long as the copies are at most four times as
//! long as all attachments together.
//!
//! # What JSON cannot say
//! Keys of maps are strings, numbers, `bool`, `char` or unit variants. A float that is not finite becomes `null`, as in JavaScript. JavaScript reads
//! integers above 2^53 with a rounding error: use strings for them.
//!
//! [`Raw`] is arguments as they are on the wire.

mod decode;
mod encode;
mod error;
mod files;
mod key;
mod raw;
mod renumber;
mod wrap;

#[cfg(test)]
mod tests;

pub use error::{DecodeError, EncodeError};
pub use raw::Raw;

pub(crate) use decode::decode;
pub(crate) use encode::{encode, encode_answer, to_json};

/// Methods of a visitor that hand a value without parts to the inner visitor.
macro_rules! forward_scalars {
    ($($inner:tt).+; $($method:ident($($type:ty)?))*) => {
        crate::args::forward_scalars! { @each [$($inner).+] $($method($($type)?))* }
    };
    (@each $inner:tt $($method:ident($($type:ty)?))*) => {
        $(crate::args::forward_scalars! { @one $inner $method($($type)?) })*
    };
    (@one [$($inner:tt).+] $method:ident()) => {
        #[inline]
        fn $method<E: serde::de::Error>(self) -> Result<V::Value, E> {
            self.$($inner).+.$method()
        }
    };
    (@one [$($inner:tt).+] $method:ident($type:ty)) => {
        #[inline]
        fn $method<E: serde::de::Error>(self, v: $type) -> Result<V::Value, E> {
            self.$($inner).+.$method(v)
        }
    };
}
use forward_scalars;
