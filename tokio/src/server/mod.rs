//! The server.

pub mod adapter;
mod admission;
mod answers;
mod ask;
#[cfg(feature = "axum")]
mod axum;
mod broadcast;
mod cluster;
mod config;
mod counters;
mod data;
mod dispatch;
mod emission;
mod engine;
mod frames;
mod handlers;
mod handshake;
mod inner;
mod line;
mod listeners;
#[cfg(all(test, models))]
#[path = "../../models/mod.rs"]
mod models;
mod namespace;
mod origin;
mod outbox;
mod page;
mod questions;
mod registry;
mod remote;
mod say;
mod scratch;
mod serve;
#[cfg(feature = "hyper")]
mod service;
mod session;
mod sink;
mod socket;
mod space;
#[cfg(test)]
mod tests;
mod turn;
mod watch;

pub use crate::handler::{Check, Gate, Handler, Hook, Refusal};
pub use answers::{Answer, Answers};
pub use ask::Ask;
pub use broadcast::Broadcast;
pub use config::Config;
pub use counters::Counters;
pub use data::Data;
pub use emission::Emission;
pub use engine::{EngineMessage, EngineSocket};
pub use handshake::Handshake;
pub use namespace::Namespace;
pub use page::Page;
pub use remote::RemoteSocket;
pub use sansocket::{
    socketio::{Flags, Policy, Reason, Sid},
    ws::Agreed,
};
pub use serve::Bound;
#[cfg(feature = "hyper")]
pub use service::{Service, ServiceBody};
pub use socket::Socket;

use crate::args::Raw;
use engine::OnMessage;
use inner::Inner;
use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError},
};
use tokio::io::{AsyncRead, AsyncWrite};

/// The acknowledgement of one event of a client.
pub type Ack = crate::handler::Ack<Socket>;

/// An event as checks see it: [`Namespace::before_event`].
#[derive(Clone, Debug)]
pub struct Event {
    /// The name.
    pub name: String,
    /// The arguments.
    pub args: Raw,
}

/// Why an event was not handled: [`Namespace::on_failure`].
#[derive(Clone, Debug)]
pub struct Failure {
    /// The name of the event, or `connection`.
    pub event: String,
    /// What was wrong, in words: the argument and its field, or why a check refused it.
    pub error: String,
}

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness ids can be guessed: a server must not go on.
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// A Socket.IO server. Cheap to clone: all clones are the same server.
///
/// It is its main namespace too: what [`Namespace`] can do, it can.
#[derive(Clone, Debug)]
pub struct Server {
    inner: Arc<Inner>,
    main: Namespace,
}

impl Server {
    /// A new server. It opens nothing: see [`listen`](Self::listen).
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_adapter(config, adapter::Memory)
    }

    /// A new server that is one node of a cluster: see [`adapter`].
    #[must_use]
    pub fn with_adapter(config: Config, adapter: impl adapter::Adapter) -> Self {
        let inner = Inner::new(config, Box::new(adapter));
        inner.adapter.start(adapter::Node::new(&inner));
        Self::of_inner(&inner)
    }

    fn of_inner(inner: &Arc<Inner>) -> Self {
        Self { inner: inner.clone(), main: Namespace::new(inner, inner.spaces.main().clone()) }
    }

    /// The namespace of this name, such as `/admin`. Clients may join it from now on.
    #[expect(clippy::must_use_candidate, reason = "a namespace without handlers is opened by this alone")]
    pub fn of(&self, name: &str) -> Namespace {
        Namespace::new(&self.inner, self.inner.spaces.of(name))
    }

    /// Namespaces that are made when a client asks for one whose name `matches`, and forgotten when its last client has left. What is given to the result
    /// to be called is called in each of them. See [`Config::max_dynamic_namespaces`].
    ///
    /// `matches` decides by the name. It is called while the session that asks is locked. So it must not disconnect a socket, ask it, or look at its
    /// transport: that would wait for the same lock for ever. Do so in [`before_connect`](Namespace::before_connect).
    #[must_use]
    pub fn of_matching(&self, matches: impl Fn(&str) -> bool + Send + Sync + 'static) -> Namespace {
        Namespace::new(&self.inner, self.inner.spaces.add_pattern(Arc::new(matches)))
    }

    /// A socket of a namespace, which is not made and not kept for this.
    pub(crate) fn socket_in(&self, namespace: &str, id: &str) -> Option<Socket> {
        Namespace::new(&self.inner, self.inner.spaces.get(namespace)?).socket(id)
    }

    pub(crate) fn path(&self) -> &str {
        &self.inner.config.path
    }

    /// Calls `handler` with each message of a client of Engine.IO itself, at [`Config::engine_path`].
    pub fn on_engine_message<M>(&self, handler: impl Hook<(EngineSocket, EngineMessage), M>) {
        let handler: OnMessage = Arc::new(move |socket, message| handler.call((socket, message)));
        *self.inner.on_message.write().unwrap_or_else(PoisonError::into_inner) = Some(handler);
    }

    /// Answers GETs beside Socket.IO, by their path, for a server that stands alone. `None` is answered with status 404.
    pub fn pages(&self, pages: impl Fn(&str) -> Option<Page> + Send + Sync + 'static) {
        *self.inner.pages.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(pages));
    }

    /// Serves one connection to its end: a stream on which a client speaks HTTP/1.1, such as one of TLS. `address` is that of the client, if it is known.
    /// The application accepts connections then, and limits their number and the time for what comes before HTTP.
    ///
    /// ```no_run
    /// use sansocket_tokio::server::{Config, Server};
    /// use std::{sync::Arc, time::Duration};
    /// use tokio::{net::TcpListener, time::timeout};
    /// # #[cfg(feature = "rustls")]
    /// use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
    ///
    /// # #[cfg(feature = "rustls")]
    /// async fn serve(io: Server, tls: ServerConfig) -> std::io::Result<()> {
    ///     let acceptor = TlsAcceptor::from(Arc::new(tls));
    ///     let listener = TcpListener::bind("0.0.0.0:443").await?;
    ///     loop {
    ///         let (stream, address) = listener.accept().await?;
    ///         let (io, acceptor) = (io.clone(), acceptor.clone());
    ///         tokio::spawn(async move {
    ///             if let Ok(Ok(stream)) = timeout(Duration::from_secs(10), acceptor.accept(stream)).await {
    ///                 io.serve(stream, Some(address)).await;
    ///             }
    ///         });
    ///     }
    /// }
    /// ```
    pub async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        address: Option<SocketAddr>,
    ) {
        serve::connection(self.inner.clone(), stream, address).await;
    }

    /// What was counted until now.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.inner.counters()
    }

    /// Ends the server: no client is taken any more, all clients are told, and what waits for them is sent, within [`Config::close_timeout`]. Sessions that
    /// are still open then are cut. [`listen`](Self::listen) returns at the same time. Behind another HTTP server that one ends by itself: end it
    /// afterwards, and let it finish the answers that it writes.
    pub async fn close(&self) {
        self.inner.begin_to_close();
        for session in self.inner.all_sessions() {
            session.close(Reason::ServerShuttingDown);
        }
        self.inner.ended().await;
        for session in self.inner.all_sessions() {
            session.cut();
        }
        self.inner.adapter.close();
    }
}

impl Socket {
    /// The server. A handler that needs it takes it from here: if it captured the server, which holds the handlers, neither would ever be dropped.
    #[must_use]
    pub fn server(&self) -> Server {
        Server::of_inner(&self.line().inner)
    }
}

impl std::ops::Deref for Server {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        &self.main
    }
}
