use crate::socketio::MAX_ATTACHMENTS;

/// The limits for what a server can send in one packet. See [`Session::with_limits`](super::Session::with_limits) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) attachments: u8,
    pub(super) attachment_bytes: u32,
}

impl Limits {
    /// 10 attachments of together 16 MiB for each packet.
    #[must_use]
    pub const fn new() -> Self {
        Self { attachments: MAX_ATTACHMENTS, attachment_bytes: 16 << 20 }
    }

    /// The largest number of attachments of a packet, up to 64 (CVE-2026-33151).
    #[must_use]
    pub const fn attachments(mut self, attachments: u8) -> Self {
        self.attachments = if attachments > 64 { 64 } else { attachments };
        self
    }

    /// The largest total size of the attachments of a packet, in bytes.
    #[must_use]
    pub const fn attachment_bytes(mut self, bytes: u32) -> Self {
        self.attachment_bytes = bytes;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
