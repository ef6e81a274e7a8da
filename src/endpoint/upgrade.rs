use super::{Grow, ServerLink, What};
use crate::{
    engineio::server::{Probe, Probed},
    time::Instant,
    ws::{Agreed, CloseCode, Connection, Inbox, Limits, Out, Server, Storage},
};

/// The length of the longest packet of a probe as a frame, in bytes.
const LONGEST: usize = 64;

/// A WebSocket to which a session over polling may upgrade. In a loop call [`poll`](Self::poll), [`transmit`](Self::transmit) until 0, and read from
/// the socket, until the result of `poll` is not [`Probed::Pending`].
///
/// After [`Probed::Upgraded`] and the last `transmit` the link uses the WebSocket. Send the queue over its socket. After [`Probed::Failed`] send what
/// `transmit` writes and close the socket. The session goes on over polling. If the socket is lost, call [`fail`](Self::fail); otherwise the upgrade
/// fails at its deadline. If it is lost after [`Probed::Upgraded`], call [`ServerLink::handle_error`]: a client may send the whole probe at once and
/// vanish, so that what `transmit` writes fails already.
///
/// ```
/// use sansocket::{endpoint::{ServerLink, Upgrade}, engineio::{Sid, Transport, server::{Config, Probed}}, time::Instant, ws::{Inbox, Limits}};
///
/// let now = Instant::from_millis(0);
/// let mut link = ServerLink::open(Transport::Polling, Sid::from_random([0; 15]), Config::new(), Limits::new(), now);
/// # link.poll_get(core::iter::empty(), &mut [0; 512])?;
///
/// // A request for a WebSocket with the id of the session was accepted.
/// let mut upgrade = Upgrade::begin(&mut link, Limits::new(), now);
/// assert_eq!(upgrade.poll_timeout(), Some(Instant::from_millis(10_000)));
/// let (mut inbox, mut memory) = (Inbox::new([0; 128]), [0; 256]);
/// for frame in [&b"\x81\x86\0\0\0\x002probe"[..], b"\x81\x81\0\0\0\x005"] {
///     inbox.space()?[..frame.len()].copy_from_slice(frame); // a socket's read
///     inbox.commit(frame.len());
///     upgrade.poll(&mut link, &mut inbox, now)?;
///     while let len @ 1.. = upgrade.transmit(&mut memory)? {
///         assert_eq!(&memory[..len], b"\x81\x063probe"); // a socket's write
///     }
/// }
/// assert_eq!(upgrade.poll(&mut link, &mut inbox, now)?, Probed::Upgraded);
/// assert_eq!(link.transport(), Transport::WebSocket);
/// upgrade.fail(&mut link); // does nothing now: the socket belongs to the link
/// assert!(!link.is_over());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Upgrade {
    ws: Connection<Server>,
    probe: Option<Probe>,
    deadline: Option<Instant>,
    probed: Probed,
}

impl Upgrade {
    /// Begins an upgrade. Call it after the answer to the handshake was written. If the session is over, uses a WebSocket or is upgrading, the state
    /// is at once [`Probed::Failed`], and the session goes on. See [`Upgrade`] for an example.
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

    /// Tells what the handshake of this WebSocket agreed on, as [`ServerLink::with_compression`] for a session that begins there.
    ///
    /// ```
    /// use sansocket::{endpoint::{ServerLink, Upgrade}, engineio::{Sid, Transport, server::{Config, Probed}}, time::Instant};
    /// use sansocket::ws::{Compression, Inbox, Inflating, Limits};
    ///
    /// let now = Instant::from_millis(0);
    /// let mut link = ServerLink::open(Transport::Polling, Sid::from_random([0; 15]), Config::new(), Limits::new(), now);
    /// # link.poll_get(core::iter::empty(), &mut [0; 512])?;
    /// let offer: [(&[u8], &[u8]); 1] = [(b"sec-websocket-extensions", b"permessage-deflate")];
    /// let agreed = Compression::new().without_receive_takeover().accept(offer);
    /// let mut upgrade = Upgrade::begin(&mut link, Limits::new(), now).with_compression(agreed);
    /// let mut inbox = Inbox::new(Inflating::new([0; 128], [0; 128], agreed)?);
    /// // The packet `2probe`, compressed: some clients compress everything.
    /// let frame = b"\xc1\x88\0\0\0\0\x32\x2a\x28\xca\x4f\x4a\x05\x00";
    /// inbox.space()?[..frame.len()].copy_from_slice(frame);
    /// inbox.commit(frame.len());
    /// assert_eq!(upgrade.poll(&mut link, &mut inbox, now)?, Probed::Pending);
    /// assert!(upgrade.transmit(&mut [0; 256])? > 0); // the answer
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_compression(mut self, agreed: Option<Agreed>) -> Self {
        self.ws = self.ws.with_compression(agreed);
        self
    }

    /// Handles the bytes received over the WebSocket. Call it after bytes arrived, after a waiting GET was answered, and when
    /// [`poll_timeout`](Self::poll_timeout) has passed.
    ///
    /// # Errors
    /// [`Grow`] if the inbox, or its memory to unpack in, is smaller than the packets of a probe.
    pub fn poll<S: Storage>(
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
            // The link has given up this upgrade. Another one may be in progress.
            self.ws.owe_close(CloseCode::NO_STATUS);
            self.probe = None;
            self.probed = Probed::Failed;
            return Ok(self.probed);
        };
        self.probed = match probe.handle_timeout(now, &mut link.engine, &mut self.ws) {
            Some(failed) => failed,
            None => match probe.poll(&mut link.engine, inbox, &mut self.ws) {
                Ok(probed) => probed,
                Err(e) if e.needed <= LONGEST => return Err(Grow { to: LONGEST, ..Grow::of_inbox(inbox, e) }),
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

    /// Writes what this WebSocket has to send into the front of `memory` and returns its length. 0: nothing.
    ///
    /// # Errors
    /// [`Grow`] if `memory` has no room. 256 bytes are always enough.
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

    /// The socket ended or failed. The session goes on over polling. Does nothing after an upgrade. See [`Upgrade`] for an example.
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

    /// The deadline of the upgrade. `None` once it has succeeded or failed.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.filter(|_| self.probed == Probed::Pending)
    }
}
