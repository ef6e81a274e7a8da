use crate::{time::Instant, ws::Timeout};

/// How long bytes that keep arriving put off the deadline of a handshake that has passed, in milliseconds.
const GRACE_MS: u64 = 1000;

/// A read that takes so many milliseconds had nothing to read when it began.
const WAIT_MS: u64 = 10;

/// Since when a deadline has passed while bytes kept arriving.
///
/// What waits in the transport counts although it is read late, since the application may have been busy, and a pong may be among it. So a deadline for a pong
/// or for an idle peer counts only when a read had to wait. The deadlines of the handshakes are put off only for a while, else who keeps sending bytes would
/// never meet one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Overdue {
    since: Option<Instant>,
    /// When the next read begins.
    begins: Instant,
    has_waited: bool,
}

impl Overdue {
    /// Bytes arrived at `now`. The deadline was `due`.
    pub(super) fn arrived(&mut self, now: Instant, due: Instant) {
        let is_late = now >= due;
        self.since = if is_late { self.since.or(Some(now)) } else { None };
        self.has_waited = is_late && (self.has_waited || now >= self.begins.after_millis(WAIT_MS));
    }

    /// Whether the next deadline, which is this one, counts at `now`, although more bytes may wait. A read follows.
    pub(super) fn counts(&mut self, reason: Timeout, now: Instant) -> bool {
        self.begins = now;
        match reason {
            Timeout::Pong | Timeout::Idle => self.has_waited,
            _ => self.since.is_some_and(|since| now >= since.after_millis(GRACE_MS)),
        }
    }
}
