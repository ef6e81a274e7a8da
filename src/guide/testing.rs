//! Testing your application without sockets.
//!
//! The machines are plain values: given the same bytes, times and random bytes they do the same. So a test needs no network, no threads and no
//! waiting. There are two ways; and the formats can be fuzzed without a machine.
//!
//! # Give events to the handler
//!
//! If your application is a function from a Socket.IO event to answers, feed the session with Engine.IO messages and look at what was written.
//!
//! ```
//! use sansocket::{
//!     engineio::{self, Message},
//!     json::Raw,
//!     socketio::{self, AckSlot, PeerError, server::{Event, Session}},
//!     time::Instant,
//!     ws,
//! };
//!
//! type Io = Session<[&'static str; 1]>;
//!
//! /// The application under test: adds two numbers.
//! fn handle(event: Event<'_>, io: &mut Io, out: &mut ws::Out<'_, ws::Stored>) {
//!     match event {
//!         Event::Connect { namespace, .. } => drop(io.accept(namespace, socketio::Sid::from_random([2; 15]), out)),
//!         Event::Event(e) if e.is("add") => {
//!             let sum = e.args().filter_map(|arg| arg.as_u64()).fold(0, u64::saturating_add).to_string();
//!             if let Some(request) = e.ack {
//!                 let _ = io.ack(request, &Raw::trusted(sum.as_bytes()), out);
//!             }
//!         }
//!         _ => {}
//!     }
//! }
//!
//! /// What the application answers to one packet.
//! fn answer(io: &mut Io, packet: &str) -> Result<String, PeerError> {
//!     let mut memory = [0; 256];
//!     let mut out = ws::Out::stored(&mut memory);
//!     let event = io.handle_event(engineio::Event::Message(Message::Text(packet.as_bytes())))?;
//!     handle(event, io, &mut out);
//!     Ok(String::from_utf8_lossy(out.written().get(2..).unwrap_or_default()).into_owned()) // behind the frame header
//! }
//!
//! let mut io = Session::new(["/"], [AckSlot::EMPTY; 8], Instant::from_millis(45_000));
//! assert!(answer(&mut io, "0").unwrap().starts_with("40{\"sid\":"));
//! assert_eq!(answer(&mut io, r#"27["add",1,2,3]"#).unwrap(), "437[6]");
//! assert_eq!(answer(&mut io, r#"28["add","x"]"#).unwrap(), "438[0]");
//! assert!(answer(&mut io, "2[").is_err());
//! ```
//!
//! # Let two machines talk
//!
//! To test deadlines, cut input and lost links, connect a client and a server in memory. Time is a variable. `deliver` decides how the bytes
//! are cut, or loses them.
//!
//! ```
//! use sansocket::{
//!     time::Instant,
//!     ws::{Client, Connection, Inbox, Incoming, KeepAlive, Kind, Limits, Outbox, Server, Timeout, Timeouts},
//! };
//!
//! /// Gives `wire` to an inbox in pieces of `cut` bytes. Gives the messages.
//! fn deliver<R: sansocket::ws::Role>(
//!     wire: &[u8],
//!     cut: usize,
//!     inbox: &mut Inbox<[u8; 256]>,
//!     ws: &mut Connection<R>,
//!     mut pong: impl FnMut(&sansocket::ws::Control),
//! ) -> Vec<Vec<u8>> {
//!     let mut messages = Vec::new();
//!     for piece in wire.chunks(cut) {
//!         inbox.space().unwrap()[..piece.len()].copy_from_slice(piece);
//!         inbox.commit(piece.len());
//!         while let Some(incoming) = inbox.poll_message(ws).unwrap() {
//!             match incoming {
//!                 Incoming::Message(m) => messages.push(m.as_bytes().to_vec()),
//!                 Incoming::Pong(control) => pong(&control),
//!                 _ => {}
//!             }
//!         }
//!     }
//!     messages
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut now = Instant::from_millis(0);
//! let (mut client, mut server) = (Connection::client(Limits::new()), Connection::server(Limits::new()));
//! let (mut from_server, mut from_client) = (Inbox::new([0; 256]), Inbox::new([0; 256]));
//! let mut keep = KeepAlive::new(Timeouts::new().ping_interval(1000).pong(500), now);
//! keep.opened(now);
//! let mut client_memory = Outbox::with_keys([0; 256], || [1, 2, 3, 4]); // a fixed key: the run can be repeated
//! let mut server_memory = [0; 256];
//! let mut to_server = client.out(&mut client_memory);
//! let mut to_client = server.out(&mut server_memory);
//!
//! // Any cut gives the same messages.
//! client.send(Kind::Text, b"hello", &mut to_server)?;
//! for cut in 1..=to_server.written().len() {
//!     let mut server: Connection<Server> = Connection::server(Limits::new());
//!     let messages = deliver(to_server.written(), cut, &mut Inbox::new([0; 256]), &mut server, |_| {});
//!     assert_eq!(messages, [b"hello"]);
//! }
//! to_server.clear();
//!
//! // A second later the server's ping is due; the client answers it.
//! now = now.after_millis(1000);
//! assert_eq!(keep.handle_timeout(now, &mut server), None);
//! while keep.poll_transmit(&mut server, &mut to_client)? {}
//! deliver(to_client.written(), 1, &mut from_server, &mut client, |_| {});
//! to_client.clear();
//! while client.poll_transmit(&mut to_server)? {}
//! deliver(to_server.written(), 3, &mut from_client, &mut server, |pong| keep.handle_pong(pong));
//! now = now.after_millis(500);
//! assert_eq!(keep.handle_timeout(now, &mut server), None);
//!
//! // The link is lost: the next ping reaches nobody, and the server closes.
//! now = now.after_millis(500);
//! assert_eq!(keep.handle_timeout(now, &mut server), None);
//! while keep.poll_transmit(&mut server, &mut to_client)? {}
//! now = now.after_millis(500);
//! assert_eq!(keep.handle_timeout(now, &mut server), Some(Timeout::Pong));
//! assert!(server.is_closing());
//! # let _: &Connection<Client> = &client;
//! # Ok(()) }
//! ```
//!
//! # Formats alone: fuzzing and benchmarks
//!
//! | format | read | write |
//! |---|---|---|
//! | WebSocket frames | [`ws::Connection::poll_event`](crate::ws::Connection::poll_event), from any slice | [`ws::Connection::send`](crate::ws::Connection::send) |
//! | HTTP heads | [`http::Request::parse`](crate::http::Request::parse), [`ResponseHead::parse`](crate::http::ResponseHead::parse) | [`http::Response::write`](crate::http::Response::write) |
//! | Engine.IO packets | [`engineio::Packet::parse_text`](crate::engineio::Packet::parse_text), [`Packets`](crate::engineio::Packets) | [`engineio::Payload`](crate::engineio::Payload) |
//! | Socket.IO packets | [`socketio::Packet::parse`](crate::socketio::Packet::parse) | [`socketio::Packet::write`](crate::socketio::Packet::write), [`broadcast`](crate::socketio::server::broadcast) |
//! | JSON | [`json::Value::parse`](crate::json::Value::parse), [`Array::parse`](crate::json::Array::parse) | [`json::Args::write`](crate::json::Args::write) |
//!
//! The body of a fuzz target, for frames and for packets. Packets and JSON take text, so check UTF-8 first, as a WebSocket does: other bytes do no
//! harm, but no law holds for them.
//!
//! ```
//! use sansocket::{socketio::Packet, ws::{Connection, Event, Limits, PeerError}};
//!
//! /// What a server reads, in pieces of `cut` bytes.
//! fn read(data: &[u8], cut: usize) -> (Vec<u8>, Result<(), PeerError>) {
//!     let (mut ws, mut payload) = (Connection::server(Limits::new()), Vec::new());
//!     for mut piece in data.to_vec().chunks_mut(cut) { // payload is unmasked in place
//!         loop {
//!             match ws.poll_event(&mut piece) {
//!                 Ok(Some(Event::Chunk(chunk))) => payload.extend_from_slice(chunk.as_bytes()),
//!                 Ok(Some(_)) => {}
//!                 Ok(None) => break,
//!                 Err(e) => return (payload, Err(e)),
//!             }
//!         }
//!     }
//!     (payload, Ok(()))
//! }
//!
//! fn target(data: &[u8]) {
//!     assert_eq!(read(data, 1), read(data, usize::MAX)); // the cut has no meaning
//!     if let Some(packet) = std::str::from_utf8(data).ok().and_then(|text| Packet::parse(text.as_bytes()).ok()) {
//!         let mut memory = vec![0; data.len() + 1]; // `1/chat` is written with a comma
//!         let written = packet.write(&mut memory).unwrap();
//!         assert!(Packet::parse(written).is_ok()); // what is written can be read
//!     }
//! }
//!
//! target(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
//! target(b"\x81\x05Hello");
//! target(br#"2/chat,7["hello",1]"#);
//! ```
//!
//! # Laws worth testing
//!
//! - Any cut of the input gives the same events.
//! - With less output memory the same bytes come out, after more writes.
//! - Every ending leaves nothing behind: the member has left its rooms, the session is out of your table.
//!
//! Machines implement `Clone` and `PartialEq`: keep a copy and compare, to check that a refused call changed nothing.
