//! The server behind another HTTP server: a service of hyper and tower.

mod body;
mod call;

pub use body::ServiceBody;

use super::Server;
use http::{Request, Response};
use std::{
    convert::Infallible,
    error::Error,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

/// The server as a service of HTTP requests, for [hyper](https://docs.rs/hyper) 1 and for [tower](https://docs.rs/tower): see [`Server::service`].
#[derive(Clone, Debug)]
pub struct Service {
    server: Server,
    address: Option<SocketAddr>,
}

impl Server {
    /// The server as a service, for another HTTP server: it answers the requests to [`Config::path`](super::Config::path), and all others with status
    /// 404. The HTTP server reads requests and writes answers, so limits on connections, on heads and on the time for a head are its own; everything
    /// about sessions is as with [`listen`](Self::listen). Behind axum see `routes`.
    ///
    /// It must let connections become WebSockets: with hyper `with_upgrades`. With the feature `http2` a WebSocket may be one stream of HTTP/2
    /// (RFC 8441): announce it by `enable_connect_protocol`.
    ///
    /// If the HTTP server drops the answer that a request waits for, because its client is gone, the session ends.
    ///
    /// To end it, first await [`close`](Self::close), which ends sessions and with them the requests that wait, then end the HTTP server.
    ///
    /// ```
    /// use hyper_util::rt::TokioIo;
    /// use sansocket_tokio::server::{Config, Server, Socket};
    /// use tokio::net::TcpListener;
    ///
    /// # async fn serve() -> std::io::Result<()> {
    /// let io = Server::new(Config::new());
    /// io.on("hello", |_: Socket, name: String| format!("hello, {name}"));
    ///
    /// let listener = TcpListener::bind("127.0.0.1:3000").await?;
    /// loop {
    ///     let (stream, address) = listener.accept().await?;
    ///     let service = io.service().address(address);
    ///     tokio::spawn(async move {
    ///         let http = hyper::server::conn::http1::Builder::new();
    ///         http.serve_connection(TokioIo::new(stream), service).with_upgrades().await
    ///     });
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn service(&self) -> Service {
        Service { server: self.clone(), address: None }
    }
}

impl Service {
    /// Sets the address of the client, for a service of one connection. Without it, it is that of an extension of the request: a
    /// [`SocketAddr`], or with the feature `axum` its `ConnectInfo`.
    #[must_use]
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }
}

/// What a [`Service`] returns: the answer, once there is one.
type Answering = Pin<Box<dyn Future<Output = Result<Response<ServiceBody>, Infallible>> + Send>>;

impl<B> tower_service::Service<Request<B>> for Service
where
    B: http_body::Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    type Response = Response<ServiceBody>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering {
        self.answer(request)
    }
}

impl<B> hyper::service::Service<Request<B>> for Service
where
    B: http_body::Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    type Response = Response<ServiceBody>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<B>) -> Answering {
        self.answer(request)
    }
}

impl Service {
    fn answer<B>(&self, request: Request<B>) -> Answering
    where
        B: http_body::Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let (inner, address) = (self.server.inner.clone(), self.address);
        Box::pin(async move { Ok(call::answer(&inner, request, address).await) })
    }
}
