//! On Tokio: one task for each connection, and writes that the socket takes only in part.
//!
//! The machines know nothing of async. The task waits for three things at once: bytes to read, room to write, the next deadline. In other async
//! runtimes the loop is the same.
//!
//! - A socket may take a part of what you write. Keep the rest and how much of it was sent; the machines may append more behind it. `Outbox` is
//!   such a memory: it owns its bytes, and forgets those that were sent.
//! - While output waits, do not read. So a client that sends and never reads is slowed down by TCP, and your memory stays bounded. The idle
//!   deadline ends it.
//! - `select!` drops the futures that did not finish. `read` and `write` of Tokio lose nothing then; `write_all` would.
//! - No event is alive at an `.await`, so the future is `Send` as long as your own state is.
//!
//! ```
//! use sansocket::{
//!     time::Instant,
//!     ws::{CloseCode, Connection, Inbox, Incoming, KeepAlive, Limits, ReceiveError, Timeout, Timeouts},
//! };
//! use std::{io, time::Duration};
//! use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
//!
//! /// Echoes, after the handshake. `stream` is a `TcpStream`, or a TLS stream around one.
//! async fn echo<T: AsyncRead + AsyncWrite>(stream: T) -> io::Result<()> {
//!     let started = tokio::time::Instant::now();
//!     let now = || Instant::from_millis(started.elapsed().as_millis() as u64);
//!     let (mut source, mut sink) = split(stream);
//!     let mut inbox = Inbox::new(vec![0; 16 * 1024]);
//!     let mut tx = vec![0; 16 * 1024 + 256];
//!     let mut ws = Connection::server(Limits::new());
//!     let mut keep = KeepAlive::new(Timeouts::new().idle(60_000), now());
//!     keep.opened(now());
//!     let mut out = ws.out(&mut tx);
//!     let mut sent = 0; // of what `out` holds
//!     loop {
//!         // 1. Messages, while `out` is empty: so each answer fits.
//!         while out.is_empty() && !ws.is_closing() {
//!             match inbox.poll_message(&mut ws) {
//!                 Ok(None) => break,
//!                 Ok(Some(Incoming::Message(m))) => ws.send(m.kind(), m.as_bytes(), &mut out).map_err(io::Error::other)?,
//!                 Ok(Some(Incoming::Pong(pong))) => keep.handle_pong(&pong),
//!                 Ok(Some(_)) => while let Ok(true) = ws.poll_transmit(&mut out) {},
//!                 Err(ReceiveError::Capacity(_)) => drop(ws.close(CloseCode::MESSAGE_TOO_BIG, "")),
//!                 Err(_) => break, // the client's fault: a close frame is owed
//!             }
//!         }
//!         // 2. Time. 3. Owed output; if it does not fit behind what waits, it is owed still.
//!         if let Some(Timeout::Close) = keep.handle_timeout(now(), &mut ws) {
//!             return Ok(());
//!         }
//!         while let Ok(true) = keep.poll_transmit(&mut ws, &mut out) {}
//!         while let Ok(true) = ws.poll_transmit(&mut out) {}
//!         // 4. The one exit: all is written, the close frame too.
//!         if out.is_empty() && ws.is_closing() {
//!             break;
//!         }
//!         // 5. Wait: for the socket to take bytes or to bring some, for the next deadline.
//!         let due = keep.poll_timeout().unwrap_or(now().after_millis(60_000));
//!         let wait = due.duration_since(now()).max(Duration::from_millis(1));
//!         tokio::select! {
//!             written = sink.write(&out.written()[sent..]), if !out.is_empty() => {
//!                 sent += written?;
//!                 if sent == out.written().len() {
//!                     out.clear();
//!                     sent = 0;
//!                 }
//!             }
//!             read = source.read(inbox.space().map_err(io::Error::other)?), if out.is_empty() => match read? {
//!                 0 => return Ok(()),
//!                 n => {
//!                     inbox.commit(n);
//!                     keep.handle_input(now());
//!                 }
//!             },
//!             () = tokio::time::sleep(wait) => {}
//!         }
//!     }
//!     // Half-close, then read until the client closes too.
//!     sink.shutdown().await?;
//!     let drain = async { while matches!(source.read(&mut [0; 1024]).await, Ok(1..)) {} };
//!     let _ = tokio::time::timeout(Duration::from_secs(5), drain).await;
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A pipe that takes 16 bytes at a time stands for a slow socket.
//! let (mut client, server) = tokio::io::duplex(16);
//! let talk = async {
//!     let message = [&[0x82, 0x80 | 100, 0, 0, 0, 0], &[7; 100][..]].concat();
//!     client.write_all(&message).await?;
//!     let mut answer = vec![0; 102];
//!     client.read_exact(&mut answer).await?;
//!     assert_eq!(answer[..3], [0x82, 100, 7]);
//!     client.write_all(b"\x88\x82\0\0\0\0\x03\xe8").await?;
//!     let mut rest = Vec::new();
//!     client.read_to_end(&mut rest).await?;
//!     assert_eq!(rest, b"\x88\x02\x03\xe8");
//!     drop(client);
//!     Ok::<_, io::Error>(())
//! };
//! let (talked, echoed) = tokio::join!(talk, echo(server));
//! talked?;
//! echoed?;
//! # Ok(()) }
//! ```
//!
//! # Many connections
//!
//! Broadcasts cross tasks. Encode the packet once into stored frames (`Out::stored`, [`broadcast`](crate::socketio::server::broadcast)), put
//! the bytes into an `Arc<[u8]>`, and push that into the [`Queue`](crate::socketio::Queue) or channel of each receiver's task. That task writes
//! them as they are when no message sent in parts is open and the connection is not closing. With several
//! threads the registry of rooms goes behind a mutex. The package `sansocket-tokio` does all of this for applications.
//!
//! Take values out of an event before an `.await`: an acknowledgement request is `Copy` and can be answered at any time later.
