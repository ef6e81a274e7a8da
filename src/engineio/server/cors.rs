//! Cross-origin requests over polling (the Fetch standard, "CORS protocol"). The default is to allow none (CVE-2020-28481).

/// The origins whose pages may use the server over polling.
///
/// CORS does not apply to WebSockets. Check `Origin` yourself ([`Accept::origin`](crate::ws::Accept::origin)), or any site can connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origins<'c> {
    /// Only the server's own origin. Answers have no CORS fields.
    Own,
    /// All origins (`*`), never with credentials: browsers reject that combination.
    Any,
    /// Reflects the request's origin. With [`credentials`](Cors::credentials) every site can act with the user's cookies; avoid it.
    Each,
    /// These origins, such as `https://example.com`, compared byte for byte.
    List(&'c [&'c str]),
}

/// Makes the CORS header fields of answers.
///
/// ```
/// use sansocket::engineio::server::{Cors, Origins};
///
/// let cors = Cors::new(Origins::List(&["https://a.example"])).credentials();
/// let fields = cors.fields(Some(b"https://a.example"));
/// assert!(fields.into_iter().flatten().eq([
///     ("Access-Control-Allow-Origin", &b"https://a.example"[..]),
///     ("Access-Control-Allow-Credentials", b"true"),
///     ("Vary", b"Origin"),
/// ]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Cors<'c> {
    origins: Origins<'c>,
    credentials: bool,
    methods: &'c str,
    headers: Option<&'c str>,
    max_age: Option<&'c str>,
}

/// Header fields of an answer: names and values. Skip those that are `None`.
pub type CorsFields<'f> = [Option<(&'static str, &'f [u8])>; 6];

impl<'c> Cors<'c> {
    /// Allows these origins, without credentials.
    #[must_use]
    pub const fn new(origins: Origins<'c>) -> Self {
        Self { origins, credentials: false, methods: "GET,HEAD,PUT,PATCH,POST,DELETE", headers: None, max_age: None }
    }

    /// Allows requests with cookies and other credentials.
    #[must_use]
    pub const fn credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// Sets the methods for the answer to a preflight request. The default is that of the JavaScript server: `GET,HEAD,PUT,PATCH,POST,DELETE`.
    #[must_use]
    pub const fn methods(mut self, methods: &'c str) -> Self {
        self.methods = methods;
        self
    }

    /// Sets the request headers for the answer to a preflight request. The default is to allow those that it asks for.
    #[must_use]
    pub const fn headers(mut self, headers: &'c str) -> Self {
        self.headers = Some(headers);
        self
    }

    /// Sets how long a browser may cache the answer to a preflight request: a number of seconds, in digits.
    #[must_use]
    pub const fn max_age(mut self, seconds: &'c str) -> Self {
        self.max_age = Some(seconds);
        self
    }

    /// The fields for every answer to a request from `origin`. Add them to errors too, or the page cannot read those. Cost: one search of the list.
    #[must_use]
    pub fn fields<'f>(&self, origin: Option<&'f [u8]>) -> CorsFields<'f> {
        let [allowed, credentials] = self.leave(origin);
        [allowed, credentials, self.varies().then_some(("Vary", b"Origin")), None, None, None]
    }

    /// The fields for the answer to a preflight request (`OPTIONS`). Send them with status 204. `requested` is the value of
    /// `Access-Control-Request-Headers`. `None` for [`Origins::Own`]: treat the request like any other. See the [module page](super) for an example.
    #[must_use]
    pub fn preflight<'f>(&self, origin: Option<&'f [u8]>, requested: Option<&'f [u8]>) -> Option<CorsFields<'f>>
    where
        'c: 'f,
    {
        if self.origins == Origins::Own {
            return None;
        }
        let [allowed, credentials] = self.leave(origin);
        // If the requested headers are reflected, a cache must distinguish requests by them.
        let reflects = self.headers.is_none() && requested.is_some();
        let vary: Option<&[u8]> = match (self.varies(), reflects) {
            (true, true) => Some(b"Origin, Access-Control-Request-Headers"),
            (true, false) => Some(b"Origin"),
            (false, true) => Some(b"Access-Control-Request-Headers"),
            (false, false) => None,
        };
        Some([
            allowed,
            credentials,
            vary.map(|names| ("Vary", names)),
            Some(("Access-Control-Allow-Methods", self.methods.as_bytes())),
            self.headers.map(str::as_bytes).or(requested).map(|names| ("Access-Control-Allow-Headers", names)),
            self.max_age.map(|age| ("Access-Control-Max-Age", age.as_bytes())),
        ])
    }

    /// Whether the answer depends on the origin.
    const fn varies(&self) -> bool {
        matches!(self.origins, Origins::Each | Origins::List(_))
    }

    /// The fields that let the page read the answer and send credentials.
    fn leave<'f>(&self, origin: Option<&'f [u8]>) -> [Option<(&'static str, &'f [u8])>; 2] {
        let own = match self.origins {
            Origins::Own => None,
            Origins::Any => return [Some(("Access-Control-Allow-Origin", b"*")), None],
            Origins::Each => origin,
            Origins::List(list) => origin.filter(|origin| list.iter().any(|o| o.as_bytes() == *origin)),
        };
        let credentials: Option<(&str, &[u8])> = Some(("Access-Control-Allow-Credentials", b"true"));
        [
            own.map(|origin| ("Access-Control-Allow-Origin", origin)),
            credentials.filter(|_| self.credentials && own.is_some()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{string::String, vec::Vec};

    fn shown(fields: CorsFields<'_>) -> Vec<String> {
        let show = |(name, value): (&str, &[u8])| {
            std::format!("{}: {}", name.trim_start_matches("Access-Control-"), String::from_utf8_lossy(value))
        };
        fields.into_iter().flatten().map(show).collect()
    }

    #[test]
    fn every_kind_of_origin() {
        let list = ["https://a", "http://b:1"];
        let fields = |cors: Cors<'_>, origin: Option<&'static str>| shown(cors.fields(origin.map(str::as_bytes)));
        let none: [&str; 0] = [];
        assert_eq!(fields(Cors::new(Origins::Own), Some("https://a")), none);
        assert_eq!(fields(Cors::new(Origins::Any), Some("https://a")), ["Allow-Origin: *"]);
        assert_eq!(fields(Cors::new(Origins::Any).credentials(), None), ["Allow-Origin: *"]);
        let each = Cors::new(Origins::Each).credentials();
        assert_eq!(fields(each, Some("null")), ["Allow-Origin: null", "Allow-Credentials: true", "Vary: Origin"]);
        let listed = Cors::new(Origins::List(&list));
        assert_eq!(fields(listed, Some("http://b:1")), ["Allow-Origin: http://b:1", "Vary: Origin"]);
        for other in [Some("https://A"), Some("https://a.evil"), None] {
            assert_eq!(fields(listed.credentials(), other), ["Vary: Origin"], "{other:?}");
        }
    }

    #[test]
    fn preflights() {
        assert_eq!(Cors::new(Origins::Own).preflight(Some(b"https://a"), None), None);
        let any = Cors::new(Origins::Any).preflight(Some(b"https://a"), Some(b"x-y")).unwrap();
        assert_eq!(
            shown(any),
            [
                "Allow-Origin: *",
                "Vary: Access-Control-Request-Headers",
                "Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE",
                "Allow-Headers: x-y"
            ]
        );
        let list = ["https://a"];
        let cors = Cors::new(Origins::List(&list)).methods("GET,POST").max_age("600");
        let told = shown(cors.preflight(Some(b"https://a"), Some(b"x-y")).unwrap());
        let vary = "Vary: Origin, Access-Control-Request-Headers";
        assert_eq!(
            told,
            ["Allow-Origin: https://a", vary, "Allow-Methods: GET,POST", "Allow-Headers: x-y", "Max-Age: 600"]
        );
        let told = shown(cors.headers("a,b").preflight(Some(b"https://evil"), Some(b"x-y")).unwrap());
        assert_eq!(told, ["Vary: Origin", "Allow-Methods: GET,POST", "Allow-Headers: a,b", "Max-Age: 600"]);
        let told = shown(cors.preflight(Some(b"https://evil"), Some(b"x-y")).unwrap());
        assert_eq!(told, [vary, "Allow-Methods: GET,POST", "Allow-Headers: x-y", "Max-Age: 600"]);
    }
}
