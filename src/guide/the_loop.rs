//! The loop around the machines, and the four ways in which it ends.
//!
//! # One turn
//!
//! 1. **Events.** Call `poll_event` (or `poll_message`) until it returns `None`, and handle each event.
//! 2. **Time.** Call `handle_timeout(now)` of every machine that has one, until it returns `None`.
//! 3. **Owed output.** Call `poll_transmit` of every machine until it returns `false`: first the upper layers, then `ws`.
//! 4. **Write** `out.written()` to the socket, then `out.clear()`.
//! 5. **Read** into `inbox.space()` and say how much came with `inbox.commit(n)`. Wait no longer than the earliest `poll_timeout`.
//!
//! Engine.IO owes its open packet from the start, and it must stand in front of everything else: call its `poll_transmit` before the first
//! events too.
//!
//! If `out` is full, the call returns `Capacity` and has changed nothing. Write what is in `out`, clear it, and repeat the call. The event that
//! you are answering is still alive, because it borrows the inbox only. That is not an error of the connection.
//!
//! # Four endings
//!
//! A connection ends in one of four ways. In each of them there is something to be sent, in this order: first what you have already written
//! into `out`, then the close frame, then nothing any more.
//!
//! - **The peer closes.** You see `Incoming::Close` of `ws`, or `Event::Closed` of `engine`. The answering close frame is owed already.
//! - **The peer breaks a protocol.** `ws` returns `ReceiveError::Peer`, or `engine` gives `Event::Closed`: the close frame is owed already. If
//!   `io` returns a `PeerError`, close the session yourself: `engine.close()`.
//! - **A time-out.** `engine` gives `Event::Closed` with the reason `PingTimeout`, or `io` gives `Event::ConnectTimeout`: call
//!   `engine.close()`. A `Timeout` of `ws::KeepAlive` has marked the close frame already.
//! - **You close**: a decision of the application, a shutdown, a message larger than your memory. Call `engine.close()`, or mark the
//!   close frame of `ws` with a code.
//!
//! There are two more that leave nothing to be sent. If the transport ends without a close frame (`read` returns 0), call `handle_eof`. If a
//! read or a write fails, stop: a frame may be half written, and nothing can follow it.
//!
//! **A loop that goes on after an end**, as that of a client that connects again: what the inbox still holds is no longer read, so after `close` on a full inbox
//! `inbox.space()` fails in every turn, and the end of the transport is never seen. Once the machine is closed, read into memory that you drop, or call
//! `inbox.reset()` when the transport is hung up, and before the next one in any case: a new connection must not begin with old bytes.
//!
//! The exit is the same for all four, so write it once:
//!
//! 1. Write what is in `out`.
//! 2. `while ws.poll_transmit(&mut out)? {}`: the close frame. Its code is that of the first cause; closing twice does no harm.
//! 3. Write it.
//! 4. A server half-closes the transport (`shutdown(Write)`) and reads until the peer closes, with a time limit. Without this the operating
//!    system may answer unread bytes with a reset, and the peer loses your last bytes. A client waits until the server closes (RFC 6455 section
//!    7.1.1).
//! 5. Tell the application: leave the rooms, release the memory, note the reason.
//!
//! # The loop as a function
//!
//! This is a WebSocket echo server, without a socket. `turn` takes what was read and returns what is to be written and whether the connection
//! goes on.
//!
//! ```
//! use sansocket::{
//!     time::Instant,
//!     ws::{CloseCode, Connection, Inbox, Incoming, KeepAlive, Limits, ReceiveError, Server, Timeouts},
//! };
//!
//! struct Echo {
//!     inbox: Inbox<[u8; 256]>,
//!     ws: Connection<Server>,
//!     keep: KeepAlive,
//! }
//!
//! impl Echo {
//!     fn turn(&mut self, received: &[u8], now: Instant) -> (Vec<u8>, bool) {
//!         let Self { inbox, ws, keep } = self;
//!         let mut tx = [0; 1024];
//!         let mut out = ws.out(&mut tx);
//!         let mut sent = Vec::new();
//!         let mut rest = received;
//!         loop {
//!             // 1. Events. Each is followed by 3 and 4, so `out` is empty when the next one comes.
//!             match inbox.poll_message(ws) {
//!                 Ok(Some(Incoming::Message(m))) => {
//!                     // An empty `out` of 1,024 bytes has room for every message that fits in the inbox.
//!                     let _ = ws.send(m.kind(), m.as_bytes(), &mut out);
//!                 }
//!                 Ok(Some(Incoming::Pong(pong))) => keep.handle_pong(&pong),
//!                 Ok(Some(_)) => {}                                                           // ping, close: answered in 3
//!                 Err(ReceiveError::Capacity(_)) => drop(ws.close(CloseCode::MESSAGE_TOO_BIG, "")), // we close
//!                 Err(_) => {}                                                                // the peer's fault: owed
//!                 // 5. Read.
//!                 Ok(None) => match inbox.space() {
//!                     Ok(space) if !rest.is_empty() => {
//!                         let n = space.len().min(rest.len());
//!                         space[..n].copy_from_slice(&rest[..n]);
//!                         inbox.commit(n);
//!                         rest = &rest[n..];
//!                         keep.handle_input(now);
//!                         continue;
//!                     }
//!                     _ => break,
//!                 },
//!             }
//!             // 3. Owed output. 4. Write.
//!             while let Ok(true) = ws.poll_transmit(&mut out) {}
//!             sent.extend(out.written());
//!             out.clear();
//!             if ws.is_closing() {
//!                 return (sent, false);
//!             }
//!         }
//!         // 2. Time: a deadline that has passed marks a close frame.
//!         let _ = keep.handle_timeout(now, ws);
//!         while let Ok(true) = keep.poll_transmit(ws, &mut out) {}
//!         while let Ok(true) = ws.poll_transmit(&mut out) {}
//!         sent.extend(out.written());
//!         (sent, !ws.is_closing())
//!     }
//! }
//!
//! fn echo() -> Echo {
//!     let mut keep = KeepAlive::new(Timeouts::new().ping_interval(1000).pong(500), Instant::from_millis(0));
//!     keep.opened(Instant::from_millis(0));
//!     Echo { inbox: Inbox::new([0; 256]), ws: Connection::server(Limits::new()), keep }
//! }
//!
//! let at = Instant::from_millis;
//! // A message; the peer closes with 1000.
//! assert_eq!(echo().turn(b"\x81\x82\0\0\0\0hi", at(1)), (b"\x81\x02hi".to_vec(), true));
//! assert_eq!(echo().turn(b"\x88\x82\0\0\0\0\x03\xe8", at(1)), (b"\x88\x02\x03\xe8".to_vec(), false));
//! // The peer breaks the protocol: a client's frame without a mask. 1002. What came before it is answered.
//! assert_eq!(echo().turn(b"\x81\x82\0\0\0\0hi\x81\x02no", at(1)), (b"\x81\x02hi\x88\x02\x03\xea".to_vec(), false));
//! // We close: the message does not fit in the inbox. 1009.
//! assert_eq!(echo().turn(b"\x81\xfe\x01\x2c\0\0\0\0", at(1)), (b"\x88\x02\x03\xf1".to_vec(), false));
//! // A time-out: no pong came. 1008.
//! let mut silent = echo();
//! assert_eq!(silent.turn(b"", at(1000)), (b"\x89\x04\0\0\0\x01".to_vec(), true));
//! assert_eq!(silent.turn(b"", at(1500)), (b"\x88\x02\x03\xf0".to_vec(), false));
//! ```
//!
//! # Socket.IO
//!
//! [`ServerEnd`](crate::endpoint::ServerEnd) puts the machines of a Socket.IO server together and knows what each ending means. The loop around it
//! has the same five steps. This is the loop without a socket; the Socket.IO server in [`programs`](super::programs) is the same with one, and has a
//! test for each ending.
//!
//! <!-- endpoint program -->
//! ```
//! use sansocket::{
//!     endpoint::{ServerEnd, Step, What},
//!     engineio::{Sid, Transport, server::Config},
//!     socketio::{self, AckSlot, Collector, Reason, server::Event},
//!     time::Instant,
//!     ws::{Inbox, Limits, Out},
//! };
//!
//! struct Client {
//!     end: ServerEnd<[&'static str; 1]>,
//!     inbox: Inbox<Vec<u8>>,
//!     collector: Collector<Vec<u8>>, // for binary attachments
//! }
//!
//! impl Client {
//!     /// Returns what is to be written, and at the end the reason.
//!     fn turn(&mut self, received: &[u8], now: Instant) -> (Vec<u8>, Option<Reason>) {
//!         let (mut memory, mut unsent, mut why) = ([0; 1024], Vec::new(), None);
//!         self.inbox.space().unwrap()[..received.len()].copy_from_slice(received); // 5. Read.
//!         self.inbox.commit(received.len());
//!         loop {
//!             // 1. Events. 2. Time.
//!             let step = match self.end.poll(&mut self.inbox, &mut self.collector, now) {
//!                 Ok(Step::Idle) => self.end.handle_timeout(now),
//!                 Ok(step) => step,
//!                 Err(grow) => {
//!                     let memory = vec![0; grow.to];
//!                     let _ = match grow.what {
//!                         What::Collector => self.collector.replace(memory),
//!                         _ => self.inbox.replace(memory),
//!                     };
//!                     continue;
//!                 }
//!             };
//!             match step {
//!                 Step::Event(event, _attachments) => {
//!                     let (io, mut out) = (self.end.io(), Out::stored(&mut memory));
//!                     let _ = match event {
//!                         Event::Connect { namespace, .. } => {
//!                             io.accept(namespace, socketio::Sid::from_random([2; 15]), &mut out)
//!                         }
//!                         Event::UnknownNamespace { name } => io.refuse_unknown(name, &mut out),
//!                         Event::Event(e) if e.ack.is_some() => e.ack.map_or(Ok(()), |r| io.ack(r, &"yes", &mut out)),
//!                         _ => Ok(()),
//!                     };
//!                     unsent.extend(out.written());
//!                 }
//!                 Step::Closed(reason) => why = Some(reason),
//!                 Step::Again => {}
//!                 Step::Idle => match self.end.transmit(&mut memory) {
//!                     // 4. Write, then 5. read until `poll_timeout`; both are the caller's.
//!                     Ok(0) | Err(_) => return (unsent, why),
//!                     // 3. Owed output.
//!                     Ok(n) => unsent.extend(&memory[..n]),
//!                 },
//!             }
//!         }
//!     }
//! }
//!
//! let now = Instant::from_millis(0);
//! let (sid, acks) = (Sid::from_random([1; 15]), [AckSlot::EMPTY; 8]);
//! let mut client = Client {
//!     end: ServerEnd::open(Transport::WebSocket, sid, Config::new(), Limits::new(), ["/"], acks, now),
//!     inbox: Inbox::new(vec![0; 256]),
//!     collector: Collector::new(Vec::new()),
//! };
//! assert!(client.turn(b"\x81\x82\0\0\0\x0040", now).0.windows(5).any(|w| w == b"0{\"si"));
//! assert_eq!(client.turn(b"\x81\x8a\0\0\0\x00421[\"ask\"]", now), (b"\x81\x0a431[\"yes\"]".to_vec(), None));
//! // A client's frame without a mask. 1002.
//! let (sent, why) = client.turn(b"\x81\x0142", now);
//! assert_eq!((&sent[..], why.map(Reason::as_str)), (&b"\x88\x02\x03\xea"[..], Some("transport error")));
//! ```
//!
//! An event is `Connect` or `UnknownNamespace`: the application must answer it (`accept`, `refuse`, `refuse_unknown`), because the decision is
//! yours. A client that gets no answer gives up after its own time-out.
//!
//! If you run [`engineio`](crate::engineio) and [`socketio`](crate::socketio) without `endpoint`, these endings are left to you:
//!
//! - `engine.poll_event` gives `Event::Closed` once for every ending that Engine.IO or WebSocket sees. Hand it to `io.handle_event`, so that
//!   awaited acknowledgements are reported as failed.
//! - An error of `io.handle_event` is the peer's fault, and the machines below do not know about it. Close the session with `engine.close()`;
//!   the next `engine.poll_event` marks the close frame.
//! - `Event::ConnectTimeout` says that the client joined no namespace in time. Close the session in the same way.
