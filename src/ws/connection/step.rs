//! What a connection does with received bytes: one step after another.

use super::Connection;
use crate::{
    bytes::{slice, slice_mut},
    ws::{
        CloseCode, Control, Kind, PeerError, Role,
        control_frame::Seen,
        decoder::{Piece, Whole},
        state::{Receiving, Trigger},
        text,
    },
};

/// What a step found, and its place in the input.
pub(crate) enum Found {
    Chunk {
        kind: Kind,
        is_first: bool,
        is_last: bool,
        is_compressed: bool,
        from: usize,
        to: usize,
    },
    /// Its payload is where `step` was told to put it.
    Ping,
    Pong,
    Close(CloseCode),
}

impl<R: Role> Connection<R> {
    /// As [`Decoder::whole`]; also checks that a text is UTF-8. A call would cost a seventh of the way of a short message.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    pub(crate) fn whole(&self, input: &mut [u8]) -> Option<Whole> {
        if !matches!(self.state.receiving, Receiving::Open) || self.is_text_broken {
            return None;
        }
        let whole = self.decoder.whole::<R>(&self.limits, input)?;
        if whole.kind == Kind::Text && !whole.is_ascii && !text::is_text(slice(input, whole.from..whole.to)) {
            // `step` finds out how much of it is valid.
            whole.undo::<R>(input);
            return None;
        }
        Some(whole)
    }

    /// The next event in `input`, and how many bytes were read. `place` gets the payload of a ping or pong: in the result, its 126 bytes would be on
    /// the stack once more for each caller.
    ///
    /// `unpacks`: the caller takes compressed messages, if that was agreed on. For another one RSV1 is a fault. Where all callers pass the same, the
    /// compiler leaves the other way out.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn step(
        &mut self,
        unpacks: bool,
        input: &mut [u8],
        place: &mut Option<Control>,
    ) -> (usize, Result<Option<Found>, PeerError>) {
        match self.state.receiving {
            Receiving::Failed(error) => return (0, Err(error)),
            Receiving::Open if self.is_text_broken => return self.fault(PeerError::InvalidUtf8, 0),
            // Each turn of a loop ends here.
            Receiving::Open if !input.is_empty() => {}
            _ => return (input.len(), Ok(None)),
        }
        let leniency = if unpacks { self.leniency } else { self.leniency.with_compression(None) };
        let mut used = 0_usize;
        loop {
            let rest = slice_mut(input, used..);
            match self.decoder.step::<R>(&self.limits, leniency, rest) {
                Ok(None) => return (input.len(), Ok(None)),
                Ok(Some(Piece::Data { kind, is_first, mut is_last, is_compressed, is_ascii, from, mut to })) => {
                    let is_compressed = unpacks && is_compressed;
                    // A compressed text is checked when it is unpacked.
                    if kind == Kind::Text
                        && !is_compressed
                        && let Err(at) = self.text.check(slice(rest, from..to), is_ascii, is_first, is_last)
                    {
                        if at == 0 {
                            return self.fault(PeerError::InvalidUtf8, used.wrapping_add(from));
                        }
                        self.is_text_broken = true;
                        is_last = false;
                        to = from.wrapping_add(at);
                    }
                    let (from, to) = (used.wrapping_add(from), used.wrapping_add(to));
                    return (to, Ok(Some(Found::Chunk { kind, is_first, is_last, is_compressed, from, to })));
                }
                Ok(Some(Piece::Control { opcode, is_last, from, to })) => {
                    let seen = match self.control(opcode, slice(rest, from..to), is_last, place) {
                        Ok(seen) => seen,
                        Err((error, at)) => return self.fault(error, used.wrapping_add(from).wrapping_add(at)),
                    };
                    used = used.wrapping_add(to);
                    match seen {
                        None => {}
                        Some(Seen::Ping) => return (used, Ok(Some(Found::Ping))),
                        Some(Seen::Pong) => return (used, Ok(Some(Found::Pong))),
                        Some(Seen::Close(code)) => return (used, Ok(Some(Found::Close(code)))),
                    }
                }
                Err((error, at)) => return self.fault(error, used.wrapping_add(at)),
            }
        }
    }

    /// The peer broke the protocol at the byte behind `used`.
    fn fault(&mut self, error: PeerError, used: usize) -> (usize, Result<Option<Found>, PeerError>) {
        note!("the peer broke WebSocket: {}", error);
        self.state.receive(Trigger::ReceiveFault(error));
        (used, Err(error))
    }
}
