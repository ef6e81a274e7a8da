//! The law of the crate: cutting the input anywhere gives the same events in the same order and the same error at the same byte.

mod support;

use support::{Random, Taking, Trace, Vector, by_events, by_inbox, vectors};

const PAGE: &str = include_str!("vectors/websocket.md");

fn assert_whole(vector: &Vector) -> Trace {
    let whole = by_events(vector, &[]);
    assert_eq!((&whole.told, whole.error), (&vector.expected.told, vector.expected.error), "{}", vector.name);
    if whole.error.is_none() {
        assert_eq!(whole.used, vector.wire.len(), "{}", vector.name);
    }
    whole
}

/// Every cut that is tried: each byte alone, each single place, each pair of places of short ones, and some at random.
fn cuts(len: usize) -> Vec<Vec<usize>> {
    let mut all = vec![(0..len).collect::<Vec<_>>()];
    let step = (len / 400).max(1);
    all.extend((0..=len).step_by(step).map(|i| vec![i]));
    if len <= 80 {
        all.extend((0..=len).flat_map(|i| (i..=len).map(move |j| vec![i, j])));
    }
    let mut random = Random(len as u64);
    for _ in 0..20 {
        let mut some: Vec<usize> = (0..random.below(9)).map(|_| random.below(len + 1)).collect();
        some.sort_unstable();
        all.push(some);
    }
    all
}

#[test]
fn any_split_gives_the_same_events_and_the_same_error_at_the_same_byte() {
    let mut runs = 0;
    for vector in vectors(PAGE) {
        let whole = assert_whole(&vector);
        for cuts in cuts(vector.wire.len()) {
            assert_eq!(by_events(&vector, &cuts), whole, "{} cut at {cuts:?}", vector.name);
            runs += 1;
        }
    }
    assert!(runs > 5_000, "{runs}");
}

#[test]
fn an_inbox_of_any_size_tells_the_same() {
    for vector in vectors(PAGE) {
        let whole = by_events(&vector, &[]);
        for cuts in cuts(vector.wire.len()).into_iter().step_by(7) {
            let name = format!("{} cut at {cuts:?}", vector.name);
            let messages = by_inbox(&vector, &cuts, Taking::Messages);
            assert_eq!(messages.error, whole.error, "{name}");
            assert_eq!(messages.told, whole.whole(), "{name}");
            let parts = by_inbox(&vector, &cuts, Taking::Parts);
            assert_eq!((&parts.told, parts.error), (&whole.told, whole.error), "{name}");
            if cuts.len() > 1000 {
                // Its storage is copied at every cut.
                continue;
            }
            let taken = by_inbox(&vector, &cuts, Taking::AdvanceAndReplace);
            assert_eq!(taken.error, whole.error, "{name}");
            assert_eq!(taken.told, whole.whole(), "{name}");
        }
    }
}
