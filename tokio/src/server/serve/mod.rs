//! Sockets: those that a server accepts itself, with HTTP/1.1 on them, and WebSockets wherever they come from.

mod bound;
mod carry;
mod decide;
mod get;
mod packing;
mod requests;
mod upgraded;
mod wire;
mod writing;

pub use bound::Bound;
pub(crate) use carry::{Carrying, serve, upgrade};
#[cfg(feature = "hyper")]
pub(crate) use decide::{cookie, decide};
pub(crate) use get::{Get, Post};
pub(crate) use wire::{Received, Wire};
pub(crate) use writing::Writing;

use super::inner::Inner;
use std::{net::SocketAddr, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite};

/// What bytes are read from and written to.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// Counts a connection as long as it lives, however it ends.
struct Open(Arc<Inner>);

impl Open {
    fn new(inner: &Arc<Inner>) -> Self {
        inner.counted.connections.add(1);
        Self(inner.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.counted.connections.sub(1);
    }
}

/// Carries a connection of HTTP/1.1 to its end.
pub(crate) fn connection(
    inner: Arc<Inner>,
    stream: impl Io,
    address: Option<SocketAddr>,
) -> impl Future<Output = ()> + Send {
    // What runs it borrows it. As the argument of an async function it would be held twice, for as long as the connection lives.
    let mut connection = requests::Connection::new(inner, stream, address);
    async move { connection.run().await }
}
