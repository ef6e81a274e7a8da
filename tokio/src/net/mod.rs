//! Connections to servers: the name, the addresses, TCP and TLS.
//!
//! Both clients of this package dial through this module. As a user you meet two of its types: [`Tls`], to say which certificates you trust, and
//! [`DialError`], which says why no connection came about.

mod error;
#[cfg(test)]
mod tests;
mod tls;

pub use self::{error::DialError, tls::Tls};
/// The version of rustls that [`Tls::with_config`] takes.
#[cfg(feature = "rustls")]
pub use rustls;

use sansocket::http::Url;
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};

/// How long the resolver may take.
const RESOLVE: Duration = Duration::from_secs(10);
/// How long one address may take to answer while others are left.
const ONE_OF_MANY: Duration = Duration::from_millis(if cfg!(test) { 300 } else { 3_000 });
/// How long the last address may take to answer.
const LAST: Duration = Duration::from_millis(if cfg!(test) { 1_000 } else { 10_000 });

/// A stream of bytes: TCP, TLS, or what a user brings.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// A stream whose type does not matter any more.
pub(crate) type Stream = Box<dyn Io>;

/// Connects to the host and port of `url`, over TLS if its scheme asks for it.
///
/// The addresses of the name are tried one after the other, in the order of the resolver. One that does not answer costs three seconds while others are left.
///
/// The future may be dropped at each await point; the connection is given up then.
///
/// # Errors
/// See [`DialError`]. Of several addresses it tells of the last one.
pub(crate) async fn dial(url: &Url<'_>, tls: &Tls) -> Result<Stream, DialError> {
    let host = url.host();
    if url.scheme().is_secure() && !Tls::IS_AVAILABLE {
        return Err(DialError::NoTls { host: host.to_owned() });
    }
    let socket = connect(&resolve(host, url.port()).await?, host).await?;
    // Otherwise the system holds small messages back, up to 40 ms.
    socket.set_nodelay(true).map_err(|source| DialError::Failed { host: host.to_owned(), source })?;
    if url.scheme().is_secure() { tls.connect(host, socket).await } else { Ok(Box::new(socket)) }
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, DialError> {
    let not_found = |source| DialError::NotFound { host: host.to_owned(), source };
    let addresses: Vec<_> = timeout(RESOLVE, lookup_host((host, port)))
        .await
        .map_err(|_| DialError::Timeout { host: host.to_owned(), during: "the look-up of the name" })?
        .map_err(not_found)?
        .collect();
    if addresses.is_empty() {
        return Err(not_found(io::Error::new(io::ErrorKind::NotFound, "the name has no address")));
    }
    Ok(addresses)
}

/// Tries the addresses, which are not empty, in their order.
async fn connect(addresses: &[SocketAddr], host: &str) -> Result<TcpStream, DialError> {
    let mut error = DialError::Timeout { host: host.to_owned(), during: "the TCP connection" };
    let mut left = addresses.iter();
    while let Some(address) = left.next() {
        let limit = if left.len() == 0 { LAST } else { ONE_OF_MANY };
        error = match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(source)) => DialError::of_connect(host, *address, source),
            Err(_) => DialError::Timeout { host: host.to_owned(), during: "the TCP connection" },
        };
    }
    Err(error)
}
