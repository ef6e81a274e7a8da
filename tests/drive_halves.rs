//! The halves of a driven WebSocket: what each does while the other waits, ends, or is dropped.

#[path = "drive_halves/setup.rs"]
mod setup;
#[path = "drive_halves/world.rs"]
mod world;

use sansocket::{
    drive::{Deadlines, Error},
    ws::{CloseCode, Incoming, Kind, StateError, Timeouts},
};
use setup::{LARGE, Memory, World, frame, frames, ping, text, told};
use std::{cell::RefCell, rc::Rc};
use world::{Pipe, Reader, Writer, break_it, end, get, put};

const NARROW: Memory = Memory { rx: 512, tx: 512, room: 10, piece: 10 };

fn quiet() -> Deadlines {
    Deadlines::new().others(Timeouts::new().ping_interval(0).idle(0))
}

#[test]
fn a_message_is_answered_while_it_is_held() {
    let (world, mut rx, mut tx) = World::new(&LARGE);
    let log = world.log.clone();
    world.tasks.spawn(async move {
        while let Ok(Some(Incoming::Message(m))) = rx.next().await {
            tx.send(m.kind(), m.as_bytes()).await.unwrap();
            log.say("answered");
        }
    });
    put(&world.input, &[text("one"), text("two")].concat());
    world.run();
    assert_eq!(world.log.take(), ["answered", "answered"]);
    assert_eq!(get(&world.output, 99), b"\x81\x03one\x81\x03two");
}

#[test]
fn pongs_flow_though_nobody_sends() {
    let (world, rx, _tx) = World::new(&LARGE);
    world.receive(rx);
    put(&world.input, &ping(b"hi"));
    world.run();
    assert_eq!(get(&world.output, 99), b"\x8a\x02hi");
}

/// A message behind a ping is returned at once, and the pong was offered to the transport before.
#[test]
fn a_pong_goes_before_the_message_behind_it_is_returned() {
    let (world, mut rx, _tx) = World::new(&LARGE);
    let output = world.output.clone();
    world.tasks.spawn(async move {
        assert!(rx.next().await.unwrap().is_some());
        assert_eq!(get(&output, 99), b"\x8a\x02hi");
        std::future::pending::<()>().await;
    });
    put(&world.input, &[ping(b"hi"), text("x")].concat());
    world.run();
}

#[test]
fn a_peer_that_does_not_read_stops_only_who_sends() {
    let (world, rx, tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    let stuck = world.send(&tx, "a", vec![7; 100]);
    world.run();
    for i in 0..5 {
        put(&world.input, &[ping(&[i]), text("x")].concat());
        world.run();
        assert_eq!(world.log.take(), ["message \"x\""]);
    }
    assert!(!world.tasks.is_over(stuck));
    // The pong of the latest ping comes after the message, by its sender.
    let mut wire = Vec::new();
    while !world.tasks.is_over(stuck) {
        wire.extend(get(&world.output, 10));
        world.run();
    }
    wire.extend(get(&world.output, 99));
    assert_eq!(frames(&wire).0, [(0x82, vec![7; 100]), (0x8a, vec![4])]);
}

/// The same, but no sender is there: the receiver itself has the output.
#[test]
fn a_receiver_that_cannot_write_receives() {
    let (world, rx, _tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    put(&world.input, &ping(&[1; 50]));
    world.run();
    for _ in 0..5 {
        put(&world.input, &text("x"));
        world.run();
        assert_eq!(world.log.take(), ["message \"x\""]);
    }
    let mut wire = Vec::new();
    for _ in 0..10 {
        wire.extend(get(&world.output, 10));
        world.run();
    }
    assert_eq!(frames(&wire).0, [(0x8a, vec![1; 50])]);
}

#[test]
fn what_a_dropped_send_leaves_is_written_by_the_receiver() {
    let (world, rx, tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    let a = world.send(&tx, "a", vec![7; 50]);
    world.run();
    assert!(world.tasks.cancel(a));
    let mut wire = Vec::new();
    for _ in 0..10 {
        world.run();
        wire.extend(get(&world.output, 10));
    }
    assert_eq!(frames(&wire), (vec![(0x82, vec![7; 50])], &[][..]));
}

/// Or by the next sender, whichever is there.
#[test]
fn what_a_dropped_send_leaves_is_written_by_the_next_sender() {
    let (world, rx, tx) = World::with(&NARROW, quiet());
    std::mem::forget(rx);
    let a = world.send(&tx, "a", vec![7; 50]);
    let b = world.send(&tx, "b", vec![8; 5]);
    world.run();
    assert!(world.tasks.cancel(a));
    let mut wire = Vec::new();
    for _ in 0..10 {
        world.run();
        wire.extend(get(&world.output, 10));
    }
    assert!(world.tasks.is_over(b));
    assert_eq!(frames(&wire), (vec![(0x82, vec![7; 50]), (0x82, vec![8; 5])], &[][..]));
}

#[test]
fn a_peer_that_never_reads_ends_both_halves_and_all_senders() {
    let (world, rx, tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    world.send(&tx, "a", vec![7; 50]);
    world.run_until(15_000);
    world.send(&tx, "b", vec![7; 50]);
    world.run_until(19_999);
    assert!(world.log.take().is_empty());
    world.run_until(20_000);
    let mut log = world.log.take();
    log.sort();
    assert_eq!(log, ["a: Stalled", "b: Stalled", "receiver: Stalled"]);
}

/// The deadline is counted from the last byte that the peer took.
#[test]
fn a_slow_peer_is_not_stuck() {
    let (world, rx, tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    world.send(&tx, "a", vec![7; 50]);
    for i in 1..6 {
        world.run_until(i * 19_000);
        assert!(world.log.take().is_empty());
        get(&world.output, 10);
    }
    world.run_until(6 * 19_000);
    assert_eq!(world.log.take(), ["a sent"]);
    // The deadline of an old write is not that of a new one.
    get(&world.output, 10);
    world.run_until(500_000);
    world.send(&tx, "b", vec![7; 50]);
    world.run_until(519_999);
    assert!(world.log.take().is_empty());
}

/// A future that is neither polled nor dropped has the output.
#[test]
fn a_sender_that_is_not_polled_stops_others_for_a_limited_time() {
    let (world, rx, tx) = World::with(&NARROW, quiet());
    std::mem::forget(rx);
    let mut holder = tx.clone();
    world.tasks.spawn(async move {
        let mut send = Box::pin(async move { holder.send(Kind::Binary, &[7; 50]).await });
        tokio::select! { biased; _ = &mut send => {}, () = std::future::ready(()) => {} }
        std::future::pending::<()>().await;
    });
    world.run();
    world.send(&tx, "b", vec![]);
    world.run_until(20_999);
    assert!(world.log.take().is_empty());
    world.run_until(21_000);
    assert_eq!(world.log.take(), ["b: Stalled"]);
}

#[test]
fn senders_fail_at_once_when_the_receiver_is_dropped_but_may_close() {
    let (world, rx, mut tx) = World::with(&NARROW, quiet());
    let receiver = world.tasks.spawn(async move {
        let mut rx = rx;
        let _ = rx.next().await;
    });
    world.send(&tx, "a", vec![7; 50]);
    world.send(&tx, "b", vec![8; 50]);
    world.run();
    assert!(world.tasks.cancel(receiver));
    world.run();
    assert_eq!(world.log.take(), ["a: Ended", "b: Ended"]);
    world.send(&tx, "c", vec![]);
    world.run();
    assert_eq!(world.log.take(), ["c: Ended"]);
    let closing = world.tasks.spawn(async move { tx.close(CloseCode::GOING_AWAY, "").await.unwrap() });
    let mut wire = Vec::new();
    while !world.tasks.is_over(closing) {
        world.run();
        wire.extend(get(&world.output, 10));
    }
    assert_eq!(frames(&wire).0, [(0x82, vec![7; 50]), (0x88, vec![3, 0xe9])]);
}

#[test]
fn the_receiver_goes_on_without_senders() {
    let (world, rx, tx) = World::new(&LARGE);
    drop(tx);
    world.receive(rx);
    put(&world.input, &[ping(b""), text("x")].concat());
    world.run();
    assert_eq!(world.log.take(), ["message \"x\""]);
    assert_eq!(get(&world.output, 99), b"\x8a\0");
}

#[test]
fn the_receiver_keeps_the_connection_alive() {
    let (world, rx, tx) = World::new(&LARGE);
    world.receive(rx);
    world.run_until(30_000);
    assert_eq!(get(&world.output, 99), b"\x89\x04\0\0\0\x01");
    put(&world.input, &frame(0x8a, b"\0\0\0\x01"));
    world.run_until(60_000);
    assert_eq!(get(&world.output, 99), b"\x89\x04\0\0\0\x02");
    put(&world.input, &text("x"));
    world.run_until(79_999);
    assert_eq!(world.log.take(), ["message \"x\""], "bytes are no pong");
    world.run_until(80_000);
    assert_eq!(world.log.take(), ["receiver: Timeout(Pong)"]);
    assert_eq!(get(&world.output, 99), b"\x88\x02\x03\xf0");
    world.send(&tx, "a", vec![]);
    world.run();
    assert_eq!(world.log.take(), ["a: Timeout(Pong)"]);
}

/// The close frame of a connection that is given up comes after what is left of a message, or not at all after a second.
#[test]
fn the_farewell_waits_for_a_second() {
    for reads in [true, false] {
        let (world, rx, tx) = World::with(&NARROW, quiet());
        world.receive(rx);
        world.send(&tx, "a", vec![7; 20]);
        world.run();
        put(&world.input, &[0xff; 9]);
        world.run();
        assert_eq!(world.log.take(), ["a: Peer(ReservedBits)"], "the sender stops at once");
        let mut wire = Vec::new();
        for _ in 0..4 {
            if reads {
                wire.extend(get(&world.output, 10));
            }
            world.run();
        }
        if reads {
            assert_eq!(frames(&wire).0, [(0x82, vec![7; 20]), (0x88, vec![3, 0xea])]);
        } else {
            world.run_until(999);
            assert!(world.log.take().is_empty());
            world.run_until(1000);
        }
        assert_eq!(world.log.take(), ["receiver: Peer(ReservedBits)"]);
    }
}

/// A peer that never stops to send neither keeps pongs and pings from being written nor a close from ending.
#[test]
fn a_flood_stops_nothing() {
    let memory = Memory { rx: 64, piece: 16, ..LARGE };
    let (world, mut rx, mut tx) = World::new(&memory);
    let (clock, input) = (world.clock.clone(), world.input.clone());
    let log = world.log.clone();
    world.tasks.spawn(async move {
        // Each message takes a second.
        for _ in 0..33 {
            put(&input, &text("0123456789012345678901234567890123456789"));
            rx.next().await.unwrap();
            clock.0.now.set(clock.0.now.get() + 1000);
        }
        tx.close(CloseCode::NORMAL, "").await.unwrap();
        for _ in 0..20 {
            put(&input, &text("0123456789012345678901234567890123456789"));
            if let Err(e) = rx.next().await {
                return log.say(format!("{e:?}"));
            }
            clock.0.now.set(clock.0.now.get() + 1000);
        }
    });
    world.run();
    assert_eq!(world.log.take(), ["Timeout(Close)"]);
    assert_eq!(frames(&get(&world.output, 999)).0, [(0x89, vec![0, 0, 0, 1]), (0x88, vec![3, 0xe8])]);
}

/// The application was slow, not the peer.
#[test]
fn what_has_arrived_counts_before_a_deadline() {
    let (world, mut rx, _tx) = World::new(&LARGE);
    let (clock, input) = (world.clock.clone(), world.input.clone());
    world.tasks.spawn(async move {
        put(&input, &text("x"));
        rx.next().await.unwrap();
        clock.0.now.set(200_000);
        put(&input, &text("y"));
        rx.next().await.unwrap();
        clock.0.now.set(400_000);
        put(&input, &frame(0x8a, b"\0\0\0\x01"));
        put(&input, &text("z"));
        rx.next().await.unwrap();
    });
    world.run();
    assert!(world.tasks.is_over(0));
}

/// The receiver has returned a message and is busy with it: a ping in front of it is answered by the sender that wrote meanwhile.
#[test]
fn a_sender_answers_a_ping_when_the_receiver_is_busy() {
    let (world, mut rx, tx) = World::with(&NARROW, quiet());
    world.tasks.spawn(async move {
        assert!(rx.next().await.unwrap().is_some());
        std::future::pending::<()>().await;
        drop(rx);
    });
    let a = world.send(&tx, "a", vec![7; 20]);
    world.tasks.poll(a);
    put(&world.input, &[ping(b"hi"), text("x")].concat());
    let mut wire = Vec::new();
    for _ in 0..5 {
        world.run();
        wire.extend(get(&world.output, 10));
    }
    assert_eq!(frames(&wire).0, [(0x82, vec![7; 20]), (0x8a, b"hi".to_vec())]);
}

/// Reading never waits, and writes go on nevertheless.
#[test]
fn a_receiver_that_never_waits_writes() {
    let (world, rx, _tx) = World::with(&Memory { rx: 64, tx: 200, piece: 16, ..LARGE }, quiet());
    put(&world.input, &ping(&[1; 60]).repeat(1000));
    world.receive(rx);
    world.run();
    let pongs = frames(&get(&world.output, 1 << 20)).0.len();
    assert!(pongs > 200, "{pongs}");
}

/// The deadline of a write begins with it, whatever was called before.
#[test]
fn what_needs_no_write_starts_no_deadline() {
    let (world, rx, mut tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    let mut other = tx.clone();
    let swap = world.tasks.spawn(async move { assert!(matches!(other.replace_outbox(vec![0; 99]).await, Ok(Ok(_)))) });
    world.run_until(30_000);
    assert!(world.tasks.is_over(swap));
    put(&world.output, &[0; 10]); // the transport is full
    world.tasks.spawn(async move { tx.send(Kind::Binary, &[7; 50]).await.unwrap() });
    world.run_until(49_999);
    assert_eq!(world.log.take(), Vec::<String>::new());
}

/// A peer that sends pings without end does not hold a sender.
#[test]
fn pings_without_end_do_not_hold_a_sender() {
    let (world, rx, tx) = World::with(&Memory { room: 4, piece: 4, ..LARGE }, quiet());
    world.receive(rx);
    let a = world.send(&tx, "a", vec![7; 20]);
    world.run();
    for i in 0..12 {
        put(&world.input, &ping(&[i; 60]));
        world.run();
        get(&world.output, 4);
        world.run();
    }
    for _ in 0..20 {
        if world.tasks.is_over(a) {
            return;
        }
        put(&world.input, &ping(&[9; 60]));
        world.run();
        get(&world.output, 4);
        world.run();
    }
    panic!("it is still there");
}

#[test]
fn a_closing_handshake_of_the_peer() {
    let (world, rx, tx) = World::new(&LARGE);
    world.receive(rx);
    put(&world.input, &frame(0x88, b"\x03\xe8"));
    world.run();
    assert_eq!(world.log.take(), ["close 1000", "closed true"]);
    assert_eq!(get(&world.output, 99), b"\x88\x02\x03\xe8");
    world.send(&tx, "a", vec![]);
    world.run();
    assert_eq!(world.log.take(), [format!("a: {:?}", Error::<()>::State(StateError::Closing))]);
}

/// A peer that closes and does not read: that ends with the deadline of the closing handshake.
#[test]
fn a_close_that_the_peer_does_not_let_us_answer_ends() {
    let (world, rx, tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    world.send(&tx, "a", vec![7; 50]);
    world.run();
    put(&world.input, &frame(0x88, b"\x03\xe8"));
    world.run();
    assert_eq!(world.log.take(), ["close 1000"]);
    world.run_until(9_999);
    assert_eq!(world.log.take(), Vec::<String>::new());
    world.run_until(10_000);
    let mut log = world.log.take();
    log.sort();
    assert_eq!(log, ["a: Timeout(Close)", "closed false"]);
}

#[test]
fn a_closing_handshake_of_a_sender() {
    let (world, rx, mut tx) = World::new(&LARGE);
    world.receive(rx);
    world.run();
    let log = world.log.clone();
    let mut late = tx.clone();
    world.tasks.spawn(async move {
        tx.close(CloseCode::NORMAL, "bye").await.unwrap();
        log.say(format!("{:?}", tx.close(CloseCode::NORMAL, "").await));
        log.say(format!("{:?}", late.send_text("x").await));
    });
    world.run();
    assert_eq!(world.log.take(), ["Err(State(Closing))", "Err(State(Closing))"]);
    assert_eq!(get(&world.output, 99), b"\x88\x05\x03\xe8bye");
    put(&world.input, &[text("late"), frame(0x88, b"\x03\xe8")].concat());
    world.run();
    assert_eq!(world.log.take(), ["message \"late\"", "close 1000", "closed true"]);
}

/// The receiver sleeps already when a sender closes, and wakes for the deadline of the peer's close frame.
#[test]
fn a_close_that_is_not_answered_ends_in_time() {
    let (world, rx, mut tx) =
        World::with(&LARGE, Deadlines::new().others(Timeouts::new().ping_interval(0).idle(0).close(5000)));
    world.receive(rx);
    world.run_until(100);
    world.tasks.spawn(async move { tx.close(CloseCode::NORMAL, "").await.unwrap() });
    world.run_until(5099);
    assert_eq!(world.log.take(), Vec::<String>::new());
    world.run_until(5100);
    assert_eq!(world.log.take(), ["receiver: Timeout(Close)"]);
}

/// As above, and another sender writes to a peer that takes a byte now and then.
#[test]
fn a_close_behind_a_slow_write_ends_in_time() {
    let (world, rx, mut tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    world.send(&tx, "a", vec![7; 200]);
    world.run();
    world.tasks.spawn(async move { assert!(tx.close(CloseCode::NORMAL, "").await.is_err()) });
    for now in [1000, 4000, 8000, 9999] {
        world.run_until(now);
        assert_eq!(world.log.take(), Vec::<String>::new());
        get(&world.output, 1);
    }
    world.run_until(10_000);
    let mut log = world.log.take();
    log.sort();
    assert_eq!(log, ["a: Timeout(Close)", "receiver: Timeout(Close)"]);
}

/// Also if the sender that has the output is not polled.
#[test]
fn a_close_of_the_peer_behind_a_write_that_nobody_polls_ends() {
    let (world, rx, mut tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    world.tasks.spawn(async move {
        let mut send = Box::pin(async move { tx.send(Kind::Binary, &[7; 50]).await });
        tokio::select! { biased; _ = &mut send => {}, () = std::future::ready(()) => {} }
        std::future::pending::<()>().await;
    });
    world.run();
    put(&world.input, &frame(0x88, b""));
    world.run_until(9_999);
    assert_eq!(world.log.take(), ["close 1005"]);
    world.run_until(10_000);
    assert_eq!(world.log.take(), ["closed false"]);
}

/// As above, after both close frames.
#[test]
fn a_close_that_nobody_polls_ends() {
    let (world, rx, mut tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    put(&world.output, &[0; 10]); // the transport is full
    world.tasks.spawn(async move {
        let mut close = Box::pin(async move { tx.close(CloseCode::NORMAL, "").await });
        tokio::select! { biased; _ = &mut close => {}, () = std::future::ready(()) => {} }
        std::future::pending::<()>().await;
    });
    world.run();
    put(&world.input, &frame(0x88, b""));
    world.run_until(19_999);
    assert_eq!(world.log.take(), ["close 1005"]);
    world.run_until(20_000);
    assert_eq!(world.log.take(), ["closed false"]);
}

/// What the receiver finds out ends the senders at once, also without a deadline for writing.
#[test]
fn a_peer_that_is_silent_ends_a_sender() {
    let (world, rx, tx) = World::with(&NARROW, quiet().write(0).others(Timeouts::new().ping_interval(0).idle(5000)));
    world.receive(rx);
    world.send(&tx, "a", vec![7; 50]);
    world.send(&tx, "b", vec![7; 50]);
    world.run_until(5000);
    let mut log = world.log.take();
    log.sort();
    assert_eq!(log, ["a: Timeout(Idle)", "b: Timeout(Idle)"]);
    world.run_until(6000);
    assert_eq!(world.log.take(), ["receiver: Timeout(Idle)"], "after the time for the farewell");
}

/// As above, and the close waits behind another sender, and is dropped.
#[test]
fn a_dropped_close_is_sent() {
    for cancels in [false, true] {
        let (world, rx, mut tx) = World::with(&NARROW, quiet());
        world.receive(rx);
        let a = world.send(&tx, "a", vec![7; 20]);
        world.run();
        let close = world.tasks.spawn(async move { tx.close(CloseCode::NORMAL, "").await.unwrap() });
        world.run();
        if cancels {
            world.tasks.cancel(a);
        }
        world.tasks.cancel(close);
        let mut wire = Vec::new();
        for _ in 0..5 {
            wire.extend(get(&world.output, 10));
            world.run();
        }
        assert_eq!(frames(&wire).0, [(0x82, vec![7; 20]), (0x88, vec![3, 0xe8])]);
        world.run_until(10_000);
        assert_eq!(world.log.take().last().unwrap(), "receiver: Timeout(Close)");
    }
}

#[test]
fn the_end_of_the_transport_ends_both() {
    let (world, rx, tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    world.send(&tx, "a", vec![7; 50]);
    world.send(&tx, "b", vec![7; 50]);
    world.run();
    end(&world.input);
    world.run();
    let mut log = world.log.take();
    log.sort();
    assert_eq!(log, ["a: Eof", "b: Eof", "receiver: Eof"]);

    let (world, rx, tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    world.run();
    world.send(&tx, "a", vec![7; 50]);
    world.send(&tx, "b", vec![7; 50]);
    world.run();
    break_it(&world.output);
    world.run();
    let mut log = world.log.take();
    log.sort();
    assert_eq!(log, ["a: Transport(Broken)", "b: Ended", "receiver: Ended"]);
}

/// The peer has closed and is gone: that is no error.
#[test]
fn a_peer_that_closes_and_leaves_is_no_error() {
    let (world, rx, _tx) = World::with(&LARGE, quiet());
    world.receive(rx);
    put(&world.input, &frame(0x88, b"\x03\xe8"));
    break_it(&world.output);
    end(&world.input);
    world.run();
    assert_eq!(world.log.take(), ["close 1000", "closed false"]);
}

/// Eight senders, and four slots for wakers.
#[test]
fn many_senders_wait_without_spinning() {
    let (world, rx, tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let ids: Vec<_> = names.iter().zip(0..).map(|(name, i)| world.send(&tx, name, vec![i; 18])).collect();
    let mut wire = Vec::new();
    for now in 1..=40 {
        wire.extend(get(&world.output, 10));
        world.run_until(now * 100);
    }
    wire.extend(get(&world.output, 99));
    let mut all = frames(&wire).0;
    all.sort();
    assert_eq!(all, (0..8).map(|i| (0x82, vec![i; 18])).collect::<Vec<_>>());
    assert_eq!(world.log.take().len(), 8);
    for id in ids {
        assert!(world.tasks.polls(id) < 1000, "{}", world.tasks.polls(id));
    }
}

/// One that sends without end lets another one go between two messages.
#[test]
fn senders_take_turns() {
    let (world, rx, tx) = World::with(&NARROW, quiet());
    world.receive(rx);
    for name in [1_u8, 2] {
        let mut tx = tx.clone();
        world.tasks.spawn(async move { while tx.send(Kind::Binary, &[name; 18]).await.is_ok() {} });
    }
    world.run();
    let mut wire = Vec::new();
    for _ in 0..80 {
        wire.extend(get(&world.output, 10));
        world.run();
    }
    let order: Vec<_> = frames(&wire).0.iter().map(|f| f.1[0]).collect();
    let ones = order.iter().filter(|n| **n == 1).count();
    assert!(order.len() > 30 && ones.abs_diff(order.len() / 2) <= 2, "{order:?}");
}

#[test]
fn parts_from_one_sender_and_messages_from_another() {
    let (world, rx, mut tx) = World::new(&LARGE);
    world.receive(rx);
    let mut other = tx.clone();
    world.tasks.spawn(async move {
        tx.feed_part(Kind::Text, b"one, ", false).await.unwrap();
        assert!(matches!(other.send_text("x").await, Err(Error::State(_))));
        other.ping(b"p").await.unwrap();
        tx.feed_part(Kind::Text, b"two", true).await.unwrap();
        other.send_text("three").await.unwrap();
    });
    world.run();
    let wire = get(&world.output, 99);
    let expected = [(1, &b"one, "[..]), (0x89, b"p"), (0x80, b"two"), (0x81, b"three")];
    assert_eq!(frames(&wire).0, expected.map(|(first, payload)| (first, payload.to_vec())));
    put(&world.input, &frame(0x8a, b"p"));
    world.run();
    assert_eq!(world.log.take(), ["pong [112]"]);
}

#[test]
fn what_is_fed_leaves_with_the_next_write() {
    let (world, rx, mut tx) = World::new(&LARGE);
    world.receive(rx);
    world.run();
    let output = world.output.clone();
    world.tasks.spawn(async move {
        tx.feed(Kind::Text, b"a").await.unwrap();
        tx.feed(Kind::Text, b"b").await.unwrap();
        assert!(output.borrow().bytes.is_empty());
        tx.flush().await.unwrap();
        assert_eq!(get(&output, 99), b"\x81\x01a\x81\x01b");
        tx.feed(Kind::Text, b"c").await.unwrap();
    });
    world.run();
    put(&world.input, &text("x"));
    world.run();
    assert_eq!(get(&world.output, 99), b"\x81\x01c");
}

#[test]
fn memory_that_is_too_small_is_told_and_replaced() {
    let (world, mut rx, mut tx) = World::with(&Memory { rx: 16, tx: 16, ..LARGE }, quiet());
    put(&world.input, &[text("0123456789012345"), text("01234567890123456"), text("ok"), ping(&[1; 20])].concat());
    world.tasks.spawn(async move {
        assert!(matches!(tx.send(Kind::Binary, &[7; 20]).await, Err(Error::Outbox(e)) if e.needed == 22));
        assert!(matches!(tx.replace_outbox(vec![0; 64]).await, Ok(Ok(old)) if old.len() == 16));
        tx.send(Kind::Binary, &[7; 20]).await.unwrap();
        assert!(matches!(tx.replace_outbox(vec![0; 16]).await, Ok(Ok(old)) if old.len() == 64));
        assert_eq!(rx.next().await.unwrap().map(|i| told(&i)).unwrap(), "message \"0123456789012345\"");
        assert!(matches!(rx.next().await, Err(Error::Inbox(e)) if e.needed == 17));
        rx.skip_message().unwrap();
        assert_eq!(rx.next().await.unwrap().map(|i| told(&i)).unwrap(), "message \"ok\"");
        for _ in 0..2 {
            assert!(matches!(rx.next().await, Err(Error::Outbox(e)) if e.needed == 22));
            assert!(matches!(tx.flush().await, Err(Error::Outbox(e)) if e.needed == 22));
        }
        assert!(matches!(tx.replace_outbox(vec![0; 64]).await, Ok(Ok(_))));
        tx.flush().await.unwrap();
        assert!(rx.inbox().replace(vec![0; 64]).is_ok());
    });
    world.run();
    assert!(world.tasks.is_over(0));
    assert_eq!(frames(&get(&world.output, 99)).0, [(0x82, vec![7; 20]), (0x8a, vec![1; 20])]);
}

#[test]
#[expect(clippy::await_holding_refcell_ref, reason = "that is what is tested")]
fn a_lock_that_is_taken_is_an_error() {
    let (world, half, shared) = World::split(&LARGE, quiet());
    let lock = Rc::new(RefCell::new(shared));
    let (mut rx, mut tx) = half.join(lock.clone());
    world.tasks.spawn(async move {
        let taken = lock.borrow_mut();
        assert!(matches!(rx.next().await, Err(Error::Lock)));
        assert!(matches!(tx.send_text("x").await, Err(Error::Lock)));
        assert!(matches!(tx.close(CloseCode::NORMAL, "").await, Err(Error::Lock)));
        assert!(matches!(rx.closed(), Err(Error::Lock)));
        drop(taken);
        tx.send_text("x").await.unwrap();
    });
    world.run();
    assert!(world.tasks.is_over(0));
}

#[test]
fn the_halves_become_one_again() {
    let (world, half, shared) = World::split(&LARGE, quiet());
    let lock = Rc::new(RefCell::new(shared));
    let (mut rx, mut tx) = half.join(lock.clone());
    put(&world.input, &[text("a"), text("b")].concat());
    let (input, output) = (Pipe::new(99, 99), Pipe::new(99, 99));
    let (new_input, new_output) = (input.clone(), output.clone());
    world.tasks.spawn(async move {
        assert!(rx.next().await.unwrap().is_some());
        tx.feed(Kind::Text, b"fed").await.unwrap();
        drop(tx);
        let shared = {
            let half = rx.into_half();
            (half, Rc::into_inner(lock).unwrap().into_inner())
        };
        let (half, shared) = shared;
        let mut ws = half.unite(shared, world::Both).unwrap();
        assert!(matches!(ws.next().await, Ok(Some((Incoming::Message(m), _))) if m.as_bytes() == b"b"));
        ws.reply().flush().await.unwrap();
        ws.renew(world::Both(Reader(new_input), Writer(new_output)));
        // And in halves again.
        ws.opened();
        let (half, shared) = ws.split(|world::Both(r, w)| (r, w));
        let shared = RefCell::new(shared);
        let (mut rx, mut tx) = half.join(&shared);
        tx.send_text("new").await.unwrap();
        assert!(matches!(rx.next().await, Ok(Some(Incoming::Message(m))) if m.as_bytes() == b"c"));
    });
    put(&input, &text("c"));
    world.run();
    assert!(world.tasks.is_over(0));
    assert_eq!(get(&world.output, 99), b"\x81\x03fed");
    assert_eq!(get(&output, 99), b"\x81\x03new");
}

/// It is one thing to await, and holds no buffer.
#[test]
fn futures_are_small() {
    let (_world, mut rx, mut tx) = World::new(&LARGE);
    let next = size_of_val(&rx.next());
    let send = size_of_val(&tx.send(Kind::Text, b""));
    let feed = size_of_val(&tx.feed(Kind::Text, b""));
    let close = size_of_val(&tx.close(CloseCode::NORMAL, ""));
    let sizes = [next, send, feed, close];
    println!("next, send, feed, close: {sizes:?}");
    let mut ws = sansocket::drive::WebSocket::server(
        world::Both(Reader(Pipe::new(1, 1)), Writer(Pipe::new(1, 1))),
        world::Clock::default(),
        vec![0; 1],
        vec![0; 1],
    );
    let n = size_of_val(&ws.next());
    println!("ws next, send {n} {}", size_of_val(&ws.send_text("")));
    assert!(sizes.iter().all(|n| *n < 1000), "{sizes:?}");
}
