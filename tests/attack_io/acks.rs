//! Acknowledgements and attachments against lists.

use super::*;

/// Acknowledgements against a list: whatever is done in whatever order, each is told once, and a refused call changes nothing.
#[test]
fn acknowledgements_against_a_list() {
    for seed in 0..1500 {
        let mut random = Random(seed);
        let limit = [3, 8, 1000][random.below(3)];
        let mut io = Session::new(["/", "/a"], vec![AckSlot::EMPTY; random.below(4)], at(1_000_000))
            .with_limits(Limits::new().acks(limit));
        let message = |text: &'static str| engineio::Event::Message(Message::Text(text.as_bytes()));
        let mut memory = [0; 256];
        // Namespace, id, token, deadline; in the order asked.
        let mut waiting: Vec<(Namespace, u64, u32, Option<u64>)> = Vec::new();
        let mut lost: Vec<(Namespace, u32)> = Vec::new();
        let (mut token, mut now, mut files) = (0, 0, None);
        io.handle_event(engineio::Event::Opened).unwrap();
        for step in 0..random.below(150) {
            let namespace = Namespace(random.below(2) as u16);
            let path = ["", "/a,"][usize::from(namespace.0)];
            let is_in = io.is_connected(namespace);
            match random.below(14) {
                0 | 1 if !is_in && files.is_none() => {
                    io.handle_event(message(["0", "0/a,"][usize::from(namespace.0)])).unwrap();
                    let before = io.clone();
                    assert!(io.accept(namespace, Sid::from_random([1; 15]), &mut Out::stored(&mut [0; 4])).is_err());
                    assert_eq!(io, before);
                    io.accept(namespace, Sid::from_random([step as u8; 15]), &mut Out::stored(&mut memory)).unwrap();
                    let before = io.clone();
                    let mut out = Out::stored(&mut memory);
                    assert!(io.accept(namespace, Sid::from_random([1; 15]), &mut out).is_err());
                    assert!(io.refuse(namespace, "no", None, &mut out).is_err());
                    assert_eq!(io, before);
                    assert!(out.is_empty());
                }
                2..7 => {
                    token += 1;
                    let deadline = (random.below(3) > 0).then(|| now + [0, 5, 5, 9][random.below(4)]);
                    let expect = ExpectAck { token, deadline: deadline.map(at) };
                    let before = io.clone();
                    let mut memory = vec![0; [6, 64][random.below(2)]];
                    let mut out = Out::stored(&mut memory);
                    match io.emit(namespace, "q", &(), Some(expect), &mut out) {
                        Ok(()) => {
                            let text = String::from_utf8_lossy(&out.written()[2..]).into_owned();
                            let id = text.strip_prefix(&format!("42{path}")).unwrap().split('[').next().unwrap();
                            waiting.push((namespace, id.parse().unwrap(), token, deadline));
                            assert!(waiting.len() + lost.len() <= usize::from(limit));
                        }
                        Err(e) => {
                            assert_eq!(io, before, "{e}");
                            assert!(out.is_empty());
                            if let Some(Grow { what: What::Acks, to }) = Grow::of(&e) {
                                io.replace_acks(vec![AckSlot::EMPTY; to]).unwrap();
                                io.clone()
                                    .emit(namespace, "q", &(), Some(expect), &mut Out::stored(&mut [0; 64]))
                                    .unwrap();
                            }
                        }
                    }
                }
                7 | 8 if is_in && files.is_none() => {
                    let id = match waiting.len() {
                        0 => random.below(9) as u64,
                        n => waiting[random.below(n)].1,
                    };
                    let found = waiting.iter().position(|w| w.0 == namespace && w.1 == id);
                    let expected = found.map(|at| waiting[at].2);
                    let is_binary = random.below(2) == 0;
                    let packet = if is_binary { format!("61-{path}{id}[]") } else { format!("3{path}{id}[]") };
                    let event = engineio::Event::Message(Message::Text(packet.as_bytes()));
                    match io.handle_event(event).unwrap() {
                        Event::Ack(answer) => assert_eq!(answer.token, expected),
                        other => panic!("{other:?}"),
                    }
                    if is_binary {
                        files = Some((namespace, id, expected));
                    } else {
                        waiting.extract_if(.., |w| w.0 == namespace && w.1 == id).for_each(drop);
                    }
                }
                9 => {
                    if let Some((namespace, id, expected)) = files.take() {
                        let event = engineio::Event::Message(Message::Binary(b"x"));
                        let is_there = waiting.iter().any(|w| w.0 == namespace && w.1 == id);
                        match io.handle_event(event).unwrap() {
                            Event::Attachment(a) => assert_eq!(a.is_late(), expected.is_some() && !is_there),
                            other => panic!("{other:?}"),
                        }
                        waiting.extract_if(.., |w| expected == Some(w.2)).for_each(drop);
                    }
                }
                10 if is_in && random.below(3) == 0 => {
                    if random.below(2) == 0 && files.is_none() {
                        io.handle_event(message(["1", "1/a,"][usize::from(namespace.0)])).unwrap();
                    } else {
                        let before = io.clone();
                        assert!(io.disconnect(namespace, &mut Out::stored(&mut [0; 1])).is_err());
                        assert_eq!(io, before);
                        io.disconnect(namespace, &mut Out::stored(&mut memory)).unwrap();
                    }
                    lost.extend(waiting.extract_if(.., |w| w.0 == namespace).map(|w| (w.0, w.2)));
                }
                11 => {
                    let before = io.clone();
                    let n = random.below(12);
                    match io.replace_acks(vec![AckSlot::EMPTY; n]) {
                        Ok(_) => assert!(n >= waiting.len() + lost.len()),
                        Err(_) => {
                            assert!(n < waiting.len() + lost.len());
                            assert_eq!(io, before);
                        }
                    }
                }
                12 => now += random.below(6) as u64,
                13 if random.below(10) == 0 => {
                    if random.below(2) == 0 {
                        io.reopen(at(1_000_000));
                    } else {
                        io.handle_event(engineio::Event::Opened).unwrap();
                    }
                    files = None;
                    lost.extend(waiting.drain(..).map(|w| (w.0, w.2)));
                }
                _ => {}
            }
            // Time: now, or later.
            if random.below(3) == 0 {
                loop {
                    let soonest = waiting.iter().filter_map(|w| w.3).min();
                    let due = if lost.is_empty() { soonest } else { Some(0) };
                    let told = io.poll_timeout().filter(|t| *t != at(1_000_000)).map(|t| t.as_millis());
                    assert_eq!(told, due, "seed {seed}");
                    match io.handle_timeout(at(now)) {
                        Some(Event::AckFailed { namespace, token, error }) => {
                            let expected = if lost.is_empty() {
                                let first = waiting.iter().position(|w| w.3 == soonest).unwrap();
                                assert!(soonest.unwrap() <= now);
                                let (namespace, _, token, _) = waiting.remove(first);
                                (namespace, token, AckError::TimedOut)
                            } else {
                                let (namespace, token) = lost.remove(0);
                                (namespace, token, AckError::Disconnected)
                            };
                            assert_eq!((namespace, token, error), expected, "seed {seed}");
                        }
                        None => break assert!(lost.is_empty() && soonest.is_none_or(|t| t > now)),
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
    }
}

/// As many attachments as a limit can be set to, and one more.
#[test]
fn attachments_at_and_over_the_limit() {
    for (limit, count, is_good) in [(64, 64, true), (255, 64, true), (255, 65, false), (0, 1, false), (10, 11, false)] {
        let mut io = Session::new(["/"], [AckSlot::EMPTY; 0], at(0)).with_limits(Limits::new().attachments(limit));
        let mut collector = Collector::new(vec![0; 1024]);
        io.handle_event(engineio::Event::Message(Message::Text(b"0"))).unwrap();
        io.accept(ROOT, Sid::from_random([1; 15]), &mut Out::stored(&mut [0; 64])).unwrap();
        let text = format!("5{count}-[\"x\",{{\"_placeholder\":true,\"num\":{}}}]", count - 1);
        let event = io.handle_event(engineio::Event::Message(Message::Text(text.as_bytes())));
        assert_eq!(event.is_ok(), is_good, "{limit} {count}");
        let Ok(event) = event else { continue };
        assert!(collector.collect(event).unwrap().is_none());
        for i in 0..count {
            let bytes = [i];
            let event = io.handle_event(engineio::Event::Message(Message::Binary(&bytes))).unwrap();
            let got = collector.collect(event).unwrap();
            assert_eq!(got.is_some(), i == count - 1);
            if let Some((Event::Event(e), files)) = got {
                let last = e.args().next().and_then(Placeholder::of).unwrap();
                assert!(e.uses(last));
                assert_eq!(files.get(last), Some(&[count - 1][..]));
            }
        }
    }
}
