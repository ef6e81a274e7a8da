//! Layer 1: the parts of HTTP/1.1 (RFC 9110, RFC 9112) that a WebSocket handshake and HTTP polling need: request and response heads, header fields,
//! request bodies, URLs. This is not a general HTTP library.
//!
//! A server finds the end of a request head with a [`HeadScanner`], parses it with [`Request::parse`], decodes its body with a [`BodyDecoder`], and
//! writes a [`Response`]. A client takes a [`Url`] apart and parses the answer with [`ResponseHead::parse`].
//!
//! ```
//! use sansocket::http::{Body, BodyDecoder, HeadScanner, Limits, Method, Request, Response, Status, Version};
//!
//! // The head arrives in pieces. `scan` returns its length when it is complete.
//! let mut received = b"POST /add?n=1 HTTP/1.1\r\nHost: a\r\nAccept: x, y\r\nContent-Length: 5\r\n\r\nhello".to_vec();
//! let mut scanner = HeadScanner::new(Limits::new().bytes(4096).lines(50));
//! assert_eq!(scanner.scan(&received[..30])?, None);
//! let n = scanner.scan(&received)?.ok_or("the head is not complete")?;
//!
//! let (head, mut rest) = received.split_at_mut(n);
//! let request = Request::parse(head)?;
//! assert_eq!((request.method(), request.path(), request.query()), (Method::Post, &b"/add"[..], &b"n=1"[..]));
//! assert_eq!((request.version(), request.keeps_alive()), (Version::Http11, true));
//! assert!(request.fields().list("accept").eq([&b"x"[..], b"y"]));
//! assert_eq!(request.fields().all("host").count(), 1);
//!
//! assert_eq!(request.body()?, Body::Length(5));
//! let mut body = BodyDecoder::new(request.body()?, 1000);
//! assert_eq!(body.poll_piece(&mut rest)?.as_deref(), Some(&b"hello"[..]));
//! assert!(body.is_complete());
//!
//! // The answer; `write_head` leaves the body out, for HEAD.
//! let mut out = [0; 128];
//! let answer = Response { status: Status(404), fields: &[], body: b"no such thing" };
//! let n = answer.write_head(&mut out)?;
//! assert_eq!(&out[..n], b"HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\n");
//! assert_eq!(Status(404).phrase(), "Not Found");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod authority;
mod body;
mod error;
mod fields;
mod head;
mod notes;
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
pub(crate) use notes::{Notes, Once, are_tokens};
pub(crate) use octets::{is, is_token_byte, visible};
pub use request::{Body, Method, Request, Version};
pub(crate) use response::write_field;
pub use response::{Response, ResponseError};
pub use response_head::ResponseHead;
pub use url::{Scheme, Url, UrlError};
pub(crate) use url::{is_target_byte, path_and_query};
