use super::session::MAX_NAMESPACES;
use crate::socketio::MAX_ATTACHMENTS;

/// What a client may do to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) attachments: u8,
    pub(super) namespaces: u8,
    pub(super) attachment_bytes: u32,
    pub(super) acks: u16,
}

impl Limits {
    /// 10 attachments of 16 MiB together, 8 namespaces, and 1,024 acknowledgements in flight.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            attachments: MAX_ATTACHMENTS,
            namespaces: MAX_NAMESPACES.to_le_bytes()[0],
            attachment_bytes: 16 << 20,
            acks: 1024,
        }
    }

    /// Attachments of one packet, up to 64 (CVE-2026-33151).
    #[must_use]
    pub const fn attachments(mut self, attachments: u8) -> Self {
        self.attachments = if attachments > 64 { 64 } else { attachments };
        self
    }

    /// Bytes of all attachments of one packet.
    #[must_use]
    pub const fn attachment_bytes(mut self, bytes: u32) -> Self {
        self.attachment_bytes = bytes;
        self
    }

    /// Acknowledgements that one session waits for at a time, however many slots it is lent. A client that makes the application ask
    /// and never answers is bounded by this.
    #[must_use]
    pub const fn acks(mut self, acks: u16) -> Self {
        self.acks = acks;
        self
    }

    /// Namespaces that one connection joins at a time, up to 8.
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
