//! Whether the messages of a Socket.IO driver are compressed.

use super::{AsClient, AsServer, ClientSide, Compressed, ServerSide, Side};
use crate::ws::{Inflating, Storage};

/// The masking keys of a client, and what compresses its messages.
pub(super) type ClientKeys<'m, F, P> = <<P as Packing>::Client<'m, F> as Side>::Keys;
/// The same of a server, which has no keys.
pub(super) type ServerKeys<'m, P> = <<P as Packing>::Server<'m> as Side>::Keys;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Plain {}
    impl Sealed for super::Packed {}
}

/// How the messages of a [`Client`](super::Client) or a [`Server`](super::Server) travel: [`Plain`], or [`Packed`]. Sealed. For code that takes both:
///
/// ```
/// use sansocket::{
///     drive::{Client, Packing, Timer, Transport},
///     endpoint::{Grow, client::Step},
/// };
///
/// /// Shows what arrives, until the client has left.
/// async fn watch<'m, T: Transport, D, A, C: Timer, F: FnMut(&mut [u8]), P: Packing, E>(
///     mut client: Client<'m, T, D, A, C, F, P>,
/// ) -> Result<(), Grow>
/// where
///     D: FnMut() -> A,
///     A: Future<Output = Result<T, E>>,
/// {
///     loop {
///         match client.next().await? {
///             (Step::Over(_), _) => return Ok(()),
///             (step, _) => println!("{step:?}"),
///         }
///     }
/// }
/// ```
pub trait Packing: sealed::Sealed {
    /// What the inbox stands on.
    #[doc(hidden)]
    type Rx<'m>: Storage<Raw = &'m mut [u8]>;
    /// The side of a client whose random bytes come from `F`.
    #[doc(hidden)]
    type Client<'m, F: FnMut(&mut [u8])>: ClientSide;
    /// The side of a server.
    #[doc(hidden)]
    type Server<'m>: ServerSide;
}

/// Messages as they are. The default of [`Client`](super::Client) and [`Server`](super::Server). Nothing that compresses is linked then.
#[derive(Clone, Copy, Debug)]
pub struct Plain(());

/// Messages that are compressed if the handshake agrees on it (permessage-deflate, RFC 7692): see [`Client::with_compression`](super::Client::with_compression)
/// and [`Server::with_compression`](super::Server::with_compression).
#[derive(Clone, Copy, Debug)]
pub struct Packed(());

impl Packing for Plain {
    type Rx<'m> = &'m mut [u8];
    type Client<'m, F: FnMut(&mut [u8])> = AsClient<F>;
    type Server<'m> = AsServer;
}

impl Packing for Packed {
    type Rx<'m> = Inflating<&'m mut [u8], &'m mut [u8]>;
    type Client<'m, F: FnMut(&mut [u8])> = Compressed<AsClient<F>, &'m mut [u8]>;
    type Server<'m> = Compressed<AsServer, &'m mut [u8]>;
}
