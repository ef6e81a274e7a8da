//! The server as routes of axum.

use super::Server;
use axum::Router;

impl Server {
    /// The server as routes of [axum](https://docs.rs/axum), at [`Config::path`](super::Config::path) with and without its last slash: merge them with
    /// the application's routes. Layers that are added behind apply to them: what a layer puts into a request's extensions, such as an authenticated
    /// user, is in [`Handshake::extensions`](super::Handshake::extensions). Clones of the server can be a `State` or an `Extension` of other routes.
    ///
    /// The address of clients is known if axum knows it: serve with `into_make_service_with_connect_info::<SocketAddr>()`. To end, await
    /// [`close`](Self::close) in the future that is given to `with_graceful_shutdown`.
    ///
    /// CORS is [`Config::origin`](super::Config::origin)'s, which is the rule for WebSockets too: let no layer add its fields a second time.
    ///
    /// ```
    /// use axum::{Router, extract::State, routing::{get, post}};
    /// use sansocket_tokio::server::{Config, Server, Socket};
    /// use tokio::net::TcpListener;
    ///
    /// # async fn serve() -> std::io::Result<()> {
    /// let io = Server::new(Config::new());
    /// io.on("join", |socket: Socket, room: String| socket.join(&room));
    ///
    /// let app = Router::new()
    ///     .route("/health", get(|| async { "ok" }))
    ///     .route("/news", post(|State(io): State<Server>, text: String| async move { drop(io.to("news").emit("news", text)) }))
    ///     .merge(io.routes())
    ///     .with_state(io.clone());
    ///
    /// let listener = TcpListener::bind("127.0.0.1:3000").await?;
    /// axum::serve(listener, app)
    ///     .with_graceful_shutdown(async move {
    ///         let _ = tokio::signal::ctrl_c().await;
    ///         io.close().await;
    ///     })
    ///     .await
    /// # }
    /// ```
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let config = &self.inner.config;
        // A path of the configuration has no parameters, whatever it is.
        let mut router = Router::new().without_v07_checks();
        for path in [Some(&config.path), config.engine_path.as_ref()].into_iter().flatten() {
            let path = path.replace('{', "{{").replace('}', "}}");
            router = router.route_service(&path, self.service());
            if let Some(bare) = path.strip_suffix('/').filter(|bare| !bare.is_empty()) {
                router = router.route_service(bare, self.service());
            }
        }
        router
    }
}
