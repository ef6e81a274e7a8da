//! Questions, and what becomes of them.

use super::{PLAIN, connected};
use crate::net::{DrivenIo, ROOT, World, tell};
use sansocket::{
    drive::AskError,
    endpoint::client::{Over, Step},
    socketio::AckError,
};

/// Asks, and drops the future at this point (0: never).
pub fn ask(world: &mut World, drop_at: usize, told: &mut Vec<String>) -> Option<Result<(), AskError>> {
    world.run(drop_at, async |client| {
        client.ask(ROOT, "ask", &7, 1000, |_, _| (), |step, _| told.extend(tell(&step))).await
    })
}

#[test]
fn a_question_is_answered() {
    let mut world = connected(PLAIN);
    world.serve(ROOT, "news", 5);
    let mut others = Vec::new();
    let answer = world.finish(async |client| {
        let other = |step: Step<'_>, _: &mut DrivenIo| others.extend(tell(&step));
        client.ask(ROOT, "ask", &7, 1000, |ack, _| ack.args().raw().to_vec(), other).await
    });
    assert_eq!(answer.unwrap(), b"7");
    assert_eq!(others, ["/ 5"]);
    assert_eq!(world.heard(), ["/ ?ask 7"]);
}

#[test]
fn a_question_ends_in_time() {
    let mut world = connected(PLAIN);
    world.net.borrow_mut().server.answers = false;
    let (mut told, start) = (Vec::new(), world.now());
    assert_eq!(ask(&mut world, 0, &mut told), Some(Err(AskError::Failed(AckError::TimedOut))));
    assert_eq!((told, world.now() - start), (vec![], 1000));
}

#[test]
fn a_question_fails_when_the_last_attempt_fails() {
    let mut world = connected(PLAIN);
    world.net.borrow_mut().server.refuses = Some(ROOT);
    world.net.borrow_mut().cut();
    world.wait(1, 0);
    let mut told = world.told();
    assert_eq!(ask(&mut world, 0, &mut told), Some(Err(AskError::Over(Over::Refused))));
    assert_eq!(told, ["failed Closed", "left / transport close", "opened", "refused /"]);
}

#[test]
fn a_question_fails_when_the_connection_is_lost_after_it_was_sent() {
    let mut world = connected(PLAIN);
    world.net.borrow_mut().server.answers = false;
    let net = world.net.clone();
    let mut told = Vec::new();
    let asked = world.finish(async |client| {
        let asking = client.ask(ROOT, "ask", &7, 1000, |_, _| (), |step, _| told.extend(tell(&step)));
        let mut asking = std::pin::pin!(asking);
        let mut polls = 0;
        std::future::poll_fn(move |cx| {
            polls += 1;
            if polls == 2 {
                net.borrow_mut().cut();
            }
            asking.as_mut().poll(cx)
        })
        .await
    });
    assert_eq!(asked, Err(AskError::Failed(AckError::Disconnected)));
    assert_eq!(told, ["failed Closed", "left / transport close"]);
}

#[test]
fn the_answer_to_a_dropped_question_is_not_told() {
    for drop_at in 1.. {
        let mut world = connected(PLAIN);
        let mut told = Vec::new();
        if ask(&mut world, drop_at, &mut told).is_some() {
            assert!(drop_at > 1);
            return;
        }
        world.wait(3000, 0);
        assert!(told.is_empty() && world.told().is_empty());
        // The next one has its own answer.
        world.net.borrow_mut().server.answers = true;
        assert_eq!(ask(&mut world, 0, &mut told), Some(Ok(())));
    }
}
