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

/// The call does not fit the state of the session; nothing was changed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// The namespace is not connected, or waits for no answer.
    NotConnected,
    /// An event name that the protocol keeps for itself.
    ReservedName,
    /// The request to acknowledge belongs to a connection that is over.
    Stale,
    /// More attachments than [`MAX_ATTACHMENTS`](super::MAX_ATTACHMENTS), which receivers refuse.
    TooManyAttachments,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotConnected => "the namespace is not connected",
            Self::ReservedName => "reserved event name",
            Self::Stale => "the request belongs to an earlier connection",
            Self::TooManyAttachments => "too many attachments",
        })
    }
}

impl core::error::Error for StateError {}

/// Why nothing was written; nothing was changed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The output has less room than the packet needs: write it out, clear it, and say it again.
    Capacity(Capacity),
    /// The table of acknowledgements that are waited for is full; in slots.
    Acks(Capacity),
    /// An argument has no form in JSON ([`json::Json`]): the application's fault.
    Serialize(json::SerializeError),
    /// The call does not fit the state of the session.
    State(StateError),
    /// The link takes nothing now: it is closing, or a message sent in parts is open.
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
            Self::Acks(e) => write!(f, "all {} slots for acknowledgements are taken", e.available),
            Self::Serialize(e) => e.fmt(f),
            Self::State(e) => e.fmt(f),
            Self::Link(e) => e.fmt(f),
        }
    }
}

impl core::error::Error for SendError {}
