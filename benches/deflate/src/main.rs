//! Sizes and speed of DEFLATE, message by message, each with a flush behind it as permessage-deflate has it.
//!
//! `cargo run --release` prints a table for each kind of messages: the size of all, and the time beside zlib-rs at level 6, the median of interleaved
//! rounds. `-- KIND CANDIDATE REPS` does one candidate's work so many times, to be counted by callgrind.

mod corpus;
mod writers;

use std::time::Instant;
use writers::{CANDIDATES, Writer};

const ROUNDS: usize = 15;

/// Compresses all messages. Returns the size.
fn work(writer: &mut dyn Writer, messages: &[Vec<u8>], out: &mut Vec<u8>) -> usize {
    messages.iter().map(|message| writer.message(message, out)).sum()
}

/// All messages read back by miniz_oxide.
fn verify(name: &str, messages: &[Vec<u8>]) {
    let candidate = CANDIDATES.iter().find(|c| c.name == name).unwrap();
    let (mut writer, mut out, mut stream) = ((candidate.make)(), vec![0; 1 << 20], Vec::new());
    for message in messages {
        let n = writer.message(message, &mut out);
        stream.extend_from_slice(&out[..n]);
        stream.extend_from_slice(&[0, 0, 0xff, 0xff]);
    }
    stream.extend_from_slice(&[3, 0]); // a final block
    let back = miniz_oxide::inflate::decompress_to_vec(&stream).unwrap_or_else(|e| panic!("{name}: {e:?}"));
    assert!(back == messages.concat(), "{name} gives something else");
}

fn main() {
    let kinds: [(&str, Vec<Vec<u8>>); 3] =
        [("events", corpus::events()), ("chat", corpus::chat()), ("compressed", corpus::compressed())];
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [kind, name, reps] = &args[..] {
        let messages = &kinds.iter().find(|k| k.0 == kind).expect("a kind").1;
        let candidate = CANDIDATES.iter().find(|c| c.name == name).expect("a candidate");
        let (mut writer, mut out) = ((candidate.make)(), vec![0; 1 << 20]);
        for _ in 0..reps.parse().expect("a number") {
            work(&mut *writer, messages, &mut out);
        }
        return;
    }
    for (kind, messages) in &kinds {
        let plain: usize = messages.iter().map(Vec::len).sum();
        println!("\n{kind}: {} messages, {plain} bytes\n\n| writer | bytes | of the plain size | time |\n|---|---|---|---|", messages.len());
        let mut out = vec![0; 1 << 20];
        let mut times = vec![Vec::new(); CANDIDATES.len()];
        let mut sizes = vec![0; CANDIDATES.len()];
        CANDIDATES.iter().for_each(|c| verify(c.name, messages));
        for round in 0..ROUNDS {
            for i in 0..CANDIDATES.len() {
                let i = (i + round) % CANDIDATES.len();
                let mut writer = (CANDIDATES[i].make)();
                let start = Instant::now();
                sizes[i] = work(&mut *writer, messages, &mut out);
                times[i].push(start.elapsed());
            }
        }
        let base = CANDIDATES.iter().position(|c| c.name == "zlib-rs 6").unwrap();
        for (i, candidate) in CANDIDATES.iter().enumerate() {
            let mut ratios: Vec<f64> = times[i].iter().zip(&times[base]).map(|(a, b)| a.as_secs_f64() / b.as_secs_f64()).collect();
            ratios.sort_by(f64::total_cmp);
            println!("| {} | {} | {:.1} % | {:.2} |", candidate.name, sizes[i], 100.0 * sizes[i] as f64 / plain as f64, ratios[ROUNDS / 2]);
        }
    }
}
