//! Stored frames, read again.

use super::{Form, Kind, Out, SendError, header, opcode::Opcode};
use crate::bytes::Capacity;

/// The first frame in `stored`: its first byte, its payload, and its length.
fn first_frame(stored: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (first, len, payload) = match stored {
        [first, 126, a, b, rest @ ..] => (first, u64::from(u16::from_be_bytes([*a, *b])), rest),
        [first, 127, rest @ ..] => {
            let (len, rest) = rest.split_first_chunk::<8>()?;
            (first, u64::from_be_bytes(*len), rest)
        }
        [first, len @ 0..=125, rest @ ..] => (first, u64::from(*len), rest),
        _ => return None,
    };
    let payload = payload.get(..usize::try_from(len).ok()?)?;
    Some((*first, payload, header::size(false, payload.len()).saturating_add(payload.len())))
}

/// The first frame in `stored`: its kind, its payload, and its length.
pub(crate) fn stored_frame(stored: &[u8]) -> Option<(Kind, &[u8], usize)> {
    let (first, payload, len) = first_frame(stored)?;
    let kind = if first & 0x0f == Opcode::Binary.bits() { Kind::Binary } else { Kind::Text };
    Some((kind, payload, len))
}

impl<F: Form> Out<'_, F> {
    /// Appends stored frames, all or none: masked for a client, and compressed over a [`Deflater`](super::Deflater) (see there for an example). Bytes
    /// that are not whole frames end it: what is behind them is left out.
    ///
    /// # Errors
    /// [`SendError::Capacity`] with the size of all frames without compression. [`SendError::State`] while a message sent in parts is not complete, and
    /// after a close. Nothing was changed.
    pub fn append(&mut self, stored: &[u8]) -> Result<(), SendError> {
        self.judge()?;
        let frames = || {
            let mut rest = stored;
            core::iter::from_fn(move || {
                let (first, payload, len) = first_frame(rest)?;
                rest = rest.get(len..)?;
                Some((first, payload))
            })
        };
        let needed = Self::size_of(frames().map(|(_, payload)| payload));
        let available = self.room();
        if needed > available {
            return Err(Capacity { needed, available }.into());
        }
        for (first, payload) in frames() {
            self.put(first, payload)?;
        }
        Ok(())
    }
}
