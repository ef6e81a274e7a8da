//! Stores the names of rooms one after the other in lent bytes.
//!
//! Six bytes precede each name: the record of its room, and its length. The bytes of a removed name stay unused until the end of the storage is
//! reached. Then, if at least a quarter of the bytes is unused, one pass over all bytes closes the gaps. So at least a quarter of the bytes was
//! written since the last pass, and the cost of a pass is constant for each byte written.

use crate::bytes::{close_gap, copy};

/// The bytes that precede a name.
const HEAD: usize = 6;
const DEAD: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(super) struct NameArena<B> {
    bytes: B,
    end: usize,
    /// Bytes in use, including those that precede names.
    live: usize,
    /// Bytes looked at or moved by closing up, for tests of cost.
    #[cfg(test)]
    pub(super) moved: usize,
}

impl<B: AsMut<[u8]> + AsRef<[u8]>> NameArena<B> {
    pub(super) const fn new(bytes: B) -> Self {
        Self {
            bytes,
            end: 0,
            live: 0,
            #[cfg(test)]
            moved: 0,
        }
    }

    pub(super) fn into_bytes(self) -> B {
        self.bytes
    }

    pub(super) fn size(&self) -> usize {
        self.bytes.as_ref().len()
    }

    pub(super) const fn live(&self) -> usize {
        self.live
    }

    /// Bytes that a name takes.
    pub(super) const fn cost(name: &[u8]) -> usize {
        name.len().saturating_add(HEAD)
    }

    /// The name at `place`.
    pub(super) fn get(&self, place: u32) -> &[u8] {
        let at = usize::try_from(place).unwrap_or(usize::MAX);
        let Some((_, len)) = self.head(at) else { return b"" };
        let from = at.saturating_add(HEAD);
        self.bytes.as_ref().get(from..from.saturating_add(len)).unwrap_or_default()
    }

    /// The size of a storage for `total` bytes in use: a third more, so that closing gaps is cheap.
    pub(super) const fn needed(total: usize) -> usize {
        total.saturating_add(total.div_ceil(3))
    }

    /// Whether `name` has room, at the end or after closing the gaps.
    pub(super) fn fits(&self, name: &[u8]) -> bool {
        let cost = Self::cost(name);
        self.size().saturating_sub(self.end) >= cost || Self::needed(self.live.saturating_add(cost)) <= self.size()
    }

    /// Stores `name` for the room with the record `owner`. Calls `moved` for each name that was moved. The caller has checked that it
    /// [`fits`](Self::fits).
    pub(super) fn insert(&mut self, owner: u32, name: &[u8], moved: impl FnMut(u32, u32)) -> Option<u32> {
        let cost = Self::cost(name);
        if self.size().saturating_sub(self.end) < cost {
            self.close_up(moved);
        }
        let at = self.end;
        let place = self.bytes.as_mut().get_mut(at..at.saturating_add(cost))?;
        write_head(place, owner, name.len())?;
        copy(name, place.get_mut(HEAD..)?);
        self.end = at.saturating_add(cost);
        self.live = self.live.saturating_add(cost);
        u32::try_from(at).ok()
    }

    pub(super) fn remove(&mut self, place: u32) {
        let at = usize::try_from(place).unwrap_or(usize::MAX);
        let Some((_, len)) = self.head(at) else { return };
        if let Some(place) = self.bytes.as_mut().get_mut(at..) {
            write_head(place, DEAD, len);
        }
        self.live = self.live.saturating_sub(len.saturating_add(HEAD));
        if self.live == 0 {
            self.end = 0;
        }
    }

    fn head(&self, at: usize) -> Option<(u32, usize)> {
        let rest = self.bytes.as_ref().get(at..self.end)?;
        let (owner, rest) = rest.split_first_chunk::<4>()?;
        let len = rest.first_chunk::<2>()?;
        Some((u32::from_le_bytes(*owner), usize::from(u16::from_le_bytes(*len))))
    }

    fn close_up(&mut self, mut moved: impl FnMut(u32, u32)) {
        let mut from = 0_usize;
        let mut to = 0_usize;
        #[cfg(test)]
        {
            self.moved += self.end;
        }
        while let Some((owner, len)) = self.head(from) {
            let cost = len.saturating_add(HEAD);
            if owner != DEAD {
                let gap = from.saturating_sub(to);
                if gap > 0
                    && let Some(region) = self.bytes.as_mut().get_mut(to..from.saturating_add(cost))
                {
                    close_gap(region, gap);
                    moved(owner, u32::try_from(to).unwrap_or(u32::MAX));
                }
                to = to.saturating_add(cost);
            }
            from = from.saturating_add(cost);
        }
        self.end = to;
    }
}

fn write_head(place: &mut [u8], owner: u32, len: usize) -> Option<()> {
    let (place_owner, rest) = place.split_first_chunk_mut::<4>()?;
    *place_owner = owner.to_le_bytes();
    *rest.first_chunk_mut::<2>()? = u16::try_from(len).ok()?.to_le_bytes();
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    /// Bytes moved for each fresh name that is stored and removed while `n` others stay, in the smallest storage that takes them.
    fn cost(n: u32) -> usize {
        const LEN: usize = 8;
        let mut size = n as usize * (LEN + HEAD) + 3 * (LEN + HEAD);
        let mut arena = NameArena::new(vec![0; size]);
        let name = |i: u32| i.to_be_bytes().repeat(2);
        for i in 0..n {
            arena.insert(i, &name(i), |_, _| {}).unwrap();
        }
        let pairs = 2 * n;
        for i in n..n + pairs {
            // A host lends what is asked for; a stranger stays just below the next time.
            if !arena.fits(&name(i)) {
                size = NameArena::<Vec<u8>>::needed(arena.live() + LEN + HEAD);
                let mut larger = NameArena::new(vec![0; size]);
                (0..n).for_each(|i| assert!(larger.insert(i, &name(i), |_, _| {}).is_some()));
                larger.moved = arena.moved + size;
                arena = larger;
            }
            let at = arena.insert(i, &name(i), |_, _| {}).unwrap();
            arena.remove(at);
        }
        arena.moved / pairs as usize
    }

    #[test]
    fn a_name_costs_the_same_in_a_nearly_full_storage_of_any_size() {
        let costs = [1_000, 2_000, 100_000, 200_000, 1_000_000].map(cost);
        assert!(costs.iter().all(|&cost| cost < 200), "bytes moved for each name: {costs:?}");
    }
}
