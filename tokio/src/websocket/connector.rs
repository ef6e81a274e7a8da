use super::{
    Config, ConnectError, WebSocket,
    assembly::Memory,
    link::{Driver, Link, client, packed},
    socket::Either,
};
use crate::{
    net::{Stream, Tls, dial},
    random,
};
use sansocket::{
    drive::{self, ClientSide, sha1},
    http::Url,
    ws::{HandshakeError, Storage},
};
use std::{fmt, io};
use tokio::io::{AsyncRead, AsyncWrite};

/// A client with settings of its own.
///
/// ```no_run
/// use sansocket_tokio::websocket::{Config, Connector};
///
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let ws = Connector::new("wss://example.org/feed")
///     .header("Authorization", "Bearer t0ken")
///     .protocols(["feed.v2", "feed.v1"])
///     .config(Config::new().max_message(1 << 20))
///     .connect()
///     .await?;
/// println!("{:?}", ws.protocol());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Connector {
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    origin: Option<String>,
    protocols: Vec<String>,
    config: Config,
    tls: Tls,
}

impl Connector {
    /// For this URL, with the scheme `ws` or `wss`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: Vec::new(),
            origin: None,
            protocols: Vec::new(),
            config: Config::new(),
            tls: Tls::new(),
        }
    }

    /// Adds a header field to the request, such as `Authorization` or `Cookie`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds the field `Origin`, which browsers send and some servers want to see.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// The subprotocols that this client speaks, the preferred one first. [`WebSocket::protocol`] is the server's choice.
    #[must_use]
    pub fn protocols(mut self, protocols: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Limits and deadlines.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the certificates that are accepted for `wss`.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Connects. The future may be dropped; the connection is given up then.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(&self) -> Result<WebSocket, ConnectError> {
        let url = Url::parse(&self.url).map_err(ConnectError::Url)?;
        random::check().map_err(ConnectError::Random)?;
        let stream = dial(&url, &self.tls).await.map_err(ConnectError::Dial)?;
        self.shake(&url, stream).await
    }

    /// As [`connect`](Self::connect), on a stream that leads to the server already: through a proxy, over a Unix socket, in memory. The scheme of the URL
    /// changes nothing then.
    ///
    /// ```
    /// use sansocket_tokio::websocket::{self, Connector, Message};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (ours, theirs) = tokio::io::duplex(4096);
    /// let connector = Connector::new("ws://server/");
    /// let (client, server) = tokio::join!(connector.connect_over(ours), websocket::accept(theirs));
    /// let (mut client, mut server) = (client?, server?);
    /// client.send("hello").await?;
    /// assert_eq!(server.next().await?, Some(Message::Text("hello".into())));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect_over<S>(&self, stream: S) -> Result<WebSocket, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let url = Url::parse(&self.url).map_err(ConnectError::Url)?;
        random::check().map_err(ConnectError::Random)?;
        self.shake(&url, Box::new(stream)).await
    }

    async fn shake(&self, url: &Url<'_>, stream: Stream) -> Result<WebSocket, ConnectError> {
        let ws = client(stream, &self.config);
        Ok(match &self.config.compression {
            None => {
                let (link, protocol) = self.shake_on(url, ws).await?;
                WebSocket::new(Either::Client(link), protocol)
            }
            Some(compression) => {
                let (link, protocol) = Box::pin(self.shake_on(url, packed(ws, compression))).await?;
                WebSocket::new(Either::PackedClient(Box::new(link)), protocol)
            }
        })
    }

    async fn shake_on<D: ClientSide, S: Storage<Raw = Vec<u8>>>(
        &self,
        url: &Url<'_>,
        mut ws: Driver<D, S>,
    ) -> Result<(Link<D, S>, Option<String>), ConnectError> {
        let fields: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let protocols: Vec<_> = self.protocols.iter().map(String::as_str).collect();
        let mut memory = Memory::new();
        let protocol = loop {
            let answer = ws.connect_with(sha1, url, |mut connect| {
                if let Some(origin) = &self.origin {
                    connect = connect.origin(origin);
                }
                connect.protocols(&protocols).fields(&fields)
            });
            match answer.await {
                Ok(answer) => {
                    let protocol = answer.fields().get("sec-websocket-protocol");
                    break protocol.map(|chosen| String::from_utf8_lossy(chosen).into_owned());
                }
                // The limits of heads end this.
                Err(drive::Error::Inbox(e)) => memory.replace(ws.inbox(), e.available.saturating_mul(2).max(e.needed)),
                Err(drive::Error::Outbox(e)) => drop(ws.reply().replace_outbox(vec![0; e.needed])),
                Err(e) => return Err(refused(e, &mut ws)),
            }
        };
        Ok((Link::new(ws, memory), protocol))
    }
}

fn refused<D: ClientSide, S: Storage>(error: drive::Error<io::Error>, ws: &mut Driver<D, S>) -> ConnectError {
    match error {
        drive::Error::Handshake(HandshakeError::Status(status)) => {
            let location = ws.answer().and_then(|answer| answer.fields().get("location"));
            let location = location.map(|to| String::from_utf8_lossy(to).into_owned());
            ConnectError::Refused { status: status.0, location }
        }
        drive::Error::Handshake(e) => ConnectError::Handshake(e),
        drive::Error::Head(e) => ConnectError::Head(e),
        drive::Error::Connect(e) => ConnectError::Request(e),
        e => ConnectError::Lost(e.into()),
    }
}

impl fmt::Debug for Connector {
    /// Without what may be secret: the values of header fields, and the query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.split('?').next().unwrap_or_default();
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Connector").field("url", &url).field("headers", &headers).finish_non_exhaustive()
    }
}
