//! The search for repetitions: chains of the places whose first four bytes have the same hash.

use super::cells::{Cell, get, low_half, set};
use crate::bytes::IS_WIDE;

/// The shortest match that is looked for. The format has 3 too, which seldom saves a bit.
const LEAST: usize = 4;
const MOST: usize = 258;

/// How thoroughly to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effort {
    /// Places of a chain that are looked at.
    pub(super) chain: u16,
    /// A quarter of them is enough if there is a match of this length already.
    pub(super) good: u16,
    /// Matches below this length are kept back while the next place is looked at.
    pub(super) lazy: u16,
    /// A match of this length ends the search.
    pub(super) nice: u16,
}

/// Memory for the chains. Places are counted in 16 bits, from the start of the stream; those that are farther away than the window are never looked at, so
/// they need not be removed. Whatever stands here is only a hint: each match is compared.
#[derive(Debug)]
pub(super) struct Index<'m> {
    /// The latest place of each hash, then for each place in the window the one before it with the same hash.
    pub(super) cells: &'m mut [Cell],
    /// How many there are of both, powers of two.
    pub(super) heads: usize,
    /// What leaves as many bits of a hash as there are heads.
    pub(super) shift: u32,
    pub(super) links: usize,
}

/// The four bytes at `at`.
#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}

impl Index<'_> {
    #[inline]
    fn slot(&self, word: u32) -> usize {
        usize::try_from(word.wrapping_mul(0x9e37_79b1).wrapping_shr(self.shift)).unwrap_or_default()
    }

    #[inline]
    fn link(&self, place: u16) -> usize {
        (usize::from(place) & self.links.wrapping_sub(1)).wrapping_add(self.heads)
    }

    /// Adds a place, and returns the one before it with the same hash.
    #[inline]
    fn add(&mut self, place: u16, word: u32) -> u16 {
        let slot = self.slot(word);
        let before = get(self.cells, slot);
        set(self.cells, slot, place);
        let link = self.link(place);
        set(self.cells, link, before);
        before
    }

    /// Adds all places in `bytes`, whose first one is `place`. The last three have too few bytes behind them.
    #[inline]
    pub(super) fn add_all(&mut self, bytes: &[u8], mut place: u16) {
        for window in bytes.windows(4) {
            let Some(word) = window.first_chunk() else { break };
            self.add(place, u32::from_le_bytes(*word));
            place = place.wrapping_add(1);
        }
    }

    /// Takes back the last places that were added: those in `bytes`, whose first one is `place`. At most as many as there are links.
    pub(super) fn take_back(&mut self, bytes: &[u8], place: u16) {
        for (i, window) in bytes.windows(4).enumerate().rev() {
            let Some(word) = window.first_chunk() else { break };
            let before = get(self.cells, self.link(place.wrapping_add(low_half(i))));
            let slot = self.slot(u32::from_le_bytes(*word));
            set(self.cells, slot, before);
        }
    }
}

/// A search in `input` and in the `history` before it.
#[derive(Debug)]
pub(super) struct Search<'m, 'i> {
    pub(super) index: Index<'m>,
    pub(super) input: &'i [u8],
    /// At most as long as the window.
    pub(super) history: &'m [u8],
    pub(super) window: usize,
    pub(super) effort: Effort,
    /// The place of the first byte of the input.
    pub(super) place: u16,
    /// Where in the input the next place to add is.
    pub(super) next: usize,
}

/// A match: its length and its distance. With a length of 0 there is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    pub(super) length: usize,
    pub(super) distance: usize,
}

impl Match {
    const NONE: Self = Self { length: 0, distance: 0 };
}

impl Search<'_, '_> {
    fn place_of(&self, at: usize) -> u16 {
        self.place.wrapping_add(low_half(at))
    }

    /// Adds the places before `at`.
    #[inline]
    pub(super) fn add_until(&mut self, at: usize) {
        let end = at.saturating_add(3).min(self.input.len());
        self.index.add_all(self.input.get(self.next..end).unwrap_or_default(), self.place_of(self.next));
        self.next = self.next.max(at);
    }

    /// Lends the memory of the index to `work`, and then adds the places before `at` anew.
    pub(super) fn lend_index(&mut self, at: usize, work: impl FnOnce(&mut [Cell])) {
        work(self.index.cells);
        self.index.cells.fill([0; 2]);
        let history = self.history.get(at..).unwrap_or_default();
        self.index.add_all(history, self.place.wrapping_sub(low_half(history.len())));
        self.next = at.saturating_sub(self.window);
        self.add_until(at);
    }

    /// Takes the input out of the index, after a call that was refused. Returns the place of the next input.
    pub(super) fn take_back(&mut self) -> u16 {
        if IS_WIDE && self.next.saturating_mul(4) < self.history.len() {
            // Cheaper than the other way.
            let added = self.input.get(..self.next.saturating_add(3)).unwrap_or(self.input);
            self.index.take_back(added, self.place);
            return self.place;
        }
        let past = self.place_of(self.input.len());
        self.index.add_all(self.history, past.wrapping_sub(low_half(self.history.len())));
        past
    }

    /// Adds the place `at`, and looks for a match there that is longer than `least`.
    #[inline]
    pub(super) fn look(&mut self, at: usize, least: usize) -> Match {
        if self.next < at {
            self.add_until(at);
        }
        let Some(word) = word(self.input, at) else { return Match::NONE };
        let place = self.place_of(at);
        let candidate = self.index.add(place, word);
        self.next = at.wrapping_add(1);
        self.longest(at, place, candidate, least.max(LEAST - 1))
    }

    fn longest(&self, at: usize, place: u16, mut candidate: u16, least: usize) -> Match {
        let rest = self.input.get(at..).unwrap_or_default();
        let rest = rest.get(..MOST).unwrap_or(rest);
        let window = self.window.min(self.history.len().saturating_add(at));
        let steps =
            if IS_WIDE && least >= usize::from(self.effort.good) { self.effort.chain >> 2 } else { self.effort.chain };
        let (mut found, mut best, mut last) = (Match::NONE, least, 0);
        // A match that is longer than the best one has these bytes at its end.
        let mut end = match word(rest, best.wrapping_sub(3)) {
            Some(end) => end,
            None if IS_WIDE => return found,
            None => 0,
        };
        for _ in 0..steps {
            let distance = usize::from(place.wrapping_sub(candidate));
            // Each is farther away than the one before.
            if distance <= last || distance > window {
                break;
            }
            last = distance;
            let (source, from) = if distance > at {
                (self.history, self.history.len().wrapping_add(at).wrapping_sub(distance))
            } else {
                (self.input, at.wrapping_sub(distance))
            };
            // Close to the end of the history there may be too few bytes to tell.
            if !IS_WIDE || word(source, from.wrapping_add(best).wrapping_sub(3)).is_none_or(|word| word == end) {
                let length = if IS_WIDE { self.common(source, from, rest) } else { self.same(source, from, rest) };
                if length > best {
                    found = Match { length, distance };
                    best = length;
                    if best >= usize::from(self.effort.nice) {
                        break;
                    }
                    if IS_WIDE {
                        let Some(next) = word(rest, best.wrapping_sub(3)) else { break };
                        end = next;
                    }
                }
            }
            candidate = get(self.index.cells, self.index.link(candidate));
        }
        found
    }

    /// How many bytes of `rest` are the same as those in `source`, which is the input or the history before it.
    #[inline]
    fn common(&self, source: &[u8], from: usize, rest: &[u8]) -> usize {
        let length = common(source.get(from..).unwrap_or_default(), rest);
        if length < rest.len() && from.wrapping_add(length) == source.len() {
            length.wrapping_add(common(self.input, rest.get(length..).unwrap_or_default()))
        } else {
            length
        }
    }

    /// As [`common`](Self::common), with little code.
    #[inline]
    fn same(&self, source: &[u8], from: usize, rest: &[u8]) -> usize {
        let mut n = 0_usize;
        while let Some(byte) = rest.get(n) {
            let at = from.wrapping_add(n);
            if source.get(at).or_else(|| self.input.get(at.wrapping_sub(source.len()))) != Some(byte) {
                break;
            }
            n = n.wrapping_add(1);
        }
        n
    }
}

/// The number of bytes at the fronts of both that are the same. Eight at a time.
#[inline]
fn common(a: &[u8], b: &[u8]) -> usize {
    let mut n = 0_usize;
    for (x, y) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        let differing = u64::from_le_bytes(*x) ^ u64::from_le_bytes(*y);
        if differing != 0 {
            return n.wrapping_add(usize::try_from(differing.trailing_zeros() >> 3).unwrap_or_default());
        }
        n = n.wrapping_add(8);
    }
    let rest = a.get(n..).unwrap_or_default().iter().zip(b.get(n..).unwrap_or_default());
    n.wrapping_add(rest.take_while(|(x, y)| x == y).count())
}
