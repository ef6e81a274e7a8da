use super::session::MAX_NAMESPACES;
use crate::socketio::MAX_ATTACHMENTS;

/// The limits for what a client can make a session do. See the [module page](super) and [`Session`](super::Session).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) attachments: u8,
    pub(super) namespaces: u8,
    pub(super) attachment_bytes: u32,
    pub(super) acks: u16,
}

impl Limits {
    /// 10 attachments of together 16 MiB for each packet, 8 namespaces, and 1,024 acknowledgements in flight.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            attachments: MAX_ATTACHMENTS,
            namespaces: MAX_NAMESPACES.to_le_bytes()[0],
            attachment_bytes: 16 << 20,
            acks: 1024,
        }
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

    /// The largest number of acknowledgements that a session waits for, however many slots it has. Bounds the slots that a client can use up if it
    /// makes the application send requests and never answers them.
    #[must_use]
    pub const fn acks(mut self, acks: u16) -> Self {
        self.acks = acks;
        self
    }

    /// The largest number of namespaces that a client can join, up to 8.
    #[must_use]
    pub const fn namespaces(mut self, namespaces: u8) -> Self {
        self.namespaces = namespaces;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
