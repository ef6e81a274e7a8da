//! Events between the nodes of a cluster.

use super::{
    Namespace,
    adapter::{AdapterError, Packet},
    scratch,
};
use crate::{
    EmitError, args,
    handler::{Arrived, Called, Hook},
};
use sansocket::socketio::{Attachments, Flags};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

impl Namespace {
    /// Calls `hook`, plain or async, with the arguments of an event that another node sent with [`server_side_emit`](Self::server_side_emit). Take
    /// `()` if there are none.
    ///
    /// ```
    /// use sansocket_tokio::server::{Config, Server};
    ///
    /// let io = Server::new(Config::new());
    /// io.on_server_event("cache cleared", |of: String| println!("another node cleared {of}"));
    /// io.server_side_emit("cache cleared", "users")?;
    /// # Ok::<(), sansocket_tokio::EmitError>(())
    /// ```
    pub fn on_server_event<A: DeserializeOwned, M>(&self, event: &str, hook: impl Hook<(A,), M>) -> &Self {
        let name = event.to_owned();
        let hook = Arc::new(move |args: Arrived<'_>| match args::decode(args.json, args.files) {
            Ok(args) => hook.call((args,)),
            Err(error) => {
                tracing::warn!(event = name, "an event of another node is not handled: {error}");
                Called::Done
            }
        });
        self.space.change(|listeners| listeners.server_events.entry(event.into()).or_default().push(hook));
        self
    }

    /// Sends an event to the other nodes of the cluster, not to this one, and not to clients. A server that stands alone has no other nodes.
    ///
    /// # Errors
    /// [`EmitError`]: the arguments cannot be written, or the other nodes cannot be told.
    #[doc(alias = "serverSideEmit")]
    pub fn server_side_emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        let here = super::adapter::Local(self.clone());
        scratch::packet(self.name(), event, &args, Flags::NONE, false, |packet| {
            self.inner.adapter.server_side_emit(&here, packet).map_err(|error: AdapterError| error.into())
        })
    }

    pub(super) fn tell_server_event(&self, packet: &Packet<'_>) {
        let listeners = self.space.listeners();
        let hooks = listeners.server_events.get(packet.event()).map_or(&[][..], |hooks| &hooks[..]);
        let files: Vec<&[u8]> = packet.files().iter().map(|file| &file[..]).collect();
        let args = Arrived { json: packet.json(), files: Attachments::from(&files[..]) };
        for hook in hooks {
            match catch_unwind(AssertUnwindSafe(|| hook(args))) {
                Ok(Called::Pending(work)) => self.inner.spawn(work),
                Ok(_) => {}
                Err(_) => tracing::error!(event = packet.event(), "the hook of a server event panicked"),
            }
        }
    }
}
