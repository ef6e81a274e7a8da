//! Calls that are dropped, and lines that are cut, at each point.

use super::{PLAIN, connected, questions::ask};
use crate::{
    cancel::Script,
    net::{ROOT, World},
    support::Random,
};
use sansocket::socketio::ExpectAck;

/// Events in both directions, with questions. Returns what was told and heard.
fn scenario(script: Script, drop_at: usize) -> (Vec<String>, Vec<String>) {
    let mut world = World::new(script);
    world.client.connect(ROOT).unwrap();
    for i in 0..5 {
        world.io().emit(ROOT, "before", &i).unwrap();
    }
    world.wait(10, drop_at);
    for i in 0..20 {
        world.serve(ROOT, "news", i);
        world.net.borrow_mut().server.send(|io, out| {
            let expect = ExpectAck { token: i, deadline: None };
            let _ = io.emit(ROOT, "question", &i, Some(expect), out);
        });
        world.io().emit(ROOT, "after", &i).unwrap();
        world.wait(1, drop_at);
    }
    world.wait(60_000, drop_at);
    (world.told(), world.heard())
}

#[test]
fn every_await_point_may_be_the_last() {
    let expected = scenario(PLAIN, 0);
    assert_eq!((expected.0.len(), expected.1.len()), (42, 46));
    for script in [Script::Always(0, 1), Script::Always(1, 7), Script::Random(Random(1), 2, 40)] {
        for drop_at in 1..8 {
            assert_eq!(scenario(script.clone(), drop_at), expected, "{script:?} {drop_at}");
        }
    }
}

#[test]
fn a_cut_at_every_byte() {
    let mut most = 0;
    for at in 0.. {
        let mut world = World::new(PLAIN);
        world.client.connect(ROOT).unwrap();
        world.net.borrow_mut().cut_at = Some(at);
        for i in 0..5 {
            world.io().emit(ROOT, "n", &i).unwrap();
        }
        world.wait(3000, 0);
        let was_cut = world.net.borrow_mut().cut_at.take().is_none();
        world.io().emit(ROOT, "n", &5).unwrap();
        world.wait(10, 0);
        let heard = world.heard();
        let numbers: Vec<_> = heard.iter().filter(|t| t.starts_with("/ n")).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "in order, and none twice: {heard:?}");
        assert_eq!(*numbers[numbers.len() - 1], "/ n 5", "{at}");
        if !was_cut {
            assert_eq!(numbers.len(), 6);
            most = at;
            break;
        }
    }
    assert!(most > 500, "{most}");
}

#[test]
fn a_farewell_and_a_question_may_be_dropped_at_each_point() {
    for (script, drop_at) in [Script::Always(0, 1), Script::Always(1, 7), PLAIN]
        .into_iter()
        .flat_map(|s| (1..9).map(move |d| (s.clone(), d)))
    {
        let mut world = connected(script.clone());
        for i in 0..3 {
            world.io().emit(ROOT, "last", &i).unwrap();
        }
        while world.run(drop_at, async |client| client.io().flush().await.unwrap()).is_none() {}
        assert_eq!(world.heard(), ["/ last 0", "/ last 1", "/ last 2"]);
        world.io().emit(ROOT, "last", &3).unwrap();
        let mut told = Vec::new();
        let mut asked = 1;
        // A question that is dropped may have been sent.
        while ask(&mut world, drop_at, &mut told).is_none() {
            asked += 1;
            world.wait(100, 0);
            if asked == 20 {
                break;
            }
        }
        assert!(told.is_empty() && world.told().is_empty());
        let heard = world.heard();
        assert_eq!(heard[0], "/ last 3");
        assert!(heard.len() <= 1 + asked && heard[1..].iter().all(|h| h == "/ ?ask 7"), "{heard:?}");
        let mut left = None;
        for _ in 0..10_000 {
            left = world.run(drop_at, async |client| client.leave().await);
            if left.is_some() {
                break;
            }
        }
        assert_eq!(left, Some(true));
        assert_eq!(world.heard()[0], "disconnect /");
    }
}
