use std::{fmt, net::SocketAddr};

/// The HTTP request that opened a connection.
///
/// `Debug` prints neither the query nor the header fields: they hold secrets.
#[derive(Clone, Default)]
pub struct Handshake {
    pub(crate) query: Vec<u8>,
    /// All fields, as `name: value` lines without the last line break.
    pub(crate) fields: Vec<(Box<[u8]>, Box<[u8]>)>,
    pub(crate) address: Option<SocketAddr>,
}

impl Handshake {
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
        self.fields.iter().filter_map(|(name, value)| Some((std::str::from_utf8(name).ok()?, &**value)))
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
