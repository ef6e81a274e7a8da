//! Who enters, leaves, and gets what is sent to rooms.

use super::{Config, check, join, session};
use crate::server::{adapter::Selection, space::Seat};
use bytes::Bytes;
use sansocket::socketio::{Flags, Namespace, Reason};
use shuttle::thread;

fn seat(session: &super::Session) -> Seat {
    session.inner.spaces.resolve(b"/").expect("the main namespace").1
}

#[test]
fn who_is_gone_before_it_is_in_stays_out() {
    check(|| {
        let session = session(Config::new());
        let socket = super::Socket::new(&session, seat(&session), Namespace(0), b"{}");
        socket.accepted();
        let entering = {
            let socket = socket.clone();
            thread::spawn(move || socket.enter_registry())
        };
        socket.left(Reason::ClientNamespaceDisconnect);
        entering.join().expect("entered");
        assert_eq!(session.inner.spaces.main().registry.len(), 0);
        assert_eq!(session.inner.counted.sockets.get(), 0);
        assert!(!socket.join("room") && socket.rooms().is_empty());
    });
}

#[test]
fn nothing_comes_to_who_has_left_a_room() {
    check(|| {
        let session = session(Config::new());
        let socket = join(&session);
        assert!(socket.join("room"));
        let sending = {
            let session = session.clone();
            thread::spawn(move || {
                let selection = Selection { rooms: vec!["room".into()], ..Selection::default() };
                let frames = Bytes::from_static(b"news").into();
                let registry = &session.inner.spaces.main().registry;
                registry.for_each(&selection, |socket| {
                    let _ = socket.share(&frames, Flags::NONE);
                });
            })
        };
        assert!(socket.leave("room"));
        let waiting = session.outbox.waiting();
        sending.join().expect("sent");
        assert_eq!(session.outbox.waiting(), waiting, "it was sent before it left, or not at all");
    });
}

#[test]
fn rooms_are_changed_by_many_at_once() {
    check(|| {
        let session = session(Config::new());
        let socket = join(&session);
        let changing = [0, 1, 2].map(|n| {
            let socket = socket.clone();
            thread::spawn(move || match n {
                0 => drop((socket.join("a"), socket.leave("a"))),
                1 => socket.space().registry.join_selected(&Selection::default(), "b", 10, 10),
                _ => socket.left(Reason::ClientNamespaceDisconnect),
            })
        });
        for thread in changing {
            thread.join().expect("changed");
        }
        let registry = &session.inner.spaces.main().registry;
        assert_eq!((registry.len(), registry.count("a"), registry.count("b")), (0, 0, 0));
    });
}
