use super::{Packet, SendError};
use crate::{
    bytes::Writer,
    ws::{Client, Form, Out, Server, Stored},
};

pub(super) mod sealed {
    pub trait Sealed {}
    impl<F> Sealed for crate::ws::Out<'_, F> {}
    impl Sealed for crate::engineio::Payload<'_> {}
    impl<O: Sealed, F> Sealed for super::Seeing<'_, O, F> {}

    /// How long a text packet may be.
    #[derive(Clone, Copy, Debug)]
    pub struct Room {
        /// Bytes for the packet and its header, if it has one.
        pub left: usize,
        /// Whether a frame goes around the packet, and whether it is masked.
        pub frame: Option<bool>,
    }

    impl Room {
        /// Whether a packet of `len` bytes, its digit counted, has room.
        pub(super) fn takes(self, len: usize) -> bool {
            let header = self.frame.map_or(0, |is_masked| crate::ws::header_size(is_masked, len));
            header.saturating_add(len) <= self.left
        }
    }

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
    /// The room here for a text packet with the binary messages `behind` it.
    #[doc(hidden)]
    fn room<'b>(&self, behind: impl Iterator<Item = &'b [u8]>) -> sealed::Room;
    /// Whether the messages that follow may be compressed.
    #[doc(hidden)]
    fn allow(&mut self, _may_compress: bool) {}
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

    fn room<'b>(&self, behind: impl Iterator<Item = &'b [u8]>) -> sealed::Room {
        sealed::Room { left: self.room_beside(behind), frame: Some(F::IS_MASKED) }
    }

    fn allow(&mut self, may_compress: bool) {
        self.allow(may_compress);
    }
}

/// A sink that tells `seen` each packet that is written into `out`, for logs. What is refused is not told.
#[derive(Debug)]
pub(crate) struct Seeing<'o, O, F> {
    pub(crate) out: &'o mut O,
    pub(crate) seen: F,
}

impl<R, O: Sink<R>, F: FnMut(Packet<'_>)> Sink<R> for Seeing<'_, O, F> {
    fn text<'b>(
        &mut self,
        write: impl FnOnce(&mut Writer<'_>),
        behind: impl Iterator<Item = &'b [u8]> + Clone,
    ) -> Result<(), SendError> {
        let Self { out, seen } = self;
        let room = out.room(behind.clone());
        out.text(
            |w| {
                let from = w.len();
                write(w);
                // The digit stands in front. A frame is masked as soon as it is complete, so this is the time to look.
                if room.takes(w.len().saturating_sub(from).saturating_add(1)) {
                    seen(Packet::Text(w.written_from(from)));
                }
            },
            behind.clone(),
        )?;
        behind.for_each(|bytes| seen(Packet::Binary(bytes)));
        Ok(())
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.out.binary(bytes)?;
        (self.seen)(Packet::Binary(bytes));
        Ok(())
    }

    fn packet(&mut self, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError> {
        let Self { out, seen } = self;
        let room = out.room(core::iter::empty());
        out.packet(|w| {
            let from = w.len();
            write(w);
            if room.takes(w.len().saturating_sub(from))
                && let Ok(packet) = Packet::parse_text(w.written_from(from))
            {
                seen(packet);
            }
        })
    }

    fn room<'b>(&self, behind: impl Iterator<Item = &'b [u8]>) -> sealed::Room {
        self.out.room(behind)
    }

    fn allow(&mut self, may_compress: bool) {
        self.out.allow(may_compress);
    }
}
