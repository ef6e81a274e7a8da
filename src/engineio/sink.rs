use super::{Packet, SendError};
use crate::{
    bytes::Writer,
    ws::{Client, Form, Out, Server, Stored},
};

pub(super) mod sealed {
    pub trait Sealed {}
    impl<F> Sealed for crate::ws::Out<'_, F> {}
    impl Sealed for crate::engineio::Payload<'_> {}
    impl<O: Sealed> Sealed for super::Seeing<'_, O> {}

    /// An output of this type can carry packets of the end `R`: it has frames of that role, or stored frames.
    pub trait Carries<R> {}
    impl Carries<super::Server> for super::Server {}
    impl Carries<super::Client> for super::Client {}
    impl<R> Carries<R> for super::Stored {}
}

/// An output for packets of the end `R` ([`Server`] or [`Client`]): an [`Out`] with frames of that role, or with stored frames; for a client also the
/// body of a POST, a [`Payload`](super::Payload). Sealed.
///
/// The layers above write through this trait, so they do not depend on the transport. See the [module page](crate::engineio) for an example.
///
/// What is written between [`begin`](Self::begin) and [`end`](Self::end) is a packet, so the code around it is the same for all packets.
pub trait Sink<R>: sealed::Sealed {
    /// Begins a text packet with the digit `first`. Without [`end`](Self::end) nothing is appended.
    #[doc(hidden)]
    fn begin(&mut self, first: u8) -> Writer<'_>;
    /// Appends the packet, which is the `len` bytes of the writer, and the binary messages `behind`; all of them or nothing.
    #[doc(hidden)]
    fn end<'b>(&mut self, len: usize, behind: impl Iterator<Item = &'b [u8]> + Clone) -> Result<(), SendError>;
    /// What [`end`](Self::end) would append as the packet, if it has room.
    #[doc(hidden)]
    fn pending<'b>(&self, len: usize, behind: impl Iterator<Item = &'b [u8]>) -> Option<&[u8]>;
    /// Appends a binary message, or nothing.
    #[doc(hidden)]
    fn binary(&mut self, bytes: &[u8]) -> Result<(), SendError>;

    /// Appends a text message, `4` and what `write` writes, and the binary messages `behind`. Appends all of them or nothing.
    #[doc(hidden)]
    #[inline]
    fn text<'b>(
        &mut self,
        write: impl FnOnce(&mut Writer<'_>),
        behind: impl Iterator<Item = &'b [u8]> + Clone,
    ) -> Result<(), SendError> {
        let mut writer = self.begin(b'4');
        write(&mut writer);
        let len = writer.len();
        self.end(len, behind)
    }

    /// Appends a packet that is no message, or nothing.
    #[doc(hidden)]
    #[inline]
    fn packet(&mut self, first: u8, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError> {
        let mut writer = self.begin(first);
        write(&mut writer);
        let len = writer.len();
        self.end(len, core::iter::empty::<&[u8]>())
    }
}

impl<R, F: Form> Sink<R> for Out<'_, F>
where
    F::Role: sealed::Carries<R>,
{
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn begin(&mut self, first: u8) -> Writer<'_> {
        let mut writer = self.begin_message();
        writer.byte(first);
        writer
    }

    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn end<'b>(&mut self, len: usize, behind: impl Iterator<Item = &'b [u8]> + Clone) -> Result<(), SendError> {
        Ok(self.end_message(len, behind)?)
    }

    fn pending<'b>(&self, len: usize, behind: impl Iterator<Item = &'b [u8]>) -> Option<&[u8]> {
        self.pending_message(len, behind)
    }

    #[inline]
    fn binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        Ok(self.binary_message(bytes)?)
    }
}

/// A sink that tells `seen` each packet that is written into `out`, for logs. What is refused is not told.
///
/// `seen` is no type parameter, so that all callers share the code that writes.
pub(crate) struct Seeing<'o, O> {
    pub(crate) out: &'o mut O,
    pub(crate) seen: &'o mut dyn FnMut(Packet<'_>),
}

impl<R, O: Sink<R>> Sink<R> for Seeing<'_, O> {
    fn begin(&mut self, first: u8) -> Writer<'_> {
        self.out.begin(first)
    }

    fn end<'b>(&mut self, len: usize, behind: impl Iterator<Item = &'b [u8]> + Clone) -> Result<(), SendError> {
        // A frame is masked as soon as it is complete, so this is the time to look.
        if let Some(Ok(packet)) = self.out.pending(len, behind.clone()).map(Packet::parse_text) {
            (self.seen)(packet);
        }
        self.out.end(len, behind.clone())?;
        behind.for_each(|bytes| (self.seen)(Packet::Binary(bytes)));
        Ok(())
    }

    fn pending<'b>(&self, len: usize, behind: impl Iterator<Item = &'b [u8]>) -> Option<&[u8]> {
        self.out.pending(len, behind)
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.out.binary(bytes)?;
        (self.seen)(Packet::Binary(bytes));
        Ok(())
    }
}
