//! The upgrade of a session from polling to a WebSocket.

use super::FullLink;
use crate::{
    endpoint::{
        Grow, What,
        client::{Seen, socket::Shaken},
    },
    engineio::{
        Packet, Seeing, Transport,
        client::{Probe, Probed},
    },
    time::Instant,
    ws::{ConnectError, Inbox, MaskSource, Outbox, Storage},
};

#[derive(Clone, Debug)]
pub(super) enum Upgrade {
    /// None was tried.
    None,
    /// The line is opened, then the handshake. Until then.
    Shaking(Instant),
    Probing(Probe),
    /// It failed. The line may have to be closed.
    Failed,
}

impl Upgrade {
    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Shaking(end) => Some(*end),
            Self::Probing(probe) => probe.poll_timeout(),
            Self::None | Self::Failed => None,
        }
    }
}

impl FullLink<'_> {
    /// Begins an upgrade when it is time, and closes the line of one that failed.
    pub(super) fn settle_upgrade(&mut self, now: Instant) {
        let config = self.base.config;
        let is_listed = || config.transports.iter().skip(self.attempt).any(|t| *t == Transport::WebSocket);
        match (&self.upgrade, self.base.life.session()) {
            (Upgrade::None, Some(session)) if session.can_upgrade() && is_listed() => {
                self.base.socket.want();
                self.upgrade = Upgrade::Shaking(now.after_millis(u64::from(config.open_ms)));
            }
            (Upgrade::Failed, _) => self.base.socket.close(now),
            (Upgrade::Shaking(_) | Upgrade::Probing(_), None) => {
                self.upgrade = Upgrade::Failed;
                self.base.socket.close(now);
            }
            _ => {}
        }
    }

    pub(super) fn advance_upgrade<S: Storage>(
        &mut self,
        inbox: &mut Inbox<S>,
        now: Instant,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<(), Grow> {
        let base = &mut self.base;
        if let Upgrade::Shaking(_) = self.upgrade {
            match (base.socket.shake(base.config, inbox)?, base.life.session()) {
                (Shaken::Open, Some(session)) => self.upgrade = Upgrade::Probing(Probe::begin(session, now)),
                (Shaken::Pending, _) => {}
                (Shaken::Open | Shaken::Failed(_), _) => self.upgrade = Upgrade::Failed,
            }
        }
        if let (Upgrade::Probing(probe), Some(ws), Some(engine)) =
            (&mut self.upgrade, base.socket.ws(), base.life.engine())
        {
            let probed = probe.poll_with(engine, inbox, ws, now, |packet| seen(Seen::Received(packet)));
            if probed.map_err(|e| Grow::of_inbox(inbox, e))? == Probed::Failed {
                self.upgrade = Upgrade::Failed;
            }
        }
        if let Upgrade::Failed = self.upgrade {
            base.socket.drain(inbox);
        }
        Ok(())
    }

    pub(super) fn transmit_upgrade<S: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        outbox: &mut Outbox<S, K>,
        seen: &mut dyn FnMut(Seen<'_>),
    ) -> Result<(), Grow> {
        let base = &mut self.base;
        let Some(engine) = base.life.engine() else { return Ok(()) };
        match base.socket.write_request(base.config, Some(engine), outbox) {
            Ok(()) => {}
            Err(ConnectError::Capacity(e)) => return Err(Grow::new(What::Output, e)),
            // The GET had the same path, query and fields.
            Err(_) => self.upgrade = Upgrade::Failed,
        }
        let Some(ws) = base.socket.ws() else { return Ok(()) };
        outbox.keys().settle(ws.sends_compressed());
        let mut out = ws.out(outbox);
        let missing = loop {
            match ws.poll_transmit(&mut out) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(e) => break e,
            }
            let Upgrade::Probing(probe) = &mut self.upgrade else { return Ok(()) };
            let mut out = Seeing { out: &mut out, seen: |packet: Packet<'_>| seen(Seen::Sent(packet)) };
            match probe.poll_transmit(engine, &mut out) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(e) => break e,
            }
        };
        if outbox.is_empty() { Err(Grow::new(What::Output, missing)) } else { Ok(()) }
    }

    /// The line has ended or failed.
    pub(super) fn lose_upgrade(&mut self, is_eof: bool) {
        if self.base.socket.is_down() {
            return;
        }
        let _ = if is_eof { self.base.socket.ended() } else { self.base.socket.lost() };
        self.give_up_upgrade();
    }

    pub(super) fn handle_upgrade_timeout(&mut self, now: Instant) {
        if self.upgrade.poll_timeout().is_some_and(|end| now >= end) {
            self.give_up_upgrade();
        }
    }

    fn give_up_upgrade(&mut self) {
        match (&mut self.upgrade, self.base.life.engine()) {
            (Upgrade::Probing(probe), Some(engine)) => probe.fail(engine),
            (Upgrade::Shaking(_), _) => {}
            _ => return,
        }
        self.upgrade = Upgrade::Failed;
    }
}
