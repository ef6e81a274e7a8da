//! The bodies of polling in memory of any length, against lists: what GETs are answered, and what a POST carries.

use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};
use sansocket::{
    endpoint::ServerLink,
    engineio::{Packet, Payload},
};

const LENGTHS: [usize; 13] = [0, 1, 2, 3, 60, 124, 125, 126, 250, 300, 65_534, 65_535, 65_536];

fn shown(message: Message<'_>) -> String {
    let (kind, bytes) = match message {
        Message::Text(bytes) => ("text", bytes),
        Message::Binary(bytes) => ("binary", bytes),
    };
    format!("{kind} {} {:?}", bytes.len(), bytes.first())
}

/// Whatever the room of a body, however packets lie in the queue, and whenever the session is closed: each packet is told once, in its order, and
/// the close packet last and alone.
#[test]
fn gets_tell_all_that_was_queued_in_bodies_of_any_length() {
    let mut random = Random(5);
    let (mut asked, mut grown, mut full) = (0, 0, 0);
    for _ in 0..300 {
        let max = [1, 120, 200, 1000, 100_000][random.below(5)];
        let config = Config::new().max_payload(max);
        let mut link =
            ServerLink::open(Transport::Polling, engineio::Sid::from_random([0; 15]), config, ws::Limits::new(), at(0));
        let mut queue = Queue::new(Vec::<QueueSlot<Vec<u8>>>::new(), usize::MAX, Policy::Close);
        let (mut expected, mut told) = (Vec::new(), Vec::new());
        let mut now = 0;
        let mut memory = Vec::new();
        let mut is_waiting = true;
        // The open packet is fetched before the session ends: later there is none.
        let rounds = 2 + random.below(12);
        for round in 0..rounds {
            for _ in 0..random.below(4) {
                let mut item = Vec::new();
                let most = if random.below(6) == 0 { 30 } else { 3 };
                for _ in 0..1 + random.below(most) {
                    let most = if random.below(40) == 0 { LENGTHS.len() } else { 10 };
                    let len = LENGTHS[random.below(most)];
                    let bytes = vec![b'a' + random.below(26) as u8; len];
                    let message = if random.below(2) == 0 { Message::Text(&bytes) } else { Message::Binary(&bytes) };
                    let mut frame = vec![0; len + 20];
                    let mut out = Out::stored(&mut frame);
                    link.send(message, &mut out).unwrap();
                    item.extend_from_slice(out.written());
                    expected.push(shown(message));
                }
                queue.reserve();
                assert_eq!(queue.push(item, Flags::NONE, true), Pushed::Queued);
            }
            if round + 1 == rounds {
                link.close(at(now));
                while link.handle_timeout(at(now)).is_some() {}
            }
            // As many GETs as it takes.
            loop {
                if !is_waiting && link.begin_get(at(now)).is_err() {
                    panic!("no other GET waits");
                }
                is_waiting = true;
                asked += 1;
                let got = if random.below(2) == 0 {
                    link.poll_answer(&mut queue, &mut memory)
                } else {
                    let room = link.body_room(random.below(400));
                    memory.resize(memory.len().max(room), 0);
                    let mut room = room;
                    let got = loop {
                        match link.poll_get(queue.slices(), &mut memory[..room]) {
                            Ok(got) => break got,
                            Err(grow) => {
                                assert!(grow.what == What::Output && grow.to > room, "{grow:?} for {room}");
                                grown += 1;
                                room = grow.to;
                                memory.resize(memory.len().max(room), 0);
                            }
                        }
                    };
                    if let Got::Payload { taken, .. } = got {
                        queue.consume(taken);
                    }
                    got
                };
                let len = match got {
                    Got::Payload { len, .. } => len,
                    Got::Waits | Got::Over => break assert!(queue.is_empty()),
                };
                is_waiting = false;
                let mut body = memory[..len].to_vec();
                let packets: Vec<_> = Packets::new(&mut body)
                    .map(|packet| match packet.unwrap() {
                        Packet::Text(bytes) => shown(Message::Text(bytes)),
                        Packet::Binary(bytes) => shown(Message::Binary(bytes)),
                        Packet::Open(_) => "open".into(),
                        Packet::Ping(b"") => "ping".into(),
                        Packet::Close => "close".into(),
                        other => panic!("{other:?}"),
                    })
                    .collect();
                assert!((1..=16).contains(&packets.len()));
                assert!(len <= (max as usize).max(160) || packets.len() == 1, "{len} of {max}: {}", packets.len());
                full += usize::from(packets.len() == 16);
                assert!(!packets.contains(&"close".to_string()) || packets.len() == 1);
                told.extend(packets);
            }
            // A heartbeat, between packets.
            if !link.is_over() && random.below(3) == 0 {
                now += 25_000;
                while link.handle_timeout(at(now)).is_some() {}
                link.begin_post(None).map_err(|a| a.status()).unwrap();
                let mut pong = *b"3";
                let mut packets = Packets::new(&mut pong);
                // It answers the ping that is written only now: the order of both is the client's affair.
                let got = link.poll_answer(&mut queue, &mut memory);
                assert_eq!(got.answer(&memory).map(|a| a == Answer::Payload { body: b"2", cookie: None }), Some(true));
                is_waiting = false;
                while link.poll_post(&mut packets, at(now)).is_some() {}
            }
        }
        assert_eq!(told.remove(0), "open");
        assert_eq!(told.pop().as_deref(), Some("close"));
        assert_eq!(told, expected);
        assert!(link.is_gone());
    }
    assert!(asked > 1000 && grown > 100 && full > 50, "{asked} {grown} {full}");
}

/// The body of a client's POST in memory of every length, against a list: a packet is there whole or not at all, and the need is exact.
#[test]
fn a_post_takes_packets_as_long_as_there_is_room() {
    let engine = engineio::client::Session::open(Transport::Polling, &engineio::client::Config::new(), at(0));
    let mut random = Random(9);
    let mut full = 0;
    for size in 0..400 {
        let mut memory = vec![0; size];
        let mut payload = Payload::new(&mut memory);
        let (mut expected, mut packets) = (Vec::new(), 0);
        for _ in 0..30 {
            let most = if random.below(3) == 0 { 150 } else { 12 };
            let bytes = vec![b'a' + random.below(26) as u8; random.below(most)];
            let (message, packet) = if random.below(2) == 0 {
                (Message::Text(&bytes[..]), [b"4", &bytes[..]].concat())
            } else {
                let mut base64 = vec![0; bytes.len().div_ceil(3) * 4];
                STANDARD.encode_slice(&bytes, &mut base64).unwrap();
                (Message::Binary(&bytes[..]), [b"b", &base64[..]].concat())
            };
            let separator: &[u8] = if packets == 0 { b"" } else { b"\x1e" };
            let needed = separator.len() + packet.len();
            let available = if packets == 16 { 0 } else { size - expected.len() };
            let told = engine.send(message, &mut payload);
            if needed <= available {
                assert_eq!(told, Ok(()));
                expected.extend([separator, &packet].concat());
                packets += 1;
            } else {
                full += usize::from(packets == 16);
                assert_eq!(told, Err(engineio::SendError::Capacity(sansocket::Capacity { needed, available })));
            }
            assert_eq!(payload.written(), expected);
        }
    }
    assert!(full > 100, "{full}");
}
