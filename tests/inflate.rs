//! Unpacking: any split of the input and any room for the output give the same bytes and the same error, and zlib agrees.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use proptest::prelude::*;
use sansocket::deflate::{Inflate, InflateError, InflateStatus};

/// What a stream gave: the output, and how it ended.
type Told = (Vec<u8>, Result<InflateStatus, InflateError>);

/// Unpacks in one call.
fn whole(window_bits: u8, stream: &[u8], room: usize) -> Told {
    let (mut memory, mut end) = (vec![0; room], 0);
    let told = Inflate::new(window_bits).inflate(&mut &*stream, &mut memory, &mut end);
    memory.truncate(end);
    (memory, told)
}

/// Unpacks pieces of these sizes, each into memory for a window and so many more bytes; the last size is that of all that follow.
fn in_pieces(window_bits: u8, stream: &[u8], pieces: &[usize], rooms: &[usize]) -> Told {
    let window = 1 << window_bits;
    let mut inflate = Inflate::new(window_bits);
    let (mut memory, mut end, mut output) = (Vec::new(), 0_usize, Vec::new());
    let mut rooms = rooms.iter().chain(rooms.last().into_iter().cycle());
    let mut sizes = pieces.iter().chain(pieces.last().into_iter().cycle());
    let mut rest = stream;
    loop {
        let (mut piece, behind) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
        rest = behind;
        loop {
            // What is more than a window old is dropped, and what stands there is spoiled.
            let kept = end.min(window);
            memory.drain(..end - kept);
            memory.truncate(kept);
            memory.resize(kept + rooms.next().unwrap(), 0xa5);
            end = kept;
            let told = inflate.inflate(&mut piece, &mut memory, &mut end);
            output.extend(&memory[kept..end]);
            match told {
                Ok(InflateStatus::NeedsRoom) => assert_eq!(end, memory.len()),
                Ok(InflateStatus::NeedsInput) if !rest.is_empty() => {
                    assert!(piece.is_empty());
                    break;
                }
                told => {
                    if let Err(e) = told {
                        let again = inflate.inflate(&mut &b"\0\0"[..], &mut memory, &mut end);
                        assert_eq!(again, Err(e), "an error stays");
                    }
                    return (output, told);
                }
            }
        }
    }
}

/// The same from zlib. `None`: it wants more input.
fn by_zlib(stream: &[u8], room: usize) -> Option<Result<Vec<u8>, ()>> {
    let (mut zlib, mut memory) = (Decompress::new(false), vec![0; room]);
    let status = zlib.decompress(stream, &mut memory, FlushDecompress::None);
    let n = usize::try_from(zlib.total_out()).unwrap();
    match status {
        Ok(Status::StreamEnd) => {
            memory.truncate(n);
            Some(Ok(memory))
        }
        Ok(_) => None,
        Err(_) => Some(Err(())),
    }
}

fn pack(bytes: &[u8], level: u32) -> Vec<u8> {
    let (mut zlib, mut out) = (Compress::new(Compression::new(level), false), vec![0; bytes.len() * 2 + 64]);
    assert_eq!(zlib.compress(bytes, &mut out, FlushCompress::Finish).unwrap(), Status::StreamEnd);
    out.truncate(usize::try_from(zlib.total_out()).unwrap());
    out
}

/// Bits as RFC 1951 section 3.1.1 packs them. A number goes with its lowest bit first, a code with its highest.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn number(mut self, value: u32, n: u32) -> Self {
        self.0.extend((0..n).map(|i| value >> i & 1 != 0));
        self
    }
    fn code(mut self, bits: &str) -> Self {
        self.0.extend(bits.bytes().map(|b| b == b'1'));
        self
    }
    /// The header of a dynamic block, whose lengths are given in symbols of their own code: each of the 19 has 5 bits but 0, 17 and 18.
    fn dynamic(self, literals: u32, distances: u32) -> Self {
        let mut bits = self.number(0b101, 3).number(literals - 257, 5).number(distances - 1, 5).number(15, 4);
        for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] {
            bits = bits.number(
                if matches!(symbol, 0 | 17 | 18) {
                    3
                } else if symbol < 11 {
                    4
                } else {
                    0
                },
                3,
            );
        }
        bits
    }
    fn bytes(self) -> Vec<u8> {
        self.0.chunks(8).map(|b| b.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
    }
}

fn samples() -> Vec<Vec<u8>> {
    let text = "The quick brown fox jumps over the lazy dog; the lazy dog sleeps. ".repeat(3).into_bytes();
    let mut seed = 1_u32;
    let mut noise = |n: usize| -> Vec<u8> {
        (0..n)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                seed.to_be_bytes()[0]
            })
            .collect()
    };
    let mut all = vec![vec![], b"a".to_vec(), b"Hello".to_vec(), text, noise(300), vec![7; 1000]];
    // Matches at every short distance.
    all.extend((2..=20).map(|n| noise(n).repeat(300 / n)));
    // Skewed, so that rare symbols have codes of 15 bits.
    all.push((0..20_u8).flat_map(|i| vec![i * 3; 1 << (20 - i).min(13)]).collect());
    all.push(noise(5000).iter().map(|b| b.leading_zeros() as u8 * 16 + (b & 1)).collect());
    all
}

#[test]
fn every_split_of_short_streams_gives_the_same() {
    for sample in samples().iter().filter(|s| s.len() < 400) {
        for level in [0, 1, 6, 9] {
            let stream = pack(sample, level);
            for cut in 0..=stream.len() {
                let told = in_pieces(15, &stream, &[cut, stream.len().max(1)], &[1000]);
                assert_eq!(told, (sample.clone(), Ok(InflateStatus::Final)), "cut at {cut}");
            }
            for size in [1, 2, 7] {
                for room in [1, 2, 100, 300] {
                    let told = in_pieces(15, &stream, &[size], &[room]);
                    assert_eq!(told, (sample.clone(), Ok(InflateStatus::Final)), "{size} {room}");
                }
            }
        }
    }
}

#[test]
fn long_streams_and_all_their_fronts() {
    for sample in samples() {
        for level in [0, 1, 6, 9] {
            let stream = pack(&sample, level);
            assert_eq!(whole(15, &stream, sample.len()), (sample.clone(), Ok(InflateStatus::Final)));
            assert_eq!(whole(15, &stream, sample.len() + 1000), (sample.clone(), Ok(InflateStatus::Final)));
            let step = (stream.len() / 50).max(1);
            for n in (0..stream.len()).step_by(step) {
                let (front, told) = whole(15, &stream[..n], sample.len() + 300);
                assert_eq!(told, Ok(InflateStatus::NeedsInput));
                assert!(sample.starts_with(&front));
            }
            for room in (0..sample.len()).step_by((sample.len() / 50).max(1)) {
                assert_eq!(whole(15, &stream, room), (sample[..room].to_vec(), Ok(InflateStatus::NeedsRoom)));
            }
        }
    }
}

#[test]
fn a_window_ends_where_it_was_agreed() {
    for window_bits in 8..=15_u8 {
        let window = 1_usize << window_bits;
        for (distance, is_good) in [(window, true), (window + 1, false)] {
            // A stored block, and a match of three bytes in a fixed one.
            let stored: Vec<u8> = (0..=u8::MAX).cycle().take(window + 1).collect();
            let mut stream = Vec::new();
            for piece in stored.chunks(0xffff) {
                let n = u16::try_from(piece.len()).unwrap();
                stream.extend([0]);
                stream.extend(n.to_le_bytes().into_iter().chain((!n).to_le_bytes()));
                stream.extend(piece);
            }
            let Some(symbol) = (0..30_u32).rev().find(|s| base(*s).0 <= distance) else { unreachable!() };
            let (least, extra) = base(symbol);
            let bits = Bits::default().number(0b011, 3).code("0000001").code(&format!("{symbol:05b}"));
            let more = u32::try_from(distance - least).unwrap();
            if more >= 1 << extra {
                continue; // 32769 cannot be said
            }
            stream.extend(bits.number(more, extra).code("0000000").bytes());
            let told = in_pieces(window_bits, &stream, &[100], &[100]);
            if is_good {
                let mut expected = stored.clone();
                expected.extend_from_slice(&stored[1..4]);
                assert_eq!(told, (expected, Ok(InflateStatus::Final)), "{window_bits}");
            } else {
                assert_eq!(told, (stored, Err(InflateError::DistanceTooFar)), "{window_bits}");
            }
        }
    }
}

/// The least distance of a symbol, and its extra bits.
fn base(symbol: u32) -> (usize, u32) {
    if symbol < 4 {
        return (symbol as usize + 1, 0);
    }
    let extra = symbol / 2 - 1;
    (((2 + (symbol as usize & 1)) << extra) + 1, extra)
}

#[test]
fn what_is_malformed_is_named() {
    use InflateError::*;
    let bits = Bits::default;
    // In the code for lengths of `Bits::dynamic`: 0 is 000, 17 is 001, 18 is 010; 1 is 0110, 2 is 0111 and so on to 10, which is 1111.
    let zeros = |n: u32| (n - 11, 7);
    let cases: [(&str, Bits, InflateError); 19] = [
        ("type 3", bits().number(0b111, 3), BlockType),
        ("lengths that differ", bits().number(1, 8).number(5, 16).number(0xfffb, 16), StoredLength),
        ("287 literals", bits().number(0b101, 3).number(30, 5).number(0, 9), TooManySymbols),
        ("31 distances", bits().number(0b101, 3).number(0, 5).number(30, 5).number(0, 4), TooManySymbols),
        (
            "a length repeated before the first",
            {
                // Symbols 16 and 0 have one bit each.
                bits().number(0b101, 3).number(0, 14).number(1, 3).number(0, 6).number(1, 3).code("1").number(0, 2)
            },
            InvalidRepeat,
        ),
        ("too many zeros", bits().dynamic(257, 1).code("010").number(127, 7).code("010").number(127, 7), InvalidRepeat),
        ("no lengths", bits().number(0b101, 3).number(0, 14).number(0, 12), InvalidLengths),
        ("too few lengths", bits().number(0b101, 3).number(0, 14).number(1, 3).number(0, 9), InvalidLengths),
        (
            "too many lengths",
            bits().number(0b101, 3).number(0, 14).number(1, 3).number(1, 3).number(1, 3).number(0, 3),
            InvalidLengths,
        ),
        (
            "no end",
            bits()
                .dynamic(257, 1)
                .code("0110")
                .code("0110")
                .code("010")
                .number(zeros(138).0, 7)
                .code("010")
                .number(zeros(117).0, 7)
                .code("000"),
            NoEnd,
        ),
        (
            "three literals of one bit",
            bits()
                .dynamic(257, 1)
                .code("0110")
                .code("0110")
                .code("010")
                .number(zeros(138).0, 7)
                .code("010")
                .number(zeros(116).0, 7)
                .code("0110")
                .code("000"),
            InvalidLengths,
        ),
        (
            "two literals of two bits",
            bits()
                .dynamic(257, 1)
                .code("0111")
                .code("010")
                .number(zeros(138).0, 7)
                .code("010")
                .number(zeros(117).0, 7)
                .code("0111")
                .code("000"),
            InvalidLengths,
        ),
        (
            "three distances of one bit",
            bits()
                .dynamic(257, 3)
                .code("0110")
                .code("010")
                .number(zeros(138).0, 7)
                .code("010")
                .number(zeros(117).0, 7)
                .code("0110")
                .code("0110")
                .code("0110")
                .code("0110"),
            InvalidLengths,
        ),
        (
            "one distance of two bits",
            bits()
                .dynamic(257, 1)
                .code("0110")
                .code("010")
                .number(zeros(138).0, 7)
                .code("010")
                .number(zeros(117).0, 7)
                .code("0110")
                .code("0111"),
            InvalidLengths,
        ),
        (
            "a code that is not there",
            bits()
                .dynamic(257, 1)
                .code("010")
                .number(zeros(138).0, 7)
                .code("010")
                .number(zeros(118).0, 7)
                .code("0110")
                .code("000")
                .code("1"),
            InvalidCode,
        ),
        (
            "a distance where there is none",
            bits()
                .dynamic(258, 1)
                .code("010")
                .number(zeros(138).0, 7)
                .code("010")
                .number(zeros(118).0, 7)
                .code("0110")
                .code("0110")
                .code("000")
                .code("1"),
            InvalidCode,
        ),
        ("literal 286", bits().number(0b011, 3).code("11000110"), InvalidCode),
        ("distance 30", bits().number(0b011, 3).code("0000001").code("11110"), InvalidCode),
        (
            "before the first byte",
            bits().number(0b011, 3).code("00110000").code("0000001").code("00001"),
            DistanceTooFar,
        ),
    ];
    for (name, bits, error) in cases {
        let mut stream = bits.bytes();
        let told = whole(15, &stream, 300);
        assert_eq!(told.1, Err(error), "{name}");
        for size in 1..4 {
            assert_eq!(in_pieces(15, &stream, &[size], &[5]), told, "{name}");
        }
        // Also in the fast loop, for which much must follow.
        stream.extend([0; 64]);
        assert_eq!(whole(15, &stream, 2000).1, Err(error), "{name}");
        assert_eq!(by_zlib(&stream, 2000), Some(Err(())), "{name}");
    }
}

#[test]
fn blocks_behind_a_final_one_refer_to_what_was_before() {
    let stream = [pack(b"abcdefgh", 6), b"\x03\x22\x00".to_vec()].concat();
    let (mut inflate, mut memory, mut end, mut rest) = (Inflate::new(15), [0; 32], 0, &stream[..]);
    assert_eq!(inflate.inflate(&mut rest, &mut memory, &mut end), Ok(InflateStatus::Final));
    assert!(inflate.is_between_blocks());
    assert_eq!((&memory[..end], rest), (&b"abcdefgh"[..], &b"\x03\x22\x00"[..]));
    assert_eq!(inflate.inflate(&mut rest, &mut memory, &mut end), Ok(InflateStatus::Final));
    assert_eq!((&memory[..end], rest.len()), (&b"abcdefghfgh"[..], 0));
}

/// A packed sample with a byte changed, or noise.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let changed = (any::<prop::sample::Index>(), 0..10_u32, any::<prop::sample::Index>(), any::<u8>(), any::<bool>());
    let packed = changed.prop_map(|(sample, level, at, byte, is_changed)| {
        let samples = samples();
        let mut stream = pack(&samples[sample.index(samples.len())], level);
        if is_changed {
            let at = at.index(stream.len().min(200));
            stream[at] = byte;
        }
        stream
    });
    prop_oneof![3 => packed, 1 => prop::collection::vec(any::<u8>(), 0..100)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn zlib_agrees(stream in streams(), pieces in prop::collection::vec(1..50_usize, 1..5), rooms in prop::collection::vec(1..400_usize, 1..5)) {
        let told = whole(15, &stream, 1 << 20);
        match by_zlib(&stream, 1 << 20) {
            Some(Ok(bytes)) => prop_assert_eq!(&told, &(bytes, Ok(InflateStatus::Final))),
            Some(Err(())) => prop_assert!(told.1.is_err()),
            // It takes a code of lengths that has no symbols for one of zeros, and finds out later.
            None if told.1 == Err(InflateError::InvalidLengths) => {
                prop_assert_eq!(by_zlib(&[&stream[..], &[0; 64]].concat(), 1 << 20), Some(Err(())));
            }
            None => prop_assert_ne!(told.1, Ok(InflateStatus::Final)),
        }
        prop_assert_eq!(in_pieces(15, &stream, &pieces, &rooms), told);
    }
}
