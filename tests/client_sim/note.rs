//! What the client's application learns.

use crate::{app::number_of, ledger::Ledger, trace};
use sansocket::{
    endpoint::client::{Line, Over, Step},
    socketio::{AckRequest, Namespace, Reason, client::Event},
};

/// What is left to do of a step.
pub enum Todo {
    Nothing,
    Open(Line),
    Close(Line),
    Auth(Namespace),
    Over(Over),
}

/// What the application learns from a step.
pub fn note(
    step: Step<'_>,
    sockets: &mut [Option<usize>; 3],
    last: &mut [Option<usize>; 3],
    requests: &mut Vec<(AckRequest, Namespace, usize, u32)>,
    ledger: &mut Ledger,
) -> Todo {
    let at = |namespace: Namespace| usize::from(namespace.0);
    trace!("client: {step:?}");
    match step {
        Step::Open(line) => return Todo::Open(line),
        Step::Close(line) => return Todo::Close(line),
        Step::Auth(namespace) => return Todo::Auth(namespace),
        Step::Over(why) => return Todo::Over(why),
        Step::Event(Event::Connected { namespace, sid, .. }, _) => {
            assert_eq!(sockets[at(namespace)], None, "left before it is joined");
            let socket = ledger.find(sid.as_plain().unwrap());
            (sockets[at(namespace)], last[at(namespace)]) = (Some(socket), Some(socket));
            ledger.counts[0] += 1;
        }
        Step::Event(Event::Disconnected { namespace, reason }, _) => {
            // It may have asked anew when the server's packet came.
            let is_left = sockets[at(namespace)].take().is_some() || reason == Reason::ServerDisconnect;
            assert!(is_left, "joined before it is left");
        }
        Step::Event(Event::Event(e), files) => {
            assert!(e.is("s"));
            let number = number_of(e.args(), files);
            // Before the answer to CONNECT come events of the connection that this client has left, as in JavaScript.
            let Some(socket) = sockets[at(e.namespace)] else { return Todo::Nothing };
            ledger.receive(socket, number);
            requests.extend(e.ack.map(|request| (request, e.namespace, socket, number)));
        }
        Step::Event(Event::Ack(ack), files) => {
            let args = number_of(ack.args(), files);
            if let Some(token) = ack.token {
                ledger.answer(token, args);
            }
        }
        Step::Event(Event::AckFailed { token, error, .. }, _) => ledger.fail(token, error),
        Step::Failed { .. } => ledger.counts[7] += 1,
        Step::Event(Event::Opened | Event::Refused { .. }, _) | Step::Again => {}
        step => panic!("{step:?}"),
    }
    Todo::Nothing
}
