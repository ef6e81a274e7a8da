//! Engine.IO sessions: how they begin and end, and what they say about it.

use sansocket::{
    engineio::{
        Event, Packets, Reason, Sid,
        server::{Config, PollError, Session},
    },
    time::Instant,
    ws::{self, Out},
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

/// The open packet is in front of all others, whatever has come before it was written, and though each message is answered at once.
#[test]
fn nothing_goes_ahead_of_the_open_packet() {
    let mut engine = Session::open(Sid::from_random([9; 15]), Config::new(), at(0));
    let (mut ws, mut inbox) = (ws::Connection::server(ws::Limits::new()), ws::Inbox::new([0; 64]));
    let frame = b"\x81\x83\0\0\0\x004hi";
    inbox.space().unwrap()[..frame.len()].copy_from_slice(frame);
    inbox.commit(frame.len());
    let (mut memory, mut opened) = ([0; 256], 0);
    let mut out = ws.out(&mut memory);
    for _ in 0..2 {
        while let Some(event) = engine.poll_event(&mut inbox, &mut ws, at(0)).unwrap() {
            match event {
                Event::Message(message) => engine.send(message, &mut out).unwrap(),
                _ => opened += 1,
            }
        }
        while engine.poll_transmit(&mut out).unwrap() {}
    }
    assert!(out.written()[2..].starts_with(b"0{\"sid\"") && out.written().ends_with(b"\x81\x034hi"));
    assert_eq!(opened, 1);

    // Over polling who posts before the first GET was answered has guessed the id.
    let mut engine = polling();
    assert_eq!(engine.begin_post(), Err(PollError::Unopened));
    let mut out = Out::stored(&mut memory);
    while engine.poll_transmit(&mut out).unwrap() {}
    assert!(!engine.is_closed() && out.written()[2..].starts_with(b"0{"));
    assert_eq!(engine.begin_post(), Ok(()));
}

/// A WebSocket that is closed before the open packet was written takes no packet any more: its end is told, and does not wait for that packet.
#[test]
fn a_close_ahead_of_the_open_packet_is_told() {
    let mut engine = Session::open(Sid::from_random([9; 15]), Config::new(), at(0));
    let (mut ws, mut inbox) = (ws::Connection::server(ws::Limits::new()), ws::Inbox::new([0; 64]));
    ws.close(ws::CloseCode::GOING_AWAY, "").unwrap();
    let mut memory = [0; 256];
    let mut out = ws.out(&mut memory);
    while engine.poll_transmit(&mut out).unwrap() || ws.poll_transmit(&mut out).unwrap() {}
    assert_eq!(out.written(), b"\x88\x02\x03\xe9");
    let frame = b"\x88\x82\0\0\0\0\x03\xe9";
    inbox.space().unwrap()[..frame.len()].copy_from_slice(frame);
    inbox.commit(frame.len());
    assert_eq!(engine.poll_event(&mut inbox, &mut ws, at(0)), Ok(Some(Event::Opened)));
    assert_eq!(engine.poll_event(&mut inbox, &mut ws, at(0)), Ok(Some(Event::Closed(Reason::TransportClose))));
    assert_eq!(engine.poll_event(&mut inbox, &mut ws, at(0)), Ok(None));
    assert!(ws.is_closed() && !engine.wants_transmit());
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
