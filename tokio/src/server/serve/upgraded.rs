//! WebSockets that come from elsewhere.

use super::{Carrying, Io, Wire, Writing, decide::decide, serve, upgrade};
use crate::server::{Handshake, Server, session::Kind};
use sansocket::{
    endpoint::{Answer, Ask, Got, Todo},
    engineio::Transport,
    http::Method,
    ws::{Agreed, CloseCode, Connection, Limits},
};
use tokio::io::{AsyncRead, AsyncWrite};

/// Try again later (1013, in the registry of RFC 6455 section 11.7).
const TRY_AGAIN: CloseCode = CloseCode(1013);

impl Server {
    /// Serves a WebSocket to its end whose handshake another HTTP server has done: `stream` carries frames, without extensions; for compression see
    /// [`upgraded_with`](Self::upgraded_with). `handshake` is what the
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
        self.upgraded_with(stream, handshake, None).await;
    }

    /// As [`upgraded`](Self::upgraded), for a handshake that has agreed on compression, or not. The server chooses by
    /// [`accept_compression`](Self::accept_compression), and the HTTP server sends the field.
    ///
    /// ```
    /// use sansocket_tokio::{Compression, server::{Config, Handshake, Server}};
    /// # use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let io = Server::new(Config::new().compression(Compression::new()));
    /// // The fields of the request, as the HTTP server has them.
    /// let fields = [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")];
    /// let agreed = io.accept_compression(fields.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    /// // The value of the same field in the response.
    /// let value = agreed.map(|agreed| agreed.response());
    /// assert!(value.is_some_and(|value| value.as_str().starts_with("permessage-deflate; ")));
    ///
    /// # let (stream, mut client) = tokio::io::duplex(1024);
    /// # let handshake = Handshake::new();
    /// # let serving = tokio::spawn(async move {
    /// io.upgraded_with(stream, handshake, agreed).await;
    /// # });
    /// # client.read_exact(&mut [0; 10]).await?;
    /// # client.write_all(b"\x88\x80\0\0\0\0").await?;
    /// # serving.await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn upgraded_with(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        handshake: Handshake,
        agreed: Option<Agreed>,
    ) {
        let writing = Writing::new(&self.inner);
        let mut wire = Wire::new(stream);
        wire.agree(agreed, self.inner.config.compression);
        if let Err(answer) = self.carry(&mut wire, handshake).await {
            refuse(&mut wire, &answer).await;
        }
        Box::pin(wire.hang_up(writing)).await;
    }

    /// The compression that this server chooses among the offers in the header fields of a request, as its [`Config`](crate::server::Config) says. `None`:
    /// none. See [`upgraded_with`](Self::upgraded_with).
    pub fn accept_compression<'h>(&self, fields: impl IntoIterator<Item = (&'h [u8], &'h [u8])>) -> Option<Agreed> {
        self.inner.config.compression?.core().accept(fields)
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
                let session = self.inner.open(Kind::SocketIo, Transport::WebSocket, handshake, wire.agreed())?;
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
