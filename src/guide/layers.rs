//! The layers, and the way of one message through them.
//!
//! | layer | module | what goes in | what comes out |
//! |---|---|---|---|
//! | JSON | [`json`](crate::json) | bytes | checked values, also typed ones |
//! | DEFLATE | [`deflate`](crate::deflate) | bytes, or compressed bytes | compressed bytes, or bytes |
//! | HTTP | [`http`](crate::http) | the bytes of a request or a response head | its parts, checked |
//! | WebSocket | [`ws`](crate::ws) | bytes | whole messages, pings, pongs, a close |
//! | Engine.IO | [`engineio`](crate::engineio) | WebSocket messages, or the bodies of HTTP requests | Engine.IO messages; opened, closed |
//! | Socket.IO | [`socketio`](crate::socketio) | Engine.IO events | events, acknowledgements, attachments, connects |
//! | endpoint | [`endpoint`](crate::endpoint) | received bytes, HTTP requests, time | Socket.IO events, bytes to send, HTTP answers |
//! | drivers | `drive` (feature `drive`) | a transport, a clock, memory | calls that you await, or that block |
//!
//! Use as many layers as you need: a WebSocket server uses `http` and `ws`. A layer knows the layers below it and none above it. `endpoint` puts
//! the machines of the other layers together, for the usual server and client. `drive` does the reading, writing and waiting around them; no other layer
//! awaits.
//!
//! # Objects
//!
//! The layers of one connection are separate objects that stand side by side:
//!
//! - [`ws::Inbox`](crate::ws::Inbox): the receive memory. The socket reads into it, and messages are lent from it.
//! - [`ws::Connection`](crate::ws::Connection): the WebSocket state. It has no buffers.
//! - [`engineio::server::Session`](crate::engineio::server::Session): the heartbeat, and whether the session is open.
//! - [`socketio::server::Session`](crate::socketio::server::Session): the namespaces that the client has joined, and the acknowledgements that
//!   are awaited.
//! - [`ws::Out`](crate::ws::Out): the send memory. All layers write into it, always whole frames or nothing.
//!
//! An event borrows the inbox and nothing else. So while you handle it you can call every other object: send, acknowledge, close, join a room.
//!
//! # One message
//!
//! A client emits the event `ask` with the argument 1 and wants an acknowledgement. On the wire this is one masked text frame with the payload
//! `421["ask",1]`: `4` is Engine.IO's digit for a message, `2` is Socket.IO's digit for an event, `1` is the acknowledgement's id, and JSON
//! follows.
//!
//! ```text
//!        the client's bytes                                     the server's bytes
//!               |                                                      ^
//!   inbox.space, inbox.commit                                     out.written
//!               |                                                      |
//!   ws      unmasks, checks UTF-8: text 421["ask",1]         frame around 431["yes"]
//!               |                                                      |
//!   engine  takes the 4 away: message 21["ask",1]                  puts a 4 in front
//!               |                                                      |
//!   io      event "ask", arguments 1, ack request 1   -->   io.ack(request, "yes", out)
//! ```
//!
//! The payload is never copied on its way in: the event lends the bytes where the socket wrote them. On the way out the JSON is written into
//! the output once, behind room for the frame header.
//!
//! ```
//! use sansocket::{
//!     engineio::{self, server as engine},
//!     socketio::{self, AckSlot, server::{Event, Session}},
//!     time::Instant,
//!     ws,
//! };
//!
//! /// A client's text frame; the masking key is zero, so the payload can be read.
//! fn frame(text: &str) -> Vec<u8> {
//!     [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text.as_bytes()].concat()
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = Instant::from_millis(0);
//! let mut inbox = ws::Inbox::new([0; 1024]);
//! let mut ws = ws::Connection::server(ws::Limits::new());
//! let mut engine = engine::Session::open(engineio::Sid::from_random([1; 15]), engine::Config::new(), now);
//! let mut io = Session::new(["/"], [AckSlot::EMPTY; 4], now.after_millis(45_000));
//! let mut tx = [0; 1024];
//! let mut out = ws.out(&mut tx);
//!
//! // Engine.IO owes its open packet first.
//! while engine.poll_transmit(&mut out)? {}
//! assert!(out.written()[2..].starts_with(b"0{\"sid\":"));
//! out.clear();
//!
//! // The client connects to the namespace `/`, then asks. A socket would read this.
//! let received = [frame("40"), frame(r#"421["ask",1]"#)].concat();
//! inbox.space()?[..received.len()].copy_from_slice(&received);
//! inbox.commit(received.len());
//!
//! while let Some(event) = engine.poll_event(&mut inbox, &mut ws, now)? {
//!     match io.handle_event(event)? {
//!         Event::Connect { namespace, .. } => {
//!             io.accept(namespace, socketio::Sid::from_random([2; 15]), &mut out)?;
//!             out.clear(); // a program writes it to the socket
//!         }
//!         Event::Event(e) if e.is("ask") => {
//!             assert_eq!(e.args().next().and_then(|arg| arg.as_u64()), Some(1));
//!             if let Some(request) = e.ack {
//!                 io.ack(request, &"yes", &mut out)?;
//!             }
//!         }
//!         _ => {}
//!     }
//! }
//! assert_eq!(out.written(), b"\x81\x0a431[\"yes\"]");
//! # Ok(()) }
//! ```
//!
//! # Over HTTP polling
//!
//! A session can also run without a WebSocket. The body of each POST goes through [`engineio::Packets`](crate::engineio::Packets) into
//! [`Session::poll_post`](crate::engineio::server::Session::poll_post). Packets for the client wait as stored frames in a queue of yours, and
//! [`engineio::Payload`](crate::engineio::Payload) makes the body of the next GET's answer from them. [`route`](crate::engineio::server::route)
//! says what each request wants. A [`Probe`](crate::engineio::server::Probe) moves the session to a WebSocket without losing a packet. The
//! Socket.IO layer notices nothing of this.
