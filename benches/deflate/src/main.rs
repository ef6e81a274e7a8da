//! Sizes and speed of DEFLATE, message by message, each with a flush behind it as permessage-deflate has it.
//!
//! `cargo run --release` prints two tables for each kind of messages: the size of all and the time to compress them, and the time to unpack what zlib-rs has
//! made of them at level 6. Times are beside zlib-rs, the median of interleaved rounds. `-- KIND CANDIDATE REPS` does one candidate's work so many times, to
//! be counted by callgrind.

mod corpus;
mod readers;
mod writers;

use readers::Reader;
use std::time::{Duration, Instant};
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

/// All messages as zlib-rs makes them at level 6.
fn packed(messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let (mut writer, mut out) = ((CANDIDATES.iter().find(|c| c.name == "zlib-rs 6").unwrap().make)(), vec![0; 1 << 20]);
    let pack = |message: &Vec<u8>| {
        let n = writer.message(message, &mut out);
        out[..n].to_vec()
    };
    messages.iter().map(pack).collect()
}

fn unpack(reader: &mut dyn Reader, packed: &[Vec<u8>]) {
    for message in packed {
        std::hint::black_box(reader.message(message));
    }
}

/// The median of each pair's ratio.
fn beside(times: &[Duration], base: &[Duration]) -> f64 {
    let mut ratios: Vec<f64> = times.iter().zip(base).map(|(a, b)| a.as_secs_f64() / b.as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// The times of `n` candidates, interleaved.
fn rounds(n: usize, mut run: impl FnMut(usize)) -> Vec<Vec<Duration>> {
    let mut times = vec![Vec::new(); n];
    for round in 0..ROUNDS {
        for i in 0..n {
            let i = (i + round) % n;
            let start = Instant::now();
            run(i);
            times[i].push(start.elapsed());
        }
    }
    times
}

fn write_table(kind: &str, messages: &[Vec<u8>]) {
    let plain: usize = messages.iter().map(Vec::len).sum();
    println!(
        "\n{kind}: {} messages, {plain} bytes\n\n| writer | bytes | of the plain size | time |\n|---|---|---|---|",
        messages.len()
    );
    CANDIDATES.iter().for_each(|c| verify(c.name, messages));
    let (mut out, mut sizes) = (vec![0; 1 << 20], vec![0; CANDIDATES.len()]);
    let times = rounds(CANDIDATES.len(), |i| sizes[i] = work(&mut *(CANDIDATES[i].make)(), messages, &mut out));
    let base = CANDIDATES.iter().position(|c| c.name == "zlib-rs 6").unwrap();
    for (i, candidate) in CANDIDATES.iter().enumerate() {
        let share = 100.0 * sizes[i] as f64 / plain as f64;
        println!("| {} | {} | {share:.1} % | {:.2} |", candidate.name, sizes[i], beside(&times[i], &times[base]));
    }
}

fn read_table(messages: &[Vec<u8>]) {
    let packed = packed(messages);
    for candidate in readers::CANDIDATES {
        let mut reader = (candidate.make)();
        let same = packed.iter().zip(messages).all(|(packed, message)| reader.message(packed) == message);
        assert!(same, "{} gives something else", candidate.name);
    }
    let times = rounds(readers::CANDIDATES.len(), |i| unpack(&mut *(readers::CANDIDATES[i].make)(), &packed));
    let base = readers::CANDIDATES.iter().position(|c| c.name == "zlib-rs").unwrap();
    println!("\n| reader | time |\n|---|---|");
    for (i, candidate) in readers::CANDIDATES.iter().enumerate() {
        println!("| {} | {:.2} |", candidate.name, beside(&times[i], &times[base]));
    }
}

fn main() {
    let kinds: [(&str, Vec<Vec<u8>>); 3] =
        [("events", corpus::events()), ("chat", corpus::chat()), ("compressed", corpus::compressed())];
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [kind, name, reps] = &args[..] {
        let messages = &kinds.iter().find(|k| k.0 == kind).expect("a kind").1;
        let reps: usize = reps.parse().expect("a number");
        if let Some(candidate) = readers::CANDIDATES.iter().find(|c| c.name == name) {
            let (packed, mut reader) = (packed(messages), (candidate.make)());
            return (0..reps).for_each(|_| {
                unpack(&mut *reader, &packed);
                reader = (candidate.make)();
            });
        }
        let candidate = CANDIDATES.iter().find(|c| c.name == name).expect("a candidate");
        let (mut writer, mut out) = ((candidate.make)(), vec![0; 1 << 20]);
        for _ in 0..reps {
            work(&mut *writer, messages, &mut out);
        }
        return;
    }
    for (kind, messages) in &kinds {
        write_table(kind, messages);
        read_table(messages);
    }
}
