use sansocket::{http::Request, ws::Accept};

/// A client's request to open a WebSocket, for the function of [`Acceptor::accept_with`](super::Acceptor::accept_with).
#[derive(Debug)]
pub struct Offer<'h> {
    request: Request<'h>,
    accept: Accept<'h>,
    chosen: Option<String>,
}

impl<'h> Offer<'h> {
    pub(super) const fn new(request: Request<'h>, accept: Accept<'h>) -> Self {
        Self { request, accept, chosen: None }
    }

    /// The path, still percent-encoded.
    #[must_use]
    pub fn path(&self) -> &'h str {
        text(self.request.path()).unwrap_or_default()
    }

    /// The query after the `?`, still percent-encoded. Empty if there is none.
    #[must_use]
    pub fn query(&self) -> &'h str {
        text(self.request.query()).unwrap_or_default()
    }

    /// The value of the first header field with this name, in any case. `None` also if it is not UTF-8; [`request`](Self::request) has its bytes.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'h str> {
        self.request.fields().get(name).and_then(text)
    }

    /// The origin of the page whose script connects. Browsers always send it.
    #[must_use]
    pub fn origin(&self) -> Option<&'h str> {
        self.accept.origin().and_then(text)
    }

    /// The subprotocols that the client speaks, its preferred one first.
    pub fn protocols(&self) -> impl Iterator<Item = &'h str> + use<'h> {
        self.accept.protocols().filter_map(text)
    }

    /// Chooses a subprotocol, in place of an earlier choice. `false`: the client does not speak it, and nothing was changed.
    #[must_use = "if it is false, the client does not speak this subprotocol"]
    pub fn choose(&mut self, protocol: &str) -> bool {
        match self.accept.protocol(protocol.as_bytes()) {
            Ok(accept) => {
                (self.accept, self.chosen) = (accept, Some(protocol.to_owned()));
                true
            }
            Err(_) => false,
        }
    }

    /// The whole request.
    #[must_use]
    pub const fn request(&self) -> &Request<'h> {
        &self.request
    }

    /// An origin that is not text is none of the list.
    pub(super) fn origin_is_among(&self, origins: Option<&[String]>) -> bool {
        match (origins, self.accept.origin()) {
            (None, _) | (_, None) => true,
            (Some(origins), Some(origin)) => origins.iter().any(|known| known.as_bytes() == origin),
        }
    }

    pub(super) fn into_parts(self) -> (Accept<'h>, Option<String>) {
        (self.accept, self.chosen)
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}
