use super::SendError;
use crate::{
    bytes::Writer,
    ws::{Client, Form, Out, Server, Stored},
};

mod sealed {
    pub trait Sealed {}
    impl<F> Sealed for crate::ws::Out<'_, F> {}

    /// An output of this type can carry packets of the end `R`: it has frames of that role, or stored frames.
    pub trait Carries<R> {}
    impl Carries<super::Server> for super::Server {}
    impl Carries<super::Client> for super::Client {}
    impl<R> Carries<R> for super::Stored {}
}

/// An output for packets of the end `R` ([`Server`] or [`Client`]): an [`Out`] with frames of that role, or with stored frames. Sealed.
///
/// The layers above write through this trait, so they do not depend on the transport. See the [module page](crate::engineio) for an example.
pub trait Sink<R>: sealed::Sealed {
    /// Appends a text message, `4` and what `write` writes, and the binary messages `behind`. Appends all of them or nothing.
    #[doc(hidden)]
    fn text<'b>(
        &mut self,
        write: impl FnOnce(&mut Writer<'_>),
        behind: impl Iterator<Item = &'b [u8]> + Clone,
    ) -> Result<(), SendError>;
    /// Appends a binary message, or nothing.
    #[doc(hidden)]
    fn binary(&mut self, bytes: &[u8]) -> Result<(), SendError>;
    /// Appends a packet without a message digit, or nothing.
    #[doc(hidden)]
    fn packet(&mut self, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError>;
}

impl<R, F: Form> Sink<R> for Out<'_, F>
where
    F::Role: sealed::Carries<R>,
{
    #[inline]
    fn text<'b>(
        &mut self,
        write: impl FnOnce(&mut Writer<'_>),
        behind: impl Iterator<Item = &'b [u8]> + Clone,
    ) -> Result<(), SendError> {
        let write = |w: &mut Writer<'_>| {
            w.byte(b'4');
            write(w)
        };
        Ok(self.messages(write, behind)?)
    }

    #[inline]
    fn binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        Ok(self.binary_message(bytes)?)
    }

    #[inline]
    fn packet(&mut self, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError> {
        Ok(self.messages(write, core::iter::empty::<&[u8]>())?)
    }
}
