//! The memory in which compressed messages are unpacked. Knows nothing of frames.

mod lend;
mod new;

use crate::{
    bytes::{Utf8, close_gap, copy, slice, slice_mut},
    deflate::{Inflate, InflateStatus},
    ws::{Compression, Kind, PeerError},
};

/// What every message lacks at its end (RFC 7692 section 7.2.2).
const TAIL: &[u8; 4] = b"\0\0\xff\xff";
/// So many bytes may come of any message, whatever the ratio.
const FREE: u64 = 1024 * 1024;

/// What unpacks the compressed messages of a connection (RFC 7692): the state of [`Inflate`], which is 1.4 KiB on a machine of 32 bits and 6 KiB on one of
/// 64 bits, and the memory `M` to unpack in. [`Inflating`](super::Inflating) storage has one, and tells how large the memory must be. To
/// [`MayInflate`](super::MayInflate) storage one is lent.
//
// ```text
// | dropped | history | not lent yet | room |
//           start     fresh          end
// ```
//
// History reaches into what was not lent yet: a match may lie up to a window before `end`.
#[derive(Clone, Debug)]
pub struct Inflater<M> {
    inflate: Inflate,
    memory: M,
    window: usize,
    has_takeover: bool,
    ratio: u32,
    start: usize,
    fresh: usize,
    end: usize,
    /// What is lent, and will be dropped.
    lent: Option<(usize, usize)>,
    open: Option<Kind>,
    /// The last compressed bytes of the message have arrived.
    is_whole: bool,
    /// How many bytes of the tail were read.
    tail: usize,
    text: Utf8,
    /// Of the open message: compressed bytes read, and bytes unpacked.
    read: u64,
    unpacked: u64,
    /// A part of the message is ready or was lent.
    is_begun: bool,
    is_skipped: bool,
    /// It is told when the bytes before it are lent.
    fault: Option<PeerError>,
    /// What a client offers in the handshake.
    offered: Option<Compression>,
}

/// Why [`Inflater::run`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The next piece of the message is needed.
    Starved,
    /// The message is complete.
    Whole,
    /// The memory is full.
    Full,
    Fault(PeerError),
}

impl<M: AsMut<[u8]>> Inflater<M> {
    pub(super) const fn open_kind(&self) -> Option<Kind> {
        self.open
    }

    pub(super) const fn is_lending(&self) -> bool {
        self.lent.is_some()
    }

    const fn fresh_len(&self) -> usize {
        self.end.saturating_sub(self.fresh)
    }

    /// Whether a part can be lent: something is there, and there is a place for it apart from the history.
    pub(super) fn has_part(&mut self) -> bool {
        self.fresh < self.end
            && (self.end < self.size() || self.kept() > 0 || self.end > self.fresh.saturating_add(self.window))
    }

    /// The size of the memory to unpack in, in bytes. See [`agree`](Self::agree).
    pub fn size(&mut self) -> usize {
        self.memory.as_mut().len()
    }

    /// A piece of a message will be unpacked.
    pub(super) fn begin(&mut self, kind: Kind, is_last: bool, is_skipped: bool) {
        if self.open.is_none() {
            self.open = Some(kind);
            (self.tail, self.read, self.unpacked) = (0, 0, 0);
            self.text = Utf8::new();
            (self.is_begun, self.is_skipped) = (false, is_skipped);
            if !self.has_takeover {
                (self.start, self.fresh, self.end) = (0, 0, 0);
            }
        }
        self.is_whole = is_last;
    }

    /// The message has ended, and all of it was lent or is dropped.
    pub(in crate::ws) const fn close(&mut self) {
        self.open = None;
        self.fault = None;
        self.fresh = self.end;
    }

    /// Drops what is not lent.
    pub(super) const fn discard(&mut self) {
        self.fresh = self.end;
    }

    /// Drops the rest of the message.
    pub(super) const fn skip(&mut self) {
        self.is_skipped = true;
        self.discard();
    }

    pub(super) const fn is_skipped(&self) -> bool {
        self.is_skipped
    }

    pub(super) const fn is_begun(&self) -> bool {
        self.is_begun
    }

    pub(super) const fn begin_parts(&mut self) {
        self.is_begun = true;
    }

    /// As at the beginning of a connection.
    pub(super) fn reset(&mut self) {
        self.inflate.reset();
        (self.start, self.fresh, self.end, self.lent) = (0, 0, 0, None);
        self.close();
    }

    /// What is lent was dropped.
    pub(super) const fn release(&mut self) {
        self.lent = None;
    }

    /// Unpacks from the front of `input`, which is shortened. `limit`: of the bytes of a message.
    pub(super) fn run(&mut self, input: &mut &[u8], limit: u64) -> Outcome {
        if let Some(fault) = self.fault {
            return Outcome::Fault(fault);
        }
        if self.is_skipped && !self.has_takeover {
            // No later message refers to it.
            *input = &[];
            if !self.is_whole {
                return Outcome::Starved;
            }
            self.inflate.reset();
            return Outcome::Whole;
        }
        let outcome = self.unpack(input, limit);
        if let Outcome::Fault(fault) = outcome {
            self.fault = Some(fault);
        }
        outcome
    }

    fn unpack(&mut self, input: &mut &[u8], limit: u64) -> Outcome {
        loop {
            let most = limit.min(self.allowed());
            let least = self.end;
            let ceiling = usize::try_from(most.saturating_sub(self.unpacked)).unwrap_or(usize::MAX);
            let stop = self.most_end().min(self.end.saturating_add(ceiling));
            let mut tail = slice(TAIL, self.tail..);
            let is_at_tail = input.is_empty() && self.is_whole;
            // Behind a final block nothing needs to follow.
            if is_at_tail && self.tail == 0 && self.read > 0 && self.inflate.has_ended() {
                return self.end();
            }
            let source = if is_at_tail { &mut tail } else { &mut *input };
            let before = source.len();
            let mut end = self.end.saturating_sub(self.start);
            let memory = slice_mut(self.memory.as_mut(), self.start..stop.max(self.end));
            let told = self.inflate.inflate(source, memory, &mut end);
            let read = before.saturating_sub(source.len());
            self.end = self.start.saturating_add(end);
            self.read = self.read.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            let unpacked = self.end.saturating_sub(least);
            self.unpacked = self.unpacked.saturating_add(u64::try_from(unpacked).unwrap_or(u64::MAX));
            if is_at_tail {
                self.tail = self.tail.saturating_add(read);
            }
            if self.open == Some(Kind::Text)
                && let Err(e) = self.text.check(slice(self.memory.as_mut(), least..self.end))
            {
                self.end = least.saturating_add(e.at);
                return Outcome::Fault(PeerError::InvalidUtf8);
            }
            let is_over = match told {
                Err(_) => return Outcome::Fault(PeerError::InvalidCompression),
                Ok(InflateStatus::NeedsRoom) if self.unpacked >= limit => {
                    return Outcome::Fault(PeerError::MessageTooLarge);
                }
                Ok(InflateStatus::NeedsRoom) if self.unpacked >= self.allowed() => {
                    return Outcome::Fault(PeerError::CompressedTooMuch);
                }
                Ok(InflateStatus::NeedsRoom) => {
                    if self.end >= self.most_end() && !self.make_room() {
                        return Outcome::Full;
                    }
                    false
                }
                Ok(InflateStatus::Final) => false,
                Ok(InflateStatus::NeedsInput) if !self.is_whole => return Outcome::Starved,
                Ok(InflateStatus::NeedsInput) => self.tail >= TAIL.len(),
            };
            if is_over {
                return self.end();
            }
        }
    }

    /// All of the message was read.
    fn end(&self) -> Outcome {
        if !self.inflate.is_between_blocks() {
            return Outcome::Fault(PeerError::InvalidCompression);
        }
        if self.open == Some(Kind::Text) && !self.text.is_complete() {
            return Outcome::Fault(PeerError::InvalidUtf8);
        }
        Outcome::Whole
    }

    /// So many bytes may come of what was read.
    fn allowed(&self) -> u64 {
        FREE.saturating_add(self.read.saturating_mul(u64::from(self.ratio)))
    }

    /// Where the memory ends for what is not lent yet: with takeover a window of it stays for the history.
    fn most_end(&mut self) -> usize {
        let size = self.size();
        if self.has_takeover { self.fresh.saturating_add(size.saturating_sub(self.window)).min(size) } else { size }
    }

    /// The first byte that is still needed.
    const fn kept(&self) -> usize {
        if self.open.is_none() && !self.has_takeover {
            return self.end;
        }
        let history = self.end.saturating_sub(self.window);
        let needed = if history < self.fresh { history } else { self.fresh };
        if needed > self.start { needed } else { self.start }
    }

    /// Drops what is not needed. `false`: all of it is.
    fn make_room(&mut self) -> bool {
        let gap = self.kept();
        close_gap(slice_mut(self.memory.as_mut(), ..self.end), gap);
        self.start = 0;
        self.fresh = self.fresh.saturating_sub(gap);
        self.end = self.end.saturating_sub(gap);
        gap > 0
    }

    /// The least memory with which it can go on.
    pub(super) const fn least(&self) -> usize {
        if !self.has_takeover {
            return self.held();
        }
        // What is not lent yet needs a place apart from the window.
        let (fresh, slack) = (self.fresh_len(), self.window >> 2);
        self.window.saturating_add(if fresh > slack { fresh } else { slack })
    }

    /// How many bytes must stay.
    pub(super) const fn held(&self) -> usize {
        self.end.saturating_sub(self.kept())
    }

    /// Moves what is needed to `memory`. Returns it if it is too short, or if something is lent.
    pub(super) fn replace(&mut self, mut memory: M) -> Result<M, M> {
        let (kept, least) = (self.kept(), self.least());
        let new = memory.as_mut();
        if new.len() < least || self.lent.is_some() {
            return Err(memory);
        }
        copy(slice(self.memory.as_mut(), kept..self.end), new);
        self.start = 0;
        self.fresh = self.fresh.saturating_sub(kept);
        self.end = self.end.saturating_sub(kept);
        Ok(core::mem::replace(&mut self.memory, memory))
    }
}
