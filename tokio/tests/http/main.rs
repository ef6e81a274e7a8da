//! What the server does with HTTP, on its own and behind other HTTP servers: requests as bytes over TCP.

mod host;
mod own;
mod raw;
