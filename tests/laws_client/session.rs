//! The law of the session of Socket.IO.

use super::{NAMES, words::PACKETS};
use sansocket::{
    engineio::{self, Message},
    socketio::{
        AckSlot, Collector, ExpectAck, Namespace,
        client::{Event, Session, SocketSlot},
    },
    time::Instant,
    ws,
};
use std::collections::BTreeSet;

/// A session of Socket.IO under any calls, with a server that says anything: the same error for ever, each acknowledgement ends once, each namespace
/// is joined before it is left.
pub fn session(data: &[u8]) {
    let mut io = Session::new(NAMES, [AckSlot::EMPTY; 3], [SocketSlot::EMPTY; 2]);
    let mut collector = Collector::new(vec![0; 2000]);
    let (mut asked, mut requests, mut tokens, mut now) = (BTreeSet::new(), Vec::new(), 0, 0);
    let mut error = None;
    let mut rest = data;
    while let [op, arg, tail @ ..] = rest {
        rest = tail;
        let before = io.clone();
        let mut memory = [0; 200];
        let mut out = ws::Out::stored(&mut memory[..usize::from(*arg).min(200)]);
        let namespace = Namespace(u16::from(arg % 4));
        let refused = match op % 12 {
            n @ 0..=5 => {
                let (text, tail) = rest.split_at(rest.len().min(usize::from(*arg % 64)));
                let packet = PACKETS[usize::from(arg % 16)];
                let message = match n {
                    0..=2 if packet[0] == b'4' => Message::Text(&packet[1..]),
                    5 => Message::Binary(text),
                    _ => {
                        rest = tail;
                        Message::Text(text)
                    }
                };
                let result = io.handle_event(engineio::Event::Message(message));
                assert!(error.is_none_or(|e| result == Err(e)), "the same error for ever");
                error = result.err();
                if let Ok(event) = result {
                    if let Event::Event(packet) = event {
                        requests.extend(packet.ack);
                    }
                    if let Ok(Some((Event::Ack(ack), _))) = collector.collect(event) {
                        assert!(ack.token.is_none_or(|token| asked.remove(&token)), "an answer that nobody waits for");
                    }
                }
                false
            }
            6 => io.connect(namespace).is_err(),
            7 => {
                io.disconnect(namespace);
                false
            }
            8 => {
                let deadline = (arg & 4 != 0).then(|| Instant::from_millis(now + u64::from(*arg)));
                let result = io.emit(namespace, "e", &(1, "x"), Some(ExpectAck { token: tokens, deadline }), &mut out);
                if result.is_ok() {
                    asked.insert(tokens);
                    tokens += 1;
                }
                result.is_err()
            }
            9 => requests.pop().is_some_and(|request| io.ack(request, &"yes", &mut out).is_err()),
            10 => {
                let event = [engineio::Event::Opened, engineio::Event::Closed(engineio::Reason::TransportClose)];
                assert!(io.handle_event(event[usize::from(arg % 2)]).is_ok());
                error = error.filter(|_| arg % 2 == 1);
                false
            }
            _ => {
                now += u64::from(*arg);
                false
            }
        };
        if refused {
            assert!(out.is_empty() && before == io);
        }
        while let Ok(true) = io.poll_transmit(&mut out) {}
        let mut left = 0;
        while let Some(event) = io.handle_timeout(Instant::from_millis(now)) {
            match event {
                Event::AckFailed { token, .. } => assert!(asked.remove(&token), "it ends twice"),
                _ => left += 1,
            }
        }
        assert!(left <= 2 && io.poll_timeout().is_none_or(|due| due > Instant::from_millis(now)));
    }
}
