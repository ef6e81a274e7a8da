//! What an inflater lends: apart from the history, if who takes it may change it.

use super::Inflater;
use crate::bytes::{close_gap, copy, slice, slice_mut};

impl<M: AsMut<[u8]>> Inflater<M> {
    /// What is not lent yet, to be read.
    pub(in crate::ws::inbox) fn peek(&mut self) -> &mut [u8] {
        slice_mut(self.memory.as_mut(), self.fresh..self.end)
    }

    /// Lends what is not lent yet, all of it at the end of a message, which is then closed. A reader may change what is lent, so it is then apart from the history.
    pub(in crate::ws::inbox) fn lend(&mut self, is_last: bool, is_changed: bool) {
        let lent = if !is_changed || (is_last && !self.has_takeover) {
            (self.fresh, self.end)
        } else if is_last {
            self.detach()
        } else {
            self.detach_part()
        };
        self.lent = Some(lent);
        if is_last {
            self.close();
        }
    }

    /// The bytes that are lent.
    pub(in crate::ws::inbox) fn lent(&mut self) -> &mut [u8] {
        let (from, to) = self.lent.unwrap_or_default();
        slice_mut(self.memory.as_mut(), from..to)
    }

    /// Shortens what is lent to its bytes `from..to`.
    pub(in crate::ws::inbox) fn trim(&mut self, from: usize, to: usize) {
        if let Some((start, end)) = &mut self.lent {
            *end = start.saturating_add(to).min(*end);
            *start = start.saturating_add(from).min(*end);
        }
    }

    /// Puts a whole message apart from the history. [`most_end`](Self::most_end) has left room for both.
    fn detach(&mut self) -> (usize, usize) {
        let len = self.fresh_len();
        let size = self.size();
        if self.end.saturating_add(len) <= size {
            return self.copy_behind(len);
        }
        if len < self.window {
            // The history is at most a window; the message is the end of it.
            self.fresh = self.end;
            self.make_room();
            self.fresh = self.end.saturating_sub(len);
            return self.copy_behind(len);
        }
        // The end of the message is the history: it is copied behind the message.
        close_gap(slice_mut(self.memory.as_mut(), ..self.end), self.fresh);
        let (message, room) = self.memory.as_mut().split_at_mut_checked(len).unwrap_or_default();
        let history = slice(message, len.saturating_sub(self.window)..);
        let kept = history.len().min(room.len());
        copy(history, room);
        self.start = len;
        self.end = len.saturating_add(kept);
        self.fresh = self.end;
        (0, len)
    }

    /// The copy is lent.
    fn copy_behind(&mut self, n: usize) -> (usize, usize) {
        let (front, room) = self.memory.as_mut().split_at_mut_checked(self.end).unwrap_or_default();
        copy(slice(front, self.fresh..self.fresh.saturating_add(n)), slice_mut(room, ..n));
        self.fresh = self.fresh.saturating_add(n);
        (self.end, self.end.saturating_add(n))
    }

    /// Puts as much as is possible apart from the history: what is older than the window, or else a copy.
    fn detach_part(&mut self) -> (usize, usize) {
        let old = self.end.saturating_sub(self.window);
        if old > self.fresh {
            let from = core::mem::replace(&mut self.fresh, old);
            self.start = old;
            return (from, old);
        }
        if self.end >= self.size() {
            self.make_room();
        }
        let room = self.size().saturating_sub(self.end);
        self.copy_behind(room.min(self.fresh_len()))
    }
}
