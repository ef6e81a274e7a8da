//! How it works inside, for those who debug, measure or extend it.
//!
//! # Tasks
//!
//! A connection is one task. It reads, has the core handle the bytes ([`sansocket::endpoint::ServerEnd::step`]), calls handlers, and writes what waits in as few
//! calls as it can. A session over polling has a task for its deadlines; its requests are tasks of the HTTP server.
//!
//! A handler is called in the task of its connection, in the order of the events. An async handler runs there until it first waits for something; then it becomes a
//! task of its own, and the next event is handled. So the code of handlers before their first `await` runs in order, as in JavaScript, and an event whose handler
//! does not wait costs no task.
//!
//! # Memory
//!
//! Bytes are read into memory that all connections of a thread share. Only a part of a message stays with its connection. Handlers get their arguments by serde,
//! straight from what was read.
//!
//! Events to one client are written one after the other into one buffer. An event to many is encoded once, and its bytes are shared by all queues it waits in.
//! When nothing waits, a connection has no buffers.
//!
//! # Locks
//!
//! No lock is held over an `await`, or while a handler or anything else of the application is called. There are four, in the order in which they may be taken:
//!
//! 1. the turn of a session: held by the task that brings its bytes, while it handles them;
//! 2. the machine of a session: for one call of the core;
//! 3. the rooms of a namespace: for a join, a leave, or a walk over the receivers of an event (never together with a machine);
//! 4. the queue of a session: to append, or to write.
//!
//! Handlers run under the first alone, and nothing that they can call takes it.
