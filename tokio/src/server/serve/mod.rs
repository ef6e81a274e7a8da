//! Sockets: those that a server accepts itself, with HTTP/1.1 on them, and WebSockets wherever they come from.

mod carry;
mod decide;
mod get;
mod requests;
mod wire;

pub(crate) use carry::{serve, upgrade};
pub(crate) use get::{Get, Post};
pub(crate) use wire::Wire;

use super::inner::Inner;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

/// What bytes are read from and written to.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// The answer to a connection too many.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

pub(crate) async fn listen(inner: &Arc<Inner>, listener: TcpListener) -> io::Result<()> {
    loop {
        let mut closing = std::pin::pin!(inner.closing.notified());
        closing.as_mut().enable();
        // Until then clients over polling fetch what they are still to be told.
        if inner.is_done() {
            break;
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closing => continue,
        };
        match accepted {
            Ok((stream, address)) => {
                let _ = stream.set_nodelay(true);
                if inner.counted.connections.get() >= inner.config.max_connections as u64 {
                    tracing::warn!(%address, "refused: too many connections");
                    let _ = stream.try_write(BUSY);
                    continue;
                }
                inner.spawn(connection(inner.clone(), stream, Some(address)));
            }
            Err(error) => {
                // Out of file descriptors, mostly: let some close.
                tracing::warn!("cannot accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    inner.ended().await;
    Ok(())
}

/// Counts a connection as long as it lives, however it ends.
struct Open(Arc<Inner>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.counted.connections.sub(1);
        self.0.told_end();
    }
}

/// Carries a connection of HTTP/1.1 to its end.
pub(crate) fn connection(
    inner: Arc<Inner>,
    stream: impl Io,
    address: Option<SocketAddr>,
) -> impl Future<Output = ()> + Send {
    inner.counted.connections.add(1);
    let open = Open(inner);
    async move { requests::run(&open.0, stream, address).await }
}
