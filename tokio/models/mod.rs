//! Models: what threads share, under a checker that tries the orders in which they may run. `run` beside this file builds and runs them, `faults` shows
//! that each finds its planted fault.
//!
//! | model | law | what runs |
//! |---|---|---|
//! | [`outbox`] | whoever writes is woken for all that is appended, for an overflow and for the end | `server/outbox.rs` |
//! | [`turns`] | what somebody wants of a session is done by somebody, once | `Session::{work, receive, ask, close}` |
//! | [`rooms`] | nobody who left stays in a registry, or gets what was sent afterwards | `server/registry.rs`, `Socket::{connected, left}` |
//! | [`questions`] | of each socket that several were asked with, one thing is told, and then the end | `server/questions.rs`, `Registry::{ask, leave_all}` |
//! | [`seats`] | a namespace and its number are there as long as a client has a seat in it, and no longer | `server/space.rs` |

mod outbox;
mod questions;
mod rooms;
mod seats;
mod turns;

use super::{
    Config, Handshake, Socket,
    adapter::Memory,
    inner::Inner,
    serve::Received,
    session::{Kind, Session},
};
use sansocket::{
    endpoint::Input,
    engineio::Transport,
    ws::{Inbox, MayInflate},
};
use shuttle::{
    Runner,
    scheduler::{PctScheduler, RandomScheduler},
};
use std::sync::Arc;

/// Tries many orders, which are the same in each run: some by chance, some in which a few threads are stopped at bad moments.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let tries = std::env::var("TRIES").ok().and_then(|tries| tries.parse().ok()).unwrap_or(2000);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    // Sessions ask for it. None of its tasks runs.
    let _entered = runtime.enter();
    let model = Arc::new(model);
    let mut config = shuttle::Config::new();
    config.stack_size = 1 << 20;
    let random = model.clone();
    Runner::new(RandomScheduler::new_from_seed(7, tries), config.clone()).run(move || random());
    Runner::new(PctScheduler::new_from_seed(7, 3, tries), config).run(move || model());
}

/// A session over a WebSocket.
fn session(config: Config) -> Arc<Session> {
    let inner = Inner::new(config, Box::new(Memory));
    let opened = inner.open(Kind::SocketIo, Transport::WebSocket, Handshake::default(), None);
    opened.expect("a session")
}

/// Another session of the same server.
fn beside(session: &Session) -> Arc<Session> {
    let opened = session.inner.open(Kind::SocketIo, Transport::WebSocket, Handshake::default(), None);
    opened.expect("a session")
}

/// What a client sends: texts as frames.
fn inbox(texts: &[&str]) -> Inbox<Received> {
    let mut bytes = Vec::new();
    for text in texts {
        // Masked with zeros.
        bytes.extend([0x81, 0x80 | u8::try_from(text.len()).expect("short"), 0, 0, 0, 0]);
        bytes.extend(text.as_bytes());
    }
    let mut inbox = Inbox::new(MayInflate::new(vec![0; 256]));
    inbox.space().expect("memory")[..bytes.len()].copy_from_slice(&bytes);
    inbox.commit(bytes.len());
    inbox
}

/// Gives a session what its client sends.
fn receive(session: &Arc<Session>, texts: &[&str]) {
    let mut inbox = inbox(texts);
    shuttle::future::block_on(async { while session.receive(&mut Input::Socket(&mut inbox)).await {} });
}

/// The socket of a session whose client has joined the main namespace.
fn join(session: &Arc<Session>) -> Socket {
    receive(session, &["40"]);
    session.socket(sansocket::socketio::Namespace(0)).expect("joined")
}
