//! TLS on a microcontroller, by embedded-tls, for the drivers: no std, no allocation.
//!
//! embedded-tls cannot be a driver's transport as it is. Its `write` sends nothing until `flush`, and if the future of a `read` or `flush` is dropped in the
//! middle of a record, the connection is broken: a driver drops such futures at each deadline, and a `select` of yours does too. So its two halves run in one
//! future that lives as long as the connection, [`pump`]. [`Secure`] is the transport: it exchanges bytes with the pump through [`Pipes`], and polls it.
//!
//! ```
//! use core::{cell::RefCell, pin::pin};
//! use embedded_tls::{Certificate, FlushPolicy, NoClock, TlsConfig, TlsConnection, TlsContext};
//! use sansocket::{drive::{Error, Timer, WebSocket}, http::Url};
//! use sansocket_board::{Both, Memory, Pipes, Provider, Secure, Socket, pump};
//! # type Result = core::result::Result<(), Error<embedded_tls::TlsError>>;
//!
//! /// One connection. `authority` is the certificate that the server's certificate must be signed with.
//! async fn run<R: Socket, W: Socket>(
//!     reader: R, writer: W, timer: &mut impl Timer, random: fn(&mut [u8]), authority: &[u8], memory: &mut Memory, rx: &mut [u8], tx: &mut [u8]
//! ) -> Result
//! where R: embedded_io_async::Read, W: embedded_io_async::Write<Error = R::Error> {
//!     let (reader, writer) = (RefCell::new(reader), RefCell::new(writer));
//!     let mut tls = TlsConnection::new(Both::new(&reader, &writer), &mut memory.read, &mut memory.write);
//!     tls.set_flush_policy(FlushPolicy::Relaxed); // else each record waits for the acknowledgement of TCP
//!     let config = TlsConfig::new().with_server_name("example.org");
//!     let provider = Provider::<NoClock>::new(random, Certificate::X509(authority));
//!     tls.open(TlsContext::new(&config, provider)).await.map_err(Error::Transport)?;
//!     let pipes = Pipes::new(&mut memory.pipes);
//!     let (reader, writer) = tls.split();
//!     let pump = pin!(pump(reader, writer, &pipes));
//!
//!     let mut ws = WebSocket::client(Secure::new(pump, &pipes), timer, random, rx, tx);
//!     let url = Url::parse("wss://example.org/feed").expect("a URL");
//!     ws.connect_with(SHA1, &url, |connect| connect).await?;
//!     ws.send_text("hello").await?;
//!     while let Some((incoming, _)) = ws.next().await? {
//!         drop(incoming);
//!     }
//!     Ok(())
//! }
//! # const SHA1: sansocket::drive::Sha1 = |_| [0; 20];
//! ```
#![no_std]
#![forbid(unsafe_code)]

mod both;
mod pipes;
mod provider;
mod secure;

pub use both::{Both, Socket};
pub use pipes::{Memory, Pipes, PipesMemory};
pub use provider::Provider;
pub use secure::{Secure, pump};
