//! WebSockets that come from elsewhere.

use super::{Carrying, Io, Wire, Writing, decide::decide, serve, upgrade};
use crate::server::{Handshake, Server, session::Kind};
use sansocket::{
    endpoint::{Answer, Ask, Got, Todo},
    engineio::Transport,
    http::Method,
    ws::{CloseCode, Connection, Limits},
};
use tokio::io::{AsyncRead, AsyncWrite};

/// Try again later (1013, in the registry of RFC 6455 section 11.7).
const TRY_AGAIN: CloseCode = CloseCode(1013);

impl Server {
    /// Serves a WebSocket to its end whose handshake another HTTP server has done: `stream` carries frames, without extensions. `handshake` is what the
    /// client asked for. Without a query a session begins. Otherwise the query is judged as that of a request to [`Config::path`](crate::server::Config::path):
    /// with a `sid` it is a session over polling that may move here. A client that is refused is told by a close frame.
    ///
    /// Who does the handshake judges `Origin`: browsers let every page open a WebSocket.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use sansocket_tokio::server::{Config, Handshake, Server};
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// let io = Server::new(Config::new());
    /// // In place of a stream from another HTTP server.
    /// let (stream, mut client) = tokio::io::duplex(1024);
    /// let handshake = Handshake::new().with_header("Cookie", "user=alice");
    /// let serving = tokio::spawn(async move { io.upgraded(stream, handshake).await });
    ///
    /// let mut head = [0; 10];
    /// client.read_exact(&mut head).await?;
    /// assert_eq!(&head[2..], b"0{\"sid\":");
    /// client.write_all(b"\x88\x80\0\0\0\0").await?; // a close frame
    /// serving.await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn upgraded(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, handshake: Handshake) {
        let writing = Writing::new(&self.inner);
        let mut wire = Wire::new(stream);
        if let Err(answer) = self.carry(&mut wire, handshake).await {
            refuse(&mut wire, &answer).await;
        }
        Box::pin(wire.hang_up(writing)).await;
    }

    async fn carry<S: Io>(&self, wire: &mut Wire<S>, handshake: Handshake) -> Result<(), Answer<'static>> {
        let query = handshake.raw_query().to_owned();
        let ask = Ask { method: Method::Get, query: &query, has_body: false, websocket: Some(Ok(())) };
        // The origin was judged with the handshake.
        let (todo, found) = match &query[..] {
            [] => (Todo::Open(Transport::WebSocket), None),
            _ => decide(&self.inner, Kind::SocketIo, &ask, |_| None),
        };
        match (todo, found) {
            (Todo::Answer(answer), _) => return Err(answer),
            (Todo::Upgrade(_), Some(session)) => {
                // In a box of its own: a session that moved holds nothing of it.
                if let Some(carrying) = Box::pin(upgrade(&session, wire)).await {
                    serve(carrying, wire).await;
                }
            }
            (Todo::Open(_), _) => {
                let session = self.inner.open(Kind::SocketIo, Transport::WebSocket, handshake)?;
                serve(Carrying(session), wire).await;
            }
            _ => return Err(Got::GONE),
        }
        Ok(())
    }
}

async fn refuse<S: Io>(wire: &mut Wire<S>, answer: &Answer<'static>) {
    let mut words = [0; 128];
    let words = answer.body(&mut words).unwrap_or_default();
    let code = if *answer == Answer::Busy { TRY_AGAIN } else { CloseCode::POLICY_VIOLATION };
    let mut connection = Connection::server(Limits::new());
    let mut frame = [0; 256];
    let mut out = connection.out(&mut frame);
    let words = std::str::from_utf8(words).unwrap_or_default();
    if connection.close(code, words).is_ok() {
        while let Ok(true) = connection.poll_transmit(&mut out) {}
        // The client may be gone.
        let _ = wire.write_all(out.written()).await;
    }
}
