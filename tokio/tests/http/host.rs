//! The server under test: alone, or behind another HTTP server.

use sansocket_tokio::{
    args::Raw,
    server::{Ack, Config, Server, Socket},
};
use std::{net::SocketAddr, time::Duration};
use tokio::net::TcpListener;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Its own HTTP/1.1.
    Own,
    #[cfg(feature = "hyper")]
    Hyper,
    #[cfg(feature = "axum")]
    Axum,
}

/// Runs a law behind each HTTP server.
macro_rules! for_each_host {
    ($($law:ident)*) => { $(
        mod $law {
            #[tokio::test]
            async fn own() {
                super::$law($crate::host::Host::Own).await;
            }

            #[cfg(feature = "hyper")]
            #[tokio::test]
            async fn hyper() {
                super::$law($crate::host::Host::Hyper).await;
            }

            #[cfg(feature = "axum")]
            #[tokio::test]
            async fn axum() {
                super::$law($crate::host::Host::Axum).await;
            }
        }
    )* };
}
pub(crate) use for_each_host;

/// The server, and where it is.
pub struct Served {
    pub io: Server,
    pub address: SocketAddr,
}

/// An application that says back what it is told.
pub fn echo(config: Config) -> Server {
    let io = Server::new(config);
    io.on("message", |socket: Socket, args: Raw| socket.emit("message-back", args));
    io.on("ask", |_: Socket, args: Raw, ack: Ack| drop(ack.send(args)));
    io
}

pub fn brief() -> Config {
    Config::new().ping_interval(Duration::from_millis(300)).ping_timeout(Duration::from_millis(700))
}

impl Host {
    pub async fn serve(self, config: Config) -> Served {
        self.serve_app(echo(config)).await
    }

    pub async fn serve_app(self, io: Server) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = io.clone();
        match self {
            Self::Own => drop(tokio::spawn(async move { server.listen(listener).await })),
            #[cfg(feature = "hyper")]
            Self::Hyper => drop(tokio::spawn(hyper(server, listener))),
            #[cfg(feature = "axum")]
            Self::Axum => drop(tokio::spawn(async move {
                let app = axum::Router::new().merge(server.routes());
                axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
            })),
        }
        Served { io, address }
    }
}

#[cfg(feature = "hyper")]
async fn hyper(io: Server, listener: TcpListener) {
    while let Ok((stream, address)) = listener.accept().await {
        let service = io.service().address(address);
        tokio::spawn(async move {
            let http = hyper::server::conn::http1::Builder::new();
            http.serve_connection(hyper_util::rt::TokioIo::new(stream), service).with_upgrades().await
        });
    }
}
