use super::SendError;
use crate::{
    bytes::Writer,
    ws::{Client, Frames, MaskSource, Masked, Out, Server, Stored},
};

mod sealed {
    pub trait Sealed {}
    impl<F> Sealed for crate::ws::Out<'_, F> {}
}

/// Where packets of the end `R` are written: an [`Out`] of its own frames or of packets at rest. Sealed.
///
/// The layers above write through this trait, so they do not depend on which of the two it is.
pub trait Sink<R>: sealed::Sealed {
    /// Appends a text message, `4` and what `write` writes, and binary messages behind it; all of them or nothing.
    #[doc(hidden)]
    fn text<'b>(
        &mut self,
        write: impl FnOnce(&mut Writer<'_>),
        behind: impl Iterator<Item = &'b [u8]> + Clone,
    ) -> Result<(), SendError>;
    /// Appends a binary message, or nothing.
    #[doc(hidden)]
    fn binary(&mut self, bytes: &[u8]) -> Result<(), SendError>;
    /// Appends `packet`, a bare packet of this layer, or nothing.
    #[doc(hidden)]
    fn packet(&mut self, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError>;
}

macro_rules! sink {
    ($role:ty, $form:ty $(, $k:lifetime, $m:ident)?) => {
        impl<$($k, $m: MaskSource + ?Sized)?> Sink<$role> for Out<'_, $form> {
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
    };
}

sink!(Server, Frames);
sink!(Client, Masked<'k, M>, 'k, M);
sink!(Server, Stored);
sink!(Client, Stored);
