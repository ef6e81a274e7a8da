use crate::{bytes::Capacity, engineio, json};
use core::fmt;

/// The peer broke the Socket.IO protocol. Close the connection ([`Session::close`](crate::engineio::server::Session::close)), like the JavaScript
/// implementation. All later packets of this connection return the same error. See the [module page](crate::socketio) for an example.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerError {
    /// The packet is empty, or its type is not 0 to 6.
    UnknownPacket,
    /// The number of attachments is missing, 0, or has a leading zero; or a placeholder refers to an attachment that does not exist (CVE-2022-2421).
    InvalidAttachments,
    /// The packet has more attachments than the session's `Limits::attachments` (CVE-2026-33151).
    TooManyAttachments,
    /// The attachments of one packet are together larger than the session's `Limits::attachment_bytes`.
    AttachmentsTooLarge,
    /// An acknowledgement id above 2^64-1.
    InvalidId,
    /// The payload is not valid JSON, or too deeply nested.
    Json(json::Error),
    /// The JSON payload has the wrong type for its packet (CVE-2023-32695: an event name that is an object).
    InvalidPayload,
    /// The event name is reserved by the protocol.
    ReservedName,
    /// From a client: a packet other than CONNECT for a namespace that it is not connected to.
    NotConnected,
    /// A second CONNECT to a namespace that the client is connected to, or has asked for. From a server: a second answer.
    AlreadyConnected,
    /// CONNECT to more namespaces than [`Limits::namespaces`](super::server::Limits::namespaces).
    TooManyNamespaces,
    /// From a client: a packet that only servers send (CONNECT_ERROR).
    ServerOnly,
    /// A server answered CONNECT without an id, or sent such an answer unasked: it speaks the protocol of Socket.IO 2.
    OldServer,
    /// A text packet arrived while attachments are missing.
    UnexpectedText,
    /// A binary message arrived while no attachment is missing.
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
            Self::InvalidAttachments => "invalid number of attachments, or invalid placeholder",
            Self::TooManyAttachments => "too many attachments",
            Self::AttachmentsTooLarge => "attachments over the limit",
            Self::InvalidId => "acknowledgement id out of range",
            Self::Json(e) => return e.fmt(f),
            Self::InvalidPayload => "the payload has the wrong type for its packet",
            Self::ReservedName => "reserved event name",
            Self::NotConnected => "packet to a namespace that is not connected",
            Self::AlreadyConnected => "second CONNECT to a namespace",
            Self::TooManyNamespaces => "too many namespaces",
            Self::ServerOnly => "packet that only servers send",
            Self::OldServer => "the server speaks the protocol of Socket.IO 2",
            Self::UnexpectedText => "text packet while attachments are missing",
            Self::UnexpectedBinary => "binary message while no attachment is missing",
        })
    }
}

impl core::error::Error for PeerError {}

/// There are too few slots. Nothing was changed.
///
/// `needed` is the least number that helps. Lend at least twice the old number, so that the cost of growing stays small.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotCapacity {
    /// The total number of slots that the call needs.
    pub needed: usize,
    /// The number of slots that the session has.
    pub available: usize,
}

impl fmt::Display for SlotCapacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} slots needed, {} available", self.needed, self.available)
    }
}

impl core::error::Error for SlotCapacity {}

/// The call does not fit the state of the session. Nothing was changed. See the [module page](crate::socketio) for an example.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// The client is not connected to the namespace, or did not ask for it. On a client: there is no slot for the namespace.
    NotConnected,
    /// The client is already connected to the namespace: its CONNECT packet was answered.
    AlreadyConnected,
    /// The event name is reserved by the protocol.
    ReservedName,
    /// The credentials of a client are not one JSON object.
    NotAnObject,
    /// The [`AckRequest`](super::AckRequest) belongs to another session, or the client has left the namespace since.
    Stale,
    /// More attachments than [`MAX_ATTACHMENTS`](super::MAX_ATTACHMENTS). Receivers reject such packets.
    TooManyAttachments,
    /// The session already waits for [`Limits::acks`](super::server::Limits::acks) acknowledgements. Try again when some have arrived or failed.
    TooManyAcks,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotConnected => "the namespace is not connected",
            Self::AlreadyConnected => "the namespace is already connected",
            Self::ReservedName => "reserved event name",
            Self::NotAnObject => "the credentials are not a JSON object",
            Self::Stale => "the acknowledgement request belongs to another connection",
            Self::TooManyAttachments => "too many attachments",
            Self::TooManyAcks => "too many acknowledgements in flight",
        })
    }
}

impl core::error::Error for StateError {}

/// Why a packet was not written. Nothing was changed. See the [module page](crate::socketio) for an example.
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The output is too small for the packet. Write it to the socket, clear it and repeat the call, or lend more. `needed` is exact.
    Capacity(Capacity),
    /// All slots for acknowledgements are in use. Lend more (`replace_acks` of the session), or wait until some have arrived or failed.
    Acks(SlotCapacity),
    /// An argument cannot be written as JSON ([`json::Json`]). A bug of the application.
    Serialize(json::SerializeError),
    /// The call does not fit the state of the session. A bug of the application, or the client left the namespace.
    State(StateError),
    /// The connection cannot send a message now: it is closing, or a message that is sent in parts is open.
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
