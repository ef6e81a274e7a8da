//! What a link takes from the session and from the backlog, and in which order.

use super::backlog::{Backlog, Kind, Record};
use crate::{
    engineio::{self, Client, Sink, client::Source},
    socketio::{AckSlot, ExpectAck, Namespaces, SendError, client::Session, client::SocketSlot},
    time::Instant,
};

/// The packets that a client has to send.
pub(super) struct Waiting<'s, N, A, S, B> {
    pub io: &'s mut Session<N, A, S>,
    pub backlog: &'s mut Backlog<B>,
    pub now: Instant,
}

impl<N, A, S, B> Source for Waiting<'_, N, A, S, B>
where
    N: Namespaces,
    A: AsMut<[AckSlot]> + AsRef<[AckSlot]>,
    S: AsMut<[SocketSlot]> + AsRef<[SocketSlot]>,
    B: AsMut<[u8]> + AsRef<[u8]>,
{
    /// First the packets of namespaces that this client leaves, then CONNECT and DISCONNECT, then the events and answers of connected namespaces, then
    /// those with retries, as in the JavaScript client.
    fn forward<O: Sink<Client>>(&mut self, out: &mut O) -> Result<bool, engineio::SendError> {
        while let Some((at, record)) = self.backlog.first(Kind::Leaving) {
            if self.io.is_leaving(record.namespace) {
                return self.send(at, record, out);
            }
            // The server has ended the namespace meanwhile. It would close the connection for a packet of it.
            self.backlog.remove(at);
        }
        match self.io.poll_transmit(out) {
            Ok(false) => {}
            Ok(true) => return Ok(true),
            Err(SendError::Capacity(e)) => return Err(engineio::SendError::Capacity(e)),
            Err(SendError::Link(e)) => return Err(e),
            // The session itself chose what to write.
            Err(_) => return Ok(false),
        }
        if let Some((at, record)) = self.backlog.first(Kind::Auth) {
            return self.send(at, record, out);
        }
        let io = &mut *self.io;
        while let Some((at, record)) = self.backlog.next_ready(|namespace| io.is_connected(namespace)) {
            let Some(id) = record.id.map(u64::from) else { return self.send(at, record, out) };
            if io.is_expected(record.namespace, id) {
                self.backlog.write(at, &record, Some(id), out)?;
                io.mark_sent(record.namespace, id);
                self.backlog.remove(at);
                return Ok(true);
            }
            // Its deadline has passed.
            self.backlog.remove(at);
        }
        while let Some((at, record)) = self.backlog.next_retry(|namespace| io.is_connected(namespace)) {
            // A new id for each try, and its own deadline.
            let token = record.id.and_then(|id| io.forget(record.namespace, u64::from(id))).unwrap_or_default();
            let mut expect = |deadline| {
                let id = io.expect(record.namespace, ExpectAck { token, deadline }).ok();
                id.and_then(|id| u32::try_from(id).ok())
            };
            let Some(id) = expect(Some(self.now.after_millis(u64::from(record.timeout)))) else {
                self.backlog.remove(at);
                continue;
            };
            if let Err(e) = self.backlog.write(at, &record, Some(u64::from(id)), out) {
                // It waits on, without a deadline.
                io.forget(record.namespace, u64::from(id));
                let id = io.expect(record.namespace, ExpectAck { token, deadline: None });
                let id = id.ok().and_then(|id| u32::try_from(id).ok());
                self.backlog.set(at, Record { id, ..record });
                return Err(e);
            }
            io.mark_sent(record.namespace, u64::from(id));
            self.backlog.set(at, Record { kind: Kind::InFlight, id: Some(id), ..record });
            return Ok(true);
        }
        Ok(false)
    }
}

impl<N, A, S, B: AsMut<[u8]> + AsRef<[u8]>> Waiting<'_, N, A, S, B> {
    /// Writes a packet and removes it.
    fn send<O: Sink<Client>>(&mut self, at: usize, record: Record, out: &mut O) -> Result<bool, engineio::SendError> {
        self.backlog.write(at, &record, record.id.map(u64::from), out)?;
        self.backlog.remove(at);
        Ok(true)
    }
}
