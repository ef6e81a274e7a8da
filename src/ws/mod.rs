//! Layer 2: WebSocket (RFC 6455) in both roles, strict: what the RFC forbids is refused by default.
//!
//! A [`Connection`] turns bytes into [`Event`]s and keeps the rules of closing; it holds no buffers. An [`Inbox`] beside it
//! turns them into whole [`Message`]s in lent memory. [`Out`] is the write cursor that all layers share; an [`Outbox`] keeps what it wrote until the
//! socket has taken it. Knows HTTP for the
//! opening handshake, and nothing of what the messages hold.

mod accept_key;
mod buffer;
mod close;
mod connect;
mod connection;
mod decoder;
mod error;
mod event;
mod extended_connect;
mod frame_header;
mod handshake;
mod header;
mod inbox;
mod keep_alive;
mod leniency;
mod limits;
mod mask;
mod opcode;
mod out;
mod outbox;
mod response;
mod role;
mod send;
mod state;
mod text;

#[cfg(feature = "sha1")]
pub use accept_key::accept_key;
pub use accept_key::accept_key_with;
pub use close::CloseCode;
pub use connect::{Connect, ConnectError};
pub use connection::{Closed, Connection, OWED_MAX};
pub use error::{PeerError, ReceiveError, SendError, StateError};
pub use event::{Advanced, Chunk, Control, Event, Incoming, Message, Text};
pub use extended_connect::{EXTENDED_CONNECT_FIELDS, ExtendedConnect, ExtendedConnectError};
pub use frame_header::{FrameHeader, HEAD_ROOM};
#[cfg(feature = "sha1")]
pub use handshake::accept_fields;
pub use handshake::{Accept, RequestError, is_upgrade, refuse};
pub use inbox::Inbox;
pub use keep_alive::{KeepAlive, Timeout, Timeouts};
pub use leniency::Leniency;
pub use limits::Limits;
pub use opcode::Kind;
pub(crate) use out::stored_frame;
pub use out::{Form, Frames, Kept, MaskSource, NoKeys, Out, Output, Stored};
pub use outbox::Outbox;
pub use response::{HandshakeError, Opened};
pub use role::{Client, Role, Server};
