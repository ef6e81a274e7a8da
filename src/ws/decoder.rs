//! Splits bytes into pieces of frames and unmasks them. The bytes may be cut anywhere; at most an incomplete header is stored. Whether a text is
//! UTF-8 is checked elsewhere ([`Text`](super::text::Text)).

use super::{
    Kind, Leniency, Limits, header,
    header::{Before, Fault, Header},
    limits::Length,
    mask,
    opcode::Opcode,
    role::Role,
};
use crate::bytes::{IS_WIDE, copy, slice, slice_mut};

/// The frame whose payload is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// Not the last frame of its message.
    Data,
    FinalData,
    Control(Opcode),
}

/// 48 bytes: two lengths, the counters for the limits, and an incomplete header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decoder {
    /// How many payload bytes of the current frame are missing.
    left: Length,
    /// Of the open message, as [`Before`] says. Zero between two messages.
    message: Length,
    fragments: u32,
    empty_fragments: u16,
    controls: u16,
    key: [u8; 4],
    partial: [u8; header::MAX - 1],
    /// Bytes in `partial`.
    have: u8,
    open: Option<Kind>,
    /// Whether a piece of the open message was returned.
    begun: bool,
    /// Whether the open message is compressed.
    is_compressed: bool,
    frame: Frame,
}

/// A piece, and its place in the input. All bytes before `to` were read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece {
    /// `is_ascii`: found while unmasking. `false` means unknown.
    Data {
        kind: Kind,
        is_first: bool,
        is_last: bool,
        is_compressed: bool,
        is_ascii: bool,
        from: usize,
        to: usize,
    },
    Control {
        opcode: Opcode,
        is_last: bool,
        from: usize,
        to: usize,
    },
}

/// A whole message in one frame, unmasked at `from..to` of the input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole {
    pub(crate) kind: Kind,
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// As in [`Piece::Data`].
    pub(crate) is_ascii: bool,
    key: [u8; 4],
}

impl Whole {
    /// Masks the payload again, so the input is unchanged.
    #[cold]
    pub(crate) fn undo<R: Role>(&self, input: &mut [u8]) {
        if !R::SENDS_MASKED {
            mask::apply(self.key, slice_mut(input, self.from..self.to));
        }
    }
}

impl Decoder {
    pub(crate) const fn new() -> Self {
        Self {
            left: 0,
            message: 0,
            fragments: 0,
            empty_fragments: 0,
            controls: 0,
            key: [0; 4],
            partial: [0; header::MAX - 1],
            have: 0,
            open: None,
            begun: false,
            is_compressed: false,
            frame: Frame::FinalData,
        }
    }

    /// The kind of the open message.
    pub(crate) const fn open_kind(&self) -> Option<Kind> {
        self.open
    }

    /// Whether the open message is compressed.
    pub(crate) const fn is_compressed(&self) -> bool {
        self.open.is_some() && self.is_compressed
    }

    /// How many payload bytes of the current frame are missing.
    pub(crate) const fn left(&self) -> Length {
        self.left
    }

    /// How many payload bytes of the current data frame are missing. Zero inside a control frame, which is between two data frames.
    pub(crate) const fn left_of_data(&self) -> Length {
        match self.frame {
            Frame::Data | Frame::FinalData => self.left,
            Frame::Control(_) => 0,
        }
    }

    /// The fast path for most messages: one final frame of at most 65,535 bytes, completely in `input`, no message open. `None` in all other cases,
    /// also if the frame is invalid or only tolerated: then nothing was changed, and [`step`](Self::step) handles it.
    // It knows only the usual headers, because the general check of a header costs more than all the rest. Where flash is short, `step` handles all.
    #[inline]
    pub(crate) fn whole<R: Role>(&self, limits: &Limits, input: &mut [u8]) -> Option<Whole> {
        if !IS_WIDE || self.left != 0 || self.have != 0 || self.open.is_some() {
            return None;
        }
        let (&mut [first, second], rest) = input.split_first_chunk_mut::<2>()?;
        let kind = match first {
            0x81 => Kind::Text,
            0x82 => Kind::Binary,
            _ => return None,
        };
        let (len, rest, before_key) = match if R::SENDS_MASKED { second } else { second ^ 0x80 } {
            short @ ..126 => (u16::from(short), rest, 2_usize),
            126 => {
                let (&mut len, rest) = rest.split_first_chunk_mut::<2>()?;
                match u16::from_be_bytes(len) {
                    ..126 => return None,
                    len => (len, rest, 4),
                }
            }
            _ => return None,
        };
        if Length::from(len) > limits.frame.min(limits.message) {
            return None;
        }
        let len = usize::from(len);
        if R::SENDS_MASKED {
            let to = before_key.wrapping_add(len);
            return (len <= rest.len()).then_some(Whole { kind, from: before_key, to, is_ascii: false, key: [0; 4] });
        }
        let (&mut key, rest) = rest.split_first_chunk_mut::<4>()?;
        let payload = rest.get_mut(..len)?;
        let is_ascii = match kind {
            Kind::Text => mask::apply_to_text(key, payload).1,
            Kind::Binary => {
                mask::apply(key, payload);
                false
            }
        };
        let from = before_key.wrapping_add(4);
        Some(Whole { kind, from, to: from.wrapping_add(len), is_ascii, key })
    }

    /// The next piece; `None` when all input was read. A fault has the offset of the byte that shows it.
    #[inline]
    pub(crate) fn step<R: Role>(
        &mut self,
        limits: &Limits,
        leniency: Leniency,
        input: &mut [u8],
    ) -> Result<Option<Piece>, Fault> {
        let mut from = 0_usize;
        loop {
            if self.left == 0 {
                let rest = slice(input, from..);
                match self.header::<R>(limits, leniency, rest) {
                    Ok(Some(n)) => from = from.wrapping_add(n),
                    Ok(None) => return Ok(None),
                    Err((e, at)) => return Err((e, from.wrapping_add(at))),
                }
            }
            let rest = slice_mut(input, from..);
            let n = usize::try_from(self.left).map_or(rest.len(), |left| left.min(rest.len()));
            if n == 0 && self.left > 0 {
                return Ok(None);
            }
            let payload = slice_mut(rest, ..n);
            self.left = self.left.wrapping_sub(Length::try_from(n).unwrap_or(Length::MAX));
            let to = from.wrapping_add(n);
            let is_end = self.left == 0;
            let is_ascii = self.unmask::<R>(payload);
            match (self.frame, self.open) {
                (Frame::Control(opcode), _) => {
                    return Ok(Some(Piece::Control { opcode, is_last: is_end, from, to }));
                }
                (frame, Some(kind)) => {
                    let is_last = is_end && frame == Frame::FinalData;
                    let is_first = !self.begun;
                    if is_last {
                        self.end_message();
                    } else if n == 0 {
                        continue;
                    }
                    self.begun = true;
                    let is_compressed = self.is_compressed;
                    return Ok(Some(Piece::Data { kind, is_first, is_last, is_compressed, is_ascii, from, to }));
                }
                (Frame::Data | Frame::FinalData, None) => {
                    debug_assert!(false, "a data frame has a message");
                    return Ok(None);
                }
            }
        }
    }

    /// Unmasks a piece. Returns whether it is known to be ASCII; for a text this costs little. A server sends unmasked frames. A lenient client unmasks
    /// byte by byte, which links the least code.
    #[inline]
    fn unmask<R: Role>(&mut self, payload: &mut [u8]) -> bool {
        if R::SENDS_MASKED {
            let mut key = u32::from_le_bytes(self.key);
            if key != 0 {
                for byte in payload {
                    *byte ^= key.to_le_bytes()[0];
                    key = key.rotate_right(8);
                }
                self.key = key.to_le_bytes();
            }
            return false;
        }
        // The crate finds ASCII in less time than it takes beside unmasking.
        let is_judged_later = cfg!(feature = "simdutf8") && payload.len() >= 512;
        if IS_WIDE && (is_judged_later || !matches!(self.open, Some(Kind::Text))) {
            self.key = mask::apply(self.key, payload);
            return false;
        }
        let (key, is_ascii) = mask::apply_to_text(self.key, payload);
        self.key = key;
        is_ascii
    }

    /// Reads a header from the front of `input` and begins its frame. Returns the length of the header, or `None` if the input ends inside it.
    // The only caller of `parse`, so that the check is compiled into it.
    #[inline]
    fn header<R: Role>(&mut self, limits: &Limits, leniency: Leniency, input: &[u8]) -> Result<Option<usize>, Fault> {
        let have = usize::from(self.have);
        let mut joined;
        let known = if have == 0 {
            input
        } else {
            joined = [0; header::MAX];
            self.join(input, &mut joined)
        };
        match header::parse::<R>(known, limits, leniency, &self.before()) {
            Ok(Some((header, n))) => {
                self.have = 0;
                self.begin(&header);
                Ok(Some(n.saturating_sub(have)))
            }
            Ok(None) => {
                copy(known, &mut self.partial);
                self.have = known.len().min(header::MAX - 1).to_le_bytes()[0];
                Ok(None)
            }
            Err((e, at)) => Err((e, at.saturating_sub(have))),
        }
    }

    /// The front of the header, which is in `partial`, and `input` behind it.
    #[cold]
    fn join<'b>(&self, input: &[u8], bytes: &'b mut [u8; header::MAX]) -> &'b [u8] {
        let have = usize::from(self.have);
        copy(&self.partial, bytes);
        copy(input, slice_mut(bytes, have..));
        slice(bytes, ..have.saturating_add(input.len()).min(header::MAX))
    }

    #[inline(always)]
    const fn before(&self) -> Before {
        let Self { open, message, fragments, empty_fragments, controls, .. } = *self;
        Before { open, message, fragments, empty_fragments, controls }
    }

    #[inline]
    const fn end_message(&mut self) {
        (self.open, self.message, self.fragments, self.empty_fragments) = (None, 0, 0, 0);
    }

    #[inline]
    fn begin(&mut self, header: &Header) {
        self.left = header.len;
        self.key = header.key;
        match header.opcode {
            Opcode::Text => self.open(Kind::Text, header),
            Opcode::Binary => self.open(Kind::Binary, header),
            Opcode::Continuation => {}
            opcode => {
                self.controls = self.controls.saturating_add(1);
                self.frame = Frame::Control(opcode);
                return;
            }
        }
        self.frame = if header.is_final { Frame::FinalData } else { Frame::Data };
        self.controls = 0;
        self.message = self.message.saturating_add(header.len);
        self.fragments = self.fragments.saturating_add(1);
        if header.len == 0 {
            self.empty_fragments = self.empty_fragments.saturating_add(1);
        }
    }

    #[inline]
    const fn open(&mut self, kind: Kind, header: &Header) {
        self.open = Some(kind);
        self.begun = false;
        self.is_compressed = header.rsv1;
    }
}

const _: () = assert!(size_of::<Decoder>() <= 48);
