//! Layer 0: tools for bytes that know no protocol. [`Writer`] writes into memory that you lend, [`Cursor`] reads, and [`Utf8`] validates text that
//! arrives in pieces.
//!
//! All layers write with a [`Writer`]. When its memory is full, it stops storing and continues to count. A write that fails can therefore report the
//! exact size that it needs ([`Capacity`]).
//!
//! ```
//! use sansocket::bytes::{Capacity, Cursor, InvalidUtf8, Utf8, Writer};
//!
//! // Write `key=12`.
//! let mut memory = [0; 8];
//! let mut writer = Writer::new(&mut memory);
//! assert!(writer.is_empty());
//! writer.push(b"key");
//! writer.byte(b'=');
//! writer.decimal(12);
//! writer.byte(b',');
//! writer.take_back(1); // no further pair follows the comma
//! assert_eq!(writer.len(), 6);
//! assert_eq!(writer.finish()?, b"key=12");
//!
//! // Read it.
//! let mut cursor = Cursor::new(b"key=12");
//! assert_eq!(cursor.take_while(|b| b.is_ascii_alphabetic()), b"key");
//! assert_eq!((cursor.eat(b':'), cursor.eat(b'=')), (false, true));
//! assert_eq!((cursor.peek(), cursor.byte(), cursor.rest()), (Some(b'1'), Some(b'1'), &b"2"[..]));
//! assert_eq!(cursor.take(2), None, "there is only one byte");
//!
//! // Validate text that was cut inside a character.
//! let mut utf8 = Utf8::new();
//! utf8.check(b"J\xc3")?;
//! assert!(!utf8.is_complete());
//! utf8.check(b"\xbcrgen")?;
//! assert!(utf8.is_complete());
//! assert_eq!(utf8.check(b"ab\xff"), Err(InvalidUtf8 { at: 2 }));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

pub(crate) mod base64;
mod cursor;
mod place;
mod shown;
mod slice;
pub(crate) mod swar;
mod utf8;
mod writer;

/// Whether the target has words of 64 bits. Loops over words of that size, and shortcuts for the usual case, are for such a target. A small one has
/// less flash than time: there the plain form of the same code is used, and tested in the same unit tests. `RUSTFLAGS="--cfg sansocket_small"` builds
/// that form for any target, so that all tests can run on it.
pub(crate) const IS_WIDE: bool = cfg!(all(target_pointer_width = "64", not(sansocket_small)));

pub use cursor::Cursor;
pub(crate) use cursor::decimal;
pub(crate) use place::{close_gap, copy, open_gap};
pub(crate) use shown::{ShownBytes, ShownText};
pub(crate) use slice::{checked_str, slice, slice_mut};
pub use utf8::{InvalidUtf8, Utf8};
pub use writer::{Capacity, Writer};
pub(crate) use writer::{count, hundredth};
