//! Who unpacks.

use miniz_oxide::{DataFormat, MZFlush, inflate::stream::InflateState};
use sansocket::deflate::{Inflate, InflateStatus};

/// The end of each flush, which permessage-deflate leaves out.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

pub trait Reader {
    /// Unpacks the message of a flush without its tail, and returns it.
    fn message(&mut self, packed: &[u8]) -> &[u8];
}

pub struct Candidate {
    pub name: &'static str,
    pub make: fn() -> Box<dyn Reader>,
}

pub const CANDIDATES: &[Candidate] = &[
    Candidate {
        name: "Inflate",
        make: || Box::new(Ours { inflate: Inflate::new(15), memory: vec![0; 3 * WINDOW], end: 0 }),
    },
    Candidate { name: "zlib-rs", make: || Box::new(Zlib(flate2::Decompress::new(false), vec![0; WINDOW])) },
    Candidate {
        name: "miniz_oxide",
        make: || Box::new(Miniz(InflateState::new_boxed(DataFormat::Raw), vec![0; WINDOW])),
    },
];

/// The window, and more than a message has.
const WINDOW: usize = 1 << 15;

struct Ours {
    inflate: Inflate,
    memory: Vec<u8>,
    end: usize,
}

impl Reader for Ours {
    fn message(&mut self, packed: &[u8]) -> &[u8] {
        if self.end > 2 * WINDOW {
            self.memory.copy_within(self.end - WINDOW..self.end, 0);
            self.end = WINDOW;
        }
        let begin = self.end;
        for mut part in [packed, &TAIL] {
            let status = self.inflate.inflate(&mut part, &mut self.memory, &mut self.end).unwrap();
            assert_eq!(status, InflateStatus::NeedsInput);
        }
        &self.memory[begin..self.end]
    }
}

struct Zlib(flate2::Decompress, Vec<u8>);

impl Reader for Zlib {
    fn message(&mut self, packed: &[u8]) -> &[u8] {
        let before = self.0.total_out();
        for part in [packed, &TAIL] {
            let at = (self.0.total_out() - before) as usize;
            self.0.decompress(part, &mut self.1[at..], flate2::FlushDecompress::Sync).unwrap();
        }
        &self.1[..(self.0.total_out() - before) as usize]
    }
}

struct Miniz(Box<InflateState>, Vec<u8>);

impl Reader for Miniz {
    fn message(&mut self, packed: &[u8]) -> &[u8] {
        let mut at = 0;
        for mut part in [packed, &TAIL] {
            while !part.is_empty() {
                let result = miniz_oxide::inflate::stream::inflate(&mut self.0, part, &mut self.1[at..], MZFlush::None);
                result.status.unwrap();
                part = &part[result.bytes_consumed..];
                at += result.bytes_written;
            }
        }
        &self.1[..at]
    }
}
