//! Layer 1: as much of HTTP/1.1 (RFC 9110, 9112) as an upgrade and a small page need: request heads, field lists, responses.
//! Not an HTTP library. Knows no protocol above it.

mod error;
mod fields;
mod head;
mod octets;
mod request;
mod response;

pub use error::{HeadError, Status};
pub use fields::{Fields, Members};
pub use head::{Head, Limits};
pub(crate) use octets::is_token_byte;
pub use request::{Body, Method, Request, Version};
pub(crate) use response::write_field;
pub use response::{Response, ResponseError};
