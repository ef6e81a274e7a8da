//! Attacks on the composed client: calls in any order, and servers that do what none does.

#[path = "client_end/server.rs"]
#[allow(dead_code)]
mod server;
#[path = "client_end/world.rs"]
#[allow(dead_code)]
mod world;

use sansocket::{
    endpoint::client::{ClientEnd, Config, Emit, Failure, FullLink, Line, Link, Memory, Step, WebSocketLink, WhenFull},
    engineio::Transport,
    socketio::{
        AckSlot, Collector, SendError,
        client::{Backoff, SocketSlot},
    },
    ws::{Inbox, Limits, Outbox, accept_key},
};
use world::{B, C, ROOT, World, at, full, with_backlog, world};

fn even() -> Backoff {
    Backoff::new().randomization(0)
}

/// An answer belongs to its connection to the namespace, also if the server takes that back by a refusal.
#[test]
fn a_refusal_of_a_joined_namespace_takes_the_answers_along() {
    for farewell in ["44{\"message\":\"x\"}", "41"] {
        let mut w = world(even());
        w.client.connect(ROOT, at(0)).unwrap();
        w.client.connect(B, at(0)).unwrap();
        w.turn();
        w.text("423[\"question\"]");
        let request = w.asked.pop().unwrap();
        w.is_mute = true;
        w.client.ack(request, &"late").unwrap();
        // Before the answer was written the server says farewell.
        w.text(farewell);
        assert_eq!(w.client.held(), 0, "{farewell}");
        assert!(!w.client.io().is_wanted(ROOT));
    }
}

/// What was collected of a packet is dropped when its namespace is left, or the link is lost.
#[test]
fn half_a_packet_does_not_mix_with_the_next_one() {
    let mut w = world(even());
    w.client.connect(ROOT, at(0)).unwrap();
    w.client.connect(B, at(0)).unwrap();
    w.turn();
    w.told();
    w.text("452-/b,[\"b\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]");
    w.raw(&[0x82, 1, 1]);
    w.client.disconnect(B);
    w.raw(&[0x82, 1, 2]);
    w.text("451-[\"a\",{\"_placeholder\":true,\"num\":0}]");
    w.raw(&[0x82, 1, 3]);
    let told = w.told();
    assert_eq!(told.iter().filter(|t| t.contains("file")).count(), 1, "{told:?}");
    assert!(told.iter().any(|t| t.starts_with("/ a") && t.ends_with(" file")), "{told:?}");

    w.text("452-[\"a\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]");
    w.raw(&[0x82, 1, 1]);
    w.cut();
    w.wait(1000);
    w.told();
    w.text("451-[\"c\",{\"_placeholder\":true,\"num\":0}]");
    w.raw(&[0x82, 1, 3]);
    let told = w.told();
    assert!(told.len() == 1 && told[0].starts_with("/ c") && told[0].ends_with(" file"), "{told:?}");
}

/// Leaving and joining again in the same turn: DISCONNECT, then CONNECT; events before go before, events after go after.
#[test]
fn leave_and_join_in_one_turn() {
    for others in [true, false] {
        let mut w = world(even());
        w.client.connect(ROOT, at(0)).unwrap();
        if others {
            w.client.connect(B, at(0)).unwrap();
        }
        w.turn();
        w.heard();
        w.told();
        w.client.emit(ROOT, "before", &()).unwrap();
        w.client.disconnect(ROOT);
        w.client.connect(ROOT, at(0)).unwrap();
        w.client.emit(ROOT, "after", &()).unwrap();
        w.turn();
        w.wait(10_000);
        let heard: Vec<_> = w.heard().into_iter().filter(|h| !h.contains("/b")).collect();
        assert_eq!(heard, ["/ before", "disconnect /", "connect /", "/ after"], "{others}");
        assert_eq!(w.told(), ["left / io client disconnect", "connected /"], "{others}");
    }
}

/// Credentials that come after the namespace was left, after the link was lost, twice: refused, and nothing goes wrong.
#[test]
fn credentials_at_the_wrong_moment() {
    let mut w = world(even()).map(|c| c.with_auth(64));
    w.client.connect(ROOT, at(0)).unwrap();
    w.client.connect(B, at(0)).unwrap();
    w.turn();
    assert_eq!(w.told(), ["opened", "auth /", "auth /b"]);
    w.client.disconnect(ROOT);
    w.turn();
    assert!(matches!(w.client.authorize(ROOT, None::<&()>), Err(SendError::State(_))));
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    assert_eq!(w.told(), ["auth /"], "asked again");
    w.client.authorize(ROOT, None::<&()>).unwrap();
    assert!(w.client.authorize(ROOT, None::<&()>).is_err(), "twice");
    // Left before the CONNECT was written, and wanted again.
    w.client.disconnect(ROOT);
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    w.turn();
    assert_eq!(w.told(), ["auth /"]);
    w.client.authorize(ROOT, None::<&()>).unwrap();
    w.turn();
    assert_eq!(w.told(), ["connected /"]);
    // The link is lost before the credentials of the other came.
    w.cut();
    assert!(matches!(w.client.authorize(B, None::<&()>), Err(SendError::State(_))));
    w.wait(1000);
    let told = w.told();
    assert_eq!(&told[told.len() - 3..], ["opened", "auth /", "auth /b"]);
    w.client.authorize(B, None::<&()>).unwrap();
    w.client.authorize(ROOT, None::<&()>).unwrap();
    w.turn();
    assert_eq!(w.told(), ["connected /b", "connected /"]);
    w.client.close();
    w.turn();
    assert_eq!(w.told().last().unwrap(), "over Closed");
    assert_eq!(w.client.held(), 0);
}

/// A full backlog does not keep credentials out that have room reserved, and an answer and a retry count neither.
#[test]
fn credentials_have_room_in_a_full_backlog() {
    let mut w = with_backlog(even(), 300).map(|c| c.with_auth(80));
    w.authorizes = Some(0);
    while w.client.emit(ROOT, "e", &"0123456789").is_ok() {}
    while w.client.emit(ROOT, "e", &()).is_ok() {}
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    assert_eq!(w.told(), ["opened", "auth /", "connected /"]);
    assert_eq!(w.client.held(), 0);
}

/// Retries go on after the attempts to connect were given up, and after the namespace was left.
#[test]
fn retries_survive_giving_up_and_leaving() {
    let mut w = world(even().limit(1));
    w.server.answers = false;
    w.client.connect(ROOT, at(0)).unwrap();
    w.client.emit_with(ROOT, "order", &1, Emit::new().ask(1, None).retry(9, 5_000)).unwrap();
    w.turn();
    w.is_reachable = false;
    w.cut();
    w.wait(60_000);
    assert_eq!(w.told().last().unwrap(), "over GaveUp");
    w.is_reachable = true;
    w.heard();
    w.client.connect(ROOT, at(w.now)).unwrap();
    w.turn();
    assert_eq!(w.heard(), ["connect /", "/ ?order 1"]);
    w.client.disconnect(ROOT);
    w.turn();
    w.told();
    w.heard();
    w.server.answers = true;
    w.client.connect(ROOT, at(w.now)).unwrap();
    w.turn();
    assert_eq!(w.heard(), ["connect /", "/ ?order 1"]);
    assert_eq!(w.told(), ["opened", "connected /", "ack Some(1) 1"]);
    assert_eq!(w.client.held(), 0);
}

/// What is dropped for newer events fails, each once; the others are answered. An event with retries is the oldest when its link is lost.
#[test]
fn what_is_dropped_for_newer_events_fails_once() {
    let mut w = with_backlog(even(), 200).map(|c| c.with_when_full(WhenFull::DropOldest));
    w.server.answers = false;
    w.client.connect(ROOT, at(0)).unwrap();
    w.client.emit_with(ROOT, "order", &"in flight", Emit::new().ask(1, None).retry(9, 5_000)).unwrap();
    w.turn();
    w.is_reachable = false;
    w.cut();
    w.told();
    for i in 0..20_u32 {
        let how = Emit::new().ask(100 + i, None);
        while let Err(e) = w.client.emit_with(ROOT, "e", &(i, "0123456789"), how) {
            assert!(matches!(e, SendError::Acks(_)), "{e}");
            drop(w.client.replace_acks(vec![AckSlot::EMPTY; 32]).unwrap());
        }
        w.turn();
    }
    let mut failed: Vec<_> = w.told().into_iter().filter(|t| t.starts_with("no ack")).collect();
    let all = failed.len();
    failed.sort();
    failed.dedup();
    assert_eq!(failed.len(), all, "each once");
    w.server.answers = true;
    w.is_reachable = true;
    w.wait(20_000);
    let told = w.told();
    let answered = told.iter().filter(|t| t.starts_with("ack")).count();
    assert_eq!((answered, answered + all), (answered, 21), "{told:?}");
    assert!(
        failed.contains(&"no ack 1 Dropped".to_owned()) && failed.iter().all(|f| f.ends_with("Dropped")),
        "{failed:?}"
    );
}

/// The order of `connect`, `disconnect` and `close`, each at any step of the way, ends in what the last call of each namespace wanted.
#[test]
fn the_last_call_counts() {
    for round in 0..300 {
        last_call(round, world(even()));
        last_call(round, full(even(), 4096, &[Transport::Polling]));
        last_call(round, full(even(), 4096, &[Transport::Polling, Transport::WebSocket]));
        last_call(round, full(even(), 4096, &[Transport::WebSocket, Transport::Polling]));
    }
}

fn last_call<L: Link>(round: u64, mut w: World<L>) {
    let mut seed = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move |n: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % n
    };
    if round.is_multiple_of(3) {
        w = w.map(|c| c.with_auth(0));
        w.authorizes = Some(0);
    }
    let mut wanted = [false; 3];
    let mut log = Vec::new();
    for _ in 0..30 {
        let i = random(3) as usize;
        let namespace = [ROOT, B, C][i];
        let call = random(14);
        log.push((i, call, w.now));
        match call {
            0..=3 => {
                w.client.connect(namespace, at(w.now)).unwrap();
                wanted[i] = true;
            }
            4..=6 => {
                w.client.disconnect(namespace);
                wanted[i] = false;
            }
            7 => {
                w.client.close();
                wanted = [false; 3];
            }
            8 => drop(w.client.emit(namespace, "e", &round)),
            9 => w.cut(),
            10 => w.wait(random(3_000)),
            11 => w.is_reachable = !w.is_reachable,
            _ => w.turn(),
        }
    }
    w.is_reachable = true;
    w.wait(60_000);
    for (namespace, wanted) in [ROOT, B, C].into_iter().zip(wanted) {
        assert_eq!(w.client.io().is_connected(namespace), wanted, "{round}: {namespace:?} {:?} {log:?}", w.told);
    }
    if wanted == [false; 3] && w.opened > 0 {
        assert_eq!(w.told().last().unwrap(), "over Closed", "{round}");
        assert_eq!(w.client.poll_timeout(), None);
    }
}

/// A failure is told in words that are true whenever it can happen.
#[test]
fn the_words_of_a_loss() {
    assert!(!Failure::Lost.to_string().contains("before"), "it is also told of a connection that was open");
    for failure in [Failure::Lost, Failure::Closed, Failure::PingTimeout] {
        assert!(!failure.to_string().contains("connect again"), "the client does that by itself");
    }
}

/// What the caller configured does not change, so the next attempt would fail too.
#[test]
fn a_request_that_cannot_be_written_is_not_tried_again() {
    for transports in [[Transport::Polling].as_slice(), &[Transport::WebSocket]] {
        let config = Config::parse("http://host:3000").unwrap().path("no slash").transports(transports);
        let mut client = ClientEnd::new(FullLink::new(&config), ["/"], memory(), 1);
        let (mut inbox, mut outbox) = (Inbox::new([0; 128]), Outbox::with_keys([0; 256], || [0; 4]));
        client.connect(ROOT, at(0)).unwrap();
        let mut told = Vec::new();
        for _ in 0..20 {
            match client.handle_timeout(at(0)) {
                Step::Open(line) => {
                    client.opened(line, &mut inbox, &mut outbox, [7; 16]);
                    client.transmit(line, &mut outbox, at(0)).unwrap();
                }
                Step::Failed { failure, retry, .. } => {
                    told.push(format!("{} {retry:?}", matches!(failure, Failure::Config(_))));
                }
                Step::Over(over) => told.push(format!("{over:?}")),
                _ => {}
            }
        }
        assert_eq!(told, ["true None", "GaveUp"], "{transports:?}");
        assert_eq!(client.poll_timeout(), None);
    }
}

/// The server has broken nothing if the limit of this end is small. With memory that does not grow, the limit of messages is what keeps a client alive: a message that is too large ends the connection, not the loop.
#[test]
fn a_message_over_the_limit_is_a_failure_like_others() {
    let config = Config::parse("ws://host:3000").unwrap().limits(Limits::new().message(100));
    let mut client = ClientEnd::new(WebSocketLink::new(&config), ["/"], memory(), 1);
    let (mut inbox, mut outbox) = (Inbox::new([0; 256]), Outbox::with_keys([0; 256], || [0; 4]));
    let mut files = Collector::new([0; 0]);
    let answer = [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ".as_slice(),
        &accept_key(b"BwcHBwcHBwcHBwcHBwcHBw==").unwrap(),
        b"\r\n\r\n\x81\x430{\"sid\":\"a\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}\x81\x0d40{\"sid\":\"b\"}",
    ]
    .concat();
    let large = [&[0x81, 126, 0, 200][..], &[b'4'; 200]].concat();
    client.connect(ROOT, at(0)).unwrap();
    let mut told = Vec::new();
    let mut incoming = vec![large, answer];
    for _ in 0..40 {
        let step = match client.poll(Line::WebSocket, &mut inbox, &mut files, at(0)).unwrap() {
            Step::Idle => client.handle_timeout(at(0)),
            step => step,
        };
        match step {
            Step::Open(line) => client.opened(line, &mut inbox, &mut outbox, [7; 16]),
            Step::Failed { failure, retry, .. } => told.push(format!("{failure} {}", retry.is_some())),
            Step::Idle => {
                client.transmit(Line::WebSocket, &mut outbox, at(0)).unwrap();
                outbox.consume(outbox.held());
                let bytes = incoming.pop().unwrap_or_default();
                inbox.space().unwrap()[..bytes.len()].copy_from_slice(&bytes);
                inbox.commit(bytes.len());
            }
            _ => {}
        }
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("more than the limits allow") && told[0].ends_with("true"), "{told:?}");
}

fn memory() -> Memory<Vec<AckSlot>, Vec<SocketSlot>, Vec<u8>> {
    Memory { acks: vec![AckSlot::EMPTY; 4], sockets: vec![SocketSlot::EMPTY; 1], backlog: vec![0; 256] }
}

/// A host that calls what it should not, for any line at any time, and a server that sends anything: the end comes all the same.
#[test]
fn a_confused_host_comes_to_an_end() {
    let parts: [&[u8]; 9] = [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        b"\r\n\r\n\x81\x430{\"sid\":\"a\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 76\r\n\r\n",
        b"0{\"sid\":\"a\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":20000}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"\x81\x0d40{\"sid\":\"b\"}\x81\x0542[1]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n40{\"sid\":\"b\"}",
        b"\x88\x00",
        b"\x81\x023p",
    ];
    let config = Config::parse("http://host:3000").unwrap();
    let accept = accept_key(b"BwcHBwcHBwcHBwcHBwcHBw==").unwrap();
    for round in 1..1500_u64 {
        let mut seed = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut random = move |n: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % n) as usize
        };
        let mut client = ClientEnd::new(FullLink::new(&config), ["/"], memory(), 1);
        let mut inboxes = [0, 1, 2].map(|_| Inbox::new(vec![0; 512]));
        let mut outboxes = [0, 1, 2].map(|_| Outbox::with_keys(vec![0; 512], || [0; 4]));
        let mut files = Collector::new(vec![0; 64]);
        let mut now = 0;
        for _ in 0..120 {
            let i = random(3);
            let (line, inbox, outbox) = (Line::ALL[i], &mut inboxes[i], &mut outboxes[i]);
            match random(14) {
                0 => drop(client.connect(ROOT, at(now))),
                1 => client.disconnect(ROOT),
                2 => client.opened(line, inbox, outbox, [7; 16]),
                3 => client.handle_error(line, at(now)),
                4 => client.handle_eof(line, at(now)),
                5 => drop(client.emit_with(ROOT, "e", &1, Emit::new().ask(1, Some(at(now + 9))).retry(1, 5))),
                6 => now += random(4000) as u64,
                7 | 8 => drop(client.transmit(line, outbox, at(now))),
                9 => outbox.consume(random(300)),
                10 | 11 => {
                    let which = random(9);
                    let bytes = if which == 0 { [parts[0], &accept, parts[1]].concat() } else { parts[which].to_vec() };
                    if let Ok(space) = inbox.space() {
                        let n = bytes.len().min(space.len());
                        space[..n].copy_from_slice(&bytes[..n]);
                        inbox.commit(n);
                    }
                }
                _ => match client.poll(line, inbox, &mut files, at(now)) {
                    Ok(Step::Idle) => drop(client.handle_timeout(at(now))),
                    Ok(Step::Open(line)) if random(2) == 0 => {
                        let i = line as usize;
                        client.opened(line, &mut inboxes[i], &mut outboxes[i], [7; 16]);
                    }
                    _ => {}
                },
            }
        }
        // The network is gone, and the host comes to its senses.
        client.connect(ROOT, at(now)).unwrap();
        client.close();
        for line in Line::ALL {
            client.handle_error(line, at(now));
        }
        let mut is_over = false;
        for _ in 0..200 {
            match client.handle_timeout(at(now)) {
                Step::Idle => match client.poll_timeout() {
                    Some(due) => now = now.max(due.as_millis()),
                    None => break,
                },
                Step::Open(line) => client.handle_error(line, at(now)),
                Step::Over(_) => is_over = true,
                _ => {}
            }
        }
        assert!(is_over && client.poll_timeout().is_none(), "{round}: {client:?}");
    }
}

/// Some servers ask before they have answered CONNECT. The answer waits for that, and goes when the server does not accept, or the client leaves.
#[test]
fn a_question_before_the_namespace_is_connected_is_answered() {
    let asked = || {
        let mut w = world(even()).map(|c| c.with_auth(64));
        w.client.connect(ROOT, at(0)).unwrap();
        w.client.connect(B, at(0)).unwrap();
        w.turn();
        w.client.authorize(B, None::<&()>).unwrap();
        w.turn();
        w.is_mute = true;
        w.client.authorize(ROOT, None::<&()>).unwrap();
        w.text("423[\"question\"]");
        let request = w.asked.pop().unwrap();
        w.client.ack(request, &"answer").unwrap();
        assert!(w.client.held() > 0);
        w.heard();
        w
    };
    let mut w = asked();
    w.is_mute = false;
    w.turn();
    let heard = w.heard();
    assert!(heard.len() == 2 && heard[0] == "connect /" && heard[1].starts_with("ack "), "{heard:?}");

    let mut w = asked();
    w.text("44{\"message\":\"no\"}");
    assert_eq!(w.client.held(), 0, "refused");

    let mut w = asked();
    w.turn();
    w.client.disconnect(ROOT);
    assert_eq!(w.client.held(), 0, "left");

    let mut w = asked();
    w.is_mute = false;
    w.cut();
    assert_eq!(w.client.held(), 0, "lost");
}
