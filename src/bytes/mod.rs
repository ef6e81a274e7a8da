//! Layer 0: a bounded writer, a read cursor and an incremental UTF-8 validator. Knows no protocol.
//!
//! Everything above writes through [`Writer`], which counts on when its memory is used up: so a refused
//! write knows to the byte how much it would have needed, and the length and the bytes cannot disagree.

pub(crate) mod base64;
mod cursor;
mod place;
mod shown;
mod slice;
pub(crate) mod swar;
mod utf8;
mod writer;

pub use cursor::Cursor;
pub(crate) use cursor::decimal;
pub(crate) use place::{close_gap, copy, open_gap};
pub(crate) use shown::{ShownBytes, ShownText};
pub(crate) use slice::{checked_str, slice, slice_mut};
pub use utf8::{InvalidUtf8, Utf8};
pub use writer::{Capacity, Writer};
