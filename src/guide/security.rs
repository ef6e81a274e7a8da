//! Security: what the crate does, and what is left to you.
//!
//! # What the crate does
//!
//! - It contains no `unsafe`, no recursion on input, and no panic that input can reach.
//! - It refuses what the specifications forbid. Options that relax a rule ([`ws::Leniency`](crate::ws::Leniency)) name the risk.
//! - It bounds work and memory: messages, fragments, control frames, header lines, JSON depth, attachments, namespaces. Memory is what you
//!   lend.
//! - It compares lengths before it reads, checks text as it arrives, and delivers nothing at or behind the first invalid byte.
//!
//! # Origin
//!
//! A browser lets any page open a WebSocket to any server, and sends the server's cookies along. The same-origin policy and CORS do not apply.
//! So if cookies identify your users, compare the `Origin` header with your own addresses before you accept. Programs that are no browsers send
//! no `Origin`, or any they like: it protects your users from foreign pages, not you from programs.
//!
//! ```
//! use sansocket::{http::{Request, Response, Status}, ws::{self, Accept}};
//!
//! fn answer(head: &[u8], out: &mut [u8]) -> Result<usize, Box<dyn std::error::Error>> {
//!     let accept = match Accept::check(&Request::parse(head)?) {
//!         Ok(accept) => accept,
//!         Err(e) => return Ok(ws::refuse(e, out)?),
//!     };
//!     let ours: [&[u8]; 2] = [b"https://example.com", b"https://www.example.com"]; // compared byte for byte
//!     if accept.origin().is_some_and(|origin| !ours.contains(&origin)) {
//!         return Ok(Response { status: Status(403), fields: &[("Connection", b"close")], body: b"" }.write(out)?);
//!     }
//!     Ok(accept.write(&[], out)?)
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let request = |origin| format!("GET / HTTP/1.1\r\nHost: example.com\r\nOrigin: {origin}\r\nUpgrade: websocket\r\n\
//!     Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
//! let mut out = [0; 512];
//! for (origin, status) in [("https://example.com", "101"), ("https://example.com.evil.example", "403"), ("null", "403")] {
//!     let n = answer(request(origin).as_bytes(), &mut out)?;
//!     assert_eq!(std::str::from_utf8(&out[9..12])?, status);
//!     assert!(n > 0);
//! }
//! # Ok(()) }
//! ```
//!
//! For HTTP polling CORS does apply, and [`engineio::server::Cors`](crate::engineio::server::Cors) writes its headers. It is off by default.
//! `Origins::Each` repeats any origin: with `credentials()` every page on the web can act with your users' cookies, so avoid that.
//!
//! # Who may do what
//!
//! - The Engine.IO id is a secret: it stands for the session in every polling request. Keep it out of logs and out of the application. The
//!   Socket.IO id is public. Draw the two from different random bytes.
//! - Credentials come in the event `Connect` as `auth`. Check them there and answer with `accept` or `refuse`. Until then the client can send
//!   nothing to that namespace.
//! - A client chooses event names, arguments and namespace names freely. Check the arguments of each event as if they came from an attacker.
//! - Names from the wire can hold line breaks and escape sequences: print them with `{:?}`, or log lines can be forged.
//! - Use JSON of a stranger in your own packets only after it was checked. Arguments of an event were; for other bytes use `json::Raw::new`,
//!   not `trusted`.
//!
//! # What a stranger can cost you
//!
//! | attack | what bounds it | what you do |
//! |---|---|---|
//! | many connections | nothing here | limit them in all and for each address |
//! | a request that never ends | [`http::Limits`](crate::http::Limits): 8 KiB, 100 lines | a deadline for the handshake |
//! | a long message | [`ws::Limits`](crate::ws::Limits): 1 MiB | lower it; grow memory with what arrives, not by the length in a header |
//! | a short message that unpacks to a long one | `ws::Limits`, counted while it is unpacked; [`ws::Inflating::ratio`](crate::ws::Inflating::ratio) | no compression, if you do not need it |
//! | guesses at a secret, by the length of messages that have it and a text of a stranger's | nothing here | `compress(false)` for events with secrets |
//! | endless fragments or pings | `ws::Limits`: fragments, empty fragments, control frames | nothing |
//! | a peer that does not read | nothing here: the bytes wait with you | a bounded [`Queue`](crate::socketio::Queue), and a deadline for writing |
//! | a peer that vanished | Engine.IO's heartbeat; [`ws::KeepAlive`](crate::ws::KeepAlive) | call `handle_timeout` |
//! | connecting to no namespace | the connect timeout | close at `Event::ConnectTimeout` |
//! | attachments that never come | [`Limits`](crate::socketio::server::Limits): 10, 16 MiB together | lower it |
//! | many events | nothing here | count them for each client, and disconnect |
//! | rooms named by clients | the memory of the registry | let clients join only rooms that you know, or bound names and their length |
//!
//! ```
//! use sansocket::{http, socketio, ws};
//!
//! const HEAD: http::Limits = http::Limits::new().bytes(2048).lines(40);
//! const FRAMES: ws::Limits = ws::Limits::new().message(16 * 1024).frame(16 * 1024).fragments(64);
//! const EVENTS: socketio::server::Limits = socketio::server::Limits::new().attachments(1).attachment_bytes(8 * 1024).namespaces(2);
//! let ws = ws::Connection::server(FRAMES);
//! # let _ = (HEAD, EVENTS, ws);
//! ```
//!
//! # TLS
//!
//! `wss://` is this protocol inside TLS. Wrap the socket with a TLS library and run the loop over that stream; or let a reverse proxy do it.
//! Nothing else changes. [`Url::scheme`](crate::http::Url::scheme) says whether TLS is wanted, and [`Url::host`](crate::http::Url::host) is the
//! name that the certificate must have. Masking is no encryption: it protects proxies, not your data. Close the TLS session after the
//! WebSocket's close frame.
//!
//! A client that connects to addresses from strangers must check where the name resolves to, after resolving: `127.1` and `2130706433` are
//! spellings of 127.0.0.1 that [`Url`](crate::http::Url) keeps as host names.
