//! Stores the names of rooms one after the other in lent bytes.
//!
//! In front of each stand six bytes: the record of its room, and its length. The bytes of a name that is no longer needed stay
//! unused until a pass over all names closes the gaps. A pass begins when an eighth of the storage is unused, and goes on by eight bytes
//! for each byte that is removed. So it has come to its end before a second eighth is unused: a quarter at most ever is, and no
//! single call takes longer than its own name explains.

use crate::bytes::{close_gap, copy};

/// The share of the storage that may be unused before a pass begins, and bytes that a pass goes on for each byte removed.
const PACE: usize = 8;
/// Bytes in front of a name.
const HEAD: usize = 6;
const DEAD: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(super) struct NameArena<B> {
    bytes: B,
    end: usize,
    /// Bytes in use, including those that precede names.
    live: usize,
    /// Of the pass under way: names in front of `to` have moved, those from `from` on have not, and the bytes between are unused.
    /// Both are 0 when there is none.
    to: usize,
    from: usize,
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
            to: 0,
            from: 0,
            #[cfg(test)]
            moved: 0,
        }
    }

    pub(super) fn into_bytes(self) -> B {
        self.bytes
    }

    /// Copies the names to `bytes`, which are not fewer, and gives the old ones back.
    pub(super) fn exchange(&mut self, mut bytes: B) -> B {
        let names = self.bytes.as_ref().get(..self.end).unwrap_or_default();
        if let Some(place) = bytes.as_mut().get_mut(..self.end) {
            copy(names, place);
        }
        core::mem::replace(&mut self.bytes, bytes)
    }

    /// The bytes, to be lengthened.
    pub(super) const fn bytes_mut(&mut self) -> &mut B {
        &mut self.bytes
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

    /// The size of a storage in which names of `total` bytes, with heads, always have room: a third more, as a quarter may be unused.
    pub(super) const fn needed(total: usize) -> usize {
        total.saturating_add(total.div_ceil(3))
    }

    /// Whether `name` has room behind the others.
    pub(super) fn fits(&self, name: &[u8]) -> bool {
        let cost = Self::cost(name);
        let fits = self.size().saturating_sub(self.end) >= cost;
        debug_assert!(
            fits || Self::needed(self.live.saturating_add(cost)) > self.size(),
            "more than a quarter is unused"
        );
        fits
    }

    /// Stores `name` for the room with the record `owner`. The caller has seen that it [`fits`](Self::fits).
    pub(super) fn insert(&mut self, owner: u32, name: &[u8]) -> Option<u32> {
        let cost = Self::cost(name);
        let at = self.end;
        let place = self.bytes.as_mut().get_mut(at..at.saturating_add(cost))?;
        write_head(place, owner, name.len())?;
        copy(name, place.get_mut(HEAD..)?);
        self.end = at.saturating_add(cost);
        self.live = self.live.saturating_add(cost);
        u32::try_from(at).ok()
    }

    /// Ends the name at `place`. `moved` is told of every name that had to move: its owner and its new place. Cost: O(length of the name).
    pub(super) fn remove(&mut self, place: u32, moved: impl FnMut(u32, u32)) {
        let at = usize::try_from(place).unwrap_or(usize::MAX);
        let Some((_, len)) = self.head(at) else { return };
        if let Some(place) = self.bytes.as_mut().get_mut(at..) {
            write_head(place, DEAD, len);
        }
        let cost = len.saturating_add(HEAD);
        self.live = self.live.saturating_sub(cost);
        if self.live == 0 {
            (self.end, self.to, self.from) = (0, 0, 0);
        }
        self.close_up(cost.saturating_mul(PACE), moved);
    }

    fn head(&self, at: usize) -> Option<(u32, usize)> {
        let rest = self.bytes.as_ref().get(at..self.end)?;
        let (owner, rest) = rest.split_first_chunk::<4>()?;
        let len = rest.first_chunk::<2>()?;
        Some((u32::from_le_bytes(*owner), usize::from(u16::from_le_bytes(*len))))
    }

    /// Goes on with the pass by `bytes`; begins one if it is time.
    fn close_up(&mut self, bytes: usize, mut moved: impl FnMut(u32, u32)) {
        let mut done = 0_usize;
        while done < bytes {
            let is_idle = self.from == 0;
            if is_idle && self.end.saturating_sub(self.live).saturating_mul(PACE) < self.size() {
                return;
            }
            let Some((owner, len)) = self.head(self.from) else {
                (self.end, self.to, self.from) = (self.to, 0, 0);
                if is_idle {
                    return;
                }
                continue;
            };
            let cost = len.saturating_add(HEAD);
            let end = self.from.saturating_add(cost);
            if owner != DEAD {
                let gap = self.from.saturating_sub(self.to);
                if gap > 0
                    && let Some(region) = self.bytes.as_mut().get_mut(self.to..end)
                {
                    close_gap(region, gap);
                    moved(owner, u32::try_from(self.to).unwrap_or(u32::MAX));
                }
                self.to = self.to.saturating_add(cost);
            }
            self.from = end;
            done = done.saturating_add(cost);
            #[cfg(test)]
            {
                self.moved += cost;
            }
        }
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

    const LEN: usize = 8;
    const COST: usize = LEN + HEAD;

    fn name(i: u32) -> Vec<u8> {
        i.to_be_bytes().repeat(2)
    }

    /// Bytes looked at for each fresh name that is stored and removed while `n` others stay, in the smallest storage that takes them: on average,
    /// and at most.
    fn cost(n: u32) -> [usize; 2] {
        let mut size = n as usize * COST + 3 * COST;
        let mut arena = NameArena::new(vec![0; size]);
        for i in 0..n {
            arena.insert(i, &name(i)).unwrap();
        }
        let pairs = 2 * n;
        let [mut total, mut most] = [0; 2];
        for i in n..n + pairs {
            arena.moved = 0;
            // A host lends what is asked for; a stranger stays just below the next time.
            if !arena.fits(&name(i)) {
                size = NameArena::<Vec<u8>>::needed(arena.live() + COST);
                arena.exchange(vec![0; size]);
                total += size;
            }
            let at = arena.insert(i, &name(i)).unwrap();
            arena.remove(at, |_, _| {});
            total += arena.moved;
            most = most.max(arena.moved);
        }
        [total / pairs as usize, most]
    }

    #[test]
    fn a_name_costs_the_same_in_a_nearly_full_storage_of_any_size() {
        let costs = [1_000, 2_000, 100_000, 200_000, 1_000_000].map(cost);
        assert!(
            costs.iter().all(|&[average, most]| average < 200 && most <= (PACE + 1) * COST),
            "bytes looked at for each name, and at most: {costs:?}"
        );
    }

    /// However names come and go, those that are there read as they were stored, and there is room while a quarter of the storage is free.
    #[test]
    fn names_stay_what_they_are_while_gaps_are_closed() {
        for size in [0_usize, 40, 100, 1000, 20_000] {
            let mut arena = NameArena::new(vec![0; size]);
            let mut places: Vec<Option<u32>> = vec![None; 2000];
            let mut x = 1_u32;
            for _ in 0..40_000 {
                x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let owner = (x >> 16) % 2000;
                let name = name(owner)[..(owner % 9) as usize].to_vec();
                match places[owner as usize].take() {
                    Some(place) => arena.remove(place, |owner, place| places[owner as usize] = Some(place)),
                    // Checks itself that it has room while it must.
                    None if arena.fits(&name) => places[owner as usize] = arena.insert(owner, &name),
                    None => {}
                }
            }
            for (owner, place) in (0..).zip(&places) {
                assert!(place.is_none_or(|place| *arena.get(place) == name(owner)[..(owner % 9) as usize]));
            }
        }
    }
}
