use crate::time::Instant;

/// How long bytes that keep arriving put off a deadline that has passed, in milliseconds.
const GRACE_MS: u64 = 1000;

/// A read that takes so many milliseconds had nothing to read when it began.
const WAIT_MS: u64 = 10;

/// Since when a deadline has passed while bytes kept arriving.
///
/// What waits in the transport counts although it is read late, since the application may have been busy, and a pong may be among it. But it puts a deadline off
/// only for a while, else who keeps sending bytes would never meet one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Overdue {
    since: Option<Instant>,
    /// When the latest read began.
    begun: Instant,
    has_waited: bool,
}

impl Overdue {
    /// A read begins.
    pub(super) fn begin(&mut self, now: Instant) {
        self.begun = now;
    }

    /// Bytes arrived at `now`. The deadline was `due`.
    pub(super) fn arrived(&mut self, now: Instant, due: Instant) {
        let is_late = now >= due;
        self.since = if is_late { self.since.or(Some(now)) } else { None };
        self.has_waited = is_late && (self.has_waited || now >= self.begun.after_millis(WAIT_MS));
    }

    /// Whether the deadline counts at `now`, although more bytes may wait.
    pub(super) fn counts(self, now: Instant) -> bool {
        self.since.is_some_and(|since| now >= since.after_millis(GRACE_MS))
    }

    /// Whether a deadline for bytes or for a pong counts. However long the application takes for what waits, a read that had to wait has seen all of it.
    pub(super) const fn has_waited(self) -> bool {
        self.has_waited
    }
}
