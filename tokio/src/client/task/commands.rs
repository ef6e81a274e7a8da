//! What the handles want.

use super::{
    End,
    told::{App, Waiter},
};
use crate::{
    EmitError,
    client::{
        ConnectError,
        shared::{Command, Question, Unanswered},
    },
};
use sansocket::{
    endpoint::{Grow, What, client::Emit},
    socketio::{AckSlot, Namespace, SendError, client::SocketSlot},
    time::Instant,
};
use std::time::Duration;

/// The most slots for acknowledgements that the core uses.
const ACKS: usize = 65_535;

/// Calls `send` until the machine has the memory for it. The handles have bounded what waits.
pub(super) fn send<'c, T>(
    end: &mut End<'c>,
    mut send: impl FnMut(&mut End<'c>) -> Result<T, SendError>,
) -> Result<T, EmitError> {
    let mut has_slots = true;
    loop {
        let error = match send(end) {
            Ok(sent) => return Ok(sent),
            Err(error) => error,
        };
        match Grow::of_client(&error) {
            Some(Grow { what: What::Acks, to }) if has_slots => {
                has_slots = to < ACKS;
                let _ = end.replace_acks(vec![AckSlot::EMPTY; to.clamp(8, ACKS)]);
            }
            Some(Grow { what: What::Backlog, to }) => drop(end.replace_backlog(vec![0; to.max(1024)])),
            _ => return Err(EmitError::of(error)),
        }
    }
}

impl App {
    pub(super) fn command(&mut self, end: &mut End<'_>, command: Command, now: Instant) {
        match command {
            Command::Emit { namespace, name, packet, how, cost } => {
                let sent = packet.with(|content| send(end, |end| end.emit_with(namespace, &name, content, how)));
                self.counted(end, cost);
                if let Err(error) = sent {
                    tracing::warn!(event = &*name, "not sent: {error}");
                }
            }
            Command::Ask(question) => self.ask(end, question, now),
            Command::Acknowledge { request, packet, cost } => {
                let sent = packet.with(|content| send(end, |end| end.ack(request, content)));
                self.counted(end, cost);
                if let Err(error) = sent {
                    // The server does not wait for it any more.
                    tracing::debug!("not acknowledged: {error}");
                }
            }
            Command::Connect(namespace) => self.connect(end, namespace, now),
            Command::Wait { namespace, patience, reply } => {
                if end.io().is_connected(namespace) {
                    let _ = reply.send(Ok(()));
                } else if let Some(error) = self.down.get(&namespace.0) {
                    let _ = reply.send(Err(error.clone()));
                } else if !end.io().is_wanted(namespace) {
                    let _ = reply.send(Err(ConnectError::Closed));
                } else {
                    // Those who have given up.
                    self.waiters.retain(|waiter| !waiter.reply.is_closed());
                    self.waiters.push(Waiter { namespace, patience, reply });
                }
            }
            Command::Disconnect { namespace, reply } => {
                match namespace {
                    Some(namespace) => {
                        end.disconnect(namespace);
                        self.is_down(namespace, ConnectError::Closed);
                    }
                    None => self.close(end),
                }
                self.leavers.push(reply);
            }
            Command::End => {
                self.is_ending = true;
                self.close(end);
            }
        }
    }

    /// Leaves all namespaces.
    pub(super) fn close(&mut self, end: &mut End<'_>) {
        let wanted: Vec<Namespace> = end.io().namespaces().collect();
        end.close();
        for namespace in wanted {
            self.is_down(namespace, ConnectError::Closed);
        }
    }

    fn connect(&mut self, end: &mut End<'_>, namespace: Namespace, now: Instant) {
        if self.is_ending {
            return;
        }
        while let Err(missing) = end.connect(namespace, now) {
            let _ = end.replace_sockets(vec![SocketSlot::EMPTY; Grow::of_sockets(&missing).to]);
        }
        // All that are wanted are joined, also those of an earlier connection that was given up.
        let io = end.io();
        self.down.retain(|number, _| !io.is_wanted(Namespace(*number)));
    }

    fn ask(&mut self, end: &mut End<'_>, question: Question, now: Instant) {
        let Question { namespace, name, packet, timeout, retries, cost, reply } = question;
        if reply.is_closed() {
            // Whoever asked has given up.
            return self.counted(end, cost);
        }
        let token = self.next_token();
        let deadline = timeout.map(|time| now.after_millis(millis(time)));
        let mut how = Emit::new().ask(token, deadline);
        if retries > 0 {
            how = how.retry(retries, timeout.map_or(u32::MAX, |time| u32::try_from(millis(time)).unwrap_or(u32::MAX)));
        }
        let sent = packet.with(|content| send(end, |end| end.emit_with(namespace, &name, content, how)));
        self.counted(end, cost);
        match sent {
            Ok(_) => drop(self.asks.insert(token, reply)),
            Err(error) => drop(reply.send(Err(Unanswered::NotSent(error)))),
        }
    }

    /// A packet has left the channel.
    fn counted(&mut self, end: &End<'_>, cost: usize) {
        self.shared.set_held(end.held());
        self.shared.taken(cost);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
