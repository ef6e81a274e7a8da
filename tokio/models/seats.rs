//! Namespaces that are made for the names that clients ask for.

use super::check;
use crate::server::space::Spaces;
use sansocket::socketio::Namespace;
use shuttle::thread;
use std::sync::Arc;

#[test]
fn a_namespace_is_there_as_long_as_it_has_a_client() {
    check(|| {
        let spaces = Arc::new(Spaces::new(2));
        spaces.add_pattern(Arc::new(|_| true));
        let clients = ["/a", "/a", "/b"].map(|name| {
            let spaces = spaces.clone();
            thread::spawn(move || {
                let (Namespace(number), seat) = spaces.resolve(name.as_bytes()).expect("a seat");
                assert_eq!(&*seat.space().name, name);
                assert_eq!(spaces.name(Namespace(number)).as_deref(), Some(name), "its number is its own");
                let same = spaces.get(name).expect("it is there");
                assert!(Arc::ptr_eq(&same, seat.space()), "all its clients are in one namespace");
                drop(seat);
            })
        });
        for client in clients {
            client.join().expect("left");
        }
        assert!(spaces.get("/a").is_none() && spaces.get("/b").is_none(), "nobody is in them");
        assert!(spaces.name(Namespace(1)).is_none() && spaces.name(Namespace(2)).is_none());
        // Both places are free.
        let seats = ["/c", "/d"].map(|name| spaces.resolve(name.as_bytes()).expect("a seat"));
        assert!(spaces.resolve(b"/e").is_none());
        drop(seats);
    });
}

#[test]
fn what_the_application_asks_for_stays() {
    check(|| {
        let spaces = Arc::new(Spaces::new(1));
        spaces.add_pattern(Arc::new(|_| true));
        let client = {
            let spaces = spaces.clone();
            thread::spawn(move || drop(spaces.resolve(b"/a").expect("a seat")))
        };
        let asked_for = spaces.of("/a");
        client.join().expect("left");
        let (_, seat) = spaces.resolve(b"/a").expect("a seat");
        assert!(Arc::ptr_eq(&asked_for, seat.space()));
        assert!(spaces.resolve(b"/b").is_some(), "it is not counted among those that were made");
    });
}
