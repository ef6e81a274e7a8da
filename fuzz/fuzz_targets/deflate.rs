//! What the compressor writes is read by miniz_oxide, whatever the pieces, the flushes, the room and the memory.

#![no_main]

use sansocket::deflate::{Deflate, SYNC_TAIL, Tier};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&[tier, bits], mut rest)) = data.split_first_chunk() else { return };
    let tier = [Tier::TINY, Tier::SMALL, Tier::MEDIUM, Tier::TINY.without_history()][usize::from(tier % 4)];
    let mut writer = Deflate::new(tier, vec![bits; tier.bytes()]).unwrap().with_window_bits(8 + bits % 8);
    let (mut stream, mut plain) = (Vec::new(), Vec::new());
    while let [operation, len, tail @ ..] = rest {
        let (piece, tail) = tail.split_at(tail.len().min(usize::from(*len)));
        // Some pieces are longer than all that a window holds.
        let piece = piece.repeat(1 << (operation >> 5));
        let is_flush = operation & 1 != 0 || tail.len() < 2;
        let mut out = vec![0; piece.len() * 9 / 8 + 300];
        if operation & 2 != 0 {
            let room = usize::from(operation >> 2 & 7);
            if let Ok(n) = writer.compress(&piece, true, &mut out[..room]) {
                stream.extend_from_slice(&out[..n]);
                stream.extend(SYNC_TAIL);
                plain.extend_from_slice(&piece);
            }
        }
        let n = writer.compress(&piece, is_flush, &mut out).unwrap();
        stream.extend_from_slice(&out[..n]);
        if is_flush {
            stream.extend(SYNC_TAIL);
        }
        plain.extend_from_slice(&piece);
        rest = tail;
    }
    // A final block.
    stream.extend([3, 0]);
    assert!(miniz_oxide::inflate::decompress_to_vec(&stream).is_ok_and(|bytes| bytes == plain));
});
