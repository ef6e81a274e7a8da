//! No peer hangs a call of the WebSocket driver: one that never reads, that takes and gives a byte a second, that vanishes, that never pauses. Each call
//! ends within its deadline, and none spins. The clock is turned by hand.

#[path = "support/cancel/mod.rs"]
mod cancel;
mod support;

use cancel::{ClientSide, Driven, End, Failure, Say, Script, World};
use sansocket::{
    drive::{AsServer, Deadlines, Error},
    ws::{CloseCode, Incoming, Kind, PeerError, Timeout, Timeouts},
};
use support::Told;

const AT_ONCE: Script = Script::Always(0, 4096);

/// How many milliseconds `future` takes, and how it ends.
fn timed<D: End, T>(world: &mut World<D>, future: impl Future<Output = T>) -> (u64, T) {
    let start = world.clock.now_ms();
    let value = world.finish(future);
    (world.clock.now_ms() - start, value)
}

/// An open connection over pipes of this capacity.
fn open<D: End>(pipe: usize) -> (World<D>, Driven<D>) {
    let (mut world, mut driver) = World::<D>::new(AT_ONCE, pipe, 512, 512);
    world.finish(D::shake(&mut driver)).unwrap();
    world.catch_up();
    world.clock.forget();
    (world, driver)
}

/// From now on the peer does nothing.
fn vanish<D: End>(world: &mut World<D>) {
    world.pace = u64::MAX;
}

async fn next<D: End>(driver: &mut Driven<D>) -> Result<bool, Failure> {
    driver.next().await.map(|next| next.is_some())
}

fn peers_that_are_stuck<D: End>() {
    let byte_a_second = |world: &mut World<D>| {
        world.pace = 1000;
        world.peer.borrow_mut().takes = 1;
        world.peer.borrow_mut().gives = 1;
    };
    let handshake = Error::Timeout(Timeout::Handshake);
    // The handshake, with a peer that takes nothing, that answers nothing, that is slow.
    for pipe in [20, 4096] {
        let (mut world, mut driver) = World::<D>::new(AT_ONCE, pipe, 512, 512);
        vanish(&mut world);
        assert_eq!(timed(&mut world, D::shake(&mut driver)), (10_000, Err(handshake)), "{pipe}");
        assert_eq!(timed(&mut world, D::shake(&mut driver)), (0, Err(handshake)));
    }
    let (mut world, mut driver) = World::<D>::new(AT_ONCE, 20, 512, 512);
    byte_a_second(&mut world);
    assert_eq!(timed(&mut world, D::shake(&mut driver)), (10_000, Err(handshake)));

    // It vanishes. Its pong is missing 20 s after the ping, which is due after 30 s.
    let (mut world, mut driver) = open::<D>(4096);
    vanish(&mut world);
    assert_eq!(timed(&mut world, next(&mut driver)), (50_000, Err(Error::Timeout(Timeout::Pong))));
    assert!(world.clock.most_asked() < 30, "{}", world.clock.most_asked());
    let (mut world, mut driver) = open::<D>(4096);
    vanish(&mut world);
    let closing = timed(&mut world, driver.close(CloseCode::NORMAL, ""));
    assert_eq!(closing, (10_000, Err(Error::Timeout(Timeout::Close))));

    // It never reads. Also not the ping, so nothing can be sent in front of the read.
    let (mut world, mut driver) = open::<D>(20);
    vanish(&mut world);
    assert_eq!(timed(&mut world, driver.send(Kind::Text, &[b'a'; 100])), (20_000, Err(Error::Stalled)));
    assert_eq!(timed(&mut world, driver.send(Kind::Text, b"")), (0, Err(Error::Stalled)));
    assert_eq!(timed(&mut world, next(&mut driver)), (0, Err(Error::Stalled)));
    let stuck = || {
        let (mut world, mut driver) = open::<D>(20);
        vanish(&mut world);
        world.finish(driver.reply().feed(Kind::Text, &[b'a'; 300])).unwrap();
        (world, driver)
    };
    let (mut world, mut driver) = stuck();
    assert_eq!(timed(&mut world, next(&mut driver)), (20_000, Err(Error::Stalled)));
    let (mut world, mut driver) = stuck();
    assert_eq!(timed(&mut world, driver.reply().feed(Kind::Text, &[b'a'; 300])), (20_000, Err(Error::Stalled)));
    let (mut world, mut driver) = stuck();
    assert_eq!(timed(&mut world, driver.reply().flush()), (20_000, Err(Error::Stalled)));
    let (mut world, mut driver) = stuck();
    assert_eq!(timed(&mut world, driver.reply().ping(b"")), (20_000, Err(Error::Stalled)));
    let (mut world, mut driver) = stuck();
    let closing = timed(&mut world, driver.close(CloseCode::NORMAL, ""));
    assert_eq!(closing, (10_000, Err(Error::Timeout(Timeout::Close))));
    // A call that is dropped each second does not get more time.
    let (mut world, mut driver) = stuck();
    let mut seconds = 0;
    let end = loop {
        let result = world.run(driver.reply().flush(), 1);
        if let Some(result) = result {
            break result;
        }
        seconds += 1;
        assert!(seconds < 30);
    };
    assert_eq!((end, world.clock.now_ms()), (Err(Error::Stalled), 20_000));

    // A byte a second is enough, but not for the end.
    let (mut world, mut driver) = open::<D>(20);
    byte_a_second(&mut world);
    let (ms, sent) = timed(&mut world, driver.send(Kind::Text, &[b'a'; 100]));
    assert!(sent.is_ok() && (80_000..120_000).contains(&ms), "{ms}");
    world.finish(driver.reply().feed(Kind::Text, &[b'a'; 300])).unwrap();
    let (ms, closing) = timed(&mut world, driver.close(CloseCode::NORMAL, ""));
    assert_eq!(closing, Err(Error::Timeout(Timeout::Close)));
    assert_eq!(ms, 10_000);
}

#[test]
fn stuck_peers_of_a_server() {
    peers_that_are_stuck::<AsServer>();
}

#[test]
fn stuck_peers_of_a_client() {
    peers_that_are_stuck::<ClientSide>();
}

/// The time for the peer's close frame begins with the close, not with the last byte that arrived.
#[test]
fn a_close_after_a_quiet_time_waits_for_its_answer() {
    let (mut world, mut driver) = open::<AsServer>(4096);
    world.clock.advance(25_000);
    world.pace = 100;
    let closed = world.finish(driver.close(CloseCode::NORMAL, "bye")).unwrap();
    assert!(closed.is_clean);

    let (mut world, mut driver) = open::<ClientSide>(4096);
    world.clock.advance(25_000);
    world.pace = 100;
    driver.reply().close(CloseCode::NORMAL, "bye").unwrap();
    world.finish(driver.reply().flush()).unwrap();
    while world.finish(next(&mut driver)).unwrap() {}
    assert!(driver.reply().closed().is_clean);
}

/// Bytes come without a pause, so no read ever has to wait. Each call of the transport takes a millisecond.
#[test]
fn a_peer_that_never_pauses_does_not_put_deadlines_off() {
    let flood = |world: &mut World<ClientSide>, bytes: &[u8]| {
        vanish(world);
        world.clock.set_cost(1);
        world.peer.borrow().to.borrow_mut().endless = bytes.to_vec();
    };
    let (mut world, mut driver) = open::<ClientSide>(4096);
    flood(&mut world, b"\x81\x01a\x82\x01b");
    let (ms, closing) = timed(&mut world, driver.close(CloseCode::NORMAL, ""));
    assert_eq!(closing, Err(Error::Timeout(Timeout::Close)));
    assert!((10_000..11_010).contains(&ms), "{ms}");

    // "Only to keep us waiting."
    let (mut world, mut driver) = World::<ClientSide>::new(AT_ONCE, 4096, 512, 512);
    flood(&mut world, b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n");
    let (ms, shaken) = timed(&mut world, ClientSide::shake(&mut driver));
    assert_eq!(shaken, Err(Error::Timeout(Timeout::Handshake)));
    assert!((10_000..11_010).contains(&ms), "{ms}");

    // Pings are sent on time, and bytes are a sign of life.
    let (mut world, mut driver) = open::<ClientSide>(4096);
    flood(&mut world, b"\x81\x01a\x82\x01b");
    while world.clock.now_ms() < 100_000 {
        assert!(world.finish(next(&mut driver)).unwrap());
    }
    world.peer.borrow_mut().is_mute = true;
    world.catch_up();
    assert_eq!(world.peer.borrow().pings().count(), 1, "the next one follows the pong");
}

/// Who was late himself gets what arrived in time.
#[test]
fn what_has_arrived_is_never_lost_to_the_time() {
    let (mut world, mut driver) = open::<ClientSide>(4096);
    assert!(world.run(driver.close(CloseCode::NORMAL, ""), 1).is_none());
    world.catch_up();
    world.clock.advance(60_000);
    assert!(world.finish(driver.close(CloseCode::NORMAL, "")).unwrap().is_clean);

    let (mut world, mut driver) = open::<ClientSide>(4096);
    world.peer.borrow_mut().script = (0..9).map(|_| Say::text("hello")).collect();
    world.catch_up();
    world.clock.advance(100_000);
    for _ in 0..9 {
        assert!(world.finish(next(&mut driver)).unwrap());
    }

    // The pong stands behind messages that the application is slow to take.
    let (mut world, mut driver) = open::<ClientSide>(1 << 14);
    world.clock.advance(30_000);
    for i in 0..200 {
        let message = format!("message number {i:3}");
        let frame = [b"\x81\x12", message.as_bytes()].concat();
        world.peer.borrow().to.borrow_mut().bytes.extend(frame);
    }
    for _ in 0..200 {
        assert!(world.finish(next(&mut driver)).unwrap());
        world.catch_up();
        world.clock.advance(1000);
    }
    assert_eq!(world.peer.borrow().pings().count(), 1);
    assert!(world.run(next(&mut driver), 1).is_none());
    world.catch_up();
    assert_eq!(world.peer.borrow().pings().count(), 2, "the pong has arrived");

    let (mut world, mut driver) = World::<ClientSide>::new(AT_ONCE, 4096, 512, 512);
    assert!(world.run(ClientSide::shake(&mut driver), 1).is_none());
    world.catch_up();
    world.clock.advance(60_000);
    world.finish(ClientSide::shake(&mut driver)).unwrap();
}

/// A peer that breaks the protocol, and takes what is sent slowly.
#[test]
fn a_farewell_takes_a_second_at_most() {
    let (mut world, mut driver) = open::<ClientSide>(20);
    world.pace = 900;
    world.peer.borrow_mut().takes = 1;
    world.peer.borrow().to.borrow_mut().bytes.extend(b"\x81\x01a\xff\xff");
    assert!(world.finish(next(&mut driver)).unwrap());
    world.finish(driver.reply().feed(Kind::Binary, &[1; 300])).unwrap();
    let (ms, end) = timed(&mut world, next(&mut driver));
    assert_eq!((ms, end), (1000, Err(Error::Peer(PeerError::ReservedBits))));
}

/// The close frame of a connection that is given up, and the answer that refuses a request, survive a dropped future.
#[test]
fn a_farewell_goes_on_after_a_drop() {
    for drop_at in 1..6 {
        let (mut world, mut driver) = World::<ClientSide>::new(Script::Always(1, 3), 4096, 512, 512);
        world.finish(ClientSide::shake(&mut driver)).unwrap();
        world.peer.borrow().to.borrow_mut().bytes.extend(b"\xff\xff");
        let mut ends = 0;
        while ends < 2 {
            if let Some(end) = world.run(next(&mut driver), drop_at) {
                assert_eq!(end, Err(Error::Peer(PeerError::ReservedBits)));
                world.catch_up();
                assert_eq!(world.peer.borrow().heard, [Told::Close(CloseCode::PROTOCOL_ERROR, String::new())]);
                ends += 1;
            }
        }
    }
    // Whatever the next call is.
    let (mut world, mut driver) = World::<ClientSide>::new(Script::Always(1, 3), 4096, 512, 512);
    world.finish(ClientSide::shake(&mut driver)).unwrap();
    world.peer.borrow().to.borrow_mut().bytes.extend(b"\xff\xff");
    assert!(world.run(next(&mut driver), 2).is_none());
    assert!(world.run(driver.reply().flush(), 1).is_none());
    let end = world.finish(driver.reply().feed(Kind::Text, b"more"));
    assert_eq!(end, Err(Error::Peer(PeerError::ReservedBits)));
    world.catch_up();
    assert_eq!(world.peer.borrow().heard, [Told::Close(CloseCode::PROTOCOL_ERROR, String::new())]);
    for drop_at in 1..6 {
        let (mut world, mut driver) = World::<AsServer>::new(Script::Always(1, 3), 4096, 512, 512);
        vanish(&mut world);
        let (from, to) = (world.peer.borrow().from.clone(), world.peer.borrow().to.clone());
        to.borrow_mut().bytes.extend(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        loop {
            if let Some(end) = world.run(AsServer::shake(&mut driver), drop_at) {
                assert!(matches!(end, Err(Error::Request(_))), "{end:?}");
                break;
            }
        }
        let answer = from.borrow_mut().get(usize::MAX);
        let answer = String::from_utf8(answer).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 426") && answer.ends_with("the header field Upgrade: websocket"),
            "{answer:?}"
        );
    }
}

/// "Ping read, no other call: the pong must be out" (tungstenite, pull request 393), also if a pong follows.
#[test]
fn a_pong_is_out_before_a_pong_is_returned() {
    for drop_at in [0, 1] {
        let (mut world, mut driver) = World::<ClientSide>::new(Script::Always(1, 4096), 4096, 512, 512);
        world.finish(ClientSide::shake(&mut driver)).unwrap();
        world.finish(driver.reply().ping(b"mine")).unwrap();
        vanish(&mut world);
        world.peer.borrow().to.borrow_mut().bytes.extend(b"\x89\x05their\x8a\x04mine");
        loop {
            let next = async {
                let next = driver.next().await.unwrap();
                assert!(matches!(next, Some((Incoming::Pong(p), _)) if p.as_bytes() == b"mine"));
            };
            if world.run(next, drop_at).is_some() {
                break;
            }
        }
        world.catch_up();
        assert_eq!(world.peer.borrow().pongs().collect::<Vec<_>>(), [b"their"]);
    }
}

/// Nothing of a connection stands in front of its handshake.
#[test]
fn nothing_is_sent_before_the_handshake() {
    let (mut world, mut driver) = World::<ClientSide>::new(AT_ONCE, 4096, 512, 512);
    assert_eq!(world.finish(driver.send(Kind::Text, b"early")), Err(Error::Order));
    assert_eq!(world.finish(driver.reply().send(Kind::Text, b"early")), Err(Error::Order));
    assert_eq!(world.finish(driver.reply().feed(Kind::Text, b"early")), Err(Error::Order));
    assert_eq!(world.finish(driver.reply().ping(b"early")), Err(Error::Order));
    assert_eq!(world.finish(driver.reply().flush()), Err(Error::Order));
    assert_eq!(driver.reply().close(CloseCode::NORMAL, ""), Err(Error::Order));
    world.finish(ClientSide::shake(&mut driver)).unwrap();
    assert!(world.finish(driver.close(CloseCode::NORMAL, "")).unwrap().is_clean);
    assert_eq!(world.peer.borrow().heard.len(), 1);
}

/// With all deadlines off nothing is waited for but bytes, and a moment that never comes is no deadline.
#[test]
fn deadlines_that_are_off() {
    let off = Timeouts::new().handshake(0).ping_interval(0).pong(0).idle(0).close(0);
    for (start, deadlines) in [(0, Deadlines::new().write(0).others(off)), (u64::MAX - 1, Deadlines::new())] {
        let (mut world, driver) = World::<ClientSide>::new(AT_ONCE, 200, 512, 512);
        world.clock.advance(start);
        let mut driver = driver.with_deadlines(deadlines);
        world.finish(ClientSide::shake(&mut driver)).unwrap();
        vanish(&mut world);
        for _ in 0..3 {
            assert!(world.run(next(&mut driver), 1).is_none());
            assert_eq!(world.clock.next(), Some(None));
            assert!(world.run(driver.send(Kind::Text, &[1; 250]), 1).is_none());
            assert!(world.clock.most_asked() < 30);
        }
    }
}

/// A ping is due while the transport takes nothing, and one is due that the send memory can never hold.
#[test]
fn a_due_ping_without_room_does_not_spin() {
    let (mut world, mut driver) = open::<AsServer>(4);
    vanish(&mut world);
    let (ms, end) = timed(&mut world, next(&mut driver));
    // 30 s until the ping, 20 s until it must have moved.
    assert_eq!((ms, end), (50_000, Err(Error::Stalled)));
    assert!(world.clock.most_asked() < 30, "{}", world.clock.most_asked());

    let (mut world, mut driver) = open::<AsServer>(4096);
    driver.reply().replace_outbox(vec![0; 5]).unwrap();
    let (ms, end) = timed(&mut world, next(&mut driver));
    assert_eq!(ms, 30_000);
    assert!(matches!(end, Err(Error::Outbox(e)) if e.needed == 6));
    driver.reply().replace_outbox(vec![0; 512]).unwrap();
    world.peer.borrow_mut().script.push_back(Say::text("hello"));
    assert!(world.finish(next(&mut driver)).unwrap());
    assert_eq!(world.peer.borrow().pings().count(), 1);
}

/// A transport that blocks and gives up after its own time, with a peer that vanishes.
#[test]
fn deadlines_hold_over_a_transport_that_blocks() {
    let (mut world, mut driver) = World::<ClientSide>::blocking(AT_ONCE, 100, 512, 512, 300);
    world.finish(ClientSide::shake(&mut driver)).unwrap();
    world.catch_up();
    world.peer.borrow_mut().is_mute = true;
    let (ms, end) = timed(&mut world, next(&mut driver));
    assert_eq!(end, Err(Error::Timeout(Timeout::Pong)));
    assert!((50_000..50_600).contains(&ms), "{ms}");
    let (mut world, mut driver) = World::<ClientSide>::blocking(AT_ONCE, 200, 512, 512, 300);
    world.finish(ClientSide::shake(&mut driver)).unwrap();
    world.catch_up();
    world.peer.borrow_mut().takes = 0;
    let (ms, end) = timed(&mut world, driver.send(Kind::Text, &[1; 300]));
    assert_eq!(end, Err(Error::Stalled));
    assert!((20_000..20_300).contains(&ms), "{ms}");
    assert!(world.clock.most_asked() < 30);
}
