//! In operation: limits, deadlines, slow clients, logs, figures, the end.
//!
//! # Limits
//!
//! Everything that a client can make grow has a limit with a default: the connections and sessions, the bytes of a message and of its attachments, the namespaces
//! and rooms that a socket is in, the handlers of one client that wait, the acknowledgements that are awaited from it, the bytes that wait for it. See
//! [`Config`](crate::server::Config).
//!
//! # Slow clients
//!
//! What waits for a client is bounded by [`Config::queue`](crate::server::Config::queue), whose policy says what happens beyond it: the client is dropped, volatile events
//! are, or new ones are. While much waits, nothing is read from that client, so its own questions are not what drops it. A client that takes nothing for
//! [`Config::ping_timeout`](crate::server::Config::ping_timeout) is dropped. [`Socket::queued`](crate::server::Socket::queued) tells how much waits.
//!
//! # Compression
//!
//! [`Config::compression`](crate::server::Config::compression) compresses the messages of WebSockets. It is off by default, as in the JavaScript server: it costs
//! time for each message, and memory for each connection that keeps a window. [`Compression::new`](crate::Compression::new) keeps none, so an idle connection
//! costs as much as without it, and a broadcast is compressed once. [`Compression::within`](crate::Compression::within) keeps windows, for so many bytes a connection:
//! it makes short events much shorter. What is sent over polling is not compressed here: gzip is the business of the HTTP server or of the proxy in front.
//!
//! The length of a compressed message tells something of its content. Send secrets by `compress(false)` if a stranger decides what stands beside them.
//!
//! # Origins
//!
//! Browsers let a page read answers of another origin only if the server allows it (CORS), and ask nobody before they open a WebSocket. This server applies one rule to
//! both: pages of its own origin may use it, and those of [`Config::origin`](crate::server::Config::origin).
//!
//! # Panics
//!
//! A handler that panics ends its own connection, with a line in the log. The client reconnects. No other connection notices.
//!
//! # Logs and figures
//!
//! Each session is a span of `tracing` with the address of the client. The secret id of a session is in no log. The end of a session is a line of level `INFO` with its
//! reason, everything else is `DEBUG`. [`Server::counters`](crate::server::Server::counters) has what a dashboard shows.
//!
//! # The end
//!
//! [`Server::close`](crate::server::Server::close) takes no more clients, tells those that are there, has what waits for them written, and returns after
//! [`Config::close_timeout`](crate::server::Config::close_timeout) at the latest.
