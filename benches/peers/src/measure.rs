//! Interleaved rounds, by the clock of this thread's processor time.

use crate::item::{Item, Spoil, Work};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 25;
/// Nanoseconds of one candidate's turn, at least.
const TURN: f64 = 12e6;

/// Nanoseconds for one unit.
#[derive(Clone, Debug)]
pub struct Figure {
    pub item: String,
    pub candidate: String,
    pub marks: String,
    pub median: f64,
    pub least: f64,
}

pub fn all(items: &[&Item]) -> Vec<Figure> {
    items.iter().flat_map(|item| one(item)).collect()
}

/// The candidates' works, each of which was seen to do what it should.
pub fn verified(item: &Item) -> Vec<Box<dyn Work>> {
    eprintln!("{}: {}", item.name, item.title);
    let make = |candidate: &crate::item::Candidate| {
        let mut work = (candidate.make)();
        work.verify(Spoil::No).unwrap_or_else(|e| panic!("{}: {}: {e}", item.name, candidate.name));
        assert!(work.verify(Spoil::Yes).is_err(), "{}: {}: its check sees nothing", item.name, candidate.name);
        work
    };
    item.candidates.iter().map(make).collect()
}

fn one(item: &Item) -> Vec<Figure> {
    let mut works = verified(item);
    let expected = works[0].run();
    let mut reps = Vec::new();
    for (work, candidate) in works.iter_mut().zip(item.candidates) {
        let start = now();
        let got = work.run();
        reps.push((TURN / (now() - start)).ceil().max(1.0) as usize);
        assert!(
            got == expected || candidate.way() != item.candidates[0].way(),
            "{}: {}: {got:?}",
            item.name,
            candidate.name
        );
    }
    let mut times = vec![Vec::new(); works.len()];
    for round in 0..ROUNDS {
        for i in 0..works.len() {
            let i = (i + round) % works.len();
            let start = now();
            for _ in 0..reps[i] {
                works[i].run();
            }
            times[i].push((now() - start) / reps[i] as f64 / item.units as f64);
        }
    }
    let figure = |(candidate, times): (&crate::item::Candidate, &mut Vec<f64>)| {
        times.sort_by(f64::total_cmp);
        Figure {
            item: item.name.into(),
            candidate: candidate.name.into(),
            marks: candidate.marks.into(),
            median: times[ROUNDS / 2],
            least: times[0],
        }
    };
    item.candidates.iter().zip(&mut times).map(figure).collect()
}

fn now() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
