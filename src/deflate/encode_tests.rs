//! What the compressor writes, read by a plain reader of RFC 1951 that also tells the greatest distance.

use super::{Deflate, SYNC_TAIL, Tier};
use crate::Capacity;
use std::{vec, vec::Vec};

const TIERS: [Tier; 5] = [Tier::TINY, Tier::SMALL, Tier::MEDIUM, Tier::LARGE, Tier::MEDIUM.without_history()];

fn compressor(tier: Tier) -> Deflate<Vec<u8>> {
    // Whatever stands in the memory.
    Deflate::new(tier, (0..tier.bytes()).map(|i| (i * 7) as u8).collect()).unwrap()
}

/// Reads blocks until the bits end.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) bytes: Vec<u8>,
    pub(crate) farthest: usize,
    /// Blocks of each kind: stored, with fixed codes, with codes of their own.
    blocks: [usize; 3],
}

struct Bits<'b>(&'b [u8], usize);

impl Bits<'_> {
    fn bit(&mut self) -> usize {
        let bit = self.0[self.1 / 8] >> (self.1 % 8) & 1;
        self.1 += 1;
        usize::from(bit)
    }
    fn number(&mut self, n: usize) -> usize {
        (0..n).map(|i| self.bit() << i).sum()
    }
    fn symbol(&mut self, lengths: &[usize]) -> usize {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for length in 1..=15 {
            code |= self.bit();
            let count = lengths.iter().filter(|l| **l == length).count();
            if code < first + count {
                let mut of_length = (0..lengths.len()).collect::<Vec<_>>();
                of_length.retain(|s| lengths[*s] > 0);
                of_length.sort_by_key(|s| lengths[*s]);
                return of_length[index + code - first];
            }
            (index, first, code) = (index + count, (first + count) << 1, code << 1);
        }
        panic!("no code");
    }
}

/// A complete code, as the strictest readers want it.
fn check_complete(lengths: &[usize]) {
    let sum: usize = lengths.iter().filter(|l| **l > 0).map(|l| 1 << (15 - l)).sum();
    assert_eq!(sum, 1 << 15);
}

impl Reader {
    fn read(&mut self, stream: &[u8]) {
        let mut bits = Bits(stream, 0);
        while bits.1 < stream.len() * 8 {
            assert_eq!(bits.bit(), 0, "no final block");
            let kind = bits.number(2);
            let (literals, distances) = match kind {
                0 => {
                    bits.1 = bits.1.next_multiple_of(8);
                    let (n, not) = (bits.number(16), bits.number(16));
                    assert_eq!(n ^ not, 0xffff);
                    let from = bits.1 / 8;
                    self.bytes.extend_from_slice(&stream[from..from + n]);
                    bits.1 += n * 8;
                    self.blocks[0] += usize::from(n > 0);
                    continue;
                }
                1 => {
                    let mut literals = vec![8; 288];
                    literals[144..256].fill(9);
                    literals[256..280].fill(7);
                    (literals, vec![5; 30])
                }
                2 => {
                    let (n, m, k) = (bits.number(5) + 257, bits.number(5) + 1, bits.number(4) + 4);
                    let mut code = [0; 19];
                    for at in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15].into_iter().take(k) {
                        code[at] = bits.number(3);
                    }
                    check_complete(&code);
                    let mut lengths = Vec::new();
                    while lengths.len() < n + m {
                        match bits.symbol(&code) {
                            16 => lengths.extend(vec![*lengths.last().unwrap(); 3 + bits.number(2)]),
                            17 => lengths.extend(vec![0; 3 + bits.number(3)]),
                            18 => lengths.extend(vec![0; 11 + bits.number(7)]),
                            length => lengths.push(length),
                        }
                    }
                    assert_eq!(lengths.len(), n + m);
                    let distances = lengths.split_off(n);
                    check_complete(&lengths);
                    check_complete(&distances);
                    (lengths, distances)
                }
                _ => panic!("a block of no kind"),
            };
            self.blocks[kind] += 1;
            loop {
                match bits.symbol(&literals) {
                    256 => break,
                    byte @ 0..256 => self.bytes.push(byte as u8),
                    symbol => {
                        let (symbol, extra) = (symbol - 257, (symbol - 257).max(4) / 4 - 1);
                        let (base, extra) = match symbol {
                            28 => (258, 0),
                            ..4 => (symbol + 3, 0),
                            _ => (((4 + symbol % 4) << extra) + 3, extra),
                        };
                        let length = base + bits.number(extra);
                        let symbol = bits.symbol(&distances);
                        let extra = symbol.max(2) / 2 - 1;
                        let base = if symbol < 4 { symbol + 1 } else { ((2 + symbol % 2) << extra) + 1 };
                        let distance = base + bits.number(extra);
                        self.farthest = self.farthest.max(distance);
                        assert!(distance <= self.bytes.len());
                        for _ in 0..length {
                            self.bytes.push(self.bytes[self.bytes.len() - distance]);
                        }
                    }
                }
            }
        }
    }

    pub(crate) fn read_flushed(&mut self, flushed: &[u8]) {
        self.read(&[flushed, &SYNC_TAIL].concat());
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (self.0 >> 33) as usize
    }
    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
    /// Repetitions of all lengths and distances among bytes of few kinds, or of all.
    fn mixed(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = vec![b'a'];
        while bytes.len() < n {
            match self.next() % 4 {
                0 => bytes.extend(self.bytes(7)),
                1 => bytes.extend((0..9).map(|_| b'a' + (self.next() % 3) as u8)),
                _ => {
                    let from = bytes.len() - 1 - self.next() % bytes.len().min(40_000);
                    for i in from..from + 3 + self.next() % 400 {
                        bytes.push(bytes[i]);
                    }
                }
            }
        }
        bytes.truncate(n);
        bytes
    }
}

fn messages() -> Vec<Vec<u8>> {
    let mut random = Random(5);
    let mut all = vec![Vec::new(), b"a".to_vec(), b"abc".to_vec(), b"abcd".repeat(3), vec![0; 258], vec![7; 70_000]];
    all.push((0..=255).collect());
    all.push(random.bytes(3000));
    all.push(random.bytes(300));
    all.extend((0..12).map(|i| random.mixed(i * 37)));
    all.extend([5000, 9000, 40_000].map(|n| random.mixed(n)));
    all.push("{\"id\":17,\"name\":\"Jürgen\",\"score\":3}".repeat(40).into_bytes());
    all
}

#[test]
fn what_is_read_is_what_was_written() {
    for tier in TIERS {
        for bits in [8, 9, 12, 15] {
            let mut writer = compressor(tier).with_window_bits(bits);
            let (mut reader, mut plain) = (Reader::default(), Vec::new());
            for message in messages() {
                let mut out = vec![0; message.len() + message.len() / 50 + 20];
                let n = writer.compress(&message, true, &mut out).unwrap();
                reader.read_flushed(&out[..n]);
                plain.extend(message);
                assert_eq!(reader.bytes.len(), plain.len());
                assert!(reader.bytes == plain);
            }
            let window = 1 << bits.min(tier.window_bits());
            assert!(reader.farthest <= window && reader.farthest > window / 2, "{} {tier:?} {bits}", reader.farthest);
            assert!(reader.blocks.iter().all(|n| *n > 0), "{:?}", reader.blocks);
        }
    }
}

/// Few places are looked at in bytes without matches. What follows them is found at once.
#[test]
fn what_follows_bytes_without_matches_gets_shorter() {
    let words = "what follows them is found at once; ".repeat(200).into_bytes();
    for tier in TIERS {
        let random = Random(9).bytes(8000);
        let mut out = vec![0; 20_000];
        let alone = compressor(tier).compress(&words, true, &mut out).unwrap();
        let n = compressor(tier).compress(&[random.as_slice(), &words].concat(), true, &mut out).unwrap();
        let (mut reader, rest) = (Reader::default(), words.len());
        reader.read_flushed(&out[..n]);
        assert!(reader.bytes.ends_with(&words) && reader.bytes.len() == 8000 + rest);
        let most = 8000 + 8000 / 50 + alone + 150;
        assert!(n < most, "{tier:?}: {n} of {most}");
    }
}

#[test]
fn an_empty_flush_is_one_byte() {
    let mut out = [9; 1];
    assert_eq!(compressor(Tier::TINY).compress(b"", true, &mut out), Ok(1));
    assert_eq!(out, [0]);
}

#[test]
fn pieces_of_any_size_give_the_same_bytes() {
    let mut random = Random(6);
    for tier in TIERS {
        let mut writer = compressor(tier);
        let (mut reader, mut plain, mut stream) = (Reader::default(), Vec::new(), Vec::new());
        for i in 0..120 {
            let size = [1, 3, 30, 500, 3000][random.next() % 5];
            let len = random.next() % size;
            let piece = random.mixed(len);
            let is_flush = i % 7 == 6 || i == 119;
            let mut out = vec![0; piece.len() * 2 + 20];
            let n = writer.compress(&piece, is_flush, &mut out).unwrap();
            stream.extend_from_slice(&out[..n]);
            plain.extend(piece);
            if is_flush {
                stream.extend(SYNC_TAIL);
            }
        }
        reader.read(&stream);
        assert!(reader.bytes == plain);
    }
}

/// Every size that is too small is refused, and what comes next is read as if the call was not made.
#[test]
fn a_refused_call_changes_nothing() {
    let mut random = Random(7);
    let parts = [random.mixed(700), random.mixed(90), random.bytes(600), random.mixed(3000), b"z".repeat(2000)];
    for tier in TIERS {
        let (mut reader, mut plain, mut writer) = (Reader::default(), Vec::new(), compressor(tier));
        for part in &parts {
            let mut memory = vec![0; 5000];
            let n = writer.clone().compress(part, true, &mut memory).unwrap();
            for size in (0..n).step_by(if n > 300 { 97 } else { 1 }).chain(n.checked_sub(1)) {
                let refused = writer.compress(part, true, &mut memory[..size]);
                assert!(
                    matches!(refused, Err(Capacity { needed, available }) if available == size && needed >= n),
                    "{refused:?} {size} {n}"
                );
            }
            let n = writer.compress(part, true, &mut memory).unwrap();
            reader.read_flushed(&memory[..n]);
            plain.extend_from_slice(part);
            assert!(reader.bytes == plain);
        }
    }
}

/// The history is still found after refused calls, however long they were.
#[test]
fn a_refused_call_does_not_forget_the_history() {
    let mut random = Random(8);
    let known = random.bytes(200);
    for tier in [Tier::TINY, Tier::SMALL, Tier::MEDIUM, Tier::LARGE] {
        for refused in [10, 40, 400, 5000, 70_000] {
            let mut writer = compressor(tier);
            let mut memory = vec![0; 400];
            writer.compress(&known, true, &mut memory).unwrap();
            assert!(writer.compress(&random.bytes(refused), true, &mut memory[..9]).is_err());
            let n = writer.compress(&known, true, &mut memory).unwrap();
            assert!(n < 20, "{tier:?} {refused} {n}");
        }
    }
}

/// The need that a refusal tells is enough for the worst bytes.
#[test]
fn what_is_needed_is_enough() {
    let mut random = Random(9);
    for tier in TIERS {
        for len in [0, 1, 2, 20, 384, 385, 386, 387, 5000, 40_000] {
            let mut writer = compressor(tier);
            // Odd bits are behind the last byte.
            writer.compress(b"x", false, &mut [0; 20]).unwrap();
            let bytes = random.bytes(len);
            let Err(Capacity { needed, .. }) = writer.compress(&bytes, true, &mut []) else { panic!("it has room") };
            assert!(writer.compress(&bytes, true, &mut vec![0; needed]).is_ok(), "{tier:?} {len} {needed}");
            assert!(needed <= len + 5 * (len / 380 + 1) + 2);
        }
    }
}

/// Those that the documentation tells.
#[test]
fn memory_that_is_too_small_is_refused() {
    let told = [(2048, 1792), (6144, 5120), (29_620, 21_428), (230_324, 164_788)];
    for (tier, told) in TIERS.into_iter().zip(told) {
        let needed = tier.bytes();
        assert_eq!((needed, tier.without_history().bytes()), told);
        let refused = Deflate::new(tier, vec![0; needed - 1]).unwrap_err();
        assert_eq!(refused, Capacity { needed, available: needed - 1 });
    }
}

/// Frequencies like Fibonacci's numbers make Huffman's codes as long as they can be.
#[test]
fn codes_are_never_too_long() {
    let (mut a, mut b, mut bytes) = (1, 1, Vec::new());
    for byte in 0..20_u8 {
        bytes.extend(vec![byte; a]);
        (a, b) = (b, a + b);
    }
    // No repetitions of four bytes nearby: mixed well.
    let mut random = Random(10);
    for i in (1..bytes.len()).rev() {
        bytes.swap(i, random.next() % (i + 1));
    }
    for tier in TIERS {
        let mut out = vec![0; bytes.len() + 1000];
        let n = compressor(tier).compress(&bytes, true, &mut out).unwrap();
        let mut reader = Reader::default();
        reader.read_flushed(&out[..n]);
        assert!(reader.bytes == bytes);
    }
}
