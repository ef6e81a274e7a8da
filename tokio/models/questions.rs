//! Questions to several sockets.

use super::{Config, Socket, beside, check, join, session};
use crate::{
    AskError,
    args::Raw,
    server::adapter::{Reply, Selection, replies},
};
use bytes::Bytes;
use sansocket::{
    socketio::{Flags, Reason},
    time::Instant,
};
use shuttle::{future::block_on, thread};

const ID: u64 = 1 << 30;

#[test]
fn of_each_socket_one_thing_is_told() {
    check(|| {
        let first = session(Config::new());
        let answers = join(&first);
        let second = beside(&first);
        let space = first.inner.spaces.main().clone();
        let leaves = join(&second);

        let (sender, mut receiver) = replies();
        let threads = [0, 1, 2, 3].map(|n| {
            let (answers, leaves, space, sender) = (answers.clone(), leaves.clone(), space.clone(), sender.clone());
            thread::spawn(move || match n {
                0 => {
                    let frames = Bytes::from_static(b"?").into();
                    let share = |socket: &Socket| {
                        let _ = socket.share(&frames, Flags::NONE);
                    };
                    let until = Instant::from_millis(60_000);
                    drop(space.registry.ask(&Selection::default(), ID, until, &sender, share));
                }
                1 => space.registry.answered(&answers, ID, Raw::default),
                2 => {
                    drop(sender);
                    leaves.left(Reason::ClientNamespaceDisconnect);
                }
                _ => space.registry.answered(&leaves, ID, Raw::default),
            })
        });
        drop(sender);
        for thread in threads {
            thread.join().expect("done");
        }
        // The one answers at last, if it did so too early before; the time of the question is over.
        space.registry.answered(&answers, ID, Raw::default);
        if receiver.expected() == 2 {
            space.registry.end_question(ID);
        }
        let told: Vec<Reply> = block_on(async {
            let mut told = Vec::new();
            while let Some(reply) = receiver.next().await {
                told.push(reply);
            }
            told
        });
        assert_eq!(told.len(), receiver.expected());
        for reply in &told {
            let is_first = reply.socket == Some(answers.id());
            assert!(if is_first { reply.result.is_ok() } else { !matches!(reply.result, Err(AskError::TimedOut)) });
        }
    });
}

#[test]
fn a_number_is_not_used_again_before_its_question_is_settled() {
    check(|| {
        let first = session(Config::new());
        let leaves = join(&first);
        let space = first.inner.spaces.main().clone();
        let second = beside(&first);
        let comes = Socket::new(
            &second,
            first.inner.spaces.resolve(b"/").expect("the main namespace").1,
            sansocket::socketio::Namespace(0),
            b"{}",
        );

        let leaving = {
            let leaves = leaves.clone();
            thread::spawn(move || leaves.left(Reason::ClientNamespaceDisconnect))
        };
        let (sender, mut receiver) = replies();
        let asking = {
            let (comes, space) = (comes.clone(), space.clone());
            thread::spawn(move || {
                comes.accepted();
                comes.enter_registry();
                let selection = Selection { rooms: vec![comes.id().to_string()], ..Selection::default() };
                drop(space.registry.ask(&selection, ID, Instant::from_millis(60_000), &sender, |_| ()));
            })
        };
        leaving.join().expect("left");
        asking.join().expect("asked");
        space.registry.answered(&comes, ID, Raw::default);
        let told = block_on(receiver.next()).expect("told");
        assert!(told.socket == Some(comes.id()) && told.result.is_ok(), "the end of another was taken for its own");
    });
}
