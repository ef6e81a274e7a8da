//! The law of the session of Engine.IO: a server that says anything, over both transports.

use super::words::OPEN;
use sansocket::{
    engineio::{
        Event, Packets, Transport,
        client::{Config, Fault, Session},
    },
    time::Instant,
    ws::{Connection, Inbox, Limits, Outbox},
};

type Told = (Vec<String>, Option<Fault>);

const NOW: Instant = Instant::from_millis(0);

/// Nothing panics; the last event comes once; and however the bytes are cut, and however a body is read, the events are the same.
pub fn engine(data: &[u8]) {
    let whole = over_websocket(data, usize::MAX);
    assert_eq!(whole, over_websocket(data, 1));
    assert_eq!(whole, over_websocket(data, 5));
    assert_eq!(over_polling(data, false), over_polling(data, true));
}

fn note(told: &mut Vec<String>, event: Event<'_>) {
    assert!(!told.last().is_some_and(|last| last.starts_with("Closed")), "behind the last event");
    told.push(format!("{event:?}"));
}

fn over_websocket(data: &[u8], step: usize) -> Told {
    let mut session = Session::open(Transport::WebSocket, &Config::new(), NOW);
    let mut ws = Connection::client(Limits::new().message(500));
    let (mut inbox, mut told) = (Inbox::new(vec![0; 8]), Vec::new());
    let open = [&[0x81, OPEN.len() as u8], OPEN].concat();
    let bytes = [&open[..], data].concat();
    let mut rest = if data.first().is_some_and(|b| *b < 240) { &bytes[..] } else { data };
    while !rest.is_empty() {
        match inbox.space() {
            Ok(space) => {
                let n = space.len().min(rest.len()).min(step);
                space[..n].copy_from_slice(&rest[..n]);
                inbox.commit(n);
                rest = &rest[n..];
            }
            Err(e) => drop(inbox.replace(vec![0; e.needed.max(2 * e.available)]).unwrap()),
        }
        loop {
            match session.poll_event(&mut inbox, &mut ws, NOW) {
                Ok(Some(event)) => note(&mut told, event),
                Ok(None) => break,
                Err(e) => drop(inbox.replace(vec![0; e.needed]).unwrap()),
            }
        }
        let mut outbox = Outbox::with_keys([0; 512], || [1, 2, 3, 4]);
        while let Ok(true) = session.poll_transmit(&mut ws.out(&mut outbox)) {}
        if session.is_closed() {
            break;
        }
    }
    (told, session.fault())
}

fn over_polling(data: &[u8], by_parts: bool) -> Told {
    let mut session = Session::open(Transport::Polling, &Config::new(), NOW);
    let mut told = Vec::new();
    let first = if data.first().is_some_and(|b| *b < 240) { vec![OPEN] } else { vec![] };
    for body in first.into_iter().chain(data.split(|b| *b == 0xff)) {
        if session.is_closed() {
            break;
        }
        session.begin_get();
        let mut body = body.to_vec();
        if by_parts {
            let mut at = 0;
            while session.advance_body(&mut body, &mut at, NOW, |_| {}) {
                note(&mut told, session.take_body(&mut body, &mut at).expect("an event"));
            }
        } else {
            let mut packets = Packets::new(&mut body);
            while let Some(event) = session.poll_packets(&mut packets, NOW) {
                note(&mut told, event);
            }
        }
        session.end_get();
    }
    (told, session.fault())
}
