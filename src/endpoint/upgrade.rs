use super::{Grow, ServerLink, What};
use crate::{
    engineio::server::{Probe, Probed},
    time::Instant,
    ws::{CloseCode, Connection, Inbox, Limits, Out, Server},
};

/// Bytes of the longest packet of a probe, as a frame.
const LONGEST: usize = 64;

/// A WebSocket that a session over polling may move to. In a loop: [`poll`](Self::poll), [`transmit`](Self::transmit) until 0, read; until it is no longer
/// [`Probed::Pending`].
///
/// After [`Probed::Upgraded`] and the last `transmit` the link has the WebSocket: the queue goes out over its socket. After [`Probed::Failed`] write
/// what `transmit` gives and close the socket; the session goes on over polling. A host that loses the socket calls [`fail`](Self::fail); if it does not,
/// the link gives up the move at its deadline.
#[derive(Clone, Debug)]
pub struct Upgrade {
    ws: Connection<Server>,
    probe: Option<Probe>,
    deadline: Option<Instant>,
    probed: Probed,
}

impl Upgrade {
    /// Begins, after the answer that opens the WebSocket was written. When the session is over, has moved or is moving, the new WebSocket is at once
    /// [`Probed::Failed`], and the session goes on.
    #[must_use]
    pub fn begin(link: &mut ServerLink, limits: Limits, now: Instant) -> Self {
        let mut ws = Connection::server(limits);
        let probe = Probe::begin(&mut link.engine, now);
        match &probe {
            Some(_) => link.probe.clone_from(&probe),
            None => ws.owe_close(CloseCode::NO_STATUS),
        }
        let probed = if probe.is_some() { Probed::Pending } else { Probed::Failed };
        let deadline = probe.as_ref().and_then(Probe::poll_timeout);
        Self { ws, probe, deadline, probed }
    }

    /// Works on what came over the WebSocket. Call it after bytes came, after the GET that waited was answered, and when
    /// [`poll_timeout`](Self::poll_timeout) has passed.
    ///
    /// # Errors
    /// [`Grow`] for an inbox that is smaller than the packets of a probe.
    pub fn poll<S: AsMut<[u8]>>(
        &mut self,
        link: &mut ServerLink,
        inbox: &mut Inbox<S>,
        now: Instant,
    ) -> Result<Probed, Grow> {
        if self.probed != Probed::Pending {
            return Ok(self.probed);
        }
        let is_ours = link.probe.is_some() && self.deadline == link.probe.as_ref().and_then(Probe::poll_timeout);
        let Some(probe) = self.probe.as_mut().filter(|_| is_ours) else {
            // The link has given up this move; another may be under way.
            self.ws.owe_close(CloseCode::NO_STATUS);
            self.probe = None;
            self.probed = Probed::Failed;
            return Ok(self.probed);
        };
        self.probed = match probe.handle_timeout(now, &mut link.engine, &mut self.ws) {
            Some(failed) => failed,
            None => match probe.poll(&mut link.engine, inbox, &mut self.ws) {
                Ok(probed) => probed,
                Err(e) if e.needed <= LONGEST => return Err(Grow { what: What::Inbox, to: LONGEST }),
                // No packet of a probe is that long.
                Err(_) => probe.fail(&mut link.engine, &mut self.ws),
            },
        };
        if self.probed != Probed::Pending {
            link.probe = None;
        }
        if self.probed == Probed::Upgraded {
            link.ws = Some(core::mem::replace(&mut self.ws, Connection::server(Limits::new())));
        }
        Ok(self.probed)
    }

    /// Writes what is owed over this WebSocket into the front of `memory` and gives its length; 0: nothing.
    ///
    /// # Errors
    /// [`Grow`] when it has no room; 256 bytes are always enough.
    pub fn transmit(&mut self, memory: &mut [u8]) -> Result<usize, Grow> {
        let mut len = 0;
        if let Some(probe) = &mut self.probe {
            let mut out = Out::stored(memory);
            let _ = probe.poll_transmit(&mut out).map_err(|e| Grow::new(What::Output, e))?;
            len = out.written().len();
        }
        let mut out = self.ws.out(memory.get_mut(len..).unwrap_or_default());
        while len == 0 || out.room() > 0 {
            match self.ws.poll_transmit(&mut out) {
                Ok(true) => {}
                Err(e) if len == 0 && out.is_empty() => return Err(Grow::new(What::Output, e)),
                Ok(false) | Err(_) => break,
            }
        }
        len = len.saturating_add(out.written().len());
        Ok(len)
    }

    /// The socket ended or failed. Does nothing once the session has moved.
    pub fn fail(&mut self, link: &mut ServerLink) {
        if self.probed != Probed::Pending {
            return;
        }
        let is_ours = link.probe.is_some() && self.deadline == link.probe.as_ref().and_then(Probe::poll_timeout);
        if let Some(probe) = self.probe.as_mut().filter(|_| is_ours) {
            let _ = probe.fail(&mut link.engine, &mut self.ws);
            link.probe = None;
        }
        self.probed = Probed::Failed;
    }

    /// When the move must be done.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.filter(|_| self.probed == Probed::Pending)
    }
}
