//! Three programs, each beside the same program written with others. All of them are compiled in the tests of this repository, and ours are run.
//!
//! # A chat room
//!
//! History, names, who joined and left, messages to all, limits.
//!
//! ```ignore
#![doc = include_str!("../../examples/chat.rs")]
//! ```
//!
//! With socketioxide 0.18:
//!
//! ```text
#![doc = include_str!("../../comparison/chat_socketioxide.rs")]
//! ```
//!
//! With socket.io 4 on Node:
//!
//! ```text
#![doc = include_str!("../../comparison/chat.js")]
//! ```
//!
//! # To-do lists behind axum
//!
//! Join a list, add to it with an acknowledgement, tell those who are in it, tell them who leaves.
//!
//! ```ignore
#![doc = include_str!("../../examples/todo.rs")]
//! ```
//!
//! With socketioxide 0.18:
//!
//! ```text
#![doc = include_str!("../../comparison/todo_socketioxide.rs")]
//! ```
//!
//! With socket.io 4 on Node:
//!
//! ```text
#![doc = include_str!("../../comparison/todo.js")]
//! ```
//!
//! # A client
//!
//! It hears news, answers the server's questions, and asks one. Its connection comes back by itself.
//!
//! ```no_run
#![doc = include_str!("../../examples/news.rs")]
//! ```
//!
//! With rust_socketio 0.6, which cannot acknowledge what the server asks:
//!
//! ```text
#![doc = include_str!("../../comparison/client_rust_socketio.rs")]
//! ```
//!
//! With socket.io-client 4:
//!
//! ```text
#![doc = include_str!("../../comparison/client.js")]
//! ```
