//! Layer 1: the parts of HTTP/1.1 (RFC 9110, 9112) that a WebSocket handshake and small responses need: request and response heads, request
//! bodies, header field lists, URLs. This is not a general HTTP library. It knows no protocol above it.

mod authority;
mod body;
mod error;
mod fields;
mod head;
mod octets;
mod request;
mod response;
mod response_head;
mod url;

pub use authority::Authority;
pub use body::{BodyDecoder, BodyError};
pub use error::{HeadError, Status};
pub(crate) use fields::tokens;
pub use fields::{Fields, Members};
pub use head::{HeadScanner, Limits};
pub(crate) use octets::{is_token_byte, visible};
pub use request::{Body, Method, Request, Version};
pub(crate) use response::write_field;
pub use response::{Response, ResponseError};
pub use response_head::ResponseHead;
pub use url::{Scheme, Url, UrlError};
pub(crate) use url::{is_target_byte, path_and_query};
