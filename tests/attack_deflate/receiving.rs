//! Compressed messages that arrive.

use super::wire::{Packer, Random, Told, agreed, feed, frame, header, inbox, limited, next, server, told};
use sansocket::ws::{CloseCode, Inbox, Inflating, Kind, PeerError};

fn text(bytes: &[u8]) -> Told {
    Told::Message(Kind::Text, bytes.to_vec())
}

/// A message whose header has arrived is open, compressed or not, so it is skipped.
#[test]
fn a_message_is_skipped_wherever_it_is_cut() {
    for has_takeover in [false, true] {
        for is_packed in [false, true] {
            let content = Random(1).text(200);
            let mut packer = Packer::new(15, true);
            let payload = if is_packed { packer.pack(&content) } else { content.clone() };
            let first = if is_packed { 0xc1 } else { 0x81 };
            let wire = frame(first, &payload);
            let mut second = Packer::new(15, true);
            let behind =
                if has_takeover && is_packed { packer.pack(b"second second") } else { second.pack(b"second second") };
            let behind = [frame(0xc1, &behind), frame(0x81, b"third")].concat();
            let agreed = agreed(15, has_takeover);
            for cut in 0..wire.len() {
                let (mut inbox, mut ws) = (inbox(1000, 50_000, agreed), server(agreed));
                feed(&mut inbox, &wire[..cut]);
                assert_eq!(next(&mut inbox, &mut ws, false), None);
                inbox.skip_message(&ws);
                let rest = [&wire[cut..], &behind].concat();
                let told = told(&mut inbox, &mut ws, &rest, false);
                let mut expected = vec![text(&content), text(b"second second"), text(b"third")];
                if cut >= header(payload.len()) {
                    expected.remove(0);
                }
                assert_eq!(told, expected, "{has_takeover} {is_packed} {cut}");
            }
        }
    }
}

/// Compressed bytes are unpacked as they arrive, so the raw memory may be smaller than a frame of them.
#[test]
fn a_frame_larger_than_the_raw_memory_is_taken_wherever_it_is_cut() {
    let content: Vec<u8> = Random(2).noise(800).iter().map(|b| b & 0x7f).collect();
    let packed = Packer::new(15, true).pack(&content);
    let (head, tail) = packed.split_at(packed.len() / 2);
    assert!(tail.len() > 300);
    for wire in [frame(0xc1, &packed), [frame(0x41, head), frame(0x89, b"?"), frame(0x80, tail)].concat()] {
        for raw in [14, 40, 100] {
            for cut in 0..wire.len() {
                let agreed = agreed(15, true);
                let (mut inbox, mut ws) = (inbox(raw, 50_000, agreed), server(agreed));
                let mut all = told(&mut inbox, &mut ws, &wire[..cut], false);
                all.extend(told(&mut inbox, &mut ws, &wire[cut..], false));
                all.retain(|t| *t != Told::Control);
                assert_eq!(all, [text(&content)], "{raw} {cut}");
            }
        }
    }
}

/// Where the frames of a message end has no meaning.
#[test]
fn any_fragmentation_tells_the_same() {
    for (packed, expected) in [
        (&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..], Ok(&b"Hello"[..])),
        // A final block at the end, with and without what should follow.
        (b"\xf3\x48\xcd\xc9\xc9\x07\x00", Ok(b"Hello")),
        (b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", Ok(b"Hello")),
        // Final blocks one behind the other.
        (b"\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00", Ok(b"HelloHello")),
        (b"\x03\x00", Ok(b"")),
        (b"\x03\x00\x00", Ok(b"")),
        // An empty final stored block; its tail is part of the data.
        (b"\x01\x00\x00\xff\xff", Ok(b"")),
        (b"\x01\x00\x00\xff\xff\x00", Ok(b"")),
        (b"\x00", Ok(b"")),
        (b"", Err(PeerError::InvalidCompression)),
        (b"\xf2\x48\xcd\xc9\xc9", Err(PeerError::InvalidCompression)),
        (b"\xf3\x48\xcd\xc9\xc9", Err(PeerError::InvalidCompression)),
        (b"\x00\x00\x00\xff\xff", Err(PeerError::InvalidCompression)),
    ] {
        for has_takeover in [false, true] {
            let agreed = agreed(15, has_takeover);
            for a in 0..=packed.len() {
                for b in a..=packed.len() {
                    let frames = [frame(0x41, &packed[..a]), frame(0x00, &packed[a..b]), frame(0x80, &packed[b..])];
                    // Something before, which a later message could refer to.
                    let wire = [frame(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00"), frames.concat()].concat();
                    let (mut inbox, mut ws) = (inbox(200, 50_000, agreed), server(agreed));
                    let mut expected = match expected {
                        Ok(content) => vec![text(b"Hello"), text(content)],
                        Err(e) => vec![text(b"Hello"), Told::Error(e.into())],
                    };
                    let mut wire = wire;
                    if !matches!(expected[1], Told::Error(_)) {
                        wire.extend(frame(0x88, b"\x03\xe8"));
                        expected.push(Told::Close(CloseCode::NORMAL));
                    }
                    assert_eq!(told(&mut inbox, &mut ws, &wire, false), expected, "{packed:x?} {a} {b} {has_takeover}");
                }
            }
        }
    }
}

/// What a limit of size or of ratio says, and after how many bytes of the message, does not depend on the cuts, nor on the memory.
#[test]
fn limits_are_told_at_the_same_byte_however_it_is_cut() {
    // Noise, then zeros, then noise: the ratio is exceeded in the middle.
    let mut random = Random(4);
    let content = [random.noise(3000), vec![0; 1_300_000], random.noise(3000)].concat();
    let wire = frame(0xc2, &Packer::new(15, true).pack(&content));
    for (limit, ratio, error) in [
        (1 << 21, 10, Some(PeerError::CompressedTooMuch)),
        (1 << 21, 1032, None),
        (1_300_000, 1032, Some(PeerError::MessageTooLarge)),
        (20_000, 1, Some(PeerError::MessageTooLarge)),
        (1_306_000, 1032, None),
        (1_305_999, 1032, Some(PeerError::MessageTooLarge)),
    ] {
        let mut all = Vec::new();
        for (raw, memory) in [(14, 40_960), (100, 50_000), (9000, 70_001), (9000, 2_000_000)] {
            let agreed = agreed(15, true);
            let storage = Inflating::new(vec![0; raw], vec![0; memory], agreed).unwrap().ratio(ratio);
            let (mut inbox, mut ws) = (Inbox::new(storage), limited(agreed, limit));
            let (mut unpacked, mut end) = (0, None);
            for part in told(&mut inbox, &mut ws, &wire, true) {
                match part {
                    Told::Part(_, bytes, _) => {
                        assert!(content[unpacked..].starts_with(&bytes));
                        unpacked += bytes.len();
                    }
                    Told::Error(e) => end = Some(e),
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(end, error.map(Into::into), "{limit} {ratio} {raw}");
            all.push(unpacked);
        }
        assert!(all.iter().all(|n| *n == all[0]), "{limit} {ratio}: {all:?}");
        match error {
            None => assert_eq!(all[0], content.len()),
            Some(PeerError::MessageTooLarge) => assert_eq!(all[0] as u64, limit),
            _ => assert!(all[0] >= 1 << 20 && all[0] < content.len()),
        }
    }
}
