//! The write cursor that all layers share.

use super::{Client, Kind, SendError, Server, StateError, header, mask, opcode::Opcode, state::Sending};
use crate::bytes::{Capacity, Writer, copy, open_gap};

/// A source of masking keys. RFC 6455 section 5.3 wants each drawn freshly from a strong source: a key that the application
/// behind the peer can foresee lets it write chosen bytes onto the wire.
pub trait MaskSource {
    /// The key of the next frame.
    fn next_key(&mut self) -> [u8; 4];
}

impl<F: FnMut() -> [u8; 4]> MaskSource for F {
    fn next_key(&mut self) -> [u8; 4] {
        self()
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Frames {}
    impl Sealed for super::Stored {}
    impl<M: super::MaskSource + ?Sized> Sealed for super::Masked<'_, M> {}
}

/// What an [`Out`] writes: frames of a server, of a client, or packets at rest. Sealed.
pub trait Form: sealed::Sealed {
    /// The end whose frames these are; [`Stored`] for packets at rest, which no connection sends as they are.
    type Role;
    #[doc(hidden)]
    const IS_MASKED: bool;
    #[doc(hidden)]
    fn next_key(&mut self) -> [u8; 4];
}

/// Frames of a server.
#[derive(Debug)]
pub struct Frames(());

/// Frames of a client, each under a fresh key.
#[derive(Debug)]
pub struct Masked<'k, M: ?Sized>(&'k mut M);

/// Packets at rest: server frames that no connection has sent yet, for a queue or for many receivers.
#[derive(Debug)]
pub struct Stored(());

impl Form for Frames {
    type Role = Server;
    const IS_MASKED: bool = false;
    fn next_key(&mut self) -> [u8; 4] {
        [0; 4]
    }
}

impl Form for Stored {
    type Role = Self;
    const IS_MASKED: bool = false;
    fn next_key(&mut self) -> [u8; 4] {
        [0; 4]
    }
}

impl<M: MaskSource + ?Sized> Form for Masked<'_, M> {
    type Role = Client;
    const IS_MASKED: bool = true;
    fn next_key(&mut self) -> [u8; 4] {
        self.0.next_key()
    }
}

/// What may be appended. A copy of what the connection knows, kept right by every write through it, so that layers
/// which never see the connection cannot write into an open message or behind a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    Message,
    Closed,
}

impl From<Sending> for Gate {
    fn from(sending: Sending) -> Self {
        match sending {
            Sending::Open => Self::Open,
            Sending::Message(_) => Self::Message,
            Sending::CloseOwed(_) | Sending::CloseSent | Sending::Ended { .. } => Self::Closed,
        }
    }
}

/// The write cursor over lent memory: every write of every layer appends whole frames or nothing.
///
/// It borrows no connection, so it may live across many turns of a loop: write out [`written`](Self::written), then
/// [`clear`](Self::clear).
#[derive(Debug)]
pub struct Out<'o, F> {
    memory: &'o mut [u8],
    len: usize,
    pub(crate) gate: Gate,
    form: F,
}

impl<'o> Out<'o, Frames> {
    pub(crate) const fn frames(memory: &'o mut [u8], gate: Gate) -> Self {
        Self { memory, len: 0, gate, form: Frames(()) }
    }
}

impl<'o, 'k, M: MaskSource + ?Sized> Out<'o, Masked<'k, M>> {
    pub(crate) const fn masked(memory: &'o mut [u8], keys: &'k mut M, gate: Gate) -> Self {
        Self { memory, len: 0, gate, form: Masked(keys) }
    }
}

impl<'o> Out<'o, Stored> {
    /// A cursor for packets at rest.
    #[must_use]
    pub const fn stored(memory: &'o mut [u8]) -> Self {
        Self { memory, len: 0, gate: Gate::Open, form: Stored(()) }
    }
}

impl<F> Out<'_, F> {
    /// The frames written since the last [`clear`](Self::clear).
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.memory.get(..self.len).unwrap_or_default()
    }

    /// Makes all the memory room again, after the frames were written out.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Whether nothing waits to be written out.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that can be appended.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.memory.len().saturating_sub(self.len)
    }
}

impl<F: Form> Out<'_, F> {
    /// Appends a frame around `payload`.
    #[inline]
    pub(crate) fn put(&mut self, first: u8, payload: &[u8]) -> Result<(), Capacity> {
        let size = header::size(F::IS_MASKED, payload.len());
        let needed = size.saturating_add(payload.len());
        let end = self.len.saturating_add(needed);
        let available = self.room();
        let Some(place) = self.memory.get_mut(self.len..end) else {
            return Err(Capacity { needed, available });
        };
        let Some((head, body)) = place.split_at_mut_checked(size) else {
            return Err(Capacity { needed, available });
        };
        if body.len() == payload.len() {
            if F::IS_MASKED {
                let key = self.form.next_key();
                header::write(first, Some(key), payload.len(), head);
                mask::copy(key, payload, body);
            } else {
                header::write(first, None, payload.len(), head);
                copy(payload, body);
            }
        }
        self.len = end;
        Ok(())
    }

    /// Appends a frame around what `write` writes. The room of a short header is kept in front and the payload moved once
    /// when its length needs a longer one. `behind` bytes must have room behind it.
    #[inline]
    pub(crate) fn build(
        &mut self,
        first: u8,
        behind: usize,
        write: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(), Capacity> {
        let available = self.room();
        let room = self.memory.get_mut(self.len..).unwrap_or_default();
        let short = header::size(F::IS_MASKED, 0);
        let mut writer = Writer::new(room.get_mut(short..).unwrap_or_default());
        write(&mut writer);
        let len = writer.len();
        let size = header::size(F::IS_MASKED, len);
        let needed = size.saturating_add(len);
        if needed.saturating_add(behind) > available {
            return Err(Capacity { needed: needed.saturating_add(behind), available });
        }
        let Some(place) = room.get_mut(..needed) else { return Err(Capacity { needed, available }) };
        if size > short
            && let Some(body) = place.get_mut(short..)
        {
            open_gap(body, size.wrapping_sub(short));
        }
        let key = F::IS_MASKED.then(|| self.form.next_key());
        if let Some((head, body)) = place.split_at_mut_checked(size) {
            header::write(first, key, len, head);
            if let Some(key) = key {
                mask::apply(key, body);
            }
        }
        self.len = self.len.saturating_add(needed);
        Ok(())
    }

    /// Appends a binary message for an upper layer.
    pub(crate) fn binary_message(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.judge()?;
        Ok(self.put(0x80 | Opcode::Binary.bits(), bytes)?)
    }

    /// Whether a message may begin here.
    const fn judge(&self) -> Result<(), StateError> {
        match self.gate {
            Gate::Open => Ok(()),
            Gate::Message => Err(StateError::MessageOpen),
            Gate::Closed => Err(StateError::Closing),
        }
    }

    /// Appends a whole text message for an upper layer, which sees no connection, and binary messages behind it; all of them or
    /// none. The gate judges.
    #[inline]
    pub(crate) fn messages<'b>(
        &mut self,
        write: impl FnOnce(&mut Writer<'_>),
        behind: impl Iterator<Item = &'b [u8]> + Clone,
    ) -> Result<(), SendError> {
        self.judge()?;
        let size = |bytes: &[u8]| header::size(F::IS_MASKED, bytes.len()).saturating_add(bytes.len());
        let room = behind.clone().map(size).fold(0, usize::saturating_add);
        self.build(0x80 | Opcode::Text.bits(), room, write)?;
        for bytes in behind {
            self.put(0x80 | Opcode::Binary.bits(), bytes)?;
        }
        Ok(())
    }
}

/// The first of the packets at rest in `stored`: what it holds, its payload, and the bytes that it takes.
pub(crate) fn stored_frame(stored: &[u8]) -> Option<(Kind, &[u8], usize)> {
    let (first, len, payload) = match stored {
        [first, 126, a, b, rest @ ..] => (first, u64::from(u16::from_be_bytes([*a, *b])), rest),
        [first, 127, rest @ ..] => {
            let (len, rest) = rest.split_first_chunk::<8>()?;
            (first, u64::from_be_bytes(*len), rest)
        }
        [first, len @ 0..=125, rest @ ..] => (first, u64::from(*len), rest),
        _ => return None,
    };
    let kind = if first & 0x0f == Opcode::Binary.bits() { Kind::Binary } else { Kind::Text };
    let payload = payload.get(..usize::try_from(len).ok()?)?;
    Some((kind, payload, header::size(false, payload.len()).saturating_add(payload.len())))
}
