/// What a connection accepts at most. Part of each connection (24 bytes); the defaults are on from the start.
///
/// ```
/// use sansocket::ws::Limits;
///
/// const LIMITS: Limits = Limits::new().message(64 * 1024).frame(16 * 1024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) frame: u64,
    pub(crate) message: u64,
    pub(crate) fragments: u32,
    pub(crate) empty_fragments: u16,
    pub(crate) controls: u16,
}

impl Limits {
    /// 1 MiB a message and a frame, 65,536 frames a message, 64 of them empty, 1,024 control frames between two frames
    /// of one message.
    #[must_use]
    pub const fn new() -> Self {
        Self { frame: 1 << 20, message: 1 << 20, fragments: 1 << 16, empty_fragments: 64, controls: 1024 }
    }

    /// Payload bytes of one data frame. Over it: close code 1009, before any of the frame is delivered.
    #[must_use]
    pub const fn frame(mut self, bytes: u64) -> Self {
        self.frame = bytes;
        self
    }

    /// Payload bytes of one message over all its frames. Over it: close code 1009, before any of the frame that
    /// goes over it is delivered.
    #[must_use]
    pub const fn message(mut self, bytes: u64) -> Self {
        self.message = bytes;
        self
    }

    /// Frames of one message. Over it: close code 1008.
    #[must_use]
    pub const fn fragments(mut self, frames: u32) -> Self {
        self.fragments = frames;
        self
    }

    /// Frames of one message without any payload, which cost the sender next to nothing. Over it: close code 1008.
    #[must_use]
    pub const fn empty_fragments(mut self, frames: u16) -> Self {
        self.empty_fragments = frames;
        self
    }

    /// Control frames between two frames of one message. Over it: close code 1008. Between messages they are not
    /// counted: an idle client that pings for weeks is a good one.
    #[must_use]
    pub const fn controls(mut self, frames: u16) -> Self {
        self.controls = frames;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
