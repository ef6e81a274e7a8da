use crate::{bytes::Capacity, engineio, json};
use core::fmt;

/// The peer broke Socket.IO. Fatal: close the link ([`Session::close`](crate::engineio::server::Session::close)), as the reference does; every
/// later packet gives the same error.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerError {
    /// Empty, or a type that is not 0 to 6.
    UnknownPacket,
    /// The number of attachments is missing, 0, or not in plain digits; or a placeholder names one that there is not (CVE-2022-2421).
    InvalidAttachments,
    /// More attachments than [`Limits::attachments`](super::server::Limits::attachments) (CVE-2026-33151).
    TooManyAttachments,
    /// The attachments of one packet have more bytes than [`Limits::attachment_bytes`](super::server::Limits::attachment_bytes).
    AttachmentsTooLarge,
    /// An acknowledgement id above 2^64-1.
    InvalidId,
    /// The payload is not JSON, or nested too deeply.
    Json(json::Error),
    /// The payload is JSON of the wrong shape for its packet (CVE-2023-32695: an event name that is an object).
    InvalidPayload,
    /// An event with a name that the protocol keeps for itself.
    ReservedName,
    /// The first packet, or one to a namespace that is not connected, was not CONNECT.
    NotConnected,
    /// CONNECT to a namespace that is connected.
    AlreadyConnected,
    /// CONNECT to more namespaces than [`Limits::namespaces`](super::server::Limits::namespaces).
    TooManyNamespaces,
    /// A packet that only servers send.
    ServerOnly,
    /// A text packet where an attachment is due.
    UnexpectedText,
    /// A binary message where none is due.
    UnexpectedBinary,
}

impl From<json::Error> for PeerError {
    fn from(e: json::Error) -> Self {
        Self::Json(e)
    }
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownPacket => "unknown packet type",
            Self::InvalidAttachments => "illegal attachments",
            Self::TooManyAttachments => "too many attachments",
            Self::AttachmentsTooLarge => "attachments over the limit",
            Self::InvalidId => "acknowledgement id out of range",
            Self::Json(e) => return e.fmt(f),
            Self::InvalidPayload => "payload of the wrong shape",
            Self::ReservedName => "reserved event name",
            Self::NotConnected => "packet to a namespace that is not connected",
            Self::AlreadyConnected => "second CONNECT to a namespace",
            Self::TooManyNamespaces => "too many namespaces",
            Self::ServerOnly => "packet that only servers send",
            Self::UnexpectedText => "text packet where an attachment is due",
            Self::UnexpectedBinary => "binary message where none is due",
        })
    }
}

impl core::error::Error for PeerError {}

/// There are too few slots; nothing was changed.
///
/// `needed` is the least number that helps. Lend at least twice as many as there are, so that growing stays cheap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotCapacity {
    /// Slots that the call needs to succeed, in all.
    pub needed: usize,
    /// Slots that there are.
    pub available: usize,
}

impl fmt::Display for SlotCapacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} slots needed, {} available", self.needed, self.available)
    }
}

impl core::error::Error for SlotCapacity {}

/// The call does not fit the state of the session; nothing was changed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// The client is not connected to the namespace, or did not ask to be.
    NotConnected,
    /// The client is connected to the namespace already: its CONNECT packet was answered before.
    AlreadyConnected,
    /// The event name is reserved by the protocol.
    ReservedName,
    /// The [`AckRequest`](super::AckRequest) comes from another session, or from before the client left the namespace.
    Stale,
    /// More attachments than [`MAX_ATTACHMENTS`](super::MAX_ATTACHMENTS). Receivers refuse those.
    TooManyAttachments,
    /// The session waits for as many acknowledgements as [`Limits::acks`](super::server::Limits::acks) allows. Try again when some have
    /// arrived or failed.
    TooManyAcks,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotConnected => "the namespace is not connected",
            Self::AlreadyConnected => "the namespace is connected already",
            Self::ReservedName => "reserved event name",
            Self::Stale => "the request to acknowledge belongs to another connection",
            Self::TooManyAttachments => "too many attachments",
            Self::TooManyAcks => "too many acknowledgements in flight",
        })
    }
}

impl core::error::Error for StateError {}

/// Why a packet was not written. Nothing was changed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The output is too small for the packet. Write it out, clear it, and repeat the call.
    Capacity(Capacity),
    /// All slots for acknowledgements are in use. Lend more with
    /// [`Session::replace_acks`](super::server::Session::replace_acks), or wait until some have arrived or failed.
    Acks(SlotCapacity),
    /// An argument has no form in JSON ([`json::Json`]): the application's fault.
    Serialize(json::SerializeError),
    /// The call does not fit the state of the session: the caller's mistake.
    State(StateError),
    /// The connection takes no message now: it is closing, or a message that is sent in parts is not finished.
    Link(engineio::SendError),
}

impl From<engineio::SendError> for SendError {
    fn from(e: engineio::SendError) -> Self {
        match e {
            engineio::SendError::Capacity(e) => Self::Capacity(e),
            other => Self::Link(other),
        }
    }
}

impl From<json::SerializeError> for SendError {
    fn from(e: json::SerializeError) -> Self {
        Self::Serialize(e)
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
            Self::Acks(e) => write!(f, "acknowledgements: {e}"),
            Self::Serialize(e) => e.fmt(f),
            Self::State(e) => e.fmt(f),
            Self::Link(e) => e.fmt(f),
        }
    }
}

impl core::error::Error for SendError {}
