//! The memory that you lend: how much, when it grows, how it comes back.
//!
//! The crate allocates nothing. You give each machine its memory: an array, a `&'static mut [u8]`, a `Vec`, a guard of a pool.
//!
//! # Sizes
//!
//! - **Inbox**: the longest message that you take whole, and 14 bytes for its header. The HTTP head must fit too (a browser sends about 600
//!   bytes). Too small: grow, take the message in pieces, skip it, or close.
//! - **Output** (`Out`, `Outbox`): the longest packet that you send, and 14 bytes for its header; at least
//!   [`ws::OWED_MAX`](crate::ws::OWED_MAX) (131 bytes) or [`engineio::server::OWED_MAX`](crate::engineio::server::OWED_MAX) (160 bytes). Too
//!   small: write it out, clear it, repeat the call.
//! - **`AckSlot`s**, 32 bytes each: the acknowledgements that one session expects at a time; 8 is plenty for most. Too few: `emit` is refused;
//!   `replace_acks` moves them to more slots.
//! - **Rooms**: 32 bytes for each room, each member and each membership, and memory for the names. Too small: `join` is refused and says how
//!   much is needed; `replace` moves them.
//! - **[`Collector`](crate::socketio::Collector)**: the JSON and all attachments of the largest binary event. Too small: `replace` it and
//!   repeat, or drop the event.
//! - **[`Queue`](crate::socketio::Queue) slots**: the packets that may wait for one slow receiver. Too few: its `Policy` drops packets or
//!   closes the connection.
//!
//! Two rules keep you out of trouble. Make the output at least as large as the inbox plus 64 bytes if you send back what you receive. Set
//! [`ws::Limits::message`](crate::ws::Limits::message) to the size of the inbox, unless the inbox grows: then a longer message is refused as
//! soon as its header comes.
//!
//! The state of the machines themselves, without that memory, in bytes:
//!
//! | state | 64-bit | 32-bit |
//! |---|---|---|
//! | [`ws::Connection`](crate::ws::Connection) | 256 | 232 |
//! | [`ws::Inbox`](crate::ws::Inbox) | 40 | 24 |
//! | [`ws::KeepAlive`](crate::ws::KeepAlive) | 56 | 56 |
//! | [`engineio::server::Session`](crate::engineio::server::Session) | 72 | 72 |
//! | [`socketio::server::Session`](crate::socketio::server::Session) | 144 | 88 |
//!
//! # Growing
//!
//! A `Capacity` error says how many bytes were needed. Grow in steps, with what arrives: the length in a header costs a stranger nothing, so
//! never allocate all of it at once.
//!
//! ```
//! use sansocket::ws::{Connection, Inbox, Incoming, Limits, ReceiveError};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut ws = Connection::server(Limits::new().message(1 << 20));
//! let mut inbox = Inbox::new(vec![0; 64]);
//! let message = [b'x'; 1000];
//! let wire = [&[0x81, 0xfe, 0x03, 0xe8, 0, 0, 0, 0], &message[..]].concat();
//!
//! let mut rest = &wire[..];
//! let mut received = 0;
//! while received == 0 {
//!     let too_small = match inbox.poll_message(&mut ws) {
//!         Ok(Some(Incoming::Message(m))) => {
//!             received = m.as_bytes().len();
//!             continue;
//!         }
//!         Ok(Some(_)) => continue,
//!         Ok(None) => None,
//!         Err(ReceiveError::Capacity(e)) => Some(e), // within the limit, and larger than the inbox
//!         Err(e) => return Err(e.into()),
//!     };
//!     if let Some(e) = too_small
//!         && inbox.space().is_err()
//!     {
//!         // It is full: at most twice as much.
//!         let size = e.needed.min(2 * e.available);
//!         inbox.replace(vec![0; size]).map_err(|_| "it is larger")?;
//!     }
//!     let space = inbox.space()?; // a socket would read here
//!     let n = space.len().min(rest.len()).min(100);
//!     space[..n].copy_from_slice(&rest[..n]);
//!     inbox.commit(n);
//!     rest = &rest[n..];
//! }
//! assert_eq!(received, 1000);
//! # Ok(()) }
//! ```
//!
//! # Giving back
//!
//! Between two messages the inbox holds nothing, so 10,000 idle connections need no receive memory: lend the same buffer to whichever
//! connection has bytes to read. [`held`](crate::ws::Inbox::held) says how many bytes must stay.
//!
//! ```
//! use sansocket::ws::{Connection, Inbox, Limits, Server};
//!
//! struct Client {
//!     ws: Connection<Server>,
//!     inbox: Inbox<Vec<u8>>,
//! }
//!
//! /// The socket of `client` is readable: `read` fills the memory that it is given.
//! fn readable(client: &mut Client, shared: &mut Vec<u8>, read: impl FnOnce(&mut [u8]) -> usize) -> usize {
//!     let Client { ws, inbox } = client;
//!     if inbox.held() == 0 {
//!         // Nothing is in hand: swap the shared buffer in. What comes back is empty.
//!         let lent = inbox.replace(std::mem::take(shared));
//!         assert!(lent.is_ok_and(|old| old.is_empty()));
//!     }
//!     let mut messages = 0;
//!     if let Ok(space) = inbox.space() {
//!         let n = read(space);
//!         inbox.commit(n);
//!     }
//!     while let Ok(Some(_message)) = inbox.poll_message(ws) {
//!         messages += 1;
//!     }
//!     // All was used up: take the buffer back. A message that was cut keeps a buffer of its own.
//!     let keep = if inbox.held() == 0 { Vec::new() } else { vec![0; 1024] };
//!     if let Ok(buffer) = inbox.replace(keep) {
//!         *shared = buffer;
//!     }
//!     messages
//! }
//!
//! let mut shared = vec![0; 16 * 1024];
//! let mut client = Client { ws: Connection::server(Limits::new()), inbox: Inbox::new(Vec::new()) };
//! let wire = b"\x81\x82\0\0\0\0hi";
//! let whole = readable(&mut client, &mut shared, |space| {
//!     space[..wire.len()].copy_from_slice(wire);
//!     wire.len()
//! });
//! assert_eq!((whole, client.inbox.held(), shared.len()), (1, 0, 16 * 1024));
//! ```
//!
//! # Unpacking compressed messages
//!
//! Compression (permessage-deflate, RFC 7692) is off until you ask for it in the handshake, because it costs memory for each connection. For what
//! is received the cost is the window that both ends agree on, and a quarter more, so that it is moved seldom; the message stands behind it:
//!
//! | agreed | least memory | largest message taken whole | held while idle |
//! |---|---|---|---|
//! | 8 bits, takeover | 320 | memory - 256 | the memory |
//! | 9 bits, takeover | 640 | memory - 512 | the memory |
//! | 10 bits, takeover | 1,280 | memory - 1,024 | the memory |
//! | 12 bits, takeover | 5,120 | memory - 4,096 | the memory |
//! | 15 bits, takeover | 40,960 | memory - 32,768 | the memory |
//! | any, no takeover | none | memory | nothing |
//!
//! With *takeover* a message may refer to the ones before it. That makes short messages much shorter, since most of a message is like the last one;
//! but the window must stay while the connection is idle: 10,000 connections with 15 bits hold 400 MB. Without takeover each message stands for
//! itself and is its own window, so idle connections hold nothing ([`Inbox::replace_unpacked`](crate::ws::Inbox::replace_unpacked)). Messages in parts
//! need more memory than the window in both cases.
//!
//! Beside that memory each [`Inflating`](crate::ws::Inflating) has tables: 6 KiB on a machine of 64 bits, 1.4 KiB on one of 32 bits. The memory for
//! received bytes may be small, because compressed bytes are unpacked as they arrive.
//!
//! ```
//! use sansocket::{http::{HeadScanner, Limits as HeadLimits, Request}, ws::{Accept, Compression, Connection, Inbox, Incoming, Inflating, Limits}};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! const MEMORY: usize = 4096;
//! // Half of the memory for the window, half for the message.
//! const COMPRESSION: Compression = Compression::new().receive_within(MEMORY / 2);
//!
//! // The inbox reads the handshake too, so it learns later what was agreed on.
//! let mut inbox = Inbox::new(Inflating::new([0; 512], [0; MEMORY], None)?);
//! # let wire = [&b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//! #     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
//! #     Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"[..],
//! #     b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\0"].concat();
//! # let mut read = |space: &mut [u8]| { space[..wire.len()].copy_from_slice(&wire); wire.len() };
//! let n = read(inbox.space()?); // a socket's read
//! inbox.commit(n);
//! let Some(end) = HeadScanner::new(HeadLimits::new()).scan(inbox.bytes())? else { return Err("read more".into()) };
//! let request = Request::parse(&inbox.bytes()[..end])?;
//! let accept = Accept::check(&request)?.compress(&COMPRESSION);
//! let agreed = accept.compression();
//! let mut response = [0; 512];
//! let n = accept.write(&[], &mut response)?; // write it to the socket
//! # assert!(n > 0);
//!
//! inbox.consume(end);
//! inbox.agree(agreed)?;
//! let mut ws = Connection::server(Limits::new()).with_compression(agreed);
//! while let Some(incoming) = inbox.poll_message(&mut ws)? {
//!     if let Incoming::Message(message) = incoming {
//!         assert_eq!(message.as_bytes(), b"Hello");
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! Messages that unpack to far more than they had, are not what they say, or refer to what is not there end the connection:
//! [`Inflating::ratio`](crate::ws::Inflating::ratio), [`PeerError`](crate::ws::PeerError). The size of the sender's memory is that of a
//! [`deflate::Tier`](crate::deflate::Tier).
//!
//! # Compression for many connections
//!
//! A server of Socket.IO tells its machine what the handshake agreed on: [`ServerLink::with_compression`](crate::endpoint::ServerLink::with_compression),
//! and [`Upgrade::with_compression`](crate::endpoint::Upgrade::with_compression) for a session that moves there from polling. Packets wait as they are
//! and are compressed on their way to the socket, so a packet that is dropped is in no window. The drivers (module `drive`) do all of that
//! themselves: `with_compression`.
//!
//! Without takeover nothing of it needs to belong to a connection. [`MayInflate`](crate::ws::MayInflate) is storage to which an
//! [`Inflater`](crate::ws::Inflater) is lent when bytes have come, and taken back when no message is open; one [`Deflater`](crate::ws::Deflater) compresses for
//! all, and a packet for many receivers once. `sansocket-tokio` does so.
//!
//! # In pieces
//!
//! A message need not fit anywhere. [`Inbox::poll_part`](crate::ws::Inbox::poll_part) gives it in parts as they arrive, and
//! [`ws::Connection::poll_event`](crate::ws::Connection::poll_event) works on any slice, without an inbox. [`boards`](super::boards) shows such
//! a loop.
//!
//! # Cost
//!
//! Work is proportional to the bytes received and sent. An inbox moves bytes to its front only when its tail runs out, a constant number of
//! moves for each byte. Lookups in tables (rooms, broadcasts) are constant on average; an event costs one comparison for each handler.
