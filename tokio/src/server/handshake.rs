use std::{fmt, net::SocketAddr};

/// The query, and of each header field the name and the value: in one piece of memory, since each connection keeps its own, and each behind its length,
/// of which a byte holds seven bits, the lowest first. Empty if there is none of them.
#[derive(Clone, Default)]
struct Parts(Vec<u8>);

impl Parts {
    fn push(&mut self, part: &[u8]) {
        let mut len = part.len();
        while len >= 0x80 {
            self.0.push(0x80 | len.to_le_bytes()[0]);
            len >>= 7;
        }
        self.0.push(len.to_le_bytes()[0]);
        self.0.extend_from_slice(part);
    }

    fn push_field(&mut self, name: &[u8], value: &[u8]) {
        if self.0.is_empty() {
            self.push(b"");
        }
        self.push(name);
        self.push(value);
    }

    fn query(&self) -> &[u8] {
        split(&self.0).map_or(b"", |(query, _)| query)
    }

    fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = split(&self.0).map_or(&[][..], |(_, behind)| behind);
        std::iter::from_fn(move || {
            let (name, behind) = split(rest)?;
            let (value, behind) = split(behind)?;
            rest = behind;
            Some((name, value))
        })
    }
}

/// The first part, and what is behind it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let last = bytes.iter().position(|byte| *byte < 0x80)?;
    let len = bytes[..=last].iter().rev().fold(0, |len, byte| len << 7 | usize::from(byte & 0x7f));
    bytes[last + 1..].split_at_checked(len)
}

/// The HTTP request that opened a connection.
///
/// `Debug` prints neither the query nor the header fields: they hold secrets.
#[derive(Clone, Default)]
pub struct Handshake {
    parts: Parts,
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

    pub(crate) fn of<'f>(
        query: &[u8],
        fields: impl Iterator<Item = (&'f [u8], &'f [u8])>,
        address: Option<SocketAddr>,
    ) -> Self {
        let mut parts = Parts::default();
        parts.push(query);
        fields.for_each(|(name, value)| parts.push_field(name, value));
        parts.0.shrink_to_fit();
        Self {
            parts,
            address,
            #[cfg(feature = "hyper")]
            extensions: Default::default(),
        }
    }

    /// The query, percent-encoded.
    pub(crate) fn raw_query(&self) -> &[u8] {
        self.parts.query()
    }

    /// Sets the query: the part of the request target after `?`, still percent-encoded.
    #[must_use]
    pub fn with_query(mut self, query: &str) -> Self {
        let old = std::mem::take(&mut self.parts);
        self.parts.push(query.as_bytes());
        old.fields().for_each(|(name, value)| self.parts.push_field(name, value));
        self
    }

    /// Adds a header field. A name may come several times.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.parts.push_field(name.as_bytes(), value.as_ref());
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
        let (_, value) = self.parts.fields().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))?;
        std::str::from_utf8(value).ok()
    }

    /// All header fields, in their order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.parts.fields().filter_map(|(name, value)| Some((std::str::from_utf8(name).ok()?, value)))
    }

    /// A value of the query, percent-decoded. The first of several.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        self.queries().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// All names and values of the query, percent-decoded, in their order.
    pub fn queries(&self) -> impl Iterator<Item = (String, String)> {
        self.raw_query().split(|b| *b == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
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
        let query = parts.uri.query().unwrap_or_default();
        let extensions = parts.extensions.clone();
        let address = extensions.get::<SocketAddr>().copied();
        #[cfg(feature = "axum")]
        let address = address.or_else(|| extensions.get::<axum::extract::ConnectInfo<SocketAddr>>().map(|info| info.0));
        Self { extensions, ..Self::of(query.as_bytes(), fields, address) }
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

#[cfg(test)]
mod tests {
    use super::Handshake;

    #[test]
    fn what_was_asked_for_is_kept_whatever_its_length() {
        for len in [0, 1, 127, 128, 300, 16_383, 16_384, 3_000_000] {
            let (query, value) = (format!("a={}", "q".repeat(len)), "v".repeat(len));
            let fields = [(&b"One"[..], value.as_bytes()), (b"Two", b"2")];
            let given = Handshake::of(query.as_bytes(), fields.into_iter(), None);
            let built = Handshake::new().with_header("One", &value).with_query(&query).with_header("Two", "2");
            for handshake in [given, built] {
                assert_eq!(handshake.raw_query(), query.as_bytes());
                assert_eq!(handshake.headers().collect::<Vec<_>>(), [("One", value.as_bytes()), ("Two", b"2")]);
            }
        }
        assert!(Handshake::new().raw_query().is_empty() && Handshake::new().headers().next().is_none());
    }
}
