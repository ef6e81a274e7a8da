//! The WebSocket vectors on a machine whose `usize` has 16 bits, an ATmega2560 in QEMU (`firmware/avr`): the same events and the same errors. `.ci/avr` builds it
//! and says where it is.

mod support;

use sansocket::ws::{CloseCode, Kind, Limits};
use std::{
    io::{Read, Write},
    process::{Command, Stdio},
};
use support::{Told, Trace, Vector, by_events, vectors};

/// Lengths that 16 bits do not hold, in streams whose limits allow them and in others.
fn long_frames() -> Vec<Vector> {
    let mut all = Vec::new();
    for len in [65_535_u64, 65_536, 65_537, 70_000, 1 << 20, 1 << 32, (1 << 32) + 3, (1 << 63) - 1, 1 << 63, u64::MAX] {
        for limit in [65_535, 65_536, 1 << 33, u64::MAX] {
            let mut wire = match u16::try_from(len) {
                Ok(len) => [&[0x82, 0xfe][..], &len.to_be_bytes()].concat(),
                Err(_) => [&[0x82, 0xff][..], &len.to_be_bytes()].concat(),
            };
            wire.extend([1, 2, 3, 4]);
            wire.extend(*b"the first bytes");
            let limits = Limits::new().message(limit).frame(limit);
            let name = format!("{len} bytes, {limit} allowed");
            all.push(Vector { name, is_server: true, limits, wire, expected: Trace::default() });
        }
    }
    all
}

#[test]
#[ignore = "needs QEMU and the firmware"]
fn sixteen_bits_tell_the_same() {
    let elf = std::env::var("AVR").expect("AVR says where the firmware is");
    let mut qemu = Command::new("qemu-system-avr")
        .args(["-M", "mega2560", "-nographic", "-monitor", "none", "-serial", "stdio", "-bios", &elf])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("qemu-system-avr");
    let (mut line, mut answers) = (qemu.stdin.take().unwrap(), qemu.stdout.take().unwrap());
    let mut byte = || {
        let mut byte = [0];
        answers.read_exact(&mut byte).expect("an answer");
        byte[0]
    };
    let mut count = 0;
    for vector in vectors(include_str!("vectors/websocket.md")).into_iter().chain(long_frames()) {
        let Vector { name, is_server, limits, wire, .. } = &vector;
        if wire.len() > 3000 {
            continue;
        }
        let [message, frame, fragments, empty, controls] = support::limits_of(limits);
        let mut command = vec![u8::from(!is_server)];
        command.extend(message.to_be_bytes());
        command.extend(frame.to_be_bytes());
        command.extend((fragments as u32).to_be_bytes());
        command.extend((empty as u16).to_be_bytes());
        command.extend((controls as u16).to_be_bytes());
        command.extend((wire.len() as u16).to_be_bytes());
        line.write_all(&command).unwrap();
        // In pieces: the line has no room for more than a few bytes.
        line.write_all(wire).unwrap();
        line.flush().unwrap();
        // It counts the bytes of a message with 32 bits, whatever the limits.
        let most = u64::from(u32::MAX);
        let limits = limits.message(message.min(most)).frame(frame.min(most));
        let (is_server, expected) = (*is_server, Trace::default());
        let counted = Vector { name: name.clone(), is_server, limits, wire: wire.clone(), expected };
        let expected = by_events(&counted, &(0..wire.len()).collect::<Vec<_>>());
        let mut told = Trace { used: expected.used, ..Trace::default() };
        let mut error = None;
        loop {
            match byte() {
                b'.' => break,
                b'c' => {
                    let bits = byte();
                    let kind = if bits & 1 == 0 { Kind::Text } else { Kind::Binary };
                    let bytes: Vec<u8> = (0..bits >> 3 & 1).map(|_| byte()).collect();
                    told.chunk(kind, bits & 2 != 0, bits & 4 != 0, &bytes);
                }
                kind @ (b'p' | b'o') => {
                    let bytes: Vec<u8> = (0..byte()).map(|_| byte()).collect();
                    told.told.push(if kind == b'p' { Told::Ping(bytes) } else { Told::Pong(bytes) });
                }
                b'x' => told.told.push(Told::Close(CloseCode(u16::from_be_bytes([byte(), byte()])), String::new())),
                b'e' => error = Some(byte()),
                other => panic!("{name}: {}", char::from(other)),
            }
        }
        // The reason of a close frame is not told.
        let without_reasons = expected.told.iter().cloned().map(|t| match t {
            Told::Close(code, _) => Told::Close(code, String::new()),
            other => other,
        });
        assert_eq!(told.told, without_reasons.collect::<Vec<_>>(), "{name}");
        assert_eq!(error, expected.error.map(|e| e as u8), "{name}");
        count += 1;
    }
    qemu.kill().unwrap();
    qemu.wait().unwrap();
    println!("{count} vectors on 16 bits");
    assert!(count >= 80, "{count}");
}
