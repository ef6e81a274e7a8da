//! The compressor and the decoder by themselves, beside zlib.

use super::wire::Random;
use flate2::{Decompress, FlushDecompress, Status};
use sansocket::deflate::{Deflate, Inflate, InflateStatus, SYNC_TAIL, Tier};

/// Unpacks a flush behind what was unpacked before.
fn read(inflate: &mut Inflate, memory: &mut Vec<u8>, flushed: &[u8]) {
    let mut end = memory.len();
    memory.resize(end + 400_000, 0);
    let mut stream = &[flushed, &SYNC_TAIL].concat()[..];
    assert_eq!(inflate.inflate(&mut stream, memory, &mut end), Ok(InflateStatus::NeedsInput));
    assert!(inflate.is_between_blocks());
    memory.truncate(end);
}

/// The receiver of a stream may be told of another window between two flushes, a larger one too.
#[test]
fn a_window_that_changes_refers_to_what_was_sent() {
    for tier in [Tier::TINY, Tier::SMALL, Tier::MEDIUM, Tier::LARGE] {
        for sizes in [[100, 1000, 300], [300, 100, 60_000], [1000, 1000, 1000], [9000, 40, 9000]] {
            let mut random = Random(3);
            let pool = random.noise(200);
            let mut deflate = Deflate::new(tier, vec![0; tier.bytes()]).unwrap();
            let (mut inflate, mut memory, mut plain) = (Inflate::new(15), Vec::new(), Vec::new());
            for (bits, size) in [8, 8, 15, 9, 15, 8].into_iter().zip(sizes.into_iter().cycle()) {
                deflate = deflate.with_window_bits(bits);
                let mut piece = random.noise(size);
                let at = random.below(size / 2);
                let n = pool.len().min(size - at);
                piece[at..at + n].copy_from_slice(&pool[..n]);
                let mut out = vec![0; size * 2 + 100];
                assert!(deflate.compress(&piece, true, &mut out[..9]).is_err());
                let n = deflate.compress(&piece, true, &mut out).unwrap();
                read(&mut inflate, &mut memory, &out[..n]);
                plain.extend(piece);
                assert!(memory == plain, "{tier:?} {bits} {sizes:?}");
            }
        }
    }
}

/// Matches as far back as the window, and one byte further, for each tier and each window; refused calls between.
#[test]
fn no_match_is_farther_than_the_window_of_the_receiver() {
    for tier in [Tier::TINY, Tier::SMALL, Tier::MEDIUM, Tier::LARGE] {
        for bits in 8..=15_u8 {
            let window = 1_usize << bits;
            for far in [window - 1, window, window + 1, window + 2] {
                let mut random = Random(far as u64);
                let word = random.noise(60);
                // The word, noise, and the word again at that distance: in one message, and in two.
                for (cut, is_refused) in
                    [0, far, 59, 60, 61, far - 1, far, far + 1].into_iter().zip([true, false].iter().cycle())
                {
                    let all = [&word, &random.noise(far - 60)[..], &word].concat();
                    let mut deflate = Deflate::new(tier, vec![0; tier.bytes()]).unwrap().with_window_bits(bits);
                    let (mut inflate, mut memory, mut last) = (Inflate::new(bits), Vec::new(), 0);
                    for piece in [&all[..cut], &all[cut..]] {
                        let mut out = vec![0; piece.len() * 2 + 100];
                        if *is_refused {
                            let n = deflate.clone().compress(piece, true, &mut out).unwrap();
                            assert!(deflate.compress(piece, true, &mut out[..n - 1]).is_err());
                            assert!(deflate.compress(&word, true, &mut out[..3]).is_err());
                        }
                        last = deflate.compress(piece, true, &mut out).unwrap();
                        read(&mut inflate, &mut memory, &out[..last]);
                    }
                    assert!(memory == all, "{tier:?} {bits} {far} {cut}");
                    let is_seen = far <= window.min(1 << tier.window_bits());
                    if cut == far && !is_refused {
                        assert_eq!(last < 40, is_seen, "{tier:?} {bits} {far}: {last}");
                    }
                }
            }
        }
    }
}

/// Bits, the lowest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    n: usize,
}

impl Bits {
    fn put(&mut self, value: usize, n: usize) {
        for i in 0..n {
            if self.n.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((value >> i & 1) as u8) << (self.n % 8);
            self.n += 1;
        }
    }
    fn code(&mut self, (code, length): (usize, usize)) {
        for i in (0..length).rev() {
            self.put(code >> i & 1, 1);
        }
    }
}

/// Codes of these lengths (RFC 1951 section 3.2.2).
fn codes(lengths: &[usize]) -> Vec<(usize, usize)> {
    let mut code = 0;
    let mut all = vec![(0, 0); lengths.len()];
    for length in 1..=15 {
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, l)| **l == length) {
            all[symbol] = (code & 0x7fff, length);
            code += 1;
        }
        code <<= 1;
    }
    all
}

/// Lengths of a complete code for some of `n` symbols, at most `longest` bits. Now and then spoiled.
fn lengths(random: &mut Random, n: usize, used: usize, longest: usize, always: Option<usize>) -> Vec<usize> {
    let mut leaves = vec![1_usize];
    if used > 1 {
        leaves.push(1);
    }
    while leaves.len() < used {
        let at = random.below(leaves.len());
        // Deep codes are of interest.
        let at = if random.below(2) == 0 { leaves.len() - 1 } else { at };
        if leaves[at] < longest {
            leaves[at] += 1;
            leaves.push(leaves[at]);
        } else if leaves.iter().all(|l| *l == longest) {
            break;
        }
    }
    let mut all = vec![0; n];
    if let Some(symbol) = always {
        all[symbol] = leaves.pop().unwrap();
    }
    while let Some(length) = leaves.pop() {
        let symbol = (0..n).cycle().skip(random.below(n)).take(n).find(|s| all[*s] == 0);
        let Some(symbol) = symbol else { break };
        all[symbol] = length;
    }
    match random.below(12) {
        0 => all[random.below(n)] = random.below(longest + 1),
        1 => all.iter_mut().filter(|l| **l == 1).for_each(|l| *l = 0),
        _ => {}
    }
    all
}

/// A dynamic block of random codes, good or nearly so: all numbers of codes, repetitions across the border of both alphabets, lengths up to 15 bits.
fn block(random: &mut Random, bits: &mut Bits, is_final: bool) {
    let (literals, distances) = (257 + random.below(32), 1 + random.below(32));
    let (used, far) = (1 + random.below(60), random.below(14));
    let mut all = lengths(random, literals.min(286), used, 15, Some(256));
    all.resize(literals, 0);
    let mut of_distances =
        if far == 0 { vec![0; distances] } else { lengths(random, distances.min(30), far, 15, None) };
    of_distances.resize(distances, 0);
    all.extend(of_distances);
    // As symbols of the code of lengths.
    let (mut symbols, mut at) = (Vec::new(), 0);
    while at < all.len() {
        let same = all[at..].iter().take_while(|l| **l == all[at]).count();
        let is_again = at > 0 && all[at - 1] == all[at];
        let (symbol, extra, n) = match random.below(4) {
            0..3 if all[at] == 0 && same >= 11 => (18, same.min(138) - 11, same.min(138)),
            0..3 if all[at] == 0 && same >= 3 => (17, same.min(10) - 3, same.min(10)),
            0..3 if is_again && same >= 3 => (16, same.min(6) - 3, same.min(6)),
            _ => (all[at], 0, 1),
        };
        symbols.push((symbol, extra));
        at += n;
    }
    if random.below(25) == 0 {
        symbols.push((16, random.below(4)));
    }
    let mut of_lengths = vec![0; 19];
    for (symbol, _) in &symbols {
        of_lengths[*symbol] = 5;
    }
    // A complete code of them: 32 places of 5 bits, of which some are joined.
    let mut free = 32 - of_lengths.iter().filter(|l| **l > 0).count();
    for length in &mut of_lengths {
        for shorter in (1..*length).rev() {
            let more = (32 >> shorter) - (32 >> *length);
            if more <= free {
                (*length, free) = (shorter, free - more);
            }
        }
    }
    if random.below(25) == 0 {
        of_lengths[random.below(19)] = random.below(8);
    }
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let mut n = ORDER.iter().rposition(|s| of_lengths[*s] > 0).unwrap_or(0).max(3) + 1;
    n += random.below(20 - n);
    bits.put(usize::from(is_final) | 4, 3);
    bits.put(literals - 257, 5);
    bits.put(distances - 1, 5);
    bits.put(n - 4, 4);
    ORDER[..n].iter().for_each(|s| bits.put(of_lengths[*s], 3));
    let code = codes(&of_lengths);
    for (symbol, extra) in symbols {
        bits.code(code[symbol]);
        bits.put(extra, [2, 3, 7].get(symbol.wrapping_sub(16)).copied().unwrap_or(0));
    }
    let (near, far) = (codes(&all[..literals]), codes(&all[literals..]));
    let usable = |codes: &[(usize, usize)]| (0..codes.len()).filter(|s| codes[*s].1 > 0).collect::<Vec<_>>();
    let (near_symbols, far_symbols) = (usable(&near), usable(&far));
    let end = if random.below(20) == 0 { 0 } else { random.below(300) };
    for _ in 0..if near_symbols.is_empty() { 0 } else { end } {
        let symbol = near_symbols[random.below(near_symbols.len())];
        if symbol == 256 || symbol > 256 && far_symbols.is_empty() {
            continue;
        }
        bits.code(near[symbol]);
        if symbol > 256 {
            let extra = if symbol < 265 || symbol == 285 { 0 } else { (symbol - 261) / 4 };
            bits.put(random.below(1 << extra.min(5)), extra.min(5));
            let symbol = far_symbols[random.below(far_symbols.len())];
            bits.code(far[symbol]);
            let extra = (symbol / 2).saturating_sub(1).min(13);
            bits.put(random.below(1 << extra), extra);
        }
    }
    bits.code(near[256]);
}

/// What zlib says: the output, and whether it ended (`Some(true)`), failed (`Some(false)`) or wants more.
fn by_zlib(stream: &[u8], room: usize) -> (Vec<u8>, Option<bool>) {
    let (mut zlib, mut memory) = (Decompress::new(false), vec![0; room]);
    let status = zlib.decompress(stream, &mut memory, FlushDecompress::None);
    memory.truncate(usize::try_from(zlib.total_out()).unwrap());
    let told = match status {
        Ok(Status::StreamEnd) => Some(true),
        Ok(_) => None,
        Err(_) => Some(false),
    };
    (memory, told)
}

#[test]
fn codes_of_every_shape_are_read_as_by_zlib() {
    let mut counts = [0; 3];
    for seed in 0..800 {
        let random = &mut Random(seed);
        let mut bits = Bits::default();
        // Something to refer to.
        bits.put(0, 8);
        bits.put(300, 16);
        bits.put(!300 & 0xffff, 16);
        random.noise(300).iter().for_each(|b| bits.put(usize::from(*b), 8));
        let n = 1 + random.below(3);
        (0..n).for_each(|i| block(random, &mut bits, i == n - 1));
        let mut stream = bits.bytes;
        if random.below(4) == 0 {
            stream.truncate(random.below(stream.len()));
        }
        let room = 240_000;
        let (expected, told) = by_zlib(&stream, room);
        let mut inflate = Inflate::new(15);
        let (mut memory, mut end, mut rest) = (vec![0; room], 0, &stream[..]);
        let status = inflate.inflate(&mut rest, &mut memory, &mut end);
        // In pieces: what stands in the memory behind the end has no meaning.
        let (mut again, mut to) = (vec![0x5a; room], 0);
        let mut inflate = Inflate::new(15);
        let mut last = Ok(InflateStatus::NeedsInput);
        'pieces: for mut piece in stream.chunks(1 + random.below(40)) {
            loop {
                let room = (to + random.below(600)).min(room);
                last = inflate.inflate(&mut piece, &mut again[..room], &mut to);
                match last {
                    Ok(InflateStatus::NeedsRoom) => {}
                    Ok(InflateStatus::NeedsInput) => break,
                    _ => break 'pieces,
                }
            }
        }
        assert_eq!(last, status, "{seed}");
        assert!(again[..to] == memory[..end], "{seed}");
        match told {
            Some(true) => assert!(status == Ok(InflateStatus::Final) && memory[..end] == expected, "{seed} {status:?}"),
            // zlib tells some faults of the lengths only when all of them were read.
            Some(false) => assert!(status.is_err() && memory[..end].starts_with(&expected), "{seed} {status:?}"),
            None => assert!(memory[..end].starts_with(&expected), "{seed}"),
        }
        if told.is_none() {
            assert_ne!(status, Ok(InflateStatus::Final), "{seed}");
        }
        counts[match told {
            Some(true) => 0,
            Some(false) => 1,
            None => 2,
        }] += 1;
    }
    assert!(counts.iter().all(|n| *n > 60), "all kinds were tried: {counts:?}");
}
