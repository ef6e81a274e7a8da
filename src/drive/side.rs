use crate::ws::{Agreed, Client, Compression, MaskSource, NoKeys, Role, Server};
use core::{fmt, marker::PhantomData};

pub(super) mod sealed {
    pub trait Sealed {}
    impl Sealed for super::AsServer {}
    impl<F> Sealed for super::AsClient<F> {}
}

/// The role of a [`WebSocket`](super::WebSocket), with what it needs: [`AsServer`] or [`AsClient`]. Sealed. For the types of fields and arguments:
///
/// ```
/// use sansocket::drive::{AsClient, AsServer, Receive, Side, Timer, Transport, WebSocket};
///
/// /// A client of a program: its random bytes come from a function, its memory lies elsewhere.
/// struct Link<'m, T, C> {
///     socket: WebSocket<T, C, AsClient<fn(&mut [u8])>, &'m mut [u8], &'m mut [u8]>,
/// }
///
/// /// For both roles.
/// async fn greet<T: Transport, C: Timer, D: Side>(ws: &mut WebSocket<T, C, D, Vec<u8>, Vec<u8>>) {
///     let _ = ws.send_text("hello").await;
/// }
/// # type Server<T, C> = WebSocket<T, C, AsServer, [u8; 64], [u8; 64]>;
/// ```
pub trait Side: sealed::Sealed {
    /// The role.
    type Role: Role;
    /// Where masking keys come from.
    type Keys: MaskSource<Self::Role>;
    /// What is offered or accepted. Without compression a constant, so that it is not linked.
    #[doc(hidden)]
    fn compression(_keys: &Self::Keys) -> Option<Compression> {
        None
    }
    #[doc(hidden)]
    fn agree(_keys: &mut Self::Keys, _agreed: Option<&Agreed>) {}
    /// Whether a message of so many bytes is not sent as it is.
    #[doc(hidden)]
    fn would_deflate(_keys: &Self::Keys, _len: usize) -> bool {
        false
    }
    /// What was written last is taken back, so later messages must not refer to it.
    #[doc(hidden)]
    fn forget(_keys: &mut Self::Keys) {}
}

/// The side of a server, with compression or without. Sealed.
///
/// ```
/// use sansocket::{drive::{Error, Failed, ServerSide, Timer, Transport, WebSocket}, ws::Growing};
///
/// async fn serve<T: Transport, C: Timer, D: ServerSide, S: Growing>(
///     mut ws: WebSocket<T, C, D, S, Vec<u8>>,
/// ) -> Result<(), Error<Failed<T>>> {
///     ws.accept().await?;
///     ws.send_text("hello").await
/// }
/// ```
pub trait ServerSide: Side<Role = Server> {}
impl<D: Side<Role = Server>> ServerSide for D {}

/// The side of a client, with compression or without. Sealed.
///
/// ```
/// use sansocket::{drive::{ClientSide, Error, Failed, Timer, Transport, WebSocket}, http::Url, ws::Growing};
///
/// async fn greet<T: Transport, C: Timer, D: ClientSide, S: Growing>(
///     mut ws: WebSocket<T, C, D, S, Vec<u8>>,
///     url: &Url<'_>,
/// ) -> Result<(), Error<Failed<T>>> {
///     ws.connect(url).await?;
///     ws.send_text("hello").await
/// }
/// ```
pub trait ClientSide: Side<Role = Client> {
    /// Fills memory with random bytes.
    #[doc(hidden)]
    fn nonce(keys: &mut Self::Keys) -> [u8; 16];
}

impl<F: FnMut(&mut [u8])> ClientSide for AsClient<F> {
    fn nonce(keys: &mut Self::Keys) -> [u8; 16] {
        keys.bytes()
    }
}

/// The server's side of a [`WebSocket`](super::WebSocket). It masks nothing.
#[derive(Clone, Copy, Debug)]
pub struct AsServer(());

impl Side for AsServer {
    type Role = Server;
    type Keys = NoKeys;
}

/// The client's side of a [`WebSocket`](super::WebSocket). `F` is the type of the function that fills memory with random bytes.
#[derive(Clone, Copy, Debug)]
pub struct AsClient<F>(PhantomData<F>);

impl<F: FnMut(&mut [u8])> Side for AsClient<F> {
    type Role = Client;
    type Keys = Random<F>;
}

/// A function that fills memory with bytes from a cryptographically secure generator, as a [`MaskSource`]. It is called once for each frame, with 4 bytes, and
/// for the 16 bytes of a nonce.
#[derive(Clone)]
pub struct Random<F>(pub(super) F);

impl<F> fmt::Debug for Random<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}

impl<F: FnMut(&mut [u8])> Random<F> {
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }
}

impl<F: FnMut(&mut [u8])> MaskSource for Random<F> {
    fn next_key(&mut self) -> [u8; 4] {
        self.bytes()
    }
}
