use crate::ws::{Client, MaskSource, NoKeys, Role, Server};
use core::fmt;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::AsServer {}
    impl<F> Sealed for super::AsClient<F> {}
}

/// The role of a [`WebSocket`](super::WebSocket), with what it needs: [`AsServer`] or [`AsClient`]. Sealed.
pub trait Side: sealed::Sealed {
    /// The role.
    type Role: Role;
    /// Where masking keys come from.
    type Keys: MaskSource<Self::Role>;
}

/// The server's side. It masks nothing.
#[derive(Clone, Copy, Debug)]
pub enum AsServer {}

impl Side for AsServer {
    type Role = Server;
    type Keys = NoKeys;
}

/// The client's side. `F` fills memory with random bytes.
#[derive(Clone, Copy, Debug)]
pub enum AsClient<F> {
    #[doc(hidden)]
    Never(core::convert::Infallible, core::marker::PhantomData<F>),
}

impl<F: FnMut(&mut [u8])> Side for AsClient<F> {
    type Role = Client;
    type Keys = Random<F>;
}

/// A function that fills memory with bytes from a cryptographically secure generator. Masking keys and nonces come from it.
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
