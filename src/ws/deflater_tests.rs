//! Frames over a deflater, read back.

use super::{
    Client, Connection, Deflater, Deflating, Form, Kind, Limits, MaskSource, Out, Outbox, Output, SendError, Server,
};
use crate::{
    Capacity,
    deflate::{Tier, encode_tests::Reader},
};
use std::{vec, vec::Vec};

/// The frames of a stream, unmasked: first byte and payload.
fn frames(mut stream: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let [first, second, rest @ ..] = stream {
        let (len, rest) = match second & 0x7f {
            126 => (usize::from(rest[0]) << 8 | usize::from(rest[1]), &rest[2..]),
            127 => (u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize, &rest[8..]),
            len => (usize::from(len), rest),
        };
        let (key, rest) = if second & 0x80 != 0 { rest.split_at(4) } else { (&[0; 4][..], rest) };
        found.push((*first, rest[..len].iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b).collect()));
        stream = &rest[len..];
    }
    found
}

/// The messages of a stream, as the peer reads them with one window for all.
fn messages(stream: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut reader = Reader::default();
    let read = |(first, payload): (u8, Vec<u8>)| match first & 0x40 {
        0 => (first, payload),
        _ => {
            let from = reader.bytes.len();
            reader.read_flushed(&payload);
            (first & !0x40, reader.bytes[from..].to_vec())
        }
    };
    frames(stream).into_iter().map(read).collect()
}

fn deflater() -> Deflater<Vec<u8>> {
    Deflater::new(Tier::SMALL, vec![0; Tier::SMALL.bytes()]).unwrap().with_threshold(20)
}

fn is_compressed(stream: &[u8]) -> Vec<bool> {
    frames(stream).iter().map(|(first, _)| first & 0x40 != 0).collect()
}

fn noise(n: usize) -> Vec<u8> {
    let mut state = 1_u64;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

/// What upper layers write is built in place, what the application sends is put from elsewhere; both give the same, in both roles.
#[test]
fn put_and_build_are_read_as_they_were_written() {
    fn both<R: crate::ws::Role, K: MaskSource<R>>(keys: K) {
        let mut tx = Outbox::with_keys(vec![0; 100_000], keys);
        let mut deflater = deflater();
        let texts =
            [&b"an event, an event, an event, an event"[..], &noise(300), b"short", &[b'x'; 300], &[b'y'; 70_000]];
        let mut over = deflater.over(&mut tx);
        let mut out = Output::<R>::cursor(&mut over, crate::ws::out::Gate::Open);
        let mut expected = Vec::new();
        for text in texts {
            out.put(0x82, text).unwrap();
            expected.push((0x82, text.to_vec()));
            if text.len() < 1000 {
                out.messages(|w| w.push(text), [text, b"z"].into_iter()).unwrap();
                expected.extend([(0x81, text.to_vec()), (0x82, text.to_vec()), (0x82, b"z".to_vec())]);
            }
            out.put(0x89, &text[..5]).unwrap();
            expected.push((0x89, text[..5].to_vec()));
        }
        assert_eq!(tx.written()[1] & 0x80 != 0, R::SENDS_MASKED);
        assert!(messages(tx.written()) == expected);
        // Each message that gets shorter, and no other one.
        let one = [true, true, true, false, false];
        let (noise, short) = ([false; 5], [false; 5]);
        assert_eq!(is_compressed(tx.written()), [&one[..], &noise, &short, &one, &[true, false]].concat());
    }
    both::<Server, _>(crate::ws::NoKeys);
    both::<Client, _>(|| [1, 2, 3, 4]);
}

/// With any room, a write is refused as without compression or appends whole frames; a plain message does not enter the history.
#[test]
fn any_room_gives_all_or_nothing() {
    let event = b"[\"position\",{\"x\":17,\"y\":4},{\"x\":17,\"y\":5}]".repeat(3);
    for is_built in [false, true] {
        for size in 0..event.len() * 2 + 20 {
            let (mut deflater, mut memory) = (deflater(), vec![0; size]);
            let mut over = deflater.over(&mut memory);
            let mut out = Output::<Server>::cursor(&mut over, crate::ws::out::Gate::Open);
            let mut stream = Vec::new();
            for _ in 0..3 {
                let written = if is_built {
                    out.messages(|w| w.push(&event), core::iter::empty())
                } else {
                    out.put(0x81, &event).map_err(SendError::from)
                };
                let plain = event.len() + 4;
                match written {
                    Ok(()) => assert!(!is_built || size >= event.len() + 3),
                    Err(e) => {
                        assert_eq!(e, SendError::Capacity(Capacity { needed: plain, available: size }));
                        assert!(size < plain && out.is_empty());
                        break;
                    }
                }
                stream.extend_from_slice(out.written());
                out.clear();
            }
            assert!(messages(&stream).iter().all(|m| *m == (0x81, event.clone())));
            let compressed = is_compressed(&stream);
            assert!(size < event.len() * 2 || compressed == [true; 3], "{size}");
        }
    }
}

#[test]
fn parts_go_out_plain() {
    let (mut ws, mut tx, mut deflater) = (Connection::server(Limits::new()), Outbox::new([0; 512]), deflater());
    for (is_last, text) in [(false, [b'a'; 60]), (true, [b'b'; 60]), (true, [b'c'; 60])] {
        ws.send_chunk(Kind::Text, &text, is_last, &mut ws.out(&mut deflater.over(&mut tx))).unwrap();
    }
    // The last one is a message of one part.
    assert_eq!(frames(tx.written()).iter().map(|f| f.0).collect::<Vec<_>>(), [0x01, 0x80, 0xc1]);
}

/// Stored frames for a client are masked, compressed or not.
#[test]
fn stored_frames_are_appended_all_or_none() {
    let mut stored = Outbox::new(vec![0; 1000]);
    Out::stored(&mut stored).messages(|w| w.push(&[b'a'; 200]), [&noise(100)[..], b"b"].into_iter()).unwrap();
    let stored = stored.written().to_vec();
    for has_deflater in [false, true] {
        let mut deflater = has_deflater.then(deflater);
        let mut ws = Connection::client(Limits::new());
        let mut tx = Outbox::with_keys(vec![0; 1000], || [9, 8, 7, 6]);
        let mut over = Deflating::new(deflater.as_mut(), &mut tx);
        ws.out(&mut over).append(&stored).unwrap();
        assert!(messages(tx.written()) == messages(&stored));
        assert_eq!(is_compressed(tx.written()), [has_deflater, false, false]);
        let plain = stored.len() + 3 * 4;
        let mut small = Outbox::with_keys(vec![0; plain - 1], || [9, 8, 7, 6]);
        let refused = ws.out(&mut Deflating::new(deflater.as_mut(), &mut small)).append(&stored);
        assert_eq!(refused, Err(SendError::Capacity(Capacity { needed: plain, available: plain - 1 })));
        assert!(small.is_empty());
        // Not into an open message.
        ws.send_chunk(Kind::Text, b"", false, &mut ws.out(&mut tx)).unwrap();
        assert!(matches!(ws.out(&mut tx).append(&stored), Err(SendError::State(_))));
    }
    // Half a frame.
    let mut memory = [0; 100];
    let mut out = Out::stored(&mut memory);
    out.append(b"\x81\x01a\x81\x02b").unwrap();
    assert_eq!(out.written(), b"\x81\x01a");
}

#[test]
fn without_takeover_each_message_is_read_alone() {
    let mut deflater = deflater().without_takeover();
    let mut memory = [0; 200];
    let mut over = deflater.over(&mut memory);
    let mut out = Out::stored(&mut over);
    for _ in 0..3 {
        out.put(0x81, b"once once once once once").unwrap();
        let payload = &frames(out.written())[0].1;
        let mut reader = Reader::default();
        reader.read_flushed(payload);
        assert_eq!(reader.bytes, b"once once once once once");
        out.clear();
    }
}

/// A window of 8 bits is one of 256 bytes, whatever the tier.
#[test]
fn a_distance_is_never_larger_than_agreed() {
    let mut deflater = deflater().with_window_bits(8);
    let mut memory = [0; 2000];
    let mut over = deflater.over(&mut memory);
    let mut out = Out::stored(&mut over);
    let mut reader = Reader::default();
    for _ in 0..4 {
        out.put(0x82, &[noise(255), noise(300)].concat()).unwrap();
        for (first, payload) in frames(out.written()) {
            if first & 0x40 != 0 {
                reader.read_flushed(&payload);
            }
        }
        out.clear();
    }
    assert!(reader.farthest > 128 && reader.farthest <= 256, "{}", reader.farthest);
}

/// The form of a plain output has none of it.
#[test]
fn plain_outputs_are_not_deflated() {
    const { assert!(!<crate::ws::Frames as Form>::IS_DEFLATED && !<crate::ws::Stored as Form>::IS_DEFLATED) };
}
