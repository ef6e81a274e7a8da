//! How an inflater begins.

use super::Inflater;
use crate::{
    bytes::{Capacity, Utf8},
    deflate::Inflate,
    ws::{Agreed, Compression, window_memory},
};

impl<M: AsMut<[u8]>> Inflater<M> {
    /// For a connection that has `agreed` on compression, or not. See [`Inflating::new`](crate::ws::Inflating::new).
    ///
    /// # Errors
    /// [`Capacity`] if `memory` is too short for the window that is kept from one message to the next.
    pub fn new(memory: M, agreed: Option<Agreed>) -> Result<Self, Capacity> {
        let mut new = Self::idle(memory);
        new.agree(agreed)?;
        Ok(new)
    }

    /// Nothing is agreed.
    pub(in crate::ws::inbox) const fn idle(memory: M) -> Self {
        Self {
            inflate: Inflate::new(8),
            memory,
            window: 256,
            has_takeover: false,
            ratio: 256,
            start: 0,
            fresh: 0,
            end: 0,
            lent: None,
            open: None,
            is_whole: false,
            tail: 0,
            text: Utf8::new(),
            read: 0,
            unpacked: 0,
            is_begun: false,
            is_skipped: false,
            fault: None,
            offered: None,
        }
    }

    /// Begins anew, for a connection that has agreed on compression, or not. For one that is lent to one connection after another.
    ///
    /// ```
    /// use sansocket::{Capacity, ws::{Compression, Inflater}};
    ///
    /// let mut inflater = Inflater::new(vec![0; 4096], None)?;
    /// let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate")];
    /// let agreed = Compression::new().without_receive_takeover().accept(offer);
    /// inflater.agree(agreed)?;
    /// # Ok::<(), Capacity>(())
    /// ```
    ///
    /// # Errors
    /// [`Capacity`] if the memory is too short for the window that is kept. Nothing was changed.
    pub fn agree(&mut self, agreed: Option<Agreed>) -> Result<(), Capacity> {
        let bits = agreed.map_or(8, |agreed| agreed.receive_window_bits());
        let has_takeover = agreed.is_some_and(|agreed| agreed.has_receive_takeover());
        let (needed, available) = (window_memory(bits), self.size());
        if has_takeover && available < needed {
            return Err(Capacity { needed, available });
        }
        self.inflate.set_window(bits);
        self.window = 1_usize.wrapping_shl(u32::from(bits));
        self.has_takeover = has_takeover;
        self.reset();
        Ok(())
    }

    /// How many times its bytes a message may be unpacked to. See [`Inflating::ratio`](crate::ws::Inflating::ratio).
    pub const fn set_ratio(&mut self, times: u32) {
        self.ratio = times;
    }

    /// Whether nothing would be lost if it served another connection: no message is open or lent, and no window is kept.
    pub(in crate::ws::inbox) const fn is_free(&self) -> bool {
        self.open.is_none() && self.lent.is_none() && !self.has_takeover
    }

    /// What a client offers: `compression`, as far as there is memory for it.
    pub(in crate::ws::inbox) fn offer(&mut self, compression: Option<Compression>) -> Option<Compression> {
        let size = self.size();
        self.offered = compression.map(|compression| compression.fit(size));
        self.offered
    }

    pub(in crate::ws::inbox) const fn offered(&self) -> Option<Compression> {
        self.offered
    }
}
