//! `cargo run --release` measures every work item beside the peers and writes `docs/performance.md`, its plots, and the short table in README.
//!
//! - `-- ITEM...` measures these and prints the table; nothing is written.
//! - `-- ITEM CANDIDATE REPS` does one candidate's work REPS times, to be counted: `valgrind --tool=callgrind` with two values of REPS, subtract, divide.
//! - `-- list` prints an item, a candidate of ours and the units of one rep a line, with tabs between.
//! - `-- verify` only compares what all candidates give; `-- draw` writes page and plots again from the figures of the last run.
//!
//! All candidates of an item take turns in each round, with another one first each time. Each is verified before anything is timed: every output is
//! compared byte by byte, what must be refused is offered, and an output is spoilt once to see that the comparison fails.

mod decode;
mod decoders;
mod encode;
mod encoders;
mod handshake;
mod handshakes;
mod item;
mod measure;
mod page;
mod plot;
mod round_trip;
mod socketio;
mod work;

use item::Item;

pub fn items() -> Vec<&'static Item> {
    static READING: [Item; 5] = decode::ITEMS;
    static WRITING: [Item; 2] = encode::ITEMS;
    static HANDSHAKES: [Item; 4] = handshake::ITEMS;
    static PACKETS: [Item; 7] = socketio::ITEMS;
    static ROUND_TRIP: [Item; 1] = [round_trip::ITEM];
    READING.iter().chain(&WRITING).chain(&HANDSHAKES).chain(&PACKETS).chain(&ROUND_TRIP).collect()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let items = items();
    match args[..] {
        [] => page::write(&measure::all(&items)),
        ["draw"] => page::write(&page::last()),
        ["verify"] => items.iter().for_each(|item| drop(measure::verified(item))),
        ["list"] => {
            for item in items {
                for candidate in item.candidates.iter().filter(|c| c.is_ours()) {
                    println!("{}\t{}\t{}", item.name, candidate.name, item.units);
                }
            }
        }
        [item, candidate, reps] if reps.parse::<u32>().is_ok() => {
            let item = items.iter().find(|i| i.name == item).expect("an item");
            let mut work = (item.candidates.iter().find(|c| c.name == candidate).expect("a candidate").make)();
            for _ in 0..reps.parse().expect("a number") {
                work.run();
            }
        }
        _ => {
            let chosen: Vec<&Item> = items.into_iter().filter(|i| args.contains(&i.name)).collect();
            assert!(!chosen.is_empty(), "no such item");
            print!("{}", page::tables(&measure::all(&chosen)));
        }
    }
}
