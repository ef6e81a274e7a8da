/// What the server may do at most. Defaults: 10 attachments a packet (like the JavaScript parser), 16 MiB together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) attachments: u8,
    pub(super) attachment_bytes: u32,
}

impl Limits {
    pub const fn new() -> Self {
        todo!()
    }
    pub const fn attachments(self, n: u8) -> Self {
        todo!()
    }
    pub const fn attachment_bytes(self, n: u32) -> Self {
        todo!()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
