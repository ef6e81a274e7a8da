//! Packets that wait: volatile ones, deadlines, retries, a full backlog.

use super::{
    even,
    world::{B, ROOT, at, with_backlog, world},
};
use sansocket::{
    Capacity,
    endpoint::{
        Grow, What,
        client::{Emit, Step, WhenFull},
    },
    socketio::{Attachments, Binary, Placeholder, SendError, client::Event},
};

#[test]
fn a_volatile_event_is_sent_now_or_never() {
    let mut w = world(even());
    let volatile = Emit::new().volatile();
    w.client.connect(ROOT, at(0)).unwrap();
    assert_eq!(w.client.emit_with(ROOT, "early", &(), volatile), Ok(false));
    w.turn();
    assert_eq!(w.client.emit_with(B, "not joined", &(), volatile), Ok(false));
    assert_eq!(w.client.emit_with(ROOT, "now", &(), volatile), Ok(true));
    assert_eq!(w.client.emit_with(ROOT, "behind", &(), volatile), Ok(false));
    w.turn();
    assert_eq!(w.heard(), ["connect /", "/ now"]);
    // It does not outlive its stay in the namespace.
    w.told();
    w.client.emit_with(ROOT, "lost", &(), volatile.ask(6, None)).unwrap();
    w.raw(b"\x81\x0241");
    assert_eq!(w.told()[..2], ["left / io server disconnect", "no ack 6 Disconnected"]);
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    w.heard();
    // Nor the connection.
    w.told();
    w.client.emit_with(ROOT, "lost", &(), volatile.ask(7, None)).unwrap();
    w.cut();
    assert_eq!(w.told()[2..], ["no ack 7 Disconnected"]);
    w.wait(1000);
    assert_eq!((w.heard(), w.client.held()), (vec!["connect /".into()], 0));
}

#[test]
fn a_deadline_that_passes_while_the_event_waits() {
    let mut w = world(even());
    w.is_reachable = false;
    w.client.connect(ROOT, at(0)).unwrap();
    for (token, deadline) in [(1, 500), (2, 5000)] {
        w.client.emit_with(ROOT, "x", &token, Emit::new().ask(token, Some(at(deadline)))).unwrap();
    }
    w.run(600);
    assert_eq!(w.told(), ["failed Unreachable 0 Some(1000)", "no ack 1 TimedOut"]);
    w.is_reachable = true;
    w.run(1000);
    assert_eq!(w.told(), ["opened", "connected /", "ack Some(2) 2"]);
    assert_eq!(w.heard(), ["connect /", "/ ?x 2"]);
}

#[test]
fn an_event_whose_deadline_has_passed_makes_room() {
    let mut w = with_backlog(even(), 64);
    w.is_reachable = false;
    w.client.connect(ROOT, at(0)).unwrap();
    w.client.emit_with(ROOT, "1234567890", &(), Emit::new().ask(1, Some(at(500)))).unwrap();
    assert!(w.client.emit(ROOT, "1234567890", &()).is_err());
    w.run(500);
    assert_eq!(w.client.emit(ROOT, "1234567890", &()), Ok(()));
}

#[test]
fn an_event_whose_deadline_has_passed_is_not_sent_before_a_disconnect() {
    let mut w = world(even());
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    w.client.emit_with(ROOT, "late", &(), Emit::new().ask(1, Some(at(500)))).unwrap();
    w.client.emit_with(ROOT, "last", &(), Emit::new()).unwrap();
    w.now = 600;
    let failed = w.client.handle_timeout(at(600));
    assert!(matches!(failed, Step::Event(Event::AckFailed { token: 1, .. }, _)), "{failed:?}");
    w.client.disconnect(ROOT);
    w.turn();
    assert_eq!(w.heard(), ["connect /", "/ last", "disconnect /", "closed transport close"]);
}

#[test]
fn what_was_sent_is_lost_with_the_connection_and_what_waits_is_not() {
    let mut w = world(even());
    w.server.answers = false;
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    w.client.emit_with(ROOT, "sent", &(), Emit::new().ask(1, None)).unwrap();
    w.turn();
    w.client.emit_with(ROOT, "waits", &(), Emit::new().ask(2, None)).unwrap();
    w.told();
    w.cut();
    assert_eq!(w.told(), ["failed Lost 0 Some(1000)", "left / transport error", "no ack 1 Disconnected"]);
    w.heard();
    w.server.answers = true;
    w.wait(1000);
    assert_eq!(w.heard(), ["connect /", "/ ?waits"]);
    assert_eq!(w.told()[2..], ["ack Some(2) "]);
}

#[test]
fn retries_of_a_server_that_swallows() {
    let mut w = world(even());
    w.server.answers = false;
    w.client.connect(ROOT, at(0)).unwrap();
    let how = |token| Emit::new().ask(token, None).retry(2, 100);
    w.client.emit_with(ROOT, "a", &1, how(1)).unwrap();
    w.client.emit_with(ROOT, "b", &2, how(2)).unwrap();
    w.client.emit(ROOT, "other", &()).unwrap();
    w.run(250);
    assert_eq!(w.heard(), ["connect /", "/ other", "/ ?a 1", "/ ?a 1", "/ ?a 1"]);
    assert_eq!(w.told(), ["opened", "connected /"]);
    w.run(300);
    assert_eq!((w.told(), w.heard()), (vec!["no ack 1 TimedOut".into()], vec!["/ ?b 2".into()]));
    w.server.answers = true;
    w.run(400);
    assert_eq!((w.told(), w.heard()), (vec!["ack Some(2) 2".into()], vec!["/ ?b 2".into()]));
    w.run(10_000);
    assert_eq!((w.told().len(), w.heard().len(), w.client.held()), (0, 0, 0));
}

#[test]
fn retries_over_connections() {
    let mut w = world(even());
    w.server.answers = false;
    w.client.connect(ROOT, at(0)).unwrap();
    // Nobody waits for it.
    w.client.emit_with(ROOT, "a", &(), Emit::new().retry(2, 60_000)).unwrap();
    w.client.emit_with(ROOT, "b", &(), Emit::new().ask(3, None).retry(0, 60_000)).unwrap();
    w.turn();
    w.cut();
    w.wait(1000);
    w.cut();
    w.wait(1000);
    assert_eq!(w.heard(), ["connect /", "/ ?a", "connect /", "/ ?a", "connect /", "/ ?a"]);
    w.cut();
    w.wait(1000);
    assert_eq!(w.heard(), ["connect /", "/ ?b"]);
    w.told();
    w.cut();
    assert_eq!(w.told()[2..], ["no ack 3 Disconnected"]);
    w.server.answers = true;
    w.client.emit_with(ROOT, "c", &(), Emit::new().retry(0, 60_000)).unwrap();
    w.wait(1000);
    assert_eq!((w.told()[2..].to_vec(), w.client.held()), (vec![String::from("ack None ")], 0));
}

#[test]
fn a_full_backlog_refuses_with_the_exact_need() {
    let mut w = with_backlog(even(), 100);
    w.client.emit(ROOT, "12345", &()).unwrap();
    w.client.emit(ROOT, "12345", &()).unwrap();
    w.client.emit(ROOT, "12345", &()).unwrap();
    let held = w.client.held();
    let error = w.client.emit(ROOT, "12345", &()).unwrap_err();
    assert_eq!(error, SendError::Capacity(Capacity { needed: held / 3 * 4, available: 100 }));
    assert_eq!((w.client.held(), Grow::of_client(&error)), (held, Some(Grow { what: What::Backlog, to: 200 })));
    assert!(w.client.replace_backlog(vec![0; held - 1]).is_err());
    let _ = w.client.replace_backlog(vec![0; held / 3 * 4]).unwrap();
    w.client.emit(ROOT, "12345", &()).unwrap();
    w.client.connect(ROOT, at(0)).unwrap();
    w.turn();
    assert_eq!(w.heard().len(), 5);
}

#[test]
fn a_full_backlog_drops_the_oldest_or_the_newest() {
    for policy in [WhenFull::DropOldest, WhenFull::DropNewest] {
        let mut w = with_backlog(even(), 100).map(|client| client.with_when_full(policy));
        let mut pushed = Vec::new();
        for i in 1..=4 {
            pushed.push(w.client.emit_with(ROOT, "x", &(i, "12345"), Emit::new().ask(i, None)).unwrap());
            // A dropped one that is not told yet keeps its 16 bytes.
            while let Step::Event(Event::AckFailed { token, error, .. }, _) = w.client.handle_timeout(at(0)) {
                w.told.push(format!("no ack {token} {error:?}"));
            }
        }
        let too_large = w.client.emit(ROOT, "x", &"7".repeat(100).as_str());
        assert!(matches!(too_large, Err(SendError::Capacity(_))), "{too_large:?}");
        w.client.connect(ROOT, at(0)).unwrap();
        w.turn();
        let heard = w.heard();
        let told = w.told();
        if policy == WhenFull::DropOldest {
            assert_eq!(pushed, [true; 4]);
            assert_eq!(told[..2], ["no ack 1 Dropped", "no ack 2 Dropped"]);
            assert_eq!(heard, ["connect /", "/ ?x 3,\"12345\"", "/ ?x 4,\"12345\""]);
        } else {
            assert_eq!(pushed, [true, true, false, false]);
            assert_eq!(heard, ["connect /", "/ ?x 1,\"12345\"", "/ ?x 2,\"12345\""]);
            assert_eq!(told[2..], ["ack Some(1) 1,\"12345\"", "ack Some(2) 2,\"12345\""]);
        }
    }
}

#[test]
fn attachments_wait_with_their_packet() {
    let mut w = world(even());
    let files: [&[u8]; 2] = [b"abc", &[0; 300]];
    let content = Binary((1, Placeholder(0), Placeholder(1)), Attachments::from(&files[..]));
    w.client.emit_with(B, "files", &content, Emit::new().ask(1, None).retry(1, 1000)).unwrap();
    w.client.connect(B, at(0)).unwrap();
    w.turn();
    let placeholder = |n| format!("{{\"_placeholder\":true,\"num\":{n}}}");
    assert_eq!(
        w.heard(),
        ["connect /b".into(), format!("/b ?files 1,{},{} file file", placeholder(0), placeholder(1))]
    );
    assert_eq!(w.client.held(), 0);
}

#[test]
fn an_answer_with_attachments_counts_when_all_have_arrived() {
    for (is_cut, sends) in [(false, 1), (true, 2)] {
        let mut w = world(even());
        w.server.answers = false;
        w.client.connect(ROOT, at(0)).unwrap();
        w.client.emit_with(ROOT, "a", &(), Emit::new().ask(1, None).retry(3, 60_000)).unwrap();
        w.turn();
        w.told();
        let (id, files) = ("61-1[{\"_placeholder\":true,\"num\":0}]", b"\x82\x01x");
        w.text(&format!("4{id}"));
        assert!(w.client.held() > 0, "not yet");
        if is_cut {
            w.cut();
            w.server.answers = true;
            w.wait(1000);
        } else {
            w.raw(files);
            assert_eq!(w.told().len(), 1);
        }
        assert_eq!(w.client.held(), 0);
        assert_eq!(w.heard().iter().filter(|h| h.ends_with("?a")).count(), sends);
    }
}
