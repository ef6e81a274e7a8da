//! TLS for the drivers on Tokio, by rustls. A driver takes the stream as any other:
//!
//! ```no_run
//! use sansocket::{drive::{WebSocket, tokio::{Clock, Stream}}, http::Url};
//! use sansocket_tls::{Trust, client_config, connect};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let url = Url::parse("wss://example.org/feed")?;
//! let tls = connect(url.host(), url.port(), &client_config(Trust::Public, None)?).await?;
//! let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system has randomness");
//! let mut ws = WebSocket::client(Stream::new(tls), Clock::new(), random, [0; 4096], [0; 4096]);
//! ws.connect(&url).await?;
//! # Ok(()) }
//! ```

mod trust;

pub use trust::{Trust, client_config, server_config};

use std::{io, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, pki_types::ServerName},
};

/// Connects to a TLS server. `host` is a name, which the certificate must contain, or an IP address without brackets.
pub async fn connect(host: &str, port: u16, config: &Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect((host, port)).await?;
    socket.set_nodelay(true)?;
    encrypt(socket, host, config).await
}

/// As [`connect`], over a connection that is there.
pub async fn encrypt(socket: TcpStream, host: &str, config: &Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
    TlsConnector::from(config.clone()).connect(name, socket).await
}
