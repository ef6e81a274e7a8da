//! Who compresses.

use miniz_oxide::deflate::{core::CompressorOxide, stream::deflate};
use sansocket::deflate::{Deflate, Tier};

pub trait Writer {
    /// Compresses a message to the front of `out`, without the last four bytes of the flush. Returns the size.
    fn message(&mut self, message: &[u8], out: &mut Vec<u8>) -> usize;
}

pub struct Candidate {
    pub name: &'static str,
    pub make: fn() -> Box<dyn Writer>,
}

pub const CANDIDATES: &[Candidate] = &[
    Candidate { name: "TINY", make: || ours(Tier::TINY, true) },
    Candidate { name: "SMALL", make: || ours(Tier::SMALL, true) },
    Candidate { name: "MEDIUM", make: || ours(Tier::MEDIUM, true) },
    Candidate { name: "LARGE", make: || ours(Tier::LARGE, true) },
    Candidate { name: "LARGE, no history", make: || ours(Tier::LARGE.without_history(), false) },
    Candidate { name: "zlib-rs 1, 9 bits", make: || zlib(1, 9, true) },
    Candidate { name: "zlib-rs 1", make: || zlib(1, 15, true) },
    Candidate { name: "zlib-rs 6", make: || zlib(6, 15, true) },
    Candidate { name: "zlib-rs 6, no history", make: || zlib(6, 15, false) },
    Candidate { name: "miniz_oxide 1", make: || miniz(1) },
    Candidate { name: "miniz_oxide 6", make: || miniz(6) },
];

struct Ours(Deflate<Vec<u8>>, bool);

fn ours(tier: Tier, has_takeover: bool) -> Box<dyn Writer> {
    Box::new(Ours(Deflate::new(tier, vec![0; tier.bytes()]).unwrap(), has_takeover))
}

impl Writer for Ours {
    fn message(&mut self, message: &[u8], out: &mut Vec<u8>) -> usize {
        if !self.1 {
            self.0.forget();
        }
        self.0.compress(message, true, out).unwrap()
    }
}

struct Zlib(flate2::Compress, bool);

fn zlib(level: u32, bits: u8, has_takeover: bool) -> Box<dyn Writer> {
    Box::new(Zlib(flate2::Compress::new_with_window_bits(flate2::Compression::new(level), false, bits), has_takeover))
}

impl Writer for Zlib {
    fn message(&mut self, message: &[u8], out: &mut Vec<u8>) -> usize {
        if !self.1 {
            self.0.reset();
        }
        let before = self.0.total_out();
        self.0.compress(message, out, flate2::FlushCompress::Sync).unwrap();
        (self.0.total_out() - before) as usize - 4
    }
}

struct Miniz(Box<CompressorOxide>);

fn miniz(level: u8) -> Box<dyn Writer> {
    let mut compressor = Box::new(CompressorOxide::default());
    compressor.set_format_and_level(miniz_oxide::DataFormat::Raw, level);
    Box::new(Miniz(compressor))
}

impl Writer for Miniz {
    fn message(&mut self, message: &[u8], out: &mut Vec<u8>) -> usize {
        deflate(&mut self.0, message, out, miniz_oxide::MZFlush::Sync).bytes_written - 4
    }
}
