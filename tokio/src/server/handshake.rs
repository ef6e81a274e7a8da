use std::{fmt, net::SocketAddr};

/// Header fields, in one piece of memory, since each connection keeps its own: of each field the name and the value, both behind their length.
#[derive(Clone, Default)]
pub(crate) struct Fields(Vec<u8>);

impl Fields {
    pub(crate) fn new<'f>(fields: impl Iterator<Item = (&'f [u8], &'f [u8])>) -> Self {
        let mut all = Self::default();
        fields.for_each(|(name, value)| all.push(name, value));
        all.0.shrink_to_fit();
        all
    }

    fn push(&mut self, name: &[u8], value: &[u8]) {
        for part in [name, value] {
            // The head of a request is far shorter.
            let len = u32::try_from(part.len()).unwrap_or(u32::MAX);
            self.0.extend_from_slice(&len.to_le_bytes());
            self.0.extend_from_slice(part.get(..len as usize).unwrap_or(part));
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (name, behind) = part(rest)?;
            let (value, behind) = part(behind)?;
            rest = behind;
            Some((name, value))
        })
    }
}

/// What stands behind its length, and the rest.
fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, behind) = bytes.split_first_chunk()?;
    behind.split_at_checked(u32::from_le_bytes(*len) as usize)
}

/// The HTTP request that opened a connection.
///
/// `Debug` prints neither the query nor the header fields: they hold secrets.
#[derive(Clone, Default)]
pub struct Handshake {
    pub(crate) query: Vec<u8>,
    pub(crate) fields: Fields,
    pub(crate) address: Option<SocketAddr>,
    #[cfg(feature = "hyper")]
    pub(crate) extensions: http::Extensions,
}

impl Handshake {
    /// A handshake that says nothing, for [`Server::upgraded`](super::Server::upgraded).
    ///
    /// ```
    /// use sansocket_tokio::server::Handshake;
    ///
    /// let handshake = Handshake::new().with_query("room=7&name=J%C3%BCrgen").with_header("Cookie", "user=alice");
    /// assert_eq!(handshake.query("name").as_deref(), Some("Jürgen"));
    /// assert_eq!(handshake.header("cookie"), Some("user=alice"));
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the query: the part of the request target after `?`, still percent-encoded.
    #[must_use]
    pub fn with_query(mut self, query: &str) -> Self {
        self.query = query.into();
        self
    }

    /// Adds a header field. A name may come several times.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.fields.push(name.as_bytes(), value.as_ref());
        self
    }

    /// Sets the address of the client.
    #[must_use]
    pub fn with_address(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// The extensions of the request, which layers of axum or tower may have added: an authenticated user, for example.
    #[cfg(feature = "hyper")]
    #[must_use]
    pub fn extensions(&self) -> &http::Extensions {
        &self.extensions
    }

    /// The address of the peer: that of the proxy, behind one. `None` if the server was given a stream without one.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// A header field, by its name in any case. The first of several.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))?;
        std::str::from_utf8(value).ok()
    }

    /// All header fields, in their order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().filter_map(|(name, value)| Some((std::str::from_utf8(name).ok()?, value)))
    }

    /// A value of the query, percent-decoded. The first of several.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        self.queries().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// All names and values of the query, percent-decoded, in their order.
    pub fn queries(&self) -> impl Iterator<Item = (String, String)> {
        self.query.split(|b| *b == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
            let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
            (decoded(&pair[..at]), decoded(pair.get(at + 1..).unwrap_or_default()))
        })
    }
}

#[cfg(feature = "hyper")]
impl From<&http::request::Parts> for Handshake {
    /// The query, the header fields and the extensions of a request. The address is that of an extension, if there is one: a [`SocketAddr`], or with
    /// the feature `axum` its `ConnectInfo`.
    fn from(parts: &http::request::Parts) -> Self {
        let fields = parts.headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
        let extensions = parts.extensions.clone();
        let address = extensions.get::<SocketAddr>().copied();
        #[cfg(feature = "axum")]
        let address = address.or_else(|| extensions.get::<axum::extract::ConnectInfo<SocketAddr>>().map(|info| info.0));
        Self { query: parts.uri.query().unwrap_or_default().into(), fields: Fields::new(fields), address, extensions }
    }
}

/// The text that stands percent-encoded in a query.
fn decoded(text: &[u8]) -> String {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, behind) {
            (b'%', [high, low, behind @ ..]) if digit(*high).is_some() && digit(*low).is_some() => {
                bytes.push(digit(*high).unwrap_or(0) * 16 + digit(*low).unwrap_or(0));
                rest = behind;
            }
            (b'+', _) => bytes.push(b' '),
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").field("address", &self.address).finish_non_exhaustive()
    }
}
