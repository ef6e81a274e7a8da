use crate::{
    engineio::{Transport, client},
    http::{Url, UrlError},
    socketio::client::Backoff,
    ws,
};

/// Where to connect to, and how. Borrowed by the links, so one serves many clients.
#[derive(Clone, Copy)]
pub struct Config<'c> {
    pub(super) url: Url<'c>,
    pub(super) path: &'c str,
    pub(super) query: &'c str,
    pub(super) fields: &'c [(&'c str, &'c [u8])],
    pub(super) transports: &'c [Transport],
    pub(super) engine: client::Config,
    pub(super) limits: ws::Limits,
    pub(super) backoff: Backoff,
}

impl<'c> Config<'c> {
    /// Reads a URL. Its path names the namespace, its query goes with each request. `path` is `/socket.io/`, the transports are polling, then
    /// WebSocket; reconnects as the JavaScript client.
    pub fn parse(url: &'c str) -> Result<Self, UrlError> {
        todo!()
    }
    /// The path of the Engine.IO endpoint.
    pub const fn path(self, path: &'c str) -> Self {
        Self { path, ..self }
    }
    /// More for the query of each request, percent-encoded, without `?`: `token=abc&x=1`.
    pub const fn query(self, query: &'c str) -> Self {
        Self { query, ..self }
    }
    /// More header fields for each request.
    pub const fn fields(self, fields: &'c [(&'c str, &'c [u8])]) -> Self {
        Self { fields, ..self }
    }
    /// The transports, in order: the first opens the session, the next is tried when it fails; from polling it upgrades if WebSocket is listed.
    pub const fn transports(self, transports: &'c [Transport]) -> Self {
        Self { transports, ..self }
    }
    pub const fn open_timeout(self, ms: u32) -> Self {
        todo!()
    }
    pub const fn limits(self, limits: ws::Limits) -> Self {
        Self { limits, ..self }
    }
    pub const fn reconnection(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }
    pub const fn url(&self) -> &Url<'c> {
        &self.url
    }
    /// The namespace that the URL's path names.
    pub const fn namespace(&self) -> &'c str {
        self.url.path()
    }
}

impl core::fmt::Debug for Config<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Config")
            .field("authority", &self.url.authority())
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
