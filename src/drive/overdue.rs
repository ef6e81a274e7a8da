use crate::time::Instant;

/// How long bytes that keep arriving put off a deadline that has passed, in milliseconds.
const GRACE_MS: u64 = 1000;

/// Since when a deadline has passed while bytes kept arriving.
///
/// What waits in the transport counts although it is read late, since the application may have been busy, and a pong may be among it. But it puts a deadline off
/// only for a while, else who keeps sending bytes would never meet one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Overdue {
    since: Option<Instant>,
}

impl Overdue {
    /// Bytes arrived at `now`. The deadline was `due`.
    pub(super) fn arrived(&mut self, now: Instant, due: Instant) {
        self.since = if now < due { None } else { self.since.or(Some(now)) };
    }

    /// Whether the deadline counts at `now`, although more bytes may wait.
    pub(super) fn counts(self, now: Instant) -> bool {
        self.since.is_some_and(|since| now >= since.after_millis(GRACE_MS))
    }
}
