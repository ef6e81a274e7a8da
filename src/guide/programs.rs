//! Whole programs with a loop of their own, over `std::net`.
//!
//! The drivers (module `drive`, feature `drive`) have such loops inside. Write your own if you have other I/O, need every byte of memory, or serve many connections in one
//! thread. With another kind of I/O only the lines that read, write and wait change.
//!
//! Each program is complete, and the tests run it, with each way in which it ends (`tests/programs.rs`).
//!
//! # A WebSocket server
//!
//! The loop has five steps, numbered in the comments. A message borrows the inbox (the receive memory) and nothing else, so the connection can answer while
//! it is alive. What the connection *owes* (the answer to a ping, a close frame) is written in step 4.
//!
#![doc = "```no_run"]
#![doc = include_str!("../../tests/programs/websocket_server.rs")]
#![doc = "```"]
//!
//! # A WebSocket client
//!
//! For `wss://` wrap the stream with a TLS library; the loop stays the same.
//!
#![doc = "```no_run"]
#![doc = include_str!("../../tests/programs/websocket_client.rs")]
#![doc = "```"]
//!
//! # A Socket.IO client
//!
//! `endpoint::client::ClientEnd` is what `io(url)` is in JavaScript: it joins namespaces, keeps events until they can be sent, answers, waits for
//! acknowledgements, reconnects, and says in a sentence what went wrong. You bring the socket, the clock and the memory. The part marked 2 is the
//! application; the rest is its loop. If the URL begins with `https`, put a TLS stream between the socket and the loop. What is emitted during an outage
//! waits in the backlog; when that is full, `emit` returns an error, or drops the oldest or the newest event if you prefer (`WhenFull`).
//!
//! The program uses a WebSocket alone. With `FullLink` in place of `WebSocketLink` the same client polls and upgrades, over up to three sockets. The example
//! `client` does that on Tokio, and is a terminal client for any Socket.IO server:
//!
//! ```sh
//! cargo run --release --example client -- http://127.0.0.1:3000 --emit '?hello "you",{"a":1}'
//! ```
//!
#![doc = "```no_run"]
#![doc = include_str!("../../tests/programs/socketio_client.rs")]
#![doc = "```"]
//!
//! # A Socket.IO server
//!
//! `endpoint::ServerEnd` is one client of a Socket.IO server: heartbeat, namespaces, acknowledgements and every way of ending. You bring the socket,
//! the clock and the memory. Each turn of the loop handles one step; `Step::Idle` means that it is time to write and to read.
//!
//! The program serves the WebSocket transport, which a JavaScript client chooses with `io(url, { transports: ["websocket"] })`. `ServerEnd` also does
//! HTTP polling and the move to a WebSocket: the package `sansocket-tokio` serves many clients with it, on Tokio.
//!
//! Here each client has a thread, and hears only its own answers. A thread that waits in `read` cannot write what another client says. For clients that hear
//! each other, have one thread take turns over sockets that do not block (`set_nonblocking`). Write an event once, by
//! [`broadcast`](crate::socketio::server::broadcast), and append the bytes to `unsent` of each client whose `end.link().is_over()` is false and whose
//! `end.io().is_connected(namespace)` is true; [`Rooms`](crate::socketio::server::rooms::Rooms) selects them, a [`Queue`](crate::socketio::Queue) bounds
//! what waits. With a heap, [`ServerEnd::step`](crate::endpoint::ServerEnd::step) and a [`Batch`](crate::endpoint::Batch) are a shorter turn.
//!
//! However a connection ends (the client closes, breaks a protocol, is silent for too long, the socket fails), the last event is `Step::Closed`.
//! What was answered before is written first, then the close frame.
//!
#![doc = "```no_run"]
#![doc = include_str!("../../tests/programs/socketio_server.rs")]
#![doc = "```"]
