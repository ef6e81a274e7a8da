//! Whose fault it was: the peer's, ours, or the memory's.

use super::CloseCode;
use crate::bytes::Capacity;
use core::fmt;

/// The peer broke the protocol or a limit. Fatal: the close frame with [`close_code`](Self::close_code) is owed
/// (`poll_transmit` writes it), no later byte is looked at, and every later call gives the same error.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerError {
    /// RSV1, RSV2 or RSV3 is set, and no extension was agreed on (RFC 6455 section 5.2).
    ReservedBits,
    /// Opcode 3 to 7 or 0xB to 0xF (section 5.2).
    ReservedOpcode,
    /// A control frame in several parts (section 5.5).
    FragmentedControl,
    /// A control frame of more than 125 bytes (section 5.5).
    ControlTooLong,
    /// A continuation, and no message is open (section 5.4).
    UnexpectedContinuation,
    /// A new message inside an open one (section 5.4).
    ExpectedContinuation,
    /// A client's frame without a mask (section 5.1).
    NotMasked,
    /// A server's frame with a mask (section 5.1).
    Masked,
    /// A length in a longer form than it needs (section 5.2: "the minimal number of bytes MUST be used").
    LengthNotMinimal,
    /// A length above 2^63-1 (section 5.2).
    LengthTooLarge,
    /// A data frame over [`Limits::frame`](super::Limits::frame).
    FrameTooLarge,
    /// A message over [`Limits::message`](super::Limits::message).
    MessageTooLarge,
    /// A message in more frames than [`Limits::fragments`](super::Limits::fragments).
    TooManyFragments,
    /// A message with more empty frames than [`Limits::empty_fragments`](super::Limits::empty_fragments).
    TooManyEmptyFragments,
    /// More control frames inside a message than [`Limits::controls`](super::Limits::controls).
    TooManyControls,
    /// Text that is not UTF-8, or ends inside a character (section 8.1).
    InvalidUtf8,
    /// A close frame with a payload of one byte (section 5.5.1).
    InvalidClose,
    /// A close frame with a code that may not stand there (section 7.4).
    InvalidCloseCode,
    /// A close frame whose reason is not UTF-8 (section 5.5.1).
    InvalidCloseReason,
}

impl PeerError {
    /// The code of the close frame that is owed for it (RFC 6455 section 7.4.1).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::FrameTooLarge | Self::MessageTooLarge => CloseCode::MESSAGE_TOO_BIG,
            Self::InvalidUtf8 | Self::InvalidCloseReason => CloseCode::INVALID_PAYLOAD,
            Self::TooManyFragments | Self::TooManyEmptyFragments | Self::TooManyControls => CloseCode::POLICY_VIOLATION,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBits => "reserved bits are set in a frame",
            Self::ReservedOpcode => "reserved opcode",
            Self::FragmentedControl => "fragmented control frame",
            Self::ControlTooLong => "control frame of more than 125 bytes",
            Self::UnexpectedContinuation => "continuation frame without a message",
            Self::ExpectedContinuation => "new message inside an open one",
            Self::NotMasked => "frame of a client without a mask",
            Self::Masked => "frame of a server with a mask",
            Self::LengthNotMinimal => "frame length not in its shortest form",
            Self::LengthTooLarge => "frame length above 2^63-1",
            Self::FrameTooLarge => "frame over the limit",
            Self::MessageTooLarge => "message over the limit",
            Self::TooManyFragments => "message in too many frames",
            Self::TooManyEmptyFragments => "message with too many empty frames",
            Self::TooManyControls => "too many control frames inside a message",
            Self::InvalidUtf8 => "text is not UTF-8",
            Self::InvalidClose => "close frame with half a code",
            Self::InvalidCloseCode => "close code that may not be sent",
            Self::InvalidCloseReason => "close reason is not UTF-8",
        })
    }
}

impl core::error::Error for PeerError {}

/// The call does not fit the state of the connection; nothing was changed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// A close frame was sent or is owed: no data may follow it (RFC 6455 section 5.5.1).
    Closing,
    /// A message sent in parts is open: another one may not begin inside it (section 5.4).
    MessageOpen,
    /// A part of a message of another kind than its first part.
    KindChanged,
    /// A close code that may not stand in a close frame, or a reason of more than 123 bytes.
    InvalidClose,
    /// A control payload of more than 125 bytes.
    ControlTooLong,
    /// Memory without the [`HEAD_ROOM`](super::HEAD_ROOM) in front of the payload.
    NoHeadRoom,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closing => "the connection is closing",
            Self::MessageOpen => "a message sent in parts is still open",
            Self::KindChanged => "part of another kind than the first part of its message",
            Self::InvalidClose => "close code or reason that may not be sent",
            Self::ControlTooLong => "control payload of more than 125 bytes",
            Self::NoHeadRoom => "no room for a header in front of the payload",
        })
    }
}

impl core::error::Error for StateError {}

/// Why nothing was written; nothing was changed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The output has less room than the frame needs: write it out, clear it, and say it again.
    Capacity(Capacity),
    /// The call does not fit the state.
    State(StateError),
}

impl From<Capacity> for SendError {
    fn from(e: Capacity) -> Self {
        Self::Capacity(e)
    }
}

impl From<StateError> for SendError {
    fn from(e: StateError) -> Self {
        Self::State(e)
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity(e) => e.fmt(f),
            Self::State(e) => e.fmt(f),
        }
    }
}

impl core::error::Error for SendError {}

/// Why no message came.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveError {
    /// The peer's fault; fatal.
    Peer(PeerError),
    /// The message is within the limits and larger than the inbox. Nothing is lost: lend more
    /// ([`Inbox::replace`](super::Inbox::replace)), take it in parts, skip it, or close.
    Capacity(Capacity),
}

impl From<PeerError> for ReceiveError {
    fn from(e: PeerError) -> Self {
        Self::Peer(e)
    }
}

impl From<Capacity> for ReceiveError {
    fn from(e: Capacity) -> Self {
        Self::Capacity(e)
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(e) => e.fmt(f),
            Self::Capacity(e) => e.fmt(f),
        }
    }
}

impl core::error::Error for ReceiveError {}
