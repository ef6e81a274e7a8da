//! The line of a WebSocket: opened, the handshake, the frames, closed.

use super::{
    Config, Failure, Line, Task,
    refusal::{LOOKED_AT, cause, is_redirection, no_answer},
    request::write_handshake,
};
use crate::{
    bytes::Capacity,
    endpoint::{Grow, What},
    engineio::client::Session,
    http::{Body, HeadScanner, Limits, ResponseHead, Status, write_field},
    time::Instant,
    ws::{
        Client, CloseCode, Connect, ConnectError, Connection, HandshakeError, Inbox, MaskSource, Opened, Outbox,
        Storage,
    },
};

/// How long the server has to answer a close frame, in milliseconds.
const CLOSING_MS: u64 = 2_000;

#[derive(Clone, Debug)]
pub(super) struct Socket {
    phase: Phase,
    /// `Task::Close` is to be returned.
    owes_close: bool,
    /// Until when the server has to answer the close frame. The far future if it need not.
    until: Instant,
}

#[derive(Clone, Debug)]
enum Phase {
    Down,
    /// `Task::Open` is to be returned.
    Wanted,
    Opening,
    Shaking(Shake),
    Open(Connection<Client>),
}

/// A handshake.
#[derive(Clone, Debug)]
struct Shake {
    nonce: [u8; 16],
    is_written: bool,
    /// A byte of the answer has come.
    is_heard: bool,
    scanner: HeadScanner,
    refusal: Option<Refusal>,
}

/// An answer to a handshake that refuses, whose body may tell more.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    status: Status,
    /// The length of its body. `None`: until the end of the connection.
    len: Option<usize>,
    /// What is known so far.
    failure: Failure,
}

/// The state of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shaken {
    Pending,
    Open,
    Failed(Failure),
}

impl Socket {
    pub(super) const fn new() -> Self {
        Self { phase: Phase::Down, owes_close: false, until: Instant::FAR_FUTURE }
    }

    /// A new connection is needed. An old one is closed.
    pub(super) fn want(&mut self) {
        self.give_up();
        self.phase = Phase::Wanted;
    }

    pub(super) const fn poll_task(&mut self) -> Option<Task> {
        if self.owes_close {
            self.owes_close = false;
            return Some(Task::Close(Line::WebSocket));
        }
        if matches!(self.phase, Phase::Wanted) {
            self.phase = Phase::Opening;
            return Some(Task::Open(Line::WebSocket));
        }
        None
    }

    pub(super) const fn has_task(&self) -> bool {
        self.owes_close || matches!(self.phase, Phase::Wanted)
    }

    /// Drops what the memory holds of an earlier connection.
    pub(super) fn opened<S: Storage, T: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        inbox: &mut Inbox<S>,
        outbox: &mut Outbox<T, K>,
        nonce: [u8; 16],
    ) {
        match self.phase {
            Phase::Opening => {
                let scanner = HeadScanner::response(Limits::new());
                self.phase =
                    Phase::Shaking(Shake { nonce, is_written: false, is_heard: false, scanner, refusal: None });
            }
            // It is not needed any more, and is closed.
            Phase::Down | Phase::Wanted => {}
            _ => return,
        }
        inbox.reset();
        outbox.consume(usize::MAX);
        let keys = outbox.keys();
        keys.begin(inbox.offer(keys.compression()));
    }

    /// The line has ended or failed. Returns how that is called before the connection is open.
    pub(super) fn lost(&mut self) -> Failure {
        let failure = match &self.phase {
            Phase::Opening => Failure::Unreachable,
            Phase::Shaking(Shake { refusal: Some(refusal), .. }) => refusal.failure,
            Phase::Shaking(Shake { is_heard: false, .. }) => Failure::Unanswered,
            _ => Failure::Lost,
        };
        (self.phase, self.until) = (Phase::Down, Instant::FAR_FUTURE);
        failure
    }

    /// The server has ended the line, so this end has to close it too.
    pub(super) fn ended(&mut self) -> Failure {
        self.owes_close |= self.is_up();
        self.lost()
    }

    /// Whether there is no line, and none is being opened.
    pub(super) const fn is_down(&self) -> bool {
        matches!(self.phase, Phase::Down | Phase::Wanted)
    }

    /// What a refusal has told so far.
    pub(super) fn refusal(&self) -> Option<Failure> {
        let Phase::Shaking(Shake { refusal: Some(refusal), .. }) = self.phase else { return None };
        Some(refusal.failure)
    }

    /// The connection, once the handshake is done.
    pub(super) const fn ws(&mut self) -> Option<&mut Connection<Client>> {
        if let Phase::Open(ws) = &mut self.phase { Some(ws) } else { None }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        Some(self.until).filter(|&until| until < Instant::FAR_FUTURE)
    }

    /// The session does not need the line any more. Closes it, after the closing handshake if the connection is open.
    pub(super) fn close(&mut self, now: Instant) {
        if let Phase::Open(ws) = &mut self.phase
            && !ws.is_closed()
        {
            // Unless another code is owed already.
            ws.owe_close(CloseCode::NO_STATUS);
            self.until = self.until.min(now.after_millis(CLOSING_MS));
            if now < self.until {
                return;
            }
        }
        self.give_up();
    }

    /// The handshake is done. Out of line, as [`Shake::read`] is: a new connection is on the stack for a moment, which the hash needs too.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn begin(&mut self, config: &Config<'_>) {
        self.phase = Phase::Open(Connection::client(config.limits));
    }

    /// Reads the answer to the handshake.
    pub(super) fn shake<S: Storage>(&mut self, config: &Config<'_>, inbox: &mut Inbox<S>) -> Result<Shaken, Grow> {
        loop {
            let Phase::Shaking(shake) = &mut self.phase else { return Ok(Shaken::Pending) };
            let available = inbox.size();
            let offered = inbox.offered();
            let bytes = inbox.bytes();
            let is_full = bytes.len() >= available;
            let mut agreed = None;
            let (used, shaken) = match offered {
                None => shake.read(bytes, is_full, |connect, head| connect.check_with(config.sha1, head)),
                Some(offered) => shake.read(bytes, is_full, |connect, head| {
                    let opened = connect.compress(offered).check_with(config.sha1, head)?;
                    agreed = opened.and_then(|opened| opened.compression());
                    Ok(opened)
                }),
            };
            if shaken == Shaken::Open {
                // The window was chosen for its memory, which may have been exchanged since. The answer stays until there is room.
                inbox.agree(agreed).map_err(|e| Grow::new(What::Unpacked, e))?;
            }
            inbox.consume(used);
            match shaken {
                Shaken::Open => {
                    self.begin(config);
                    if agreed.is_some()
                        && let Phase::Open(ws) = &mut self.phase
                    {
                        *ws = ws.clone().with_compression(agreed);
                    }
                }
                Shaken::Pending if used > 0 => continue,
                Shaken::Pending if is_full && available > 0 => {
                    return Err(Grow::new(What::Inbox, Capacity { needed: available.saturating_add(1), available }));
                }
                Shaken::Pending | Shaken::Failed(_) => {}
            }
            return Ok(shaken);
        }
    }

    /// Writes the request of the handshake, if it is not written yet. `session`: the one that is upgraded.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(super) fn write_request<S: AsMut<[u8]>, K: MaskSource>(
        &mut self,
        config: &Config<'_>,
        session: Option<&Session>,
        outbox: &mut Outbox<S, K>,
    ) -> Result<(), ConnectError> {
        if let Phase::Shaking(shake) = &mut self.phase
            && !shake.is_written
        {
            let nonce = shake.nonce;
            match outbox.keys().offered() {
                None => outbox.append_bytes(|out| write_handshake(config, session, nonce, out, |_| Ok(()))),
                Some(offered) => outbox.append_bytes(|out| {
                    write_handshake(config, session, nonce, out, |writer| {
                        Ok(write_field(writer, "Sec-WebSocket-Extensions", offered.offer().as_bytes())?)
                    })
                }),
            }?;
            shake.is_written = true;
        }
        Ok(())
    }

    /// Reads on until the server's close frame. Messages are dropped.
    pub(super) fn drain<S: Storage>(&mut self, inbox: &mut Inbox<S>) {
        let Some(ws) = self.ws() else { return };
        while let Ok(true) = inbox.advance_to_message(ws) {
            let _ = inbox.take();
        }
    }

    const fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Opening | Phase::Shaking(_) | Phase::Open(_))
    }

    /// Closes the line at once, without a closing handshake.
    pub(super) fn give_up(&mut self) {
        self.owes_close |= self.is_up();
        (self.phase, self.until) = (Phase::Down, Instant::FAR_FUTURE);
    }
}

impl Shake {
    /// Reads from the front of `bytes`. Returns how many were used. `is_full`: no more will come.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn read(
        &mut self,
        bytes: &mut [u8],
        is_full: bool,
        check: impl for<'h> FnOnce(Connect<'h>, &ResponseHead<'h>) -> Result<Option<Opened<'h>>, HandshakeError>,
    ) -> (usize, Shaken) {
        self.is_heard |= !bytes.is_empty();
        if let Some(refusal) = &mut self.refusal {
            return (0, refusal.read(bytes, is_full));
        }
        let end = match self.scanner.scan(bytes) {
            Ok(None) => return (0, Shaken::Pending),
            Ok(Some(end)) => end,
            Err(e) => return (0, Shaken::Failed(no_answer(e, bytes))),
        };
        let head = match ResponseHead::parse(bytes.get_mut(..end).unwrap_or_default()) {
            Ok(head) => head,
            Err(_) => return (end, Shaken::Failed(Failure::NotHttp)),
        };
        let shaken = match check(Connect::new("", "", self.nonce), &head) {
            Ok(Some(_)) => Shaken::Open,
            Ok(None) => {
                // An interim answer.
                self.scanner = HeadScanner::response(Limits::new());
                Shaken::Pending
            }
            Err(HandshakeError::Status(status)) => {
                let len = match head.body() {
                    Ok(Some(Body::Empty)) => Some(0),
                    Ok(Some(Body::Length(n))) => Some(usize::try_from(n).unwrap_or(usize::MAX)),
                    _ => None,
                };
                let failure = match status.0 {
                    404 | 500.. => Failure::NotEngineIo(status),
                    _ if is_redirection(status) => Failure::Redirect(status),
                    _ => Failure::UpgradeRefused(status),
                };
                // Others have a body for people only.
                if matches!(status.0, 400 | 403) {
                    self.refusal = Some(Refusal { status, len, failure });
                    Shaken::Pending
                } else {
                    Shaken::Failed(failure)
                }
            }
            Err(error) => Shaken::Failed(Failure::Handshake(error)),
        };
        (end, shaken)
    }
}

impl Refusal {
    fn read(&mut self, body: &[u8], is_full: bool) -> Shaken {
        self.failure = cause(self.status, body).unwrap_or(self.failure);
        let is_whole = is_full || body.len() >= self.len.unwrap_or(LOOKED_AT).min(LOOKED_AT);
        // The last chunk, if there are chunks.
        if is_whole || body.ends_with(b"0\r\n\r\n") { Shaken::Failed(self.failure) } else { Shaken::Pending }
    }
}
