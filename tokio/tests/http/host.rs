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
}

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
        }
        Served { io, address }
    }
}
