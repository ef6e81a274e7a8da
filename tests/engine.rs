//! Engine.IO sessions: how they begin and end, and what they say about it.

use sansocket::{
    engineio::{
        Event, Packets, Reason, Sid,
        server::{Config, Session},
    },
    time::Instant,
};

const fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn polling() -> Session {
    Session::open_polling(Sid::from_random([9; 15]), Config::new(), at(0))
}

/// Engine.IO server of Node: `onError("invalid heartbeat direction")`, which closes with `transport error`.
#[test]
fn a_clients_ping_is_a_transport_error() {
    let mut engine = polling();
    let mut body = *b"2";
    let mut packets = Packets::new(&mut body);
    assert_eq!(engine.poll_post(&mut packets, at(1)), Some(Event::Opened));
    assert_eq!(engine.poll_post(&mut packets, at(1)), Some(Event::Closed(Reason::TransportError)));
    assert_eq!(engine.poll_post(&mut packets, at(1)), None);
}

#[test]
fn a_session_that_ends_before_its_first_packet_is_opened_first() {
    type End = fn(&mut Session) -> Option<Event<'static>>;
    let ends: [(End, &str); 3] = [
        (
            |engine| {
                engine.begin_poll(at(1)).unwrap_err();
                engine.handle_timeout(at(1))
            },
            "two GETs",
        ),
        (
            |engine| {
                engine.handle_eof();
                engine.handle_timeout(at(1))
            },
            "end of the transport",
        ),
        (
            |engine| {
                engine.handle_timeout(at(25_000));
                engine.handle_timeout(at(45_000))
            },
            "no pong",
        ),
    ];
    for (end, what) in ends {
        let mut engine = polling();
        let mut events = vec![end(&mut engine)];
        while let Some(event) = engine.handle_timeout(at(50_000)) {
            events.push(Some(event));
        }
        assert!(matches!(events[..], [Some(Event::Opened), Some(Event::Closed(_))]), "{what}: {events:?}");
    }
}

#[test]
fn the_secret_id_is_never_printed() {
    let engine = polling();
    let secret = "CQkJCQkJCQkJCQkJCQkJ";
    assert!(!format!("{engine:?}").contains(secret), "{engine:?}");
}
