//! Errors, by whose fault they are: the peer's, the caller's, or too little memory.

use super::CloseCode;
use crate::bytes::Capacity;
use core::fmt;

/// The peer broke the protocol or exceeded a limit. The connection cannot continue: a close frame with [`close_code`](Self::close_code) is owed
/// (`poll_transmit` writes it), and every later call returns the same error.
///
/// ```
/// use sansocket::ws::{CloseCode, Connection, Limits, PeerError};
///
/// let mut ws = Connection::server(Limits::new());
/// let mut unmasked = *b"\x81\x02hi";
/// let error = ws.poll_event(&mut &mut unmasked[..]).unwrap_err();
/// assert_eq!((error, error.close_code()), (PeerError::NotMasked, CloseCode::PROTOCOL_ERROR));
/// assert_eq!(error.to_string(), "the client sent a frame without a mask");
/// let mut memory = [0; 64];
/// let mut out = ws.out(&mut memory);
/// while let Ok(true) = ws.poll_transmit(&mut out) {}
/// assert_eq!(out.written(), b"\x88\x02\x03\xea"); // 1002
/// ```
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerError {
    /// RSV1, RSV2 or RSV3 is set, and no extension gives it a meaning there (RFC 6455 section 5.2). With compression RSV1 may be set on the first frame
    /// of a message (RFC 7692 section 6).
    ReservedBits,
    /// Opcode 3 to 7 or 0xB to 0xF (section 5.2).
    ReservedOpcode,
    /// A fragmented control frame (section 5.5).
    FragmentedControl,
    /// A control frame of more than 125 bytes (section 5.5).
    ControlTooLong,
    /// A continuation frame although no message is open (section 5.4).
    UnexpectedContinuation,
    /// A new message although the last one is not complete (section 5.4).
    ExpectedContinuation,
    /// A client sent an unmasked frame (section 5.1).
    NotMasked,
    /// A server sent a masked frame (section 5.1).
    Masked,
    /// A length that is not encoded in the shortest form (section 5.2: "the minimal number of bytes MUST be used").
    LengthNotMinimal,
    /// A length above 2^63-1 (section 5.2).
    LengthTooLarge,
    /// A data frame larger than [`Limits::frame`](super::Limits::frame).
    FrameTooLarge,
    /// A message larger than [`Limits::message`](super::Limits::message).
    MessageTooLarge,
    /// A message in more frames than [`Limits::fragments`](super::Limits::fragments).
    TooManyFragments,
    /// A message with more empty frames than [`Limits::empty_fragments`](super::Limits::empty_fragments).
    TooManyEmptyFragments,
    /// More control frames inside a message than [`Limits::controls`](super::Limits::controls).
    TooManyControls,
    /// Text that is not UTF-8, or ends inside a character (section 8.1).
    InvalidUtf8,
    /// A compressed message that is not DEFLATE, that ends too early, or that refers to bytes outside of the agreed window (RFC 7692 section 7.2.2).
    InvalidCompression,
    /// A compressed message that unpacks to many times its length. See [`Inflating::ratio`](super::Inflating::ratio).
    CompressedTooMuch,
    /// A close frame with a payload of one byte (section 5.5.1).
    InvalidClose,
    /// A close frame with an invalid code (section 7.4).
    InvalidCloseCode,
    /// A close frame whose reason is not UTF-8 (section 5.5.1).
    InvalidCloseReason,
}

impl PeerError {
    /// The code of the close frame that is owed (RFC 6455 section 7.4.1).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::FrameTooLarge | Self::MessageTooLarge | Self::CompressedTooMuch => CloseCode::MESSAGE_TOO_BIG,
            Self::InvalidUtf8 | Self::InvalidCloseReason | Self::InvalidCompression => CloseCode::INVALID_PAYLOAD,
            Self::TooManyFragments | Self::TooManyEmptyFragments | Self::TooManyControls => CloseCode::POLICY_VIOLATION,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBits => "a reserved bit is set in a frame, but no extension gives it a meaning",
            Self::ReservedOpcode => "a frame has a reserved opcode",
            Self::FragmentedControl => "a control frame is fragmented",
            Self::ControlTooLong => "a control frame has more than 125 bytes",
            Self::UnexpectedContinuation => "a continuation frame arrived, but no message is open",
            Self::ExpectedContinuation => "a new message began before the last one was complete",
            Self::NotMasked => "the client sent a frame without a mask",
            Self::Masked => "the server sent a masked frame",
            Self::LengthNotMinimal => "a frame length is not encoded in its shortest form",
            Self::LengthTooLarge => "a frame length is above 2^63-1",
            Self::FrameTooLarge => "a frame is larger than the limit",
            Self::MessageTooLarge => "a message is larger than the limit",
            Self::TooManyFragments => "a message has more frames than the limit",
            Self::TooManyEmptyFragments => "a message has more empty frames than the limit",
            Self::TooManyControls => "more control frames inside a message than the limit",
            Self::InvalidUtf8 => "a text message is not valid UTF-8",
            Self::InvalidCompression => "a compressed message cannot be unpacked",
            Self::CompressedTooMuch => "a compressed message unpacks to more times its length than the limit",
            Self::InvalidClose => "a close frame has a payload of one byte",
            Self::InvalidCloseCode => "a close frame has an invalid code",
            Self::InvalidCloseReason => "the reason in a close frame is not valid UTF-8",
        })
    }
}

impl core::error::Error for PeerError {}

/// The call is not possible in the state of the connection, or an argument is invalid. Nothing was changed. See [`Connection`](super::Connection).
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// A close frame was sent or is owed, and no data may follow it (RFC 6455 section 5.5.1).
    Closing,
    /// A message sent in parts is not complete, so another one cannot begin (section 5.4).
    MessageOpen,
    /// The part has another kind than the first part of its message.
    KindChanged,
    /// The close code must not be sent, or the reason has more than 123 bytes.
    InvalidClose,
    /// The payload of a ping has more than 125 bytes.
    ControlTooLong,
    /// The memory has no [`HEAD_ROOM`](super::HEAD_ROOM) before the payload.
    NoHeadRoom,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closing => "the connection is closing, so nothing can be sent",
            Self::MessageOpen => "a message sent in parts is not complete; finish it first",
            Self::KindChanged => "the part has another kind than the first part of its message",
            Self::InvalidClose => "the close code must not be sent, or the reason is longer than 123 bytes",
            Self::ControlTooLong => "the payload of a ping is longer than 125 bytes",
            Self::NoHeadRoom => "the memory has no room for a frame header before the payload",
        })
    }
}

impl core::error::Error for StateError {}

/// Why nothing was sent. Nothing was changed. See [`Connection`](super::Connection).
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The output has no room for the frame. Write it to the socket, clear it, and repeat the call.
    Capacity(Capacity),
    /// The call is not possible in this state.
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

/// Why no message can be returned. See [`Inbox`](super::Inbox).
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveError {
    /// The peer broke the protocol. The connection cannot continue.
    Peer(PeerError),
    /// The message is within the limits, but larger than the inbox. Nothing is lost: lend more memory
    /// ([`Inbox::replace`](super::Inbox::replace)), take the message in parts, skip it, or close.
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
