//! What the server does with HTTP, on its own and behind other HTTP servers: requests as bytes over TCP.

#[cfg(feature = "axum")]
mod axum;
mod compression;
mod ends;
mod given;
mod host;
#[cfg(all(feature = "axum", feature = "http2"))]
mod http2;
mod own;
mod raw;
mod refusals;
#[cfg(feature = "axum")]
mod todo;
