//! Arguments of events and acknowledgements: any type of serde.

mod decode;
mod encode;
mod error;
mod raw;

pub use error::{DecodeError, EncodeError};
pub use raw::Raw;

pub(crate) use decode::decode;
pub(crate) use encode::{encode, to_json};
