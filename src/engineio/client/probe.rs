use super::Session;
use crate::{
    bytes::Capacity,
    engineio::{Client, Sink},
    time::Instant,
    ws,
};

/// The state of a probe.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// Waits for the server's answer, or for the requests in flight to end.
    Pending,
    /// The session uses the WebSocket. Go on with [`Session::advance`].
    Upgraded,
    /// The session goes on over polling. A close frame is owed by `ws`.
    Failed,
}

/// An upgrade from polling to a WebSocket that is open: `2probe`, `3probe`, a pause of polling, `5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {}

impl Probe {
    /// Begins after the answer to the handshake. The deadline is the session's open timeout, from `now`.
    pub fn begin(session: &mut Session, now: Instant) -> Self {
        todo!()
    }

    /// Handles what came over the WebSocket, and notices that polling has paused. While it pauses no GET and no POST begins; those in flight end.
    pub fn poll<S: AsMut<[u8]>>(
        &mut self,
        session: &mut Session,
        inbox: &mut ws::Inbox<S>,
        ws: &mut ws::Connection<Client>,
        now: Instant,
    ) -> Result<Probed, Capacity> {
        todo!()
    }

    /// Writes `2probe` or `5`. `Upgraded` is told by [`poll`](Self::poll) after `5` was written.
    pub fn poll_transmit<O: Sink<Client>>(&mut self, session: &mut Session, out: &mut O) -> Result<bool, Capacity> {
        todo!()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// The socket was lost, or the handshake refused. Polling goes on.
    pub fn fail(&mut self, session: &mut Session) {
        todo!()
    }
}
