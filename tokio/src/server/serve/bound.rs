//! Listening for connections.

use super::{Wire, Writing, connection};
use crate::server::{Server, inner::Inner};
use std::{
    future::poll_fn,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    task::Poll,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream, lookup_host},
    sync::Semaphore,
};

/// The answer to a connection too many.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Connections too many that are kept for a moment, so that their clients can read that answer.
const REFUSALS: usize = 100;

/// A server with the addresses that it listens on: [`Server::bind`].
#[derive(Debug)]
pub struct Bound {
    server: Server,
    listeners: Vec<TcpListener>,
}

impl Server {
    /// Listens on an address, such as `0.0.0.0:3000`. The name `localhost` stands for both loopback addresses, of IPv4 and IPv6, since browsers may try
    /// either. With port 0 the system chooses one, the same for both.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use sansocket_tokio::server::{Config, Server};
    ///
    /// let io = Server::new(Config::new());
    /// let bound = io.bind("localhost:0").await?;
    /// for address in bound.local_addrs() {
    ///     println!("listening on http://{address}/");
    /// }
    /// # let closing = io.clone();
    /// # tokio::spawn(async move { closing.close().await });
    /// bound.serve().await
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if it is no address. Otherwise what the system says, mostly that the address is in use or is not this machine's.
    pub async fn bind(&self, address: &str) -> io::Result<Bound> {
        let invalid = || {
            let words = format!("'{address}' is not an address; an example is 127.0.0.1:3000");
            io::Error::new(io::ErrorKind::InvalidInput, words)
        };
        let found: Vec<SocketAddr> = match address.strip_prefix("localhost:") {
            // Both, whatever the machine's table of names says.
            Some(port) => {
                let port = port.parse().map_err(|_| invalid())?;
                vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]
            }
            None => lookup_host(address).await.map_err(|_| invalid())?.take(1).collect(),
        };
        let mut listeners: Vec<TcpListener> = Vec::new();
        let mut failed = invalid();
        for mut address in found {
            if let Some(Ok(first)) = listeners.first().map(TcpListener::local_addr) {
                address.set_port(first.port());
            }
            match TcpListener::bind(address).await {
                Ok(listener) => listeners.push(listener),
                Err(error) => {
                    failed = io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
                    // A machine without IPv6 has no such address.
                    if error.kind() != io::ErrorKind::AddrNotAvailable {
                        return Err(failed);
                    }
                }
            }
        }
        if listeners.is_empty() { Err(failed) } else { Ok(Bound { server: self.clone(), listeners }) }
    }

    /// Serves the connections of a listener until [`close`](Self::close): Socket.IO at its path, and what [`Config`](super::super::Config) has beside it.
    ///
    /// Each connection is a task of its own. If this future is dropped, no more connections are accepted, and those that are there go on.
    ///
    /// # Errors
    /// None at present: a connection that cannot be accepted is logged, and the next one is awaited.
    pub async fn listen(&self, listener: TcpListener) -> io::Result<()> {
        Bound { server: self.clone(), listeners: vec![listener] }.serve().await
    }
}

impl Bound {
    /// The addresses, with the ports that the system chose.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Serves connections until [`Server::close`].
    ///
    /// # Errors
    /// None at present: a connection that cannot be accepted is logged, and the next one is awaited.
    pub async fn serve(self) -> io::Result<()> {
        let inner = &self.server.inner;
        let refusals = Arc::new(Semaphore::new(REFUSALS));
        loop {
            let mut closing = std::pin::pin!(inner.closing.notified());
            closing.as_mut().enable();
            // Until then clients over polling fetch what they are still to be told.
            if inner.is_done() {
                break;
            }
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                () = closing => continue,
            };
            match accepted {
                Ok((stream, address)) => take(inner, stream, address, &refusals),
                Err(error) => {
                    // Out of file descriptors, mostly: let some close.
                    tracing::warn!("cannot accept: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        let Self { server, listeners } = self;
        drop(listeners);
        server.inner.ended().await;
        Ok(())
    }

    /// The next connection, of any listener.
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|context| {
            let ready = self.listeners.iter().map(|listener| listener.poll_accept(context)).find(Poll::is_ready);
            ready.unwrap_or(Poll::Pending)
        })
        .await
    }
}

fn take(inner: &Arc<Inner>, stream: TcpStream, address: SocketAddr, refusals: &Arc<Semaphore>) {
    let _ = stream.set_nodelay(true);
    if inner.counted.connections.get() < inner.config.max_connections as u64 {
        inner.spawn(connection(inner.clone(), stream, Some(address)));
    } else {
        tracing::warn!(%address, "refused: too many connections");
        let _ = stream.try_write(BUSY);
        if let Ok(permit) = refusals.clone().try_acquire_owned() {
            let writing = Writing::new(inner);
            inner.spawn(async move {
                Wire::new(stream).hang_up(writing).await;
                drop(permit);
            });
        }
    }
}
