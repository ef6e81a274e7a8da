use crate::{
    socketio::{ExpectAck, Flags},
    time::Instant,
};

/// How to send an event. The default: no acknowledgement, not volatile, no retries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emit {
    pub(super) expect: Option<ExpectAck>,
    pub(super) flags: Flags,
    /// Retries, and the milliseconds for each acknowledgement.
    pub(super) retry: Option<(u8, u32)>,
}

impl Emit {
    pub const fn new() -> Self {
        Self { expect: None, flags: Flags::NONE, retry: None }
    }
    /// Asks for an acknowledgement: `Event::Ack` or `Event::AckFailed` with this token.
    pub const fn ask(self, token: u32, deadline: Option<Instant>) -> Self {
        Self { expect: Some(ExpectAck { token, deadline }), ..self }
    }
    pub const fn volatile(self) -> Self {
        Self { flags: self.flags.volatile(), ..self }
    }
    pub const fn compress(self, compress: bool) -> Self {
        Self { flags: self.flags.compress(compress), ..self }
    }
    /// At least once: sends it again, with a new id, until it is acknowledged, at most `retries` times more. One such event of a namespace is in flight.
    pub const fn retry(self, retries: u8, timeout_ms: u32) -> Self {
        Self { retry: Some((retries, timeout_ms)), ..self }
    }
}
