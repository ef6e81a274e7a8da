//! Layer 2: WebSocket (RFC 6455), client and server. Everything that the RFC forbids is refused by default.
//!
//! - Opening handshake: [`Accept`] for a server, [`Connect`] for a client, [`ExtendedConnect`] for HTTP/2 and HTTP/3.
//! - [`Connection`]: the protocol state of one end, from the handshake to the end. It has no buffers.
//! - [`Inbox`]: the receive memory. The socket reads into it; whole [`Message`]s are lent from it.
//! - [`Out`]: the write cursor of all layers. An [`Outbox`] owns the memory under it and keeps bytes until the socket has taken them.
//! - [`Compression`]: permessage-deflate (RFC 7692), if you want it. An inbox with [`Inflating`] storage unpacks; a [`Deflater`] in front of the output
//!   memory packs.
//! - [`KeepAlive`]: pings and deadlines, if you want them.
//!
//! ```
//! use sansocket::ws::{Client, CloseCode, Connection, Inbox, Incoming, Limits, Message, Outbox, Server};
//!
//! let mut client: Connection<Client> = Connection::client(Limits::new());
//! let mut server: Connection<Server> = Connection::server(Limits::new());
//! let mut to_server = Outbox::with_keys([0; 256], || [1, 2, 3, 4]); // masking keys; a real client draws them at random
//! let mut to_client = Outbox::new([0; 256]);
//!
//! // The client sends a message and closes.
//! client.send_text("hello", &mut client.out(&mut to_server))?;
//! client.close(CloseCode::NORMAL, "bye")?;
//! while client.poll_transmit(&mut client.out(&mut to_server))? {}
//!
//! // A socket would carry the bytes into the server's inbox.
//! let mut inbox = Inbox::new([0; 256]);
//! let bytes = to_server.written();
//! inbox.space()?[..bytes.len()].copy_from_slice(bytes);
//! inbox.commit(bytes.len());
//!
//! while let Some(incoming) = inbox.poll_message(&mut server)? {
//!     match incoming {
//!         Incoming::Message(Message::Text(text)) => assert_eq!(text.as_str(), "hello"),
//!         Incoming::Close(code) => assert_eq!(code, CloseCode::NORMAL),
//!         _ => {}
//!     }
//! }
//! assert_eq!(server.close_reason(), "bye");
//!
//! // The server owes the answering close frame.
//! assert!(server.is_closing() && !server.is_closed());
//! while server.poll_transmit(&mut server.out(&mut to_client))? {}
//! assert!(server.is_closed());
//! assert_eq!(to_client.written(), b"\x88\x02\x03\xe8");
//! assert!(server.handle_eof().is_clean);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod accept_key;
mod assemble;
mod buffer;
mod close;
mod compression;
mod connect;
mod connection;
mod control_frame;
mod decoder;
mod deflater;
#[cfg(test)]
mod deflater_tests;
mod error;
mod event;
mod extended_connect;
mod frame_header;
mod handshake;
mod header;
mod inbox;
mod keep_alive;
mod keys;
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
mod stored;
mod text;
mod with_deflater;

#[cfg(feature = "sha1")]
pub use accept_key::accept_key;
pub use accept_key::accept_key_with;
#[cfg(feature = "drive")]
pub(crate) use assemble::Worked;
pub use close::CloseCode;
pub(crate) use compression::window_memory;
pub use compression::{Agreed, Compression, CompressionError, ExtensionText};
pub use connect::{Connect, ConnectError};
pub use connection::{Closed, Connection, OWED_MAX};
pub use deflater::{Deflated, Deflater, Deflating};
pub use error::{PeerError, ReceiveError, SendError, StateError};
pub use event::{Advanced, Chunk, Control, Event, Incoming, Message, Text};
pub use extended_connect::{EXTENDED_CONNECT_FIELDS, ExtendedConnect, ExtendedConnectError};
pub use frame_header::{FrameHeader, HEAD_ROOM};
#[cfg(feature = "sha1")]
pub use handshake::accept_fields;
pub(crate) use handshake::is_own as is_own_field;
pub use handshake::{Accept, RequestError, is_upgrade, refuse};
pub(crate) use header::size as header_size;
#[cfg(feature = "drive")]
pub(crate) use inbox::larger;
pub use inbox::{Growing, Inbox, Inflater, Inflating, MayInflate, Storage};
pub use keep_alive::{KeepAlive, Timeout, Timeouts};
pub use keys::{MaskSource, NoKeys};
pub use leniency::Leniency;
pub use limits::Limits;
pub use opcode::Kind;
pub use out::{Form, Frames, Kept, Out, Output, Stored};
pub use outbox::Outbox;
pub use response::{HandshakeError, Opened};
pub use role::{Client, Role, Server};
pub(crate) use stored::stored_frame;
pub use with_deflater::WithDeflater;
