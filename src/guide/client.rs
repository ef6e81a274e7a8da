//! The Socket.IO client: events, answers, endings, credentials, memory.
//!
//! [`endpoint::client`](crate::endpoint::client) has the complete program, for one WebSocket and for polling.
//! [`programs`](super::programs) has it over `std::net`. This chapter is about what the application does inside that loop. The examples `client` (a
//! terminal client), `chat_terminal` and `two_kilobytes` are whole programs.
//!
//! # What to call when
//!
//! | JavaScript | here |
//! |---|---|
//! | `io("http://host/admin", { auth, path, query, extraHeaders, transports })` | [`Config::parse`](crate::endpoint::client::Config::parse) and its methods; [`with_auth`](crate::endpoint::client::ClientEnd::with_auth) |
//! | `socket.connect()`, `socket.disconnect()` | [`connect`](crate::endpoint::client::ClientEnd::connect), [`disconnect`](crate::endpoint::client::ClientEnd::disconnect), with the namespace |
//! | `manager.socket("/other")` | another name and another slot; all namespaces share the connection |
//! | `socket.emit("name", a, b)` | `client.emit(ns, "name", &(a, b))`, with [`Args`](crate::json::Args) |
//! | `socket.emit("file", buffer)` | [`Binary`](crate::socketio::Binary) with a [`Placeholder`](crate::socketio::Placeholder) for each buffer, in `emit` and in `ack` |
//! | `socket.timeout(5000).emit("name", a, callback)` | [`Emit::ask`](crate::endpoint::client::Emit::ask); then [`Event::Ack`](crate::socketio::client::Event::Ack) or [`Event::AckFailed`](crate::socketio::client::Event::AckFailed) with your token |
//! | `socket.volatile.emit(..)`, `socket.compress(false).emit(..)` | [`Emit::volatile`](crate::endpoint::client::Emit::volatile), [`Emit::compress`](crate::endpoint::client::Emit::compress) |
//! | `retries`, `ackTimeout` | [`Emit::retry`](crate::endpoint::client::Emit::retry), for each event |
//! | `socket.on("name", (a, reply) => reply(b))` | [`Event::Event`](crate::socketio::client::Event::Event), then `client.ack(request, &b)`, at once or later; [`Handlers`](crate::socketio::Handlers) for `on`, `once`, `off`, `onAny` |
//! | the arguments `a`, `b` | `e.args()`: [`Value`](crate::json::Value)s, with `as_u64`, `as_str` and more, or [`deserialize`](crate::json::Value::deserialize) into a type; buffers are in the [`Attachments`](crate::socketio::Attachments) of the step |
//! | `"connect"`, `"connect_error"`, `"disconnect"` | [`Event::Connected`](crate::socketio::client::Event::Connected), [`Event::Refused`](crate::socketio::client::Event::Refused) or [`Step::Failed`](crate::endpoint::client::Step::Failed), [`Event::Disconnected`](crate::socketio::client::Event::Disconnected) |
//! | `reconnectionDelay`, `reconnectionDelayMax`, `randomizationFactor`, `reconnectionAttempts` | [`Backoff`](crate::socketio::client::Backoff), by [`Config::reconnection`](crate::endpoint::client::Config::reconnection) |
//! | `timeout` | [`Config::open_timeout`](crate::endpoint::client::Config::open_timeout) |
//!
//! # Events before there is a connection
//!
//! An event waits until its namespace is connected, in the backlog that you lend. So an application can send from the start and during an outage. The
//! events of a namespace arrive in the order of the calls. [`WhenFull`](crate::endpoint::client::WhenFull) says what happens when the backlog is
//! full.
//!
//! ```
//! use sansocket::endpoint::client::{ClientEnd, Config, Emit, Memory, WebSocketLink, WhenFull};
//! use sansocket::socketio::{AckSlot, Namespace, SendError, client::SocketSlot};
//! use sansocket::time::Instant;
//!
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! const ROOT: Namespace = Namespace(0);
//! let now = Instant::from_millis(0);
//! let config = Config::parse("http://example.org")?;
//! let memory = Memory { acks: [AckSlot::EMPTY; 2], sockets: [SocketSlot::EMPTY; 1], backlog: [0; 128] };
//! let mut client = ClientEnd::new(WebSocketLink::new(&config), [config.namespace()], memory, 1);
//! client.connect(ROOT, now)?;
//!
//! client.emit(ROOT, "hello", &("Ann", 7))?; // waits
//! let order = Emit::new().ask(1, Some(now.after_millis(5000)));
//! assert!(client.emit_with(ROOT, "order", &"tea", order)?); // waits, 5 s at most
//! assert!(!client.emit_with(ROOT, "position", &(1, 2), Emit::new().volatile())?); // dropped: it cannot be sent now
//!
//! // No room: nothing was changed. With a heap, hand over a larger backlog (`replace_backlog`) and repeat the call.
//! let result = client.emit(ROOT, "long", &"x".repeat(100).as_str());
//! assert!(matches!(result, Err(SendError::Capacity(_))));
//! // Or choose what gives way.
//! let mut client = client.with_when_full(WhenFull::DropOldest);
//! client.emit(ROOT, "latest", &"y".repeat(60).as_str())?;
//! # Ok(()) }
//! ```
//!
//! An event that was handed to the socket when the connection broke may be lost, like in JavaScript. Its acknowledgement then fails with
//! [`AckError::Disconnected`](crate::socketio::AckError::Disconnected). The same is true of an event right before `disconnect`: the server on Node
//! ignores events that it reads together with the packet that leaves the namespace. Ask for an acknowledgement of the last event, and leave when it
//! has come. If an event must arrive, ask with retries: it is sent again until the server acknowledges it. So the server can receive it twice: put an
//! id into the event by which it notices that.
//!
//! # Endings
//!
//! | what happened | [`Reason`](crate::socketio::Reason) | connects again by itself |
//! |---|---|---|
//! | the connection broke, or the server went away | `transport close`, `transport error`, `ping timeout`, `parse error` | yes |
//! | the server removed this client from the namespace | `io server disconnect` | no: call `connect` |
//! | the server refused the namespace | [`Event::Refused`](crate::socketio::client::Event::Refused) | no: call `connect` |
//! | the application left | `io client disconnect` | no |
//! | an attempt to connect failed | [`Step::Failed`](crate::endpoint::client::Step::Failed) | yes, up to [`Backoff::limit`](crate::socketio::client::Backoff::limit) |
//!
//! [`Step::Over`](crate::endpoint::client::Step::Over) says that no connection is left and none will be made. [`Failure`](crate::endpoint::client::Failure)
//! says in a sentence what went wrong and what to do; show it to people.
//!
//! # Credentials
//!
//! With [`with_auth`](crate::endpoint::client::ClientEnd::with_auth) the client asks for credentials at each CONNECT, also after a reconnection, by
//! [`Step::Auth`](crate::endpoint::client::Step::Auth). Answer it with [`authorize`](crate::endpoint::client::ClientEnd::authorize), at once or after
//! you have fetched a fresh token. They must be a JSON object, for example [`Json`](crate::json::Json) of a struct.
//!
//! # After a reconnection
//!
//! Nothing is to be done for the namespaces: they are joined again. What the application has told the server on the old connection, such as a room or a
//! name, must be told again, since the server knows this client by a new id. The exception is connection state recovery: if the server restored the
//! connection, [`Event::Connected`](crate::socketio::client::Event::Connected) says `is_recovered`, the id and the rooms are the old ones, and the
//! events that were missed have come before it.
//!
//! A request for an acknowledgement belongs to its connection. On the next one [`ack`](crate::endpoint::client::ClientEnd::ack) refuses it
//! ([`StateError::Stale`](crate::socketio::StateError::Stale)), because the server does not wait for it any more.
//!
//! # Memory
//!
//! | memory | how large |
//! |---|---|
//! | inbox of a line | the largest message, with 14 bytes of its header; over polling the largest body and its head; not 0 |
//! | outbox of a line | the request of the handshake (about 200 bytes, more with header fields), and the largest packet; packets that wait go through it one after the other |
//! | backlog | what may wait, and 16 bytes for each packet |
//! | collector | the largest event with its attachments; 0 if there are none |
//! | [`AckSlot`](crate::socketio::AckSlot), [`SocketSlot`](crate::socketio::client::SocketSlot) | 32 and 80 bytes, for each acknowledgement in flight and each namespace |
//!
//! A call that needs more memory returns [`Grow`](crate::endpoint::Grow): hand over more and repeat it. If memory cannot grow, set the limit of
//! [`Config::limits`](crate::endpoint::client::Config::limits) below the size of the inbox, and that of
//! [`with_limits`](crate::endpoint::client::ClientEnd::with_limits) below that of the collector. Then a message that is too large ends the connection
//! ([`Failure::TooLarge`](crate::endpoint::client::Failure::TooLarge)), and the client connects again.
//!
//! A [`ClientEnd`](crate::endpoint::client::ClientEnd) over a [`WebSocketLink`](crate::endpoint::client::WebSocketLink) has about 750 bytes besides. Polling
//! costs flash and two more lines. Choose it where proxies stop WebSockets. The example `two_kilobytes` needs 2 KiB for everything, by a
//! [`Link`](crate::endpoint::client::Link) and a [`Session`](crate::socketio::client::Session) without a backlog.
//!
//! # With your own loop
//!
//! Each part is public: [`engineio::client::Session`](crate::engineio::client::Session) (over a WebSocket, or over polling with any HTTP client),
//! [`socketio::client::Session`](crate::socketio::client::Session) above it, and the writers
//! [`connect`](crate::socketio::client::connect), [`event`](crate::socketio::client::event), [`ack`](crate::socketio::client::ack) and
//! [`disconnect`](crate::socketio::client::disconnect) for single packets.
//!
//! A loop over the two sessions and a WebSocket has this order. Events go up: `poll_event` of the Engine.IO session, and `handle_timeout` of it when
//! there are none; `handle_event` of the Socket.IO session for each of them; `collect` of a [`Collector`](crate::socketio::Collector); then
//! `handle_timeout` of the Socket.IO session until `None`. What is owed goes down: `poll_transmit` of the Socket.IO session, of the Engine.IO session, of
//! the [`ws::Connection`](crate::ws::Connection), each until `false`. To leave, call `disconnect` of the Socket.IO session, `poll_transmit`, and then
//! `close` of the Engine.IO session. After `Event::Closed` open a new WebSocket and a new Engine.IO session; the Socket.IO session goes on.
