//! A Socket.IO client with everything that `ClientEnd` does: handshake, reconnection, acknowledgements both ways, a backlog.

use crate::host::{byte, hash, key, nonce, now, open, send, wait};
#[cfg(feature = "io-client-full")]
use sansocket::endpoint::client::FullLink as WholeLink;
#[cfg(not(feature = "io-client-full"))]
use sansocket::endpoint::client::WebSocketLink as WholeLink;
use sansocket::{
    endpoint::client::{ClientEnd, Config, Emit, Line, Memory, Step},
    socketio::{AckSlot, Collector, Namespace, client::Event, client::SocketSlot},
    ws::{Inbox, Outbox},
};

const ROOT: Namespace = Namespace(0);
const LINES: usize = if cfg!(feature = "io-client-full") { Line::COUNT } else { 1 };

pub fn path() {
    let Ok(config) = Config::parse_with(core::hint::black_box("ws://192.168.0.7:3000/"), hash) else { return };
    let memory = Memory { acks: [AckSlot::EMPTY; 2], sockets: [SocketSlot::EMPTY; 1], backlog: [0; 256] };
    let seed = u32::from(byte());
    let mut client = ClientEnd::new(WholeLink::new(&config), [config.namespace()], memory, seed);
    let mut inboxes = [const { Inbox::new([0; 512]) }; LINES];
    let mut outboxes = [(); LINES].map(|()| Outbox::with_keys([0; 256], key as fn() -> [u8; 4]));
    let mut files = Collector::new([0; 0]);
    let mut number = 0_u32;
    if client.connect(ROOT, now()).is_err() {
        return;
    }
    loop {
        let now = now();
        number = number.wrapping_add(1);
        if client.io().is_connected(ROOT) && number % 4 == 0 {
            let how = Emit::new().ask(number, Some(now.after_millis(10_000)));
            let _ = client.emit_with(ROOT, "reading", &(number, "unit"), how);
        }
        for (line, at) in Line::ALL.into_iter().zip(0..LINES) {
            let Some(inbox) = inboxes.get_mut(at) else { continue };
            loop {
                let step = match client.poll(line, inbox, &mut files, now) {
                    Ok(Step::Idle) => client.handle_timeout(now),
                    Ok(step) => step,
                    Err(_) => return,
                };
                match step {
                    Step::Idle => break,
                    Step::Open(line) => {
                        let at = line as usize;
                        // On this line or on another one.
                        if !open() {
                            client.handle_error(line, now);
                        } else if let (Some(inbox), Some(outbox)) = (inboxes.get_mut(at), outboxes.get_mut(at)) {
                            client.opened(line, inbox, outbox, nonce());
                        }
                        break;
                    }
                    Step::Close(line) => {
                        if let Some(outbox) = outboxes.get_mut(line as usize) {
                            send(outbox.written());
                        }
                    }
                    Step::Event(Event::Event(e), _) => {
                        let asked = e.args().next().and_then(|a| a.as_str());
                        let known = asked.is_some_and(|a| a.is("number?"));
                        if let Some(request) = e.ack.filter(|_| e.is("question")) {
                            let _ = client.ack(request, &(known, number));
                        }
                    }
                    Step::Event(Event::Ack(answer), _) => send(&answer.token.unwrap_or_default().to_le_bytes()),
                    Step::Failed { attempt, .. } => send(&attempt.to_le_bytes()),
                    Step::Over(_) => return,
                    Step::Again | Step::Auth(_) | Step::Event(..) => {}
                }
            }
        }
        for (line, at) in Line::ALL.into_iter().zip(0..LINES) {
            let (Some(inbox), Some(outbox)) = (inboxes.get_mut(at), outboxes.get_mut(at)) else { continue };
            if client.transmit(line, outbox, now).is_err() {
                return;
            }
            send(outbox.written());
            outbox.consume(usize::MAX);
            let Ok(space) = inbox.space() else { return };
            match wait(space, client.poll_timeout()) {
                None => {}
                Some(0) => client.handle_eof(line, now),
                Some(n) => inbox.commit(n),
            }
        }
    }
}
