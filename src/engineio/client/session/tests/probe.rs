use super::*;

#[test]
fn a_probe_takes_nothing_but_its_answer() {
    // Steps: 0 before `2probe` was written, 1 after, 2 after `3probe` with a GET in progress.
    for step in 0..3 {
        for (what, wrong) in [
            ("another packet", frame(0x81, b"2")),
            ("a message", frame(0x81, b"4x")),
            ("another pong", frame(0x81, b"3probe2")),
            ("a short pong", frame(0x81, b"3")),
            ("bytes", frame(0x82, b"3probe")),
            ("no packet", frame(0x81, b"x")),
            ("a close frame", frame(0x88, b"")),
            ("a mistake", b"H".to_vec()),
            ("a large message", vec![0x81, 126, 255, 0]),
            ("the answer out of order", frame(0x81, b"3probe")),
            ("time", vec![]),
            ("the end of the session", vec![]),
            ("the end of the socket", vec![]),
        ] {
            if what == "the answer out of order" && step == 1 {
                continue;
            }
            let mut link = Link::open_polling();
            link.engine.begin_get();
            let mut probe = Probe::begin(&mut link.engine, at(0));
            assert!(!link.engine.can_upgrade());
            let mut outbox = Outbox::with_keys([0; 64], || [0; 4]);
            if step > 0 {
                while probe.poll_transmit(&mut link.engine, &mut link.ws.out(&mut outbox)).unwrap() {}
            }
            if step > 1 {
                let answer = frame(0x81, b"3probe");
                link.inbox.space().unwrap()[..8].copy_from_slice(&answer);
                link.inbox.commit(8);
                assert_eq!(probe.poll(&mut link.engine, &mut link.inbox, &mut link.ws, at(1)), Ok(Probed::Pending));
                assert!(link.engine.is_pausing && !link.engine.is_writable());
            }
            assert_eq!(link.engine.poll_request(true), (step < 2).then_some(Request::Post));
            link.inbox.space().unwrap()[..wrong.len()].copy_from_slice(&wrong);
            link.inbox.commit(wrong.len());
            let mut now = at(19_999);
            match what {
                "time" => now = at(20_000),
                "the end of the session" => link.engine.close(),
                "the end of the socket" => probe.fail(&mut link.engine),
                _ => {}
            }
            for _ in 0..2 {
                let probed = probe.poll(&mut link.engine, &mut link.inbox, &mut link.ws, now);
                assert_eq!(probed, Ok(Probed::Failed), "{what} {step}");
            }
            assert_eq!(probe.poll_timeout(), None);
            assert_eq!(probe.poll_transmit(&mut link.engine, &mut link.ws.out(&mut outbox)), Ok(false));
            assert!(link.ws.wants_transmit() && !link.engine.can_upgrade());
            assert_eq!(link.engine.transport(), Transport::Polling);
            assert_eq!(link.engine.poll_request(true), Some(Request::Post), "polling goes on");
            // A further one, while none is possible.
            assert_eq!(Probe::begin(&mut link.engine, at(0)).poll_timeout(), None);
        }
    }
}

#[test]
fn a_probe_ends_well_in_any_split_and_output() {
    for cut in 0..=8 {
        let mut link = Link::open_polling();
        link.engine.begin_get();
        assert_eq!(link.engine.begin_post(&mut Waiting::texts(&[1]), &mut [0; 9]), Ok(2));
        let mut probe = Probe::begin(&mut link.engine, at(0));
        assert_eq!(probe.poll_timeout(), Some(at(20_000)));
        let transmit = |link: &mut Link, probe: &mut Probe, size: usize| {
            let mut outbox = Outbox::with_keys(vec![0; size], || [0; 4]);
            let result = probe.poll_transmit(&mut link.engine, &mut link.ws.out(&mut outbox));
            result.map(|is_written| if is_written { outbox.written()[6..].to_vec() } else { vec![] })
        };
        for size in 0..12 {
            let before = (link.engine.clone(), probe.clone());
            let refused = transmit(&mut link, &mut probe, size);
            assert_eq!(refused, Err(Capacity { needed: 12, available: size }));
            assert_eq!((&link.engine, &probe), (&before.0, &before.1));
        }
        assert_eq!(transmit(&mut link, &mut probe, 12).unwrap(), b"2probe");
        let answer = frame(0x81, b"3probe");
        for piece in [&answer[..cut], &answer[cut..]] {
            link.inbox.space().unwrap()[..piece.len()].copy_from_slice(piece);
            link.inbox.commit(piece.len());
            assert_eq!(probe.poll(&mut link.engine, &mut link.inbox, &mut link.ws, at(1)), Ok(Probed::Pending));
        }
        assert_eq!(transmit(&mut link, &mut probe, 64).unwrap(), b"");
        // The GET brings a message and a ping, whose answer goes over the WebSocket then.
        link.body(b"4x\x1e2\x1e6", at(1));
        link.engine.end_get();
        assert_eq!((link.engine.poll_request(true), transmit(&mut link, &mut probe, 64).unwrap()), (None, vec![]));
        link.engine.end_post();
        assert_eq!(link.engine.poll_request(true), None);
        assert!(!link.engine.wants_transmit());
        assert!(transmit(&mut link, &mut probe, 6).is_err());
        assert_eq!(link.engine.transport(), Transport::Polling);
        assert_eq!(transmit(&mut link, &mut probe, 64).unwrap(), b"5");
        assert_eq!(probe.poll(&mut link.engine, &mut link.inbox, &mut link.ws, at(99_999)), Ok(Probed::Upgraded));
        assert!(link.engine.is_writable() && link.engine.poll_request(true).is_none());
        probe.fail(&mut link.engine);
        assert_eq!(probe.poll(&mut link.engine, &mut link.inbox, &mut link.ws, at(2)), Ok(Probed::Upgraded));
        link.feed(&frame(0x81, b"4y"), at(2));
        assert_eq!(link.told, ["Opened", "Message(Text([120]))", "Message(Text([121]))"]);
        assert_eq!(link.sent(), b"\x81\x81\0\0\0\x003");
        link.engine.close();
        assert_eq!(link.engine.poll_request(true), None, "the close frame says it");
    }
}
