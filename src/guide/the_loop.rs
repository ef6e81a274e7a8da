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
//!   `io` returns a `PeerError`, close the session yourself: `engine.close(&mut ws)`.
//! - **A time-out.** `engine` gives `Event::Closed` with the reason `PingTimeout`, or `io` gives `Event::ConnectTimeout`: call
//!   `engine.close(&mut ws)`. A `Timeout` of `ws::KeepAlive` has marked the close frame already.
//! - **You close**: a decision of the application, a shutdown, a message larger than your memory. Call `engine.close(&mut ws)`, or mark the
//!   close frame of `ws` with a code.
//!
//! There are two more that leave nothing to be sent. If the transport ends without a close frame (`read` returns 0), call `handle_eof`. If a
//! read or a write fails, stop: a frame may be half written, and nothing can follow it.
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
//!                 Err(ReceiveError::Capacity(_)) => ws.owe_close(CloseCode::MESSAGE_TOO_BIG), // we close
//!                 Err(_) => {}                                                                // the peer's fault: owed
//!                 // 5. Read.
//!                 Ok(None) => match inbox.space() {
//!                     Ok(space) if !rest.is_empty() => {
//!                         let n = space.len().min(rest.len());
//!                         space[..n].copy_from_slice(&rest[..n]);
//!                         inbox.filled(n);
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
//!         while let Ok(true) = keep.poll_transmit(now, ws, &mut out) {}
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
//! With three machines the loop has the same shape. The Socket.IO server in the README is such a loop, with a test for each ending. What is
//! different:
//!
//! - `engine.poll_event` gives `Event::Closed` once for every ending that Engine.IO or WebSocket sees. Hand it to `io.handle_event`, so that
//!   awaited acknowledgements are reported as failed.
//! - An error of `io.handle_event` is the peer's fault, and the machines below do not know about it. Close the session:
//!   `engine.close(&mut ws)`.
//! - `Event::Connect` and `Event::UnknownNamespace` must be answered by the application (`accept`, `refuse`, `refuse_unknown`). They are not
//!   owed by the machine, because the decision is yours. A client that gets no answer gives up after its own time-out.
//! - `Event::ConnectTimeout` says that the client joined no namespace in time. Close the session.
//!
//! <!-- endpoint program -->
