//! The turns of a session: who has one does what others want, too.

use super::{Config, check, join, receive, session};
use crate::{
    AskError,
    server::{Namespace, Reason},
};
use sansocket::endpoint::ServerLink;
use shuttle::{future::block_on, thread};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

/// Counts the ends of sockets.
fn count_ends(session: &Arc<super::Session>) -> Arc<AtomicUsize> {
    let ends = Arc::new(AtomicUsize::new(0));
    let main = Namespace::new(&session.inner, session.inner.spaces.main().clone());
    let counting = ends.clone();
    main.on_disconnect(move |_: super::Socket, _: Reason| {
        counting.fetch_add(1, SeqCst);
    });
    ends
}

#[test]
fn what_is_wanted_while_another_has_its_turn_is_done() {
    check(|| {
        let session = session(Config::new());
        let ends = count_ends(&session);
        let socket = join(&session);
        let working = [(); 2].map(|()| {
            let session = session.clone();
            thread::spawn(move || session.work())
        });
        let sending_away = {
            let (session, socket) = (session.clone(), socket.clone());
            thread::spawn(move || {
                socket.disconnect(false);
                session.work();
            })
        };
        for thread in working.into_iter().chain([sending_away]) {
            thread.join().expect("worked");
        }
        assert_eq!(ends.load(SeqCst), 1, "its handlers were called, once");
        assert_eq!(session.inner.counted.sockets.get(), 0);
    });
}

#[test]
fn what_is_wanted_while_bytes_are_handled_is_done() {
    check(|| {
        let session = session(Config::new());
        let ends = count_ends(&session);
        let socket = join(&session);
        let receiving = {
            let session = session.clone();
            thread::spawn(move || receive(&session, &["42[\"a\"]", "42[\"b\"]"]))
        };
        socket.disconnect(false);
        session.work();
        receiving.join().expect("received");
        assert_eq!(ends.load(SeqCst), 1);
    });
}

#[test]
fn the_end_is_told_once_however_many_see_it() {
    check(|| {
        let session = session(Config::new());
        let ends = count_ends(&session);
        let socket = join(&session);
        let ending = [0, 1, 2].map(|n| {
            let (session, socket) = (session.clone(), socket.clone());
            thread::spawn(move || match n {
                0 => socket.disconnect(true),
                1 => {
                    session.link(ServerLink::handle_error);
                    session.work();
                }
                _ => receive(&session, &["41"]),
            })
        });
        for thread in ending {
            thread.join().expect("ended");
        }
        session.link(ServerLink::handle_error);
        session.work();
        assert_eq!(ends.load(SeqCst), 1);
        let counted = &session.inner.counted;
        assert_eq!((counted.sockets.get(), counted.websocket.get()), (0, 0));
        assert!(session.inner.all_sessions().is_empty());
        assert_eq!(session.inner.spaces.main().registry.len(), 0);
    });
}

#[test]
fn a_question_is_answered_or_ends_with_its_session() {
    check(|| {
        let session = session(Config::new());
        let socket = join(&session);
        let ending = {
            let session = session.clone();
            thread::spawn(move || {
                session.link(ServerLink::handle_error);
                session.work();
            })
        };
        let answering = {
            let session = session.clone();
            // The id of the first question.
            thread::spawn(move || receive(&session, &["430[7]"]))
        };
        let asked = socket.ask_within::<u32>(Duration::from_secs(60), "sum", ());
        let answer = block_on(asked);
        assert!(
            matches!(answer, Ok(7) | Err(AskError::Disconnected | AskError::Emit(crate::EmitError::Disconnected))),
            "{answer:?}"
        );
        ending.join().expect("ended");
        answering.join().expect("answered");
    });
}
