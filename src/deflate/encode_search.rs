//! The search for repetitions: chains of the places whose first four bytes have the same hash.

use super::{
    cells::{Cell, get, low_half, set},
    encode_tier::Plan,
};
use crate::bytes::IS_WIDE;
use core::ops::Range;

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
    /// The latest place of each hash.
    heads: &'m mut [Cell],
    /// For each place in the window the one before it with the same hash. A power of two.
    links: &'m mut [Cell],
    /// What leaves as many bits of a hash as there are heads.
    shift: u32,
}

/// The four bytes at `at`.
#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}

impl<'m> Index<'m> {
    pub(super) fn new(cells: &'m mut [Cell], plan: &Plan) -> Self {
        let (heads, links) = cells.split_at_mut_checked(plan.heads).unwrap_or_default();
        Self { heads, links: links.get_mut(..plan.links).unwrap_or_default(), shift: plan.shift }
    }

    #[inline]
    fn slot(&self, word: u32) -> usize {
        usize::try_from(word.wrapping_mul(0x9e37_79b1).wrapping_shr(self.shift)).unwrap_or_default()
    }

    #[inline]
    fn link(&self, place: u16) -> usize {
        usize::from(place) & self.links.len().wrapping_sub(1)
    }

    /// Adds a place, and returns the one before it with the same hash.
    #[inline]
    fn add(&mut self, place: u16, word: u32) -> u16 {
        let slot = self.slot(word);
        let before = get(self.heads, slot);
        set(self.heads, slot, place);
        let link = self.link(place);
        set(self.links, link, before);
        before
    }

    /// Adds all places in `bytes`, whose first one is `place`. The last three have too few bytes behind them.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
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
            let before = get(self.links, self.link(place.wrapping_add(low_half(i))));
            let slot = self.slot(u32::from_le_bytes(*word));
            set(self.heads, slot, before);
        }
    }
}

/// A search in `input` and in the `history` before it.
#[derive(Debug)]
pub(super) struct Search<'i> {
    pub(super) input: &'i [u8],
    /// At most as long as the window.
    pub(super) history: &'i [u8],
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

impl Search<'_> {
    fn place_of(&self, at: usize) -> u16 {
        self.place.wrapping_add(low_half(at))
    }

    /// Adds the places before `at`.
    #[inline]
    pub(super) fn add_until(&mut self, index: &mut Index<'_>, at: usize) {
        let end = at.saturating_add(3).min(self.input.len());
        index.add_all(self.input.get(self.next..end).unwrap_or_default(), self.place_of(self.next));
        self.next = self.next.max(at);
    }

    /// Adds the places before `at` anew, to an index whose memory was used for something else and is empty now.
    pub(super) fn recall(&mut self, index: &mut Index<'_>, at: usize) {
        let history = self.history.get(at..).unwrap_or_default();
        index.add_all(history, self.place.wrapping_sub(low_half(history.len())));
        self.next = at.saturating_sub(self.window);
        self.add_until(index, at);
    }

    /// Takes the input out of the index, after a call that was refused. Returns the place of the next input.
    pub(super) fn take_back(&mut self, index: &mut Index<'_>) -> u16 {
        if IS_WIDE && self.next.saturating_mul(4) < self.history.len() {
            // Cheaper than the other way.
            let added = self.input.get(..self.next.saturating_add(3)).unwrap_or(self.input);
            index.take_back(added, self.place);
            return self.place;
        }
        let past = self.place_of(self.input.len());
        index.add_all(self.history, past.wrapping_sub(low_half(self.history.len())));
        past
    }

    /// Adds the place `at`, and looks for a match there that is longer than `least`.
    #[inline]
    pub(super) fn look(&mut self, index: &mut Index<'_>, at: usize, least: usize) -> Match {
        if self.next < at {
            self.add_until(index, at);
        }
        let Some(word) = word(self.input, at) else { return Match::NONE };
        let place = self.place_of(at);
        let candidate = index.add(place, word);
        self.next = at.wrapping_add(1);
        self.longest(index, at, place, candidate, least.max(LEAST - 1))
    }

    #[inline]
    fn longest(&self, index: &Index<'_>, at: usize, place: u16, candidate: u16, least: usize) -> Match {
        let rest = self.input.get(at..).unwrap_or_default();
        let rest = rest.get(..MOST).unwrap_or(rest);
        let window = self.window.min(self.history.len().saturating_add(at));
        if IS_WIDE {
            self.longest_wide(index, rest, at, Candidate { place, at: candidate }, window, least)
        } else {
            self.longest_small(index, rest, at, Candidate { place, at: candidate }, window, least)
        }
    }

    /// First among the places in the input, then among those in the history, so that neither loop asks where a place is.
    fn longest_wide(
        &self,
        index: &Index<'_>,
        rest: &[u8],
        at: usize,
        next: Candidate,
        window: usize,
        least: usize,
    ) -> Match {
        let Effort { chain, good, nice, .. } = self.effort;
        let steps = if least >= usize::from(good) { chain >> 2 } else { chain };
        let Some(&end) = rest.get(least) else { return Match::NONE };
        let found = Match { length: least, distance: 0 };
        let mut chain = Chain { links: index.links, rest, next, steps, nice: usize::from(nice), found, end };
        let near = window.min(at);
        chain.follow(self.input, at, 0..near, &[]);
        chain.follow(self.history, at.wrapping_add(self.history.len()), near..window, self.input);
        if chain.found.distance > 0 { chain.found } else { Match::NONE }
    }

    /// With little code.
    fn longest_small(
        &self,
        index: &Index<'_>,
        rest: &[u8],
        at: usize,
        mut next: Candidate,
        window: usize,
        least: usize,
    ) -> Match {
        let (mut found, mut best) = (Match::NONE, least);
        for _ in 0..self.effort.chain {
            let distance = next.distance();
            if distance.wrapping_sub(1) >= window {
                break;
            }
            let (source, from) = if distance > at {
                (self.history, self.history.len().wrapping_add(at).wrapping_sub(distance))
            } else {
                (self.input, at.wrapping_sub(distance))
            };
            let length = self.same(source, from, rest);
            if length > best {
                found = Match { length, distance };
                best = length;
                if best >= usize::from(self.effort.nice) {
                    break;
                }
            }
            next.at = get(index.links, index.link(next.at));
        }
        found
    }

    /// How many bytes of `rest` are the same as those in `source`, which is the input or the history before it.
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

/// A place, and one with the same hash before it.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    place: u16,
    at: u16,
}

impl Candidate {
    /// 0 for one that is 64 KiB away, which is not in the window.
    #[inline]
    fn distance(self) -> usize {
        usize::from(self.place.wrapping_sub(self.at))
    }
}

/// The chain of a place, while it is followed.
struct Chain<'a> {
    links: &'a [Cell],
    rest: &'a [u8],
    next: Candidate,
    steps: u16,
    nice: usize,
    /// With a distance of 0, none is longer than the length yet.
    found: Match,
    /// The last byte of `rest` that a longer match has at least.
    end: u8,
}

impl Chain<'_> {
    /// Looks at the places that are farther away than the start of `away`, and no farther than its end. In `source` they are that far before `origin`, and
    /// `behind` is what follows it.
    ///
    /// A place in the window has its own link. A link may lead anywhere, since what has left the window is not removed. So it may also lead back, which the
    /// number of steps ends.
    #[inline(always)]
    fn follow(&mut self, source: &[u8], origin: usize, away: Range<usize>, behind: &[u8]) {
        let span = away.end.wrapping_sub(away.start);
        let nearest = away.start.wrapping_add(1);
        let mask = self.links.len().wrapping_sub(1);
        while self.steps > 0 {
            let distance = self.next.distance();
            if distance.wrapping_sub(nearest) >= span {
                return;
            }
            self.steps = self.steps.wrapping_sub(1);
            let from = origin.wrapping_sub(distance);
            // Close to the end of the history there may be too few bytes to tell.
            if source.get(from.wrapping_add(self.found.length)).is_none_or(|byte| *byte == self.end) {
                let length = common_over(source.get(from..).unwrap_or_default(), behind, self.rest);
                if length > self.found.length {
                    self.found = Match { length, distance };
                    match self.rest.get(length) {
                        Some(&end) if length < self.nice => self.end = end,
                        _ => self.steps = 0,
                    }
                }
            }
            self.next.at = get(self.links, usize::from(self.next.at) & mask);
        }
    }
}

/// How many bytes of `rest` are the same as those in `source` and `behind` it. Out of line, so that the loop above keeps its registers.
#[inline(never)]
fn common_over(source: &[u8], behind: &[u8], rest: &[u8]) -> usize {
    let length = common(source, rest);
    if length == source.len() && length < rest.len() {
        length.wrapping_add(common(behind, rest.get(length..).unwrap_or_default()))
    } else {
        length
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
