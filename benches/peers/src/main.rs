//! `cargo run --release -- [ITEM]`: the work items beside the best peers, all candidates in turn in each round, as ratios.
//! `cargo run --release -- ITEM CANDIDATE REPS` does one candidate's work REPS times, to be counted:
//! `valgrind --tool=callgrind` with two values of REPS, subtract, divide.
//! `cargo run --release -- list` prints an item, a candidate of ours and the units of one rep a line, with tabs between.
//!
//! Every output is compared byte by byte before anything is timed, and decoders of text must refuse what is not UTF-8.

mod items;
mod round_trip;
mod socketio;
mod work;

use items::{Candidate, ITEMS};
use std::time::{Duration, Instant};

const ROUNDS: usize = 25;
const ROUND: Duration = Duration::from_millis(12);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [item, candidate, reps] = &args[..] {
        let item = ITEMS.iter().find(|i| i.name == item).expect("an item");
        let mut candidate = (item.candidates)().into_iter().find(|c| c.name == candidate).expect("a candidate");
        for _ in 0..reps.parse().expect("a number") {
            (candidate.run)();
        }
        return;
    }
    if let ["list"] = args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        for item in &ITEMS {
            for candidate in (item.candidates)().iter().filter(|c| c.name.starts_with("sansocket")) {
                println!("{}\t{}\t{}", item.name, candidate.name, item.units);
            }
        }
        return;
    }
    println!("| item | candidate | ns, median | ns, least | sansocket / it |\n|---|---|---|---|---|");
    for item in ITEMS.iter().filter(|i| args.is_empty() || args.iter().any(|a| a == i.name)) {
        let mut candidates = (item.candidates)();
        let expected = (candidates[0].run)();
        for candidate in &mut candidates {
            let Candidate { name, run, refuses_bad_text } = candidate;
            assert_eq!(run(), expected, "{}: {name} does not the same", item.name);
            assert!(refuses_bad_text(), "{}: {name} takes text that is not UTF-8", item.name);
        }
        let mut times = vec![Vec::new(); candidates.len()];
        let reps: Vec<u32> = candidates
            .iter_mut()
            .map(|c| {
                let start = Instant::now();
                (c.run)();
                (ROUND.as_nanos() / start.elapsed().as_nanos().max(1)).max(1) as u32
            })
            .collect();
        for round in 0..ROUNDS {
            for i in 0..candidates.len() {
                let i = (i + round) % candidates.len();
                let start = Instant::now();
                for _ in 0..reps[i] {
                    (candidates[i].run)();
                }
                times[i].push(start.elapsed().as_nanos() as f64 / f64::from(reps[i]) / item.units as f64);
            }
        }
        let median = |times: &[f64]| {
            let mut sorted = times.to_vec();
            sorted.sort_by(f64::total_cmp);
            (sorted[sorted.len() / 2], sorted[0])
        };
        let (ours, _) = median(&times[0]);
        for (candidate, times) in candidates.iter().zip(&times) {
            let (median, least) = median(times);
            println!("| {} | {} | {median:.1} | {least:.1} | {:.2} |", item.name, candidate.name, ours / median);
        }
    }
}
