use crate::{
    engineio::Transport,
    http::{Url, UrlError},
    socketio::client::Backoff,
    ws,
};

/// Where to connect to, and how. The links borrow it, so one can serve many clients.
///
/// The URL has the scheme `http`, `https`, `ws` or `wss`; the caller opens the lines, over TLS if [`Scheme::is_secure`](crate::http::Scheme::is_secure).
/// The path of the URL names a namespace, not the path of the requests, as in the JavaScript client. The query of the URL goes with each request.
///
/// ```
/// use sansocket::{endpoint::client::Config, engineio::Transport, socketio::client::Backoff, ws::Limits};
///
/// let config = Config::parse("https://example.org/admin?lang=en")?
///     .path("/live/")
///     .query("token=abc")
///     .fields(&[("Cookie", b"a=b")])
///     .transports(&[Transport::WebSocket])
///     .open_timeout(5_000)
///     .limits(Limits::new().message(64 * 1024))
///     .reconnection(Backoff::new().max(10_000));
/// assert_eq!((config.url().host(), config.url().port(), config.namespace()), ("example.org", 443, "/admin"));
/// # Ok::<(), sansocket::http::UrlError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Config<'c> {
    pub(super) url: Url<'c>,
    pub(super) path: &'c str,
    pub(super) query: &'c str,
    pub(super) fields: &'c [(&'c str, &'c [u8])],
    pub(super) transports: &'c [Transport],
    pub(super) limits: ws::Limits,
    pub(super) backoff: Backoff,
    pub(super) sha1: fn(&[u8; 60]) -> [u8; 20],
    pub(super) open_ms: u32,
}

impl<'c> Config<'c> {
    /// Reads a URL. The other values have their defaults: the path `/socket.io/`, polling and then WebSocket, 20 s to open, reconnection as in the
    /// JavaScript client.
    ///
    /// # Errors
    /// [`UrlError`] names the part of the URL that is invalid.
    #[cfg(feature = "sha1")]
    pub fn parse(url: &'c str) -> Result<Self, UrlError> {
        Self::parse_with(url, |text| sha1_smol::Sha1::from(text).digest().bytes())
    }

    /// As [`parse`](Self::parse), with your SHA-1, which the WebSocket handshake needs: that of a chip, for example.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    ///
    /// ```
    /// use sansocket::endpoint::client::Config;
    ///
    /// fn hash(text: &[u8; 60]) -> [u8; 20] {
    /// #   let _ = text;
    ///     [0; 20] // the SHA-1 of `text`, by the hash unit of a chip
    /// }
    /// let config = Config::parse_with("ws://192.168.0.7:3000", hash)?;
    /// assert_eq!(config.namespace(), "/");
    /// # Ok::<(), sansocket::http::UrlError>(())
    /// ```
    pub fn parse_with(url: &'c str, sha1: fn(&[u8; 60]) -> [u8; 20]) -> Result<Self, UrlError> {
        Ok(Self {
            url: Url::parse(url)?,
            path: "/socket.io/",
            query: "",
            fields: &[],
            transports: &[Transport::Polling, Transport::WebSocket],
            limits: ws::Limits::new(),
            backoff: Backoff::new(),
            sha1,
            open_ms: 20_000,
        })
    }

    /// The path of all requests; by default `/socket.io/`. Write the slash at its end if the server expects one.
    ///
    /// A path, query or field that cannot be sent is not noticed here, but ends the first attempt with [`Failure::Config`](super::Failure::Config).
    #[must_use]
    pub const fn path(self, path: &'c str) -> Self {
        Self { path, ..self }
    }

    /// More for the query of each request, behind the query of the URL: pairs in percent-encoding without `?`, such as `token=abc&x=1`.
    #[must_use]
    pub const fn query(self, query: &'c str) -> Self {
        Self { query, ..self }
    }

    /// More header fields for each request, such as `Cookie`, `Authorization` or `Origin`. Not those that the requests have already: `Host`,
    /// `Connection`, `Upgrade`, `Content-Type`, the length of the body and `Sec-WebSocket-…`.
    #[must_use]
    pub const fn fields(self, fields: &'c [(&'c str, &'c [u8])]) -> Self {
        Self { fields, ..self }
    }

    /// The transports, in order. The first opens the session. If that fails, the next attempt uses the next one. A session over polling upgrades to a
    /// WebSocket if one is listed behind it. A [`WebSocketLink`](super::WebSocketLink) does not read this.
    #[must_use]
    pub const fn transports(self, transports: &'c [Transport]) -> Self {
        Self { transports, ..self }
    }

    /// The time within which a session must be open, in milliseconds from the start of the attempt. By default 20,000.
    #[must_use]
    pub const fn open_timeout(self, ms: u32) -> Self {
        Self { open_ms: ms, ..self }
    }

    /// What the server may send at most; by default 1 MiB in a message and in a frame, so set both for more. The limit of a message is also that of
    /// the body of an answer over polling. What is larger ends the connection ([`Failure::TooLarge`](super::Failure::TooLarge)).
    #[must_use]
    pub const fn limits(self, limits: ws::Limits) -> Self {
        Self { limits, ..self }
    }

    /// When to connect again.
    #[must_use]
    pub const fn reconnection(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// The URL: where to open the lines to.
    #[must_use]
    pub const fn url(&self) -> &Url<'c> {
        &self.url
    }

    /// The namespace that the path of the URL names. `/` if the URL has no path.
    #[must_use]
    pub const fn namespace(&self) -> &'c str {
        self.url.path()
    }
}

/// Leaves out query and fields, which may be secret.
impl core::fmt::Debug for Config<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Config")
            .field("authority", &self.url.authority())
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
