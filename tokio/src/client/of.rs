use super::{
    ConnectError, Events, Socket,
    shared::{Command, Shared},
    space::Space,
};
use sansocket::socketio::Namespace;
use std::{fmt, future::Future, pin::Pin, sync::Arc};

/// Another namespace that is to be joined on the connection of a client. From [`Socket::of`]. Await it to join, and to wait until it is connected.
///
/// ```
/// use sansocket_tokio::client::{Client, Socket};
///
/// # use sansocket_tokio::server::{self, Config, Server};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let io = Server::new(Config::new());
/// # io.of("/admin").on("whoami", |socket: server::Socket| socket.auth::<serde_json::Value>().unwrap_or_default());
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("http://{}", listener.local_addr()?);
/// # tokio::spawn(async move { io.listen(listener).await });
/// let client = Client::connect(url).await?;
/// let auth = serde_json::json!({ "token": "abc" });
/// let admin = client.of("/admin").auth(&auth).on("alarm", |_: Socket, text: String| println!("{text}")).await?;
/// assert_eq!(admin.ask::<serde_json::Value>("whoami", ()).await?, auth);
/// admin.disconnect().await; // `client` stays
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ConnectError`]: the server refused it; the credentials or the name are not valid; an attempt to connect failed. The client keeps trying only if an
/// attempt to connect failed.
#[must_use = "await it, or call `start`"]
pub struct Of {
    shared: Arc<Shared>,
    pub(super) space: Arc<Space>,
    error: Option<ConnectError>,
}

impl Of {
    pub(super) fn new(shared: &Arc<Shared>, name: &str) -> Self {
        let shared = Arc::clone(shared);
        let unknown = Space::new(Namespace(u16::MAX), name);
        let space = if unknown.is_valid() { shared.spaces.of(name) } else { None };
        let error = if space.is_none() { Some(ConnectError::Namespace(name.to_owned())) } else { None };
        Self { shared, space: space.unwrap_or_else(|| Arc::new(unknown)), error }
    }

    /// What will happen, from the beginning, as a stream. As [`Socket::events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.space.handlers.events(self.shared.events_limit)
    }

    /// Joins the namespace, and does not wait for it.
    ///
    /// # Errors
    /// [`ConnectError`]: the credentials or the name are not valid.
    pub fn start(self) -> Result<Socket, ConnectError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.space.check()?;
        self.shared.send(Command::Connect(self.space.number));
        Ok(self.shared.socket(self.space))
    }
}

impl IntoFuture for Of {
    type Output = Result<Socket, ConnectError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let socket = self.start()?;
            socket.outcome(1).await?;
            Ok(socket)
        })
    }
}

impl fmt::Debug for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Of").field("namespace", &self.space.name).finish_non_exhaustive()
    }
}
