//! What joins several servers, so that their sockets are one set: adapters.
//!
//! Everything that goes to several sockets passes through the server's [`Adapter`]: events, questions, and changes of rooms. [`Memory`], the default,
//! does it for the sockets of this server alone. Another one does it for all servers of a cluster: [`Server::with_adapter`](super::Server::with_adapter).
//! Applications need no change for it.
//!
//! An adapter does two things:
//! - It is called for each operation of this server. It does the operation here, by the [`Local`] that it is given, and tells the other nodes.
//! - It takes what other nodes tell, and does it here, by the [`Node`] that it was given at the start ([`Node::namespace`]).
//!
//! An operation that is for this node alone ([`Broadcast::local`](super::Broadcast::local)) does not reach the adapter.
//!
//! `tests/cluster.rs` of this package has a whole adapter, which joins servers of one process over channels.
//!
//! ```
//! use sansocket_tokio::{EmitError, server::{Config, Server, adapter::{Adapter, AdapterError, Fetching, Local, Memory, Node, Packet, ReplySender, Selection}}};
//! use std::{sync::{Arc, atomic::{AtomicUsize, Ordering}}, time::Duration};
//!
//! /// Counts broadcasts.
//! #[derive(Clone, Default)]
//! struct Counting(Arc<AtomicUsize>);
//!
//! impl Adapter for Counting {
//!     fn broadcast(&self, here: &Local, selection: &Selection, packet: &Packet<'_>) -> Result<(), EmitError> {
//!         self.0.fetch_add(1, Ordering::Relaxed);
//!         here.broadcast(selection, packet)
//!     }
//!     // The others do what `Memory` does.
//! #   fn ask(&self, here: &Local, selection: &Selection, packet: &Packet<'_>, timeout: Duration, replies: ReplySender) -> Result<(), EmitError> {
//! #       Memory.ask(here, selection, packet, timeout, replies)
//! #   }
//! #   fn fetch_sockets<'a>(&'a self, here: &'a Local, selection: &'a Selection, _: Duration) -> Fetching<'a> { Memory.fetch_sockets(here, selection, Duration::ZERO) }
//! #   fn join(&self, here: &Local, selection: &Selection, room: &str) -> Result<(), AdapterError> { Memory.join(here, selection, room) }
//! #   fn leave(&self, here: &Local, selection: &Selection, room: &str) -> Result<(), AdapterError> { Memory.leave(here, selection, room) }
//! #   fn disconnect(&self, here: &Local, selection: &Selection, close: bool) -> Result<(), AdapterError> { Memory.disconnect(here, selection, close) }
//! #   fn server_side_emit(&self, here: &Local, packet: &Packet<'_>) -> Result<(), AdapterError> { Memory.server_side_emit(here, packet) }
//! }
//!
//! let counting = Counting::default();
//! let io = Server::with_adapter(Config::new(), counting.clone());
//! io.emit("news", "one")?;
//! io.to("room").local().emit("news", "two")?;
//! assert_eq!(counting.0.load(Ordering::Relaxed), 1);
//! # Ok::<(), sansocket_tokio::EmitError>(())
//! ```

mod error;
mod local;
mod packet;
mod replies;

pub use super::registry::Selection;
pub use error::AdapterError;
pub use local::{Local, Node};
pub use packet::{Packet, parse_id};
pub use replies::{Replies, Reply, ReplySender, replies};

use super::RemoteSocket;
use crate::EmitError;
use std::{pin::Pin, time::Duration};

/// Sockets that are being fetched from all nodes.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Vec<RemoteSocket>, AdapterError>> + Send + 'a>>;

/// Does for all nodes of a cluster what is for several sockets. See the [module](self).
///
/// The methods must not block: an adapter with a network gives its messages to a task. They are called without a lock, from any thread, and may call
/// everything. Two calls by one task reach each socket in this order; between tasks there is no order.
pub trait Adapter: Send + Sync + 'static {
    /// The server was made. Called once, before any other method, and possibly outside of a runtime. By `node` the adapter reaches the server. It does not
    /// keep the server alive.
    fn start(&self, node: Node) {
        drop(node);
    }

    /// Sends an event to the sockets of a selection on all nodes.
    ///
    /// # Errors
    /// [`EmitError`]: the event cannot be sent, or cannot be given to other nodes.
    fn broadcast(&self, here: &Local, selection: &Selection, packet: &Packet<'_>) -> Result<(), EmitError>;

    /// Asks the sockets of a selection on all nodes. Answers are given to `replies`, of which the adapter may make clones. The question is over when all of
    /// them are dropped: an adapter drops those for other nodes when all nodes have finished, or when `timeout` is over. See [`Local::ask`].
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast).
    fn ask(
        &self,
        here: &Local,
        selection: &Selection,
        packet: &Packet<'_>,
        timeout: Duration,
        replies: ReplySender,
    ) -> Result<(), EmitError>;

    /// The sockets of a selection on all nodes: those of [`Local::sockets`], and [`RemoteSocket::new`] for others. Other nodes have `timeout` to answer.
    ///
    /// # Errors
    /// [`AdapterError`] if nodes did not answer: part of the sockets would be mistaken for all.
    fn fetch_sockets<'a>(&'a self, here: &'a Local, selection: &'a Selection, timeout: Duration) -> Fetching<'a>;

    /// Has the sockets of a selection join a room, on all nodes.
    ///
    /// # Errors
    /// [`AdapterError`] if other nodes cannot be told.
    fn join(&self, here: &Local, selection: &Selection, room: &str) -> Result<(), AdapterError>;

    /// Has the sockets of a selection leave a room, on all nodes.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    fn leave(&self, here: &Local, selection: &Selection, room: &str) -> Result<(), AdapterError>;

    /// Sends the sockets of a selection away, on all nodes. With `close` their connections are closed.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    fn disconnect(&self, here: &Local, selection: &Selection, close: bool) -> Result<(), AdapterError>;

    /// Sends an event to the other nodes themselves, which call [`Local::server_side_event`]. Not to this node.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    fn server_side_emit(&self, here: &Local, packet: &Packet<'_>) -> Result<(), AdapterError>;

    /// The server closes: [`Server::close`](super::Server::close).
    fn close(&self) {}
}

/// The adapter of a server that stands alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory;

impl Adapter for Memory {
    fn broadcast(&self, here: &Local, selection: &Selection, packet: &Packet<'_>) -> Result<(), EmitError> {
        here.broadcast(selection, packet)
    }

    fn ask(
        &self,
        here: &Local,
        selection: &Selection,
        packet: &Packet<'_>,
        timeout: Duration,
        replies: ReplySender,
    ) -> Result<(), EmitError> {
        here.ask(selection, packet, timeout, &replies)
    }

    fn fetch_sockets<'a>(&'a self, here: &'a Local, selection: &'a Selection, _: Duration) -> Fetching<'a> {
        Box::pin(std::future::ready(Ok(here.sockets(selection))))
    }

    fn join(&self, here: &Local, selection: &Selection, room: &str) -> Result<(), AdapterError> {
        here.join(selection, room);
        Ok(())
    }

    fn leave(&self, here: &Local, selection: &Selection, room: &str) -> Result<(), AdapterError> {
        here.leave(selection, room);
        Ok(())
    }

    fn disconnect(&self, here: &Local, selection: &Selection, close: bool) -> Result<(), AdapterError> {
        here.disconnect(selection, close);
        Ok(())
    }

    fn server_side_emit(&self, _: &Local, _: &Packet<'_>) -> Result<(), AdapterError> {
        Ok(())
    }
}
