//! Calls in any order, and moves to a WebSocket that fail at any step.

use super::*;

/// A WebSocket that a session may move to, as its client sees it.
struct Socket {
    upgrade: Upgrade,
    inbox: Inbox<Vec<u8>>,
    got: Vec<u8>,
    said: usize,
    is_over: bool,
}

/// Texts of the frames in `bytes`, which are a server's.
fn frames(mut bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    while let [first, len @ 0..126, rest @ ..] = bytes {
        let (payload, behind) = rest.split_at(usize::from(*len));
        all.push(if first & 15 == 8 { "close".into() } else { String::from_utf8_lossy(payload).into_owned() });
        bytes = behind;
    }
    assert!(bytes.is_empty(), "frames of more than 125 bytes: {bytes:?}");
    all
}

/// Whatever becomes of moves to a WebSocket, nothing that waits is lost, doubled or put into another order.
#[test]
fn upgrades_at_any_step_lose_nothing() {
    let (mut moved, mut failed, mut ended) = (0, 0, 0);
    for seed in 0..6000 {
        let mut random = Random(seed);
        let mut now = 0;
        let mut host = Host::new(Transport::Polling);
        let (mut queued, mut number) = (Vec::new(), 0);
        let mut got: Vec<String> = Vec::new();
        let mut sockets: Vec<Socket> = Vec::new();
        let mut is_waiting = true;
        let mut home = None;
        let mut log = Vec::new();
        let mut over = false;
        for _ in 0..random.below(120) {
            let step = random.below(16);
            log.push(step);
            match step {
                // The application says something.
                0..3 if !host.end.link().is_over() => {
                    let mut memory = [0; 64];
                    let mut out = Out::stored(&mut memory);
                    let message = format!("m{number}");
                    host.end.link().send(Message::Text(message.as_bytes()), &mut out).unwrap();
                    host.sent.extend_from_slice(out.written());
                    queued.push(format!("4{message}"));
                    number += 1;
                }
                3 if !is_waiting && home.is_none() && !over => {
                    host.end.link_mut().begin_get(at(now)).unwrap();
                    is_waiting = true;
                }
                4..7 if is_waiting => {
                    let mut body = vec![0; host.end.link().body_room(host.sent.len())];
                    match host.end.link_mut().poll_get(core::iter::once(&host.sent[..]), &mut body).unwrap() {
                        Got::Waits => {}
                        Got::Over => {
                            is_waiting = false;
                            over = true;
                        }
                        Got::Payload { taken, len } => {
                            host.sent.drain(..taken);
                            is_waiting = false;
                            let body = String::from_utf8_lossy(&body[..len]).into_owned();
                            got.extend(body.split('\x1e').map(str::to_owned));
                        }
                    }
                }
                7 if sockets.len() < 3 => {
                    let upgrade = Upgrade::begin(host.end.link_mut(), ws::Limits::new(), at(now));
                    let inbox = Inbox::new(vec![0; 8]);
                    sockets.push(Socket { upgrade, inbox, got: Vec::new(), said: 0, is_over: false });
                }
                8..12 if !sockets.is_empty() => {
                    let which = random.below(sockets.len());
                    let socket = &mut sockets[which];
                    if socket.is_over || home.is_some() {
                        continue;
                    }
                    let all = [text("2probe"), text("5")].concat();
                    let more = if random.below(20) == 0 {
                        text("4junk")
                    } else {
                        let end = (socket.said + 1 + random.below(14)).min(all.len());
                        let piece = all[socket.said..end].to_vec();
                        socket.said = end;
                        piece
                    };
                    let mut more = &more[..];
                    loop {
                        match socket.inbox.space() {
                            Ok(space) => {
                                let n = space.len().min(more.len());
                                space[..n].copy_from_slice(&more[..n]);
                                socket.inbox.commit(n);
                                more = &more[n..];
                            }
                            Err(e) => drop(socket.inbox.replace(vec![0; Grow::new(What::Inbox, e).to])),
                        }
                        if more.is_empty() {
                            break;
                        }
                    }
                }
                12 if !sockets.is_empty() && random.below(5) == 0 => {
                    let which = random.below(sockets.len());
                    if home.is_none() {
                        sockets[which].upgrade.fail(host.end.link_mut());
                        sockets[which].is_over = true;
                    }
                }
                13 => now += [0, 1, 99, 101, 10_000][random.below(5)],
                14 if random.below(20) == 0 => host.end.close(Reason::ForcedServerClose, at(now)),
                15 if random.below(40) == 0 && home.is_none() => drop(host.post(b"1", now)),
                _ => {}
            }
            for (i, socket) in sockets.iter_mut().enumerate() {
                if socket.is_over {
                    continue;
                }
                let probed = loop {
                    match socket.upgrade.poll(host.end.link_mut(), &mut socket.inbox, at(now)) {
                        Ok(probed) => break probed,
                        Err(grow) => drop(socket.inbox.replace(vec![0; grow.to])),
                    }
                };
                let mut memory = [0; 256];
                while let Ok(n @ 1..) = socket.upgrade.transmit(&mut memory) {
                    socket.got.extend_from_slice(&memory[..n]);
                }
                match probed {
                    Probed::Pending => {}
                    Probed::Failed => {
                        socket.is_over = true;
                        failed += 1;
                        assert_eq!(frames(&socket.got).last().unwrap(), "close");
                    }
                    Probed::Upgraded => {
                        socket.is_over = true;
                        assert!(home.is_none(), "two homes");
                        assert!(!is_waiting, "a GET waits for ever");
                        assert_eq!(frames(&socket.got), ["3probe"]);
                        home = Some(i);
                        moved += 1;
                    }
                }
            }
            if let Some(i) = home {
                let inbox = core::mem::replace(&mut sockets[i].inbox, Inbox::new(Vec::new()));
                host.inbox = inbox;
                host.turn(now);
                sockets[i].inbox = core::mem::replace(&mut host.inbox, Inbox::new(Vec::new()));
                got.extend(frames(&std::mem::take(&mut host.sent)));
            } else {
                while let step = host.end.handle_timeout(at(now))
                    && handle(step, &mut host.end, &mut host.sent, &mut host.told)
                {}
            }
        }
        ended += usize::from(host.end.link().is_over());
        let said: Vec<&String> = got.iter().filter(|p| p.starts_with("4m")).collect();
        let rest = frames(&host.sent);
        let all: Vec<&String> = said.into_iter().chain(rest.iter().filter(|p| p.starts_with("4m"))).collect();
        assert_eq!(all, queued.iter().collect::<Vec<_>>(), "seed {seed} {log:?}");
        if let Some(end) = got.iter().position(|p| p == "1" || p == "close") {
            assert_eq!(end, got.len() - 1, "seed {seed}: {got:?}");
        }
        // Nothing is told twice; a session that is over is told so.
        let count = |what: &str| host.told.iter().filter(|t| t.starts_with(what)).count();
        assert_eq!(count("closed"), usize::from(host.end.link().is_over()), "seed {seed} {:?}", host.told);
        assert!(count("Opened") <= 1);
    }
    assert!(moved > 200 && failed > 500 && ended > 200, "{moved} {failed} {ended}");
}

/// Any order of calls: `Opened` once and first, `Closed` once and last, and after a turn no deadline lies in the past, or a host would never rest.
#[test]
fn any_order_of_calls_tells_one_beginning_and_one_end_and_rests() {
    let mut ends = BTreeMap::<String, usize>::new();
    for seed in 0..6000 {
        let mut random = Random(seed);
        let transport = [Transport::Polling, Transport::WebSocket][random.below(2)];
        let mut host = Host::new(transport);
        let mut now = 0;
        let (mut token, mut log) = (0, Vec::new());
        let mut upgrade = None;
        for _ in 0..random.below(40) {
            let step = random.below(20);
            log.push(step);
            let link = host.end.link_mut();
            match step {
                0 => drop(link.begin_get(at(now))),
                1 => {
                    let mut body = vec![0; link.body_room(host.sent.len())];
                    match link.poll_get(core::iter::once(&host.sent[..]), &mut body).unwrap() {
                        Got::Payload { taken, .. } if link.transport() == Transport::Polling => {
                            host.sent.drain(..taken);
                        }
                        _ => {}
                    }
                }
                2 if random.below(6) == 0 => link.drop_get(),
                3 => drop(
                    link.begin_post([None, Some(&b"application/octet-stream"[..])][usize::from(random.below(20) == 0)]),
                ),
                4 => link.drop_post(),
                5..8 => {
                    let bodies = [
                        "40",
                        "40/a,",
                        "42[\"x\"]",
                        "421[\"x\"]\x1e430[]",
                        "3",
                        "1",
                        "2",
                        "\x1e",
                        "41",
                        "42{}",
                        "40/no,",
                    ];
                    let body = bodies[random.below(bodies.len())].as_bytes();
                    if link.transport() == Transport::Polling {
                        host.post(body, now);
                    } else {
                        host.feed(&frame(1, body));
                    }
                }
                8 if random.below(4) == 0 => link.handle_eof(),
                9 if random.below(4) == 0 => link.handle_error(),
                10 if random.below(4) == 0 => host.end.close(Reason::ServerShuttingDown, at(now)),
                11 if random.below(4) == 0 => link.close(at(now)),
                12 | 13 => now += [0, 1, 100, 5_000, 20_000, 45_000][random.below(6)],
                14 => {
                    if let Some(due) = host.end.poll_timeout() {
                        now = now.max(due.as_millis());
                    }
                }
                15 => {
                    let mut memory = [0; 64];
                    let _ = host.end.io().replace_acks(vec![AckSlot::EMPTY; 4]);
                    let expect = ExpectAck { token, deadline: Some(at(now + 10 * random.below(2) as u64)) };
                    let mut out = Out::stored(&mut memory);
                    if host.end.io().emit(ROOT, "q", &(), Some(expect), &mut out).is_ok() {
                        host.sent.extend_from_slice(out.written());
                        token += 1;
                    }
                }
                16 => {
                    let mut memory = [0; 64];
                    let mut out = Out::stored(&mut memory);
                    let _ = host.end.io().disconnect(Namespace(random.below(2) as u16), &mut out);
                    host.sent.extend_from_slice(out.written());
                }
                17 if upgrade.is_none() => {
                    upgrade = Some((Upgrade::begin(link, ws::Limits::new(), at(now)), Inbox::new(vec![0; 64])))
                }
                18 => {
                    if let Some((_, inbox)) = &mut upgrade {
                        let said = text(["2probe", "5"][random.below(2)]);
                        if let Ok(space) = inbox.space()
                            && space.len() >= said.len()
                        {
                            space[..said.len()].copy_from_slice(&said);
                            inbox.commit(said.len());
                        }
                    }
                }
                _ => {}
            }
            if let Some((move_, inbox)) = &mut upgrade {
                let probed = move_.poll(host.end.link_mut(), inbox, at(now)).unwrap();
                while move_.transmit(&mut [0; 256]).unwrap() > 0 {}
                match probed {
                    Probed::Pending => assert!(move_.poll_timeout().is_some_and(|due| due > at(now))),
                    Probed::Upgraded => {
                        host.inbox = core::mem::replace(inbox, Inbox::new(vec![0; 64]));
                        upgrade = None;
                    }
                    Probed::Failed => upgrade = None,
                }
            }
            host.turn(now);
            host.turn(now);
            let due = host.end.poll_timeout();
            assert!(due.is_none_or(|due| due > at(now)), "seed {seed}: {due:?} at {now}: {log:?}");
            if host.end.link().is_over() {
                assert!(
                    host.told.last().is_some_and(|t| t.starts_with("closed")),
                    "seed {seed}: {log:?} {:?}",
                    host.told
                );
            }
        }
        let told = &host.told;
        let places = |what: &str| {
            told.iter().enumerate().filter(|(_, t)| t.starts_with(what)).map(|(i, _)| i).collect::<Vec<_>>()
        };
        assert!(told.is_empty() || places("Opened") == [0], "seed {seed}: {log:?} {told:?}");
        let closed = places("closed");
        if host.end.link().is_over() {
            assert_eq!(closed, [told.len() - 1], "seed {seed}: {log:?} {told:?}");
            *ends.entry(told.last().unwrap().clone()).or_default() += 1;
            for token in 0..token {
                let failed = format!("token: {token},");
                let answered = format!("ack Some({token})");
                let times = told.iter().filter(|t| t.contains(&failed) || t.starts_with(&answered)).count();
                assert_eq!(times, 1, "seed {seed}: {told:?}");
            }
            assert!(host.end.link().is_gone() || host.end.poll_timeout().is_some(), "a farewell for ever");
        } else {
            assert!(closed.is_empty());
        }
    }
    assert!(ends.len() > 5 && ends.values().all(|n| *n > 5), "{ends:?}");
}

/// A caller that does not grow the collector may close instead, and goes on with its loop: the packet that had no room is not told any more, so
/// nothing asks for its room.
#[test]
fn who_closes_instead_of_growing_is_told_the_end() {
    let mut host = Host::new(Transport::WebSocket);
    host.feed(&text("40"));
    host.turn(0);
    host.feed(&text("451-[\"e\",{\"_placeholder\":true,\"num\":0}]"));
    let asks = |host: &mut Host| match host.end.poll(&mut host.inbox, &mut host.collector, at(1)) {
        Ok(step) => Ok(format!("{step:?}")),
        Err(grow) => Err(grow.what),
    };
    while asks(&mut host) != Err(What::Collector) {}
    host.end.close(Reason::ForcedServerClose, at(1));
    let told: Vec<_> = (0..3).map(|_| asks(&mut host)).collect();
    assert_eq!(told, [Ok("Again".into()), Ok("Closed(ForcedServerClose)".into()), Ok("Idle".into())]);
}

/// As above, in the middle of a POST.
#[test]
fn who_closes_instead_of_growing_in_a_post_is_told_the_end() {
    let mut host = Host::polling();
    host.post(b"40", 0);
    host.end.link_mut().begin_post(None).map_err(|answer| answer.status()).unwrap();
    let mut body = *b"451-[\"e\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID";
    let mut packets = Packets::new(&mut body);
    let mut asks = |host: &mut Host| match host.end.poll_post(&mut packets, &mut host.collector, at(1)) {
        Ok(step) => Ok(format!("{step:?}")),
        Err(grow) => Err(grow.what),
    };
    assert_eq!(asks(&mut host), Err(What::Collector));
    host.end.close(Reason::ForcedServerClose, at(1));
    let told: Vec<_> = (0..3).map(|_| asks(&mut host)).collect();
    assert_eq!(told, [Ok("Again".into()), Ok("Closed(ForcedServerClose)".into()), Ok("Idle".into())]);
}
