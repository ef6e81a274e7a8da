//! Attacks on the promises of the WebSocket driver.

#[path = "support/cancel/mod.rs"]
mod cancel;
mod support;

use cancel::{ClientSide, Clock, Driven, End, Failure, Line, Pipe, Say, Script, World};
use sansocket::{
    drive::{AsServer, Deadlines, Error},
    ws::{CloseCode, Connection, Inbox, Incoming, Kind, Limits, ReceiveError, Timeout, Timeouts},
};
use support::{Random, Told};

const AT_ONCE: Script = Script::Always(0, 4096);

fn open<D: End>(pipe: usize) -> (World<D>, Driven<D>) {
    let (mut world, mut driver) = World::<D>::new(AT_ONCE, pipe, 512, 512);
    world.finish(D::shake(&mut driver)).unwrap();
    world.catch_up();
    (world, driver)
}

/// Other deadlines for a connection that is open: nobody waits for its handshake again.
#[test]
fn deadlines_of_an_open_connection_can_be_changed() {
    let (mut world, driver) = open::<ClientSide>(4096);
    world.clock.advance(1000);
    world.pace = u64::MAX;
    let others = Timeouts::new().ping_interval(5000).pong(2000);
    let mut driver = driver.with_deadlines(Deadlines::new().others(others));
    assert_eq!(world.finish(driver.next()).map(drop), Err(Error::Timeout(Timeout::Pong)));
    assert_eq!(world.clock.now_ms(), 8000);
}

fn told(incoming: &Incoming<'_>) -> Told {
    match incoming {
        Incoming::Message(m) => Told::Message(m.kind(), m.as_bytes().to_vec(), true),
        Incoming::Close(code) => Told::Close(*code, String::new()),
        other => panic!("{other:?}"),
    }
}

/// Each call after an error that has ended the connection.
fn all_fail(driver: &mut Driven<AsServer>, expected: Failure) {
    let run = |future: std::pin::Pin<Box<dyn Future<Output = Result<(), Failure>> + '_>>| cancel_now(future);
    assert_eq!(run(Box::pin(async { driver.next().await.map(drop) })), Err(expected));
    assert_eq!(run(Box::pin(async { driver.next_part().await.map(drop) })), Err(expected));
    assert_eq!(run(Box::pin(async { driver.next_growing(64).await.map(drop) })), Err(expected));
    assert_eq!(run(Box::pin(driver.send(Kind::Text, b"a"))), Err(expected));
    assert_eq!(run(Box::pin(driver.reply().feed(Kind::Text, b"a"))), Err(expected));
    assert_eq!(run(Box::pin(driver.reply().feed_growing(Kind::Text, b"a"))), Err(expected));
    assert_eq!(run(Box::pin(driver.reply().feed_part(Kind::Text, b"a", true))), Err(expected));
    assert_eq!(run(Box::pin(driver.reply().ping(b"a"))), Err(expected));
    assert_eq!(run(Box::pin(driver.reply().flush())), Err(expected));
    assert_eq!(run(Box::pin(async { driver.close(CloseCode::NORMAL, "").await.map(drop) })), Err(expected));
    assert_eq!(driver.reply().close(CloseCode::NORMAL, ""), Err(expected));
}

/// Ends at the first poll.
fn cancel_now<X>(future: impl Future<Output = X>) -> X {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

/// Frames with faults: the driver tells what the machine tells, and then the same error for ever.
#[test]
fn garbage_is_told_as_the_machine_tells_it() {
    let mut random = Random(3);
    let mut ends = [0; 4];
    for round in 0..4000 {
        let mut wire = Vec::new();
        for i in 0..4_u8 {
            let kinds = [0x81, 0x82, 0x89, 0x01, 0x80, 0x88];
            let first = kinds[random.below(if i == 3 { 6 } else { 5 })];
            let payload: Vec<u8> = if first == 0x88 {
                vec![3, 232]
            } else {
                (0..random.below(100)).map(|n| b'a' + (n % 26) as u8).collect()
            };
            support::frame(first, Some([1, 2, 3, 4]), &payload, &mut wire);
        }
        for _ in 0..random.below(3) {
            let at = random.below(wire.len());
            wire[at] = random.below(256) as u8;
        }
        let mut expected = Vec::new();
        let (mut ws, mut inbox) = (Connection::server(Limits::new()), Inbox::new(vec![0; 512]));
        inbox.space().unwrap()[..wire.len().min(512)].copy_from_slice(&wire[..wire.len().min(512)]);
        inbox.commit(wire.len().min(512));
        let end = loop {
            match inbox.poll_message(&mut ws) {
                Ok(None) => break if ws.is_closing() { None } else { Some(Error::Eof) },
                Ok(Some(Incoming::Ping(_) | Incoming::Pong(_))) => {}
                Ok(Some(incoming)) => expected.push(told(&incoming)),
                Err(ReceiveError::Peer(e)) => break Some(Error::Peer(e)),
                Err(ReceiveError::Capacity(e)) => break Some(Error::Inbox(e)),
                Err(other) => panic!("{other:?}"),
            }
        };
        let (input, output, clock) = (Pipe::new(usize::MAX), Pipe::new(usize::MAX), Clock::default());
        let line = Line::new(&input, &output, &clock, Script::Random(Random(round), 0, 40));
        let mut driver = AsServer::driver(line, clock, 512, 512);
        driver.opened();
        input.borrow_mut().put(&wire[..wire.len().min(512)], usize::MAX);
        input.borrow_mut().is_ended = true;
        let mut got = Vec::new();
        let ended = loop {
            match cancel_now(driver.next()) {
                Ok(Some((incoming, _))) => got.push(told(&incoming)),
                Ok(None) => break None,
                Err(e) => break Some(e),
            }
        };
        assert_eq!((got, ended), (expected, end), "{round}");
        match ended {
            None => ends[0] += 1,
            Some(e @ Error::Eof) => {
                ends[1] += 1;
                all_fail(&mut driver, e);
            }
            Some(e @ Error::Peer(_)) => {
                ends[2] += 1;
                all_fail(&mut driver, e);
                assert!(output.borrow().bytes.iter().any(|b| *b == 0x88), "the peer is told");
            }
            Some(Error::Inbox(_)) => ends[3] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(ends[..3].iter().all(|n| *n > 100), "{ends:?}");
}

/// The transport is replaced at any point of anything: the next connection knows nothing of it.
#[test]
fn a_connection_can_be_renewed_at_any_point() {
    fn at_any<D: End>() {
        for seed in 0..300 {
            let mut random = Random(seed);
            let (mut world, mut driver) = World::<D>::new(Script::Random(random.clone(), 2, 20), 64, 512, 512);
            for _ in 0..2 {
                if world.run(D::shake(&mut driver), random.below(12)).is_some_and(|shaken| shaken.is_ok()) {
                    world.peer.borrow_mut().script.extend([
                        Say::text("lost"),
                        Say::Ping(vec![1]),
                        Say::text("also lost"),
                    ]);
                    for _ in 0..random.below(5) {
                        let drop_at = 1 + random.below(4);
                        match random.below(4) {
                            0 => drop(world.run(driver.send(Kind::Binary, &[1; 200]), drop_at)),
                            1 => drop(world.run(driver.reply().feed_part(Kind::Text, b"part", false), drop_at)),
                            2 => {
                                assert!(
                                    world.run(async { driver.close(CloseCode::NORMAL, "").await.map(drop) }, drop_at)
                                        != Some(Err(Error::Order))
                                )
                            }
                            _ => drop(world.run(async { driver.next().await.map(drop) }, drop_at)),
                        }
                    }
                }
                world.clock.advance(50_000);
                let (next, other) = World::<D>::new(AT_ONCE, 4096, 512, 512);
                let (from, to) = (next.peer.borrow().from.clone(), next.peer.borrow().to.clone());
                drop(other);
                let line = Line::new(&to, &from, &world.clock, Script::Random(random.clone(), 1, 30));
                driver.renew(line);
                let clock = world.clock.clone();
                world = next;
                world.clock = clock;
            }
            world.finish(D::shake(&mut driver)).unwrap();
            world.peer.borrow_mut().script.push_back(Say::text("hello"));
            let next = world.finish(driver.next()).unwrap().map(|(incoming, _)| told(&incoming));
            assert_eq!(next, Some(Told::Message(Kind::Text, b"hello".to_vec(), true)));
            world.finish(driver.send_text("hello")).unwrap();
            assert!(world.finish(driver.close(CloseCode::NORMAL, "")).unwrap().is_clean);
            let heard = world.peer.borrow().heard.clone();
            assert_eq!(
                heard,
                [Told::Message(Kind::Text, b"hello".to_vec(), true), Told::Close(CloseCode::NORMAL, String::new())]
            );
        }
    }
    at_any::<AsServer>();
    at_any::<ClientSide>();
}

/// The send memory has no room for a pong: an error with the exact need, and then all goes on.
#[test]
fn a_pong_without_room_is_told_and_sent_later() {
    let (mut world, mut driver) = open::<AsServer>(4096);
    driver.reply().replace_outbox(vec![0; 60]).unwrap();
    world.peer.borrow_mut().script.extend([Say::Ping(vec![7; 100]), Say::text("hello")]);
    for _ in 0..2 {
        let error = world.finish(driver.next()).map(drop);
        assert!(matches!(error, Err(Error::Outbox(e)) if e.needed == 102 && e.available == 60), "{error:?}");
    }
    driver.reply().replace_outbox(vec![0; 200]).unwrap();
    assert!(matches!(world.finish(driver.next()), Ok(Some((Incoming::Message(m), _))) if m.as_bytes() == b"hello"));
    world.catch_up();
    assert_eq!(world.peer.borrow().pongs().collect::<Vec<_>>(), [[7; 100]]);
}

/// A call that is refused sends nothing.
#[test]
fn what_must_not_be_sent_is_refused() {
    let (mut world, mut driver) = open::<ClientSide>(4096);
    assert!(matches!(world.finish(driver.reply().ping(&[0; 126])), Err(Error::State(_))));
    let error = world.finish(driver.send(Kind::Binary, &[0; 600]));
    assert!(matches!(error, Err(Error::Outbox(e)) if e.needed == 608 && e.available == 512), "{error:?}");
    world.finish(driver.reply().feed_part(Kind::Text, b"a", false)).unwrap();
    assert!(matches!(world.finish(driver.send_text("b")), Err(Error::State(_))));
    world.finish(driver.reply().ping(b"inside")).unwrap();
    world.finish(driver.reply().feed_part(Kind::Text, b"c", true)).unwrap();
    assert!(matches!(driver.reply().close(CloseCode(1006), ""), Err(Error::State(_))));
    assert!(matches!(driver.reply().close(CloseCode::NORMAL, &"x".repeat(124)), Err(Error::State(_))));
    assert!(world.finish(driver.close(CloseCode::NORMAL, "")).unwrap().is_clean);
    let heard = world.peer.borrow().heard.clone();
    assert_eq!(heard.last(), Some(&Told::Close(CloseCode::NORMAL, String::new())));
    assert!(heard.contains(&Told::Message(Kind::Text, b"ac".to_vec(), true)), "{heard:?}");
}

/// The answer of the server is lent until something is received.
#[test]
fn the_answer_stays_until_something_is_received() {
    let (mut world, mut driver) = open::<ClientSide>(4096);
    assert_eq!(driver.answer().unwrap().status().0, 101);
    world.finish(driver.send_text("hello")).unwrap();
    assert_eq!(driver.answer().map(|answer| answer.status().0), Some(101));
}
