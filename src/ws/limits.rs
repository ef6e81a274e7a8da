/// A number of payload bytes, as it is counted.
#[cfg(all(target_pointer_width = "64", not(sansocket_small)))]
mod length {
    pub(crate) type Length = u64;

    #[inline]
    pub(crate) const fn exact(bytes: u64) -> Option<Length> {
        Some(bytes)
    }

    #[inline]
    pub(crate) const fn widened(bytes: Length) -> u64 {
        bytes
    }
}

/// Where words are smaller, 32 bits are enough: what is longer is refused when its header arrives.
#[cfg(not(all(target_pointer_width = "64", not(sansocket_small))))]
mod length {
    pub(crate) type Length = u32;

    #[inline]
    pub(crate) const fn exact(bytes: u64) -> Option<Length> {
        match bytes.to_be_bytes() {
            [0, 0, 0, 0, a, b, c, d] => Some(u32::from_be_bytes([a, b, c, d])),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn widened(bytes: Length) -> u64 {
        bytes.into()
    }
}

pub(super) use length::{Length, exact};

/// What a connection accepts at most. The defaults are active from the start. At most 24 bytes of each connection.
///
/// ```
/// use sansocket::ws::Limits;
///
/// const LIMITS: Limits = Limits::new().message(64 * 1024).frame(16 * 1024).fragments(256).empty_fragments(4).controls(16);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(super) frame: Length,
    pub(super) message: Length,
    pub(crate) fragments: u32,
    pub(crate) empty_fragments: u16,
    pub(crate) controls: u16,
}

impl Limits {
    /// The defaults: 1 MiB for a message and for a frame, 65,536 frames in a message, 64 of them empty, 1,024 control frames between two frames of a
    /// message.
    #[must_use]
    pub const fn new() -> Self {
        Self { frame: 1 << 20, message: 1 << 20, fragments: 1 << 16, empty_fragments: 64, controls: 1024 }
    }

    /// The payload bytes of one data frame. A larger frame is refused when its header arrives, with close code 1009. On targets without words of 64
    /// bits the most is 2^32 - 1, also of a message.
    #[must_use]
    pub const fn frame(mut self, bytes: u64) -> Self {
        self.frame = counted(bytes);
        self
    }

    /// The payload bytes of one message, in all its frames. The frame that exceeds it is refused when its header arrives, with close code 1009.
    /// Of a compressed message both count: the bytes that arrive, and those that they unpack to. A peer that also compresses what does not get shorter
    /// sends some bytes more than the message has.
    #[must_use]
    pub const fn message(mut self, bytes: u64) -> Self {
        self.message = counted(bytes);
        self
    }

    /// How many bytes a message may have.
    pub(crate) fn message_bytes(&self) -> u64 {
        length::widened(self.message)
    }

    /// The frames of one message. Close code 1008.
    #[must_use]
    pub const fn fragments(mut self, frames: u32) -> Self {
        self.fragments = frames;
        self
    }

    /// The frames of one message that have no payload. Such frames cost the sender almost nothing. Close code 1008.
    #[must_use]
    pub const fn empty_fragments(mut self, frames: u16) -> Self {
        self.empty_fragments = frames;
        self
    }

    /// The control frames between two frames of one message. Close code 1008. Control frames between messages are not limited, because an idle client may
    /// send pings for weeks.
    #[must_use]
    pub const fn controls(mut self, frames: u16) -> Self {
        self.controls = frames;
        self
    }
}

/// `bytes`, or the most that is counted.
const fn counted(bytes: u64) -> Length {
    match exact(bytes) {
        Some(bytes) => bytes,
        None => Length::MAX,
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
