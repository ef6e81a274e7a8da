use super::{
    AcceptError, Config, WebSocket,
    assembly::{LEAST, Memory},
    link::{Driver, Link, end, packed, server},
    offer::Offer,
    socket::Either,
};
use sansocket::{
    drive::{self, ServerSide, sha1},
    http::Status,
    ws::Storage,
};
use std::{any::Any, io};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// The answer's own fields take less of the send memory than this.
const ANSWER: usize = 512;

/// A server's settings for the clients that it accepts. One serves for all.
///
/// ```no_run
/// use sansocket_tokio::websocket::{Acceptor, Config};
///
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let acceptor = Acceptor::new()
///     .origins(["https://example.org"])
///     .protocols(["feed.v2", "feed.v1"])
///     .config(Config::new().max_message(64 * 1024));
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
/// loop {
///     let (stream, address) = listener.accept().await?;
///     let acceptor = acceptor.clone();
///     tokio::spawn(async move {
///         match acceptor.accept(stream).await {
///             Ok(mut ws) => while let Ok(Some(message)) = ws.next().await {
///                 println!("{address} says {message:?}");
///             },
///             Err(error) => println!("{address}: {error}"),
///         }
///     });
/// }
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Acceptor {
    origins: Option<Vec<String>>,
    protocols: Vec<String>,
    headers: Vec<(String, Vec<u8>)>,
    config: Config,
}

impl Acceptor {
    /// Accepts everybody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts scripts of pages from these origins only, such as `https://example.org`; others are refused with status 403. Without it, any page that a user of
    /// yours opens can connect with the user's cookies. Clients that are no browsers send no origin, and are accepted.
    #[must_use]
    pub fn origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.origins = Some(origins.into_iter().map(Into::into).collect());
        self
    }

    /// The subprotocols that this server speaks, the preferred one first. The first that the client speaks too is chosen. If there is none, the client is
    /// accepted without one; to refuse it, use [`accept_with`](Self::accept_with).
    #[must_use]
    pub fn protocols(mut self, protocols: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a header field to the answer, such as `Set-Cookie`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Limits and deadlines.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Reads the client's request from a fresh stream, and answers it. Sets `TCP_NODELAY` if the stream is a `TcpStream`; around one that is inside another
    /// stream (TLS) set it yourself, or small messages may wait up to 40 ms.
    ///
    /// # Errors
    /// See [`AcceptError`].
    pub async fn accept<S>(&self, stream: S) -> Result<WebSocket, AcceptError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.accept_with(stream, |_| Ok(())).await
    }

    /// As [`accept`](Self::accept), if `judge` agrees. It sees the request, may choose the subprotocol, and may refuse the client with a status.
    ///
    /// ```
    /// use sansocket_tokio::websocket::{AcceptError, Acceptor, Status, WebSocket};
    ///
    /// async fn accept(stream: tokio::net::TcpStream) -> Result<(String, WebSocket), AcceptError> {
    ///     let mut room = String::new();
    ///     let ws = Acceptor::new()
    ///         .accept_with(stream, |offer| {
    ///             room = offer.path().strip_prefix("/rooms/").ok_or(Status(404))?.to_owned();
    ///             if offer.header("authorization") != Some("Bearer t0ken") {
    ///                 return Err(Status(401));
    ///             }
    ///             if !offer.choose("chat.v1") {
    ///                 return Err(Status(400));
    ///             }
    ///             Ok(())
    ///         })
    ///         .await?;
    ///     Ok((room, ws))
    /// }
    /// ```
    ///
    /// # Errors
    /// See [`AcceptError`].
    pub async fn accept_with<S>(
        &self,
        stream: S,
        mut judge: impl FnMut(&mut Offer<'_>) -> Result<(), Status>,
    ) -> Result<WebSocket, AcceptError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if let Some(socket) = (&stream as &dyn Any).downcast_ref::<TcpStream>() {
            // A socket that refuses this is broken, which the first read tells.
            let _ = socket.set_nodelay(true);
        }
        let ws = server(Box::new(stream), &self.config);
        Ok(match &self.config.compression {
            None => {
                let (link, protocol) = Box::pin(self.shake(ws, &mut judge)).await?;
                WebSocket::new(Either::Server(link), protocol)
            }
            Some(compression) => {
                let (link, protocol) = Box::pin(self.shake(packed(ws, compression), &mut judge)).await?;
                WebSocket::new(Either::PackedServer(Box::new(link)), protocol)
            }
        })
    }

    async fn shake<D: ServerSide, S: Storage<Raw = Vec<u8>>>(
        &self,
        mut ws: Driver<D, S>,
        judge: &mut impl FnMut(&mut Offer<'_>) -> Result<(), Status>,
    ) -> Result<(Link<D, S>, Option<String>), AcceptError> {
        let fields: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let answer = fields.iter().fold(ANSWER, |sum, (name, value)| sum + name.len() + value.len() + 4);
        let mut memory = Memory::new();
        // For fields of any length, so that `judge` is called once.
        let longest = self.protocols.iter().map(String::len).max().unwrap_or_default();
        let _ = ws.reply().replace_outbox(vec![0; (answer + longest).max(LEAST)]);
        let mut protocol = None;
        loop {
            let accepted = ws.accept_with(sha1, &fields, |request, accept| {
                let mut offer = Offer::new(*request, accept);
                if !offer.origin_is_among(self.origins.as_deref()) {
                    return Err(Status(403));
                }
                let _ = self.protocols.iter().any(|protocol| offer.choose(protocol));
                judge(&mut offer)?;
                let (accept, chosen) = offer.into_parts();
                protocol = chosen;
                Ok(accept)
            });
            match accepted.await {
                Ok(_) => break,
                // The limits of heads end this.
                Err(drive::Error::Inbox(e)) => memory.replace(ws.inbox(), e.available.saturating_mul(2).max(e.needed)),
                Err(drive::Error::Outbox(e)) => drop(ws.reply().replace_outbox(vec![0; e.needed])),
                Err(e) => {
                    let error = refused(e);
                    if !matches!(error, AcceptError::Lost(_) | AcceptError::Field) {
                        // The client is to see the answer.
                        end(ws.reply().transport().get_mut(), true).await;
                    }
                    return Err(error);
                }
            }
        }
        Ok((Link::new(ws, memory), protocol))
    }
}

fn refused(error: drive::Error<io::Error>) -> AcceptError {
    match error {
        drive::Error::Refused(status) => AcceptError::Refused(status),
        drive::Error::Request(e) => AcceptError::Request(e),
        drive::Error::Head(e) => AcceptError::Head(e),
        drive::Error::Connect(_) => AcceptError::Field,
        e => AcceptError::Lost(e.into()),
    }
}
