use bytes::Bytes;
use std::sync::Arc;

/// The answer to a GET beside Socket.IO, for a server that stands alone: [`Server::pages`](super::Server::pages).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Page {
    /// A page of a type, such as `text/html; charset=utf-8`.
    pub fn new(content_type: &str, body: impl Into<Bytes>) -> Self {
        let fields =
            vec![("Content-Type".into(), content_type.into()), ("X-Content-Type-Options".into(), "nosniff".into())];
        Self { status: 200, fields, body: body.into() }
    }

    /// Sets the status, 200 if not set.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds a header field. One with a control byte is not sent.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }
}

/// What a page is asked for.
pub(crate) type Pages = Arc<dyn Fn(&str) -> Option<Page> + Send + Sync>;
